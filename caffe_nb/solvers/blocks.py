"""Long arrays in pieces that stay in the processor's cache while several operations go over them."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK = 16_384
"""Elements of a piece: four float32 arrays of it fit into 256 KiB."""


def blocks(count: int) -> Iterator[slice]:
    """Yield the slices that cover `count` elements."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))
