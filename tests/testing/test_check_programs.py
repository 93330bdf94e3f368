"""check_grads on random programs of any scale: right ones are never wrong, and one broken rule is never smooth."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from autograd_core.primitive import Primitive
from autograd_core.tensor import Tensor
from autograd_core.testing import check_grads
from autograd_core.testing.checking.verdicts import SMOOTH, WRONG
from autograd_core.testing.programs.generate import random_program
from autograd_core.testing.programs.pool import pool_of

TOLERANCE = {"float64": 2e-6, "float32": 1e-2}  # a mutant that changes a gradient by less need not be seen
DTYPES = list(TOLERANCE)
SCALES = [1.0, 1e8, 1e-8]
POOL = pool_of()


def changed(rule, **options):
    return Primitive("mutant", lambda x: x.copy(), vjps=(rule,), jvps=(rule,), **options)


def times(factor):
    return changed(lambda ct, ans, x: ct * np.asarray(factor, ct.dtype), elementwise=True)


def but_one(ct, ans, x):
    kept = np.ones(x.shape, x.dtype)
    kept[(0,) * x.ndim if x.size else ()] = 0
    return ct * kept


ONE_OF_THREE = Primitive("mutant", lambda x: np.stack([x, x, x]), vjps=(lambda ct, ans, x: ct[0],))


def dropped(x):
    return np.sum(ONE_OF_THREE(x) * np.array([0.5, 0.25, 0.25], x.dtype).reshape(3, *[1] * x.ndim), axis=0)


MUTANTS = {"sign": times(-1.0), "factor": times(1.01), "one entry": changed(but_one), "dropped": dropped}


@dataclass(frozen=True)
class Broken:
    """An operation of a program with a wrong rule behind it."""

    operation: Any
    mutant: Any

    def __getattr__(self, name):
        return getattr(self.operation, name)

    def run(self, operands, params):
        out = self.operation.run(operands, params)
        return self.mutant(out) if isinstance(out, Tensor) and out.dtype.kind == "f" else out


def scaled(program, scale):
    """The program as a function of arguments ``1 / scale`` of its own, and these."""
    f = lambda *xs: program(*[x * np.asarray(scale, x.dtype) for x in xs])
    return f, tuple(np.asarray(x / np.asarray(scale, x.dtype), x.dtype) for x in program.arguments)


def report_on(program, scale, modes=("rev", "fwd")):
    f, arguments = scaled(program, scale)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the program, at points beside
        return check_grads(f, arguments, order=1, modes=modes, raises=False)


def never_wrong(number, dtype, scale):
    program = random_program((5, number), POOL, 6, dtype)
    report = report_on(program, scale)
    assert report.verdict != WRONG, f"{program}\n{report}"


def never_smooth(number, dtype, scale, name):
    """Where a verdict is "smooth, agrees", the mutant changes nothing: the right program's gradient is the same."""
    program = random_program((5, number), POOL, 6, dtype)
    at = number % len(program.steps)
    steps = list(program.steps)
    steps[at] = replace(steps[at], operation=Broken(steps[at].operation, MUTANTS[name]))
    right = report_on(program, scale, modes=("rev",))
    found = report_on(replace(program, steps=tuple(steps)), scale, modes=("rev",))
    for verdict, other in zip(found.verdicts, right.verdicts, strict=True):
        if verdict.verdict == other.verdict == SMOOTH:
            off = abs(verdict.by_rule - other.by_rule)
            allowed = max(TOLERANCE[dtype] * abs(other.by_rule), 16 * verdict.uncertainty)
            assert off <= allowed, f"{name} of {program}\n{found}\n{other}"


@pytest.mark.parametrize("number", range(12))
def test_a_right_program_is_never_wrong(number):
    dtype = DTYPES[number % 2]
    for scale in SCALES:
        never_wrong(number, dtype, scale)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_program_is_never_smooth(number, name):
    never_smooth(number, DTYPES[number % 2], SCALES[number % 3], name)


def test_terms_that_cancel_in_a_rule():
    """A program with a result that does not depend on its argument, but in the rounding of its rule."""
    never_wrong(21, "float32", 1e8)


def test_results_that_are_but_rounding_do_not_drown_the_others():
    """``solve(x, x)``, whose zeros come out as 1e-17 and weigh 1e9 in a sum; ``qr``, whose factors differ as much."""
    never_wrong(82, "float32", 1.0)
    never_wrong(95, "float32", 1e8)


def test_long_steps_over_all_that_a_function_does_confirm_nothing():
    """A program on 1e-8, which steps of 0.1 see as constant."""
    never_smooth(16, "float32", 1e8, "one entry")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", range(300))
def test_many_right_programs_are_never_wrong(number, dtype):
    for scale in SCALES:
        never_wrong(number, dtype, scale)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", range(100))
def test_many_broken_programs_are_never_smooth(number, dtype):
    for scale in SCALES:
        for name in MUTANTS:
            never_smooth(number, dtype, scale, name)
