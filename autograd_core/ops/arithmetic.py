"""Sums, products, quotients, powers: the elementwise operations behind Python's operators."""

from __future__ import annotations

import numpy as np

from ..primitive import Primitive, binary, unary

__all__ = [
    "add", "divide", "multiply", "negative", "positive", "pow", "power", "reciprocal", "square", "subtract",
    "true_divide",
]  # fmt: skip

REAL = (-2.0, 2.0)
POSITIVE = (0.3, 2.0)

ADD = Primitive(
    "add", np.add, elementwise=True, source="{0} + {1}", keeps=False, domain=(REAL, REAL), doc="x1 + x2",
    vjps=(lambda ct, ans, x, y: ct,
          lambda ct, ans, x, y: ct),
)  # fmt: skip
SUBTRACT = Primitive(
    "subtract", np.subtract, elementwise=True, source="{0} - {1}", keeps=False, domain=(REAL, REAL), doc="x1 - x2",
    vjps=(lambda ct, ans, x, y: ct,
          lambda ct, ans, x, y: np.negative(ct)),
)  # fmt: skip
MULTIPLY = Primitive(
    "multiply", np.multiply, elementwise=True, source="{0} * {1}", domain=(REAL, REAL), doc="x1 * x2",
    vjps=(lambda ct, ans, x, y: ct * y,
          lambda ct, ans, x, y: ct * x),
)  # fmt: skip
DIVIDE = Primitive(
    "divide", np.divide, elementwise=True, source="{0} / {1}", domain=(REAL, POSITIVE), doc="x1 / x2",
    vjps=(lambda ct, ans, x, y: ct / y,
          lambda ct, ans, x, y: np.negative(ct) * (ans / y)),
)  # fmt: skip


def _power_wrt_base(ct, ans, x, y):
    if y.__class__ is int or y.__class__ is float:  # the common case; a NumPy scalar of it would widen float32
        return ct * (2 * x) if y == 2 else np.zeros((), ct.dtype) * ct if y == 0 else ct * (y * np.power(x, y - 1))
    return times_slope_in_base(ct, x, y)


def times_slope_in_base(ct, x, y):
    # y * x**(y-1) at x = 0: 0 for y = 0 and y > 1, 1 for y = 1; never 0 * inf. Where it is finite a zero exponent is as
    # any other: the derivative of this in y is not 0 there.
    rate = np.power(x, np.subtract(y, 1))
    lost = np.equal(y, 0) & ~np.isfinite(rate)
    return np.where(lost, np.zeros((), ct.dtype), ct * (y * np.where(lost, np.ones((), ct.dtype), rate)))


def slope_in_exponent(ans, x, y):
    # x**y log x tends to 0 as x -> 0 for y > 0; log of a negative base is not real, and NaN says so.
    flat = np.equal(x, 0) & np.greater_equal(np.real(y), 0)
    return np.where(flat, np.zeros((), ans.dtype), ans * np.log(np.where(flat, 1, x)))


POWER = Primitive(
    "power", np.power, elementwise=True, source="power({0}, {1})", domain=(POSITIVE, REAL), doc="x1 ** x2",
    vjps=(_power_wrt_base, lambda ct, ans, x, y: ct * slope_in_exponent(ans, x, y)),
    kink="0**0 has derivative 0 in both arguments",
)  # fmt: skip
NEGATIVE = Primitive(
    "negative", np.negative, elementwise=True, source="-{0}", keeps=False, domain=(REAL,), doc="-x",
    vjps=(lambda ct, ans, x: np.negative(ct),),
)  # fmt: skip
POSITIVE_ROW = Primitive(
    "positive", np.positive, elementwise=True, source="+{0}", keeps=False, domain=(REAL,), doc="+x",
    vjps=(lambda ct, ans, x: ct,),
)  # fmt: skip
RECIPROCAL = Primitive(
    "reciprocal", np.reciprocal, elementwise=True, source="reciprocal({0})", domain=(POSITIVE,), doc="1 / x",
    vjps=(lambda ct, ans, x: np.negative(ct) * ans * ans,),
)  # fmt: skip
SQUARE = Primitive(
    "square", np.square, elementwise=True, source="square({0})", domain=(REAL,), doc="x * x",
    vjps=(lambda ct, ans, x: ct * (x + x),),
)  # fmt: skip

ROWS = (ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, NEGATIVE, POSITIVE_ROW, RECIPROCAL, SQUARE)

add = binary(ADD)
subtract = binary(SUBTRACT)
multiply = binary(MULTIPLY)
divide = true_divide = binary(DIVIDE)
power = pow = binary(POWER)
negative = unary(NEGATIVE)
positive = unary(POSITIVE_ROW)
reciprocal = unary(RECIPROCAL)
square = unary(SQUARE)

OVERLOADS = {
    np.add: add, np.subtract: subtract, np.multiply: multiply, np.divide: divide, np.power: power,
    np.negative: negative, np.positive: positive, np.reciprocal: reciprocal, np.square: square,
}  # fmt: skip
