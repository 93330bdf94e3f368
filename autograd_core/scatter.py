"""What the rules of reads and updates send back instead of an array.

A read ``x[i]`` sends back zeros with a few entries set; an update ``x[i] = y`` sends back what it received with those
entries cleared. Written out as arrays, ten thousand reads or updates of an array of ten thousand entries would move
10^8 numbers. So these two rules send back a short note (``Scatter``, ``Cleared``), and the walk carries it out in a
buffer that it made itself and that nobody else holds.
"""

from __future__ import annotations

import math

import numpy as np


class Scatter:
    """Zeros of ``shape`` with ``values`` added at ``index``; repeated indices add up."""

    __slots__ = ("dtype", "index", "shape", "values")

    def __init__(self, values, index, shape):
        self.values = values
        self.index = index
        self.shape = shape
        self.dtype = values.dtype

    def add_to(self, buffer) -> None:
        """Add to ``buffer`` in place."""
        add_at(buffer, self.index, self.values)

    def dense(self):
        """The array this stands for."""
        buffer = np.zeros(self.shape, self.dtype)
        self.add_to(buffer)
        return buffer


class Cleared:
    """``ct`` with zeros at ``index``."""

    __slots__ = ("ct", "dtype", "index", "shape")

    def __init__(self, ct, index):
        self.ct = ct
        self.index = index
        self.shape = ct.shape
        self.dtype = ct.dtype

    def carry_out(self, own: bool):
        """The array this stands for; written into ``ct`` itself if the walk owns it."""
        buffer = self.ct if own else np.array(self.ct)  # not .copy(), which of NumPy's scalars is no array
        buffer[self.index] = 0
        return buffer


def add_at(buffer, index, values) -> None:
    """``buffer[index] += values`` with repeated indices added up."""
    if is_basic(index) or (index.__class__ is np.ndarray and index.dtype.kind == "b"):
        buffer[index] += values
        return
    places = _places(buffer, index, values)
    if places is None:
        np.add.at(buffer, index, values)
    else:  # np.add.at is three to four times as fast along one axis (tests/benchmarks/scatter.py)
        np.add.at(buffer.reshape(-1), places.ravel(), np.broadcast_to(values, places.shape).ravel())


def _places(buffer, index, values):
    """Positions of ``index`` in the flattened ``buffer``; None where this has no simple form, or is not worth it."""
    if np.size(values) < 512 or not buffer.flags.c_contiguous or values.dtype != buffer.dtype:
        return None
    entries = index if isinstance(index, tuple) else (index,)
    if len(entries) > buffer.ndim or not all(
        entry.__class__ is np.ndarray and entry.dtype.kind in "iu" for entry in entries
    ):
        return None
    sides, rest = buffer.shape[: len(entries)], buffer.shape[len(entries) :]
    places = np.ravel_multi_index(np.broadcast_arrays(*entries), sides, mode="wrap")  # counts from the end, too
    width = math.prod(rest)
    return (places[..., None] * width + np.arange(width)).reshape(places.shape + rest)


def is_basic(index) -> bool:
    """Whether ``index`` is made of slices and integers only, so that no entry can occur twice."""
    entries = index if isinstance(index, tuple) else (index,)
    return all(
        entry is None
        or entry is Ellipsis
        or (isinstance(entry, (slice, int, np.integer)) and entry.__class__ is not bool)
        for entry in entries
    )
