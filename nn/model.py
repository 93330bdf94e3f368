"""Model: a layer made of layers, that can be trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd_core as ag

from .layer import Layer
from .training import Trainer


class Model(Trainer):
    """A layer made of layers, with ``compile``, ``fit``, ``evaluate``, ``predict`` and ``summary``.

    A subclass makes its layers in ``__init__`` and uses them in ``call``. ``training`` and ``mask`` are handed on by
    hand, to the layers that want them.

    Parameters
    ----------
    name : str, optional
    **options
        Those of every layer.

    Examples
    --------
    >>> import numpy as np
    >>> import nn
    >>> class Net(nn.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.layers.Dense(8, input_dim=2, activation="sigmoid")
    ...         self.out = nn.layers.Dense(3, activation="softmax")
    ...
    ...     def call(self, x, training=None, mask=None):
    ...         return self.out(self.hidden(x))
    >>> net = Net()
    >>> net(np.zeros((5, 2))).shape
    (5, 3)
    >>> [weight.name for weight in net.weights]
    ['dense/kernel', 'dense/bias', 'dense_1/kernel', 'dense_1/bias']
    """

    @property
    def layers(self) -> list[Layer]:
        """Layers directly below the model, in the order in which they were assigned."""
        return self._sublayers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Layer by name or by position."""
        layers = self.layers
        if index is not None:
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in layers)
        raise ag.DomainError(f"{self.name}.get_layer: no layer is called {name!r}; known: {known}.")

    def build(self, input_shape: Any) -> None:
        """Make all weights by calling the model once on zeros of this shape (its batch axis is taken as 1)."""
        zeros = np.zeros([1 if length is None else length for length in input_shape], self.dtype)
        self.call(ag.Tensor(zeros))
        self.built = True

    def _build_for(self, input_shape: Any) -> None:
        # On the first call the layers below build themselves as the data reach them; only a `build` of the user's own
        # has more to do.
        if type(self).build is not Model.build:
            self.build(input_shape)
        self.built = True

    def summary(self, line_length: int | None = None, print_fn: Callable[[str], Any] = print) -> None:
        """Print the layers, the shapes of their outputs and their numbers of parameters.

        Parameters
        ----------
        line_length : int, optional
            As wide as needed if None.
        print_fn : callable
            Called with each line.
        """
        for line in _summary_lines(self, line_length):
            print_fn(line)


def _summary_lines(model: Model, width: int | None) -> Iterator[str]:
    rows = [("Layer (type)", "Output shape", "Parameters")]
    for layer in model.layers:
        known = layer.built or layer._declared_shape is not None
        rows.append(
            (
                f"{layer.name} ({type(layer).__name__})",
                str(layer._output_shape) if layer._output_shape is not None else "?",
                f"{layer.count_params():,}" if known else "not built",
            )
        )
    columns = [max(map(len, column)) for column in zip(*rows, strict=True)]
    spare = 0 if width is None else max(0, width - sum(columns) - 4)
    columns[0] += spare
    rule = "-" * (sum(columns) + 4)
    yield f'Model: "{model.name}"'
    yield rule
    for number, (first, second, third) in enumerate(rows):
        yield f"{first:<{columns[0]}}  {second:<{columns[1]}}  {third:>{columns[2]}}"
        if number == 0:
            yield rule
    yield rule
    total = _count(model.weights)
    trainable = _count(model.trainable_weights)
    size = sum(weight.nbytes for weight in model.weights)
    yield f"Total parameters:         {total:,} ({_bytes(size)})"
    yield f"Trainable parameters:     {trainable:,}"
    yield f"Non-trainable parameters: {total - trainable:,}"


def _count(weights: list[ag.Variable]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _bytes(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GiB"
