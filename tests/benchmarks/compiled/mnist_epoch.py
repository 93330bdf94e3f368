"""One epoch of MNIST, 784-512(relu)-10, RMSprop, batch 128: shuffled, with the smaller batch at its end.

Ours and Keras's is ``fit`` with the accuracy and a callback; the others' is a plain loop, without either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.by_hand import Trained, float64_results, rmsprop
from tests.benchmarks.compiled.mnist import BATCH_SIZE, InPlace, digits, first_weights, gradients
from tests.benchmarks.compiled.work import CHECKED, PYTORCH, Contender, Run, Target, Work, ours, training_results

IMAGES = 60000
FEW = CHECKED * BATCH_SIZE  # images of the epoch that is held against float64


def problem() -> dict[str, Any]:
    images, labels = digits(IMAGES)
    cuts = [slice(i * BATCH_SIZE, (i + 1) * BATCH_SIZE) for i in range(CHECKED)]
    batches = [(images[i], labels[i]) for i in cuts]
    return {"weights": first_weights(np.random.default_rng(1)), "images": images, "labels": labels, "batches": batches}


def reference(problem):
    keras = float64_results(problem, gradients, rmsprop())
    pytorch = float64_results(problem, gradients, rmsprop(pytorch=True), PYTORCH)
    return {name: np.mean(array) if name.endswith("losses") else array for name, array in {**keras, **pytorch}.items()}


def run_of(
    problem: Mapping[str, Any], epoch: Callable[[int, bool], Any], weights: Callable[[], Any], formula: str = ""
) -> Run:
    """For ``epoch(images, shuffle)``, which trains on the first images and gives the mean loss."""

    def check():
        loss = epoch(FEW, False)
        return training_results(loss, weights(), problem["weights"], formula)

    return Run(lambda: epoch(IMAGES, True), check)


def cuts_of(count: int, order: Any = None) -> list[Any]:
    """Where the batches lie: indices out of an order, or slices."""
    cuts = [slice(start, min(start + BATCH_SIZE, count)) for start in range(0, count, BATCH_SIZE)]
    return cuts if order is None else [order[cut] for cut in cuts]


def loop(problem: Mapping[str, Any], net: Any) -> Run:
    """A plain loop over steps by hand."""
    images, labels = problem["images"], problem["labels"]

    def epoch(count, shuffle):
        cuts = cuts_of(count, np.random.permutation(count) if shuffle else None)
        return np.mean([net.step(images[cut], labels[cut]) for cut in cuts])

    return run_of(problem, epoch, lambda: net.weights)


def by_hand(problem: Mapping[str, Any]) -> Run:
    return loop(problem, Trained(problem["weights"], gradients, rmsprop()))


def in_place(problem: Mapping[str, Any]) -> Run:
    return loop(problem, InPlace(problem["weights"]))


WORK = Work(
    title="MNIST epoch: fit with accuracy, callback and shuffling",
    problem=problem,
    reference=reference,
    contenders={
        **ours("mnist_epoch"),
        "fit by default": Contender("fit by default", "with_ours:mnist_epoch", {"jit": "auto"}),
        "NumPy by hand": Contender("hand", "mnist_epoch:by_hand"),
        "NumPy by hand, out=": Contender("hand", "mnist_epoch:in_place"),
        "PyTorch, a loop": Contender("torch", "with_torch:mnist_epoch"),
        "torch.compile, a loop": Contender("torch.compile", "with_torch:mnist_epoch", {"compile": "all"}),
        "JAX jit, a loop": Contender("jax", "with_jax:mnist_epoch"),
        "Keras 3 on TensorFlow, fit": Contender("keras", "with_keras:mnist_epoch"),
        "Keras 3 on JAX, fit": Contender("keras", "with_keras:mnist_epoch", environment={"KERAS_BACKEND": "jax"}),
    },
    targets=(
        Target("numba", 0.3, ("keras",)),
        Target("numba", 0.7, ("torch",)),
        Target("numba", 1.0, ("jax",)),
        Target("numpy", 1.0, ("torch",), strictly=True),
    ),
    tolerance=1e-2,
    rounds=0.3,
)
