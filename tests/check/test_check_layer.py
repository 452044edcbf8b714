"""check_layer: right layers pass whatever their habits, wrong ones fail and are told where."""

from __future__ import annotations

import random

import numpy as np
import pytest

from caffe_nb import rng
from caffe_nb.check import check_layer
from caffe_nb.errors import LayerNotFoundError, NetError, ShapeError
from tests.check import layers as user

LABELS = np.array([0, 3, 1])

RIGHT = {
    "square": (user.Square, [(3, 4)]),
    "one element": (user.Square, [(1,)]),
    "five axes": (user.Square, [(2, 1, 2, 1, 3)]),
    "parameters": (user.Linear, [(4, 5)]),
    "float32 buffer": (user.EuclideanLoss, [(3, 4), (3, 4)]),
    "float32 state": (user.Float32Loss, [(3, 4), (3, 4)]),
    "float32 inside": (user.LowPrecision, [(4, 5)]),
    "float32 only": (user.OnlyFloat32, [(4, 5)]),
    "labels, refused": (user.SoftmaxLoss, [(3, 4), LABELS]),
    "labels, zeroed": (user.ZeroForLabels, [(3, 4), LABELS]),
    "targets, not written": (user.SilentAboutTargets, [(3, 4), (3, 4)]),
    "random numbers": (user.Dropout, [(4, 5)]),
    "a generator of its own": (user.OwnGenerator, [(4, 5)]),
    "state between passes": (user.Stateful, [(4, 5)]),
    "kinks near by": (user.Relu, [(6, 7)]),
    "ReLU": ("ReLU", [(3, 4)]),
    "InnerProduct": ('type: "InnerProduct" inner_product_param { num_output: 3 }', [(2, 5)]),
    "SoftmaxWithLoss": ("SoftmaxWithLoss", [(3, 4), (3,)]),
    "Dropout": ("Dropout", [(4, 5)]),
}

