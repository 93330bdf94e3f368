"""Making a wrong program smaller while it stays wrong: steps cut off, arguments held fixed, entries made simple."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...tensor import Tensor
from ...tree import flatten
from .drawing import SIMPLE
from .generate import COPY, raw
from .program import RandomProgram, program_of
from .steps import Ref, Step, mapped

Fails = Callable[[RandomProgram], bool]


def weight(program: RandomProgram) -> tuple[int, int, int, int]:
    """What is made small: nodes, steps, entries, and characters of the code."""
    constants = [operand for step in program.steps for operand in step.operands if isinstance(operand, np.ndarray)]
    entries = sum(array.size for array in [*program.arguments, *constants])
    empty = sum(not array.size for array in program.arguments)  # an empty array shows nothing
    return program.size, len(program.steps), entries + 1000 * empty, len(program.code)


def reduced(program: RandomProgram, fails: Fails) -> RandomProgram:
    """The smallest program found that still fails, with one step alone where that is enough."""
    found = True
    while found:
        found = False
        for candidate in _smaller(program):
            if _counts(candidate) < _counts(program) and is_finite(candidate) and fails(candidate):
                program, found = candidate, True
                break
    return simplified(program, fails)


def _counts(program: RandomProgram) -> tuple[int, int]:
    return len(program.steps), len(program.arguments)


def _smaller(program: RandomProgram) -> Iterator[RandomProgram]:
    """Smaller programs, the boldest cut first."""
    values = values_of(program)
    if len(program.steps) > 1:
        for number in range(len(program.steps)):
            yield _alone(program, values, number)
        for ref in program.results if len(program.results) > 1 else ():
            yield _ancestors(program, [ref])
        for ref in program.results if len(program.results) > 2 else ():
            yield _ancestors(program, [other for other in program.results if other != ref])
        for number in reversed(range(len(program.steps))):
            yield from _without(program, values, number)
    for index in range(len(program.arguments)):
        if len(program.arguments) > 1:
            yield _held(program, index)


def values_of(program: RandomProgram) -> list[Any]:
    """Raw values of the steps, each before a later step changes it in place."""
    seen: list[Any] = []
    given = [Tensor(np.array(x), None) for x in program.arguments]
    with np.errstate(all="ignore"):
        program.run(given, lambda value: seen.append(_copied(value)))
    return seen


def _copied(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [np.array(raw(part)) for part in value]
    return np.array(raw(value))


def _look_up(ref: Ref, program: RandomProgram, values: Sequence[Any]) -> Any:
    value = program.arguments[ref.index] if ref.of == "x" else values[ref.index]
    return value if ref.part is None else value[ref.part]


def _alone(program: RandomProgram, values: Sequence[Any], number: int) -> RandomProgram:
    """One step, applied to arguments of the values it had; of a step in place on a copy."""
    step = program.steps[number]
    refs = list(dict.fromkeys(step.refs))
    arguments = [_look_up(ref, program, values) for ref in refs]
    return _cut(arguments, [step], dict(zip(refs, (Ref("x", i) for i in range(len(refs))), strict=True)))


def _cut(arguments: Sequence[Any], steps: Sequence[Step], places: dict[Ref, Any]) -> RandomProgram:
    """Steps whose operands come from elsewhere; values without a derivative become constants."""

    def moved(ref: Ref) -> Any:
        place = places.get(ref, ref)
        if isinstance(place, Ref) and place.of == "x" and arguments[place.index].dtype.kind not in "fc":
            return arguments[place.index]
        return place

    own: list[Step] = []
    for step in steps:
        operands = [mapped(operand, moved) for operand in step.operands]
        if step.operation.in_place and not (isinstance(operands[0], Ref) and operands[0].of == "v"):
            own.append(Step(COPY, (operands[0],)))
            operands[0] = Ref("v", len(own) - 1)
        own.append(step.with_operands(operands))
    return program_of(arguments, own)


def _ancestors(program: RandomProgram, results: Sequence[Ref]) -> RandomProgram:
    """What the given results are made from, alone."""
    needed: set[int] = set()
    waiting = [ref.index for ref in results if ref.of == "v"]
    while waiting:
        number = waiting.pop()
        if number not in needed:
            needed.add(number)
            waiting += [ref.index for ref in program.steps[number].refs if ref.of == "v"]
    kept = sorted(needed)
    return _renumbered(program.arguments, program.steps, kept, {})


def _renumbered(
    arguments: Sequence[Any], steps: Sequence[Step], kept: Sequence[int], instead: dict[Ref, Any]
) -> RandomProgram:
    places = {old: new for new, old in enumerate(kept)}

    def moved(ref: Ref) -> Any:
        if ref in instead:
            return instead[ref]
        return replace(ref, index=places[ref.index]) if ref.of == "v" else ref

    return program_of(
        arguments, [steps[i].with_operands(mapped(operand, moved) for operand in steps[i].operands) for i in kept]
    )


def _without(program: RandomProgram, values: Sequence[Any], number: int) -> Iterator[RandomProgram]:
    """Without one step: what read it reads its operand, or a new argument of its value."""
    step = program.steps[number]
    readers = {ref for other in program.steps for ref in other.refs if ref.of == "v" and ref.index == number}
    if any(other.operation.in_place and other.operands[0] in readers for other in program.steps):
        return
    kept = [i for i in range(len(program.steps)) if i != number]
    if not step.operation.in_place:
        for operand in step.refs:
            value, own = _look_up(operand, program, values), values[number]
            if isinstance(own, np.ndarray) and value.shape == own.shape and value.dtype == own.dtype:
                yield _renumbered(program.arguments, program.steps, kept, dict.fromkeys(readers, operand))
    arguments, instead = list(program.arguments), {}
    for ref in readers:
        value = _look_up(ref, program, values)
        if value.dtype.kind in "fc":
            arguments.append(value)
            instead[ref] = Ref("x", len(arguments) - 1)
        else:
            instead[ref] = value
    yield _renumbered(arguments, program.steps, kept, instead)


def _held(program: RandomProgram, index: int) -> RandomProgram:
    """With one argument a constant."""
    ref, value = Ref("x", index), program.arguments[index]
    steps = [
        step.with_operands(mapped(operand, lambda r: value if r == ref else r) for operand in step.operands)
        for step in program.steps
    ]
    return program_of(program.arguments, steps)


def is_finite(program: RandomProgram) -> bool:
    """Whether it runs at all, on something, and everything is finite: else it would fail for another reason."""
    if not program.arguments or not program.results:
        return False
    try:
        values = values_of(program)
    except Exception:
        return False
    return all(np.isfinite(value).all() for value in flatten(values)[0] if value.dtype.kind in "fc")


# -- entries -----------------------------------------------------------------------------------------------------------


def simplified(program: RandomProgram, fails: Fails) -> RandomProgram:
    """With entries that are easy to read, where it fails for these too."""
    for number, array in enumerate(_arrays(program)):
        for simple in _simpler(array):
            candidate = _with_array(program, number, simple)
            if is_finite(candidate) and fails(candidate):
                program = candidate
                break
    return program


def _simpler(array: Any) -> Iterator[Any]:
    if array.dtype.kind != "f" or not array.size:
        return
    flat = np.resize(np.array(SIMPLE[: max(1, array.size)]), array.size)
    tries = [flat, np.abs(flat), np.round(array.ravel()), np.round(array.ravel(), 1), np.round(array.ravel(), 2)]
    for entries in tries:
        made = np.asarray(entries.reshape(array.shape), array.dtype)
        if np.array_equal(made, array):
            return
        yield made


def _arrays(program: RandomProgram) -> list[Any]:
    constants = [operand for step in program.steps for operand in step.operands if isinstance(operand, np.ndarray)]
    return [*program.arguments, *constants]


def _with_array(program: RandomProgram, number: int, array: Any) -> RandomProgram:
    arguments = list(program.arguments)
    if number < len(arguments):
        arguments[number] = array
        return replace(program, arguments=tuple(arguments))
    place = len(arguments)
    steps = []
    for step in program.steps:
        operands = list(step.operands)
        for i, operand in enumerate(operands):
            if isinstance(operand, np.ndarray):
                if place == number:
                    operands[i] = array
                place += 1
        steps.append(step.with_operands(operands))
    return replace(program, steps=tuple(steps))
