"""The Numba emitter: a program as a few loop nests, products and calls in one compiled function.

The source is made of *kernels*, one function for each loop nest, and of ``run0``, which calls them in turn; where a
primitive has no compiled form it is called from Python, between ``run0`` and ``run1``. All memory is found through one
table of addresses and the tuple of arrays that come in and go out, so a call from Python hands over two integers.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...symbol import Value
from ..executable import BOUND, PASSED
from ..machine import threads
from ..machine.scalar import imports
from ..program import Program, typed
from ..times import row, workspace
from . import pointer as numba_pointer
from . import repeat
from .buffers import aligned, least
from .copies import copy_lines, update_lines
from .executable import NumbaExecutable
from .fuse import Cluster, fuse
from .loops import View, whole
from .lower import Lowered, Op, lower
from .lower_contractions import CONTRACTIONS
from .lower_indexing import INDEXING
from .lower_products import PRODUCTS
from .lower_scans import SCANS, scan_lines
from .lower_softmax import SOFTMAX
from .memory import Home, Memory, lay_out
from .nest import Nest, described
from .products import ProductWriter

POINTER_NAMES = frozenset(dir(numba_pointer))
OPTIONS = 'error_model="numpy", no_cfunc_wrapper=True'
RULES = {**PRODUCTS, **INDEXING, **SOFTMAX, **CONTRACTIONS, **SCANS}
WORTH = 10_000.0
"""Nanoseconds on one thread from which a nest is cut for several: starting them costs 1,500 to 4,000."""

LONG = 150
"""Lines from which a kernel's constants become globals."""

_CONSTANT = re.compile(r"\b(float32|float64|int32|int64)\((-?[0-9.]+(?:e[-+]?[0-9]+)?)\)")

GUARD = -1
"""What a compiled function returns where a guard found a NaN; else 0, or 1 + the position of the op that failed."""


