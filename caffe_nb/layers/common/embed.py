"""Embed: a learned vector for each of a set of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.ops.gather import Rows, add_rows, row_numbers


@register("Embed")
class Embed(Layer):
    """Look up a learned vector for each number, such as a word's place in a dictionary.

    The same as an InnerProduct of one-hot vectors, without making them. Bottom: whole numbers (as float) from 0 to
    ``input_dim - 1``, any shape. Top: the bottom's shape with an axis of ``num_output`` after it. Parameters: the
    vectors, (input_dim, num_output), and, with ``bias_term``, the bias (num_output,). The bottom has no gradient.

    Parameters of ``embed_param``: ``num_output`` and ``input_dim`` (both needed), ``bias_term`` (default true),
    ``weight_filler`` and ``bias_filler`` (default constant 0).

    Raises
    ------
    NetError
        At setup, when num_output or input_dim is not given; at forward, for a number that has no vector or is not
        whole; at backward, when a gradient for the bottom is asked for.

    Notes
    -----
    Equals Caffe's Embed layer.

    Deviations
    ----------
    Numbers that are not whole, and those of no vector, are refused, as by Caffe's debug build; its release build reads
    beyond the vectors.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    label_bottoms = (0,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make and fill the parameters."""
        param = self.layer_param.embed_param
        for name in ("num_output", "input_dim"):
            if getattr(param, name) < 1:
                raise NetError(f"embed_param: {name} must be at least 1, got {getattr(param, name)}")
        fill(self.blobs.add_blob(param.input_dim, param.num_output), param.weight_filler)
        if param.bias_term:
            fill(self.blobs.add_blob(param.num_output), param.bias_filler)
        self.param_propagate_down = [True] * len(self.blobs)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape."""
        top[0].reshape(*bottom[0].shape, self.blobs[0].shape[1])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the vectors."""
        vectors, y = self.blobs[0].const_array, top[0].array
        np.take(vectors, self._numbers(bottom[0]), axis=0, out=y, mode="clip")  # "raise" would go through a copy
        if len(self.blobs) > 1:
            y += self.blobs[1].const_array

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the parameters' diffs."""
        if propagate_down[0]:
            raise NetError("the numbers that Embed looks up have no gradient; set propagate_down: false for them")
        rows = top[0].const_diff_array.reshape(-1, self.blobs[0].shape[1])
        if self.param_propagate_down[0]:
            add_rows(rows, self._numbers(bottom[0]).reshape(-1), self.blobs[0].diff_array)
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            self.blobs[1].diff_array += rows.sum(axis=0)

    def _numbers(self, bottom: Blob) -> Rows:
        return row_numbers(bottom.const_array, len(self.blobs[0].const_array), "bottom[0]", whole=True)
