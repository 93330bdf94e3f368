"""Step: what a dataset is made of, one behind the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .sources import Slices

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "Positions", "Step", "UNKNOWN_CARDINALITY"]

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

Positions = Iterator[NDArray[np.intp]]


class Step(ABC):
    """Elements that can be run through again and again, made from those of other steps.

    Parameters
    ----------
    *sources : Step
    """

    def __init__(self, *sources: Step):
        self.sources = sources

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """Run through the elements once."""

    @abstractmethod
    def cardinality(self) -> int:
        """How many elements there are; INFINITE_CARDINALITY or UNKNOWN_CARDINALITY if that is no number."""

    def spec(self) -> Any:
        """A TensorSpec for each Tensor of an element; None if it is not known before one is drawn."""
        return None

    # Batches of entries of arrays are cut in one go, by fancy indexing, instead of being stacked from elements: 128
    # rows of 784 numbers take 50 us, and 600 us one by one through a map. For that, a step that only changes which
    # entries come when passes on the arrays and the positions, in blocks of any size.

    def root(self) -> Slices | None:
        """The arrays, if all elements are entries of them."""
        return None

    def positions(self) -> Positions:
        """Which entries of the root they are, in the order of one run through, in blocks; only where there is one."""
        raise TypeError(f"{type(self).__name__} has a root, and does not define positions(); such a step must.")

    # What is saved with a model.

    def random_state(self) -> list[Any]:
        """States of all random generators, in a fixed order: those of the sources first."""
        return [state for source in self.sources for state in source.random_state()]

    def set_random_state(self, states: Iterator[Any]) -> None:
        """Take as many of the states as ``random_state`` gives, in its order."""
        for source in self.sources:
            source.set_random_state(states)
