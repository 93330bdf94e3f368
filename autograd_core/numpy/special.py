"""``scipy.special`` on Tensors, where it has derivatives (SciPy computes the values: the extra ``jit`` brings it)."""

from __future__ import annotations

from ..ops import softmax as _softmax
from ..ops.log_sums import *
from ..ops.special import *


def softmax(x, axis=None):
    """``exp(x) / sum(exp(x))``, as ``scipy.special.softmax``: over all axes unless some are given."""
    return _softmax.softmax(x, axis)


def log_softmax(x, axis=None):
    """``log(softmax(x))``, as ``scipy.special.log_softmax``: over all axes unless some are given."""
    return _softmax.log_softmax(x, axis)
