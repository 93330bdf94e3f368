"""Where elements come from: arrays, a function that gives an iterable, values to give once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import autograd_core as ag

from .step import UNKNOWN_CARDINALITY, Positions, Step
from .structure import TensorSpec, as_element, as_source_array, fresh, leaves, map_structure, specs_of

__all__ = ["Generated", "Single", "Slices"]


class Slices(Step):
    """Entries of arrays along their first axis.

    Parameters
    ----------
    arrays : ndarray, or dict or tuple of arrays
        Not copied: what is in them when an element is drawn is in the element.
    length : int
        Of the first axis of each.
    """

    def __init__(self, arrays: Any, length: int):
        super().__init__()
        self.arrays = arrays
        self.length = length
        self.single = isinstance(arrays, np.ndarray)
        flat = arrays.__class__ is tuple and all(isinstance(array, np.ndarray) for array in arrays)
        self._columns: list[Any] | None = list(map(_chooser, arrays)) if flat else None

    @classmethod
    def checked(cls, tensors: Any) -> Slices:
        """Slices of what a user gave."""
        arrays = map_structure(as_source_array, tensors)
        found = leaves(arrays)
        if not found:
            raise ag.DomainError("Dataset.from_tensor_slices: got no array.")
        if any(not array.ndim for array in found):
            raise ag.ShapeError("Dataset.from_tensor_slices: got a single number; expected a first axis to slice.")
        lengths = [len(array) for array in found]
        if len(set(lengths)) > 1:
            raise ag.ShapeError(
                f"Dataset.from_tensor_slices: the first axes have lengths {lengths}; they must be the same: one entry "
                "of each for every sample."
            )
        return cls(arrays, lengths[0])

    def __iter__(self) -> Iterator[Any]:
        return (self.entries(position) for position in range(self.length))

    def cardinality(self) -> int:
        return self.length

    def spec(self) -> Any:
        return map_structure(lambda array: TensorSpec(array.shape[1:], array.dtype), self.arrays)

    def entries(self, index: Any) -> Any:
        """Entries at a position, or at several, as new Tensors."""
        if index.__class__ is np.ndarray:  # NumPy makes a new array for positions; for a slice it gives a view
            if self._columns is not None:  # x and y: a microsecond less for a small batch
                return tuple([ag.Tensor(choose(index), None) for choose in self._columns])
            return map_structure(lambda array: ag.Tensor(array[index], None), self.arrays)
        return map_structure(lambda array: ag.Tensor(np.array(array[index]), None), self.arrays)

    def part(self, start: int, stop: int) -> Slices:
        """Slices of some of the entries, one behind the other."""
        start, stop = min(start, self.length), min(stop, self.length)
        return Slices(map_structure(lambda array: array[start:stop], self.arrays), stop - start)

    def root(self) -> Slices:
        return self

    def positions(self) -> Positions:
        yield np.arange(self.length)


def _chooser(array: Any) -> Callable[[Any], Any]:
    """Function from positions to a new array of these entries."""
    # A method is faster than brackets; but it would begin by copying an array that is not contiguous.
    plain = array.__class__ is np.ndarray and array.flags.c_contiguous
    return partial(array.take, axis=0) if plain else array.__getitem__


class Single(Step):
    """One element."""

    def __init__(self, tensors: Any):
        super().__init__()
        self.arrays = map_structure(lambda value: np.array(as_source_array(value)), tensors)

    def __iter__(self) -> Iterator[Any]:
        yield fresh(self.arrays)

    def cardinality(self) -> int:
        return 1

    def spec(self) -> Any:
        return specs_of(self.arrays)


class Generated(Step):
    """What a function gives when it is called anew for each run through.

    Parameters
    ----------
    function : callable
        Of no argument; gives an iterable.
    dtypes : dtype, structure of dtypes, or None
        That the Tensors are converted to.
    """

    def __init__(self, function: Callable[[], Any], dtypes: Any = None):
        super().__init__()
        self.function = function
        self.dtypes = dtypes

    def __iter__(self) -> Iterator[Any]:
        items = self.function()
        if not hasattr(items, "__iter__"):
            raise ag.ConversionError(
                f"Dataset.from_generator: calling generator() gave {type(items).__name__}; expected something to "
                "iterate over, as a function with yield gives."
            )
        for item in items:
            element = as_element(item)
            yield element if self.dtypes is None else _converted(element, self.dtypes)

    def cardinality(self) -> int:
        return UNKNOWN_CARDINALITY


def _converted(element: Any, dtypes: Any) -> Any:
    """The element with its Tensors converted; both are structures of the same form."""
    if isinstance(dtypes, dict) and isinstance(element, dict) and dtypes.keys() == element.keys():
        return {key: _converted(element[key], dtypes[key]) for key in element}
    if isinstance(dtypes, tuple) and isinstance(element, tuple) and len(dtypes) == len(element):
        return tuple(_converted(part, dtype) for part, dtype in zip(element, dtypes, strict=True))
    if isinstance(dtypes, (dict, tuple)) or isinstance(element, (dict, tuple)):
        raise ag.StructureError(
            f"Dataset.from_generator: an element is {specs_of(map_structure(lambda t: t.array, element))}, and the "
            f"dtypes given are {dtypes}; they must have the same structure."
        )
    return ag.convert_to_tensor(element, dtypes)
