"""Which blobs of a net were copied between the host and the GPU: a copy that nobody wanted is to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caffe_nb.core.figures import label, table
from caffe_nb.core.memory import Memory

if TYPE_CHECKING:
    from caffe_nb.net.net import Net


@dataclass(frozen=True)
class Transfer:
    """The copies of one memory.

    Attributes
    ----------
    name : str
        Whose: ``conv1``, ``conv1.diff``, ``conv1[0]`` for a parameter. Blobs that share memory have one entry.
    to_device, to_host : int
        How often, since the memory was made.
    nbytes : int
        Of one copy.
    """

    name: str
    to_device: int
    to_host: int
    nbytes: int


class Transfers(list[Transfer]):
    """The copies of a net's blobs and parameters, those that were copied at all, in the net's order.

    Subtract an earlier one to see what was copied between the two.
    """

    @property
    def to_device(self) -> int:
        """How many copies went to the device."""
        return sum(each.to_device for each in self)

    @property
    def to_host(self) -> int:
        """How many copies came to the host."""
        return sum(each.to_host for each in self)

    @property
    def nbytes(self) -> int:
        """Bytes of all copies together."""
        return sum(each.nbytes * (each.to_device + each.to_host) for each in self)

    def __sub__(self, before: Transfers) -> Transfers:
        then = {each.name: each for each in before}
        some = (_less(each, then.get(each.name)) for each in self)
        return Transfers(each for each in some if each.to_device or each.to_host)

    @property
    def message(self) -> str:
        """The sums in one line."""
        if not self:
            return "nothing was copied between host and GPU"
        return f"{self.to_device} copies to the GPU, {self.to_host} to the host, {self.nbytes / 2**20:,.2f} MiB"

    def _rows(self) -> list[list[str]]:
        return [
            [label(each.name, 40), str(each.to_device), str(each.to_host), f"{each.nbytes / 2**20:,.3f}"]
            for each in self
        ]

    def __repr__(self) -> str:
        rows = [f"{name:<42}{there:>8}{back:>8}{size:>12}" for name, there, back, size in self._rows()]
        return "\n".join(
            [self.message, *([f"{'blob':<42}{'to GPU':>8}{'to host':>8}{'MiB each':>12}", *rows] if rows else [])]
        )

    def _repr_html_(self) -> str:
        rows = self._rows()
        return f"<div>{self.message}</div>" + (
            table(["blob", "to GPU", "to host", "MiB each"], rows, words=1) if rows else ""
        )


def of(net: Net) -> Transfers:
    """Return the copies of a net's blobs and parameters since they were made."""
    named: dict[int, tuple[str, Memory]] = {}
    for name, blob in net.blobs.items():
        named.setdefault(id(blob.memory), (name, blob.memory))
        named.setdefault(id(blob.diff_memory), (f"{name}.diff", blob.diff_memory))
    for layer, blobs in net.params.items():
        for index, blob in enumerate(blobs):
            named.setdefault(id(blob.memory), (f"{layer}[{index}]", blob.memory))
            named.setdefault(id(blob.diff_memory), (f"{layer}[{index}].diff", blob.diff_memory))
    return Transfers(
        Transfer(name, memory.mirror.to_device, memory.mirror.to_host, memory.array.nbytes)
        for name, memory in named.values()
        if memory.mirror is not None and (memory.mirror.to_device or memory.mirror.to_host)
    )


def _less(now: Transfer, then: Transfer | None) -> Transfer:
    if then is None:
        return now
    return Transfer(now.name, now.to_device - then.to_device, now.to_host - then.to_host, now.nbytes)
