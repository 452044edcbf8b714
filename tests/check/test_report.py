"""The report reads well as text, and as HTML that names cannot break out of."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.check import GradientReport, GradientRow, check_layer
from tests.check import layers as user


@pytest.fixture
def failing():
    return check_layer(user.WrongSign, [(3, 4), (3, 4)])


def test_the_text_is_a_table_with_results_and_the_worst_element(failing):
    lines = str(failing).splitlines()
    assert lines[0] == "Gradient check of WrongSign on 3\u00d74, 3\u00d74"
    assert lines[1].startswith("FAIL: sign in bottom[0]: backward has the opposite sign")
    head, rule, *rows = lines[lines.index("") + 1 :]
    assert head.split() == [
        "where",
        "shape",
        "checked",
        "max",
        "error",
        "worst",
        "at",
        "backward",
        "differences",
        "result",
    ]
    assert set(rule) == {"─", " "}
    assert [row.split()[0] for row in rows[:2]] == ["bottom[0]", "bottom[1]"]
    assert [row.split()[-1] for row in rows[:2]] == ["FAIL", "PASS"]
    assert len({row.index(word) for row, word in zip(rows[:2], ("FAIL", "PASS"), strict=True)}) == 1


def test_no_line_is_wider_than_100_columns():
    class LongWordsInTheNameOfALayerThatSomebodyWroteForAPaper(user.Linear):
        pass

    report = check_layer(LongWordsInTheNameOfALayerThatSomebodyWroteForAPaper, [(20, 60)])
    report.notes.append("word " * 60)
    deep = check_layer(user.Square, [(2, 3, 2, 3, 2, 3)])
    for text in (str(report), str(deep)):
        assert max(map(len, text.splitlines())) <= 100


def test_a_report_without_gradients_says_so():
    report = check_layer(user.Square, [(2, 3)], propagate_down=[False])
    assert report.ok
    assert "nothing to check" in str(report)


def test_html_escapes_every_name():
    evil = "<script>alert('x')</script>"
    row = GradientRow("bottom[0]", (1, 2), evil, 2.0, (0, 1), 1.0, -1.0, ok=False, remark=evil)
    row.analytic_array, row.numeric_array = np.ones((1, 2)), -np.ones((1, 2))
    skipped = GradientRow("bottom[1]", (2,), evil, skipped=evil)
    html = GradientReport(f"layer '{evil}'", [row, skipped], [evil])._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5


def test_html_shows_the_failing_gradient_as_pictures(failing):
    html = failing._repr_html_()
    assert html.count("<svg") == 3
    assert "FAIL" in html
    assert "<svg" not in check_layer(user.Square, [(3, 4)])._repr_html_()


@pytest.mark.parametrize("shape", [(1,), (40,), (3, 40), (2, 3, 20, 30)])
def test_pictures_of_any_shape_stay_small(shape):
    assert len(check_layer(user.WrongFactor, [shape])._repr_html_()) < 100_000


def test_html_of_a_scalar_bottom():
    assert "<svg" in check_layer(user.WrongFactor, [()])._repr_html_()
