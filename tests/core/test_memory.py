"""Memory of blobs: counted, given back, and refused in words before it is taken."""

import gc

import numpy as np
import pytest

from caffe_nb.core import memory
from caffe_nb.core.blob import Blob
from caffe_nb.core.memory import Memory, available
from caffe_nb.errors import ShapeError


@pytest.fixture
def little(monkeypatch):
    """A machine on which the blobs of this test may take 10 MB more than what is there."""
    gc.collect()
    limit = memory._taken + 10_000_000
    monkeypatch.setattr(memory, "available", lambda: limit)


def test_the_machine_has_some_memory():
    assert available() > 2**28


def test_what_is_taken_is_given_back():
    gc.collect()
    before = memory._taken
    kept = [Blob(1000) for _ in range(5)]
    assert memory._taken - before == 5 * 4 * 1000
    del kept
    gc.collect()
    assert memory._taken == before


def test_shared_memory_counts_once():
    gc.collect()
    before = memory._taken
    owner, other = Blob(1000, dtype=np.float64), Blob(1000, dtype=np.float64)
    other.share_data(owner)
    other.share_diff(owner)
    assert memory._taken - before == 8 * 1000


@pytest.mark.usefixtures("little")
def test_more_than_there_is_is_refused_and_the_blob_stays_as_it_was():
    blob = Blob(2, 3)
    blob.data = 7
    held = blob.data
    with pytest.raises(ShapeError, match=r"does not fit: this process can have .* GiB, of which blobs hold"):
        blob.reshape(3000, 1000)
    assert blob.shape == (2, 3)
    blob.data[0, 0] = 8
    assert held[0, 0] == 8
    blob.reshape(1000, 1000)


@pytest.mark.usefixtures("little")
def test_what_several_blobs_take_is_added_up():
    kept = [Blob(1_000_000), Blob(1_000_000)]
    with pytest.raises(ShapeError, match="does not fit"):
        Blob(1_000_000)
    del kept
    gc.collect()
    assert Blob(1_000_000).count == 1_000_000


def test_an_allocation_that_fails_says_so_in_words(monkeypatch):
    def zeros(*_):
        raise MemoryError

    monkeypatch.setattr(memory.np, "zeros", zeros)
    with pytest.raises(ShapeError, match="does not fit"):
        Memory(10, np.float32)
