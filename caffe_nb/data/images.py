"""Image files as arrays in OpenCV's order: rows, columns, and the channels blue, green, red."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.errors import FormatError

if TYPE_CHECKING:
    from PIL import Image  # loaded where an image is read: it is slow to import

Array = NDArray[Any]

_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")


def decode(content: bytes, color: bool | None, where: str) -> Array:
    """Return the image in a JPEG, PNG or other image file.

    Parameters
    ----------
    content : bytes
        The file.
    color : bool or None
        True for three channels (blue, green, red), False for one (grey), None for what the file has: one, three, or
        four with transparency.
    where : str
        What the image is, for the message.

    Returns
    -------
    (H, W, C) ndarray of uint8
        As OpenCV's `imdecode` returns it: transparency is dropped, not blended, and the orientation that a camera
        noted is applied, both unless `color` is None.

    Raises
    ------
    FormatError
        When the file is empty, broken, no image, or has no 8-bit values.
    """
    if not content:
        raise FormatError(f"{where} is empty; an image file was expected")
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            if color is False and image.format == "JPEG":
                image.draft("L", image.size)  # the brightness as it is stored, as libjpeg gives it to OpenCV
            image.load()
            turned = image if color is None else ImageOps.exif_transpose(image)
            return _pixels(turned, color, image.format == "PNG")
    except UnidentifiedImageError as error:
        raise FormatError(f"{where} cannot be read as an image: it is no JPEG, PNG or other image file") from error
    except Exception as error:  # Pillow's readers raise many kinds for broken files
        raise FormatError(f"{where} cannot be read as an image: {str(error) or type(error).__name__}") from error


def _pixels(image: Image.Image, color: bool | None, png: bool) -> Array:
    if image.mode.startswith("I"):
        image = _eight_bits(image, color)
    if image.mode == "F":
        raise ValueError("its values are floats, 8-bit values were expected")
    if (image.mode in ("1", "L") and not color) or (color is False and not png):
        mode = "L"
    elif color is None and (image.mode in _TRANSPARENT or "transparency" in image.info):
        mode = "RGBA"
    else:
        mode = "RGB"
    array = np.asarray(image.convert(mode))
    if mode == "L":
        return array[:, :, None]
    if color is False:  # libpng's own weights, which it uses for OpenCV
        return ((array @ np.array([9798, 19235, 3735], np.int32)) >> 15).astype(np.uint8)[:, :, None]
    return np.ascontiguousarray(array[:, :, [2, 1, 0] if mode == "RGB" else [2, 1, 0, 3]])


def _eight_bits(image: Image.Image, color: bool | None) -> Image.Image:
    """Return a grey image of 16 bits as one of 8, as OpenCV reduces it: the upper byte of each value."""
    from PIL import Image

    values = np.asarray(image)
    if color is None or values.size == 0 or values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError(f"its values have more than 8 bits (mode {image.mode}); 8-bit values were expected")
    return Image.fromarray((values.astype(np.int64) >> 8).astype(np.uint8))


def resize(image: Array, height: int, width: int) -> Array:
    """Return an image of another size, interpolated between the four nearest pixels without smoothing.

    Parameters
    ----------
    image : (H, W, C) ndarray of uint8
        The image.
    height, width : int
        The new size.

    Returns
    -------
    (height, width, C) ndarray of uint8
        What OpenCV's `resize` with INTER_LINEAR gives: weights in steps of 1/2048, and the mean of each four pixels
        where the image is halved exactly.
    """
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    if (rows, columns) == (2 * height, 2 * width):
        sums = image.reshape(height, 2, width, 2, -1).sum((1, 3), dtype=np.int32)
        halved: Array = ((sums + 2) >> 2).astype(np.uint8)
        return halved
    top, bottom, upper, lower = _neighbours(rows, height, clamp=False)
    left, right, near, far = _neighbours(columns, width, clamp=True)
    used, index = np.unique(np.concatenate([top, bottom]), return_inverse=True)
    part = image[used].astype(np.int32)
    across = part[:, left] * near[:, None] + part[:, right] * far[:, None]
    across >>= 4
    first, second = across[index[:height]], across[index[height:]]
    first *= upper[:, None, None]
    second *= lower[:, None, None]
    first >>= 16
    second >>= 16
    first += second
    first += 2
    first >>= 2
    resized: Array = np.clip(first, 0, 255).astype(np.uint8)
    return resized


def _neighbours(old: int, new: int, clamp: bool) -> tuple[Array, Array, Array, Array]:
    """Return both neighbours of each new pixel along an axis, and their weights in 1/2048.

    At the edge both neighbours are one pixel. Across, all the weight goes to the first then; down, it stays divided,
    which shows in the rounding.
    """
    at = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    left = np.floor(at).astype(np.int64)
    share = at - left.astype(np.float32)
    if clamp:
        share[(left < 0) | (left >= old - 1)] = 0
    one = np.float32(2048)
    near, far = np.rint((1 - share) * one).astype(np.int32), np.rint(share * one).astype(np.int32)
    return left.clip(0, old - 1), (left + 1).clip(0, old - 1), near, far
