"""`%caffe_inspect`: open the panel on a net."""

from __future__ import annotations

from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError
from caffe_nb.inspector import session
from caffe_nb.net import Net, live_nets
from caffe_nb.solvers import Solver


def inspect(target: Net | Solver | None = None) -> None:
    """Open the inspector panel on a net; in JupyterLab it appears beside the notebook.

    Parameters
    ----------
    target : Net or Solver, optional
        What to show; by default the newest net for training that is alive, or else the newest.

    Raises
    ------
    TypeError
        When the target is neither a net nor a solver.
    NetError
        When there is no net.
    """
    if target is None:
        nets = live_nets()
        if not nets:
            raise NetError("there is no net to inspect; build one with %%caffe_net or caffe.Net first")
        target = next((net for net in reversed(nets) if net.phase == Phase.TRAIN), nets[-1])
    if not isinstance(target, Net | Solver):
        raise TypeError(f"inspect takes a net or a solver, got {type(target).__name__}")
    session.show(target.net if isinstance(target, Solver) else target)
