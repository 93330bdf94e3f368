"""The training step of the 10-cluster network, eager, beside PyTorch's: 2-128(sigmoid)-10(softmax), Adam, batch 32.

    python -m tests.benchmarks.clusters_step

Ours is what a user writes: a subclassed Model, a tape, SparseCategoricalCrossentropy, tape.gradient, apply_gradients.
"""

from __future__ import annotations

import numpy as np

import nn
import optim
from tests.benchmarks.steps import Side, arguments, as_users_do, check_agreement, compare, glorot, torch_side

BATCH_SIZE = 32


class Net(nn.Model):
    def __init__(self):
        super().__init__()
        self.hidden = nn.layers.Dense(128, input_dim=2, activation="sigmoid")
        self.out = nn.layers.Dense(10, activation="softmax")

    def call(self, x, training=None, mask=None):
        return self.out(self.hidden(x))


def our_side(weights, batches) -> Side:
    model, loss_object, optimizer = Net(), nn.losses.SparseCategoricalCrossentropy(), optim.Adam()
    model(batches[0][0])
    model.set_weights(weights)
    return as_users_do(model, loss_object, optimizer, batches)


def main() -> None:
    args = arguments(__doc__)
    points, labels = nn.datasets.clusters.load_data()
    random = np.random.default_rng(1)
    weights = [glorot(random, 2, 128), np.zeros(128, "float32"), glorot(random, 128, 10), np.zeros(10, "float32")]
    order = random.permutation(len(points))[: 31 * BATCH_SIZE].reshape(31, BATCH_SIZE)
    batches = [(points[i], labels[i]) for i in order]
    ours = our_side(weights, batches)
    theirs = torch_side(weights, "sigmoid", lambda torch, p: torch.optim.Adam(p, lr=1e-3, eps=1e-7), batches)
    if theirs is not None:
        check_agreement(ours, theirs, steps=100, tolerance=1e-3)
    compare(ours, theirs, args.rounds, target=0.4)


if __name__ == "__main__":
    main()
