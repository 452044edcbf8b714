"""Rows of the forks' losses, and of the choice of hard examples."""

from __future__ import annotations

import numpy as np

from tests.layers.case import Array, Case, Input, distinct, given, labels, normal, softmax


def zeros_and_ones(*shape: int) -> Input:
    return Input(shape, lambda rng, s: rng.integers(2, size=s))


def images(count: int) -> Input:
    """Regions of three images."""
    return Input((count, 5), lambda rng, s: rng.integers(3, size=s))


def smooth(x: Array, sigma: float = 1) -> Array:
    return np.array([(sigma * v) ** 2 / 2 if abs(v) < sigma**-2 else abs(v) - 0.5 / sigma**2 for v in x.ravel()])


def label_losses(scores: Array, label: Array, ignore: int | None = None) -> Array:
    p = softmax(scores)
    flat = [
        0 if value == ignore else -np.log(p[(place[0], int(value), *place[1:])])
        for place, value in np.ndenumerate(label)
    ]
    return np.reshape(flat, label.shape)


def hard(rois: Array, loss: Array, label: Array, weights: Array, each: int, ignore: int) -> tuple[Array, Array]:
    """Keep `each` regions of an image; a loss of which that many are greater goes."""
    keep = [
        sum(1 for j in range(len(loss)) if rois[j, 0] == rois[i, 0] and loss.flat[j] > loss.flat[i]) < each
        for i in range(len(loss))
    ]
    kept = np.where(keep, label.ravel(), ignore).reshape(label.shape)
    return kept, np.where(np.reshape(keep, (-1, 1)), weights, 0)


SMOOTH = [
    Case(
        "SmoothL1Loss",
        "two bottoms",
        "",
        (distinct(4, 5), distinct(4, 5)),
        shapes=((),),
        propagate_down=(True, True),
        reference=lambda a, b: smooth(a - b).sum() / 4,
    ),
    Case(
        "SmoothL1Loss",
        "of SSD, weights of the difference",
        "",
        (distinct(4, 5), distinct(4, 5), normal(4, 5)),
        propagate_down=(True, True, False),
        reference=lambda a, b, w: smooth(w * (a - b)).sum() / 4,
    ),
    Case(
        "SmoothL1Loss",
        "of Faster R-CNN, sigma and both weights",
        "smooth_l1_loss_param { sigma: 3 } loss_weight: 1",
        (distinct(2, 3, 4, 2), distinct(2, 3, 4, 2), zeros_and_ones(2, 3, 4, 2), normal(2, 3, 4, 2)),
        propagate_down=(True, False, False, False),
        reference=lambda a, b, w, v: (smooth(w * (a - b), 3) * v.ravel()).sum() / 2,
    ),
    Case(
        "SmoothL1LossOHEM",
        "parts of regions",
        "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 128 }",
        (distinct(6, 8), distinct(6, 8), zeros_and_ones(6, 8)),
        tops=2,
        silent_tops=(1,),
        shapes=((), (6, 1, 1, 1)),
        propagate_down=(True, False, False),
        reference=lambda a, b, w: (
            smooth(w * (a - b)).sum() / 128,
            smooth(w * (a - b)).reshape(6, 8).sum(1).reshape(6, 1, 1, 1),
        ),
    ),
    Case(
        "SmoothL1LossOHEM",
        "parts of pixels",
        "",
        (distinct(2, 3, 4, 5), distinct(2, 3, 4, 5)),
        tops=2,
        silent_tops=(1,),
        shapes=((), (2, 1, 4, 5)),
        propagate_down=(True, True),
        reference=lambda a, b: (
            smooth(a - b).sum() / 40,
            smooth(a - b).reshape(2, 3, 4, 5).sum(1, keepdims=True),
        ),
    ),
]

OTHERS = [
    Case(
        "SoftmaxWithLossOHEM",
        "parts of regions",
        "loss_param { ignore_label: -1 normalization: PRE_FIXED pre_fixed_normalizer: 128 }",
        (normal(6, 4), given([1, -1, 3, 0, -1, 2])),
        tops=3,
        silent_tops=(1, 2),
        shapes=((), (6, 4), (6,)),
        other_batch=False,
        reference=lambda x, label: (
            label_losses(x, label, -1).sum() / 128,
            softmax(x),
            label_losses(x, label, -1),
        ),
    ),
    Case(
        "SoftmaxWithLossOHEM",
        "parts of pixels",
        "",
        (normal(2, 4, 3, 2), labels(4, 2, 3, 2)),
        tops=3,
        silent_tops=(1, 2),
        reference=lambda x, label: (label_losses(x, label).mean(), softmax(x), label_losses(x, label)),
    ),
    Case(
        "SoftmaxWithLossOHEM",
        "the loss alone",
        "loss_param { normalization: BATCH_SIZE }",
        (normal(5, 3), labels(3, 5)),
        reference=lambda x, label: label_losses(x, label).sum() / 5,
    ),
    Case(
        "BoxAnnotatorOHEM",
        "two an image",
        "box_annotator_ohem_param { roi_per_img: 2 }",
        (images(12), normal(12, 1, 1, 1), labels(4, 12, 1, 1, 1), normal(12, 8)),
        tops=2,
        shapes=((12, 1, 1, 1), (12, 8)),
        reference=lambda *bottoms: hard(*bottoms, each=2, ignore=-1),
    ),
    Case(
        "BoxAnnotatorOHEM",
        "another label",
        "box_annotator_ohem_param { roi_per_img: 1 ignore_label: 255 }",
        (images(9), normal(9), labels(4, 9), normal(9, 4)),
        tops=2,
        reference=lambda *bottoms: hard(*bottoms, each=1, ignore=255),
    ),
]

ROWS = [*SMOOTH, *OTHERS]