WRONG = {
    "sign": (user.WrongSign, [(3, 4), (3, 4)], "bottom[0]"),
    "factor 2": (user.WrongFactor, [(3, 4)], "bottom[0]"),
    "a thousandth": (user.SlightlyWrong, [(3, 4)], "bottom[0]"),
    "zero": (user.Zero, [(3, 4)], "bottom[0]"),
    "not written": (user.NotWritten, [(3, 4)], "bottom[0]"),
    "partly written": (user.PartlyWritten, [(3, 4)], "bottom[0]"),
    "no backward": (user.NoBackward, [(3, 4)], "bottom[0]"),
    "accumulated": (user.Accumulates, [(3, 4)], "bottom[0]"),
    "transposed": (user.Transposed, [(4, 3)], "bottom[0]"),
    "no bias gradient": (user.NoBiasGradient, [(4, 5)], "param[1]"),
    "top diff ignored": (user.IgnoresTopDiff, [(3, 4)], "bottom[0]"),
    "one element": (user.WrongAtOneElement, [(3, 4)], "bottom[0]"),
    "NaN": (user.NotANumber, [(3, 4)], "bottom[0]"),
    "NaN in forward": (user.ForwardNotANumber, [(3, 4)], "bottom[0]"),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", RIGHT)
def test_a_right_layer_passes(case, seed):
    layer, bottoms = RIGHT[case]
    report = check_layer(layer, bottoms, seed=seed)
    assert report.ok, str(report)
    assert any(not row.skipped for row in report.rows)


@pytest.mark.parametrize("size", [1e3, 1.0, 1e-4])
@pytest.mark.parametrize(
    "layer", [user.Square, user.Relu, user.EuclideanLoss, user.Float32Loss, user.Linear, "Sigmoid"]
)
def test_the_size_of_the_values_does_not_matter(layer, size):
    values = np.random.default_rng(1).standard_normal((3, 4)) * size
    losses = {user.EuclideanLoss: [values[::-1]], user.Float32Loss: [values[::-1]]}
    report = check_layer(layer, [values, *losses.get(layer, [])])
    assert report.ok, str(report)


def test_values_of_very_different_size_in_one_blob():
    assert check_layer(user.Square, [np.array([1e-6, 1.0, 1e6, 0.0])]).ok


def test_small_gradients_beside_large_values():
    class Small(user.Square):
        scale = 1e-4

        def forward(self, bottom, top):
            top[0].data[...] = 1e3 + 1e-4 * np.sin(bottom[0].data)

        def backward(self, top, propagate_down, bottom):
            bottom[0].diff[...] = self.scale * np.cos(bottom[0].data) * top[0].diff

    class SmallAndWrong(Small):
        scale = 2e-4

    assert check_layer(Small, [(3, 4)]).ok
    assert not check_layer(SmallAndWrong, [(3, 4)]).ok


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_layer_fails_where_it_is_wrong(case, seed):
    layer, bottoms, where = WRONG[case]
    report = check_layer(layer, bottoms, seed=seed)
    assert not report.ok
    assert where in [row.where for row in report.rows if not row.ok]
    assert report.message.startswith("FAIL")
    assert where in report.message


def test_only_the_wrong_gradient_fails():
    rows = {row.where: row.ok for row in check_layer(user.NoBiasGradient, [(4, 5)]).rows}
    assert rows == {"bottom[0]": True, "param[0]": True, "param[1]": False}


def test_the_worst_element_comes_with_both_values():
    x = np.arange(1.0, 13.0).reshape(3, 4)
    row = check_layer(user.WrongAtOneElement, [x]).rows[0]
    assert row.worst == (1, 2)
    assert row.analytic - row.numeric == pytest.approx(0.5)
    assert row.analytic == row.analytic_array[1, 2]
    assert row.numeric == row.numeric_array[1, 2]
    assert row.max_error == row.error_array.max() == pytest.approx(0.5 / max(abs(row.analytic), abs(row.numeric)))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (user.NotWritten, "backward does not write the diff"),
        (user.PartlyWritten, "does not write the diff of 4 elements"),
        (user.Accumulates, "adds to the bottom's diff"),
        (user.NotANumber, "backward gives NaN or infinity"),
    ],
)
def test_what_backward_does_not_write_is_said_in_words(layer, words):
    report = check_layer(layer, [(3, 4)])
    assert words in report.message
    assert words in " ".join(str(report).split())


def test_a_slip_in_a_float32_layer_is_still_seen():
    class Slip(user.Float32Loss):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            bottom[0].diff[...] *= 1.1

    assert not check_layer(Slip, [(3, 4), (3, 4)]).ok


# labels


def test_labels_are_skipped_and_it_is_said_why():
    rows = check_layer(user.SoftmaxLoss, [(3, 4), LABELS]).rows
    assert (rows[0].ok, rows[0].skipped) == (True, "")
    assert "labels" in rows[1].skipped
    assert rows[1].checked == 0


def test_a_bottom_that_is_asked_for_is_checked_although_it_looks_like_a_label():
    report = check_layer(user.SilentAboutTargets, [(3, 4), (3, 4)], propagate_down=[True, True])
    assert [row.ok for row in report.rows] == [True, False]


def test_only_the_bottoms_that_are_asked_for_are_checked():
    report = check_layer(user.WrongSign, [(3, 4), (3, 4)], propagate_down=[False, True])
    assert all(row.ok for row in report.rows)
    assert [finding.kind for finding in report.findings] == ["ignores-propagate-down"]
    assert [row.skipped for row in report.rows] == ["propagate_down is false", ""]


def test_a_second_bottom_of_a_layer_that_is_no_loss_is_never_taken_for_labels():
    class Product(user.Elementwise):
        def forward(self, bottom, top):
            top[0].data[...] = bottom[0].data * bottom[1].data

        def backward(self, top, propagate_down, bottom):
            bottom[0].diff[...] = bottom[1].data * top[0].diff

    report = check_layer(Product, [(2, 3), np.ones((2, 3))])
    assert [row.ok for row in report.rows] == [True, False]


# kinks


