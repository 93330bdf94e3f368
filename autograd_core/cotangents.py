"""What a rule may send back besides a plain array, and how cotangents add up at a Node.

A read ``x[i]`` sends back zeros with a few entries set; an update ``x[i] = y`` sends back what it received with those
entries cleared. Written out as arrays, ten thousand reads or updates of an array of ten thousand entries would move
10^8 numbers. So these two rules send back a short note (``Scatter``, ``Cleared``), and the walk carries it out in a
buffer that it made itself and that nobody else holds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .errors import CotangentError
from .node import Node
from .primitive import Slot
from .shapes import broadcast_axes, broadcasts_into
from .tensor import Tensor


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

    def dense(self, dtype):
        """The array this stands for."""
        buffer = np.zeros(self.shape, dtype)
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
        buffer = self.ct if own else self.ct.copy()
        buffer[self.index] = 0
        return buffer


class Parts(list):
    """Cotangents of the results of a Node with several: one entry per result, None where nothing arrived."""


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


def fit(ct: Any, value, node: Node, index: int):
    """Give a contribution the shape and dtype of the value it belongs to.

    Axes along which the argument was broadcast are summed over; a real argument takes the real part; the width
    becomes that of the argument.
    """
    if ct.shape != value.shape:
        ct = unbroadcast(ct, value.shape, node, index)
    if ct.dtype != value.dtype:
        if ct.dtype.kind == "c" and value.dtype.kind != "c":
            ct = np.real(ct)
        if ct.dtype != value.dtype:
            array: Any = ct
            ct = np.astype(array, value.dtype) if isinstance(ct, (np.ndarray, Tensor)) else value.dtype.type(ct)
    return ct


def unbroadcast(ct, shape: tuple[int, ...], node: Node, index: int):
    """Sum ``ct`` over the axes along which ``shape`` was broadcast to ``ct.shape``."""
    full = node.value.shape
    if node.primitive.elementwise and ct.shape != full and broadcasts_into(ct.shape, full):
        ct = np.broadcast_to(ct, full)  # a constant derivative may be returned once for all entries
    if not broadcasts_into(shape, ct.shape):
        raise CotangentError(
            f"the rule of {node.operation} for its argument {index} returned a cotangent of shape {ct.shape}; the "
            f"argument has shape {shape} and the result {full}. A cotangent must have the shape of its argument."
        )
    axes = broadcast_axes(shape, ct.shape)
    if ct.__class__ is np.ndarray:
        return np.add.reduce(ct, axis=axes).reshape(shape)
    return np.reshape(np.sum(ct, axis=axes), shape)


NOTES = frozenset((Slot, Scatter, Cleared))
"""What a rule may send back besides an array."""


def carry_out(note, pending: dict, owned: set, parent: Node, may_write: bool) -> None:
    """Add what a ``note`` stands for to the cotangent that has arrived at ``parent`` so far.

    Parameters
    ----------
    pending : dict
        Node -> cotangent.
    owned : set of Node
        Nodes whose entry in ``pending`` is an array that the walk made: only such arrays are written to.
    may_write : bool
        Whether the cotangent that the rule was given is such an array, and used by nobody else.
    """
    before = pending.get(parent)
    if note.__class__ is Slot:
        if before is None:
            before = pending[parent] = Parts([None] * len(parent.value))
        have = before[note.index]
        before[note.index] = note.ct if have is None else have + note.ct
    elif note.__class__ is Scatter:
        if before is None:
            pending[parent] = note.dense(parent.value.dtype)
        else:
            if parent not in owned:
                pending[parent] = before = np.array(before)
            note.add_to(before)
        owned.add(parent)
    else:
        buffer = note.carry_out(may_write)
        pending[parent] = buffer if before is None else before + buffer
        owned.add(parent)


def complete(parts: Parts, values) -> tuple:
    """Cotangents of all results of a Node, with zeros where nothing arrived."""
    return tuple(np.zeros_like(value) if ct is None else ct for ct, value in zip(parts, values, strict=True))
