"""A blob in a notebook's output: shape, type and figures, without counting as a write."""

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.figures import figures, table


def test_a_blob_shows_shape_type_and_the_figures_of_data_and_diff() -> None:
    blob = Blob(2, 2)
    blob.data = [[0, 1], [2, 5]]
    blob.diff = -3
    versions = blob.version, blob.diff_version
    html = blob._repr_html_()
    assert "2 x 2 float32" in html
    for text in ("data", "diff", "5", "-3", "25.0%"):
        assert f">{text}<" in html
    assert (blob.version, blob.diff_version) == versions


def test_figures_are_of_the_finite_values() -> None:
    assert figures(np.float32([1, 3, np.nan, np.inf])) == ("1", "3", "2", "1", "0.0%", "2")
    assert figures(np.float32([np.nan])) == ("-", "-", "-", "-", "0.0%", "1")
    assert figures(np.zeros((0, 3), np.float32)) == ("-",) * 6
    assert figures(np.full(4, 3e38, np.float32))[2] == "3e+38"  # the mean of large numbers does not overflow


def test_a_scalar_and_an_empty_blob_have_a_table_too() -> None:
    assert "scalar" in Blob()._repr_html_()
    assert "0 x 4" in Blob(0, 4)._repr_html_()


def test_names_in_a_table_are_text() -> None:
    assert "<i>" not in table(("<i>",), [("<i>", "<i>")])
