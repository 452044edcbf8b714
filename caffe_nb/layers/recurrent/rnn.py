"""RNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.layers.recurrent.base import Recurrent
from caffe_nb.ops import recurrent
from caffe_nb.ops.gemm import add_gemm, gemm


@register("RNN")
class RNN(Recurrent):
    """Run a simple recurrent network over time (Caffe's RNN).

    At every time step ``h[t] = tanh(W_xh x[t] + b_h + W_hh (cont[t] * h[t-1]))`` and ``o[t] = tanh(W_ho h[t] + b_o)``.

    Bottoms: the input x, ``(T, N, ...)`` for T time steps of N independent streams; cont, ``(T, N)``, which is 0 at
    the first step of a sequence and 1 where it goes on; perhaps a static input ``(N, ...)``, which is seen at every
    step. With `expose_hidden` also the first state h, ``(1, N, H)``. Tops: all o, ``(T, N, H)``, and with
    `expose_hidden` the last state h.

    Without `expose_hidden` the state goes on from one forward to the next, starting with zeros. `reset` zeroes it.

    Parameter blobs: W_xh ``(H, I)``, b_h ``(H,)``, with a static input W_xh_static ``(H, S)``, then W_hh ``(H, H)``,
    W_ho ``(H, H)`` and b_o ``(H,)``. Parameters of ``recurrent_param``: ``num_output`` (required), H;
    ``weight_filler`` and ``bias_filler`` (default constant 0); ``expose_hidden`` (default false); ``debug_info`` is
    accepted.

    Raises
    ------
    NetError
        At setup, without num_output, or for a number of bottoms and tops that does not go with `expose_hidden`.
    ShapeError
        For bottoms whose time steps, streams or numbers of inputs do not go together.

    Notes
    -----
    Source: Donahue et al., Long-term Recurrent Convolutional Networks, 2015.

    Deviations
    ----------
    With `expose_hidden` the gradient also goes into the first state and comes from the last one; Caffe leaves both
    out. The number of time steps may change, which Caffe refuses. With another number of streams the state starts from
    zeros. `debug_info` prints nothing.
    """

    bottoms_needed = (2, 4)
    tops_allowed = (1, 2)
    states = ("h",)

    def add_recurrent_blobs(self) -> None:
        """Make W_hh, W_ho and b_o."""
        self._add(self._units, self._units)
        self._add(self._units, self._units)
        self._add(self._units)

    def allocate(self, steps: int, streams: int, dtype: np.dtype[Any]) -> None:
        """Make room for the outputs."""
        self._output = Blob(steps, streams, self._units, dtype=dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Run over the time steps."""
        (h_first,) = self._start(bottom)
        within, out, bias = (blob.const_array for blob in self.blobs[self._recurrent :])
        hidden, output = self._hidden.array, self._output.array
        self._input_share(bottom, hidden)
        recurrent.rnn(hidden, within, bottom[1].const_array, h_first)
        rows = gemm(hidden.reshape(-1, self._units), out.T, out=output.reshape(-1, self._units))
        rows += bias
        np.tanh(rows, out=rows)
        top[0].array[...] = output  # a copy: what follows may work in place, and backward needs the outputs
        self._finish((hidden[-1],), top)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Run back over the time steps; add to the parameters' diffs and write the bottoms'."""
        self._refuse_marks(propagate_down)
        cont, y = bottom[1].const_array, self._output.const_array
        index, hidden = self._recurrent, self._hidden.const_array
        within, out, _ = (blob.const_array for blob in self.blobs[index:])
        asked = self.param_propagate_down
        d_out = (top[0].const_diff_array * (1 - y * y)).reshape(-1, self._units)
        if asked[index + 1]:
            add_gemm(d_out.T, hidden.reshape(-1, self._units), self.blobs[index + 1].diff_array)
        if asked[index + 2]:
            self.blobs[index + 2].diff_array += d_out.sum(axis=0)
        dh = gemm(d_out, out).reshape(y.shape)
        dh[-1] += self._last_gradient(top)[0]
        d_share, dh_first = recurrent.rnn_gradient(hidden, within, cont, dh)
        if asked[index]:
            before = recurrent.carried(hidden, self._first[0].const_array, cont).reshape(-1, self._units)
            add_gemm(d_share.reshape(-1, self._units).T, before, self.blobs[index].diff_array)
        self._input_gradient(d_share, propagate_down, bottom)
        self._first_gradient((dh_first,), propagate_down, bottom)
