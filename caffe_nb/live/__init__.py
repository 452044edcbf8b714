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

from caffe_nb.layers.utility import python
from caffe_nb.live import edit
from caffe_nb.live.host import Host
from caffe_nb.live.swap import Swap
from caffe_nb.live.watcher import Watcher

__all__ = ["Swap", "adopt_cell_classes", "name_cells", "on_swap", "reload", "start_watching", "stop_watching", "swaps"]

_host = Host()
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


def swaps() -> list[Swap]:
    """Return every swap so far, accepted or refused, oldest first."""
    return _host.swaps()


def name_cells(how: Callable[[Path], str]) -> None:
    """Set how refusals name a cell: `how` gets a file name and returns "" for what is no cell."""
    edit.cell_name = how


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
