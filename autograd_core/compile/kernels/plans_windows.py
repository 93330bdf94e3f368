"""Kernels of convolution and pooling: where they apply, how the work is laid out, their work arrays."""

from __future__ import annotations

import math
from typing import Any

from ...ops.convolution import CONV, CONV_WRT_W, CONV_WRT_X
from ...ops.correlation import plan_of
from ...ops.pooling import AVG_POOL, AVG_POOL_WRT_X, MAX_POOL, MAX_SPREAD
from ..program import Instruction
from .calls import Call, Kernel, for_threads, is_float, parts_of

CONVOLUTION = "autograd_core.compile.kernels.convolution"
POOLING = "autograd_core.compile.kernels.pooling"
COLUMNS = 65536  # entries of them at a time, for a core's second cache

Sizes = tuple[int, ...]


def _both(sides: Any, missing: Any = 1) -> tuple[Any, ...]:
    """Two axes, the first a trivial one if there is only one."""
    return tuple(sides) if len(sides) == 2 else (missing, *sides)


def _plan_convolution(function: str, instruction: Instruction, x: Sizes, w: Sizes) -> Call | None:
    """Call for an image of shape ``x`` and a kernel of shape ``w``."""
    params = instruction.params
    if not is_float(*instruction.operands) or params["groups"] != 1 or len(x) > 4 or 0 in x or 0 in w:
        return None
    strides, padding, dilation = params["strides"], params["padding"], params["dilation"]
    plan = plan_of(x[0], x[1:-1], x[-1], w[-1], w[:-2], strides, padding, dilation)
    outs = _both(plan.outs)
    if 0 in outs:
        return None
    row = outs[1] // plan.tile * plan.width  # entries of the columns for one line of windows
    lines = max(1, min(outs[0], COLUMNS // row))
    parts = parts_of(x[0])
    dtype = instruction.operands[0].dtype
    band = plan.width * plan.tile * w[-1]
    work = (((parts, band) if function == "correlate_wrt_w" else (band,), dtype), ((parts, lines * row), dtype))
    before = _both([pair[0] for pair in padding], 0)
    moves = (*_both(strides), *before, *_both(dilation))
    static = (
        (x[-1], *_both(x[1:-1])), (w[-1], *_both(w[:-2])), moves, (*outs, plan.tile, plan.taps, plan.step, lines),
    )  # fmt: skip
    time = x[0] * outs[0] * row * (0.3 + plan.tile * w[-1] / 60) if parts > 1 else 0.0
    return for_threads(CONVOLUTION, function, time, work=work, static=static)


def _plan_conv(instruction: Instruction) -> Call | None:
    x, w = instruction.operands
    return _plan_convolution("correlate", instruction, x.shape, w.shape)


def _plan_wrt_x(instruction: Instruction) -> Call | None:
    return _plan_convolution("correlate_wrt_x", instruction, instruction.result.shape, instruction.operands[1].shape)


def _plan_wrt_w(instruction: Instruction) -> Call | None:
    return _plan_convolution("correlate_wrt_w", instruction, instruction.operands[0].shape, instruction.result.shape)


def _plan_pooling(instruction: Instruction, x: Sizes, y: Sizes) -> Call | None:
    """Call for an array of shape ``x`` whose windows give one of shape ``y``."""
    params, name = instruction.params, instruction.primitive.name
    if not is_float(*instruction.operands) or len(x) > 4 or 0 in x or 0 in y:
        return None
    before = _both([pair[0] for pair in params["padding"]], 0)
    parts = parts_of(x[0])
    moves = (*_both(params["size"]), *_both(params["strides"]), *before)
    static = ((x[-1], *_both(x[1:-1])), _both(y[1:-1]), moves)
    entries = {MAX_POOL: x[-1] * x[-2], AVG_POOL: x[-1] * x[-2], MAX_SPREAD: x[-1]}.get(instruction.primitive)
    work = (((parts, entries), instruction.result.dtype),) if entries is not None else ()
    time = 0.3 * max(math.prod(x), math.prod(y) * math.prod(params["size"])) if parts > 1 else 0.0
    return for_threads(POOLING, name, time, work=work, static=static if work else (*static, parts))


def _plan_pool(instruction: Instruction) -> Call | None:
    return _plan_pooling(instruction, instruction.operands[0].shape, instruction.result.shape)


def _plan_spread(instruction: Instruction) -> Call | None:
    return _plan_pooling(instruction, instruction.result.shape, instruction.operands[0].shape)


KERNELS = (
    Kernel(CONV, _plan_conv),
    Kernel(CONV_WRT_X, _plan_wrt_x),
    Kernel(CONV_WRT_W, _plan_wrt_w),
    Kernel(MAX_POOL, _plan_pool),
    Kernel(AVG_POOL, _plan_pool),
    Kernel(MAX_SPREAD, _plan_spread),
    Kernel(AVG_POOL_WRT_X, _plan_spread),
)
