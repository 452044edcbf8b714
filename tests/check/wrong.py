"""Wrong layers, at least three for each kind of mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_nb.core.layer import Layer

Method = Callable[..., object]
X = (6, 5)


def made(forward: Method, backward: Method, **more: Any) -> type[Layer]:
    """A layer of functions: ``forward(self, x, top)``, ``backward(self, d, x, bottom, flags)``."""

    class Made(Layer):
        def setup(self, bottom, top):
            if "setup" in more:
                more["setup"](self, bottom)

        def reshape(self, bottom, top):
            top[0].reshape(*more.get("shape", lambda b: b[0].shape)(bottom))

        def forward(self, bottom, top):
            forward(self, bottom, top)

        def backward(self, top, propagate_down, bottom):
            backward(self, top, bottom, propagate_down)

    return Made


def put(blob: str, expression: str, operator: str = "=") -> Method:
    """A method that writes one blob: ``put("top[0].data", "bottom[0].data ** 2")``."""
    text = f"def method(self, {'bottom, top' if blob.startswith('top') else 'top, bottom, flags'}):\n"
    text += f"    {blob}[...] {operator} {expression}\n"
    space: dict[str, Any] = {"np": np}
    exec(text, space)
    method: Method = space["method"]
    return method


def several(*methods: Method) -> Method:
    def all_of_them(*arguments: Any) -> None:
        for method in methods:
            method(*arguments)

    return all_of_them


def data(expression: str) -> Method:
    return put("top[0].data", re.sub(r"\bx\b", "bottom[0].data", expression))


def diff(expression: str, operator: str = "=") -> Method:
    text = re.sub(r"\bd\*", "top[0].diff*", re.sub(r"\bx\b", "bottom[0].data", expression))
    return put("bottom[0].diff", text, operator)


def loss(bottoms: Any) -> tuple[int, ...]:
    return (1,)


def weights(self: Any, bottom: Any) -> None:
    self.blobs.add_blob(4, bottom[0].shape[1])
    self.blobs.add_blob(4)
    self.blobs[0].data[...] = np.random.default_rng(3).normal(size=self.blobs[0].shape)
    self.blobs[1].data[...] = np.random.default_rng(4).normal(size=4)


LINEAR = {"setup": weights, "shape": lambda bottom: (bottom[0].shape[0], 4)}
DENSE = put("top[0].data", "bottom[0].data @ self.blobs[0].data.T + self.blobs[1].data")
INTO_BOTTOM = put("bottom[0].diff", "top[0].diff @ self.blobs[0].data")
INTO_WEIGHT = put("self.blobs[0].diff", "top[0].diff.T @ bottom[0].data", "+=")
INTO_BIAS = put("self.blobs[1].diff", "top[0].diff.sum(axis=0)", "+=")


def dense(*backward: Method) -> type[Layer]:
    return made(DENSE, several(*backward), **LINEAR)


def keep(name: str, expression: str, condition: str = "True") -> Method:
    space: dict[str, Any] = {"np": np}
    exec(f"def method(self, bottom, top):\n    if {condition}:\n        self.{name} = {expression}\n", space)
    method: Method = space["method"]
    return method


SQUARE, SQUARED = data("x**2"), diff("d* 2*x")
ONCE = "not hasattr(self, 'kept')"

WRONG: list[tuple[str, str, type[Layer], list[Any]]] = [
    # sign
    ("sign", "bottom[0]", made(SQUARE, diff("d* -2*x")), [X]),
    ("sign", "bottom[0]", made(data("np.exp(-x)"), diff("d* np.exp(-x)")), [X]),
    (
        "sign",
        "param[1]",
        dense(INTO_BOTTOM, INTO_WEIGHT, put("self.blobs[1].diff", "-top[0].diff.sum(axis=0)", "+=")),
        [X],
    ),
    (
        "sign",
        "bottom[1]",
        made(
            put("top[0].data", "bottom[0].data - bottom[1].data"),
            several(diff("d* 1"), put("bottom[1].diff", "top[0].diff")),
        ),
        [X, X],
    ),
    # scale
    ("scale", "bottom[0]", made(SQUARE, diff("d* x")), [X]),
    ("scale", "bottom[0]", made(data("(x**2).sum() / len(x)"), diff("d* 2*x"), shape=loss), [X]),
    ("scale", "bottom[0]", made(data("(x**2).sum()"), diff("d* 2*x / len(x)"), shape=loss), [X]),
    (
        "scale",
        "param[0]",
        dense(INTO_BOTTOM, put("self.blobs[0].diff", "top[0].diff.T @ bottom[0].data / 6", "+="), INTO_BIAS),
        [X],
    ),
    # transposed
    ("transposed", "bottom[0]", made(SQUARE, diff("(d* 2*x).T")), [(5, 5)]),
    ("transposed", "bottom[0]", made(SQUARE, diff("(d* 2*x).T.reshape(6, 5)")), [X]),
    (
        "transposed",
        "param[0]",
        dense(INTO_BOTTOM, put("self.blobs[0].diff", "(top[0].diff.T @ bottom[0].data).T", "+="), INTO_BIAS),
        [(6, 4)],
    ),
    (
        "transposed",
        "param[0]",
        dense(
            INTO_BOTTOM, put("self.blobs[0].diff", "(bottom[0].data.T @ top[0].diff).reshape(4, 5)", "+="), INTO_BIAS
        ),
        [X],
    ),
    # shifted
    ("shifted", "bottom[0]", made(SQUARE, diff("np.roll(d* 2*x, 1, axis=0)")), [X]),
    ("shifted", "bottom[0]", made(SQUARE, diff("np.roll(d* 2*x, -1, axis=1)")), [X]),
    ("shifted", "bottom[0]", made(SQUARE, diff("np.roll(d* 2*x, 2, axis=0)")), [X]),
    (
        "shifted",
        "bottom[0]",
        made(
            put("top[0].data", "bottom[0].data * bottom[1].data**2"),
            several(
                put("bottom[0].diff", "top[0].diff * 2 * bottom[0].data * bottom[1].data"),
                put("bottom[1].diff", "top[0].diff * bottom[1].data**2"),
            ),
        ),
        [X, X],
    ),
    # zero
    ("zero", "bottom[0]", made(SQUARE, diff("0")), [X]),
    ("zero", "param[1]", dense(INTO_BOTTOM, INTO_WEIGHT), [X]),
    ("zero", "bottom[0]", made(data("np.where(x > 0, x, 0.1*x)"), diff("d* (x > 0)")), [X]),
    # not written
    ("not-written", "bottom[0]", made(SQUARE, lambda *_: None), [X]),
    (
        "not-written",
        "bottom[0]",
        made(SQUARE, put("bottom[0].diff[:3]", "(top[0].diff * 2 * bottom[0].data)[:3]")),
        [X],
    ),
    (
        "not-written",
        "bottom[1]",
        made(
            put("top[0].data", "bottom[0].data * bottom[1].data"), put("bottom[0].diff", "top[0].diff * bottom[1].data")
        ),
        [X, X],
    ),
    # ignores the top's diff
    ("ignores-top-diff", "bottom[0]", made(SQUARE, diff("2*x")), [X]),
    ("ignores-top-diff", "bottom[0]", made(data("(x**2).sum()"), diff("2*x"), shape=loss), [X]),
    (
        "ignores-top-diff",
        "param[0]",
        dense(INTO_BOTTOM, put("self.blobs[0].diff", "np.ones((4, 6)) @ bottom[0].data", "+="), INTO_BIAS),
        [X],
    ),
    # accumulates
    ("accumulates-bottom-diff", "bottom[0]", made(SQUARE, diff("d* 2*x", "+=")), [X]),
    ("accumulates-bottom-diff", "bottom[0]", made(data("(x**2).sum()"), diff("d* 2*x", "+="), shape=loss), [X]),
    (
        "accumulates-bottom-diff",
        "bottom[0]",
        dense(put("bottom[0].diff", "top[0].diff @ self.blobs[0].data", "+="), INTO_WEIGHT, INTO_BIAS),
        [X],
    ),
    # overwrites
    (
        "overwrites-param-diff",
        "param[0]",
        dense(INTO_BOTTOM, put("self.blobs[0].diff", "top[0].diff.T @ bottom[0].data"), INTO_BIAS),
        [X],
    ),
    (
        "overwrites-param-diff",
        "param[1]",
        dense(INTO_BOTTOM, INTO_WEIGHT, put("self.blobs[1].diff", "top[0].diff.sum(axis=0)")),
        [X],
    ),
    (
        "overwrites-param-diff",
        "param[0]",
        dense(
            INTO_BOTTOM,
            put("self.blobs[0].diff", "top[0].diff.T @ bottom[0].data"),
            put("self.blobs[1].diff", "top[0].diff.sum(axis=0)"),
        ),
        [X],
    ),
    # mutates its bottom
    (
        "mutates-bottom",
        "bottom[0]",
        made(
            several(keep("x", "bottom[0].data.copy()"), SQUARE, lambda s, b, t: b[0].data.fill(1)),
            put("bottom[0].diff", "top[0].diff * 2 * self.x"),
        ),
        [X],
    ),
    (
        "mutates-bottom",
        "bottom[0]",
        made(
            several(keep("x", "bottom[0].data"), lambda s, b, t: s.x.__isub__(s.x.max()), data("np.exp(x)")),
            diff("d* np.exp(x) * 0"),
        ),
        [X],
    ),
    (
        "mutates-bottom",
        "bottom[1]",
        made(
            several(put("top[0].data", "bottom[0].data * 2"), lambda s, b, t: b[1].data.fill(0)),
            several(put("bottom[0].diff", "top[0].diff * 2"), put("bottom[1].diff", "0")),
        ),
        [X, X],
    ),
    # mutates its top's diff
    (
        "mutates-top-diff",
        "top[0]",
        made(
            SQUARE, several(lambda s, t, b, f: t[0].diff.__imul__(b[0].data * 2), put("bottom[0].diff", "top[0].diff"))
        ),
        [X],
    ),
    ("mutates-top-diff", "top[0]", made(SQUARE, several(SQUARED, lambda s, t, b, f: t[0].diff.fill(0))), [X]),
    (
        "mutates-top-diff",
        "top[0]",
        dense(INTO_BOTTOM, INTO_WEIGHT, INTO_BIAS, lambda s, t, b, f: t[0].diff.__iadd__(1)),
        [X],
    ),
    # tops not written
    (
        "top-not-written",
        "top[0]",
        made(
            put("top[0].data[:3]", "bottom[0].data[:3]**2"),
            several(diff("0"), put("bottom[0].diff[:3]", "(top[0].diff * 2 * bottom[0].data)[:3]")),
        ),
        [X],
    ),
    ("top-not-written", "top[0]", made(lambda *_: None, diff("0")), [X]),
    ("top-not-written", "top[0]", made(put("top[0].data", "bottom[0].data**2", "+="), SQUARED), [X]),
    # stale state
    (
        "stale-state",
        "",
        made(
            several(keep("kept", "bottom[0].data > 0", ONCE), data("np.maximum(x, 0)")),
            put("bottom[0].diff", "top[0].diff * self.kept"),
        ),
        [X],
    ),
    (
        "stale-state",
        "",
        made(
            several(keep("kept", "bottom[0].data.copy()", ONCE), SQUARE),
            put("bottom[0].diff", "top[0].diff * 2 * self.kept"),
        ),
        [X],
    ),
    (
        "stale-state",
        "",
        made(
            several(keep("kept", "bottom[1].data.copy()", ONCE), put("top[0].data", "bottom[0].data * bottom[1].data")),
            several(
                put("bottom[0].diff", "top[0].diff * self.kept"), put("bottom[1].diff", "top[0].diff * bottom[0].data")
            ),
        ),
        [X, X],
    ),
    # nondeterministic
    (
        "nondeterministic",
        "",
        made(lambda s, b, t: t[0].data.__setitem__(..., b[0].data * np.random.default_rng().random(X)), diff("d* 1")),
        [X],
    ),
    (
        "nondeterministic",
        "",
        made(lambda s, b, t: t[0].data.__setitem__(..., b[0].data + np.random.default_rng().random()), diff("d* 1")),
        [X],
    ),
    (
        "nondeterministic",
        "",
        made(
            lambda s, b, t: t[0].data.__setitem__(..., b[0].data * (np.random.default_rng().random(X) > 0.5)),
            diff("d* 1"),
        ),
        [X],
    ),
    # not finite
    ("non-finite", "bottom[0]", made(SQUARE, diff("d* 2*x / 0")), [X]),
    ("non-finite", "bottom[0]", made(data("np.sqrt(x)"), diff("d* 0.5 / np.sqrt(x)")), [X]),
    (
        "non-finite",
        "bottom[0]",
        made(SQUARE, several(SQUARED, lambda s, t, b, f: b[0].diff.__setitem__((1, 2), np.nan))),
        [X],
    ),
    # no pattern
    ("wrong", "bottom[0]", made(SQUARE, diff("d* 3*x**2")), [X]),
    ("wrong", "bottom[0]", made(data("np.tanh(x)"), diff("d* (1 - np.tanh(x))")), [X]),
    (
        "wrong",
        "bottom[0]",
        made(
            data("np.exp(x) / np.exp(x).sum(1, keepdims=True)"), diff("d* np.exp(x) / np.exp(x).sum(1, keepdims=True)")
        ),
        [X],
    ),
]
IGNORES = [
    (
        "ignores-propagate-down",
        "bottom[1]",
        made(
            put("top[0].data", "bottom[0].data + bottom[1].data"),
            several(diff("d* 1"), put("bottom[1].diff", "top[0].diff")),
        ),
        [X, X],
    ),
    (
        "ignores-propagate-down",
        "bottom[1]",
        made(
            put("top[0].data", "bottom[0].data - bottom[1].data"),
            several(diff("d* 1"), put("bottom[1].diff", "-top[0].diff")),
        ),
        [X, X],
    ),
    (
        "ignores-propagate-down",
        "bottom[1]",
        made(
            put("top[0].data", "bottom[0].data * bottom[1].data"),
            several(put("bottom[0].diff", "top[0].diff * bottom[1].data"), put("bottom[1].diff", "0")),
        ),
        [X, X],
    ),
]
