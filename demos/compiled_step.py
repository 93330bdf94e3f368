"""One training step, as Python and as a compiled plan: the same numbers in a fraction of the time.

A network of two layers for the ten clusters. Its step (a tape, the loss, the gradients, Adam) is traced once; the
recording is tidied up, operations are fused, and what is left is emitted as Python source, for NumPy and for Numba. The
demo shows how many operations there were and are, the beginning of the source, the kernels, and the times.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import autograd_core as ag
import nn
import optim
from demos._shared import draw_graph, make_parser, run

BATCH = 32


def made(seed: int) -> Callable[[Any, Any], Any]:
    """A step of a new network, from the same weights each time."""
    nn.utils.set_random_seed(seed)
    model = nn.Sequential([nn.layers.Dense(128, activation="relu"), nn.layers.Dense(10, activation="softmax")])
    model.build((None, 2))
    loss_object, optimizer = nn.losses.SparseCategoricalCrossentropy(), optim.Adam(0.01)

    def step(x: Any, y: Any) -> Any:
        with ag.GradientTape() as tape:
            loss = loss_object(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step


def timed(step: Callable[[Any, Any], Any], batches: list[Any], rounds: int) -> float:
    """Median microseconds of a step."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for x, y in batches:
            step(x, y)
        times.append((time.perf_counter() - start) / len(batches))
    return statistics.median(times) * 1e6


def compiled_plan(step: Any, batch: Any) -> Any:
    return step.plan(*batch)


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def show(title: str, plan: Any, batch: Any, lines: int) -> None:
    """The end of the emitted source, which is the step itself, and the kernels that take longest."""
    source = plan.source.strip().splitlines()
    print(f"\n{title}: {plan!r}")
    for line in source[-lines:]:
        print("   ", shortened(line, 110))
    *rows, workspace = plan.times(*batch)
    total = sum(row["microseconds"] for row in rows)
    print(f"  {'kernel':<14}{'operations':<58}{'KB moved':>10}{'us':>8}")
    for row in sorted(rows, key=lambda row: -row["microseconds"])[:lines]:
        name, operations = shortened(row["name"], 13), shortened(", ".join(row["operations"]), 57)
        print(f"  {name:<14}{operations:<58}{row['bytes'] / 1e3:>10.1f}{row['microseconds']:>8.2f}")
    count = sum(len(row["operations"]) for row in rows)
    print(f"  {'all ' + str(len(rows)):<14}{count:<58}{'':>10}{total:>8.2f}")
    print(f"  workspace: {workspace['bytes']:,} bytes; {workspace['least']:,} must live at once")


def main() -> None:
    parser = make_parser(str(__doc__))
    parser.add_argument("--steps", type=int, default=200, help="losses compared and steps timed (%(default)s)")
    parser.add_argument("--lines", type=int, default=12, help="lines of source to show (%(default)s)")
    args = parser.parse_args()

    x, y = nn.datasets.clusters.load_data()
    count = len(x) // BATCH
    batches = [
        (ag.constant(x[i * BATCH : (i + 1) * BATCH]), ag.constant(y[i * BATCH : (i + 1) * BATCH])) for i in range(count)
    ]
    ways: dict[str, Callable[[Any, Any], Any]] = {
        "eager": made(0),
        "compiled for NumPy": ag.function(made(0), jit="numpy"),
    }
    if importlib.util.find_spec("numba"):
        ways["compiled for Numba"] = ag.function(made(0), jit="numba")
    else:
        print('Numba is not there (pip install "autograd-core[jit]"): shown without.')

    losses: dict[str, list[float]] = {name: [] for name in ways}
    first: dict[str, float] = {}
    for name, step in ways.items():
        start = time.perf_counter()
        step(*batches[0])
        first[name] = time.perf_counter() - start
    for number in range(args.steps):
        for name, step in ways.items():
            losses[name].append(float(step(*batches[number % count])))
    for name in list(ways)[1:]:
        show(name, compiled_plan(ways[name], batches[0]), batches[0], args.lines)
    apart = max(abs(a - b) for other in losses.values() for a, b in zip(losses["eager"], other, strict=True))
    print(f"\nloss after {args.steps} steps: {losses['eager'][-1]:.6f}; the ways differ by at most {apart:.1e}")
    print(f"\n{'':<22}{'first step':>12}{'a step':>12}{'of eager':>10}")
    times = {name: timed(step, batches, max(3, args.steps // count)) for name, step in ways.items()}
    for name, took in times.items():
        print(f"{name:<22}{first[name] * 1e3:>9.1f} ms{took:>9.1f} us{took / times['eager']:>10.2f}")

    args.output.mkdir(parents=True, exist_ok=True)
    for name in list(ways)[1:]:
        path = args.output / f"compiled_step_{name.split()[-1].lower()}.py"
        path.write_text(compiled_plan(ways[name], batches[0]).source, encoding="utf-8")
        print(f"wrote {path}")
    plan = compiled_plan(ways[list(ways)[-1]], batches[0])
    for name, optimised in (("recorded", False), ("optimised", True)):
        drawing = SimpleNamespace(render=partial(plan.render, optimised=optimised))
        draw_graph(drawing, args.output / f"compiled_step_{name}.svg")


if __name__ == "__main__":
    run(main)
