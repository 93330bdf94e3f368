"""Whether a mutant computes anything else at all: the derivatives of a row, compared entry by entry.

The inputs are harsher than those of the tests: zeros, ties, infinities and NaN among the entries, Python numbers and
integers in place of arrays, float32, complex, larger arrays, cotangents with zeros. Results are those of the right
rule, so nothing has to be known about them: where both agree to the last bit on all of it, in first and second order
and in both modes, there is nothing that a test could notice.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from autograd_core.linearize import Linearized
from autograd_core.ops import decompositions, determinants, least_squares, linalg, norms, symmetric
from autograd_core.ops.domain import Draw
from autograd_core.primitive import Primitive
from autograd_core.tensor import Tensor
from autograd_core.testing import rows
from autograd_core.testing.rows import Application
from tests.ops import test_table

from . import equal_values

SPECIAL = (0.0, 1.0, -1.0, 0.5, 2.0, -2.0, np.inf, -np.inf, np.nan, 1e-200, 40.0, -150.0)
NUMBERS = (0, 1, 2, 3, -1, -2, 0.0, 0.5, 1.0, 2.0, -1.5)
LAPACK = frozenset(
    (*linalg.ROWS, *least_squares.ROWS, *determinants.ROWS, *norms.ROWS, *symmetric.ROWS, *decompositions.ROWS)
)
"""Rows that are given finite numbers only: with others LAPACK may never come to an end."""

ROUNDING = 200  # units in the last place of the largest entry: the order of a sum has changed, and no more
MAGNIFIED = (
    1e6  # the same, of a mutant that was shown to compute the same: matrices that are nearly singular magnify it
)


@dataclass(frozen=True)
class Tracked(Application):
    """An application of which some arguments are tracked and some results used, whatever rules the row has now."""

    tracked: tuple[int, ...]
    used: tuple[int, ...] | None = None  # of the results that have a derivative; None for all
    whole: bool = False  # whether cotangents and tangents are to be whole numbers

    @property
    def active(self) -> tuple[int, ...]:
        return self.tracked

    def raw_floating(self, primals):
        return self._used(super().raw_floating(primals))

    def tensors(self, primals):
        return self._used(super().tensors(primals))

    def _used(self, outs):
        return outs if self.used is None else tuple(outs[at] for at in self.used if at < len(outs))


def only(case: Application, tracked: tuple[int, ...], used: tuple[int, ...] | None = None) -> Tracked:
    return Tracked(case.row, case.args, case.params, tracked, used, getattr(case, "whole", False))


# -- inputs ------------------------------------------------------------------------------------------------------------


class WideDraw(Draw):
    """Draws larger arrays, for what is done another way with these."""

    def shape(self, min_dims=0, max_dims=3, min_side=0, max_side=4):
        return super().shape(min_dims, max_dims, min_side, max_side if max_side > 4 else 5 * max_side)


def harsh(row: Primitive, count: int, seed: int) -> Iterator[Tracked]:
    """Applications of ``row``; some are beyond what it takes."""
    for number in range(count):
        generator = np.random.default_rng([seed, number])
        dtype = "float32" if number % 7 == 3 else "float64"
        kind = WideDraw if number % 9 == 5 else Draw
        draw = kind(lambda low, high, generator=generator: int(generator.integers(low, high + 1)), dtype)
        case = rows.sample(row, draw)
        args = list(case.args)
        active = case.active
        if number % 5 == 1 and row.name not in test_table.REAL and not any(np.iscomplexobj(arg) for arg in args):
            for index in active:
                args[index] = args[index] + args[index].dtype.type(0.3) * 1j * generator.normal(size=args[index].shape)
        if number % 8 == 4:
            args = [_filled(arg, generator, row) if at in active else arg for at, arg in enumerate(args)]
        elif number % 3:
            args = [_sprinkled(arg, args, generator, row) if at in active else arg for at, arg in enumerate(args)]
        if row.elementwise and len(args) > 1 and number % 4 == 2:
            at = int(generator.integers(len(args)))
            args[at] = NUMBERS[generator.integers(len(NUMBERS))]
        elif row.elementwise and len(args) > 1 and number % 11 == 7:
            at = int(generator.integers(len(args)))
            with np.errstate(all="ignore"), warnings.catch_warnings(), suppress(TypeError):
                warnings.simplefilter("ignore")
                args[at] = np.rint(args[at]).astype(np.int64)
        tracked = tuple(at for at in active if isinstance(args[at], np.ndarray) and args[at].dtype.kind in "fc")
        if tracked:
            yield Tracked(row, tuple(args), case.params, tracked)
    for special, params in equal_values.arguments(row):
        yield Tracked(row, special, params, (0,), whole=True)


def _filled(array, generator, row: Primitive):
    """All entries the same: zeros, ties everywhere. No ones for LAPACK: of a matrix of rank one it gives rounding."""
    return np.full_like(array, 0.0 if row in LAPACK else (0.0, 1.0, -2.0)[generator.integers(3)])


def _sprinkled(array, args, generator, row: Primitive):
    """A copy with some entries that are special, or equal to others."""
    array = np.array(array)
    flat = array.reshape(-1)
    if not flat.size:
        return array
    finite = SPECIAL[:6] if generator.integers(2) or row in LAPACK else SPECIAL
    for _ in range(generator.integers(0, 4)):
        flat[generator.integers(flat.size)] = finite[generator.integers(len(finite))]
    if generator.integers(2):
        other = np.ravel(args[generator.integers(len(args))]) if row.elementwise else flat
        if other.size and other.dtype.kind in "fc" and not (other.dtype.kind == "c" and flat.dtype.kind != "c"):
            flat[generator.integers(flat.size)] = other[generator.integers(other.size)]
    return array


# -- results -----------------------------------------------------------------------------------------------------------


def outcome(case: Application, seed: int) -> list[Any] | None:
    """First and second derivatives, in both modes; None if the row does not take these arguments."""
    generator = np.random.default_rng(seed)
    primals = case.primals
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            outs = case.raw_floating(primals)
        except Exception:
            return None
        cts, u, w = (_noise(case, generator, like) for like in (outs, primals, primals))
        if getattr(case, "whole", False) and generator.integers(4) == 0:  # the loss is a sum of squares
            cts = list(outs)
        if generator.integers(3) == 0:
            cts = [_with_zeros(ct, generator) for ct in cts]
            w = [_with_zeros(t, generator) for t in w]
        found: list[Any] = []
        for compute in (_first, _pushed, second):
            try:
                found += compute(case, primals, cts, u, w)
            except Exception as error:
                found.append(type(error).__name__)
        return found


def _noise(case: Application, generator, like):
    if not getattr(case, "whole", False):
        return rows.noise(generator, like)
    return [equal_values.whole(generator, x.shape, x.dtype) for x in like]


def _with_zeros(array, generator):
    return np.where(generator.integers(2, size=array.shape), array, np.zeros((), array.dtype))


def _first(case, primals, cts, u, w):
    some = [ct if at % 2 == 0 else None for at, ct in enumerate(cts)]
    return rows.pull(case, primals, cts) + (rows.pull(case, primals, some) if len(cts) > 1 else [])


def _pushed(case, primals, cts, u, w):
    alone = [[t if at == place else np.zeros_like(t) for at, t in enumerate(w)] for place in range(len(w))]
    return [t for tangents in (w, *alone) for t in rows.push(case, primals, tangents)]


def second(case, primals, cts, u, w):
    """Second derivatives: reverse over reverse, forward over reverse, reverse over forward."""
    count = len(primals)

    def first_derivatives(*tracked):
        inner = rows.linearized(case, tracked[:count])
        pulled = inner.pull(list(zip(inner.result, tracked[count:], strict=True)))
        return pulled, inner.push([Tensor(t, None) for t in u], inner.result)

    run = Linearized(case.row.name, first_derivatives, [*primals, *cts], range(count + len(cts)), {}, copy=False)
    pulled, pushed = run.result
    twice = run.pull([(ct, Tensor(t, None)) for ct, t in zip(pulled, u, strict=True)])
    tangents = [Tensor(t, None) for t in [*w, *map(np.zeros_like, cts)]]
    mixed = run.pull([(t, Tensor(ct, None)) for t, ct in zip(pushed, cts, strict=True)])
    return [t.array for t in (*twice, *run.push(tangents, pulled), *mixed)]


# -- comparison --------------------------------------------------------------------------------------------------------


@cache
def reference(row: Primitive, count: int, seed: int) -> tuple[tuple[int, Tracked, list[Any]], ...]:
    """Cases and what comes of them with the right rules; to be called while nothing is planted."""
    found = ((number, case, outcome(case, number)) for number, case in enumerate(harsh(row, count, seed)))
    return tuple((number, case, result) for number, case, result in found if result is not None)


@cache
def reference_alone(row: Primitive, count: int, seed: int) -> tuple[tuple[int, Tracked, list[Any]], ...]:
    """The same with one argument tracked and one result used at a time."""
    found = []
    for number, case, _ in reference(row, count, seed):
        with np.errstate(all="ignore"):
            results = len(case.raw_floating(case.primals))
        for at in case.tracked:
            for used in [None] if results < 2 else [(one,) for one in range(results)]:
                alone = only(case, (at,), used)
                result = outcome(alone, number)
                if result is not None:
                    found.append((number, alone, result))
    return tuple(found)


def first_different(cases) -> Tracked | None:
    """The first of the cases of a reference that a planted mutant changes."""
    for number, case, right in cases:
        now = outcome(case, number)
        if now is None or len(now) != len(right):
            return case
        size = _size(right)
        if any(_compared(a, b, size) == "different" for a, b in zip(right, now, strict=True)):
            return case
    return None


def difference(row: Primitive, count: int, seed: int, rounding: float = ROUNDING) -> tuple[str, Tracked | None]:
    """What a planted mutant changes: "identical", or "rounding" or "different" with a case where it does."""
    rounded = None
    for number, case, right in reference(row, count, seed):
        now = outcome(case, number)
        if now is None or len(now) != len(right):
            return "different", case
        size = _size(right)
        for a, b in zip(right, now, strict=True):
            how = _compared(a, b, size, rounding)
            if how == "different":
                return how, case
            if how == "rounding":
                rounded = case
    return ("identical", None) if rounded is None else ("rounding", rounded)


def _size(results) -> float:
    """Of the largest finite entry of all results: what their rounding errors are relative to."""
    arrays = [np.abs(a[np.isfinite(a)]) for a in results if not isinstance(a, str)]
    return max((float(a.max()) for a in arrays if a.size), default=0.0)


def _compared(a, b, size: float, rounding: float = ROUNDING) -> str:
    if isinstance(a, str) or isinstance(b, str):
        return "identical" if isinstance(a, str) and isinstance(b, str) else "different"
    if a.shape != b.shape or a.dtype != b.dtype:
        return "different"
    if np.array_equal(a, b, equal_nan=True):
        return "identical"
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return "different"
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= rounding * np.finfo(a.dtype).eps * size
    return "rounding" if np.all(near | ~np.isfinite(a)) else "different"
