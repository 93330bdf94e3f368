"""Batching rules of linear algebra: LAPACK's functions take stacks of matrices in the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.decompositions import EIG, QR, SVD, SVDVALS
from ..ops.determinants import COFACTORS, COFACTORS_ALONG, COFACTORS_ALONG_TWO, DET, SLOGDET
from ..ops.exponential_of_matrices import EXPM, EXPM_ALONG
from ..ops.gaps import HELD
from ..ops.least_squares import MATRIX_RANK, PINV
from ..ops.linalg import INV, SOLVE
from ..ops.symmetric import CHOLESKY, EIGH, EIGVALSH
from ..ops.triangular import SOLVE_TRIANGULAR
from ..primitive import Primitive, apply
from .laying import Rule, all_spread, as_it_is, ndim_of, padded


def _with_limits(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """A limit may be given for each matrix of a stack."""
    if any(np.ndim(value) for value in params.values() if value is not None and not isinstance(value, str)):
        return NotImplemented
    return apply(row, tuple(args), params)


def _all(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return apply(row, tuple(all_spread(args, mapped, size)), params)


def _solve(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    a, b = args
    na, nb = ndim_of(a, mapped[0]), ndim_of(b, mapped[1])
    if na < 2 or nb < 1:
        return NotImplemented  # an error
    if not mapped[0] and na == 2 and nb <= 2:
        return _one_matrix(row, a, b, nb, params)
    if nb == 1:
        b = np.reshape(b, (*b.shape, 1))
    ndim = max(na, nb, 2)
    out = apply(row, (padded(a, ndim) if mapped[0] else a, padded(b, ndim) if mapped[1] else b), params)
    return out[..., 0] if nb == 1 else out


def _one_matrix(row: Primitive, a: Any, b: Any, nb: int, params: dict[str, Any]) -> Any:
    """The right sides of all examples side by side: the matrix is factored once."""
    if nb == 1:
        return np.transpose(apply(row, (a, np.transpose(b)), params))
    size, n, m = b.shape
    wide = np.reshape(np.transpose(b, (1, 0, 2)), (n, size * m))
    return np.transpose(np.reshape(apply(row, (a, wide), params), (n, size, m)), (1, 0, 2))


_STACKS = (INV, DET, COFACTORS, SLOGDET, CHOLESKY, EIGH, EIGVALSH, SVD, SVDVALS, QR, EIG, EXPM)

RULES: dict[Primitive, Rule] = {
    **dict.fromkeys(_STACKS, as_it_is),
    **dict.fromkeys((PINV, MATRIX_RANK), _with_limits),
    **dict.fromkeys((COFACTORS_ALONG, COFACTORS_ALONG_TWO, EXPM_ALONG, HELD), _all),
    SOLVE: _solve,
    SOLVE_TRIANGULAR: _solve,
}
