"""What the rows of the forks' detection layers do not show: refusals, corner cases, and nets of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from caffe_nb.errors import CaffeError, NetError, ShapeError
from caffe_nb.net.net import Net
from tests.layers.bench import Bench
from tests.layers.case import Case, distinct, given, normal

ROI = "roi_pooling_param { pooled_h: 2 pooled_w: 2 }"
PSROI = "psroi_pooling_param { output_dim: 1 group_size: 2 spatial_scale: 1 }"
F = normal(2, 4, 3, 3)


def pooled(kind: str, rois: ArrayLike) -> Bench:
    return Bench(Case(kind, "bench", ROI if kind == "ROIPooling" else PSROI, (F, given(rois))))


def detection(text: str, places: ArrayLike, scores: ArrayLike) -> NDArray[Any]:
    """The rows that are found with priors of width 0.1, side by side, two classes and variances of 1."""
    count = np.shape(scores)[1] // 2
    priors = [[0.1 * i, 0, 0.1 * i + 0.1, 0.1] for i in range(count)]
    case = Case(
        "DetectionOutput",
        "bench",
        f"detection_output_param {{ num_classes: 2 {text} }}",
        (given(places), given(scores), given([[np.ravel(priors), np.ones(4 * count)]])),
    )
    rows: NDArray[Any] = Bench(case).forward()[0][0, 0]
    return rows


REFUSED: list[tuple[Case, type[CaffeError], str]] = [
    (Case("ROIPooling", "grid", "", (F, normal(3, 5))), NetError, "give roi_pooling_param { pooled_h pooled_w }"),
    (
        Case("ROIPooling", "axes", ROI, (normal(2, 3), normal(3, 5))),
        ShapeError,
        r"must be \(N, C, H, W\), got \(2, 3\)",
    ),
    (Case("ROIPooling", "rois", ROI, (F, normal(3, 4))), ShapeError, r"regions have five numbers each.*got \(3, 4\)"),
    (Case("PSROIPooling", "group", "", (F, normal(3, 5))), NetError, "all above 0; got 0, 0 and 0"),
    (
        Case("PSROIPooling", "channels", PSROI, (normal(2, 3, 3, 3), normal(3, 5))),
        ShapeError,
        r"output_dim 1 and group_size 2 need 4 channels, got features of shape \(2, 3, 3, 3\)",
    ),
    (
        Case("Permute", "axis", "permute_param { order: 4 }", (F,)),
        NetError,
        r"axis 4 does not exist in a bottom of shape \(2, 4, 3, 3\)",
    ),
    (Case("Permute", "twice", "permute_param { order: 1 order: 1 }", (F,)), NetError, "axis 1 is named twice"),
    (Case("Normalize", "axes", "", (normal(3),)), ShapeError, r"\(N, C, ...\), got shape \(3,\)"),
    (Case("PriorBox", "size", "", (F, F)), NetError, "min_size: ... }, above 0"),
    (Case("PriorBox", "nan", "prior_box_param { min_size: nan }", (F, F)), NetError, "min_size: ... }, above 0"),
    (
        Case("PriorBox", "order", "prior_box_param { min_size: 9 max_size: 9 }", (F, F)),
        NetError,
        r"each max_size is above its min_size, got \[9.0\], \[9.0\]",
    ),
    (
        Case("PriorBox", "number", "prior_box_param { min_size: 9 min_size: 5 max_size: 9 }", (F, F)),
        NetError,
        "2 min_size and 1 max_size",
    ),
    (
        Case("PriorBox", "variance", "prior_box_param { min_size: 9 variance: [1, 1] }", (F, F)),
        NetError,
        r"variance is one number or four, above 0; got \[1.0, 1.0\]",
    ),
    (
        Case("PriorBox", "ratio", "prior_box_param { min_size: 9 aspect_ratio: 0 }", (F, F)),
        NetError,
        "aspect_ratio is above 0, got 0",
    ),
    (
        Case("PriorBox", "step", "prior_box_param { min_size: 9 step_h: 3 }", (F, F)),
        NetError,
        "give either step or both step_h and step_w",
    ),
    (Case("PriorBox", "zero", "prior_box_param { min_size: 9 step: 0 }", (F, F)), NetError, "step must be above 0"),
    (
        Case("PriorBox", "axes", "prior_box_param { min_size: 9 }", (F, normal(2, 3))),
        ShapeError,
        r"four axes, got \(2, 4, 3, 3\) and \(2, 3\)",
    ),
    (
        Case("DetectionOutput", "classes", "", (normal(2, 8), normal(2, 4), normal(1, 2, 8))),
        NetError,
        "num_classes: ... }, at least 1",
    ),
    (
        Case(
            "DetectionOutput",
            "files",
            "detection_output_param { num_classes: 2 save_output_param { output_directory: 'results' } }",
            (normal(2, 8), normal(2, 4), normal(1, 2, 8)),
        ),
        NetError,
        "writes no files here: leave out save_output_param",
    ),
    (
        Case(
            "DetectionOutput",
            "threshold",
            "detection_output_param { num_classes: 2 nms_param { eta: 0 } }",
            (normal(2, 8), normal(2, 4), normal(1, 2, 8)),
        ),
        NetError,
        "eta above 0 and up to 1; got 0.3.*, 0",
    ),
    (
        Case(
            "DetectionOutput",
            "counts",
            "detection_output_param { num_classes: 3 }",
            (normal(2, 8), normal(2, 4), normal(1, 2, 8)),
        ),
        ShapeError,
        r"2 priors, 2 images and 3 classes need 12 values of bottom 1, whose shape is \(2, 4\)",
    ),
    (
        Case("SmoothL1Loss", "sigma", "smooth_l1_loss_param { sigma: 0 }", (F, F)),
        NetError,
        "sigma must be above 0, got 0",
    ),
    (
        Case("SmoothL1Loss", "count", "", (normal(2, 3), normal(2, 3), normal(2, 4))),
        ShapeError,
        r"the same count, got \(2, 3\), \(2, 3\), \(2, 4\)",
    ),
    (Case("SmoothL1Loss", "batch", "", (normal(2, 3), normal(3, 2))), ShapeError, "same first axis"),
    (
        Case("BoxAnnotatorOHEM", "each", "", (normal(3, 5), normal(3), normal(3), normal(3, 8)), tops=2),
        NetError,
        "roi_per_img: ... }, at least 1",
    ),
    (
        Case(
            "BoxAnnotatorOHEM",
            "losses",
            "box_annotator_ohem_param { roi_per_img: 1 }",
            (normal(3, 5), normal(4), normal(3), normal(3, 8)),
            tops=2,
        ),
        ShapeError,
        r"bottom\[1\] must have one loss for each of the 3 regions; its shape is \(4,\)",
    ),
]


@pytest.mark.parametrize(("case", "kind", "words"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_what_does_not_fit_is_refused_in_words(case: Case, kind: type[CaffeError], words: str) -> None:
    with pytest.raises(kind, match=words):
        Bench(case)


@pytest.mark.parametrize("kind", ["ROIPooling", "PSROIPooling"])
class TestRegions:
    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ([2, 0, 0, 1, 1], "region 1 is of image 2, and the batch has images 0 to 1"),
            ([-1, 0, 0, 1, 1], "region 1 is of image -1"),
            ([0, 0, np.nan, 1, 1], r"region 1 is \[0.0, 0.0, nan, 1.0, 1.0\]; its numbers must be finite"),
            ([np.inf, 0, 0, 1, 1], "its numbers must be finite"),
        ],
    )
    def test_of_no_image_or_no_number_are_refused(self, kind: str, row: list[float], words: str) -> None:
        with pytest.raises(ShapeError, match=words):
            pooled(kind, [[0, 0, 0, 2, 2], row]).forward()

    def test_outside_of_the_image_see_nothing(self, kind: str) -> None:
        bench = pooled(kind, [[0, 40, 40, 50, 50], [1, -50, -50, -40, -40], [0, -9e30, 3e30, 9e30, 8e30]])
        assert not bench.forward()[0].any()
        assert not bench.backward()[0].any()

    def test_larger_than_the_image_see_all_of_it(self, kind: str) -> None:
        bench = pooled(kind, [[1, -3, -3, 5, 5]])
        (y,) = bench.forward()
        x = bench.bottom[0].const_data[1]
        if kind == "ROIPooling":
            np.testing.assert_array_equal(y[0, :, 0, 0], x[:, :2, :2].max((1, 2)))
        else:
            np.testing.assert_allclose(y[0, 0, 0, 0], x[0, :2, :2].mean())

    def test_have_no_gradient(self, kind: str) -> None:
        bench = pooled(kind, [[0, 0, 0, 2, 2]])
        bench.forward()
        with pytest.raises(NetError, match="have no gradient; set propagate_down: false for bottom 1"):
            bench.backward([True, True])

    def test_of_features_that_were_reshaped_after_forward(self, kind: str) -> None:
        bench = pooled(kind, [[0, 0, 0, 2, 2]])
        bench.forward()
        bench.bottom[0].reshape(1, 4, 1, 1)
        with pytest.raises(ShapeError, match=r"bottom 0 has shape \(1, 4, 1, 1\) and had \(2, 4, 3, 3\) in forward"):
            bench.backward()

    def test_backward_without_forward_writes_a_gradient_of_its_shape(self, kind: str) -> None:
        assert np.isfinite(pooled(kind, [[0, 0, 0, 2, 2]]).backward()[0]).all()


def test_of_equal_values_the_first_gets_the_gradient() -> None:
    bench = Bench(Case("ROIPooling", "ties", ROI, (given(np.ones((1, 1, 4, 4))), given([[0, 0, 0, 3, 3]]))))
    bench.forward()
    assert (bench.backward()[0][0, 0] > 0).tolist() == [[True, False, True, False], [False] * 4] * 2


def test_the_mask_outlives_a_reshape_of_the_same_shapes() -> None:
    bench = Bench(Case("ROIPooling", "mask", ROI, (distinct(1, 1, 4, 4), given([[0, 0, 0, 3, 3]]))))
    bench.forward()
    bench.layer.reshape(bench.bottom, bench.top)
    assert bench.backward()[0].astype(bool).sum() == 4


def test_ssd300_has_8732_boxes() -> None:
    """The maps and boxes of the published model."""
    total = 0
    for side, ratios, size in ((38, 1, 30), (19, 2, 60), (10, 2, 111), (5, 2, 162), (3, 1, 213), (1, 1, 264)):
        more = "".join(f"aspect_ratio: {ratio} " for ratio in (2, 3)[:ratios])
        text = f"prior_box_param {{ min_size: {size} max_size: {size + 51} {more} }}"
        bench = Bench(Case("PriorBox", "SSD", text, (normal(1, 1, side, side), normal(1, 3, 300, 300))))
        total += bench.top[0].shape[2] // 4
    assert total == 8732


class TestDetections:
    def test_of_scores_that_are_no_numbers_are_none(self) -> None:
        rows = detection("", [[0.0] * 8], [[0.5, np.nan, 0.5, 0.25]])
        np.testing.assert_allclose(rows, [[0, 1, 0.25, 0.1, 0, 0.2, 0.1]], atol=1e-12)

    def test_of_places_beyond_all_bounds_do_no_harm(self) -> None:
        rows = detection("code_type: CENTER_SIZE", [[0, 0, 1e9, 1e9, np.nan, 0, 0, 0]], [[0, 0.5, 0, 0.75]])
        assert rows[:, :3].tolist() == [[0, 1, 0.75], [0, 1, 0.5]]

    def test_an_image_without_any_has_no_row_beside_one_with_some(self) -> None:
        rows = detection("confidence_threshold: 0.5", [[0.0] * 4] * 3, [[0, 0.25], [0, 0.75], [0, 0.5]])
        assert rows[:, :3].tolist() == [[1, 1, 0.75]]

    def test_without_priors(self) -> None:
        assert detection("", np.empty((2, 0)), np.empty((2, 0))).tolist() == [[0, *[-1] * 6], [1, *[-1] * 6]]

    def test_of_all_classes_without_a_background(self) -> None:
        rows = detection("background_label_id: -1", [[0.0] * 4], [[0.25, 0.75]])
        assert rows[:, 1:3].tolist() == [[0, 0.25], [1, 0.75]]

    def test_none_are_kept(self) -> None:
        assert detection("keep_top_k: 0", [[0.0] * 4], [[0.25, 0.75]]).tolist() == [[0, *[-1] * 6]]

    def test_of_equal_scores_the_first_stays(self) -> None:
        places = [[0.1, 0, 0.1, 0, 0, 0, 0, 0]]  # both are the second prior's place
        rows = detection("", places, [[0, 0.5, 0, 0.5]])
        assert len(rows) == 1
        assert rows[0, 2] == 0.5

    def test_eta_lowers_the_threshold_with_each_box_that_stays(self) -> None:
        # The second box shares 2/3 of the union; with eta 0.5 the threshold is 0.4 after the first.
        places = [[0, 0, 0, 0, -0.08, 0, -0.08, 0]]
        scores = [[0, 0.75, 0, 0.5]]
        nms = "nms_param { nms_threshold: 0.8 eta: %g }"
        assert len(detection(nms % 1, places, scores)) == 2
        assert len(detection(nms % 0.5, places, scores)) == 1

    def test_have_no_gradient(self) -> None:
        case = Case(
            "DetectionOutput",
            "gradient",
            "detection_output_param { num_classes: 2 }",
            (normal(2, 8), normal(2, 4), normal(1, 2, 8)),
        )
        with pytest.raises(NetError, match="DetectionOutput has no gradient"):
            Bench(case).backward([True, False, False])


def test_of_equal_losses_the_first_are_hard() -> None:
    bottoms = (given(np.zeros((3, 5))), given([1, 2, 1]), given([5, 6, 7]), given(np.ones((3, 2))))
    bench = Bench(Case("BoxAnnotatorOHEM", "ties", "box_annotator_ohem_param { roi_per_img: 2 }", bottoms, tops=2))
    kept, weights = bench.forward()
    assert kept.tolist() == [5, 6, -1]
    assert weights[:, 0].tolist() == [1, 1, 0]


def test_the_head_of_a_net_of_r_fcn_trains() -> None:
    """Hard examples get a gradient, the others none; what only ranks them gets none either."""
    shapes = {"data": (1, 18, 6, 6), "rois": (6, 5), "labels": (6, 1, 1, 1), "targets": (6, 8), "inside": (6, 8)}
    text = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {n}" for n in shape)
        + " } } }"
        for name, shape in shapes.items()
    )
    net = Net.from_text(f"force_backward: true {text} {R_FCN}")
    rng = np.random.default_rng(3)
    for name in ("data", "targets"):
        net.blobs[name].data = rng.standard_normal(shapes[name])
    net.blobs["rois"].data = [[0, 0, 0, 30 + 10 * i, 80] for i in range(6)]
    net.blobs["labels"].data = np.reshape([0, 1, 0, 1, 1, 0], (6, 1, 1, 1))
    net.blobs["inside"].data = 1
    out = net.forward()
    net.backward()
    assert set(out) >= {"loss_cls", "loss_bbox"}
    hard = net.blobs["labels_ohem"].const_data.ravel() >= 0
    assert hard.sum() == 2
    np.testing.assert_array_equal(net.blobs["cls"].const_diff.any(1).ravel(), hard)
    losses = net.blobs["per_roi_loss"].const_data.ravel()
    assert losses[hard].min() >= losses[~hard].max()
    np.testing.assert_allclose(out["loss_cls"], net.blobs["per_roi_loss_cls"].const_data.ravel()[hard].sum() / 2, 1e-5)
    assert net.blobs["data"].const_diff.any()


R_FCN = """
layer { name: "psroi" type: "PSROIPooling" bottom: "data" bottom: "rois" top: "psroi"
        psroi_pooling_param { spatial_scale: 0.0625 output_dim: 2 group_size: 3 } }
