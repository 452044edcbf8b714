"""What happens to the gradients before the update rule sees them: clipping, averaging over iter_size, weight decay."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import sqrt

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.errors import SolverError, did_you_mean
from caffe_nb.solvers.blocks import blocks

log = logging.getLogger("caffe_nb")

KINDS = ("L1", "L2")


def clip(params: Sequence[Blob], limit: float) -> None:
    """Scale all diffs so that their common L2 norm is at most `limit`; a negative limit clips nothing."""
    if limit < 0:
        return
    norm = sqrt(sum(float(np.vdot(blob.const_diff, blob.const_diff)) for blob in params))
    if norm > limit:
        scale = limit / norm
        log.info("Gradient clipping: scaling down gradients (L2 norm %g > %g) by scale factor %g", norm, limit, scale)
        for blob in params:
            blob.diff *= scale


def average(blob: Blob, iter_size: int) -> None:
    """Divide a diff that was summed over `iter_size` passes."""
    if iter_size > 1:
        blob.diff *= 1 / iter_size


def check_kind(kind: str) -> None:
    """Refuse a kind of decay that `decay` does not know.

    Raises
    ------
    SolverError
        For another kind than L1 and L2.
    """
    if kind not in KINDS:
        raise SolverError(f"unknown regularization_type '{kind}'.{did_you_mean(kind, KINDS)} Known: {', '.join(KINDS)}")


def decay(blob: Blob, rate: float, kind: str) -> None:
    """Add the gradient of the weight decay to a diff.

    Parameters
    ----------
    blob : Blob
        A parameter.
    rate : float
        weight_decay times the parameter's decay_mult; 0 adds nothing.
    kind : str
        ``L2`` adds rate·data, ``L1`` rate·sign(data).

    Raises
    ------
    SolverError
        For another kind.
    """
    if rate == 0:
        return
    check_kind(kind)
    data, diff = blob.const_data.reshape(-1), blob.diff.reshape(-1)
    for part in blocks(blob.count):
        values = np.sign(data[part]) if kind == "L1" else data[part]
        diff[part] += rate * values
