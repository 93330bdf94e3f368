"""Value and gradient of an elementwise chain over 4 million floats: the arithmetic is cheap, moving the data is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.work import Contender, Run, Target, Work, ours

SIZE = 4_000_000
SCALE, SHIFT = 0.7, 0.1
BLOCK = 16384  # floats: every intermediate stays in the second-level cache


def problem() -> dict[str, Any]:
    return {"x": np.random.default_rng(0).normal(0, 1, SIZE).astype(np.float32)}


def value_and_gradient(x, a, b):
    """Of sum(tanh(a x + b) exp(-x^2) + log1p(x^2))."""
    t, q = np.tanh(x * a + b), x * x
    e = np.exp(-q)
    return np.sum(t * e + np.log1p(q)), (1 - t * t) * a * e - 2 * x * t * e + 2 * x / (1 + q)


def results(value, gradient):
    return {"value": np.asarray(value), "gradient": np.asarray(gradient)}


def reference(problem):
    return results(*value_and_gradient(problem["x"].astype(np.float64), SCALE, SHIFT))


def run_of(call, arrays=lambda pair: pair) -> Run:
    """For a call that gives value and gradient."""
    return Run(call, lambda: results(*arrays(call())))


def by_hand(problem: Mapping[str, Any]) -> Run:
    return run_of(lambda: value_and_gradient(problem["x"], np.float32(SCALE), np.float32(SHIFT)))


def in_blocks(problem: Mapping[str, Any]) -> Run:
    x, gradient, arrays = problem["x"], np.empty_like(problem["x"]), np.empty((4, BLOCK), np.float32)

    def call():
        cuts = [slice(start, start + BLOCK) for start in range(0, SIZE, BLOCK)]
        return sum(block(x[cut], gradient[cut], arrays[:, : len(x[cut])]) for cut in cuts), gradient

    return run_of(call)


def block(x, g, arrays):
    """The value over a block; its gradient goes into ``g``."""
    t, q, e, v = arrays
    a, b = np.float32(SCALE), np.float32(SHIFT)
    np.multiply(x, a, out=t)
    np.add(t, b, out=t)
    np.tanh(t, out=t)
    np.multiply(x, x, out=q)
    np.negative(q, out=e)
    np.exp(e, out=e)
    np.multiply(t, e, out=g)
    np.log1p(q, out=v)
    np.add(v, g, out=v)
    total = float(np.add.reduce(v))
    np.add(q, 1, out=q)
    np.reciprocal(q, out=q)
    np.subtract(q, g, out=q)
    np.add(q, q, out=q)
    np.multiply(q, x, out=q)
    np.multiply(t, t, out=t)
    np.subtract(1, t, out=t)
    np.multiply(t, a, out=t)
    np.multiply(t, e, out=t)
    np.add(t, q, out=g)
    return total


def copy(problem: Mapping[str, Any]) -> Run:
    """The floor: the array copied into another that is there already."""
    x, y = problem["x"], np.empty_like(problem["x"])
    return Run(lambda: np.copyto(y, x))


WORK = Work(
    title="value and gradient of an elementwise chain, 4M floats",
    problem=problem,
    reference=reference,
    contenders={
        **ours("chain"),
        "NumPy by hand": Contender("hand", "chain:by_hand"),
        "NumPy by hand, out= in blocks": Contender("hand", "chain:in_blocks"),
        "copy of the array (NumPy)": Contender("copy of the array", "chain:copy"),
        "PyTorch": Contender("torch", "with_torch:chain"),
        "torch.compile": Contender("torch.compile", "with_torch:chain", {"compiled": True}),
        "JAX jit": Contender("jax", "with_jax:chain"),
    },
    targets=(Target("numba", 0.3, ("torch.compile",)), Target("numba", 2.5, ("copy of the array",))),
    tolerance=1e-5,
)
