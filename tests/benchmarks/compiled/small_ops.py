"""What one operation on eight floats costs: a chain of 2,000 (x + a, x * b, tanh in turn), forward and backward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.work import Contender, Run, Target, Work, ours

OPERATIONS = 2000


def problem() -> dict[str, Any]:
    """x, a and b, such that no value or gradient along the chain shrinks to a denormal number: these are slow."""
    random = np.random.default_rng(0)
    ranges = ((-0.3, 0.3), (5e-5, 2e-4), (0.9995, 1.0005))
    return {"arrays": [random.uniform(low, high, 8).astype(np.float32) for low, high in ranges]}


def chain(x, a, b, tanh):
    """The same lines for everybody."""
    for i in range(OPERATIONS):
        kind = i % 3
        if kind == 0:
            x = x + a
        elif kind == 1:
            x = x * b
        else:
            x = tanh(x)
    return x


def by_hand_results(x, a, b):
    """Sum of the chain, and its gradients with respect to x, a and b."""
    values = [x]
    for i in range(OPERATIONS):
        kind = i % 3
        x = x + a if kind == 0 else x * b if kind == 1 else np.tanh(x)
        values.append(x)
    g, ga, gb = np.ones_like(x), np.zeros_like(a), np.zeros_like(b)
    for i in range(OPERATIONS - 1, -1, -1):
        kind = i % 3
        if kind == 0:
            ga = ga + g
        elif kind == 1:
            gb = gb + g * values[i]
            g = g * b
        else:
            g = g * (1 - values[i + 1] * values[i + 1])
    return np.sum(x), (g, ga, gb)


def run_of(call, array=np.asarray) -> Run:
    """For a call that gives the value and three gradients."""

    def check():
        value, gradients = call()
        return {"value": array(value), "gradients": np.stack([array(gradient) for gradient in gradients])}

    return Run(call, check)


def reference(problem):
    value, gradients = by_hand_results(*(array.astype(np.float64) for array in problem["arrays"]))
    return {"value": np.asarray(value), "gradients": np.stack(gradients)}


def by_hand(problem: Mapping[str, Any]) -> Run:
    return run_of(lambda: by_hand_results(*problem["arrays"]))


WORK = Work(
    title="2,000 operations on 8 floats, forward and backward, each",
    problem=problem,
    reference=reference,
    contenders={
        **ours("small_ops"),
        "NumPy by hand": Contender("hand", "small_ops:by_hand"),
        "PyTorch": Contender("torch", "with_torch:small_ops"),
        "JAX jit": Contender("jax", "with_jax:small_ops"),
    },
    targets=(Target("eager", 0.6, ("torch",)), Target("numba", 1.0, ("jax",))),
    per=OPERATIONS,
    tolerance=1e-3,  # the rounding of 2,000 operations
)
