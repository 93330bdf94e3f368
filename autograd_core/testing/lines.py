"""A function along a line: what check_grads looks at, and how it judges one direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..recording import Paused
from ..tensor import Overloaded, Tensor
from .numerical import Estimate, central, one_sided

Arrays = list[Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being checked: ``f`` itself, or one of its derivatives as a function of its own.

    Attributes
    ----------
    function : callable
        List of Tensors -> list of Tensors.
    points : list of array
    names : list of str
        Of the points, as the user would write them.
    title : str
        Name of the user's function.
    trail : tuple of str
        Modes of the derivatives that were taken of it already.
    """

    function: Callable[[Arrays], Arrays]
    points: Arrays
    names: list[str]
    title: str
    trail: tuple[str, ...]
    rtol: float | None
    atol: float | None

    def values(self, points: Arrays) -> Arrays:
        """Results as arrays; nothing is recorded."""
        with Paused(), np.errstate(all="ignore"):  # what is not finite is looked at
            return [raw(out) for out in self.function([Tensor(x, None) for x in points])]

    def is_gradient(self, cts: Arrays) -> bool:
        """Whether the derivatives are those of one real number, so that they need no weights."""
        return not self.trail and len(cts) == 1 and cts[0].size == 1 and cts[0].dtype.kind == "f"

    def __str__(self) -> str:
        return f"check_grads({self.title}), order {len(self.trail) + 1}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Along one direction: the derivative by rule, by differences, and what they may differ by."""

    by_rule: float
    numerical: Estimate
    allowed: float

    @property
    def agrees(self) -> bool:
        return bool(abs(self.by_rule - self.numerical.value) <= self.allowed)


# -- along a line ------------------------------------------------------------------------------------------------------


class Line:
    """The function ``t -> <c, f(x + t v)>`` and its derivatives by differences."""

    def __init__(self, subject: Subject, cts: Arrays):
        self.subject = subject
        self.cts = cts
        coarsest = max([*subject.points, *cts], key=lambda array: np.finfo(array.dtype).eps)
        self.precision = float(np.finfo(coarsest.dtype).eps)
        self.rtol = subject.rtol if subject.rtol is not None else _default_rtol(self.precision)
        self.least_size = 0.0
        self.least_size = self._rounding() / self.precision
        self.size = self.along(subject.points)(0.0)[1]

    def _rounding(self) -> float:
        """Rounding error of the function that its value does not show, as of ``x - mean(x)``, whose terms cancel.

        It is how far five values side by side are from a line. A jump is no rounding: there is a bound.
        """
        generator = np.random.default_rng(2)
        value = self.along([random_like(x, generator) * scale_of(x, 0.0) for x in self.subject.points])
        step = 64 * self.precision
        values = np.array([value(k * step)[0] for k in range(-2, 3)])
        size = max((float(scale_of(x).max(initial=1.0)) for x in self.subject.points), default=1.0)
        weight = max((float(np.abs(ct).max(initial=0.0)) for ct in self.cts), default=0.0)
        return min(float(np.abs(np.diff(values, 2)).max()), 100 * self.precision * size * weight)

    def along(self, direction: Arrays) -> Callable[[float], tuple[float, float]]:
        points = self.subject.points

        def value(t: float) -> tuple[float, float]:
            moved = [np.asarray(x + t * v, x.dtype) for x, v in zip(points, direction, strict=True)]
            total, size = pair(self.cts, self.subject.values(moved))
            return total, max(size, self.least_size)

        return value

    def central(self, direction: Arrays) -> Estimate:
        """Derivative by central differences."""
        return central(self.along(direction), self.precision)

    def compare(self, by_rule: float, numerical: Estimate) -> Comparison:
        """Judge ``by_rule``."""
        atol = self.subject.atol
        if atol is None:
            atol = min(4 * numerical.error, self.rtol * self.size)
        return Comparison(by_rule, numerical, self.rtol * abs(numerical.value) + atol)

    def excused(self, by_rule: float, direction: Arrays) -> bool:
        """Whether the function has a kink or a jump here that allows for ``by_rule``."""
        left, right = (one_sided(self.along(direction), self.precision, side) for side in (-1, 1))
        if np.isinf(left.value) or np.isinf(right.value):
            return bool(np.isfinite(by_rule))
        width = max(self.rtol * max(abs(left.value), abs(right.value)), 4 * (left.error + right.error))
        if abs(left.value - right.value) <= width:
            return False
        low, high = sorted((left.value, right.value))
        return bool(low - width <= by_rule <= high + width)


# -- arrays ------------------------------------------------------------------------------------------------------------


def pair(cts: Arrays, tangents: Arrays) -> tuple[float, float]:
    """Real inner product, and the size of its terms."""
    total = size = 0.0
    for ct, tangent in zip(cts, tangents, strict=True):
        wide = np.complex128 if raw(ct).dtype.kind == "c" or raw(tangent).dtype.kind == "c" else np.float64
        with np.errstate(invalid="ignore", over="ignore"):  # a rule that gives infinities is told of, not warned about
            terms = np.real(np.conj(np.asarray(raw(ct), wide)) * np.asarray(raw(tangent), wide))
            total += float(terms.sum())
            size += float(np.abs(terms).sum())
    return total, size


def random_like(x, generator):
    """Entries of size 0.5 to 1, multiples of 1/16, of the dtype of ``x``."""
    entries = generator.choice([-1.0, 1.0], x.shape) * generator.integers(8, 17, x.shape) / 16
    if x.dtype.kind == "c":
        entries = entries + 1j * generator.integers(-16, 17, x.shape) / 16
    return np.asarray(entries, x.dtype)


def scale_of(x, least: float = 1.0):
    """A power of two of the size of each entry, or ``least`` if that is more."""
    sizes = np.maximum(np.abs(x), least)
    return np.asarray(np.ldexp(np.sign(sizes), np.frexp(sizes)[1] - 1), sizes.dtype)  # 0 for 0


def _default_rtol(precision: float) -> float:
    return 1e-6 if precision < 1e-12 else 5e-3 if precision < 1e-5 else 0.1


def raw(value):
    """Array of a Tensor, Variable, array or number."""
    return value.array if isinstance(value, Overloaded) else np.asarray(value)
