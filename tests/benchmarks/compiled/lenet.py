"""The step of LeNet: two convolutions, two average poolings, three dense layers, SGD with momentum, batch 64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.by_hand import float64_results, plain_run, sgd, softmax_loss
from tests.benchmarks.compiled.mnist import digits
from tests.benchmarks.compiled.work import Contender, Run, Target, Work, ours, some_wrong

BATCH_SIZE, BATCHES = 64, 100
LEARNING_RATE, MOMENTUM = 0.01, 0.9
SHAPES = [(5, 5, 1, 6), (6,), (5, 5, 6, 16), (16,), (400, 120), (120,), (120, 84), (84,), (84, 10), (10,)]


def problem() -> dict[str, Any]:
    """Images and weights with channels last; normal kernels of variance 2 / fan in, biases of 0."""
    random = np.random.default_rng(1)
    images, labels = digits(BATCHES * BATCH_SIZE)
    images = images.reshape(BATCHES, BATCH_SIZE, 28, 28, 1)
    labels = some_wrong(random, labels).reshape(BATCHES, BATCH_SIZE)
    kernels = [random.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1])) for shape in SHAPES]
    weights = [(kernel if kernel.ndim > 1 else np.zeros(kernel.shape)).astype("f4") for kernel in kernels]
    return {"weights": weights, "batches": list(zip(images, labels, strict=True))}


def columns(x, size=5):
    """The windows of images (n, h, w, c) as rows of a matrix (n * oh * ow, size * size * c)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, size * size * x.shape[-1])


def images_of(rows, shape, size=5):
    """The transposed of ``columns``: every window added at its place."""
    n, h, w, c = shape
    windows = rows.reshape(n, h - size + 1, w - size + 1, size, size, c)
    x = np.zeros(shape, rows.dtype)
    for i in range(size):
        for j in range(size):
            x[:, i : i + h - size + 1, j : j + w - size + 1] += windows[:, :, :, i, j]
    return x


def pool(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))


def unpool(d):
    return np.repeat(np.repeat(d / 4, 2, axis=1), 2, axis=2)


def gradients(weights, x, y):
    """Loss and gradients, the convolutions as products with the matrix of windows."""
    k1, b1, k2, b2, w3, b3, w4, b4, w5, b5 = weights
    n = len(x)
    c1 = columns(np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))))
    a1 = (c1 @ k1.reshape(-1, 6) + b1).reshape(n, 28, 28, 6)
    p1 = pool(np.maximum(a1, 0))
    c2 = columns(p1)
    a2 = (c2 @ k2.reshape(-1, 16) + b2).reshape(n, 10, 10, 16)
    f = pool(np.maximum(a2, 0)).reshape(n, 400)
    h3 = np.maximum(f @ w3 + b3, 0)
    h4 = np.maximum(h3 @ w4 + b4, 0)
    loss, d5 = softmax_loss(h4 @ w5 + b5, y)
    d4 = (d5 @ w5.T) * (h4 > 0)
    d3 = (d4 @ w4.T) * (h3 > 0)
    d2 = (unpool((d3 @ w3.T).reshape(n, 5, 5, 16)) * (a2 > 0)).reshape(-1, 16)
    d1 = (unpool(images_of(d2 @ k2.reshape(-1, 16).T, p1.shape)) * (a1 > 0)).reshape(-1, 6)
    inputs, errors = (c1, c2, f, h3, h4), (d1, d2, d3, d4, d5)
    kernels = [(a.T @ d).reshape(w.shape) for a, d, w in zip(inputs, errors, weights[::2], strict=True)]
    return loss, [part for k, d in zip(kernels, errors, strict=True) for part in (k, d.sum(axis=0))]


def reference(problem):
    return float64_results(problem, gradients, sgd(LEARNING_RATE, MOMENTUM))


def by_hand(problem: Mapping[str, Any]) -> Run:
    return plain_run(problem, gradients, sgd(LEARNING_RATE, MOMENTUM))


WORK = Work(
    title="LeNet step: batch 64, SGD with momentum",
    problem=problem,
    reference=reference,
    contenders={
        **ours("lenet"),
        "NumPy by hand, im2col": Contender("hand", "lenet:by_hand"),
        "PyTorch": Contender("torch", "with_torch:lenet"),
        "torch.compile, SGD compiled too": Contender("torch.compile", "with_torch:lenet", {"compile": "all"}),
        "JAX jit": Contender("jax", "with_jax:lenet"),
    },
    targets=(Target("numba", 1.0, ("torch",)),),
)
