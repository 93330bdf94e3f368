"""A hundred steps of every optimizer and option, and every schedule, against numbers that Keras has produced."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_core as ag
import optim
from tests.optim.expected import optimizer_cases as cases

EXPECTED = np.load(Path(__file__).parent / "expected" / "optimizers.npz")
OURS = SimpleNamespace(optimizers=optim)


def variables_of(dtype):
    return [
        ag.Variable(value, name=name) for name, value in zip(cases.SHAPES, cases.initial_values(dtype), strict=True)
    ]


def test_every_optimizer_and_schedule_is_compared():
    """A new one cannot be left out."""
    ours = {getattr(optim, name) for name in optim.__all__ if isinstance(getattr(optim, name), type)}
    assert {type(make(OURS)) for make in cases.OPTIMIZERS.values()} == ours - {optim.Optimizer, optim.LBFGS}
    known = {getattr(optim.schedules, name) for name in optim.schedules.__all__ if name[0].isupper()}
    not_keras = {optim.schedules.LearningRateSchedule, optim.schedules.OneCycle}
    assert {type(make(OURS)) for make in cases.SCHEDULES.values()} == known - not_keras
    assert len(EXPECTED.files) == 1 + 2 * len(cases.OPTIMIZERS) + len(cases.SCHEDULES)


@pytest.mark.filterwarnings("ignore:.*no gradient")
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_a_hundred_steps(name, dtype, tolerance):
    variables = variables_of(dtype)
    got = cases.run(cases.OPTIMIZERS[name](OURS), variables, cases.gradients_of(name, dtype))
    assert got.dtype == dtype
    np.testing.assert_allclose(got, EXPECTED[f"{dtype}/{name}"], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_schedules(name):
    schedule = cases.SCHEDULES[name](OURS)
    got = [schedule(step) for step in cases.SCHEDULE_STEPS]
    np.testing.assert_allclose(got, EXPECTED[f"schedule/{name}"], rtol=1e-10, atol=1e-15)
