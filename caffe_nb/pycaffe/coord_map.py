"""How the pixels of one top lie on those of another, and the crop that makes them agree.

Each map is ``(axis, a, b)``: from `axis` on, what lies at the coordinate ``x`` of one top lies at ``a * x + b`` of the
other; for a single layer the one is its bottom, the other its top. The names and their meaning are those of pycaffe's
`caffe.coord_map`; used for nets that label pixels (Long, Shelhamer and Darrell, "Fully convolutional networks", CVPR
2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.pycaffe.net_spec import Function, Top, layers

Array = NDArray[Any]
CoordMap = tuple[int | None, Array | float, Array | float]

PASS_THROUGH_LAYERS = frozenset(
    [
        "AbsVal",
        "BatchNorm",
        "Bias",
        "BNLL",
        "Clip",
        "Dropout",
        "Eltwise",
        "ELU",
        "Exp",
        "Log",
        "LRN",
        "MVN",
        "PReLU",
        "Power",
        "ReLU",
        "Scale",
        "Sigmoid",
        "Softmax",
        "Split",
        "Swish",
        "TanH",
        "Threshold",
    ]
)
"""Types that leave coordinates as they are."""


class UndefinedMapException(Exception):  # noqa: N818  (pycaffe's name)
    """No coordinate map is known for a type, or none leads from one top to another."""


class AxisMismatchException(Exception):  # noqa: N818  (pycaffe's name)
    """Two coordinate maps begin at different axes."""


def conv_params(fn: Function) -> tuple[int, Array, Array, Array]:
    """Return axis, stride, effective kernel size and pad of a convolution, deconvolution or pooling.

    Parameters
    ----------
    fn : Function
        The layer.
    """
    given = fn.params.get("pooling_param" if fn.type_name == "Pooling" else "convolution_param", fn.params)
    kernel, stride, pad = (_each_axis(given, *names) for names in (("kernel_size", "kernel"), ("stride",), ("pad",)))
    if kernel is None:
        raise UndefinedMapException(f"this {fn.type_name} gives no kernel_size")
    one, none = np.ones(1, int), np.zeros(1, int)
    dilation = np.array(given.get("dilation", 1), ndmin=1)
    return (
        given.get("axis", 1),
        one if stride is None else stride,
        (kernel - 1) * dilation + 1,
        none if pad is None else pad,
    )


def _each_axis(given: Mapping[str, Any], name: str, short: str = "") -> Array | None:
    if name in given:
        return np.array(given[name], ndmin=1)
    names = [f"{short or name}_h", f"{short or name}_w"]
    return np.array([given[each] for each in names]) if names[0] in given else None


def crop_params(fn: Function) -> tuple[int, Array]:
    """Return axis and offset of a crop.

    Parameters
    ----------
    fn : Function
        The layer.
    """
    given = fn.params.get("crop_param", fn.params)
    return given.get("axis", 2), np.array(given.get("offset", 0), ndmin=1)


def coord_map(fn: Function) -> CoordMap:
    """Return the coordinate map of a layer: axis, scale and shift from its bottom's to its top's coordinates.

    Parameters
    ----------
    fn : Function
        The layer.

    Raises
    ------
    UndefinedMapException
        For a type that has none, such as InnerProduct.
    """
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, kernel, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (kernel - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, kernel, pad = conv_params(fn)
        return axis, stride, (kernel - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return None, 1, 0
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset  # -1: the channels stand before the axes that are cropped
    raise UndefinedMapException(f"no coordinate map is known for the type {fn.type_name}")


def compose(base_map: CoordMap, next_map: CoordMap) -> CoordMap:
    """Return the map of two layers one after the other.

    Parameters
    ----------
    base_map, next_map : tuple
        The maps of the first and of the second layer.

    Raises
    ------
    AxisMismatchException
        When both have an axis, and not the same.
    """
    (ax1, a1, b1), (ax2, a2, b2) = base_map, next_map
    if ax1 is not None and ax2 is not None and ax1 != ax2:
        raise AxisMismatchException(f"one map begins at axis {ax1}, the other at axis {ax2}")
    return ax2 if ax1 is None else ax1, a1 * a2, a1 * b2 + b1


def inverse(coord_map: CoordMap) -> CoordMap:
    """Return the map that leads back.

    Parameters
    ----------
    coord_map : tuple
        A map.
    """
    axis, a, b = coord_map
    return axis, 1 / a, -b / a


def coord_map_from_to(top_from: Top, top_to: Top) -> CoordMap:
    """Return the map from one top to another, through the nearest top that both come from.

    Parameters
    ----------
    top_from, top_to : Top
        The tops.

    Raises
    ------
    RuntimeError
        When they come from no common top through layers that have a map.
    AxisMismatchException
        When the layers between do not begin at the same axis.
    """
    above = dict(_maps_up(top_from))
    for top, mapped in _maps_up(top_to):
        if top in above:
            return compose(mapped, inverse(above[top]))
    raise RuntimeError(
        "there is no map between these tops: they come from no common top through layers whose coordinates are known"
    )


def _maps_up(top: Top) -> Iterator[tuple[Top, CoordMap]]:
    """Give every top that this one comes from, nearest first, with the map to it."""
    found: dict[Top, CoordMap] = {top: (None, 1, 0)}
    waiting = [top]
    while waiting:
        current = waiting.pop(0)
        yield current, found[current]
        try:
            step = coord_map(current.fn)
        except UndefinedMapException:
            continue
        for bottom in current.fn.inputs[: 1 if current.fn.type_name == "Crop" else None]:
            if bottom not in found:
                found[bottom] = compose(found[current], step)
                waiting.append(bottom)


def crop(top_from: Top, top_to: Top) -> Top:
    """Return a Crop of one top to the size and place of another.

    Parameters
    ----------
    top_from : Top
        What is cropped.
    top_to : Top
        What it shall agree with.

    Raises
    ------
    AssertionError
        When the two are not of one scale, or the crop would begin outside or between two pixels.
    """
    axis, a, b = coord_map_from_to(top_from, top_to)
    if not np.all(np.equal(a, 1)):
        raise AssertionError(f"the tops differ in scale, by {a}: a crop needs both at the same")
    if not np.all(np.less_equal(b, 0)):
        raise AssertionError(
            f"the crop would begin outside of the top, at {-np.asarray(b)}: pad more, or crop the other"
        )
    if not np.all(np.round(b) == b):
        raise AssertionError(f"the crop would begin between two pixels, at {-np.asarray(b)}")
    offset = [int(-shift) for shift in np.atleast_1d(b)]
    made: Top = layers.Crop(top_from, top_to, crop_param={"axis": 2 if axis is None else axis + 1, "offset": offset})
    return made
