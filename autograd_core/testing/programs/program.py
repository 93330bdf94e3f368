"""RandomProgram: a list of steps over our operations, that runs, draws and writes itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...graph import Graph, graph
from ...linearize import Linearized
from ...node import Node
from ...primitive import PROJECT
from ...tape import GradientTape
from ...tensor import Overloaded, Tensor
from .code import Writer
from .steps import Ref, Step, mapped, read


@dataclass(frozen=True, repr=False)
class RandomProgram:
    """A program made of single steps, with arguments to run it on.

    Attributes
    ----------
    arguments : tuple of array
        All of them are differentiated.
    steps : tuple of Step
    results : tuple of Ref
        What the program returns: everything that nothing else reads.
    """

    arguments: tuple[Any, ...]
    steps: tuple[Step, ...]
    results: tuple[Ref, ...]

    def __call__(self, *xs: Any) -> Any:
        """Run on Tensors or arrays; a Tensor, or a tuple of them if there are several results."""
        outs = self.run(xs)[1]
        return outs[0] if len(outs) == 1 else tuple(outs)

    def run(self, xs: Sequence[Any], see: Callable[[Any], Any] | None = None) -> tuple[list[Any], list[Any]]:
        """What each step gives, and the results; ``see`` is called with each value before later steps change it."""
        given = [x if isinstance(x, Overloaded) else Tensor(np.asarray(x), None) for x in xs]
        values: list[Any] = []

        for step in self.steps:
            operands = [read(operand, given, values) for operand in step.operands]
            values.append(step.operation.run(operands, step.params))
            if see is not None:
                see(values[-1])
        return values, [read(ref, given, values) for ref in self.results]

    # -- what it is ----------------------------------------------------------------------------------------------------

    def recorded(self) -> Linearized:
        """The program, run and recorded once."""
        with np.errstate(all="ignore"):
            return Linearized("program", self, self.arguments, range(len(self.arguments)), {}, copy=False)

    @property
    def size(self) -> int:
        """Nodes of its graph: the arguments it uses, and the operations recorded."""
        run = self.recorded()
        operations = [node for node in run.record.nodes if node.primitive is not PROJECT]
        used = {parent for node in operations for parent in node.parents if parent in run.inputs}
        return len(used) + len(operations)

    @property
    def operations(self) -> list[str]:
        """Names of the operations of the steps, in order."""
        return [step.operation.name for step in self.steps]

    @property
    def code(self) -> str:
        """Text to paste into a file: imports, arguments, the function, and the check of its gradients."""
        return Writer(self).file()

    def __repr__(self) -> str:
        """The code: so a falsifying example can be pasted as it is shown."""
        return "RandomProgram of this code:\n\n" + self.code

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """As hypothesis and IPython show it."""
        for number, line in enumerate(repr(self).splitlines()):
            if number:
                printer.break_()
            printer.text(line)

    # -- pictures ------------------------------------------------------------------------------------------------------

    def graph(self) -> Graph:
        """Its graph, with values and gradients."""
        with GradientTape() as tape:
            xs = [Tensor(np.array(x), None) for x in self.arguments]
            tape.watch(xs)
            values, outs = self.run(xs)
        names: dict[str, Any] = {f"x{i}": x for i, x in enumerate(xs)}
        names |= {f"v{i}": value for i, value in enumerate(values) if isinstance(value, Tensor)}
        targets = [out for out in outs if isinstance(out, Tensor) and isinstance(out.node, Node)]
        return graph(targets if len(targets) > 1 else targets[0], names=names)

    def render(self, path: str | Path, **options: Any) -> Path:
        """Draw its graph into a file (.svg, .png, .pdf), with values and local derivatives."""
        return self.graph().render(path, **options)

    # -- changed copies ------------------------------------------------------------------------------------------------

    def astype(self, dtype: Any) -> RandomProgram:
        """With floating arguments and constants of another precision."""

        def cast(value: Any) -> Any:
            if isinstance(value, list):
                return [cast(part) for part in value]
            return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

        steps = tuple(step.with_operands(map(cast, step.operands)) for step in self.steps)
        return replace(self, arguments=tuple(map(cast, self.arguments)), steps=steps)


def program_of(arguments: Sequence[Any], steps: Sequence[Step]) -> RandomProgram:
    """Program that returns all that no step reads, without the arguments that none uses."""
    seen = {ref for step in steps for ref in step.refs}
    ends = [Ref("v", i, part) for i, step in enumerate(steps) for part in (range(step.parts) if step.parts else [None])]
    results = tuple(ref for ref in ends if ref not in seen)
    used = [i for i in range(len(arguments)) if Ref("x", i) in seen]
    places = {old: new for new, old in enumerate(used)}

    def moved(ref: Ref) -> Ref:
        return replace(ref, index=places[ref.index]) if ref.of == "x" else ref

    kept = tuple(step.with_operands(mapped(operand, moved) for operand in step.operands) for step in steps)
    return RandomProgram(tuple(arguments[i] for i in used), kept, results)
