"""The operation that is probed, as a function of its differentiated values, and one recorded call of it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from .. import recording
from ..backward import pull_back, pull_back_watched
from ..functional import jvp
from ..node import leaf
from ..recording import Record
from ..tensor import Overloaded, Tensor, as_value
from ..tree import flatten
from ..variable import Variable
from .arrays import Arrays, same
from .surroundings import Surroundings

LARGE = 2**22
"""Entries of arguments and results together from which on no more than one recording is kept at a time."""

HUGE = 2**24
"""Entries of arguments from which on nothing is probed: it would fill the memory."""

BUDGET = 2.0
"""Seconds after which a probe stops and says what it left out."""

inside: ContextVar[bool] = ContextVar("autograd_core_inside_a_probe", default=False)


class OutOfTimeError(Exception):
    """The probe has used up its time."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A user's operation, as the probe knows it.

    Attributes
    ----------
    name : str
    call : callable
        What the user calls: it records where a tape is.
    functions : tuple of callable
        What the user wrote: the function and its rules.
    has_vjp, has_jvp : bool
        Whether it has rules for reverse, and for forward mode.
    differentiable : callable
        From the number of positional arguments to whether there is a rule for each.
    reads_variables : bool
        Whether it may read Variables besides its arguments, and have a gradient for them.
    """

    name: str
    call: Callable[..., Any]
    functions: tuple[Any, ...]
    has_vjp: bool
    has_jvp: bool
    differentiable: Callable[[int], list[bool]]
    reads_variables: bool


@contextmanager
def undisturbed() -> Iterator[None]:
    """No tape, no trace and nobody who takes notes sees what is done inside; floating-point warnings are off."""
    before = recording.replace(None)
    started = perf_counter()
    recording.note(None)
    token = inside.set(True)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # at points that the user has not asked for
            yield
    finally:
        inside.reset(token)
        recording.replace(None)
        recording.leave()
        recording.replace(before)
        if before is not None and before.origin.details is not None:
            before.origin.details.note_time("probe of an operation of the user's", started)


class Subject:
    """The operation with its arguments; counts the calls, and keeps to its time."""

    def __init__(self, operation: Operation, args: tuple[Any, ...], keywords: dict[str, Any], active: list[int]):
        self.operation = operation
        self.keywords = keywords
        self.given, self.rebuild = flatten(list(args))
        self.active = active
        self.points: Arrays = [np.array(as_value(self.given[index])) for index in active]
        self.names = [f"argument {index}" for index in active]
        self.variables: list[Variable] = []  # that it reads beside its arguments, and that are moved, too
        # In place of Variables among the arguments. The same ones at each call: what is compiled is so for a Variable.
        self.stand_ins: dict[int, Any] = {
            position: Variable(point, name=self.given[index].name, constraint=self.given[index].constraint)
            for position, (index, point) in enumerate(zip(active, self.points, strict=True))
            if isinstance(self.given[index], Variable) and self.given[index].trainable
        }
        self.surroundings = Surroundings([*operation.functions, *self.given, keywords])
        self.forward_calls = self.rule_calls = 0
        self.wrote_upstream = False
        self.started = perf_counter()
        self.limit = BUDGET
        self.is_large = False

    def seconds(self) -> float:
        """Since the probe began."""
        return perf_counter() - self.started

    def describe(self) -> str:
        """The arguments in words."""
        said = [_describe(value) for value in self.given]
        return ", ".join([*said, *(f"{key}={value!r}"[:60] for key, value in self.keywords.items())])

    def run(self, points: Arrays, order: int = 1) -> Run:
        """Call the operation at ``points``, recorded so that derivatives of this order can be taken."""
        if self.seconds() > self.limit:
            raise OutOfTimeError
        self.forward_calls += 1
        return Run(self, points, order)

    def discover(self, run: Run) -> str:
        """Take the Variables that the function reads for further arguments; says why not, if they cannot be."""
        found = run.variables_read()
        if not found:
            return ""
        for variable in found:
            self.surroundings.keep(variable)
        # Threads that the engine keeps for parts of large arrays read no Variables.
        if sum(not thread.name.startswith("autograd_core ") for thread in threading.enumerate()) > 1:
            return "the Variables that it reads were held fixed, since other threads might read them at the same time"
        self.variables = found
        self.points = [*self.points, *(np.array(variable._value.array) for variable in found)]
        self.names = [*self.names, *(variable.label() for variable in found)]
        return ""

    def place(self, points: Arrays) -> None:
        """Let everything be as at first, and the Variables that are moved at ``points``."""
        self.surroundings.restore()
        for position, variable in self.stand_ins.items():
            variable._value = Tensor(np.array(points[position]), None)
        for variable, value in zip(self.variables, points[len(self.active) :], strict=True):
            variable._value = Tensor(np.array(value), None)

    def arguments(self, tensors: list[Any]) -> Any:
        """The positional arguments with ``tensors`` in the active places; fresh ones each time."""
        leaves = [_fresh(value) for value in self.given]
        for index, tensor in zip(self.active, tensors, strict=False):
            leaves[index] = tensor
        return self.rebuild(leaves)

    def values(self, points: Arrays) -> Arrays:
        """Floating results at ``points``."""
        return self.run(points).values

    def push(self, points: Arrays, tangents: Arrays) -> Arrays:
        """Tangents of the floating results in forward mode, by the operation's own JVP rules."""
        self.place(points)
        count = len(self.active)
        self.forward_calls += 1

        def function(xs):
            result = self.operation.call(*self.arguments(xs), **self.keywords)
            return [out for out in flatten(result)[0] if _is_floating(out)]

        found = jvp(function, (_tensors(points[:count]),), (_tensors(tangents[:count]),))[1]
        return [out.array for out in found]


