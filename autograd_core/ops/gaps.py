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

A singular value of 0 and its negative, which would belong to a vector of the other sign, are such a group.

Second derivatives need more than the shares: in a group the cotangents of the values change with the values one by one,
and with the vectors. ``HELD`` keeps what is shared from being differentiated where that would matter.
"""

from __future__ import annotations

import numpy as np

from ..primitive import Primitive
from .matrices import adjoint, run

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
    """Entries of ``together``, off the diagonal, where the loss also depends on the values."""
    used = np.not_equal(ct_values, 0)[..., None, :]  # if of two equal values one is used alone, see ``alone``
    return np.where(used, np.abs(together), 0) * off_diagonal(ct_values.shape[-1], ct_values.dtype)


def nowhere_used(ct) -> bool:
    """Whether no cotangent has arrived at all: zeros that one number stands for, see ``cotangents.complete``."""
    return ct.__class__ is np.ndarray and ct.size > 1 and not any(ct.strides) and not ct.flat[0]


def alone(x, closed, zero=False):
    """``shared(x, closed)``, NaN where entries that share are not equal: for values used together with vectors.

    A value of 0 shares with its negative, whose entry is ``-x``.
    """
    together = np.where(zero, 0, shared(x, closed))
    equal = nothing_but_rounding(x - together, np.sum(np.abs(x), axis=-1, keepdims=True), 1e3)
    return np.where(equal, together, np.full((), np.nan, x.dtype))


# -- second derivatives ------------------------------------------------------------------------------------------------


def _apart(x, closed, zero):
    """Whether ``x`` is more than a multiple of the identity in the rows of a group; than 0 for values of 0."""
    each = np.where(zero, 0, shared(np.diagonal(x, axis1=-2, axis2=-1), closed))
    rest = x - each[..., None] * np.eye(x.shape[-1], dtype=x.dtype)
    return np.any(closed & np.logical_not(nothing_but_rounding(rest, scale_of(x), 1e3)), axis=-1, keepdims=True)


def _not_through(ct, ans, x, closed, zero):
    driven = np.any(np.not_equal(ct, 0), axis=-1, keepdims=True) & _apart(x, closed, zero)
    lost = driven | _apart(ct, closed, zero)
    return np.where(lost, np.full((), np.nan, ct.dtype), np.where(zero[..., None], np.zeros((), ct.dtype), ct))


def _kept_at_zero(x, closed, zero):
    return np.where(zero[..., None] & np.equal(x, x), np.zeros((), x.dtype), x)  # a NaN stays: see above


def _sample_held(draw):
    shape = (draw.integer(0, 3),) * 2
    return (draw.array(shape), np.eye(shape[0], dtype=bool), np.zeros(shape[0], dtype=bool)), {}


HELD = Primitive(
    "held", _kept_at_zero,
    vjps=(_not_through, None, None), jvps=(_not_through, None, None),
    sample=_sample_held, kink="NaN where it would tell entries of a group apart",
    doc="Matrix x between eigenvectors or singular vectors, the same for all of a group of equal values; 0 for zeros.",
)  # fmt: skip

ROWS = (HELD,)


def held(x, closed, zero=None):
    """``x``, of which no derivative is taken that would tell entries of a group apart; 0 in the rows ``zero``."""
    return run(HELD, x, closed, np.zeros(x.shape[:-1], bool) if zero is None else zero)


def spread_out(shares, closed, zero=None):
    """Diagonal matrix of what the values of each group share."""
    return held(shares[..., None] * np.eye(shares.shape[-1], dtype=shares.dtype), closed, zero)
