"""What the demos share: their options, a progress bar, pictures, and errors in one line."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import nn

BLUE, ORANGE, GREEN, RED, GREY = "#2f6db5", "#e07b1f", "#3a9a5c", "#c8413b", "#6b7280"

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9ca3af",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "legend.frameon": False,
    "lines.linewidth": 2,
}


def make_parser(doc: str, epochs: int | None = None) -> argparse.ArgumentParser:
    """Options that every demo has; its module docstring is the description."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--output", type=Path, default=Path("demo_output"), metavar="FOLDER", help="for the pictures (%(default)s)"
    )
    if epochs is not None:
        parser.add_argument(
            "--epochs", type=at_least(1), default=epochs, metavar="N", help="times through the data (%(default)s)"
        )
        parser.add_argument(
            "--seed", type=at_least(0), default=0, metavar="N", help="of all random draws (%(default)s)"
        )
    return parser


def at_least(low: int) -> Callable[[str], int]:
    """Type of an option: an integer of at least ``low``."""

    def integer(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if number < low:
            raise argparse.ArgumentTypeError(f"{text!r}: expected an integer of at least {low}")
        return number

    return integer


def run(main: Callable[[], None]) -> None:
    """Run a demo; an error of ours (no data, a package missing) is one line and exit status 1."""
    try:
        main()
    except ag.AutogradError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def progress(steps: Iterable[Any], total: int, label: str) -> Iterator[Any]:
    """The steps, with a bar beside them on a terminal (if tqdm is installed)."""
    if not sys.stdout.isatty() or importlib.util.find_spec("tqdm") is None:
        return iter(steps)
    import tqdm

    return iter(tqdm.tqdm(steps, total=total, desc=label, file=sys.stdout, leave=False, dynamic_ncols=True))


def load_digits() -> tuple[Any, Any, Any, Any]:
    """MNIST as rows of 784 numbers from 0 to 1 (float32), and labels: train, then test."""
    (train_images, train_labels), (test_images, test_labels) = nn.datasets.mnist.load_data()
    return _flat(train_images), train_labels.astype(np.int64), _flat(test_images), test_labels.astype(np.int64)


def _flat(images: Any) -> Any:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


# -- pictures --------------------------------------------------------------------------------------------------------


def pyplot() -> Any:
    """``matplotlib.pyplot``, drawing to files, in one style."""
    try:
        import matplotlib
    except ImportError:
        raise ag.MissingExtraError(
            'the pictures need the package "matplotlib", which is not installed; install it with: '
            'pip install "autograd-core[demos]"'
        ) from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(STYLE)
    return plt


def save(figure: Any, folder: Path, name: str) -> Path:
    """Write a figure as PNG, say so, and close it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    figure.savefig(path)
    pyplot().close(figure)
    print(f"wrote {path}", flush=True)
    return path


def draw_training(histories: Sequence[Mapping[str, Sequence[float]]], folder: Path, name: str) -> Path:
    """Loss and accuracy after each epoch, of training and test; of several trainings the mean, and each as a haze."""
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(9, 3.8))
    epochs = range(1, len(histories[0]["loss"]) + 1)
    mean = "" if len(histories) == 1 else f", mean of {len(histories)} seeds"
    for axes, figures, title, factor in ((left, "loss", "Loss", 1), (right, "accuracy", "Accuracy, %", 100)):
        for prefix, color, label in (("", BLUE, "training (running mean)"), ("val_", ORANGE, "test")):
            values = factor * np.array([history[prefix + figures] for history in histories])
            if mean:
                axes.plot(epochs, values.T, color=color, linewidth=1, alpha=0.35)
            axes.plot(epochs, values.mean(axis=0), color=color, marker="o", label=label)
        axes.set(title=title + mean, xlabel="epoch")
        whole_numbers(axes.xaxis)
    left.legend()
    return save(figure, folder, name)


def draw_digits(probabilities: Any, images: Any, labels: Any, folder: Path, name: str) -> Path:
    """Some images with the prediction and how sure it is: the first ten, and the first ten that are wrong."""
    predicted = probabilities.argmax(axis=1)
    wrong = (predicted != labels).nonzero()[0][:10]
    figure, rows = pyplot().subplots(2, 10, figsize=(10, 3.1))
    for axes, index in zip(rows.flat, [*range(10), *wrong], strict=False):
        axes.imshow(images[index].reshape(28, 28), cmap="gray_r")
        right = predicted[index] == labels[index]
        said = f"{predicted[index]}" if right else f"{predicted[index]}, is {labels[index]}"
        axes.set_title(said, color=GREEN if right else RED, fontsize=11, loc="center", pad=4)
        axes.set_xlabel(f"{probabilities[index].max():.1%}", fontsize=9)
    for axes in rows.flat:
        bare(axes)
    figure.suptitle("The first ten test images, and the first ten that are taken for another digit", fontsize=12)
    return save(figure, folder, name)


def draw_graph(graph: Any, path: Path) -> Path | None:
    """Write a graph as a picture; without Graphviz its DOT source, and how to draw that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        graph.render(path)
    except ag.MissingExtraError:
        source = path.with_suffix(".dot")
        if path.suffix == ".svg":
            print(f'wrote {source}: to draw it, pip install "autograd-core[draw]" and run this again, or use any')
            print(f"Graphviz: dot -Tsvg {source} -o {path}")
        return source if source.exists() else None
    print(f"wrote {path}", flush=True)
    return path


def bare(axes: Any) -> None:
    """Neither ticks nor a frame: for images."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.grid(False)


def whole_numbers(axis: Any) -> None:
    """Ticks of an axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def plot_regions(axes: Any, predict: Callable[[Any], Any], points: Any, labels: Any) -> None:
    """Points by class, on the class that ``predict`` (probabilities for points) gives for every place around them."""
    from matplotlib.colors import ListedColormap

    plt = pyplot()
    classes = int(labels.max()) + 1
    colors = ListedColormap([plt.get_cmap("tab10")(i % 10) for i in range(classes)])
    (left, bottom), (right, top) = points.min(axis=0) - 1.0, points.max(axis=0) + 1.0
    x, y = np.meshgrid(np.linspace(left, right, 500), np.linspace(bottom, top, 500))
    places = np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)
    probabilities = predict(places)
    winner = probabilities.argmax(axis=1).reshape(x.shape)
    sure = probabilities.max(axis=1).reshape(x.shape)
    shades = colors(winner)
    shades[..., 3] = 0.12 + 0.33 * np.clip((sure - 0.3) / 0.7, 0, 1)
    axes.imshow(shades, extent=(left, right, bottom, top), origin="lower", aspect="equal", interpolation="bilinear")
    for number in range(classes - 1):
        axes.contour(x, y, winner == number, levels=[0.5], colors="white", linewidths=0.8)
    axes.scatter(*points.T, c=labels, cmap=colors, s=9, edgecolor="white", linewidth=0.25)
    for number in range(classes):
        middle = points[labels == number].mean(axis=0)
        axes.annotate(
            str(number), middle, ha="center", va="center", fontsize=11, fontweight="bold", color="white",
            bbox={"boxstyle": "circle,pad=0.25", "facecolor": colors(number), "edgecolor": "white"},
        )  # fmt: skip
    axes.grid(False)
    axes.set(xlabel="$x_0$", ylabel="$x_1$", xlim=(left, right), ylim=(bottom, top))
