"""Source for NumPy: the text of ``prepare`` and of ``step``, put together step by step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ...symbol import Value
from ..executable import BOUND, PASSED
from ..program import Instruction, Program, typed, values_in
from .calls import Calls
from .loops import Loop
from .names import Names
from .runtime import GLOBALS
from .storage import Step, Storage

MAPPED = 1 << 17
"""Bytes from which on fresh memory is mapped by the system, page by page: then it is worth having the same again."""


class Writer(Names):
    """Writes the module; see ``Calls`` for what its methods are for.

    Attributes
    ----------
    prepared, lines : list of str
        Lines of ``prepare`` and of ``step``.
    local : dict of Value to str
        Inside a loop the names of parts.
    guarded : set of Value
        Guards whose squares a loop has added to ``nans``: NaN if there is one among them.
    """

    def __init__(self, program: Program, steps: Sequence[Step], storage: Storage, timed: bool = False):
        super().__init__(GLOBALS)
        self.program, self.steps, self.storage = program, steps, storage
        self.prepared: list[str] = []
        self.lines: list[str] = []
        self.local: dict[Value, str] = {}
        self.calls = Calls(self)
        self._views: dict[tuple[Value, tuple[Any, ...]], str] = {}
        self._loops = 0
        self.guarded: set[Value] = set()  # guards that a loop has looked at
        if timed:
            self.names |= {"clock": time.perf_counter_ns, "stamps": [0] * (len(steps) + 2)}
        self._timed = timed
        for each in program.inputs:
            if each.kind == "constant":
                self.names[each.value.name] = each.key

    # -- names -------------------------------------------------------------------------------------------------------

    def name(self, value: Value) -> str:
        """Name of a value; inside a loop that of its part."""
        return self.local.get(value, value.name)

    def bits(self, value: Value, dtype: str) -> str:
        """Name of a value's memory seen as another dtype."""
        if value in self.local or not self.storage.is_static(value):
            return f'{self.name(value)}.view("{dtype}")'
        key = (value, (dtype,))
        if key not in self._views:
            self._views[key] = f"{value.name}_bits"
            self.prepared.append(f'{value.name}_bits = {value.name}.view("{dtype}")')
        return self._views[key]

    def seen(self, value: Value, shape: tuple[int, ...]) -> str:
        """Name of a value in another shape; it lies in C order, or the shapes differ by axes of length 1."""
        if value.shape == shape:
            return value.name
        if not self.storage.is_static(value):
            return f"{value.name}.reshape({shape})"
        name = self._views.get((value, shape))
        if name is None:
            name = f"{value.name}_as_{'_'.join(map(str, shape))}"
            self._views[value, shape] = name
            self.prepared.append(f"{name} = {value.name}.reshape({shape})")
        return name

    # -- text --------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The module."""
        self._write_storage()
        self._write_guards(-1)
        self._stamp(0)
        for position, step in enumerate(self.steps):
            self._write_step(step)
            self._write_guards(position)
            self._stamp(position + 1)
        self._stamp(len(self.steps) + 1)
        self._write_end()
        bound = [i.value.name for i in self.program.inputs if i.kind in BOUND]
        passed = [i.value.name for i in self.program.inputs if i.kind in PASSED]
        head = [f'"""{self.program.name}: {len(self.program.instructions)} instructions."""', ""]
        head += [f"# {i.value.name}: {typed(i.value)}  {i.kind}{_named(i.key)}" for i in self.program.inputs]
        body = ["", "", f"def prepare({', '.join(bound)}):", *("    " + line for line in self.prepared), ""]
        body += [
            f"    def step({', '.join(passed)}):",
            *("        " + line for line in self.lines),
            "",
            "    return step",
        ]
        return "\n".join(line.rstrip() for line in head + body) + "\n"

    def _stamp(self, number: int) -> None:
        """Note the time, if that is wanted."""
        if self._timed:
            self.lines.append(f"stamps[{number}] = clock()")

    def _write_storage(self) -> None:
        storage = self.storage
        if storage.size:
            self.prepared.append(f"memory = workspace({storage.size})")
        same: dict[Any, str] = {}  # one array for what lies at one place: NumPy then sees sooner that it may overwrite
        for value, kind in storage.kind.items():
            if kind == "slot":
                place = storage.offsets[value], value.shape, value.dtype
                array = f'at(memory, {place[0]}, {value.shape}, "{value.dtype}")'
                self.prepared.append(f"{value.name} = {same.setdefault(place, array)}")
                same[place] = value.name
            elif kind == "target":
                self.prepared.append(
                    f"{value.name} = {storage.target[value].value.name}  # the new value, over the old"
                )
            elif kind == "view" and storage.is_static(value):
                base, text = storage.views[value]
                self.prepared.append(f"{value.name} = {text.format(base.name)}")

    def empty(self, value: Value) -> str:
        """Text that gives memory to a value that is returned."""
        dtype = self.known(value.dtype, value.dtype.name)
        if value.nbytes < MAPPED:
            return f"empty({value.shape}, {dtype})"
        self.prepared.append(f"{value.name}_given = []")
        return f"unheld({value.name}_given, {value.shape}, {dtype})"

    def _write_step(self, step: Step) -> None:
        if step.blocked:
            self._loops += 1
            Loop(self, step, self._loops).write()
            return
        (instruction,) = step.instructions
        storage, result = self.storage, instruction.results[0]
        kind = storage.kind[result]
        if kind == "view":
            self.lines += [
                f"{v.name} = {storage.views[v][1].format(storage.views[v][0].name)}"
                for v in instruction.results
                if not storage.is_static(v)
            ]
            return
        if kind == "made":
            self.lines.append(self._made(instruction))
            return
        if kind == "fresh":
            self.lines.append(f"{result.name} = {self.empty(result)}")
        lines = self.calls.lines(instruction, result.name)
        lines[0] = f"{lines[0]}{_comment(instruction)}"
        self.lines += lines

    def _made(self, instruction: Instruction) -> str:
        function = self.known(instruction.primitive.impl, instruction.primitive.name)
        given = [o.name if o.__class__ is Value else self.calls.literal(o) for o in instruction.operands]
        given += [f"{key}={self._structure(entry)}" for key, entry in instruction.params.items()]
        call, names = f"{function}({', '.join(given)})", ", ".join(r.name for r in instruction.results)
        if instruction.several:
            return f"{names}, = map(asarray, {call}){_comment(instruction)}"
        return f"{names} = {call if instruction.result.ndim else f'asarray({call})'}{_comment(instruction)}"

    def _structure(self, entry: Any) -> str:
        """A parameter as source; what has no short form becomes a global."""
        if entry.__class__ is Value:
            return entry.name
        if entry.__class__ in (int, bool, str, float, type(None)):
            return repr(entry)
        if entry.__class__ in (tuple, list) and len(entry) <= 8:
            inner = ", ".join(map(self._structure, entry))
            return f"[{inner}]" if entry.__class__ is list else f"({inner}{',' if len(entry) == 1 else ''})"
        if entry.__class__ is slice:
            return f"slice({', '.join(map(self._structure, (entry.start, entry.stop, entry.step)))})"
        if entry.__class__ is dict and any(True for _ in values_in(entry)):
            return "{" + ", ".join(f"{key!r}: {self._structure(value)}" for key, value in entry.items()) + "}"
        if any(True for _ in values_in(entry)):
            inner = ", ".join(map(self._structure, entry))
            return f"[{inner}]" if entry.__class__ is list else f"({inner},)"
        return self.known(entry, type(entry).__name__)

    def _write_guards(self, position: int) -> None:
        guarded = [v for v in self.program.guards if v.dtype.kind in "fc" and v not in self.guarded]
        if position != self.storage.guards_after:
            return
        if guarded:
            flat = [self.seen(v, (v.size,)) if self.storage.is_whole(v) else v.name for v in guarded]
            self.lines.append(f"guard({', '.join(flat)})  # before anything is written")
        if self.guarded:
            self.lines += [
                "if nans != nans:  # as only NaN is; before anything is written",
                "    raise ZeroMetInfinity",
            ]

    def _write_end(self) -> None:
        returned = self._outputs()
        storage = self.storage
        written = {target.value for target, _ in self.program.writes}
        copies = []
        for target, value in self.program.writes:
            if storage.target.get(value) is target or value is target.value:
                continue
            source = value.name
            if any(root in written for root in storage.roots[value]):
                source = f"{value.name}_kept"
                self.lines.append(f"{source} = {value.name}.copy()")
            copies.append(f"copyto({target.value.name}, {source})")
        self.lines += copies
        self.lines.append(f"return ({''.join(f'{each}, ' for each in returned)})")

    def _outputs(self) -> list[str]:
        storage, handed, returned = self.storage, set(), []
        for position, value in enumerate(self.program.outputs):
            root = storage.roots[value][0]
            if storage.kind[root] == "fresh" and root not in handed and not _shares(storage, value):
                handed.add(root)
                returned.append(value.name)
                continue
            name = f"out{position}"
            if storage.kind[value] == "made" and root not in handed:
                handed.add(root)
                made = next(i for s in self.steps for i in s.instructions if value in i.results)
                others = ", ".join(dict.fromkeys(v.name for v in made.values()))
                self.lines.append(f"{name} = own({value.name}, {others})")
            else:
                self.lines.append(f"{name} = {value.name}.copy()")
            returned.append(name)
        return returned


def _shares(storage: Storage, value: Value) -> bool:
    """Whether an output cannot be handed out as it is: it is read-only, or a small part of a large array."""
    root = storage.roots[value][0]
    if 2 * value.size < root.size:
        return True
    while value is not root:
        value, text = storage.views[value]
        if text.startswith("broadcast_to("):
            return True
    return False


def _comment(instruction: Instruction) -> str:
    text = f"  # {instruction.primitive.name}: {', '.join(map(typed, instruction.results))}"
    return f"{text}  {instruction.place}" if instruction.place else text


def _named(key: Any) -> str:
    name = getattr(key, "name", None)
    return f" {name}" if isinstance(name, str) else f" {key}" if isinstance(key, int) else ""
