"""What the losses of `loss_param` divide their sum by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.core.blob import Blob
from caffe_nb.errors import NetError
from caffe_nb.proto import caffe_pb2


def mode(param: caffe_pb2.LossParameter, default: int) -> int:
    """Return the normalization that a text asks for.

    Parameters
    ----------
    param : caffe_pb2.LossParameter
        ``normalization`` wins; else the older ``normalize``, true for VALID and false for BATCH_SIZE.
    default : int
        For a text that has neither.

    Raises
    ------
    NetError
        For PRE_FIXED without a ``pre_fixed_normalizer`` above 0.
    """
    if param.normalization == param.PRE_FIXED and not (
        param.HasField("pre_fixed_normalizer") and param.pre_fixed_normalizer > 0
    ):
        raise NetError(
            "normalization PRE_FIXED divides by a number that the text gives; set pre_fixed_normalizer, above 0, in"
            " loss_param"
        )
    if param.HasField("normalization"):
        return int(param.normalization)
    if param.HasField("normalize"):
        return int(param.VALID if param.normalize else param.BATCH_SIZE)
    return default


def loss_weight(top: Blob) -> Any:
    """Return the weight of a loss, the gradient of its top: a number; on a device an array, for which nobody waits."""
    weight = top.const_diff_array
    return weight if device.holds(weight) else float(weight)


def divisor(normalization: int, outer: int, inner: int, counted: NDArray[Any] | None, fixed: float = 1) -> Any:
    """Return what a sum of losses is divided by, at least 1 so that an empty sum stays 0.

    A number, or where positions are counted on a device an array without axes.

    Parameters
    ----------
    normalization : int
        FULL: all positions; VALID: those that count; BATCH_SIZE: `outer`; NONE: 1; PRE_FIXED (R-FCN's fork): `fixed`.
    outer, inner : int
        The positions: `outer` items of `inner` each.
    counted : array of bool, or None
        Which positions count; None for all.
    fixed : float, default 1
        ``pre_fixed_normalizer``, taken as it is, below 1 too.
    """
    modes = caffe_pb2.LossParameter
    if normalization == modes.PRE_FIXED:
        return fixed
    if normalization == modes.VALID and counted is not None:
        count = np.count_nonzero(counted)
        return np.maximum(count, 1) if device.holds(counted) else max(1, int(count))
    if normalization in (modes.FULL, modes.VALID):
        return max(1, outer * inner)
    return max(1, outer) if normalization == modes.BATCH_SIZE else 1
