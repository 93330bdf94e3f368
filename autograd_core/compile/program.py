"""Program: what a trace has recorded, as a flat list of typed instructions.

Each instruction applies one primitive to values; each value is written once. What a program reads comes in as
``Input``s; what it hands out are its ``outputs``; what it changes are its ``writes``, made after everything else, so
that a program that fails has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..primitive import Primitive
from ..symbol import Value

Operand = Any  # a Value, or a Python number


@dataclass(slots=True, eq=False)
class Input:
    """Where a value comes from that the program does not compute.

    Attributes
    ----------
    kind : {"argument", "variable", "buffer", "tensor", "array", "host", "constant"}
        An argument of the call (by position among its leaves); the present value of a Variable; an array that the
        program may write to; a Tensor or an array of the user's that the function refers to, read at each call; the
        result of a Python function, called at each call; an array that nobody changes.
    key
        Position, Variable, array, Tensor or function.
    value : Value
    """

    kind: str
    key: Any
    value: Any = None


@dataclass(slots=True, eq=False)
class Instruction:
    """One application of a primitive.

    Attributes
    ----------
    primitive : Primitive
    operands : tuple of Value or number
        Positional arguments.
    params : dict
        Keyword arguments. Where a trace found a value in them (an index, say), there is the Value.
    results : tuple of Value
        One, or several where the primitive has several results.
    place : str
        Line of the user's program.
    """

    primitive: Primitive
    operands: tuple[Operand, ...]
    params: dict[str, Any]
    results: tuple[Value, ...] = ()
    place: str = ""

    def values(self) -> Iterator[Value]:
        """All values that are read, those in the parameters included."""
        for operand in self.operands:
            if operand.__class__ is Value:
                yield operand
        if self.params:
            yield from values_in(self.params)

    @property
    def result(self) -> Value:
        """The only result."""
        (result,) = self.results
        return result

    @property
    def several(self) -> bool:
        """Whether the primitive gives a tuple."""
        return len(self.results) != 1 or self.primitive.several

    def __repr__(self) -> str:
        given = ", ".join(o.name if o.__class__ is Value else repr(o) for o in self.operands)
        options = "".join(f", {key}={shown(value)}" for key, value in self.params.items())
        return f"{', '.join(r.name for r in self.results)} = {self.primitive.name}({given}{options})"


@dataclass(slots=True, eq=False)
class Program:
    """A traced function.

    Attributes
    ----------
    name : str
    inputs : list of Input
    instructions : list of Instruction
        In an order in which they can be run.
    outputs : list of Value
        What the call returns (leaf by leaf).
    writes : list of (Input, Value)
        New values of Variables and buffers; an Input of kind "variable" or "buffer".
    guards : list of Value
        Gradients in which a NaN means that a zero met an infinity: the call is made again with zeros winning.
    """

    name: str
    inputs: list[Input] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    writes: list[tuple[Input, Value]] = field(default_factory=list)
    guards: list[Value] = field(default_factory=list)

    def roots(self) -> Iterator[Value]:
        """Values that somebody outside wants."""
        yield from self.outputs
        for _, value in self.writes:
            yield value
        yield from self.guards

    def uses(self) -> dict[Value, int]:
        """How often each value is read, by instructions and from outside."""
        counts: dict[Value, int] = {}
        for instruction in self.instructions:
            for value in instruction.values():
                counts[value] = counts.get(value, 0) + 1
        for value in self.roots():
            counts[value] = counts.get(value, 0) + 1
        return counts

    def name_values(self) -> None:
        """Give every value a stable name: ``x0`` for inputs, ``v0`` for results."""
        for position, each in enumerate(self.inputs):
            each.value.name = f"{'c' if each.kind == 'constant' else 'x'}{position}"
        count = 0
        for instruction in self.instructions:
            for result in instruction.results:
                result.name = f"v{count}"
                count += 1

    def __str__(self) -> str:
        lines = [f"program {self.name}:"]
        lines += [f"  {i.value.name}: {typed(i.value)} = {i.kind} {shown(i.key)}" for i in self.inputs]
        lines += [
            f"  {instruction}  # {', '.join(map(typed, instruction.results))}" for instruction in self.instructions
        ]
        lines += [f"  write {target.value.name} <- {value.name}" for target, value in self.writes]
        lines += [f"  guard {', '.join(v.name for v in self.guards)}"] if self.guards else []
        lines += [f"  return {', '.join(v.name for v in self.outputs)}"]
        return "\n".join(lines)


def typed(value: Value) -> str:
    """Dtype and shape, as ``float32[128, 10]``."""
    return f"{value.dtype}[{', '.join(map(str, value.shape))}]"


def shown(entry: Any) -> str:
    """A parameter or a key, short."""
    if entry.__class__ is Value:
        return entry.name
    if isinstance(entry, np.ndarray):
        return f"<array {entry.shape}>"
    if callable(entry) and not isinstance(entry, type):
        return getattr(entry, "__qualname__", type(entry).__name__)
    text = repr(entry)
    return text if len(text) <= 60 else text[:57] + "..."


def values_in(structure: Any) -> Iterator[Value]:
    """Values in nested tuples, lists, dicts and slices."""
    if structure.__class__ is Value:
        yield structure
    elif isinstance(structure, dict):
        for entry in structure.values():
            yield from values_in(entry)
    elif isinstance(structure, (tuple, list)):
        for entry in structure:
            yield from values_in(entry)
    elif structure.__class__ is slice:
        yield from values_in((structure.start, structure.stop, structure.step))


def replaced(structure: Any, of: Callable[[Value], Any]) -> Any:
    """``structure`` with ``of(value)`` in place of each Value; itself where there is none."""
    if structure.__class__ is Value:
        return of(structure)
    if structure.__class__ is dict:
        return {key: replaced(entry, of) for key, entry in structure.items()}
    if structure.__class__ is tuple:
        return tuple(replaced(entry, of) for entry in structure)
    if structure.__class__ is list:
        return [replaced(entry, of) for entry in structure]
    if structure.__class__ is slice:
        return slice(replaced(structure.start, of), replaced(structure.stop, of), replaced(structure.step, of))
    return structure


def evaluate(program: Program, arrays: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Run a program instruction by instruction, without any emitter: the meaning of a program, for tests.

    Parameters
    ----------
    arrays : sequence of array
        One per input.

    Returns
    -------
    outputs, writes, guards : lists of arrays
    """
    known: dict[Value, Any] = {each.value: array for each, array in zip(program.inputs, arrays, strict=True)}
    for instruction in program.instructions:
        operands = [known[o] if o.__class__ is Value else o for o in instruction.operands]
        params = replaced(instruction.params, known.__getitem__)
        out = instruction.primitive.impl(*operands, **params)
        results = out if out.__class__ is tuple else (out,)
        for value, result in zip(instruction.results, results, strict=True):
            known[value] = np.asarray(result)
    return (
        [known[v] for v in program.outputs],
        [known[v] for _, v in program.writes],
        [known[v] for v in program.guards],
    )
