"""The colours of tensors, wherever they are drawn: this is their only definition.

The panel has them from `extension/src/protocol.ts`, which is generated; the live view gets them with its code, and
pictures are painted with them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from caffe_nb.inspector.pieces import Statistics

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

SIGMAS = 3
"""A scale ends at so many root mean squares."""
ROUNDING = 1e-6
"""What is beyond the scale's end by no more than this part of it is not beyond: float32 of the largest value."""


class Palette(Struct, frozen=True, rename="camel"):
    """Colours of a heat map: two ramps that meet at zero, and one colour each for what is off them."""

    positive: list[Colour]
    """From zero to the scale's end."""
    negative: list[Colour]
    above: Colour
    """What lies beyond the scale's ends."""
    below: Colour
    nought: Colour
    """The category 0, mostly a background."""
    nan: Colour = (224, 32, 208)
    positive_infinity: Colour = (255, 196, 0)
    negative_infinity: Colour = (0, 190, 170)


LIGHT = Palette(
    positive=[(247, 247, 247), (248, 190, 160), (222, 110, 84), (180, 34, 46), (104, 4, 30)],
    negative=[(247, 247, 247), (166, 206, 230), (84, 154, 202), (36, 100, 170), (8, 46, 94)],
    above=(52, 0, 34),
    below=(0, 14, 52),
    nought=(222, 222, 222),
)
DARK = Palette(
    positive=[(34, 34, 36), (104, 38, 34), (190, 72, 54), (242, 144, 104), (255, 226, 204)],
    negative=[(34, 34, 36), (28, 62, 106), (46, 116, 184), (112, 178, 228), (214, 238, 252)],
    above=(255, 246, 150),
    below=(170, 255, 246),
    nought=(64, 64, 68),
)
PALETTES = {"LIGHT": LIGHT, "DARK": DARK}
CATEGORIES: list[Colour] = [
    (120, 120, 124),
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (188, 189, 34),
    (23, 190, 207),
    (90, 74, 160),
    (174, 199, 232),
    (255, 187, 120),
    (152, 223, 138),
    (255, 152, 150),
    (197, 176, 213),
    (196, 156, 148),
    (247, 182, 210),
    (219, 219, 141),
    (158, 218, 229),
]
"""Of whole numbers that are categories, by value; 0 has a colour of its own in each palette."""


def category_colours(values: Sequence[int], palette: Palette) -> dict[int, Colour]:
    """Return a colour for each of at most 20 categories, mostly the same one for the same value."""
    colours: dict[int, Colour] = {}
    free = list(range(len(CATEGORIES)))
    for value in values:
        slot = next((slot for slot in free if slot >= value % len(CATEGORIES)), free[0])
        free.remove(slot)
        colours[value] = CATEGORIES[slot] if value else palette.nought
    return colours


def limit_of(figures: Statistics) -> float:
    """Return where a scale centred on zero ends: at the largest magnitude, or at 3 root mean squares where less."""
    largest = max(abs(figures.min), abs(figures.max))
    return min(largest, SIGMAS * math.hypot(figures.mean, figures.std))
