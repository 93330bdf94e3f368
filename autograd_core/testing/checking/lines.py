"""A function of arrays as a vector of numbers along a line: what check_grads looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import AutogradError
from ...functional import jvp, vjp
from ...linearize import Linearized
from ...recording import Paused
from ...tensor import Overloaded, Tensor
from ...tree import flatten
from .eagerly import Calls, noting, running_eagerly
from .numerical import Estimate, first_step
from .slopes import Slopes, finer, finer_estimate, sharp, slopes

Arrays = list[Any]
LONG = 0.25  # the first step for what is smooth, as a part of the size of what moves
OUTSIDE_OF_DOMAIN = (ArithmeticError, ValueError, AutogradError)  # what a function may raise beside the point


@dataclass(slots=True)
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
    precision : float
        Relative rounding error of the coarsest dtype met in a run.
    compiled : bool
        Whether compiled functions are called.
    here : array
        The results at ``points``, as a vector.
    least : array
        Size of the terms that the results are summed from, as far as their rounding shows it.
    """

    function: Callable[[Arrays], Arrays]
    points: Arrays
    names: list[str]
    title: str
    trail: tuple[str, ...] = ()
    precision: float = 0.0
    compiled: bool = False
    like: Arrays = field(default_factory=list)
    here: Any = None
    least: Any = 0.0

    def values(self, points: Arrays) -> Arrays:
        """Results as arrays; nothing is recorded."""
        with Paused(), np.errstate(all="ignore"):  # what is not finite is looked at
            return [raw(out) for out in self.function([Tensor(x, None) for x in points])]

    def values_eagerly(self, points: Arrays) -> Arrays:
        """The same without compiled functions: what these were made of is run instead."""
        if not self.compiled:
            return self.values(points)
        with running_eagerly(), np.errstate(all="ignore"):
            return [raw(out) for out in self.function([Tensor(x, None) for x in points])]

    def vector(self, points: Arrays):
        """Results as one vector; NaN where the function raises, or gives other shapes or kinds than at the point."""
        try:
            results = self.values(points)
        except OUTSIDE_OF_DOMAIN:
            return np.full(len(self.here), np.nan)
        return pack(results) if self._like(results) else np.full(len(self.here), np.nan)

    def _like(self, results: Arrays) -> bool:
        return [(out.shape, out.dtype.kind) for out in results] == [(out.shape, out.dtype.kind) for out in self.like]

    def look(self) -> None:
        """Run the function, for what all checks need."""
        self.like = self.values(self.points)
        self.here = pack(self.like)
        if not self.precision:
            calls = Calls()
            with noting(calls):
                self.precision = _coarsest(self)
            self.compiled = calls.any
        self.least = _rounding(self) / self.precision

    def moved(self, direction: Arrays, t: float) -> Arrays:
        """The points, t along ``direction`` (None: held)."""
        return [x if v is None else np.asarray(x + t * v, x.dtype) for x, v in zip(self.points, direction, strict=True)]

    def slopes(self, direction: Arrays, start: float | None = None) -> Slopes:
        """Slopes of the results along ``direction``."""
        value = lambda t: self.vector(self.moved(direction, t))
        smallest = self.smallest(direction)
        found = slopes(value, self.precision, self.least, start, smallest)
        near = self.first_step(direction)
        if start is None and near < first_step(self.precision) / 16:
            found = finer(found, slopes(value, self.precision, self.least, near, smallest))
        return found

    def first_step(self, direction: Arrays) -> float:
        """Where a ladder begins that is of the size of what moves, if that is less than 1."""
        return first_step(self.precision, self._size(direction))

    def _size(self, direction: Arrays) -> float:
        """Of what moves along ``direction``; 1 if it is more, or nothing."""
        size = max((float(np.abs(x[v != 0]).max(initial=0.0)) for x, v in self._moving(direction)), default=0.0)
        return size if 0 < size < 1 else 1.0

    def measure_rounding(self) -> bool:
        """Take the rounding error of the results from what a wider dtype makes of them; whether it is far more."""
        wide = np.float64 if self.precision > 1e-12 else np.longdouble
        generator = np.random.default_rng(4)
        found = np.zeros_like(self.here)
        for _ in range(3):
            points = [np.asarray(x + 1e-2 * random_like(x, generator) * scale_of(x, 0.0), x.dtype) for x in self.points]
            widened = [np.asarray(x, np.result_type(x.dtype, wide)) for x in points]
            try:
                exact, narrow = self.values(widened), self.values(points)
            except Exception:  # the user's function, on a dtype that it was not written for
                return False
            if not self._like(exact) or not self._like(narrow):
                return False
            errors = pack([a - b for a, b in zip(exact, narrow, strict=True)])
            found = np.fmax(found, np.where(np.isfinite(errors), np.abs(errors), 0.0))
        more = 2 * found / self.precision > 4 * np.maximum(np.abs(self.here), self.least)
        self.least = np.maximum(self.least, 2 * found / self.precision)
        return bool(np.any(more))

    def _moving(self, direction: Arrays):
        return [(x, v) for x, v in zip(self.points, direction, strict=True) if v is not None]

    def smallest(self, direction: Arrays) -> float:
        """The step along ``direction`` that is lost in the rounding of the point."""
        sizes = [0.0]
        for x, v in self._moving(direction):
            moving = v != 0
            if moving.any():
                sizes.append(float(np.min(np.abs(x[moving]) / np.abs(v[moving]))) * float(np.finfo(x.dtype).eps))
        return max(sizes)

    def sharp(self, direction: Arrays) -> Estimate:
        """Central slopes from long steps, for what is smooth; steps of the size of what moves, if that is far less."""
        value = lambda t: self.vector(self.moved(direction, t))
        found = sharp(value, self.precision, self.least, LONG)
        size = self._size(direction)
        return found if size > 1 / 16 else finer_estimate(found, sharp(value, self.precision, self.least, LONG * size))

    def at(self, points: Arrays) -> Subject:
        """The same function elsewhere."""
        other = Subject(self.function, points, self.names, self.title, self.trail, self.precision, self.compiled)
        try:
            other.like = self.values(points)
        except OUTSIDE_OF_DOMAIN:
            other.like = []
        other.least = self.least
        other.here = pack(other.like) if self._like(other.like) else np.full(len(self.here), np.nan)
        return other

    def __str__(self) -> str:
        return f"check_grads({self.title}), order {len(self.trail) + 1}"


