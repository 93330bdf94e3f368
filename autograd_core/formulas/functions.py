"""The functions that formulas are made of: how each is computed, its derivatives as expressions, how it is written.

A derivative may use the result: ``ans`` stands for it. Names are those of the primitives, so that a node of the graph
is looked up here by its operation; a few more occur only in derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ops.table import TABLE
from .expressions import (
    ONE,
    TWO,
    ZERO,
    Expression,
    Number,
    call,
    minus,
    opposite,
    over,
    plus,
    reciprocal,
    square,
    times,
)
from .guarded import GUARDED, Guarded, divided, growth, part, rate, share, weight, winner

Derivative = Callable[..., Expression]


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes
    ----------
    compute : callable
        ``compute(*values)``.
    derivatives : tuple of callable
        ``derivative(ans, *args)`` by each argument.
    latex : str or None
        With ``{0}``, ``{1}`` for the arguments. None: its name before them.
    """

    compute: Callable[..., Any]
    derivatives: tuple[Derivative, ...]
    latex: str | None = None


def product(x: Any, y: Any) -> Any:
    """Product of two factors of a derivative: zero wins over infinity and NaN, as in the backward walk."""
    with np.errstate(all="ignore"):
        found = np.multiply(x, y)
    lost = (np.equal(x, 0) | np.equal(y, 0)) & ~np.isfinite(found)
    return np.where(lost, 0.0, found)[()]


def _zero(ans, *args):
    return ZERO


def _one(ans, *args):
    return ONE


def _not(condition):
    """1 where the condition does not hold."""
    return Number(int(not condition.value)) if isinstance(condition, Number) else call("not", condition)


def _log_constant(base: int) -> Expression:
    return call("log", Number(base))


PI = call("pi")

_IMPL = {row.name: row.impl for row in TABLE}
_STEPS = ("round", "rint", "floor", "ceil", "trunc", "sign", "floor_divide")
_ENTRY = ("sum", "mean", "prod", "max", "min", "reshape", "transpose", "broadcast_to", "copy", "astype", "lift")

