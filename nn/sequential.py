"""Sequential: layers one after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import autograd_core as ag

from .layer import Layer, Shape
from .model import Model


class Sequential(Model):
    """A model whose layers are applied one after another.

    Parameters
    ----------
    layers : iterable of Layer, optional
    name : str, optional

    Examples
    --------
    >>> from nn import layers
    >>> model = Sequential()
    >>> model.add(layers.Dense(512, activation="relu", input_shape=(28 * 28,)))
    >>> model.add(layers.Dense(10, activation="softmax"))
    >>> model.count_params()
    407050
    """

    def __init__(self, layers: Iterable[Layer] | None = None, name: str | None = None):
        super().__init__(name=name)
        self._chain: list[Layer] = []
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Put a layer at the end. If the shape of its input is known its weights are made now."""
        if not isinstance(layer, Layer):
            raise ag.ConversionError(
                f"{self.name}.add: got a {type(layer).__name__}; expected a layer. A function can be put into "
                "layers.Activation."
            )
        if any(layer is other for other in self._chain):
            raise ag.StructureError(f"{self.name}.add: {layer.name!r} is in this model already; make another layer.")
        self._tell_apart(layer)
        if any(layer.name == other.name for other in self._chain):
            raise ag.StructureError(f"{self.name}.add: there is a layer called {layer.name!r} already; choose another.")
        shape = self._chain[-1]._output_shape if self._chain else layer._declared_shape
        self._chain.append(layer)
        if shape is not None:
            self._build_layer(layer, shape)
            self.built = True
        else:
            self.built = False  # known when data come

    def pop(self) -> Layer:
        """Take the last layer off and return it."""
        if not self._chain:
            raise ag.StructureError(f"{self.name}.pop: there is no layer.")
        return self._chain.pop()

    def build(self, input_shape: Any) -> None:
        """Make all weights, for a shape that includes the batch axis: ``(None, 784)``."""
        shape: Shape | None = tuple(input_shape)
        for layer in self._chain:
            if shape is None:
                break
            shape = self._build_layer(layer, shape)
        self.built = True

    @staticmethod
    def _build_layer(layer: Layer, shape: Shape) -> Shape | None:
        if not layer.built:
            layer.build(shape)
            layer.built = True
        if layer._output_shape is None:
            layer._output_shape = layer.compute_output_shape(shape)
        return layer._output_shape

    def __call__(self, inputs, *args: Any, **kwargs: Any):
        """Apply the layers; see ``Layer.__call__``. Inputs are converted by the first layer, to its own dtype."""
        return self.call(inputs, *args, **kwargs)

    def call(self, inputs, training: bool | None = None, mask: Any = None):
        if not self._chain:
            return ag.convert_to_tensor(inputs)
        for layer in self._chain:
            inputs = layer(inputs) if training is None else layer(inputs, training=training)
        if not self.built:
            self.built = True
        return inputs

    def compute_output_shape(self, input_shape):
        shape = input_shape
        for layer in self._chain:
            shape = None if shape is None else layer.compute_output_shape(shape)
        return shape
