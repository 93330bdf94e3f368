"""Softmax of a few rows as the loops that it is made of: they share nests with what is before and after.

A call of a kernel that goes through each row three times pays for long rows; for 32 rows of ten classes the loops over
all entries take a third of its time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops.arithmetic import DIVIDE, SUBTRACT
from ...ops.exponential import EXP
from ...ops.reductions import MAX, SUM
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


def _softmax(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    (view,) = operands
    result, axis = instruction.result, instruction.params["axis"]
    if not 0 < view.size <= SMALL or result.dtype.kind != "f" or view.root.dtype != result.dtype:
        return False
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    axes = tuple(at % len(view.shape) for at in axes)
    largest = _reduced(lowering, MAX, view, axes, "largest")
    shifted = lowering.map(SUBTRACT, [view, largest], lowering.new(view.shape, result.dtype))
    powers = lowering.map(EXP, [shifted], lowering.new(view.shape, result.dtype))
    lowering.map(DIVIDE, [powers, _reduced(lowering, SUM, powers, axes, "plus")], result)
    return True


SOFTMAX: dict[str, Any] = {"softmax": _softmax}
