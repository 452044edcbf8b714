"""Class labels: whole numbers that come as floats, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.core.deferred import refuse
from caffe_nb.errors import NetError


def class_labels(
    values: NDArray[Any], classes: int, ignore: int | None = None, what: str = "bottom[1]"
) -> tuple[NDArray[np.intp], NDArray[np.bool_] | None]:
    """Return labels as indices, and which of them count.

    Parameters
    ----------
    values : array
        One class number each, cut off to a whole number as Caffe does.
    classes : int
        How many classes there are.
    ignore : int, optional
        The label of positions that do not count.
    what : str, default "bottom[1]"
        Where the labels come from, for the message.

    Returns
    -------
    labels : array of intp
        Of the shape of `values`; 0 where they do not count.
    counted : array of bool, or None
        Which labels count; None without `ignore`: all.

    Raises
    ------
    NetError
        For a label that is neither a class nor `ignore`, or not a number; the message has the value and its place.
        On a device it is raised when the net is asked for a value; see `caffe_nb.core.deferred`.
    """
    with np.errstate(invalid="ignore"):
        labels = values.astype(np.intp)
    counted = None if ignore is None else labels != ignore
    wrong = (labels < 0) | (labels >= classes) | ~np.isfinite(values)
    if counted is not None:
        wrong &= counted
        labels = np.where(counted, labels, 0)
    if device.holds(labels):
        labels = np.where(wrong, 0, labels)  # they are used before anybody sees that they are wrong

    def describe(value: float, at: tuple[int, ...], more: int) -> NetError:
        return NetError(
            f"label {value:g} at {list(at)} of {what} is not one of the {classes} classes (0 to {classes - 1})"
            + (f" (and {more} more like it)" if more else "")
            + ("" if ignore is None else f"; label {ignore} would be ignored")
            + ". Give the scores more classes, mend the labels, or set ignore_label"
        )

    refuse(wrong, values, describe)
    return labels, counted
