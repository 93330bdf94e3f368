"""Dividing by gaps between eigenvalues or singular values, some of which may be closed.

The vectors of a decomposition turn when the matrix changes, and how far is a quotient whose denominator is a gap. Where
values are equal (to rounding) their vectors are one choice out of many, not functions of the matrix, and the quotient
is infinite. A zero cotangent wins: a loss that uses only the values, or only the space that the vectors of the group
span, gets a finite gradient. A loss that depends on the choice has no gradient and gets NaN. So does a loss whose
values *and* vectors work together within a group, such as ``(v * f(w)) @ v.T``: its derivative needs f'(w), which
cannot be told from the cotangents of w and v there.

The values themselves have a kink where they meet: their cotangents are shared evenly in the group, which is the
subgradient of least norm.

In forward mode likewise: NaN for the vectors of a group whose values the tangent drives apart.
"""

from __future__ import annotations

import numpy as np

from .matrices import adjoint

EQUAL = (
    "equal values share evenly; NaN if a loss depends on the choice of their vectors, or on values and vectors together"
)


def gaps(values):
    """``values[j] - values[i]``, as a matrix."""
    return values[..., None, :] - values[..., :, None]


def nothing_but_rounding(x, size, times: float):
    """Where ``x`` is at most ``times`` a rounding error of terms of ``size``."""
    return np.less_equal(np.abs(x), times * float(np.finfo(x.dtype).eps) * size)


def closed_gaps(gap, values):
    """Where a gap between ``values`` is nothing but rounding."""
    return nothing_but_rounding(gap, np.sum(np.abs(values), axis=-1)[..., None, None], 10.0)


def over_gaps(x, gap, closed, evidence, size):
    """``x / gap``; where the gap is closed 0 if ``evidence`` is 0 up to the rounding of terms of ``size``, else NaN."""
    zero, nan = np.zeros((), gap.dtype), np.full((), np.nan, gap.dtype)
    instead = np.where(nothing_but_rounding(evidence, size, 1e3), zero, nan)
    return np.where(closed, instead, x / np.where(closed, 1, gap))


def shared(x, closed):
    """Entries of the last axis shared evenly among those whose gap is closed."""
    return np.sum(np.where(closed, x[..., None, :], 0), axis=-1) / np.sum(closed, axis=-1, dtype=x.dtype)


def skew_part(x):
    """Half of ``x - x^H``."""
    return (x - adjoint(x)) / 2


def symmetric_part(x):
    """Half of ``x + x^H``."""
    return (x + adjoint(x)) / 2


def scale_of(x):
    """Sum of moduli of each matrix, as the scale of its rounding errors."""
    return np.sum(np.abs(x), axis=(-2, -1), keepdims=True)


def diagonals(x):
    """Diagonal of each Hermitian matrix: real."""
    return np.real(np.diagonal(x, axis1=-2, axis2=-1))


def off_diagonal(n: int, dtype):
    """Ones but for the diagonal."""
    return 1 - np.eye(n, dtype=dtype)


def both_used(ct_values, together):
    """Entries of ``together``, off the diagonal, where the loss also depends on one of the two values."""
    used = np.not_equal(ct_values, 0)
    used = used[..., None, :] | used[..., :, None]
    return np.where(used, np.abs(together), 0) * off_diagonal(ct_values.shape[-1], ct_values.dtype)
