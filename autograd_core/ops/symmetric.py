"""Decompositions of symmetric (Hermitian) matrices: cholesky, eigh.

They are functions of the symmetric part ``(a + a^H) / 2``, which for a symmetric matrix is the matrix, exactly. Their
gradients are therefore symmetric, as in JAX and PyTorch, and agree with differences in any direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DomainError
from ..primitive import Primitive, apply
from .gaps import (
    EQUAL,
    alone,
    both_used,
    closed_gaps,
    diagonals,
    gaps,
    held,
    nowhere_used,
    off_diagonal,
    over_gaps,
    scale_of,
    shared,
    skew_part,
    spread_out,
    symmetric_part,
)
from .gaps import (
    ROWS as GAP_ROWS,
)
from .matrices import adjoint, conjugate, sample_batch, sample_settled, sample_symmetric, squares, tensor

__all__ = ["cholesky", "eigh", "eigvalsh"]


# -- cholesky ----------------------------------------------------------------------------------------------------------


def _checked_symmetric_part(name: str, a, fix: str):
    """``(a + a^H) / 2``; refuses matrices of which only one triangle is filled."""
    other = adjoint(a)
    if a.size and np.abs(a - other).max() > 0.05 * np.abs(a).max():
        filled = [np.any(np.tril(a, -1)), np.any(np.triu(a, 1))]
        if filled[0] != filled[1]:
            raise DomainError(
                f"{name}: only the {'lower' if filled[0] else 'upper'} triangle of the matrix is filled (shape "
                f"{a.shape}); expected the whole symmetric matrix. {fix}"
            )
    return (a + other) / 2


def _half_lower(x):
    """Lower triangle with its diagonal halved."""
    return np.tril(x) - x * (np.eye(x.shape[-1], dtype=x.dtype) / 2)


def _cholesky(a):
    part = _checked_symmetric_part("cholesky", a, "Mirror it first: np.tril(a) + np.tril(a, -1).mT.conj().")
    try:
        return np.linalg.cholesky(part)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(
            "The matrix is not positive definite; if it should be, rounding may have made an eigenvalue negative: add "
            "a little to its diagonal"
        ) from None


def _cholesky_pull(ct, ans, a):
    # L^-T phi(L^T ct) L^-1, symmetrised: Murray (2016), "Differentiation of the Cholesky decomposition".
    inner = _half_lower(ans.mT @ ct)
    half = np.linalg.solve(ans.mT, inner)
    pulled = np.linalg.solve(adjoint(ans), half.mT).mT
    return symmetric_part(pulled)


def _cholesky_push(t, ans, a):
    # L phi(L^-1 da L^-H), where phi takes the lower triangle and half the diagonal.
    half = np.linalg.solve(ans, symmetric_part(t))
    return ans @ _half_lower(np.linalg.solve(ans, adjoint(half)))


def _sample_positive_definite(draw):
    n = draw.integer(0, 3)
    return (sample_symmetric(draw, (*sample_batch(draw), n, n)),), {}


CHOLESKY = Primitive(
    "cholesky", _cholesky, keeps=False, vjps=(_cholesky_pull,), jvps=(_cholesky_push,),
    sample=_sample_positive_definite, doc="Lower triangular L with L L^H = (a + a^H) / 2.",
)  # fmt: skip


def cholesky(a, /, *, upper: bool = False):
    """Cholesky factor L of ``a = L L^H``, as ``numpy.linalg.cholesky``; its adjoint if ``upper``.

    Of the symmetric part ``(a + a^H) / 2``, so that the gradient is symmetric (NumPy, on arrays, looks at the lower
    triangle alone; for a symmetric matrix both are the same). Raises LinAlgError if it is not positive definite.
    """
    lower = apply(CHOLESKY, (squares("cholesky", a),), {})
    return adjoint(lower) if upper else lower


# -- eigh --------------------------------------------------------------------------------------------------------------


_SAY_WHICH = "Say UPLO='L' or UPLO='U' to have it mirrored."


def _eigh(a, *, uplo):
    return tuple(np.linalg.eigh(_checked_symmetric_part("eigh", a, _SAY_WHICH), uplo))


def _eigvalsh(a, *, uplo):
    return np.linalg.eigvalsh(_checked_symmetric_part("eigvalsh", a, _SAY_WHICH), uplo)


def _eigh_pull(ct, ans, a, *, uplo):
    # Giles (2008), "Collected matrix derivative results", 3.1. Only the skew part of v^T ct_v changes with the matrix.
    (ct_w, ct_v), (w, v) = ct, ans
    turned = v.mT @ ct_v
    gap = gaps(w)
    closed = closed_gaps(gap, w)
    skew = skew_part(turned)
    evidence = np.abs(skew) + both_used(ct_w, turned)
    inner = over_gaps(skew, gap, closed, evidence, scale_of(ct_v))
    inner = inner + spread_out((shared if nowhere_used(ct_v) else alone)(ct_w, closed), closed)
    return symmetric_part(conjugate(v) @ inner @ v.mT)


def _eigh_push(t, ans, a, *, uplo):
    w, v = ans
    turned = adjoint(v) @ symmetric_part(t) @ v
    gap = gaps(w)
    closed = closed_gaps(gap, w)
    off = turned * off_diagonal(w.shape[-1], w.dtype)
    changes = diagonals(held(turned, closed))
    evidence = np.abs(off) + np.abs(gaps(changes))
    return shared(changes, closed), v @ over_gaps(off, gap, closed, evidence, scale_of(t))


def _eigvalsh_pull(ct, ans, a, *, uplo):
    w, v = np.linalg.eigh(symmetric_part(a), uplo)
    closed = closed_gaps(gaps(w), w)
    return symmetric_part(conjugate(v) @ spread_out(shared(ct, closed), closed) @ v.mT)


def _eigvalsh_push(t, ans, a, *, uplo):
    w, v = np.linalg.eigh(symmetric_part(a), uplo)
    closed = closed_gaps(gaps(w), w)
    return shared(diagonals(held(adjoint(v) @ symmetric_part(t) @ v, closed)), closed)


def _sample_symmetric(draw):
    n, batch, uplo = draw.integer(0, 3), sample_batch(draw), draw.choice(("L", "U"))
    a = sample_settled(lambda: sample_symmetric(draw, (*batch, n, n)), lambda a: _eigh(a, uplo=uplo))
    return (a,), {"uplo": uplo}


EIGH = Primitive(
    "eigh", _eigh, keeps=False, vjps=(_eigh_pull,), jvps=(_eigh_push,), sample=_sample_symmetric, kink=EQUAL,
    doc="Eigenvalues w, ascending, and eigenvectors v (columns) of the symmetric part: a v = v diag(w).",
)  # fmt: skip
EIGVALSH = Primitive(
    "eigvalsh", _eigvalsh, vjps=(_eigvalsh_pull,), jvps=(_eigvalsh_push,), sample=_sample_symmetric,
    doc="Eigenvalues of the symmetric part, ascending.", kink="equal values share evenly",
)  # fmt: skip


def _mirrored(name: str, a, uplo):
    """``a``, of which LAPACK shall read one triangle, as a full symmetric matrix; and that triangle's letter."""
    a = squares(name, a)
    if uplo is None:
        return a, "L"
    if uplo not in ("L", "U", "l", "u"):
        raise DomainError(f'{name}: UPLO must be "L" or "U"; got {uplo!r}.')
    if uplo in "Ll":
        return np.tril(tensor(a)) + adjoint(np.tril(tensor(a), -1)), "L"
    return np.triu(tensor(a)) + adjoint(np.triu(tensor(a), 1)), "U"


