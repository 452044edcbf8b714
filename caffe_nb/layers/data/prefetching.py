"""What the layers share that read images in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from caffe_nb import ranks, rng
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.data.batches import Batch
from caffe_nb.data.prefetch import Prefetcher
from caffe_nb.data.sharing import share_of
from caffe_nb.data.transformer import Transformer
from caffe_nb.errors import NetError

MOST_AHEAD = 1000
"""Batches that may be made ahead; each is kept in memory."""


def new_generator(needed: bool) -> np.random.Generator | None:
    """Return a generator seeded from `caffe_nb.rng` where random numbers are needed; nothing is drawn otherwise."""
    if not needed:
        return None
    seed, share = int(rng.generator().integers(2**63)), ranks.share()
    return np.random.default_rng(seed if share.alone else [seed, share.rank])


class PrefetchingLayer(Layer):
    """A layer that copies batches into its tops, made ahead by a thread.

    The thread draws from a generator of its own, which is seeded at setup from `caffe_nb.rng`: the same seed gives the
    same batches, whatever the timing. What a batch raises is raised by the forward that would have shown it; the next
    forward goes on behind the item that was at fault.
    """

    bottoms_needed = (0, 0)
    tops_allowed = (2, 2)

    @property
    def share(self) -> ranks.Share:
        """Which part of the data is this process's."""
        return share_of(self.phase)

    def order(self, draw: np.random.Generator | None) -> np.random.Generator | None:
        """Return what the order of items is drawn from, common to all processes that share them; else `draw`."""
        return draw if draw is None or self.share.alone else ranks.common_generator()

    def transformer(self) -> Transformer:
        """Return the transformer of the layer's `transform_param`."""
        return Transformer(self.layer_param.transform_param, self.phase, self.dtype, self.folder)

    def start(self, make: Callable[[], Batch], shape: tuple[int, ...], top: Sequence[Blob]) -> None:
        """Give the tops the shape of a batch, and take batches from `make` from now on."""
        prefetch = self.layer_param.data_param.prefetch
        if prefetch > MOST_AHEAD:
            raise NetError(f"data_param {{ prefetch }} must be at most {MOST_AHEAD} batches, got {prefetch}")
        top[0].reshape(*shape)
        if len(top) > 1:
            top[1].reshape(shape[0])
        self._batches = Prefetcher(make, prefetch)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy the next batch; the tops take its shape."""
        batch = self._batches.next()
        for blob, values in zip(top, batch, strict=False):
            blob.reshape(*values.shape)
            blob.data[...] = values
