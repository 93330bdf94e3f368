"""Instructions as what the Numba emitter knows: maps, reductions, matrix products, gathers, copies, calls.

Views (reshape, transpose, basic slices, ...) vanish here: whoever reads one reads its root through an index map. What
has no compiled form becomes a call of the primitive's Python function between two compiled segments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ...ops.arithmetic import MULTIPLY
from ...ops.reshaping import ASTYPE, COPY
from ...primitive import Primitive
from ...symbol import Value
from ..kernels import KERNELS
from ..machine.scalar import expression
from ..passes.pure import is_ours
from ..program import Input, Instruction, Program, values_in
from .loops import Ints, View, contiguous_strides, reshaped, transposed, view_of, whole

OF_NUMBERS = ("set_at", "add_at")
"""Rules that take Python numbers for operands."""

READABLE = frozenset(map(np.dtype, ("float32", "float64", "complex64", "complex128")))
"""Dtypes of guards that compiled code reads."""


@dataclass(slots=True, eq=False)
class Op:
    """One step that the emitter knows.

    Attributes
    ----------
    kind : {"map", "gather", "reduce", "check", "product", "parts", "update", "scan", "kernel", "python"}
    primitive : Primitive
    operands : tuple of View or number
    results : tuple of Value
        Roots; contiguous in C order.
    params : dict
        Of the instruction; for other kinds what is said at the function that makes them.
    place, comment : str
    """

    kind: str
    primitive: Any
    operands: tuple[Any, ...]
    results: tuple[Value, ...]
    params: dict[str, Any] = field(default_factory=dict)
    place: str = ""
    comment: str = ""

    @property
    def result(self) -> Value:
        """The first result."""
        return self.results[0]

    def views(self) -> list[View]:
        """Operands that are arrays."""
        return [each for each in self.operands if each.__class__ is View]

    @property
    def looked_up(self) -> tuple[View, ...]:
        """Operands that are not read entry by entry."""
        return (self.operands[0],) if self.kind == "gather" else ()

    @property
    def shape(self) -> Ints:
        """Loops that it runs over, if it is one that can share loops."""
        return self.operands[0].shape if self.kind in ("reduce", "check") else self.results[0].shape

    @property
    def fails(self) -> bool:
        """Whether it may find entries that are not allowed."""
        return self.kind in ("check", "python") or bool(self.kind == "kernel" and self.params["call"].fails)


@dataclass(slots=True, eq=False)
class Lowered:
    """A program as a list of ops.

    Attributes
    ----------
    ops : list of Op
    inputs : dict of Value to Input
        Those of the program, constants found in parameters besides.
    views : dict of Value to View
        Where each value of the program lies.
    outputs : list of Value
        Root of each output; each is an op's result and occurs once.
    writes : list of (Input, Value)
        Root of each new value; likewise.
    guards : list of View
    """

    ops: list[Op] = field(default_factory=list)
    inputs: dict[Value, Input] = field(default_factory=dict)
    views: dict[Value, View] = field(default_factory=dict)
    outputs: list[Value] = field(default_factory=list)
    writes: list[tuple[Input, Value]] = field(default_factory=list)
    guards: list[View] = field(default_factory=list)


class Lowering:
    """Turns the instructions of one program into ops."""

    def __init__(self, program: Program, rules: dict[str, Rule], workers: int = 1):
        self.rules = rules
        self.workers = workers
        self.program = program
        self.result = Lowered()
        self.instruction: Any = None
        self.count = 0
        self.checked: dict[Any, Op] = {}

    def run(self) -> Lowered:
        """The whole program."""
        done = self.result
        for each in self.program.inputs:
            done.inputs[each.value] = each
            done.views[each.value] = whole(each.value)
            if each.kind == "constant" and each.value.size > 1 and (each.key == each.key.flat[0]).all():
                done.views[each.value] = self.constant(each.key.flat[0]).broadcast(each.value.shape)
        for instruction in self.program.instructions:
            self.instruction = instruction
            self._lower(instruction)
        self.instruction = None
        claimed: set[Value] = set()
        done.outputs = [self._own(value, claimed) for value in self.program.outputs]
        done.writes = [(target, self._own(value, claimed)) for target, value in self.program.writes]
        done.guards = [self._guard(value) for value in self.program.guards if value.dtype.kind in "fc"]
        return done

    # -- help ----------------------------------------------------------------------------------------------------------

    def view(self, operand: Any) -> Any:
        """Where a value lies; a number as it is."""
        return self.result.views[operand] if operand.__class__ is Value else operand

    def new(self, shape: Ints, dtype: Any) -> Value:
        """A value of our own."""
        self.count += 1
        return Value(tuple(shape), np.dtype(dtype), None, None, f"t{self.count}")

    def constant(self, array: Any) -> View:
        """An array found in parameters, as an input."""
        array = np.asarray(array)
        value = self.new(array.shape, array.dtype)
        value.name = f"c{len(self.program.inputs) + self.count}"
        value.source = self.result.inputs[value] = Input("constant", np.ascontiguousarray(array), value)
        self.result.views[value] = whole(value)
        return self.result.views[value]

    def op(self, kind: str, primitive: Any, operands: Any, results: Any, **params: Any) -> None:
        """Append an op; its results lie where they are written."""
        i = self.instruction
        comment = "" if i is None else " ".join(str(i).split())
        self.result.ops.append(
            Op(kind, primitive, tuple(operands), tuple(results), params, "" if i is None else i.place, comment)
        )
        for value in results:
            self.result.views[value] = whole(value)

    def map(self, primitive: Primitive, operands: Any, result: Value, params: dict[str, Any] | None = None) -> View:
        """An elementwise op; operands are broadcast to the result."""
        spread = [o.broadcast(result.shape) if o.__class__ is View else o for o in operands]
        if primitive in (COPY, ASTYPE) and not is_compiled(result, *(o.root for o in spread if o.__class__ is View)):
            instruction = Instruction(primitive, (), params or {})
            self.op("python", primitive, spread, [result], instruction=instruction, extra=[])
        else:
            self.op("map", primitive, spread, [result], **(params or {}))
        return whole(result)

    def contiguous(self, view: View, dtype: Any = None) -> View:
        """The same entries in C order, of ``dtype``; copied if need be."""
        dtype = view.root.dtype if dtype is None else dtype
        if view.root.dtype != dtype:
            return self.map(ASTYPE, [view], self.new(view.shape, dtype), {"dtype": dtype})
        return view if view.is_contiguous() else self.map(COPY, [view], self.new(view.shape, dtype))

    def _own(self, value: Value, claimed: set[Value]) -> Value:
        """A root for ``value`` that is nobody else's."""
        view = self.view(value)
        root = view.root
        if root in claimed or root in self.result.inputs or not view.is_whole():
            root = self.map(COPY, [view], self.new(value.shape, value.dtype)).root
        claimed.add(root)
        return root

    def _guard(self, value: Value) -> View:
        """What is searched for NaN in place of ``value``: itself, or a copy of a dtype that compiled code reads."""
        view = self.view(value)
        if value.dtype in READABLE:
            return view
        dtype = "float64" if value.dtype.kind == "f" else "complex128"
        return self.map(ASTYPE, [view], self.new(view.shape, dtype), {"dtype": np.dtype(dtype)})

    # -- instructions --------------------------------------------------------------------------------------------------

    def _lower(self, instruction: Instruction) -> None:
        operands = [self.view(o) for o in instruction.operands]
        if self._is_view(instruction, operands):
            return
        if not _known(instruction) or not is_ours(instruction.primitive):
            self._python(instruction, operands)
            return
        name = instruction.primitive.name
        if instruction.primitive.elementwise and not instruction.several and self._elementwise(instruction, operands):
            return
        rule = self.rules.get(name)
        fits = rule is not None and (name in OF_NUMBERS or all(o.__class__ is View for o in operands))
        kernel = KERNELS.get(instruction.primitive)
        if kernel is not None and rule is not None and fits and rule(self, instruction, operands):
            return
        call = kernel.plan(instruction) if kernel is not None else None
        if call is not None:
            self._kernel(instruction, operands, call)
            return
        if kernel is not None or rule is None or not fits or not rule(self, instruction, operands):
            self._python(instruction, operands)

    def _is_view(self, instruction: Instruction, operands: list[Any]) -> bool:
        if not operands or operands[0].__class__ is not View or next(values_in(instruction.params), None) is not None:
            return False
        views = view_of(instruction, operands[0])
        if views is None:
            return False
        self.result.views.update(zip(instruction.results, views, strict=True))
        return True

    def _elementwise(self, instruction: Instruction, operands: list[Any]) -> bool:
        result = instruction.result
        dtypes = [o.root.dtype if o.__class__ is View else None for o in operands]
        names = [f"x{at}" if o.__class__ is View else o for at, o in enumerate(operands)]
        if expression(instruction.primitive, names, dtypes, result.dtype, instruction.params) is None:
            return False
        self.map(instruction.primitive, operands, result, instruction.params)
        return True

    def _kernel(self, instruction: Instruction, operands: list[Any], call: Any) -> None:
        used = range(len(operands)) if call.operands is None else call.operands
        given = [self.contiguous(self.array(o)) if at in used else o for at, o in enumerate(operands)]
        self.op("kernel", instruction.primitive, given, instruction.results, call=call, instruction=instruction)

    def array(self, operand: Any) -> View:
        """An operand as an array, also if it is a number."""
        return operand if operand.__class__ is View else self.constant(np.asarray(operand))

    def _python(self, instruction: Instruction, operands: list[Any]) -> None:
        extra = list(dict.fromkeys(values_in(instruction.params)))
        self.op(
            "python", instruction.primitive, [*operands, *map(self.view, extra)], instruction.results,
            instruction=instruction, extra=extra,
        )  # fmt: skip


