"""What is probably wrong with a gradient, told from how it differs from the numerical one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

CLOSE = 1e-3  # two numbers are taken for the same: a cause is a guess, not a proof


def name_of_leaves(args: Sequence[Any]) -> list[str]:
    """How each leaf of the arguments would be written: ``args[0]``, ``args[1]['w'][2]``; in the order of flatten."""
    names: list[str] = []

    def visit(structure, name):
        if isinstance(structure, dict):
            for key, child in structure.items():
                visit(child, f"{name}[{key!r}]")
        elif isinstance(structure, (list, tuple)):
            for index, child in enumerate(structure):
                visit(child, f"{name}[{index}]")
        else:
            names.append(name)

    visit(args, "args")
    return names


def likely_cause(shape: tuple[int, ...], by_rule, numerical) -> str:
    """One sentence, or nothing.

    Parameters
    ----------
    shape : tuple of int
        Of the argument.
    by_rule, numerical : array, 1-d
        Derivatives for the entries that were looked at, in order.
    """
    if not np.isfinite(by_rule).all():
        return "the rule gives NaN or infinity; guard it where it divides by zero or takes a root or logarithm of it."
    if not by_rule.any():
        return (
            "the gradient is 0 in every entry looked at: the path is cut (.numpy(), float(), stop_gradient, integers), "
            "or the function reads the value from elsewhere than its arguments."
        )
    size = np.abs(numerical).max()
    if _close(by_rule, -numerical, size):
        return "the sign is reversed."
    large = np.abs(numerical) > 1e-6 * size
    ratios = by_rule[large] / numerical[large]
    if ratios.size and _close(ratios, np.full_like(ratios, ratios[0]), abs(ratios[0])) and not by_rule[~large].any():
        factor = _factor(ratios)
        return f"every entry is {factor:.6g} times what it should be: a constant factor is missing or too much."
    if len(shape) == 2 and shape[0] == shape[1] and by_rule.size == shape[0] * shape[1]:
        square = numerical.reshape(shape)
        if _close(by_rule.reshape(shape), square.T, size):
            return "the gradient is transposed."
    return ""


def _factor(ratios) -> float:
    """What all ratios are about: a simple fraction if there is one, since differences are only so exact."""
    ratio = float(np.median(ratios))
    simple = Fraction(ratio).limit_denominator(12)
    return float(simple) if abs(simple - ratio) <= CLOSE * abs(ratio) else ratio


def _close(a, b, size) -> bool:
    return bool(np.all(np.abs(a - b) <= CLOSE * size))
