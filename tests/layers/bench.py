"""A layer by itself with its bottoms and tops, and the derivative by central differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from numpy.typing import DTypeLike, NDArray

import caffe_nb.layers  # noqa: F401  (makes the types known)
from caffe_nb import rng
from caffe_nb.core import registry
from caffe_nb.core.blob import Blob
from caffe_nb.proto import caffe_pb2
from tests.layers.case import Case

Array = NDArray[Any]

SEED = 7


class Bench:
    """A layer, set up and reshaped as a net does it.

    Parameters
    ----------
    case : its row.
    dtype : float64 unless said otherwise.
    batch : length of axis 0 of the bottoms, when it is another than the row's.
    in_place : whether the top is the bottom.
    """

    def __init__(
        self,
        case: Case,
        folder: Path | None = None,
        dtype: DTypeLike = np.float64,
        batch: int | None = None,
        in_place: bool = False,
    ) -> None:
        self.case = case
        param = text_format.Parse(f'name: "layer" type: "{case.type}" {case.text}', caffe_pb2.LayerParameter())
        self.bottom = [Blob(dtype=dtype) for _ in case.bottoms]
        self.top = self.bottom if in_place else [Blob(dtype=dtype) for _ in range(case.tops)]
        self.feed(batch)
        if case.files is not None:
            assert folder is not None
            case.files(folder)
        rng.set_random_seed(SEED)
        context = registry.Context(phase=case.phase, dtype=np.dtype(dtype), folder=folder)
        self.layer = registry.create(param, context)
        self.layer.setup(self.bottom, self.top)
        if case.prepare is not None:
            case.prepare(self.layer)
        self.layer.param_propagate_down = [True] * len(self.layer.blobs)
        for index, blob in enumerate(self.layer.blobs):
            blob.data = np.random.default_rng(100 + index).standard_normal(blob.shape)
        self.layer.reshape(self.bottom, self.top)
        self.propagate_down = list(
            case.propagate_down or [i not in self.layer.label_bottoms for i in range(len(self.bottom))]
        )

    def feed(self, batch: int | None = None) -> None:
        """Draw the bottoms again, of another batch perhaps."""
        for index, (blob, draw) in enumerate(zip(self.bottom, self.case.bottoms, strict=True)):
            values = draw(index, batch)
            blob.reshape(*values.shape)
            blob.data = values

    def forward(self) -> list[Array]:
        """Reshape, run forward with the same random numbers each time, and return copies of the tops."""
        self.layer.reshape(self.bottom, self.top)
        rng.set_random_seed(SEED)
        self.layer.forward(self.bottom, self.top)
        return [blob.const_data.copy() for blob in self.top]

    def set_top_diffs(self) -> list[Array]:
        """Fill the tops' diffs with random numbers and return copies; those of silent tops must have no effect."""
        draws = [np.random.default_rng(50 + i).uniform(0.5, 1.5, blob.shape) for i, blob in enumerate(self.top)]
        for blob, values in zip(self.top, draws, strict=True):
            blob.diff = values
        return [np.zeros_like(v) if i in self.case.silent_tops else v for i, v in enumerate(draws)]

    def backward(self, propagate_down: list[bool] | None = None) -> list[Array]:
        """Set the tops' diffs, run backward, and return copies of the bottoms' diffs."""
        self.set_top_diffs()
        self.layer.backward(self.top, self.propagate_down if propagate_down is None else propagate_down, self.bottom)
        return [blob.const_diff.copy() for blob in self.bottom]

    def numeric(self, blob: Blob, step: float = 1e-5) -> Array:
        """Return the derivative of the weighted sum of the tops for every value of `blob`."""
        weights = self.set_top_diffs()

        def objective() -> float:
            return sum(float((w * y).sum()) for w, y in zip(weights, self.forward(), strict=True))

        slopes = np.empty(blob.shape)
        for index in np.ndindex(blob.shape):
            before = blob.const_data[index]
            blob.data[index] = before + step
            above = objective()
            blob.data[index] = before - step
            below = objective()
            blob.data[index] = before
            slopes[index] = (above - below) / (2 * step)
        return slopes
