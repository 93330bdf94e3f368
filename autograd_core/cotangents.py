"""How cotangents get the shape of the value they belong to, and how they add up at a Node."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import CotangentError
from .node import Node
from .primitive import Slot
from .scatter import Cleared, Scatter
from .shapes import broadcast_axes, broadcasts_into
from .tensor import Tensor


class Parts(list):
    """Cotangents of the results of a Node with several: one entry per result, None where nothing arrived."""


def fit(ct: Any, value, node: Node, index: int):
    """Give a contribution the shape and dtype of the value it belongs to.

    Axes along which the argument was broadcast are summed over; a real argument takes the real part; the width
    becomes that of the argument.
    """
    if ct.shape != value.shape:
        ct = unbroadcast(ct, value.shape, node, index)
    if ct.dtype.kind == "c" and value.dtype.kind != "c":
        ct = np.real(ct)
    if ct.dtype != value.dtype:
        array: Any = ct
        ct = np.astype(array, value.dtype) if isinstance(ct, (np.ndarray, Tensor)) else value.dtype.type(ct)
    return ct


def unbroadcast(ct, shape: tuple[int, ...], node: Node, index: int):
    """Sum ``ct`` over the axes along which ``shape`` was broadcast to ``ct.shape``."""
    value: Any = node.value
    shapes = [result.shape for result in value] if value.__class__ is tuple else (value.shape,)
    full, *_ = shapes  # all results of an elementwise operation have one shape
    if node.primitive.elementwise and ct.shape != full and broadcasts_into(ct.shape, full):
        ct = np.broadcast_to(ct, full)  # a constant derivative may be returned once for all entries
    if not broadcasts_into(shape, ct.shape):
        raise CotangentError(
            f"the rule of {node.operation} for its argument {index} returned a cotangent of shape {ct.shape}; the "
            f"argument has shape {shape} and the result {' and '.join(map(str, shapes))}. A cotangent must have the "
            "shape of its argument."
        )
    return np.add.reduce(ct, axis=broadcast_axes(shape, ct.shape)).reshape(shape)


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
            pending[parent] = note.dense()
        else:
            if parent not in owned:
                pending[parent] = before = np.array(before)
            note.add_to(before)
        owned.add(parent)
    else:
        buffer = note.carry_out(may_write)
        pending[parent] = buffer if before is None else np.asarray(before + buffer)  # 0-d sums are scalars
        owned.add(parent)


def complete(parts: Parts, values) -> tuple:
    """Cotangents of all results of a Node, with zeros where nothing arrived: one number that stands for all entries."""
    return tuple(_nothing(value) if ct is None else ct for ct, value in zip(parts, values, strict=True))


def _nothing(value):
    # What np.broadcast_to gives, in a fifth of the time.
    zeros: Any = np.ndarray(value.shape, value.dtype, np.zeros((), value.dtype), 0, (0,) * len(value.shape))
    zeros.flags.writeable = False
    return zeros
