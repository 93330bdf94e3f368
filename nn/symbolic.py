"""Symbolic tensors: shapes without values, from which a functional model is built.

``Input`` gives one; a layer called on symbolic tensors makes its weights, computes nothing, and gives symbolic tensors
of the shape that its output will have. Each remembers the call that made it (its ``Application``), so that
``Model(inputs, outputs)`` can walk back from the outputs to the inputs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag

from . import shapes
from .shapes import Shape


@dataclass(eq=False)
class Application:
    """One call of a layer on symbolic tensors."""

    layer: Any
    inputs: Any  # structure with symbolic tensors in it
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: Any = None  # structure of symbolic tensors


class SymbolicTensor:
    """What an array will look like: shape (None where a length is not known) and dtype.

    Operators, NumPy's functions and indexing work on it and become layers.

    Parameters
    ----------
    shape : tuple of int or None
        With the batch axis.
    dtype : dtype
    name : str, optional
    origin : Application, optional
        The call that makes it; None for an input of a model.
    """

    __slots__ = ("dtype", "name", "origin", "shape")

    def __init__(self, shape: Shape, dtype: Any = "float32", name: str | None = None, origin: Any = None):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.name = name
        self.origin = origin

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        made = "an input" if self.origin is None else f"made by {self.origin.layer.name!r}"
        return f"<SymbolicTensor {self.shape} {self.dtype}, {made}>"

    def __len__(self) -> int:
        raise self._no_value("its length")

    def __iter__(self):
        raise self._no_value("its entries one by one")

    def __bool__(self) -> bool:
        raise self._no_value("whether it is true")

    def __array__(self, dtype=None, copy=None):
        raise self._no_value("a value (as an array)")

    def _no_value(self, asked: str) -> ag.AutogradError:
        return ag.ConversionError(
            f"{self!r} was asked for {asked}, and has no value: it stands for what will be there when the model is "
            "called. Operators, indexing, NumPy's own functions (np.tanh, np.concatenate) and those of nn.ops become "
            "layers; put any other computation into a layer of your own, or into layers.Lambda(function)."
        )

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or "out" in kwargs:
            return NotImplemented
        return apply_function(ufunc, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return apply_function(function, args, kwargs)

    def __getitem__(self, index):
        return apply_function(operator.getitem, (self, index), {})

    def __neg__(self):
        return apply_function(operator.neg, (self,), {})

    def __abs__(self):
        return apply_function(operator.abs, (self,), {})


def _binary(function: Callable[[Any, Any], Any], name: str) -> None:
    setattr(SymbolicTensor, f"__{name}__", lambda self, other: apply_function(function, (self, other), {}))


def _reflected(function: Callable[[Any, Any], Any], name: str) -> None:
    setattr(SymbolicTensor, f"__r{name}__", lambda self, other: apply_function(function, (other, self), {}))


for _function, _name in (
    (operator.add, "add"), (operator.sub, "sub"), (operator.mul, "mul"), (operator.truediv, "truediv"),
    (operator.floordiv, "floordiv"), (operator.mod, "mod"), (operator.pow, "pow"), (operator.matmul, "matmul"),
):  # fmt: skip
    _binary(_function, _name)
    _reflected(_function, _name)
# Not == and !=: symbolic tensors are keys of dicts.
for _function, _name in ((operator.gt, "gt"), (operator.ge, "ge"), (operator.lt, "lt"), (operator.le, "le")):
    _binary(_function, _name)


def has_symbols(value: Any) -> bool:
    """Whether there is a symbolic tensor in a structure."""
    if value.__class__ is SymbolicTensor:
        return True
    if isinstance(value, (list, tuple)):
        return any(has_symbols(entry) for entry in value)
    return isinstance(value, dict) and any(has_symbols(entry) for entry in value.values())


def symbols_in(value: Any) -> list[SymbolicTensor]:
    """Symbolic tensors in a structure, in order."""
    return [leaf for leaf in shapes.leaves(value) if isinstance(leaf, SymbolicTensor)]


def call_symbolically(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Build ``layer`` for symbolic inputs, and give symbolic outputs."""
    if kwargs.get("training") is None:
        kwargs.pop("training", None)
    if kwargs.get("mask") is None:
        kwargs.pop("mask", None)
    input_shape = shapes.map_structure(lambda leaf: leaf.shape, inputs)
    if not layer.built:
        layer._build_symbolically(input_shape)
    outputs = _outputs_for(layer, inputs, args, kwargs, input_shape)
    for inner in layer._flatten_layers():  # of a call on ones, if there was one
        inner._forget_losses()
    return record(layer, inputs, args, kwargs, outputs)


def record(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output_shape: Any) -> Any:
    """Note one call of ``layer``; gives the symbolic tensors that stand for its outputs."""
    application = Application(layer, inputs, args, kwargs)
    application.outputs = shapes.map_shapes(
        lambda shape: SymbolicTensor(shape, layer.dtype, None, application), output_shape
    )
    layer._applications = (*layer._applications, application)
    if layer._output_shape is None and shapes.is_shape(output_shape):
        layer._output_shape = tuple(output_shape)
    return application.outputs


def _outputs_for(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any], input_shape: Any) -> Any:
    """Shapes of the outputs, from the layer if it knows them from the inputs alone."""
    others = has_symbols(args) or has_symbols(list(kwargs.values()))
    try:
        if layer._knows_output_shape and not others:
            return layer.compute_output_shape(input_shape)
        kept = {name: value for name, value in kwargs.items() if name != "training"}
        return _probed(layer, inputs, args, kept)
    except ag.AutogradError:
        raise
    except Exception as error:
        raise ag.ShapeError(
            f"{type(layer).__name__} {layer.name!r}: the shape of its output for inputs of shape {input_shape} could "
            f"not be found by a call on ones ({type(error).__name__}: {error}). Define compute_output_shape."
        ) from error


def _probed(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Shapes of the outputs of a call with symbolic tensors among several arguments."""
    symbols = symbols_in([inputs, args, kwargs])

    def call(values: Sequence[Any]) -> Any:
        filled = iter([value.astype(symbol.dtype) for value, symbol in zip(values, symbols, strict=True)])
        given = shapes.map_structure(
            lambda leaf: next(filled) if isinstance(leaf, SymbolicTensor) else leaf, [inputs, list(args), kwargs]
        )
        return layer(given[0], *given[1], **given[2])

    return shapes.probed(call, [symbol.shape for symbol in symbols], symbols[0].dtype)


class FunctionStep:
    """A function among the layers of a functional model: ``x + y``, ``np.tanh(x)``, ``x[:, 0]``."""

    built = True
    weights = ()
    _named_by_user = False

    def __init__(self, function: Callable[..., Any], dtype: Any):
        self.function = function
        self.name = shapes.snake_case(getattr(function, "__name__", "function"))
        self.dtype = dtype
        self._applications: tuple[Application, ...] = ()
        self._output_shape: Shape | None = None

    def __call__(self, inputs: Sequence[Any], **kwargs: Any) -> Any:
        return self.function(*inputs, **kwargs)


def apply_function(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A function of symbolic tensors and other things, as a step of the model that will be made."""
    step = FunctionStep(function, symbols_in([list(args), kwargs])[0].dtype)

    def observed(inputs: Sequence[Any], **options: Any) -> Any:
        outputs = step(inputs, **options)
        step.dtype = next(shapes.leaves(outputs)).dtype
        return outputs

    return record(step, list(args), (), kwargs, _probed(observed, list(args), (), kwargs))
