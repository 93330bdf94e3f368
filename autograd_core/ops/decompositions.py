"""Decompositions of general matrices: svd, qr, eig.

What they have in common: the factors of ``a + da`` are those of ``a``, turned a little. The turn is found from a small
equation between the factors; its entries are divided by R or by gaps (where values are equal: see ``gaps.py``).

A complex singular vector or eigenvector may be multiplied by a number of modulus 1, if its partner is too. ``svd`` and
``eigh`` return LAPACK's choice, and a loss that depends on it gets NaN; ``eig`` and ``qr`` fix it: vectors with a real
largest entry, an R with a real diagonal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NotDifferentiableError, UnsupportedError
from ..primitive import Primitive, apply
from .gaps import (
    EQUAL,
    alone,
    both_used,
    closed_gaps,
    diagonals,
    gaps,
    held,
    nothing_but_rounding,
    nowhere_used,
    off_diagonal,
    over_gaps,
    scale_of,
    shared,
    skew_part,
    spread_out,
    symmetric_part,
)
from .matrices import (
    adjoint,
    conjugate,
    matrices,
    sample_batch,
    sample_matrix,
    sample_settled,
    sample_symmetric,
    squares,
)
from .symmetric import eigh, eigvalsh

__all__ = ["eig", "eigvals", "qr", "svd", "svdvals"]


# -- svd ---------------------------------------------------------------------------------------------------------------


def _svd(a, *, full: bool):
    """The vectors that belong to singular values; if ``full`` then also those that only fill up the basis."""
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    if not full:
        return u, s, vh
    k = s.shape[-1]
    return u[..., :k], s, vh[..., :k, :], u[..., k:] if u.shape[-1] > k else vh[..., k:, :]


def _kept_away(name: str, what: str, ct) -> None:
    if np.any(np.not_equal(ct, 0)):
        raise NotDifferentiableError(
            f"{name}: a derivative was asked of {what}: any orthonormal basis would do there, so it is not a function "
            "of the matrix. Use the others only, or ask for the reduced form."
        )


def _zeros_among(s):
    """Which singular values are nothing but rounding."""
    return nothing_but_rounding(s, np.sum(np.abs(s), axis=-1, keepdims=True), 10.0)


def _svd_pull(ct, ans, a, *, full):
    # Let S and T be the symmetric and the skew part of u^H da v. Then u^H du = S / (s_j - s_i) + T / (s_j + s_i) and
    # v^H dv = S / (s_j - s_i) - T / (s_j + s_i); what sticks out of the span of u is da v / s, of v likewise.
    if full:
        _kept_away("svd", "the vectors that full_matrices=True adds", ct[3])
    (ct_u, ct_s, ct_vh), (u, s, vh) = ct[:3], ans[:3]
    turned_u, turned_v = u.mT @ ct_u, -(ct_vh @ vh.mT)
    gap, sums = gaps(s), s[..., None, :] + s[..., :, None]
    closed, zeros = closed_gaps(gap, s), _zeros_among(s)
    size = scale_of(ct_u) + scale_of(ct_vh)
    plus, minus = skew_part(turned_u + turned_v), skew_part(turned_u - turned_v)
    evidence = np.abs(plus) + both_used(ct_s, turned_u - turned_v)
    inner = over_gaps(plus, gap, closed, evidence, size)
    inner = inner + over_gaps(minus, sums, closed_gaps(sums, s), minus, size)
    values_only = nowhere_used(ct_u) and nowhere_used(ct_vh)
    inner = inner + spread_out(shared(ct_s, closed) if values_only else alone(ct_s, closed, zeros), closed, zeros)
    left, right = conjugate(u), conjugate(vh)
    pulled = left @ inner @ right
    if u.shape[-2] > u.shape[-1]:
        outside = ct_u - left @ turned_u
        row = s[..., None, :]
        pulled = pulled + over_gaps(outside, row, closed_gaps(row, s), outside, scale_of(ct_u)) @ right
    if vh.shape[-1] > vh.shape[-2]:
        outside = ct_vh + turned_v @ right
        column = s[..., :, None]
        pulled = pulled + left @ over_gaps(outside, column, closed_gaps(column, s), outside, scale_of(ct_vh))
    return pulled


def _svd_push(t, ans, a, *, full):
    u, s, vh = ans[:3]
    left, right, size = adjoint(u), adjoint(vh), scale_of(t)
    turned = left @ t @ right
    gap, sums = gaps(s), s[..., None, :] + s[..., :, None]
    closed = closed_gaps(gap, s)
    off, skew = symmetric_part(turned) * off_diagonal(s.shape[-1], s.dtype), skew_part(turned)
    changes = diagonals(held(turned, closed, _zeros_among(s)))
    plus = over_gaps(off, gap, closed, np.abs(off) + np.abs(gaps(changes)), size)
    minus = over_gaps(skew, sums, closed_gaps(sums, s), np.abs(symmetric_part(turned)) + np.abs(skew), size)
    t_u, t_s, t_vh = u @ (plus + minus), shared(changes, closed), (minus - plus) @ vh
    if u.shape[-2] > u.shape[-1]:
        outside = t @ right - u @ turned
        row = s[..., None, :]
        t_u = t_u + over_gaps(outside, row, closed_gaps(row, s), outside, size)
    if vh.shape[-1] > vh.shape[-2]:
        outside = left @ t - turned @ vh
        column = s[..., :, None]
        t_vh = t_vh + over_gaps(outside, column, closed_gaps(column, s), outside, size)
    return (t_u, t_s, t_vh, ans[3] * np.nan) if full else (t_u, t_s, t_vh)  # NaN: see _kept_away


def _svdvals_pull(ct, ans, a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    closed = closed_gaps(gaps(s), s)
    return conjugate(u) @ spread_out(shared(ct, closed), closed, _zeros_among(s)) @ conjugate(vh)


def _svdvals_push(t, ans, a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    closed = closed_gaps(gaps(s), s)
    changes = diagonals(held(adjoint(u) @ t @ adjoint(vh), closed, _zeros_among(s)))
    return shared(changes, closed)


def _sample_any(draw):
    return sample_matrix(draw, (*sample_batch(draw), draw.integer(0, 3), draw.integer(0, 3)))


SVD = Primitive(
    "svd", _svd, keeps=False, vjps=(_svd_pull,), jvps=(_svd_push,), kink=EQUAL + "; 0 for a singular value of 0",
    sample=lambda draw: ((sample_settled(lambda: _sample_any(draw), lambda a: _svd(a, full=False)),), {"full": False}),
    doc="Singular values s, descending, with a = u diag(s) vh.",
)  # fmt: skip
SVDVALS = Primitive(
    "svdvals", lambda a: np.linalg.svd(a, compute_uv=False), vjps=(_svdvals_pull,), jvps=(_svdvals_push,),
    sample=lambda draw: ((_sample_any(draw),), {}),
    doc="Singular values, descending.", kink="equal values share evenly; 0 for a singular value of 0",
)  # fmt: skip


def svd(a, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False):
    """Singular value decomposition ``a = u @ diag(s) @ vh``, as ``numpy.linalg.svd``.

    The vectors that ``full_matrices=True`` adds to fill up a basis have no derivative; asking for one raises
    NotDifferentiableError in reverse and gives NaN in forward mode. Equal singular values: see ``eigh``.

    Returns
    -------
    SVDResult (U, S, Vh) of Tensors; S alone if not ``compute_uv``.
    """
    if hermitian:
        return _svd_of_symmetric(a, compute_uv)
    if not compute_uv:
        return svdvals(a)
    a = matrices("svd", a)
    m, n = a.shape[-2:]
    if not full_matrices or m == n:
        return _SVD_RESULT(*apply(SVD, (a,), {"full": False}))
    u, s, vh, rest = apply(SVD, (a,), {"full": True})
    if m > n:
        return _SVD_RESULT(np.concatenate([u, rest], axis=-1), s, vh)
    return _SVD_RESULT(u, s, np.concatenate([vh, rest], axis=-2))


def _svd_of_symmetric(a, compute_uv: bool):
    """Through eigh, as NumPy does it: the moduli of the eigenvalues, with their signs moved into vh."""
    if not compute_uv:
        return np.flip(np.sort(np.abs(eigvalsh(a)), axis=-1), axis=-1)
    w, v = eigh(a)
    order = np.flip(np.argsort(np.abs(w), axis=-1), axis=-1)
    w = np.take_along_axis(w, order, axis=-1)
    v = np.take_along_axis(v, order[..., None, :], axis=-1)
    signs = np.where(np.less(w, 0), -1, 1).astype(w.dtype)
    return _SVD_RESULT(v, np.abs(w), adjoint(v * signs[..., None, :]))


def svdvals(x, /):
    """Singular values, descending, as ``numpy.linalg.svdvals``. VJP: ``u @ diag(ct) @ vh``."""
    return apply(SVDVALS, (matrices("svdvals", x),), {})


# -- qr ----------------------------------------------------------------------------------------------------------------


def _qr(a, *, complete: bool):
    q, r = np.linalg.qr(a, "complete" if complete else "reduced")
    n = a.shape[-1]
    return (q[..., :n], r[..., :n, :], q[..., n:]) if complete else (q, r)


def _solve(name: str, a, b):
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise NotDifferentiableError(
            f"{name}: no derivative at this matrix: "
            + ("its columns are linearly dependent." if name == "qr" else "it has too few eigenvectors (defective).")
        ) from None


def _lower(x):
    """Strictly lower part of the skew matrix ``x - x^H``, with half its diagonal (imaginary; 0 for real x)."""
    skew = x - adjoint(x)
    return (np.tril(skew) + np.tril(skew, -1)) / 2


def _qr_pull(ct, ans, a, *, complete):
    # Walter, Lehmann & Lamour (2012), "On evaluating higher-order derivatives of the QR decomposition of tall
    # matrices". A wide one is a = [b, c] with b = q r1 and r = [r1, q^H c].
    if complete:
        _kept_away("qr", 'the columns of q that mode="complete" adds', ct[2])
    (ct_q, ct_r), (q, r) = ct[:2], ans[:2]
    m, n = a.shape[-2:]
    left = conjugate(q)
    if m < n:
        first, rest = r[..., :m], r[..., m:]
        ct_first, ct_rest = ct_r[..., :m], ct_r[..., m:]
        pulled = _qr_pull_tall(ct_q + left @ conjugate(rest @ ct_rest.mT), ct_first, q, first)
        return np.concatenate([pulled, left @ ct_rest], axis=-1)
    return _qr_pull_tall(ct_q, ct_r, q, r)


def _qr_pull_tall(ct_q, ct_r, q, r):
    turned, ct_r = q.mT @ ct_q, ct_r @ r.mT
    inner = ct_r + _lower(turned - ct_r)
    return _solve("qr", r, (ct_q + conjugate(q) @ (inner - turned)).mT).mT


def _qr_push(t, ans, a, *, complete):
    q, r = ans[:2]
    m, n = a.shape[-2:]
    k = min(m, n)
    first = _solve("qr", r[..., :k].mT, t[..., :k].mT).mT  # da r^-1
    turned = adjoint(q) @ first
    # q^H dq is skew with the lower part of q^H da r^-1; dr is what is left above.
    lower = np.tril(turned, -1)
    skew = lower - adjoint(lower)
    if turned.dtype.kind == "c":
        skew = skew + 1j * np.imag(turned) * np.eye(k, dtype=r.real.dtype)  # LAPACK keeps the diagonal of r real
    t_q = q @ (skew - turned) + first
    t_r = (turned - skew) @ r[..., :k]
    if m < n:
        t_r = np.concatenate([t_r, adjoint(t_q) @ (q @ r[..., k:]) + adjoint(q) @ t[..., k:]], axis=-1)
    return (t_q, t_r, ans[2] * np.nan) if complete else (t_q, t_r)


QR = Primitive(
    "qr", _qr, keeps=False, vjps=(_qr_pull,), jvps=(_qr_push,),
    sample=lambda draw: ((sample_settled(lambda: _sample_any(draw), np.linalg.qr),), {"complete": False}),
    doc="q with orthonormal columns and r upper triangular, a = q r.",
)  # fmt: skip


def qr(a, mode: str = "reduced"):
    """QR decomposition, as ``numpy.linalg.qr``, with mode "reduced", "complete" or "r".

    The first min(m, n) columns must be linearly independent for a derivative. The columns that "complete" adds to a
    tall matrix's q have none: asking for it raises NotDifferentiableError in reverse and gives NaN in forward mode.

    Returns
    -------
    QRResult (Q, R) of Tensors; R alone for "r".
    """
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(f'qr: mode must be "reduced", "complete" or "r"; got {mode!r}.')
    a = matrices("qr", a)
    m, n = a.shape[-2:]
    if mode != "complete" or m <= n:
        q, r = apply(QR, (a,), {"complete": False})
        return r if mode == "r" else _QR_RESULT(q, r)
    q, r, rest = apply(QR, (a,), {"complete": True})
    below = np.zeros((*r.shape[:-2], m - n, n), r.dtype)
    return _QR_RESULT(np.concatenate([q, rest], axis=-1), np.concatenate([r, below], axis=-2))


# -- eig ---------------------------------------------------------------------------------------------------------------


def _largest(v):
    """1 at the entry of each vector that LAPACK made the largest and real, 0 elsewhere."""
    if not v.size:
        return np.zeros(v.shape, dtype=bool)
    size = np.where(np.equal(np.imag(v), 0), np.abs(v), 0)
    return np.equal(np.arange(v.shape[-2])[:, None], np.argmax(size, axis=-2)[..., None, :])


def _eig_pull(ct, ans, a):
    # With dP = v^-1 da v: dw is its diagonal, dv = v (dP / gap) less what normalising takes away, since vectors keep
    # length 1 and a real largest entry.
    (ct_w, ct_v), (w, v) = ct, ans
    along = np.sum(ct_v * v, axis=-2, keepdims=True)
    ct_raw = ct_v - conjugate(v) * np.real(along)
    if v.dtype.kind == "c":
        largest = _largest(v)
        ct_raw = ct_raw - np.where(largest, 1j * np.imag(along) / np.where(largest, v, 1), 0)
    gap = gaps(w)
    turned = (v.mT @ ct_raw) * off_diagonal(w.shape[-1], w.real.dtype)
    # Where values are equal the matrix may be defective (too few vectors) and all this infinite. Only a loss that
    # treats them alike, and their vectors not at all, is sure to have a gradient.
    unequal = np.abs(gaps(ct_w)) + np.abs(turned)
    inner = over_gaps(turned, gap, closed_gaps(gap, w), unequal, np.zeros((), w.real.dtype))
    return _solve("eig", v.mT, (inner + ct_w[..., None] * np.eye(w.shape[-1], dtype=w.real.dtype)) @ v.mT)


def _eig_push(t, ans, a):
    w, v = ans
    turned = _solve("eig", v, t @ v)
    gap = gaps(w)
    off, changes = turned * off_diagonal(w.shape[-1], w.real.dtype), np.diagonal(turned, axis1=-2, axis2=-1)
    driven_apart = np.abs(off) + np.abs(off.mT) + np.abs(gaps(changes))
    parted = gap, closed_gaps(gap, w), driven_apart, np.zeros((), w.real.dtype)
    t_v = v @ over_gaps(off, *parted)
    along = np.real(np.sum(conjugate(v) * t_v, axis=-2, keepdims=True))
    if v.dtype.kind == "c":
        largest = _largest(v)
        turn = np.sum(np.where(largest, t_v / np.where(largest, v, 1), 0), axis=-2, keepdims=True)
        along = along + 1j * np.imag(turn)
    return changes + np.sum(over_gaps(0, *parted), axis=-1), t_v - v * along


def _sample_eig(draw):
    n = draw.integer(0, 3)
    shape = (*sample_batch(draw), n, n)

    def make():
        a = sample_symmetric(draw, shape) + draw.array(shape, -0.1, 0.1)
        if n == 2 and draw.boolean():  # a pair of complex eigenvalues
            a = a + draw.array(shape[:-2], 1.5, 2.0)[..., None, None] * np.array([[0.0, -1.0], [1.0, 0.0]])
        return a.astype(draw.dtype)

    return (sample_settled(make, np.linalg.eig),), {}


EIG = Primitive(
    "eig", lambda a: tuple(np.linalg.eig(a)), keeps=False, vjps=(_eig_pull,), jvps=(_eig_push,), sample=_sample_eig,
    kink="equal values: NaN unless the loss treats them alike and leaves their vectors alone",
    doc="Eigenvalues w and eigenvectors v (columns, of length 1, their largest entry real): a v = v diag(w).",
)  # fmt: skip


def eig(a):
    """Eigenvalues and eigenvectors of general square matrices, as ``numpy.linalg.eig``; complex where NumPy's are.

    Differentiable where the eigenvalues are distinct. Where some are equal only a loss that treats them alike has a
    gradient, others get NaN: for symmetric matrices ``eigh`` knows more.

    Returns
    -------
    EigResult (eigenvalues, eigenvectors) of Tensors.
    """
    return _EIG_RESULT(*apply(EIG, (squares("eig", a),), {}))


def eigvals(a):
    """Eigenvalues of general square matrices, in the order in which ``eig`` gives them."""
    return apply(EIG, (squares("eigvals", a),), {})[0]


# NumPy's own named tuples: unpacking and result.S work.
_SVD_RESULT, _QR_RESULT, _EIG_RESULT = (
    type(np.linalg.svd(np.eye(1))), type(np.linalg.qr(np.eye(1))), type(np.linalg.eig(np.eye(1))),
)  # fmt: skip

ROWS = (SVD, SVDVALS, QR, EIG)

OVERLOADS: dict[Any, Any] = {
    np.linalg.svd: svd, np.linalg.svdvals: svdvals, np.linalg.qr: qr, np.linalg.eig: eig, np.linalg.eigvals: eigvals,
}  # fmt: skip
