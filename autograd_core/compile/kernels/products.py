"""Matrix products for kernels, for either width of float."""

from __future__ import annotations

from numba import types
from numba.extending import overload

from ..machine.blas import dgemm, sgemm


def gemm(trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc):
    """C = op(a) op(b) + beta c; operands as for ``blas.sgemm``."""
    raise NotImplementedError("compiled code only")


@overload(gemm)
def _gemm(trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc):
    array = c.types[0] if isinstance(c, types.BaseTuple) else c
    product = sgemm if array.dtype == types.float32 else dgemm

    def call(trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc):
        product(trans_a, trans_b, m, n, k, 1.0, a, lda, b, ldb, beta, c, ldc)

    return call
