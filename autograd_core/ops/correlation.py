"""Cross-correlation of whole channels as products of matrices, and its two transposes: raw arrays, no derivatives.

The windows of the input are the rows of a matrix (im2col), the kernel is another, and the result is their product. On
a processor the copy into that matrix costs more than the product, above all when channels are few. So windows that
are neighbours along the last spatial axis share a row: a *tile* of q windows is one longer run of the input, and the
kernel becomes a matrix with q shifted copies of itself in a band:

    columns: (batch * windows / q, entries of a tile)      band: (entries of a tile, q * filters)

There are fewer and longer copies, and a wider product, for arithmetic on the zeros beside the band. For a first layer
(5 x 5, one channel to six) the best q is 14, and six times as fast as q = 1. The transposes are the same in reverse:
``band``'s copies are added up for the kernel, the columns are added back into the places where they came from for the
input. How large q is, and which of two ways the second goes, is decided by a model of the cost (``_price``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .windows import Pairs, Sizes, counts, extent, inner, padded

SCRATCH = 2 << 20
"""Bytes of columns at a time: they stay in a core's cache, and no fresh memory has to be mapped for each chunk."""

# -- how the columns are laid out --------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """How one correlation is computed.

    Attributes
    ----------
    cost : float
        Estimate in nanoseconds.
    outs : tuple of int
        Windows along each spatial axis.
    tile : int
        Windows in one row of the columns: a divisor of ``outs[-1]``.
    taps, step : int
        Entries of a tile along the last spatial axis, and how far they are apart.
    columns : tuple of int
        Shape of the columns of one batch entry: (*outs but the last, tiles, *kernel but its last, taps, channels).
    rows, width : int
        The same as a matrix.
    """

    cost: float
    outs: Sizes
    tile: int
    taps: int
    step: int
    columns: Sizes
    rows: int
    width: int


@lru_cache(maxsize=1024)
def plan_of(
    batch: int, spatial: Sizes, channels: int, filters: int, kernel: Sizes, strides: Sizes, padding: Pairs,
    dilation: Sizes, folds: bool = False,
) -> Plan:  # fmt: skip
    """The cheapest plan; with ``folds`` for adding columns back, otherwise for copying them."""
    outs = counts("conv", spatial, kernel, strides, padding, dilation)
    lead, last, size, stride, spread = outs[:-1], outs[-1], kernel[-1], strides[-1], dilation[-1]
    plans = []
    for tile in _divisors(last):
        step = spread if tile == 1 else 1
        taps = size if tile == 1 else (tile - 1) * stride + extent(size, spread)
        columns = (*lead, last // tile, *kernel[:-1], taps, channels)
        rows = math.prod(lead) * (last // tile)
        width = math.prod(kernel[:-1]) * taps * channels
        runs = math.prod(kernel[:-1]) * (taps if step > 1 else 1)
        if folds and step == 1 and last > tile:
            runs *= -(-taps // (tile * stride))  # overlapping tiles are added in turns
        cost = _price(batch * rows, width, tile * filters, runs, folds)
        plans.append(Plan(cost, outs, tile, taps, step, columns, rows, width))
    return min(plans)


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0] or [1]


def _price(rows: int, width: int, wide: int, runs: int, folds: bool) -> float:
    """Nanoseconds, about: copies (or additions) by their length and number, the product, the band.

    Fitted to float32 on four cores with OpenBLAS (tests/benchmarks/convolution.py); only the choice depends on it.
    """
    each_run, each_entry = (10.0, 0.9) if folds else (3.0, 0.15)
    narrow = width if folds else wide  # a product with few columns is slow
    product = 0.003 * (1 + 32 / max(narrow, 1)) * rows * width * wide
    return each_run * rows * runs + each_entry * rows * width + product + 1.0 * width * wide


def _strided(array, shape: Sizes, strides: Sizes):
    """View of a contiguous array with these strides (in bytes)."""
    return np.ndarray(shape, array.dtype, array, 0, strides)


def _windows(frame, plan: Plan, kernel: Sizes, strides: Sizes, dilation: Sizes):
    """View (batch, *plan.columns) of a contiguous padded array."""
    first, *sides, last, channel = frame.strides
    lead = zip(sides, strides, strict=False)
    inside = zip(sides, dilation, strict=False)
    places = (*(b * s for b, s in lead), last * plan.tile * strides[-1])
    entries = (*(b * d for b, d in inside), last * plan.step, channel)
    return _strided(frame, (len(frame), *plan.columns), (first, *places, *entries))


def _chunks(batch: int, plan: Plan, itemsize: int) -> tuple[int, list[slice]]:
    """How many batch entries are taken at a time, and which."""
    count = max(1, min(batch, SCRATCH // max(plan.rows * plan.width * itemsize, 1)))
    return count, [slice(start, min(start + count, batch)) for start in range(0, batch, count)]


# -- the kernel as a band ----------------------------------------------------------------------------------------------


def _diagonals(band, plan: Plan, kernel: Sizes, stride: int, spread: int):
    """View (*kernel, channels, tile, filters) of the places in ``band`` that hold a copy of the kernel."""
    *lead, tap, channel, copy, one = band.strides
    shape = (*kernel, *band.shape[-3:])
    return _strided(band, shape, (*lead, spread * tap, channel, copy + stride * tap, one))


def _band(w, plan: Plan, strides: Sizes, dilation: Sizes):
    """The kernel as a matrix (plan.width, tile * filters)."""
    kernel, (channels, filters) = w.shape[:-2], w.shape[-2:]
    if plan.tile > 1:
        band = np.zeros((*kernel[:-1], plan.taps, channels, plan.tile, filters), w.dtype)
        _diagonals(band, plan, kernel, strides[-1], dilation[-1])[...] = w[..., None, :]
        w = band
    return w.reshape(plan.width, plan.tile * filters)


def _from_band(matrix, plan: Plan, kernel: Sizes, channels: int, filters: int, strides: Sizes, dilation: Sizes):
    """Transpose of ``_band``: the copies in the band added up."""
    if plan.tile == 1:
        return matrix.reshape(*kernel, channels, filters)
    band = matrix.reshape(*kernel[:-1], plan.taps, channels, plan.tile, filters)
    return _diagonals(band, plan, kernel, strides[-1], dilation[-1]).sum(axis=-2)


# -- the three products ------------------------------------------------------------------------------------------------


def _unfolded(x, plan: Plan, kernel: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes) -> Iterator:
    """Chunks of the batch, each with its columns; the columns are overwritten by the next."""
    batch, spatial, channels = len(x), x.shape[1:-1], x.shape[-1]
    framed = any(map(any, padding))
    if not framed:
        x = np.ascontiguousarray(x)
        seen = _windows(x, plan, kernel, strides, dilation)
        if seen.flags.c_contiguous:  # a kernel of one entry, or as large as the input: nothing to copy
            yield slice(0, batch), seen.reshape(batch * plan.rows, plan.width)
            return
    count, parts = _chunks(batch, plan, x.itemsize)
    columns = np.empty((count, *plan.columns), x.dtype)
    middle = inner(spatial, padding)
    if framed:
        frame = np.zeros((count, *padded(spatial, padding), channels), x.dtype)
    for part in parts:
        length = part.stop - part.start
        if framed:
            frame[:length][middle] = x[part]
            seen = _windows(frame[:length], plan, kernel, strides, dilation)
        else:
            seen = _windows(x[part], plan, kernel, strides, dilation)
        columns[:length] = seen
        yield part, columns[:length].reshape(length * plan.rows, plan.width)


def correlate(x, w, strides: Sizes, padding: Pairs, dilation: Sizes):
    """Sum, over each window of ``x``, of its entries times those of ``w`` (*kernel, channels, filters)."""
    kernel, filters = w.shape[:-2], w.shape[-1]
    plan = plan_of(len(x), x.shape[1:-1], x.shape[-1], filters, kernel, strides, padding, dilation)
    matrix = _band(w, plan, strides, dilation)
    y = np.empty((len(x), *plan.outs, filters), x.dtype)
    rows = y.reshape(len(x) * plan.rows, plan.tile * filters)
    for part, columns in _unfolded(x, plan, kernel, strides, padding, dilation):
        np.matmul(columns, matrix, out=rows[part.start * plan.rows : part.stop * plan.rows])
    return y


def correlate_wrt_w(x, ct, kernel: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes):
    """The transpose of ``correlate`` in its kernel: the sum of all windows, each times its cotangent."""
    channels, filters = x.shape[-1], ct.shape[-1]
    plan = plan_of(len(x), x.shape[1:-1], channels, filters, kernel, strides, padding, dilation)
    rows = np.ascontiguousarray(ct).reshape(len(x) * plan.rows, plan.tile * filters)
    total = None
    for part, columns in _unfolded(x, plan, kernel, strides, padding, dilation):
        product = columns.T @ rows[part.start * plan.rows : part.stop * plan.rows]
        total = product if total is None else np.add(total, product, out=total)
    if total is None:
        total = np.zeros((plan.width, plan.tile * filters), x.dtype)
    return _from_band(total, plan, kernel, channels, filters, strides, dilation)


def correlate_wrt_x(ct, w, size: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes):
    """The transpose of ``correlate`` in its input of spatial ``size``: each window gets its cotangent times ``w``."""
    kernel, (channels, filters) = w.shape[:-2], w.shape[-2:]
    if 0 in size:
        return np.empty((len(ct), *size, channels), ct.dtype)
    plan = plan_of(len(ct), size, channels, filters, kernel, strides, padding, dilation, folds=True)
    if all(stride == 1 for stride in strides):
        back = tuple(
            (extent(k, d) - 1 - before, extent(k, d) - 1 - after)
            for k, d, (before, after) in zip(kernel, dilation, padding, strict=True)
        )
        if min(map(min, back)) >= 0:
            other = plan_of(len(ct), ct.shape[1:-1], filters, channels, kernel, strides, back, dilation)
            if other.cost < plan.cost:
                flipped = w[(slice(None, None, -1),) * len(kernel)].swapaxes(-1, -2)
                return correlate(ct, flipped, strides, back, dilation)
    return _folded(ct, w, plan, size, strides, padding, dilation)


def _folded(ct, w, plan: Plan, size: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes):
    """Columns computed from the cotangent and added into the places where windows came from (col2im)."""
    batch, kernel, (channels, filters) = len(ct), w.shape[:-2], w.shape[-2:]
    matrix = _band(w, plan, strides, dilation).T
    rows = np.ascontiguousarray(ct).reshape(batch * plan.rows, plan.tile * filters)
    framed = any(map(any, padding))
    dx = np.empty((batch, *size, channels), ct.dtype)
    count, parts = _chunks(batch, plan, ct.itemsize)
    columns = np.empty((count, *plan.columns), ct.dtype)
    if framed:
        whole, middle = np.empty((count, *padded(size, padding), channels), ct.dtype), inner(size, padding)
    for part in parts:
        length = part.stop - part.start
        some = columns[:length]
        part_rows = rows[part.start * plan.rows : part.stop * plan.rows]
        np.matmul(part_rows, matrix, out=some.reshape(length * plan.rows, plan.width))
        frame = whole[:length] if framed else dx[part]
        frame.fill(0)
        seen = _windows(frame, plan, kernel, strides, dilation)
        for piece in _apart(plan, kernel, strides):
            target = seen[piece]
            np.add(target, some[piece], out=target)
        if framed:
            dx[part] = frame[middle]
    return dx


def _apart(plan: Plan, kernel: Sizes, strides: Sizes) -> Iterator:
    """Indices that split the columns into pieces, in each of which no place of the input occurs twice."""
    alone = plan.tile == plan.outs[-1]
    width = plan.taps if alone else plan.tile * strides[-1] if plan.step == 1 else 1
    for offset in np.ndindex(*kernel[:-1]):
        for start in range(0, plan.taps, width):
            yield (..., *offset, slice(start, start + width), slice(None))
