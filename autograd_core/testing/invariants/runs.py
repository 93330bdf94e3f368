"""Invariants of how a program is run: compiled, or in another order, it gives the same values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from ...backward import pull_back
from ...compile.function import function
from ...errors import DomainError, GradientCheckError
from ...node import Node
from ...primitive import PROJECT
from ...recording import Paused
from ...tape import GradientTape
from ...tensor import Tensor
from ..auditing.recorded import Recorded
from ..checking.lines import raw
from .program import Arrays, Program, agree, noise, tolerance


def compiled(
    f: Callable[..., Any], args: Any, backends: Sequence[str] | None = None, rtol: float | None = None, seed: int = 0
) -> None:
    """Compiled with ``ag.function``, the values and the gradients are those of the program as it stands.

    Parameters
    ----------
    f, args, rtol, seed
        As for ``inner_product``; ``f`` must be traceable.
    backends : sequence of {"numpy", "numba"}, optional
        By default both, where Numba is installed.

    Raises
    ------
    GradientCheckError
        If they differ, naming the backend.
    TraceError
        If ``f`` branches on a value.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.compiled(lambda x: np.sum(np.exp(-x * x)), np.array([0.5, 2.0]), backends=["numpy"])
    """
    program = Program("invariants.compiled", f, args)
    if backends is None:
        backends = ["numpy", *(["numba"] if find_spec("numba") is not None else [])]
    unknown = [backend for backend in backends if backend not in ("numpy", "numba")]
    if unknown or isinstance(backends, str):
        raise DomainError(f'invariants.compiled: backends are "numpy" and "numba"; got {backends!r}.')
    cts = noise([raw(value) for value in program(program.points)], np.random.default_rng(seed))

    def step(points: Any) -> Any:
        with GradientTape() as tape:
            xs = [Tensor(x, None) if isinstance(x, np.ndarray) else x for x in points]
            tape.watch(xs)
            outs = [out if isinstance(out, Tensor) else Tensor(raw(out), None) for out in program(xs)]
        return outs, tape.gradient(outs, xs, output_gradients=list(cts), unconnected_gradients="zero")

    with np.errstate(all="ignore"):
        values, gradients = ([raw(x) for x in part] for part in step(program.points))
        names = [f"result {number}" for number in range(len(values))]
        allowed = tolerance([*values, *program.points], rtol)
        for backend in backends:
            outs, found = function(step, jit=backend)(list(program.points))
            rule = "as the program stands it is"
            agree(program, f"the value ({backend})", names, list(map(raw, outs)), values, rule, allowed)
            agree(program, f"the gradient ({backend})", program.names, list(map(raw, found)), gradients, rule, allowed)


def reordered(f: Callable[..., Any], args: Any, count: int = 3, rtol: float | None = None, seed: int = 0) -> None:
    """The recorded operations give the same values and gradients in any order in which each follows its inputs.

    So no operation depends on anything but its inputs, none writes to them, and no rule writes to a cotangent that
    another one reads.

    Parameters
    ----------
    f, args, rtol, seed
        As for ``inner_product``.
    count : int
        How many random orders are tried.

    Raises
    ------
    GradientCheckError
        If a value or a gradient differs, naming the operation or the input.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.reordered(lambda x, y: np.sin(x) * y + np.cos(x) / y, (1.0, 2.0))
    """
    program = Program("invariants.reordered", f, args, twice=False)  # one recorded run, in several orders
    recorded = Recorded(lambda *xs: program(list(xs)), program.points, program.asked)
    generator = np.random.default_rng(seed)
    seeds = {node: noise([node.value], generator)[0] for node in recorded.targets}
    sources = [node for node in recorded.nodes if node.primitive is None]
    names = [_name(recorded, node, number) for number, node in enumerate(sources)]
    usual = _gradients(recorded.nodes, seeds, sources)
    allowed = tolerance([*seeds.values(), *program.points], rtol)
    for _ in range(count):
        order = _another_order(recorded.nodes, generator)
        _same_values(program, recorded, order, allowed)
        found = _gradients(order, seeds, sources)
        agree(program, "the gradient in another order", names, found, usual, "in that of the program it is", allowed)


def _name(recorded: Recorded, node: Node, number: int) -> str:
    shown = recorded.graph.find(Tensor(node.value, node))[0]
    return shown.name or f"input {number}"


def _gradients(nodes: Sequence[Node], seeds: dict[Node, Any], sources: Sequence[Node]) -> Arrays:
    operations = [node for node in nodes if node.primitive is not None]
    kept = {node: ct.copy() for node, ct in seeds.items()}
    with Paused():
        found = pull_back(operations, kept, sources, recorded=False)
    return [np.array(found.get(node, np.zeros_like(node.value))) for node in sources]


def _another_order(nodes: Sequence[Node], generator: np.random.Generator) -> list[Node]:
    """A random topological order."""
    waiting = {node: len({parent for parent in node.parents if parent is not None}) for node in nodes}
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for parent in {parent for parent in node.parents if parent is not None}:
            users[parent].append(node)
    ready = [node for node in nodes if not waiting[node]]
    order = []
    while ready:
        place = int(generator.integers(len(ready)))
        ready[place], ready[-1] = ready[-1], ready[place]
        node = ready.pop()
        order.append(node)
        for user in users[node]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return order


def _same_values(program: Program, recorded: Recorded, order: Sequence[Node], rtol: float) -> None:
    """Compute everything again, in ``order``."""
    values: dict[Node, Any] = {}
    for node in order:
        if node.primitive is None:
            values[node] = node.value
            continue
        if node.primitive is PROJECT:
            values[node] = values[node.parents[0]][node.params["index"]]  # type: ignore[index]  # it has one parent
            continue
        args = [
            given if parent is None else values[parent]
            for given, parent in zip(recorded.args[node], node.parents, strict=True)
        ]
        before = [np.array(arg) if isinstance(arg, np.ndarray) else None for arg in args]
        with np.errstate(all="ignore"):
            value = node.primitive.impl(*args, **node.params)
        values[node] = tuple(map(np.asarray, value)) if isinstance(value, tuple) else np.asarray(value)
        for index, (arg, kept) in enumerate(zip(args, before, strict=True)):
            if kept is not None and not np.array_equal(arg, kept, equal_nan=kept.dtype.kind in "fc"):
                raise GradientCheckError(
                    f"{program.title}: {node.operation} writes to its argument {index}; other operations read it too."
                )
        results, wanted = (part if isinstance(part, tuple) else (part,) for part in (values[node], node.value))
        names = [node.operation] * len(wanted)
        agree(program, "the value in another order", names, results, wanted, "in that of the program it is", rtol)
