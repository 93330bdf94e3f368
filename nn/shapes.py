"""Shapes of what goes into layers: nested structures, lengths that are not known, and the shape of an output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

Shape = tuple[int | None, ...]  # None where the length is that of the batch, or not known


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """Apply to every leaf of nested dicts, lists and tuples."""
    if isinstance(structure, dict):
        return {key: map_structure(function, value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        values = [map_structure(function, value) for value in structure]
        return type(structure)(*values) if hasattr(structure, "_fields") else type(structure)(values)
    return function(structure)


def leaves(structure: Any) -> Iterator[Any]:
    """Leaves of nested dicts, lists and tuples, in order."""
    if isinstance(structure, dict):
        for value in structure.values():
            yield from leaves(value)
    elif isinstance(structure, (list, tuple)):
        for value in structure:
            yield from leaves(value)
    else:
        yield structure


def is_array(value: Any) -> bool:
    """Whether this is an array of some kind, or a structure of them."""
    return isinstance(value, (ag.Tensor, ag.Variable, np.ndarray)) or is_structure(value)


def is_structure(inputs: Any) -> bool:
    """Whether this is a structure of several inputs, not one input written as nested lists of numbers."""
    if isinstance(inputs, dict):
        return True
    return isinstance(inputs, (list, tuple)) and any(
        isinstance(item, (ag.Tensor, ag.Variable, np.ndarray, dict)) or is_structure(item) for item in inputs
    )


def shape_of(inputs: Any) -> Any:
    """Shape of an input, or structure of shapes, with None for the batch axis."""
    if isinstance(inputs, dict):
        return {key: shape_of(value) for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return [shape_of(value) for value in inputs]
    return (None, *inputs.shape[1:]) if inputs.ndim else ()


def is_shape(value: Any) -> bool:
    """Whether this is one shape rather than a structure of shapes."""
    return isinstance(value, (list, tuple)) and all(
        entry is None or isinstance(entry, (int, np.integer)) for entry in value
    )


def map_shapes(function: Callable[[Shape], Any], structure: Any) -> Any:
    """Apply to every shape of a structure of shapes."""
    if is_shape(structure):
        return function(tuple(structure))
    if isinstance(structure, dict):
        return {key: map_shapes(function, value) for key, value in structure.items()}
    return [map_shapes(function, value) for value in structure]


def probed(call: Callable[[Any], Any], input_shape: Any, dtype: Any) -> Any:
    """Shape of what ``call`` gives for inputs of a shape, found by calling it.

    Lengths that are not known are taken as one number and then as another: what changes in the output with them is not
    known there either.
    """

    def found(length: int) -> Any:
        outputs = call(map_shapes(lambda shape: ones(shape, length, dtype), input_shape))
        return map_structure(np.shape, outputs)

    return merged(found(2), found(3))


def merged(one: Any, other: Any) -> Any:
    """Two structures of shapes as one, with None where they differ."""
    if is_shape(one):
        return tuple(a if a == b else None for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return {key: merged(one[key], other[key]) for key in one}
    return type(one)(merged(a, b) for a, b in zip(one, other, strict=True))


def ones(shape: Shape, unknown: int, dtype: Any) -> ag.Tensor:
    """Tensor that is 1 everywhere; lengths that are not known are ``unknown``."""
    # Ones, not zeros: a logarithm or a quotient of them is finite.
    return ag.Tensor(np.ones([unknown if length is None else length for length in shape], dtype), None)


def sample_shape(owner: str, shape: Sequence[int | None] | int) -> Shape:
    """Shape with a batch axis for the shape of one sample."""
    entries = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    for entry in entries:
        if entry is not None and (isinstance(entry, bool) or not isinstance(entry, (int, np.integer)) or entry < 0):
            raise ag.ShapeError(
                f"{owner}: the shape of one sample is {shape!r}; expected a tuple of lengths, without the batch axis."
            )
    return (None, *(None if entry is None else int(entry) for entry in entries))


def checked_dtype(owner: str, dtype: Any) -> np.dtype[Any]:
    """``dtype`` as NumPy's, if it is one."""
    try:
        return np.dtype(dtype)
    except TypeError:
        raise ag.DtypeError(f"{owner}: dtype is {dtype!r}; expected one such as 'float32' or 'float64'.") from None


def snake_case(name: str) -> str:
    """``"MaxPooling2D"`` -> ``"max_pooling2d"``."""
    name = re.sub(r"\W+", "", name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z][a-z])", "_", name).lower()


def positive(owner: str, name: str, value: Any, low: int = 1) -> int:
    """An argument as an integer of at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or int(value) != value or value < low:
        raise ag.DomainError(f"{owner}: {name} is {value!r}; expected an integer of at least {low}.")
    return int(value)


def several(owner: str, name: str, value: Any, count: int, low: int = 1) -> tuple[int, ...]:
    """An argument as ``count`` integers; one stands for all."""
    entries = tuple(value) if isinstance(value, (list, tuple)) else (value,) * count
    if len(entries) != count:
        raise ag.DomainError(f"{owner}: {name} is {value!r}; expected one integer or {count} of them.")
    return tuple(positive(owner, name, entry, low) for entry in entries)


def share(owner: str, name: str, value: Any) -> float:
    """An argument as a number from 0 to less than 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 <= value < 1:
        raise ag.DomainError(f"{owner}: {name} is {value!r}; expected a number from 0 to less than 1.")
    return float(value)


def axis_of(owner: str, axis: Any, ndim: int) -> int:
    """An axis counted from the front."""
    if not -ndim <= axis < ndim:
        raise ag.AxisError(f"{owner}: axis is {axis}; the input has {ndim} axes.")
    return int(axis) % ndim
