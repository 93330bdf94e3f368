"""Trace: writes down every primitive that a function applies, as a Program.

A function is traced by running it once. Its arguments are Tensors whose arrays are ``Value``s: shape and dtype without
entries. Each primitive that meets one, or that is applied at all while the trace is active, becomes an Instruction;
tapes inside the function record Nodes as ever, and their backward walk applies primitives again, so derivatives and the
optimizer's step end up in the same list.

Nothing is changed while tracing: Variables keep their values, generators their state. What the function assigns is
written down as the program's ``writes``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

from .. import recording
from ..errors import DtypeError, TraceError
from ..node import NO_PARAMS, Node, Spec
from ..primitive import Primitive, output_of
from ..recording import Frame
from ..symbol import Value, user_line
from ..tensor import OVERLOADS, Overloaded, Tensor, as_value
from ..variable import Variable
from .bounded import is_guarded
from .examples import outcome
from .program import Input, Instruction, Program

_NUMBERS = frozenset((float, int, complex, bool))


class Trace:
    """A program that is being written down.

    Parameters
    ----------
    name : str
        Of the function.
    zero_wins : bool
        Whether derivatives are written down such that a zero wins over an infinity at every elementwise edge.

    Attributes
    ----------
    program : Program
    statics : list of (function, value)
        Facts that the program was made for, and how to find out whether they still hold.
    afterwards : list of (function, positions)
        Called after each run, with the outputs at these positions.
    late_calls : dict of int to function
        Outputs that a function gives after all that.
    changed : bool
        Whether the program writes to Variables or buffers, or calls something afterwards.
    """

    def __init__(self, name: str, zero_wins: bool = False):
        self.program = Program(name)
        self.zero_wins = zero_wins
        self.statics: list[tuple[Callable[[], Any], Any]] = []
        self.afterwards: list[tuple[Callable[..., Any], list[int]]] = []
        self._afterwards: list[tuple[Callable[..., Any], list[Value]]] = []
        self.late_calls: dict[int, Callable[[], Any]] = {}
        self._counts: dict[int, list[Any]] = {}
        self._inputs: dict[tuple[str, int], Input] = {}
        self._present: dict[int, Tensor] = {}  # of each Variable that was read or assigned; of each buffer
        self._writes: dict[int, tuple[Input, Value]] = {}
        self.inner: list[Any] = []  # traces of branches and loops, from which derivatives can be made until the end
        self._seen: dict[int, tuple[Any, Any]] = {}  # Tensors whose entries were looked at: references, and arrays
        self._moved: list[tuple[Tensor, Any]] = []  # Tensors that were changed in place, and what they were

    @property
    def changed(self) -> bool:
        """Whether a run changes anything."""
        return bool(self._writes or self._afterwards or self.afterwards)

    # -- running ---------------------------------------------------------------------------------------------------

    def run(self, function: Callable[[], Any]) -> Any:
        """Call ``function`` under this trace, outside of whatever tapes are recording."""
        before = recording.replace(Frame((), self))
        try:
            with np.errstate(all="ignore"):
                return function()
        finally:
            recording.replace(before)

    # -- inputs ----------------------------------------------------------------------------------------------------

    def input(self, kind: str, key: Any, example: Any, identity: Any = None) -> Value:
        """Value of an input; the same for the same ``key``."""
        place = (kind, id(key) if identity is None else identity)
        known = self._inputs.get(place)
        if known is None:
            if example.dtype.kind not in "fciub":
                raise DtypeError(f"a {kind} of dtype {example.dtype} cannot be traced; expected numbers or booleans.")
            known = Input(kind, key)
            known.value = Value(example.shape, example.dtype, known, example)
            self._inputs[place] = known
            self.program.inputs.append(known)
        return known.value

    def argument(self, position: int, array: Any) -> Value:
        """Value of an argument's leaf."""
        return self.input("argument", position, array, position)

    def host(self, call: Callable[[], Any], shape: Sequence[int], dtype: Any) -> Tensor:
        """What ``call`` returns at each run of the program; it is not called now."""
        example = np.zeros(tuple(shape), dtype)
        return Tensor(self.input("host", call, example, len(self._inputs)), None)

    def late(self, call: Callable[[], Any], shape: Sequence[int], dtype: Any) -> Tensor:
        """A value that ``call`` gives after each run; it can only be returned."""
        value = Value(tuple(shape), np.dtype(dtype), None, np.zeros(tuple(shape), dtype))
        value.source = Input("late", call, value)
        return Tensor(value, None)

    def add_afterwards(self, call: Callable[..., Any], tensors: Sequence[Any]) -> None:
        """Have ``call`` called after each run with what ``tensors`` are then."""
        self._afterwards.append((call, [self.value_of(tensor) for tensor in tensors]))

    def count(self, owner: object) -> int:
        """How often this was asked for ``owner`` before."""
        entry = self._counts.setdefault(id(owner), [owner, -1])
        entry[1] += 1
        return entry[1]

    def present(self, variable: Variable) -> Tensor:
        """Value of a Variable at this point of the function."""
        known = self._present.get(id(variable))
        if known is None:
            value = self.input("variable", variable, variable._value.array)
            known = self._present[id(variable)] = Tensor(value, None)
        return known

    def buffer(self, array: Any) -> Tensor:
        """Value at this point of an array that the function may write to (``store``)."""
        known = self._present.get(id(array))
        if known is None:
            known = self._present[id(array)] = Tensor(self.input("buffer", array, array), None)
        return known

    def store(self, array: Any, value: Any) -> None:
        """Let the program write ``value`` into ``array``."""
        target = self.input("buffer", array, array).source
        new = self.value_of(value)
        if new.shape != array.shape or new.dtype != array.dtype:
            raise TraceError(
                f"store: got shape {new.shape}, dtype {new.dtype} for a buffer of shape {array.shape}, {array.dtype}."
            )
        self._write(array, target, new)

    def assign(self, variable: Variable, given: Any, update: Any = None) -> Variable:
        """``variable.assign(given)``, or with ``update`` (np.add, np.subtract) ``assign_add``, ``assign_sub``."""
        what = "assign" if update is None else f"assign_{'add' if update is np.add else 'sub'}"
        array = as_value(given)
        variable.check_update(what, given, array, update is not None)
        new: Any = given if isinstance(given, Overloaded) else Tensor(array, None)
        new = Tensor(self.value_of(new), None)
        if new.dtype != variable.dtype:
            new = new.astype(variable.dtype)
        if update is not None:
            new = OVERLOADS[update](Tensor(self.present(variable).array, None), new)
        target = self.input("variable", variable, variable._value.array).source
        self._write(variable, target, self.value_of(new))
        return variable

    def _write(self, key: Any, target: Input, value: Value) -> None:
        self._present[id(key)] = Tensor(value, None)
        self._writes[id(key)] = (target, value)

    def static(self, find_out: Callable[[], Any]) -> Any:
        """A fact that the program is made for; a run for which it is another one needs another trace."""
        value = find_out()
        self.statics.append((find_out, value))
        return value

    # -- primitives --------------------------------------------------------------------------------------------------

    def apply(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any], frame: Frame) -> Any:
        """Write down one application; see ``primitive.apply``, whose place this takes under a trace."""
        operands: list[Any] = []
        parents: list[Node | None] = []
        for arg in args:
            if arg.__class__ is Variable or isinstance(arg, Variable):
                arg = arg.read(frame)
            node = arg.node if arg.__class__ is Tensor else None
            parents.append(node)
            operands.append(arg if arg.__class__ in _NUMBERS else self.value_of(arg))
        lifted = replaced_tensors(params, self.value_of)
        instruction = Instruction(primitive, tuple(operands), lifted, place=user_line())
        out = outcome(instruction, args, params)
        several = out.__class__ is tuple
        if several and len(out) == 1:
            primitive.several = True
        arrays = tuple(as_value(o) for o in out) if several else (as_value(out),)
        results = tuple(Value(a.shape, a.dtype, instruction, a) for a in arrays)
        instruction.results = results
        self.program.instructions.append(instruction)
        value: Any = results if several else results[0]
        return self._recorded(primitive, operands, parents, value, lifted, frame)

    def _recorded(self, primitive, operands, parents, value, params, frame: Frame) -> Any:
        """Results as Tensors, with a Node where a tape tracks an operand."""
        several = value.__class__ is tuple
        tapes = frame.trackers(parents) if frame.records else ()
        differentiable = several or value.dtype.kind in "fc"
        if not tapes or primitive.vjps is None or not differentiable:
            return tuple(Tensor(v, None) for v in value) if several else Tensor(value, None)
        saved = tuple(operands if primitive.keeps else (Spec(o) if o.__class__ is Value else o for o in operands))
        parents = [p if p is not None and any(token in p.tapes for token in tapes) else None for p in parents]
        node = Node(primitive, saved, tuple(parents), value, params or NO_PARAMS, tapes)
        frame.write(node)
        if several:
            return tuple(output_of(frame, node, index) for index in range(len(value)))
        return Tensor(value, node)

    def value_of(self, given: Any) -> Value:
        """Value of anything that is no Python number: of this trace, or captured from outside."""
        array = given.array if isinstance(given, Overloaded) else given
        if array.__class__ is Value:
            if array.example is None:
                raise TraceError(
                    f"at {user_line()} a Tensor is used that comes from another call of a traced function, which has "
                    "ended. Return it from that function, and use what the call gives."
                )
            return array
        if given.__class__ is Tensor:
            return self.input("tensor", given, array)
        if isinstance(given, np.ndarray):
            return self.input("array", given, as_value(given))
        kinds: tuple[Any, ...] = (bool, int, float, complex)
        for number in kinds:
            if isinstance(given, number) and not isinstance(given, np.generic):
                return number(given)
        own = np.array(as_value(given))
        own.flags.writeable = False
        return self.input("constant", own, own)

    def entered(self, given: Any) -> Any:
        """What is made an input of a recording inside: it is read at each run of the program, and may be tracked."""
        if isinstance(given, np.ndarray):
            return Tensor(self.value_of(given), None)
        if given.__class__ is Tensor and given.array.__class__ is not Value:
            return Tensor(self.value_of(given), given.node)
        return given

    def guard(self, nodes: Sequence[Node], found: Sequence[Any]) -> None:
        """Have the plan look for NaN in gradients, if a zero may have met an infinity on the way to them."""
        if not self.zero_wins and any(is_guarded(node) for node in nodes):
            self.program.guards += [self.value_of(ct) for ct in found if ct.dtype.kind in "fc"]

    def pause(self, record: Any) -> None:
        """A tape pauses, and has left the frame: nothing else is to do here."""

    def go_on(self, record: Any) -> None:
        """The tape is back."""

    def looked_at(self, handle: Any) -> None:
        """Make the program for the present entries of a Tensor from outside: another one for others."""
        array = handle.array
        if array.__class__ is not Value:
            self._seen[id(handle)] = (ref(handle), ref(array))  # to hold it would tell that somebody has it

    def _fix_seen(self) -> None:
        for handle, array in self._seen.values():
            if handle() is not None:  # those made by the function are gone
                self.statics.append((partial(_is_unmoved, handle, array()), True))
        self._seen.clear()

    def moved(self, handle: Tensor) -> None:
        """Remember a Tensor from outside of the trace, or made by its function from numbers, that is changed."""
        if handle.array.__class__ is not Value:
            self._moved.append((handle, handle.array))

    # -- the end -----------------------------------------------------------------------------------------------------

    def finish(self, outputs: Sequence[Value]) -> Program:
        """The program; its examples are let go."""
        self._check_moved()
        program = self.program
        self._check_late()
        program.outputs = list(outputs)
        for position, value in enumerate(program.outputs):
            if isinstance(value.source, Input) and value.source.kind == "late":
                self.late_calls[position] = value.source.key
        program.outputs = [v for i, v in enumerate(program.outputs) if i not in self.late_calls]
        for call, values in self._afterwards:
            start = len(program.outputs)
            program.outputs += values
            self.afterwards.append((call, list(range(start, start + len(values)))))
        self._afterwards.clear()
        program.writes = list(self._writes.values())
        self._present.clear()
        for instruction in program.instructions:
            for result in instruction.results:
                result.example = None  # it may be a view of an array that is asked about next
        for each in program.inputs:
            each.value.example = None
        while self.inner:  # they hold examples, too
            self.inner.pop().close()
        for each in program.inputs:
            if each.kind in ("array", "tensor") and self._is_ours(each):
                each.kind, each.key = "constant", as_value(each.key)
            elif each.kind == "array" and not _is_plain(each.key):
                each.kind, each.key = "host", partial(_laid_out, each.key)  # a copy of what it is at each run
        self._inputs.clear()
        self._fix_seen()
        program.name_values()
        return program

    def _check_late(self) -> None:
        for instruction in self.program.instructions:
            for value in instruction.values():
                if isinstance(value.source, Input) and value.source.kind == "late":
                    raise TraceError(
                        f"at {instruction.place}: {instruction.primitive.name} is applied to the result of a metric or "
                        "a counter, which is known only after the run. Return it from the function, and compute there."
                    )

    def _check_moved(self) -> None:
        while self._moved:
            handle, before = self._moved.pop()
            known = self._inputs.get(("tensor", id(handle)))
            if known is not None:  # what it was at first is what the program reads
                known.kind, known.key = "array", before
            if sys.getrefcount(handle) > _ALONE:  # somebody outside still has it
                handle.array, handle.node = before, None
                raise TraceError(
                    f"{self.program.name} changes a Tensor from outside in place (x[...] = y, x += y): a plan does "
                    "not. Make a new Tensor and return it, or keep the value in a Variable and assign to that."
                )

    def _is_ours(self, given: Input) -> bool:
        """Whether nobody outside of the trace can change an array: it was made by the function, or is read-only."""
        if given.kind == "tensor":
            if given.key.node is not None and any(token.alive for token in given.key.node.tapes):
                return False  # a handle of what a tape outside tracks: a call of the function has a derivative in it
            if not given.key.array.flags.writeable:  # one of the engine's own constants
                return given.key.array.base is None
            return sys.getrefcount(given.key) <= _ALONE_IN_INPUT and self._is_unshared(given.key.array)
        return self._is_unshared(given.key)

    def _is_unshared(self, array: Any) -> bool:
        if array.base is None:
            return not array.flags.writeable or sys.getrefcount(array) <= _ALONE_IN_INPUT + 1
        # A view of an array that only the view has.
        whole = isinstance(array.base, np.ndarray) and array.base.base is None
        return whole and sys.getrefcount(array) <= _ALONE_IN_INPUT + 1 and sys.getrefcount(array.base) <= _ALONE_AS_BASE


