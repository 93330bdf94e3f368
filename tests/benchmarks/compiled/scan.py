"""A simple recurrent network over 1,000 steps, 16 sequences of 4 features, 8 units: value and gradients, each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.work import Contender, Run, Target, Work, ours

STEPS, BATCH, FEATURES, UNITS = 1000, 16, 4, 8


def problem() -> dict[str, Any]:
    random = np.random.default_rng(0)
    arrays = {
        "w": random.normal(0, 0.3, (UNITS, UNITS)),
        "u": random.normal(0, 1, (FEATURES, UNITS)),
        "x": random.normal(0, 1, (STEPS, BATCH, FEATURES)),
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def value_of(w, u, x, scan, tanh, zeros):
    """Mean square of all states, by a framework's own ``scan``."""

    def step(h, at):
        h = tanh(h @ w + at @ u)
        return h, h

    return (scan(step, zeros, x)[1] ** 2).mean()


def by_hand_results(w, u, x):
    """The value, and its gradients with respect to w and u."""
    states = [np.zeros((BATCH, UNITS), x.dtype)]
    for at in x:
        states.append(np.tanh(states[-1] @ w + at @ u))
    scale = 2 / (STEPS * BATCH * UNITS)
    g_w, g_u, g = np.zeros_like(w), np.zeros_like(u), np.zeros_like(states[0])
    for before, h, at in zip(states[-2::-1], states[:0:-1], x[::-1], strict=True):
        g = (g + h * x.dtype.type(scale)) * (1 - h * h)
        g_w += before.T @ g
        g_u += at.T @ g
        g = g @ w.T
    return np.mean(np.square(states[1:])), (g_w, g_u)


def run_of(call, array=np.asarray) -> Run:
    """For a call that gives the value and two gradients."""

    def check():
        value, gradients = call()
        return {"value": array(value), "gradients": np.concatenate([array(gradient) for gradient in gradients])}

    return Run(call, check)


def reference(problem):
    value, gradients = by_hand_results(*(array.astype(np.float64) for array in problem.values()))
    return {"value": np.asarray(value), "gradients": np.concatenate(gradients)}


def by_hand(problem: Mapping[str, Any]) -> Run:
    return run_of(lambda: by_hand_results(*problem.values()))


WORK = Work(
    title="scan: a step of a network with 8 units on 16 sequences, forward and backward",
    problem=problem,
    reference=reference,
    contenders={
        **ours("scan"),
        "NumPy by hand": Contender("hand", "scan:by_hand"),
        "PyTorch": Contender("torch", "with_torch:scan"),
        "JAX jit": Contender("jax", "with_jax:scan"),
    },
    targets=(Target("numba", 1.0, ("jax",)), Target("numba", 0.1, ("torch",))),
    per=STEPS,
)
