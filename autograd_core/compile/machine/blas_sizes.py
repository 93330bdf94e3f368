"""How a matrix product of known size is best run: which are too small for BLAS, which are cut, and how.

An emitter asks here once, when it writes a plan. The figures are of OpenBLAS 0.3.31 (NumPy 2.4) on four cores with
AVX-512, float32; ``tests/benchmarks/blas_and_threads.py`` measures them anew. OpenBLAS multiplies in one of three ways:

- up to a million multiplications (``SMALL``) by kernels that read the operands where they lie. There are none for
  "a times b transposed": that is twice as slow, and b is better transposed first (``transposes_first``): a (128, 10)
  times the transpose of a (512, 10) matrix takes 18.6 us, transposing first 12.5;
- above that, operands are first copied into blocks; (4096, 150) times (150, 16) takes 220 us in one piece and 183 in
  pieces below the limit (``pieces``);
- above ``MAY_THREAD``, where the first way is not taken, on several threads. These lose against slices of the product
  run on one pool together with everything else (``cuts``); see ``threads``.

On processors without AVX-512 there is no first way: a call costs 60 ns instead of 20, and neither transposing nor
pieces gain or lose anything worth noting.
"""

from __future__ import annotations

import math

SMALL = 1_000_000  # multiplications up to which OpenBLAS has kernels without packing (100 ** 3)
MAY_THREAD = 262_144  # above this OpenBLAS may use threads of its own (its 65536 times 4)
PARALLEL = 500_000  # from here slices on several threads win: (512, 128) by (128, 10): 13.9 us alone, 6.5 on four
LONG = 128  # of a term: shorter ones waste time on their results
CACHED = 8_192  # entries of b that are read again for every piece of rows; with more the gain is lost


def use_loop(m: int, n: int, k: int) -> bool:
    """Whether a loop written out beats a call: the call costs 20 ns, and BLAS wins from 5 by 5 matrices on.

    With ``k <= 2`` (a layer of one or two inputs) a loop over the columns of the result is as fast, and takes bias and
    activation along: (32, 2) by (2, 128) takes 220 ns either way.
    """
    return m * n * k <= 64 or k <= 2


def use_gemv(m: int, n: int, k: int) -> bool:
    """Whether a product with a vector (m or n is 1) is faster as ``sgemv`` than as ``sgemm``.

    Below that it is the other way round: (128, 128) 560 ns as product of matrices, 730 as matrix by vector; (784, 128)
    5.4 us and 4.2; (1024, 1024) 358 us, with a copy of the matrix, and 142.
    """
    return min(m, n) == 1 and m * n * k > 65_536


def transposes_first(m: int, n: int, k: int) -> bool:
    """Whether ``a`` (m, k) times the transpose of ``b`` (n, k) is faster with ``b`` transposed into scratch first."""
    return m >= 16 and m * n * k <= SMALL and not use_loop(m, n, k)


def may_thread(m: int, n: int, k: int) -> bool:
    """Whether BLAS might run this product on several threads of its own."""
    return m * n * k > MAY_THREAD


def pieces(m: int, n: int, k: int, trans_a: bool = False, trans_b: bool = False) -> int:
    """Number of pieces of rows in which one thread computes a product fastest; 1: in one piece.

    10 to 25 % faster where the pieces are small enough for the kernels without packing and ``b`` stays in the cache: 93
    by 64, 256 rows: 18.5 us in two pieces, 23.9 in one. With a transposed operand, or a large ``b``, slower.
    """
    size = m * n * k
    if trans_a or trans_b or size <= SMALL or k * n > CACHED:
        return 1
    rows = max(16, SMALL // 2 // (k * n) // 16 * 16)  # kernels take 16 rows at a time
    return math.ceil(m / rows)


def cuts(m: int, n: int, k: int, threads: int) -> tuple[int, int]:
    """Into how many slices of rows, and of columns, a product is cut for ``threads`` threads; (1, 1): not at all.

    Rows, unless so few fall to a thread that each would copy all of a large ``b`` for next to nothing: (128, 784) by
    (784, 512) takes 283 us on four threads by columns, 356 by rows, 703 alone; (784, 128) by (128, 512) 184 by rows and
    324 by columns.
    """
    if threads == 1 or m * n * k < PARALLEL:
        return 1, 1
    large = m * n * k > SMALL * threads  # a slice of it is packed
    if m >= threads and not (large and m < 64 * threads and n > m):
        return threads, 1
    return (1, threads) if n >= 16 * threads else (1, 1)


def terms(m: int, n: int, k: int, threads: int) -> int:
    """Into how many terms, added up afterwards, a product is split for ``threads`` threads; 1: into none.

    Where it would be cut by columns, as there are few rows, each thread would copy all of ``a``. (128, 784) by
    (784, 512) takes 279 to 302 us by columns, 258 to 269 as four products of 196 columns of ``a``; the sums are part of
    the loop that comes next anyway. Only where all terms together are no larger than ``b``.
    """
    by_columns = cuts(m, n, k, threads)[1] > 1 and m * n * k > SMALL * threads
    return threads if by_columns and not k % threads and k // threads >= LONG and threads * m <= k else 1


def slices(length: int, parts: int) -> list[tuple[int, int]]:
    """Cut ``length`` into at most ``parts`` runs of about equal length, as (start, stop); none is empty."""
    step = max(1, math.ceil(length / parts))
    return [(start, min(start + step, length)) for start in range(0, length, step)]
