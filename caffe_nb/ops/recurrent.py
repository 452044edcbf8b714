"""Recurrent networks over time: the LSTM unit, and LSTM and simple networks from the first time step to the last.

Time is axis 0 and the streams of a batch axis 1, so that a time step is one block of memory. The four gates of an LSTM
stand side by side on the last axis: input, forget, output, and the new value of the cell (i, f, o, g).

`cont` says for each time step and stream how much of the previous state goes on: 1 within a sequence, 0 at its first
step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops import lstm_steps
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.gemm import gemm
from caffe_nb.ops.jit import compiled
from caffe_nb.ops.parallel import one_blas_thread

Array = NDArray[Any]


def lstm_unit(gates: Array, cont: Array, c_before: Array, c: Array, h: Array) -> None:
    """Compute one step of an LSTM: ``c = cont * f * c_before + i * g`` and ``h = o * tanh(c)``.

    Parameters
    ----------
    gates : (N, 4 H) ndarray
        The gates before their nonlinearities; overwritten with i, f and o (sigmoid) and g (tanh).
    cont : (N,) ndarray
        How much of `c_before` goes on.
    c_before : (N, H) ndarray
        The cells of the step before.
    c, h : (N, H) ndarray
        Where to write the cells and the hidden state.
    """
    units = c.shape[1]
    if device.holds(gates):
        launch("recurrent", "lstm_unit", c.size, gates, gates, cont, c_before, c, h, units, False)
        return
    squashed, added = gates[:, : 3 * units], gates[:, 3 * units :]
    np.negative(squashed, out=squashed)
    with np.errstate(over="ignore"):  # 1 / (1 + exp(-x)), as in Caffe: by tanh, a nearly closed gate loses its digits
        np.exp(squashed, out=squashed)
    np.tanh(added, out=added)
    _cells(gates, _read(cont), _read(c_before), gates.dtype.type(1), c)
    np.tanh(c, out=h)
    h *= gates[:, 2 * c.shape[1] : 3 * c.shape[1]]


def lstm_unit_gradient(
    gates: Array, cont: Array, c_before: Array, c: Array, dc: Array, dh: Array, d_gates: Array, dc_before: Array
) -> None:
    """Compute the gradient of `lstm_unit`.

    Parameters
    ----------
    gates : (N, 4 H) ndarray
        The gates as `lstm_unit` left them.
    cont, c_before, c
        As in `lstm_unit`.
    dc, dh : (N, H) ndarray
        The gradient of the cells and of the hidden state.
    d_gates : (N, 4 H) ndarray
        Where to write the gradient of the gates before their nonlinearities.
    dc_before : (N, H) ndarray
        Where to write the gradient of `c_before`; may be `dc`.
    """
    if device.holds(gates):
        below = d_gates, dc_before
        above = gates, cont, c_before, c, dc, dh, dh, cont  # the last two are not looked at
        launch("recurrent", "lstm_unit_gradient", c.size, *above, *below, c.shape[1], False)
        return
    _unit_gradient(_read(gates), _read(cont), _read(c_before), np.tanh(c), _read(dc), _read(dh), d_gates, dc_before)


def lstm(gates: Array, weight: Array, cont: Array, first: tuple[Array, Array], c: Array, h: Array) -> None:
    """Run an LSTM over time.

    Parameters
    ----------
    gates : (T, N, 4 H) ndarray
        What the inputs and biases give to the gates; overwritten with the gates' values.
    weight : (4 H, H) ndarray
        What the hidden state of the step before gives to the gates.
    cont : (T, N) ndarray
        How much of the previous state goes on.
    first : pair of (N, H) ndarrays
        Hidden state and cells before the first step.
    c, h : (T, N, H) ndarray
        Where to write the cells and the hidden states.
    """
    h_before, c_before = first
    if device.holds(gates):
        product = np.empty_like(gates[0])
        for t in range(len(gates)):
            gemm(h_before, weight.T, out=product)
            arrays = gates[t], product, cont[t], c_before, c[t], h[t]
            launch("recurrent", "lstm_unit", c_before.size, *arrays, c.shape[2], True)
            h_before, c_before = h[t], c[t]
        return
    if lstm_steps.pays(gates):
        lstm_steps.forward(gates, weight, cont, first, c, h)
        return
    with one_blas_thread():
        for t in range(len(gates)):
            gates[t] += np.matmul(h_before * cont[t][:, None], weight.T)
            lstm_unit(gates[t], cont[t], c_before, c[t], h[t])
            h_before, c_before = h[t], c[t]


def lstm_gradient(
    gates: Array,
    weight: Array,
    cont: Array,
    c: Array,
    c_first: Array,
    dh: Array,
    last: tuple[Array, Array],
    out: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Compute the gradient of `lstm`.

    Parameters
    ----------
    gates, weight, cont, c
        As `lstm` left them.
    c_first : (N, H) ndarray
        The cells before the first step.
    dh : (T, N, H) ndarray
        The gradient of the hidden states.
    last : pair of (N, H) ndarrays
        What comes to the last hidden state and the last cells beside `dh`.
    out : (T, N, 4 H) ndarray, optional
        Where to write `d_gates`.

    Returns
    -------
    d_gates : (T, N, 4 H) ndarray
        The gradient of the gates before their nonlinearities.
    dh_first, dc_first : (N, H) ndarray
        The gradient of the state before the first step.
    """
    d_gates = np.empty_like(gates) if out is None else out
    if device.holds(gates):
        return d_gates, *_lstm_gradient_on_device(gates, weight, cont, c, c_first, dh, last, d_gates)
    dh_first, dc = last[0].copy(), last[1].copy()
    if lstm_steps.pays(gates):
        lstm_steps.backward(gates, weight, cont, c, c_first, dh, (d_gates, dh_first, dc))
        return d_gates, dh_first, dc
    with one_blas_thread():
        for t in reversed(range(len(gates))):
            above, before = _read(dh[t] + dh_first), _read(c[t - 1] if t else c_first)
            _unit_gradient(_read(gates[t]), _read(cont[t]), before, np.tanh(c[t]), _read(dc), above, d_gates[t], dc)
            np.multiply(np.matmul(d_gates[t], weight), cont[t][:, None], out=dh_first)
    return d_gates, dh_first, dc


