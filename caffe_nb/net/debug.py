"""The lines that Caffe logs for nets with `debug_info`: mean absolute values of what each layer wrote."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import sqrt

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.net.build import Node

log = logging.getLogger("caffe_nb")


def enabled() -> bool:
    """Whether anybody would see the lines: the logger "caffe_nb" takes INFO."""
    return log.isEnabledFor(logging.INFO)


def forward(node: Node) -> None:
    """Log the tops and the parameters of a layer that has run forward."""
    for name, blob in zip(node.top_names, node.tops, strict=True):
        log.info("    [Forward] Layer %s, top blob %s data: %g", node.name, name, _mean(blob.const_data))
    for index, blob in enumerate(node.layer.blobs):
        specs = node.param.param
        name = (specs[index].name if index < len(specs) else "") or str(index)
        log.info("    [Forward] Layer %s, param blob %s data: %g", node.name, name, _mean(blob.const_data))


def backward(node: Node) -> None:
    """Log the diffs that a layer has written: of its bottoms and its parameters."""
    for name, blob, wanted in zip(node.bottom_names, node.bottoms, node.propagate_down, strict=True):
        if wanted:
            log.info("    [Backward] Layer %s, bottom blob %s diff: %g", node.name, name, _mean(blob.const_diff))
    for index, (blob, wanted) in enumerate(zip(node.layer.blobs, node.layer.param_propagate_down, strict=False)):
        if wanted:
            log.info("    [Backward] Layer %s, param blob %d diff: %g", node.name, index, _mean(blob.const_diff))


def totals(params: Sequence[Blob]) -> None:
    """Log the norms of all parameters and of their diffs, after a whole backward pass."""
    arrays = [blob.const_data for blob in params], [blob.const_diff for blob in params]
    absolute = [sum(float(np.abs(array).sum()) for array in part) for part in arrays]
    square = [sqrt(sum(float(np.vdot(array, array)) for array in part)) for part in arrays]
    log.info("    [Backward] All net params (data, diff): L1 norm = (%g, %g); L2 norm = (%g, %g)", *absolute, *square)


def _mean(array: Array) -> float:
    return float(np.abs(array).mean()) if array.size else 0.0
