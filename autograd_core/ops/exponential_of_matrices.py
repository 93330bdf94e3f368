"""Exponential of matrices, by scaling and squaring with Pade approximants.

Higham (2005), "The scaling and squaring method for the matrix exponential revisited"; its derivative along a direction
by the product rule in each step: Al-Mohy & Higham (2009), "Computing the Frechet derivative of the matrix exponential".
The derivative along ``t`` is the upper right block of the exponential of ``[[a, t], [0, a]]``: from that follow all
higher ones.
"""

from __future__ import annotations

from functools import cache
from math import factorial
from typing import Any

import numpy as np

from ..primitive import Primitive, apply
from .matrices import run, sample_batch, squares

__all__ = ["expm"]

# Largest 1-norm for which an approximant of this degree is right to the last digit; its derivative, too, in the second.
_NORMS = {
    "d": ({3: 1.495585217958292e-2, 5: 2.539398330063230e-1, 7: 9.504178996162932e-1, 9: 2.097847961257068,
           13: 5.371920351148152},
          {3: 1.08e-2, 5: 2.00e-1, 7: 7.83e-1, 9: 1.78, 13: 4.74}),
    "f": ({3: 4.258730016922831e-1, 5: 1.880152677804762, 7: 3.925724783138660},
          {3: 3.08e-1, 5: 1.48, 7: 3.25}),
}  # fmt: skip


# -- on arrays: [values], or [values, derivatives] ---------------------------------------------------------------------


def _times(x: list, y: list) -> list:
    return [x[0] @ y[0], *[dx @ y[0] + x[0] @ dy for dx, dy in zip(x[1:], y[1:], strict=True)]]


def _combined(numbers, terms: list[list]) -> list:
    """Sum of multiples of ``terms``, the first of which is the identity matrix."""
    return [sum(c * part for c, part in zip(numbers, parts, strict=True)) for parts in zip(*terms, strict=True)]


@cache
def _pade(degree: int) -> tuple[float, ...]:
    """Coefficients of the numerator of the approximant to exp; the denominator has them with alternating signs."""

    def number(k):
        return factorial(2 * degree - k) * factorial(degree) / (
            factorial(2 * degree) * factorial(k) * factorial(degree - k)
        )  # fmt: skip

    return tuple(number(k) for k in range(degree + 1))


