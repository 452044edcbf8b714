"""`share_in_parallel`: one Python data layer for all processes, each of which takes its turn of its batches."""

from __future__ import annotations

import logging

import numpy as np

from caffe_nb.net import Net, Node
from caffe_nb.ranks import Share

log = logging.getLogger("caffe_nb")


class Turns:
    """Lets a layer without bottoms give the batches that one layer, shared by all processes, would give this one.

    In Caffe the processes are threads, which share the layer and run its forward one after the other. Here each process
    has the layer and runs its forward for all, in the same order and with the same random numbers (those of NumPy's
    global generator), and keeps what is its own.

    Parameters
    ----------
    net : Net
        The layer's net.
    node : Node
        The layer.
    share : Share
        Which process this is.
    """

    def __init__(self, net: Net, node: Node, share: Share) -> None:
        self._node = node
        self._before = share.rank  # others' turns before the next one of ours
        self._others = share.size - 1
        self._common = np.random.RandomState(share.seed % 2**32).get_state(legacy=False)
        self._own = self._common
        net.hooks.before_forward.append(self._skip)
        net.hooks.after_forward.append(self._done)

    def _skip(self, index: int) -> None:
        if index != self._node.index:
            return
        self._own = np.random.get_state(legacy=False)
        np.random.set_state(self._common)
        for _ in range(self._before):
            self._node.reshape()
            self._node.layer.forward(self._node.bottoms, self._node.tops)
        self._before = self._others

    def _done(self, index: int) -> None:
        if index == self._node.index:
            self._common = np.random.get_state(legacy=False)
            np.random.set_state(self._own)


def take_turns(net: Net, share: Share) -> list[Turns]:
    """Honour `share_in_parallel` of a net's Python layers.

    A layer with bottoms cannot be shared: it would need the other processes' blobs. It runs in each, and a warning says
    so.
    """
    found = []
    for node in net.nodes:
        if share.alone or not node.is_python or not node.param.python_param.share_in_parallel:
            continue
        if node.bottoms:
            log.warning(
                "share_in_parallel is for layers without bottoms; %s has some and runs in each of the %d processes,"
                " with a state of its own",
                node.where,
                share.size,
            )
        else:
            found.append(Turns(net, node, share))
    return found
