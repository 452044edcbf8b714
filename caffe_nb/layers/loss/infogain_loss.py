"""InfogainLoss: the logarithmic loss of scores, with a weight for each pair of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.data.paths import find
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.loss.multinomial_logistic_loss import LEAST_PROBABILITY
from caffe_nb.layers.loss.normalization import divisor, loss_weight, mode
from caffe_nb.layers.loss.shapes import one_label_a_position, same_first_axis
from caffe_nb.ops.labels import class_labels
from caffe_nb.ops.softmax import softmax
from caffe_nb.proto import binary


@register("InfogainLoss")
class InfogainLoss(Layer):
    """Compute the mean of ``-sum_l H[label, l] * log(softmax(scores)[l])``; with H the identity, SoftmaxWithLoss.

    Bottoms: scores, with the C classes along ``axis``; labels, a class number (as float) for every class vector; and,
    unless ``source`` names a file, the matrix H, C * C values in any shape, a row for each label. Tops: the loss, a
    scalar (0-d), weighted by 1 unless ``loss_weight`` says otherwise; and, if a second one is named, the probabilities,
    of the scores' shape. Only the scores get a gradient, and only from the loss.

    Parameters of ``infogain_loss_param``: ``axis`` (default 1); ``source``, a .binaryproto file with H, looked for in
    the working directory and beside the net, and not read where there is a third bottom. ``loss_param``:
    ``ignore_label`` (no default: a label whose positions count for nothing); ``normalization`` (default VALID), what
    the sum is divided by: ``VALID`` the positions that are not ignored, ``FULL`` all positions, ``BATCH_SIZE`` the
    product of the axes before the class axis, ``NONE`` nothing, ``PRE_FIXED`` (of R-FCN's fork)
    ``pre_fixed_normalizer``.

    Raises
    ------
    NetError
        At setup, without H, or for the older ``normalize``; at forward, for a label that is no class; at backward, when
        a gradient for labels or H is asked for.
    FormatError
        At setup, for a source that is no array.
    ShapeError
        At reshape, when the batches differ, there is not one label a class vector, or H has not C * C values.

    Notes
    -----
    Equals Caffe's InfogainLoss layer (master of 2020, which takes scores; in Caffe 1.0rc it took probabilities).
    Probabilities count as at least 1e-20, and the divisor as at least 1.

    Deviations
    ----------
    A second top, the probabilities, can be built; Caffe refuses the net. A label that is no class is refused, where
    Caffe reads beyond the scores.
    """

    bottoms_needed = (2, 3)
    tops_allowed = (1, 2)
    auto_tops = True
    default_loss_weight = 1.0
    label_bottoms = (1, 2)
    inexact = "forward takes a probability below 1e-20 for 1e-20, backward does not"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters, and the matrix where it comes from a file."""
        param = self.layer_param.loss_param
        if param.HasField("normalize"):
            raise NetError("InfogainLoss does not take the older normalize; use normalization: VALID or BATCH_SIZE")
        self._ignore = param.ignore_label if param.HasField("ignore_label") else None
        self._normalization = mode(param, param.VALID)
        self._matrix = None if len(bottom) > 2 else self._read()
        self._probabilities = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that scores, labels and matrix fit; the first top is a scalar, the second has the scores' shape."""
        axis = self._axis = bottom[0].axis(self.layer_param.infogain_loss_param.axis)
        same_first_axis(bottom)
        self._folded = one_label_a_position(bottom, axis)
        classes = self._folded[1]
        shape = bottom[2].shape if self._matrix is None else self._matrix.shape
        if np.prod(shape, dtype=np.int64) != classes * classes:
            where = "bottom[2]" if self._matrix is None else f"the matrix in '{self._source}'"
            raise ShapeError(
                f"the infogain matrix must have a row and a column for each of the {classes} classes along axis {axis} "
                f"of bottom[0] {bottom[0].shape}, so {classes} x {classes} values; {where} has shape {shape}"
            )
        top[0].reshape()
        self._probabilities.reshape_like(bottom[0])
        if len(top) > 1:
            top[1].reshape_like(bottom[0])
            top[1].share_data(self._probabilities)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities where they are asked for."""
        weights, counted = self._weights(bottom)
        p = top[1].array if len(top) > 1 else self._probabilities.array
        softmax(bottom[0].const_array, self._axis, out=p)
        logarithms = np.log(np.maximum(p.reshape(self._folded), LEAST_PROBABILITY))
        losses = np.einsum("oci,oci->oi", weights, logarithms)
        total = (losses if counted is None else np.where(counted, losses, 0)).sum()
        top[0].array[...] = -total / self._divisor(counted)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write ``(probabilities * sum(H[label]) - H[label]) * loss weight / divisor``, 0 for an ignored label."""
        if any(propagate_down[1:]):
            raise NetError("labels and infogain matrix have no gradient; set propagate_down: false for them")
        if not propagate_down[0]:
            return
        out = bottom[0].diff_array.reshape(self._folded)
        weights, counted = self._weights(bottom)
        np.multiply(self._probabilities.const_array.reshape(self._folded), weights.sum(axis=1, keepdims=True), out=out)
        out -= weights
        out *= loss_weight(top[0]) / self._divisor(counted)
        if counted is not None:
            np.copyto(out, 0, where=~counted[:, None, :])

    def _read(self) -> Blob:
        self._source = self.layer_param.infogain_loss_param.source
        if not self._source:
            raise NetError(
                "there is no infogain matrix: give it as a third bottom, or name a file with "
                'infogain_loss_param { source: "H.binaryproto" }'
            )
        path = find(self._source, [self.folder], "the infogain matrix")
        values = binary.blob_to_array(binary.read_blob(path))
        matrix = Blob(*values.shape, dtype=self.dtype)
        matrix.data = values
        return matrix

    def _weights(self, bottom: Sequence[Blob]) -> tuple[Array, Array | None]:
        """Return the matrix's row for each position's label, (outer, classes, inner), and which positions count."""
        outer, classes, inner = self._folded
        labels, counted = class_labels(bottom[1].const_array, classes, self._ignore)
        matrix = (bottom[2] if self._matrix is None else self._matrix).const_array
        rows: Array = matrix.reshape(classes, classes)[labels.reshape(outer, inner)]
        return np.moveaxis(rows, -1, 1), None if counted is None else counted.reshape(outer, inner)

    def _divisor(self, counted: Array | None) -> Any:
        fixed = self.layer_param.loss_param.pre_fixed_normalizer
        return divisor(self._normalization, self._folded[0], self._folded[2], counted, fixed)
