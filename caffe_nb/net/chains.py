"""Chains: layers that are run as one while nobody looks in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from caffe_nb.core.layer import Layer
from caffe_nb.layers.chain import LayerChain, RectifiedChain
from caffe_nb.layers.normalization.chain import NormChain
from caffe_nb.net.build import Node
from caffe_nb.net.stale import clock


class Chain(Node):
    """Several layers in their places, as one.

    Parameters
    ----------
    members : sequence of Node
        The layers in order: each works in place on the top of the first.
    layer : LayerChain
        Does the work of all of them.
    place : Node
        The one of them whose name and index it goes by: which the pass comes upon first.
    """

    def __init__(self, members: Sequence[Node], layer: LayerChain, place: Node) -> None:
        first = members[0]
        super().__init__(place.index, place.name, layer, place.param, place.where, place.line)
        self.bottoms, self.tops, self.bottom_labels = first.bottoms, first.tops, first.bottom_labels
        self.propagate_down, self.needs_backward = first.propagate_down, first.needs_backward
        self.members, self.chain = list(members), layer
        self.indices = tuple(member.index for member in members)
        self.look()
        self.layout = -1  # the reshape of its layers is still due

    def look(self) -> bool:
        """Do what a node does; it is never plain, so that `tried` is called."""
        changed = super().look()
        self.plain = False
        return changed

    def tried(self, *methods: str) -> None:
        """Take note that methods of all of them ran through."""
        if "forward" in methods:
            for member in self.members:
                member.ran, member.changed = clock(), False


class Chains:
    """The chains of a net.

    Parameters
    ----------
    nodes : sequence of Node
        All its layers, in order.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._forward: dict[int, Chain] = {}
        self._backward: dict[int, Chain] = {}
        for node in nodes:
            members = _in_place(nodes, node)
            chain = _chain_of([member.layer for member in members], keep=node.needs_backward)
            if chain is not None:
                members = members[: chain.length]
                self._forward[members[0].index] = Chain(members, chain, members[0])
                self._backward[members[-1].index] = Chain(members, chain, members[-1])

    def __bool__(self) -> bool:
        return bool(self._forward)

    def forward(self, nodes: Sequence[Node], watched: Callable[[], bool]) -> Iterator[Node]:
        """Yield what is to be run for these layers: themselves, or a node that stands for several of them.

        Parameters
        ----------
        nodes : sequence of Node
            The layers of a pass, in its order.
        watched : callable
            Says before each chain whether somebody looks in between now.
        """
        return _steps(nodes, self._forward, lambda _chain: not watched())

    def backward(self, nodes: Sequence[Node], watched: Callable[[], bool]) -> Iterator[Node]:
        """Do so for a backward pass."""
        return _steps(
            nodes, self._backward, lambda chain: chain.chain.goes_back(chain.propagate_down) and not watched()
        )


def _chain_of(layers: Sequence[Layer], *, keep: bool) -> LayerChain | None:
    return NormChain.of(layers, keep=keep) or RectifiedChain.of(layers)


def _steps(nodes: Sequence[Node], chains: dict[int, Chain], free: Callable[[Chain], bool]) -> Iterator[Node]:
    place = 0
    while place < len(nodes):
        chain = chains.get(nodes[place].index)
        if chain is not None:
            count = len(chain.members)
            part = sorted(nodes[place : place + count], key=lambda node: node.index)
            if part == chain.members and free(chain):
                yield chain
                place += count
                continue
        yield nodes[place]
        place += 1


def _in_place(nodes: Sequence[Node], first: Node) -> list[Node]:
    """Return a layer and those that follow it in place, of whose work only what the last one leaves can be seen."""
    members: list[Node] = []
    for node in nodes[first.index : first.index + 3]:
        in_place = node is first or node.bottoms == first.tops == node.tops
        asked = node is first or all(node.propagate_down) >= node.needs_backward
        alike = asked and node.needs_backward == first.needs_backward
        if len(node.tops) != 1 or any(node.loss_weights) or not (in_place and alike):
            break
        members.append(node)
    return members
