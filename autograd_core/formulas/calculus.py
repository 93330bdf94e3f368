"""What is done with expressions: their value, and their derivative by the value of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import GraphError
from .expressions import ONE, ZERO, Call, Expression, Known, Number, Symbol, plus, times
from .functions import function, product


def evaluate(expression: Expression, values: Mapping[int, Any]) -> Any:
    """Value of an expression, given those of the nodes by index."""
    if isinstance(expression, Symbol):
        return values[expression.index]
    if isinstance(expression, Call):
        args = [evaluate(arg, values) for arg in expression.args]
        with np.errstate(all="ignore"):  # an infinite derivative is an answer
            if expression.function == "multiply":
                return product(*args)
            return function(expression.function).compute(*args)
    return np.float64(expression.value)


def partial(expression: Expression, symbol: Symbol) -> Expression:
    """Derivative by ``symbol``, with all other nodes held fixed.

    Raises
    ------
    GraphError
        If it is not known.
    """
    if expression == symbol:
        return ONE
    if isinstance(expression, (Number, Symbol)):
        return ZERO
    if isinstance(expression, Known):
        if symbol not in (expression.target, expression.source):
            return ZERO
        raise GraphError(
            "formula: the second derivative leads along an edge whose local derivative is known as a number only; "
            "order=2 needs operations with a formula for it. order=1 shows which edge it is."
        )
    total: Expression = ZERO
    derivatives = function(expression.function).derivatives
    for index, arg in enumerate(expression.args):
        inner = partial(arg, symbol)
        if inner == ZERO:
            continue
        if index >= len(derivatives):
            raise GraphError(
                f"formula: the derivative of {expression.function} by its argument {index} is not among the formulas "
                "known; ask for a lower order."
            )
        total = plus(total, times(derivatives[index](expression, *expression.args), inner))
    return total
