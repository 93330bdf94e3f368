"""Running averages of the variables themselves, which often do better than the last values.

References
----------
Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from . import traced
from .flat import BLOCK, Group


class Averages:
    r"""Exponential moving averages, :math:`a \leftarrow \mu a + (1 - \mu) w`, kept with the state of the groups.

    Parameters
    ----------
    groups : sequence of Group
    momentum : float
        :math:`\mu`, from 0 to 1; 0 at the first step, which so begins with the first values.
    overwrite_frequency : int or None
        After every so many steps the variables are given their averages; None: only at the end of a training.
    """

    def __init__(self, groups: Sequence[Group], momentum: float, overwrite_frequency: int | None):
        self.momentum = momentum
        self.overwrite_frequency = overwrite_frequency
        self._pairs = [(group, group.keep("average")) for group in groups]

    def follow(self, iterations: int) -> None:
        """Take in the present values, after ``iterations`` earlier steps."""
        momentum = self.momentum if iterations else 0.0
        for group, average in self._pairs:
            _mix(average, group.present(), momentum)
        if self.overwrite_frequency and (iterations + 1) % self.overwrite_frequency == 0:
            for group, average in self._pairs:
                group.put(average)

    def follow_traced(self, iterations: Callable[[], int]) -> None:
        """``follow`` in a function that is traced."""
        every = self.overwrite_frequency
        overwrites = every is not None and ag.tracing.static(lambda: (iterations() + 1) % every == 0)
        for group, _ in self._pairs:
            shares = ag.tracing.host(lambda: self._shares(iterations()), (2,), group.real)
            for position, variable in enumerate(group.variables):
                view = group.part("average", position)
                value = traced.as_real(variable.value)
                average = ag.tracing.buffer(view) * shares[0] + value * shares[1]
                ag.tracing.store(view, average)
                if overwrites:
                    variable.assign(traced.from_real(average, group.dtype))

    def _shares(self, iterations: int) -> tuple[float, float]:
        momentum = self.momentum if iterations else 0.0
        return momentum, 1.0 - momentum

    def by_position(self) -> dict[int, Any]:
        """View of each variable's average."""
        return {
            position: view
            for group, average in self._pairs
            for position, view in zip(group.positions, group.views_of(average), strict=True)
        }


def _mix(average: Any, values: Any, momentum: float) -> None:
    work = np.empty(min(len(average), BLOCK), average.dtype)
    for low in range(0, len(average), BLOCK):
        part = average[low : low + BLOCK]
        share = work[: len(part)]
        np.multiply(part, momentum, out=part)
        np.multiply(values[low : low + BLOCK], 1.0 - momentum, out=share)
        np.add(part, share, out=part)
