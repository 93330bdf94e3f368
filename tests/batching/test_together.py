"""Jacobians and Hessians, whose walks are made together: as those made one by one."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.batching import together

RNG = np.random.default_rng(0)
X = RNG.normal(size=12)
W = RNG.normal(size=(12, 12))


def f(x):
    h = np.tanh(W @ x)
    return {"a": h * np.sin(x), "b": (np.cumsum(h)[:11], np.sum(x))}


def one_by_one(monkeypatch, call):
    with monkeypatch.context() as patch:
        patch.setattr(together, "FEWEST", 10**9)
        return call()


def leaves(structure):
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, (list, tuple)):
        return [leaf for child in structure for leaf in leaves(child)]
    return [structure.numpy() if isinstance(structure, ag.Tensor) else structure]


@pytest.mark.parametrize("entries", [1 << 22, 2000], ids=["at once", "in parts"])
@pytest.mark.parametrize(
    "call",
    [
        lambda: ag.jacobian(f, mode="rev")(X),
        lambda: ag.jacobian(f, mode="fwd")(X),
        lambda: ag.jacobian(lambda x, c: x * c @ W, (0, 1))(X, 2.0),
        lambda: ag.hessian(lambda x: np.sum(f(x)["a"] ** 2))(X),
        lambda: ag.hessian(lambda p: np.sum(np.sin(p["w"] @ p["x"])))({"w": W[:2], "x": X}),
        lambda: ag.grad(lambda x: np.sum(ag.jacobian(lambda y: np.tanh(W @ y))(x) ** 2))(X),
        lambda: ag.vmap(ag.jacobian(lambda y: np.tanh(W @ y)))(np.stack([X, -X])),
        lambda: ag.jacobian(lambda x: np.where(x > 0, np.sqrt(np.maximum(x, 0.0)), 0.0))(X),
        lambda: ag.jacobian(lambda x: ag.constant(np.ones(11)))(X),
    ],
)  # fmt: skip
def test_as_one_by_one(call, entries, monkeypatch):
    wanted = one_by_one(monkeypatch, call)
    monkeypatch.setattr(together, "ENTRIES", entries)
    for found, right in zip(leaves(call()), leaves(wanted), strict=True):
        assert type(found) is type(right)
        assert found.dtype == right.dtype
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)


def test_the_jacobians_of_a_tape(monkeypatch):
    def call():
        v, unused = ag.Variable(X), ag.Variable(1.0)
        x = ag.constant(np.stack([X, 2 * X, 3 * X]))
        with ag.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = np.tanh(W @ v)
            z = np.sin(x) * x[:, ::-1]
        both = tape.jacobian(y, [v, unused])
        assert both[1] is None
        return [both[0], tape.jacobian(y, unused, unconnected_gradients="zero"), tape.batch_jacobian(z, x)]

    for found, right in zip(leaves(call()), leaves(one_by_one(monkeypatch, call)), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)


def test_a_rule_that_leaves_the_graph_is_called_for_each_walk():
    @ag.primitive
    def cube(x):
        return x**3

    cube = cube.defvjp(lambda ct, ans, x: np.asarray(ct) * 3 * np.asarray(x) ** 2)
    np.testing.assert_allclose(ag.jacobian(cube, mode="rev")(X), np.diag(3 * X**2))


def test_hooks_are_called_for_each_walk():
    seen = []

    def g(x):
        y = x * 2.0
        y.register_gradient_hook(lambda ct: seen.append(ct.shape))
        return np.sin(y)

    ag.jacobian(g, mode="rev")(X)
    assert seen == [(12,)] * 12
