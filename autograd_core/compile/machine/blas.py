"""Matrix products from compiled (nopython) code, without Python: ``sgemm`` and its relatives on arrays and offsets.

What Numba has, ``np.dot``, goes through SciPy and takes no flag for transposed operands, no leading dimension, no
accumulation. Here the BLAS of NumPy itself (see ``blas_library``) is called by address. The address is given to LLVM
under a name of our own; compiled code refers to the name, so it may be kept on disk: another process only has to import
this module before it loads it. All names take 64-bit integers; for a BLAS with 32-bit ones a small adapter is compiled,
and without any BLAS a plain loop stands in (``blas_adapters``), so compiled code fits whatever NumPy it meets.

A call costs 20 ns (``np.dot``: 50): (8, 8) by (8, 8) takes 36 ns, and a loop 86. So there is no batched product: a loop
over calls is one. ``blas_sizes`` says when a loop is faster, and how large products are cut for several threads.

In compiled code::

    from autograd_core.compile.machine.blas import sgemm

    sgemm(0, 1, 32, 128, 10, 1.0, a, 10, b, 10, 0.0, out, 128)  # out = a @ b.T: (32, 10) by the transpose of (128, 10)
    sgemm(1, 0, 7, 5, 3, 1.0, (flat, 64), 7, b, 5, 1.0, out, 5)  # out += flat[64:85].reshape(3, 7).T @ b

Matrices are row-major; m, n and k are the sizes of the product, (m, k) by (k, n); ``lda`` is the number of entries from
one row to the next of ``a`` as it is stored. An operand is an array (its first entry counts; neither shape nor strides
are looked at), a pair of an array and an offset counted in entries, or a pointer. With ``beta`` 0.0 what is in ``c``
does not matter, NaN included; with 1.0 the product is added to it. Shapes are not checked: the emitter knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from .blas_adapters import NAMES, REALS, adapted, arguments
from .blas_library import PLAIN, ROW_MAJOR, TRANSPOSED, BlasLibrary, numpy_blas

PREFIX = "autograd_core_"
TUPLE: Any = types.BaseTuple  # Any: Numba says of its tuple types that they cannot be indexed; they can


def _pointer(context, builder, kind: Any, value):
    """LLVM pointer to the first entry of an operand."""
    byte = ir.IntType(8).as_pointer()
    if isinstance(kind, TUPLE):
        array, offset = kind[0], kind[1]
        start = _pointer(context, builder, array, builder.extract_value(value, 0))
        entries = context.cast(builder, builder.extract_value(value, 1), offset, types.intp)
        size = context.get_abi_sizeof(context.get_data_type(array.dtype))
        return builder.gep(start, [builder.mul(entries, ir.Constant(entries.type, size))])
    if isinstance(kind, types.Array):
        return builder.bitcast(context.make_array(kind)(context, builder, value).data, byte)
    if isinstance(kind, types.ArrayCTypes):
        return context.cast(builder, value, kind, types.voidptr)
    if isinstance(kind, types.Integer):
        return builder.inttoptr(context.cast(builder, value, kind, types.uintp), byte)
    return builder.bitcast(value, byte)


def _argument(context, builder, kind, value, wanted):
    """One argument as BLAS takes it."""
    if wanted is types.voidptr:
        return _pointer(context, builder, kind, value)
    return context.cast(builder, value, kind, wanted)


def _enum(builder, flag):
    """CblasTrans where the flag is not 0, else CblasNoTrans."""
    number = ir.IntType(32)
    return builder.select(
        builder.icmp_signed("!=", flag, flag.type(0)), ir.Constant(number, TRANSPOSED), ir.Constant(number, PLAIN)
    )


def _call(context, builder, name, wanted, flags, given, values):
    """Call BLAS function ``name``; the first ``flags`` arguments say whether operands are transposed."""
    order = ir.Constant(ir.IntType(32), ROW_MAJOR)
    args = [_argument(context, builder, *each) for each in zip(given, values, wanted, strict=True)]
    args[:flags] = [_enum(builder, flag) for flag in args[:flags]]
    kind = ir.FunctionType(ir.VoidType(), [order.type, *(arg.type for arg in args)])
    function = cgutils.get_or_insert_function(builder.module, kind, PREFIX + name)
    builder.call(function, [order, *args])
    return context.get_dummy_value()


def _emit(name, given):
    """Signature and code generator of the intrinsic ``name`` for ``given`` argument types."""
    flags = 2 if name.endswith("gemm") else 1
    real = REALS[name[0]]
    wanted = (types.int64,) * flags + arguments(name[1:], real, types.int64)[1 + flags :]
    _check_operands(name, real, given, wanted)

    def codegen(context, builder, signature, values):
        return _call(context, builder, name, wanted, flags, signature.args, values)

    return types.void(*given), codegen


def _check_operands(name, real, given: Sequence[Any], wanted):
    """Refuse, when a function is compiled, arrays and pointers of another dtype."""
    for kind, expected in zip(given, wanted, strict=True):
        operand = kind[0] if isinstance(kind, TUPLE) else kind
        dtype = getattr(operand, "dtype", real)
        if expected is types.voidptr and dtype not in (real, types.void):
            raise TypingError(f"{name} takes operands of {real}; one is {operand}.")


@intrinsic
def sgemm(typingctx, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """float32: c = alpha op(a) op(b) + beta c."""
    given = (trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    return _emit("sgemm", given)


@intrinsic
def dgemm(typingctx, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """float64: c = alpha op(a) op(b) + beta c."""
    given = (trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    return _emit("dgemm", given)


@intrinsic
def sgemv(typingctx, trans, m, n, alpha, a, lda, x, incx, beta, y, incy):
    """float32: y = alpha op(a) x + beta y."""
    given = (trans, m, n, alpha, a, lda, x, incx, beta, y, incy)
    return _emit("sgemv", given)


@intrinsic
def dgemv(typingctx, trans, m, n, alpha, a, lda, x, incx, beta, y, incy):
    """float64: y = alpha op(a) x + beta y."""
    given = (trans, m, n, alpha, a, lda, x, incx, beta, y, incy)
    return _emit("dgemv", given)


def addresses(library: BlasLibrary | None) -> dict[str, int]:
    """Functions that compiled code may call, for a BLAS or for none; adapters are compiled where they are needed."""
    if library is not None and library.wide:
        return {name: library.address(name) for name in NAMES}
    adapters = {name: adapted(name, library) for name in NAMES}
    _kept.extend(adapters.values())
    return {name: adapter.address for name, adapter in adapters.items()}


_kept: list[Any] = []  # adapters: code that is referred to by address only
for _name, _address in addresses(numpy_blas()).items():
    llvmlite.binding.add_symbol(PREFIX + _name, _address)
