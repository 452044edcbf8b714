"""BatchNorm with the Scale and the ReLU that work in place behind it, in one pass over memory each way."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.core.layer import Layer
from caffe_nb.layers.activation.relu import ReLU
from caffe_nb.layers.chain import LayerChain
from caffe_nb.layers.normalization.batch_norm import BatchNorm
from caffe_nb.layers.normalization.scale import Scale
from caffe_nb.ops.batch_norm import Tail


class NormChain(LayerChain):
    """Do the work of two or three layers. The Scale keeps no copy of its bottom, as the BatchNorm has that already.

    Parameters
    ----------
    norm, scale : BatchNorm, Scale
        The first two.
    relu : ReLU or None
        The third.
    keep : bool
        Whether a backward can follow.
    """

    def __init__(self, norm: BatchNorm, scale: Scale, relu: ReLU | None, *, keep: bool) -> None:
        self.norm, self.scale, self.relu = norm, scale, relu
        self.length = 2 if relu is None else 3
        self._keep = keep
        self.blobs = BlobVec(norm.dtype)
        self.blobs += [*norm.blobs, *scale.blobs]

    @classmethod
    def of(cls, layers: Sequence[Layer], *, keep: bool) -> NormChain | None:
        """Return a chain of the first layers of these, each of which works in place on what the first one writes.

        Parameters
        ----------
        layers : sequence of Layer
            At least one.
        keep : bool
            Whether a backward can follow.

        Returns
        -------
        NormChain or None
            None when they are of other types, or the Scale's factors do not belong to the channels.
        """
        norm, scale, relu = [*layers, None, None, None][:3]
        if type(norm) is not BatchNorm or type(scale) is not Scale:
            return None
        param = scale.layer_param.scale_param
        if param.axis != 1 or param.num_axes != 1:
            return None
        return cls(norm, scale, relu if type(relu) is ReLU else None, keep=keep)

    def goes_back(self, propagate_down: Sequence[bool]) -> bool:
        """Whether `backward` can be called: for the bottom's diff too, after a forward of the chain."""
        return self._keep and all(propagate_down) and self.scale.kept.has_lent(self.norm.normalized)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do what each layer does."""
        self.norm.reshape(bottom, top)
        self.scale.reshape(top, top)
        if self.relu is not None:
            self.relu.reshape(top, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Normalize, scale and rectify."""
        self.norm.normalize(bottom[0], top[0], self._tail(), keep=self._keep)
        self.scale.kept.lend(self.norm.normalized)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff, and add to the Scale's."""
        if bottom[0].count:
            self.scale.add_gradients(*self.norm.gradient(top[0], bottom[0], self._tail()))

    def _tail(self) -> Tail:
        slope = None if self.relu is None else self.relu.slope
        return Tail(self.scale.blobs[0].const_array, self.scale.bias, slope)
