"""The NumPy emitter: a program as Python source that calls NumPy, one line or two for each instruction.

The source has two functions, one in the other. ``prepare(x0, ...)`` is called once for the bound arrays (variables,
mostly): it sets up the workspace and every view that is the same at each call. It returns ``step(x1, ...)``, which does
the work for the passed arrays: calls of NumPy that write into what was prepared.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from ..symbol import Value
from .executable import BOUND, PASSED, ZeroMetInfinity
from .numpy_blocks import block_memory, ends, inner_layout, is_cut, parts_shape, steps_of
from .numpy_calls import REDUCTIONS, Calls, writes_out
from .numpy_lower import lower
from .numpy_storage import Step, Storage, plan_storage
from .passes.dead import dead
from .passes.rewrite import name_new
from .program import Instruction, Program, typed, values_in

_serial = count()


class NumpyExecutable:
    """A program that runs as a Python function over NumPy arrays; see ``Executable``."""

    def __init__(self, program: Program, source: str, names: dict[str, Any], storage: Storage, steps: Sequence[Step]):
        self.program = program
        self.source = source
        self.storage = storage
        self._steps = steps
        file = f"<autograd_core.{program.name} {next(_serial)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        scope = dict(names)
        exec(compile(source, file, "exec"), scope)
        self._prepare = scope["prepare"]
        self._bound: tuple[Any, ...] = ()
        self._ready: list[Any] = []
        self._count = sum(each.kind in BOUND for each in program.inputs)

    def bind(self, arrays: Sequence[Any]) -> None:
        """Say which arrays the bound inputs are, in the program's order; none to let go of them."""
        self._bound = tuple(arrays)
        self._ready = [self._prepare(*arrays)] if len(arrays) == self._count else []

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Run on the passed inputs, in the program's order."""
        ready = self._ready  # a workspace for each call in flight
        try:
            step = ready.pop()
        except IndexError:
            step = self._prepare(*self._bound)
        try:
            with np.errstate(all="ignore"):
                return step(*arrays)
        finally:
            ready.append(step)

    def report(self) -> list[dict[str, Any]]:
        """One row per step: what it does, the bytes that it reads and writes; at the end the workspace."""
        rows = [_row(step) for step in self._steps]
        rows.append({"name": "workspace", "operations": [], "bytes": self.storage.size, "least": self.storage.least})
        return rows


def _row(step: Step) -> dict[str, Any]:
    read = {v for i in step.instructions for v in i.values()} - {r for i in step.instructions for r in i.results}
    made = {r for i in step.instructions for r in i.results} - step.inner
    return {
        "name": ", ".join(v.name for v in made),
        "operations": [i.primitive.name for i in step.instructions],
        "fused": len(step.instructions),
        "bytes": sum(v.nbytes for v in read | made),
    }


def emit(program: Program, blocks: tuple[int, int] | None = None) -> NumpyExecutable:
    """Python source for ``program``, made ready to run.

    Parameters
    ----------
    program : Program
    blocks : (int, int), optional
        Entries from which on chains run block by block, and entries of a block.

    Returns
    -------
    NumpyExecutable
    """
    lowered = dead(lower(program))
    lowered.inputs = program.inputs + [i for i in lowered.inputs if i not in program.inputs]
    _see_to_names(lowered)
    steps = steps_of(lowered, *(() if blocks is None else blocks))
    storage = plan_storage(lowered, steps, writes_out, block_memory)
    writer = _Writer(lowered, steps, storage)
    return NumpyExecutable(program, writer.text(), writer.names, storage, steps)


def _see_to_names(program: Program) -> None:
    values = [each.value for each in program.inputs] + [r for i in program.instructions for r in i.results]
    named = [value.name for value in values if value.name]
    if len(set(named)) < len(named):
        program.name_values()
    name_new(program)


