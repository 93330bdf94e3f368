"""What the benchmarks of training steps share: agreement with PyTorch first, then both timed alternately.

Both sides start from the same weights and see the same batches. Their losses and weights over a few steps are compared;
then chunks of steps are timed, ours and PyTorch's in turn, and the ratio of the medians is printed: what disturbs the
machine for a while disturbs both. Without PyTorch only ours are timed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Side:
    """One framework: a training step that gives the loss, and the weights as arrays."""

    name: str
    step: Callable[[Any, Any], Any]
    weights: Callable[[], list[np.ndarray]]
    batches: Sequence[tuple[Any, Any]]


def as_users_do(model: Any, loss_object: Any, optimizer: Any, batches: Sequence[tuple[Any, Any]]) -> Side:
    """Ours, with the step as a user writes it: a tape, the loss, its gradients, ``apply_gradients``."""

    def step(x, y):
        with ag.GradientTape() as tape:
            loss = loss_object(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))  # noqa: B905 - as a user writes it
        return loss

    return Side("autograd-core", step, model.get_weights, [(ag.constant(x), ag.constant(y)) for x, y in batches])


def arguments(doc: str) -> argparse.Namespace:
    """Options; with ``--threads`` the program starts anew with the number set for every library."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, help="for BLAS and PyTorch (default: as many as there are cores)")
    parser.add_argument("--rounds", type=int, default=40, help="chunks timed of each side (%(default)s)")
    args = parser.parse_args()
    wanted = str(args.threads)
    if args.threads and any(os.environ.get(name) != wanted for name in THREAD_VARIABLES):
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, wanted)}
        os.execve(sys.executable, [sys.executable, "-m", module_name(), *sys.argv[1:]], environment)
    return args


def module_name() -> str:
    """Name under which ``python -m`` was given the running benchmark."""
    return sys.modules["__main__"].__spec__.name


def glorot(random: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A first kernel."""
    limit = (6 / (rows + columns)) ** 0.5
    return random.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def check_agreement(ours: Side, other: Side, steps: int, tolerance: float) -> None:
    """Run both sides for a few steps; stop if losses or weights differ.

    The difference of all weights together is compared with the way they have come: an entry whose gradient is about 0
    may go either way, since these optimizers divide by its size.
    """
    start = ours.weights()
    pairs = list(zip(ours.batches, other.batches, strict=True))
    for number, (mine, theirs) in enumerate(itertools.islice(itertools.cycle(pairs), steps)):
        a, b = ours.step(*mine).item(), other.step(*theirs).item()
        if abs(a - b) > tolerance * max(1.0, abs(b)):
            sys.exit(f"step {number}: the loss is {a} here and {b} in {other.name}")
    difference, way = length(ours.weights(), other.weights()), length(ours.weights(), start)
    if difference > tolerance * way:
        sys.exit(f"after {steps} steps the weights have come {way:.2g} far and differ by {difference:.2g}")
    print(f"agreement over {steps} steps: weights have come {way:.2g} far and differ by {difference:.1e}")


def length(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float:
    """Euclidean distance between two lists of arrays."""
    return float(np.sqrt(sum(np.square(a - b).sum() for a, b in zip(first, second, strict=True))))


def compare(ours: Side, other: Side | None, rounds: int, target: float | None) -> None:
    """Time both in turn and print medians and their ratio."""
    sides = [ours] if other is None else [ours, other]
    loops = {side.name: itertools.cycle(side.batches) for side in sides}
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    counts = {side.name: chunk_size(side) for side in sides}
    for _ in range(rounds):
        for side in sides:
            times[side.name].append(timed(side, loops[side.name], counts[side.name]))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:<16} median {medians[name] * 1e6:8.1f} us a step, best {min(values) * 1e6:8.1f} us")
    if other is None:
        print("PyTorch is not installed: nothing to compare with")
        return
    ratio = medians[ours.name] / medians[other.name]
    goal = "" if target is None else f" (wanted: at most {target:g})"
    print(f"ratio of the medians: {ratio:.2f}{goal}")


def medians(runs: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Median seconds of each run, timed in turn."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, taken in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def chunk_size(side: Side, seconds: float = 0.03) -> int:
    """How many steps take about so long."""
    loop = itertools.cycle(side.batches)
    timed(side, loop, 5)
    return max(1, int(seconds / timed(side, loop, 20)))


def timed(side: Side, loop: Any, count: int) -> float:
    """Seconds per step."""
    step = side.step
    start = time.perf_counter()
    for x, y in itertools.islice(loop, count):
        step(x, y)
    return (time.perf_counter() - start) / count


def torch_side(weights: Sequence[np.ndarray], activation: str, optimizer: Callable[[Any, Any], Any], batches: Any):
    """A network of two layers in PyTorch, eager; None if PyTorch is not installed."""
    try:
        import torch
    except ImportError:
        return None
    (inputs, hidden), (_, outputs) = weights[0].shape, weights[2].shape
    middle = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}[activation]()
    net = torch.nn.Sequential(torch.nn.Linear(inputs, hidden), middle, torch.nn.Linear(hidden, outputs))
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value.T)))
    update = optimizer(torch, net.parameters())

    def step(x, y):
        update.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        update.step()
        return loss

    return Side(
        f"PyTorch {torch.__version__.split('+')[0]}",
        step,
        lambda: [parameter.detach().numpy().T for parameter in net.parameters()],
        [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches],
    )
