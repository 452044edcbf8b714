"""What happens to the gradients before the update rule sees them: clipping, averaging over iter_size, weight decay."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from caffe_nb import device
from caffe_nb.core.blob import Blob
from caffe_nb.errors import SolverError, did_you_mean
from caffe_nb.ops.updates import L1, L2, NO_DECAY

log = logging.getLogger("caffe_nb")

KINDS = {"L1": L1, "L2": L2}


class Regularization(NamedTuple):
    """What happens to one parameter's gradient before the update rule sees it; by default, nothing."""

    clip: Any = 1.0
    """What it is multiplied by, a number or, on a device, an array without axes; see `clipping`."""
    average: float = 1.0
    """What it is multiplied by then: 1 / iter_size."""
    decay: float = 0.0
    """weight_decay times the parameter's decay_mult."""
    kind: int = NO_DECAY
    """What is added: with `L2` decay·data, with `L1` decay·sign(data)."""


NOTHING = Regularization()


def clipping(params: Sequence[Blob], limit: float) -> Any:
    """Return what all diffs are to be multiplied by so that their common L2 norm is at most `limit`.

    It is 1 where the norm is not above the limit, and for a negative limit. On a device it is an array without axes,
    for which nobody waits unless clipping is logged.
    """
    if limit < 0 or not params:
        return 1.0
    diffs = [blob.const_diff_array.reshape(-1) for blob in params]
    if not device.holds(diffs[0]):
        norm = sqrt(sum(float(np.vdot(diff, diff)) for diff in diffs))
        scale: Any = limit / norm if norm > limit else 1.0
    else:
        xp = device.namespace_of(diffs[0])
        squares = [xp.vdot(diff, diff) for diff in diffs]
        norm = xp.sqrt(xp.stack(squares).sum())
        scale = xp.where(norm > limit, limit / norm, 1.0)
    if log.isEnabledFor(logging.INFO) and float(norm) > limit:
        log.info(
            "Gradient clipping: scaling down gradients (L2 norm %g > %g) by scale factor %g", norm, limit, float(scale)
        )
    return scale


def check_kind(kind: str) -> None:
    """Refuse a kind of decay that nobody knows.

    Raises
    ------
    SolverError
        For another kind than L1 and L2.
    """
    if kind not in KINDS:
        raise SolverError(f"unknown regularization_type '{kind}'.{did_you_mean(kind, KINDS)} Known: {', '.join(KINDS)}")


def kind_of(decay: float, name: str) -> int:
    """Return the kind of decay that the kernels know; none for a decay of 0.

    Raises
    ------
    SolverError
        For another `name` than L1 and L2.
    """
    if decay == 0:
        return NO_DECAY
    check_kind(name)
    return KINDS[name]