class _Writer:
    """Puts the source together; see ``Calls`` for what the methods without underscore are for."""

    def __init__(self, program: Program, steps: Sequence[Step], storage: Storage):
        self.program, self.steps, self.storage = program, steps, storage
        self.names: dict[str, Any] = {
            "copyto": np.copyto, "asarray": np.asarray, "broadcast_to": np.broadcast_to, "empty": np.empty,
            "workspace": _workspace, "at": _at, "cut": _cut, "again": _again, "each": _each, "guard": _guard, "own": _own, "inf": np.inf, "nan": np.nan,
        }  # fmt: skip
        self.known_by: dict[Any, str] = {}
        self.prepared: list[str] = []
        self.lines: list[str] = []
        self.shapes: dict[tuple[Value, tuple[Any, ...]], str] = {}
        self.local: dict[Value, str] = {}  # names of parts, inside a loop
        self.loops = 0
        self.calls = Calls(self)
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
        if key not in self.shapes:
            self.shapes[key] = f"{value.name}_bits"
            self.prepared.append(f'{value.name}_bits = {value.name}.view("{dtype}")')
        return self.shapes[key]

    def known(self, entry: Any, hint: str) -> str:
        """Global name of an object."""
        key = entry if isinstance(entry, np.dtype) else (hint, id(entry))
        name = self.known_by.get(key)
        if name is None:
            name = base = re.sub(r"\W", "_", hint).strip("_") or "k"
            for number in count(1):
                if name not in self.names and not re.fullmatch(r"[vxc]\d+", name):
                    break
                name = f"{base}_{number}"
            self.names[name] = entry
            self.known_by[key] = name
        return name

    def reduce(self, ufunc: Any) -> str:
        """Name of the reduction by a ufunc."""
        if ufunc not in self.known_by:
            self.known_by[ufunc] = self.known(ufunc.reduce, f"{ufunc.__name__}_reduce")
        return self.known_by[ufunc]

    def number(self, number: Any, dtype: Any) -> str:
        """Name of a Python number as an array of no axes: that takes NumPy 0.15 us less than the number itself."""
        key = (number.__class__, repr(number), dtype)
        if key not in self.known_by:
            array = np.array(number, dtype)
            array.flags.writeable = False
            self.known_by[key] = self.known(array, f"k{repr(number).replace('-', 'm').replace('.', '_')}")
        return self.known_by[key]

    def ones(self, shape: tuple[int, ...], dtype: Any) -> str:
        """Name of an array of ones."""
        key = ("ones", shape, dtype)
        if key not in self.known_by:
            array = np.ones(shape, dtype)
            array.flags.writeable = False
            self.known_by[key] = self.known(array, "ones_" + "_".join(map(str, shape)))
        return self.known_by[key]

    def seen(self, value: Value, shape: tuple[int, ...]) -> str:
        """Name of a value in another shape; it lies in C order, or the shapes differ by axes of length 1."""
        if value.shape == shape:
            return value.name
        if not self.storage.is_static(value):
            return f"{value.name}.reshape({shape})"
        name = self.shapes.get((value, shape))
        if name is None:
            name = f"{value.name}_as_{'_'.join(map(str, shape))}"
            self.shapes[value, shape] = name
            self.prepared.append(f"{name} = {value.name}.reshape({shape})")
        return name

    # -- text --------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The module."""
        self._write_storage()
        self._write_guards(-1)
        for position, step in enumerate(self.steps):
            self._write_step(step)
            self._write_guards(position)
        self._write_end()
        bound = [i.value.name for i in self.program.inputs if i.kind in BOUND]
        passed = [i.value.name for i in self.program.inputs if i.kind in PASSED]
        head = [f'"""{self.program.name}: {len(self.program.instructions)} instructions."""', ""]
        head += [
            f"# {i.value.name}: {typed(i.value)}  {i.kind}{_named(i.key)}" for i in self.program.inputs
        ]
        body = ["", "", f"def prepare({', '.join(bound)}):", *("    " + line for line in self.prepared), ""]
        body += [f"    def step({', '.join(passed)}):", *("        " + line for line in self.lines), "", "    return step"]
        return "\n".join(line.rstrip() for line in head + body) + "\n"

    def _write_storage(self) -> None:
        storage = self.storage
        if storage.size:
            self.prepared.append(f"memory = workspace({storage.size})")
        for value, kind in storage.kind.items():
            if kind == "slot":
                over = f"  # over {storage.instead[value].name}" if value in storage.instead else ""
                self.prepared.append(
                    f'{value.name} = at(memory, {storage.offsets[value]}, {value.shape}, "{value.dtype}"){over}'
                )
            elif kind == "target":
                self.prepared.append(f"{value.name} = {storage.target[value].value.name}  # the new value, over the old")
            elif kind == "view" and storage.is_static(value):
                base, text = storage.views[value]
                self.prepared.append(f"{value.name} = {text.format(base.name)}")

    def _write_loop(self, step: Step) -> None:
        """A loop over blocks: parts that are the same at each call are cut once, the others here."""
        self.loops += 1
        loop, rows, storage = f"loop{self.loops}", step.rows, self.storage
        arrays, chosen, _ = inner_layout(step)
        fixed: dict[str, str] = {}
        moving: dict[str, str] = {}
        after: list[Any] = []
        made = {i.result for i in step.instructions}
        for k, (offset, shape, dtype) in enumerate(arrays):
            text = f'at(memory, {step.scratch + offset}, {shape}, "{np.dtype(dtype)}")'
            if k in {chosen[i.result] for i in step.instructions if ends(i)}:
                self.prepared.append(f"{loop}_parts{k} = {text}")
                fixed[f"t{k}"] = f"each({loop}_parts{k})"
            else:
                fixed[f"t{k}"] = f"again({text}, {step.length})"
        for value in dict.fromkeys(v for i in step.instructions for v in (*i.values(), *i.results)):
            if value in chosen:
                self.local[value] = f"t{chosen[value]}"
            elif is_cut(step, value):
                self.local[value] = f"{value.name}_b"
                static = storage.is_static(value)
                whole = f"{value.name}.reshape({value.size})" if step.flat and value.ndim > 1 else value.name
                (fixed if static else moving)[f"{value.name}_b"] = f"cut({whole}, {rows})"
                if storage.kind[value] == "fresh" and value in made:
                    self.lines.append(f"{value.name} = {self._empty(value)}")
        body = []
        for i in step.instructions:
            if not ends(i):
                inside = [self._rowwise(i)] if i.primitive in REDUCTIONS else self.calls.lines(i, self.name(i.result))
                body += [inside[0] + f"  # {i.result.name}, {i.primitive.name}", *inside[1:]]
                continue
            reduce = self.reduce(REDUCTIONS[i.primitive])
            axis = "None" if step.flat else str(i.params["axis"])
            body.append(f"{reduce}({self.name(i.operands[0])}, {axis}, None, {self.local[i.result]})  # {i.result.name}")
            if storage.kind[i.result] == "fresh":
                self.lines.append(f"{i.result.name} = {self._empty(i.result)}")
            after.append((reduce, f"{loop}_parts{chosen[i.result]}", i))
        self.local.clear()
        if fixed:
            self.prepared.append(f"{loop} = list(zip({', '.join(fixed.values())}))")
        names, over = f"({', '.join(fixed)},)", loop
        if not fixed:
            names, over = f"({', '.join(moving)},)", f"zip({', '.join(moving.values())})"
        elif moving:
            names, over = f"{names}, {', '.join(moving)}", f"zip({loop}, {', '.join(moving.values())})"
        self.lines.append(f"for {names} in {over}:  # {len(step.instructions)} operations, {rows} of {step.length} at a time")
        self.lines += ["    " + line for line in body]
        for reduce, parts, i in after:
            out = self.seen(i.result, parts_shape(step, i)[1:])
            self.lines.append(f"{reduce}({parts}, 0, None, {out}){_comment(i)}")

    def _rowwise(self, instruction: Instruction) -> str:
        reduce = self.reduce(REDUCTIONS[instruction.primitive])
        x, out = self.name(instruction.operands[0]), self.name(instruction.result)
        return f"{reduce}({x}, {instruction.params['axis']}, None, {out}, True)"

    def _empty(self, value: Value) -> str:
        return f"empty({value.shape}, {self.known(value.dtype, value.dtype.name)})"

    def _write_step(self, step: Step) -> None:
        if step.blocked:
            self._write_loop(step)
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
            self.lines.append(f"{result.name} = {self._empty(result)}")
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
        guarded = [v for v in self.program.guards if v.dtype.kind in "fc"]
        if guarded and position == self.storage.guards_after:
            flat = [self.seen(v, (v.size,)) if self.storage.is_whole(v) else v.name for v in guarded]
            self.lines.append(f"guard({', '.join(flat)})  # before anything is written")

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


