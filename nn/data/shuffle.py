"""Shuffle: elements drawn at random out of a buffer, in an order that a saved state brings back.

Every run through draws from the step's generator once, when it begins. However far it then gets, and whatever thread
it runs in, the next one has the same order.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..randomness import Seed, dump_state, load_state
from .sources import Slices
from .step import Positions, Step

__all__ = ["Seed", "Shuffle"]


_BLOCK = 1024  # places drawn, and positions passed on, at a time


class Shuffle(Step):
    """Elements in a random order (``Dataset.shuffle``)."""

    def __init__(self, source: Step, buffer_size: int, seed: Seed, reshuffle: bool):
        super().__init__(source)
        self.source = source
        self.buffer_size = buffer_size
        self.reshuffle = reshuffle
        self.generator = np.random.default_rng(seed)
        if not reshuffle:  # one of its own: others may draw from one that was given
            self.generator = np.random.default_rng(int(self.generator.integers(2**63)))

    def cardinality(self) -> int:
        return self.source.cardinality()

    def spec(self) -> Any:
        return self.source.spec()

    def root(self) -> Slices | None:
        return self.source.root()

    def __iter__(self) -> Iterator[Any]:
        root = self.root()
        if root is not None:
            return (root.entries(position) for block in self.positions() for position in block.tolist())
        return self._elements()

    def _elements(self) -> Iterator[Any]:
        count, generator = self.source.cardinality(), self._begun()
        if 0 <= count <= self.buffer_size:
            order = generator.permutation(count)
            everything = list(self.source)
            yield from (everything[place] for place in order.tolist())
        else:
            yield from _through_buffer(self.source, self.buffer_size, _child(generator))

    def positions(self) -> Positions:
        count, generator = self.source.cardinality(), self._begun()
        if 0 <= count <= self.buffer_size:
            order = generator.permutation(count)
            yield np.concatenate([*self.source.positions(), np.empty(0, np.intp)])[order]
            return
        items = (position for block in self.source.positions() for position in block.tolist())
        yield from _blocks(_through_buffer(items, self.buffer_size, _child(generator)))

    def _begun(self) -> np.random.Generator:
        """The generator for one run through: the step's own, which goes on; a copy if each is to be the same."""
        return self.generator if self.reshuffle else copy.deepcopy(self.generator)

    def random_state(self) -> list[Any]:
        return [*super().random_state(), dump_state(self.generator)]

    def set_random_state(self, states: Iterator[Any]) -> None:
        super().set_random_state(states)
        load_state(self.generator, next(states))


def _child(generator: np.random.Generator) -> np.random.Generator:
    return np.random.default_rng(int(generator.integers(2**63)))


def _through_buffer(items: Iterable[Any], size: int, generator: np.random.Generator) -> Iterator[Any]:
    """Each next item comes from a buffer of ``size``, at random, and its place is filled with the next of ``items``."""
    buffer: list[Any] = []
    places = _places(size, generator)
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = next(places)
        yield buffer[place]
        buffer[place] = item
    for place in generator.permutation(len(buffer)).tolist():
        yield buffer[place]


def _places(size: int, generator: np.random.Generator) -> Iterator[int]:
    while True:  # many at a time: one at a time costs 1.5 us each, more than all the rest
        yield from generator.integers(size, size=_BLOCK).tolist()


def _blocks(positions: Iterator[int]) -> Positions:
    waiting: list[int] = []
    for position in positions:
        waiting.append(position)
        if len(waiting) == _BLOCK:
            yield np.array(waiting, np.intp)
            waiting = []
    if waiting:
        yield np.array(waiting, np.intp)
