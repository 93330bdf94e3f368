"""Kernels of ``standardize``: over a batch (all axes but the last) or along the last axis."""

from __future__ import annotations

import math
from typing import Any

from ...ops.standardize import STANDARDIZE, STANDARDIZE_BACKWARD
from ..program import Instruction
from .calls import Call, Kernel, for_threads, is_float, parts_of

MODULE = "autograd_core.compile.kernels.standardize"
ENTRIES = 8192  # that are worth a part


def _is_for_columns(value: Any, width: int) -> bool:
    """Whether it is one number, or one for each column."""
    return value.size == 1 or (value.size == width and value.shape[-1] == width)


def _kind(x: Any, scale: Any, offset: Any, axes: tuple[int, ...]) -> str | None:
    if not is_float(x, scale, offset) or not x.size or x.ndim < 2:
        return None
    if not (_is_for_columns(scale, x.shape[-1]) and _is_for_columns(offset, x.shape[-1])):
        return None
    if tuple(axes) == tuple(range(x.ndim - 1)):
        return "batch"
    return "rows" if tuple(axes) == (x.ndim - 1,) else None


def _parts(x: Any) -> int:
    rows = math.prod(x.shape[:-1])
    return parts_of(min(rows, x.size // ENTRIES))


def _plan_forward(instruction: Instruction) -> Call | None:
    x, scale, offset = instruction.operands
    kind = _kind(x, scale, offset, instruction.params["axes"])
    if kind is None:
        return None
    parts, width, epsilon = _parts(x), x.shape[-1], float(instruction.params["epsilon"])
    columns = ((2, width), x.dtype)
    if kind == "rows":
        return for_threads(MODULE, "standardize_rows", x.size, work=(columns,), static=(epsilon, parts))
    work = (((2, parts, width), x.dtype), columns)
    return for_threads(MODULE, "standardize_batch", x.size, work=work, static=(epsilon,))


def _plan_backward(instruction: Instruction) -> Call | None:
    x, scale, offset = instruction.operands[3:6]
    kind = _kind(x, scale, offset, instruction.params["axes"])
    if kind is None or not is_float(*instruction.operands):
        return None
    parts, width = _parts(x), x.shape[-1]
    sums, columns = (3, 5) if kind == "batch" else (2, 3)
    work = (((sums, parts, width), x.dtype), ((columns, width), x.dtype))
    static = (float(instruction.params["epsilon"]),)
    return for_threads(MODULE, f"standardize_{kind}_backward", x.size, work=work, static=static)


KERNELS = (Kernel(STANDARDIZE, _plan_forward), Kernel(STANDARDIZE_BACKWARD, _plan_backward))