def _lstm_gradient_on_device(
    gates: Array,
    weight: Array,
    cont: Array,
    c: Array,
    c_first: Array,
    dh: Array,
    last: tuple[Array, Array],
    d_gates: Array,
) -> tuple[Array, Array]:
    """Do what `lstm_gradient` does, in a kernel and a product for each step; return all but `d_gates`."""
    dh_next, dc = last[0], last[1].copy()
    share, product = np.ones_like(cont[0]), np.empty_like(dc)
    for t in reversed(range(len(gates))):
        above = gates[t], cont[t], c[t - 1] if t else c_first, c[t], dc, dh[t], dh_next, share
        launch("recurrent", "lstm_unit_gradient", dc.size, *above, d_gates[t], dc, c.shape[2], True)
        dh_next, share = gemm(d_gates[t], weight, out=product), cont[t]
    return product * share[:, None], dc


def rnn(h: Array, weight: Array, cont: Array, h_first: Array) -> None:
    """Run a simple recurrent network over time: ``h[t] = tanh(input[t] + weight (cont[t] * h[t - 1]))``.

    Parameters
    ----------
    h : (T, N, H) ndarray
        What the inputs and biases give; overwritten with the hidden states.
    weight : (H, H) ndarray
        What the hidden state of the step before gives.
    cont : (T, N) ndarray
        How much of the previous state goes on.
    h_first : (N, H) ndarray
        Hidden state before the first step.
    """
    before = h_first
    if device.holds(h):
        product = np.empty_like(h[0])
        for t in range(len(h)):
            gemm(before, weight.T, out=product)
            launch("recurrent", "rnn_step", product.size, h[t], product, cont[t], h.shape[2])
            before = h[t]
        return
    for t in range(len(h)):
        h[t] += gemm(before * cont[t][:, None], weight.T)
        np.tanh(h[t], out=h[t])
        before = h[t]


