"""Schedules against their formulas, written out once more; and what an optimizer makes of them."""

import numpy as np
import pytest

import autograd_core as ag
import optim
from optim import schedules


def half_wave(progress):
    return 0.5 * (1 + np.cos(np.pi * progress))


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (schedules.ExponentialDecay(0.1, 10, 0.5), lambda t: 0.1 * 0.5 ** (t / 10)),
        (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), lambda t: 0.1 * 0.5 ** (t // 10)),
        (schedules.InverseTimeDecay(0.1, 10, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 10)),
        (schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True), lambda t: 0.1 / (1 + 0.5 * (t // 10))),
        (schedules.PiecewiseConstantDecay([5, 9], [1.0, 0.5, 0.1]), lambda t: (1.0, 0.5, 0.1)[(t > 5) + (t > 9)]),
        (schedules.PolynomialDecay(0.1, 10, 0.01, 2.0), lambda t: 0.09 * (1 - min(t, 10) / 10) ** 2 + 0.01),
        (
            schedules.PolynomialDecay(0.1, 10, 0.01, cycle=True),
            lambda t: 0.09 * (1 - t / (10 * max(1, -(-t // 10)))) + 0.01,
        ),
        (schedules.CosineDecay(0.1, 10, 0.2), lambda t: 0.1 * (0.8 * half_wave(min(t, 10) / 10) + 0.2)),
        (
            schedules.CosineDecay(0.0, 10, 0.2, warmup_target=0.1, warmup_steps=4),
            lambda t: 0.1 * t / 4 if t < 4 else 0.1 * (0.8 * half_wave(min(t - 4, 10) / 10) + 0.2),
        ),
        (schedules.CosineDecayRestarts(0.1, 5, 1.0), lambda t: 0.1 * half_wave(t % 5 / 5)),
        (
            schedules.CosineDecayRestarts(0.1, 5, 2.0, 0.5, 0.1),
            lambda t: 0.1 * (0.9 * (half_wave(t / 5) if t < 5 else 0.5 * half_wave((t - 5) / 10) if t < 15 else
                                    0.25 * half_wave((t - 15) / 20)) + 0.1),
        ),
        (
            schedules.OneCycle(1.0, 30),
            lambda t: 1 - 0.96 * half_wave(t / 9) if t < 9 else 4e-6 + (1 - 4e-6) * half_wave(min((t - 9) / 21, 1)),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, schedules.LearningRateSchedule) else "",
)  # fmt: skip
def test_formulas(schedule, formula):
    for step in range(34):
        assert schedule(step) == pytest.approx(formula(step), rel=1e-12, abs=1e-16)
    assert repr(schedule).startswith(type(schedule).__name__ + "(")


def test_an_optimizer_follows_its_schedule():
    """The rate of a step is that for the number of steps before it; a function will do."""
    w = ag.Variable(0.0)
    optimizer = optim.SGD(schedules.PiecewiseConstantDecay([1], [1.0, 0.25]))
    moved = []
    for _ in range(4):
        before = w.item()
        optimizer.apply_gradients([(1.0, w)])
        moved.append(before - w.item())
    assert moved == [1.0, 1.0, 0.25, 0.25]
    assert optimizer.learning_rate == 0.25
    optimizer.learning_rate = lambda step: 1.0 / step
    assert optimizer.learning_rate == 0.25
    optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == 0.5


def test_a_schedule_goes_on_after_a_restart():
    """The number of steps made is part of the state; the schedule itself is given again."""

    def run(restart):
        random, w = np.random.default_rng(0), ag.Variable(np.ones(3))
        optimizer = optim.Adam(schedules.CosineDecay(0.1, 8))
        for step in range(8):
            if step == restart:
                saved, optimizer = optimizer.state_dict(), optim.Adam(schedules.CosineDecay(0.1, 8))
                optimizer.load_state_dict(saved)
            optimizer.apply_gradients([(random.normal(size=3), w)])
        return w.numpy().tolist()

    assert run(None) == run(4)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: schedules.ExponentialDecay(-1.0, 10, 0.5), "ExponentialDecay: initial_learning_rate is -1.0"),
        (lambda: schedules.CosineDecay(0.1, 0), "CosineDecay: decay_steps is 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, 0.5), "t_mul is 0.5"),
        (lambda: schedules.OneCycle(0.1, 10, warm_up=1.5), "warm_up is 1.5"),
        (lambda: schedules.PiecewiseConstantDecay([3, 2], [1, 2, 3]), "ascending"),
        (lambda: schedules.PiecewiseConstantDecay([3], [1]), "one value more"),
        (lambda: optim.SGD(lambda step: -1.0).learning_rate, "SGD: learning_rate is -1.0"),
        (lambda: optim.SGD(lambda step: float("nan")).apply_gradients([(1.0, ag.Variable(0.0))]), "nan"),
    ],
)
def test_mistakes_are_named(make, says):
    with pytest.raises(ag.DomainError, match=says):
        make()
