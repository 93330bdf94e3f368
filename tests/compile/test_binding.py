"""Variables written in place: nobody who holds an old value sees it change, and nothing is copied in steady state."""

from __future__ import annotations

import gc
import importlib.util
import threading
import weakref

import numpy as np
import pytest

import autograd_core as ag

NUMBA = bool(importlib.util.find_spec("numba"))
JITS = ["numpy", *["numba"] * NUMBA]
pytestmark = pytest.mark.parametrize("jit", JITS)


def address(w):
    return w.array.__array_interface__["data"][0]


def counter(jit, shape=(3,)):
    """A Variable, and a function that adds 1 to it."""
    w = ag.Variable(np.zeros(shape))

    def step():
        w.assign_add(np.ones(shape))

    return w, ag.function(step, jit=jit)


HOLDERS = {
    "value": lambda w: w.value,
    "numpy": lambda w: w.numpy(),
    "a view of the value": lambda w: w.value[1:],
    "reshaped": lambda w: w.value.reshape(3, 1),
    "another Variable": lambda w: ag.Variable(w),
    "a constant": lambda w: ag.constant(w),
    "asarray": lambda w: np.asarray(w),
    "the raw array": lambda w: w.array,
    "a view of the raw array": lambda w: w.array[1:],
    "a buffer": lambda w: memoryview(w.array),
    "in a list": lambda w: [w.value],
    "assigned to another": lambda w: ag.Variable(np.ones(3)).assign(w),
    "a function's result": lambda w: ag.function(lambda: w.value, jit="numpy")(),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_whoever_holds_a_value_keeps_it(name, jit):
    w, step = counter(jit)
    for _ in range(3):
        held = HOLDERS[name](w)
        before = np.array(held[0] if isinstance(held, list) else held, copy=True)
        step()
        after = np.array(held[0] if isinstance(held, list) else held, copy=True)
        np.testing.assert_array_equal(after, before)
        assert float(w.value[0]) == float(before.ravel()[0]) + 1
        step()
        del held
        step()
    np.testing.assert_array_equal(w, np.full(3, 9.0))


def test_tapes_recorded_before_keep_what_they_saw(jit):
    w, step = counter(jit)
    step()
    with ag.GradientTape(persistent=True) as tape:
        y = np.sum(w * w * w)
    for _ in range(3):
        step()
    np.testing.assert_array_equal(tape.gradient(y, w), np.full(3, 3.0))
    with ag.GradientTape() as tape:
        step()
        y = np.sum(w * w)
        step()
    np.testing.assert_array_equal(tape.gradient(y, w), np.full(3, 10.0))


def test_assignments_from_outside_between_calls(jit):
    w, step = counter(jit)
    own = np.array([5.0, 6.0, 7.0])
    step()
    w.assign(own)
    step()
    np.testing.assert_array_equal(own, [5, 6, 7])
    np.testing.assert_array_equal(w, [6, 7, 8])
    given = ag.constant([1.0, 2.0, 3.0])
    w.assign(given)
    step()
    step()
    np.testing.assert_array_equal(given, [1, 2, 3])
    np.testing.assert_array_equal(w, [3, 4, 5])
    other = ag.Variable(w)
    w.assign(other)
    step()
    np.testing.assert_array_equal(other, [3, 4, 5])
    assert w.version > 5


def test_two_variables_with_one_value(jit):
    """Their values start as the same array, or are swapped in a plan."""
    start = ag.constant([1.0, 2.0])
    a, b = ag.Variable([0.0, 0.0]), ag.Variable([0.0, 0.0])
    a.assign(start)
    b.assign(start)

    def swap():
        old = a.value
        a.assign(b.value * 2)
        b.assign(old)

    f = ag.function(swap, jit=jit)
    for _ in range(4):
        f()
    np.testing.assert_array_equal(a, [4, 8])
    np.testing.assert_array_equal(b, [4, 8])
    np.testing.assert_array_equal(start, [1, 2])

    def exchange():
        old = a.value
        a.assign(b)
        b.assign(old)

    a.assign([1.0, 1.0])
    f = ag.function(exchange, jit=jit)
    f()
    np.testing.assert_array_equal(a, [4, 8])
    np.testing.assert_array_equal(b, [1, 1])
    f()
    np.testing.assert_array_equal(a, [1, 1])


def test_plans_that_share_variables_do_not_copy(jit):
    """Training with whole and with smaller batches, and evaluating, in turn: the array stays the same one."""
    w = ag.Variable(np.ones((40, 30)))

    @ag.function(jit=jit)
    def train(x):
        with ag.GradientTape() as tape:
            loss = np.sum(np.tanh(x @ w) ** 2)
        w.assign_sub(0.001 * tape.gradient(loss, w))
        return loss

    evaluate = ag.function(lambda x: np.sum(x @ w), jit=jit)
    big, small = np.ones((12, 40)), np.ones((9, 40))

    def rounds():
        train(big)
        train(small)
        evaluate(big)
        train(big)
        evaluate(small)

    rounds()
    rounds()
    where = address(w)
    for _ in range(5):
        rounds()
        assert address(w) == where
    held = w.value
    train(big)
    assert address(w) != where
    assert address(held) == where
    del held
    rounds()
    where = address(w)
    rounds()
    assert address(w) == where


def test_a_plan_that_reads_what_another_writes(jit):
    w, step = counter(jit)
    read = ag.function(lambda: w * 2.0, jit=jit)
    results = []
    for _ in range(4):
        step()
        results.append(read())
    assert [float(each[0]) for each in results] == [2, 4, 6, 8]
    alias = ag.function(lambda: w.value, jit=jit)
    kept = [alias() for _ in range(3) if step() is None]
    assert [float(each[0]) for each in kept] == [5, 6, 7]


def test_variables_can_be_deleted(jit):
    w, step = counter(jit, (1000,))
    step()
    array, gone = weakref.ref(w.array), weakref.ref(w)
    del step, w
    gc.collect()
    assert gone() is None
    assert array() is None


def test_a_function_keeps_the_variables_that_it_refers_to(jit):
    w, step = counter(jit)
    kept = weakref.ref(w)
    del w
    step()
    assert kept() is not None


def test_threads_that_write(jit):
    """Two functions that write to one Variable, each in a thread; and one that reads it meanwhile."""
    w = ag.Variable(np.zeros(50))

    def add():
        w.assign_add(np.ones(50))

    steps = [ag.function(add, jit=jit), ag.function(add, jit=jit)]
    for step in steps:
        step()
    look, torn = ag.function(lambda: w * 1.0, jit=jit), []

    def write(step):
        for _ in range(200):
            step()

    def read():
        for _ in range(200):
            seen = look().numpy()
            torn.extend(1 for _ in [0] if seen.min() != seen.max())

    threads = [threading.Thread(target=write, args=(steps[0],)), threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(w, np.full(50, 202.0))


def test_constraints_and_dtypes(jit):
    w = ag.Variable(np.array([1.0, -2.0], np.float32))

    def step(x):
        w.assign(w * x)
        return w

    f = ag.function(step, jit=jit)
    f(ag.constant(np.array([2.0, 2.0], np.float32)))
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w, [2, -4])
    with pytest.raises(ag.AutogradError, match="assign"):
        f(ag.constant(np.ones((2, 2), np.float32)))
    np.testing.assert_array_equal(w, [2, -4])
