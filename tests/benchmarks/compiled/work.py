"""What the files of this package share: a piece of work, who does it, and the bounds that hold for it.

A ``Work`` says what is computed: its data, its result in float64 by hand, the contenders, the targets. A ``Contender``
names the function that makes a ``Run``: the call that is timed, and the results that are held against the reference.
Nothing here imports a framework: these files are read by the Python of every contender.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

WORKS = (
    "clusters",
    "mnist",
    "mnist_epoch",
    "chain",
    "lstm",
    "lenet",
    "small_ops",
    "scan",
    "while_loop",
    "compile_time",
)
COLUMNS = {
    "eager": "ours, eager",
    "numpy": "ours, compiled (NumPy)",
    "numba": "ours, compiled (Numba)",
    "hand": "NumPy by hand",
    "torch": "PyTorch eager",
    "torch.compile": "torch.compile",
    "jax": "JAX jit",
    "keras": "Keras, TensorFlow",
}
OURS = ("eager", "numpy", "numba")
PEERS = ("torch", "torch.compile", "jax", "keras")
PYTORCH = "as PyTorch has it: "  # results by its formulas of Adam and RMSprop, which place epsilon otherwise than Keras
QUIET = 0.3  # cores that other processes may keep busy during a chunk that counts
CHECKED = 5  # steps whose losses and weights are held against float64

Arrays = dict[str, np.ndarray]


class MissingPartError(Exception):
    """A contender cannot run here; the message says what is missing."""


@dataclass(frozen=True)
class Run:
    """One contender, ready to run.

    Parameters
    ----------
    call
        The work once; what it gives is not looked at.
    check
        Called first, and once, in the initial state: the arrays that are compared with the reference (any subset).
    sync
        Called at the end of each chunk of calls, and timed with it: waits for what still runs.
    """

    call: Callable[[], object]
    check: Callable[[], Mapping[str, Any]] | None = None
    sync: Callable[[], object] | None = None


@dataclass(frozen=True)
class Contender:
    """Where to find the function ``(problem, **options) -> Run``, as "module:function", and its place in the table.

    A ``column`` that is none of ``COLUMNS`` is shown among the details only.
    """

    column: str
    maker: str
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    tolerance: float | None = None  # where the one of the work is too tight for it

    def make(self, problem: Mapping[str, Any]) -> Run:
        module, name = self.maker.split(":")
        return getattr(importlib.import_module(f"{__package__}.{module}"), name)(problem, **self.options)


@dataclass(frozen=True)
class Target:
    """The median of ``column`` is at most ``bound`` times the least of ``against``, or ``bound`` seconds."""

    column: str
    bound: float
    against: tuple[str, ...] = ()
    strictly: bool = False  # "faster than"


@dataclass(frozen=True)
class Work:
    """A row of the table.

    Parameters
    ----------
    problem
        Data and initial weights: the same arrays in every process.
    reference
        From the problem, the results in float64 by hand.
    tolerance
        Largest distance to the reference, relative to its length.
    per
        Operations in a call: times are divided by it.
    rounds
        Fewer rounds than asked for where a call is long: this part of them.
    once
        Only the first call of a process counts: every round starts a new one.
    """

    title: str
    problem: Callable[[], dict[str, Any]]
    reference: Callable[[Mapping[str, Any]], Arrays]
    contenders: Mapping[str, Contender]
    targets: tuple[Target, ...]
    tolerance: float = 1e-3
    per: int = 1
    rounds: float = 1.0
    once: bool = False


def find_work(name: str) -> Work:
    """The row of that name."""
    return importlib.import_module(f"{__package__}.{name}").WORK


def ours(function: str) -> dict[str, Contender]:
    """Our three columns: one function of ``with_ours``, by its option ``jit``."""
    return {
        "eager": Contender("eager", f"with_ours:{function}", {"jit": None}),
        "compiled, NumPy": Contender("numpy", f"with_ours:{function}", {"jit": "numpy"}),
        "compiled, Numba": Contender("numba", f"with_ours:{function}", {"jit": "numba"}),
    }


# Trainings


@dataclass(frozen=True)
class Trainer:
    """A network being trained: a step that gives the loss, and its weights as arrays in Keras's layout."""

    step: Callable[[Any, Any], Any]
    weights: Callable[[], Sequence[Any]]


def training_run(
    trainer: Trainer, batches: Sequence[tuple[Any, Any]], first: Sequence[np.ndarray],
    sync: Callable[[], object] | None = None, formula: str = "",
) -> Run:  # fmt: skip
    """Steps over the batches, again and again; checked over the first ones.

    ``formula`` is put before the names of the results: a framework whose optimizer differs has its own reference.
    """

    def check() -> Arrays:
        losses = [float(trainer.step(x, y)) for x, y in batches[:CHECKED]]
        return training_results(losses, trainer.weights(), first, formula)

    loop = itertools.cycle(batches)
    step = trainer.step

    def call() -> None:
        step(*next(loop))

    return Run(call, check, sync)


def training_results(losses: Any, weights: Sequence[Any], first: Sequence[np.ndarray], formula: str = "") -> Arrays:
    """Losses, and the way that all weights together have come: what a check of a training compares."""
    moves = [np.ravel(np.asarray(now, float) - start) for now, start in zip(weights, first, strict=True)]
    return {f"{formula}losses": np.asarray(losses, float), f"{formula}moves": np.concatenate(moves)}


def glorot(random: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A first kernel."""
    limit = (6 / (rows + columns)) ** 0.5
    return random.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def some_wrong(random: np.random.Generator, labels: np.ndarray, classes: int = 10) -> np.ndarray:
    """One label in twenty changed.

    A contender sees the same batches for as long as it is timed. Learned by heart they would have gradients so small
    that they are denormal numbers, and these are slow.
    """
    changed = np.where(random.random(labels.shape) < 0.05, random.integers(0, classes, labels.shape), labels)
    return changed.astype(np.int64)
