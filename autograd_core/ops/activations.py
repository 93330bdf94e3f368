"""Activation functions, entry by entry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..primitive import Primitive, apply, unary
from .arithmetic import REAL
from .axes import on
from .matrices import tensor
from .special import erfc

__all__ = [
    "elu", "gelu", "hard_sigmoid", "leaky_relu", "log_sigmoid", "mish", "relu", "selu", "sigmoid", "silu", "softplus",
    "softsign", "swish",
]  # fmt: skip

_INTEGERS = {2: np.int16, 4: np.int32, 8: np.int64}


def gated(ct, gate):
    """``np.where(gate, ct, 0)``; ``gate``, a fresh array of the shape of ``ct``, is used up.

    By an AND with the bits of each entry: np.where jumps at every entry, and takes 290 us for (128, 512) random signs
    where this takes 20. A product with the mask would be as fast, but make NaN of infinite cotangents.
    """
    if ct.__class__ is np.ndarray and ct.ndim and ct.dtype.kind == "f" and ct.dtype.itemsize in _INTEGERS:
        bits = gate.view(np.int8)
        np.negative(bits, bits)  # -1 is all ones
        return np.bitwise_and(ct.view(_INTEGERS[ct.dtype.itemsize]), bits).view(ct.dtype)
    return np.where(gate, ct, np.zeros((), ct.dtype))


def _is_large(x) -> bool:
    """Whether ``x`` is a floating array whose steps are worth doing in place; 0-d results are scalars, not arrays."""
    return x.__class__ is np.ndarray and x.ndim > 0 and x.dtype.kind == "f"


# -- sigmoid and softplus ----------------------------------------------------------------------------------------------


@np.errstate(over="ignore")  # exp(100) = inf in float32, and 1 / inf = 0 is right
def _sigmoid(x):
    # Exact to the last digits in both tails, which 0.5 + 0.5 tanh(x / 2) is not: it gives 0 for -20 in float32.
    if not _is_large(x):
        return 1 / (1 + np.exp(-1.0 * x))
    result = np.negative(x)
    np.exp(result, result)
    np.add(result, 1, result)
    return np.reciprocal(result, result)


def _sigmoid_rule(ct, ans, x):
    if ct.__class__ is not np.ndarray or not ct.ndim or ct.shape != ans.shape or ct.dtype is not ans.dtype:
        return ct * ans * (1 - ans)
    slope = np.subtract(1, ans)  # the same in one array
    np.multiply(slope, ans, slope)
    return np.multiply(slope, ct, slope)


SIGMOID = Primitive(
    "sigmoid", _sigmoid, elementwise=True, domain=(REAL,), keeps=False, doc="1 / (1 + exp(-x)), without overflow.",
    source="sigmoid({0})",
    vjps=(_sigmoid_rule,),
)  # fmt: skip


def _softplus(x):
    if not _is_large(x):
        return np.logaddexp(x, 0)
    result = np.abs(x)
    np.negative(result, result)
    np.exp(result, result)
    np.log1p(result, result)
    return np.add(result, np.maximum(x, 0), result)


# np.logaddexp(x, 0) calls the C library for each entry, and takes ten times as long for an array.
SOFTPLUS = Primitive(
    "softplus", _softplus, elementwise=True, domain=(REAL,), doc="log(1 + exp(x)), without overflow.",
    source="softplus({0})",
    vjps=(lambda ct, ans, x: ct * on(SIGMOID, x),),
)  # fmt: skip

# -- rectifiers --------------------------------------------------------------------------------------------------------


def _sample_signed(draw):
    """Entries of both signs, away from 0."""
    shape = draw.shape()
    return (np.copysign(draw.array(shape, 0.3, 2.0), draw.array(shape)),)


RELU = Primitive(
    "relu", lambda x: np.maximum(x, 0), elementwise=True, source="maximum({0}, 0)", keeps=False, doc="max(x, 0)",
    sample=lambda draw: (_sample_signed(draw), {}),
    vjps=(lambda ct, ans, x: gated(ct, np.greater(ans, 0)),),
    kink="0 at 0",
)  # fmt: skip


def _at_zero(slope: float) -> float:
    """Number of least size between ``slope``, on the left of 0, and 1 on its right."""
    return min(max(slope, 0.0), 1.0)


def _leaky(ct, ans, x, *, negative_slope):
    at_zero = _at_zero(negative_slope)
    below = ct * negative_slope
    if at_zero != negative_slope:
        below = np.where(np.less(x, 0), below, ct * at_zero)
    return np.where(np.greater(x, 0), ct, below)


LEAKY_RELU = Primitive(
    "leaky_relu", lambda x, *, negative_slope: np.where(np.greater(x, 0), x, x * negative_slope), elementwise=True,
    source="where({0} > 0, {0}, {0} * {negative_slope})",
    sample=lambda draw: (_sample_signed(draw), {"negative_slope": draw.choice((0.2, -0.5, 1.5))}),
    doc="x if x > 0, else negative_slope * x", vjps=(_leaky,),
    kink="at 0 the number of least size between negative_slope and 1",
)  # fmt: skip


def _elu(ct, ans, x, *, alpha):
    above = np.greater(x, 0) if alpha <= 1 else np.greater_equal(x, 0)
    return np.where(above, ct, ct * (ans + alpha))


ELU = Primitive(
    "elu", lambda x, *, alpha: np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0))), elementwise=True,
    source="where({0} > 0, {0}, {alpha} * expm1(minimum({0}, 0)))",
    sample=lambda draw: (_sample_signed(draw), {"alpha": draw.choice((1.0, 0.5, 1.6))}),
    doc="x if x > 0, else alpha * (exp(x) - 1)", vjps=(_elu,),
    kink="at 0 the smaller of alpha and 1",
)  # fmt: skip

ROWS = (SIGMOID, SOFTPLUS, RELU, LEAKY_RELU, ELU)

# -- public functions --------------------------------------------------------------------------------------------------

sigmoid = unary(SIGMOID)
softplus = unary(SOFTPLUS)
relu = unary(RELU)


def leaky_relu(x, negative_slope: float = 0.2):
    """``x`` if it is positive, else ``negative_slope * x``."""
    return apply(LEAKY_RELU, (x,), {"negative_slope": float(negative_slope)})


def elu(x, alpha: float = 1.0):
    """``x`` if it is positive, else ``alpha * (exp(x) - 1)`` (Clevert, Unterthiner & Hochreiter 2016)."""
    return apply(ELU, (x,), {"alpha": float(alpha)})


def selu(x):
    """Scaled ``elu`` that keeps mean 0 and variance 1 (Klambauer et al. 2017, equation 2 and its constants)."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def log_sigmoid(x):
    """``log(sigmoid(x))``, exact where the sigmoid itself would be 0."""
    return np.negative(softplus(np.negative(tensor(x))))


def silu(x):
    """``x * sigmoid(x)``, also called swish (Elfwing, Uchibe & Doya 2018)."""
    x = tensor(x)
    return x * sigmoid(x)


swish = silu


def gelu(x, approximate: bool = False):
    """``x`` times the probability that a standard normal variable is below ``x`` (Hendrycks & Gimpel 2016).

    Parameters
    ----------
    approximate : bool
        Use their formula with ``tanh`` instead of the error function.
    """
    x = tensor(x)
    if approximate:
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))
    return 0.5 * x * erfc(x * -math.sqrt(0.5))  # erfc, not 1 + erf, which is 0 already at -6 in float32


def hard_sigmoid(x):
    """``x / 6 + 1/2``, limited to the interval from 0 to 1; the derivative at its ends is 0."""
    return np.clip(tensor(x) / 6.0 + 0.5, 0.0, 1.0)


def softsign(x):
    """``x / (1 + |x|)``."""
    x = tensor(x)
    return x / (1.0 + np.abs(x))


def mish(x):
    """``x * tanh(softplus(x))`` (Misra 2020)."""
    x = tensor(x)
    return x * np.tanh(softplus(x))


OVERLOADS: dict[Any, Any] = {}
