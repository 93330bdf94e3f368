"""Layout: reshapes, transposes, broadcasts, conversions and sums that do nothing, or can be done in one.

Values stay what they are, with one exception: NumPy gives 0.0 for a sum of entries that are all -0.0, and where a rule
finds that there is nothing to sum, it stays -0.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ops.arithmetic import ADD, MULTIPLY
from ...ops.indexing import ADD_AT, GETITEM
from ...ops.reductions import MAX, MEAN, MIN, SUM
from ...ops.reshaping import ASTYPE, BROADCAST_TO, COPY, RESHAPE, TRANSPOSE
from ...primitive import Primitive
from ...symbol import Value
from ..program import Instruction, Program
from .algebra import same_type
from .rewrite import Rewriting, rewrite


def layout(program: Program) -> Program:
    """``program`` with fewer changes of shape, order of axes and dtype."""
    return rewrite(program, _simplified)


def _simplified(new: Rewriting, i: Instruction) -> Value | None:
    if not i.operands or i.operands[0].__class__ is not Value:
        return _without_broadcasts(new, i) if i.primitive.elementwise else None
    rule = RULES.get(i.primitive)
    instead = None if rule is None else rule(new, i, *i.operands, **i.params)
    return _without_broadcasts(new, i) if instead is None and i.primitive.elementwise else instead


def _reshape(new: Rewriting, i: Instruction, x: Value, shape: tuple[int, ...], order: str = "C") -> Value | None:
    if order != "C":
        return None
    if same_type(x, i):
        return x
    made = new.maker(x, RESHAPE)
    if made is None or made.params.get("order", "C") != "C":
        return None
    return reshaped(new, i, made.operands[0])


def reshaped(new: Rewriting, i: Instruction, x: Value, shape: tuple[int, ...] | None = None) -> Value:
    """``x`` in the shape of the result of ``i``; itself if it has it."""
    shape = i.result.shape if shape is None else shape
    return x if x.shape == shape else new.apply(i, RESHAPE, (x,), {"shape": shape}, shape, x.dtype)


def _transpose(new: Rewriting, i: Instruction, x: Value, axes: tuple[int, ...]) -> Value | None:
    if axes == tuple(range(x.ndim)):
        return x
    long = [axis for axis in axes if x.shape[axis] != 1]
    if long == sorted(long):  # only axes of length 1 move
        return reshaped(new, i, x)
    made = new.maker(x, TRANSPOSE)
    if made is None:
        return None
    both = tuple(made.params["axes"][axis] for axis in axes)
    given = made.operands[0]
    return given if both == tuple(range(len(both))) else new.apply(i, TRANSPOSE, (given,), {"axes": both})


def _broadcast_to(new: Rewriting, i: Instruction, x: Value, shape: tuple[int, ...]) -> Value | None:
    if same_type(x, i):
        return x
    if x.size == i.result.size and x.size:
        return reshaped(new, i, x)
    made = new.maker(x, BROADCAST_TO)
    return None if made is None else new.apply(i, BROADCAST_TO, made.operands, i.params)


def _astype(new: Rewriting, i: Instruction, x: Value, dtype: Any) -> Value | None:
    if same_type(x, i):
        return x
    made = new.maker(x, ASTYPE)
    if made is None:
        return None
    given = made.operands[0]
    # There and back again: nothing is lost on the way to a wider dtype.
    return given if given.dtype == i.result.dtype and np.can_cast(given.dtype, x.dtype, "safe") else None


def _copy(new: Rewriting, i: Instruction, x: Value) -> Value | None:
    return x if same_type(x, i) else None


def _getitem(new: Rewriting, i: Instruction, x: Value, index: Any) -> Value | None:
    entries = index if index.__class__ is tuple else (index,)
    everything = all(entry is Ellipsis or (entry.__class__ is slice and entry == slice(None)) for entry in entries)
    return x if everything and same_type(x, i) else None


def _reduce(
    new: Rewriting, i: Instruction, x: Value, axis: tuple[int, ...], keepdims: bool, **others: Any
) -> Value | None:
    """A reduction over axes of length 1, or none at all."""
    if others.get("dtype") is not None or "initial" in others or x.dtype != i.result.dtype or x.dtype.kind not in "fc":
        return None
    return reshaped(new, i, x) if all(x.shape[at] == 1 for at in axis) and x.size == i.result.size else None


def _sum(
    new: Rewriting, i: Instruction, x: Value, axis: tuple[int, ...], keepdims: bool, dtype: Any = None
) -> Value | None:
    nothing = _reduce(new, i, x, axis, keepdims, dtype=dtype)
    if nothing is not None or dtype is not None or x.dtype.kind != "f" or x.dtype.itemsize < 4 or not x.size:
        return nothing
    made = new.maker(x, BROADCAST_TO)
    if made is not None:
        return _sum_of_copies(new, i, made.operands[0], x.shape, axis)
    made = new.maker(x, RESHAPE)
    if made is not None and len(axis) == x.ndim and not keepdims:  # of all entries: their shape does not matter
        given = made.operands[0]
        return new.apply(i, SUM, (given,), {"axis": tuple(range(given.ndim)), "keepdims": False})
    return None


def _sum_of_copies(
    new: Rewriting, i: Instruction, x: Value, shape: tuple[int, ...], axis: tuple[int, ...]
) -> Value | None:
    """The sum over axes along which ``x`` was repeated: a multiple of it."""
    own = (1,) * (len(shape) - x.ndim) + x.shape
    if any(own[at] != 1 for at in axis) or any(own[at] != shape[at] for at in range(len(shape)) if at not in axis):
        return None
    count = math.prod(shape[at] for at in axis)
    return new.apply(i, MULTIPLY, (reshaped(new, i, x), count))


def _add(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    """``a + (zeros with y added at an index)``: y added to ``a`` there, in place if nobody else reads ``a``.

    For an ``a`` that was made in the same way, from zeros: it has no entry -0.0, which adding 0.0 would change.
    """
    left, right = new.maker(x, ADD_AT), new.maker(y, ADD_AT)
    if left is None or right is None or not same_type(x, i) or not same_type(y, i) or not _from_zeros(new, left):
        return None
    zeros, part = right.operands
    if _is_zero(new, zeros) and part.__class__ is Value and part.dtype == x.dtype:
        return new.apply(i, ADD_AT, (x, part), right.params)
    return None


def _from_zeros(new: Rewriting, made: Instruction | None) -> bool:
    while made is not None:
        base = made.operands[0]
        if _is_zero(new, base):
            return True
        made = new.maker(base, ADD_AT)
    return False


def _is_zero(new: Rewriting, value: Any) -> bool:
    number = new.uniform(value)
    return number is not None and number == 0 and not (np.signbit(np.real(number)) or np.signbit(np.imag(number)))


def _without_broadcasts(new: Rewriting, i: Instruction) -> Value | None:
    """Elementwise operations broadcast by themselves."""
    operands = list(i.operands)
    for place, operand in enumerate(operands):
        made = new.maker(operand, BROADCAST_TO)
        if made is None:
            continue
        operands[place] = made.operands[0]
        if np.broadcast_shapes(*(o.shape for o in operands if o.__class__ is Value)) != i.result.shape:
            operands[place] = operand
    if all(now is before for now, before in zip(operands, i.operands, strict=True)):
        return None
    return new.apply(i, i.primitive, operands, i.params)


RULES: dict[Primitive, Callable[..., Value | None]] = {
    RESHAPE: _reshape, TRANSPOSE: _transpose, BROADCAST_TO: _broadcast_to, ASTYPE: _astype, COPY: _copy,
    GETITEM: _getitem, SUM: _sum, MEAN: _reduce, MAX: _reduce, MIN: _reduce, ADD: _add,
}  # fmt: skip