class Run:
    """One call, recorded: the floating results and how cotangents are pulled back from them."""

    def __init__(self, subject: Subject, points: Arrays, order: int):
        self.subject = subject
        self.points = points
        self.inside: list[Any] = []
        subject.place(points)
        records = [Record(watches_variables=True) for _ in range(order)]
        try:
            for record in records:
                recording.add(record)
            frame: Any = recording.current()
            tensors: list[Any] = []
            self.sources: list[list[Any]] = []
            self._stand_ins: dict[int, int] = {}
            for position in range(len(subject.active)):
                stand_in = subject.stand_ins.get(position)
                if stand_in is not None:
                    self._stand_ins[id(stand_in)] = position
                    tensors.append(stand_in)
                    self.sources.append([])
                else:
                    array = np.array(points[position])
                    node = leaf(array, frame.shared)
                    tensors.append(Tensor(array, node))
                    self.sources.append([node])
            self._tensors = tensors
            result = subject.operation.call(*subject.arguments(tensors), **subject.keywords)
        finally:
            recording.replace(None)
        self.record, self.outer = records[-1], records[0]
        self.leaves = [list(nodes) for nodes in self.sources]
        self.results = [out for out in flatten(result)[0] if _is_floating(out)]
        self.values: Arrays = [np.array(out.array) for out in self.results]  # the next call may write into it
        self.sources = self._sources(self.record)

    def _sources(self, record: Record) -> list[list[Any]]:
        """Nodes that stand for each differentiated value: for a Variable one for each time it was read."""
        found = [list(nodes) for nodes in self.leaves]
        for key, position in self._stand_ins.items():
            found[position] = list(record.reads[key][1]) if key in record.reads else []
        reads = [record.reads.get(id(variable)) for variable in self.subject.variables]
        return [*found, *([] if read is None else list(read[1]) for read in reads)]

    def is_overwritten(self) -> bool:
        """Whether a later call has written other values into the memory of a result."""
        return not same([out.array for out in self.results], self.values)

    def variables_read(self) -> list[Variable]:
        """Trainable Variables that were read besides the arguments."""
        own = self._stand_ins
        return [variable for key, (variable, _) in self.record.reads.items() if key not in own]

    def pull(self, cts: Arrays, look: Callable[..., Any] | None = None) -> Arrays:
        """Cotangents of the differentiated values, d/dx + i d/dy; None where the rule gives none."""
        subject = self.subject
        subject.rule_calls += 1
        subject.place(self.points)
        seeds = {node: _conjugate(np.array(ct)) for node, ct in self._seeds(cts)}
        before = [seed.copy() for seed in seeds.values()]
        wanted = [node for nodes in self.sources for node in nodes]
        nodes = self.record.nodes
        found = (
            pull_back(nodes, seeds, wanted, False) if look is None else pull_back_watched(nodes, seeds, wanted, look)
        )
        subject.wrote_upstream |= not same(list(seeds.values()), before)
        # Copies, since a rule may write into the same array at each call.
        return [_copy(_total([found.get(node) for node in nodes])) for nodes in self.sources]

    def pull_recorded(self, cts: Arrays) -> list[Any]:
        """The same as Tensors that the outer record tracks, for a second derivative."""
        subject = self.subject
        subject.rule_calls += 1
        subject.place(self.points)
        recording.add(self.outer)
        try:
            seeds = {node: Tensor(_conjugate(np.array(ct)), None) for node, ct in self._seeds(cts)}
            found = pull_back(self.record.nodes, seeds, [node for nodes in self.sources for node in nodes], True)
            return [_total([found.get(node) for node in nodes]) for nodes in self.sources]
        finally:
            recording.replace(None)

    def pull_again(self, pulled: list[Any], weights: Arrays) -> Arrays:
        """Derivative of ``<weights, pulled>`` in the differentiated values; ``pulled`` is of ``pull_recorded``."""
        seeds: dict[Any, Any] = {}
        for tensor, weight in zip(pulled, weights, strict=True):
            if tensor is None or tensor.node is None or self.outer.token not in tensor.node.tapes:
                continue
            seed = _conjugate(np.array(weight))
            seeds[tensor.node] = seeds[tensor.node] + seed if tensor.node in seeds else seed
        sources = self._sources(self.outer)  # Variables that the rule read, too
        found = pull_back(self.outer.nodes, seeds, [node for nodes in sources for node in nodes], False)
        return [_total([found.get(node) for node in nodes]) for nodes in sources]

    def _seeds(self, cts: Arrays) -> list[tuple[Any, Any]]:
        token = self.record.token
        return [
            (out.node, ct)
            for out, ct in zip(self.results, cts, strict=True)
            if out.node is not None and token in out.node.tapes
        ]


