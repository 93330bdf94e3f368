"""The gates of a long short-term memory, with two of their divisions in one: a division costs as much as an ``exp``.

``1 / a`` and ``1 / b`` are ``b / (a b)`` and ``a / (a b)``. So that the product of two denominators is finite, sums
are cut off where a sigmoid is 0 or 1 to far more digits than a float has.
"""

from __future__ import annotations

from ..machine.bits import constant, power_of_low_bits, vector, vector_part
from ..machine.vector_math_exponential import clamp, exp_ordinary, expm1_reduced, reduce_exp

_ONE, _TWO = constant(1.0), constant(2.0)
_ROUND_FOR_POWER = constant(1.5 * 2**23 + 127, 1.5 * 2**52 + 1023)  # as in ``exp``
_FAR = constant(40.0, 300.0)  # sigmoid is 4e-18, or 5e-131
_TANH_FAR = constant(10.0, 20.0)  # tanh is 1


@vector_part
def _below_sigmoid(x):
    """1 + exp(-x): what 1 is divided by."""
    return _ONE(x) + exp_ordinary(clamp(-x, -_FAR(x), _FAR(x)))


@vector_part
def _above_tanh(x):
    """exp(2 x) - 1, right for small x too: tanh(x) is this over itself + 2."""
    t, _, r = reduce_exp(clamp(_TWO(x) * x, -_TWO(x) * _TANH_FAR(x), _TWO(x) * _TANH_FAR(x)), _ROUND_FOR_POWER(x))
    power = power_of_low_bits(t)
    return power * expm1_reduced(r) + (power - _ONE(x))


@vector
def two_sigmoids(x, y):
    """Return sigmoid(x), sigmoid(y)."""
    below_x, below_y = _below_sigmoid(x), _below_sigmoid(y)
    inverse = _ONE(x) / (below_x * below_y)
    return below_y * inverse, below_x * inverse


@vector
def sigmoid_and_tanh(x, y):
    """Return sigmoid(x), tanh(y)."""
    below, above = _below_sigmoid(x), _above_tanh(y)
    inverse = _ONE(x) / (below * (above + _TWO(x)))
    return (above + _TWO(x)) * inverse, above * below * inverse


@vector
def short_tanh(x):
    """Return tanh(x)."""
    above = _above_tanh(x)
    return above / (above + _TWO(x))
