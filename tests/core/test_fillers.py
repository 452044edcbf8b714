"""Fillers, by what their numbers look like."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

from caffe_nb import rng
from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.fillers import fill
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.proto import caffe_pb2

SHAPE = (50, 30, 4, 5)  # 600 inputs, 1000 outputs
ALL = [
    'type: "constant" value: 0.5',
    'type: "uniform" min: -2 max: 3',
    'type: "gaussian" mean: 1 std: 2',
    'type: "gaussian" std: 1 sparse: 10',
    'type: "positive_unitball"',
    'type: "xavier"',
    'type: "msra"',
]


def filled(text: str, shape: tuple[int, ...] = SHAPE, dtype: type = np.float32, seed: int = 1) -> Array:
    rng.set_random_seed(seed)
    blob = Blob(*shape, dtype=dtype)
    fill(blob, text_format.Parse(text, caffe_pb2.FillerParameter()))
    return blob.const_data


def test_zero_unless_said_otherwise() -> None:
    blob = Blob(2, 3)
    blob.data = 7
    fill(blob, caffe_pb2.FillerParameter())
    assert (blob.const_data == 0).all()


def test_constant() -> None:
    assert (filled('type: "constant" value: 0.5') == 0.5).all()


def test_uniform() -> None:
    values = filled('type: "uniform" min: -2 max: 3')
    assert -2 <= values.min() < -1.99
    assert 2.99 < values.max() <= 3
    assert values.mean() == pytest.approx(0.5, abs=0.03)
    assert values.std() == pytest.approx(5 / np.sqrt(12), rel=0.02)


def test_gaussian() -> None:
    values = filled('type: "gaussian" mean: 1 std: 2')
    assert values.mean() == pytest.approx(1, abs=0.04)
    assert values.std() == pytest.approx(2, rel=0.02)
    assert np.mean(np.abs(values - 1) < 2) == pytest.approx(0.683, abs=0.01)


def test_sparse_gaussian_keeps_about_so_many_of_the_outputs() -> None:
    values = filled('type: "gaussian" std: 3 sparse: 10', (50, 400))
    kept = values[values != 0]
    assert kept.size / values.size == pytest.approx(10 / 50, abs=0.02)
    assert kept.std() == pytest.approx(3, rel=0.05)


def test_positive_unitball_has_rows_that_sum_up_to_one() -> None:
    values = filled('type: "positive_unitball"')
    assert values.min() >= 0
    np.testing.assert_allclose(values.reshape(50, -1).sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize(("norm", "fan"), [("FAN_IN", 600), ("FAN_OUT", 1000), ("AVERAGE", 800)])
def test_xavier_and_msra_are_scaled_by_their_fan(norm: str, fan: int) -> None:
    uniform = filled(f'type: "xavier" variance_norm: {norm}')
    bound = np.sqrt(3 / fan)
    assert np.abs(uniform).max() == pytest.approx(bound, rel=1e-3)
    assert uniform.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    normal = filled(f'type: "msra" variance_norm: {norm}')
    assert normal.mean() == pytest.approx(0, abs=0.001)
    assert normal.std() == pytest.approx(np.sqrt(2 / fan), rel=0.02)


def test_a_vector_fans_out_to_all_of_its_elements() -> None:
    assert np.abs(filled('type: "xavier" variance_norm: FAN_OUT', (3000,))).max() <= np.sqrt(3 / 3000)


def test_bilinear_interpolates() -> None:
    row = np.array([0.25, 0.75, 0.75, 0.25])
    np.testing.assert_allclose(filled('type: "bilinear"', (2, 1, 4, 4))[1, 0], np.outer(row, row))
    row = np.array([1, 2, 1]) / 2
    np.testing.assert_allclose(filled('type: "bilinear"', (1, 1, 3, 3))[0, 0], np.outer(row, row))


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_gives_the_same_numbers(text: str, dtype: type) -> None:
    first = filled(text, dtype=dtype)
    assert first.dtype == dtype
    np.testing.assert_array_equal(first, filled(text, dtype=dtype))
    if "constant" not in text:
        assert (first != filled(text, dtype=dtype, seed=2)).any()


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("shape", [(1,), (0, 3), (5, 0)])
def test_small_and_empty_blobs(text: str, shape: tuple[int, ...]) -> None:
    assert np.isfinite(filled(text, shape)).all()


@pytest.mark.parametrize("text", ALL)
def test_a_scalar(text: str) -> None:
    assert np.isfinite(filled(text, ()))


def test_filling_is_a_write() -> None:
    blob = Blob(2, 3)
    before = blob.version
    fill(blob, caffe_pb2.FillerParameter())
    assert blob.version > before


def test_an_unknown_type_is_named_with_near_misses() -> None:
    with pytest.raises(NetError, match=r"unknown filler type 'gausian'\. Did you mean 'gaussian'\?"):
        filled('type: "gausian"')


def test_only_a_gaussian_is_sparse() -> None:
    with pytest.raises(NetError, match=r"sparse is for gaussian fillers, not for 'uniform'"):
        filled('type: "uniform" sparse: 3')


@pytest.mark.parametrize("shape", [(4, 4), (1, 1, 4, 3)])
def test_bilinear_needs_square_kernels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"bilinear.*\(N, C, K, K\), got "):
        filled('type: "bilinear"', shape)
