"""Draws for programs: shapes that are there already, and entries that are easy to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...ops.domain import Draw

SIMPLE = (1.0, 2.0, 0.5, -1.0, 1.5, -0.5, 0.25, 3.0, -2.0, 0.75, -1.5, -0.25)
LONGEST_SIDE = 6
MANY = 8  # shapes that there may be


class ProgramDraw(Draw):
    """A ``Draw`` that prefers shapes of values there are, and remembers from which interval each array came.

    Attributes
    ----------
    shapes : list of shape
        Those of values that could be used.
    """

    def __init__(self, integer: Callable[[int, int], int], dtype: Any = np.float64):
        super().__init__(integer, dtype)
        self.shapes: list[tuple[int, ...]] = []
        self._intervals: dict[int, tuple[Any, tuple[float, float] | None]] = {}

    def together(self, make: Callable[[], Any]) -> Any:
        """What ``make`` gives; what it draws belongs together, and is left out together when hypothesis shrinks."""
        return make()

    def one_in(self, count: int) -> bool:
        """True once in ``count`` times; False is the simpler answer."""
        return self.integer(0, count - 1) == count - 1

    def forget(self) -> None:
        """Start a new step."""
        self._intervals.clear()

    def interval(self, array: Any) -> tuple[float, float] | None:
        """Interval that an array was drawn from; None if it was computed."""
        found = self._intervals.get(id(array))
        return None if found is None else found[1]

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> tuple[int, ...]:
        fitting = [
            shape
            for shape in self.shapes
            if min_dims <= len(shape) <= max_dims
            and all(min_side <= side <= max(max_side, LONGEST_SIDE) for side in shape)
        ]
        # The same number of draws whatever there is, so that steps before can be left out without changing this one.
        which = self.integer(0, 3 * MANY)
        # Empty arrays now and then: a program of nothing but empty ones shows little.
        least = min_side if min_side or self.integer(0, 11) == 11 else 1
        own = super().shape(min_dims, max_dims, least, max(least, max_side - 1))
        return fitting[which % len(fitting)] if fitting and which > MANY // 2 else own

    def array(self, shape: Sequence[int] = (), low: float = -2.0, high: float = 2.0):
        array = self._simple(shape, low, high) if self.integer(0, 2) == 0 else super().array(shape, low, high)
        return self._remembered(array, (low, high))

    def spread(self, shape: Sequence[int] = (), gap: float = 0.1):
        return self._remembered(super().spread(shape, gap), None)

    def _simple(self, shape: Sequence[int], low: float, high: float):
        count = int(np.prod(tuple(shape), dtype=int))
        entries = [entry for entry in SIMPLE if low <= entry <= high]
        if count > len(entries):
            entries = list(np.linspace(low, high, count + 2)[1:-1].round(3))
        return np.array(entries[:count], self.dtype).reshape(tuple(shape))

    def _remembered(self, array: Any, interval: tuple[float, float] | None):
        self._intervals[id(array)] = (array, interval)  # kept, so that its identity is not given to another one
        return array


class FixedShape(Draw):
    """A ``Draw`` whose shapes are all the same: to draw an index into a given value."""

    def __init__(self, draw: Draw, shape: tuple[int, ...]):
        super().__init__(draw.integer, draw.dtype)
        self._shape = shape

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> tuple[int, ...]:
        return self._shape


def from_generator(seed: int | tuple[int, ...], dtype: Any = np.float64) -> ProgramDraw:
    """A draw whose numbers come from NumPy's generator."""
    generator = np.random.default_rng(seed)
    return ProgramDraw(lambda low, high: int(generator.integers(low, high, endpoint=True)), dtype)