class Emitter(ProductWriter):
    """Writes the source of one program.

    Parameters
    ----------
    program : Program
    workers : int
        Threads that large kernels are cut for.
    timed : bool
        Whether the clock is read before and after each kernel.
    repeated : bool
        Whether it is the step of a loop: if nothing of it is left to Python, many steps can be run by one call.
    """

    def __init__(self, program: Program, workers: int, timed: bool = False, repeated: bool = False):
        program.name_values()
        self.workers = workers
        self.timed = timed
        self.repeated = repeated
        self.scratch = 0
        self.parallel = False
        self.program = program
        self.lowered: Lowered = lower(program, RULES, workers)
        self.memory: Memory = lay_out(self.lowered, fuse(self.lowered))
        inputs = list(self.lowered.inputs.values())
        self.bound = [i for i in inputs if i.kind in BOUND]
        self.constants = [i for i in inputs if i.kind == "constant"]
        self.passed = [i for i in inputs if i.kind in PASSED]
        self.slots = {i.value: at + 1 for at, i in enumerate([*self.bound, *self.constants])}
        self.positions = {i.value: at for at, i in enumerate(self.passed)}
        self.kernels: dict[str, str] = {}  # canonical text -> name
        self.texts: list[str] = []
        self.names: set[str] = set()
        self.libraries: set[tuple[str, str]] = set()
        self.steps: list[tuple[Any, int]] = []  # name of a compiled function; or an Op for Python, and its row
        self.failing: list[Op] = []
        self.rows: list[dict[str, Any]] = []
        self.ran: list[Cluster] = []  # of each row
        self.threads = 1  # of the cluster at hand
        self.globals: dict[str, str] = {}  # constants of long kernels: text -> name

    # -- the whole -----------------------------------------------------------------------------------------------------

    def emit(self) -> NumbaExecutable:
        """Source text, compiled."""
        return NumbaExecutable(self, self.text(), self._again)

    def text(self) -> str:
        """Source text."""
        runs: list[str] = []
        lines: list[str] = []
        self.used: dict[str, str] = {}
        for at, cluster in enumerate(self.memory.clusters):
            if at == self.memory.check_before:
                lines += self._check_guards(lines)
            if cluster.kind == "python":
                lines = self._close(runs, lines)
                self.steps.append((cluster.ops[0], len(self.rows)))
                self._report(cluster, cluster.ops[0].primitive.name)
            else:
                lines += self._stamped(len(self.rows), self._cluster(cluster))
        self._close(runs, lines)
        if self.repeated and len(self.steps) == len(runs) == 1:
            runs.append(repeat.TEXT.format(options=OPTIONS))
            self.libraries |= {(repeat.__name__, name) for name in repeat.HELPERS}
        return self._source(runs)

    def _again(self, timed: bool) -> NumbaExecutable:
        """The same program with a clock, or for one thread."""
        return Emitter(self.program, self.workers if timed else 1, timed, self.repeated).emit()

    def _stamped(self, number: int, lines: list[str]) -> list[str]:
        """Lines of a kernel, between lines that note the time if that is wanted."""
        if not self.timed:
            return lines
        self.libraries.add(("autograd_core.compile.to_numba.clock", "ticks"))
        first = 1 + len(self.slots) + 2 * number
        return [f"{self._table(first)} = ticks()", *lines, f"{self._table(first + 1)} = ticks()"]

    @staticmethod
    def _check_guards(lines: list[str]) -> list[str]:
        """Lines that end the call if a guard has found a NaN since the last such lines."""
        searched = [at for at, line in enumerate(lines) if "found |=" in line]
        if not searched or any(line.startswith("if found:") for line in lines[searched[-1] :]):
            return []
        return ["if found:", f"    return {GUARD}  # before anything is written: a zero met an infinity"]

    def _close(self, runs: list[str], lines: list[str]) -> list[str]:
        """End a compiled function; what follows begins the next one."""
        lines = [*lines, *self._check_guards(lines)]
        if lines:
            name = f"run{len(runs)}"
            self.steps.append((name, -1))
            runs.append(self._run(name, lines))
        self.used = {}
        return []

    def _run(self, name: str, lines: list[str]) -> str:
        first = [self.used.pop(each) for each in ("TABLE", "WORK", "GIVEN") if each in self.used]
        body = [*first, *self.used.values(), *(["found = False"] if self.lowered.guards else []), *lines, "return 0"]
        head = [f'@njit("int64(int64, int64)", nogil=True, cache=CACHE, {OPTIONS})']
        return "\n".join([*head, f"def {name}(table, given):", *("    " + line for line in body)])

    def _source(self, runs: list[str]) -> str:
        pointer = sorted(self.names & POINTER_NAMES)
        lines = [f'"""{self.program.name}: emitted for Numba."""', "", "from numba import njit"]
        lines += [f"from autograd_core.compile.to_numba.pointer import {', '.join(pointer)}"] if pointer else []
        lines += imports(self.names - POINTER_NAMES)
        lines += [f"from {module} import {name}" for module, name in sorted(self.libraries)]
        lines += ["", "CACHE = __file__.endswith('.py')"]
        lines += [f"{name} = {text}" for text, name in self.globals.items()]
        return "\n".join(lines) + "\n\n\n" + "\n\n\n".join([*self.texts, *runs]) + "\n"

    # -- memory --------------------------------------------------------------------------------------------------------

    def memory_name(self, root: Value) -> str:
        """Name of the pointer to the memory of a root; defined at the head of the function."""
        home = self.memory.homes[root]
        name, address = self._address(root, home)
        if name not in self.used:
            at = numba_pointer.AT[root.dtype]
            self.names.add(at)
            self.used[name] = f"{name} = {at}({address})  # {root.name}: {typed(root)}"
        return name

    def _address(self, root: Value, home: Home) -> tuple[str, str]:
        if home.kind == "output":
            return f"O{home.key}", self._given(len(self.passed) + home.key)
        if home.kind == "work":
            return root.name.upper(), self._work(home.key.offset)
        value = home.key
        if value in self.positions:
            return value.name.upper(), self._given(self.positions[value])
        return value.name.upper(), self._table(self.slots[value])

    def _given(self, position: int) -> str:
        """Address of an input that is passed, or of an output."""
        self.names.update(("data_of", "int64_at", "ITEMS_OFFSET"))
        self.used.setdefault("GIVEN", "GIVEN = int64_at(given + ITEMS_OFFSET)")
        return f"data_of(GIVEN[{position}])"

    def _table(self, slot: int) -> str:
        self.names.update(("int64_at",))
        self.used.setdefault("TABLE", "TABLE = int64_at(table)")
        return f"TABLE[{slot}]"

    def _work(self, offset: int) -> str:
        if "WORK" not in self.used:
            self.used["WORK"] = f"WORK = {self._table(0)}  # {self.memory.nbytes} bytes"
        return f"WORK + {offset}" if offset else "WORK"

    def pointer(self, view: View) -> str:
        """A pointer to the first entry of a view."""
        name = self.memory_name(view.root)
        if not view.offset:
            return name
        self.names.add("shifted")
        return f"shifted({name}, {view.offset})"

    def array(self, root: Value) -> str:
        """A root as an array."""
        self.names.add("as_array")
        return f"as_array({self.memory_name(root)}, {root.shape})"

    # -- clusters ------------------------------------------------------------------------------------------------------

    def _cluster(self, cluster: Cluster) -> list[str]:
        if cluster.kind == "loops":
            return self._nest(cluster)
        write = {
            "product": self._product,
            "parts": self._parts,
            "kernel": self._library,
            "update": self._update,
            "scan": self._scan,
        }[cluster.kind]
        self.threads = 1
        lines = write(cluster, cluster.ops[0])
        self._report(cluster, cluster.ops[0].primitive.name, self.threads)
        return lines

    def _report(self, cluster: Cluster, name: str, threads: int = 1) -> None:
        made = sum(value.nbytes for value in cluster.results if value in self.memory.homes)
        operations = [op.primitive.name if op.primitive is not None else "guard" for op in cluster.ops]
        self.rows.append(row(name, operations, sum(root.nbytes for root in cluster.reads), made, threads))
        self.ran.append(cluster)

    def _nest(self, cluster: Cluster) -> list[str]:
        homes: dict[tuple[str, int], str] = {}

        def name_of(root: Value) -> str:
            home = self.memory.homes[root]
            key = (home.kind, home.key if home.kind == "output" else id(home.key))
            return homes.setdefault(key, root.name.upper())

        nest = Nest(cluster, name_of, self.memory.homes.__contains__)
        body = nest.lines()
        checks = any(op.params.get("test") == "range" for op in cluster.ops)
        if self.workers > 1 and not checks and nest.nanoseconds() > WORTH and nest.cut(self.workers):
            body = nest.lines()
        parameters = {name_of(root): self.memory_name(root) for root in nest.roots()}
        for at, (name, dtype) in enumerate(nest.scratch(), 0 if nest.returns else 1):
            parameters[name] = self._scratch(name, dtype, at)
        if len(parameters) > 1:
            body = [f"{', '.join(parameters)} = distinct({', '.join(parameters)})", *body]
            self.names.add("distinct")
        self.names |= nest.names
        if "use_wide_registers()" in body:
            self.libraries.add(("autograd_core.compile.machine.vector_math", "use_wide_registers"))
        last = ["part"] if nest.parts > 1 else ["size"] if nest.any_size else []
        name = self._kernel(cluster, body, [*parameters, *last])
        self._report(cluster, name, nest.parts)
        given = ", ".join([*parameters.values(), *([str(nest.shape[0])] if nest.any_size else [])])
        if nest.parts > 1:
            after = nest.gather_parts(self.memory_name)
            return self._in_parallel([f"in_parallel({name}, {nest.parts}, {given})", *after])
        if checks:
            return self._fail_if(f"{name}({given})", cluster)
        return [f"found |= {name}({given})" if nest.returns else f"{name}({given})"]

    def _fail_if(self, text: str, cluster: Cluster) -> list[str]:
        return [f"if {text}:", f"    return {self._code(cluster.ops[0])}"]

    def _in_parallel(self, lines: list[str]) -> list[str]:
        self.parallel = True
        self.libraries.add(("autograd_core.compile.to_numba.parallel", "in_parallel"))
        return lines

    def _scratch(self, name: str, dtype: Any, at: int) -> str:
        """Name of an array with one entry per thread, behind the workspace."""
        each = aligned(8 * self.workers)
        self.scratch = max(self.scratch, (at + 1) * each)
        offset = aligned(self.memory.nbytes) + at * each
        self.names.add(numba_pointer.AT[dtype])
        self.used[name] = f"{name} = {numba_pointer.AT[dtype]}({self._work(offset)})"
        return name

    def _code(self, op: Op) -> int:
        self.failing.append(op)
        return len(self.failing)

    def _kernel(self, cluster: Cluster, body: list[str], parameters: list[str]) -> str:
        """Name of a kernel with this body; one that differs only in its names is taken again."""
        body = self._named_constants(body) if len(body) > LONG else body
        text = "\n".join(["(" + ", ".join(parameters) + ")", *body])
        kinds = ",".join(sorted({str(root.dtype) for root in cluster.results}))
        canonical = kinds + _canonical(text)
        if canonical not in self.kernels:
            last = cluster.ops[-1]
            word = re.sub(r"\W+", "_", last.primitive.name if last.primitive is not None else "free_of_nan")
            name = f"{word}_{len(self.kernels)}"
            self.kernels[canonical] = name
            doc = [f'    """{described(cluster)}."""']
            doc += [f"    # {op.comment}  {op.place}".rstrip() for op in cluster.ops if op.comment]
            head = [f"@njit({OPTIONS}, no_cpython_wrapper=True)", f"def {name}({', '.join(parameters)}):"]
            self.texts.append("\n".join([*head, *doc, *("    " + line for line in body)]))
        return self.kernels[canonical]

    def _named_constants(self, body: list[str]) -> list[str]:
        """Constants as globals, which Numba takes less time for than for calls, and which read worse."""

        def named(match: re.Match[str]) -> str:
            self.names.add(match[1])
            return self.globals.setdefault(match[0], f"K{len(self.globals)}")

        return [_CONSTANT.sub(named, line) for line in body]

    def _parts(self, cluster: Cluster, op: Op) -> list[str]:
        lines: list[str] = []
        names = {root: root.name.upper() for root in (*(v.root for v in op.views()), op.result)}
        for source, target in zip(op.operands, op.params["targets"], strict=True):
            lines += copy_lines(target, source, names[op.result], names[source.root])
        calls = [self.memory_name(root) for root in names]
        body = [f"{', '.join(names.values())} = distinct({', '.join(names.values())})", *lines]
        self.names.add("distinct")
        name = self._kernel(cluster, body, list(names.values()))
        return [f"{name}({', '.join(calls)})"]

    def _scan(self, cluster: Cluster, op: Op) -> list[str]:
        roots = (op.result, op.operands[0].root)
        names = [root.name.upper() for root in roots]
        lines = [f"{', '.join(names)} = distinct({', '.join(names)})", *scan_lines(op, *names)]
        self.names.add("distinct")
        return [f"{self._kernel(cluster, lines, names)}({', '.join(map(self.memory_name, roots))})"]

    def _update(self, cluster: Cluster, op: Op) -> list[str]:
        """Copy, unless the result has taken the operand's place; then go over the entries that change."""
        x, y, *indices = op.operands
        result = op.result
        names = {root: root.name.upper() for root in (*(v.root for v in (y, *indices)), result)}
        same = self.memory.homes[x.root] == self.memory.homes[result]
        lines = []
        if not same:
            names[x.root] = x.root.name.upper()
            lines = copy_lines(whole(result), x, names[result], names[x.root])
        body, used = update_lines(op, y, indices, names)
        self.names |= used
        parameters = [names[root] for root in names]
        if len(names) > 1:
            lines = [f"{', '.join(parameters)} = distinct({', '.join(parameters)})", *lines]
            self.names.add("distinct")
        name = self._kernel(cluster, [*lines, *body], parameters)
        return [f"{name}({', '.join(self.memory_name(root) for root in names)})"]

    def _kernel_call(self, cluster: Cluster, op: Op) -> str:
        call = op.params["call"]
        self.libraries.add((call.module, call.function))
        if call.static:
            self.libraries.add(("autograd_core.compile.kernels.jit", "plain"))
        work = []
        for lifetime, (shape, dtype) in zip(self.memory.work.get(id(cluster), ()), call.work, strict=True):
            at = numba_pointer.AT[np.dtype(dtype)]
            self.names.update((at, "as_array"))
            work.append(f"as_array({at}({self._work(lifetime.offset)}), {tuple(shape)})")
        operands = [self._operand_array(o) for o in op.operands]
        return f"{call.function}({call.arguments([self.array(r) for r in op.results], operands, work)})"

    def _operand_array(self, operand: Any) -> str:
        if operand.__class__ is not View:
            return repr(operand)
        self.names.add("as_array")
        return f"as_array({self.pointer(operand)}, {operand.shape})"

    def _library(self, cluster: Cluster, op: Op) -> list[str]:
        text = self._kernel_call(cluster, op)
        lines = [f"# {op.comment}  {op.place}".rstrip()]
        if op.params["call"].parallel:
            self.parallel, self.threads = True, self.workers
        if not op.params["call"].fails:
            return [*lines, text]
        return [*lines, f"if {text} != 0:", f"    return {self._code(op)}"]

    # -- what is known of it -------------------------------------------------------------------------------------------

    def summary(self) -> list[dict[str, Any]]:
        """Rows of the report."""
        return [*self.rows, workspace(self.memory.nbytes, least(self.memory.lifetimes))]


def _canonical(text: str) -> str:
    """``text`` with names of values in the order in which they occur."""
    known: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        number = known.setdefault(match[1].lower() + match[2], str(len(known)))
        return ("V" if match[1].isupper() else "v") + number + (match[3] or "")

    return re.sub(r"\b([vxtcVXTC])(\d+)((?:_\w+)?)\b", renamed, text)


def emit(program: Program, workers: int | None = None, repeated: bool = False) -> NumbaExecutable:
    """Numba source for ``program``, compiled and ready to run.

    Parameters
    ----------
    workers : int, optional
        Threads that large kernels are cut for; as many as Numba's pool has if it is not given.
    repeated : bool
        Whether it is the step of a loop.
    """
    workers = threads.get_kernel_threads() if workers is None else workers
    return Emitter(program, workers, repeated=repeated).emit()


def sizes(program: Program) -> tuple[int, int]:
    """Lines and kernels of the source for ``program``, for one thread; nothing is compiled."""
    emitter = Emitter(program, 1)
    return emitter.text().count("\n"), len(emitter.rows)
