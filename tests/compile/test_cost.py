"""What "auto" takes: Numba, unless compiling takes longer than anybody waits for."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
import optim
from autograd_core.compile import cost

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("numba"), reason="needs Numba")


def soft_dtw(x, y):
    """Written as a table that is filled entry by entry."""
    distances = (x[:, None] - y[None]) ** 2
    n, m = distances.shape
    table = anp.full((n + 1, m + 1), 1e10)
    table[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            before = np.stack([table[i - 1, j - 1], table[i - 1, j], table[i, j - 1]])
            table[i, j] = distances[i - 1, j - 1] - anp.logsumexp(-before)
    return table[n, m]


def step_of(model, optimizer):
    loss_object = nn.losses.SparseCategoricalCrossentropy(from_logits=True)

    def step(x, y):
        with ag.GradientTape() as tape:
            loss = loss_object(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step


def dense():
    return [nn.layers.Dense(128, activation="relu"), nn.layers.Dense(10)], (784,)


def lenet():
    first = [nn.layers.Conv2D(6, 5, activation="relu"), nn.layers.MaxPooling2D()]
    second = [nn.layers.Conv2D(16, 5, activation="relu"), nn.layers.MaxPooling2D(), nn.layers.Flatten()]
    last = [nn.layers.Dense(120, activation="relu"), nn.layers.Dense(84, activation="relu"), nn.layers.Dense(10)]
    return [*first, *second, *last], (28, 28, 1)


def lstm():
    return [nn.layers.LSTM(64), nn.layers.Dense(10)], (28, 28)


def deep():
    return [*(nn.layers.Dense(32, activation="relu") for _ in range(20)), nn.layers.Dense(10)], (32,)


@pytest.mark.parametrize("made", [dense, lenet, lstm, deep])
def test_steps_of_models_are_compiled(made):
    layers, shape = made()
    model = nn.Sequential(layers)
    model.build((None, *shape))
    x, y = np.zeros((32, *shape), np.float32), np.zeros(32, int)
    plan = ag.function(step_of(model, optim.Adam()), jit="numpy").plan(x, y)
    assert cost.is_compiled_soon(plan.optimised)


def test_long_unrolled_loops_are_not_compiled():
    x, y = np.random.default_rng(0).normal(size=(2, 6))
    function = ag.function(ag.grad(soft_dtw))
    assert function.plan(x, y).jit == "numpy"
    np.testing.assert_allclose(function(x, y), ag.grad(soft_dtw)(x, y))


def test_long_bodies_of_loops_are_not_compiled():
    """They are programs of their own."""

    def f(x):
        return ag.fori_loop(0, 3, lambda i, c: soft_dtw(x[0] * c, x[1]), 1.0)

    x = np.random.default_rng(0).normal(size=(2, 12))
    assert ag.function(f).plan(x).jit == "numpy"


def test_derivatives_around_a_function_are_not_compiled_either():
    """The plans forward and backward are longer than the one that gives the value alone."""
    x, y = np.random.default_rng(0).normal(size=(2, 9))
    function = ag.function(soft_dtw)
    np.testing.assert_allclose(ag.grad(function)(x, y), ag.grad(soft_dtw)(x, y))


def test_what_is_asked_for_is_done():
    """However long it takes."""
    x = np.ones(3)
    assert ag.function(np.sin, jit="numba").plan(x).jit == "numba"
    assert ag.function(np.sin, jit="numpy").plan(x).jit == "numpy"
    assert ag.function(np.sin).plan(x).jit == "numba"


def test_work_that_takes_long_is_worth_compiling():
    """Many operations on large arrays: the more each run takes, the longer compiling may."""

    def program(side):
        def f(x):
            for _ in range(600):
                x = np.sort(x * 1.01)
            return x

        return ag.function(f, jit="numpy").plan(np.ones(side)).optimised

    assert not cost.is_compiled_soon(program(3))
    assert cost.is_compiled_soon(program(20_000))


def test_with_a_number_of_calls_it_is_that_which_decides():
    x, y = np.random.default_rng(0).normal(size=(2, 3))
    assert ag.function(ag.grad(soft_dtw), calls=1).plan(x, y).jit == "numpy"