def eigh(a, UPLO=None):
    """Eigenvalues and eigenvectors of symmetric (Hermitian) matrices, as ``numpy.linalg.eigh``.

    Parameters
    ----------
    a : array_like, Tensor or Variable, shape (..., n, n)
    UPLO : {"L", "U"}, optional
        Read this triangle only, and take the other to be its mirror image; the gradient then is of that triangle. If it
        is not given the symmetric part ``(a + a^H) / 2`` is used, so that the gradient is symmetric.

    Returns
    -------
    EighResult (eigenvalues, eigenvectors) of Tensors.

    Notes
    -----
    Equal eigenvalues: a loss that uses the eigenvalues alone, or the space of their vectors alone, has a finite
    gradient; one that depends on the choice of vectors in it gets NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.grad(lambda a: np.linalg.eigh(a).eigenvalues[-1])(np.diag([1.0, 3.0]))  # of the largest: v v^T
    array([[0., 0.],
           [0., 1.]])
    """
    a, uplo = _mirrored("eigh", a, UPLO)
    return _EIGH_RESULT(*apply(EIGH, (a,), {"uplo": uplo}))


def eigvalsh(a, UPLO=None):
    """Eigenvalues of symmetric (Hermitian) matrices, as ``numpy.linalg.eigvalsh``; ``UPLO`` as in ``eigh``."""
    a, uplo = _mirrored("eigvalsh", a, UPLO)
    return apply(EIGVALSH, (a,), {"uplo": uplo})


_EIGH_RESULT = type(np.linalg.eigh(np.eye(1)))  # NumPy's own named tuple: unpacking and .eigenvalues work

ROWS = (CHOLESKY, EIGH, EIGVALSH, *GAP_ROWS)

OVERLOADS: dict[Any, Any] = {np.linalg.cholesky: cholesky, np.linalg.eigh: eigh, np.linalg.eigvalsh: eigvalsh}
