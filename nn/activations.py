"""Activation functions: Tensor in, Tensor out. A layer takes them as functions or by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .lookup import by_name

__all__ = ["get", "linear", "relu", "sigmoid", "softmax", "tanh"]

Activation = Callable[[Any], ag.Tensor]


def linear(x):
    """The input itself."""
    return x


def relu(x):
    """``max(x, 0)``."""
    return anp.relu(x)


def sigmoid(x):
    """``1 / (1 + exp(-x))``, without overflow."""
    return anp.sigmoid(x)


def tanh(x):
    """Hyperbolic tangent."""
    return anp.tanh(x)


def softmax(x, axis: int = -1):
    """``exp(x) / sum(exp(x))`` along an axis, without overflow.

    The result remembers ``x`` in its Node, also where no tape is recording, so that a cross-entropy can be computed
    from the logits: see ``nn.losses``.
    """
    y = anp.softmax(x, axis=axis)
    if y.node is None and axis in (-1, y.ndim - 1):
        logits = x if x.__class__ is ag.Tensor else ag.convert_to_tensor(x)
        softmax: Any = anp.softmax
        y.node = ag.Node(softmax.primitive, (logits.array,), (None,), y.array, {"axis": y.ndim - 1}, ())
    return y


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


_KNOWN = {function.__name__: function for function in (linear, relu, sigmoid, softmax, tanh)}


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
