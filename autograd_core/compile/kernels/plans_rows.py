"""Which kernels there are for softmax and the cross-entropies, and how they are called."""

from __future__ import annotations

import math
from typing import Any

from ...ops.cross_entropy import SPARSE_SOFTMAX_CROSS_ENTROPY, SPARSE_WRT_LOGITS
from ...ops.softmax import LOG_SOFTMAX, SOFTMAX
from ..program import Instruction
from .calls import Call, Kernel, for_threads, is_float

MODULE = "autograd_core.compile.kernels.softmax"
BLOCK = 4096  # entries that are taken at a time, for one cache to hold them through all passes


def _rows(value: Any) -> tuple[int, int, int]:
    """Rows, their width, and how many are taken at a time."""
    width = value.shape[-1]
    return math.prod(value.shape[:-1]), width, max(1, BLOCK // max(width, 1))


def _plan_softmax(instruction: Instruction) -> Call | None:
    (x,), axis = instruction.operands, instruction.params["axis"]
    if not is_float(x) or not x.size or axis not in (x.ndim - 1, (x.ndim - 1,)):
        return None
    return for_threads(MODULE, instruction.primitive.name, x.size, static=_rows(x))


def _is_sparse(labels: Any, logits: Any, axis: int) -> bool:
    return is_float(logits) and labels.dtype.kind in "iu" and bool(labels.size) and axis == logits.ndim - 1


def _plan_sparse(instruction: Instruction) -> Call | None:
    labels, logits, *known = instruction.operands
    mean = instruction.params.get("mean", False)
    if not _is_sparse(labels, logits, instruction.params["axis"]) or len(known) > 1:
        return None
    name = "cross_entropy" + "_known" * len(known) + "_mean" * mean
    width = logits.shape[-1]
    work = (((width,), logits.dtype), *[((labels.size,), logits.dtype)] * mean)
    return Call(MODULE, name, work, (width,), fails=True)


def _plan_sparse_wrt_logits(instruction: Instruction) -> Call | None:
    ct, labels, logits, *known = instruction.operands
    mean = instruction.params.get("mean", False)
    if not _is_sparse(labels, logits, instruction.params["axis"]) or len(known) > 1 or not is_float(ct):
        return None
    name, time = ("gradient_known", logits.size / 4) if known else ("gradient", logits.size)
    return for_threads(MODULE, name, time, static=(*_rows(logits), 1.0 / labels.size if mean else 1.0))


KERNELS = (
    Kernel(SOFTMAX, _plan_softmax),
    Kernel(LOG_SOFTMAX, _plan_softmax),
    Kernel(SPARSE_SOFTMAX_CROSS_ENTROPY, _plan_sparse),
    Kernel(SPARSE_WRT_LOGITS, _plan_sparse_wrt_logits),
)
