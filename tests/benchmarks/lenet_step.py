"""A training step of LeNet, eager, beside PyTorch's: two convolutions, two poolings, three dense layers, batch 64.

    python -m tests.benchmarks.lenet_step --threads 1

Ours is what a user writes: a Sequential, a tape, a loss object, tape.gradient, apply_gradients; channels last, where
PyTorch has them first. SGD with a learning rate of 0.01 and a momentum of 0.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import nn
import optim
from tests.benchmarks.steps import Side, arguments, as_users_do, check_agreement, compare

BATCH_SIZE, BATCHES = 64, 30
SHAPES = [(5, 5, 1, 6), (6,), (5, 5, 6, 16), (16,), (400, 120), (120,), (120, 84), (84,), (84, 10), (10,)]


def first_weights(random: np.random.Generator) -> list[np.ndarray]:
    """Normal kernels of variance 2 / fan in, biases of 0."""
    kernels = [random.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1])) for shape in SHAPES]
    return [(kernel if kernel.ndim > 1 else np.zeros(kernel.shape)).astype("f4") for kernel in kernels]


def our_side(weights: Sequence[np.ndarray], batches: Any) -> Side:
    layers = nn.layers
    model = nn.Sequential(
        [
            nn.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"), layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="relu"), layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"), layers.Dense(10),
        ]
    )  # fmt: skip
    loss_object = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = optim.SGD(0.01, momentum=0.9)
    model.set_weights(weights)
    return as_users_do(model, loss_object, optimizer, batches)


def torch_side(weights: Sequence[np.ndarray], batches: Any) -> Side | None:
    """The same network in PyTorch, eager; None if PyTorch is not installed."""
    try:
        import torch
    except ImportError:
        return None
    from torch import nn as layers

    net = layers.Sequential(
        layers.Conv2d(1, 6, 5, padding=2), layers.ReLU(), layers.AvgPool2d(2),
        layers.Conv2d(6, 16, 5), layers.ReLU(), layers.AvgPool2d(2),
        layers.Flatten(),
        layers.Linear(400, 120), layers.ReLU(), layers.Linear(120, 84), layers.ReLU(), layers.Linear(84, 10),
    )  # fmt: skip
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(to_torch(value))))
    update = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step(x, y):
        update.zero_grad(set_to_none=True)
        loss = layers.functional.cross_entropy(net(x), y)
        loss.backward()
        update.step()
        return loss

    def present() -> list[np.ndarray]:
        values = [parameter.detach().numpy() for parameter in net.parameters()]
        return [from_torch(value) for value in values]

    given = [(torch.from_numpy(np.moveaxis(x, -1, 1).copy()), torch.from_numpy(y)) for x, y in batches]
    return Side(f"PyTorch {torch.__version__.split('+')[0]}", step, present, given)


def to_torch(value: np.ndarray) -> np.ndarray:
    """A weight of ours in PyTorch's order of axes (and of the 400 features that come out of the images)."""
    if value.ndim == 4:
        return value.transpose(3, 2, 0, 1)
    if value.shape == (400, 120):
        value = value.reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120)
    return value.T


def from_torch(value: np.ndarray) -> np.ndarray:
    """The other way."""
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    value = value.T
    if value.shape == (400, 120):
        value = value.reshape(16, 5, 5, 120).transpose(1, 2, 0, 3).reshape(400, 120)
    return value


def main() -> None:
    args = arguments(__doc__ or "")
    random = np.random.default_rng(0)
    weights = first_weights(random)
    images = random.random((BATCHES, BATCH_SIZE, 28, 28, 1), np.float32)
    labels = random.integers(0, 10, (BATCHES, BATCH_SIZE))
    batches = list(zip(images, labels, strict=True))
    ours, other = our_side(weights, batches), torch_side(weights, batches)
    if other is not None:
        check_agreement(ours, other, steps=20, tolerance=1e-2)
    compare(ours, other, args.rounds, target=None)


if __name__ == "__main__":
    main()
