"""Fourier transforms with Keras's arguments: complex arrays are pairs of their real and imaginary parts."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .elements import floating


def fft(x: Any) -> tuple[Any, Any]:
    """Transform along the last axis of a pair (real, imaginary)."""
    return _parts(anp.fft.fft(_complex("fft", x)))


def fft2(x: Any) -> tuple[Any, Any]:
    """Transform along the last two axes of a pair (real, imaginary)."""
    return _parts(anp.fft.fft2(_complex("fft2", x)))


def ifft2(x: Any) -> tuple[Any, Any]:
    """Inverse of ``fft2``."""
    return _parts(anp.fft.ifft2(_complex("ifft2", x)))


def rfft(x: Any, fft_length: int | None = None) -> tuple[Any, Any]:
    """Transform along the last axis of real numbers: the half that says all, as a pair (real, imaginary).

    Parameters
    ----------
    x : array_like
    fft_length : int, optional
        Entries taken along the axis; zeros follow where there are fewer.
    """
    return _parts(anp.fft.rfft(floating(x), n=fft_length))


def irfft(x: Any, fft_length: int | None = None) -> Any:
    """Inverse of ``rfft``; an odd length must be given."""
    return anp.fft.irfft(_complex("irfft", x), n=fft_length)


def _parts(x: Any) -> tuple[Any, Any]:
    return anp.real(x), anp.imag(x)


def _complex(asked: str, x: Any) -> Any:
    if not isinstance(x, (list, tuple)) or len(x) != 2:
        raise ag.StructureError(f"{asked}: got a {type(x).__name__}; expected a pair of arrays: (real, imaginary).")
    real, imaginary = floating(x[0]), floating(x[1])
    if real.shape != imaginary.shape:
        raise ag.ShapeError(f"{asked}: the real part has shape {real.shape}, the imaginary part {imaginary.shape}.")
    return real + 1j * imaginary


FUNCTIONS = (fft, fft2, ifft2, irfft, rfft)
