"""Mirrored memory: whoever reads gets what was written last, wherever that was, and nothing is copied without need."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_nb import device
from caffe_nb.core import mirror
from caffe_nb.core.blob import Blob
from tests.device.standin import Standin

WAYS = ["data", "const_data", "array", "const_array", "cpu", "reshape"]


@given(st.lists(st.tuples(st.sampled_from(WAYS), st.integers(-9, 9)), max_size=30), st.booleans())
def test_every_read_sees_the_last_write(steps, of_diff):
    stand = Standin()
    blob, expected = Blob(2, 3), np.zeros((2, 3), np.float32)
    names = {"data": "diff", "const_data": "const_diff", "array": "diff_array", "const_array": "const_diff_array"}
    for way, value in steps:
        name = names.get(way, way) if of_diff else way
        if way == "reshape":
            blob.reshape(*((6,) if blob.shape == (2, 3) else (2, 3)))
            expected = expected.reshape(blob.shape)
        elif way == "data":
            getattr(blob, name)[...] += value
            expected = expected + value
        elif way == "const_data":
            np.testing.assert_array_equal(getattr(blob, name), expected)
        elif way == "cpu":  # the mode changes between two passes
            with device.using(None):
                array = blob.diff_array if of_diff else blob.array
                array -= value
            expected = expected - value
        else:
            with device.using(stand):
                array = getattr(blob, name)
                if way == "array":
                    array *= value
                    expected = expected * value
                np.testing.assert_array_equal(array.get(), expected)
    np.testing.assert_array_equal(blob.const_diff if of_diff else blob.const_data, expected)


def test_nothing_is_copied_that_is_up_to_date(standin):
    blob = Blob(4)
    blob.data[...] = 1
    for _ in range(3):
        assert float(blob.const_array.sum()) == 4
    assert (standin.uploads, standin.downloads) == (1, 0)
    array = blob.array
    array += 1
    for _ in range(3):
        assert blob.const_data.sum() == 8
    assert (standin.uploads, standin.downloads) == (1, 1)
    assert (blob.memory.mirror.to_device, blob.memory.mirror.to_host) == (1, 1)


def test_shared_memory_has_one_mirror(standin):
    blob, other = Blob(4), Blob(2, 2)
    other.share_data(blob)
    blob.array[...] = 3
    assert float(other.const_array.sum()) == 12
    assert standin.uploads == 0  # nothing had been written yet


def test_grown_memory_begins_anew_and_other_shapes_keep_what_is_there(standin):
    blob = Blob(2, 2)
    blob.array[...] = 3
    blob.reshape(4)
    assert blob.const_array.shape == (4,)
    assert blob.const_data.tolist() == [3, 3, 3, 3]
    blob.reshape(8)
    assert blob.const_array.get().tolist() == [0] * 8


def test_a_write_on_the_device_counts_as_one(standin):
    blob = Blob(2)
    before = blob.version, blob.diff_version
    blob.const_array, blob.const_diff_array  # noqa: B018
    assert (blob.version, blob.diff_version) == before
    blob.array, blob.diff_array  # noqa: B018
    assert (blob.version, blob.diff_version) == (before[0] + 1, before[1] + 1)


def test_on_the_cpu_the_arrays_are_the_hosts():
    blob = Blob(2)
    assert blob.array is blob.data
    assert blob.const_array is blob.const_data
    assert blob.diff_array is blob.diff
    assert blob.const_diff_array is blob.const_diff


@pytest.mark.parametrize("name", ["gpu_data", "gpu_diff", "_gpu_data_ptr", "_gpu_diff_ptr"])
def test_gpu_names_say_that_there_is_no_gpu_mode(name):
    with pytest.raises(device.DeviceError, match=f"{name} is there in GPU mode only; call caffe.set_mode_gpu"):
        getattr(Blob(2), name)


def test_gpu_names_are_the_devices(standin):
    blob = Blob(3)
    blob.gpu_data[...] = 2
    blob.gpu_diff[...] = 5
    assert blob.data.tolist() == [2, 2, 2]
    assert blob.diff.tolist() == [5, 5, 5]
    assert blob._gpu_data_ptr == standin.address(blob.gpu_data)
    assert blob._gpu_diff_ptr == standin.address(blob.gpu_diff)


def test_another_device_takes_over_what_the_first_computed(standin):
    blob = Blob(3)
    blob.array[...] = 7
    other = Standin()
    with device.using(other):
        assert blob.const_array.get().tolist() == [7, 7, 7]
    assert (standin.downloads, other.uploads) == (1, 1)


def test_a_copy_that_is_underway_takes_the_values_of_when_it_was_asked_for(standin):
    blobs = [Blob(6) for _ in range(5)]
    for value, blob in enumerate(blobs):
        blob.data[...] = value
        blob.const_array  # noqa: B018  (on its way from here)
        blob._data[...] = -1  # through an array that somebody held
    assert standin.underway == 5
    for value, blob in enumerate(blobs):
        np.testing.assert_array_equal(blob.const_array.get(), value)
    assert standin.underway == 0


def test_memory_of_copies_that_are_done_is_used_again(standin):
    blob = Blob(6)
    for value in range(20):
        blob.data[...] = value
        assert float(blob.const_array.sum()) == 6 * value
    assert standin.allocations <= 2


def test_large_blobs_are_copied_in_pieces_and_few_are_pinned_at_once(standin, monkeypatch):
    monkeypatch.setattr(mirror, "PIECE", 10)
    blob = Blob(10 * 3 * mirror.UNDERWAY + 7)
    blob.data[...] = values = np.arange(blob.count)
    np.testing.assert_array_equal(blob.const_array.get(), values)
    assert blob.memory.mirror.to_device == 1
    assert standin.allocations <= mirror.UNDERWAY + 1


def test_what_nobody_wrote_is_not_copied(standin):
    blob, written = Blob(2, 3), Blob(2, 3)
    written.data[...] = 1
    for each in (blob, written):
        each.reshape(3, 2)
        assert each.const_array.get().sum() == each.const_data.sum()
    assert standin.uploads == 1


def test_the_same_gpu_chosen_again_keeps_what_is_there(standin):
    first, again = Numbered(3), Numbered(3)
    blob = Blob(4)
    with device.using(first):
        blob.array[...] = 2
    with device.using(again):
        assert float(blob.const_array.sum()) == 8
    assert (first.downloads, again.uploads) == (0, 0)


class Numbered(Standin):
    """A stand-in that is known by its number, as CuPy's devices are."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def __eq__(self, other):
        return self.number == other.number

    __hash__ = None