def _approximated(a: list, degree: int) -> list:
    b = _pade(degree)
    identity = [np.broadcast_to(np.eye(a[0].shape[-1], dtype=a[0].dtype), a[0].shape)]
    identity += [np.zeros_like(part) for part in a[1:]]
    powers = [identity, _times(a, a)]
    while len(powers) < (4 if degree == 13 else (degree + 1) // 2):
        powers.append(_times(powers[-1], powers[1]))
    odd, even = _combined(b[1:8:2], powers[:4]), _combined(b[0:7:2], powers[:4])
    if degree == 9:
        odd, even = _combined(b[1::2], powers), _combined(b[0::2], powers)
    elif degree == 13:  # three products less than by powers of all degrees
        odd = _sum(odd, _times(powers[3], _combined(b[9::2], powers[1:])))
        even = _sum(even, _times(powers[3], _combined(b[8::2], powers[1:])))
    odd = _times(a, odd)
    return _quotient(_sum(even, odd), _sum(even, [-part for part in odd]))


def _sum(x: list, y: list) -> list:
    return [own + other for own, other in zip(x, y, strict=True)]


def _quotient(top: list, bottom: list) -> list:
    """``bottom^-1 top``."""
    out = np.linalg.solve(bottom[0], top[0])
    return [out, *[np.linalg.solve(bottom[0], dt - db @ out) for dt, db in zip(top[1:], bottom[1:], strict=True)]]


def _exponential(parts: list) -> list:
    """Exponentials of the first of ``parts``, and their derivatives along the second."""
    dtype = np.result_type(*parts)
    if dtype.kind not in "fc":
        dtype = np.dtype(np.float64)
    norms = np.abs(parts[0]).sum(axis=-2).max(axis=-1, initial=0)
    usable = np.isfinite(norms)
    parts = [np.where(usable[..., None, None], part, 0).astype(dtype, copy=False) for part in parts]
    limits = _NORMS["f" if dtype.char in "fF" else "d"][len(parts) - 1]
    largest = float(norms.max(initial=0, where=usable))
    degree = next((m for m, limit in limits.items() if largest <= limit), max(limits))
    halvings = np.zeros(norms.shape, int)
    if largest > limits[degree]:
        ratio = np.where(usable, norms, 0) / limits[degree]
        halvings = np.maximum(0, np.ceil(np.log2(np.where(ratio > 0, ratio, 1)))).astype(int)
    scale = np.ldexp(1.0, -halvings).astype(dtype)[..., None, None]
    out = _squared(_approximated([part * scale for part in parts], degree), halvings)
    return [np.where(usable[..., None, None], part, np.asarray(np.nan, dtype)) for part in out]


def _squared(x: list, times) -> list:
    for done in range(int(times.max(initial=0))):
        more = (times > done)[..., None, None]
        square = _times(x, x)
        x = square if more.all() else [np.where(more, new, old) for new, old in zip(square, x, strict=True)]
    return x


# -- rows --------------------------------------------------------------------------------------------------------------


def _blocks(a, t):
    """``[[a, t], [0, a]]``, whose exponential has the derivative along t in its corner."""
    lower = np.concatenate((np.zeros(t.shape, a.dtype), a), axis=-1)
    return np.concatenate((np.concatenate((a, t), axis=-1), lower), axis=-2)


def _wrt_a(ct, ans, a, t):
    n = a.shape[-1]
    nothing = np.zeros(a.shape, a.dtype)
    pulled = run(EXPM_ALONG, _blocks(a, t).mT, _corner(ct, nothing))
    return pulled[..., :n, :n] + pulled[..., n:, n:]


def _corner(x, nothing):
    upper = np.concatenate((nothing, x), axis=-1)
    return np.concatenate((upper, np.zeros(upper.shape, upper.dtype)), axis=-2)


def _along_a(s, ans, a, t):
    n = a.shape[-1]
    return run(EXPM_ALONG, _blocks(a, t), _blocks(s, np.zeros(s.shape, s.dtype)))[..., :n, n:]


def _sample(draw):
    n = draw.integer(0, 3)
    return draw.array((*sample_batch(draw), n, n), -1.0, 1.0) * draw.choice((1, 0.1, 3))


EXPM = Primitive(
    "expm", lambda a: _exponential([a])[0], sample=lambda draw: ((_sample(draw),), {}),
    doc="Exponential of each matrix: 1 + a + a^2 / 2 + a^3 / 6 + ...",
    vjps=(lambda ct, ans, a: run(EXPM_ALONG, a.mT, ct),),
    jvps=(lambda t, ans, a: run(EXPM_ALONG, a, t),),
)  # fmt: skip
EXPM_ALONG = Primitive(
    "expm_along", lambda a, t: _exponential([a, t])[1],
    sample=lambda draw: ((lambda a: ((a, draw.array(a.shape)), {}))(_sample(draw))),
    doc="Derivative of expm at a along t.",
    vjps=(_wrt_a, lambda ct, ans, a, t: run(EXPM_ALONG, a.mT, ct)),
    jvps=(_along_a, lambda s, ans, a, t: run(EXPM_ALONG, a, s)),
)  # fmt: skip


def expm(a):
    """Exponential of each matrix, as ``scipy.linalg.expm``; differentiable to any order.

    Examples
    --------
    >>> import autograd_core.numpy as anp
    >>> anp.linalg.expm([[0.0, 1.0], [0.0, 0.0]]).numpy()
    array([[1., 1.],
           [0., 1.]])
    """
    return apply(EXPM, (squares("expm", a),), {})


ROWS = (EXPM, EXPM_ALONG)

OVERLOADS: dict[Any, Any] = {}
