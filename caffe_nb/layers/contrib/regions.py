"""What the layers that pool regions ask of their bottoms."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.errors import ShapeError


def check_regions(bottom: Sequence[Blob]) -> None:
    """Refuse bottoms that are not features (N, C, H, W) and regions of five numbers.

    Raises
    ------
    ShapeError
        With what was expected and got.
    """
    features, regions = (blob.shape for blob in bottom)
    if len(features) != 4:
        raise ShapeError(f"the features must be (N, C, H, W), got {features}")
    if len(regions) < 2 or regions[1:] != (5, *(1,) * (len(regions) - 2)):
        raise ShapeError(f"regions have five numbers each, (image, x1, y1, x2, y2): (R, 5); got {regions}")


def check_unchanged(bottom: Sequence[Blob], top: Sequence[Blob], shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse a backward of blobs that were reshaped after the layer's own reshape.

    Raises
    ------
    ShapeError
        With both shapes.
    """
    for what, blobs, then in (("bottom", bottom, shapes[: len(bottom)]), ("top", top, shapes[len(bottom) :])):
        for index, (blob, shape) in enumerate(zip(blobs, then, strict=True)):
            if blob.shape != shape:
                raise ShapeError(
                    f"{what} {index} has shape {blob.shape} and had {shape} in forward; run forward before backward"
                )
