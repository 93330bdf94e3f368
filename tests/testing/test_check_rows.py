"""check_grads on every operation there is: a right rule is never wrong, a mutated one never smooth."""

import warnings

import numpy as np
import pytest

from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.primitive import Primitive
from autograd_core.testing import check_grads, rows
from autograd_core.testing.checking.verdicts import SMOOTH, WRONG

ROWS = [row for row in TABLE if row.vjps is not None and (row.domain or row.sample)]
QUICK = ROWS[::5]
SCALES = [1.0, 1e8, 1e-8]


def drawn(row, seed, dtype):
    """The row at arguments of its own choice; None if it has none that are floating."""
    random = np.random.default_rng(seed)
    case = rows.sample(row, Draw(lambda low, high: int(random.integers(low, high, endpoint=True)), dtype))
    return case if case.active else None


def times(factor):
    """The identity, with a rule that gives ``factor`` times its derivative."""
    rule = lambda ct, ans, x: ct * np.asarray(factor, ct.dtype)
    return Primitive("mutant", lambda x: x.copy(), vjps=(rule,), jvps=(rule,), elementwise=True)


def one_of_three(x):
    return np.stack([x, x, x])


DROPPED = Primitive("dropped", one_of_three, vjps=(lambda ct, ans, x: ct[0],))  # a sum over the three was due
MUTANTS = {
    "factor": times(1.01),
    "sign": times(-1.0),
    "dropped": lambda x: np.sum(DROPPED(x) * np.array([0.5, 0.25, 0.25], x.dtype).reshape(3, *[1] * x.ndim), axis=0),
}


def scaled(case, scale, mutant=None):
    """The row as a function of arguments ``1 / scale`` of its own, and these."""

    def f(*xs):
        return case.tensors([(mutant(x) if mutant else x) * np.asarray(scale, x.dtype.char.lower()) for x in xs])

    return f, tuple(np.asarray(x / np.asarray(scale, x.dtype), x.dtype) for x in case.primals)


def verdicts(case, scale, mutant=None):
    modes = ("rev",) if mutant is MUTANTS["dropped"] else ("rev", "fwd")
    f, points = scaled(case, scale, mutant)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the row, at points beside
        try:
            return check_grads(f, points, order=1, modes=modes, raises=False)
        except np.linalg.LinAlgError:  # scaling back and forth has rounded it off its domain
            return None


def never_wrong(row, seed, dtype, scale):
    case = drawn(row, seed, dtype)
    report = case and verdicts(case, scale)
    assert report is None or report.verdict != WRONG, f"{case}\n{report}"


def never_smooth(row, seed, dtype, scale, mutant):
    case = drawn(row, seed, dtype)
    report = case and verdicts(case, scale, mutant)
    if report is None:
        return
    for verdict in report.verdicts:  # what has no slope has none to get wrong
        assert verdict.verdict != SMOOTH or abs(verdict.by_rule) <= 16 * verdict.uncertainty, f"{case}\n{report}"


@pytest.mark.parametrize("row", QUICK, ids=lambda row: row.name)
def test_a_right_rule_is_never_wrong(row):
    for dtype in ("float64", "float32"):
        never_wrong(row, 0, dtype, 1.0)


@pytest.mark.parametrize("row", ROWS[1::5], ids=lambda row: row.name)
def test_a_right_rule_is_never_wrong_at_any_scale(row):
    for dtype, scale in [("float64", 1e8), ("float32", 1e-8)]:
        never_wrong(row, 1, dtype, scale)


@pytest.mark.parametrize("row", ROWS[2::5], ids=lambda row: row.name)
def test_a_mutated_rule_is_never_smooth(row):
    for dtype, mutant in [("float64", "factor"), ("float32", "sign"), ("float64", "dropped"), ("float32", "factor")]:
        never_smooth(row, 2, dtype, 1.0, MUTANTS[mutant])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_all_rows(row, dtype):
    for seed in range(3):
        for scale in SCALES:
            never_wrong(row, seed, dtype, scale)
            for mutant in MUTANTS.values():
                never_smooth(row, seed, dtype, scale, mutant)
