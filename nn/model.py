"""Model: a layer made of layers, that can be trained."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import optim

from . import saving, shapes
from .config import plain
from .functional import Graph
from .graph_config import graph_config, graph_from
from .layer import Layer
from .summary import summary_lines
from .symbolic import SymbolicTensor
from .tracking import number_name
from .training import Trainer


class Model(Trainer):
    """A layer made of layers, with ``compile``, ``fit``, ``evaluate``, ``predict`` and ``summary``.

    There are three ways to make one: ``Sequential([...])``; ``Model(inputs, outputs)`` from symbolic tensors; and a
    subclass that makes its layers in ``__init__`` and uses them in ``call``.

    Parameters
    ----------
    inputs, outputs : symbolic tensor, or nested list or dict of them
        What ``nn.Input`` gave, and what layers gave for it.
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

    >>> x = nn.Input(shape=(2,))
    >>> hidden = nn.layers.Dense(8, activation="relu")(x)
    >>> net = nn.Model(x, nn.layers.concatenate([x, hidden]))
    >>> net(np.zeros((5, 2))).shape
    (5, 10)
    """

    _graph: Graph | None = None
    _first_shape: Any = None  # of the input that the weights were made for

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **options: Any):
        if (inputs is None) != (outputs is None):
            raise ag.StructureError(f"{type(self).__name__}: inputs and outputs must be given together.")
        super().__init__(name=name or ("functional" if inputs is not None and type(self) is Model else None), **options)
        self._named_by_user = name is not None
        if inputs is not None:
            graph = Graph(self.name, _alone(inputs), _alone(outputs))
            self._steps = tuple(layer for layer in graph.layers if isinstance(layer, Layer))  # those below the model
            taken: set[str] = set()
            for layer in graph.layers:
                number_name(layer, taken)
                if layer.name in taken:
                    raise ag.StructureError(
                        f"{self.name}: two layers are called {layer.name!r}; choose another name for one of them."
                    )
                taken.add(layer.name)
            self._graph = graph
            self.built = True

    def call(self, inputs, training: bool | None = None, mask: Any = None):
        if self._graph is None:
            raise TypeError(
                f"{type(self).__name__} does not define call(inputs); a subclass of Model must, unless the model is "
                "made from symbolic tensors: Model(inputs, outputs)."
            )
        return self._graph.run(inputs, mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._graph is None:
            return super().compute_output_shape(input_shape)
        known = shapes.map_structure(lambda symbol: symbol.shape, self._graph.outputs)
        fixed = all(None not in symbol.shape[1:] for symbol in self._graph.input_symbols)
        return known if fixed else shapes.probed(lambda inputs: self(inputs), input_shape, self.dtype)

    @property
    def _knows_output_shape(self) -> bool:
        return self._graph is not None or type(self).compute_output_shape is not Model.compute_output_shape

    def compute_mask(self, inputs, mask=None):
        return None  # the outputs have theirs from the layers that made them

    makes_mask = False

    # -- structure -------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """Layers directly below the model, in the order in which they were assigned or are called."""
        return self._sublayers

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """Symbolic inputs of a model made from symbolic tensors."""
        return list(self._needed_graph("inputs").input_symbols)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """Symbolic outputs of a model made from symbolic tensors."""
        return list(self._needed_graph("outputs").output_symbols)

    @property
    def input(self) -> Any:
        """Symbolic input, or structure of them."""
        return self._needed_graph("input").inputs

    @property
    def output(self) -> Any:
        """Symbolic output, or structure of them."""
        return self._needed_graph("output").outputs

    @property
    def input_shape(self) -> Any:
        """Shape of the input with the batch axis, or structure of shapes."""
        return shapes.map_structure(lambda symbol: symbol.shape, self._needed_graph("input_shape").inputs)

    @property
    def output_shape(self) -> Any:
        """Shape of the output with the batch axis, or structure of shapes."""
        return shapes.map_structure(lambda symbol: symbol.shape, self._needed_graph("output_shape").outputs)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs of a model made from symbolic tensors."""
        symbols = self._needed_graph("input_names").input_symbols
        return [symbol.name or f"input_{position}" for position, symbol in enumerate(symbols)]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs of a model made from symbolic tensors (their keys, or those of the layers they are of).

        Losses and metrics can be given to ``compile`` in a dict by these names.
        """
        outputs = self._needed_graph("output_names").outputs
        if isinstance(outputs, dict):
            return list(outputs)
        names: list[str] = []
        for symbol in shapes.leaves(outputs):
            base = (symbol.name or "input") if symbol.origin is None else symbol.origin.layer.name
            taken = sum(name == base or name.startswith(f"{base}_") for name in names)
            names.append(f"{base}_{taken}" if base in names else base)
        return names

    def _output_names(self) -> list[str] | None:
        return self.output_names if self._graph is not None and type(self).call is Model.call else None

    def _needed_graph(self, asked: str) -> Graph:
        if self._graph is None:
            raise ag.StructureError(
                f"{self.name}.{asked}: known only for a model made from symbolic tensors, Model(inputs, outputs), and "
                "for a Sequential whose input shape is known."
            )
        return self._graph

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Layer by name or by position."""
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ag.DomainError(f"{self.name}.get_layer: index is {index}; there are {len(layers)} layers.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in layers)
        raise ag.DomainError(f"{self.name}.get_layer: no layer is called {name!r}; known: {known}.")

    def build(self, input_shape: Any) -> None:
        """Make all weights by calling the model once on ones of this shape (unknown lengths are taken as 1)."""
        if self._graph is None:
            self.call_on_ones(input_shape)

    def call_on_ones(self, input_shape: Any) -> Any:
        """Output for an input of this shape, or structure of shapes, that is 1 everywhere."""
        ones = shapes.map_shapes(
            lambda shape: ag.Tensor(np.ones([1 if length is None else length for length in shape], self.dtype), None),
            input_shape,
        )
        return self._called(ones, (), {})

    def _build_for(self, input_shape: Any) -> None:
        # On the first call the layers below build themselves as the data reach them; only a `build` of the user's own
        # has more to do.
        if type(self).build is not Model.build:
            super()._build_for(input_shape)
        else:
            self._note_built(input_shape)

    def _note_built(self, input_shape: Any) -> None:
        if self._graph is None and self._first_shape is None:
            self._note_shape(input_shape)
        super()._note_built(input_shape)

    def _note_shape(self, input_shape: Any) -> None:
        # Past our own __setattr__: a list would be looked through for layers from then on.
        object.__setattr__(self, "_first_shape", plain(input_shape))

    def _converted(self, inputs: Any) -> Any:
        return super()._converted(inputs) if self._graph is None else as_given(inputs)

    # -- files -----------------------------------------------------------------------------------------------------

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write all weights to a safetensors file.

        The file is complete at any moment: it is written beside the old one, and then put in its place.

        Raises
        ------
        DataError
            If it cannot be written, or is there already and ``overwrite`` is False.
        MissingExtraError
            If the package safetensors is not installed.
        """
        if not self.built:
            raise ag.StructureError(
                f"{self.name}.save_weights: there are no weights yet; call the model on data, or build(shape), first."
            )
        _check_new(self.name, filepath, overwrite)
        saving.write(filepath, "weights", {"weights": saving.weights_state(self)})

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
        """Take all weights from a file that ``save_weights`` (or ``save``) wrote.

        Parameters
        ----------
        filepath : path
        skip_mismatch : bool
            Leave weights alone that are different in the file.

        Raises
        ------
        DataError
            If the file is not there, damaged, or of another program.
        StructureError
            If it is of another architecture; the error names the first layer that differs. The model is unchanged.
        """
        state = saving.read(filepath, "weights")
        saving.set_weights(self, state["weights"], os.fspath(filepath), skip_mismatch)

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the model to a safetensors file: layers, weights, how it was compiled, and the optimizer's state.

        ``nn.models.load_model`` reads it. For a class of your own, its ``get_config`` must say how it is made (it does
        if the constructor takes numbers, strings and the like).
        """
        _check_new(self.name, filepath, overwrite)
        asked = self.__dict__.get("_asked")
        compiled = None
        if asked is not None:
            compiled = {**{name: plain(value) for name, value in asked.items()}, "optimizer": self._optimizer_config()}
        saving.write(
            filepath,
            "model",
            {
                "model": plain(self),
                "input_shape": self._shape_to_build(),
                "compile": compiled,
                **saving.training_state(self),
            },
        )

    def _optimizer_config(self) -> Any:
        return optim.serialize(self.optimizer)  # type: ignore[arg-type]

    def _shape_to_build(self) -> Any:
        """Shape of the input with which the weights can be made again; None if the layers know it themselves."""
        return None if self._graph is not None else self._first_shape

    def _repr_svg_(self) -> str | None:
        """Picture of the layers for Jupyter; None, so that the text is shown, where that cannot be drawn."""
        try:
            # Not imported at the top: `utils` stands above models.
            plot_model = importlib.import_module(".utils.plot_model", __package__)
            return ag.drawing_to_svg(plot_model.model_to_dot(self, show_shapes=True))
        except Exception:  # a user's `call` is run to see how the layers hang together
            return None

    # -- description -----------------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print the layers, the shapes of their outputs and their numbers of parameters.

        Parameters
        ----------
        line_length : int, optional
            As wide as needed if None.
        positions, layer_range
            Accepted as in Keras, and not used.
        print_fn : callable, optional
            Called with each line; ``print`` if None.
        expand_nested : bool
            Show the layers of models inside the model, too.
        show_trainable : bool
            Add a column that says which layers are trained.
        """
        for line in summary_lines(self, line_length, expand_nested, show_trainable):
            (print_fn or print)(line)

    def get_config(self) -> dict[str, Any]:
        if self._graph is None:
            return super().get_config()
        return {"name": self.name, "trainable": self.trainable, **graph_config(self._graph)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None):
        """Model with new weights, from what ``get_config`` gave."""
        if "steps" not in config:
            return super().from_config(config)
        inputs, outputs = graph_from(config, custom_objects)
        model = cls(inputs, outputs, name=config["name"])
        if not config.get("trainable", True):
            model.trainable = False
        return model


def _check_new(name: str, filepath: Any, overwrite: bool) -> None:
    if not overwrite and Path(filepath).exists():
        raise ag.DataError(f"{name}: {os.fspath(filepath)} is there already; give overwrite=True, or another name.")


def _alone(structure: Any) -> Any:
    """The only entry of a list, as Keras takes it: ``Model([x], [y])`` is ``Model(x, y)``."""
    return structure[0] if isinstance(structure, (list, tuple)) and len(structure) == 1 else structure


def as_given(inputs: Any) -> Any:
    """Inputs as something with a shape, with their own dtype."""
    if shapes.is_structure(inputs):
        return shapes.map_structure(as_given, inputs)
    return inputs if isinstance(inputs, (ag.Tensor, np.ndarray)) else ag.convert_to_tensor(inputs)