FUNCTIONS: dict[str, Function] = {
    "add": Function(np.add, (_one, _one)),
    "subtract": Function(np.subtract, (_one, lambda ans, x, y: Number(-1))),
    "multiply": Function(np.multiply, (lambda ans, x, y: y, lambda ans, x, y: x)),
    "divide": Function(
        np.divide, (lambda ans, x, y: reciprocal(y), lambda ans, x, y: opposite(divided(x, y, 2))),
        r"\frac{{{0}}}{{{1}}}",
    ),
    "power": Function(
        np.power,
        (
            lambda ans, x, y: rate(x, y),
            lambda ans, x, y: growth(ans, x, y),
        ),
    ),
    "negative": Function(np.negative, (lambda ans, x: Number(-1),)),
    "positive": Function(np.positive, (_one,), "{0}"),
    "reciprocal": Function(np.reciprocal, (lambda ans, x: opposite(divided(ONE, x, 2)),), r"\frac{{1}}{{{0}}}"),
    "square": Function(np.square, (lambda ans, x: times(TWO, x),)),
    "exp": Function(np.exp, (lambda ans, x: ans,), r"e^{{{0}}}"),
    "exp2": Function(np.exp2, (lambda ans, x: times(ans, _log_constant(2)),), r"2^{{{0}}}"),
    "expm1": Function(np.expm1, (lambda ans, x: call("exp", x),)),
    "log": Function(np.log, (lambda ans, x: reciprocal(x),), r"\ln\left({0}\right)"),
    "log2": Function(np.log2, (lambda ans, x: reciprocal(times(x, _log_constant(2))),), r"\log_2\left({0}\right)"),
    "log10": Function(
        np.log10, (lambda ans, x: reciprocal(times(x, _log_constant(10))),), r"\log_{{10}}\left({0}\right)"
    ),
    "log1p": Function(np.log1p, (lambda ans, x: reciprocal(plus(ONE, x)),)),
    "sqrt": Function(np.sqrt, (lambda ans, x: reciprocal(times(TWO, ans)),), r"\sqrt{{{0}}}"),
    "cbrt": Function(np.cbrt, (lambda ans, x: reciprocal(times(Number(3), square(ans))),), r"\sqrt[3]{{{0}}}"),
    "sin": Function(np.sin, (lambda ans, x: call("cos", x),), r"\sin\left({0}\right)"),
    "cos": Function(np.cos, (lambda ans, x: opposite(call("sin", x)),), r"\cos\left({0}\right)"),
    "tan": Function(np.tan, (lambda ans, x: plus(ONE, square(ans)),), r"\tan\left({0}\right)"),
    "arcsin": Function(
        np.arcsin, (lambda ans, x: reciprocal(call("sqrt", minus(ONE, square(x)))),), r"\arcsin\left({0}\right)"
    ),
    "arccos": Function(
        np.arccos,
        (lambda ans, x: opposite(reciprocal(call("sqrt", minus(ONE, square(x))))),),
        r"\arccos\left({0}\right)",
    ),
    "arctan": Function(np.arctan, (lambda ans, x: reciprocal(plus(ONE, square(x))),), r"\arctan\left({0}\right)"),
    "arctan2": Function(np.arctan2, (lambda ans, y, x: part(x, y), lambda ans, y, x: opposite(part(y, x)))),
    "hypot": Function(
        np.hypot, (lambda ans, x, y: share(x, ans), lambda ans, x, y: share(y, ans))
    ),
    "sinh": Function(np.sinh, (lambda ans, x: call("cosh", x),), r"\sinh\left({0}\right)"),
    "cosh": Function(np.cosh, (lambda ans, x: call("sinh", x),), r"\cosh\left({0}\right)"),
    "tanh": Function(np.tanh, (lambda ans, x: minus(ONE, square(ans)),), r"\tanh\left({0}\right)"),
    "arcsinh": Function(np.arcsinh, (lambda ans, x: reciprocal(call("sqrt", plus(square(x), ONE))),)),
    "arccosh": Function(
        np.arccosh, (lambda ans, x: reciprocal(times(call("sqrt", minus(x, ONE)), call("sqrt", plus(x, ONE)))),)
    ),
    "arctanh": Function(np.arctanh, (lambda ans, x: reciprocal(minus(ONE, square(x))),)),
    "degrees": Function(np.degrees, (lambda ans, x: over(Number(180), PI),)),
    "radians": Function(np.radians, (lambda ans, x: over(PI, Number(180)),)),
    "absolute": Function(np.absolute, (lambda ans, x: call("sign", x),), r"\left|{0}\right|"),
    "fabs": Function(np.fabs, (lambda ans, x: call("sign", x),), r"\left|{0}\right|"),
    "logaddexp": Function(
        np.logaddexp, (lambda ans, x, y: weight(x, ans), lambda ans, x, y: weight(y, ans))
    ),
    "maximum": Function(np.maximum, winner("above"), r"\max({0}, {1})"),
    "minimum": Function(np.minimum, winner("below"), r"\min({0}, {1})"),
    "clip": Function(_IMPL["clip"], (lambda ans, x, low, high: times(call("greater", x, low), call("less", x, high)),)),
    "where": Function(
        np.where, (_zero, lambda ans, c, x, y: c, lambda ans, c, x, y: _not(c)),
        r"\begin{{cases}}{1} & {0} \\ {2} & \text{{otherwise}}\end{{cases}}",
    ),
    "remainder": Function(np.remainder, (_one, lambda ans, x, y: opposite(call("floor_divide", x, y)))),
    "fmod": Function(np.fmod, (_one, lambda ans, x, y: opposite(call("rint", over(minus(x, ans), y))))),
    "erf": Function(
        _IMPL["erf"],
        (lambda ans, x: times(over(TWO, call("sqrt", PI)), call("exp", opposite(square(x)))),),
    ),
    "erfc": Function(
        _IMPL["erfc"],
        (lambda ans, x: opposite(times(over(TWO, call("sqrt", PI)), call("exp", opposite(square(x))))),),
    ),
    "sigmoid": Function(_IMPL["sigmoid"], (lambda ans, x: times(ans, minus(ONE, ans)),), r"\sigma\left({0}\right)"),
    "expit": Function(_IMPL["expit"], (lambda ans, x: times(ans, minus(ONE, ans)),), r"\sigma\left({0}\right)"),
    "logit": Function(_IMPL["logit"], (lambda ans, x: reciprocal(times(x, minus(ONE, x))),)),
    "log_expit": Function(_IMPL["log_expit"], (lambda ans, x: call("sigmoid", opposite(x)),)),
    "softplus": Function(_IMPL["softplus"], (lambda ans, x: call("sigmoid", x),)),
    "relu": Function(_IMPL["relu"], (lambda ans, x: call("greater", x, ZERO),)),
    "gammaln": Function(_IMPL["gammaln"], (lambda ans, x: call("digamma", x),), r"\ln\Gamma\left({0}\right)"),
    "gamma": Function(
        _IMPL["gamma"], (lambda ans, x: times(ans, call("digamma", x)),), r"\Gamma\left({0}\right)"
    ),
    "xlogy": Function(_IMPL["xlogy"], (lambda ans, x, y: call("log", y), lambda ans, x, y: share(x, y))),
    "xlog1py": Function(
        _IMPL["xlog1py"], (lambda ans, x, y: call("log1p", y), lambda ans, x, y: share(x, plus(ONE, y)))
    ),
    "digamma": Function(_IMPL["digamma"], (lambda ans, x: call("trigamma", x),), r"\psi\left({0}\right)"),
    **{name: Function(_IMPL[name], (_zero, _zero)) for name in _STEPS},
    "heaviside": Function(np.heaviside, (_zero, lambda ans, x, y: call("equal", x, ZERO))),
    # Of one entry these give the entry itself.
    **{name: Function(lambda x, **params: x, (_one,), "{0}") for name in _ENTRY},
    # Only in derivatives.
    "greater": Function(lambda x, y: np.greater(x, y) * 1.0, (_zero, _zero), r"[{0} > {1}]"),
    "less": Function(lambda x, y: np.less(x, y) * 1.0, (_zero, _zero), r"[{0} < {1}]"),
    "equal": Function(lambda x, y: np.equal(x, y) * 1.0, (_zero, _zero), r"[{0} = {1}]"),
    "not": Function(lambda x: np.logical_not(x) * 1.0, (_zero,), r"[\neg {0}]"),
    "trigamma": Function(
        lambda x: _IMPL["polygamma"](x, n=1), (lambda ans, x: call("tetragamma", x),), r"\psi_1\left({0}\right)"
    ),
    "tetragamma": Function(lambda x: _IMPL["polygamma"](x, n=2), (), r"\psi_2\left({0}\right)"),
    "pi": Function(lambda: math.pi, (), r"\pi"),
}  # fmt: skip
"""By name."""


def function(name: str) -> Function | Guarded:
    """What a Call refers to."""
    return FUNCTIONS[name] if name in FUNCTIONS else GUARDED[name]


def is_entry(operation: str) -> bool:
    """Whether the operation, of one entry, gives the entry itself, so that there is nothing to write."""
    return operation in _ENTRY
