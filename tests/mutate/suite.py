"""The tests of a row, as ``tests/ops/test_table.py`` runs them, and the smallest program on which one fails.

The same functions with the same examples, since those are derandomized; only that a failing one is not shrunk by the
test itself. Shrinking is done apart, once a mutant is known to be noticed: see ``smallest``.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from autograd_core.primitive import Primitive
from tests.ops import test_table

LEFT_OUT = ("test_value", "test_row_can_be_tested")  # they say nothing of rules
Test = Callable[[Primitive], None]

SETTINGS = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@cache
def tests_of(row: Primitive) -> tuple[tuple[str, Callable[[], None]], ...]:
    """Pairs (name, test) for all tests of the table that take ``row``."""
    return tuple(_tests_of(row))


def _tests_of(row: Primitive) -> Iterator[tuple[str, Callable[[], None]]]:
    for name, test in vars(test_table).items():
        marks = getattr(test, "pytestmark", ())
        if not name.startswith("test_") or name in LEFT_OUT or any(mark.name == "slow" for mark in marks):
            continue
        run = _without_shrinking(test) if hasattr(test, "hypothesis") else test
        for given_values in _parametrized(marks):
            if given_values.get("row") is row:
                yield name, partial(run, **given_values)


def _parametrized(marks) -> Iterator[dict[str, Any]]:
    """What a test is called with, one after the other."""
    lists = [[_named(mark.args[0], values) for values in mark.args[1]] for mark in marks if mark.name == "parametrize"]
    for combination in itertools.product(*lists):
        yield {name: value for values in combination for name, value in values.items()}


def _named(names, values) -> dict[str, Any]:
    """Values of one parameter set, by the names of the parameters."""
    names = [names] if isinstance(names, str) else names
    if hasattr(values, "values"):
        values = values.values
    elif len(names) == 1:
        values = (values,)
    return dict(zip(names, values, strict=True))


@cache
def _without_shrinking(test):
    """The test on the same examples; the first that fails ends it."""
    inner = test.hypothesis.inner_test
    return settings(SETTINGS, phases=[Phase.explicit, Phase.generate])(given(data=st.data())(inner))


def noticed_by(row: Primitive) -> str | None:
    """Name of the first test of ``row`` that fails; None if all pass."""
    for name, test in tests_of(row):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                test()
        except Exception:
            return name
        except BaseException as outcome:  # pytest's own
            if type(outcome).__name__ == "Failed":  # something was not raised
                return name
            if type(outcome).__name__ != "Skipped":  # the test does not take this row
                raise
    return None
