"""Rows of the layers that move, join and share blobs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.layers.case import Array, Case, distinct, given, normal, positive

X = (2, 3, 4, 5)


def _eltwise(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *xs: function(np.stack(xs))


ROWS = [
    Case(
        "Concat",
        "channels",
        bottoms=(normal(2, 3, 4, 5), normal(2, 1, 4, 5), normal(2, 2, 4, 5)),
        shapes=((2, 6, 4, 5),),
        reference=lambda *xs: np.concatenate(xs, 1),
    ),
    Case(
        "Concat",
        "last axis",
        "concat_param { axis: -1 }",
        (normal(2, 3, 4), normal(2, 3, 1)),
        reference=lambda *xs: np.concatenate(xs, 2),
    ),
    Case(
        "Concat",
        "batch by the older name",
        "concat_param { concat_dim: 0 }",
        (normal(2, 3), normal(2, 3)),
        shapes=((4, 3),),
        reference=lambda *xs: np.concatenate(xs, 0),
    ),
    Case(
        "Concat",
        "not every bottom",
        bottoms=(normal(2, 3), normal(2, 4)),
        propagate_down=(False, True),
        reference=lambda *xs: np.concatenate(xs, 1),
    ),
    Case("Concat", "one bottom", bottoms=(normal(2, 3, 4),), shapes=((2, 3, 4),), reference=lambda x: x),
    Case(
        "Eltwise",
        "sum",
        bottoms=(normal(*X), normal(*X), normal(*X)),
        shapes=(X,),
        reference=_eltwise(lambda xs: xs.sum(0)),
    ),
    Case(
        "Eltwise",
        "weighted sum",
        "eltwise_param { coeff: 2 coeff: -0.5 }",
        (normal(*X), normal(*X)),
        reference=lambda a, b: 2 * a - 0.5 * b,
    ),
    Case(
        "Eltwise",
        "product",
        "eltwise_param { operation: PROD }",
        (normal(*X), normal(*X), normal(*X)),
        reference=_eltwise(lambda xs: xs.prod(0)),
    ),
    Case(
        "Eltwise",
        "product with the fast gradient",
        "eltwise_param { operation: PROD stable_prod_grad: false }",
        (positive(*X), positive(*X), positive(*X)),
        reference=_eltwise(lambda xs: xs.prod(0)),
    ),
    Case(
        "Eltwise",
        "maximum",
        "eltwise_param { operation: MAX }",
        (distinct(2, 12), given(np.linspace(-1, 1, 24).reshape(2, 12)), given(np.full((2, 12), 0.01))),
        other_batch=False,
        reference=_eltwise(lambda xs: xs.max(0)),
    ),
    Case("Flatten", "plain", bottoms=(normal(*X),), shapes=((2, 60),), reference=lambda x: x.reshape(len(x), -1)),
    Case(
        "Flatten",
        "inner axes",
        "flatten_param { axis: 1 end_axis: -2 }",
        (normal(*X),),
        shapes=((2, 12, 5),),
        reference=lambda x: x.reshape(len(x), 12, 5),
    ),
    Case(
        "Flatten",
        "everything",
        "flatten_param { axis: 0 }",
        (normal(*X),),
        shapes=((120,),),
        reference=lambda x: x.reshape(-1),
    ),
    Case("Split", "two", bottoms=(normal(*X),), tops=2, shapes=(X, X), reference=lambda x: (x, x)),
    Case("Split", "three", bottoms=(normal(4, 3),), tops=3, reference=lambda x: (x, x, x)),
    Case("Split", "one", bottoms=(normal(4, 3),), reference=lambda x: x),
    Case("Silence", "two bottoms", bottoms=(normal(*X), normal(3)), tops=0, shapes=()),
]
