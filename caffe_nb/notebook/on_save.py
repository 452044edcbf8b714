"""Checking the gradients of a layer after each edit of its code, where that is wanted."""

from __future__ import annotations

from caffe_nb import live
from caffe_nb.check import check_node
from caffe_nb.net import Net, live_nets

SECONDS = 2.0
"""About how long the check of an edited layer may take."""


class CheckOnSave:
    """A listener of swaps: checks the edited layers of one net that is at rest and ran before.

    Attributes
    ----------
    on : bool
        Whether it does so; off at first.
    lines : list of str
        What the checks said; who shows them empties it.
    """

    def __init__(self) -> None:
        self.on = False
        self.lines: list[str] = []

    def __call__(self, swap: live.Swap) -> None:
        """Check what an accepted edit changed."""
        if not (self.on and swap.ok and swap.classes):
            return
        nets = {net.id: net for net in live_nets()}
        places = [(nets[net_id], index) for net_id, index in swap.nets if net_id in nets]
        ran = [(net, index) for net, index in places if net.nodes[index].ran and net.nodes[index].needs_backward]
        first = next((net for net, _ in ran), None)
        for net, index in ran:
            if net is first:
                self._check(net, index)

    def _check(self, net: Net, index: int) -> None:
        name = net.nodes[index].name
        if not net.lock.acquire(timeout=0.02):
            self.lines.append(f"{name}: not checked, its net is running")
            return
        try:
            self.lines.append(f"{name}: {check_node(net, index, seconds=SECONDS).message}")
        except Exception as error:  # the new code's own: told, as nobody called it
            self.lines.append(f"{name}: {type(error).__name__} in the gradient check: {error}")
        finally:
            net.lock.release()
