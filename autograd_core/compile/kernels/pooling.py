"""Largest entry and mean of windows, and what goes back to the entries; one or two spatial axes, channels last.

``shape`` is (channels, height, width), ``outs`` how many windows there are, ``moves`` (window, strides, padding before,
each for both axes); with one spatial axis the height is 1. Images are shared among threads. Entries beyond the border
are not part of their window. Indices of entries are unsigned: see ``lstm``.
"""

from __future__ import annotations

import numpy as np

from ..machine.vector_math import maximum
from ..to_numba.parallel import in_parallel
from .jit import alone, helper, kernel


@helper
def _within(out, size, stride, before, side):
    """First entry of a window along an axis, and the first behind it."""
    start = out * stride - before
    return max(start, 0), min(start + size, side)


@helper
def _at(line, column, shape):
    return np.uintp((line * shape[2] + column) * shape[0])


# -- what one window does ----------------------------------------------------------------------------------------------


@helper
def _largest_lines(line, x, top, bottom):
    """Largest entries of lines top to bottom of an image, column by column."""
    width = np.uintp(len(line))
    _copy(line, x, np.uintp(top) * width)
    for y in range(top + 1, bottom):
        start = np.uintp(y) * width
        for j in range(width):
            line[j] = maximum(line[j], x[start + j])


@helper
def _sum_of_lines(line, x, top, bottom):
    width = np.uintp(len(line))
    _copy(line, x, np.uintp(top) * width)
    for y in range(top + 1, bottom):
        start = np.uintp(y) * width
        for j in range(width):
            line[j] += x[start + j]


@helper
def _copy(line, x, start):
    for j in range(np.uintp(len(line))):
        line[j] = x[start + j]


@helper
def _largest_columns(y, into, line, left, right, channels):
    """Largest entries of columns left to right of a line; two columns, which are common, in one loop."""
    count, first = np.uintp(channels), np.uintp(left * channels)
    second = first + count if right > left + 1 else first
    for c in range(count):
        y[into + c] = maximum(line[first + c], line[second + c])
    for column in range(left + 2, right):
        start = np.uintp(column * channels)
        for c in range(count):
            y[into + c] = maximum(y[into + c], line[start + c])


@helper
def _mean_of_columns(y, into, line, left, right, channels, factor):
    count, first = np.uintp(channels), np.uintp(left * channels)
    if right == left + 2:
        for c in range(count):
            y[into + c] = (line[first + c] + line[first + count + c]) * factor
        return
    for c in range(count):
        y[into + c] = line[first + c] * factor
    for column in range(left + 1, right):
        start = np.uintp(column * channels)
        for c in range(count):
            y[into + c] += line[start + c] * factor


@helper
def _share_mean(dx, box, shape, ct, of):
    count = np.uintp(shape[0])
    factor = dx.dtype.type(1.0 / ((box[1] - box[0]) * (box[3] - box[2])))
    for line in range(box[0], box[1]):
        for column in range(box[2], box[3]):
            at = _at(line, column, shape)
            for c in range(count):
                dx[at + c] += ct[of + c] * factor


@helper
def _share_largest(dx, box, shape, ct, x, y, of, share):
    """Entries that tie for the largest get equal parts; where NaN won, the NaN entries do."""
    count = np.uintp(shape[0])
    one, none = dx.dtype.type(1), dx.dtype.type(0)
    for c in range(count):
        share[c] = 0
    for line in range(box[0], box[1]):
        for column in range(box[2], box[3]):
            at = _at(line, column, shape)
            for c in range(count):
                entry, top = x[at + c], y[of + c]
                share[c] += one if (entry == top) | ((entry != entry) & (top != top)) else none
    for c in range(count):
        share[c] = ct[of + c] / share[c]
    for line in range(box[0], box[1]):
        for column in range(box[2], box[3]):
            at = _at(line, column, shape)
            for c in range(count):
                entry, top = x[at + c], y[of + c]
                dx[at + c] += share[c] if (entry == top) | ((entry != entry) & (top != top)) else none


# -- all windows -------------------------------------------------------------------------------------------------------