def _references() -> tuple[int, int, int]:
    """Reference counts that mean "nobody else": measured, since they differ between versions of Python."""
    handle = Tensor(np.zeros(1), None)
    pairs = [(handle, handle.array)]
    del handle
    popped, _ = pairs.pop()
    alone = sys.getrefcount(popped)
    held = Input("tensor", popped)
    del popped
    view = np.zeros(2)[::-1]
    return alone, sys.getrefcount(held.key), sys.getrefcount(view.base)


_ALONE, _ALONE_IN_INPUT, _ALONE_AS_BASE = _references()


def _is_plain(array: Any) -> bool:
    flags = array.flags
    return flags.c_contiguous and flags.aligned and array.dtype.isnative and array.__class__ is np.ndarray


def _laid_out(array: Any) -> Any:
    return np.array(array, array.dtype.newbyteorder("="), order="C", subok=False)


def _is_unmoved(handle: Any, array: Any) -> bool:
    tensor = handle()
    return tensor is None or tensor.array is array


def replaced_tensors(structure: Any, of: Callable[[Any], Any]) -> Any:
    """``structure`` of parameters with ``of(tensor)`` in place of Tensors that are traced."""
    if isinstance(structure, Overloaded) or structure.__class__ is Value:
        return of(structure)
    if structure.__class__ is dict:
        return {key: replaced_tensors(entry, of) for key, entry in structure.items()} if structure else structure
    if structure.__class__ in (tuple, list):
        return structure.__class__([replaced_tensors(entry, of) for entry in structure])
    if structure.__class__ is slice:
        return slice(*(replaced_tensors(bound, of) for bound in (structure.start, structure.stop, structure.step)))
    return structure
