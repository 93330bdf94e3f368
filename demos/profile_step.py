"""Where a training step spends its time and its memory, and what still keeps an array alive afterwards.

A network of three layers for the ten clusters, with a loss that is written out. A few steps are made inside of
``ag.profile()``; the demo prints its tables by operation, by layer and by line, and asks what keeps the last layer's
result alive: a list of losses does, with all that they were computed from. It writes the flame graph, to be dropped on
https://www.speedscope.app, and the diagram of the loss with the time of each operation, forward and backward, as heat.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np

import autograd_core as ag
import nn
import optim
from demos._shared import at_least, draw_graph, make_parser, run

BATCH = 256


def train(model: nn.Model, optimizer: optim.Optimizer, x: np.ndarray, y: np.ndarray, steps: int) -> list[ag.Tensor]:
    """Losses of so many steps: as Tensors, which is a mistake."""
    losses = []
    for number in range(steps):
        rows = np.arange(number * BATCH, (number + 1) * BATCH) % len(x)
        with ag.GradientTape() as tape:
            logits = model(x[rows], training=True)
            shifted = logits - np.max(logits, axis=1, keepdims=True)
            logarithm = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
            loss = -np.mean(logarithm[np.arange(BATCH), y[rows]])
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        losses.append(loss)
    return losses


def main() -> None:
    parser = make_parser(str(__doc__))
    parser.add_argument("--steps", type=at_least(1), default=20, help="steps that are measured (%(default)s)")
    args = parser.parse_args()

    nn.utils.set_random_seed(0)
    hidden = [nn.layers.Dense(128, activation="tanh", name=f"hidden_{number}") for number in (1, 2)]
    model, optimizer = nn.Sequential([*hidden, nn.layers.Dense(10, name="logits")]), optim.Adam(0.01)
    x, y = nn.datasets.clusters.load_data()
    train(model, optimizer, x, y, 1)  # makes the weights

    with ag.profile() as prof:
        losses = train(model, optimizer, x, y, args.steps)
    for by in ("operation", "scope", "line"):
        print(f"{prof.table(by=by, top=12)}\n")

    print(f"{prof.alive(top=2)}\n")
    last = losses[-1]
    numbers = [float(loss) for loss in losses]
    losses.clear()
    print(f"With the numbers alone in the list, loss {numbers[0]:.3f} to {numbers[-1]:.3f}, and one Tensor beside it:")
    print(f"{prof.alive(top=1)}\n")

    args.output.mkdir(parents=True, exist_ok=True)
    print(f"wrote {prof.speedscope(args.output / 'profile_step.speedscope.json')}")
    drawing = SimpleNamespace(render=partial(prof.graph(last).render, heat="time"))
    draw_graph(drawing, args.output / "profile_step.svg")


if __name__ == "__main__":
    run(main)
