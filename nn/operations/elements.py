"""Functions of each entry, and questions about what is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp


def cast(x: Any, dtype: Any) -> Any:
    """``x`` in another dtype."""
    return anp.astype(ag.convert_to_tensor(x), dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """Value as a NumPy array."""
    return ag.convert_to_tensor(x).numpy()


def is_tensor(x: Any) -> bool:
    """Whether this is a Tensor; an array of NumPy is none."""
    return isinstance(x, ag.Tensor)


def shape(x: Any) -> Any:
    """Shape, with None where a symbolic tensor's length is not known."""
    return x.shape if hasattr(x, "shape") else anp.shape(x)


def rsqrt(x: Any) -> Any:
    """``1 / sqrt(x)``."""
    return 1.0 / anp.sqrt(floating(x))


def erf(x: Any) -> Any:
    """Error function."""
    return anp.special.erf(floating(x))


def erfinv(x: Any) -> Any:
    """Inverse of the error function."""
    return anp.special.erfinv(floating(x))


def logsumexp(x: Any, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))``, without overflow."""
    return anp.logsumexp(floating(x), axis=axis, keepdims=keepdims)


def floating(x: Any) -> Any:
    """``x`` as a Tensor of floats: whole numbers become float32, the dtype that computing begins with here."""
    tensor = ag.convert_to_tensor(x)
    return tensor.astype("float32") if tensor.dtype.kind in "iub" else tensor


FUNCTIONS = (
    ag.convert_to_tensor, ag.stop_gradient, cast, convert_to_numpy, erf, erfinv, is_tensor, logsumexp, rsqrt, shape,
)  # fmt: skip
