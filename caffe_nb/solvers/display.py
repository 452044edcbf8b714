"""A solver in a notebook's output: how far it is, and with what settings it trains which net."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from caffe_nb.core.figures import table

if TYPE_CHECKING:
    from caffe_nb.solvers.base import Solver


def solver_html(solver: Solver) -> str:
    """Return iteration, loss, learning rate and nets of a solver as HTML that stands alone; names are escaped."""
    param = solver.param
    rows = [
        ("iteration", f"{solver.iter:,} of {param.max_iter:,}" if param.max_iter else f"{solver.iter:,}"),
        ("loss", f"{solver.loss:.6g}" if math.isfinite(solver.loss) or solver.iter else "not run yet"),
        ("learning rate", f"{solver.lr:.4g} ({param.lr_policy})"),
        ("net", repr(solver.net).strip("<>")),
        *((f"test net {index}", repr(net).strip("<>")) for index, net in enumerate(solver.test_nets)),
    ]
    state = "running" if solver.running else "idle"
    return (
        f"<div style='font-size:13px'><div><b>{escape(type(solver).__name__)}</b> {state}</div>"
        f"{table((), rows, words=2)}</div>"
    )
