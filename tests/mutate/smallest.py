"""The smallest program on which a mutant is seen: one operation, and as few tracked inputs as will do.

Hypothesis draws an application of the row and which of its arguments are tracked, and shrinks what fails. A program's
nodes are its tracked inputs and its operations, as of a random program; which results of the operation are used is said
besides.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autograd_core.primitive import Primitive
from autograd_core.testing import rows
from autograd_core.testing.strategies import draw_from
from tests.ops import promises, special_points, spectral, test_table

from . import same
from .suite import SETTINGS

CHECKS = (rows.check_vjp, rows.check_jvp, rows.check_second_order, rows.check_constants)


@dataclass(frozen=True)
class Counterexample:
    """A program that shows a mutant.

    Attributes
    ----------
    nodes : int
        Tracked inputs and operations.
    entries : int
        Of all its arrays together.
    program : str
    """

    nodes: int
    entries: int
    program: str


def of(case: same.Tracked) -> Counterexample:
    """The program that ``case`` is: its tracked inputs and its operation."""
    entries = sum(arg.size for arg in case.args if isinstance(arg, np.ndarray))
    used = "" if case.used is None else f", results in use: {list(case.used)}"
    return Counterexample(len(case.tracked) + 1, entries, f"{case}, tracked: {list(case.tracked)}{used}")


def found(row: Primitive, examples: int = 60, shrink: bool = True) -> Counterexample | None:
    """Drawn as the tests draw, and shrunk; None if the checks do not fail within so many examples."""
    last: list[same.Tracked] = []

    def test(data):
        case = _drawn(row, data)
        seed = data.draw(st.integers(0, 3))
        for check in CHECKS:
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("error")  # as in the tests
                    check(case, np.random.default_rng(seed))
            except Exception:
                last[:] = [case]
                raise

    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    try:
        settings(SETTINGS, max_examples=examples, phases=phases)(given(data=st.data())(test))()
    except Exception:
        return of(_with_less(last[0])) if last else None
    return None


def seldom(row: Primitive) -> Counterexample | None:
    """Where the tests look besides: at arrays of shapes that are seldom drawn, and at what single rows promise."""
    for name, *shapes, params in test_table.SELDOM:
        if name == row.name:
            case = test_table.seldom(row, shapes, params)
            whole = same.only(case, case.active)
            if _fails_any(whole):
                return of(_with_less(whole))
    for name, point, hessian, *params in special_points.HESSIANS:
        if name == row.name and _fails(test_table.check_hessian, row, point, hessian, dict(*params)):
            return Counterexample(2, len(point), f"{name}{point}, twice")
    for promise in promises.PROMISES:
        if promise.row == row.name and _fails(promise.check, row):
            return Counterexample(promise.nodes, 0, promise.program)
    for check, cases in spectral.CHECKS:
        for name, *given_to_it in cases:
            if name == row.name and _fails(check, row, *given_to_it):
                return Counterexample(2, 0, f"{name}, {check.__name__}{given_to_it}")
    for x in test_table.REPLACED if row.name == "nan_to_num" else ():
        if _fails(test_table.check_numbers_in_place_of_nan, row, x):
            return Counterexample(2, x.size, f"nan_to_num({x})")
    return None


def _with_less(case: same.Tracked) -> same.Tracked:
    """The same with fewer inputs tracked or results used, if that fails too: shrinking may end before."""
    used = [None] if case.used is None else [(one,) for one in case.used]
    fewer = [tuple(case.tracked[at] for at in group) for group in _groups(len(case.tracked))]
    for tracked, results in itertools.product(fewer, used):
        less = same.only(case, tracked, results)
        if _extent(less) < _extent(case) and _fails_any(less):
            return less
    return case


def _extent(case: same.Tracked) -> tuple[int, int]:
    return len(case.tracked), 0 if case.used is None else len(case.used)


def _drawn(row: Primitive, data) -> same.Tracked:
    """An application; which arguments are tracked, and which results used, is drawn too: as few as will do."""
    draw = draw_from(data)
    whole = rows.sample(row, rows.EqualSides(draw.integer) if draw.boolean() else draw)
    active = whole.active or tuple(at for at, arg in enumerate(whole.args) if _is_floating(arg))
    tracked = tuple(active[at] for at in _group(len(active), data))
    out = row.impl(*whole.args, **whole.params)
    if not isinstance(out, tuple):
        return same.only(whole, tracked)
    results = sum(one.dtype.kind in "fc" for one in out)
    return same.only(whole, tracked, _group(results, data))


def at_points(row: Primitive) -> Counterexample | None:
    """Where the tests look: at zeros, ties, infinities, beside Python numbers; one argument tracked at a time."""
    for name, args, slopes, *params in special_points.POINTS:
        for at in (at for at, slope in enumerate(slopes) if slope is not None) if name == row.name else ():
            alone = [slope if place == at else None for place, slope in enumerate(slopes)]
            if _fails(test_table.check_points, row, args, alone, dict(*params)):
                return Counterexample(2, sum(map(np.size, args)), f"{name}{args}, tracked: [{at}]")
    for name, array, params, jacobian in special_points.JACOBIANS:
        if name == row.name and _fails(test_table.check_jacobian, row, array, params, jacobian):
            return Counterexample(2, len(array), f"{name}({array}, {params})")
    numbers = test_table.numbers_for(row) if row in test_table.ELEMENTWISE else ()
    for case in (test_table.beside_number(row, *one) for one in numbers):
        for at in case.active:
            if _fails_any(same.only(case, (at,))):
                return of(same.only(case, (at,)))
    return None


def _fails_any(case: same.Tracked) -> bool:
    return any(_fails(check, case, np.random.default_rng(7)) for check in CHECKS)


def _fails(check, *args) -> bool:
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            check(*args)
    except Exception:
        return True
    except pytest.fail.Exception:  # something was not raised
        return True
    return False


def by_reference(cases) -> Counterexample | None:
    """The first of the harsh cases that the planted mutant changes."""
    case = same.first_different(cases)
    return None if case is None else of(case)


def _group(count: int, data) -> tuple[int, ...]:
    """Some out of ``count``: one, two, or all."""
    groups = _groups(count)
    return groups[data.draw(st.integers(0, len(groups) - 1))] if groups else ()


def _groups(count: int) -> list[tuple[int, ...]]:

    every = tuple(range(count))
    alone, pairs = list(itertools.combinations(every, 1)), list(itertools.combinations(every, 2))
    return alone + (pairs if count > 1 else []) + ([every] if count > 2 else [])


def _is_floating(arg: Any) -> bool:
    return isinstance(arg, np.ndarray) and arg.dtype.kind in "fc"
