"""Where a zero may meet an infinity: which edges of a backward walk a plan has to guard.

The eager walk looks for NaN in what it found, and repeats itself with zeros winning if there is one. A plan does the
same, but only if a NaN can come about: edges whose local derivative is a bounded number can make none.
"""

from __future__ import annotations

from typing import Any

from ..node import Node
from ..symbol import Value
from .program import Input

BOUNDED_SLOPES = frozenset((
    "add", "subtract", "negative", "positive", "lift", "where", "relu", "sigmoid", "softplus", "tanh", "sin", "cos",
    "arctan", "maximum", "minimum", "fmax", "fmin", "clip", "absolute", "fabs", "astype", "real", "imag", "conjugate",
    "hypot", "heaviside", "sign", "floor", "ceil", "trunc", "rint", "leaky_relu", "elu", "erf",
    "sigmoid_cross_entropy",
))  # fmt: skip
"""Elementwise operations whose local derivatives are bounded whatever finite numbers they are given."""

BOUNDED_RESULTS = frozenset((
    "sigmoid", "tanh", "sin", "cos", "softmax", "one_hot", "equal", "not_equal", "less", "less_equal", "greater",
    "greater_equal", "sign", "logical_not", "logical_and", "logical_or", "erf", "arctan",
))  # fmt: skip
"""Operations whose results are bounded numbers."""

_SAME = frozenset(("getitem", "reshape", "transpose", "expand_dims", "squeeze", "broadcast_to", "astype", "negative"))


def is_guarded(node: Node) -> bool:
    """Whether an edge of ``node`` may turn a zero cotangent into NaN."""
    primitive = node.primitive
    if primitive is None or not primitive.elementwise or primitive.name in BOUNDED_SLOPES:
        return False
    if primitive.name == "multiply":
        first, second = node.args
        return (node.parents[0] is not None and not _bounded(second)) or (
            node.parents[1] is not None and not _bounded(first)
        )
    if primitive.name == "divide" and node.parents[1] is None:
        return not _is_number(node.args[1])
    if primitive.name == "square":
        return not _bounded(node.args[0])
    if primitive.name == "power" and _is_number(node.args[1]) and node.args[1] >= 1:
        return not _bounded(node.args[0])
    return True


def _is_number(arg: Any) -> bool:
    return isinstance(arg, (int, float))


def _bounded(arg: Any) -> bool:
    """Whether a factor is a finite number, as far as can be seen."""
    if arg.__class__ is not Value:
        return True
    source = arg.source
    while not isinstance(source, Input):
        name = source.primitive.name
        if name in BOUNDED_RESULTS:
            return True
        if name not in _SAME or source.operands[0].__class__ is not Value:
            return False
        source = source.operands[0].source
    return source.kind in ("constant", "host", "argument", "variable", "buffer")
