"""HDF5Output: what a net computes, in a file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe_nb.errors import NetError, ShapeError
from caffe_nb.net.net import Net

TEXT = """
layer {{ name: "in" type: "Input" top: "x" top: "y" input_param {{ shape {{ dim: 2 dim: 3 }} shape {{ dim: {} }} }} }}
layer {{ name: "out" type: "HDF5Output" bottom: "x" bottom: "y" hdf5_output_param {{ file_name: "{}" }} }}
"""


def test_both_bottoms_are_kept_as_data_and_label_and_batches_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    path.write_bytes(b"of another run")
    net = Net.from_text(TEXT.format(2, path.as_posix()))
    assert path.read_bytes() == b"of another run", "a net that is only built replaces nothing"
    rows = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    for batch in range(2):
        net.forward(x=rows[batch], y=np.array([batch, 10 + batch]))
        with h5py.File(path, "r") as file:
            assert sorted(file) == ["data", "label"]
            np.testing.assert_array_equal(file["data"], rows[: batch + 1].reshape(-1, 3, 1, 1))
            assert file["data"].dtype == np.float32
            assert file["label"].shape == (2 * batch + 2, 1, 1, 1), "four axes, as Caffe writes them"
            assert file["label"][-2:].ravel().tolist() == [batch, 10 + batch]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.h5"]


def test_rows_of_another_shape_do_not_follow(tmp_path: Path) -> None:
    net = Net.from_text(TEXT.format(2, (tmp_path / "out.h5").as_posix()))
    net.forward()
    net.blobs["x"].reshape(2, 4)
    with pytest.raises(ShapeError, match=r"rows of 'data' in .* have shape \(3, 1, 1\), .* with \(4, 1, 1\)"):
        net.forward()


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"same number of rows \(axis 0\), got \(2, 3\) and \(4,\)"):
        Net.from_text(TEXT.format(4, (tmp_path / "out.h5").as_posix()))
    with pytest.raises(NetError, match="give the name of the file"):
        Net.from_text(TEXT.format(2, ""))
    with pytest.raises(NetError, match=r"folder .*none' does not exist"):
        Net.from_text(TEXT.format(2, (tmp_path / "none" / "out.h5").as_posix()))
