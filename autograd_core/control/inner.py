"""InnerTrace: the trace of a branch, or of the body of a loop, inside of another trace.

What the function takes from outside becomes an operand: values of the trace around it, Variables, the user's arrays.
What it assigns becomes a result. Where tapes are recording around it, the inner trace keeps records of its own, one for
each of these tapes and one more. Derivatives of the function are derived from them later, as sub-programs again: first
derivatives from the last record, recorded by those before it, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from .. import recording
from ..backward import pull_back
from ..compile.program import Input, Program
from ..compile.trace import Trace
from ..errors import NotDifferentiableError, TraceError
from ..forward import push_forward
from ..node import Node, leaf
from ..primitive import Primitive
from ..recording import Frame, Record
from ..symbol import Value
from ..tensor import Tensor, as_value
from ..variable import Variable
from .code import Code
from .slicing import sliced

CAPTURED = ("outer", "variable", "buffer", "tensor", "array")
"""Kinds of inputs that come from outside of the function without being its arguments."""


class InnerTrace(Trace):
    """A sub-program that is being written down.

    Parameters
    ----------
    name : str
        Of the construct, for error messages.
    frame : Frame
        Of the trace around it, with the tapes that are recording there.
    """

    def __init__(self, name: str, frame: Frame):
        outer: Trace = frame.trace
        super().__init__(name, outer.zero_wins)
        self.outer = outer
        self.frame = frame
        self.records = _records_like(frame)
        self.tokens = tuple(record.token for record in self.records)
        self.labels: dict[Hashable, Input] = {}
        self.leaves: dict[Hashable, Node] = {}
        self.rows: list[Primitive] = []  # what it became in the trace around it; their rules refer to this trace
        self._own: set[Value] = set()
        self._asleep: dict[Value, Any] = {}
        root = outer
        while isinstance(root, InnerTrace):
            root = root.outer
        root.inner.append(self)

    # -- running ---------------------------------------------------------------------------------------------------

    def trace(self, function: Callable[[], Sequence[Any]]) -> list[Tensor]:
        """Run a function of the user's, and give what it returns as Tensors of this trace."""
        found = self.under(len(self.records), lambda: [self.inside(each) for each in function()])
        self._check_moved()
        return found

    def _settle(self) -> None:
        """Make constants of arrays that nobody else has: they were made inside."""
        for each in self.program.inputs:
            if each.kind == "tensor" and each.key.node is not None:
                continue  # it may have a derivative
            if each.kind in ("array", "tensor") and self._is_ours(each):
                each.kind, each.key = "constant", as_value(each.key)

    def under(self, depth: int, function: Callable[[], Any]) -> Any:
        """Call ``function`` with the first ``depth`` records recording."""
        before = recording.replace(Frame(tuple(self.records[:depth]), self))
        for value, example in self._asleep.items():
            value.example = example
        try:
            with np.errstate(all="ignore"):
                return function()
        finally:
            recording.replace(before)
            for value in self._own:  # without an example a value cannot be used outside of its function
                self._asleep[value], value.example = value.example, None

    def close(self) -> None:
        """Let go of everything: no more derivatives will be made."""
        self.program = Program(self.program.name)
        self.records = []
        for row in self.rows:
            row.vjps = row.jvps = None
        self.rows = []
        for container in (self.labels, self.leaves, self._own, self._asleep, self._inputs, self._present, self._writes):
            container.clear()  # type: ignore[attr-defined]

    def run(self, function: Callable[[], Any]) -> Any:
        """Call ``function`` under this trace, without any record."""
        return self.under(0, function)

    # -- what comes in ---------------------------------------------------------------------------------------------

    def input(self, kind: str, key: Any, example: Any, identity: Any = None) -> Value:
        """As in any trace; each input has a label, the same in all sub-programs of one construct."""
        known = len(self.program.inputs)
        value = super().input(kind, key, example, identity)
        if len(self.program.inputs) > known:
            made = self.program.inputs[-1]
            self._own.add(value)
            self.labels[self._label(kind, key, identity)] = made
        return value

    def _label(self, kind: str, key: Any, identity: Any) -> Hashable:
        if kind == "operand":
            return key
        return (kind, id(self), identity) if kind == "host" else (kind, id(key) if identity is None else identity)

    def operand(self, label: Hashable, example: Any, depth: int | None = None) -> Tensor:
        """An argument of the function, tracked by the first ``depth`` records (all of them: None)."""
        value = self.input("operand", label, example, label)
        tokens = self.tokens[:depth]
        if not tokens or value.dtype.kind not in "fc":
            return Tensor(value, None)
        node = self.leaves[label] = leaf(value, tokens)
        return Tensor(value, node)

    def handle(self, label: Hashable) -> Tensor:
        """The input of some label."""
        return Tensor(self.labels[label].value, self.leaves.get(label))

    def constant(self, array: Any) -> Tensor:
        """An array that nobody changes."""
        return Tensor(self.input("constant", array, array), None)

    def inside(self, given: Any) -> Tensor:
        """Anything as a Tensor of this trace."""
        if given.__class__ is Variable or isinstance(given, Variable):
            given = given.read(recording.current())
        node = given.node if given.__class__ is Tensor else None
        if node is not None:
            self.adopt(node)
        value: Any = self.value_of(given)
        return Tensor(value if value.__class__ is Value else self.value_of(np.asarray(value)), node)

    def entered(self, given: Any) -> Any:
        """As in any trace; what comes from outside is an operand first, tracked as it is there."""
        if given.__class__ is not Tensor:
            return super().entered(given)
        return given if self._is_own(given.array) else self.inside(given)

    def adopt(self, node: Node) -> bool:
        """Let the records here track a Node of outside, if a tape outside tracks it."""
        tapes = node.tapes
        if any(token in tapes for token in self.tokens):
            return True
        tracked = any(token in tapes for token in self.frame.tokens)
        if not tracked and isinstance(self.outer, InnerTrace):
            tracked = self.outer.adopt(node)
        if tracked:
            for token in self.tokens:
                recording.track(node, token)
        return tracked

    def apply(self, primitive, args, params, frame):
        """As in any trace, but values of traces around this one become operands."""
        for arg in args:
            if arg.__class__ is Tensor and arg.node is not None and not self._is_own(arg.array):
                self.adopt(arg.node)
        count = len(self.program.instructions)
        out = super().apply(primitive, args, params, frame)
        for instruction in self.program.instructions[count:]:
            self._own.update(instruction.results)
        return out

    def value_of(self, given: Any) -> Any:
        array = getattr(given, "array", given)
        if array.__class__ is not Value or self._is_own(array) or array.example is None:
            return super().value_of(given)
        node = given.node if given.__class__ is Tensor else None
        return self.input("outer", Tensor(array, node), array.example, (id(array), id(node)))

    def _is_own(self, array: Any) -> bool:
        """Whether a value is of this trace; an array, of which the entries are known, is of none."""
        return array.__class__ is Value and array in self._own

    def moved(self, handle: Tensor) -> None:
        """Remember a Tensor from outside that is changed."""
        if not self._is_own(handle.array):
            self._moved.append((handle, handle.array))

    def pause(self, record: Record) -> None:
        """Let the records here pause, if they stand for no other tape than that of ``record``."""
        if not self._stands_for(record):
            return
        if any(not self._is_of(other, record) for other in self.frame.records):
            raise TraceError(
                f"{self.program.name}: one of several tapes pauses (stop_recording) inside of a branch or a loop that "
                "is traced. Use stop_gradient on the values, or pause the tape around it."
            )
        frame: Any = recording.current()
        recording.replace(Frame(tuple(each for each in frame.records if each not in self.records), self))

    def _stands_for(self, record: Record) -> bool:
        return any(self._is_of(other, record) for other in self.frame.records)

    def _is_of(self, other: Record, record: Record) -> bool:
        """Whether a record of the trace around this one is ``record``, or stands for it there."""
        if other is record:
            return True
        return isinstance(self.outer, InnerTrace) and other in self.outer.records and self.outer._stands_for(record)

    # -- what does not belong in a sub-program -----------------------------------------------------------------------

    def static(self, find_out: Callable[[], Any]) -> Any:
        """A fact that the whole plan is made for."""
        return self.outer.static(find_out)

    def add_afterwards(self, call: Callable[..., Any], tensors: Sequence[Any]) -> None:
        """Refuse: it would be called whether or not the branch is taken, and once for a whole loop."""
        self._refuse()

    def late(self, call: Callable[[], Any], shape: Sequence[int], dtype: Any) -> Any:
        """Refuse, as ``add_afterwards``."""
        self._refuse()

    def count(self, owner: object) -> int:
        """As in the trace around this one."""
        return self.outer.count(owner)

    def _refuse(self) -> NoReturn:
        raise TraceError(
            f"{self.program.name}: an optimizer's step, a metric or a counter inside of a branch or a loop that is "
            "traced. Compute the gradients or the values inside, return them, and make the step or the update outside."
        )

    # -- what comes out --------------------------------------------------------------------------------------------

    @property
    def hosts(self) -> dict[Hashable, Input]:
        """What is drawn for each run, by label."""
        return {label: each for label, each in self.labels.items() if each.kind == "host"}

    @property
    def captured(self) -> dict[Hashable, Input]:
        """What comes from outside, by label."""
        self._settle()
        return {label: each for label, each in self.labels.items() if each.kind in CAPTURED}

    @property
    def written(self) -> dict[Hashable, Input]:
        """Variables and buffers that the function assigns, by label."""
        targets = {id(target) for target, _ in self._writes.values()}
        return {label: each for label, each in self.labels.items() if id(each) in targets}

    def present_at(self, label: Hashable, source: Input) -> Tensor:
        """Value that a Variable or a buffer has at the end of the function."""
        known = self._present.get(label[1])  # type: ignore[index]
        if known is None:
            known = self.run(lambda: self.present(source.key) if source.kind == "variable" else self.buffer(source.key))
        return known

    def sources(self, label: Hashable) -> list[Node]:
        """Nodes that stand for an input of outside on the records."""
        each = self.labels.get(label)
        if each is None:
            return []
        if label in self.leaves:
            return [self.leaves[label]]
        if each.kind == "variable":
            reads = [record.reads.get(id(each.key)) for record in self.records]
            return list(dict.fromkeys(node for read in reads if read is not None for node in read[1]))
        node = each.key.node if each.kind in ("outer", "tensor") else None
        return [] if node is None else [node]

    def extract(
        self,
        name: str,
        outputs: Sequence[Any],
        positions: Mapping[Hashable, int],
        guards: Sequence[Value],
        draws: bool,
        saved: Mapping[Value, Hashable] | None = None,
    ) -> Code:
        """Program for some values of this trace.

        Parameters
        ----------
        outputs : sequence of Tensor
        positions : mapping
            Which argument an input of some label is.
        guards : sequence of Value
        draws : bool
            Whether what is drawn is drawn when the code runs, and has no position among the arguments.
        saved : mapping, optional
            Labels of values that were computed before, and are arguments too.
        """
        hosts = list(self.hosts.items()) if draws else []
        places = {**positions, **{label: len(positions) + i for i, (label, _) in enumerate(hosts)}}
        given = {value: positions[label] for value, label in (saved or {}).items()}
        program = sliced(self.program, name, [out.array for out in outputs], list(guards), given)
        labels = {id(each): label for label, each in self.labels.items()}
        for position, each in enumerate(program.inputs):
            source = each.key
            if isinstance(source, int):
                own = Input("argument", source, each.value)
            elif source.kind == "constant":
                own = Input("constant", source.key, each.value)
            else:
                own = Input("argument", places[labels[id(source)]], each.value)
            each.value.source = own
            program.inputs[position] = own
        program.name_values()
        return Code(program, [each for _, each in hosts])

    # -- derivatives -------------------------------------------------------------------------------------------------

    def pulled(
        self, depth: int, outputs: Sequence[Tensor], cts: Sequence[Tensor | None], wanted: Sequence[Sequence[Node]]
    ) -> tuple[list[Tensor | None], list[Value]]:
        """Cotangents of ``wanted``, for those of ``outputs``; and the values to be looked at for NaN."""
        self._check_depth(depth)
        nodes = self.records[depth - 1].nodes
        start = len(self.program.guards)

        def walk() -> list[Tensor | None]:
            seeds: dict[Node, Any] = {}
            for out, ct in zip(outputs, cts, strict=True):
                if ct is not None and out.node is not None and self.tokens[depth - 1] in out.node.tapes:
                    seeds[out.node] = seeds[out.node] + ct if out.node in seeds else ct
            found = pull_back(nodes, seeds, [node for each in wanted for node in each], True)
            return [_total([self.inside(found[node]) for node in each if node in found]) for each in wanted]

        return self.under(depth - 1, walk), self.program.guards[start:]

    def pushed(
        self, depth: int, seeds: Mapping[Node, Tensor], outputs: Sequence[Tensor]
    ) -> tuple[list[Tensor | None], list[Value]]:
        """Tangents of ``outputs``, for those of inputs; and the values to be looked at for NaN."""
        self._check_depth(depth)
        token = self.tokens[depth - 1]
        start = len(self.program.guards)
        nodes = [out.node if out.node is not None and token in out.node.tapes else None for out in outputs]
        targets = [node for node in nodes if node is not None]
        record = self.records[depth - 1]
        found = self.under(depth - 1, lambda: push_forward(record.nodes, seeds, targets, True))
        return [None if node is None else found.get(node) for node in nodes], self.program.guards[start:]

    def _check_depth(self, depth: int) -> None:
        if depth < 1:
            raise NotDifferentiableError(
                f"{self.program.name}: a derivative of higher order than there were tapes around it when it ran, and "
                "one more. Enter all tapes (or transforms) before the branch or the loop."
            )


def _records_like(frame: Frame) -> list[Record]:
    """Records that watch what those of ``frame`` watch, and one more; none if nothing records there."""
    if not frame.records:
        return []
    own = []
    for outer in (frame.records[0], *frame.records):
        record = Record(outer.watches_variables)
        record.reads = {key: (variable, []) for key, (variable, _) in outer.reads.items()}
        own.append(record)
    return own


def _total(found: Sequence[Any]) -> Any:
    total = None
    for ct in found:
        total = ct if total is None else total + ct
    return total
