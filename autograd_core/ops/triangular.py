"""Triangular systems, and what is solved with a Cholesky factor; named as in SciPy.

The triangle that is not read, and a diagonal that is taken to be ones, have a gradient of exactly zero.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError, missing_extra
from ..primitive import Primitive, apply
from ..shapes import broadcast_hint
from .matrices import conjugate, run, sample_batch, squares, tensor, vectors
from .symmetric import cholesky

__all__ = ["cho_factor", "cho_solve", "solve_triangular"]

# Stacks of matrices up to this size are left to NumPy, whose loop over them is in C: 3 us for each call from Python.
SMALL = 16


# -- on arrays ---------------------------------------------------------------------------------------------------------


def triangle(a, lower: bool, unit_diagonal: bool):
    """``a`` with zeros where it is not read: the other triangle, and the diagonal if that is taken to be ones."""
    return np.tril(a, -unit_diagonal) if lower else np.triu(a, int(unit_diagonal))


def _solve_triangular(a, b, *, lower: bool, transposed: bool, unit_diagonal: bool):
    column = b[:, None] if b.ndim == 1 else b
    if not unit_diagonal and not np.diagonal(a, axis1=-2, axis2=-1).all():
        raise np.linalg.LinAlgError(
            "The matrix is singular: there is a zero on its diagonal; a small number added to the diagonal makes it "
            "invertible"
        )
    dtype = np.result_type(a, column, np.float32 if a.dtype.kind in "fc" and column.dtype.kind in "fc" else np.float64)
    single = a.ndim == 2 and column.ndim == 2
    if dtype.char in "fdFD" and column.size and (single or a.shape[-1] > SMALL):
        x = _by_lapack(a, column, dtype, single, (lower, transposed, unit_diagonal))
    else:
        x = None
    if x is None:
        x = _by_elimination(a, column, lower, transposed, unit_diagonal)
    return x[..., 0] if b.ndim == 1 else x


def _by_lapack(a, b, dtype, single: bool, options):
    """LAPACK's ``trtrs``, one matrix at a time; None where SciPy, which brings it, is not installed."""
    try:
        function = _trtrs(dtype.char)
    except ImportError:
        return None
    if single:
        return _one(function, a, b, *options)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    x = np.empty(b.shape, dtype)
    for place in np.ndindex(batch):
        x[place] = _one(function, a[place], b[place], *options)
    return x


@cache
def _trtrs(char: str) -> Any:
    try:
        from scipy.linalg import get_lapack_funcs
    except ImportError:
        raise missing_extra("scipy", "jit", "LAPACK's trtrs") from None
    return get_lapack_funcs("trtrs", dtype=np.dtype(char))


def _one(function, a, b, lower: bool, transposed: bool, unit_diagonal: bool):
    if not a.flags.f_contiguous:  # LAPACK goes by columns: in the transposed view nothing is copied
        a, lower, transposed = a.T, not lower, not transposed
    x, _ = function(a, b, lower=lower, trans=int(transposed), unitdiag=int(unit_diagonal))
    return np.ascontiguousarray(x)


def _by_elimination(a, b, lower: bool, transposed: bool, unit_diagonal: bool):
    """NumPy's ``solve`` on an upper triangle, where it finds nothing to eliminate and nothing to exchange."""
    a = triangle(a, lower, unit_diagonal)
    if unit_diagonal:
        a = a + np.eye(a.shape[-1], dtype=a.dtype)
    if transposed:
        a, lower = a.mT, not lower
    if lower:
        return np.ascontiguousarray(np.linalg.solve(a[..., ::-1, ::-1], b[..., ::-1, :])[..., ::-1, :])
    return np.linalg.solve(a, b)


# -- rules -------------------------------------------------------------------------------------------------------------


def _solved(a, b, lower: bool, transposed: bool, unit_diagonal: bool):
    return run(SOLVE_TRIANGULAR, a, b, lower=lower, transposed=transposed, unit_diagonal=unit_diagonal)


def _columns(a, b, *others):
    """``others`` as matrices: if b is a vector they have the axes of a stack and one more."""
    return [x[..., None] for x in others] if b.ndim == 1 else list(others)


def _wrt_a(ct, ans, a, b, *, lower, transposed, unit_diagonal):
    ct, x = _columns(a, b, ct, ans)
    back = _solved(a, ct, lower, not transposed, unit_diagonal)
    return triangle(np.negative(x @ back.mT if transposed else back @ x.mT), lower, unit_diagonal)


def _wrt_b(ct, ans, a, b, *, lower, transposed, unit_diagonal):
    (column,) = _columns(a, b, ct)
    back = _solved(a, column, lower, not transposed, unit_diagonal)
    return back[..., 0] if b.ndim == 1 else back


def _along_a(t, ans, a, b, *, lower, transposed, unit_diagonal):
    (x,) = _columns(a, b, ans)
    read = triangle(t, lower, unit_diagonal)
    out = np.negative(_solved(a, (read.mT if transposed else read) @ x, lower, transposed, unit_diagonal))
    return out[..., 0] if b.ndim == 1 else out


def _along_b(t, ans, a, b, *, lower, transposed, unit_diagonal):
    return _solved(a, t, lower, transposed, unit_diagonal)


