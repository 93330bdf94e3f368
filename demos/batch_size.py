"""How many samples to look at before each step: all of them, some, or one.

fit(batch_size=len(x)) is full-batch descent: one smooth step an epoch. fit(batch_size=1) is single-sample descent: as
many steps as there are samples, each in a rough direction. Mini-batches (32 if nothing is said) lie between. Two
thousand points in ten clusters, the same network, learning rate and number of epochs for each: a picture has the loss
by epochs, steps and seconds. Another shows the ways down for a line w x + b: smooth, wobbling, noisy.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

import nn
import optim
from demos._shared import BLUE, GREEN, GREY, ORANGE, RED, make_parser, pyplot, run, save, whole_numbers

COLORS = (BLUE, GREEN, ORANGE, RED)
LINE_EPOCHS = 40  # for the ways down


def name_of(size: int, count: int) -> str:
    if size == count:
        return f"full batch ({count:,})"
    return "single samples" if size == 1 else f"mini-batches of {size}"


class Watch(nn.callbacks.Callback):
    """Notes the loss on all data now and then, and the seconds of training until then (looking is not counted)."""

    def __init__(self, x: Any, y: Any, loss_object: Any, total: int) -> None:
        self.x, self.y, self.loss_object = x, y, loss_object
        self.when = {0, total, *np.geomspace(1, total, 60).astype(int), *np.linspace(1, total, 60).astype(int)}
        self.rows: list[tuple[int, float, float]] = []  # steps, seconds, loss
        self.steps, self.looking = 0, 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        self.start = time.perf_counter()
        self.look()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1
        if self.steps in self.when:
            self.look()

    def look(self) -> None:
        now = time.perf_counter()
        loss = self.loss_object(self.y, self.model(self.x)).item()
        self.rows.append((self.steps, now - self.start - self.looking, loss))
        self.looking += time.perf_counter() - now


def train(size: int, points: Any, labels: Any, epochs: int, seed: int) -> tuple[nn.Model, Watch]:
    """The network for the clusters, from the same weights each time, in batches of this size."""
    glorot = nn.initializers.GlorotUniform(seed)
    model = nn.Sequential(
        [
            nn.Input((2,)),
            nn.layers.Dense(64, activation="relu", kernel_initializer=glorot),
            nn.layers.Dense(10, activation="softmax", kernel_initializer=glorot),
        ]
    )
    loss_object = nn.losses.SparseCategoricalCrossentropy()
    model.compile(optimizer=optim.SGD(0.02), loss=loss_object, metrics=["accuracy"])
    watch = Watch(points, labels, loss_object, epochs * math.ceil(len(points) / size))
    model.fit(points, labels, batch_size=size, epochs=epochs, verbose=0, callbacks=[watch], seed=seed)
    return model, watch


def draw_losses(watches: dict[int, Watch], count: int, folder: Path) -> None:
    figure, panels = pyplot().subplots(1, 3, figsize=(13, 4.3), sharey=True)
    for (size, watch), color in zip(watches.items(), COLORS, strict=True):
        steps, seconds, losses = np.array(watch.rows).T
        across = (steps / math.ceil(count / size), steps, seconds)
        for axes, values in zip(panels, across, strict=True):
            first = 0 if axes is panels[0] else 1  # a logarithmic axis has no 0
            axes.plot(values[first:], losses[first:], color=color, linewidth=1.6, label=name_of(size, count))
    for axes, unit in zip(panels, ("epochs", "steps", "seconds"), strict=True):
        axes.set(title=f"Loss by {unit}", xlabel=unit, yscale="log", xscale="linear" if unit == "epochs" else "log")
    whole_numbers(panels[0].xaxis)
    panels[0].set_ylabel("loss on all points")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    save(figure, folder, "batch_size_losses.png")


# -- the ways down, for a line of two numbers ------------------------------------------------------------------------


def path_to_line(size: int, x: Any, y: Any, seed: int) -> Any:
    """(w, b) after every step, from (-1, 2); shape (steps + 1, 2)."""
    line = nn.layers.Dense(1)
    model = nn.Sequential([nn.Input((1,)), line])
    line.set_weights([np.array([[-1.0]]), np.array([2.0])])
    model.compile(optimizer=optim.SGD(0.1), loss="mse")
    path: list[Any] = []

    def note(*_: Any) -> None:
        path.append([weight.item() for weight in line.get_weights()])

    watch = nn.callbacks.LambdaCallback(on_train_begin=note, on_train_batch_end=note)
    model.fit(x, y, batch_size=size, epochs=LINE_EPOCHS, verbose=0, callbacks=[watch], seed=seed)
    return np.array(path)


def points_near_line(seed: int) -> tuple[Any, Any]:
    """Two hundred points near 1.5 x + 0.5."""
    random = np.random.default_rng(seed)
    x = random.uniform(-0.5, 1.5, (200, 1)).astype("float32")
    return x, 1.5 * x + 0.5 + random.normal(0, 0.4, x.shape).astype("float32")


def draw_paths(seed: int, folder: Path) -> None:
    x, y = points_near_line(seed)
    w, b = np.meshgrid(np.linspace(-1.6, 2.6, 120), np.linspace(-0.3, 2.7, 120))
    heights = ((w[..., None] * x[:, 0] + b[..., None] - y[:, 0]) ** 2).mean(axis=-1)
    best = np.polyfit(x[:, 0], y[:, 0], 1)
    figure, panels = pyplot().subplots(1, 3, figsize=(13, 4.3), sharex=True, sharey=True)
    for axes, size, color in zip(panels, (len(x), 32, 1), (BLUE, ORANGE, RED), strict=True):
        path = path_to_line(size, x, y, seed)
        steps, (w_end, b_end) = len(path) - 1, path[-1]
        print(f"    {name_of(size, len(x)):<22} {steps:>5,} steps, to w = {w_end:.3f}, b = {b_end:.3f}")
        axes.contour(w, b, heights, levels=heights.min() + np.geomspace(0.01, 6, 9), colors="#cbd5e1", linewidths=1)
        if size == 1:
            axes.plot(*path.T, color=color, linewidth=0.5, alpha=0.7)
        else:
            axes.plot(*path.T, color=color, linewidth=1, marker="o", markersize=3)
        axes.plot(*path[0], "o", color=GREY, markersize=8)
        axes.plot(*best, "+", color="black", markersize=13, markeredgewidth=2, zorder=5)
        axes.set_title(f"{name_of(size, len(x))}: {steps:,} steps", fontsize=11)
        axes.set(xlabel="w", xlim=(w.min(), w.max()), ylim=(b.min(), b.max()))
        axes.grid(False)
    panels[0].set_ylabel("b")
    figure.suptitle(f"The way to the best line (the cross) in {LINE_EPOCHS} epochs: smooth, wobbling, noisy")
    save(figure, folder, "batch_size_paths.png")


def main() -> None:
    args = make_parser(__doc__, epochs=20).parse_args()
    pyplot()  # if matplotlib is missing, say so before the training
    points, labels = nn.datasets.clusters.load_data(points_per_centre=200)
    count, watches = len(points), {}
    epochs = "1 epoch" if args.epochs == 1 else f"{args.epochs} epochs"
    print(f"{count:,} points in ten clusters, {epochs} of plain descent:")
    print("    batch size             steps an epoch    steps   seconds     loss  accuracy")
    for size in (count, 200, 32, 1):
        model, watch = train(size, points, labels, args.epochs, args.seed)
        loss, accuracy = model.evaluate(points, labels, batch_size=count, verbose=0)
        print(
            f"    {name_of(size, count):<22} {math.ceil(count / size):>14,} {watch.steps:>8,} {watch.rows[-1][1]:>9.3f}"
            f" {loss:>8.4f} {accuracy:>9.2%}"
        )
        watches[size] = watch
    print(f"a line through 200 points, {LINE_EPOCHS} epochs:")
    draw_paths(args.seed, args.output)
    draw_losses(watches, count, args.output)


if __name__ == "__main__":
    run(main)
