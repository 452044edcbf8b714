"""Tiles of Winograd's minimal filtering: images and gradients brought into its form, and back.

Work is on `LANES` tiles at a time, an element of all of them side by side, so that loops over tiles are vector code.
Offsets are constants, and indices unsigned, so that the compiler sees that nothing overlaps. Transformed tiles are
``(36, channels, tiles)``; `grid` counts the tiles down and across an image, and `first` and `last` are rows of tiles,
counted through the batch. `start` and `stop` are the channels to work on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_nb.ops.jit import compiled

LANES = 32
"""Tiles that are transformed together."""
ROW = 6 * LANES
"""From a row of the tiles to the next."""
STEP = 4
"""Results of a tile along an axis."""


@compiled
def image_tiles(
    images: Any, shape: Any, pad: Any, grid: Any, first: Any, last: Any, start: Any, stop: Any, out: Any
) -> None:
    """Cut tiles of 6 by 6 out of images, and transform them."""
    _, channels, height, width = shape
    down, across = grid
    wide = across * STEP + 2
    right = min(width, wide - pad[1])
    strip, d = np.zeros(6 * wide, np.float32), np.zeros(36 * LANES, np.float32)
    for c in range(start, stop):
        lane, done = 0, 0
        for row in range(first, last):
            n, top = row // down, row % down * STEP - pad[0]
            for a in range(6):
                here = np.uintp(a * wide + pad[1])
                there = np.uintp(((n * channels + c) * height + top + a) * width)
                inside = 0 <= top + a < height
                for x in range(np.uintp(right)):
                    strip[here + x] = images[there + x] if inside else np.float32(0)
            for t in range(across):
                for a in range(6):
                    here, there = np.uintp(a * ROW + lane), np.uintp(a * wide + t * STEP)
                    for b in range(np.uintp(6)):
                        d[here + b * np.uintp(LANES)] = strip[there + b]
                lane += 1
                if lane == LANES or (row == last - 1 and t == across - 1):
                    _transform_image(d)
                    _store(d, channels, c, (last - first) * across, done, lane, out)
                    done += lane
                    lane = 0


@compiled
def results(
    tiles: Any,
    shape: Any,
    grid: Any,
    first: Any,
    last: Any,
    start: Any,
    stop: Any,
    bias: Any,
    rectified: Any,
    slope: Any,
    out: Any,
) -> Any:
    """Write the results that transformed tiles stand for, with a bias for each map, and rectified if asked.

    Return whether all are finite before that.
    """
    _, maps, height, width = shape
    down, across = grid
    count = (last - first) * across
    d = np.zeros(36 * LANES, np.float32)
    finite = True
    for m in range(start, stop):
        for begin in range(0, count, LANES):
            lanes = min(LANES, count - begin)
            _load(tiles, maps, m, count, begin, lanes, d)
            finite &= _transform_result(d, bias[m])
            if rectified:
                _cut_off(d, slope)
            for lane in range(lanes):
                row, t = first + (begin + lane) // across, (begin + lane) % across
                n, y, x = row // down, row % down * STEP, t * STEP
                for a in range(min(STEP, height - y)):
                    here, there = np.uintp(((n * maps + m) * height + y + a) * width + x), np.uintp(a * ROW + lane)
                    for b in range(np.uintp(min(STEP, width - x))):
                        out[here + b] = d[there + b * np.uintp(LANES)]
    return finite


@compiled
def gradient_tiles(
    gradient: Any, shape: Any, grid: Any, first: Any, last: Any, start: Any, stop: Any, out: Any
) -> None:
    """Cut tiles of 4 by 4 out of the gradient of the results, and transform them: the adjoint of `results`."""
    _, maps, height, width = shape
    down, across = grid
    count = (last - first) * across
    d = np.zeros(36 * LANES, np.float32)
    for m in range(start, stop):
        for begin in range(0, count, LANES):
            lanes = min(LANES, count - begin)
            for lane in range(lanes):
                row, t = first + (begin + lane) // across, (begin + lane) % across
                n, y, x = row // down, row % down * STEP, t * STEP
                for a in range(STEP):
                    there, here = np.uintp(((n * maps + m) * height + y + a) * width + x), np.uintp(a * ROW + lane)
                    right = np.uintp(min(STEP, width - x) if y + a < height else 0)
                    for b in range(np.uintp(STEP)):
                        d[here + b * np.uintp(LANES)] = gradient[there + b] if b < right else np.float32(0)
            _transform_gradient(d)
            _store(d, maps, m, count, begin, lanes, out)


@compiled
def add_to_images(
    tiles: Any, shape: Any, pad: Any, grid: Any, first: Any, last: Any, start: Any, stop: Any, out: Any
) -> Any:
    """Add the images that transformed tiles stand for, the adjoint of `image_tiles`; return whether all are finite."""
    _, channels, height, width = shape
    down, across = grid
    count, wide = (last - first) * across, across * STEP + 2
    right = min(width, wide - pad[1])
    strip, d = np.zeros(6 * wide, np.float32), np.zeros(36 * LANES, np.float32)
    finite = True
    for c in range(start, stop):
        for begin in range(0, count, LANES):
            lanes = min(LANES, count - begin)
            _load(tiles, channels, c, count, begin, lanes, d)
            finite &= _transform_back(d)
            for lane in range(lanes):
                row, t = first + (begin + lane) // across, (begin + lane) % across
                if t == 0:
                    strip[:] = 0
                for a in range(6):
                    here, there = np.uintp(a * wide + t * STEP), np.uintp(a * ROW + lane)
                    for b in range(np.uintp(6)):
                        strip[here + b] += d[there + b * np.uintp(LANES)]
                if t < across - 1:
                    continue
                n, top = row // down, row % down * STEP - pad[0]
                for a in range(max(0, -top), min(6, height - top)):
                    here, there = np.uintp(((n * channels + c) * height + top + a) * width), np.uintp(a * wide + pad[1])
                    for x in range(np.uintp(right)):
                        out[here + x] += strip[there + x]
    return finite


@compiled
def _load(tiles: Any, channels: Any, channel: Any, count: Any, begin: Any, lanes: Any, d: Any) -> None:
    for k in range(36):
        there, here = np.uintp((k * channels + channel) * count + begin), np.uintp(k * LANES)
        for j in range(np.uintp(lanes)):
            d[here + j] = tiles[there + j]
        for j in range(np.uintp(lanes), np.uintp(LANES)):
            d[here + j] = 0


@compiled
def _store(d: Any, channels: Any, channel: Any, count: Any, begin: Any, lanes: Any, tiles: Any) -> None:
    for k in range(36):
        here, there = np.uintp((k * channels + channel) * count + begin), np.uintp(k * LANES)
        for j in range(np.uintp(lanes)):
            tiles[here + j] = d[there + j]


@compiled
def _transform_image(d: Any) -> None:
    two, four, five = np.float32(2), np.float32(4), np.float32(5)
    for i in range(np.uintp(ROW)):  # down
        d0, d1, d2 = d[i], d[i + np.uintp(ROW)], d[i + np.uintp(2 * ROW)]
        d3, d4, d5 = d[i + np.uintp(3 * ROW)], d[i + np.uintp(4 * ROW)], d[i + np.uintp(5 * ROW)]
        even, odd, near, far = d4 - four * d2, d3 - four * d1, d4 - d2, two * (d3 - d1)
        d[i] = four * d0 - five * d2 + d4
        d[i + np.uintp(ROW)] = even + odd
        d[i + np.uintp(2 * ROW)] = even - odd
        d[i + np.uintp(3 * ROW)] = near + far
        d[i + np.uintp(4 * ROW)] = near - far
        d[i + np.uintp(5 * ROW)] = four * d1 - five * d3 + d5
    for a in range(6):
        for k in range(np.uintp(LANES)):
            o = np.uintp(a * ROW) + k
            d0, d1, d2 = d[o], d[o + np.uintp(LANES)], d[o + np.uintp(2 * LANES)]
            d3, d4, d5 = d[o + np.uintp(3 * LANES)], d[o + np.uintp(4 * LANES)], d[o + np.uintp(5 * LANES)]
            even, odd, near, far = d4 - four * d2, d3 - four * d1, d4 - d2, two * (d3 - d1)
            d[o] = four * d0 - five * d2 + d4
            d[o + np.uintp(LANES)] = even + odd
            d[o + np.uintp(2 * LANES)] = even - odd
            d[o + np.uintp(3 * LANES)] = near + far
            d[o + np.uintp(4 * LANES)] = near - far
            d[o + np.uintp(5 * LANES)] = four * d1 - five * d3 + d5


@compiled
def _transform_result(d: Any, bias: Any) -> Any:
    two, four = np.float32(2), np.float32(4)
    wrong: Any = np.int32(0)
    for i in range(np.uintp(ROW)):
        d1, d2, d3 = d[i + np.uintp(ROW)], d[i + np.uintp(2 * ROW)], d[i + np.uintp(3 * ROW)]
        d4, d5 = d[i + np.uintp(4 * ROW)], d[i + np.uintp(5 * ROW)]
        near, far, apart, wide = d1 + d2, d3 + d4, d1 - d2, two * (d3 - d4)
        d[i] = d[i] + near + far
        d[i + np.uintp(ROW)] = apart + wide
        d[i + np.uintp(2 * ROW)] = near + four * far
        d[i + np.uintp(3 * ROW)] = apart + four * wide + d5
    for a in range(STEP):
        for k in range(np.uintp(LANES)):
            o = np.uintp(a * ROW) + k
            d1, d2, d3 = d[o + np.uintp(LANES)], d[o + np.uintp(2 * LANES)], d[o + np.uintp(3 * LANES)]
            d4, d5 = d[o + np.uintp(4 * LANES)], d[o + np.uintp(5 * LANES)]
            near, far, apart, wide = d1 + d2, d3 + d4, d1 - d2, two * (d3 - d4)
            y0, y1, y2, y3 = d[o] + near + far, apart + wide, near + four * far, apart + four * wide + d5
            d[o] = y0 + bias
            d[o + np.uintp(LANES)] = y1 + bias
            d[o + np.uintp(2 * LANES)] = y2 + bias
            d[o + np.uintp(3 * LANES)] = y3 + bias
            total = (y0 + y1) + (y2 + y3)
            wrong |= np.int32(total - total != 0)
    return wrong == 0


@compiled
def _cut_off(d: Any, slope: Any) -> None:
    for a in range(STEP):
        for i in range(np.uintp(a * ROW), np.uintp(a * ROW + STEP * LANES)):
            value = d[i]
            below = slope if slope == 0 else value * slope  # as in `rectify`
            d[i] = value if value > 0 or value != value else below


@compiled
def _transform_gradient(d: Any) -> None:
    two, four = np.float32(2), np.float32(4)
    for i in range(np.uintp(STEP * LANES)):
        d0, d1, d2, d3 = d[i], d[i + np.uintp(ROW)], d[i + np.uintp(2 * ROW)], d[i + np.uintp(3 * ROW)]
        even, odd, near, far = d0 + d2, d1 + d3, d0 + four * d2, two * (d1 + four * d3)
        d[i + np.uintp(ROW)] = even + odd
        d[i + np.uintp(2 * ROW)] = even - odd
        d[i + np.uintp(3 * ROW)] = near + far
        d[i + np.uintp(4 * ROW)] = near - far
        d[i + np.uintp(5 * ROW)] = d3
    for a in range(6):
        for k in range(np.uintp(LANES)):
            o = np.uintp(a * ROW) + k
            d0, d1, d2, d3 = d[o], d[o + np.uintp(LANES)], d[o + np.uintp(2 * LANES)], d[o + np.uintp(3 * LANES)]
            even, odd, near, far = d0 + d2, d1 + d3, d0 + four * d2, two * (d1 + four * d3)
            d[o + np.uintp(LANES)] = even + odd
            d[o + np.uintp(2 * LANES)] = even - odd
            d[o + np.uintp(3 * LANES)] = near + far
            d[o + np.uintp(4 * LANES)] = near - far
            d[o + np.uintp(5 * LANES)] = d3


@compiled
def _transform_back(d: Any) -> Any:
    two, four, five = np.float32(2), np.float32(4), np.float32(5)
    wrong: Any = np.int32(0)
    for i in range(np.uintp(ROW)):
        d0, d1, d2 = d[i], d[i + np.uintp(ROW)], d[i + np.uintp(2 * ROW)]
        d3, d4, d5 = d[i + np.uintp(3 * ROW)], d[i + np.uintp(4 * ROW)], d[i + np.uintp(5 * ROW)]
        near, far, apart, wide = d1 + d2, d3 + d4, d1 - d2, two * (d3 - d4)
        d[i] = four * d0
        d[i + np.uintp(ROW)] = four * (d5 - apart) - wide
        d[i + np.uintp(2 * ROW)] = -(five * d0 + four * near + far)
        d[i + np.uintp(3 * ROW)] = apart + wide - five * d5
        d[i + np.uintp(4 * ROW)] = d0 + near + far
    for a in range(6):
        for k in range(np.uintp(LANES)):
            o = np.uintp(a * ROW) + k
            d0, d1, d2 = d[o], d[o + np.uintp(LANES)], d[o + np.uintp(2 * LANES)]
            d3, d4, d5 = d[o + np.uintp(3 * LANES)], d[o + np.uintp(4 * LANES)], d[o + np.uintp(5 * LANES)]
            near, far, apart, wide = d1 + d2, d3 + d4, d1 - d2, two * (d3 - d4)
            total = d0 + near + far
            d[o] = four * d0
            d[o + np.uintp(LANES)] = four * (d5 - apart) - wide
            d[o + np.uintp(2 * LANES)] = -(five * d0 + four * near + far)
            d[o + np.uintp(3 * LANES)] = apart + wide - five * d5
            d[o + np.uintp(4 * LANES)] = total
            wrong |= np.int32(total + d5 - (total + d5) != 0)
    return wrong == 0
