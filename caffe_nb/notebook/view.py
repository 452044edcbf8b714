"""`caffe_nb.view`: a net or a blob, live in a cell's output; a picture where no widget runs."""

from __future__ import annotations

from caffe_nb.core.blob import Blob
from caffe_nb.net import Net
from caffe_nb.solvers import Solver


def view(target: Net | Blob | Solver) -> object:
    """Return a live view for a notebook's output, in JupyterLab, Notebook 7 and VS Code.

    A net shows its graph; a click on a layer shows the layer's tops and parameters, data and diff, as heat maps with
    their figures, which follow the net while they are on screen. A blob shows its own. Where widgets do not run, a
    saved notebook among them, there are a picture and a table.

    Parameters
    ----------
    target : Net, Blob or Solver
        What to show; of a solver, the net that it trains. Only the newest view keeps what it shows alive.

    Returns
    -------
    object
        The view; the last line of a cell shows it.

    Raises
    ------
    TypeError
        For anything else.
    """
    shown = target.net if isinstance(target, Solver) else target
    if not isinstance(shown, Net | Blob):
        raise TypeError(f"view takes a net, a blob or a solver, got {type(target).__name__}")
    try:
        from caffe_nb.notebook.viewer import Viewer
    except ImportError:  # anywidget is not installed: what is shown without it is the picture
        return shown
    return Viewer(shown)
