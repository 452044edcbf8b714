"""Rows of the layers without bottoms."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import h5py
import numpy as np

from caffe_nb.core.layer import Layer
from caffe_nb.layers.data.memory_data import MemoryData
from tests.data.made import datum, pixels, write_images, write_lmdb
from tests.layers.case import TEST, Case, labels, normal

IMAGES = np.arange(4 * 3 * 2 * 2, dtype=float).reshape(4, 3, 2, 2)
CLASSES = np.array([3.0, 1, 4, 1])


def hand_over(layer: Layer) -> None:
    assert isinstance(layer, MemoryData)
    layer.reset(IMAGES, CLASSES)


def write_rows(folder: Path) -> None:
    with h5py.File(folder / "rows.h5", "w") as file:
        file["data"], file["label"] = IMAGES, CLASSES
    (folder / "list.txt").write_text("rows.h5\n", encoding="utf-8")


def write_records(folder: Path) -> None:
    if not (folder / "db").exists():  # one that a layer reads cannot be opened for writing
        write_lmdb(folder / "db", [datum(pixels(index), index) for index in range(3)])


def write_list(folder: Path) -> None:
    write_images(folder, 3)
    (folder / "images.txt").write_text("0.png 0\n1.png 1\n2.png 2\n", encoding="utf-8")


def write_windows(folder: Path) -> None:
    write_images(folder, 1)
    windows = "# 0\n0.png\n3\n6\n8\n2\n1 1 1 0 5 4\n1 0 0 0 4 4\n"
    (folder / "windows.txt").write_text(windows, encoding="utf-8")


# A name in a net's text that is written to is relative to the working directory, not to the net's folder.
OUTPUT = Path(tempfile.mkdtemp(prefix="caffe-nb-rows-"))
atexit.register(shutil.rmtree, OUTPUT, ignore_errors=True)

STORED = np.stack([pixels(index) for index in range(3)]).astype(float)
DATA = 'data_param { source: "db" backend: LMDB batch_size: 4 }'


ROWS = [
    Case(
        "Input",
        "two shapes",
        "input_param { shape { dim: 2 dim: 3 } shape { dim: 5 } }",
        tops=2,
        shapes=((2, 3), (5,)),
        reference=lambda: (np.zeros((2, 3)), np.zeros(5)),
    ),
    Case(
        "DummyData",
        "constants",
        "dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 1.5 } data_filler { value: -2 } }",
        tops=2,
        shapes=((2, 3), (2, 3)),
        reference=lambda: (np.full((2, 3), 1.5), np.full((2, 3), -2.0)),
    ),
    Case(
        "DummyData",
        "four numbers and a filler that draws",
        'dummy_data_param { num: 2 channels: 3 height: 4 width: 5 data_filler { type: "gaussian" } }',
        shapes=((2, 3, 4, 5),),
        random=True,
    ),
    Case(
        "MemoryData",
        "first batch",
        "memory_data_param { batch_size: 2 channels: 3 height: 2 width: 2 }",
        tops=2,
        prepare=hand_over,
        shapes=((2, 3, 2, 2), (2,)),
        reference=lambda: (IMAGES[:2], CLASSES[:2]),
    ),
    Case(
        "HDF5Data",
        "more than all rows",
        'top: "data" top: "label" hdf5_data_param { source: "list.txt" batch_size: 6 }',
        tops=2,
        files=write_rows,
        shapes=((6, 3, 2, 2), (6,)),
        reference=lambda: (np.concatenate([IMAGES, IMAGES[:2]]), np.concatenate([CLASSES, CLASSES[:2]])),
    ),
    Case(
        "Data",
        "around once",
        DATA,
        tops=2,
        files=write_records,
        shapes=((4, 3, 6, 8), (4,)),
        reference=lambda: (STORED[[0, 1, 2, 0]], np.array([0.0, 1, 2, 0])),
    ),
    Case(
        "Data",
        "no labels, cropped and scaled",
        DATA + " transform_param { crop_size: 4 scale: 0.5 mean_value: 10 }",
        files=write_records,
        phase=TEST,
        shapes=((4, 3, 4, 4),),
        reference=lambda: (STORED[[0, 1, 2, 0], :, 1:5, 2:6] - 10) * 0.5,
    ),
    Case(
        "Data",
        "random crop and mirror",
        DATA + " transform_param { crop_size: 4 mirror: true }",
        tops=2,
        files=write_records,
        shapes=((4, 3, 4, 4), (4,)),
    ),
    Case(
        "ImageData",
        "in order",
        'image_data_param { source: "images.txt" batch_size: 2 }',
        tops=2,
        files=write_list,
        shapes=((2, 3, 6, 8), (2,)),
        reference=lambda: (STORED[:2], np.array([0.0, 1])),
    ),
    Case(
        "ImageData",
        "shuffled, resized, grey",
        'image_data_param { source: "images.txt" shuffle: true new_height: 5 new_width: 4 is_color: false }',
        tops=2,
        files=write_list,
        shapes=((1, 1, 5, 4), (1,)),
    ),
    Case(
        "HDF5Output",
        "two blobs",
        f'hdf5_output_param {{ file_name: "{(OUTPUT / "out.h5").as_posix()}" }}',
        (normal(4, 3, 2), labels(5, 4)),
        tops=0,
        shapes=(),
    ),
    Case(
        "WindowData",
        "one of each kind",
        'transform_param { crop_size: 5 } window_data_param { source: "windows.txt" batch_size: 2 fg_fraction: 0.5 }',
        tops=2,
        files=write_windows,
        shapes=((2, 3, 5, 5), (2,)),
        reference=lambda: (np.stack([STORED[0, :, :5, :5], STORED[0, :, :5, 1:6]]), np.array([0.0, 1])),
    ),
]
