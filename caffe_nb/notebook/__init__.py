"""What a person meets in a notebook: `%load_ext caffe_nb` and what it switches on."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from caffe_nb import live
from caffe_nb.errors import CaffeError
from caffe_nb.notebook.arguments import cell_name, show_error
from caffe_nb.notebook.magics import CaffeMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_loaded: weakref.WeakKeyDictionary[Any, CaffeMagics] = weakref.WeakKeyDictionary()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics, watch the files of live layers, take up re-run cells, and greet the panel.

    Parameters
    ----------
    shell : InteractiveShell
        IPython's shell; in a terminal everything works but the panel.
    """
    if shell in _loaded:
        return
    magics = CaffeMagics(shell)
    _loaded[shell] = magics
    shell.register_magics(magics)
    shell.Completer.custom_matchers.append(magics.matcher)
    shell.events.register("pre_run_cell", magics.before_cell)
    shell.events.register("post_run_cell", magics.after_cell)
    shell.set_custom_exc((CaffeError,), show_error)
    live.on_swap.append(magics.on_save)
    live.name_cells(cell_name)
    live.start_watching()
    if getattr(shell, "kernel", None) is not None:
        from caffe_nb.notebook import comm

        comm.announce()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Undo what `load_ipython_extension` switched on; nets and the panel stay."""
    magics = _loaded.pop(shell, None)
    if magics is None:
        return
    shell.set_custom_exc((), None)
    shell.Completer.custom_matchers.remove(magics.matcher)
    shell.events.unregister("pre_run_cell", magics.before_cell)
    shell.events.unregister("post_run_cell", magics.after_cell)
    for names in magics.magics.values():
        for name in names:
            shell.magics_manager.magics["line"].pop(name, None)
            shell.magics_manager.magics["cell"].pop(name, None)
    live.on_swap.remove(magics.on_save)
    live.stop_watching()
