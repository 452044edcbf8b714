"""Rows of the layers that combine all of their inputs."""

from __future__ import annotations

from tests.layers.case import Case, given, labels, normal

ROWS = [
    Case(
        "InnerProduct",
        "plain",
        "inner_product_param { num_output: 4 }",
        (normal(2, 3, 2, 2),),
        shapes=((2, 4),),
        reference=lambda x, w, b: x.reshape(2, 12) @ w.T + b,
    ),
    Case(
        "InnerProduct",
        "no bias",
        "inner_product_param { num_output: 4 bias_term: false }",
        (normal(5, 3),),
        reference=lambda x, w: x @ w.T,
    ),
    Case(
        "InnerProduct",
        "axis 2",
        "inner_product_param { num_output: 4 axis: 2 }",
        (normal(2, 3, 5),),
        shapes=((2, 3, 4),),
        reference=lambda x, w, b: x @ w.T + b,
    ),
    Case(
        "InnerProduct",
        "last axis, transposed",
        "inner_product_param { num_output: 4 axis: -1 transpose: true }",
        (normal(2, 3, 5),),
        reference=lambda x, w, b: x @ w + b,
    ),
    Case(
        "Embed",
        "plain",
        "embed_param { num_output: 5 input_dim: 9 }",
        (labels(9, 3, 4),),
        shapes=((3, 4, 5),),
        reference=lambda x, w, b: w[x.astype(int)] + b,
    ),
    Case(
        "Embed",
        "no bias, a number several times",
        'embed_param { num_output: 2 input_dim: 3 bias_term: false weight_filler { type: "uniform" } }',
        (given([2, 2, 0, 2]),),
        shapes=((4, 2),),
        other_batch=False,
        reference=lambda x, w: w[[2, 2, 0, 2]],
    ),
]
