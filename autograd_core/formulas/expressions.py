"""Expressions that local derivatives are written in: numbers, values of the graph, and functions of them.

They are put together by ``plus``, ``times``, ``over`` ..., which leave out what says nothing: ``1 * x`` is ``x``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is written as it is."""

    value: Any


@dataclass(frozen=True, slots=True)
class Symbol:
    """The value of a node of the graph.

    Attributes
    ----------
    index : int
        Of the node.
    """

    index: int


@dataclass(frozen=True, slots=True)
class Known:
    """A number whose formula is not known: the local derivative of an edge, as it was in the recorded run.

    Attributes
    ----------
    value : float
    target, source : Symbol
        Ends of the edge.
    """

    value: float
    target: Symbol
    source: Symbol


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the table, applied."""

    function: str
    args: tuple[Expression, ...]


Expression = Number | Symbol | Known | Call

ZERO, ONE, TWO = Number(0), Number(1), Number(2)


def is_number(expression: Expression, value: Any = None) -> bool:
    """Whether it is a number; this one, if one is given."""
    return isinstance(expression, Number) and (value is None or bool(expression.value == value))


def call(function: str, *args: Expression) -> Expression:
    """``function(*args)``, as it stands."""
    return Call(function, args)


def plus(x: Expression, y: Expression) -> Expression:
    """``x + y``."""
    if is_number(x, 0):
        return y
    if is_number(y, 0):
        return x
    if isinstance(x, Number) and isinstance(y, Number):
        return Number(x.value + y.value)
    if isinstance(y, Call) and y.function == "negative":
        return minus(x, y.args[0])
    return Call("add", (x, y))


def minus(x: Expression, y: Expression) -> Expression:
    """``x - y``."""
    if is_number(x, 0):
        return opposite(y)
    if is_number(y, 0):
        return x
    if isinstance(x, Number) and isinstance(y, Number):
        return Number(x.value - y.value)
    return Call("subtract", (x, y))


def opposite(x: Expression) -> Expression:
    """``-x``."""
    if isinstance(x, Number):
        return Number(-x.value)
    if isinstance(x, Call) and x.function == "negative":
        return x.args[0]
    return Call("negative", (x,))


def times(x: Expression, y: Expression) -> Expression:
    """``x * y``, numbers and signs in front."""
    if is_number(x, 0) or is_number(y, 0):
        return ZERO
    if is_number(x, 1):
        return y
    if is_number(y, 1):
        return x
    if isinstance(x, Number) and isinstance(y, Number):
        return Number(x.value * y.value)
    for this, other in ((x, y), (y, x)):
        if is_number(this, -1):
            return opposite(other)
        if isinstance(this, Call) and this.function == "negative":
            return opposite(times(this.args[0], other) if this is x else times(other, this.args[0]))
    if isinstance(y, Number):
        x, y = y, x
    if isinstance(x, Number) and isinstance(y, Call) and y.function == "multiply" and isinstance(y.args[0], Number):
        return times(Number(x.value * y.args[0].value), y.args[1])
    return Call("multiply", (x, y))


def over(x: Expression, y: Expression) -> Expression:
    """``x / y``."""
    if is_number(x, 0):
        return ZERO
    if is_number(y, 1):
        return x
    if isinstance(x, Call) and x.function == "negative":
        return opposite(over(x.args[0], y))
    if isinstance(x, Number) and not isinstance(x.value, bool) and x.value < 0:
        return opposite(over(Number(-x.value), y))
    return Call("divide", (x, y))


def power(x: Expression, y: Expression) -> Expression:
    """``x ** y``."""
    if is_number(y, 0):
        return ONE
    if is_number(y, 1):
        return x
    return Call("power", (x, y))


def square(x: Expression) -> Expression:
    """``x ** 2``."""
    return power(x, TWO)


def reciprocal(x: Expression) -> Expression:
    """``1 / x``."""
    return over(ONE, x)


def symbols(expression: Expression) -> Iterator[Symbol]:
    """Values of the graph that it depends on; one that occurs twice is given twice."""
    if isinstance(expression, Symbol):
        yield expression
    elif isinstance(expression, Call):
        for arg in expression.args:
            yield from symbols(arg)
    elif isinstance(expression, Known):
        yield expression.target
        yield expression.source
