"""Batches of transformed images and labels, made from databases and lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caffe_nb.data.cursor import Records
from caffe_nb.data.datum import datum_to_image, parse_datum
from caffe_nb.data.image_list import ImageList
from caffe_nb.data.transformer import Transformer

Array = NDArray[Any]


class Batch(NamedTuple):
    """What a data layer copies into its tops: ``(batch_size, channels, height, width)`` and ``(batch_size,)``."""

    data: Array
    labels: Array


class Item(NamedTuple):
    """An image ``(channels, height, width)``, its class, and what it is, for messages."""

    image: Array
    label: float
    where: str


class Batches:
    """Calling it makes the next batch. Its shape is that of its first image, transformed.

    Parameters
    ----------
    items : callable
        Gives the next item; an item that raises is gone, and the one after it is next.
    transformer : Transformer
        What is done to each image.
    batch_size : int
        How many items make a batch.
    draw : numpy.random.Generator or None
        Where the transformer's random numbers come from.
    """

    def __init__(
        self,
        items: Callable[[], Item],
        transformer: Transformer,
        batch_size: int,
        draw: np.random.Generator | None,
    ) -> None:
        self._items = items
        self._transformer = transformer
        self._size = batch_size
        self._draw = draw

    def __call__(self) -> Batch:
        """Make the next batch."""
        item = self._items()
        shape = self._transformer.shape(item.image.shape, item.where)
        dtype = self._transformer.dtype
        batch = Batch(np.empty((self._size, *shape), dtype), np.empty(self._size, dtype))
        for index in range(self._size):
            if index:
                item = self._items()
            self._transformer(item.image, batch.data[index], self._draw, item.where)
            batch.labels[index] = item.label
        return batch


def datum_items(records: Records, color: bool | None) -> Callable[[], Item]:
    """Return a function that gives the next record of a database as an item."""

    def item() -> Item:
        where, content = records.next()
        datum = parse_datum(content, where)
        return Item(datum_to_image(datum, where, color), datum.label, where)

    return item


def image_items(images: ImageList) -> Callable[[], Item]:
    """Return a function that gives the next image of a list as an item."""

    def item() -> Item:
        where, image, label = images.next()
        return Item(image.transpose(2, 0, 1), label, where)

    return item
