"""Mini-batches: ``Dataset.from_tensor_slices((x, y)).shuffle(1000).batch(32)``.

A Dataset is made in steps, each of which gives a new one; iterating runs through it once, and again as often as asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import autograd_core as ag

__all__ = ["Dataset"]

Seed = int | np.random.Generator | None


class Dataset:
    """Elements that can be run through again and again: a Tensor each, or a tuple, list or dict of Tensors."""

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """One element for each index along the first axis.

        Parameters
        ----------
        tensors : array_like, or nested dict, list or tuple of arrays
            All with a first axis of the same length. A tuple ``(x, y)`` gives elements ``(x[i], y[i])``. (A list of
            arrays is stacked, as in TensorFlow.)

        Returns
        -------
        Dataset
            Arrays are not copied as a whole: what is in them when an element is drawn is in the element.
        """
        arrays = _map(_as_array, tensors)
        leaves = _leaves(arrays)
        if not leaves:
            raise ag.DomainError("Dataset.from_tensor_slices: got no array.")
        for array in leaves:
            if not array.ndim:
                raise ag.ShapeError("Dataset.from_tensor_slices: got a single number; expected a first axis to slice.")
        lengths = [len(array) for array in leaves]
        if len(set(lengths)) > 1:
            raise ag.ShapeError(
                f"Dataset.from_tensor_slices: the first axes have lengths {lengths}; they must be the same: one entry "
                "of each for every sample."
            )
        return _Slices(arrays, lengths[0])

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("Dataset is made by Dataset.from_tensor_slices.")

    def __len__(self) -> int:
        raise TypeError("Dataset is made by Dataset.from_tensor_slices.")

    def shuffle(self, buffer_size: int, seed: Seed = None, reshuffle_each_iteration: bool = True) -> Dataset:
        """Elements in a random order.

        Parameters
        ----------
        buffer_size : int
            From so many of the next elements one is drawn; at least the number of elements for a perfect shuffle.
        seed : int, numpy.random.Generator or None
            None is different in every run.
        reshuffle_each_iteration : bool
            Whether each run through has an order of its own.
        """
        return _Shuffled(self, _positive("shuffle", "buffer_size", buffer_size), seed, reshuffle_each_iteration)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Elements ``batch_size`` at a time, stacked along a new first axis; the last batch may be smaller."""
        return _Batched(self, _positive("batch", "batch_size", batch_size), drop_remainder)

    def _positions(self) -> Iterator[int]:
        """Numbers of the elements in the order of one run through."""
        return iter(range(len(self)))

    def _root(self) -> _Slices | None:
        """The arrays, if the elements are entries of them in some order: batches are then cut in one go."""
        return None


class _Slices(Dataset):
    def __init__(self, arrays: Any, length: int):
        self.arrays = arrays
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        return (self.take(position) for position in range(self.length))

    def take(self, index: Any) -> Any:
        """Entries at a position, or at several, as new Tensors."""
        if index.__class__ is np.ndarray:  # NumPy makes a new array for positions; for a slice it gives a view
            return _map(lambda array: ag.Tensor(array[index], None), self.arrays)
        return _map(lambda array: ag.Tensor(np.array(array[index]), None), self.arrays)

    def _root(self) -> _Slices:
        return self


class _Shuffled(Dataset):
    def __init__(self, source: Dataset, buffer_size: int, seed: Seed, reshuffle: bool):
        self.source = source
        self.buffer_size = buffer_size
        self.generator = np.random.default_rng(seed)
        self.fixed = None if reshuffle else int(self.generator.integers(2**63))

    def __len__(self) -> int:
        return len(self.source)

    def _order(self, items: Iterator[Any], count: int) -> Iterator[Any]:
        generator = self.generator if self.fixed is None else np.random.default_rng(self.fixed)
        if self.buffer_size >= count:
            everything = list(items)
            return iter([everything[i] for i in generator.permutation(count).tolist()])
        return _through_buffer(items, self.buffer_size, generator)

    def _positions(self) -> Iterator[int]:
        return self._order(self.source._positions(), len(self))

    def _root(self) -> _Slices | None:
        return self.source._root()

    def __iter__(self) -> Iterator[Any]:
        root = self._root()
        if root is None:
            return self._order(iter(self.source), len(self))
        return (root.take(position) for position in self._positions())


class _Batched(Dataset):
    def __init__(self, source: Dataset, batch_size: int, drop_remainder: bool):
        self.source = source
        self.batch_size = batch_size
        self.drop_remainder = drop_remainder

    def __len__(self) -> int:
        whole, rest = divmod(len(self.source), self.batch_size)
        return whole + (rest > 0 and not self.drop_remainder)

    def __iter__(self) -> Iterator[Any]:
        root, size = self.source._root(), self.batch_size
        if root is not None:
            order = None if root is self.source else np.fromiter(self.source._positions(), np.intp, len(root))
            for start in range(0, len(self) * size, size):
                yield root.take(slice(start, start + size) if order is None else order[start : start + size])
            return
        waiting: list[Any] = []
        for element in self.source:
            waiting.append(element)
            if len(waiting) == size:
                yield _stacked(waiting)
                waiting = []
        if waiting and not self.drop_remainder:
            yield _stacked(waiting)


def _through_buffer(items: Iterator[Any], size: int, generator: np.random.Generator) -> Iterator[Any]:
    """Each next item comes from a buffer of ``size``, at random, and its place is filled with the next of ``items``."""
    buffer: list[Any] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = int(generator.integers(size))
        yield buffer[place]
        buffer[place] = item
    for place in generator.permutation(len(buffer)).tolist():
        yield buffer[place]


def _stacked(elements: list[Any]) -> Any:
    first = elements[0]
    if isinstance(first, dict):
        return {key: _stacked([element[key] for element in elements]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_stacked(list(column)) for column in zip(*elements, strict=True))
    shapes = {element.shape for element in elements}
    if len(shapes) > 1:
        raise ag.ShapeError(f"Dataset.batch: elements of shapes {sorted(shapes)} cannot be stacked.")
    return ag.Tensor(np.stack([element.array for element in elements]), None)


def _map(function: Any, structure: Any) -> Any:
    """Apply to every array of a dict or tuple; a list is an array, as in TensorFlow."""
    if isinstance(structure, dict):
        return {key: _map(function, value) for key, value in structure.items()}
    if isinstance(structure, tuple):
        return tuple(_map(function, value) for value in structure)
    return function(structure)


def _leaves(structure: Any) -> list[Any]:
    found: list[Any] = []
    _map(found.append, structure)
    return found


def _as_array(value: Any) -> Any:
    return value if isinstance(value, np.ndarray) else ag.convert_to_tensor(value).array


def _positive(what: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ag.DomainError(f"Dataset.{what}: {name} is {value!r}; expected an integer of at least 1.")
    return int(value)
