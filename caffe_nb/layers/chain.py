"""Several layers run as one: what all such chains have, and the chain of a convolution or a sum with its ReLU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.layers.activation.relu import ReLU
from caffe_nb.layers.utility.eltwise import Eltwise
from caffe_nb.layers.vision.convolution import Convolution


class LayerChain(Layer):
    """Do the work of layers of which each but the first works in place; they are left as if each had run, bit for bit.

    Between them nothing can be seen but by who listens between layers: they write the same blob.
    """

    length: int
    """How many layers it stands for."""

    def goes_back(self, propagate_down: Sequence[bool]) -> bool:
        """Whether `backward` can be called now, `propagate_down` being that of the first layer."""
        return True


class RectifiedChain(LayerChain):
    """Do the work of a convolution or a sum and the ReLU behind it.

    Parameters
    ----------
    first : Convolution or Eltwise
        The first; an Eltwise that adds.
    relu : ReLU
        The second.
    """

    length: ClassVar[int] = 2  # type: ignore[misc]

    def __init__(self, first: Convolution | Eltwise, relu: ReLU) -> None:
        self.first, self.relu = first, relu
        self.blobs = first.blobs

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> RectifiedChain | None:
        """Return a chain of the first two of these layers, or None when they are of other types.

        Parameters
        ----------
        layers : sequence of Layer
            Each but the first works in place on what that writes.
        """
        first, relu = [*layers, None, None][:2]
        fits = type(first) is Convolution or (type(first) is Eltwise and first.is_plain_sum)
        return cls(first, relu) if fits and type(relu) is ReLU else None  # type: ignore[arg-type]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do what each layer does."""
        self.first.reshape(bottom, top)
        self.relu.reshape(top, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Convolve or add, and rectify."""
        self.first.compute(bottom, top, self.relu.slope)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottoms' diffs, and add to the parameters'."""
        self.first.gradients(top, propagate_down, bottom, self.relu.slope)