def test_at_a_kink_any_value_between_the_slopes_is_right():
    report = check_layer(user.Relu, [np.array([[-1.0, 0.0, 0.0, 2.0]])])
    assert report.ok
    assert report.rows[0].kinks == 2
    assert "2 kinks" in report.message


def test_at_a_kink_a_value_outside_the_slopes_is_wrong():
    report = check_layer(user.OutsideTheSlopes, [np.array([[-1.0, 0.0, 0.0, 2.0]])])
    assert not report.ok
    assert report.rows[0].worst in {(0, 1), (0, 2)}


def test_ties_are_kinks():
    x = np.round(np.random.default_rng(0).standard_normal((5, 6)))
    report = check_layer(user.MaxOfTwo, [x, x.copy()])
    assert report.ok
    assert [row.kinks for row in report.rows] == [30, 30]


def test_ties_in_overlapping_windows_are_kinks():
    pool = 'type: "Pooling" pooling_param { pool: MAX kernel_size: 3 stride: 2 }'
    for seed in range(5):
        x = np.round(np.random.default_rng(seed).standard_normal((2, 2, 7, 7)) * 2)
        report = check_layer(pool, [x], seed=seed)
        assert report.ok, str(report)


def test_gradients_that_vanish_are_right():
    x = np.random.default_rng(0).standard_normal((3, 4)) * 1e3
    assert check_layer("Softmax", [x]).ok
    assert check_layer("Sigmoid", [x]).ok


# what is asked for


def test_several_tops_all_count():
    assert check_layer(user.TwoTops, [(3, 4)], tops=2).ok


def test_what_a_loss_gives_beside_itself_has_no_gradient():
    assert check_layer("SoftmaxWithLoss", [(3, 4), (3,)], tops=2).ok


def test_param_str_and_phase_reach_the_layer():
    for phase in ("TRAIN", "TEST", 0, 1):
        assert check_layer(user.Configured, [(3, 4)], param_str="2.5", phase=phase).ok


def test_a_class_by_its_module(tmp_path, monkeypatch):
    (tmp_path / "my_checked_layers.py").write_text(
        "from caffe_nb.core.layer import Layer\n"
        "class Double(Layer):\n"
        "    def reshape(self, bottom, top):\n        top[0].reshape(*bottom[0].shape)\n"
        "    def forward(self, bottom, top):\n        top[0].data[...] = float(self.param_str) * bottom[0].data\n"
        "    def backward(self, top, propagate_down, bottom):\n        bottom[0].diff[...] = 2 * top[0].diff\n"
    )
    monkeypatch.chdir(tmp_path)
    assert check_layer("my_checked_layers:Double", [(2, 3)], param_str="2").ok
    assert not check_layer("my_checked_layers:Double", [(2, 3)], param_str="3").ok


def test_a_layers_prototxt_and_given_parameters():
    text = 'layer { name: "ip" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 2 } }'
    report = check_layer(text, [np.ones((1, 3))], params=[np.eye(2, 3), np.zeros(2)])
    assert report.ok
    assert np.all(report.rows[0].analytic_array[0, 2] == 0)


def test_a_shape_that_is_set_in_forward_is_noted():
    class Late(user.Square):
        def reshape(self, bottom, top):
            pass

        def forward(self, bottom, top):
            top[0].reshape(*bottom[0].shape)
            super().forward(bottom, top)

    report = check_layer(Late, [(3, 4)])
    assert report.ok
    assert any("in forward only" in note for note in report.notes)


INEXACT = [
    ("type: 'ContrastiveLoss'", [np.eye(4, 3) / 8, np.ones((4, 3)) / 7, np.zeros(4)]),
    ("type: 'MVN' mvn_param { eps: 0.5 }", [np.random.default_rng(0).normal(size=(2, 3, 4, 5))]),
    ("type: 'SoftmaxWithLoss'", [np.array([[1e3, 0.0], [0.0, 1.0]]), np.array([1.0, 0.0])]),
]


