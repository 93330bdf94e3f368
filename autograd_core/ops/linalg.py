"""Linear algebra: solving, inverting, powers; and the names of ``numpy.linalg`` that live elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import AxisError, DtypeError, ShapeError
from ..primitive import Primitive, apply
from ..shapes import broadcast_hint
from .determinants import det, slogdet
from .least_squares import lstsq, matrix_rank, pinv
from .matrices import (
    matrices,
    operand,
    sample_batch,
    sample_matrix,
    squares,
    tensor,
    vectors,
    without_out,
)
from .norms import cond, matrix_norm, norm, vector_norm
from .products import cross as _cross
from .products import matmul as _matmul
from .products import outer as _outer
from .products import tensordot as _tensordot
from .products import vecdot as _vecdot

__all__ = [
    "cond", "cross", "det", "diagonal", "inv", "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "slogdet", "solve", "tensordot", "tensorinv",
    "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip


# -- inv and solve -----------------------------------------------------------------------------------------------------

_SINGULAR = (
    "The matrix is singular (or one of the stack is); pinv and lstsq take such matrices, and a small number added to "
    "the diagonal makes it invertible"
)


def _inv(a):
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(_SINGULAR) from None


def _solve(a, b):
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(_SINGULAR) from None


def _solve_wrt_a(ct, ans, a, b):
    if b.ndim == 1:
        return -np.linalg.solve(a.mT, ct[..., None]) * ans[..., None, :]
    return -np.linalg.solve(a.mT, ct) @ ans.mT


def _solve_wrt_b(ct, ans, a, b):
    if b.ndim == 1:  # not ct itself: it has the axes of a stack, and would be taken for a matrix
        return np.linalg.solve(a.mT, ct[..., None])[..., 0]
    return np.linalg.solve(a.mT, ct)


def _solve_along_a(t, ans, a, b):
    if b.ndim == 1:
        return -np.linalg.solve(a, t @ ans[..., None])[..., 0]
    return -np.linalg.solve(a, t @ ans)


def _sample_inv(draw):
    n = draw.integer(0, 3)
    return (sample_matrix(draw, (*sample_batch(draw), n, n)),), {}


def _sample_solve(draw):
    n = draw.integer(0, 3)
    batch = sample_batch(draw)
    left, right = (batch if draw.boolean() else draw.broadcastable(batch) for _ in range(2))
    b = draw.choice(((n,), (*right, n, draw.integer(0, 3))))
    return (sample_matrix(draw, (*left, n, n)), draw.array(b)), {}


INV = Primitive(
    "inv", _inv, keeps=False, sample=_sample_inv, doc="Inverse of each matrix.",
    vjps=(lambda ct, ans, a: -(ans.mT @ ct @ ans.mT),),
    jvps=(lambda t, ans, a: -(ans @ t @ ans),),
)  # fmt: skip
SOLVE = Primitive(
    "solve", _solve, sample=_sample_solve, doc="x with a x = b.",
    vjps=(_solve_wrt_a, _solve_wrt_b),
    jvps=(_solve_along_a, lambda t, ans, a, b: np.linalg.solve(a, t)),
)  # fmt: skip


def inv(a):
    """Inverse of each matrix, as ``numpy.linalg.inv``. VJP: ``-inv(a).T @ ct @ inv(a).T``."""
    return apply(INV, (squares("inv", a),), {})


def solve(a, b):
    """Solution x of ``a x = b``, as ``numpy.linalg.solve``: ``b`` is a vector if it has one axis, else matrices.

    VJP: ``solve(a.T, ct)`` for b, and minus its product with ``x.T`` for a.

    Examples
    --------
    >>> import autograd_core.numpy as anp
    >>> anp.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).numpy()
    array([1. , 0.5])
    """
    a, b = squares("solve", a), vectors("solve", b)
    n, own = a.shape[-1], b.shape[-1 if b.ndim == 1 else -2]
    if own != n or broadcast_hint([a.shape[:-2], b.shape[:-2]]):
        raise ShapeError(
            f"solve: a has shape {a.shape}, b has shape {b.shape}; expected b of length {n}, or matrices with {n} rows "
            "in its last two axes, and other axes that broadcast."
            + (" A stack of vectors is b[..., None]." if b.ndim > 1 and b.shape[-1] == n else "")
        )
    return apply(SOLVE, (a, b), {})


# -- products of many --------------------------------------------------------------------------------------------------


def matrix_power(a, n: int):
    """Integer power of square matrices, as ``numpy.linalg.matrix_power``; negative powers are those of the inverse."""
    a = tensor(squares("matrix_power", a))
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise DtypeError(f"matrix_power: n must be an integer; got {n!r}.")
    n = n.__index__()
    if n == 0:
        return np.where(False, a, np.eye(a.shape[-1], dtype=a.dtype))  # depends on a, with derivative 0
    square = inv(a) if n < 0 else a
    n = abs(n)
    result = None
    while n:  # by the binary digits of n: about 2 log2(n) products
        if n % 2:
            result = square if result is None else result @ square
        n //= 2
        square = square @ square if n else square
    return result


def multi_dot(arrays: Sequence, *, out=None):
    """Product of two or more matrices in the order that costs least, as ``numpy.linalg.multi_dot``.

    The first and the last may be vectors.
    """
    without_out("multi_dot", out)
    factors = [tensor(x) for x in arrays]
    if len(factors) < 2:
        raise ShapeError(f"multi_dot: got {len(factors)} array(s); expected at least two.")
    if any(x.ndim != 2 for x in factors[1:-1]) or not {factors[0].ndim, factors[-1].ndim} <= {1, 2}:
        raise ShapeError(
            f"multi_dot: got shapes {', '.join(str(x.shape) for x in factors)}; expected matrices (the first and the "
            "last may be vectors)."
        )
    sides = [1 if factors[0].ndim == 1 else factors[0].shape[0], *(x.shape[0] for x in factors[1:])]
    sides.append(1 if factors[-1].ndim == 1 else factors[-1].shape[1])
    split = _cheapest_order(sides)

    def product(first: int, last: int):
        if first == last:
            return factors[first]
        middle = split[first, last]
        return _matmul(product(first, middle), product(middle + 1, last))

    return product(0, len(factors) - 1)


def _cheapest_order(sides: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split the product of factors first..last; factor i has shape (sides[i], sides[i + 1]).

    Cormen, Leiserson, Rivest & Stein, "Introduction to Algorithms", section 15.2.
    """
    count = len(sides) - 1
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            cost[first, last], split[first, last] = min(
                (cost[first, k] + cost[k + 1, last] + sides[first] * sides[k + 1] * sides[last + 1], k)
                for k in range(first, last)
            )
    return split


