"""Caffe nets in JupyterLab: live Python layers, checked gradients, every blob in view."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from caffe_nb import live as live
    from caffe_nb import zoo as zoo
    from caffe_nb.check import check_layer as check_layer
    from caffe_nb.check import check_net as check_net
    from caffe_nb.check import strict as strict
    from caffe_nb.core.blob import Blob as Blob
    from caffe_nb.core.layer import Layer as Layer
    from caffe_nb.layers.registered import register_layer as register_layer
    from caffe_nb.layers.registered import unregister_layer as unregister_layer
    from caffe_nb.live import reload as reload
    from caffe_nb.live import swaps as swaps
    from caffe_nb.net import Net as Net
    from caffe_nb.notebook import load_ipython_extension as load_ipython_extension
    from caffe_nb.notebook import unload_ipython_extension as unload_ipython_extension
    from caffe_nb.notebook.run import run as run
    from caffe_nb.notebook.view import view as view
    from caffe_nb.ops.parallel import set_threads as set_threads
    from caffe_nb.solvers import AdaDeltaSolver as AdaDeltaSolver
    from caffe_nb.solvers import AdaGradSolver as AdaGradSolver
    from caffe_nb.solvers import AdamSolver as AdamSolver
    from caffe_nb.solvers import NesterovSolver as NesterovSolver
    from caffe_nb.solvers import RMSPropSolver as RMSPropSolver
    from caffe_nb.solvers import SGDSolver as SGDSolver
    from caffe_nb.solvers import Solver as Solver
    from caffe_nb.solvers import get_solver as get_solver
    from caffe_nb.solvers.finite import NonFiniteError as NonFiniteError
    from caffe_nb.solvers.finite import stop_at_nan as stop_at_nan
    from caffe_nb.solvers.rewind import keep_iterations as keep_iterations
    from caffe_nb.solvers.rewind import rewind as rewind
    from caffe_nb.warm import warm_up as warm_up

_HOMES = {
    "AdaDeltaSolver": "solvers",
    "AdaGradSolver": "solvers",
    "AdamSolver": "solvers",
    "Blob": "core.blob",
    "Layer": "core.layer",
    "Net": "net",
    "NesterovSolver": "solvers",
    "NonFiniteError": "solvers.finite",
    "RMSPropSolver": "solvers",
    "SGDSolver": "solvers",
    "Solver": "solvers",
    "check_layer": "check",
    "check_net": "check",
    "get_solver": "solvers",
    "inspect": "notebook.inspect",
    "keep_iterations": "solvers.rewind",
    "load_ipython_extension": "notebook",
    "register_layer": "layers.registered",
    "reload": "live",
    "rewind": "solvers.rewind",
    "run": "notebook.run",
    "set_threads": "ops.parallel",
    "stop_at_nan": "solvers.finite",
    "strict": "check",
    "swaps": "live",
    "unload_ipython_extension": "notebook",
    "unregister_layer": "layers.registered",
    "view": "notebook.view",
    "warm_up": "warm",
}
"""The public names and the modules that they live in; each is imported when it is first asked for."""
_MODULES = ("live", "zoo")
"""Modules that people call by their whole name, as ``caffe_nb.live.versions()``, after ``import caffe_nb`` alone."""

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604  (names, all of them strings)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"caffe_nb.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'caffe_nb' has no attribute {name!r}")
    return getattr(importlib.import_module(f"caffe_nb.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_MODULES])


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab's development tools where the built extension lies."""
    return [{"src": "labextension", "dest": "caffe-nb"}]
