"""A compiled function under a tape: one Node, whose rule is a plan of its own."""

from __future__ import annotations

import importlib.util
import threading

import numpy as np
import pytest

import autograd_core as ag

NUMBA = bool(importlib.util.find_spec("numba"))
JITS = ["numpy", *["numba"] * NUMBA]
X = np.array([[0.5, -1.2], [0.3, 2.0]])


def test_one_node_is_recorded():
    f = ag.function(lambda x: (np.sin(x) * x, np.cos(x)), jit="numpy")
    with ag.GradientTape() as tape:
        x = ag.constant(X)
        tape.watch(x)
        y, z = f(x)
        total = np.sum(y)
    assert y.node.parents[0] is z.node.parents[0]
    np.testing.assert_allclose(tape.gradient(total, x), np.sin(X) + X * np.cos(X))


@pytest.mark.parametrize("jit", JITS)
def test_gradients_in_arguments_variables_and_tensors_from_outside(jit):
    w, c = ag.Variable(X + 1), ag.constant(X - 1)

    def f(x, parts):
        return {"y": np.tanh(x @ w) * c, "z": [np.sum(parts["a"] * x), parts["a"] > 0, 3]}

    def gradients(f):
        x, a = ag.constant(X), ag.constant(X * 2)
        with ag.GradientTape(persistent=True) as tape:
            tape.watch([x, a, c])
            out = f(x, {"a": a})
            loss = np.sum(out["y"] ** 2) + out["z"][0] * 2.0
        return [tape.gradient(loss, s) for s in (x, a, w, c)], tape.gradient(out["y"], w), tape.gradient(out["z"][0], w)

    traced = ag.function(f, jit=jit)
    for _ in range(2):
        (own, y, z), (eager, eager_y, eager_z) = gradients(traced), gradients(f)
        for got, want in zip([*own, y], [*eager, eager_y], strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10)
        assert eager_z is None
        np.testing.assert_array_equal(z, np.zeros((2, 2)))  # not None: all results are those of one operation
        w.assign_add(np.ones((2, 2)))
        c[...] = X * 3


def test_nothing_is_recorded_where_nothing_is_tracked():
    f = ag.function(lambda x: x * 2.0, jit="numpy")
    with ag.GradientTape() as tape:
        y = f(ag.constant(X))
    assert y.node is None
    assert tape.gradient(y, ag.constant(X)) is None


def test_what_changes_between_forward_and_backward_does_no_harm():
    """The backward plan is given what the forward run saw: arguments, arrays and Variables may change meanwhile."""
    w, array, tensor = ag.Variable(X), X.copy(), ag.constant(X)
    f = ag.function(lambda x, u: np.sum(x * w * array * tensor * u), jit="numpy")
    own = X.copy()
    with ag.GradientTape() as tape:
        x = ag.constant(X)
        tape.watch(x)
        y = f(x, own)
    w.assign(X * 0)
    array[...] = own[...] = 0
    tensor[...] = X * 0
    f(x, own)
    np.testing.assert_allclose(tape.gradient(y, x), X**4)


@pytest.mark.parametrize("jit", JITS)
def test_integers_masks_and_unused_results(jit):
    f = ag.function(lambda x, i: (x[i] * 2.0, x > 0, i + 1, np.exp(x)), jit=jit)

    def gradient(f):
        return ag.grad(lambda x: np.sum(f(x, ag.constant([1, 1, 0]))[0]))(X)

    np.testing.assert_array_equal(gradient(f), [[2, 2], [4, 4]])


def test_higher_derivatives_and_forward_mode():
    def f(x):
        return np.sum(np.sin(x) ** 2 * np.exp(x))

    traced = ag.function(f, jit="numpy")
    np.testing.assert_allclose(ag.hessian(traced)(X), ag.hessian(f)(X), rtol=1e-10)
    np.testing.assert_allclose(ag.hvp(traced, (X,), (X,)), ag.hvp(f, (X,), (X,)), rtol=1e-10)
    np.testing.assert_allclose(
        ag.jacobian(ag.function(lambda x: np.sin(x) @ x))(X), ag.jacobian(lambda x: np.sin(x) @ x)(X)
    )
    with ag.GradientTape() as outer:
        x = ag.constant(X)
        outer.watch(x)
        with ag.GradientTape() as inner:
            inner.watch(x)
            y = traced(x)
        slope = inner.gradient(y, x)
        z = np.sum(slope**2)
    expected = ag.grad(lambda x: np.sum(ag.grad(f)(x) ** 2))(X)
    np.testing.assert_allclose(outer.gradient(z, x), expected, rtol=1e-10)


def test_complex_gradients():
    def f(z):
        return np.sum(np.abs(z * z + 1j) ** 2)

    z = np.array([1.0 + 2j, -0.5 + 0.3j])
    np.testing.assert_allclose(ag.grad(ag.function(f, jit="numpy"))(z), ag.grad(f)(z))
    np.testing.assert_allclose(ag.function(ag.grad(f), jit="numpy")(z), ag.grad(f)(z))


@pytest.mark.parametrize("jit", JITS)
def test_random_numbers_are_the_same_in_both_directions(jit):
    own, eager = ag.numpy.random.default_rng(0), ag.numpy.random.default_rng(0)

    def loss(x, rng):
        return np.sum(x * rng.normal(size=(2, 2)) ** 2)

    traced = ag.grad(ag.function(lambda x: loss(x, own), jit=jit))
    for _ in range(3):
        np.testing.assert_allclose(traced(X), ag.grad(lambda x: loss(x, eager))(X))


def test_a_function_that_assigns_under_a_tape():
    """As eagerly: the new value is what is read afterwards, and the gradient is that of the reads."""
    w, twin = ag.Variable(X), ag.Variable(X)

    def f(v, x):
        y = np.sum(v * v * x)
        v.assign_add(np.ones((2, 2)))
        return y

    traced = ag.function(lambda x: f(w, x), jit="numpy")
    for _ in range(2):
        x = ag.constant(X)
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = traced(x)
        with ag.GradientTape() as eager:
            eager.watch(x)
            z = f(twin, x)
        np.testing.assert_allclose(y, z)
        np.testing.assert_array_equal(w, twin)
        np.testing.assert_allclose(tape.gradient(y, x), eager.gradient(z, x))


def test_two_threads_differentiate_one_function():
    f = ag.function(lambda x: np.sum(np.sin(x) * x), jit="numpy")
    wrong = []

    def work(seed):
        x = np.random.default_rng(seed).normal(size=(5, 5))
        for _ in range(100):
            wrong.extend([1] * (not np.allclose(ag.grad(f)(x), np.sin(x) + x * np.cos(x))))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
