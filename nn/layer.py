"""Layer: a function with weights. What all layers and models share: weights, how they are found, and the call."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from . import initializers

Shape = tuple[int | None, ...]  # None where the length is that of the batch


class Layer:
    """Base of all layers.

    A subclass makes its weights in ``build``, which runs once, when the shape of the input is first known, and computes
    in ``call``::

        class Scale(nn.Layer):
            def build(self, input_shape):
                self.factor = self.add_weight(input_shape[-1:], "ones", name="factor")

            def call(self, inputs):
                return inputs * self.factor

    Variables and layers assigned to attributes, also inside lists, tuples and dicts, belong to the layer, in the order
    in which the attributes were first set.

    Parameters
    ----------
    name : str, optional
        The class's name in lower case if None; a second one in the same model gets a number.
    trainable : bool
        If False, none of the weights below this layer are among ``trainable_weights``.
    dtype : dtype, optional
        Of the weights; floating inputs are converted to it. ``"float32"`` if None.
    input_shape : tuple of int, optional
        Shape of one sample, without the batch axis. Weights can then be made before the first call.
    input_dim : int, optional
        Short for ``input_shape=(input_dim,)``.

    Attributes
    ----------
    built : bool
        Whether the weights are there.
    """

    _call_parameters: frozenset[str] | None = frozenset()  # of ``call``; None if it takes any keyword
    built = False
    _holders: dict[str, None]  # names of attributes that may hold weights, in order
    _changes = 0  # of all layers: another number after any of them got, lost or froze something

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        parameters = inspect.signature(cls.call).parameters.values()
        any_keyword = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        cls._call_parameters = None if any_keyword else frozenset(parameter.name for parameter in parameters)

    def __new__(cls, *args: Any, **kwargs: Any):
        self = super().__new__(cls)
        object.__setattr__(self, "_holders", {})
        return self

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        input_shape: Sequence[int] | None = None,
        input_dim: int | None = None,
    ):
        self._named_by_user = name is not None
        self.name = _snake_case(type(self).__name__) if name is None else name
        self.trainable = trainable
        self.dtype = np.dtype("float32" if dtype is None else dtype)
        self._own_weights: list[ag.Variable] = []  # those made by add_weight
        self._output_shape: Shape | None = None
        if input_dim is not None:
            input_shape = (input_dim,)
        self._declared_shape: Shape | None = None if input_shape is None else (None, *input_shape)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}{'' if self.built else ', not built'}>"

    # -- what a subclass defines ---------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights.

        Parameters
        ----------
        input_shape : tuple, or structure of tuples like the input
            None where the length is that of the batch.
        """

    def call(self, inputs, *args: Any, **kwargs: Any):
        """Compute the output; ``training=`` and ``mask=`` are handed over if the method has such parameters."""
        raise TypeError(f"{type(self).__name__} does not define call(inputs); a subclass of Layer must.")

    def compute_output_shape(self, input_shape: Any) -> Shape | None:
        """Shape of the output for a shape of the input; None if it can only be known by calling."""
        return None

    # -- the call ------------------------------------------------------------------------------------------------

    def __call__(self, inputs, *args: Any, **kwargs: Any):
        """Build if need be, convert the inputs, and ``call``.

        Parameters
        ----------
        inputs : Tensor, array_like, or nested structure of them
            Floating ones are converted to the layer's dtype. NumPy arrays are copied: they may be written to later,
            and a tape may still need them. (The batches of ``nn.data`` are Tensors, and are not.)
        training : bool, optional
            Whether this is a training step; handed to ``call`` if it has such a parameter.
        mask : optional
            Likewise.
        """
        if inputs.__class__ is not ag.Tensor or inputs.array.dtype is not self.dtype:
            inputs = self._converted(inputs)
        if kwargs:
            kwargs = self._accepted(kwargs)
        if self.built:
            return self.call(inputs, *args, **kwargs) if args or kwargs else self.call(inputs)
        self._build_for(_shape_of(inputs))
        outputs = self.call(inputs, *args, **kwargs)
        if isinstance(outputs, ag.Tensor) and outputs.ndim:
            self._output_shape = _shape_of(outputs)
        return outputs

    def _converted(self, inputs):
        if _is_structure(inputs):
            if isinstance(inputs, dict):
                return {key: self._converted(value) for key, value in inputs.items()}
            return type(inputs)([self._converted(value) for value in inputs])
        if isinstance(inputs, np.ndarray) and inputs.dtype.kind == "f" and inputs.dtype != self.dtype:
            return ag.Tensor(inputs.astype(self.dtype), None)
        tensor = ag.convert_to_tensor(inputs)
        return tensor.astype(self.dtype) if tensor.dtype.kind == "f" and tensor.dtype != self.dtype else tensor

    def _accepted(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Without ``training`` and ``mask`` where ``call`` has no such parameter."""
        known = self._call_parameters
        if known is None:
            return kwargs
        return {key: value for key, value in kwargs.items() if key in known or key not in ("training", "mask")}

    def _build_for(self, input_shape: Any) -> None:
        self.build(input_shape)
        self.built = True

    # -- weights -------------------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "glorot_uniform",
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> ag.Variable:
        """Make a weight of this layer.

        Parameters
        ----------
        shape : sequence of int
        initializer : str, Initializer, or function of shape and dtype
        dtype : dtype, optional
            The layer's if None.
        trainable : bool
        name : str, optional
            The Variable is called ``layer name/name``.
        """
        values = initializers.get(initializer)(tuple(shape), dtype=self.dtype if dtype is None else dtype)
        weight = ag.Variable(values, trainable=trainable, name=f"{self.name}/{name or 'weight'}")
        self._own_weights.append(weight)
        _note_change()
        return weight

    @property
    def weights(self) -> list[ag.Variable]:
        """All weights of this layer and those below it, each once, in the order they were defined."""
        found: dict[ag.Variable, None] = {}
        self._collect(found, set(), trainable_only=False)
        return list(found)

    variables = weights

    @property
    def trainable_weights(self) -> list[ag.Variable]:
        """The weights that training changes."""
        known = self.__dict__.get("_known")
        if known is None or known[0] != Layer._changes:
            found: dict[ag.Variable, None] = {}
            self._collect(found, set(), trainable_only=True)
            # What is in a user's list may change unseen: then they are looked for each time, which takes 2 us a layer.
            known = Layer._changes if self._is_settled(set()) else None, list(found)
            object.__setattr__(self, "_known", known)
        return [weight for weight in known[1] if weight.trainable]

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[ag.Variable]:
        """The weights that training leaves alone."""
        trainable = set(self.trainable_weights)
        return [weight for weight in self.weights if weight not in trainable]

    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[Any]:
        """Values of all weights, as NumPy arrays of the caller's own."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, values: Sequence[Any]) -> None:
        """Assign all weights, in the order of ``weights``."""
        weights = self.weights
        if len(values) != len(weights):
            raise ag.StructureError(
                f"{self.name}.set_weights: got {len(values)} arrays; this {type(self).__name__} has {len(weights)} "
                f"weights: {', '.join(str(weight.name) for weight in weights)}."
            )
        for weight, value in zip(weights, values, strict=True):
            if np.shape(value) != weight.shape:
                raise ag.ShapeError(
                    f"{self.name}.set_weights: the array for {weight.name!r} has shape {np.shape(value)}; expected "
                    f"{weight.shape}."
                )
        for weight, value in zip(weights, values, strict=True):
            weight.assign(np.asarray(value, dtype=weight.dtype))

    def count_params(self) -> int:
        """How many numbers there are in all weights."""
        return sum(weight.size for weight in self.weights)

    def _is_settled(self, seen: set[int]) -> bool:
        """Whether every change of what is below this layer is noted: there are no lists but our own."""
        if id(self) in seen:
            return True
        seen.add(id(self))
        attributes = self.__dict__
        values = [attributes[name] for name in self._holders if name != "_own_weights"]
        return all(
            isinstance(value, ag.Variable) or (isinstance(value, Layer) and value._is_settled(seen)) for value in values
        )

    def _collect(self, found: dict[ag.Variable, None], seen: set[int], trainable_only: bool) -> None:
        """Add the weights below this layer to ``found``; ``seen`` are the layers that have been looked at.

        With ``trainable_only`` those below a layer that is not trainable are left out.
        """
        seen.add(id(self))
        if trainable_only and not self.trainable:
            return
        if not self.built and self._declared_shape is not None:
            self._build_for(self._declared_shape)
        attributes = self.__dict__
        for name in self._holders:
            _gather(attributes[name], found, seen, trainable_only)

    @property
    def _sublayers(self) -> list[Layer]:
        """Layers directly below this one, each once, in order."""
        found: dict[Layer, None] = {}
        for name in self._holders:
            for item in _flat(self.__dict__[name]):
                if isinstance(item, Layer):
                    found[item] = None
        return list(found)

    # -- attributes ----------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (ag.Variable, Layer, list, tuple, dict)):
            inside = [item for item in _flat(value) if isinstance(item, (ag.Variable, Layer))]
            if inside and "trainable" not in self.__dict__:
                raise ag.AutogradError(
                    f"{type(self).__name__}.{name}: call super().__init__() before layers or Variables are assigned."
                )
            for item in inside:
                if isinstance(item, Layer):
                    self._tell_apart(item)
            if inside or isinstance(value, (list, dict)):  # a list or dict may be filled later
                self._holders[name] = None
                _note_change()
            elif name in self._holders:
                self._forget(name)
        elif name in self._holders:
            self._forget(name)
        elif name == "trainable":
            _note_change()
        object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_known", None)  # numbered by this process
        return state

    def __delattr__(self, name: str) -> None:
        if name in self._holders:
            self._forget(name)
        object.__delattr__(self, name)

    def _forget(self, name: str) -> None:
        del self._holders[name]
        _note_change()

    def _tell_apart(self, layer: Layer) -> None:
        """Number the name of ``layer`` if it was not chosen by the user and another layer here has it."""
        taken = {other.name for other in self._sublayers if other is not layer}
        if layer._named_by_user or layer.built or layer.name not in taken:
            return
        base, number = re.sub(r"_\d+$", "", layer.name), 1
        while f"{base}_{number}" in taken:
            number += 1
        layer.name = f"{base}_{number}"


_numbers = itertools.count(1)


def _note_change() -> None:
    Layer._changes = next(_numbers)


def _gather(value: Any, found: dict[ag.Variable, None], seen: set[int], trainable_only: bool) -> None:
    if isinstance(value, ag.Variable):
        found[value] = None
    elif isinstance(value, Layer):
        if id(value) not in seen:
            value._collect(found, seen, trainable_only)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _gather(item, found, seen, trainable_only)
    elif isinstance(value, dict):
        for item in value.values():
            _gather(item, found, seen, trainable_only)


def _flat(value: Any) -> Iterator[Any]:
    """What is inside nested lists, tuples and dicts."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _flat(item)
    else:
        yield value


def _is_structure(inputs: Any) -> bool:
    """Whether this is a structure of several inputs, not one input written as nested lists of numbers."""
    if isinstance(inputs, dict):
        return True
    return isinstance(inputs, (list, tuple)) and any(
        isinstance(item, (ag.Tensor, ag.Variable, np.ndarray, dict)) or _is_structure(item) for item in inputs
    )


def _shape_of(inputs: Any) -> Any:
    """Shape of an input, or structure of shapes, with None for the batch axis."""
    if isinstance(inputs, dict):
        return {key: _shape_of(value) for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return [_shape_of(value) for value in inputs]
    return (None, *inputs.shape[1:]) if inputs.ndim else ()


def _snake_case(name: str) -> str:
    """``"MaxPooling2D"`` -> ``"max_pooling2d"``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
