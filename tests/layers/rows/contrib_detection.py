"""Rows of the detection layers of forks: the definitions, box by box and pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from math import ceil, exp, floor, sqrt

import numpy as np

from tests.layers.case import Array, Case, Input, distinct, given, normal


def regions(count: int, images: int = 2, size: int = 128) -> Input:
    """Draw regions with coordinates in steps of 4: in and out of an image of 80 pixels, some from right to left."""

    def draw(rng: np.random.Generator, s: tuple[int, ...]) -> Array:
        corners = rng.integers(-5, size // 4, size=(s[0], 4)) * 4
        corners[s[0] // 3 :] = np.concatenate([np.minimum(corners[:, :2], corners[:, 2:]), corners[:, 2:]], 1)[
            s[0] // 3 :
        ]
        return np.concatenate([rng.integers(min(images, s[0]), size=(s[0], 1)), corners], 1)

    return Input((count, 5), draw)


def boxes(count: int) -> Input:
    """Draw prior boxes inside of the unit square, and a variance for each number."""

    def draw(rng: np.random.Generator, s: tuple[int, ...]) -> Array:
        low, size = rng.uniform(0, 0.6, (count, 2)), rng.uniform(0.1, 0.4, (count, 2))
        return np.stack([np.concatenate([low, low + size], 1).ravel(), rng.uniform(0.1, 0.3, count * 4)])[None]

    return Input((1, 2, count * 4), draw, batched=False)


def uniform(*shape: int) -> Input:
    return Input(shape, lambda rng, s: rng.uniform(0, 1, s))


def rounded(x: float) -> int:
    """Round halves away from 0."""
    return int(Decimal(float(x)).to_integral_value(ROUND_HALF_UP))


def span(number: int, size: float, start: float, extent: int) -> range:
    """The pixels of a cell that are inside of an image."""
    return range(max(0, floor(number * size + start)), min(extent, ceil((number + 1) * size + start)))


def largest_of_cells(rows: int, columns: int, scale: float) -> Callable[[Array, Array], Array]:
    """ROIPooling of Fast R-CNN."""

    def reference(x: Array, rois: Array) -> Array:
        y = np.zeros((len(rois), x.shape[1], rows, columns))
        for (r, c, i, j), _ in np.ndenumerate(y):
            left, top, right, bottom = (rounded(v * scale) for v in rois[r, 1:])
            high, wide = max(bottom - top + 1, 1) / rows, max(right - left + 1, 1) / columns
            ys, xs = span(i, high, 0, 1000), span(j, wide, 0, 1000)
            pixels = [
                x[int(rois[r, 0]), c, yy + top, xx + left]
                for yy, xx in product(ys, xs)
                if 0 <= yy + top < x.shape[2] and 0 <= xx + left < x.shape[3]
            ]
            y[r, c, i, j] = max(pixels, default=0)
        return y

    return reference


def mean_of_cells(outputs: int, group: int, scale: float) -> Callable[[Array, Array], Array]:
    """PSROIPooling of R-FCN."""

    def reference(x: Array, rois: Array) -> Array:
        y = np.zeros((len(rois), outputs, group, group))
        for (r, c, i, j), _ in np.ndenumerate(y):
            left, top = (rounded(v) * scale for v in rois[r, 1:3])
            right, bottom = ((rounded(v) + 1) * scale for v in rois[r, 3:])
            ys = span(i, max(bottom - top, 0.1) / group, top, x.shape[2])
            xs = span(j, max(right - left, 0.1) / group, left, x.shape[3])
            channel = (c * group + i) * group + j
            pixels = [x[int(rois[r, 0]), channel, yy, xx] for yy, xx in product(ys, xs)]
            y[r, c, i, j] = sum(pixels) / len(pixels) if pixels else 0
        return y

    return reference


def normalized(x: Array, scale: Array, across: bool, eps: float = 1e-10) -> Array:
    axes = tuple(range(1, x.ndim)) if across else (1,)
    column = (1, -1, *[1] * (x.ndim - 2))
    y: Array = scale.reshape(column) * x / np.sqrt((x**2).sum(axes, keepdims=True) + np.float32(eps))
    return y


def priors(
    sizes: list[tuple[float, float]],
    step: tuple[float, float],
    image: tuple[int, int],
    variance: list[float],
    offset: float = 0.5,
    clip: bool = False,
) -> Callable[[Array, Array], Array]:
    """Boxes of (width, height) around each cell; step and image are (height, width)."""

    def reference(x: Array, data: Array) -> Array:
        corners: list[float] = []
        for row, column, (wide, high) in product(range(x.shape[2]), range(x.shape[3]), sizes):
            middle = ((column + offset) * step[1], (row + offset) * step[0])
            corners += [(middle[0] - wide / 2) / image[1], (middle[1] - high / 2) / image[0]]
            corners += [(middle[0] + wide / 2) / image[1], (middle[1] + high / 2) / image[0]]
        found = [min(max(v, 0), 1) for v in corners] if clip else corners
        return np.array([[found, variance * (len(found) // 4)]])

    return reference


def decoded(code: str, prior: Array, variance: Array, p: Array) -> list[float]:
    """A box from its prediction, by the formulas of SSD."""
    wide, high = prior[2] - prior[0], prior[3] - prior[1]
    if code == "CENTER_SIZE":
        x = (prior[0] + prior[2]) / 2 + variance[0] * p[0] * wide
        y = (prior[1] + prior[3]) / 2 + variance[1] * p[1] * high
        wide, high = exp(variance[2] * p[2]) * wide, exp(variance[3] * p[3]) * high
        return [x - wide / 2, y - high / 2, x + wide / 2, y + high / 2]
    sides = (wide, high, wide, high) if code == "CORNER_SIZE" else (1, 1, 1, 1)
    return [prior[k] + variance[k] * p[k] * sides[k] for k in range(4)]


def overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0
    area = [max(0, c[2] - c[0]) * max(0, c[3] - c[1]) for c in (a, b)]
    return wide * high / (sum(area) - wide * high)


def detections(
    code: str,
    classes: int,
    *,
    shared: bool = True,
    encoded: bool = False,
    least: float = -1,
    threshold: float = 0.3,
    top_k: int = 1000,
    keep: int = 1000,
) -> Callable[..., Array]:
    """DetectionOutput of SSD."""

    def reference(places: Array, scores: Array, prior: Array) -> Array:
        box, variance = prior.reshape(2, -1, 4)
        count = len(box)
        rows: list[list[float]] = []
        for item in range(len(places)):
            found: list[list[float]] = []
            predictions = places[item].reshape(count, -1, 4)
            for label in range(1, classes):
                score = scores[item].reshape(count, classes)[:, label]
                order = sorted((i for i in range(count) if score[i] > least), key=lambda i: -score[i])[:top_k]
                stay: list[list[float]] = []
                for i in order:
                    scale = np.ones(4) if encoded else variance[i]
                    new = decoded(code, box[i], scale, predictions[i, 0 if shared else label])
                    if all(overlap(new, old[3:]) <= threshold for old in stay):
                        stay.append([item, label, score[i], *new])
                found += stay
            best = sorted(found, key=lambda row: -row[2])[:keep]
            rows += [row for row in found if row in best]
        return np.array([[rows or [[item] + [-1] * 6 for item in range(len(places))]]])

    return reference


F = (2, 3, 5, 5)

POOLINGS = [
    Case(
        "ROIPooling",
        "three by two cells",
        "roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.0625 }",
        (distinct(*F), regions(9)),
        shapes=((9, 3, 3, 2),),
        reference=largest_of_cells(3, 2, 0.0625),
    ),
    Case(
        "ROIPooling",
        "more cells than pixels",
        "roi_pooling_param { pooled_h: 7 pooled_w: 7 spatial_scale: 0.0625 }",
        (distinct(*F), regions(4)),
        reference=largest_of_cells(7, 7, 0.0625),
    ),
    Case(
        "ROIPooling",
        "halves rounded away from 0, four axes",
        "roi_pooling_param { pooled_h: 2 pooled_w: 2 }",
        (distinct(1, 2, 5, 5), given(np.reshape([0, 0.5, 1.5, 2.5, 3.5, 0, -0.5, -1.5, 2.49, 1.51], (2, 5, 1, 1)))),
        shapes=((2, 2, 2, 2),),
        other_batch=False,
        reference=lambda x, rois: largest_of_cells(2, 2, 1)(x, rois.reshape(-1, 5)),
    ),
    Case(
        "ROIPooling",
        "no region",
        "roi_pooling_param { pooled_h: 2 pooled_w: 3 }",
        (distinct(*F), given(np.empty((0, 5)))),
        shapes=((0, 3, 2, 3),),
        other_batch=False,
    ),
    Case(
        "PSROIPooling",
        "three groups",
        "psroi_pooling_param { spatial_scale: 0.0625 output_dim: 2 group_size: 3 }",
        (normal(2, 18, 5, 5), regions(9)),
        shapes=((9, 2, 3, 3),),
        reference=mean_of_cells(2, 3, 0.0625),
    ),
    Case(
        "PSROIPooling",
        "one group, halves",
        "psroi_pooling_param { spatial_scale: 0.5 output_dim: 4 group_size: 1 }",
        (normal(2, 4, 5, 4), given([[1, 0.5, 1.5, 4.5, 3.5], [0, 3, 3, 1, 1], [0, 30, 30, 40, 40]])),
        other_batch=False,
        reference=mean_of_cells(4, 1, 0.5),
    ),
    Case(
        "PSROIPooling",
        "no region",
        "psroi_pooling_param { spatial_scale: 0.5 output_dim: 1 group_size: 2 }",
        (normal(2, 4, 5, 4), given(np.empty((0, 5)))),
        shapes=((0, 1, 2, 2),),
        other_batch=False,
    ),
]

AXES = [
    Case(
        "Permute",
        "channels last",
        "permute_param { order: 0 order: 2 order: 3 order: 1 }",
        (normal(*F),),
        shapes=((2, 5, 5, 3),),
        reference=lambda x: x.transpose(0, 2, 3, 1),
    ),
    Case(
        "Permute",
        "the rest follows",
        "permute_param { order: 2 }",
        (normal(2, 3, 4),),
        shapes=((4, 2, 3),),
        reference=lambda x: np.moveaxis(x, 2, 0),
    ),
    Case("Permute", "no order", "", (normal(2, 3),), reference=lambda x: x),
    Case(
        "Normalize",
        "of each image",
        "",
        (normal(*F),),
        shapes=(F,),
        reference=lambda x, scale: normalized(x, scale, across=True),
    ),
    Case(
        "Normalize",
        "of each pixel, a factor a channel",
        "norm_param { across_spatial: false channel_shared: false scale_filler { value: 20 } }",
        (normal(*F),),
        reference=lambda x, scale: normalized(x, scale, across=False),
    ),
    Case(
        "Normalize",
        "of each pixel, one factor",
        "norm_param { across_spatial: false eps: 0.5 }",
        (normal(*F),),
        reference=lambda x, scale: normalized(x, scale, across=False, eps=0.5),
    ),
    Case(
        "Normalize",
        "of vectors",
        "norm_param { channel_shared: false }",
        (normal(4, 3),),
        reference=lambda x, scale: normalized(x, scale, across=True),
    ),
]

MAP, IMAGE = (normal(2, 3, 2, 4), normal(2, 3, 60, 100))

PRIORS = [
    Case(
        "PriorBox",
        "all shapes, as SSD writes it",
        "prior_box_param { min_size: 30 max_size: 60 aspect_ratio: 2 flip: true variance: [0.1, 0.1, 0.2, 0.2] }",
        (MAP, IMAGE),
        shapes=((1, 2, 2 * 4 * 4 * 4),),
        reference=priors(
            [(30, 30), (sqrt(1800),) * 2, (30 * sqrt(2), 30 / sqrt(2)), (30 / sqrt(2), 30 * sqrt(2))],
            (30, 25),
            (60, 100),
            np.float32([0.1, 0.1, 0.2, 0.2]).tolist(),
        ),
    ),
    Case(
        "PriorBox",
        "two sizes, cut off and clipped",
        "prior_box_param { min_size: 10.9 min_size: 40 aspect_ratio: 1 aspect_ratio: 4 flip: false clip: true }",
        (MAP, IMAGE),
        reference=priors([(10, 10), (20, 5), (40, 40), (80, 20)], (30, 25), (60, 100), [0.1] * 4, clip=True),
    ),
    Case(
        "PriorBox",
        "image, step and offset given",
        "prior_box_param { min_size: 16 variance: 0.5 img_h: 64 img_w: 128 step: 32 offset: 0.25 }",
        (MAP, IMAGE),
        reference=priors([(16, 16)], (32, 32), (64, 128), [0.5] * 4, offset=0.25),
    ),
    Case(
        "PriorBox",
        "steps of height and width",
        "prior_box_param { min_size: 16 img_size: 64 step_h: 8 step_w: 16 variance: 0.5 }",
        (MAP, IMAGE),
        reference=priors([(16, 16)], (8, 16), (64, 64), [0.5] * 4),
    ),
]

DETECTIONS = [
    Case(
        "DetectionOutput",
        "as SSD writes it",
        "detection_output_param { num_classes: 3 code_type: CENTER_SIZE confidence_threshold: 0.25 keep_top_k: 9"
        " nms_param { nms_threshold: 0.25 top_k: 6 } save_output_param { label_map_file: 'labels' } }",
        (normal(2, 48), uniform(2, 36), boxes(12)),
        reference=detections("CENTER_SIZE", 3, least=0.25, threshold=0.25, top_k=6, keep=9),
    ),
    Case(
        "DetectionOutput",
        "corners, everything counts",
        "detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.5 } }",
        (normal(3, 40), uniform(3, 20), boxes(10)),
        reference=detections("CORNER", 2, threshold=0.5),
    ),
    Case(
        "DetectionOutput",
        "a place for each class, in units of the size",
        "detection_output_param { num_classes: 3 share_location: false code_type: CORNER_SIZE"
        " nms_param { nms_threshold: 0.5 } variance_encoded_in_target: true }",
        (normal(2, 8, 3, 4), uniform(2, 8, 3), boxes(8)),
        reference=detections("CORNER_SIZE", 3, shared=False, encoded=True, threshold=0.5),
    ),
    Case(
        "DetectionOutput",
        "nothing found",
        "detection_output_param { num_classes: 3 confidence_threshold: 2 }",
        (normal(2, 16), uniform(2, 12), boxes(4)),
        shapes=((1, 1, 2, 7),),
        reference=lambda places, *_: [[[[item] + [-1] * 6 for item in range(len(places))]]],
    ),
]

ROWS = [*POOLINGS, *AXES, *PRIORS, *DETECTIONS]
