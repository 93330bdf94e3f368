"""Discrete Fourier transforms on Tensors: ``numpy.fft``'s functions."""

from __future__ import annotations

from ..ops.fourier import *
from ..ops.fourier import __all__ as __all__
