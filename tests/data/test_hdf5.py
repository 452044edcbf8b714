"""Rows of HDF5 files, one after the other and around again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from caffe_nb import rng
from caffe_nb.data.hdf5 import HDF5Rows, read_source
from caffe_nb.errors import CaffeError, FormatError, NetError, ShapeError

Array = NDArray[Any]


def write(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


def numbered(path: Path, start: int, stop: int) -> Path:
    """Rows whose values tell which row they are, and their labels."""
    rows = np.arange(start, stop)
    return write(path, data=rows[:, None, None] + np.zeros((1, 2, 3), np.float32), label=rows.astype(np.float64))


def labels_of(rows: HDF5Rows, batch: int, count: int = 1) -> list[list[int]]:
    """Read so many batches; data and labels must belong together."""
    batches = []
    for _ in range(count):
        data, label = np.full((batch, 2, 3), np.nan, np.float32), np.full(batch, np.nan, np.float32)
        rows.read([data, label])
        np.testing.assert_array_equal(data, label[:, None, None] + np.zeros((1, 2, 3)))
        batches.append([int(value) for value in label])
    return batches


def test_one_file_goes_around(tmp_path: Path) -> None:
    rows = HDF5Rows([numbered(tmp_path / "a.h5", 0, 5)], ["data", "label"], np.float32, shuffle=False)
    assert rows.shapes == [(2, 3), ()]
    assert labels_of(rows, 3, 4) == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_a_batch_runs_over_the_ends_of_files(tmp_path: Path) -> None:
    files = [numbered(tmp_path / "a.h5", 0, 3), numbered(tmp_path / "b.h5", 3, 4), numbered(tmp_path / "c.h5", 4, 6)]
    rows = HDF5Rows(files, ["data", "label"], np.float32, shuffle=False)
    assert labels_of(rows, 4, 3) == [[0, 1, 2, 3], [4, 5, 0, 1], [2, 3, 4, 5]]
    assert labels_of(rows, 13) == [[0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0]]


def test_shuffled_rows_all_come_once_a_round_and_in_another_order_each(tmp_path: Path) -> None:
    rng.set_random_seed(1)
    rows = HDF5Rows([numbered(tmp_path / "a.h5", 0, 20)], ["data", "label"], np.float32, shuffle=True)
    rounds = labels_of(rows, 20, 3)
    assert all(sorted(labels) == list(range(20)) for labels in rounds)
    assert len({tuple(labels) for labels in [*rounds, list(range(20))]}) == 4
    rng.set_random_seed(1)
    again = HDF5Rows([tmp_path / "a.h5"], ["data", "label"], np.float32, shuffle=True)
    assert labels_of(again, 20, 3) == rounds


def test_shuffled_files_all_come_once_a_round(tmp_path: Path) -> None:
    rng.set_random_seed(3)
    files = [numbered(tmp_path / f"{i}.h5", 4 * i, 4 * i + 4) for i in range(5)]
    rows = HDF5Rows(files, ["data", "label"], np.float32, shuffle=True)
    orders = set()
    for (labels,) in (labels_of(rows, 20) for _ in range(4)):
        assert sorted(labels) == list(range(20))
        groups = [set(labels[i : i + 4]) for i in range(0, 20, 4)]
        assert all(max(group) - min(group) == 3 for group in groups), "rows of one file stay together"
        orders.add(tuple(min(group) for group in groups))
    assert len(orders) > 1


@pytest.mark.parametrize("kept", ["f2", "f8", "i4", "u1", "?"])
def test_all_kinds_of_numbers_are_converted(tmp_path: Path, kept: str) -> None:
    path = write(tmp_path / "a.h5", x=np.array([[0, 1], [1, 1]]).astype(kept))
    out = np.empty((2, 2), np.float64)
    HDF5Rows([path], ["x"], np.float64, shuffle=False).read([out])
    np.testing.assert_array_equal(out, [[0, 1], [1, 1]])


def test_a_dataset_that_is_missing_is_named_with_near_misses(tmp_path: Path) -> None:
    path = numbered(tmp_path / "a.h5", 0, 3)
    with pytest.raises(NetError, match=r"no dataset 'labels'.*Did you mean 'label'\? It has data, label"):
        HDF5Rows([path], ["data", "labels"], np.float32, shuffle=False)


def test_a_file_that_is_not_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_text("text")
    with pytest.raises(FormatError, match=r"cannot read '.*a\.h5' as an HDF5 file"):
        HDF5Rows([path], ["data"], np.float32, shuffle=False)


@pytest.mark.parametrize("values", [np.float32(3), np.array([b"a", b"b"])])
def test_a_dataset_without_rows_of_numbers(tmp_path: Path, values: Array) -> None:
    path = write(tmp_path / "a.h5", x=values)
    with pytest.raises(FormatError, match="must hold rows of numbers"):
        HDF5Rows([path], ["x"], np.float32, shuffle=False)


def test_datasets_of_different_lengths(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", x=np.zeros((3, 2)), y=np.zeros(4))
    with pytest.raises(ShapeError, match="same number of rows, at least one; got x: 3, y: 4"):
        HDF5Rows([path], ["x", "y"], np.float32, shuffle=False)


def test_datasets_without_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", x=np.zeros((0, 2)))
    with pytest.raises(ShapeError, match="at least one; got x: 0"):
        HDF5Rows([path], ["x"], np.float32, shuffle=False)


def test_files_whose_rows_differ_in_shape(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.h5", x=np.zeros((2, 3))), write(tmp_path / "b.h5", x=np.zeros((2, 4)))]
    rows = HDF5Rows(files, ["x"], np.float32, shuffle=False)
    with pytest.raises(ShapeError, match=r"b\.h5' have shapes \[\(4,\)\].*\[\(3,\)\]"):
        rows.read([np.empty((4, 3))])


def test_the_source_list_names_files_from_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nets, lists, working = tmp_path / "nets", tmp_path / "nets" / "lists", tmp_path / "working"
    lists.mkdir(parents=True)
    working.mkdir()
    monkeypatch.chdir(working)
    (lists / "all.txt").write_text(f"here.h5\nnet.h5 beside.h5\r\n\n{tmp_path / 'absolute.h5'}\n")
    files = [working / "here.h5", nets / "net.h5", lists / "beside.h5", tmp_path / "absolute.h5"]
    for path in files:
        numbered(path, 0, 1)
    assert read_source("lists/all.txt", nets) == files


def test_an_empty_list_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(NetError, match=r"source list 'empty\.txt' names no files"):
        read_source("empty.txt", tmp_path)
    (tmp_path / "wrong.txt").write_text("gone.h5\n")
    with pytest.raises(NetError, match=r"the HDF5 file of 'wrong\.txt', 'gone\.h5' was not found; looked in"):
        read_source("wrong.txt", tmp_path)


def test_a_list_in_another_encoding_is_taken_or_refused_in_words(tmp_path: Path) -> None:
    numbered(tmp_path / "a.h5", 0, 1)
    (tmp_path / "marked.txt").write_bytes(b"\xef\xbb\xbfa.h5\r\n")
    assert read_source("marked.txt", tmp_path) == [tmp_path / "a.h5"]
    (tmp_path / "latin.txt").write_bytes("é.h5".encode("latin-1"))
    with pytest.raises(NetError, match="was not found; looked in"):
        read_source("latin.txt", tmp_path)


def test_damaged_files_are_read_or_refused_in_words(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=np.ones((20, 3)), compression="gzip")
    whole = (tmp_path / "a.h5").read_bytes()
    draw = np.random.default_rng(0)
    refused = 0
    for attempt in range(200):
        damaged = bytearray(whole)
        for place in draw.integers(0, len(whole), 1 + attempt % 20):
            damaged[place] ^= 1 << int(draw.integers(8))
        (tmp_path / "b.h5").write_bytes(damaged)
        try:
            rows = HDF5Rows([tmp_path / "b.h5"], ["x"], np.float32, shuffle=False)
            rows.read([np.empty((30, *rows.shapes[0]), np.float32)])
        except CaffeError:
            refused += 1
    assert refused > 50


def test_absurd_datasets_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (1 << 20, 1 << 12), "f4", chunks=(1, 1 << 12))
    with pytest.raises(ShapeError, match=r"dataset 'x' of '.*a\.h5' is too large for one file.*2,147,483,647"):
        HDF5Rows([tmp_path / "a.h5"], ["x"], np.float32, shuffle=False)
