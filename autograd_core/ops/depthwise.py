"""Correlation of each channel by itself, and its two transposes: raw arrays, no derivatives.

There is no product of matrices in it, only a sum of products over windows, which ``np.einsum`` runs through in one pass
over a view. Where windows are neighbours the last spatial axis and the channels are one axis of that view, with the
kernel repeated along it: four times as fast as short runs of channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .windows import Pairs, Sizes, counts, extent, inner, padded, reach

SCRATCH = 1 << 19
"""Bytes of padded input at a time: they stay in the cache."""


def _frames(x, padding: Pairs) -> Iterator:
    """Parts of the batch and their entries, padded; a part is overwritten by the next."""
    spatial, channels = x.shape[1:-1], x.shape[-1]
    sides = padded(spatial, padding)
    count = max(1, min(len(x), SCRATCH // max(math.prod(sides) * channels * x.itemsize, 1)))
    framed = any(map(any, padding))
    frame, middle = np.zeros((count if framed else 0, *sides, channels), x.dtype), inner(spatial, padding)
    for start in range(0, len(x), count):
        part = slice(start, min(start + count, len(x)))
        if framed:
            some = frame[: part.stop - part.start]
            some[middle] = x[part]
            yield part, some
        else:
            yield part, np.ascontiguousarray(x[part])


def _windows(frame, outs: Sizes, kernel: Sizes, strides: Sizes, dilation: Sizes):
    """View (batch, *outs, *kernel, channels), the last of ``outs`` joined with the channels if the stride is 1."""
    batch, *sides, one = frame.strides
    places = tuple(side * s for side, s in zip(sides, strides, strict=True))
    entries = tuple(side * d for side, d in zip(sides, dilation, strict=True))
    if strides[-1] == 1:
        shape = (len(frame), *outs[:-1], *kernel, outs[-1] * frame.shape[-1])
        return np.ndarray(shape, frame.dtype, frame, 0, (batch, *places[:-1], *entries, one))
    shape = (len(frame), *outs, *kernel, frame.shape[-1])
    return np.ndarray(shape, frame.dtype, frame, 0, (batch, *places, *entries, one))


def _labels(outs: Sizes, kernel: Sizes, joined: bool) -> tuple[list[int], list[int], list[int]]:
    """Axes of windows, results and kernels for ``np.einsum``."""
    at = list(range(1 + len(outs) - joined))
    of = list(range(len(at), len(at) + len(kernel)))
    last = [len(at) + len(of)]
    return at + of + last, at + last, of + last


def correlate_each(x, w, strides: Sizes, padding: Pairs, dilation: Sizes):
    """Sum, over each window of ``x``, of its entries times those of ``w`` (*kernel, channels), channel by channel."""
    kernel, channels = w.shape[:-1], w.shape[-1]
    outs = counts("conv", x.shape[1:-1], kernel, strides, padding, dilation)
    joined = strides[-1] == 1
    windows, result, of_kernel = _labels(outs, kernel, joined)
    y = np.empty((len(x), *outs, channels), x.dtype)
    rows = y.reshape(len(x), *outs[:-1], outs[-1] * channels) if joined else y
    w = np.tile(w, outs[-1]) if joined else w
    for part, frame in _frames(x, padding):
        seen = _windows(frame, outs, kernel, strides, dilation)
        np.einsum(seen, windows, w, of_kernel, result, out=rows[part])
    return y


def correlate_each_wrt_w(x, ct, kernel: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes):
    """The transpose of ``correlate_each`` in its kernel."""
    outs, channels = ct.shape[1:-1], ct.shape[-1]
    joined = strides[-1] == 1
    windows, result, of_kernel = _labels(outs, kernel, joined)
    rows = np.ascontiguousarray(ct).reshape(len(x), *outs[:-1], outs[-1] * channels) if joined else ct
    dw = np.zeros((*kernel, outs[-1] * channels if joined else channels), x.dtype)
    for part, frame in _frames(x, padding):
        seen = _windows(frame, outs, kernel, strides, dilation)
        dw += np.einsum(seen, windows, rows[part], result, of_kernel)
    return dw.reshape(*kernel, outs[-1], channels).sum(axis=-2) if joined else dw


def correlate_each_wrt_x(ct, w, size: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes):
    """The transpose of ``correlate_each`` in its input of spatial ``size``.

    Each cotangent is put where the last entry of its window ends, with zeros between them; the sum over the windows of
    the flipped kernel there is the sum over all windows that an entry lies in.
    """
    kernel, channels = w.shape[:-1], w.shape[-1]
    if 0 in size:
        return np.empty((len(ct), *size, channels), ct.dtype)
    reaches = tuple(map(extent, kernel, dilation))
    sides = tuple(side + r - 1 for side, r in zip(size, reaches, strict=True))
    outs = ct.shape[1:-1]
    each = zip(sides, outs, strides, padding, reaches, strict=True)
    places = [reach(side, out, s, before, r - 1) for side, out, s, (before, _), r in each]
    apart = np.zeros((len(ct), *sides, channels), ct.dtype)
    apart[(slice(None), *(entries for _, entries in places))] = ct[(slice(None), *(where for where, _ in places))]
    flipped = w[(slice(None, None, -1),) * len(kernel)]
    alone = (1,) * len(kernel)
    return correlate_each(apart, flipped, alone, ((0, 0),) * len(kernel), dilation)
