"""A clock in compiled code: what the processor counts, read in some nanoseconds."""

from __future__ import annotations

import platform
import time
from functools import lru_cache

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_COUNTER = "llvm.readcyclecounter" if platform.machine().lower() in ("x86_64", "amd64") else "llvm.readsteadycounter"
"""On x86 the first counts at a steady rate whatever the processor's clock does; elsewhere programs may not read it."""


@intrinsic
def ticks(typingctx):
    """What the counter says."""

    def codegen(context, builder, sig, args):
        counter = ir.FunctionType(ir.IntType(64), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, counter, _COUNTER), [])

    return types.int64(), codegen


@njit("int64()", no_cfunc_wrapper=True)
def _now():
    return ticks()


@lru_cache(maxsize=1)
def microseconds_per_tick() -> float:
    """Found out by waiting for some milliseconds."""
    start, first = time.perf_counter(), _now()
    time.sleep(0.02)
    stop, last = time.perf_counter(), _now()
    return (stop - start) * 1e6 / (last - first)
