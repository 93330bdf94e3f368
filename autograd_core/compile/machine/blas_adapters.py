"""Stand-ins for a BLAS with 64-bit integers, compiled where NumPy's has 32-bit ones, names unknown here, or is none.

Compiled code calls ``sgemm``, ``dgemm``, ``sgemv``, ``dgemv`` as CBLAS has them, with 64-bit integers and row-major
matrices. These functions take such calls and pass them on: to a CBLAS with 32-bit integers, to the BLAS of SciPy (which
it offers to Cython as Fortran functions), or to a loop. A call costs some nanoseconds more.
"""

from __future__ import annotations

import ctypes
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import carray, cfunc, types
from numba.core import cgutils
from numba.extending import intrinsic

from .blas_library import TRANSPOSED, BlasLibrary

NAMES = ("sgemm", "dgemm", "sgemv", "dgemv")
REALS = {"s": types.float32, "d": types.float64}


def adapted(name: str, library: BlasLibrary | None):
    """Compile a stand-in for one function of CBLAS.

    Parameters
    ----------
    name : {"sgemm", "dgemm", "sgemv", "dgemv"}
    library : BlasLibrary or None
        One with 32-bit integers; None: SciPy's BLAS, or a loop where SciPy is not installed.

    Returns
    -------
    CFunc, to be kept as long as its address is in use.
    """
    real = REALS[name[0]]
    signature = types.void(*arguments(name[1:], real, types.int64))
    if library is not None:
        return cfunc(signature)(_narrow(name, real, library.address(name)))
    address = _scipy_address(name)
    if address is not None:
        return cfunc(signature)(_fortran(name, address))
    return cfunc(signature)(_loop(name, real))


def arguments(kind: str, real, size) -> tuple:
    """Types of the arguments of CBLAS's "gemm" or "gemv"."""
    enum, pointer = types.int32, types.voidptr
    if kind == "gemm":
        return (enum, enum, enum, size, size, size, real, pointer, size, pointer, size, real, pointer, size)
    return (enum, enum, size, size, real, pointer, size, pointer, size, real, pointer, size)


def _external(symbol: str, address: int, *kinds):
    """A native function under a name of ours."""
    llvmlite.binding.add_symbol(symbol, address)
    return types.ExternalFunction(symbol, types.void(*kinds))


def _narrow(name: str, real, address: int):
    """Pass on to a CBLAS with 32-bit integers."""
    call = _external(f"autograd_core_narrow_{name}", address, *arguments(name[1:], real, types.int32))
    short = np.int32

    def gemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
        call(
            order, trans_a, trans_b, short(m), short(n), short(k),
            alpha, a, short(lda), b, short(ldb), beta, c, short(ldc),
        )  # fmt: skip

    def gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy):
        call(order, trans, short(m), short(n), alpha, a, short(lda), x, short(incx), beta, y, short(incy))

    return gemm if name.endswith("gemm") else gemv


def _scipy_address(name: str) -> int | None:
    """Address of a function of ``scipy.linalg.cython_blas``, or None without SciPy."""
    try:
        from scipy.linalg import cython_blas
    except ImportError:
        return None
    capsule = cython_blas.__pyx_capi__[name]
    named, pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    named.restype, named.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, named(capsule))


def _fortran(name: str, address: int):
    """Pass on to a Fortran BLAS: matrices by columns, so operands change places; every argument by its address."""
    count = 13 if name.endswith("gemm") else 11
    call = _external(f"autograd_core_fortran_{name}", address, *[types.voidptr] * count)
    at: Any = _address  # called from compiled code, without the context that its signature names
    short = np.int32
    plain, transposed = np.uint8(ord("N")), np.uint8(ord("T"))

    def gemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
        first = transposed if trans_b == TRANSPOSED else plain
        second = transposed if trans_a == TRANSPOSED else plain
        call(
            at(first), at(second), at(short(n)), at(short(m)), at(short(k)),
            at(alpha), b, at(short(ldb)), a, at(short(lda)), at(beta), c, at(short(ldc)),
        )  # fmt: skip

    def gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy):
        turned = plain if trans == TRANSPOSED else transposed
        call(
            at(turned), at(short(n)), at(short(m)),
            at(alpha), a, at(short(lda)), x, at(short(incx)), at(beta), y, at(short(incy)),
        )  # fmt: skip

    return gemm if name.endswith("gemm") else gemv


@intrinsic
def _address(typingctx, number):
    """Address of a copy of a number on the stack, as Fortran wants it."""

    def codegen(context, builder, signature, values):
        slot = cgutils.alloca_once_value(builder, values[0])
        return builder.bitcast(slot, ir.IntType(8).as_pointer())

    return types.voidptr(number), codegen


@intrinsic
def _entries(typingctx, pointer, like):
    """A pointer as one to numbers of the type of ``like``."""

    def codegen(context, builder, signature, values):
        return builder.bitcast(values[0], context.get_value_type(signature.return_type))

    return types.CPointer(like)(pointer, like), codegen


def _loop(name: str, real):
    """Compute it here. Slow, but right: for a NumPy without any BLAS, and no SciPy."""
    entries: Any = _entries

    def gemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
        turned_a, turned_b = trans_a == TRANSPOSED, trans_b == TRANSPOSED
        x = carray(entries(a, alpha), ((k if turned_a else m) * lda,))
        y = carray(entries(b, alpha), ((n if turned_b else k) * ldb,))
        out = carray(entries(c, alpha), (m * ldc,))
        for i in range(m):
            for j in range(n):
                total = alpha - alpha
                for p in range(k):
                    total += x[p * lda + i if turned_a else i * lda + p] * y[j * ldb + p if turned_b else p * ldb + j]
                kept = beta * out[i * ldc + j] if beta != 0 else beta
                out[i * ldc + j] = alpha * total + kept

    def gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy):
        rows, columns = (n, m) if trans == TRANSPOSED else (m, n)
        matrix = carray(entries(a, alpha), (m * lda,))
        given = carray(entries(x, alpha), (columns * incx,))
        out = carray(entries(y, alpha), (rows * incy,))
        for i in range(rows):
            total = alpha - alpha
            for p in range(columns):
                total += matrix[p * lda + i if trans == TRANSPOSED else i * lda + p] * given[p * incx]
            kept = beta * out[i * incy] if beta != 0 else beta
            out[i * incy] = alpha * total + kept

    return gemm if name.endswith("gemm") else gemv