def _coarsest(subject: Subject) -> float:
    """Rounding error of the coarsest dtype among arguments, results and what is recorded between."""
    try:
        with np.errstate(all="ignore"):
            nodes = Linearized("check_grads", subject.function, [subject.points], (0,), {}, copy=False).record.nodes
    except AutogradError:  # said where the derivative is asked for
        nodes = []
    values = [leaf for node in nodes if node.parents for leaf in flatten(node.value)[0]]
    dtypes = [getattr(value, "dtype", None) for value in [*subject.points, *subject.like, *values]]
    return max(float(np.finfo(dtype).eps) for dtype in dtypes if dtype is not None and dtype.kind in "fc")


def _rounding(subject: Subject):
    """Rounding error of the results that their values do not show, as of ``x - mean(x)``, whose terms cancel.

    It is how far values side by side are from a line. A jump is no rounding: there is a bound.
    """
    generator = np.random.default_rng(2)
    direction = [random_like(x, generator) * scale_of(x, 0.0) for x in subject.points]
    step = 64 * subject.precision
    values = np.array([subject.vector(subject.moved(direction, k * step)) for k in range(-3, 4)])
    size = max((float(scale_of(x).max(initial=1.0)) for x in subject.points), default=1.0)
    with np.errstate(all="ignore"):
        found = np.abs(np.diff(values, 2, axis=0)).max(axis=0, initial=0.0)
    return np.minimum(np.where(np.isfinite(found), found, 0.0), 100 * subject.precision * size)


# -- derivatives by rule -----------------------------------------------------------------------------------------------


def pulled(subject: Subject, cts) -> Arrays:
    """Gradient of ``<cts, f>`` in reverse mode; ``cts`` a vector like the results."""
    with np.errstate(all="ignore"):  # what is not finite is told of
        (gradient,) = vjp(subject.function, subject.points)[1](unpack(cts, subject.like))
    return [raw(ct) for ct in gradient]


def pushed(subject: Subject, direction: Arrays):
    """Derivative of the results along ``direction`` in forward mode, as a vector."""
    tangents = [np.zeros_like(x) if v is None else v for x, v in zip(subject.points, direction, strict=True)]
    with np.errstate(all="ignore"):
        return pack([raw(t) for t in jvp(subject.function, (subject.points,), (tangents,))[1]])


# -- arrays ------------------------------------------------------------------------------------------------------------


def pack(arrays: Arrays):
    """One real vector: the entries of all arrays, of a complex one real parts and then imaginary parts."""
    parts = []
    for array in arrays:
        flat = np.ravel(array)
        parts.extend([flat.real, flat.imag] if flat.dtype.kind == "c" else [flat])
    return np.concatenate([np.asarray(part, np.float64) for part in parts]) if parts else np.zeros(0)


def unpack(vector, like: Arrays) -> Arrays:
    """The inverse of ``pack``, in the dtypes and shapes of ``like``."""
    arrays, start = [], 0
    for array in like:
        part = vector[start : start + array.size]
        start += array.size
        if array.dtype.kind == "c":
            part = part + 1j * vector[start : start + array.size]
            start += array.size
        arrays.append(np.asarray(part.reshape(array.shape), array.dtype))
    return arrays


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


def raw(value):
    """Array of a Tensor, Variable, array or number."""
    return value.array if isinstance(value, Overloaded) else np.asarray(value)
