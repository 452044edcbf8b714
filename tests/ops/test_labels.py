"""Class labels that come as floats."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.errors import NetError
from caffe_nb.ops.labels import class_labels


def test_labels_are_cut_off_to_whole_numbers() -> None:
    labels, counted = class_labels(np.array([0.0, 1.9, 2.0, -0.5], np.float32), classes=3)
    assert labels.tolist() == [0, 1, 2, 0]
    assert counted is None


def test_ignored_labels_do_not_count_and_are_safe_to_look_up() -> None:
    labels, counted = class_labels(np.array([[255.0, 1], [2, 255]]), classes=3, ignore=255)
    assert labels.tolist() == [[0, 1], [2, 0]]
    assert counted is not None
    assert counted.tolist() == [[False, True], [True, False]]


def test_the_message_has_the_value_the_place_and_the_range() -> None:
    with pytest.raises(NetError, match=r"label 4 at \[1, 0\] of bottom\[1\] is not one of the 3 classes \(0 to 2\)"):
        class_labels(np.array([[0.0, 2], [4, 1]]), classes=3)