# -- tensors as matrices -----------------------------------------------------------------------------------------------


def tensorinv(a, ind: int = 2):
    """Inverse for ``tensordot`` over ``ind`` axes, as ``numpy.linalg.tensorinv``."""
    a = tensor(a)
    front, back = a.shape[:ind], a.shape[ind:]
    if ind <= 0 or prod(front) != prod(back):
        raise ShapeError(
            f"tensorinv: got shape {a.shape} and ind={ind}; expected a positive ind with as many entries in the axes "
            f"before it as after it ({prod(front)} and {prod(back)})."
        )
    return np.reshape(inv(np.reshape(a, (prod(back), prod(back)))), back + front)


def tensorsolve(a, b, axes=None):
    """Solution x of ``tensordot(a, x, x.ndim) = b``, as ``numpy.linalg.tensorsolve``."""
    a, b = tensor(a), tensor(b)
    if axes is not None:
        axes = tuple(axes) if isinstance(axes, (tuple, list)) else (axes,)
        if any(not -a.ndim <= axis < a.ndim for axis in axes):
            raise AxisError(f"tensorsolve: axes {axes} do not fit an array of {a.ndim} axes.")
        a = np.moveaxis(a, axes, tuple(range(a.ndim - len(axes), a.ndim)))
    unknown = a.shape[b.ndim :]
    if prod(unknown) != prod(a.shape[: b.ndim]) or prod(unknown) != b.size:
        raise ShapeError(
            f"tensorsolve: a has shape {a.shape} (after axes), b has shape {b.shape}; the first {b.ndim} axes of a "
            "must have as many entries as b, and as many as the other axes."
        )
    return np.reshape(solve(np.reshape(a, (b.size, b.size)), np.ravel(b)), unknown)


# -- names of numpy.linalg that live elsewhere -------------------------------------------------------------------------


def matmul(x1, x2, /):
    """Matrix product ``x1 @ x2``."""
    return _matmul(x1, x2)


def vecdot(x1, x2, /, *, axis: int = -1):
    """Sum of ``conj(x1) * x2`` along ``axis``."""
    return _vecdot(x1, x2, axis=axis)


def tensordot(x1, x2, /, *, axes: Any = 2):
    """Sum of products over pairs of axes."""
    return _tensordot(x1, x2, axes)


def outer(x1, x2, /):
    """Every entry of one vector times every entry of another."""
    x1, x2 = operand(x1), operand(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"linalg.outer: got shapes {x1.shape} and {x2.shape}; expected vectors. See outer for others.")
    return _outer(x1, x2)


def cross(x1, x2, /, *, axis: int = -1):
    """Cross product of vectors of length 3 along ``axis``."""
    x1, x2 = vectors("linalg.cross", x1), vectors("linalg.cross", x2)
    if any(-x.ndim <= axis < x.ndim and x.shape[axis] != 3 for x in (x1, x2)):
        raise ShapeError(f"linalg.cross: got shapes {x1.shape} and {x2.shape}; expected length 3 along axis {axis}.")
    return _cross(x1, x2, axis=axis)


def trace(x, /, *, offset: int = 0, dtype=None):
    """Sum along a diagonal of the matrices in the last two axes."""
    return np.trace(tensor(matrices("linalg.trace", x)), offset, -2, -1, dtype)


def diagonal(x, /, *, offset: int = 0):
    """Diagonal of the matrices in the last two axes."""
    return np.diagonal(tensor(matrices("linalg.diagonal", x)), offset, -2, -1)


def matrix_transpose(x, /):
    """Last two axes exchanged."""
    return np.matrix_transpose(tensor(matrices("matrix_transpose", x)))


# -- tables ------------------------------------------------------------------------------------------------------------

ROWS = (INV, SOLVE)

OVERLOADS: dict[Any, Any] = {
    np.linalg.inv: inv, np.linalg.solve: solve, np.linalg.matrix_power: matrix_power, np.linalg.multi_dot: multi_dot,
    np.linalg.tensorinv: tensorinv, np.linalg.tensorsolve: tensorsolve, np.linalg.matmul: matmul,
    np.linalg.vecdot: vecdot, np.linalg.tensordot: tensordot, np.linalg.outer: outer, np.linalg.cross: cross,
    np.linalg.trace: trace, np.linalg.diagonal: diagonal, np.linalg.matrix_transpose: matrix_transpose,
}  # fmt: skip
