"""The training step of the MNIST network, eager, beside PyTorch's: 784-512(relu)-10(softmax), RMSprop, batch 128.

    python -m tests.benchmarks.mnist_step

The images are random numbers, sparse as digits are: the time does not depend on what they show. (PyTorch adds RMSprop's
epsilon outside the root, Keras and we inside: it is made so small here that it does not matter.)
"""

from __future__ import annotations

import numpy as np

import nn
import optim
from tests.benchmarks.steps import Side, arguments, as_users_do, check_agreement, compare, glorot, torch_side

BATCH_SIZE = 128
BATCHES = 200  # enough not to be learned by heart: tiny numbers would be slow


def our_side(weights, batches) -> Side:
    model = nn.Sequential([nn.layers.Dense(512, activation="relu"), nn.layers.Dense(10, activation="softmax")])
    loss_object, optimizer = nn.losses.SparseCategoricalCrossentropy(), optim.RMSprop(epsilon=1e-20)
    model(batches[0][0])
    model.set_weights(weights)
    return as_users_do(model, loss_object, optimizer, batches)


def main() -> None:
    args = arguments(__doc__)
    random = np.random.default_rng(1)
    weights = [glorot(random, 784, 512), np.zeros(512, "float32"), glorot(random, 512, 10), np.zeros(10, "float32")]
    ink = random.uniform(size=(BATCHES, BATCH_SIZE, 784)) * (random.uniform(size=(BATCHES, BATCH_SIZE, 784)) < 0.2)
    batches = [(x, random.integers(0, 10, BATCH_SIZE)) for x in ink.astype("float32")]
    ours = our_side(weights, batches)

    def rmsprop(torch, parameters):
        return torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1e-10)

    theirs = torch_side(weights, "relu", rmsprop, batches)
    if theirs is not None:
        check_agreement(ours, theirs, steps=5, tolerance=1e-2)
    compare(ours, theirs, args.rounds, target=1.0)


if __name__ == "__main__":
    main()
