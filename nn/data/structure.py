"""Elements: a Tensor, or a tuple, dict or list of elements. What can be done to all Tensors of one at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag

__all__ = [
    *("TensorSpec", "arrays_of", "as_element", "as_source_array", "batched", "fresh", "leaves", "map_structure"),
    *("specs_of", "stack"),
]


class TensorSpec(NamedTuple):
    """Shape and dtype of a Tensor in each element; an axis whose length differs is None."""

    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype})"


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """Apply to everything in a dict or tuple; a list is one array, as in TensorFlow."""
    if isinstance(structure, dict):
        return {key: map_structure(function, value) for key, value in structure.items()}
    if isinstance(structure, tuple) and not isinstance(structure, TensorSpec):
        return _like(structure, [map_structure(function, value) for value in structure])
    return function(structure)


def leaves(structure: Any) -> list[Any]:
    """Everything in a dict or tuple, in order."""
    found: list[Any] = []
    map_structure(found.append, structure)
    return found


def as_element(value: Any) -> Any:
    """What a user's function returned, with a Tensor for every array, number or list in it.

    Arrays are copied: a generator may fill the same one again and again.
    """
    return map_structure(ag.convert_to_tensor, value)


def as_source_array(value: Any) -> np.ndarray:
    """An array to draw elements from; not copied if it is one."""
    return value if isinstance(value, np.ndarray) else ag.convert_to_tensor(value).array


def arrays_of(element: Any) -> Any:
    """The structure with the arrays in place of the Tensors."""
    return map_structure(lambda tensor: tensor.array, element)


def fresh(arrays: Any) -> Any:
    """New Tensors around arrays: ``x += 1`` moves a Tensor on, and must not reach what a dataset keeps."""
    return map_structure(lambda array: ag.Tensor(array, None), arrays)


def stack(elements: Sequence[Any]) -> Any:
    """One element out of several, each Tensor stacked along a new first axis.

    Raises
    ------
    StructureError, ShapeError, DtypeError
        If the elements differ in more than their numbers.
    """
    first = elements[0]
    if isinstance(first, dict):
        _check_alike(elements, dict, lambda element: sorted(map(str, element)), "keys")
        return {key: stack([element[key] for element in elements]) for key in first}
    if isinstance(first, tuple):
        _check_alike(elements, tuple, len, "lengths")
        return _like(first, [stack(column) for column in zip(*elements, strict=True)])
    if any(isinstance(element, (dict, tuple)) for element in elements):
        raise ag.StructureError("Dataset.batch: some elements are single Tensors and others are not; make them alike.")
    arrays = [element.array for element in elements]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise ag.ShapeError(
            f"Dataset.batch: elements of shapes {sorted(shapes)} cannot be stacked; they must have one shape. "
            "Pad, crop or resize them with map(...) first."
        )
    dtypes = {array.dtype for array in arrays}
    if len(dtypes) > 1:
        raise ag.DtypeError(
            f"Dataset.batch: elements of dtypes {sorted(map(str, dtypes))} cannot be stacked; they must have one. "
            "Convert them with map(...) first."
        )
    return ag.Tensor(np.stack(arrays), None)


def _check_alike(elements: Sequence[Any], kind: type, feature: Callable[[Any], Any], what: str) -> None:
    if not all(isinstance(element, kind) for element in elements):
        raise ag.StructureError(f"Dataset.batch: some elements are a {kind.__name__} and others are not.")
    found = [feature(element) for element in elements]
    odd = next((entry for entry in found if entry != found[0]), None)
    if odd is not None:
        raise ag.StructureError(f"Dataset.batch: elements that are a {kind.__name__} have {what} {found[0]} and {odd}.")


def _like(model: tuple[Any, ...], values: list[Any]) -> tuple[Any, ...]:
    """A tuple of the values; a named tuple if the model is one."""
    return type(model)(*values) if hasattr(model, "_fields") else tuple(values)


def specs_of(arrays: Any) -> Any:
    """Shapes and dtypes of what is in a structure of arrays."""
    return map_structure(lambda array: TensorSpec(array.shape, array.dtype), arrays)


def batched(specs: Any, length: int | None) -> Any:
    """Specs of batches of what the specs describe; None if that is not known."""
    if specs is None:
        return None
    return map_structure(lambda spec: TensorSpec((length, *spec.shape), spec.dtype), specs)
