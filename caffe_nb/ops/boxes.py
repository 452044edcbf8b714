"""Boxes (x1, y1, x2, y2): decoding of predictions, and which of several overlapping ones stay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.ops.jit import compiled

Array = NDArray[Any]

CORNER, CENTER_SIZE, CORNER_SIZE = 1, 2, 3


def decode(code: int, priors: Array, variances: Array, predictions: Array) -> Array:
    """Return the boxes that predictions relative to prior boxes mean.

    Parameters
    ----------
    code : int
        CORNER: corners are added to. CENTER_SIZE: the centre in units of the prior's size, the logarithm of the size.
        CORNER_SIZE: corners in units of the prior's size.
    priors : (P, 4) ndarray
        The prior boxes.
    variances : (P, 4) ndarray
        What each number is multiplied with first; ones where the target was encoded with it.
    predictions : (..., P, 4) ndarray
        The predictions.

    Returns
    -------
    (..., P, 4) ndarray
    """
    steps = predictions * variances
    if code == CORNER:
        return np.asarray(priors + steps)
    size = priors[:, 2:] - priors[:, :2]
    if code == CORNER_SIZE:
        return np.asarray(priors + steps * np.tile(size, 2))
    centre = (priors[:, :2] + priors[:, 2:]) / 2 + steps[..., :2] * size
    with np.errstate(over="ignore"):  # an infinite box is what such a prediction means
        half = np.exp(steps[..., 2:]) * size / 2
    return np.concatenate([centre - half, centre + half], -1)


def suppress(boxes: Array, scores: Array, least: float, threshold: float, top_k: int, eta: float) -> NDArray[np.int64]:
    """Return the boxes that stay, the best first (non-maximum suppression).

    Parameters
    ----------
    boxes : (P, 4) ndarray
        The boxes.
    scores : (P,) ndarray
        Their scores.
    least : float
        Only boxes of a higher score count.
    threshold : float
        A box goes when it overlaps a better one by more than this share of their union.
    top_k : int
        How many of the best are looked at; all for -1.
    eta : float
        Below 1 the threshold is multiplied with it after each box that stays, while it is above 0.5.

    Returns
    -------
    ndarray of int64
        Indices of `boxes`.
    """
    candidates = np.flatnonzero(scores > least)
    order = candidates[np.argsort(-scores[candidates], kind="stable")]
    order = order[:top_k] if top_k > -1 else order
    stays = np.zeros(len(order), np.bool_)
    _suppress(np.ascontiguousarray(boxes[order], np.float64), float(threshold), float(eta), stays)
    return order[stays]


@compiled
def _suppress(boxes: Array, threshold: float, eta: float, stays: Array) -> None:
    for k in range(len(boxes)):
        area = max(0.0, boxes[k, 2] - boxes[k, 0]) * max(0.0, boxes[k, 3] - boxes[k, 1])
        keep = True
        for i in range(k):
            if not stays[i]:
                continue
            width = min(boxes[i, 2], boxes[k, 2]) - max(boxes[i, 0], boxes[k, 0])
            height = min(boxes[i, 3], boxes[k, 3]) - max(boxes[i, 1], boxes[k, 1])
            common = max(0.0, width) * max(0.0, height)
            other = max(0.0, boxes[i, 2] - boxes[i, 0]) * max(0.0, boxes[i, 3] - boxes[i, 1])
            if common > 0 and common > threshold * (area + other - common):
                keep = False
                break
        stays[k] = keep
        if keep and eta < 1 and threshold > 0.5:
            threshold *= eta
