"""Choosing between values: where, clip, maximum, minimum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from ..errors import ShapeError
from ..primitive import Primitive, apply, binary
from ..symbol import Value
from ..tensor import Tensor, as_value
from .matrices import known, operand, tensor, without_out

__all__ = ["clip", "fmax", "fmin", "maximum", "minimum", "select", "where"]


def _sample_where(draw):
    shape = draw.shape()
    condition = draw.array(draw.broadcastable(shape)) > 0
    return (condition, draw.array(draw.broadcastable(shape)), draw.array(shape)), {}


WHERE = Primitive(
    "where", np.where, elementwise=True, doc="x1 where the condition holds, else x2", sample=_sample_where,
    source="where({0}, {1}, {2})",
    vjps=(None,
          lambda ct, ans, c, x, y: np.where(c, ct, np.zeros((), ct.dtype)),
          lambda ct, ans, c, x, y: np.where(c, np.zeros((), ct.dtype), ct)),
)  # fmt: skip


def _winner(ct, x, y, ans):
    """The cotangent where x is the result, half of it where both are; NaN counts as the result it became."""
    first = np.equal(x, ans) | np.isnan(x)
    second = np.equal(y, ans) | np.isnan(y)
    return np.where(first, np.where(second, ct / 2, ct), np.zeros((), ct.dtype))


def _number_winner(ct, x, y, ans):
    """As ``_winner`` for fmax and fmin, where a NaN never wins over a number."""
    first = np.equal(x, ans) | (np.isnan(x) & np.isnan(ans))
    second = np.equal(y, ans) | (np.isnan(y) & np.isnan(ans))
    return np.where(first, np.where(second, ct / 2, ct), np.zeros((), ct.dtype))


_TIES = "ties share evenly: 1/2 each"


def _sample_apart(draw):
    """Two arrays that have no entry in common: complex numbers jump where their real parts are equal."""
    shape = draw.shape()
    other = draw.broadcastable(shape)
    count = math.prod(shape)
    values = draw.spread((count + math.prod(other),))
    x, y = values[:count].reshape(shape), values[count:].reshape(other)
    return draw.choice(((x, y), (y, x))), {}


MAXIMUM = Primitive(
    "maximum", np.maximum, elementwise=True, sample=_sample_apart, doc="The larger of x1 and x2.", kink=_TIES,
    source="maximum({0}, {1})",
    vjps=(lambda ct, ans, x, y: _winner(ct, x, y, ans),
          lambda ct, ans, x, y: _winner(ct, y, x, ans)),
)  # fmt: skip
MINIMUM = Primitive(
    "minimum", np.minimum, elementwise=True, sample=_sample_apart, doc="The smaller of x1 and x2.", kink=_TIES,
    source="minimum({0}, {1})",
    vjps=(lambda ct, ans, x, y: _winner(ct, x, y, ans),
          lambda ct, ans, x, y: _winner(ct, y, x, ans)),
)  # fmt: skip
FMAX = Primitive(
    "fmax", np.fmax, elementwise=True, sample=_sample_apart, doc="The larger of x1 and x2; NaN loses.", kink=_TIES,
    source="fmax({0}, {1})",
    vjps=(lambda ct, ans, x, y: _number_winner(ct, x, y, ans),
          lambda ct, ans, x, y: _number_winner(ct, y, x, ans)),
)  # fmt: skip
FMIN = Primitive(
    "fmin", np.fmin, elementwise=True, sample=_sample_apart, doc="The smaller of x1 and x2; NaN loses.", kink=_TIES,
    source="fmin({0}, {1})",
    vjps=(lambda ct, ans, x, y: _number_winner(ct, x, y, ans),
          lambda ct, ans, x, y: _number_winner(ct, y, x, ans)),
)  # fmt: skip


def _sample_clip(draw):
    shape = draw.shape()
    x = draw.array(shape)
    low, high = (draw.array(draw.broadcastable(shape), *ends) for ends in ((-1.5, -0.5), (0.5, 1.5)))
    for bound in (low, high):  # away from the kinks: a difference across one is no derivative
        x = np.where(np.abs(x - bound) < 0.05, bound + x.dtype.type(0.1), x)
    return (x, low, high), {}


# At x == low a step up moves the result and a step down does not: every number from 0 to 1 is a subgradient in x, and 0
# is the least. In the bound the same holds, so both are 0 there.
CLIP = Primitive(
    "clip", np.clip, elementwise=True, doc="x limited to the interval from low to high", sample=_sample_clip,
    source="clip({0}, {1}, {2})",
    kink="0 for x and for a bound where x equals it",
    vjps=(lambda ct, ans, x, low, high: np.where(
              np.greater(x, low) & np.less(x, high), ct, np.zeros((), ct.dtype)),
          lambda ct, ans, x, low, high: np.where(
              np.less(x, low) & np.less_equal(low, high), ct, np.zeros((), ct.dtype)),
          lambda ct, ans, x, low, high: np.where(
              np.greater(x, high) | np.greater(low, high), ct, np.zeros((), ct.dtype))),
)  # fmt: skip

ROWS = (WHERE, MAXIMUM, MINIMUM, FMAX, FMIN, CLIP)

maximum = binary(MAXIMUM)
minimum = binary(MINIMUM)
fmax = binary(FMAX)
fmin = binary(FMIN)


def where(condition, *choices):
    """``where(condition, x, y)``: x where the condition holds, y elsewhere; with the condition alone, its positions.

    The branch that is not taken gets a gradient of exactly 0, even where its own derivative is infinite or NaN.

    Raises
    ------
    ValueError
        If only one of x and y is given.
    """
    if not choices:
        return tuple(Tensor(positions, None) for positions in np.nonzero(known("where", condition)))
    if len(choices) != 2:
        raise ValueError("where: give both x and y, or neither; got one of them.")
    if condition.__class__ is not Tensor or condition.array.dtype.kind != "b":
        condition = as_value(condition)
        condition = (
            np.astype(Tensor(condition, None), bool)
            if condition.__class__ is Value
            else condition.astype(bool, copy=False)
        )
    return apply(WHERE, (condition, *choices), {})


def clip(a, a_min=None, a_max=None, *, min=None, max=None, out=None):
    """Entries limited to the interval from ``a_min`` to ``a_max`` (or ``min``, ``max``); None: no limit on that side.

    The derivative is 0 outside the interval and at its bounds.
    """
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    without_out("clip", out)
    if low is None and high is None:
        return np.copy(tensor(a))
    a = operand(a)
    if a.dtype.kind != "f":  # these have no infinity to stand for a missing bound
        result = a if low is None else maximum(a, low)
        return result if high is None else minimum(result, high)
    return apply(CLIP, (a, -np.inf if low is None else low, np.inf if high is None else high), {})


def select(condlist: Sequence, choicelist: Sequence, default=0):
    """For each entry the choice whose condition is the first to hold, else ``default``.

    Raises
    ------
    ShapeError
        If the lists differ in length or are empty.
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError(
            f"select: got {len(condlist)} conditions and {len(choicelist)} choices; expected one choice per condition."
        )
    pairs = list(zip(condlist, choicelist, strict=True))
    return reduce(lambda rest, pair: where(pair[0], pair[1], rest), reversed(pairs), default)


OVERLOADS = {
    np.where: where, np.maximum: maximum, np.minimum: minimum, np.fmax: fmax, np.fmin: fmin, np.clip: clip,
    np.select: select,
}  # fmt: skip
