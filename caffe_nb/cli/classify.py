"""Classify images: a file, a folder of files, or a .npy of images; the predictions are written as a .npy.

Images are loaded as RGB from 0 to 1; the defaults (-raw_scale 255, -channel_swap 2,1,0) make of them what nets trained
by Caffe on BGR from 0 to 255 expect.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.cli.common import use_device
from caffe_nb.cli.options import Parser, UsageError, number
from caffe_nb.errors import FormatError
from caffe_nb.proto.binary import blob_to_array, read_blob
from caffe_nb.proto.files import open_bytes, replace_files
from caffe_nb.pycaffe.classifier import Classifier
from caffe_nb.pycaffe.io import load_image

Array = NDArray[Any]


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe classify`."""
    parser.add_argument("input_file", help="an image, a folder, or a .npy of shape (images, height, width, channels)")
    parser.add_argument("output_file", help="the .npy to write, of shape (images, classes)")
    parser.option("model_def", "the net's deploy prototxt", required=True)
    parser.option("pretrained_model", "its weights", required=True)
    parser.flag("center_only", "classify the centre of each image alone, not the mean over ten crops")
    parser.option("images_dim", "height,width that images are resized to before they are cropped", default="256,256")
    parser.option("mean_file", "mean image, a .npy or .binaryproto; none by default", default="")
    parser.option("input_scale", "factor of the values, after the mean is taken away", type=number)
    parser.option("raw_scale", "factor of the values before that (255)", type=number, default=255.0)
    parser.option("channel_swap", "order of the channels (2,1,0: RGB to BGR); '' leaves it", default="2,1,0")
    parser.option("ext", "ending of the images of a folder (jpg)", default="jpg")
    parser.flag("gpu", "compute on the GPU")


def run(args: argparse.Namespace) -> int:
    """Classify."""
    image_dims = _whole_numbers(args.images_dim, "images_dim")
    if len(image_dims) != 2 or min(image_dims) < 1:
        raise UsageError(f"-images_dim is a height and a width: 256,256; got '{args.images_dim}'")
    swap = _whole_numbers(args.channel_swap, "channel_swap") or None
    mean = load_mean(Path(args.mean_file).expanduser()) if args.mean_file else None
    use_device(args)
    classifier = Classifier(
        args.model_def,
        args.pretrained_model,
        image_dims=image_dims,
        mean=mean,
        input_scale=args.input_scale,
        raw_scale=args.raw_scale,
        channel_swap=swap,
    )
    inputs = _inputs(Path(args.input_file).expanduser(), args.ext)
    print(f"Classifying {len(inputs)} inputs.")
    start = perf_counter()
    predictions = classifier.predict(inputs, not args.center_only)
    print(f"Done in {perf_counter() - start:.2f} s.")
    output = Path(args.output_file)
    output = output if output.suffix == ".npy" else output.with_name(f"{output.name}.npy")
    print(f"Saving results into {output}")
    replace_files([(output, lambda beside: _save(beside, predictions))])
    return 0


def load_mean(path: Path) -> Array:
    """Return a mean image.

    Parameters
    ----------
    path : pathlib.Path
        A .npy, or a .binaryproto as compute-image-mean writes it.

    Returns
    -------
    ndarray
        One value a channel, or (channels, height, width).

    Raises
    ------
    FormatError
        When it is neither.
    """
    if path.suffix == ".npy":
        return _load(path)
    mean = blob_to_array(read_blob(path))
    return mean[0] if mean.ndim == 4 and len(mean) == 1 else mean


def _inputs(path: Path, ending: str) -> list[Array]:
    if path.suffix == ".npy":
        print(f"Loading file: {path}")
        return _images(_load(path), path)
    if not path.is_dir():
        print(f"Loading file: {path}")
        open_bytes(path).close()  # says what is near where it is missing
        return [load_image(path)]
    print(f"Loading folder: {path}")
    names = sorted(path.glob(f"*.{ending.lstrip('.')}"))
    if not names:
        raise UsageError(f"'{path}' has no .{ending.lstrip('.')} files; -ext says another ending")
    return [load_image(name) for name in names]


def _images(array: Array, path: Path) -> list[Array]:
    if array.ndim != 4:
        raise FormatError(
            f"expected images of shape (images, height, width, channels), got an array of shape {array.shape}",
            where=str(path),
        )
    return list(array)


def _load(path: Path) -> Array:
    with open_bytes(path) as file:
        try:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
        except ValueError as error:
            raise FormatError(f"not a .npy file of numbers: {error}", where=str(path)) from error


def _save(path: Path, values: Array) -> None:
    with path.open("wb") as file:
        np.save(file, values)


def _whole_numbers(text: str, option: str) -> list[int]:
    words: Iterable[str] = filter(None, text.split(","))
    try:
        return [int(word) for word in words]
    except ValueError as error:
        raise UsageError(f"-{option} takes whole numbers with commas between, got '{text}'") from error
