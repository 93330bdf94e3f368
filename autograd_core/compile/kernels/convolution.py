"""Convolution of whole channels and its two transposes, over one or two spatial axes, channels last.

As in ``ops.correlation``: windows that are neighbours share a row of the columns (a tile), and the kernel is a matrix
with shifted copies of itself in a band. Images are shared among threads; each thread has its own columns, for a few
lines of windows at a time, so that they stay in its cache.

``shape`` is (channels, height, width), ``size`` (filters, height, width of the kernel), ``moves`` (strides, padding
before, dilation, each for both axes), ``plan`` (lines and columns of windows, windows of a tile, taps, step, lines at a
time). With one spatial axis the height is 1.
"""

from __future__ import annotations

import numpy as np

from ..to_numba.parallel import in_parallel
from .jit import alone, helper, kernel, plain
from .products import gemm

# -- the kernel as a band ----------------------------------------------------------------------------------------------


@helper
def _fill_band(band, w, shape, size, moves, plan, transposed):
    """The kernel as a matrix (entries of a tile, windows * filters), or that matrix transposed."""
    channels, (filters, high, wide), (tile, taps) = shape[0], size, (plan[2], plan[3])
    stride, spread = (moves[1], moves[5]) if tile > 1 else (0, 1)
    entries, outs = high * taps * channels, tile * filters
    band[:] = 0
    for y in range(high):
        for x in range(wide):
            for c in range(channels):
                source = ((y * wide + x) * channels + c) * filters
                for copy in range(tile):
                    entry = (y * taps + x * spread + copy * stride) * channels + c
                    for f in range(filters):
                        column = copy * filters + f
                        at = column * entries + entry if transposed else entry * outs + column
                        band[at] = w[source + f]


@helper
def _empty_band(w, bands, shape, size, moves, plan):
    """The transpose: the copies in all bands added up."""
    channels, (filters, high, wide), (tile, taps) = shape[0], size, (plan[2], plan[3])
    stride, spread = (moves[1], moves[5]) if tile > 1 else (0, 1)
    outs = tile * filters
    w[:] = 0
    for part in range(len(bands)):
        for y in range(high):
            for x in range(wide):
                for c in range(channels):
                    target = ((y * wide + x) * channels + c) * filters
                    for copy in range(tile):
                        entry = (y * taps + x * spread + copy * stride) * channels + c
                        for f in range(filters):
                            w[target + f] += bands[part, entry * outs + copy * filters + f]


# -- columns -----------------------------------------------------------------------------------------------------------


@helper
def _zero(columns, at, count):
    """Put 0 into so many entries. A loop of no entries costs more than to ask."""
    if count:
        for j in range(count):
            columns[at + j] = 0


@helper
def _fold_runs(columns, at, image, line, begin, shape, plan, back):
    """One line of a tile whose taps are not neighbours."""
    channels, width = np.uintp(shape[0]), shape[2]
    for tap in range(plan[3]):
        place = begin + tap * plan[4]
        if 0 <= place < width:
            start = np.uintp(line * width + place) * channels
            for c in range(channels):
                if back:
                    image[start + c] += columns[at + c]
                else:
                    columns[at + c] = image[start + c]
        elif not back:
            _zero(columns, at, channels)
        at += channels


@helper
def _fold(columns, image, first, last, shape, size, moves, plan, back):
    """Columns of the lines first to last of windows, from the image or (back) added to it; what lies outside is 0."""
    channels, height, width = shape
    tiles, reach, taps = plan[1] // plan[2], plan[2] * moves[1], plan[3]
    at, run = np.uintp(0), np.uintp(taps * channels)
    for out in range(first, last):
        for tile in range(tiles):
            begin = tile * reach - moves[3]
            low = max(-begin, 0)
            high = max(min(taps, width - begin), low)
            left, count, right = np.uintp(low * channels), np.uintp((high - low) * channels), np.uintp(high * channels)
            for y in range(size[1]):
                line = out * moves[0] - moves[2] + y * moves[4]
                start = np.uintp((line * width + begin + low) * channels)
                if not 0 <= line < height:
                    if not back:
                        _zero(columns, at, run)
                elif plan[4] > 1:
                    _fold_runs(columns, at, image, line, begin, shape, plan, back)
                elif back:
                    for j in range(count):
                        image[start + j] += columns[at + left + j]
                else:
                    _zero(columns, at, left)
                    for j in range(count):
                        columns[at + left + j] = image[start + j]
                    _zero(columns, at + right, run - right)
                at += run


