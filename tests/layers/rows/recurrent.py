"""Rows of the layers that carry a state from step to step."""

from __future__ import annotations

import numpy as np

from tests.layers.case import Array, Case, given, normal

CONT = given([[0, 0, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 1, 0]])
"""Five steps of three streams; every stream begins at the first step, so that nothing comes from the pass before."""

BETWEEN = given([[0, 0.5, 1], [1, 0.25, 1], [1, 1, 0.75], [0, 1, 1], [1, 1, 0]])
"""What goes on may also fade."""

X = normal(5, 3, 4)
FIRST = normal(1, 3, 2)
FILLERS = 'weight_filler { type: "gaussian" std: 0.1 } bias_filler { type: "constant" value: 0.5 }'


def sigmoid(x: Array) -> Array:
    y: Array = 1 / (1 + np.exp(-x))
    return y


def unit(c: Array, gates: Array, cont: Array) -> tuple[Array, Array]:
    """One step of an LSTM, by its definition."""
    i, f, o, g = np.split(gates, 4, axis=-1)
    c = cont[..., None] * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return c, sigmoid(o) * np.tanh(c)


def lstm(x: Array, cont: Array, *rest: Array, static: bool = False, exposed: bool = False) -> tuple[Array, ...]:
    """The definition, step by step, from zeros or from the state that is given."""
    extra, rest = (rest[0], rest[1:]) if static else (None, rest)
    units = rest[-1].shape[1]
    h = c = np.zeros((x.shape[1], units))
    if exposed:
        (h, c), rest = (rest[0][0], rest[1][0]), rest[2:]
    w, b, *w_static, within = rest
    outputs = []
    for step, go_on in zip(x, cont, strict=True):
        gates = step.reshape(len(step), -1) @ w.T + b + (go_on[:, None] * h) @ within.T
        if extra is not None:
            gates = gates + extra.reshape(len(extra), -1) @ w_static[0].T
        c, h = unit(c, gates, go_on)
        outputs.append(h)
    return (np.stack(outputs), h[None], c[None]) if exposed else (np.stack(outputs),)


def rnn(x: Array, cont: Array, *rest: Array, static: bool = False, exposed: bool = False) -> tuple[Array, ...]:
    """The definition, step by step, from zeros or from the state that is given."""
    extra, rest = (rest[0], rest[1:]) if static else (None, rest)
    h = np.zeros((x.shape[1], rest[-1].shape[0]))
    if exposed:
        h, rest = rest[0][0], rest[1:]
    w, b, *w_static, within, w_out, b_out = rest
    outputs = []
    for step, go_on in zip(x, cont, strict=True):
        total = step.reshape(len(step), -1) @ w.T + b + (go_on[:, None] * h) @ within.T
        if extra is not None:
            total = total + extra.reshape(len(extra), -1) @ w_static[0].T
        h = np.tanh(total)
        outputs.append(np.tanh(h @ w_out.T + b_out))
    return (np.stack(outputs), h[None]) if exposed else (np.stack(outputs),)


LSTMS = [
    Case(
        "LSTM",
        "plain",
        f"recurrent_param {{ num_output: 2 {FILLERS} }}",
        (X, CONT),
        shapes=((5, 3, 2),),
        reference=lstm,
        other_batch=False,
    ),
    Case(
        "LSTM",
        "inputs of several axes and a static one",
        "recurrent_param { num_output: 2 debug_info: true }",
        (normal(5, 3, 2, 2), CONT, normal(3, 2, 1)),
        reference=lambda *a: lstm(*a, static=True),
        other_batch=False,
    ),
    Case(
        "LSTM",
        "exposed",
        "recurrent_param { num_output: 2 expose_hidden: true }",
        (X, BETWEEN, FIRST, FIRST),
        tops=3,
        shapes=((5, 3, 2), (1, 3, 2), (1, 3, 2)),
        reference=lambda *a: lstm(*a, exposed=True),
        other_batch=False,
    ),
    Case(
        "LSTM",
        "exposed and static",
        "recurrent_param { num_output: 2 expose_hidden: true }",
        (X, BETWEEN, normal(3, 5), FIRST, FIRST),
        tops=3,
        reference=lambda *a: lstm(*a, static=True, exposed=True),
        other_batch=False,
    ),
    Case(
        "LSTM",
        "gradient of the first state only",
        "recurrent_param { num_output: 2 expose_hidden: true }",
        (X, BETWEEN, normal(3, 5), FIRST, FIRST),
        tops=3,
        propagate_down=(False, False, False, True, True),
        other_batch=False,
    ),
    Case(
        "LSTM",
        "one step of one stream",
        "recurrent_param { num_output: 3 }",
        (normal(1, 1, 2), given([[0]])),
        reference=lstm,
        other_batch=False,
    ),
]

RNNS = [
    Case(
        "RNN",
        "plain",
        f"recurrent_param {{ num_output: 2 {FILLERS} }}",
        (X, CONT),
        shapes=((5, 3, 2),),
        reference=rnn,
        other_batch=False,
    ),
    Case(
        "RNN",
        "inputs of several axes and a static one",
        "recurrent_param { num_output: 2 debug_info: true }",
        (normal(5, 3, 2, 2), CONT, normal(3, 2, 1)),
        reference=lambda *a: rnn(*a, static=True),
        other_batch=False,
    ),
    Case(
        "RNN",
        "exposed",
        "recurrent_param { num_output: 2 expose_hidden: true }",
        (X, BETWEEN, FIRST),
        tops=2,
        shapes=((5, 3, 2), (1, 3, 2)),
        reference=lambda *a: rnn(*a, exposed=True),
        other_batch=False,
    ),
    Case(
        "RNN",
        "exposed and static",
        "recurrent_param { num_output: 2 expose_hidden: true }",
        (X, BETWEEN, normal(3, 5), FIRST),
        tops=2,
        reference=lambda *a: rnn(*a, static=True, exposed=True),
        other_batch=False,
    ),
]

UNITS = [
    Case(
        "LSTMUnit",
        "plain",
        "",
        (normal(1, 3, 2), normal(1, 3, 8), given([[0, 1, 1]])),
        tops=2,
        shapes=((1, 3, 2), (1, 3, 2)),
        reference=unit,
        other_batch=False,
    ),
    Case(
        "LSTMUnit",
        "a memory that fades",
        "",
        (normal(1, 3, 2), normal(1, 3, 8), given([[0, 0.5, 0.9]])),
        tops=2,
        reference=unit,
        other_batch=False,
    ),
    Case(
        "LSTMUnit",
        "gradient of the gates only",
        "",
        (normal(1, 3, 2), normal(1, 3, 8), given([[0, 1, 1]])),
        tops=2,
        propagate_down=(False, True, False),
        other_batch=False,
    ),
]

ROWS = [*LSTMS, *RNNS, *UNITS]
