"""LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.layers.recurrent.base import Recurrent
from caffe_nb.ops import recurrent
from caffe_nb.ops.gemm import add_gemm


@register("LSTM")
class LSTM(Recurrent):
    """Run a long short-term memory over time (Caffe's LSTM).

    With ``h' = cont[t] * h[t-1]`` and ``c' = cont[t] * c[t-1]``, at every time step: the gates
    ``i, f, o = sigmoid(W_xc x[t] + b_c + W_hc h')`` and ``g = tanh(...)`` of the same sum, which are the four parts of
    its 4 H rows in this order; then ``c[t] = f c' + i g`` and ``h[t] = o tanh(c[t])``.

    Bottoms: the input x, ``(T, N, ...)`` for T time steps of N independent streams; cont, ``(T, N)``, which is 0 at
    the first step of a sequence and 1 where it goes on; perhaps a static input ``(N, ...)``, which is seen at every
    step. With `expose_hidden` also the first state h and c, each ``(1, N, H)``. Tops: all h, ``(T, N, H)``, and with
    `expose_hidden` the last state h and c.

    Without `expose_hidden` the state goes on from one forward to the next, starting with zeros. `reset` zeroes it.

    Parameter blobs: W_xc ``(4 H, I)``, b_c ``(4 H,)``, with a static input W_xc_static ``(4 H, S)``, and W_hc
    ``(4 H, H)``. Parameters of ``recurrent_param``: ``num_output`` (required), H; ``weight_filler`` and
    ``bias_filler`` (default constant 0); ``expose_hidden`` (default false); ``debug_info`` is accepted.

    Raises
    ------
    NetError
        At setup, without num_output, or for a number of bottoms and tops that does not go with `expose_hidden`.
    ShapeError
        For bottoms whose time steps, streams or numbers of inputs do not go together.

    Notes
    -----
    Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; Donahue et al., Long-term Recurrent
    Convolutional Networks, 2015.

    Deviations
    ----------
    With `expose_hidden` the gradient also goes into the first state and comes from the last one; Caffe leaves both
    out. The number of time steps may change, which Caffe refuses. With another number of streams the state starts from
    zeros. `debug_info` prints nothing.
    """

    bottoms_needed = (2, 5)
    tops_allowed = (1, 3)
    states = ("h", "c")
    gates = 4

    def add_recurrent_blobs(self) -> None:
        """Make W_hc."""
        self._add(4 * self._units, self._units)

    def allocate(self, steps: int, streams: int, dtype: np.dtype[Any]) -> None:
        """Make room for the cells, the gates and their gradient."""
        self._cells = Blob(steps, streams, self._units, dtype=dtype)
        self._gates = Blob(steps, streams, 4 * self._units, dtype=dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Run over the time steps."""
        first = self._start(bottom)
        gates, cells, hidden = self._gates.array, self._cells.array, self._hidden.array
        self._input_share(bottom, gates)
        weight = self.blobs[self._recurrent].const_array
        recurrent.lstm(gates, weight, bottom[1].const_array, (first[0], first[1]), cells, hidden)
        top[0].array[...] = hidden  # a copy: what follows may work in place, and backward needs the hidden states
        self._finish((hidden[-1], cells[-1]), top)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Run back over the time steps; add to the parameters' diffs and write the bottoms'."""
        self._refuse_marks(propagate_down)
        cont = bottom[1].const_array
        h_first, c_first = (blob.const_array for blob in self._first)
        dh_last, dc_last = self._last_gradient(top)
        index = self._recurrent
        d_gates, dh_first, dc_first = recurrent.lstm_gradient(
            self._gates.const_array,
            self.blobs[index].const_array,
            cont,
            self._cells.const_array,
            c_first,
            top[0].const_diff_array,
            (dh_last, dc_last),
            out=self._gates.diff_array,
        )
        if self.param_propagate_down[index]:
            before = recurrent.carried(self._hidden.const_array, h_first, cont).reshape(-1, self._units)
            add_gemm(d_gates.reshape(-1, 4 * self._units).T, before, self.blobs[index].diff_array)
        self._input_gradient(d_gates, propagate_down, bottom)
        self._first_gradient((dh_first, dc_first), propagate_down, bottom)
