"""Gradient accumulation: the mean gradient of several calls makes one step, as one large batch would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .flat import Group


class Accumulation:
    """Sums of gradients, one for each variable, kept with the state of the groups.

    Parameters
    ----------
    groups : sequence of Group
    count : int
        How many variables there are.
    steps : int
        How many calls make one step.
    """

    def __init__(self, groups: Sequence[Group], count: int, steps: int):
        self.steps = steps
        self._sums = [group.keep("gradient_accumulator") for group in groups]
        self._views: list[Any] = [None] * count
        for group, numbers in zip(groups, self._sums, strict=True):
            for position, view in zip(group.positions, group.views_of(numbers), strict=True):
                self._views[position] = view

    def completes(self, calls: int) -> bool:
        """Whether the call after so many is one that makes a step."""
        return (calls + 1) % self.steps == 0

    def add(self, gradients: Sequence[Any]) -> None:
        """Add gradients (by position, None where there is none) to the sums."""
        for view, gradient in zip(self._views, gradients, strict=True):
            if gradient is not None:
                np.add(view, gradient, out=view)

    def means(self, gradients: Sequence[Any]) -> list[Any]:
        """Mean gradients, the last ones added; None where the last is None, as in Keras."""
        self.add(gradients)
        for numbers in self._sums:
            np.divide(numbers, self.steps, out=numbers)
        return [None if gradient is None else view for view, gradient in zip(self._views, gradients, strict=True)]

    def traced(self, gradients: Sequence[Any], calls: Callable[[], int]) -> list[Any] | None:
        """Add gradients in a function that is traced; their means if a step follows. Each case is a plan of its own."""
        sums: list[Any] = [None if view is None else ag.tracing.buffer(view) for view in self._views]
        completes = ag.tracing.static(lambda: self.completes(calls()))
        totals = [s if gradient is None else s + gradient for s, gradient in zip(sums, gradients, strict=True)]
        if completes:
            return [None if g is None else t / self.steps for t, g in zip(totals, gradients, strict=True)]
        for view, total in zip(self._views, totals, strict=True):
            ag.tracing.store(view, total)
        return None

    def clear_traced(self) -> None:
        """``clear`` in a function that is traced."""
        for view in self._views:
            ag.tracing.store(view, np.zeros(view.shape, view.dtype))

    def clear(self) -> None:
        """Begin anew."""
        for numbers in self._sums:
            numbers[...] = 0.0