@pytest.mark.parametrize(("text", "bottoms"), INEXACT, ids=[text.split("'")[1] for text, _ in INEXACT])
def test_where_caffe_is_no_derivative_the_check_says_so_and_passes(text, bottoms):
    report = check_layer(f"name: 'mine' {text}", bottoms)
    assert report.ok
    assert "no derivative, on purpose, as in Caffe: " in report.rows[0].skipped


def test_a_parameter_that_is_not_learned_is_left_out():
    report = check_layer("name: 'norm' type: 'BatchNorm'", [np.random.default_rng(0).normal(size=(4, 3))], phase="TEST")
    assert report.ok
    assert [row.skipped for row in report.rows] == ["", *["lr_mult is 0"] * 3]


def test_the_same_seed_gives_the_same_report():
    assert str(check_layer(user.Linear, [(4, 5)], seed=3)) == str(check_layer(user.Linear, [(4, 5)], seed=3))


def test_progress_counts_the_elements():
    seen = []
    check_layer(user.Linear, [(4, 5)], full=True, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 38) for done in range(1, 39)]
    seen.clear()
    check_layer(user.Linear, [(4, 5)], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(38, 38)]


def test_tolerance_is_the_callers_to_choose():
    assert check_layer(user.SlightlyWrong, [(3, 4)], tolerance=0.01).ok


def test_the_arrays_that_are_given_stay_as_they_are():
    x = np.random.default_rng(0).standard_normal((3, 4))
    kept = x.copy()
    check_layer(user.SoftmaxLoss, [x, LABELS])
    assert np.array_equal(x, kept)


# random numbers and exceptions


def draw():
    return np.random.rand(3).tolist(), rng.generator().random(3).tolist(), [random.random() for _ in range(3)]


@pytest.mark.parametrize(
    ("layer", "error"), [(user.Dropout, None), (user.Raises, KeyError), (user.Interrupted, KeyboardInterrupt)]
)
def test_the_random_numbers_go_on_as_if_no_check_had_been(layer, error):
    np.random.seed(5)
    rng.set_random_seed(5)
    random.seed(5)
    expected = draw()
    np.random.seed(5)
    rng.set_random_seed(5)
    random.seed(5)
    if error is None:
        check_layer(layer, [(3, 4)])
    else:
        with pytest.raises(error):
            check_layer(layer, [(3, 4)])
    assert draw() == expected


def test_an_exception_of_the_layer_arrives_as_itself_with_a_note():
    with pytest.raises(KeyError, match="my own mistake") as caught:
        check_layer(user.Raises, [(3, 4)])
    assert "in the gradient check of Raises on 3\u00d74" in caught.value.__notes__
    assert caught.traceback[-1].path.name == "layers.py"


def test_a_layer_that_runs_in_float32_only_is_checked_in_float32():
    report = check_layer(user.OnlyFloat32, [(3, 4)])
    assert report.ok
    assert "does not run in float64 (TypeError: float32 expected)" in str(report)


# bad calls


def test_bad_calls_say_what_to_do():
    with pytest.raises(NetError, match="Did you mean 'Sigmoid'"):
        check_layer("Sigmoit", [(2, 3)])
    with pytest.raises(NetError, match="subclass of caffe"):
        check_layer(int, [(2, 3)])
    with pytest.raises(NetError, match="'TRAIN' or 'TEST'"):
        check_layer(user.Square, [(2, 3)], phase="TRIAN")
    with pytest.raises(NetError, match="one entry for each of the 1 bottoms, got 2"):
        check_layer(user.Square, [(2, 3)], propagate_down=[True, True])
    with pytest.raises(ShapeError, match="has 2 parameters, got values for 1"):
        check_layer(user.Linear, [(2, 3)], params=[np.ones((3, 3))])
    with pytest.raises(ShapeError, match=r"bottom\[0\]: expected an array of numbers or a shape"):
        check_layer(user.Square, ["abc"])
    with pytest.raises(NetError, match="takes 2 bottoms, got 1"):
        check_layer("EuclideanLoss", [(2, 3)])
    with pytest.raises(LayerNotFoundError, match="no_such_module_here"):
        check_layer("no_such_module_here:Layer", [(2, 3)])
