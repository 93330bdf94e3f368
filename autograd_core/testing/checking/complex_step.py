"""The complex step: f(x + i h v) = f(x) + i h f'(x) v for a step so short that h^2 is nothing.

Nothing is subtracted, so nothing cancels: the derivative is right to rounding (Squire & Trapp 1998, "Using complex
variables to estimate derivatives of real functions"). It holds where all that the function does is complex
differentiable. Whether it does is not asked of its operations: what ``abs``, ``conj``, a cast or a comparison makes of
the imaginary part does not agree with differences, and is then not used.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...errors import GradientCheckError
from .lines import Arrays, Subject, raw


def complex_step(subject: Subject, direction: Arrays) -> Any:
    """Derivative of the results along ``direction`` as a vector, or None where there is none.

    Real arguments and results only. Whatever the function raises on complex arguments means that it takes none.
    """
    if any(array.dtype.kind == "c" for array in [*subject.points, *subject.like]):
        return None
    step = 2.0**-100 if all(x.dtype.itemsize >= 8 for x in subject.points) else 2.0**-50
    moved = [x if v is None else _imaginary(x, step * v) for x, v in zip(subject.points, direction, strict=True)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # a cast that drops the imaginary part
            results = subject.values_eagerly(moved)
    except GradientCheckError:
        raise
    except Exception:
        return None
    if [out.shape for out in results] != [out.shape for out in subject.like]:
        return None
    # A gradient in reverse mode is the conjugate of a complex-differentiable function.
    sign = -1.0 if "rev" in subject.trail else 1.0
    parts = [np.ravel(np.imag(raw(out))).astype(np.float64) / (sign * step) for out in results]
    return np.concatenate(parts) if parts else np.zeros(0)


def _imaginary(x, part):
    """``x + i part``, complex of the same precision."""
    out = np.array(x, np.result_type(x.dtype, np.complex64))
    out.imag = part
    return out
