"""Images are cropped, mirrored, freed of their mean and scaled as Caffe does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from numpy.typing import NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.data.transformer import Transformer
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import array_to_blob, write_blob
from tests.data.made import pixels

Array = NDArray[Any]

IMAGE = pixels(0)  # (3, 6, 8)


def made(text: str, phase: Phase = Phase.TEST, folder: Path | None = None) -> Transformer:
    param = text_format.Parse(text, caffe_pb2.TransformationParameter())
    return Transformer(param, phase, np.float32, folder)


def run(transformer: Transformer, image: Array = IMAGE, seed: int | None = None) -> Array:
    out = np.full(transformer.shape(image.shape, "it"), np.nan, np.float32)
    transformer(image, out, None if seed is None else np.random.default_rng(seed), "it")
    return out


def test_without_settings_nothing_is_changed() -> None:
    transformer = made("")
    assert not transformer.random
    np.testing.assert_array_equal(run(transformer), IMAGE)


def test_the_mean_goes_before_the_scale() -> None:
    np.testing.assert_array_equal(run(made("scale: 0.5 mean_value: 100")), (IMAGE - 100.0) * 0.5)


def test_one_mean_for_each_channel() -> None:
    wanted = IMAGE - np.array([1.0, 2, 3])[:, None, None]
    np.testing.assert_array_equal(run(made("mean_value: 1 mean_value: 2 mean_value: 3")), wanted)


def test_in_testing_the_middle_is_cropped() -> None:
    transformer = made("crop_size: 3")
    assert not transformer.random
    np.testing.assert_array_equal(run(transformer), IMAGE[:, 1:4, 2:5])


def test_in_training_every_place_is_cropped_as_often() -> None:
    transformer = made("crop_size: 5", Phase.TRAIN)
    assert transformer.random
    places = {IMAGE[:, y : y + 5, x : x + 5].tobytes(): 0 for y in range(2) for x in range(4)}
    draw = np.random.default_rng(1)
    for _ in range(800):
        out = np.empty((3, 5, 5), np.float32)
        transformer(IMAGE, out, draw, "it")
        places[out.astype(np.uint8).tobytes()] += 1
    assert len(places) == 8
    assert min(places.values()) > 60


def test_half_of_the_images_are_mirrored_in_either_phase() -> None:
    for phase in Phase:
        outs = [run(made("mirror: true", phase), seed=seed) for seed in range(200)]
        mirrored = [bool((out == IMAGE[:, :, ::-1]).all()) for out in outs]
        assert all(flipped or (out == IMAGE).all() for out, flipped in zip(outs, mirrored, strict=True))
        assert 70 < sum(mirrored) < 130


def test_a_mean_file_is_taken_off_where_the_crop_was_and_mirrored_with_it(tmp_path: Path) -> None:
    mean = np.random.default_rng(3).uniform(0, 255, (1, 3, 6, 8)).astype(np.float32)
    write_blob(tmp_path / "mean.binaryproto", array_to_blob(mean))
    transformer = made('mean_file: "mean.binaryproto" crop_size: 4 mirror: true scale: 2', folder=tmp_path)
    whole = (IMAGE - mean[0])[:, 1:5, 2:6] * np.float32(2)
    seen = set()
    for seed in range(20):
        out = run(transformer, seed=seed)
        flipped = not np.array_equal(out, whole)
        np.testing.assert_array_equal(out, whole[:, :, ::-1] if flipped else whole)
        seen.add(flipped)
    assert seen == {False, True}


def test_floats_are_transformed_too() -> None:
    image = np.random.default_rng(0).normal(size=(1, 2, 2)).astype(np.float32)
    np.testing.assert_array_equal(run(made("mean_value: 0.5"), image), image - np.float32(0.5))


def test_channels_of_encoded_images() -> None:
    assert made("").color is None
    assert made("force_color: true").color is True
    assert made("force_gray: true").color is False


def test_settings_that_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(NetError, match="either mean_file or mean_value"):
        made('mean_file: "m" mean_value: 1')
    with pytest.raises(NetError, match="either force_color or force_gray"):
        made("force_color: true force_gray: true")
    with pytest.raises(NetError, match="the mean file 'm' was not found; looked in"):
        made('mean_file: "m"', folder=tmp_path)


def test_images_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="it has 6 rows and 8 columns, less than crop_size 7"):
        run(made("crop_size: 7"))
    with pytest.raises(ShapeError, match="once for each of the 3 channels of it; it is given 2 times"):
        run(made("mean_value: 1 mean_value: 2"))
    write_blob(tmp_path / "m", array_to_blob(np.zeros((1, 3, 6, 7))))
    with pytest.raises(ShapeError, match=r"mean 'm' has shape \(3, 6, 7\).*it has \(3, 6, 8\)"):
        run(made('mean_file: "m"', folder=tmp_path))
    write_blob(tmp_path / "m", array_to_blob(np.zeros((3, 6))))
    with pytest.raises(ShapeError, match=r"has shape \(3, 6\); expected \(1, channels, height, width\)"):
        made('mean_file: "m"', folder=tmp_path)


def test_an_image_of_another_size_than_the_first_of_its_batch() -> None:
    with pytest.raises(ShapeError, match=r"it becomes \(3, 6, 8\), but the first image of its batch \(3, 4, 4\)"):
        made("")(IMAGE, np.empty((3, 4, 4), np.float32), None, "it")
