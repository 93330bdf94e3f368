"""One-dimensional signals: interpolation and convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import MULTILINEAR, Primitive, apply
from .matrices import operand, tensor

__all__ = ["convolve", "correlate", "interp"]

# -- convolution -------------------------------------------------------------------------------------------------------


def _window(length: int, other: int, mode: str) -> tuple[int, int]:
    """Where the result of ``mode`` begins in the full convolution, and its length."""
    longer, shorter = max(length, other), min(length, other)
    if mode == "full":
        return 0, length + other - 1
    if mode == "same":
        return (shorter - 1) // 2, longer
    return shorter - 1, longer - shorter + 1


def _pulled(ct, x, other, mode: str):
    """Cotangent of ``x`` in the convolution of ``x`` with ``other``."""
    (length,), (width,) = x.shape, other.shape
    begin, count = _window(length, width, mode)
    ends = (np.zeros(begin, ct.dtype), np.zeros(length + width - 1 - begin - count, ct.dtype))
    full = np.concatenate((ends[0], ct, ends[1]))
    return np.convolve(full, np.flip(other), "valid")


def _sample_convolve(draw):
    a, v = (draw.array((draw.integer(1, 6),)) for _ in range(2))
    return (a, v), {"mode": draw.choice(("full", "same", "valid"))}


CONVOLVE = Primitive(
    "convolve", lambda a, v, *, mode: np.convolve(a, v, mode), jvps=MULTILINEAR, sample=_sample_convolve,
    doc="Sum of a[j] * v[k - j] over j.",
    vjps=(lambda ct, ans, a, v, *, mode: _pulled(ct, a, v, mode),
          lambda ct, ans, a, v, *, mode: _pulled(ct, v, a, mode)),
)  # fmt: skip

ROWS = (CONVOLVE,)


def _signals(name: str, a, v, mode):
    a, v = operand(a), operand(v)
    if a.ndim > 1 or v.ndim > 1 or not a.size or not v.size:
        raise ShapeError(f"{name}: got shapes {a.shape} and {v.shape}; expected two 1-d arrays that are not empty.")
    if mode not in ("full", "same", "valid"):
        raise DomainError(f'{name}: mode must be "full", "same" or "valid"; got {mode!r}.')
    return tuple(np.reshape(tensor(x), (1,)) if not x.ndim else x for x in (a, v))


def convolve(a, v, mode: str = "full"):
    """Convolution of two 1-d arrays, as ``numpy.convolve``: the sum of ``a[j] * v[k - j]`` over j."""
    return apply(CONVOLVE, _signals("convolve", a, v, mode), {"mode": mode})


def correlate(a, v, mode: str = "valid"):
    """Correlation of two 1-d arrays, as ``numpy.correlate``: the sum of ``a[j + k] * conj(v[j])`` over j."""
    a, v = _signals("correlate", a, v, mode)
    flipped = np.conjugate(np.flip(tensor(v)))
    if mode == "same" and v.size > a.size:  # NumPy's correlate centres this case one place beside its convolve
        return convolve(a, flipped)[a.size // 2 :][: v.size]
    return convolve(a, flipped, mode)


# -- interpolation -----------------------------------------------------------------------------------------------------


def interp(x, xp, fp, left=None, right=None, period=None):
    """Piecewise linear interpolation, as ``numpy.interp``.

    Parameters
    ----------
    x : array_like, Tensor or Variable
        Where to interpolate.
    xp : array_like, shape (n,)
        Places of the given values, increasing (in any order if ``period`` is given).
    fp : array_like, shape (n,)
        Values there.
    left, right : number or Tensor, optional
        Values outside ``xp``; ``fp[0]`` and ``fp[-1]`` otherwise.
    period : float, optional
        Places are meant modulo this; ``left`` and ``right`` are not used.

    Notes
    -----
    The gradient reaches all of ``x``, ``xp``, ``fp``, ``left`` and ``right``. In ``x`` at a place of ``xp``, where the
    slope jumps, it is the smaller of the two slopes, 0 if they differ in sign and at both ends.
    """
    x, xp, fp = tensor(x), tensor(xp), tensor(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(
            f"interp: xp has shape {xp.shape}, fp {fp.shape}; expected two 1-d arrays of equal length > 0."
        )
    if period is not None:
        x, xp, fp = _unrolled(x, xp, fp, period)
        left = right = None
    left = fp[0] if left is None else left
    right = fp[-1] if right is None else right
    if len(xp) == 1:
        inside = np.broadcast_to(fp[0], x.shape)
    else:
        k, flat, place = _SEGMENT(x, xp, fp)
        inside = fp[k] + (x - xp[k]) * ((fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k]))
        inside = np.where(flat, fp[place], inside)
    return np.where(np.less(x, xp[0]), left, np.where(np.greater(x, xp[-1]), right, inside))


def _segment(at, places, values):
    """Number of the segment whose slope counts at each entry, whether the slope there is 0 instead, and its place."""
    slopes = np.concatenate(([0], np.diff(values) / np.diff(places), [0]))  # those outside included
    place = np.searchsorted(places, at).clip(max=len(places) - 1)
    exact = places[place] == at
    left, right = slopes[place], slopes[place + 1]
    k = np.searchsorted(places, at, side="right") - 1
    k = np.where(exact & (np.abs(left) < np.abs(right)), place - 1, k)
    return k.clip(0, len(places) - 2), exact & (np.real(left * np.conj(right)) <= 0), place


_SEGMENT = Primitive("segment", _segment, None, keeps=False)


def _unrolled(x, xp, fp, period):
    """``x`` within one period, and the given places in order, with one more beyond each end."""
    if not period:
        raise DomainError("interp: period must not be 0.")
    period = abs(period)
    x, xp = np.remainder(x, period), np.remainder(xp, period)
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    return (
        x,
        np.concatenate((xp[-1:] - period, xp, xp[:1] + period)),
        np.concatenate((fp[-1:], fp, fp[:1])),
    )


OVERLOADS: dict[Any, Any] = {np.convolve: convolve, np.correlate: correlate, np.interp: interp}
