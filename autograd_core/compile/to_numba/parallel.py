"""Several parts of a kernel at once, without Numba's parallel compiler.

``in_parallel(kernel, parts, V0, V1, ...)`` calls ``kernel(V0, V1, ..., part)`` for each part, on the threads of
``numba_pool``. That is handed a small function, which takes the arguments from a record and calls the kernel. Compiling
it costs next to nothing, where ``parallel=True`` costs a second for each function.

The pool must be there (``prepare``) before such code is loaded.
"""

from __future__ import annotations

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from ..machine import threads
from . import pool as numba_pool

WORD = ir.IntType(64)
BYTES = ir.IntType(8).as_pointer()
WORDS = WORD.as_pointer()
TASK = ir.FunctionType(ir.VoidType(), [BYTES.as_pointer(), WORDS, WORDS, BYTES])
"""What the pool calls: args, dimensions, steps, data."""


def prepare() -> None:
    """Have the pool ready; to be called before code with ``in_parallel`` is compiled or loaded."""
    threads.prepare_numba()
    numba_pool.install(config.NUMBA_NUM_THREADS)


# fn, args, dimensions, steps, data, inner_ndim, array_count, num_threads
PARALLEL_FOR = ir.FunctionType(ir.VoidType(), [BYTES] * 5 + [WORD] * 3)


@intrinsic
def in_parallel(typingctx, kernel, parts, *given):
    """Call ``kernel(*given, part)`` for part = 0, ..., parts - 1, on the threads of the pool."""
    prepare()
    taken = (*given, types.int64)
    dispatcher = kernel.dispatcher
    dispatcher.compile(taken)
    compiled = dispatcher.overloads[taken]

    def codegen(context, builder, sig, args):
        context.add_linking_libs([compiled.library])
        values = [builder.extract_value(args[2], at) for at in range(len(given))]
        record = ir.LiteralStructType([value.type for value in values])
        data = cgutils.alloca_once(builder, record)
        for at, value in enumerate(values):
            builder.store(value, cgutils.gep_inbounds(builder, data, 0, at))
        task = _task(context, builder.module, record, compiled, taken)
        base = cgutils.alloca_once_value(builder, ir.Constant(BYTES, None))  # its value is the part
        one = cgutils.alloca_once_value(builder, WORD(1))
        count = cgutils.alloca_once_value(builder, context.cast(builder, args[1], parts, types.int64))
        threads = cgutils.get_or_insert_function(builder.module, ir.FunctionType(WORD, []), "get_num_threads")
        parallel_for = cgutils.get_or_insert_function(builder.module, PARALLEL_FOR, numba_pool.NAME)
        pointers = [builder.bitcast(each, BYTES) for each in (task, base, count, one, data)]
        builder.call(parallel_for, [*pointers, WORD(0), WORD(1), builder.call(threads, [])])
        return context.get_dummy_value()

    return types.void(kernel, parts, types.StarArgTuple(given)), codegen


def _task(context, module, record, compiled, taken):
    """The function that the pool calls: one kernel call for each of its parts."""
    task = ir.Function(module, TASK, module.get_unique_name("task"))
    task.linkage = "internal"
    builder = ir.IRBuilder(task.append_basic_block())
    args, dimensions, _, data = task.args
    given = builder.bitcast(data, record.as_pointer())
    values = [builder.load(cgutils.gep_inbounds(builder, given, 0, at)) for at in range(len(record.elements))]
    first = builder.ptrtoint(builder.load(args), WORD)
    with cgutils.for_range(builder, builder.load(dimensions), intp=WORD) as loop:
        part = builder.add(first, loop.index)
        context.call_internal_no_propagate(builder, compiled.fndesc, compiled.signature, [*values, part])
    builder.ret_void()
    return task
