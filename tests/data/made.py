"""Images, databases and lists for the tests of data layers, written by the libraries that users write them with."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from caffe_nb.proto import caffe_pb2

Array = NDArray[Any]


def pixels(index: int, height: int = 6, width: int = 8, channels: int = 3) -> Array:
    """An image (channels, height, width) of bytes, another for each index; channels in the order blue, green, red."""
    return np.random.default_rng(index).integers(0, 256, (channels, height, width), dtype=np.uint8)


def encoded(image: Array, format: str = "PNG") -> bytes:
    """The file of an image."""
    array = image[0] if len(image) == 1 else image[::-1].transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format)
    return buffer.getvalue()


def datum(image: Array, label: int = 0) -> caffe_pb2.Datum:
    """An image as a datum, of bytes or of floats."""
    channels, height, width = image.shape
    made = caffe_pb2.Datum(channels=channels, height=height, width=width, label=label)
    if image.dtype == np.uint8:
        made.data = image.tobytes()
    else:
        made.float_data.extend(image.ravel().tolist())
    return made


def write_lmdb(path: Path, values: Iterable[caffe_pb2.Datum | bytes]) -> Path:
    """A database whose keys count from 0."""
    with lmdb.open(str(path), map_size=2**24) as environment, environment.begin(write=True) as transaction:
        for index, value in enumerate(values):
            content = value if isinstance(value, bytes) else value.SerializeToString()
            transaction.put(b"%08d" % index, content)
    return path


def write_images(folder: Path, count: int, height: int = 6, width: int = 8) -> list[Array]:
    """Files 0.png, 1.png … and what is in them."""
    images = [pixels(index, height, width) for index in range(count)]
    for index, image in enumerate(images):
        (folder / f"{index}.png").write_bytes(encoded(image))
    return images
