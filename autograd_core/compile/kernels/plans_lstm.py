"""Kernels of the long short-term memory: where they apply, and their work arrays."""

from __future__ import annotations

from typing import Any

from ...ops.recurrent import LSTM, LSTM_BACKWARD
from ..program import Instruction
from .calls import Call, Kernel, for_threads, is_float, parts_of

MODULE = "autograd_core.compile.kernels.lstm"
LANES = 16  # as in the kernel: sequences that are taken together


def _plan_lstm(instruction: Instruction) -> Call | None:
    operands = instruction.operands
    if len(operands) != 6 or not is_float(*operands):  # with a mask: none so far
        return None
    x, h = operands[0], operands[4]
    if not x.size or not h.size:
        return None
    (batch, _, features), units = x.shape, h.shape[1]
    rows = features + 1 + units
    parts = parts_of(-(-batch // LANES))
    work = [((rows * 4 * units,), x.dtype), ((parts, (5 * units + rows) * LANES), x.dtype)]
    if not instruction.params.get("keep"):  # one step of the buffers, which nobody reads
        work = [((1, rows, batch), x.dtype), ((1, 5 * units, batch), x.dtype), ((2, units, batch), x.dtype), *work]
    sequences = int(instruction.params.get("sequences", False))
    name = "lstm" if instruction.params.get("keep") else "lstm_unkept"
    return for_threads(MODULE, name, _time(x, h), work=tuple(work), static=(sequences,))


def _time(x: Any, h: Any) -> float:
    """Nanoseconds for all steps: products and gates."""
    (batch, time, features), units = x.shape, h.shape[1]
    groups = -(-batch // LANES)
    return 0.0 if groups == 1 else groups * LANES * time * 4 * units * (1 + (features + units) / 50)


def _plan_backward(instruction: Instruction) -> Call | None:
    operands = instruction.operands
    if len(operands) != 11 or not is_float(*operands):  # without the buffers, or with a mask
        return None
    x, h = operands[2], operands[6]
    if not x.size or not h.size:
        return None
    units = h.shape[1]
    rows = x.shape[2] + 1 + units
    parts = parts_of(-(-x.shape[0] // LANES))
    scratch = (5 * units + rows) * LANES
    work = tuple((shape, x.dtype) for shape in [(rows * 4 * units,), (parts, rows * 4 * units), (parts, scratch)])
    constant = bool(instruction.params.get("constant", False))
    static = (int(instruction.params.get("sequences", False)), int(constant))
    return for_threads(MODULE, "lstm_backward" + "_constant" * constant, 2 * _time(x, h), work=work, static=static)


KERNELS = (Kernel(LSTM, _plan_lstm), Kernel(LSTM_BACKWARD, _plan_backward))
