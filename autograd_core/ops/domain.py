"""How a row's test inputs are drawn: shapes that fit together, axes, indices, values.

Everything is drawn through one function ``integer(low, high)``, so that the same ``sample`` of a row runs on a NumPy
generator (quick checks, documentation) and on hypothesis (which then knows how to shrink it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """Draws test inputs.

    Parameters
    ----------
    integer : callable
        ``integer(low, high)`` gives an integer between both, inclusive.
    dtype : dtype
        Of the arrays drawn.
    """

    def __init__(self, integer: Callable[[int, int], int], dtype: Any = np.float64):
        self.integer = integer
        self.dtype = np.dtype(dtype)

    def boolean(self) -> bool:
        """True or False."""
        return bool(self.integer(0, 1))

    def choice(self, options: Sequence[T]) -> T:
        """One of ``options``; the first is the simplest."""
        return options[self.integer(0, len(options) - 1)]

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> tuple[int, ...]:
        """Shape with sides from ``min_side`` to ``max_side``."""
        return tuple(self.integer(min_side, max_side) for _ in range(self.integer(min_dims, max_dims)))

    def axis(self, ndim: int) -> int:
        """Axis of an array of ``ndim`` >= 1 axes, counted from the front or the back."""
        return self.integer(-ndim, ndim - 1)

    def axes(self, ndim: int) -> tuple[int, ...] | int | None:
        """None, one axis, or a tuple of different axes (possibly empty)."""
        form = self.integer(0, 2 if ndim else 0)
        if form == 0:
            return None
        if form == 1:
            return self.axis(ndim)
        return tuple(axis - ndim * self.integer(0, 1) for axis in range(ndim) if self.boolean())

    def array(self, shape: Sequence[int] = (), low: float = -2.0, high: float = 2.0):
        """Array with entries between ``low`` and ``high``; no two are equal unless by very rare chance."""
        generator = np.random.default_rng(self.integer(0, 2**20))
        return np.asarray(generator.uniform(low, high, tuple(shape)).astype(self.dtype))

    def spread(self, shape: Sequence[int] = (), gap: float = 0.1):
        """Array whose entries differ from one another by at least ``gap``: no ties, no near ties."""
        generator = np.random.default_rng(self.integer(0, 2**20))
        count = int(np.prod(shape, dtype=int))
        values = (generator.permutation(count) - count / 2 + generator.uniform(0.2, 0.4, count)) * 2 * gap
        return np.asarray(values.reshape(tuple(shape)).astype(self.dtype))

    def broadcastable(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Shape that broadcasts to ``shape``: leading axes dropped, others possibly of length 1."""
        kept = tuple(shape)[self.integer(0, len(shape)) :]
        return tuple(1 if self.boolean() else side for side in kept)


def sample_elementwise(domain: Sequence[tuple[float, float]], draw: Draw):
    """Arguments for an elementwise row: one array per interval, of shapes that broadcast together."""
    shape = draw.shape()
    shapes = [shape if draw.boolean() else draw.broadcastable(shape) for _ in domain]
    return tuple(draw.array(s, low, high) for s, (low, high) in zip(shapes, domain, strict=True)), {}