layer { name: "ave" type: "Pooling" bottom: "psroi" top: "cls" pooling_param { pool: AVE kernel_size: 3 stride: 3 } }
layer { name: "boxes" type: "InnerProduct" bottom: "psroi" top: "boxes"
        inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
layer { name: "rank_cls" type: "SoftmaxWithLossOHEM" bottom: "cls" bottom: "labels"
        top: "temp_loss_cls" top: "temp_prob_cls" top: "per_roi_loss_cls"
        loss_weight: 0 loss_weight: 0 loss_weight: 0 propagate_down: false propagate_down: false }
layer { name: "rank_bbox" type: "SmoothL1LossOHEM" bottom: "boxes" bottom: "targets" bottom: "inside"
        top: "temp_loss_bbox" top: "per_roi_loss_bbox" loss_weight: 0 loss_weight: 0
        propagate_down: false propagate_down: false propagate_down: false }
layer { name: "rank" type: "Eltwise" bottom: "per_roi_loss_cls" bottom: "per_roi_loss_bbox" top: "per_roi_loss"
        propagate_down: false propagate_down: false }
layer { name: "choose" type: "BoxAnnotatorOHEM" bottom: "rois" bottom: "per_roi_loss" bottom: "labels" bottom: "inside"
        top: "labels_ohem" top: "weights_ohem" propagate_down: false propagate_down: false propagate_down: false
        propagate_down: false box_annotator_ohem_param { roi_per_img: 2 ignore_label: -1 } }
layer { name: "loss_cls" type: "SoftmaxWithLossOHEM" bottom: "cls" bottom: "labels_ohem" top: "loss_cls" loss_weight: 1
        loss_param { ignore_label: -1 normalization: PRE_FIXED pre_fixed_normalizer: 2 }
        propagate_down: true propagate_down: false }
layer { name: "loss_bbox" type: "SmoothL1LossOHEM" bottom: "boxes" bottom: "targets" bottom: "weights_ohem"
        top: "loss_bbox" loss_weight: 1 loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 2 }
        propagate_down: true propagate_down: false propagate_down: false }