@helper
def _box(row, column, shape, moves):
    top, bottom = _within(row, moves[0], moves[2], moves[4], shape[1])
    left, right = _within(column, moves[1], moves[3], moves[5], shape[2])
    return top, bottom, left, right


@helper
def _max_part(y, x, lines, shape, outs, moves, part):
    batch, parts, line = len(x), len(lines), lines[part]
    for image in range(part * batch // parts, (part + 1) * batch // parts):
        found = y[image]
        for row in range(outs[0]):
            top, bottom = _within(row, moves[0], moves[2], moves[4], shape[1])
            _largest_lines(line, x[image], top, bottom)
            for column in range(outs[1]):
                into = np.uintp((row * outs[1] + column) * shape[0])
                left, right = _within(column, moves[1], moves[3], moves[5], shape[2])
                _largest_columns(found, into, line, left, right, shape[0])


@helper
def _mean_part(y, x, lines, shape, outs, moves, part):
    batch, parts, line = len(x), len(lines), lines[part]
    for image in range(part * batch // parts, (part + 1) * batch // parts):
        found = y[image]
        for row in range(outs[0]):
            top, bottom = _within(row, moves[0], moves[2], moves[4], shape[1])
            _sum_of_lines(line, x[image], top, bottom)
            for column in range(outs[1]):
                into = np.uintp((row * outs[1] + column) * shape[0])
                left, right = _within(column, moves[1], moves[3], moves[5], shape[2])
                factor = x.dtype.type(1.0 / ((bottom - top) * (right - left)))
                _mean_of_columns(found, into, line, left, right, shape[0], factor)


@helper
def _share_mean_part(dx, ct, shape, outs, moves, parts, part):
    batch = len(dx)
    for image in range(part * batch // parts, (part + 1) * batch // parts):
        into, arrived = dx[image], ct[image]
        into[:] = 0
        for row in range(outs[0]):
            for column in range(outs[1]):
                of = np.uintp((row * outs[1] + column) * shape[0])
                _share_mean(into, _box(row, column, shape, moves), shape, arrived, of)


@helper
def _share_largest_part(dx, ct, x, y, scratch, shape, outs, moves, part):
    batch, parts = len(x), len(scratch)
    for image in range(part * batch // parts, (part + 1) * batch // parts):
        into, arrived, seen, found = dx[image], ct[image], x[image], y[image]
        into[:] = 0
        for row in range(outs[0]):
            for column in range(outs[1]):
                of = np.uintp((row * outs[1] + column) * shape[0])
                box = _box(row, column, shape, moves)
                _share_largest(into, box, shape, arrived, seen, found, of, scratch[part])


@helper
def _flat(x):
    """One row for each image."""
    return x.reshape(len(x), x.size // len(x))


@kernel
def max_pool(y, x, lines, shape, outs, moves):
    """Largest entry of each window; ``lines`` (parts, entries of a line)."""
    in_parallel(_max_part, len(lines), _flat(y), _flat(x), lines, shape, outs, moves)


@kernel
def avg_pool(y, x, lines, shape, outs, moves):
    """Mean of each window; ``lines`` (parts, entries of a line)."""
    in_parallel(_mean_part, len(lines), _flat(y), _flat(x), lines, shape, outs, moves)


@kernel
def avg_pool_wrt_x(x, ct, shape, outs, moves, parts):
    """Put the shares of all windows into x."""
    in_parallel(_share_mean_part, parts, _flat(x), _flat(ct), shape, outs, moves, parts)


@kernel
def max_pool_spread(dx, ct, x, y, scratch, shape, outs, moves):
    """Put each window's cotangent where its largest entry is."""
    into, arrived, seen, found = _flat(dx), _flat(ct), _flat(x), _flat(y)
    in_parallel(_share_largest_part, len(scratch), into, arrived, seen, found, scratch, shape, outs, moves)


# -- where sharing does not pay ----------------------------------------------------------------------------------------

max_pool_alone = alone(max_pool)
avg_pool_alone = alone(avg_pool)
avg_pool_wrt_x_alone = alone(avg_pool_wrt_x)
max_pool_spread_alone = alone(max_pool_spread)
