"""Live layers: an edit of a Python layer's code reaches the nets that run it.

Notes
-----
An edit is compared by its text, run in its module's own namespace, and moved into the classes and functions that exist,
at a point where none of the nets concerned is at work. What fails is taken back whole and the old code runs on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from caffe_nb.core.layer import Layer
from caffe_nb.errors import LayerNotFoundError, NetError, did_you_mean, listing
from caffe_nb.layers.utility import python
from caffe_nb.live import report, users
from caffe_nb.live.host import Host
from caffe_nb.live.param_str import set_param_str
from caffe_nb.live.past import Version, diff
from caffe_nb.live.swap import Swap
from caffe_nb.live.together import Together
from caffe_nb.live.watcher import Watcher

__all__ = [
    "Swap",
    "Version",
    "adopt_cell_classes",
    "autorun",
    "diff",
    "layer_classes",
    "look",
    "name_cells",
    "on_swap",
    "reload",
    "roll_back",
    "set_param_str",
    "start_watching",
    "stop_watching",
    "swaps",
    "together",
    "versions",
]

_host = Host()
together = Together(_host)
"""Edits where several processes run the same net."""
_watcher = Watcher(_host)

on_swap: list[Callable[[Swap], object]] = _host.on_swap
"""Called with every swap, accepted or refused."""


def reload(timeout: float = 10.0) -> list[Swap]:
    """Take up all pending edits of the live layers' modules now, whether watched or not.

    Parameters
    ----------
    timeout : float, default 10
        Seconds to wait for a running solver to come to a point between two iterations.

    Returns
    -------
    list of Swap
        One for each layer class that changed, and the refusals that stand.
    """
    return _host.reload(timeout)


def versions(layer: type[Layer] | Layer | str) -> list[Version]:
    """Return the versions of a Python layer's code, oldest first; the last one runs.

    Parameters
    ----------
    layer : type, Layer or str
        The class, a layer of it, or its name.

    Raises
    ------
    LayerNotFoundError
        When no net uses such a layer.
    """
    return _host.versions(_class_of(layer))


def roll_back(layer: type[Layer] | Layer | str | None = None, version: int | None = None, timeout: float = 10) -> Swap:
    """Let an older version of a Python layer's code run again.

    The files stay as they are: what they hold runs again after their next save.

    Parameters
    ----------
    layer : type, Layer or str, optional
        The class, a layer of it, or its name; the one that changed last by default.
    version : int, optional
        The version to go back to; by default the last one whose code is another.
    timeout : float, default 10
        Seconds to wait for a running solver to come to a point between two iterations.

    Returns
    -------
    Swap
        What became of it; a new version, with the old code.

    Raises
    ------
    LayerNotFoundError
        When no net uses such a layer.
    NetError
        When there is no such version, or it runs already.
    """
    if layer is None:
        changed = [cls for swap in _host.swaps() for cls in swap.classes]
        if not changed:
            raise NetError("no layer changed yet; there is nothing to go back from")
        layer = changed[-1]
    return _host.roll_back(_class_of(layer), version, timeout)


def autorun(on: bool | None = None) -> bool:
    """Say whether nets run at once what an edit made stale; off at first.

    Parameters
    ----------
    on : bool, optional
        The new setting; none leaves it as it is.

    Returns
    -------
    bool
        The setting.
    """
    if on is not None:
        _host.autorun = on
    return _host.autorun


def layer_classes() -> dict[str, type[Layer]]:
    """Return the Python layers' classes that live nets use, by name."""
    return {cls.__qualname__: cls for cls in users.live_classes()}


def _class_of(layer: type[Layer] | Layer | str) -> type[Layer]:
    if isinstance(layer, Layer):
        layer = type(layer)
    known = layer_classes()
    if isinstance(layer, type) and python.code_of(layer) is not None:
        return layer
    name = layer if isinstance(layer, str) else layer.__qualname__
    if name not in known:
        raise LayerNotFoundError(
            f"no net has a Python layer of class '{name}'.{did_you_mean(name, known)} There are: {listing(known)}"
        )
    return known[name]


def swaps() -> list[Swap]:
    """Return every swap so far, accepted or refused, oldest first."""
    return _host.swaps()


def look() -> None:
    """Take up the edits that need not wait for a running net; a forward that ran by hand keeps none waiting."""
    _host.take_up_quietly(patient=False)


def name_cells(how: Callable[[Path], str]) -> None:
    """Set how refusals name a cell: `how` gets a file name and returns "" for what is no cell."""
    report.cell_name = how


def adopt_cell_classes(namespace: dict[str, Any]) -> list[Swap]:
    """Move layer classes that a cell defined anew into the ones that live layers have, and rebind their names.

    Parameters
    ----------
    namespace : dict
        The notebook's namespace, after the cell.

    Returns
    -------
    list of Swap
        What changed; empty also where a running solver takes it up later.
    """
    return _host.adopt_cell(namespace)


def start_watching() -> None:
    """Watch the files of all Python layers from now on; their edits are taken up by themselves."""
    _watcher.start()


def stop_watching() -> None:
    """Stop watching; `reload` still takes edits up."""
    _watcher.stop()


def _before_make() -> None:
    if python.python_classes():
        _host.take_up_quietly()


def _after_make(_layer: object) -> None:
    _host.sources()
    _watcher.look()


python.before_make.append(_before_make)
python.after_make.append(_after_make)
