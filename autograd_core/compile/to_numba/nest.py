"""Source of one loop nest: what it reads, what it computes for each entry, what it adds up, what it writes.

Capital names are memory, small ones the present entry: ``v5 = at_least(v4 + x2, float32(0.0)); V5[i] = v5``. Every
step stands as far out as what it needs allows; results are written last, so that one may take the place of an operand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ...symbol import Value
from ..machine.alone import MOST, by_library
from ..machine.scalar import expression, names_in
from ..machine.scalar_rules import constant
from .fuse import Cluster
from .loops import INDICES, Ints, View, collapsed, contiguous_strides, place
from .lower import Op

START = {"plus": 0, "times": 1, "either": False, "both": True}
STEP = {
    "plus": "plus({0}, {1})", "times": "times({0}, {1})", "largest": "largest({0}, {1})",
    "smallest": "smallest({0}, {1})", "either": "{0} | {1}", "both": "{0} & {1}",
}  # fmt: skip

SHARED = 4
"""Ops from which a kernel over one loop is made for any length: variables of all sizes then share their update."""

IN_CACHE = 1 << 20
"""Bytes that stay near the processor from one kernel to the next."""

BLOCK = 4096
"""Entries that are added up before their sum is added to that of the others."""


@dataclass(slots=True, eq=False)
class Access:
    """A root read or written in a nest, at places that go with the loops."""

    root: Value
    strides: Ints
    offset: int


@dataclass(slots=True, eq=False)
class Total:
    """A reduction in a nest: its op, where its result goes, and how far out its running value stands."""

    op: Op
    target: Access
    depth: int = 0
    in_memory: bool = False


def literal(number: Any, dtype: Any) -> str:
    """A number as a constant of a dtype."""
    return constant(number, np.dtype(dtype))


def start_of(step: str, dtype: Any) -> str:
    """Where a reduction starts."""
    if step in START:
        return literal(START[step], dtype)
    if dtype.kind == "f":
        return literal(-np.inf if step == "largest" else np.inf, dtype)
    limits = np.iinfo(dtype)
    return literal(int(limits.min if step == "largest" else limits.max), dtype)


class Nest:
    """Writes the body of one kernel.

    Parameters
    ----------
    cluster : Cluster
    name_of : callable
        Gives the name of the memory in which a root lies.
    kept : callable
        Whether a root has to be written to memory.
    """

    def __init__(self, cluster: Cluster, name_of: Callable[[Value], str], kept: Callable[[Value], bool]):
        self.cluster = cluster
        self.name_of = name_of
        self.names: set[str] = set()  # imports
        self.loads: dict[tuple[Value, Ints, int], Access] = {}
        self.stores: list[Access] = []
        self.totals: list[Total] = []
        self.shape: Ints = cluster.shape or ()
        for op in cluster.ops:
            self._collect(op, kept)
        self._collapse()
        self.returns = any(op.kind == "check" for op in cluster.ops)
        self.parts = 1
        self.split = -1  # which loop is cut into parts

    # -- what is read and written --------------------------------------------------------------------------------------

    def _collect(self, op: Op, kept: Callable[[Value], bool]) -> None:
        for view in op.views():
            if view not in op.looked_up and not self.cluster.has(view):
                key = self._key(view)
                self.loads.setdefault(key, Access(*key))
        if op.kind in ("map", "gather") and kept(op.result):
            self.stores.append(Access(op.result, contiguous_strides(self.shape), 0))
        elif op.kind == "reduce":
            self.totals.append(Total(op, self._target(op)))

    def _key(self, view: View) -> tuple[Value, Ints, int]:
        strides = tuple(s for side, s in zip(view.shape, view.strides, strict=True) if side != 1)
        return view.root, strides, view.offset

    def _target(self, op: Op) -> Access:
        (view,), axes = op.views(), op.params["axes"]
        left = tuple(side for at, side in enumerate(view.shape) if at not in axes)
        steps = iter(contiguous_strides(left))
        strides = [0 if at in axes else next(steps) for at in range(len(view.shape))]
        return Access(op.result, tuple(s for side, s in zip(view.shape, strides, strict=True) if side != 1), 0)

    def _collapse(self) -> None:
        accesses = [*self.loads.values(), *self.stores, *(total.target for total in self.totals)]
        if any(op.kind == "gather" for op in self.cluster.ops):
            return
        self.shape, strides = collapsed(self.shape, [each.strides for each in accesses])
        for access, found in zip(accesses, strides, strict=True):
            access.strides = found

    def roots(self) -> list[Value]:
        """All roots in memory that are read or written."""
        looked_up = [view.root for op in self.cluster.ops for view in op.looked_up]
        accesses = [*self.loads.values(), *self.stores, *(total.target for total in self.totals)]
        return list(dict.fromkeys([*(each.root for each in accesses), *looked_up]))

    # -- several threads -----------------------------------------------------------------------------------------------

    def nanoseconds(self) -> float:
        """About how long it takes on one thread (measured with AVX-512; call ``lines`` before)."""
        functions = sum(0.4 if "_f32" in name else 0.9 for name in self.names if name.endswith(("_f32", "_f64")))
        arrays = len(self.loads) + len(self.stores) + len(self.totals)
        simple = 0.04 * arrays + 0.02 * len(self.cluster.ops)
        in_cache = sum(root.nbytes for root in self.roots()) < IN_CACHE
        return prod(self.shape) * (simple / (2 if in_cache else 1) + functions)

    def cut(self, parts: int) -> bool:
        """Let ``parts`` threads share a loop, if there is one to share; then ``lines`` anew."""
        for at, side in enumerate(self.shape):
            whole_totals = [t for t in self.totals if not any(t.target.strides)]
            split_totals = [t for t in self.totals if any(t.target.strides)]
            apart = all(t.target.strides[at] for t in split_totals)
            if side >= parts * (64 if at == len(self.shape) - 1 else 1) and apart and (not at or not whole_totals):
                self.parts, self.split = parts, at
                return True
        return False

    def partial(self, total: Total) -> bool:
        """Whether each part has a total of its own, to be put together afterwards."""
        return self.parts > 1 and not any(total.target.strides)

    def scratch(self) -> list[tuple[str, Any]]:
        """Name and dtype of the arrays of partial totals, one entry per part."""
        found = [(f"P_{t.op.result.name}", t.op.result.dtype) for t in self.totals if self.partial(t)]
        return ([("P_found", np.dtype(bool))] if self.returns and self.parts > 1 else []) + found

    def gather_parts(self, name_of: Callable[[Value], str]) -> list[str]:
        """Lines that put partial totals together."""
        lines = []
        for total in self.totals:
            if not self.partial(total):
                continue
            op = total.op
            name, step, dtype = op.result.name, op.params["step"], op.result.dtype
            lines += [f"{name} = {start_of(step, dtype)}", f"for part in range({self.parts}):"]
            lines += [f"    {name} = {STEP[step].format(name, f'P_{name}[part]')}"]
            lines += [f"{name_of(op.result)}[0] = {name}{self._divisor(op)}"]
        if self.returns and self.parts > 1:
            lines += [f"for part in range({self.parts}):", "    found |= P_found[part]"]
        return lines

    # -- lines ---------------------------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """The body, not indented."""
        depth = len(self.shape)
        self.before: list[list[str]] = [[] for _ in range(depth + 1)]
        self.after: list[list[str]] = [[] for _ in range(depth + 1)]
        self.entries: dict[tuple[Value, Ints, int], tuple[str, int]] = {}
        self.first: list[str] = []
        self.last: list[str] = []
        self.made: dict[Value, tuple[str, int]] = {}
        if self.parts > 1:
            side = self.shape[self.split]
            step = -(-side // self.parts)
            step = -(-step // 16) * 16 if step > 256 else step
            self.first += [f"start = part * {step}", f"stop = min(start + {step}, {side})"]
        if self.returns:
            self.first.append("found = False")
        for total in self.totals:
            self._open(total)
        for op in self.cluster.ops:
            getattr(self, f"_{op.kind}")(op)
        for store in self.stores:
            target = f"{self.name_of(store.root)}[{place(store.strides, 0)}]"
            self.before[depth].append(f"{target} = {self.made[store.root][0]}")
        for total in self.totals:
            self._close(total)
        lines = [*self.first, *self._loops(0), *self.last]
        if prod(self.shape) <= MOST:
            lines = [by_library(line) for line in lines]
        if any(name.endswith(("_f32", "_f64")) for name in names_in("\n".join(lines))):
            lines = ["use_wide_registers()", *lines]
        if self.returns:
            lines.append("P_found[part] = found" if self.parts > 1 else "return found")
        self.names |= names_in("\n".join(lines))
        return lines

    @property
    def any_size(self) -> bool:
        """Whether the length of the only loop is an argument: several variables of a model then share one kernel."""
        return len(self.shape) == 1 and self.parts == 1 and len(self.cluster.ops) >= SHARED and not self.totals

    def _range(self, at: int) -> str:
        if self.any_size:
            return "size"
        return "start, stop" if at == self.split else str(self.shape[at])

    def _loops(self, depth: int) -> list[str]:
        if depth == len(self.shape):
            return self.before[depth]
        inner = ["    " + line for line in self._loops(depth + 1) or ["pass"]]
        name, bounds = INDICES[depth], self._range(depth)
        if self._is_long(depth):  # sums of sums: rounding errors do not grow with the length
            start, stop = bounds.split(", ") if "," in bounds else ("0", bounds)
            head = [f"for block in range({start}, {stop}, {BLOCK}):"]
            inner = [f"for {name} in range(block, min(block + {BLOCK}, {stop})):", *inner]
            local = [total for total in self.totals if self._in_blocks(total)]
            inner = [*map(self._block_start, local), *inner, *map(self._block_end, local)]
            inner = ["    " + line for line in inner]
        else:
            head = [f"for {name} in range({bounds}):"]
        return [*self.before[depth], *head, *inner, *self.after[depth]]

    def _is_long(self, depth: int) -> bool:
        sums = any(t.op.params["step"] == "plus" and t.op.result.dtype.kind == "f" for t in self.totals)
        return sums and depth == len(self.shape) - 1 and self.shape[depth] > 4 * BLOCK

    def _in_blocks(self, total: Total) -> bool:
        """Whether each block of the innermost loop is added up by itself."""
        return self._is_local(total) and total.depth < len(self.shape) and self._is_long(len(self.shape) - 1)

    @staticmethod
    def _block_start(total: Total) -> str:
        return f"{total.op.result.name}_block = {start_of(total.op.params['step'], total.op.result.dtype)}"

    @staticmethod
    def _block_end(total: Total) -> str:
        name, step = total.op.result.name, total.op.params["step"]
        joined = "{0} + {1}" if step == "plus" else STEP[step]  # not in any order, as within a block
        return f"{name} = {joined.format(name, f'{name}_block')}"

    def _over_target(self, total: Total, line: str) -> list[str]:
        """``line`` for each entry of the result of a reduction."""
        kept = [at for at, stride in enumerate(total.target.strides) if stride]
        heads = [f"{'    ' * n}for {INDICES[at]} in range({self._range(at)}):" for n, at in enumerate(kept)]
        return [*heads, "    " * len(kept) + line]

    def _entry(self, op: Op, view: View) -> tuple[str, int]:
        """Name of the present entry of an operand, and how many loops it depends on."""
        if view not in op.looked_up and self.cluster.has(view):
            return self.made[view.root]
        key = self._key(view)
        if key not in self.entries:
            access = self.loads[key]
            depth = max((at + 1 for at, stride in enumerate(access.strides) if stride), default=0)
            name = view.root.name.lower()
            used = {entry for entry, _ in self.entries.values()} | {entry for entry, _ in self.made.values()}
            if name in used:
                name = next(f"{name}_{at}" for at in range(1, 1000) if f"{name}_{at}" not in used)
            memory = self.name_of(view.root)
            self.before[depth].append(f"{name} = {memory}[{place(access.strides, access.offset)}]")
            self.entries[key] = name, depth
        return self.entries[key]

    def _map(self, op: Op) -> None:
        names: list[Any] = []
        dtypes: list[Any] = []
        depth = 0
        for operand in op.operands:
            if operand.__class__ is View:
                name, at = self._entry(op, operand)
                depth = max(depth, at)
                names.append(name)
                dtypes.append(operand.root.dtype)
            else:
                names.append(operand)
                dtypes.append(None)
        found = expression(op.primitive, names, dtypes, op.result.dtype, op.params)
        assert found is not None
        text, _ = found
        name = op.result.name
        self.before[depth].append(f"{name} = {text}")
        self.made[op.result] = name, depth

    def _gather(self, op: Op) -> None:
        """params: terms, the stride in the base of each index array, with the length of the axis that it goes along."""
        base, *indices = op.operands
        depth = len(self.shape)
        terms = []
        for view, (stride, side) in zip(indices, op.params["terms"], strict=True):
            name, _ = self._entry(op, view)
            self.names.add("wrapped")
            terms.append(f"wrapped({name}, {side})" + (f" * {stride}" if stride != 1 else ""))
        rest = place(op.params["strides"], base.offset)
        where = " + ".join(terms + ([rest] if rest != "0" else []))
        name = op.result.name
        self.before[depth].append(f"{name} = {self.name_of(base.root)}[{where}]")
        self.made[op.result] = name, depth

    def _check(self, op: Op) -> None:
        (view,) = op.operands
        name, _ = self._entry(op, view)
        depth = len(self.shape)
        if op.params["test"] == "nan":
            self.before[depth].append(f"found |= {name} != {name}")
        else:
            side = op.params["side"]
            self.before[depth].append(f"found |= ({name} < {-side}) | ({name} >= {side})")

    # -- reductions ----------------------------------------------------------------------------------------------------

    def _open(self, total: Total) -> None:
        strides = total.target.strides
        depth = len(self.shape)
        while depth and not strides[depth - 1]:
            depth -= 1
        total.depth = depth
        total.in_memory = any(not stride for stride in strides[:depth])
        step, dtype = total.op.params["step"], total.op.result.dtype
        if self._is_local(total):
            wide = np.dtype(float) if step == "plus" and self._in_blocks(total) else dtype
            self.before[depth].append(f"{total.op.result.name} = {start_of(step, wide)}")
        if total.in_memory:
            self.first += self._over_target(total, f"{self._where(total)} = {start_of(step, dtype)}")
        if dtype.kind in "iuf":
            self.names.add(dtype.name)

    def _is_local(self, total: Total) -> bool:
        """Whether the running value is in a register in the innermost loop."""
        return total.depth < len(self.shape) or not self.shape or not total.in_memory

    def _reduce(self, op: Op) -> None:
        total = next(each for each in self.totals if each.op is op)
        (view,) = op.operands
        name, _ = self._entry(op, view)
        entry = self._converted(name, view.root.dtype, op)
        step = op.params["step"]
        running = op.result.name if self._is_local(total) else self._where(total)
        running += "_block" if self._in_blocks(total) else ""
        if step in ("plus", "times", "largest", "smallest"):
            self.names.add(step)
        self.before[len(self.shape)].append(f"{running} = {STEP[step].format(running, entry)}")

    @staticmethod
    def _converted(name: str, dtype: Any, op: Op) -> str:
        wanted = op.result.dtype
        if op.params["step"] in ("either", "both") or op.primitive.name == "count_nonzero":
            name = name if dtype.kind == "b" else f"({name} != 0)"
            return name if wanted.kind == "b" else f"{wanted.name}({name})"
        return name if dtype == wanted else f"{wanted.name}({name})"

    def _where(self, total: Total) -> str:
        """The entry of the result that the loops are at."""
        return f"{self.name_of(total.op.result)}[{place(total.target.strides, 0)}]"

    @staticmethod
    def _divisor(op: Op) -> str:
        scale = op.params["scale"]
        return "" if scale is None else f" / {literal(float(scale), op.result.dtype)}"

    def _close(self, total: Total) -> None:
        op, depth = total.op, total.depth
        target, name, divisor = self._where(total), op.result.name, self._divisor(op)
        lines = self.after[depth] if depth < len(self.shape) else self.before[depth]
        if self.partial(total):
            self.last.append(f"P_{name}[part] = {name}")
        elif not total.in_memory:
            lines.append(f"{target} = {name}{divisor}")
        elif self._is_local(total):
            lines.append(f"{target} = {STEP[op.params['step']].format(target, name)}")
        if total.in_memory and divisor:
            self.last += self._over_target(total, f"{target} = {target}{divisor}")


def described(cluster: Cluster) -> str:
    """What a nest computes: primitives and results, for a docstring."""
    parts = []
    for op in cluster.ops:
        name = op.primitive.name if op.primitive is not None else op.params["test"]
        parts.append(name if not op.results else f"{op.result.name} = {name}")
    return ", ".join(parts)
