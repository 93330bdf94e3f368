"""A training step of an LSTM, eager, beside PyTorch's: 28 steps of 28 features, 64 units, 10 classes, Adam, batch 64.

    python -m tests.benchmarks.lstm_step

Ours is what a user writes: a Sequential, a tape, a loss object, tape.gradient, apply_gradients. PyTorch's is its own
``nn.LSTM``, whose second bias is held at zero, so that both have the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import nn
import optim
from tests.benchmarks.steps import Side, arguments, as_users_do, check_agreement, compare, glorot

TIME, FEATURES, UNITS, CLASSES, BATCH_SIZE, BATCHES = 28, 28, 64, 10, 64, 50
EPSILON = 1e-12  # so small that it does not matter: PyTorch scales it otherwise than Keras, and some gradients are tiny


def our_side(weights: Sequence[np.ndarray], batches: Any) -> Side:
    model = nn.Sequential([nn.layers.LSTM(UNITS), nn.layers.Dense(CLASSES)])
    loss_object = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = optim.Adam(epsilon=EPSILON)
    model(batches[0][0])
    model.set_weights(weights)
    return as_users_do(model, loss_object, optimizer, batches)


def torch_side(weights: Sequence[np.ndarray], batches: Any) -> Side | None:
    """The same network in PyTorch, eager; None if PyTorch is not installed."""
    try:
        import torch
    except ImportError:
        return None
    recurrent, dense = torch.nn.LSTM(FEATURES, UNITS, batch_first=True), torch.nn.Linear(UNITS, CLASSES)
    recurrent.bias_hh_l0.requires_grad_(False)
    held = [recurrent.weight_ih_l0, recurrent.weight_hh_l0, recurrent.bias_ih_l0, dense.weight, dense.bias]
    with torch.no_grad():
        recurrent.bias_hh_l0.zero_()
        for parameter, value in zip(held, weights, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value.T)))
    update = torch.optim.Adam(held, lr=1e-3, eps=EPSILON)

    def step(x, y):
        update.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(dense(recurrent(x)[0][:, -1]), y)
        loss.backward()
        update.step()
        return loss

    return Side(
        f"PyTorch {torch.__version__.split('+')[0]}", step,
        lambda: [parameter.detach().numpy().T for parameter in held],
        [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches],
    )  # fmt: skip


def main() -> None:
    args = arguments(__doc__)
    random = np.random.default_rng(1)
    weights = [
        glorot(random, FEATURES, 4 * UNITS), glorot(random, UNITS, 4 * UNITS), np.zeros(4 * UNITS, "float32"),
        glorot(random, UNITS, CLASSES), np.zeros(CLASSES, "float32"),
    ]  # fmt: skip
    images = random.uniform(size=(BATCHES, BATCH_SIZE, TIME, FEATURES)).astype(np.float32)
    labels = random.integers(0, CLASSES, (BATCHES, BATCH_SIZE))
    batches = list(zip(images, labels, strict=True))
    ours, theirs = our_side(weights, batches), torch_side(weights, batches)
    if theirs is not None:
        check_agreement(ours, theirs, steps=20, tolerance=1e-2)
    compare(ours, theirs, args.rounds, target=1.0)


if __name__ == "__main__":
    main()
