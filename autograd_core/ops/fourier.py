"""Discrete Fourier transforms.

The transform is a product with a symmetric matrix, so its VJP is the transform of the cotangent. The transforms of real
data keep half of the frequencies, since the other half is their mirror image; each kept frequency but the first (and
the last, if the length is even) stands for two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AxisError, DomainError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from .arranging import roll
from .axes import on, one, several
from .complex_parts import conjugate
from .creation import arange
from .matrices import operand, tensor, without_out
from .padding import pad
from .scans import at_axis

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

NORMS = ("backward", "ortho", "forward")
_OTHER = {"backward": "forward", "ortho": "ortho", "forward": "backward"}

# -- rows --------------------------------------------------------------------------------------------------------------


def _sample_transform(draw):
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    return (x,), {"axis": draw.axis(x.ndim) % x.ndim, "norm": draw.choice(NORMS)}


FFT = Primitive(
    "fft", lambda x, *, axis, norm: np.fft.fft(x, None, axis, norm), keeps=False, jvps=LINEAR, sample=_sample_transform,
    vjps=(lambda ct, ans, x, *, axis, norm: on(FFT, ct, axis=axis, norm=norm),),
    doc="y[k] = sum(x[j] * exp(-2 pi i j k / n)) along an axis.",
)  # fmt: skip
IFFT = Primitive(
    "ifft", lambda x, *, axis, norm: np.fft.ifft(x, None, axis, norm), keeps=False, jvps=LINEAR,
    sample=_sample_transform, vjps=(lambda ct, ans, x, *, axis, norm: on(IFFT, ct, axis=axis, norm=norm),),
    doc="The inverse of fft.",
)  # fmt: skip


def _zeros_behind(ct, axis: int, count: int):
    return np.pad(ct, [(0, count if at == axis else 0) for at in range(ct.ndim)])


RFFT = Primitive(
    "rfft", lambda x, *, axis, norm: np.fft.rfft(x, None, axis, norm), keeps=False, jvps=LINEAR,
    sample=_sample_transform, doc="The first n // 2 + 1 entries of fft, for real x.",
    # The walk takes the real part.
    vjps=(lambda ct, ans, x, *, axis, norm:
          on(FFT, _zeros_behind(ct, axis, x.shape[axis] - ct.shape[axis]), axis=axis, norm=norm),),
)  # fmt: skip


def _sample_inverse(draw):
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    x = x + 1j * draw.array(x.shape)
    axis = draw.axis(x.ndim) % x.ndim
    n = max(2 * x.shape[axis] - 2 + draw.integer(0, 1), 1)
    return (x.astype(np.result_type(draw.dtype, np.complex64)),), {"n": n, "axis": axis, "norm": draw.choice(NORMS)}


def _irfft_rule(ct, ans, x, *, n, axis, norm):
    counts = np.full(x.shape[axis], 2, ct.dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    counts = counts.reshape(at_axis(x.ndim, axis, -1, 1))
    return np.conjugate(on(RFFT, ct, axis=axis, norm=_OTHER[norm])) * counts


IRFFT = Primitive(
    "irfft", lambda x, *, n, axis, norm: np.fft.irfft(x, n, axis, norm), keeps=False, jvps=LINEAR,
    sample=_sample_inverse, vjps=(_irfft_rule,), doc="The inverse of rfft; n entries, real.",
)  # fmt: skip

ROWS = (FFT, IFFT, RFFT, IRFFT)

# -- along one axis ----------------------------------------------------------------------------------------------------


def _prepared(name: str, a, n, axis, norm, out, length=None):
    """``a`` cut or padded with zeros to ``length`` (``n`` by default) along ``axis``; the axis and the norm checked."""
    without_out(name, out)
    a = tensor(a)
    axis = one(name, axis, a.ndim)
    norm = "backward" if norm is None else norm
    if norm not in NORMS:
        raise DomainError(f"{name}: norm must be one of {', '.join(NORMS)}; got {norm!r}.")
    wanted = a.shape[axis] if n is None else n
    if wanted < 1:
        raise ShapeError(f"{name}: n={wanted}; there must be at least one entry along axis {axis}.")
    if n is not None:
        wanted = n if length is None else length
    if wanted < a.shape[axis]:
        a = a[at_axis(a.ndim, axis, slice(wanted))]
    elif wanted > a.shape[axis]:
        a = pad(a, [(0, wanted - a.shape[axis] if at == axis else 0) for at in range(a.ndim)])
    return a, axis, norm


def fft(a, n=None, axis=-1, norm=None, out=None):
    """Discrete Fourier transform along an axis, as ``numpy.fft.fft``; cut or padded with zeros to ``n`` entries."""
    a, axis, norm = _prepared("fft", a, n, axis, norm, out)
    return apply(FFT, (a,), {"axis": axis, "norm": norm})


def ifft(a, n=None, axis=-1, norm=None, out=None):
    """Inverse of ``fft``, as ``numpy.fft.ifft``."""
    a, axis, norm = _prepared("ifft", a, n, axis, norm, out)
    return apply(IFFT, (a,), {"axis": axis, "norm": norm})


def rfft(a, n=None, axis=-1, norm=None, out=None):
    """Discrete Fourier transform of real data, as ``numpy.fft.rfft``: the ``n // 2 + 1`` frequencies from 0 up."""
    a, axis, norm = _prepared("rfft", a, n, axis, norm, out)
    if a.dtype.kind == "c":
        raise DomainError(f"rfft: got {a.dtype}; expected real data. Use fft, or a.real.")
    return apply(RFFT, (a,), {"axis": axis, "norm": norm})