# -- what the source calls ---------------------------------------------------------------------------------------------


def _workspace(size: int) -> Any:
    """Memory whose first byte is at the beginning of a line of the cache."""
    memory = np.empty(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]


def _at(memory: Any, offset: int, shape: tuple[int, ...], dtype: str) -> Any:
    return np.ndarray(shape, dtype, memory, offset)


def _cut(array: Any, rows: int) -> list[Any]:
    """Parts of an array along its first axis."""
    return [array[start : start + rows] for start in range(0, len(array), rows)]


def _again(block: Any, length: int) -> list[Any]:
    """The same block for each part of ``length`` rows; a piece of it for the last."""
    whole, rest = divmod(length, len(block))
    return [block] * whole + [block[:rest]] * bool(rest)


def _each(parts: Any) -> list[Any]:
    return [parts[k, ...] for k in range(len(parts))]


def _guard(*arrays: Any) -> None:
    for array in arrays:
        flat = array if array.ndim == 1 else array.ravel()
        squares = flat.dot(flat)
        if squares != squares:
            raise ZeroMetInfinity


def _own(array: Any, *others: Any) -> Any:
    """``array`` itself if it shares memory with nothing else."""
    if array.base is None and array.flags.writeable and all(array is not other for other in others):
        return array
    return array.copy()
