"""Activation functions: Tensor in, Tensor out. A layer takes them as functions or by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from .lookup import by_name

__all__ = [
    "celu", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip

Activation = Callable[[Any], ag.Tensor]


def linear(x):
    """The input itself."""
    return x


def relu(x, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0):
    """``max(x, 0)``; in general ``x`` from ``threshold`` to ``max_value``, ``negative_slope * (x - threshold)`` below.

    Parameters
    ----------
    max_value : float, optional
        The largest value that is given; no limit if None.
    """
    if threshold:
        x = _tensor(x)
        y = anp.where(anp.greater_equal(x, threshold), x, negative_slope * (x - threshold))
    else:
        y = anp.leaky_relu(x, negative_slope) if negative_slope else anp.relu(x)
    return y if max_value is None else anp.minimum(y, max_value)


def leaky_relu(x, negative_slope: float = 0.2):
    """``x`` if it is positive, else ``negative_slope * x``."""
    return anp.leaky_relu(x, negative_slope)


def relu6(x):
    """``min(max(x, 0), 6)``."""
    return anp.clip(_tensor(x), 0, 6)


def elu(x, alpha: float = 1.0):
    """``x`` if it is positive, else ``alpha * (exp(x) - 1)``."""
    return anp.elu(x, alpha)


def celu(x, alpha: float = 1.0):
    """``max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)``: an ``elu`` without a kink (Barron 2017)."""
    return alpha * anp.elu(_tensor(x) / alpha)


def selu(x):
    """Scaled ``elu`` that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
    return anp.selu(x)


def sigmoid(x):
    """``1 / (1 + exp(-x))``, without overflow.

    The result remembers ``x`` in its Node, also where no tape is recording: see ``softmax``.
    """
    y = anp.sigmoid(x)
    if y.node is None:
        remember(anp.sigmoid, x, y, {})
    return y


def log_sigmoid(x):
    """``log(sigmoid(x))``."""
    return anp.log_sigmoid(x)


def hard_sigmoid(x):
    """``x / 6 + 1/2``, limited to the interval from 0 to 1."""
    return anp.hard_sigmoid(x)


def sparse_sigmoid(x):
    """``(x + 1) / 2``, limited to the interval from 0 to 1."""
    return anp.clip(0.5 * (_tensor(x) + 1.0), 0, 1)


def tanh(x):
    """Hyperbolic tangent."""
    return anp.tanh(x)


def hard_tanh(x):
    """``x``, limited to the interval from -1 to 1."""
    return anp.clip(_tensor(x), -1, 1)


def tanh_shrink(x):
    """``x - tanh(x)``."""
    x = _tensor(x)
    return x - anp.tanh(x)


def exponential(x):
    """``exp(x)``."""
    return anp.exp(x)


def softplus(x):
    """``log(1 + exp(x))``, without overflow."""
    return anp.softplus(x)


def squareplus(x, b: float = 4):
    """``(x + sqrt(x**2 + b)) / 2``: a smooth relu from roots only."""
    x = _tensor(x)
    return 0.5 * (x + anp.sqrt(anp.square(x) + b))


def sparse_plus(x):
    """0 up to -1, ``(x + 1)**2 / 4`` from there to 1, then ``x``."""
    x = _tensor(x)
    return anp.where(anp.greater_equal(x, 1), x, 0.25 * anp.square(anp.relu(x + 1.0)))


def softsign(x):
    """``x / (1 + |x|)``."""
    return anp.softsign(x)


def soft_shrink(x, threshold: float = 0.5):
    """``x`` moved towards 0 by ``threshold``; 0 where it is smaller than that."""
    x = _tensor(x)
    return anp.relu(x - threshold) - anp.relu(-x - threshold)


def hard_shrink(x, threshold: float = 0.5):
    """``x``; 0 where its size is at most ``threshold``."""
    x = _tensor(x)
    return anp.where(anp.greater(anp.abs(x), threshold), x, 0)


def threshold(x, threshold: float, default_value: float):
    """``x`` where it is larger than ``threshold``, ``default_value`` elsewhere."""
    x = _tensor(x)
    return anp.where(anp.greater(x, threshold), x, default_value)


def silu(x):
    """``x * sigmoid(x)``, also called swish."""
    return anp.silu(x)


def hard_silu(x):
    """``x * hard_sigmoid(x)``, also called hard swish."""
    x = _tensor(x)
    return x * anp.hard_sigmoid(x)


