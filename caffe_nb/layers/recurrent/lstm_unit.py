"""LSTMUnit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops.recurrent import lstm_unit, lstm_unit_gradient

Array = NDArray[Any]


@register("LSTMUnit")
class LSTMUnit(Layer):
    """Compute one time step of an LSTM without its weights (Caffe's LSTMUnit, of which its LSTM is made).

    Bottoms: the cells of the step before ``(1, N, H)``; the gates before their nonlinearities ``(1, N, 4 H)``, in the
    order i, f, o, g; cont ``(1, N)``, 0 where a sequence begins and 1 where it goes on. Tops, each ``(1, N, H)``: the
    cells ``c = cont * sigmoid(f) * c_before + sigmoid(i) * tanh(g)``, and the hidden state
    ``h = sigmoid(o) * tanh(c)``. No parameters.

    Raises
    ------
    ShapeError
        At reshape, for bottoms of other shapes.

    Notes
    -----
    Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997.

    Deviations
    ----------
    Where cont is neither 0 nor 1 the gradient of the forget gate is its derivative; Caffe takes the slope at the gate
    times cont.
    """

    bottoms_needed = (3, 3)
    tops_allowed = (2, 2)
    label_bottoms = (2,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Start without gates."""
        self._gates = Blob(0, dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms and give the tops their shapes."""
        cells = bottom[0].shape
        if len(cells) != 3 or cells[0] != 1:
            raise ShapeError(f"bottom[0], the cells, must be (1, streams, units), got shape {cells}")
        for index, what, shape in ((1, "gates", (1, cells[1], 4 * cells[2])), (2, "sequence marks", cells[:2])):
            if bottom[index].shape != shape:
                raise ShapeError(
                    f"bottom[{index}], the {what}, must be {shape} to go with the cells of shape {cells}, got"
                    f" {bottom[index].shape}"
                )
        for blob in top:
            blob.reshape(*cells)
        if self._gates.dtype != bottom[1].dtype:
            self._gates = Blob(0, dtype=bottom[1].dtype)
        self._gates.reshape(*bottom[1].shape[1:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the cells and the hidden state."""
        gates, tops = self._gates.array, [blob.array[0] for blob in top]
        gates[...] = bottom[1].const_array[0]
        lstm_unit(gates, bottom[2].const_array[0], bottom[0].const_array[0], *tops)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the gradient of the cells before and of the gates."""
        if propagate_down[2]:
            raise NetError("where sequences go on (bottom[2]) has no gradient; set propagate_down: false for it")
        if not any(propagate_down[:2]):
            return
        cells, gates = bottom[0].shape[1:], self._gates.const_array
        lstm_unit_gradient(
            gates,
            bottom[2].const_array[0],
            bottom[0].const_array[0],
            top[0].const_array[0],
            top[0].const_diff_array[0],
            top[1].const_diff_array[0],
            bottom[1].diff_array[0] if propagate_down[1] else np.empty_like(gates),
            bottom[0].diff_array[0] if propagate_down[0] else self.xp.empty(cells, self.dtype),
        )
