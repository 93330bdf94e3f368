"""Layer: a function with weights. What all layers and models share: building, weights, and the call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from . import building, constraints, initializers, masks, regularizers, shapes
from .calling import Call, current
from .config import Configured, takes
from .hooks import Hooked
from .shapes import Shape
from .symbolic import call_symbolically, has_symbols
from .tracking import Tracked, Trained, note_change


class Layer(Tracked, Hooked, Configured):
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
    activity_regularizer : str or callable, optional
        A function of the output whose value is added to the loss.

    Attributes
    ----------
    built : bool
        Whether the weights are there.
    """

    _call_parameters: frozenset[str] | None = frozenset()  # of ``call``; None if it takes any keyword
    _hands_training_on = False  # whether ``call`` has the parameter ``training``
    _needs_training = False  # and no default for it
    _call_names: tuple[str, ...] = ()  # of the inputs and what follows them
    _made_in_trace = False  # by a function that would make another one in its next trace
    supports_masking = False
    takes_several = True  # whether a list, tuple or dict of inputs is meant for ``call``; layers of one input say no
    makes_mask = False  # whether ``compute_mask`` may give a mask where there was none

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        parameters = inspect.signature(cls.call).parameters.values()
        any_keyword = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        cls._call_parameters = None if any_keyword else frozenset(parameter.name for parameter in parameters)
        cls._hands_training_on = cls._call_parameters is None or "training" in cls._call_parameters
        cls._call_names = tuple(parameter.name for parameter in parameters)[1:]
        if "compute_mask" in cls.__dict__:
            cls.supports_masking = cls.__dict__.get("supports_masking", True)
            cls.makes_mask = cls.__dict__.get("makes_mask", True)
        cls._needs_training = any(p.name == "training" and p.default is p.empty for p in parameters)
        if "build" in cls.__dict__:
            cls.build = building.noting(cls.__dict__["build"])  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any):
        self = super().__new__(cls, *args, **kwargs)
        object.__setattr__(self, "_holders", {})
        object.__setattr__(self, "_penalties", {})
        if ag.tracing.is_tracing():
            object.__setattr__(self, "_made_in_trace", True)
        return self

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None,
        activity_regularizer: Any = None,
    ):
        self._named_by_user = name is not None
        self.name = shapes.snake_case(type(self).__name__) if name is None else name
        self.trainable = trainable
        self.dtype = shapes.checked_dtype(type(self).__name__, "float32" if dtype is None else dtype)
        self._own_weights: list[ag.Variable] = []  # those made by add_weight
        self._output_shape: Shape | None = None
        self._applications: tuple[Any, ...] = ()  # calls on symbolic tensors
        self._added: tuple[Any, ...] = ()  # losses added in the last call
        self._added_in: object | None = None
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        self._declared_shape: Shape | None = (
            None if input_shape is None else shapes.sample_shape(type(self).__name__, input_shape)
        )
        self._is_simple = self.activity_regularizer is None and not self._hands_training_on

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}{'' if self.built else ', not built'}>"

    # -- what a subclass defines ---------------------------------------------------------------------------------

    @building.noting
    def build(self, input_shape: Any) -> None:
        """Make the weights. The layer is ``built`` when this comes to an end, and as it was before if it raises.

        Parameters
        ----------
        input_shape : tuple, or structure of tuples like the input
            None where the length is that of the batch.
        """

    def call(self, inputs, *args: Any, **kwargs: Any):
        """Compute the output; ``training=`` and ``mask=`` are handed over if the method has such parameters."""
        raise TypeError(f"{type(self).__name__} does not define call(inputs); a subclass of Layer must.")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output for a shape of the input; found by a call on zeros unless a subclass knows it.

        Parameters
        ----------
        input_shape : tuple, or structure of tuples like the input
            None where a length is not known.
        """
        if not self.built:
            self._build_for(input_shape)
        return shapes.probed(lambda inputs: self(inputs), input_shape, self.dtype)

    @property
    def _knows_output_shape(self) -> bool:
        """Whether ``compute_output_shape`` is the class's own, not a call on ones."""
        return type(self).compute_output_shape is not Layer.compute_output_shape

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Mask of the output for a mask of the input: the same one if the layer ``supports_masking``.

        A subclass that defines it may make a mask from the inputs, too: its output has it from then on.
        """
        return mask if self.supports_masking else None

    # -- the call ------------------------------------------------------------------------------------------------

    def __call__(self, inputs, *args: Any, **kwargs: Any):
        """Build if need be, convert the inputs, and ``call``.

        Parameters
        ----------
        inputs : Tensor, array_like, symbolic tensor, or nested structure of them
            Floating ones are converted to the layer's dtype. NumPy arrays are copied: they may be written to later,
            and a tape may still need them. (The batches of ``nn.data`` are Tensors, and are not.)
        training : bool, optional
            Whether this is a training step; handed to ``call`` if it has such a parameter. If not given, it is that of
            the layer or model in whose ``call`` this happens.
        mask : optional
            Handed to ``call`` if it has such a parameter. If not given, it is the one that belongs to the inputs.
        """
        opened = ag.tracing.open_scope(self.name)  # by which diagrams group what is computed here
        try:
            given = inputs
            if inputs.__class__ is not ag.Tensor or inputs.array.dtype is not self.dtype:
                if has_symbols(inputs) or (args and has_symbols(args)):
                    return call_symbolically(self, inputs, args, kwargs)
                inputs = self._converted(inputs)
            if args and not all(arg is None or isinstance(arg, (bool, str, int)) for arg in args):
                args = tuple(self._converted(arg) if shapes.is_array(arg) else arg for arg in args)
            if masks.known or self.makes_mask:
                return self._called_with_masks(given, inputs, args, kwargs)
            if self.built:
                if self._is_simple and not kwargs:
                    return self.call(inputs, *args) if args else self.call(inputs)
                return self._called(inputs, args, kwargs)
            return self._applied(inputs, args, kwargs)
        finally:
            if opened:
                ag.tracing.close_scope()

    def _applied(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.built:
            with (
                ag.tracing.suspended(once=not self._made_in_trace),  # weights are made now, not by the plan
                building.on(self, inputs),
            ):
                self._build_for(shapes.shape_of(inputs))
            outputs = self._called(inputs, args, kwargs)
            if isinstance(outputs, ag.Tensor) and outputs.ndim:
                self._output_shape = shapes.shape_of(outputs)
            return outputs
        return self._called(inputs, args, kwargs)

    def _called(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call with ``training`` settled, and known to the layers inside."""
        outer = current.get()
        training = kwargs.pop("training", None) if kwargs else None
        if training is None and outer is not None:
            training = outer.training
        if kwargs and "mask" in kwargs and self._call_parameters is not None and "mask" not in self._call_parameters:
            del kwargs["mask"]
        wanted = (training is not None or self._needs_training) and self._hands_training_on
        if wanted and (not args or len(args) <= _position(type(self), "training")):
            kwargs["training"] = training
        if outer is not None and outer.training is training:
            outputs = self.call(inputs, *args, **kwargs)
            if self.activity_regularizer is not None:
                self._penalise(outputs)
            return outputs if self._gradient_hooks is None else self._hooked(inputs, outputs)
        token = current.set(Call(training, outer))
        try:
            outputs = self.call(inputs, *args, **kwargs)
            if self.activity_regularizer is not None:
                self._penalise(outputs)
        finally:
            current.reset(token)
        return outputs if self._gradient_hooks is None else self._hooked(inputs, outputs)

    def _penalise(self, outputs: Any) -> None:
        """Add the penalty of the outputs to the loss."""
        penalty: Any = self.activity_regularizer
        for output in shapes.leaves(outputs):
            self.add_loss(penalty(output) / max(1, len(output)))

    def _called_with_masks(self, given: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call with the masks that belong to the arguments, and give the output the one that it has then."""
        mask = kwargs.get("mask")
        if mask is None:
            mask = masks.mask_of(given)
        wanted = self._call_parameters or ()
        names = self._call_names
        if mask is not None and "mask" in wanted and names.index("mask") > len(args):
            kwargs["mask"] = mask
        for name, value in (*zip(names, (given, *args), strict=False), *list(kwargs.items())):
            # MultiHeadAttention's `value` has its mask in `value_mask`.
            if f"{name}_mask" in wanted and kwargs.get(f"{name}_mask") is None:
                found = masks.mask_of(value)
                if found is not None:
                    kwargs[f"{name}_mask"] = found
        outputs = self._applied(inputs, args, kwargs)
        if mask is None and not self.makes_mask:
            return outputs
        return masks.with_masks(outputs, self.compute_mask(inputs, mask))

    def _converted(self, inputs: Any) -> Any:
        if shapes.is_structure(inputs):
            if not self.takes_several:
                raise ag.StructureError(
                    f"{type(self).__name__} {self.name!r}: got {len(inputs)} inputs in a {type(inputs).__name__}; "
                    "expected one array. Several can be put together by layers.Concatenate, in a functional model."
                )
            return shapes.map_structure(self._converted, inputs)
        if isinstance(inputs, np.ndarray) and inputs.dtype.kind == "f" and inputs.dtype != self.dtype:
            return ag.Tensor(inputs.astype(self.dtype), None)
        tensor = ag.convert_to_tensor(inputs)
        return tensor.astype(self.dtype) if tensor.dtype.kind == "f" and tensor.dtype != self.dtype else tensor

    def _floating(self, inputs: Any) -> Any:
        """Inputs of whole numbers in the layer's dtype: what ``call`` begins with where it computes."""
        return inputs.astype(self.dtype) if inputs.array.dtype.kind in "iub" else inputs

    def _build_for(self, input_shape: Any) -> None:
        if not building.is_running(self):  # a `build` may call its own layer, with the weights that it made so far
            self.build(input_shape)

    def _note_built(self, input_shape: Any) -> None:
        """``build`` has come to an end."""
        self.built = True

    def _build_symbolically(self, input_shape: Any) -> None:
        """Build where no data will follow at once."""
        self._build_for(input_shape)

    def _build_if_declared(self) -> None:
        if not self.built and self._declared_shape is not None:
            with ag.tracing.suspended(once=not self._made_in_trace):
                self._build_for(self._declared_shape)

    # -- weights and losses --------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int] | int = (),
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> ag.Variable:
        """Make a weight of this layer.

        Parameters
        ----------
        shape : sequence of int
        initializer : str, Initializer, or function of shape and dtype
            "glorot_uniform" if None.
        dtype : dtype, optional
            The layer's if None.
        trainable : bool
        name : str, optional
            The Variable is called ``layer name/name``.
        regularizer : str, Regularizer or function, optional
            Its value for this weight is among ``losses``.
        constraint : str, Constraint or function, optional
            Applied by the optimizer after each step.
        """
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ag.ShapeError(
                f"{self.name}.add_weight: the shape of {name or 'weight'!r} is {shape}; every length must be known. "
                "Give the layer an input whose axes (but the first) have known lengths."
            )
        maker = initializers.get("glorot_uniform" if initializer is None else initializer)
        values = maker(shape, dtype=self.dtype if dtype is None else dtype)
        weight = ag.Variable(
            values, trainable=trainable, name=f"{self.name}/{name or 'weight'}", constraint=constraints.get(constraint)
        )
        self._own_weights.append(weight)
        penalty = regularizers.get(regularizer)
        if penalty is not None:
            self._penalties[weight] = penalty
        note_change()
        return weight

    def add_loss(self, loss: Any) -> None:
        """Add a number to the loss of the model; called inside ``call``, with what it computed there."""
        call = current.get()
        outermost = None if call is None else call.outermost
        if outermost is None or outermost is not self._added_in:
            self._added = ()
            object.__setattr__(self, "_added_in", outermost)
        position = len(self._added)
        object.__setattr__(self, "_added", (*self._added, loss))
        if ag.tracing.is_tracing() and isinstance(loss, ag.Tensor):
            ag.tracing.afterwards(lambda value: self._note_loss(position, value), loss)

    def _note_loss(self, position: int, value: Any) -> None:
        """Keep what a loss that was added in a trace is after a run, as a call that is not traced would."""
        object.__setattr__(self, "_added", (*self._added[:position], value, *self._added[position + 1 :]))

    def _forget_losses(self) -> None:
        object.__setattr__(self, "_added", ())

    @property
    def losses(self) -> list[Any]:
        """Penalties of the weights' regularizers, and what the last call has added to the loss."""
        _, penalised, layers = self._known_weights()
        if penalised and ag.tracing.is_tracing():
            ag.tracing.static(Trained(self))
        found = [regularizer(weight) for weight, regularizer in penalised if weight.trainable]
        for layer in layers:
            if layer._added:
                found += layer._added
        return found

    # -- description ---------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if "activity_regularizer" in config and config["activity_regularizer"] is None:
            del config["activity_regularizer"]
        return {**config, "name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None):
        """Layer with new weights, made with the arguments that ``get_config`` gave."""
        # A user's constructor may not take what every layer of ours takes: that is set afterwards.
        later = {
            name: config[name] for name in ("name", "trainable", "dtype") if name in config and not takes(cls, name)
        }
        layer = super().from_config({name: value for name, value in config.items() if name not in later})
        if "name" in later:
            layer.name = later["name"]
        if not later.get("trainable", True):
            layer.trainable = False
        return layer

    def _wrong_input(self, shape: Any, expected: str) -> ag.ShapeError:
        """Error for an input that does not fit this layer."""
        return ag.ShapeError(
            f"{type(self).__name__} {self.name!r}: the input has shape {building.told(self, shape)}; expected "
            f"{expected}."
        )

    @property
    def input(self) -> Any:
        """What this layer was called on (the first time) when a model was built from symbolic tensors."""
        return self._first_application("input").inputs

    @property
    def output(self) -> Any:
        """What this layer gave (the first time) when a model was built from symbolic tensors."""
        return self._first_application("output").outputs

    def _first_application(self, asked: str) -> Any:
        if not self._applications:
            raise ag.StructureError(
                f"{self.name}.{asked}: this layer was not called on symbolic tensors yet. In a Sequential that was "
                "built by a call on data, ask the model for its .input first (or begin it with nn.Input(shape)); a "
                "subclassed model has no symbolic tensors."
            )
        return self._applications[0]


def _position(cls: type, name: str) -> int:
    """Position of a parameter of ``call`` among those after the inputs."""
    call: Callable[..., Any] = cls.call  # type: ignore[attr-defined]
    names = list(inspect.signature(call).parameters)[2:]
    return names.index(name) if name in names else len(names)
