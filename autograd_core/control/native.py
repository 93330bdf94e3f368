"""Loops run by compiled code alone: where each step finds its arrays, and where it puts its results.

A step is compiled once, and reads and writes wherever it is told to. So the results of all steps are written straight
into their stacks, and what a step carries to the next one lies in such a stack, if it is stacked anyway, or takes turns
between two places. Only what a step hands on untouched is copied.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compile.program import Input, Program
from ..symbol import Value
from .code import Code
from .slicing import copied


def is_ready(code: Code) -> bool:
    """Whether many runs of it can be made by one call."""
    repeats = getattr(code.executable, "repeats", None)
    return repeats is not None and repeats()


def steps(
    code: Code, carry: Sequence[Any], stacks: Sequence[Any], constants: Sequence[Any], length: int, reverse: bool,
    keeps_draws: bool = False,
) -> tuple[Any, ...] | None:  # fmt: skip
    """Run all steps of a scan; None if one fails: it has to be done step by step, to see which and why.

    Parameters
    ----------
    code : Code
        Of a step: carry, slices, constants and what is drawn -> next carry, results. ``is_ready``.
    carry, stacks, constants : sequences of arrays
    length : int
        At least 1.
    reverse : bool
    keeps_draws : bool
        Whether what was drawn is returned, too.

    Returns
    -------
    tuple of array
        The last carry, the stacked results, and what was drawn.
    """
    drawn = _drawn(code, length, reverse)
    layout = _Layout(code, carry, [*stacks, *drawn], len(stacks), constants, length, reverse)
    if layout.run() is None:
        return None
    return (*layout.last(length), *layout.results, *(drawn if keeps_draws else ()))


def steps_while(
    code: Code, carry: Sequence[Any], constants: Sequence[Any], most: int, keeps: bool
) -> tuple[list[Any], list[Any], bool] | None:
    """Run steps as long as their last result holds, ``most`` at most; None as ``steps``.

    Parameters
    ----------
    code : Code
        Of a step: carry, constants -> next carry, results, and whether there is another step.
    keeps : bool
        Whether the results are wanted.

    Returns
    -------
    carry : list of array
        The last one.
    results : list of array
        Stacked, for the steps that were made.
    goes_on : bool
        Whether there are more steps.
    """
    layout = _Layout(code, carry, [], 0, constants, most, False, only_last=not keeps)
    count = layout.run(until=len(layout.results) - 1)
    if count is None:
        return None
    return layout.last(count), [stack[:count] for stack in layout.results[:-1]], bool(layout.results[-1][count - 1])


def step_and_test(step: Code, test: Code, count: int) -> Code:
    """A step of a loop of unknown length together with the test of what it gives.

    Parameters
    ----------
    step : Code
        carry, constants -> next carry
    test : Code
        carry, constants -> truth value
    count : int
        Length of the carry.

    Returns
    -------
    Code
        carry, constants -> next carry, carry, truth value
    """
    new = Program(step.program.name)
    arguments: dict[int, Value] = {}

    def argument(position: int, shape: Any, dtype: Any) -> Value:
        if position not in arguments:
            arguments[position] = value = Value(shape, dtype)
            value.source = Input("argument", position, value)
            new.inputs.append(value.source)
        return arguments[position]

    def added(code: Code, carry: Sequence[Value] | None) -> list[Value]:
        own: dict[Value, Value] = {}
        given = carry or [argument(position, *step.specs[position]) for position in range(count)]
        for each in code.program.inputs:
            shape, dtype = each.value.shape, each.value.dtype
            if each.kind != "argument":
                own[each.value] = value = Value(shape, dtype)
                value.source = Input(each.kind, each.key, value)
                new.inputs.append(value.source)
            else:
                own[each.value] = given[each.key] if each.key < count else argument(each.key, shape, dtype)
        new.instructions += copied(code.program.instructions, own)
        new.guards += [own[value] for value in code.program.guards]
        made = [own[value] for value in code.program.outputs]
        outputs = []
        for place, spec in zip(code.places, code.specs, strict=True):
            at = ~place
            outputs.append(made[place] if place >= 0 else given[at] if at < count else argument(at, *spec))
        return outputs

    carry = added(step, None)
    going_on = added(test, carry)
    new.outputs = [*carry, *(arguments[position] for position in range(count)), *going_on]
    new.name_values()
    return Code(new)


def _drawn(code: Code, length: int, reverse: bool) -> list[Any]:
    """What all steps draw, in the order of the steps."""
    stacks = [np.empty((length, *shape), dtype) for _, shape, dtype in code.hosts]
    if stacks:
        for index in range(length)[:: -1 if reverse else 1]:
            for stack, draw in zip(stacks, code.draw(), strict=True):
                stack[index] = draw
    return stacks


class _Layout:
    """Where everything lies.

    Parameters
    ----------
    code : Code
        Of a step.
    carry, stacks, constants : sequences of arrays
        The last stacks are what was drawn: ``given`` is how many there are before them.
    length : int
        Steps for which there is room.
    only_last : bool
        Whether no other result than the last one is wanted.

    Attributes
    ----------
    results : list of array
        Stacks.
    """

    def __init__(
        self, code: Code, carry: Sequence[Any], stacks: Sequence[Any], given: int, constants: Sequence[Any],
        length: int, reverse: bool, only_last: bool = False,
    ):  # fmt: skip
        # Not imported at the top: it imports Numba.
        self._repeat: Any = importlib.import_module("...compile.to_numba.repeat", __name__)
        self._code, self._length, self._reverse = code, length, reverse
        self._count = count = len(carry)
        left_out = slice(count, len(code.places) - 1 if only_last else count)
        self._places, self._specs = code.places.copy(), code.specs.copy()
        del self._places[left_out], self._specs[left_out]
        self.results: list[Any] = [None] * (len(self._places) - count)
        self._carried: list[tuple[Any, bool]] = []  # rows of the carry, and whether there are but two
        slices, fixed = [_plain(stack) for stack in stacks], [_plain(array) for array in constants]
        self._held = [slices, fixed]  # compiled code knows their addresses only
        self._homes = [self._home(position, array) for position, array in enumerate(carry)]
        rows = [self._repeat.rows(stack, reverse) for stack in slices]
        self._arguments = [*self._homes, *rows[:given], *map(self._repeat.row, fixed), *rows[given:]]

    def _home(self, position: int, first: Any) -> Any:
        """Where a part of the carry lies: in the stack of what the steps start from, or of what they give, if any."""
        places, count = self._places, self._count
        before = next((at for at, place in enumerate(places[count:]) if ~place == position), None)
        made = places[position]
        after = None
        if before is None and made >= 0 and made not in places[:position]:
            after = next((at for at, place in enumerate(places[count:]) if place == made), None)
        shape, dtype = self._specs[position]
        if before is None and after is None:
            pair = np.empty((2, *shape), dtype)
            pair[0] = first
            self._carried.append((pair, True))
            return self._repeat.in_turn(pair)
        rows = np.empty((self._length + 1, *shape), dtype)
        rows[self._length if self._reverse else 0] = first
        self._carried.append((rows, False))
        kept = before if before is not None else after
        assert kept is not None
        low = (before is None) != self._reverse  # which rows are the stack: all but the first, or all but the last
        self.results[kept] = rows[1:] if low else rows[:-1]
        return self._repeat.rows(rows, self._reverse)

    def last(self, count: int) -> list[Any]:
        """The carry after ``count`` steps."""
        at = self._length - count if self._reverse else count
        return [rows[count % 2 if is_pair else at, ...].copy() for rows, is_pair in self._carried]

    def run(self, until: int | None = None) -> int | None:
        """Run the loop; how many steps there were, until a result is False."""
        repeat = self._repeat
        made: dict[int, Any] = {}
        late: list[tuple[int, int, Any]] = []
        for position, place in enumerate(self._places):
            at = position - self._count
            if at < 0:
                target = self._homes[position].next()
            elif self.results[at] is not None:
                continue  # it is a home
            else:
                shape, dtype = self._specs[position]
                self.results[at] = np.empty((self._length, *shape), dtype)
                target = repeat.rows(self.results[at], self._reverse)
            if place >= 0 and place not in made:
                made[place] = target
            else:
                late.append((position, place, target))
        copies = []
        for position, place, target in late:
            shape, dtype = self._specs[position]
            source = made[place] if place >= 0 else self._arguments[~place]
            copies.append((dtype.itemsize * int(np.prod(shape)), source, target))
        tracks = [*(self._arguments[at] for at in self._code.positions), *(made[at] for at in range(len(made)))]
        flags = None if until is None else self.results[until]
        return repeat.run(self._code.executable, tracks, copies, self._length, flags)


def _plain(array: Any) -> Any:
    """The array, or a copy that compiled code can read."""
    return array if array.flags.c_contiguous and array.flags.aligned else np.array(array, order="C")
