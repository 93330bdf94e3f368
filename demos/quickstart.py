"""The shortest way to see it work: two networks trained, a graph and a map of decision regions drawn.

First ten clusters of points in the plane, made on the spot, with a tape, a gradient and Adam. Then handwritten digits
(MNIST), found on this machine or downloaded; where neither is possible that part is left out. Takes about a minute.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import autograd_core as ag
from demos import clusters, mnist
from demos._shared import at_least, draw_graph, load_digits, make_parser, plot_regions, pyplot, run, save


def recorded_graph() -> Any:
    """What a tape records of a small loss."""
    x, y_true = ag.constant(2.0), ag.constant(4.0)
    w, b = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="b")
    with ag.GradientTape() as tape:
        loss = abs(y_true - (x * w + b))
    return tape.graph(loss, names={"x": x, "y_true": y_true, "loss": loss})


def train_clusters(epochs: int, seed: int, folder: Path) -> tuple[float, Path]:
    """Accuracy on all points, and where the picture is."""
    model, points, labels, _ = clusters.train(epochs, seed, every=25)
    accuracy = float((model.predict(points).argmax(axis=1) == labels).mean())
    figure, axes = pyplot().subplots(figsize=(7.2, 7))
    plot_regions(axes, model.predict, points, labels)
    axes.set_title(f"Ten clusters: {accuracy:.1%} of the points are in the region of their class")
    return accuracy, save(figure, folder, "quickstart_regions.png")


def train_digits(epochs: int, seed: int) -> float | None:
    """Accuracy on the test images; None if the data cannot be had."""
    try:
        train_x, train_y, test_x, test_y = load_digits()
    except (ag.DataNotFoundError, ag.MissingExtraError):
        print("MNIST is left out: its files are not on this machine and cannot be downloaded from here.")
        return None
    model = mnist.make_model(seed)
    model.fit(train_x, train_y, epochs=epochs, batch_size=128, validation_data=(test_x, test_y), seed=seed)
    _, accuracy = model.evaluate(test_x, test_y, verbose=0)
    return accuracy


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of all random draws (%(default)s)")
    parser.add_argument(
        "--cluster-epochs", type=at_least(1), default=200, metavar="N", help="times through the points (%(default)s)"
    )
    parser.add_argument(
        "--mnist-epochs", type=at_least(1), default=5, metavar="N", help="times through the digits (%(default)s)"
    )
    args = parser.parse_args()
    start = time.perf_counter()

    print("A graph: loss = abs(y_true - (x * w + b))")
    graph = recorded_graph()
    for variable in ("w", "b"):
        print(f"    {graph.paths(variable)[0]}")
    graph_file = draw_graph(graph, args.output / "quickstart_graph.svg")

    print("\nTen clusters of points: 2-128(sigmoid)-10(softmax), Adam")
    cluster_accuracy, regions_file = train_clusters(args.cluster_epochs, args.seed, args.output)

    print("\nMNIST: 784-512(relu)-10(softmax), RMSprop")
    digit_accuracy = train_digits(args.mnist_epochs, args.seed)

    print(f"\nDone in {time.perf_counter() - start:.0f} s.")
    print(f"    ten clusters    {cluster_accuracy:.2%} of the points right; decision regions in {regions_file}")
    digits = "left out (no data)" if digit_accuracy is None else f"{digit_accuracy:.2%} of the test images right"
    print(f"    MNIST           {digits}")
    print(f"    the graph       {graph_file}")


if __name__ == "__main__":
    run(main)
