"""A long run of a compiled step grows by nothing."""

from __future__ import annotations

import gc
import importlib.util
import sys
import tracemalloc

import numpy as np
import pytest

import autograd_core as ag

NUMBA = bool(importlib.util.find_spec("numba"))
JITS = ["numpy", *["numba"] * NUMBA]
GROWTH = 20_000
"""Bytes that a whole run may leave behind: a leak of one number a step would be 24 bytes times the number of steps."""


def training(jit):
    w, m, rng = ag.Variable(np.ones((8, 4))), ag.Variable(np.zeros((8, 4))), ag.numpy.random.default_rng(0)

    @ag.function(jit=jit)
    def step(x):
        with ag.GradientTape() as tape:
            y = np.tanh((x + 0.01 * rng.normal(size=(16, 8))) @ w)
            loss = np.mean(np.where(y > 0.1, np.log(np.abs(y) + 0.1), 0.0) ** 2)
        gradient = tape.gradient(loss, w)
        m.assign(0.9 * m + gradient)
        w.assign_sub(0.01 * m)
        return loss

    return step, np.random.default_rng(1).normal(size=(16, 8))


def grown(step, x, count):
    """Bytes and objects that ``count`` calls leave behind."""
    for _ in range(200):
        step(x)
    gc.collect()
    tracemalloc.start()
    blocks, before = sys.getallocatedblocks(), tracemalloc.get_traced_memory()[0]
    for _ in range(count):
        step(x)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before, sys.getallocatedblocks() - blocks


@pytest.mark.parametrize("jit", JITS)
@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_training_grows_by_nothing(jit, count):
    size, blocks = grown(*training(jit), count)
    assert size < GROWTH
    assert blocks < 2_000


@pytest.mark.parametrize("jit", JITS)
def test_derivatives_of_a_function_grow_by_nothing(jit):
    f = ag.grad(ag.function(lambda x: np.sum(np.sin(x) * x), jit=jit))
    size, blocks = grown(f, np.ones((4, 4)), 1_000)
    assert size < GROWTH
    assert blocks < 2_000


@pytest.mark.parametrize("jit", JITS)
def test_a_held_result_is_all_that_is_kept(jit):
    """Outputs come from a pool: what the caller holds is not used again, what is let go is."""
    f = ag.function(lambda x: x * 2.0, jit=jit)
    x = np.ones(100_000)
    held = [f(x) for _ in range(5)]
    assert len({each.ctypes.data for each in held}) == 5
    for at, each in enumerate(held):
        each += at
    f(x * 5.0)
    assert [each[0] for each in held] == [2, 3, 4, 5, 6]
    view = f(x)[10:20]
    for _ in range(5):
        f(x * 7.0)
    np.testing.assert_array_equal(view, np.full(10, 2.0))
