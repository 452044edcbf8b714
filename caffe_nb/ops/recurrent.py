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

from caffe_nb.ops.gemm import gemm

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
    squashed = gates[:, : 3 * units]
    np.negative(squashed, out=squashed)
    with np.errstate(
        over="ignore"
    ):  # 1 / (1 + exp(-x)), as in Caffe: by tanh, a nearly closed gate would lose its digits
        np.exp(squashed, out=squashed)
    squashed += 1
    np.reciprocal(squashed, out=squashed)
    i, f, o, g = _four(gates)
    np.tanh(g, out=g)
    np.multiply(f, c_before, out=c)
    c *= cont[:, None]
    np.multiply(i, g, out=h)
    c += h
    np.tanh(c, out=h)
    h *= o


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
    i, f, o, g = _four(gates)
    d_i, d_f, d_o, d_g = _four(d_gates)
    squashed = np.tanh(c)
    np.multiply(dh, squashed, out=d_o)
    d_o *= o
    d_o *= 1 - o
    total = 1 - squashed * squashed
    total *= o
    total *= dh
    total += dc
    np.multiply(total, g, out=d_i)
    d_i *= i
    d_i *= 1 - i
    np.multiply(total, i, out=d_g)
    d_g *= 1 - g * g
    total *= f
    total *= cont[:, None]
    np.multiply(total, c_before, out=d_f)
    d_f *= 1 - f
    dc_before[...] = total


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
    for t in range(len(gates)):
        gates[t] += gemm(h_before * cont[t][:, None], weight.T)
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

    Returns
    -------
    d_gates : (T, N, 4 H) ndarray
        The gradient of the gates before their nonlinearities.
    dh_first, dc_first : (N, H) ndarray
        The gradient of the state before the first step.
    """
    d_gates = np.empty_like(gates)
    dh_next, dc = last[0], last[1].copy()
    for t in reversed(range(len(gates))):
        lstm_unit_gradient(gates[t], cont[t], c[t - 1] if t else c_first, c[t], dc, dh[t] + dh_next, d_gates[t], dc)
        dh_next = gemm(d_gates[t], weight)
        dh_next *= cont[t][:, None]
    return d_gates, dh_next, dc


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


def _four(gates: Array) -> tuple[Array, Array, Array, Array]:
    """Return views of i, f, o and g."""
    units = gates.shape[1] // 4
    return gates[:, :units], gates[:, units : 2 * units], gates[:, 2 * units : 3 * units], gates[:, 3 * units :]
