"""What happens to the gradients before the update rule sees them: clipping, averaging over iter_size, weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.errors import SolverError, did_you_mean


def clip(params: Sequence[Blob], limit: float) -> None:
    """Scale all diffs so that their common L2 norm is at most `limit`; a negative limit clips nothing."""
    if limit < 0:
        return
    norm = sqrt(sum(float(np.vdot(blob.const_diff, blob.const_diff)) for blob in params))
    if norm > limit:
        for blob in params:
            blob.diff *= limit / norm


def average(blob: Blob, iter_size: int) -> None:
    """Divide a diff that was summed over `iter_size` passes."""
    if iter_size > 1:
        blob.diff *= 1 / iter_size


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
    if kind == "L2":
        blob.diff += rate * blob.const_data
    elif kind == "L1":
        blob.diff += rate * np.sign(blob.const_data)
    else:
        raise SolverError(f"unknown regularization_type '{kind}'.{did_you_mean(kind, ('L1', 'L2'))} Known: L1, L2")
