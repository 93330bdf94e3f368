"""Softmax of a few rows, and logsumexp, as the loops that they are made of: these share nests with what is around.

A call of a kernel for softmax that goes through each row three times pays for long rows; for 32 rows of ten classes the
loops over all entries take a third of its time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ...ops.arithmetic import ADD, DIVIDE, SUBTRACT
from ...ops.comparison import EQUAL, ISFINITE
from ...ops.exponential import EXP, LOG
from ...ops.reductions import MAX, SUM
from ...ops.selection import MAXIMUM, WHERE
from ...symbol import Value
from ..program import Instruction
from .loops import View, contiguous_strides
from .lower import Lowering

SMALL = 8192
"""Entries up to which loops are taken."""


def _reduced(lowering: Lowering, primitive: Any, view: View, axes: tuple[int, ...], step: str) -> View:
    """A reduction that keeps its axes with length 1."""
    shape = tuple(1 if at in axes else side for at, side in enumerate(view.shape))
    total: Value = lowering.new(shape, view.root.dtype)
    lowering.op("reduce", primitive, [view], [total], step=step, axes=axes, scale=None)
    return View(total, shape, contiguous_strides(shape))


def _axes(view: View, axis: Any) -> tuple[int, ...]:
    """Those that are meant, as positions."""
    if axis is None:
        return tuple(range(len(view.shape)))
    axes: tuple[int, ...] = (int(axis),) if isinstance(axis, (int, np.integer)) else tuple(axis)
    return tuple(at % len(view.shape) for at in axes)


def _softmax(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    (view,) = operands
    result, axis = instruction.result, instruction.params["axis"]
    if not 0 < view.size <= SMALL or result.dtype.kind != "f" or view.root.dtype != result.dtype:
        return False
    axes = _axes(view, axis)
    largest = _reduced(lowering, MAX, view, axes, "largest")
    shifted = lowering.map(SUBTRACT, [view, largest], lowering.new(view.shape, result.dtype))
    powers = lowering.map(EXP, [shifted], lowering.new(view.shape, result.dtype))
    lowering.map(DIVIDE, [powers, _reduced(lowering, SUM, powers, axes, "plus")], result)
    return True


def _logsumexp(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    (view,), result = operands, instruction.result
    if not view.size or result.dtype.kind != "f" or view.root.dtype != result.dtype:
        return False
    make = partial(_made, lowering, dtype=result.dtype)
    axes = _axes(view, instruction.params["axis"])
    largest = _reduced(lowering, MAX, view, axes, "largest")
    shift = make(WHERE, make(ISFINITE, largest, dtype=bool), largest, 0.0)
    total = _reduced(lowering, SUM, make(EXP, make(SUBTRACT, view, shift)), axes, "plus")
    found = make(ADD, make(LOG, total), shift)
    lowering.result.views[result] = View(found.root, result.shape, contiguous_strides(result.shape))
    return True


def _share(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    """The part of each entry in the sum: ``exp(x - total)`` where the total is finite."""
    (x, total), result = operands, instruction.result
    if not x.size or result.dtype.kind != "f" or {x.root.dtype, total.root.dtype} != {result.dtype}:
        return False
    make = partial(_made, lowering, dtype=result.dtype)
    infinite = make(WHERE, make(EQUAL, x, np.inf, dtype=bool), 1.0, 0.0)
    count = _reduced(lowering, SUM, infinite, _axes(x, instruction.params["axis"]), "plus")
    part = make(WHERE, make(EQUAL, total, -np.inf, dtype=bool), 0.0, make(EXP, make(SUBTRACT, x, total)))
    even = make(DIVIDE, infinite, make(MAXIMUM, count, 1.0))
    lowering.map(WHERE, [make(EQUAL, total, np.inf, dtype=bool), even, part], result)
    return True


def _made(lowering: Lowering, primitive: Any, *operands: Any, dtype: Any) -> View:
    """An elementwise op with a result of its own."""
    shape = np.broadcast_shapes(*(each.shape for each in operands if each.__class__ is View))
    return lowering.map(primitive, operands, lowering.new(shape, dtype))


SOFTMAX: dict[str, Any] = {"softmax": _softmax, "logsumexp": _logsumexp, "share": _share}
