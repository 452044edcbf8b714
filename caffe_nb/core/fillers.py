"""Fillers: the first values of parameters and of dummy data."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np

from caffe_nb import rng
from caffe_nb.core.blob import Array, Blob
from caffe_nb.errors import NetError, ShapeError, did_you_mean, listing

if TYPE_CHECKING:
    from caffe_nb.proto import caffe_pb2

Filler = Callable[["Array", "caffe_pb2.FillerParameter"], None]


def fill(blob: Blob, param: caffe_pb2.FillerParameter) -> None:
    """Fill a blob's data as its text asks.

    Parameters
    ----------
    blob : Blob
        What is filled; its shape decides the fans of `xavier` and `msra`.
    param : caffe_pb2.FillerParameter
        `type` and its numbers. ``constant``: `value`. ``uniform``: from `min` to `max`. ``gaussian``: `mean`, `std`,
        and with `sparse` all but about so many inputs of each output are zero. ``positive_unitball``: positive, each
        row sums up to 1. ``xavier`` (Glorot and Bengio, 2010) and ``msra`` (He et al., 2015): scaled by the fan that
        `variance_norm` names. ``bilinear``: the weights of an upsampling deconvolution.

    Raises
    ------
    NetError
        For an unknown type, or `sparse` with a type that is not gaussian.
    ShapeError
        For a bilinear filler of a blob that is not ``(N, C, K, K)``.

    Notes
    -----
    Numbers are drawn from `caffe_nb.rng.generator`, in the blob's own precision.
    """
    check(param)
    _FILLERS[param.type](blob.data, param)


def check(param: caffe_pb2.FillerParameter) -> None:
    """Refuse a filler that `fill` would refuse for any blob.

    Raises
    ------
    NetError
        For an unknown type, or `sparse` with a type that is not gaussian.
    """
    if param.type not in _FILLERS:
        raise NetError(
            f"unknown filler type '{param.type}'.{did_you_mean(param.type, _FILLERS)} Known types: {listing(_FILLERS)}"
        )
    if param.sparse >= 0 and param.type != "gaussian":
        raise NetError(f"sparse is for gaussian fillers, not for '{param.type}'; leave it out")


def _constant(data: Array, param: caffe_pb2.FillerParameter) -> None:
    data[...] = param.value


def _draw_uniform(data: Array, low: float, high: float) -> None:
    rng.generator().random(dtype=data.dtype.type, out=data)
    data *= high - low
    data += low


def _draw_normal(data: Array, mean: float, std: float) -> None:
    rng.generator().standard_normal(dtype=data.dtype.type, out=data)
    data *= std
    data += mean


def _uniform(data: Array, param: caffe_pb2.FillerParameter) -> None:
    _draw_uniform(data, param.min, param.max)


def _gaussian(data: Array, param: caffe_pb2.FillerParameter) -> None:
    _draw_normal(data, param.mean, param.std)
    if param.sparse >= 0:
        outputs = data.shape[0] if data.ndim else 1
        data *= rng.generator().random(data.shape) < param.sparse / max(outputs, 1)


def _positive_unitball(data: Array, _param: caffe_pb2.FillerParameter) -> None:
    _draw_uniform(data, 0, 1)
    rows = data.reshape(data.shape[0] if data.ndim else 1, -1)
    rows /= rows.sum(axis=1, keepdims=True)


def _fan(data: Array, param: caffe_pb2.FillerParameter) -> float:
    inputs = data.size / (data.shape[0] if data.ndim else 1)
    outputs = data.size / data.shape[1] if data.ndim > 1 else data.size
    if param.variance_norm == param.AVERAGE:
        return (inputs + outputs) / 2
    return outputs if param.variance_norm == param.FAN_OUT else inputs


def _xavier(data: Array, param: caffe_pb2.FillerParameter) -> None:
    scale = sqrt(3 / _fan(data, param))
    _draw_uniform(data, -scale, scale)


def _msra(data: Array, param: caffe_pb2.FillerParameter) -> None:
    _draw_normal(data, 0, sqrt(2 / _fan(data, param)))


def _bilinear(data: Array, _param: caffe_pb2.FillerParameter) -> None:
    if data.ndim != 4 or data.shape[2] != data.shape[3]:
        raise ShapeError(f"a bilinear filler needs a blob of shape (N, C, K, K), got {data.shape}")
    size = data.shape[3]
    factor = ceil(size / 2)
    slope = 1 - np.abs(np.arange(size) / factor - (size - 1) / (2 * factor))
    data[...] = slope[:, None] * slope


def _unless_empty(filler: Filler) -> Filler:
    def guarded(data: Array, param: caffe_pb2.FillerParameter) -> None:
        if data.size:
            filler(data, param)

    return guarded


_FILLERS: dict[str, Filler] = {
    "bilinear": _unless_empty(_bilinear),
    "constant": _constant,
    "gaussian": _gaussian,
    "msra": _unless_empty(_msra),
    "positive_unitball": _unless_empty(_positive_unitball),
    "uniform": _uniform,
    "xavier": _unless_empty(_xavier),
}
