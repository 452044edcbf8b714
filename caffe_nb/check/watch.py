"""The contract watched in every pass of every net: whose memory a Python layer writes."""

from __future__ import annotations

import weakref
from zlib import crc32

import numpy as np

from caffe_nb.check.run import GARBAGE
from caffe_nb.core.blob import Array, Blob
from caffe_nb.errors import NetError
from caffe_nb.net import Net, Node, live_nets, on_made

_watches: weakref.WeakKeyDictionary[Net, _Watch] = weakref.WeakKeyDictionary()
_on = False


class ContractError(NetError):
    """A Python layer wrote what is not its own, or left out what is."""


def strict(on: bool | None = None) -> bool:
    """Say whether every Python layer is watched in every pass; off at first, since it costs a sum over its blobs.

    A layer that changes its bottoms or its tops' diffs, leaves elements of its tops unwritten, or writes the diff of a
    bottom for which `propagate_down` is false, stops the pass with a `ContractError`.

    Parameters
    ----------
    on : bool, optional
        The new setting; none leaves it as it is.

    Returns
    -------
    bool
        The setting.
    """
    global _on
    if on is not None and on != _on:
        _on = on
        if on:
            on_made.append(_watch)
            for net in live_nets():
                _watch(net)
        else:
            on_made.remove(_watch)
            for watch in list(_watches.values()):
                watch.close()
            _watches.clear()
    return _on


def _watch(net: Net) -> None:
    _watches[net] = _Watch(net)


class _Watch:
    """The hooks on one net."""

    def __init__(self, net: Net) -> None:
        self._net = weakref.ref(net)
        self._sums: dict[tuple[str, int], int] = {}
        hooks = net.hooks
        hooks.before_forward.append(self.before_forward)
        hooks.after_forward.append(self.after_forward)
        hooks.before_backward.append(self.before_backward)
        hooks.after_backward.append(self.after_backward)

    def close(self) -> None:
        """Take the hooks off."""
        net = self._net()
        if net is not None:
            hooks = net.hooks
            hooks.before_forward.remove(self.before_forward)
            hooks.after_forward.remove(self.after_forward)
            hooks.before_backward.remove(self.before_backward)
            hooks.after_backward.remove(self.after_backward)

    def before_forward(self, index: int) -> None:
        """Note what the bottoms hold, and let what is not written show."""
        node = self._node(index)
        if not node.is_python:
            return
        self._sums = {("bottom", i): _sum(bottom.const_data) for i, bottom in _apart(node.bottoms, node.tops, "data")}
        for _, top in _apart(node.tops, node.bottoms, "data"):
            top.data[...] = GARBAGE[0]

    def after_forward(self, index: int) -> None:
        """Compare."""
        node = self._node(index)
        if not node.is_python:
            return
        for i, bottom in _apart(node.bottoms, node.tops, "data"):
            if self._sums.get(("bottom", i)) != _sum(bottom.const_data):
                raise ContractError(
                    f"forward changed bottom[{i}] ('{node.bottom_labels[i]}'), which other layers read too; work on a"
                    " copy: bottom[i].data.copy()",
                    where=node.where,
                )
        for i, top in _apart(node.tops, node.bottoms, "data"):
            left = np.count_nonzero(top.const_data == np.asarray(GARBAGE[0], top.dtype))
            if left:
                raise ContractError(
                    f"forward left {left} of {top.count} elements of top[{i}] ('{node.top_names[i]}') unwritten, so"
                    " that they keep what an earlier batch left there",
                    where=node.where,
                )

    def before_backward(self, index: int) -> None:
        """Note what is not to be written."""
        node = self._node(index)
        if not node.is_python:
            return
        self._sums = {("top", i): _sum(top.const_diff) for i, top in _apart(node.tops, node.bottoms, "diff")}
        for i, bottom in _apart(node.bottoms, node.tops, "diff"):
            if not node.propagate_down[i]:
                self._sums["bottom", i] = _sum(bottom.const_diff)

    def after_backward(self, index: int) -> None:
        """Compare."""
        node = self._node(index)
        if not node.is_python:
            return
        for (what, i), before in self._sums.items():
            blob = (node.tops if what == "top" else node.bottoms)[i]
            if _sum(blob.const_diff) == before:
                continue
            if what == "top":
                message = f"backward changed the diff of top[{i}], which belongs to the layer above; work on a copy"
            else:
                message = f"backward wrote the diff of bottom[{i}] although propagate_down[{i}] is false"
            raise ContractError(message, where=node.where)

    def _node(self, index: int) -> Node:
        net = self._net()
        assert net is not None
        return net.nodes[index]


def _apart(blobs: list[Blob], others: list[Blob], part: str) -> list[tuple[int, Blob]]:
    """Return the blobs, with their places, that share their data or diff with none of the others."""
    shares = Blob.shares_data if part == "data" else Blob.shares_diff
    return [(i, blob) for i, blob in enumerate(blobs) if not any(shares(blob, other) for other in others)]


def _sum(array: Array) -> int:
    return crc32(array.tobytes())
