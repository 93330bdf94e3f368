"""What is wrong with a gradient although every operation is right: how the program uses its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...debug import explain
from ...errors import AutogradError
from ...recording import End
from ...tape import GradientTape
from ...tensor import Tensor
from ...tree import flatten
from ..checking.diagnosis import name_of_leaves
from .blamed import numbers, wrong_positions
from .local import Run, watchable


def explained(f: Callable[..., Any], args: tuple[Any, ...], run: Run, error: AutogradError) -> str:
    """What is wrong with how the program uses its values."""
    if not numbers(error, ()):  # nothing was compared: the function cannot be checked
        return f"No operation is wrong by itself, and the whole cannot be checked. {error}"
    sentences = ["Every operation is right by itself; what is wrong is how the program uses its values."]
    sentences += [_of_end(end) for end in {(end.how, end.place): end for end in run.ends}.values()]
    names = list(run.inputs)
    for position in wrong_positions(error) if not run.ends else ():
        for name in names:
            if name == f"args[{position}]" or name.startswith(f"args[{position}]["):
                found = explain(_program(f, args, name))
                if found.cause != "connected":
                    sentences.append(str(found))
    if len(sentences) == 1:
        sentences.append(
            "No place is known where a value leaves the graph. Does the function read something that changes from call "
            f"to call, or keep a value from an earlier call? The check says: {error}"
        )
    return "\n".join(dict.fromkeys(sentences))


def _of_end(end: End) -> str:
    what = "A Variable" if end.variable is not None else "A value"
    cure = "" if end.how == "stop_gradient" else " Compute with the Tensor itself, by NumPy's functions."
    return f"{what} leaves the graph through {end.how} at {end.place}: to the gradient it is a constant there.{cure}"


def _program(f: Callable[..., Any], args: tuple[Any, ...], name: str) -> Callable[[], Any]:
    """A run of ``f`` that ``explain`` can look at, for one of its inputs."""

    def program() -> Any:
        inputs, target, tape = _recorded(f, args)
        return tape, target, inputs[name]

    return program


def _recorded(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[dict[str, Tensor], Any, GradientTape]:
    leaves, rebuild = flatten(args)
    given = [watchable(leaf) for leaf in leaves]
    inputs = {}
    with GradientTape(persistent=True) as tape, np.errstate(all="ignore"):
        for name, item in zip(name_of_leaves(args), given, strict=True):
            if isinstance(item, Tensor):
                tape.watch(item)
                inputs[name] = item
                if item.node is not None:
                    item.node.name = name  # type: ignore[assignment]  # it has none by then
        outs = flatten(f(*rebuild(given)))[0]
        parts = [out if isinstance(out, Tensor) else Tensor(np.asarray(out), None) for out in outs]
        floating = [part for part in parts if part.dtype.kind in "fc"] or parts
        target = floating[0] if len(floating) == 1 else sum((part.sum() for part in floating[1:]), floating[0].sum())
    return inputs, target, tape
