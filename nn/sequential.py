"""Sequential: layers one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import autograd_core as ag

from . import shapes
from .config import made, plain
from .layer import Layer
from .layers.core import Input, InputLayer
from .masks import with_masks
from .model import Model, as_given
from .symbolic import SymbolicTensor
from .tracking import note_change, number_name


class Sequential(Model):
    """A model whose layers are applied one after another.

    Parameters
    ----------
    layers : iterable of Layer, optional
        The first may be what ``nn.Input`` gives, or an ``InputLayer``: the weights are then made at once.
    trainable : bool
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

    def __init__(self, layers: Iterable[Layer] | None = None, trainable: bool = True, name: str | None = None):
        super().__init__(name=name)
        self._chain: list[Layer] = []
        self._symbols: tuple[SymbolicTensor, ...] = ()  # input, and output of each layer, where the shape is known
        for layer in layers or ():
            self.add(layer)
        if not trainable:
            self.trainable = False

    @property
    def layers(self) -> list[Layer]:
        """Layers in order, without an InputLayer."""
        return [layer for layer in self._chain if not isinstance(layer, InputLayer)]

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic input; empty until the shape is known."""
        self._trace(self._first_shape)
        return list(self._symbols[:1])

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic output; empty until the shape is known."""
        self._trace(self._first_shape)
        return list(self._symbols[-1:])

    @property
    def input_shape(self) -> Any:
        """Shape of the input with the batch axis."""
        return self._known_symbol(0).shape

    @property
    def output_shape(self) -> Any:
        """Shape of the output with the batch axis."""
        return self._known_symbol(-1).shape

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._known_symbol(0)

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._known_symbol(-1)

    def _trace(self, input_shape: Any) -> None:
        """Call the layers one after another on a symbolic tensor, so that each knows its input and output."""
        if self._symbols or not self._chain or not shapes.is_shape(input_shape):
            return
        symbols = [Input(batch_shape=tuple(input_shape))]
        for layer in self._chain:
            symbols.append(_applied(layer, symbols[-1]))
        self._symbols = tuple(symbols)

    def _known_symbol(self, index: int) -> SymbolicTensor:
        self._trace(self._first_shape)
        if not self._symbols:
            raise ag.StructureError(
                f"{self.name}: the shape of the input is not known yet; call the model on data, or build(shape)."
            )
        return self._symbols[index]

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end. If the shape of its input is known its weights are made now.

        Parameters
        ----------
        layer : Layer, or what ``nn.Input`` gives (as the first)
        """
        if isinstance(layer, SymbolicTensor) and layer.origin is None:
            layer = InputLayer(batch_shape=layer.shape, dtype=layer.dtype, name=layer.name)
        if not isinstance(layer, Layer):
            raise ag.ConversionError(
                f"{self.name}.add: got a {type(layer).__name__}; expected a layer. A function can be put into "
                "layers.Activation."
            )
        if isinstance(layer, InputLayer) and self._chain:
            raise ag.StructureError(
                f"{self.name}.add: an input comes first; there are {len(self._chain)} layers already."
            )
        if any(layer is other for other in self._chain):
            raise ag.StructureError(f"{self.name}.add: {layer.name!r} is in this model already; make another layer.")
        taken = {other.name for other in self._chain}
        number_name(layer, taken)
        if layer.name in taken:
            raise ag.StructureError(f"{self.name}.add: there is a layer called {layer.name!r} already; choose another.")
        if not self._chain and layer._declared_shape is not None:
            self._begin(layer, layer._declared_shape)
        symbols = (*self._symbols, _applied(layer, self._symbols[-1])) if self._symbols else ()
        self._chain.append(layer)
        self._symbols = symbols
        self.built = bool(symbols)  # without: when data come
        note_change()

    def _begin(self, layer: Layer, shape: Any) -> None:
        dtype = layer.dtype if isinstance(layer, InputLayer) else "float32"
        self._symbols = (Input(batch_shape=shape, dtype=dtype),)

    def pop(self) -> Layer:
        """Take the last layer off and return it."""
        if not self._chain:
            raise ag.StructureError(f"{self.name}.pop: there is no layer.")
        layer = self._chain.pop()
        self._symbols = self._symbols[:-1] if len(self._symbols) > 1 else ()
        note_change()
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Make all weights, for a shape that includes the batch axis: ``(None, 784)``."""
        if input_shape is None:
            self._known_symbol(0)
            return
        if not self._symbols and self._chain:
            self._trace(input_shape)

    def _build_for(self, input_shape: Any) -> None:
        # With data the layers build themselves as it reaches them: a structure of inputs is no shape for `build`.
        if type(self).build is not Sequential.build:
            super()._build_for(input_shape)
        else:
            self._note_built(input_shape)

    def _build_symbolically(self, input_shape: Any) -> None:
        self.build(input_shape)

    def _converted(self, inputs: Any) -> Any:
        return as_given(inputs)  # the first layer converts to its own dtype

    def call(self, inputs, training: bool | None = None, mask: Any = None):
        if not self._chain:
            return ag.convert_to_tensor(inputs)
        inputs = with_masks(inputs, mask)
        for layer in self._chain:
            # Those that need `training` find it in the call they are part of.
            inputs = layer(inputs)
        return inputs

    def compute_output_shape(self, input_shape):
        shape = input_shape
        for layer in self._chain:
            shape = layer.compute_output_shape(shape)
        return shape

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [plain(layer) for layer in self._chain],
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None):
        """Model with new weights, from what ``get_config`` gave."""
        layers = [made(Layer, entry, custom_objects) for entry in config["layers"]]
        return cls(layers, trainable=config.get("trainable", True), name=config.get("name"))


def _applied(layer: Layer, symbol: SymbolicTensor) -> Any:
    """What a layer gives for a symbolic tensor; an InputLayer is no step of its own."""
    return symbol if isinstance(layer, InputLayer) else layer(symbol)
