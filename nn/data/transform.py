"""Steps that make new elements of old ones: batch, unbatch, map, zip, enumerate."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autograd_core as ag

from .selection import call
from .sources import Slices
from .step import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Positions, Step
from .structure import TensorSpec, as_element, batched, leaves, map_structure, stack

__all__ = ["Batch", "Enumerate", "Map", "Unbatch", "Zip"]


class Batch(Step):
    """Elements stacked, ``size`` at a time."""

    def __init__(self, source: Step, size: int, drop_remainder: bool):
        super().__init__(source)
        self.source = source
        self.size = size
        self.drop_remainder = drop_remainder

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.source, Slices):
            return self._of_neighbours(self.source)
        root = self.source.root()
        return self._stacked() if root is None else map(root.entries, self._cut(self.source.positions()))

    def _of_neighbours(self, root: Slices) -> Iterator[Any]:
        """By slices, which are copied faster than entries here and there."""
        size = self.size
        return (root.entries(slice(start, start + size)) for start in range(0, self.cardinality() * size, size))

    def _cut(self, blocks: Positions) -> Iterator[NDArray[np.intp]]:
        size, rest = self.size, np.empty(0, np.intp)
        for block in blocks:
            block = np.concatenate([rest, block]) if len(rest) else block
            whole = len(block) - len(block) % size
            for start in range(0, whole, size):
                yield block[start : start + size]
            rest = block[whole:]
        if len(rest) and not self.drop_remainder:
            yield rest

    def _stacked(self) -> Iterator[Any]:
        elements = iter(self.source)
        while waiting := list(itertools.islice(elements, self.size)):
            if len(waiting) == self.size or not self.drop_remainder:
                yield stack(waiting)

    def cardinality(self) -> int:
        count = self.source.cardinality()
        return count if count < 0 else count // self.size if self.drop_remainder else -(-count // self.size)

    def spec(self) -> Any:
        count = self.source.cardinality()
        whole = self.drop_remainder or count == INFINITE_CARDINALITY or (count > 0 and count % self.size == 0)
        return batched(self.source.spec(), self.size if whole else None)


class Unbatch(Step):
    """Entries along the first axis, one by one."""

    def __init__(self, source: Step):
        super().__init__(source)
        self.source = source

    def __iter__(self) -> Iterator[Any]:
        for element in self.source:
            arrays = [tensor.array for tensor in leaves(element)]
            if any(not array.ndim for array in arrays):
                raise ag.ShapeError("Dataset.unbatch: an element holds a single number; expected a first axis.")
            lengths = [len(array) for array in arrays]
            if len(set(lengths)) > 1:
                raise ag.ShapeError(
                    f"Dataset.unbatch: the first axes of an element have lengths {lengths}; they must be the same."
                )
            for place in range(lengths[0] if lengths else 0):
                yield _entry(element, place)

    def cardinality(self) -> int:
        count, source = self.source.cardinality(), self.source
        if isinstance(source, Batch) and not source.drop_remainder:
            return source.source.cardinality()
        specs = leaves(source.spec()) if source.spec() is not None else []
        lengths = {spec.shape[0] if spec.shape else None for spec in specs}
        length = lengths.pop() if len(lengths) == 1 else None
        if count > 0 and length is not None:
            return int(count * length)
        return UNKNOWN_CARDINALITY if count > 0 else count

    def spec(self) -> Any:
        specs = self.source.spec()
        return None if specs is None else map_structure(lambda spec: TensorSpec(spec.shape[1:], spec.dtype), specs)


def _entry(element: Any, place: int) -> Any:
    return map_structure(lambda tensor: ag.Tensor(np.array(tensor.array[place]), None), element)


class Map(Step):
    """What a function gives for each element."""

    def __init__(self, source: Step, function: Callable[..., Any]):
        super().__init__(source)
        self.source = source
        self.function = function

    def __iter__(self) -> Iterator[Any]:
        return map(self._made, self.source)

    def _made(self, element: Any) -> Any:
        result = call(self.function, element)
        if result is None:
            raise ag.ConversionError("Dataset.map: map_func gave None; expected an element. Is a return missing?")
        # A list of what a function computed is rarely one array: several parts, as in TensorFlow.
        return as_element(tuple(result) if isinstance(result, list) else result)

    def cardinality(self) -> int:
        return self.source.cardinality()


class Zip(Step):
    """Elements of several sources side by side, until one of them ends.

    Parameters
    ----------
    structure : dict or tuple of Step
    """

    def __init__(self, structure: Any):
        self.structure = structure
        super().__init__(*leaves(structure))

    def __iter__(self) -> Iterator[Any]:
        for parts in zip(*self.sources):  # noqa: B905 - ends with the shortest
            yield _filled(self.structure, iter(parts))

    def cardinality(self) -> int:
        counts = [source.cardinality() for source in self.sources]
        if 0 in counts:
            return 0
        if UNKNOWN_CARDINALITY in counts:
            return UNKNOWN_CARDINALITY
        return min((count for count in counts if count >= 0), default=INFINITE_CARDINALITY)

    def spec(self) -> Any:
        specs = map_structure(lambda step: step.spec(), self.structure)
        return None if any(source.spec() is None for source in self.sources) else specs


def _filled(structure: Any, parts: Iterator[Any]) -> Any:
    return map_structure(lambda _: next(parts), structure)


class Enumerate(Step):
    """``(number, element)``."""

    def __init__(self, source: Step, start: int):
        super().__init__(source)
        self.source = source
        self.start = start

    def __iter__(self) -> Iterator[Any]:
        return ((ag.constant(np.int64(number)), element) for number, element in enumerate(self.source, self.start))

    def cardinality(self) -> int:
        return self.source.cardinality()

    def spec(self) -> Any:
        specs = self.source.spec()
        return None if specs is None else (TensorSpec((), np.dtype(np.int64)), specs)
