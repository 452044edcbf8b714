"""Blobs: live views, versions, sharing, assignment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.errors import ShapeError


def test_a_new_blob_is_zero_and_float32() -> None:
    blob = Blob(2, 3)
    assert blob.shape == (2, 3)
    assert blob.data.dtype == blob.diff.dtype == np.float32
    assert not blob.data.any()
    assert not blob.diff.any()


def test_a_blob_without_axes_is_a_scalar() -> None:
    blob = Blob(dtype=np.float64)
    assert (blob.shape, blob.ndim, blob.count) == ((), 0, 1)
    assert blob.data.shape == ()
    blob.data = 2.5
    assert float(blob.const_data) == 2.5


# views


def test_a_held_view_is_the_blob() -> None:
    blob = Blob(2, 3)
    held = blob.data
    held[1, 2] = 5
    assert blob.const_data[1, 2] == 5
    blob.data = np.arange(6).reshape(2, 3)
    assert held[1, 2] == 5
    assert held[0, 1] == 1
    assert np.shares_memory(held, blob.const_data)


def test_data_and_diff_are_apart() -> None:
    blob = Blob(4)
    blob.data = 1
    blob.diff = 2
    assert not np.shares_memory(blob.data, blob.diff)
    assert (blob.const_data == 1).all()
    assert (blob.const_diff == 2).all()


def test_constant_views_cannot_be_written() -> None:
    blob = Blob(4)
    for view in (blob.const_data, blob.const_diff):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1


# reshape


@given(array_shapes(max_dims=5, max_side=4), array_shapes(max_dims=5, max_side=4))
def test_a_reshape_keeps_what_still_fits(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    blob = Blob(*before)
    blob.data = np.arange(blob.count).reshape(before)
    held = blob.data
    blob.reshape(*after)
    assert blob.shape == blob.data.shape == blob.diff.shape == after
    if blob.count <= held.size:
        assert np.shares_memory(held, blob.data)
        np.testing.assert_array_equal(blob.data.ravel(), np.arange(blob.count))


def test_a_view_stays_live_while_the_blob_shrinks_and_grows_back() -> None:
    blob = Blob(4, 5)
    held = blob.data
    blob.reshape(2, 5)
    blob.data = 7
    assert (held[:2] == 7).all()
    blob.reshape(4, 5)
    held[3] = 9
    assert (blob.const_data[3] == 9).all()


@pytest.mark.parametrize(
    ("asked", "shape"), [([2, 3], (2, 3)), ((3, 2), (3, 2)), (np.int64(6), (6,)), (7, (7,)), ((), ())]
)
def test_a_reshape_takes_one_sequence_too(asked: Any, shape: tuple[int, ...]) -> None:
    blob = Blob()
    blob.reshape(asked)
    assert blob.shape == shape


def test_reshape_like() -> None:
    blob = Blob()
    blob.reshape_like(Blob(3, 1))
    assert blob.shape == (3, 1)


def test_a_reshape_counts_as_a_write_only_when_it_changes_the_shape() -> None:
    blob = Blob(2, 3)
    before = blob.version
    blob.reshape(2, 3)
    assert blob.version == before
    blob.reshape(3, 2)
    assert blob.version > before


@pytest.mark.parametrize("shape", [(2, -1), (2.5,), (4 / 2, 3), ("2",), (None,)])
def test_lengths_are_whole_and_not_negative(shape: tuple[object, ...]) -> None:
    blob = Blob(2, 3)
    with pytest.raises(ShapeError, match=r"negative|whole numbers"):
        blob.reshape(*shape)  # type: ignore[arg-type]
    assert blob.shape == (2, 3)


# axes


def test_axes_are_counted_from_either_end() -> None:
    blob = Blob(2, 3, 4)
    assert [blob.axis(i) for i in (0, 2, -1, -3)] == [0, 2, 2, 0]
    for index in (3, -4):
        with pytest.raises(ShapeError, match=rf"axis {index} does not exist in a blob of shape \(2, 3, 4\)"):
            blob.axis(index)


def test_the_four_old_names_of_the_axes() -> None:
    blob = Blob(2, 3)
    assert (blob.num, blob.channels, blob.height, blob.width) == (2, 3, 1, 1)
    with pytest.raises(ShapeError, match="up to 4 axes"):
        _ = Blob(1, 1, 1, 1, 1).num


# versions


def test_taking_the_writable_view_counts_as_a_write() -> None:
    blob = Blob(2)
    version, diff_version = blob.version, blob.diff_version
    _ = blob.const_data, blob.const_diff, blob.shape, blob.count
    assert (blob.version, blob.diff_version) == (version, diff_version)
    _ = blob.data
    assert (blob.version, blob.diff_version) == (version + 1, diff_version)
    _ = blob.diff
    assert (blob.version, blob.diff_version) == (version + 1, diff_version + 1)


def test_touch_tells_of_a_write_through_a_held_view() -> None:
    blob = Blob(2)
    before = blob.version
    blob.touch()
    assert blob.version > before


# assignment


def test_assigning_broadcasts_into_the_memory() -> None:
    blob = Blob(2, 3)
    held = blob.data
    blob.data = [1, 2, 3]
    np.testing.assert_array_equal(held, [[1, 2, 3], [1, 2, 3]])
    blob.diff = np.float64(0.5)
    assert (blob.const_diff == 0.5).all()


def test_assigning_in_place_operators() -> None:
    blob = Blob(3)
    held = blob.data
    blob.data += 2
    blob.data *= 3
    assert (held == 6).all()
    blob.diff -= 1
    assert (blob.const_diff == -1).all()


def test_assigning_the_wrong_shape_says_both() -> None:
    blob = Blob(2, 3)
    with pytest.raises(ShapeError, match=r"shape \(2,\) to the data of a blob of shape \(2, 3\)"):
        blob.data = np.ones(2)
    with pytest.raises(ShapeError, match=r"to the diff of a blob"):
        blob.diff = np.ones((3, 2))
    with pytest.raises(TypeError, match="the data of a blob takes numbers, got 'ones'"):
        blob.data = "ones"


# sharing


def test_sharing_is_per_array() -> None:
    owner, other = Blob(2, 3), Blob(6)
    other.share_data(owner)
    assert other.shares_data(owner)
    assert not other.shares_diff(owner)
    owner.data = 4
    assert (other.const_data == 4).all()
    assert other.const_data.shape == (6,)
    assert other.version == owner.version
    other.share_diff(owner)
    other.diff = 8
    assert (owner.const_diff == 8).all()


def test_only_equal_counts_share() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\) has 6 elements, \(5,\) has 5"):
        Blob(2, 3).share_data(Blob(5))
    with pytest.raises(ShapeError, match="cannot share"):
        Blob(2, 3).share_diff(Blob(5))


# vectors of blobs


@given(st.lists(st.integers(0, 4), max_size=4))
def test_add_blob_appends_zeros_of_the_vectors_type(shape: list[int]) -> None:
    blobs = BlobVec(np.float64)
    made = blobs.add_blob(*shape)
    assert blobs == [made]
    assert made.shape == tuple(shape)
    assert made.dtype == np.float64
    assert not made.const_data.any()


def test_the_repr_has_shape_and_type() -> None:
    assert "float32" in repr(Blob(2, 3))
    assert "2" in repr(Blob(2, 3))
    assert "scalar" in repr(Blob())
