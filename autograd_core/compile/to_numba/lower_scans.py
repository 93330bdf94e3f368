"""Running sums and products, and positions of extremes, as loops of their own along one axis."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..kernels import KERNELS
from ..program import Instruction
from .loops import View
from .lower import Lowering, Op

STEPS = {"cumsum": "+", "cumprod": "*"}
BETTER = {"argmax": ">", "argmin": "<"}


def _scan(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    """params: sides, what lies before the axis, the axis, and behind it."""
    (view,), params, result = operands, instruction.params, instruction.result
    axis = params["axis"]
    if axis.__class__ is not int or not view.size or result.dtype.kind not in "iuf":
        return False
    view = lowering.contiguous(view, result.dtype)
    lowering.op("scan", instruction.primitive, [view], [result], sides=_sides(view, axis))
    return True


def _position(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    (view,), params, result = operands, instruction.params, instruction.result
    kernel = KERNELS.get(instruction.primitive)
    if not view.size or (kernel is not None and kernel.plan(instruction) is not None):
        return False
    view = lowering.contiguous(view, np.dtype(np.uint8) if view.root.dtype.kind == "b" else None)
    sides = (1, view.size, 1) if params["axis"] is None else _sides(view, params["axis"])
    lowering.op("scan", instruction.primitive, [view], [result], sides=sides)
    return True


def _sides(view: View, axis: int) -> tuple[int, int, int]:
    axis %= len(view.shape)
    return prod(view.shape[:axis]), view.shape[axis], prod(view.shape[axis + 1 :])


def scan_lines(op: Op, target: str, source: str) -> list[str]:
    """Body of a kernel that goes along the axis."""
    outer, side, inner = op.params["sides"]
    offset = op.operands[0].offset
    first = f"{source}[i * {side * inner} + k{f' + {offset}' if offset else ''}]"
    entry = f"{source}[(i * {side} + j) * {inner} + k{f' + {offset}' if offset else ''}]"
    name = op.primitive.name
    loops = [f"for i in range({outer}):", f"    for k in range({inner}):"]
    if name in BETTER:
        nan = " or (entry != entry and best == best)" if op.operands[0].root.dtype.kind == "f" else ""
        body = [f"best = {first}", "at = 0", f"for j in range(1, {side}):", f"    entry = {entry}"]
        body += [f"    if entry {BETTER[name]} best{nan}:", "        best = entry", "        at = j"]
        return [*loops, *("        " + line for line in (*body, f"{target}[i * {inner} + k] = at"))]
    here = f"{target}[(i * {side} + j) * {inner} + k]"
    step = STEPS[name]
    if inner == 1:
        body = [f"so_far = {first}", f"{target}[i * {side}] = so_far", f"for j in range(1, {side}):"]
        body += [f"    so_far = so_far {step} {entry}", f"    {here} = so_far"]
        return [*loops, *("        " + line for line in body)]
    before = f"{target}[(i * {side} + j - 1) * {inner} + k]"
    return [
        *loops, f"        {target}[i * {side * inner} + k] = {first}",
        f"    for j in range(1, {side}):", f"        for k in range({inner}):",
        f"            {here} = {before} {step} {entry}",
    ]  # fmt: skip


SCANS: dict[str, Any] = {**dict.fromkeys(STEPS, _scan), **dict.fromkeys(BETTER, _position)}
