"""How kernels are compiled."""

from __future__ import annotations

from types import FunctionType

from numba import njit
from numba.core.compiler import Compiler

FLAGS = {"contract", "nsz", "arcp", "reassoc"}


class Apart(Compiler):
    """Compiler told that array arguments never overlap: work arrays, results and operands of a plan do not.

    LLVM otherwise guards each loop by checks of all pairs of arrays, and gives up where there are many.
    """

    def define_pipelines(self):
        self.state.flags.noalias = True
        return super().define_pipelines()


def kernel(function):
    """Compile a kernel that runs in the calling thread."""
    return njit(cache=True, nogil=True, fastmath=FLAGS, error_model="numpy", pipeline_class=Apart)(function)


def parallel_kernel(function):
    """Compile a kernel whose ``prange`` loops are shared among threads."""
    return njit(cache=True, nogil=True, fastmath=FLAGS, error_model="numpy", parallel=True)(function)


def alone(shared):
    """Compile a parallel kernel for the calling thread alone, where the work is too small to be shared."""
    python = shared.py_func
    # Another name, since what is kept on disk is found by it.
    copy = FunctionType(python.__code__, python.__globals__, f"{python.__name__}_alone")
    copy.__qualname__ = copy.__name__
    return kernel(copy)
