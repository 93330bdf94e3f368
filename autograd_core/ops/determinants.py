"""Determinants, with derivatives that hold at singular matrices too.

A determinant is a polynomial, so it has all derivatives everywhere; only the usual formula, ``det(a) inv(a).T``, breaks
down at a singular matrix. The first derivative is the matrix of cofactors, the next ones are derivatives of those. With
``a = u diag(s) vh`` the cofactors of ``a`` are those of ``diag(s)``, turned: products of all singular values but one;
but two or three for their derivatives. Well-conditioned matrices take the usual formula, which is faster.
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


def _all_but_three(s):
    """Products of all entries of the last axis but three different ones; 0 where two of the three are the same."""
    same = np.eye(s.shape[-1], dtype=bool)
    i, j, k = same[:, None, None, :], same[None, :, None, :], same[None, None, :, :]
    products = np.where(i | j | k, 1, s[..., None, None, None, :]).prod(axis=-1)
    return np.where((i & j | j & k | i & k).any(axis=-1), 0, products)


def _cofactors_along_two(a, t, c):
    """Derivative of the cofactors along ``t`` and ``c``, also of singular matrices."""
    # With a = u diag(s) vh it is, for each three rows, what the determinant of a 3 x 3 matrix gives, of p and q and a
    # third direction; times the product of the other singular values.
    u, s, vh, turn = _turned(a)
    p, q = adjoint(u) @ t @ adjoint(vh), adjoint(u) @ c @ adjoint(vh)
    w = _all_but_three(s)

    def term(path, *factors):
        return np.einsum(path, w, *factors)

    diagonal = term("...ijk,...ii,...jj->...k", p, q) - term("...ijk,...ij,...ji->...k", p, q)
    rest = term("...ijk,...ki,...ij->...kj", p, q) + term("...ijk,...ki,...ij->...kj", q, p)
    rest = rest - term("...ijk,...ii,...kj->...kj", p, q) - term("...ijk,...ii,...kj->...kj", q, p)
    inner = rest.mT + diagonal[..., None] * np.eye(s.shape[-1], dtype=s.dtype)
    return turn * conjugate(u) @ inner @ conjugate(vh)


# -- det ---------------------------------------------------------------------------------------------------------------


def _third(a, t, c):
    """Derivative of the cofactors along ``t`` and ``c``: the third derivative of det."""
    if a.shape[-1] < 3:  # det is a polynomial of degree n: nothing is left, not even rounding
        return np.zeros(np.broadcast_shapes(a.shape, t.shape, c.shape), np.result_type(a, t, c))
    d, x = _inverse_if_accurate(a)
    return _cofactors_along_two(a, t, c) if x is None else _usual_third(d[..., None, None], x.mT, t, c)


def _usual_third(d, x, t, c):
    xt, xc = x @ t.mT, x @ c.mT
    trace_t, trace_c = _trace(xt), _trace(xc)
    both = xt @ xc
    return d * ((trace_t * trace_c - _trace(both)) * x - (trace_c * xt + trace_t * xc - both - xc @ xt) @ x)


def _fourth(e, ans, a, t, c):
    # The derivative of `_usual_third` along e; a must be invertible for it.
    if a.shape[-1] < 4:
        return np.zeros(e.shape, e.dtype)
    d, x = np.linalg.det(a)[..., None, None], np.linalg.inv(a).mT
    xt, xc, xe = x @ t.mT, x @ c.mT, x @ e.mT
    dt, dc = -xe @ xt, -xe @ xc
    both, d_both = xt @ xc, dt @ xc + xt @ dc
    trace_t, trace_c = _trace(xt), _trace(xc)
    factor, d_factor = trace_t * trace_c - _trace(both), _trace(dt) * trace_c + trace_t * _trace(dc) - _trace(d_both)
    left = trace_c * xt + trace_t * xc - both - xc @ xt
    d_left = _trace(dc) * xt + trace_c * dt + _trace(dt) * xc + trace_t * dc - d_both - dc @ xt - xc @ dt
    change = d_factor * x - d_left @ x - (factor * xe - left @ xe) @ x
    return d * (_trace(xe) * (factor * x - left @ x) + change)


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


def _sample_along_two(draw):
    """A matrix of any rank and two directions; four rows have a fourth derivative, which needs an invertible matrix."""
    if draw.choice((False, False, True)):
        a = sample_matrix(draw, (*sample_batch(draw), 4, 4))
    else:
        (a,), _ = _sample_singular_too(draw)
    return (a, draw.array(a.shape), draw.array(a.shape)), {}


# Derivatives of det are symmetric in their directions, and a cotangent is one of these; so the same rules push forward.
COFACTORS_ALONG_TWO: Primitive = Primitive(
    "cofactors_along_two", _third, doc="Derivative of the cofactors of a along t and c.",
    vjps=(_fourth, lambda e, ans, a, t, c: run(COFACTORS_ALONG_TWO, a, e, c),
          lambda e, ans, a, t, c: run(COFACTORS_ALONG_TWO, a, t, e)),
    jvps=(_fourth, lambda e, ans, a, t, c: run(COFACTORS_ALONG_TWO, a, e, c),
          lambda e, ans, a, t, c: run(COFACTORS_ALONG_TWO, a, t, e)),
    sample=_sample_along_two,
)  # fmt: skip
COFACTORS_ALONG: Primitive = Primitive(
    "cofactors_along", _cofactors_along, doc="Derivative of the cofactors of a along t.",
    vjps=(lambda c, ans, a, t: run(COFACTORS_ALONG_TWO, a, t, c), lambda c, ans, a, t: run(COFACTORS_ALONG, a, c)),
    jvps=(lambda c, ans, a, t: run(COFACTORS_ALONG_TWO, a, t, c), lambda c, ans, a, t: run(COFACTORS_ALONG, a, c)),
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

    VJP: ``ct`` times the cofactors of ``a``, right for singular matrices too; so are the second and third derivatives.
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

ROWS = (DET, COFACTORS, COFACTORS_ALONG, COFACTORS_ALONG_TWO, SLOGDET)

OVERLOADS: dict[Any, Any] = {np.linalg.det: det, np.linalg.slogdet: slogdet}
