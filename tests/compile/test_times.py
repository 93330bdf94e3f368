"""Times of kernels, boxes around them in drawings, and Numba's start without SciPy."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

KEYS = {"name", "operations", "bytes", "reads", "writes", "threads", "microseconds"}
EMITTERS = ["numpy", *(["numba"] if importlib.util.find_spec("numba") else [])]


def made():
    nn.utils.set_random_seed(0)
    model = nn.Sequential([nn.layers.Dense(8, activation="relu"), nn.layers.Dense(3, activation="softmax")])
    model.build((None, 4))
    loss_object, optimizer = nn.losses.SparseCategoricalCrossentropy(), optim.Adam(0.01)

    def step(x, y):
        with ag.GradientTape() as tape:
            loss = loss_object(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return model, step


@pytest.mark.parametrize("jit", EMITTERS)
def test_times_change_nothing(jit):
    (model, step), (other, plain) = made(), made()
    compiled = ag.function(step, jit=jit)
    batch = ag.constant(np.random.default_rng(0).normal(size=(16, 4)).astype("f")), ag.constant(np.arange(16) % 3)
    for number in range(3):
        plan = compiled.plan(*batch)
        before = [v.numpy().copy() for v in model.trainable_variables]
        *rows, workspace = plan.times(*batch)
        for old, variable in zip(before, model.trainable_variables, strict=True):
            np.testing.assert_array_equal(old, variable.numpy())
        assert all(set(row) == KEYS for row in rows)
        assert all(row["microseconds"] >= 0 and row["bytes"] == row["reads"] + row["writes"] for row in rows)
        assert sum(row["microseconds"] for row in rows) > 0.1
        assert workspace["name"] == "workspace"
        assert set(workspace) >= KEYS
        assert all(row["microseconds"] is None for row in plan.report())
        np.testing.assert_allclose(compiled(*batch).numpy(), plain(*batch).numpy(), rtol=1e-4, err_msg=str(number))
    for one, two in zip(model.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), two.numpy(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("jit", EMITTERS)
def test_times_of_what_only_python_can(jit):
    compiled = ag.function(lambda x: np.sort(x * 2) + 1, jit=jit)
    x = np.random.default_rng(0).normal(size=100_000).astype("f")
    rows = {operation: row for row in compiled.plan(x).times(x) for operation in row["operations"]}
    assert rows["sort"]["microseconds"] > 20


@pytest.mark.parametrize("jit", EMITTERS)
def test_times_where_a_zero_meets_an_infinity(jit):
    compiled = ag.function(lambda x: ag.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)))(x), jit=jit)
    rows = compiled.plan(np.ones(3, "f")).times(np.zeros(3, "f"))
    assert all(row["microseconds"] is not None for row in rows[:-1])


def test_a_box_around_what_runs_together():
    pytest.importorskip("numba")
    pytest.importorskip("graphviz")
    compiled = ag.function(lambda x: np.sum(np.tanh(x * 2 + 1), axis=0) @ np.ones(5, "f"), jit="numba")
    plan = compiled.plan(np.zeros((7, 5), "f"))
    assert plan.draw().source.count("subgraph cluster_") == 1
    name = plan.report()[0]["name"]
    assert f"label={name} " in plan.draw().source
    assert "subgraph" not in plan.draw(optimised=False).source


def test_numba_starts_without_scipy_linalg():
    pytest.importorskip("numba")
    pytest.importorskip("scipy")
    program = (
        "import sys, numpy as np, autograd_core as ag\n"
        "ag.function(lambda x: x + 1, jit='numba')(np.ones(3))\n"
        "assert 'scipy.linalg' not in sys.modules\n"
        "import numba\n"
        "print(numba.njit(lambda a, b: np.dot(a, b))(np.eye(2), np.ones((2, 2))).sum())\n"
        "assert 'scipy.linalg' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "4.0", done.stderr


@pytest.mark.parametrize("jit", EMITTERS)
def test_a_report_with_arguments_has_the_times(jit):
    plan = ag.function(lambda x: np.sum(np.tanh(x) * 2.0), jit=jit).plan(np.ones(100))
    assert all(row["microseconds"] is None for row in plan.report())
    timed = plan.report(np.ones(100))
    assert [row["name"] for row in timed] == [row["name"] for row in plan.report()]
    assert all(row["microseconds"] >= 0 for row in timed[:-1])
