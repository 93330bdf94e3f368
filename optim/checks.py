"""Options of optimizers: read once, where they are given, so that a NaN never reaches a weight."""

from __future__ import annotations

import math
import operator
from typing import Any

import autograd_core as ag


def check_interval(
    owner: str,
    name: str,
    value: Any,
    low: float,
    high: float = math.inf,
    *,
    open_below: bool = False,
    open_above: bool = False,
) -> float:
    """``value`` as a float, if it is finite and in the interval; an error that names the argument otherwise."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    below = number <= low if open_below else number < low
    above = number >= high if open_above else number > high
    if not math.isfinite(number) or below or above:
        wanted = f"{'more than' if open_below else 'at least'} {low:g}"
        if math.isfinite(high):
            wanted += f" and {'less than' if open_above else 'at most'} {high:g}"
        raise ag.DomainError(f"{owner}: {name} is {value!r}; expected a finite number, {wanted}.")
    return number


def check_limit(owner: str, name: str, value: float | None) -> float | None:
    """A limit for clipping: more than 0, or None for no limit."""
    return None if value is None else check_interval(owner, name, value, 0.0, open_below=True)


def check_epsilon(owner: str, value: float | None) -> float:
    """``epsilon`` as a float; None, as older programs write it, means 1e-7."""
    return 1e-7 if value is None else check_interval(owner, "epsilon", value, 0.0)


def check_count(owner: str, name: str, value: Any, low: int) -> int | None:
    """A whole number, at least ``low``; or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < low:
        raise ag.DomainError(f"{owner}: {name} is {value!r}; expected a whole number, at least {low}, or None.")
    return operator.index(value)