def said(error: Exception) -> str:
    """An error in a few words."""
    text = str(error).splitlines()[0][:200] if str(error) else ""
    return f"{type(error).__name__}: {text}".rstrip(": ")


def raw(value: Any) -> Any:
    """Array of a Tensor, or an array as it is."""
    return value.array if isinstance(value, Overloaded) else value


def _total(parts: list[Any]) -> Any:
    found = [part for part in parts if part is not None]
    if not found:
        return None
    total = found[0]
    for part in found[1:]:
        total = total + part
    return _conjugate(total)


def _copy(ct: Any) -> Any:
    return None if ct is None else np.array(ct)


def _conjugate(ct: Any) -> Any:
    return ct.conj() if ct.dtype.kind == "c" else ct


def _is_floating(value: Any) -> bool:
    return isinstance(value, Overloaded) and value.dtype.kind in "fc"


def _describe(value: Any) -> str:
    if isinstance(value, (Overloaded, np.ndarray)):
        shape = " x ".join(map(str, value.shape)) if value.ndim else "0-d"
        return f"{value.dtype} {shape}"
    return repr(value)[:40]


def _fresh(value: Any) -> Any:
    """An argument that is not differentiated, so that nothing done to it is seen outside."""
    if isinstance(value, Tensor):
        return Tensor(value.array, None)
    return value.copy() if isinstance(value, np.ndarray) else value


def _tensors(arrays: Arrays) -> list[Any]:
    return [Tensor(np.array(array), None) for array in arrays]
