"""The step of the 10-cluster network: 2-128(sigmoid)-10, softmax and cross-entropy, Adam, batch 32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.by_hand import Flat, SoftmaxOut, adam, float64_results, plain_run, softmax_loss
from tests.benchmarks.compiled.work import (
    PYTORCH,
    Contender,
    Run,
    Target,
    Trainer,
    Work,
    glorot,
    ours,
    some_wrong,
    training_run,
)

HIDDEN, BATCH_SIZE, BATCHES = 128, 32, 31
LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def problem() -> dict[str, Any]:
    """The ten clusters of ``nn.datasets.clusters``, in batches."""
    random = np.random.RandomState(0)
    centres = random.uniform(-8, 8, (10, 2))
    points = np.concatenate([centre + random.rand(100, 2) for centre in centres]).astype(np.float32)
    random = np.random.default_rng(1)
    weights = [glorot(random, 2, HIDDEN), np.zeros(HIDDEN, "f4"), glorot(random, HIDDEN, 10), np.zeros(10, "f4")]
    labels = some_wrong(random, np.repeat(np.arange(10), 100))
    order = random.permutation(1000)[: BATCHES * BATCH_SIZE].reshape(BATCHES, BATCH_SIZE)
    return {"weights": weights, "batches": [(points[i], labels[i]) for i in order]}


def gradients(weights, x, y):
    """Loss and gradients as a NumPy user writes them."""
    w1, b1, w2, b2 = weights
    h = 1 / (1 + np.exp(-(x @ w1 + b1)))
    loss, d = softmax_loss(h @ w2 + b2, y)
    dh = d @ w2.T * h * (1 - h)
    return loss, [x.T @ dh, dh.sum(axis=0), h.T @ d, d.sum(axis=0)]


def reference(problem):
    return {
        **float64_results(problem, gradients, adam()),
        **float64_results(problem, gradients, adam(pytorch=True), PYTORCH),
    }


def by_hand(problem: Mapping[str, Any]) -> Run:
    return plain_run(problem, gradients, adam())


class InPlace(Flat):
    """The same with ``out=`` everywhere, in arrays made once."""

    def __init__(self, first):
        super().__init__(first)
        self.m, self.v, self.t = (np.zeros_like(self.w) for _ in range(3))
        self.h, self.dh = (np.empty((BATCH_SIZE, HIDDEN), np.float32) for _ in range(2))
        self.z, self.softmax, self.steps = np.empty((BATCH_SIZE, 10), np.float32), SoftmaxOut(BATCH_SIZE, 10), 0

    def step(self, x, y):
        (w1, b1, w2, b2), (g1, gb1, g2, gb2), h, dh, z = self.weights, self.gradients, self.h, self.dh, self.z
        np.matmul(x, w1, out=h)
        np.add(h, b1, out=h)
        np.negative(h, out=h)
        np.exp(h, out=h)
        np.add(h, 1, out=h)
        np.reciprocal(h, out=h)
        np.matmul(h, w2, out=z)
        np.add(z, b2, out=z)
        loss = self.softmax(z, y)
        np.matmul(z, w2.T, out=dh)
        np.multiply(dh, h, out=dh)
        np.matmul(h.T, z, out=g2)
        np.add.reduce(z, axis=0, out=gb2)
        np.subtract(1, h, out=h)
        np.multiply(dh, h, out=dh)
        np.matmul(x.T, dh, out=g1)
        np.add.reduce(dh, axis=0, out=gb1)
        self.update()
        return loss

    def update(self):
        w, g, m, v, t = self.w, self.g, self.m, self.v, self.t
        self.steps += 1
        rate = LEARNING_RATE * (1 - BETA_2**self.steps) ** 0.5 / (1 - BETA_1**self.steps)
        np.subtract(g, m, out=t)
        np.multiply(t, np.float32(1 - BETA_1), out=t)
        np.add(m, t, out=m)
        np.multiply(g, g, out=t)
        np.subtract(t, v, out=t)
        np.multiply(t, np.float32(1 - BETA_2), out=t)
        np.add(v, t, out=v)
        np.sqrt(v, out=t)
        np.add(t, np.float32(EPSILON), out=t)
        np.divide(m, t, out=t)
        np.multiply(t, np.float32(rate), out=t)
        np.subtract(w, t, out=w)


def in_place(problem: Mapping[str, Any]) -> Run:
    net = InPlace(problem["weights"])
    return training_run(Trainer(net.step, lambda: net.weights), problem["batches"], problem["weights"])


WORK = Work(
    title="10-cluster step: 2-128-10, batch 32, Adam",
    problem=problem,
    reference=reference,
    contenders={
        **ours("clusters"),
        "NumPy by hand": Contender("hand", "clusters:by_hand"),
        "NumPy by hand, out=": Contender("hand", "clusters:in_place"),
        "PyTorch": Contender("torch", "with_torch:clusters"),
        "PyTorch, fused Adam": Contender("torch", "with_torch:clusters", {"fused": True}),
        "torch.compile": Contender("torch.compile", "with_torch:clusters", {"compile": "loss", "fused": True}),
        "torch.compile, compiled Adam": Contender("torch.compile", "with_torch:clusters", {"compile": "all"}),
        "JAX jit": Contender("jax", "with_jax:clusters"),
    },
    targets=(
        Target("numba", 0.5, ("jax",)),
        Target("numba", 0.1, ("torch",)),
        Target("numpy", 1.0, ("torch",), strictly=True),
    ),
)  # fmt: skip
