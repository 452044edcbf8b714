"""What the rows of the layers that combine all of their inputs do not show."""

from __future__ import annotations

import numpy as np

from tests.layers.bench import Bench
from tests.layers.case import Case, given


def test_embed_looks_at_the_numbers_that_are_there_as_in_caffe() -> None:
    text = "embed_param { num_output: 2 input_dim: 3 }"
    bench = Bench(Case("Embed", "no forward", text, (given([1, 1]),)))
    bench.backward()
    wanted = np.zeros((3, 2))
    wanted[1] = bench.top[0].const_diff.sum(axis=0)
    np.testing.assert_allclose(bench.layer.blobs[0].const_diff, wanted)
