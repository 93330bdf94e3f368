"""Derivatives that read like those of a text book, computed as the operations' own rules compute them.

A text book's formula says nothing where it is 0/0, and loses all digits where a power of a number overflows. Each
function here is *written* as the text book has it, and *computed* with what the rule takes there: the derivative of
least norm where there is none, quotients divided one after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .expressions import (
    ONE,
    ZERO,
    Call,
    Expression,
    Number,
    call,
    minus,
    opposite,
    over,
    plus,
    power,
    reciprocal,
    square,
    times,
)


@dataclass(frozen=True, slots=True)
class Guarded:
    """One such function.

    Attributes
    ----------
    compute : callable
        ``compute(*values)``.
    derivatives : tuple of callable
        ``derivative(ans, *args)`` by each argument.
    written : callable
        ``written(*args)``: the expression that stands for it in writing.
    corner : callable or None
        ``corner(*values)``: where what is written has no value.
    """

    compute: Callable[..., Any]
    derivatives: tuple[Callable[..., Expression], ...]
    written: Callable[..., Expression]
    corner: Callable[..., Any] | None = None


def divided(x: Expression, y: Expression, count: int) -> Expression:
    """``x / y**count``, divided one time after the other."""
    if isinstance(x, Call) and x.function == "negative":
        return opposite(divided(x.args[0], y, count))
    if isinstance(x, Number) and x.value < 0:
        return opposite(divided(Number(-x.value), y, count))
    return over(x, y) if count == 1 else call(f"divided_{count}", x, y)


def share(x: Expression, y: Expression) -> Expression:
    """``x / y``, and 0 where both are 0."""
    return call("share", x, y)


def part(x: Expression, y: Expression) -> Expression:
    """``x / (x**2 + y**2)``, and 0 at the origin."""
    return call("part", x, y)


def weight(x: Expression, total: Expression) -> Expression:
    """``exp(x - total)``, and 0 where x is -inf, whatever the total is."""
    return call("weight", x, total)


def rate(x: Expression, y: Expression) -> Expression:
    """``y * x**(y - 1)``, and 0 at y = 0, also where x is 0."""
    return call("rate", x, y) if not isinstance(y, Number) else times(y, power(x, minus(y, ONE)))


def growth(ans: Expression, x: Expression, y: Expression) -> Expression:
    """``x**y log(x)`` for ``ans = x**y``: 0 at x = 0, since a power tends to 0 faster; -inf if y < 0."""
    return call("growth", ans, x, y)


def winner(name: str) -> tuple[Callable[..., Expression], Callable[..., Expression]]:
    """Derivatives of ``maximum`` ("above") or ``minimum`` ("below"): 1 for the one that it is, 1/2 at a tie."""

    def first(ans, x, y):
        return plus(call(name, x, y), over(call("tie", x, y), Number(2)))

    return first, lambda ans, x, y: first(ans, y, x)


def _zero(ans, *args):
    return ZERO


def _nothing(x: Any, y: Any) -> Any:
    return np.equal(x, 0) & np.equal(y, 0)


def _unless(corner: Any, compute: Callable[[Any], Any], below: Any) -> Any:
    """0 in the corner, elsewhere ``compute`` of what may stand below a fraction."""
    return np.where(corner, 0.0, compute(np.where(corner, 1.0, below)))[()]


def _part(x: Any, y: Any) -> Any:
    radius = np.hypot(x, y)
    return _unless(np.equal(radius, 0), lambda r: x / r / r, radius)


def _weight(x: Any, total: Any) -> Any:
    empty = np.isneginf(x)
    return np.where(empty, 0.0, np.exp(np.where(empty, 0.0, x - total)))[()]


def _lost(x: Any, y: Any) -> Any:
    return np.equal(y, 0) & ~np.isfinite(np.power(x, y - 1))


def _vanishes(x: Any, y: Any) -> Any:
    """Where a power of base 0 is 0, or 1 and said to be flat."""
    return np.equal(x, 0) & np.greater_equal(y, 0)


def _logarithm(x: Any, y: Any) -> Any:
    return np.log(np.where(_vanishes(x, y), 1.0, x))[()]


def _divided(x: Any, y: Any, count: int) -> Any:
    for _ in range(count):
        x = x / y
    return x


def _by_divisor(ans: Expression, x: Expression, y: Expression, count: int) -> Expression:
    return opposite(times(Number(count), divided(x, y, count + 1)))


def _over_power(count: int) -> Guarded:
    return Guarded(
        functools.partial(_divided, count=count),
        (lambda ans, x, y: divided(ONE, y, count), functools.partial(_by_divisor, count=count)),
        lambda x, y: over(x, power(y, Number(count))),
    )


GUARDED: dict[str, Guarded] = {
    **{f"divided_{count}": _over_power(count) for count in range(2, 5)},
    "share": Guarded(
        lambda x, y: _unless(_nothing(x, y), lambda below: x / below, y),
        (lambda ans, x, y: call("slope", x, y), lambda ans, x, y: opposite(call("fall", x, y))),
        over,
        _nothing,
    ),
    "slope": Guarded(
        lambda x, y: _unless(_nothing(x, y), lambda below: 1 / below, y), (), lambda x, y: reciprocal(y), _nothing
    ),
    "fall": Guarded(
        lambda x, y: _unless(_nothing(x, y), lambda below: x / below / below, y),
        (),
        lambda x, y: over(x, square(y)),
        _nothing,
    ),
    "part": Guarded(
        _part,
        (
            lambda ans, x, y: minus(square(part(y, x)), square(ans)),
            lambda ans, x, y: opposite(times(Number(2), times(ans, part(y, x)))),
        ),
        lambda x, y: over(x, plus(square(x), square(y))),
        _nothing,
    ),
    "weight": Guarded(
        _weight,
        (lambda ans, x, total: ans, lambda ans, x, total: opposite(ans)),
        lambda x, total: call("exp", minus(x, total)),
        lambda x, total: np.isneginf(x) & ~np.isfinite(total),
    ),
    "rate": Guarded(
        lambda x, y: np.where(_lost(x, y), 0.0, y * np.where(_lost(x, y), 1.0, np.power(x, y - 1)))[()],
        (
            lambda ans, x, y: times(y, rate(x, minus(y, ONE))),
            lambda ans, x, y: plus(
                call("finite power", x, y),
                times(y, growth(power(x, minus(y, ONE)), x, minus(y, ONE))),
            ),
        ),
        lambda x, y: times(y, power(x, minus(y, ONE))),
        _lost,
    ),
    "finite power": Guarded(
        lambda x, y: np.where(_lost(x, y), 0.0, np.power(x, y - 1))[()],
        (),
        lambda x, y: power(x, minus(y, ONE)),
        _lost,
    ),
    "growth": Guarded(
        lambda ans, x, y: np.where(_vanishes(x, y), 0.0, ans * _logarithm(x, y))[()],
        (lambda ans, z, x, y: call("logarithm", x, y), lambda ans, z, x, y: call("growth by base", z, x, y), _zero),
        lambda ans, x, y: times(ans, call("log", x)),
        lambda ans, x, y: np.equal(x, 0),
    ),
    "growth by base": Guarded(
        lambda ans, x, y: np.where(_vanishes(x, y), 0.0, ans / x)[()],
        (),
        lambda ans, x, y: over(ans, x),
        lambda ans, x, y: np.equal(x, 0),
    ),
    "above": Guarded(
        lambda x, y: (np.greater(x, y) | (np.isnan(x) & ~np.isnan(y))) * 1.0,
        (_zero, _zero),
        lambda x, y: call("greater", x, y),
    ),
    "below": Guarded(
        lambda x, y: (np.less(x, y) | (np.isnan(x) & ~np.isnan(y))) * 1.0,
        (_zero, _zero),
        lambda x, y: call("less", x, y),
    ),
    "tie": Guarded(
        lambda x, y: (np.equal(x, y) | (np.isnan(x) & np.isnan(y))) * 1.0,
        (_zero, _zero),
        lambda x, y: call("equal", x, y),
    ),
    "logarithm": Guarded(
        _logarithm,
        (),
        lambda x, y: call("log", x),
        lambda x, y: np.equal(x, 0),
    ),
}  # fmt: skip
"""By name."""
