"""Rows of the layers without bottoms."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from caffe_nb.core.layer import Layer
from caffe_nb.layers.data.memory_data import MemoryData
from tests.layers.case import Case

IMAGES = np.arange(4 * 3 * 2 * 2, dtype=float).reshape(4, 3, 2, 2)
CLASSES = np.array([3.0, 1, 4, 1])


def hand_over(layer: Layer) -> None:
    assert isinstance(layer, MemoryData)
    layer.reset(IMAGES, CLASSES)


def write_rows(folder: Path) -> None:
    with h5py.File(folder / "rows.h5", "w") as file:
        file["data"], file["label"] = IMAGES, CLASSES
    (folder / "list.txt").write_text("rows.h5\n", encoding="utf-8")


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
]