def irfft(a, n=None, axis=-1, norm=None, out=None):
    """Inverse of ``rfft``, as ``numpy.fft.irfft``; ``n`` real entries, by default ``2 * (length - 1)``."""
    given = operand(a)
    if n is None:
        n = 2 * (given.shape[one("irfft", axis, given.ndim)] - 1)
    a, axis, norm = _prepared("irfft", given, n, axis, norm, out, length=n // 2 + 1)
    return apply(IRFFT, (a,), {"n": n, "axis": axis, "norm": norm})


def hfft(a, n=None, axis=-1, norm=None, out=None):
    """Transform of data that are their own mirrored conjugate: real, as ``numpy.fft.hfft``."""
    return irfft(conjugate(a), n, axis, _OTHER.get("backward" if norm is None else norm, norm), out)


def ihfft(a, n=None, axis=-1, norm=None, out=None):
    """Inverse of ``hfft``, as ``numpy.fft.ihfft``."""
    return conjugate(rfft(a, n, axis, _OTHER.get("backward" if norm is None else norm, norm), out))


# -- along several -----------------------------------------------------------------------------------------------------


def _sides(name: str, a, s, axes):
    """Pairs (axis, length or None), as NumPy's ``s`` and ``axes`` say."""
    ndim = operand(a).ndim
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    axes = [one(name, axis, ndim) for axis in axes]
    if s is not None and len(s) != len(axes):
        raise AxisError(f"{name}: {len(s)} lengths for {len(axes)} axes; expected one each.")
    lengths = [None] * len(axes) if s is None else [None if side in (None, -1) else side for side in s]
    return list(zip(axes, lengths, strict=True))


def fftn(a, s=None, axes=None, norm=None, out=None):
    """Discrete Fourier transform along several axes, as ``numpy.fft.fftn``."""
    for axis, n in reversed(_sides("fftn", a, s, axes)):
        a = fft(a, n, axis, norm, out)
    return tensor(a)


def ifftn(a, s=None, axes=None, norm=None, out=None):
    """Inverse of ``fftn``, as ``numpy.fft.ifftn``."""
    for axis, n in reversed(_sides("ifftn", a, s, axes)):
        a = ifft(a, n, axis, norm, out)
    return tensor(a)


def rfftn(a, s=None, axes=None, norm=None, out=None):
    """Transform of real data along several axes, as ``numpy.fft.rfftn``: ``rfft`` along the last of them."""
    *others, (last, n) = _sides("rfftn", a, s, axes)
    a = rfft(a, n, last, norm, out)
    for axis, length in reversed(others):
        a = fft(a, length, axis, norm)
    return a


def irfftn(a, s=None, axes=None, norm=None, out=None):
    """Inverse of ``rfftn``, as ``numpy.fft.irfftn``."""
    *others, (last, n) = _sides("irfftn", a, s, axes)
    for axis, length in others:
        a = ifft(a, length, axis, norm)
    return irfft(a, n, last, norm, out)


def _two(function, about: str):
    def transform(a, s=None, axes=(-2, -1), norm=None, out=None):
        return function(a, s, axes, norm, out)

    transform.__name__ = transform.__qualname__ = function.__name__[:-1] + "2"
    transform.__doc__ = f"{about} along two axes, as ``numpy.fft.{transform.__name__}``."
    return transform


fft2 = _two(fftn, "Discrete Fourier transform")
ifft2 = _two(ifftn, "Inverse of ``fft2``")
rfft2 = _two(rfftn, "Transform of real data")
irfft2 = _two(irfftn, "Inverse of ``rfft2``")

# -- frequencies -------------------------------------------------------------------------------------------------------


def _halves(name: str, x, axes):
    """Axes, and half the length of each."""
    axes = several(name, axes, x.ndim)
    return axes, [x.shape[axis] // 2 for axis in axes]


def fftshift(x, axes=None):
    """Frequency 0 moved to the middle, as ``numpy.fft.fftshift``."""
    x = operand(x)
    axes, halves = _halves("fftshift", x, axes)
    return roll(x, halves, axes)


def ifftshift(x, axes=None):
    """Inverse of ``fftshift``."""
    x = operand(x)
    axes, halves = _halves("ifftshift", x, axes)
    return roll(x, [-half for half in halves], axes)


def fftfreq(n, d=1.0):
    """Frequencies of the entries of ``fft``, in cycles per unit of the spacing ``d``, as ``numpy.fft.fftfreq``."""
    return ifftshift(arange(-(n // 2), n - n // 2)) / (n * d)


def rfftfreq(n, d=1.0):
    """Frequencies of the entries of ``rfft``, as ``numpy.fft.rfftfreq``."""
    return arange(n // 2 + 1) / (n * d)


OVERLOADS: dict[Any, Any] = {
    np.fft.fft: fft, np.fft.ifft: ifft, np.fft.rfft: rfft, np.fft.irfft: irfft, np.fft.hfft: hfft, np.fft.ihfft: ihfft,
    np.fft.fftn: fftn, np.fft.ifftn: ifftn, np.fft.rfftn: rfftn, np.fft.irfftn: irfftn, np.fft.fft2: fft2,
    np.fft.ifft2: ifft2, np.fft.rfft2: rfft2, np.fft.irfft2: irfft2, np.fft.fftshift: fftshift,
    np.fft.ifftshift: ifftshift,
}  # fmt: skip
