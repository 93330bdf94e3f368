"""Algebra: steps that do nothing, or that a cheaper one does as well.

No rule changes a result by more than rounding; NaN, infinities and the signs of zeros stay as they are. So ``x + 0`` is
not ``x`` for floating-point numbers (-0.0 + 0 is 0), ``0 * x`` not 0 and ``x - x`` not 0 (for NaN), while ``x - 0``,
``x * 1`` and ``x / 1`` are ``x`` exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...ops.arithmetic import ADD, DIVIDE, MULTIPLY, NEGATIVE, POSITIVE_ROW, POWER, RECIPROCAL, SQUARE, SUBTRACT
from ...ops.exponential import LOG
from ...ops.selection import MAXIMUM, MINIMUM, WHERE
from ...ops.softmax import LOG_SOFTMAX, SOFTMAX
from ...primitive import Primitive
from ...symbol import Value
from ..program import Instruction, Program
from .rewrite import Rewriting, rewrite

RuleOfOperands = Callable[..., "Value | None"]


def algebra(program: Program) -> Program:
    """``program`` with arithmetic made simpler."""
    return rewrite(program, _simplified)


def _simplified(new: Rewriting, i: Instruction) -> Value | None:
    for rule in RULES.get(i.primitive, ()):
        instead = rule(new, i, *i.operands)
        if instead is not None:
            return instead
    return None


def same_type(value: Any, i: Instruction) -> bool:
    """Whether ``value`` has the shape and the dtype of the result."""
    return value.__class__ is Value and value.shape == i.result.shape and value.dtype == i.result.dtype


def is_number(operand: Any, number: float) -> bool:
    """Whether an operand is the Python number, the sign of a zero included."""
    return (
        operand.__class__ in (int, float)
        and operand == number
        and math.copysign(1, operand) == math.copysign(1, number)
    )


def _floating(*operands: Any) -> bool:
    return all(o.dtype.kind == "f" for o in operands if o.__class__ is Value)


# -- sums --------------------------------------------------------------------------------------------------------------


def _add_nothing(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    for value, number in ((x, y), (y, x)):
        if same_type(value, i) and (is_number(number, -0.0) or (is_number(number, 0) and value.dtype.kind in "iu")):
            return value
    return None


def _add_negative(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    if not _floating(x, y):
        return None
    made = new.maker(y, NEGATIVE)
    if made is not None:
        return new.apply(i, SUBTRACT, (x, made.operands[0]))
    made = new.maker(x, NEGATIVE)
    return None if made is None else new.apply(i, SUBTRACT, (y, made.operands[0]))


def _subtract_nothing(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    return x if same_type(x, i) and (is_number(y, 0) and x.dtype.kind in "iuf") else None


def _subtract_negative(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    made = new.maker(y, NEGATIVE)
    return new.apply(i, ADD, (x, made.operands[0])) if made is not None and _floating(x, y) else None


def _negative_twice(new: Rewriting, i: Instruction, x: Any) -> Value | None:
    made = new.maker(x, NEGATIVE)
    return None if made is None else made.operands[0]


def _nothing(new: Rewriting, i: Instruction, x: Any) -> Value | None:
    return x if same_type(x, i) else None


# -- products ----------------------------------------------------------------------------------------------------------


def _multiply_by_one(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    for value, number in ((x, y), (y, x)):
        if same_type(value, i) and is_number(number, 1):
            return value
        if same_type(value, i) and is_number(number, -1) and _floating(value):
            return new.apply(i, NEGATIVE, (value,))
    return None


def _multiply_negative(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    """The sign after the product: there it can become part of a sum, and products of the same factors meet."""
    left, right = new.maker(x, NEGATIVE), new.maker(y, NEGATIVE)
    if (left is None and right is None) or not _floating(x, y):
        return None
    factors = [x if left is None else left.operands[0], y if right is None else right.operands[0]]
    product = new.apply(i, i.primitive, factors)
    return product if left is not None and right is not None else new.apply(i, NEGATIVE, (product,))


def _divide_by_number(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    if not same_type(x, i) or y.__class__ not in (int, float) or not _floating(x):
        return None
    if is_number(y, 1):
        return x
    # By a power of two: the product is exact, and division takes several times as long.
    if (
        y
        and math.isfinite(y)
        and math.frexp(y)[0] in (0.5, -0.5)
        and 2.0**-60 <= abs(y) <= 2.0**60
        and x.dtype.itemsize >= 4
    ):
        return new.apply(i, MULTIPLY, (x, 1.0 / y))
    return None


def _power(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    if not same_type(x, i) or y.__class__ not in (int, float) or x.dtype.kind not in "fiu":
        return None
    if y == 1:
        return x
    if y == 2:
        return new.apply(i, SQUARE, (x,))
    if y == 3:
        return new.apply(i, MULTIPLY, (new.apply(i, SQUARE, (x,)), x))
    return new.apply(i, RECIPROCAL, (x,)) if y == -1 and _floating(x) else None


# -- choices -----------------------------------------------------------------------------------------------------------


def _same_twice(new: Rewriting, i: Instruction, x: Any, y: Any) -> Value | None:
    return x if x is y and same_type(x, i) else None


def _known_choice(new: Rewriting, i: Instruction, gate: Any, x: Any, y: Any) -> Value | None:
    if x is y and same_type(x, i):
        return x
    known = new.uniform(gate)
    if known is None:
        return None
    chosen = x if known else y
    return chosen if same_type(chosen, i) else None


def _log_of_softmax(new: Rewriting, i: Instruction, x: Any) -> Value | None:
    made = new.maker(x, SOFTMAX)
    return None if made is None else new.apply(i, LOG_SOFTMAX, made.operands, made.params)


RULES: dict[Primitive, tuple[RuleOfOperands, ...]] = {
    ADD: (_add_nothing, _add_negative),
    SUBTRACT: (_subtract_nothing, _subtract_negative),
    NEGATIVE: (_negative_twice,),
    POSITIVE_ROW: (_nothing,),
    MULTIPLY: (_multiply_by_one, _multiply_negative),
    DIVIDE: (_divide_by_number, _multiply_negative),
    POWER: (_power,),
    MAXIMUM: (_same_twice,),
    MINIMUM: (_same_twice,),
    WHERE: (_known_choice,),
    LOG: (_log_of_softmax,),
}
