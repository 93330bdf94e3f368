"""Where each value of a program lives when NumPy runs it.

Values that calls write into lie in one block of memory, the workspace, each for as long as it is needed; a result takes
the place of an operand that nobody reads afterwards. What a call returns gets memory of its own, and the new value of
a variable is computed into the variable's own array where nothing reads the old one any more and nothing can fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...ops.indexing import ADD_AT, SET_AT
from ...ops.reshaping import COPY
from ...symbol import Value
from ..program import Input, Instruction, Program
from .lower import GATED, MASK
from .views import ghost, seen_through, view_texts

ALIGNED = 64  # bytes: a line of the cache

CHANGES = {SET_AT: 1, ADD_AT: 0, COPY: 0}
"""Which operand of these is copied, changed and returned; all of it may happen in its place."""


@dataclass(slots=True, eq=False)
class Step:
    """What is run together: one instruction, or several block by block.

    Attributes
    ----------
    instructions : list of Instruction
    inner : set of Value
        Results that only exist block by block.
    flat : bool
        Whether the blocks run over all entries in a row; otherwise over the first axis.
    length, rows : int
        Of what the blocks run over, and of one block.
    parts, run : int
        Parts that threads may run at once, and blocks of each; one part where that does not pay.
    scratch : int
        Offset of the memory in the workspace that ``inner`` and parts of reductions have.
    """

    instructions: list[Instruction]
    inner: set[Value] = field(default_factory=set)
    flat: bool = False
    length: int = 0
    rows: int = 0
    parts: int = 1
    run: int = 0
    scratch: int = 0

    @property
    def blocked(self) -> bool:
        """Whether it is a loop over blocks."""
        return len(self.instructions) > 1


@dataclass(slots=True, eq=False)
class Storage:
    """What ``plan_storage`` finds.

    Attributes
    ----------
    kind : dict of Value to str
        "input", "view", "slot" (in the workspace), "fresh" (memory of its own), "target" (the array of a variable),
        "made" (by a function of NumPy's) or "inner" (block by block).
    views : dict of Value to (Value, str)
        What a view is a view of, and how it is made of it.
    ghosts : dict of Value to array
        How each value lies in memory.
    offsets : dict of Value to int
        Of slots.
    size : int
        Bytes of the workspace; ``least`` is what lives at once at the worst moment.
    target : dict of Value to Input
    instead : dict of Value to Value
        The operand whose place a result takes.
    last : dict of Value to int
        The step that is the last to read the memory of a value.
    """

    kind: dict[Value, str] = field(default_factory=dict)
    views: dict[Value, tuple[Value, str]] = field(default_factory=dict)
    ghosts: dict[Value, Any] = field(default_factory=dict)
    offsets: dict[Value, int] = field(default_factory=dict)
    size: int = 0
    least: int = 0
    target: dict[Value, Input] = field(default_factory=dict)
    instead: dict[Value, Value] = field(default_factory=dict)
    last: dict[Value, int] = field(default_factory=dict)
    guards_after: int = -1
    roots: dict[Value, tuple[Value, ...]] = field(default_factory=dict)

    def is_static(self, value: Value) -> bool:
        """Whether the array is the same at every call."""
        while self.kind[value] == "view":
            value = self.views[value][0]
        return self.kind[value] in ("slot", "target", "bound")

    def is_whole(self, value: Value) -> bool:
        """Whether a value lies in C order without gaps."""
        return bool(self.ghosts[value].flags.c_contiguous)


def plan_storage(
    program: Program, steps: Sequence[Step], writes_out: Callable[..., bool], block_memory: Callable[[Step], int]
) -> Storage:
    """Say where each value lives.

    Parameters
    ----------
    steps : sequence of Step
        The program's instructions in the order in which they run.
    writes_out : callable
        ``writes_out(instruction, storage)``: whether the instruction writes into an array that is given.
    block_memory : callable
        ``block_memory(step)``: bytes that a blocked step needs for itself.
    """
    planner = _Planner(program, steps, writes_out, block_memory)
    planner.classify()
    planner.find_last_uses()
    planner.choose_fresh()
    planner.choose_targets()
    planner.choose_slots()
    return planner.storage


class _Planner:
    def __init__(self, program: Program, steps: Sequence[Step], writes_out: Any, block_memory: Any):
        self.program, self.steps, self.writes_out, self.block_memory = program, steps, writes_out, block_memory
        self.storage = Storage()
        self.end = len(steps)
        self.born: dict[Value, int] = {}
        self.last_failure = -1
        self.maker: dict[Value, tuple[Step, int, Instruction]] = {}
        self.replaced: set[Value] = set()

    # -- what each result is -----------------------------------------------------------------------------------------

    def classify(self) -> None:
        """Inputs, views, results with memory of their own."""
        storage = self.storage
        for each in self.program.inputs:
            bound = each.kind in ("variable", "buffer", "array", "constant")
            self._own(each.value, "bound" if bound else "passed")
        for position, step in enumerate(self.steps):
            for place, instruction in enumerate(step.instructions):
                for result in instruction.results:
                    self.born[result] = position
                    self.maker[result] = step, place, instruction
                self._classify(step, instruction, position)
        if self.program.guards:
            storage.guards_after = max(self.born.get(guard, -1) for guard in self.program.guards)

    def _classify(self, step: Step, instruction: Instruction, position: int) -> None:
        storage = self.storage
        operand = instruction.operands[0] if instruction.operands else None
        if operand.__class__ is Value and not step.blocked:
            texts = view_texts(instruction, storage.ghosts[operand])
            if texts is not None:
                for result, text in zip(instruction.results, texts, strict=True):
                    storage.kind[result] = "view"
                    storage.views[result] = operand, text
                    storage.ghosts[result] = seen_through(text, storage.ghosts[operand], result)
                    storage.roots[result] = storage.roots[operand]
                return
        if can_fail(instruction):
            self.last_failure = position
        if step.blocked or self.writes_out(instruction, storage):
            for result in instruction.results:
                self._own(result, "inner" if result in step.inner else "slot")
            return
        self.last_failure = position
        behind = tuple(dict.fromkeys(root for value in instruction.values() for root in storage.roots[value]))
        for result in instruction.results:
            self._own(result, "made")
            # What NumPy makes may be a view of any operand; in which order it lies is not known.
            storage.roots[result] = (result, *behind)
            storage.ghosts[result] = np.lib.stride_tricks.as_strided(
                np.zeros((), result.dtype), result.shape, (0,) * result.ndim, writeable=False
            )

    def _own(self, value: Value, kind: str) -> None:
        self.storage.kind[value] = kind
        self.storage.ghosts[value] = ghost(value.shape, value.dtype)
        self.storage.roots[value] = (value,)

    # -- how long it is needed ---------------------------------------------------------------------------------------

    def find_last_uses(self) -> None:
        """For each memory the last step that reads it; ``end`` if it is read after all steps."""
        last = self.storage.last
        for position, step in enumerate(self.steps):
            for instruction in step.instructions:
                for result in instruction.results:
                    last.setdefault(result, position)
                for value in instruction.values():
                    self._read(value, position)
        for guard in self.program.guards:
            self._read(guard, self.storage.guards_after)
        for value in self.program.outputs:
            self._read(value, self.end)

    def _read(self, value: Value, position: int) -> None:
        last = self.storage.last
        for root in self.storage.roots[value]:
            last[root] = max(last.get(root, -1), position)

    # -- results and variables ---------------------------------------------------------------------------------------

    def choose_fresh(self) -> None:
        """Memory of its own for what is returned."""
        storage = self.storage
        for value in self.program.outputs:
            root = storage.roots[value][0]
            if storage.kind[root] == "slot" and 2 * value.size >= root.size and not _overlaps(storage.ghosts[value]):
                storage.kind[root] = "fresh"

    def choose_targets(self) -> None:
        """Variables whose new value can be computed right into them."""
        storage = self.storage
        taken = set()
        written = {target.value for target, _ in self.program.writes}
        ready = max(self.last_failure, storage.guards_after)
        for _, value in self.program.writes:  # what is an old value of another variable is copied at the end
            for root in storage.roots[value]:
                if root in written:
                    self._read(root, self.end)
        for target, value in self.program.writes:
            if storage.kind.get(value) == "slot" and value not in taken and self._fits(target.value, value, ready):
                storage.kind[value] = "target"
                storage.target[value] = target
                taken.add(value)
            else:
                self._read(value, self.end)

    def _fits(self, old: Value, new: Value, ready: int) -> bool:
        position = self.born[new]
        if position <= ready:
            return False
        last = self.storage.last.get(old, -1)
        return last < position or (last == position and self._may_overwrite(old, new))

    def _may_overwrite(self, old: Value, new: Value) -> bool:
        """Whether the step that makes ``new`` may write it over ``old``, which it reads and nobody reads later."""
        step, place, maker = self.maker[new]
        storage = self.storage
        if old.shape != new.shape or old.dtype.itemsize != new.dtype.itemsize or not storage.is_whole(old):
            return False
        root = storage.roots[old][0]
        if root.size != old.size:
            return False
        readers = [
            (later, v) for later, i in enumerate(step.instructions) for v in i.values() if root in storage.roots[v]
        ]
        if any(later > place or v.shape != new.shape or not storage.is_whole(v) for later, v in readers):
            return False
        if is_ufunc(maker) or maker.primitive in (MASK, GATED):
            return True
        changed = CHANGES.get(maker.primitive)
        return changed is not None and [v for v in maker.values() if root in storage.roots[v]] == [
            maker.operands[changed]
        ]

    # -- the workspace -----------------------------------------------------------------------------------------------

    def choose_slots(self) -> None:
        """A place in the workspace for every other result that is written out."""
        storage = self.storage
        slots = [value for value, kind in storage.kind.items() if kind == "slot"]
        groups: dict[Value, list[int]] = {}  # first value of a chain of replacements: size, first step, last step
        head: dict[Value, Value] = {}
        for value in slots:
            start, last = self.born[value], storage.last[value]
            before = self._dying_operand(value, start, head)
            if before is None:
                head[value] = value
                groups[value] = [max(value.nbytes, 1), start, last]
            else:
                storage.instead[value] = before
                head[value] = head[before]
                groups[head[value]][2] = last
        blocked = [(position, step) for position, step in enumerate(self.steps) if step.blocked]
        wanted = [*groups.values(), *([self.block_memory(step), position, position] for position, step in blocked)]
        offsets, storage.size = lay_out(wanted)
        storage.offsets.update(zip(groups, offsets, strict=False))
        for (_, step), offset in zip(blocked, offsets[len(groups) :], strict=True):
            step.scratch = offset
        for value in slots:
            storage.offsets[value] = storage.offsets[head[value]]
        storage.least = _most_at_once(wanted)

    def _dying_operand(self, value: Value, position: int, head: dict[Value, Value]) -> Value | None:
        """An operand in whose place ``value`` can be written."""
        for operand in (o for i in self.maker[value][0].instructions for o in i.values()):
            root = self.storage.roots[operand][0]
            dies = root in head and self.storage.last[root] == position and self.born[root] < position
            if dies and root not in self.replaced and self._may_overwrite(operand, value):
                self.replaced.add(root)
                return root
        return None


def can_fail(instruction: Instruction) -> bool:
    """Whether a ufunc may raise for some entries: integers to the power of negative integers."""
    return instruction.primitive.impl is np.power and instruction.result.dtype.kind not in "fc"


def is_ufunc(instruction: Instruction) -> bool:
    """Whether a call of a ufunc does it, which may write its result over an operand."""
    ufunc = instruction.primitive.impl
    return isinstance(ufunc, np.ufunc) and ufunc.nout == 1 and ufunc.signature is None and not instruction.params


def _overlaps(ghosted: Any) -> bool:
    return any(stride == 0 and side > 1 for stride, side in zip(ghosted.strides, ghosted.shape, strict=True))


def stride_of(shape: tuple[int, ...], dtype: Any) -> int:
    """Bytes from one array of the workspace to the next."""
    return _rounded(math.prod(shape) * np.dtype(dtype).itemsize)


def _rounded(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED


def lay_out(groups: list[list[int]]) -> tuple[list[int], int]:
    """Offset of each (size, first, last), and the size of all: the largest first, at the lowest place that is free."""
    order = sorted(range(len(groups)), key=lambda k: -groups[k][0])
    offsets = [0] * len(groups)
    placed = np.zeros((4, len(groups)), np.int64)  # first, last, begin, end
    total = 0
    for count, k in enumerate(order):
        size, first, last = _rounded(groups[k][0]), groups[k][1], groups[k][2]
        there = placed[:, :count]
        beside = there[2:, (there[0] <= last) & (there[1] >= first)]
        at = 0
        for begin, end in sorted(zip(*beside.tolist(), strict=True)):
            if begin - at >= size:
                break
            at = max(at, end)
        offsets[k] = at
        placed[:, count] = first, last, at, at + size
        total = max(total, at + size)
    return offsets, total


def _most_at_once(groups: list[list[int]]) -> int:
    changes: dict[int, int] = {}
    for size, first, last in groups:
        changes[first] = changes.get(first, 0) + _rounded(size)
        changes[last + 1] = changes.get(last + 1, 0) - _rounded(size)
    now = most = 0
    for position in sorted(changes):
        now += changes[position]
        most = max(most, now)
    return most
