"""How kernels are compiled, and how their parts are shared among threads."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.compiler import Compiler
from numba.extending import intrinsic

from .kept import keep

FLAGS = {"contract", "nsz", "arcp", "reassoc"}


class Apart(Compiler):
    """Compiled told that array arguments never overlap: work arrays, results and operands of a plan do not.

    LLVM otherwise guards each loop by checks of all pairs of arrays, and gives up where there are many.
    """

    def define_pipelines(self):
        self.state.flags.noalias = True
        return super().define_pipelines()


_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": FLAGS, "error_model": "numpy", "pipeline_class": Apart}


def kernel(function):
    """Compile a kernel: a function that plans call. It is kept on disk, for all plans and processes."""
    dispatcher: Any = njit(**_OPTIONS)(function)
    keep(dispatcher)
    return dispatcher


def helper(function):
    """Compile what only kernels call: without a form that Python can call, which takes as long as the function itself.

    It is not kept on disk: the machine code of whoever calls it has it.
    """
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)


@intrinsic
def plain(typingctx, number):
    """A number, or a tuple of integers, that is known when code is compiled, as one that is not.

    Numba compiles a function anew for each literal, or tuple of literals, that it is given.
    """
    kind: Any = types.unliteral(number)
    if isinstance(kind, types.BaseTuple):
        kind = types.UniTuple(types.int64, len(kind))

    def codegen(context, builder, sig, args):
        return context.cast(builder, args[0], number, kind)

    return kind(number), codegen


@intrinsic
def in_turn(typingctx, body, parts, *given):
    """Call ``body(*given, part)`` for part = 0, ..., parts - 1: ``in_parallel`` in the calling thread."""
    taken = (*given, types.int64)
    dispatcher = body.dispatcher
    dispatcher.compile(taken)
    compiled = dispatcher.overloads[taken]

    def codegen(context, builder, sig, args):
        context.add_linking_libs([compiled.library])
        values = [builder.extract_value(args[2], at) for at in range(len(given))]
        count = context.cast(builder, args[1], parts, types.int64)
        with cgutils.for_range(builder, count, intp=ir.IntType(64)) as loop:
            context.call_internal_no_propagate(builder, compiled.fndesc, compiled.signature, [*values, loop.index])
        return context.get_dummy_value()

    return types.void(body, parts, types.StarArgTuple(given)), codegen


def alone(shared):
    """Compile a kernel that uses ``in_parallel`` for the calling thread alone.

    For work too small to be shared; and it runs where Numba's pool has not been started, as in a forked process.
    """
    python = shared.py_func
    # Another name, since what is kept on disk is found by it.
    copy = FunctionType(python.__code__, python.__globals__ | {"in_parallel": in_turn}, f"{python.__name__}_alone")
    copy.__qualname__ = copy.__name__
    return kernel(copy)
