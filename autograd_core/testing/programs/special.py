"""Special values among arguments: zeros of both signs, bounds, ties, the tiny and the huge."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import AutogradError
from ...tensor import Tensor
from ...tree import flatten
from .drawing import ProgramDraw
from .functions import Function
from .generate import raw
from .pool import USUAL, Choice

TINY, HUGE = 1e-30, 1e30  # both can be held in float32
MOST = 3  # entries that are changed in an array


def with_special(
    operation: Choice | Function,
    args: tuple[Any, ...],
    params: dict[str, Any],
    draw: ProgramDraw,
    special: bool = True,
    nonfinite: bool = False,
) -> tuple[Any, ...]:
    """Arguments with some entries changed, where the operation still gives what is finite."""
    args = tuple(np.asarray(arg) if isinstance(arg, np.generic) else arg for arg in args)
    if special and draw.boolean():
        changed = tuple(_changed(arg, draw) for arg in args)
        if _gives_finite(operation, changed, params):
            args = changed
    if nonfinite and draw.boolean():
        args = tuple(_put(arg, (np.inf, -np.inf, np.nan), draw) if _is_floating(arg) else arg for arg in args)
    return args


def _changed(arg: Any, draw: ProgramDraw) -> Any:
    """With special values from the interval that the array was drawn from; computed arrays stay as they are."""
    interval = draw.interval(arg) if _is_floating(arg) else None
    if interval is None or not arg.size:
        return arg
    low, high = interval
    around = (0.0, -0.0, TINY, -TINY) if low <= 0.0 <= high else ()
    huge = (HUGE, -HUGE) if interval == USUAL else ()
    arg = _put(arg, (low, high, *around, *huge), draw)
    if arg.size > 1 and draw.boolean():
        flat = arg.reshape(-1)
        flat[draw.integer(0, arg.size - 1)] = flat[draw.integer(0, arg.size - 1)]
    return arg


def _put(arg: Any, entries: tuple[float, ...], draw: ProgramDraw) -> Any:
    made = np.array(arg)
    flat = made.reshape(-1)
    for _ in range(draw.integer(0, min(MOST, flat.size))):
        flat[draw.integer(0, flat.size - 1)] = draw.choice(entries)
    return made


def _gives_finite(operation: Choice | Function, args: tuple[Any, ...], params: dict[str, Any]) -> bool:
    called = operation.row if isinstance(operation, Choice) else operation.function
    given = [Tensor(arg, None) if isinstance(arg, np.ndarray) else arg for arg in args]
    try:
        with np.errstate(all="ignore"):
            values = [raw(value) for value in flatten(called(*given, **params))[0]]
    except (AutogradError, ValueError, TypeError, ArithmeticError, np.linalg.LinAlgError):
        return False
    return all(np.isfinite(value).all() for value in values if value.dtype.kind in "fc")


def _is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fc"
