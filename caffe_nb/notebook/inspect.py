"""`%caffe_inspect`: open the panel on a net."""

from __future__ import annotations

from caffe_nb.errors import NetError
from caffe_nb.inspector import session
from caffe_nb.net import Net, live_nets
from caffe_nb.solvers import Solver


def inspect(target: Net | Solver | None = None) -> None:
    """Open the inspector panel on a net; in JupyterLab it appears beside the notebook.

    Parameters
    ----------
    target : Net or Solver, optional
        What to show; the newest net that is alive by default.

    Raises
    ------
    NetError
        When there is no net.
    """
    if target is None:
        nets = live_nets()
        if not nets:
            raise NetError("there is no net to inspect; build one with %%caffe_net or caffe.Net first")
        target = nets[-1]
    session.show(target.net if isinstance(target, Solver) else target)
