"""Functions as methods: whose object lives how long, and what its plans are."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import autograd_core as ag


class Scale:
    def __init__(self, by):
        self.by = by

    @ag.function(jit="numpy")
    def of(self, x):
        return self.by * x**3


def test_a_call_on_an_object_that_nobody_else_has():
    np.testing.assert_array_equal(Scale(2.0).of(np.ones(2)), [2, 2])


def test_a_method_keeps_its_object_alive():
    scale = Scale(2.0)
    method, gone = scale.of, weakref.ref(scale)
    del scale
    gc.collect()
    np.testing.assert_array_equal(method(np.ones(2)), [2, 2])
    np.testing.assert_array_equal(method(np.ones((2, 1))), [[2], [2]])  # another trace
    del method
    gc.collect()
    assert gone() is None


def test_plans_die_with_their_object():
    scale = Scale(2.0)
    plan = weakref.ref(scale.of.plan(np.ones(2)))
    gone = weakref.ref(scale)
    scale.of(np.ones(2))
    ag.grad(lambda x: np.sum(scale.of(x)))(np.ones(2))
    assert gone() is not None
    assert plan() is not None
    scale = None
    gc.collect()
    assert gone() is None
    assert plan() is None


def test_a_tape_keeps_the_object_of_what_it_has_recorded():
    """The function runs again for second derivatives, which may be long after the call."""
    x = ag.constant(np.array([1.0, 2.0]))
    with ag.GradientTape() as outer:
        outer.watch(x)
        with ag.GradientTape() as inner:
            inner.watch(x)
            y = Scale(2.0).of(x)
        gc.collect()
        first = inner.gradient(y, x)
    gc.collect()
    np.testing.assert_allclose(first, 6 * x.numpy() ** 2)
    np.testing.assert_allclose(outer.gradient(first, x), 12 * x.numpy())


@pytest.mark.parametrize("transform", [ag.grad, ag.hessian, ag.jacobian], ids=lambda f: f.__name__)
def test_transforms_of_a_method_of_an_object_that_nobody_else_has(transform):
    derivative = transform(Scale(2.0).of)
    gc.collect()
    expected = 12.0 if transform is ag.hessian else 6.0
    assert derivative(np.array(1.0)) == pytest.approx(expected)


def test_methods_of_one_object_are_one():
    """They compare as Python's do, and share what was traced."""
    scale = Scale(2.0)
    scale.of(np.ones(2))
    assert scale.of == scale.of
    assert hash(scale.of) == hash(scale.of)
    assert scale.of != Scale(2.0).of
    assert scale.of != 1
    scale.of(np.ones(2))
    assert scale.of.traces == 1
    assert scale.of.__self__ is scale


def test_a_method_is_an_argument_like_others():
    calls = []

    @ag.function(jit="numpy")
    def apply(f, x):
        calls.append(f)
        return f(x)

    scale = Scale(2.0)
    for _ in range(3):
        np.testing.assert_array_equal(apply(scale.of, np.ones(2)), [2, 2])
    assert len(calls) == 1


def test_methods_in_threads():
    found = []

    def work(by):
        found.extend(by == Scale(by).of(np.ones(())) for _ in range(20))

    threads = [threading.Thread(target=work, args=(float(by),)) for by in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 60
    assert all(found)


def test_objects_with_methods_are_still_pickled():
    scale = Scale(3.0)
    scale.of(np.ones(2))
    again = pickle.loads(pickle.dumps(scale))
    np.testing.assert_array_equal(again.of(np.ones(2)), [3, 3])
