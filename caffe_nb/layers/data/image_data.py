"""ImageData."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.data.batches import Batches, image_items
from caffe_nb.data.image_list import ImageFiles, ImageList
from caffe_nb.errors import NetError
from caffe_nb.layers.data.prefetching import PrefetchingLayer, new_generator

LARGEST = 2**28
"""Pixels of an image, over which it is a mistake."""


@register("ImageData")
class ImageData(PrefetchingLayer):
    """Batches of images and labels from a list of image files (Caffe's ImageData).

    Tops: the images ``(batch_size, channels, height, width)``, blue first, transformed as `transform_param` says, and
    the labels ``(batch_size,)``. After the last image follows the first.

    Parameters (`image_data_param`): `source`, the list: a line for each image with its name and its label;
    `root_folder`, put before each name as it is; `batch_size`, 1 by default; `new_height` and `new_width`, both or
    neither, to resize the images; `is_color`, true by default, or one grey channel; `shuffle`, another order each time
    around; `rand_skip`, start after fewer than so many images, at random. The list, and images with relative names, are
    looked for in the working directory and beside the prototxt.

    Raises NetError for settings that cannot be used and files that are missing, ShapeError for images that do not fit
    the crop, the mean or one another, FormatError for broken lists and images; with file and line.

    Notes
    -----
    Equals Caffe's ImageData layer.

    Deviations
    ----------
    Image files are read with Pillow, which may decode JPEG a little differently than OpenCV. A label that is no whole
    number is refused, where Caffe takes it for 0, and empty lines are left out.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the list, and its first image for the shape."""
        param = self.layer_param.image_data_param
        if param.batch_size < 1:
            raise NetError(f"batch_size must be at least 1, got {param.batch_size}")
        if (param.new_height > 0) != (param.new_width > 0):
            raise NetError(
                f"give both new_height and new_width, or neither; got {param.new_height} and {param.new_width}"
            )
        if param.new_height * param.new_width > LARGEST:
            raise NetError(
                f"new_height and new_width must give at most {LARGEST} pixels, got {param.new_height} and"
                f" {param.new_width}"
            )
        transformer = self.transformer()
        files = ImageFiles(param.root_folder, self.folder)
        size = (param.new_height, param.new_width)
        images = ImageList(param.source, files, size, param.is_color, self.folder)
        draw = new_generator(transformer.random or param.shuffle or param.rand_skip > 0)
        order = self.order(draw)
        if order is not None and param.shuffle:
            images.shuffle(order)
        if order is not None and param.rand_skip:
            skip = int(order.integers(param.rand_skip))
            if skip >= len(images):
                raise NetError(f"rand_skip {param.rand_skip} may skip all of the {len(images)} images; make it smaller")
            images.skip(skip)
        images.take(self.share)
        where, image, _ = images.peek()
        shape = (param.batch_size, *transformer.shape((image.shape[2], *image.shape[:2]), where))
        self.start(Batches(image_items(images), transformer, param.batch_size, draw), shape, top)