def _sample(draw):
    n = draw.integer(0, 3)
    batch = sample_batch(draw)
    left, right = (batch if draw.boolean() else draw.broadcastable(batch) for _ in range(2))
    b = draw.choice(((n,), (*right, n, draw.integer(0, 3))))
    a = draw.array((*left, n, n), -0.7, 0.7)
    diagonal = np.copysign(draw.array((*left, n, 1), 0.8, 1.5), draw.array((*left, n, 1)))
    params = {name: draw.boolean() for name in ("lower", "transposed", "unit_diagonal")}
    return (np.where(np.eye(n, dtype=bool), diagonal, a), draw.array(b)), params


SOLVE_TRIANGULAR = Primitive(
    "solve_triangular", _solve_triangular, sample=_sample, vjps=(_wrt_a, _wrt_b), jvps=(_along_a, _along_b),
    doc="x with a x = b, or a^T x = b if transposed, where one triangle of a is read and the other taken to be 0.",
)  # fmt: skip

# -- public functions --------------------------------------------------------------------------------------------------

_TRANS = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def _fitting(name: str, a, b):
    """Both operands, checked to fit."""
    a, b = squares(name, a), vectors(name, b)
    n, own = a.shape[-1], b.shape[-1 if b.ndim == 1 else -2]
    if own != n or broadcast_hint([a.shape[:-2], b.shape[:-2]]):
        raise ShapeError(
            f"{name}: the matrix has shape {a.shape}, b has shape {b.shape}; expected b of length {n}, or matrices "
            f"with {n} rows in its last two axes, and other axes that broadcast."
            + (" A stack of vectors is b[..., None]." if b.ndim > 1 and b.shape[-1] == n else "")
        )
    return a, b


def solve_triangular(a, b, *, lower: bool = False, trans: int | str = 0, unit_diagonal: bool = False):
    """Solution x of ``a x = b`` for a triangular matrix, as ``scipy.linalg.solve_triangular``.

    Parameters
    ----------
    a : array_like, Tensor or Variable, shape (..., n, n)
        Only one triangle is read, and the gradient is zero in the other.
    b : array_like, Tensor or Variable, shape (n,) or (..., n, m)
        A vector if it has one axis, else matrices.
    lower : bool
        Read the lower triangle; the upper one otherwise.
    trans : {0, 1, 2, "N", "T", "C"}
        1 or "T": solve ``a.T x = b``; 2 or "C": with the conjugate transpose.
    unit_diagonal : bool
        Take the diagonal to be ones; it is not read.

    Notes
    -----
    VJP: the transposed system for b; the triangle of minus its product with ``x.T`` for a. SciPy's LAPACK computes it
    where that is installed (the extra ``jit``), else NumPy's ``solve``.

    Examples
    --------
    >>> import autograd_core.numpy as anp
    >>> anp.linalg.solve_triangular([[2.0, 0.0], [1.0, 4.0]], [2.0, 9.0], lower=True).numpy()
    array([1., 2.])
    """
    a, b = _fitting("solve_triangular", a, b)
    try:
        form = _TRANS[trans]
    except (KeyError, TypeError):
        raise DomainError(
            f'solve_triangular: trans must be 0 or "N" (a), 1 or "T" (its transpose), 2 or "C" (its conjugate '
            f"transpose); got {trans!r}."
        ) from None
    if form == 2:
        a = conjugate(tensor(a))
    params = {"lower": bool(lower), "transposed": form > 0, "unit_diagonal": bool(unit_diagonal)}
    return apply(SOLVE_TRIANGULAR, (a, b), params)


def cho_factor(a, lower: bool = False):
    """Cholesky factor of a positive definite matrix for ``cho_solve``: ``(c, lower)``, as ``scipy.linalg.cho_factor``.

    The triangle of ``c`` that is not part of the factor holds zeros. As of ``cholesky``, the gradient is symmetric.
    """
    return cholesky(a, upper=not lower), bool(lower)


def cho_solve(c_and_lower, b):
    """Solution x of ``a x = b``, given ``(c, lower) = cho_factor(a)``, as ``scipy.linalg.cho_solve``.

    Examples
    --------
    >>> import autograd_core.numpy as anp
    >>> factor = anp.linalg.cho_factor([[4.0, 2.0], [2.0, 5.0]])
    >>> anp.linalg.cho_solve(factor, [8.0, 12.0]).numpy()
    array([1., 2.])
    """
    try:
        c, lower = c_and_lower
    except (TypeError, ValueError):
        c = lower = None
    if not isinstance(lower, (bool, int, np.bool_)):
        raise ShapeError(
            "cho_solve: expected the pair (factor, lower) of cho_factor, and b: cho_solve((c, lower), b); the first "
            f"argument is a {type(c_and_lower).__name__}. A factor of cholesky is lower: cho_solve((c, True), b)."
        )
    c, b = _fitting("cho_solve", c, b)
    column = np.reshape(tensor(b), (-1, 1)) if b.ndim == 1 else b
    first, second = (0, 2) if lower else (2, 0)
    half = solve_triangular(c, column, lower=lower, trans=first)
    x = solve_triangular(c, half, lower=lower, trans=second)
    return x[..., 0] if b.ndim == 1 else x


# -- tables ------------------------------------------------------------------------------------------------------------

ROWS = (SOLVE_TRIANGULAR,)

OVERLOADS: dict[Any, Any] = {}
