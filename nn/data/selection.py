"""Steps that say which elements come, and how often: take, skip, repeat, concatenate, filter, cache."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd_core as ag

from .sources import Slices
from .step import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Positions, Step
from .structure import arrays_of, fresh, map_structure

__all__ = ["Cache", "Concatenate", "Filter", "Repeat", "Skip", "Take", "call", "same_structure"]


class _Selection(Step):
    """Some elements of one source, as they are."""

    def __init__(self, source: Step):
        super().__init__(source)
        self.source = source

    def spec(self) -> Any:
        return self.source.spec()


class Take(_Selection):
    """The first ``count`` elements; all for -1."""

    def __init__(self, source: Step, count: int):
        super().__init__(source)
        self.count = count

    def __iter__(self) -> Iterator[Any]:
        # islice asks for nothing after the last: an element more may be dear, or never come.
        return iter(self.source) if self.count < 0 else itertools.islice(self.source, self.count)

    def cardinality(self) -> int:
        count = self.source.cardinality()
        if self.count < 0 or (count == UNKNOWN_CARDINALITY and self.count):
            return count
        return self.count if count < 0 else min(count, self.count)

    def root(self) -> Slices | None:
        return self.source.root()

    def positions(self) -> Positions:
        left = self.count
        if not left:
            return
        for block in self.source.positions():
            yield block if left < 0 else block[:left]
            if 0 <= left <= len(block):
                return
            left -= len(block) if left > 0 else 0


class Skip(_Selection):
    """All but the first ``count`` elements; none for -1."""

    def __init__(self, source: Step, count: int):
        super().__init__(source)
        self.count = count

    def __iter__(self) -> Iterator[Any]:
        return iter(()) if self.count < 0 else itertools.islice(self.source, self.count, None)

    def cardinality(self) -> int:
        count = self.source.cardinality()
        return 0 if self.count < 0 else count if count < 0 else max(count - self.count, 0)

    def root(self) -> Slices | None:
        return self.source.root()

    def positions(self) -> Positions:
        left = self.count
        for block in self.source.positions() if left >= 0 else ():
            yield block[left:]
            left -= min(left, len(block))


class Repeat(_Selection):
    """All elements ``count`` times, without end for None."""

    def __init__(self, source: Step, count: int | None):
        super().__init__(source)
        self.count = count

    def __iter__(self) -> Iterator[Any]:
        return self._passes(self.source.__iter__)

    def _passes(self, one: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        for _ in itertools.repeat(None) if self.count is None else range(self.count):
            empty = True
            for item in one():
                empty = False
                yield item
            if empty:  # without end it would never come back
                return

    def cardinality(self) -> int:
        count = self.source.cardinality()
        if self.count is None:
            return INFINITE_CARDINALITY if count else 0
        return count * self.count if count >= 0 else count if self.count else 0

    def root(self) -> Slices | None:
        return self.source.root()

    def positions(self) -> Positions:
        return self._passes(lambda: (block for block in self.source.positions() if len(block)))


class Concatenate(Step):
    """The elements of one source, then those of another."""

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.sources)

    def cardinality(self) -> int:
        counts = [source.cardinality() for source in self.sources]
        if INFINITE_CARDINALITY in counts:
            return INFINITE_CARDINALITY
        return UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in counts else sum(counts)

    def spec(self) -> Any:
        first, second = (source.spec() for source in self.sources)
        return first if first == second else None


class Filter(_Selection):
    """Elements for which a function says True."""

    def __init__(self, source: Step, predicate: Callable[..., Any]):
        super().__init__(source)
        self.predicate = predicate

    def __iter__(self) -> Iterator[Any]:
        return (element for element in self.source if self._is_kept(element))

    def _is_kept(self, element: Any) -> bool:
        answer = call(self.predicate, element)
        value = answer.numpy() if isinstance(answer, (ag.Tensor, ag.Variable)) else np.asarray(answer)
        if value.size != 1 or value.dtype != np.bool_:
            raise ag.DomainError(
                f"Dataset.filter: predicate gave {answer!r}; expected a single True or False. Use numpy.all or "
                "numpy.any for several, and a comparison for a number."
            )
        return bool(value.item())

    def cardinality(self) -> int:
        count = self.source.cardinality()
        return 0 if count == 0 else UNKNOWN_CARDINALITY


class Cache(_Selection):
    """Elements kept in memory by the first complete run through, for all that follow."""

    def __init__(self, source: Step):
        super().__init__(source)
        self.kept: list[Any] | None = None
        self.begun: list[Any] = []  # state of the source's generators before the elements kept were drawn

    def __iter__(self) -> Iterator[Any]:
        kept = self.kept
        if kept is not None:
            yield from map(fresh, kept)
            return
        begun, found = self.source.random_state(), []
        for element in self.source:
            found.append(arrays_of(element))
            yield element if not found else fresh(found[-1])
        if self.kept is None:
            self.kept, self.begun = found, begun

    def cardinality(self) -> int:
        return self.source.cardinality() if self.kept is None else len(self.kept)

    # A program that goes on from a saved state begins with nothing kept. The state to save is that from which the
    # first run through draws the same elements again.

    def random_state(self) -> list[Any]:
        return self.source.random_state() if self.kept is None else list(self.begun)

    def set_random_state(self, states: Iterator[Any]) -> None:
        super().set_random_state(states)
        self.kept = None


def call(function: Callable[..., Any], element: Any) -> Any:
    """Call with an element: the parts of a tuple are arguments of their own."""
    return function(*element) if isinstance(element, tuple) else function(element)


def same_structure(first: Any, second: Any) -> bool:
    """Whether two specs are of the same dicts, tuples and dtypes; shapes may differ."""
    names = [map_structure(lambda spec: str(spec.dtype), specs) for specs in (first, second)]
    return bool(names[0] == names[1])
