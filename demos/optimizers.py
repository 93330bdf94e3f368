"""All optimizers on the same two problems: downhill in a long valley, and ten clusters of points told apart.

The valley is x^2 / 20 + y^2, entered at (-7, 2): the slope points across it, hardly along it. On the clusters all
train the same network, 2-128(sigmoid)-10(softmax), from the same weights, in batches of 32. Each optimizer has a
learning rate that suits it, given in the table: what is shown is how each goes, not which is best. L-BFGS looks for the
length of each step itself, and as its loss must be the same in every step, it makes one step an epoch, with all points.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from demos._shared import BLUE, GREY, ORANGE, RED, make_parser, progress, pyplot, run, save

START = (-7.0, 2.0)
STEPS = 30
BATCH = 32

# name -> an optimizer for the valley, and one for the clusters
OPTIMIZERS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "SGD": (lambda: optim.SGD(0.9), lambda: optim.SGD(0.3)),
    "SGD, momentum 0.9": (lambda: optim.SGD(0.1, momentum=0.9), lambda: optim.SGD(0.1, momentum=0.9)),
    "Nesterov": (lambda: optim.SGD(0.1, momentum=0.9, nesterov=True), lambda: optim.SGD(0.1, 0.9, nesterov=True)),
    "Adagrad": (lambda: optim.Adagrad(1.5), lambda: optim.Adagrad(0.3)),
    "Adadelta": (lambda: optim.Adadelta(300.0), lambda: optim.Adadelta(3.0)),
    "RMSprop": (lambda: optim.RMSprop(0.3), lambda: optim.RMSprop(0.003)),
    "Adam": (lambda: optim.Adam(0.4), lambda: optim.Adam(0.01)),
    "AdamW": (lambda: optim.AdamW(0.4, weight_decay=0.05), lambda: optim.AdamW(0.01)),
    "Adamax": (lambda: optim.Adamax(0.5), lambda: optim.Adamax(0.01)),
    "Nadam": (lambda: optim.Nadam(0.4), lambda: optim.Nadam(0.01)),
    "Lion": (lambda: optim.Lion(0.25), lambda: optim.Lion(0.001)),
    "L-BFGS": (lambda: optim.LBFGS(max_iter=1), lambda: optim.LBFGS(max_iter=1)),
}


def valley(x: Any, y: Any) -> Any:
    return x**2 / 20 + y**2


def rate_of(optimizer: Any) -> str:
    """The learning rate, in words."""
    return "finds its step" if isinstance(optimizer, optim.LBFGS) else f"rate {optimizer.learning_rate:g}"


def descend(optimizer: Any) -> Any:
    """Positions in the valley, the start first; shape (steps + 1, 2)."""
    x, y = ag.Variable(START[0]), ag.Variable(START[1])
    path = [START]
    for _ in range(STEPS):
        optimizer.minimize(lambda: valley(x, y), [x, y])
        path.append((x.item(), y.item()))
    return np.array(path)


def draw_paths(paths: dict[str, Any], folder: Path) -> None:
    figure, grid = pyplot().subplots(4, 3, figsize=(12, 9), sharex=True, sharey=True)
    x, y = np.meshgrid(np.linspace(-8, 4.5, 200), np.linspace(-3, 3, 120))
    for axes, (name, path) in zip(grid.flat, paths.items(), strict=True):
        axes.contour(x, y, valley(x, y), levels=np.geomspace(0.05, 12, 9), colors="#cbd5e1", linewidths=1)
        axes.plot(*path.T, color=BLUE, marker="o", markersize=3.5, linewidth=1.4)
        axes.plot(*START, "o", color=GREY, markersize=7)
        axes.plot(0, 0, "+", color=RED, markersize=12, markeredgewidth=2)
        axes.plot(*path[-1], "o", color=ORANGE, markersize=6)
        axes.set_title(f"{name}  ({rate_of(OPTIMIZERS[name][0]())})", fontsize=11, pad=4)
        axes.set(xlim=(-8, 4.5), ylim=(-3, 3))
        axes.grid(False)
    for axes in grid[-1]:
        axes.set_xlabel("x")
    for axes in grid[:, 0]:
        axes.set_ylabel("y")
    figure.suptitle(f"{STEPS} steps down $x^2/20 + y^2$ from (-7, 2): the end is orange, the minimum the cross")
    save(figure, folder, "optimizers_paths.png")


def make_model(seed: int) -> nn.Sequential:
    glorot = nn.initializers.GlorotUniform(seed)
    return nn.Sequential(
        [
            nn.Input((2,)),
            nn.layers.Dense(128, activation="sigmoid", kernel_initializer=glorot),
            nn.layers.Dense(10, activation="softmax", kernel_initializer=glorot),
        ]
    )


def train(optimizer: Any, epochs: int, seed: int) -> list[float]:
    """Loss on all points, before the training and after each epoch."""
    points, labels = nn.datasets.clusters.load_data()
    model = make_model(seed)
    loss_object = nn.losses.SparseCategoricalCrossentropy()

    def loss_of(x: Any, y: Any) -> Any:
        return loss_object(y, model(x, training=True))

    batches = nn.data.Dataset.from_tensor_slices((points, labels)).shuffle(1000, seed=seed).batch(BATCH)
    if isinstance(optimizer, optim.LBFGS):  # its loss must not change between two steps: all points in every step
        batches = nn.data.Dataset.from_tensor_slices((points, labels)).batch(len(points))
    losses = [loss_of(points, labels).item()]
    for _ in range(epochs):
        for x, y in batches:
            optimizer.minimize(lambda x=x, y=y: loss_of(x, y), model.trainable_variables)
        losses.append(loss_of(points, labels).item())
    return losses


def draw_losses(losses: dict[str, list[float]], folder: Path) -> None:
    """A panel for each, before the others in grey."""
    figure, grid = pyplot().subplots(3, 4, figsize=(12, 8), sharex=True, sharey=True)
    for axes, (name, own) in zip(grid.flat, losses.items(), strict=True):
        for other in losses.values():
            axes.plot(other, color="#d1d5db", linewidth=1)
        axes.plot(own, color=BLUE)
        axes.set_title(name, fontsize=11, pad=4)
        axes.text(
            0.05, 0.06, f"{rate_of(OPTIMIZERS[name][1]())}\nends at {own[-1]:.3g}", transform=axes.transAxes,
            ha="left", va="bottom", fontsize=9, color=BLUE,
        )  # fmt: skip
        axes.set_yscale("log")
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    figure.suptitle("Ten clusters, the same network from the same weights: loss on all points")
    save(figure, folder, "optimizers_losses.png")


def main() -> None:
    args = make_parser(__doc__, epochs=30).parse_args()
    pyplot()  # if matplotlib is missing, say so before the training
    paths = {name: descend(in_valley()) for name, (in_valley, _) in OPTIMIZERS.items()}
    losses = {}
    for name in progress(OPTIMIZERS, len(OPTIMIZERS), "optimizers"):
        losses[name] = train(OPTIMIZERS[name][1](), args.epochs, args.seed)
    print(f"{'':<18}  the valley, {STEPS} steps                   ten clusters, {args.epochs} epochs")
    print(f"{'':<18}  {'rate':<15} {'end':^18} {'height':>8}   {'rate':<15} {'loss':>8}")
    for name, (in_valley, on_clusters) in OPTIMIZERS.items():
        x, y = paths[name][-1]
        print(
            f"{name:<18}  {rate_of(in_valley()):<15} ({x:>7.4f}, {y:>7.4f}) {valley(x, y):>8.1e}"
            f"   {rate_of(on_clusters()):<15} {losses[name][-1]:>8.4f}"
        )
    draw_paths(paths, args.output)
    draw_losses(losses, args.output)


if __name__ == "__main__":
    run(main)
