"""Linear algebra with Keras's arguments, over ``autograd_core.numpy.linalg``. Matrices are the last two axes."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .elements import floating


def cholesky(x: Any, upper: bool = False) -> Any:
    """Triangular factor of positive definite matrices."""
    return anp.linalg.cholesky(floating(x), upper=upper)


def det(x: Any) -> Any:
    """Determinants."""
    return anp.linalg.det(floating(x))


def eig(x: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors."""
    return tuple(anp.linalg.eig(floating(x)))  # type: ignore[return-value]


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors of symmetric matrices."""
    return tuple(anp.linalg.eigh(floating(x)))  # type: ignore[return-value]


def inv(x: Any) -> Any:
    """Inverses."""
    return anp.linalg.inv(floating(x))


def logdet(x: Any) -> Any:
    """Logarithms of the absolute values of determinants."""
    return anp.linalg.slogdet(floating(x))[1]


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """``x`` for which ``a @ x - b`` is shortest."""
    return anp.linalg.lstsq(floating(a), floating(b), rcond=rcond)[0]


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors or matrices, as ``numpy.linalg.norm``."""
    return anp.linalg.norm(floating(x), ord=ord, axis=axis, keepdims=keepdims)


def qr(x: Any, mode: str = "reduced") -> tuple[Any, Any]:
    """Matrices as the product of an orthogonal and an upper triangular one."""
    if mode not in ("reduced", "complete"):
        raise ag.DomainError(f"qr: mode is {mode!r}; expected 'reduced' or 'complete'.")
    return tuple(anp.linalg.qr(floating(x), mode=mode))  # type: ignore[return-value]


def solve(a: Any, b: Any) -> Any:
    """``x`` with ``a @ x == b``; ``b`` has one axis less than ``a`` if it is a vector for each matrix."""
    a, b = floating(a), floating(b)
    if b.ndim == a.ndim - 1:
        return anp.linalg.solve(a, b[..., None])[..., 0]
    return anp.linalg.solve(a, b)


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """``solve`` for triangular matrices, of which the other triangle is not looked at."""
    a, b = floating(a), floating(b)
    if b.ndim == a.ndim - 1:
        return anp.linalg.solve_triangular(a, b[..., None], lower=lower)[..., 0]
    return anp.linalg.solve_triangular(a, b, lower=lower)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular values, between the two matrices of singular vectors if ``compute_uv``."""
    found = anp.linalg.svd(floating(x), full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(found) if compute_uv else found


FUNCTIONS = (cholesky, det, eig, eigh, inv, logdet, lstsq, norm, qr, solve, solve_triangular, svd)
