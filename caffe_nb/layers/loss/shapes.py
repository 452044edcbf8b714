"""What the losses ask of their bottoms, in one wording."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_nb.core.blob import Blob
from caffe_nb.errors import ShapeError


def same_first_axis(bottom: Sequence[Blob]) -> None:
    """Check that both bottoms are batches of the same length.

    Raises
    ------
    ShapeError
        When one has no axes, or the first axes differ.
    """
    a, b = bottom[0].shape, bottom[1].shape
    if not a or not b or a[0] != b[0]:
        raise ShapeError(
            f"bottom[0] and bottom[1] must have the same first axis (the batch); their shapes are {a} and {b}"
        )


def one_label_a_position(bottom: Sequence[Blob], axis: int) -> tuple[int, int, int]:
    """Check that there is a label for every class vector, and return how those lie in memory.

    Parameters
    ----------
    bottom : sequence of Blob
        Scores and labels.
    axis : int
        The class axis of the scores, not negative.

    Returns
    -------
    (outer, classes, inner) : tuple of int
        The scores' shape with the axes before and after the class axis taken together.

    Raises
    ------
    ShapeError
        When the labels' count is another.
    """
    shape = bottom[0].shape
    outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
    if bottom[1].count != outer * inner:
        wanted = shape[:axis] + shape[axis + 1 :]
        raise ShapeError(
            f"bottom[1] must have one label for each of the {outer * inner} class vectors along axis {axis} of "
            f"bottom[0] {shape}, so {outer * inner} labels, of shape {wanted} for example; it has {bottom[1].count}, "
            f"in shape {bottom[1].shape}. Labels are class numbers, not one-hot vectors"
        )
    return outer, shape[axis], inner


def one_label_an_item(bottom: Sequence[Blob]) -> tuple[int, int]:
    """Check that there is one label for every item of the batch.

    Parameters
    ----------
    bottom : sequence of Blob
        Scores and labels.

    Returns
    -------
    (items, classes) : tuple of int
        The scores' shape with all axes but the first taken together.

    Raises
    ------
    ShapeError
        When the batches differ, or the labels' count is not the batch's.
    """
    same_first_axis(bottom)
    shape = bottom[0].shape
    if bottom[1].count != shape[0]:
        raise ShapeError(
            f"bottom[1] must have one label for each of the {shape[0]} items of bottom[0] {shape}, in shape "
            f"({shape[0]},); its shape is {bottom[1].shape}. Labels are class numbers, not one-hot vectors"
        )
    return shape[0], prod(shape[1:])