@helper
def _sizes(shape, size, plan):
    """Entries of an image, of its windows' results, of a line of these; rows, entries and results of a tile."""
    image = shape[0] * shape[1] * shape[2]
    line = plan[1] * size[0]
    return image, plan[0] * line, line, plan[1] // plan[2], size[1] * plan[3] * shape[0], plan[2] * size[0]


# -- the three products ------------------------------------------------------------------------------------------------


@helper
def _correlate_part(y, x, band, scratch, batch, shape, size, moves, plan, part):
    entries, results, line, tiles, wide, outs = _sizes(shape, size, plan)
    columns, parts = scratch[part], len(scratch)
    for image in range(part * batch // parts, (part + 1) * batch // parts):
        seen = x[image * entries : (image + 1) * entries]
        for first in range(0, plan[0], plan[5]):
            last = min(first + plan[5], plan[0])
            _fold(columns, seen, first, last, shape, size, moves, plan, plain(False))
            out = (y, image * results + first * line)
            gemm(0, 0, (last - first) * tiles, outs, wide, columns, wide, band, outs, 0.0, out, outs)


@kernel
def correlate(y, x, w, band, scratch, shape, size, moves, plan):
    """Put the correlation of x with w into y; ``scratch`` has the columns of each part."""
    _fill_band(band, w.reshape(-1), shape, size, moves, plan, plain(False))
    flat_y, flat_x, parts = y.reshape(-1), x.reshape(-1), len(scratch)
    in_parallel(_correlate_part, parts, flat_y, flat_x, band, scratch, len(x), shape, size, moves, plan)


@helper
def _wrt_x_part(x, y, band, scratch, batch, shape, size, moves, plan, part):
    entries, results, line, tiles, wide, outs = _sizes(shape, size, plan)
    columns, parts = scratch[part], len(scratch)
    for image in range(part * batch // parts, (part + 1) * batch // parts):
        seen = x[image * entries : (image + 1) * entries]
        seen[:] = 0
        for first in range(0, plan[0], plan[5]):
            last = min(first + plan[5], plan[0])
            ct = (y, image * results + first * line)
            gemm(0, 0, (last - first) * tiles, wide, outs, ct, outs, band, wide, 0.0, columns, wide)
            _fold(columns, seen, first, last, shape, size, moves, plan, plain(True))


@kernel
def correlate_wrt_x(x, y, w, band, scratch, shape, size, moves, plan):
    """The transpose in the image: put into x what each window sends back."""
    _fill_band(band, w.reshape(-1), shape, size, moves, plan, plain(True))
    flat_x, flat_y, parts = x.reshape(-1), y.reshape(-1), len(scratch)
    in_parallel(_wrt_x_part, parts, flat_x, flat_y, band, scratch, len(x), shape, size, moves, plan)


@helper
def _wrt_w_part(bands, x, y, scratch, batch, shape, size, moves, plan, part):
    entries, results, line, tiles, wide, outs = _sizes(shape, size, plan)
    columns, band, parts = scratch[part], bands[part], len(scratch)
    beta = 0.0
    for image in range(part * batch // parts, (part + 1) * batch // parts):
        seen = x[image * entries : (image + 1) * entries]
        for first in range(0, plan[0], plan[5]):
            last = min(first + plan[5], plan[0])
            _fold(columns, seen, first, last, shape, size, moves, plan, plain(False))
            ct = (y, image * results + first * line)
            gemm(1, 0, wide, outs, (last - first) * tiles, columns, wide, ct, outs, beta, band, outs)
            beta = 1.0


@kernel
def correlate_wrt_w(w, x, y, bands, scratch, shape, size, moves, plan):
    """The transpose in the kernel: put into w the sum of all windows, each times its entry of y."""
    flat_x, flat_y, parts = x.reshape(-1), y.reshape(-1), len(scratch)
    in_parallel(_wrt_w_part, parts, bands, flat_x, flat_y, scratch, len(x), shape, size, moves, plan)
    _empty_band(w.reshape(-1), bands, shape, size, moves, plan)


# -- where sharing does not pay ----------------------------------------------------------------------------------------

correlate_alone = alone(correlate)
correlate_wrt_x_alone = alone(correlate_wrt_x)
correlate_wrt_w_alone = alone(correlate_wrt_w)
