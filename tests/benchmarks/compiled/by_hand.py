"""Parts that the steps by hand share: softmax with its cross-entropy, and optimizers by Keras's formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.benchmarks.compiled.work import CHECKED, Arrays, Run, Trainer, training_results, training_run

Gradients = Callable[[Sequence[np.ndarray], np.ndarray, np.ndarray], tuple[Any, list[np.ndarray]]]
Update = Callable[[np.ndarray, np.ndarray], None]


def softmax_loss(z: np.ndarray, labels: np.ndarray) -> tuple[Any, np.ndarray]:
    """Mean cross-entropy of logits (n, classes), and its gradient."""
    rows = np.arange(len(labels))
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    s = e.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(s[:, 0]) - z[rows, labels])
    d = e / s
    d[rows, labels] -= 1
    d /= len(labels)
    return loss, d


def adam(learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7, pytorch=False):
    """Adam, for one array: ``make(w)`` gives the update ``(w, g)``, in place.

    Epsilon is added to the root of ``v`` as it is, as Keras does, or to the root of ``v / (1 - beta_2**step)``.
    """

    def make(w: np.ndarray) -> Update:
        m, v, step = np.zeros_like(w), np.zeros_like(w), 0

        def update(w, g):
            nonlocal step
            step += 1
            scale = (1 - beta_2**step) ** 0.5
            rate = learning_rate * scale / (1 - beta_1**step)
            m.__iadd__((1 - beta_1) * (g - m))
            v.__iadd__((1 - beta_2) * (g * g - v))
            w -= rate * m / (np.sqrt(v) + epsilon * (scale if pytorch else 1))

        return update

    return make


def rmsprop(learning_rate: float = 1e-3, rho: float = 0.9, epsilon: float = 1e-7, pytorch: bool = False):
    """RMSprop: epsilon under the root as Keras has it, or outside as PyTorch has it."""

    def make(w: np.ndarray) -> Update:
        v = np.zeros_like(w)

        def update(w, g):
            v[...] = rho * v + (1 - rho) * g * g
            w -= learning_rate * g / (np.sqrt(v) + epsilon if pytorch else np.sqrt(v + epsilon))

        return update

    return make


def sgd(learning_rate: float, momentum: float):
    """SGD with momentum."""

    def make(w: np.ndarray) -> Update:
        v = np.zeros_like(w)

        def update(w, g):
            v[...] = momentum * v - learning_rate * g
            w += v

        return update

    return make


class Trained:
    """Weights trained by hand: what a NumPy user writes, temporaries and all; in float64 it is the reference."""

    def __init__(self, first: Sequence[np.ndarray], gradients: Gradients, optimizer: Any, dtype: Any = np.float32):
        self.weights = [w.astype(dtype) for w in first]
        self.gradients = gradients
        self.updates = [optimizer(w) for w in self.weights]

    def step(self, x: np.ndarray, y: np.ndarray) -> Any:
        loss, gradients = self.gradients(self.weights, x, y)
        for w, g, update in zip(self.weights, gradients, self.updates, strict=True):
            update(w, g)
        return loss


def plain_run(problem: Mapping[str, Any], gradients: Gradients, optimizer: Any) -> Run:
    """Steps by hand in float32."""
    net = Trained(problem["weights"], gradients, optimizer)
    return training_run(Trainer(net.step, lambda: net.weights), problem["batches"], problem["weights"])


def float64_results(problem: Mapping[str, Any], gradients: Gradients, optimizer: Any, formula: str = "") -> Arrays:
    """The same in float64, for a few steps."""
    net = Trained(problem["weights"], gradients, optimizer, np.float64)
    losses = [net.step(x.astype(np.float64), y) for x, y in problem["batches"][:CHECKED]]
    return training_results(losses, net.weights, problem["weights"], formula)


class Flat:
    """Weights and gradients side by side in two flat arrays, with views of them in their shapes."""

    def __init__(self, first: Sequence[np.ndarray]):
        sizes = [w.size for w in first]
        self.w, self.g = np.concatenate([np.ravel(w) for w in first]), np.zeros(sum(sizes), np.float32)
        ends = np.cumsum(sizes)
        self.weights, self.gradients = (
            [flat[end - w.size : end].reshape(w.shape) for w, end in zip(first, ends, strict=True)]
            for flat in (self.w, self.g)
        )


class SoftmaxOut:
    """``softmax_loss`` for one batch size, in arrays made once; the logits are overwritten by their gradient."""

    def __init__(self, size: int, classes: int):
        self.rows, self.part = np.arange(size) * classes, np.float32(1 / size)
        self.s, self.log = np.empty((size, 1), np.float32), np.empty(size, np.float32)

    def __call__(self, z: np.ndarray, labels: np.ndarray) -> Any:
        s, log, flat, at = self.s, self.log, z.reshape(-1), self.rows + labels
        np.maximum.reduce(z, axis=1, keepdims=True, out=s)
        np.subtract(z, s, out=z)
        picked = flat[at]
        np.exp(z, out=z)
        np.add.reduce(z, axis=1, keepdims=True, out=s)
        np.log(s[:, 0], out=log)
        np.subtract(log, picked, out=log)
        np.divide(z, s, out=z)
        flat[at] -= 1
        np.multiply(z, self.part, out=z)
        return np.add.reduce(log) * self.part
