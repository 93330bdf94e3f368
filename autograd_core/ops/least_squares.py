"""Least squares: the pseudo-inverse, the solution of systems that have none or many, and the rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..primitive import Primitive, apply
from ..tensor import Tensor
from ..tracing import is_known
from .decompositions import svdvals
from .matrices import adjoint, conjugate, matrices, operand, sample_batch, sample_matrix, tensor

__all__ = ["lstsq", "matrix_rank", "pinv"]

_UNSET = object()


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
    (x, residuals, rank, s) of Tensors. All but the rank are differentiable, where the rank does not change. Without
    full rank there are no residuals; in a traced function they are NaN.
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
    if m <= n or (is_known(rank) and int(rank) != n):
        return x, Tensor(np.zeros(0, x.dtype), None), rank, s
    residuals = np.sum(np.square(np.abs(_columns(b - a @ x))), axis=0)
    if not is_known(rank):  # their number must not depend on it
        residuals = np.where(np.equal(rank, n), residuals, np.asarray(np.nan, residuals.dtype))
    return x, residuals, rank, s


def _rank(a, **tolerance):
    if not a.size:  # before NumPy 2.3 an error
        return np.zeros(a.shape[:-2], np.intp)
    return np.linalg.matrix_rank(a, **tolerance)


MATRIX_RANK = Primitive(
    "matrix_rank", _rank, vjps=None, sample=_sample_tall_or_wide,
    doc="Number of singular values above rounding.",
)  # fmt: skip


def matrix_rank(A, tol=None, hermitian: bool = False, *, rtol=None):
    """Rank of each matrix, as ``numpy.linalg.matrix_rank``. An integer: it has no derivative."""
    return apply(MATRIX_RANK, (operand(A),), {"tol": tol, "hermitian": hermitian, "rtol": rtol})


ROWS = (PINV, LSTSQ, MATRIX_RANK)

OVERLOADS: dict[Any, Any] = {
    np.linalg.pinv: pinv, np.linalg.lstsq: lstsq, np.linalg.matrix_rank: matrix_rank,
}  # fmt: skip
