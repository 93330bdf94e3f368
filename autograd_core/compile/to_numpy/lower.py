"""Lowering for NumPy: operations of several steps written as the steps, each of which can write into a given array.

What stays whole is computed by ``primitive.impl``, into an array of its own. The formulas are those of the forward
functions in ``autograd_core.ops``, step by step, so that results are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ops.activations import LEAKY_RELU, RELU, SIGMOID, SOFTPLUS
from ...ops.affine import AFFINE
from ...ops.arithmetic import ADD, DIVIDE, MULTIPLY, NEGATIVE, RECIPROCAL, SUBTRACT
from ...ops.axes import length
from ...ops.complex_parts import ABSOLUTE
from ...ops.exponential import EXP, LOG, LOG1P
from ...ops.products import MATMUL
from ...ops.reductions import MAX, MEAN, SUM
from ...ops.reshaping import COPY, RESHAPE, TRANSPOSE
from ...ops.selection import CLIP, MAXIMUM, MINIMUM, WHERE
from ...ops.softmax import LOG_SOFTMAX, SHORT, SOFTMAX
from ...primitive import Primitive
from ...symbol import Value
from ..passes.rewrite import Rewriting, rewrite
from ..program import Instruction, Program

_INTEGERS = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}

MASK = Primitive(
    "mask", lambda gate: np.negative(gate.view(np.int8)), None, elementwise=True, keeps=False,
    doc="All bits of an int8 where the gate is open, none elsewhere.",
)  # fmt: skip
GATED = Primitive(
    "gated", lambda x, mask: np.bitwise_and(x.view(integer_of(x.dtype)), mask).view(x.dtype), None, elementwise=True,
    keeps=False, doc="x where the mask has its bits, 0 elsewhere.",
)  # fmt: skip


def integer_of(dtype: Any) -> Any:
    """The integer dtype as wide as a floating one."""
    return _INTEGERS[dtype.itemsize]


def lower(program: Program) -> Program:
    """``program`` in steps that NumPy does with one call each."""
    return rewrite(program, _lowered)


def _lowered(new: Rewriting, instruction: Instruction) -> Value | None:
    rule = RULES.get(instruction.primitive)
    if rule is None or any(o.__class__ is not Value for o in instruction.operands[:1]):
        return None
    return rule(new, instruction, *instruction.operands, **instruction.params)


def _is_real(*values: Any) -> bool:
    """Whether all are arrays of one real floating dtype."""
    return all(v.__class__ is Value and v.dtype.kind == "f" and v.dtype == values[0].dtype for v in values)


# -- elementwise -------------------------------------------------------------------------------------------------------


def _sigmoid(new: Rewriting, i: Instruction, x: Any) -> Value | None:
    if not _is_real(x):
        return None
    power = new.apply(i, EXP, (new.apply(i, NEGATIVE, (x,)),))
    return new.apply(i, RECIPROCAL, (new.apply(i, ADD, (power, 1)),))


def _softplus(new: Rewriting, i: Instruction, x: Any) -> Value | None:
    if not _is_real(x):
        return None
    power = new.apply(i, EXP, (new.apply(i, NEGATIVE, (new.apply(i, ABSOLUTE, (x,)),)),))
    return new.apply(i, ADD, (new.apply(i, LOG1P, (power,)), new.apply(i, MAXIMUM, (x, 0))))


def _relu(new: Rewriting, i: Instruction, x: Any) -> Value | None:
    return new.apply(i, MAXIMUM, (x, 0)) if x.dtype == i.result.dtype else None


def _leaky_relu(new: Rewriting, i: Instruction, x: Any, negative_slope: float) -> Value | None:
    if not _is_real(x) or not 0 < negative_slope <= 1:
        return None
    return new.apply(i, MAXIMUM, (x, new.apply(i, MULTIPLY, (x, negative_slope))))


def _clip(new: Rewriting, i: Instruction, x: Any, low: Any, high: Any) -> Value | None:
    dtype = i.result.dtype
    if dtype.kind != "f" or any(v.__class__ is Value and v.dtype != dtype for v in (x, low, high)):
        return None
    shape = np.broadcast_shapes(x.shape, low.shape if low.__class__ is Value else ())
    raised = x if low.__class__ is float and low == -np.inf else new.apply(i, MAXIMUM, (x, low), shape=shape)
    if high.__class__ is float and high == np.inf:
        return raised if raised is not x else None
    return new.apply(i, MINIMUM, (raised, high))


def _where(new: Rewriting, i: Instruction, gate: Any, x: Any, y: Any) -> Value | None:
    """``where(gate, x, 0)`` by an AND with the bits of each entry, as ``ops.activations.gated``."""
    dtype = i.result.dtype
    zero = new.constant(y)
    is_zero = (y.__class__ in (int, float) and repr(y) in ("0", "0.0")) or (
        zero is not None and zero.size == 1 and zero.dtype == dtype and not zero.tobytes().strip(b"\0")
    )
    if not is_zero or x.__class__ is not Value or dtype.kind != "f" or dtype.itemsize not in _INTEGERS:
        return None
    if x.dtype != dtype or x.shape != i.result.shape or gate.shape != x.shape or gate.dtype != bool or not x.ndim:
        return None
    mask = new.apply(i, MASK, (gate,), dtype=np.int8)
    return new.apply(i, GATED, (x, mask))


# -- reductions --------------------------------------------------------------------------------------------------------


def _mean(new: Rewriting, i: Instruction, x: Any, axis: Any, keepdims: bool, dtype: Any = None) -> Value | None:
    count = length(x.shape, axis)
    if dtype is not None or not count or x.dtype.char not in "fdFD":
        return None
    total = new.apply(i, SUM, (x,), {"axis": axis, "keepdims": keepdims})
    return new.apply(i, DIVIDE, (total, count))


def _lengthwise(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """``shape`` with length 1 along ``axis``, a number or several."""
    axes = axis if axis.__class__ is tuple else (axis,)
    return tuple(1 if at in axes else side for at, side in enumerate(shape))


class _Classes:
    """Scores laid out for reductions over the classes; a short last axis is put first, where NumPy is faster."""

    def __init__(self, new: Rewriting, i: Instruction, x: Value, axis: Any):
        self.new, self.i, self.given = new, i, x
        self.turned = axis == x.ndim - 1 and x.ndim > 1 and x.shape[-1] <= SHORT and x.size >= 8 * x.shape[-1]
        self.axis: tuple[int, ...] = axis if axis.__class__ is tuple else (axis,)
        self.x = x
        if self.turned:
            rows = x.size // x.shape[-1]
            matrix = (
                x if x.ndim == 2 else new.apply(i, RESHAPE, (x,), {"shape": (rows, x.shape[-1])}, (rows, x.shape[-1]))
            )
            turned = new.apply(i, TRANSPOSE, (matrix,), {"axes": (1, 0)}, (x.shape[-1], rows))
            self.x, self.axis = new.apply(i, COPY, (turned,), None, turned.shape), (0,)

    def elementwise(self, primitive: Primitive, *operands: Any) -> Value:
        return self.new.apply(self.i, primitive, operands, None, operands[0].shape)

    def reduced(self, primitive: Primitive, x: Value) -> Value:
        params = {"axis": self.axis, "keepdims": True}
        return self.new.apply(self.i, primitive, (x,), params, _lengthwise(x.shape, self.axis))

    def shifted(self) -> Value:
        return self.elementwise(SUBTRACT, self.x, self.reduced(MAX, self.x))

    def closed(self, result: Value) -> Value:
        if not self.turned:
            return result
        shape = result.shape[::-1]
        back = self.new.apply(self.i, TRANSPOSE, (result,), {"axes": (1, 0)}, shape)
        back = self.new.apply(self.i, COPY, (back,), None, shape)
        if self.given.ndim == 2:
            return back
        return self.new.apply(self.i, RESHAPE, (back,), {"shape": self.given.shape})


def _softmax(new: Rewriting, i: Instruction, x: Any, axis: Any) -> Value | None:
    if not _is_real(x) or not x.size:
        return None
    at = _Classes(new, i, x, axis)
    powers = at.elementwise(EXP, at.shifted())
    return at.closed(at.elementwise(DIVIDE, powers, at.reduced(SUM, powers)))


def _log_softmax(new: Rewriting, i: Instruction, x: Any, axis: Any) -> Value | None:
    if not _is_real(x) or not x.size:
        return None
    at = _Classes(new, i, x, axis)
    shifted = at.shifted()
    total = at.elementwise(LOG, at.reduced(SUM, at.elementwise(EXP, shifted)))
    return at.closed(at.elementwise(SUBTRACT, shifted, total))


# -- products ----------------------------------------------------------------------------------------------------------


def _affine(new: Rewriting, i: Instruction, x: Any, w: Any, b: Any) -> Value | None:
    if x.dtype != w.dtype or b.dtype != x.dtype:
        return None
    product = new.apply(i, MATMUL, (x, w))
    return new.apply(i, ADD, (product, b))


def _matmul(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    """A copy of a transposed factor of a few long columns: (128, 10) @ (10, 512) takes 17 us, and 46 with a view."""
    turned = new.maker(y, TRANSPOSE)
    if turned is None or y.ndim != 2 or y.shape[0] > 16 or y.size <= 2048:
        return None
    return new.apply(i, MATMUL, (x, new.apply(i, COPY, (y,), None, y.shape, y.dtype)))


RULES: dict[Primitive, Callable[..., Value | None]] = {
    SIGMOID: _sigmoid, SOFTPLUS: _softplus, RELU: _relu, LEAKY_RELU: _leaky_relu, CLIP: _clip, WHERE: _where,
    MEAN: _mean, SOFTMAX: _softmax, LOG_SOFTMAX: _log_softmax, AFFINE: _affine, MATMUL: _matmul,
}  # fmt: skip
