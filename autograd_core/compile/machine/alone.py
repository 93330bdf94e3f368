"""Functions of one number at a time, by the C library: for kernels over an entry or two, as the steps of small loops.

Those of ``vector_math`` are made for many entries side by side. Where each waits for the one before, the library's are
faster, since they may branch: 15 ns for a sine in float64 and not 34, 12 and not 22 for ``exp``, 13 and not 45 for
``erf``; ``tests/benchmarks/alone.py`` measures it. Those that are slower (``tanh``, ``expm1``) or less exact there
(``log2``, ``log10``) are not here: the results of both kinds are within ``vector_math.LARGEST_ERROR``.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numba import njit

from .scalar_rules import ALONE

MOST = 3
"""Entries of a kernel up to which its functions are these."""

_VECTOR = re.compile(rf"\b({'|'.join(ALONE)})_(?:f32|f64)\b")


def by_library(line: str) -> str:
    """A line of a kernel with these functions in place of those of ``vector_math``."""
    return _VECTOR.sub(r"\1_alone", line)


def _of(function):
    return njit(lambda x: function(x), error_model="numpy")


sin_alone, cos_alone, tan_alone = map(_of, (np.sin, np.cos, np.tan))
exp_alone, exp2_alone, cosh_alone = map(_of, (np.exp, np.exp2, np.cosh))
log_alone, erf_alone, erfc_alone = map(_of, (np.log, math.erf, math.erfc))
