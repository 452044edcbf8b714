"""WindowData."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb import rng
from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.data.image_list import ImageFiles
from caffe_nb.data.window_batches import WindowBatches, WindowSettings
from caffe_nb.data.window_list import WindowList
from caffe_nb.errors import NetError, did_you_mean
from caffe_nb.layers.data.prefetching import PrefetchingLayer


@register("WindowData")
class WindowData(PrefetchingLayer):
    """Batches of windows cut from images, as R-CNN is trained on (Caffe's WindowData).

    Tops: the windows ``(batch_size, 3, crop_size, crop_size)``, blue first, and their classes ``(batch_size,)``, 0 for
    background. Each batch is drawn at random, in both phases: first background, then `fg_fraction` of it foreground.

    Parameters (`window_data_param`): `source`, the window file; `root_folder`, put before each image's name as it is;
    `batch_size`; `fg_threshold` and `bg_threshold`, 0.5 each: windows with at least, or less than, this overlap;
    `fg_fraction`, 0.25; `context_pad`, pixels of context around a window in the warped image, 0; `crop_mode`, "warp" or
    "square" (the window is widened to a square first); `cache_images`, read all image files once. Of `transform_param`:
    `crop_size`, which must be given, `mirror`, `scale`, `mean_file` (its middle is used) and `mean_value`.

    Raises NetError for settings that cannot be used and files that are missing, ShapeError for a mean that does not
    fit, FormatError for broken files and windows outside of their images; with file and line.

    Notes
    -----
    Equals Caffe's WindowData layer.

    Deviations
    ----------
    `transform_param { scale }` is used, which Caffe overlooks.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the window file."""
        param = self.layer_param.window_data_param
        transformer = self.transformer()
        size = transformer.crop_size
        if transformer.resizer is not None:
            raise NetError("WindowData warps its windows to crop_size; leave out resize_param")
        if param.batch_size < 1:
            raise NetError(f"batch_size must be at least 1, got {param.batch_size}")
        if size < 1:
            raise NetError("give the size of the warped windows: transform_param { crop_size: 227 }")
        if 2 * param.context_pad >= size:
            raise NetError(f"context_pad must be less than half of crop_size {size}, got {param.context_pad}")
        if not 0 <= param.fg_fraction <= 1:
            raise NetError(f"fg_fraction must be between 0 and 1, got {param.fg_fraction}")
        if param.crop_mode not in ("warp", "square"):
            guess = did_you_mean(param.crop_mode, ["warp", "square"])
            raise NetError(f"crop_mode must be 'warp' or 'square', got '{param.crop_mode}'.{guess}")
        settings = WindowSettings(
            param.batch_size, param.fg_fraction, param.context_pad, param.crop_mode == "square", param.cache_images
        )
        windows = WindowList(param.source, self.folder, param.fg_threshold, param.bg_threshold)
        files = ImageFiles(param.root_folder, self.folder)
        draw = np.random.default_rng(rng.generator().integers(2**63))
        make = WindowBatches(windows, files, transformer, settings, draw)
        self.start(make, (param.batch_size, 3, size, size), top)
