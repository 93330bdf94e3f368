"""Determinants, with derivatives that hold at singular matrices too.

A determinant is a polynomial, so it has all derivatives everywhere; only the usual formula, ``det(a) inv(a).T``, breaks
down at a singular matrix. The first derivative is the matrix of cofactors, the second is the derivative of those. With
``a = u diag(s) vh`` the cofactors of ``a`` are those of ``diag(s)``, turned: products of all singular values but one.
Well-conditioned matrices take the usual formula, which is faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import Primitive, apply
from .matrices import adjoint, conjugate, run, sample_batch, sample_matrix, sample_orthogonal, squares

__all__ = ["det", "slogdet"]


# -- cofactors on arrays -----------------------------------------------------------------------------------------------


def _inverse_if_accurate(a):
    """Determinants and inverses, None in their place if one of the matrices is close to singular."""
    d = np.linalg.det(a)
    if not d.all():
        return None, None
    x = np.linalg.inv(a)
    condition = np.abs(a).sum(axis=(-2, -1)) * np.abs(x).sum(axis=(-2, -1))
    # Cofactors computed from the inverse are off by condition * eps, those from singular values by eps.
    return (d, x) if (condition < np.finfo(condition.dtype).eps ** -0.25).all() else (None, None)


def _turned(a):
    """Singular vectors and values; and the determinant of both turns together, a number of modulus 1."""
    u, s, vh = np.linalg.svd(a)
    return u, s, vh, (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


def _all_but_one(s):
    """Products of all entries of the last axis but one."""
    return np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(axis=-1)


def _all_but_two(s):
    """Products of all entries of the last axis but the i-th and the j-th, as a matrix."""
    same = np.eye(s.shape[-1], dtype=bool)
    return np.where(same[:, None, :] | same[None, :, :], 1, s[..., None, None, :]).prod(axis=-1)


def _cofactors(a):
    d, x = _inverse_if_accurate(a)
    if x is not None:
        return d[..., None, None] * x.mT
    u, s, vh, turn = _turned(a)
    return turn * (conjugate(u) * _all_but_one(s)[..., None, :]) @ conjugate(vh)


def _cofactors_along(a, t):
    d, x = _inverse_if_accurate(a)
    if x is not None:
        x = x.mT
        trace = np.sum(x * t, axis=(-2, -1), keepdims=True)
        return d[..., None, None] * (trace * x - x @ t.mT @ x)
    u, s, vh, turn = _turned(a)
    p = adjoint(u) @ t @ adjoint(vh)
    products = _all_but_two(s)  # its diagonal cancels below
    diagonal = (products @ np.diagonal(p, axis1=-2, axis2=-1)[..., None]) * np.eye(s.shape[-1], dtype=s.dtype)
    return turn * conjugate(u) @ (diagonal - products * p.mT) @ conjugate(vh)


# -- det ---------------------------------------------------------------------------------------------------------------


def _cofactors_along_wrt_a(ct, ans, a, t):
    # The third derivative of det in the directions t and ct, by the usual formula: a must be invertible for it.
    d, x = np.linalg.det(a)[..., None, None], np.linalg.inv(a).mT
    xt, xc = x @ t.mT, x @ ct.mT
    trace_t, trace_c = _trace(xt), _trace(xc)
    both = xt @ xc
    return d * ((trace_t * trace_c - _trace(both)) * x - (trace_c * xt + trace_t * xc - both - xc @ xt) @ x)


def _trace(x):
    return np.sum(np.diagonal(x, axis1=-2, axis2=-1), axis=-1)[..., None, None]


def _sample_square(draw):
    n = draw.integer(0, 3)
    return (sample_matrix(draw, (*sample_batch(draw), n, n)),), {}


def _sample_singular_too(draw):
    """A matrix of any rank."""
    n = draw.integer(0, 3)
    shape = (*sample_batch(draw), n, n)
    values = draw.array(shape[:-1], 0.5, 2.0) * (draw.array(shape[:-1]) > draw.choice((-3, 0)))
    a = sample_orthogonal(draw, shape) * values[..., None, :] @ sample_orthogonal(draw, shape)
    return (a.astype(draw.dtype),), {}


COFACTORS_ALONG: Primitive = Primitive(
    "cofactors_along", _cofactors_along, doc="Derivative of the cofactors of a along t.",
    # Symmetric in t and ct: both are directions of the second derivative of det.
    vjps=(_cofactors_along_wrt_a, lambda ct, ans, a, t: run(COFACTORS_ALONG, a, ct)),
    sample=lambda draw: ((a := _sample_square(draw)[0][0], draw.array(a.shape)), {}),
)  # fmt: skip
COFACTORS = Primitive(
    "cofactors", _cofactors, doc="Cofactors: the derivative of det.",
    vjps=(lambda ct, ans, a: run(COFACTORS_ALONG, a, ct),),
    jvps=(lambda t, ans, a: run(COFACTORS_ALONG, a, t),),
    sample=_sample_square,
)  # fmt: skip
DET = Primitive(
    "det", np.linalg.det, doc="Determinant.",
    vjps=(lambda ct, ans, a: ct[..., None, None] * run(COFACTORS, a),),
    jvps=(lambda t, ans, a: np.sum(t * run(COFACTORS, a), axis=(-2, -1)),),
    sample=_sample_singular_too, kink="none: at a singular matrix the gradient is that of the polynomial",
)  # fmt: skip


def det(a):
    """Determinant, as ``numpy.linalg.det``.

    VJP: ``ct`` times the cofactors of ``a``, right for singular matrices too; so is the second derivative.
    """
    return apply(DET, (squares("det", a),), {})


# -- slogdet -----------------------------------------------------------------------------------------------------------


def _transposed_inverse(a, sign):
    """``inv(a).T``; NaN for singular matrices, where the logarithm has no derivative."""
    singular = np.equal(sign, 0)[..., None, None]
    x = np.linalg.inv(np.where(singular, np.eye(a.shape[-1], dtype=a.dtype), a)).mT
    return np.where(singular, np.full((), np.nan, a.dtype), x)


def _slogdet_pull(ct, ans, a):
    ct_sign, ct_log = ct
    sign = ans[0]
    if sign.dtype.kind == "c":  # the sign is e^(i phase), and the phase changes by the imaginary part of trace(a^-1 da)
        ct_log = ct_log + 1j * np.imag(ct_sign * sign)
    ct_log = ct_log[..., None, None]
    zero = np.equal(ct_log, 0)  # wins over the infinite derivative of a singular matrix
    return np.where(zero, np.zeros((), ct_log.dtype), ct_log * _transposed_inverse(a, sign))


def _slogdet_push(t, ans, a):
    change = np.sum(t * _transposed_inverse(a, ans[0]), axis=(-2, -1))
    sign = ans[0]
    if sign.dtype.kind == "c":
        return sign * (1j * np.imag(change)), np.real(change)
    return np.zeros_like(sign), change


SLOGDET = Primitive(
    "slogdet", lambda a: tuple(np.linalg.slogdet(a)), vjps=(_slogdet_pull,), jvps=(_slogdet_push,),
    sample=_sample_square, doc="Sign of the determinant (a number of modulus 1) and logarithm of its modulus.",
    kink="singular: 0 if its cotangent is 0, else NaN",
)  # fmt: skip


def slogdet(a):
    """Sign and logarithm of the determinant, as ``numpy.linalg.slogdet``. VJP of the logarithm: ``ct * inv(a).T``.

    Returns
    -------
    SlogdetResult (sign, logabsdet) of Tensors.
    """
    return _SLOGDET_RESULT(*apply(SLOGDET, (squares("slogdet", a),), {}))


_SLOGDET_RESULT = type(np.linalg.slogdet(np.eye(1)))

ROWS = (DET, COFACTORS, COFACTORS_ALONG, SLOGDET)

OVERLOADS: dict[Any, Any] = {np.linalg.det: det, np.linalg.slogdet: slogdet}