"""


def test_the_head_of_a_net_of_ssd_finds_what_its_weights_say() -> None:
    net = Net.from_text(SSD, phase=1)
    net.params["score"][1].data = [2, 0, 0, 2]  # background for the first box of a cell, the class for the second
    net.forward()
    rows = net.blobs["out"].const_data[0, 0]
    assert rows.shape == (4, 7)
    probability = np.exp(2) / (np.exp(2) + 1)
    np.testing.assert_allclose(rows[:, :3], [[0, 1, probability]] * 4, rtol=1e-6)
    side = np.sqrt(8 * 12) / 2  # the box of sqrt(min_size * max_size)
    centres = [(8, 8), (24, 8), (8, 24), (24, 24)]
    corners = np.array([(x - side, y - side, x + side, y + side) for x, y in centres])
    np.testing.assert_allclose(rows[:, 3:], corners / 32, rtol=1e-5)


SSD = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "map" pooling_param { kernel_size: 16 stride: 16 } }
layer { name: "norm" type: "Normalize" bottom: "map" top: "norm"
        norm_param { across_spatial: false channel_shared: false scale_filler { type: "constant" value: 20 } } }
layer { name: "place" type: "Convolution" bottom: "norm" top: "place"
        convolution_param { num_output: 8 kernel_size: 1 } }
layer { name: "place_perm" type: "Permute" bottom: "place" top: "place_perm"
        permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "place_flat" type: "Flatten" bottom: "place_perm" top: "place_flat" flatten_param { axis: 1 } }
layer { name: "score" type: "Convolution" bottom: "norm" top: "score"
        convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "score_perm" type: "Permute" bottom: "score" top: "score_perm"
        permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "reshape" type: "Reshape" bottom: "score_perm" top: "reshape"
        reshape_param { shape { dim: 0 dim: -1 dim: 2 } } }
layer { name: "softmax" type: "Softmax" bottom: "reshape" top: "softmax" softmax_param { axis: 2 } }
layer { name: "score_flat" type: "Flatten" bottom: "softmax" top: "score_flat" flatten_param { axis: 1 } }
layer { name: "prior" type: "PriorBox" bottom: "norm" bottom: "data" top: "prior"
        prior_box_param { min_size: 8 max_size: 12 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
layer { name: "out" type: "DetectionOutput" bottom: "place_flat" bottom: "score_flat" bottom: "prior" top: "out"
        include { phase: TEST }
        detection_output_param { num_classes: 2 share_location: true background_label_id: 0 keep_top_k: 200
          nms_param { nms_threshold: 0.45 top_k: 400 } code_type: CENTER_SIZE confidence_threshold: 0.5 } }
"""