def rnn_gradient(h: Array, weight: Array, cont: Array, dh: Array) -> tuple[Array, Array]:
    """Compute the gradient of `rnn`.

    Parameters
    ----------
    h : (T, N, H) ndarray
        The hidden states.
    weight, cont
        As in `rnn`.
    dh : (T, N, H) ndarray
        The gradient of the hidden states; overwritten with the gradient of what the inputs gave.

    Returns
    -------
    dh : (T, N, H) ndarray
        The array that was given.
    dh_first : (N, H) ndarray
        The gradient of the state before the first step.
    """
    if device.holds(h):
        product, share = np.empty_like(h[0]), cont[-1]
        for t in reversed(range(len(h))):
            arrays = h[t], product, share, dh[t]
            launch("recurrent", "rnn_step_gradient", product.size, *arrays, h.shape[2], t < len(h) - 1)
            gemm(dh[t], weight, out=product)
            share = cont[t]
        return dh, product * share[:, None]
    dh_next = np.zeros_like(h[0])
    for t in reversed(range(len(h))):
        dh[t] += dh_next
        dh[t] *= 1 - h[t] * h[t]
        dh_next = gemm(dh[t], weight)
        dh_next *= cont[t][:, None]
    return dh, dh_next


def carried(h: Array, h_first: Array, cont: Array) -> Array:
    """Return what each step gets of the hidden state before it, ``cont[t] * h[t - 1]``, as ``(T, N, H)``."""
    result = np.empty_like(h)
    np.multiply(h_first, cont[0][:, None], out=result[0])
    np.multiply(h[:-1], cont[1:, :, None], out=result[1:])
    return result


def _read(array: Array) -> Array:
    """Return it read-only: one type for kernels to compile."""
    view = array.view()
    view.flags.writeable = False
    return view


@compiled
def _cells(gates: Any, cont: Any, c_before: Any, one: Any, c: Any) -> None:
    """Make i, f and o of the exponentials of what they were, negated, and the cells of them."""
    streams, units = c.shape
    for n in range(streams):
        for u in range(3 * units):
            gates[n, u] = one / (one + gates[n, u])
        for u in range(units):
            i, f, g = gates[n, u], gates[n, units + u], gates[n, 3 * units + u]
            c[n, u] = f * c_before[n, u] * cont[n] + i * g


@compiled
def _unit_gradient(
    gates: Any, cont: Any, c_before: Any, squashed: Any, dc: Any, dh: Any, d_gates: Any, dc_before: Any
) -> None:
    streams, units = c_before.shape
    one = gates.dtype.type(1)
    kept = np.empty(units, gates.dtype)  # where `dc_before` is `dc`, the loop would be no vector code
    for n in range(streams):
        gate, before, s, d_gate, goes_on = gates[n], c_before[n], squashed[n], d_gates[n], cont[n]
        i_s, f_s, o_s, g_s = gate[:units], gate[units : 2 * units], gate[2 * units : 3 * units], gate[3 * units :]
        di, df, do, dg = d_gate[:units], d_gate[units : 2 * units], d_gate[2 * units : 3 * units], d_gate[3 * units :]
        above, beside = dh[n], dc[n]
        for u in range(np.uintp(units)):
            kept[u] = (one - s[u] * s[u]) * o_s[u] * above[u] + beside[u]
        for u in range(np.uintp(units)):
            di[u] = kept[u] * g_s[u] * i_s[u] * (one - i_s[u])
        for u in range(np.uintp(units)):
            do[u] = above[u] * s[u] * o_s[u] * (one - o_s[u])
        for u in range(np.uintp(units)):
            dg[u] = kept[u] * i_s[u] * (one - g_s[u] * g_s[u])
        for u in range(np.uintp(units)):
            kept[u] = kept[u] * f_s[u] * goes_on
        for u in range(np.uintp(units)):
            df[u] = kept[u] * before[u] * (one - f_s[u])
        for u in range(np.uintp(units)):
            dc_before[n, u] = kept[u]
