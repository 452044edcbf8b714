"""Images are brought to other sizes as OpenCV does it (figures made with it: tests/golden/files/resample.npz)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caffe_nb.data.resample import Interpolation, resample

Array = NDArray[Any]

with np.load(Path(__file__).parent.parent / "golden" / "files" / "resample.npz") as stored:
    OPENCV: dict[str, Array] = {name: stored[name] for name in stored.files}

IMAGE = OPENCV["image"]  # (23, 31, 3)
EXACT = (Interpolation.LINEAR, Interpolation.NEAREST)


@pytest.mark.parametrize("size", [(11, 14), (40, 47), (10, 60)], ids=["shrunk", "grown", "both"])
@pytest.mark.parametrize("interpolation", Interpolation, ids=lambda mode: mode.name)
def test_resampling_gives_opencvs_values(interpolation: Interpolation, size: tuple[int, int]) -> None:
    wanted = OPENCV["_".join(map(str, (interpolation.name, *size)))]
    image = resample(IMAGE, *size, interpolation)
    assert image.dtype == np.uint8
    difference = np.abs(image.astype(int) - wanted)
    assert difference.max() <= (0 if interpolation in EXACT else 1)
    assert (difference > 0).mean() < 0.15


@pytest.mark.parametrize("interpolation", Interpolation, ids=lambda mode: mode.name)
def test_the_same_size_is_the_same_image(interpolation: Interpolation) -> None:
    np.testing.assert_array_equal(resample(IMAGE, 23, 31, interpolation), IMAGE)


@pytest.mark.parametrize("interpolation", Interpolation, ids=lambda mode: mode.name)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (24, 2)])
def test_one_colour_stays_one_colour(interpolation: Interpolation, size: tuple[int, int]) -> None:
    assert (resample(np.full((5, 7, 1), 201, np.uint8), *size, interpolation) == 201).all()
