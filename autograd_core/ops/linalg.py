"""Linear algebra: solving, inverting, powers; and the names of ``numpy.linalg`` that live elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import AxisError, DtypeError, ShapeError, UnsupportedError
from ..primitive import Primitive, apply
from ..shapes import broadcast_hint
from ..tensor import Tensor
from .decompositions import svdvals
from .determinants import det, slogdet
from .matrices import (
    adjoint,
    conjugate,
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


_UNSET = object()


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


# -- least squares -----------------------------------------------------------------------------------------------------


def _pinv(a, *, rcond, hermitian: bool):
    return np.linalg.pinv(a, hermitian=hermitian) if rcond is None else np.linalg.pinv(a, rcond, hermitian)


def _pinv_pull(ct, p, a):
    # The transpose of dp = -p da p + p p^H da^H (1 - a p) + (1 - p a) da^H p^H p, where the rank does not change: Golub
    # & Pereyra (1973), "The differentiation of pseudo-inverses and nonlinear least squares problems".
    ct_t, p_h = ct.mT, adjoint(p)
    above = (ct_t - a @ (p @ ct_t)) @ p @ p_h
    below = p_h @ p @ (ct_t - (ct_t @ p) @ a)
    return conjugate(above + below) - p.mT @ ct @ p.mT


def _pinv_push(t, p, a):
    t_h, p_h = adjoint(t), adjoint(p)
    return p @ p_h @ (t_h - (t_h @ a) @ p) + (t_h - p @ (a @ t_h)) @ p_h @ p - p @ t @ p


def _columns(b):
    return b if b.ndim > 1 else b[..., None]


def _lstsq_wrt_a(ct, ans, a, b, *, rcond):
    return _pinv_pull(_columns(ct) @ _columns(b).T, np.linalg.pinv(a, rcond), a)


def _sample_tall_or_wide(draw):
    return (sample_matrix(draw, (*sample_batch(draw), draw.integer(0, 3), draw.integer(0, 3))),), {}


def _sample_lstsq(draw):
    m, n = draw.integer(1, 4), draw.integer(1, 3)
    return (sample_matrix(draw, (m, n)), draw.array(draw.choice(((m,), (m, draw.integer(1, 3)))))), {"rcond": 1e-10}


PINV = Primitive(
    "pinv", _pinv, doc="Pseudo-inverse (Moore-Penrose) of each matrix.", kink="where the rank changes it jumps",
    vjps=(lambda ct, ans, a, **params: _pinv_pull(ct, ans, a),),
    jvps=(lambda t, ans, a, **params: _pinv_push(t, ans, a),),
    sample=lambda draw: (_sample_tall_or_wide(draw)[0], {"rcond": None, "hermitian": False}),
)  # fmt: skip
LSTSQ = Primitive(
    "lstsq", lambda a, b, *, rcond: np.linalg.lstsq(a, b, rcond)[0], sample=_sample_lstsq,
    doc="The x of least norm among those that minimise |a x - b|.",
    vjps=(_lstsq_wrt_a,
          lambda ct, ans, a, b, *, rcond: np.linalg.pinv(a, rcond).T @ ct),
    jvps=(lambda t, ans, a, b, *, rcond: _pinv_push(t, np.linalg.pinv(a, rcond), a) @ b,
          lambda t, ans, a, b, *, rcond: np.linalg.pinv(a, rcond) @ t),
)  # fmt: skip


def pinv(a, rcond=None, hermitian: bool = False, *, rtol=_UNSET):
    """Pseudo-inverse of each matrix, as ``numpy.linalg.pinv``; the derivative is for a rank that does not change."""
    a = matrices("pinv", a)
    if rtol is not _UNSET:
        if rcond is not None:
            raise ValueError("pinv: give rcond or rtol, not both; they mean the same.")
        rcond = _rounding(a) if rtol is None else rtol
    if rcond is not None and np.ndim(rcond):
        raise UnsupportedError("pinv: rcond must be one number for the whole stack.")
    return apply(PINV, (a,), {"rcond": rcond if rcond is None else float(rcond), "hermitian": hermitian})


def _rounding(a) -> float:
    """Relative size of a singular value that is nothing but rounding, as NumPy counts it."""
    dtype = a.dtype if a.dtype.kind in "fc" else np.float64
    return max(a.shape[-2:]) * float(np.finfo(dtype).eps)


def lstsq(a, b, rcond=None):
    """Least-squares solution of ``a x = b``, as ``numpy.linalg.lstsq``.

    Parameters
    ----------
    a : array_like, Tensor or Variable, shape (m, n)
    b : array_like, Tensor or Variable, shape (m,) or (m, k)
    rcond : float, optional
        Singular values up to this times the largest count as 0.

    Returns
    -------
    (x, residuals, rank, s) of Tensors. All but the rank are differentiable, where the rank does not change.
    """
    a, b = operand(a), operand(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"lstsq: a has shape {a.shape}, b has shape {b.shape}; expected a matrix, and b with as many rows: (m,) or "
            "(m, k)."
        )
    a, b = tensor(a), tensor(b)
    if rcond is None:
        rcond = _rounding(a)
    elif rcond == -1:
        rcond = float(np.finfo(a.dtype).eps)
    x = apply(LSTSQ, (a, b), {"rcond": float(rcond)})
    s = svdvals(a)
    rank = np.sum(np.greater(s, rcond * s[:1]))
    m, n = a.shape
    if int(rank) != n or m <= n:
        return x, Tensor(np.zeros(0, x.dtype), None), rank, s
    residuals = np.sum(np.square(np.abs(_columns(b - a @ x))), axis=0)
    return x, residuals, rank, s


MATRIX_RANK = Primitive(
    "matrix_rank", np.linalg.matrix_rank, vjps=None, sample=_sample_tall_or_wide,
    doc="Number of singular values above rounding.",
)  # fmt: skip


def matrix_rank(A, tol=None, hermitian: bool = False, *, rtol=None):
    """Rank of each matrix, as ``numpy.linalg.matrix_rank``. An integer: it has no derivative."""
    return apply(MATRIX_RANK, (operand(A),), {"tol": tol, "hermitian": hermitian, "rtol": rtol})


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

ROWS = (INV, SOLVE, PINV, LSTSQ, MATRIX_RANK)

OVERLOADS: dict[Any, Any] = {
    np.linalg.inv: inv, np.linalg.solve: solve, np.linalg.pinv: pinv, np.linalg.lstsq: lstsq,
    np.linalg.matrix_rank: matrix_rank, np.linalg.matrix_power: matrix_power, np.linalg.multi_dot: multi_dot,
    np.linalg.tensorinv: tensorinv, np.linalg.tensorsolve: tensorsolve, np.linalg.matmul: matmul,
    np.linalg.vecdot: vecdot, np.linalg.tensordot: tensordot, np.linalg.outer: outer, np.linalg.cross: cross,
    np.linalg.trace: trace, np.linalg.diagonal: diagonal, np.linalg.matrix_transpose: matrix_transpose,
}  # fmt: skip