def gelu(x, approximate: bool = False):
    """``x`` times the probability that a standard normal variable is below it; by ``tanh`` if ``approximate``."""
    return anp.gelu(x, approximate)


def mish(x):
    """``x * tanh(softplus(x))``."""
    return anp.mish(x)


def glu(x, axis: int = -1):
    """First half of an axis times the sigmoid of the second (Dauphin et al. 2017).

    Raises
    ------
    ShapeError
        If the axis has an odd length.
    """
    x = _tensor(x)
    if x.shape[axis] % 2:
        raise ag.ShapeError(f"glu: axis {axis} of the input of shape {x.shape} has an odd length; it is cut in half.")
    first, second = anp.split(x, 2, axis=axis)
    return first * anp.sigmoid(second)


def log_softmax(x, axis: int = -1):
    """``x - log(sum(exp(x)))`` along an axis, without overflow."""
    return anp.log_softmax(x, axis=axis)


def sparsemax(x, axis: int = -1):
    """The point of the probability simplex closest to ``x``: like softmax, with exact zeros.

    References
    ----------
    Martins & Astudillo (2016), "From softmax to sparsemax", algorithm 1.
    """
    x = _tensor(x)
    largest_first = anp.flip(anp.sort(x, axis=axis), axis=axis)
    sums = anp.cumsum(largest_first, axis=axis)
    length = x.shape[axis]
    shape = [1] * x.ndim
    shape[axis] = length
    counts = np.arange(1, length + 1, dtype=x.dtype).reshape(shape)
    inside = anp.greater(1.0 + counts * ag.stop_gradient(largest_first), ag.stop_gradient(sums))
    size = anp.sum(inside, axis=axis, keepdims=True)
    threshold = (anp.take_along_axis(sums, size - 1, axis=axis) - 1.0) / size.astype(x.dtype)
    return anp.relu(x - threshold)


def softmax(x, axis: int = -1):
    """``exp(x) / sum(exp(x))`` along an axis, without overflow.

    The result remembers ``x`` in its Node, also where no tape is recording, so that a cross-entropy can be computed
    from the logits: see ``nn.losses``.
    """
    y = anp.softmax(x, axis=axis)
    if y.node is None and axis in (-1, y.ndim - 1):
        remember(anp.softmax, x, y, {"axis": y.ndim - 1})
    return y


def remember(function: Any, x: Any, y: ag.Tensor, params: dict[str, Any]) -> None:
    """Let ``y``, which no tape tracks, know that it is ``function`` of ``x``."""
    y.node = ag.Node(function.primitive, (_tensor(x).array,), (None,), y.array, params, ())


def logits_of(probabilities: ag.Tensor) -> ag.Tensor | None:
    """What a softmax over the last axis made ``probabilities`` from; None if they were made in another way.

    Where a tape tracks the probabilities but not the logits (it was told to watch the probabilities themselves), the
    answer is None too, since a gradient with respect to the probabilities may be wanted.
    """
    node = probabilities.node
    if node is None or node.primitive is None or node.primitive.name != "softmax":
        return None
    if node.params["axis"] != probabilities.ndim - 1:
        return None
    parent = node.parents[0]
    if parent is not None:
        tracked = parent.tapes is node.tapes or set(node.tapes) <= set(parent.tapes)
        return ag.Tensor(parent.value, parent) if tracked else None
    return ag.Tensor(node.args[0], None) if not node.tapes else None


def _tensor(x: Any) -> ag.Tensor:
    return x if x.__class__ is ag.Tensor else ag.convert_to_tensor(x)


hard_swish, swish = hard_silu, silu

_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh, leaky_relu, linear, log_sigmoid,
    log_softmax, mish, relu, relu6, selu, sigmoid, silu, soft_shrink, softmax, softplus, softsign, sparse_plus,
    sparse_sigmoid, sparsemax, squareplus, tanh, tanh_shrink, threshold,
)  # fmt: skip
_KNOWN: dict[str, Callable[..., Any]] = {
    **{function.__name__: function for function in _FUNCTIONS},
    "swish": silu, "hard_swish": hard_silu,
}  # fmt: skip


def get(identifier: str | Activation | None) -> Activation:
    """Activation for a name, or the function given; None is ``linear``.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return by_name("activation", identifier, _KNOWN)
    if not callable(identifier):
        raise ag.ConversionError(
            f"activations.get: got a {type(identifier).__name__}; expected a name or a function of a Tensor."
        )
    return identifier
