"""Images and arrays in and out: loading, resizing, preparing them for a net, and Caffe's blob and datum messages.

The names and their meaning are those of pycaffe's `caffe.io`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.data import datum as datums
from caffe_nb.data import images as decoded
from caffe_nb.errors import ShapeError
from caffe_nb.proto import binary, caffe_pb2
from caffe_nb.proto.files import read_bytes
from caffe_nb.pycaffe.transformer import Transformer

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize_image",
]

Array = NDArray[Any]


def blobproto_to_array(blob: caffe_pb2.BlobProto, return_diff: bool = False) -> Array:
    """Return the values of a blob message, or its diff.

    Parameters
    ----------
    blob : BlobProto
        The message, with `shape` or with the four lengths of 2014.
    return_diff : bool, default False
        Whether to return the diff.

    Raises
    ------
    FormatError
        When there are other than as many values as its shape says.
    """
    return binary.blob_to_array(blob, diff=return_diff)


def array_to_blobproto(arr: Any, diff: Any = None) -> caffe_pb2.BlobProto:
    """Return a blob message of an array.

    Parameters
    ----------
    arr : array_like
        The values, of any number of axes.
    diff : array_like, optional
        The diff, of as many values.
    """
    return binary.array_to_blob(arr, diff)


def arraylist_to_blobprotovector_str(arraylist: Iterable[Any]) -> bytes:
    """Return several arrays as one message, in bytes.

    Parameters
    ----------
    arraylist : iterable of array_like
        The arrays.
    """
    return caffe_pb2.BlobProtoVector(blobs=[array_to_blobproto(array) for array in arraylist]).SerializeToString()


def blobprotovector_str_to_arraylist(str: bytes) -> list[Array]:
    """Return the arrays of a message that `arraylist_to_blobprotovector_str` wrote.

    Parameters
    ----------
    str : bytes
        The message.
    """
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(str).blobs]


def array_to_datum(arr: Any, label: int | None = None) -> caffe_pb2.Datum:
    """Return an image as a datum: bytes where it is of type uint8, floats otherwise.

    Parameters
    ----------
    arr : array_like of shape (channels, height, width)
        The image.
    label : int, optional
        Its label.

    Raises
    ------
    ShapeError
        When the array has other than three axes.
    """
    array = np.asarray(arr)
    if array.ndim != 3:
        raise ShapeError(f"a datum is an image of shape (channels, height, width), got an array of shape {array.shape}")
    channels, height, width = array.shape
    datum = caffe_pb2.Datum(channels=channels, height=height, width=width)
    if array.dtype == np.uint8:
        datum.data = array.tobytes()
    else:
        datum.float_data.extend(array.astype(np.float32).ravel().tolist())
    if label is not None:
        datum.label = int(label)
    return datum


def datum_to_array(datum: caffe_pb2.Datum) -> Array:
    """Return the image of a datum, of shape (channels, height, width); an encoded one is decoded.

    Parameters
    ----------
    datum : Datum
        The message.

    Raises
    ------
    FormatError
        When it does not hold what it says.
    """
    return datums.datum_to_image(datum, "the datum")


def load_image(filename: str | os.PathLike[str], color: bool = True) -> Array:
    """Load an image.

    Parameters
    ----------
    filename : path
        A PNG, JPEG or whatever else Pillow reads.
    color : bool, default True
        Whether to return three channels; one otherwise.

    Returns
    -------
    array of float32, shape (height, width, 3 or 1)
        RGB, from 0 to 1.

    Raises
    ------
    FileNotFoundError, FormatError
        When there is no such file, or it is no image.
    """
    path = Path(filename)
    image = decoded.decode(read_bytes(path), color, str(path))
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.float32) / np.float32(255)


def resize_image(im: Any, new_dims: Sequence[int], interp_order: int = 1) -> Array:
    """Resize an image.

    Parameters
    ----------
    im : array_like of shape (height, width, channels)
        The image.
    new_dims : (int, int)
        The new height and width.
    interp_order : int, default 1
        Order of the spline, 0 (nearest) to 5; 1 is bilinear.

    Returns
    -------
    array of float32, shape (new height, new width, channels)
        Pixels stand for areas, as scikit-image resizes; nothing is smoothed first.

    Raises
    ------
    ShapeError
        When the image has other than three axes.
    """
    from scipy import ndimage

    image = np.asarray(im)
    if image.ndim != 3:
        raise ShapeError(f"an image has shape (height, width, channels), got {image.shape}")
    height, width = (int(length) for length in new_dims[:2])
    if image.shape[:2] == (height, width):
        return image.astype(np.float32)
    zoom = (height / image.shape[0], width / image.shape[1], 1)
    if image.shape[2] not in (1, 3):  # what Caffe's users had for other numbers of channels: points, not areas
        return np.asarray(ndimage.zoom(image, zoom, order=interp_order), np.float32)
    image = image.astype(np.float64)
    low, high = image.min(), image.max()  # beyond the border lies the darkest value, as Caffe's users had it
    resized = ndimage.zoom(image, zoom, order=interp_order, mode="grid-constant", cval=low, grid_mode=True)
    return np.asarray(np.clip(resized, low, high), np.float32)


def oversample(images: Iterable[Any], crop_dims: Sequence[int]) -> Array:
    """Crop each image at the four corners and the centre, and mirror each crop.

    Parameters
    ----------
    images : iterable of arrays of shape (height, width, channels)
        Images of one size.
    crop_dims : (int, int)
        Height and width of the crops.

    Returns
    -------
    array of float32, shape (10 * images, height, width, channels)
        For each image the crops top left, top right, bottom left, bottom right and centre, then their mirror images.

    Raises
    ------
    ShapeError
        When a crop is larger than the images.
    """
    pictures = [np.asarray(image) for image in images]
    height, width = (int(length) for length in crop_dims[:2])
    rows, columns = pictures[0].shape[:2]
    if height > rows or width > columns:
        raise ShapeError(f"crops of {height} x {width} do not fit into images of {rows} x {columns}")
    middle = (int((rows - height) / 2), int((columns - width) / 2))
    corners = [(0, 0), (0, columns - width), (rows - height, 0), (rows - height, columns - width), middle]
    crops = np.empty((len(pictures), 10, height, width, pictures[0].shape[2]), np.float32)
    for index, picture in enumerate(pictures):
        for number, (top, left) in enumerate(corners):
            crops[index, number] = picture[top : top + height, left : left + width]
        crops[index, 5:] = crops[index, :5, :, ::-1]
    return crops.reshape(-1, *crops.shape[2:])
