"""Scalar functions for emitted Numba loops, which LLVM turns into vector instructions; needs the extra ``jit``.

Numba calls the C library for ``exp`` and its like, and a loop with a call stays scalar: 2.4 to 4.5 ns for each number
against 0.3 to 0.6 here (float32). ``FUNCTIONS`` finds a function by NumPy's name and a dtype's character;
``LARGEST_ERROR`` holds the bounds that ``tests/compile/test_vector_math.py`` measures. Special values (zeros of either
sign, infinities, NaN, numbers below the normal ones, arguments out of the domain) are NumPy's. Nothing raises or warns.

All arguments of a call must be of the one type that the name says, ``f32`` or ``f64``, and so is the result.

Examples
--------
>>> import numba, numpy as np
>>> from autograd_core.compile.machine.vector_math import FUNCTIONS
>>> exp = FUNCTIONS["exp", "f"]
>>> @numba.njit(error_model="numpy")
... def loop(x, out):
...     for i in range(x.size):
...         out[i] = exp(x[i])
>>> x = np.linspace(-3, 3, 5, dtype=np.float32)
>>> out = np.empty_like(x)
>>> loop(x, out)
>>> bool(np.allclose(out, np.exp(x), rtol=3e-7))
True
"""

from collections.abc import Callable
from typing import Any

from .bits import maximum, minimum, use_wide_registers
from .vector_math_composed import arctanh, cosh, erf, erfc, logaddexp, sigmoid, sinh, softplus, tanh
from .vector_math_exponential import exp, exp2, expm1, log, log1p
from .vector_math_power import log2_f32, log2_f64, log10_f32, log10_f64, pow_f32, pow_f64
from .vector_math_trigonometric import cos_f32, cos_f64, sin_f32, sin_f64, tan_f32, tan_f64

__all__ = ["FUNCTIONS", "LARGEST_ERROR", "maximum", "minimum", "use_wide_registers"]

# One text serves both types.
exp_f32 = exp_f64 = exp
exp2_f32 = exp2_f64 = exp2
expm1_f32 = expm1_f64 = expm1
log_f32 = log_f64 = log
log1p_f32 = log1p_f64 = log1p
tanh_f32 = tanh_f64 = tanh
sigmoid_f32 = sigmoid_f64 = sigmoid
softplus_f32 = softplus_f64 = softplus
erf_f32 = erf_f64 = erf
erfc_f32 = erfc_f64 = erfc
sinh_f32 = sinh_f64 = sinh
cosh_f32 = cosh_f64 = cosh
arctanh_f32 = arctanh_f64 = arctanh
logaddexp_f32 = logaddexp_f64 = logaddexp

FUNCTIONS: dict[tuple[str, str], Callable[..., Any]] = {
    **{(f.__name__, kind): f for f in (exp, exp2, expm1, log, log1p, tanh, sinh, cosh, arctanh) for kind in "fd"},
    **{(f.__name__, kind): f for f in (sigmoid, softplus, erf, erfc, logaddexp) for kind in "fd"},
    **{("log2", "f"): log2_f32, ("log2", "d"): log2_f64, ("log10", "f"): log10_f32, ("log10", "d"): log10_f64},
    **{("sin", "f"): sin_f32, ("sin", "d"): sin_f64, ("cos", "f"): cos_f32, ("cos", "d"): cos_f64},
    **{("tan", "f"): tan_f32, ("tan", "d"): tan_f64},
    **{("power", "f"): pow_f32, ("power", "d"): pow_f64},
    **{(name, kind): f for name, f in (("maximum", maximum), ("minimum", minimum)) for kind in "fd"},
}
"""(NumPy's name, ``"f"`` or ``"d"``) -> the scalar function."""

LARGEST_ERROR: dict[str, tuple[float, float]] = {
    "exp": (1.1, 1.1),
    "exp2": (1.1, 1.2),
    "expm1": (1.7, 2.3),
    "log": (0.9, 0.9),
    "log2": (0.51, 0.51),
    "log10": (0.51, 0.51),
    "log1p": (1.5, 1.5),
    "tanh": (1.5, 1.5),
    "sigmoid": (2.4, 2.2),
    "softplus": (1.9, 1.9),
    "erf": (1.2, 1.5),
    "erfc": (4.5, 4.5),
    "sinh": (2.3, 2.6),
    "cosh": (1.7, 1.7),
    "arctanh": (2.2, 2.2),
    "sin": (1.6, 1.0),
    "cos": (1.6, 1.0),
    "tan": (3.2, 2.5),
    "power": (0.52, 1.3),
}
"""Name -> the largest error in units in the last place over the whole range, of float32 and of float64.

``logaddexp`` has none: where ``x + log1p(exp(y - x))`` cancels, its relative error has no bound, in NumPy neither.
For ``sin``, ``cos``, ``tan`` of float64 it is 25 beyond 2**56 where the result is below 2**-48: one number in 2**47.
"""
