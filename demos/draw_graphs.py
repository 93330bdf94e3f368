"""A gallery of graphs: what was computed, and how the chain rule goes back through it.

Each is written as a picture and as a page for a browser, where hovering shows values, two clicks list the paths between
two nodes, and buttons step through the computation and back. The text says what to look for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from demos._shared import make_parser, run

Drawn = tuple[str, str, ag.Graph, dict[str, Any]]
"""File name, what to look for, the graph, and how it is drawn."""


def chain_rule() -> Drawn:
    """loss = abs(y_true - (x * w + b)), with the values and the local derivatives."""
    x, y_true = ag.constant(2.0), ag.constant(4.0)
    w, b = ag.Variable(3.0), ag.Variable(1.0)
    with ag.GradientTape():
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    graph = ag.graph(loss, names=locals(), gradients=True).condense()
    told = "6, 7 and 3 on the nodes; 1, 1, 1 and 2 on the edges. Along the path from w: 1 * 1 * 2 = 2, its gradient."
    return "chain_rule", told, graph, {"backward": True}


def neuron() -> Drawn:
    """One neuron: three inputs, three weights, a bias, a sigmoid; the path of one weight is marked."""
    x = ag.constant([0.5, -1.0, 2.0])
    w, b = ag.Variable([0.8, 0.2, -0.4]), ag.Variable(0.1)
    with ag.GradientTape():
        z = x @ w + b
        y = 1 / (1 + np.exp(-z))
        loss = (y - 1.0) ** 2
    graph = ag.graph(loss, names=locals(), gradients=True)
    told = "the way from w to the loss is marked; what is multiplied along it is the gradient of w."
    return "neuron", told, graph, {"highlight": ("w", "loss")}


def network() -> Drawn:
    """A network of three layers, each in a frame of its own."""
    nn.utils.set_random_seed(0)
    model = nn.Sequential(
        [
            nn.layers.Dense(8, activation="relu", name="first"),
            nn.layers.Dense(8, activation="tanh", name="second"),
            nn.layers.Dense(3, name="logits"),
        ],
        name="mlp",
    )
    loss_object = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = ag.constant(np.random.default_rng(0).normal(size=(4, 2)).astype("float32")), np.array([0, 1, 2, 1])
    with ag.record_details(), ag.GradientTape():
        output = model(x)
        with ag.name_scope("loss"):
            loss = loss_object(y, output)
    graph = ag.graph(loss, names=locals(), gradients=True)
    told = "a frame for each layer; the darker a box, the larger the gradient that arrives there."
    return "network", told, graph, {"heat": "gradient", "direction": "TB"}


def lstm() -> Drawn:
    """An LSTM over 28 steps: the steps are alike, and shown once."""
    nn.utils.set_random_seed(0)
    cell, head = nn.layers.LSTMCell(16, name="cell"), nn.layers.Dense(10, name="head")
    rows = np.random.default_rng(0).normal(size=(28, 2, 8)).astype("float32")
    with ag.GradientTape():
        state = [ag.constant(np.zeros((2, 16), "float32")), ag.constant(np.zeros((2, 16), "float32"))]
        for row in rows:
            with ag.name_scope("step"):
                output, state = cell(row, state)
        loss = np.mean(head(output) ** 2)
    told = "several hundred operations in a few boxes; a step of the 28 stands for all of them."
    return "lstm", told, ag.graph(loss, names={"loss": loss}), {"direction": "TB", "budget": 60}


def second_order() -> Drawn:
    """The graph of a derivative: the backward walk of sin(x) * x was recorded itself."""
    x = ag.Variable(1.0, name="x")
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            y = np.sin(x) * x
        slope = inner.gradient(y, x)
    graph = outer.graph(slope, names={"y": y, "slope": slope}, gradients=True)
    curvature = 2 * math.cos(1) - math.sin(1)
    told = f"slope = cos(x) x + sin(x); the gradient of x in this graph, {curvature:.4g}, is the second derivative."
    return "second_order", told, graph, {}


def plan() -> Any:
    """A training step as it was recorded, and what the compiler made of it."""
    nn.utils.set_random_seed(0)
    model = nn.Sequential([nn.layers.Dense(128, activation="relu"), nn.layers.Dense(10, activation="softmax")])
    model.build((None, 2))
    loss_object, optimizer = nn.losses.SparseCategoricalCrossentropy(), optim.SGD(0.1)

    @ag.function
    def step(x, y):
        with ag.GradientTape() as tape:
            loss = loss_object(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step.plan(np.zeros((32, 2), "float32"), np.zeros(32, int))


GRAPHS: tuple[Callable[[], Drawn], ...] = (chain_rule, neuron, network, lstm, second_order)


def drawings(folder: Path) -> Iterator[tuple[str, str, Callable[[], Path]]]:
    """What is drawn: a title, what to look for, and what writes it and says where."""
    for make in GRAPHS:
        name, told, graph, options = make()
        title = f"{(make.__doc__ or name).strip().rstrip('.')} ({len(graph.nodes)} nodes)"

        def page(graph: ag.Graph = graph, name: str = name) -> Path:
            return Path(graph.to_html(folder / f"{name}.html", title=name.replace("_", " ")))

        def picture(graph: ag.Graph = graph, name: str = name, options: dict[str, Any] = options) -> Path:
            return graph.render(folder / f"{name}.svg", **options)

        yield title, told, page
        yield "", "", picture
    compiled = plan()
    before, after = len(compiled.program.instructions), len(compiled.optimised.instructions)
    title = f"{(plan.__doc__ or '').strip().rstrip('.')} ({before} operations, then {after})"
    yield title, "frames are kernels: what runs as one loop.", lambda: compiled.render(folder / "plan_after.svg")
    yield "", "", lambda: compiled.render(folder / "plan_before.svg", optimised=False)


def main() -> None:
    folder = make_parser(__doc__).parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    missing = ""
    for title, told, write in drawings(folder):
        if title:
            print(f"\n{title}\n    {told}")
        try:
            print(f"    wrote {write()}", flush=True)
        except ag.MissingExtraError as error:  # the source of the drawing has been written
            missing = f"{error}"
    if missing:
        print(f"\nPictures are missing. {missing}")
    print(f"\nOpen the pages in {folder} with a browser: hover, click two nodes, or press the buttons to step.")


if __name__ == "__main__":
    run(main)
