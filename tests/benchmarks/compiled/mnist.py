"""The step of the MNIST network: 784-512(relu)-10, softmax and cross-entropy, RMSprop, batch 128."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.compiled.by_hand import Flat, SoftmaxOut, float64_results, plain_run, rmsprop, softmax_loss
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

PIXELS, HIDDEN, BATCH_SIZE, BATCHES = 784, 512, 128, 200
LEARNING_RATE, RHO, EPSILON = 1e-3, 0.9, 1e-7
BLOCK = 32768  # floats of the update at a time: they stay in the second-level cache


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first images of MNIST, (count, 784) from 0 to 1, and their labels; made-up ones where the files are not.

    The files are looked for in the folder that ``AUTOGRAD_CORE_DATA`` names, and read here without ``nn``, which the
    Python of a peer need not have. The time of a step does not depend on what an image shows.
    """
    folder = Path(os.environ.get("AUTOGRAD_CORE_DATA", "."))
    try:
        images = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())
    except FileNotFoundError:
        random = np.random.default_rng(0)
        ink = random.random((count, PIXELS), np.float32) * (random.random((count, PIXELS), np.float32) < 0.2)
        return ink, random.integers(0, 10, count)
    pixels = np.frombuffer(images, np.uint8, offset=16)[: count * PIXELS].reshape(count, PIXELS)
    return pixels / np.float32(255), np.frombuffer(labels, np.uint8, offset=8)[:count].astype(np.int64)


def first_weights(random: np.random.Generator) -> list[np.ndarray]:
    return [glorot(random, PIXELS, HIDDEN), np.zeros(HIDDEN, "f4"), glorot(random, HIDDEN, 10), np.zeros(10, "f4")]


def problem() -> dict[str, Any]:
    random = np.random.default_rng(1)
    images, labels = digits(BATCHES * BATCH_SIZE)
    labels = some_wrong(random, labels)
    cuts = [slice(i * BATCH_SIZE, (i + 1) * BATCH_SIZE) for i in range(BATCHES)]
    return {"weights": first_weights(random), "batches": [(images[i], labels[i]) for i in cuts]}


def gradients(weights, x, y):
    """Loss and gradients as a NumPy user writes them."""
    w1, b1, w2, b2 = weights
    a = x @ w1 + b1
    h = np.maximum(a, 0)
    loss, d = softmax_loss(h @ w2 + b2, y)
    dh = (d @ w2.T) * (a > 0)
    return loss, [x.T @ dh, dh.sum(axis=0), h.T @ d, d.sum(axis=0)]


def reference(problem):
    return {
        **float64_results(problem, gradients, rmsprop()),
        **float64_results(problem, gradients, rmsprop(pytorch=True), PYTORCH),
    }


def by_hand(problem: Mapping[str, Any]) -> Run:
    return plain_run(problem, gradients, rmsprop())


class InPlace(Flat):
    """The same with ``out=`` everywhere, in arrays made once, and the update in blocks."""

    def __init__(self, first):
        super().__init__(first)
        self.v, self.t, self.sized = np.zeros_like(self.w), np.empty(BLOCK, np.float32), {}

    def arrays(self, size):
        """For one batch size: hidden layer, its gradient, its mask, logits, softmax."""
        if size not in self.sized:
            h, dh, mask = (np.empty((size, HIDDEN), dtype) for dtype in (np.float32, np.float32, bool))
            self.sized[size] = h, dh, mask, np.empty((size, 10), np.float32), SoftmaxOut(size, 10)
        return self.sized[size]

    def step(self, x, y):
        (w1, b1, w2, b2), (g1, gb1, g2, gb2) = self.weights, self.gradients
        h, dh, mask, z, softmax = self.arrays(len(y))
        np.matmul(x, w1, out=h)
        np.add(h, b1, out=h)
        np.maximum(h, 0, out=h)
        np.greater(h, 0, out=mask)
        np.matmul(h, w2, out=z)
        np.add(z, b2, out=z)
        loss = softmax(z, y)
        np.matmul(z, w2.T, out=dh)
        np.multiply(dh, mask, out=dh)
        np.matmul(h.T, z, out=g2)
        np.add.reduce(z, axis=0, out=gb2)
        np.matmul(x.T, dh, out=g1)
        np.add.reduce(dh, axis=0, out=gb1)
        for start in range(0, self.w.size, BLOCK):
            self.update(slice(start, start + BLOCK))
        return loss

    def update(self, part):
        w, g, v = self.w[part], self.g[part], self.v[part]
        t = self.t[: w.size]
        np.multiply(g, g, out=t)
        np.multiply(t, np.float32(1 - RHO), out=t)
        np.multiply(v, np.float32(RHO), out=v)
        np.add(v, t, out=v)
        np.add(v, np.float32(EPSILON), out=t)
        np.sqrt(t, out=t)
        np.divide(g, t, out=t)
        np.multiply(t, np.float32(LEARNING_RATE), out=t)
        np.subtract(w, t, out=w)


def in_place(problem: Mapping[str, Any]) -> Run:
    net = InPlace(problem["weights"])
    return training_run(Trainer(net.step, lambda: net.weights), problem["batches"], problem["weights"])


def products(problem: Mapping[str, Any]) -> Run:
    """The two large matrix products alone: the floor of the step."""
    x, w, h, d = problem["batches"][0][0], problem["weights"][0], *np.ones((2, BATCH_SIZE, HIDDEN), np.float32)
    g = np.empty_like(w)
    return Run(lambda: (np.matmul(x, w, out=h), np.matmul(x.T, d, out=g)))


WORK = Work(
    title="MNIST step: 784-512-10, batch 128, RMSprop",
    problem=problem,
    reference=reference,
    contenders={
        **ours("mnist"),
        "NumPy by hand": Contender("hand", "mnist:by_hand"),
        "NumPy by hand, out=": Contender("hand", "mnist:in_place"),
        "its two large products alone (NumPy)": Contender("floor", "mnist:products"),
        "PyTorch": Contender("torch", "with_torch:mnist"),
        "torch.compile, RMSprop compiled too": Contender("torch.compile", "with_torch:mnist", {"compile": "all"}),
        "JAX jit": Contender("jax", "with_jax:mnist"),
        "tf.function": Contender("keras", "with_keras:mnist"),
        "tf.function, XLA": Contender("keras", "with_keras:mnist", {"xla": True}),
    },
    targets=(
        Target("numba", 0.75, ("hand", "torch", "torch.compile", "jax", "keras")),
        Target("numpy", 1.0, ("torch",), strictly=True),
    ),
    tolerance=1e-2,  # RMSprop divides by the size of the gradient: where it is about 0, rounding decides the direction
)