def _known(instruction: Instruction) -> bool:
    """Whether all dtypes have a compiled form."""
    return is_compiled(*(o for o in instruction.operands if o.__class__ is Value), *instruction.results)


def is_compiled(*values: Value) -> bool:
    """Whether there is compiled code for such entries."""
    return all(v.dtype.kind in "biuf" and v.dtype.itemsize <= 8 and v.dtype.char != "e" for v in values)


# -- reductions --------------------------------------------------------------------------------------------------------

REDUCTIONS = {"sum": "plus", "mean": "plus", "prod": "times", "max": "largest", "min": "smallest"}
LOGIC = {"any": "either", "all": "both"}


def _reduce(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    """params: step, the function of two entries; axes; scale, by which the result is divided, or None."""
    params, (view,), result = instruction.params, operands, instruction.result
    name = instruction.primitive.name
    if set(params) - {"axis", "keepdims", "dtype"}:
        return False
    axis = params["axis"]
    axes = tuple(range(len(view.shape))) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    scale = prod(view.shape[at] for at in axes) if name == "mean" else None
    if scale == 0 or (name in ("max", "min") and view.root.dtype.kind == "b"):
        return False
    step = REDUCTIONS.get(name) or LOGIC.get(name) or "plus"
    lowering.op("reduce", instruction.primitive, [view], [result], step=step, axes=axes, scale=scale)
    return True


# -- products as loops -------------------------------------------------------------------------------------------------


def _outer(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    x, y = (reshaped(v, (v.size,)) or reshaped(lowering.contiguous(v), (v.size,)) for v in operands)
    assert x is not None
    assert y is not None
    x = View(x.root, (*x.shape, 1), (*x.strides, 0), x.offset)
    lowering.map(MULTIPLY, [x, y], instruction.result)
    return True


def _vecdot(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    x, y = operands
    shape = np.broadcast_shapes(x.shape, y.shape)
    view = lowering.map(MULTIPLY, [x, y], lowering.new(shape, instruction.result.dtype))
    axes = (len(shape) - 1,)
    lowering.op("reduce", instruction.primitive, [view], [instruction.result], step="plus", axes=axes, scale=None)
    return True


# -- copies ------------------------------------------------------------------------------------------------------------


def _copied_reshape(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    """Entries that do not lie at regular places in the new shape."""
    (view,) = operands
    if instruction.params.get("order", "C") != "C":
        view = transposed(view, tuple(reversed(range(len(view.shape)))))
        back = lowering.contiguous(view)
        shape = instruction.result.shape[::-1]
        flat = View(back.root, shape, contiguous_strides(shape), back.offset)
        lowering.result.views[instruction.result] = transposed(flat, tuple(reversed(range(len(shape)))))
        return True
    copy = lowering.map(COPY, [view], lowering.new(view.shape, view.root.dtype))
    shape = instruction.result.shape
    lowering.result.views[instruction.result] = View(copy.root, shape, contiguous_strides(shape))
    return True


def part(result: Value, axis: int, start: int, stop: int) -> View:
    """Stretch of a result along an axis."""
    strides = contiguous_strides(result.shape)
    shape = (*result.shape[:axis], stop - start, *result.shape[axis + 1 :])
    return View(result, shape, strides, start * strides[axis])


def _concatenate(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    """params: targets, one View of the result per operand."""
    result, axis = instruction.result, instruction.params["axis"]
    if axis is None:
        return False
    targets, start = [], 0
    for view in operands:
        targets.append(part(result, axis, start, start + view.shape[axis]))
        start += view.shape[axis]
    lowering.op("parts", instruction.primitive, operands, [result], targets=tuple(targets))
    return True


def _stack(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    result, axis = instruction.result, instruction.params["axis"]
    axis %= len(result.shape)
    wider = [
        View(v.root, (*v.shape[:axis], 1, *v.shape[axis:]), (*v.strides[:axis], 0, *v.strides[axis:]), v.offset)
        for v in operands
    ]
    targets = tuple(part(result, axis, at, at + 1) for at in range(len(operands)))
    lowering.op("parts", instruction.primitive, wider, [result], targets=targets)
    return True


Rule = Callable[[Lowering, Instruction, list[Any]], bool]

RULES: dict[str, Rule] = {
    **dict.fromkeys((*REDUCTIONS, *LOGIC, "count_nonzero"), _reduce),
    "outer": _outer, "vecdot": _vecdot, "reshape": _copied_reshape,
    "concatenate": _concatenate, "stack": _stack,
}  # fmt: skip


def lower(program: Program, more: dict[str, Rule] | None = None, workers: int = 1) -> Lowered:
    """Ops of a program for so many threads, by the rules here and ``more``."""
    return Lowering(program, {**RULES, **(more or {})}, workers).run()
