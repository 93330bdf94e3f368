"""One recorded operation, alone: a function of the inputs that a derivative is wanted for, at the recorded values.

A program that was run once gives one ``Local`` for each operation. What a ``checkpoint`` computes is recorded once
more, so that the operations inside of it can be looked at, too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import recording
from ...custom import Call, UserPrimitive, custom_gradient
from ...errors import AutogradError
from ...graph import Graph, graph
from ...graph.build import ancestors
from ...node import Node, Spec
from ...primitive import PROJECT, apply
from ...recompute import Recomputation
from ...recording import End, Record
from ...symbol import user_line
from ...tape import GradientTape
from ...tensor import Overloaded, Tensor, as_value
from ...tree import flatten
from ..auditing.recorded import Witness
from ..checking.diagnosis import name_of_leaves
from ..foreign import ForeignPrimitive

REFUSALS = (
    TypeError,
    ValueError,
    ArithmeticError,
    IndexError,
    AttributeError,
    NotImplementedError,
    np.linalg.LinAlgError,
    AutogradError,
)
"""What an operation may raise at inputs it was not made for."""


@dataclass(frozen=True, eq=False, slots=True)
class Local:
    """An operation as it was applied once.

    Attributes
    ----------
    node : Node or None
        None for a whole program, which is made smaller in the same way.
    apply : callable
        Takes all arguments of the operation.
    args : tuple
        What it was given.
    positions : tuple of int
        Which of ``args`` a derivative is wanted for.
    names : tuple of str
        What to call those.
    """

    node: Any
    apply: Callable[..., Any]
    args: tuple[Any, ...]
    positions: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def points(self) -> tuple[Any, ...]:
        """The arguments that a derivative is wanted for."""
        return tuple(self.args[position] for position in self.positions)

    def function(self, *xs: Any) -> Any:
        """The operation as a function of ``points`` alone; the other arguments are held."""
        filled = list(self.args)
        for position, x in zip(self.positions, xs, strict=True):
            filled[position] = x
        return self.apply(*filled)

    @property
    def call(self) -> Call | None:
        """How to make the call again, of a function with a gradient of its own."""
        again = self.node.primitive.again
        return again if isinstance(again, Call) else None

    @property
    def is_own(self) -> bool:
        """Whether the operation is the user's, and no row of the table."""
        return isinstance(self.node.primitive, UserPrimitive) or self.call is not None

    @property
    def culprit(self) -> Any:
        """Whose rule it is: the primitive, or the function with a gradient of its own."""
        return self.node.primitive if self.call is None else self.call.function

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for applications that differ in nothing but their entries."""
        shapes = tuple((np.shape(arg), getattr(arg, "dtype", type(arg))) for arg in self.args)
        return id(self.culprit), shapes, self.positions, repr(self.node.params)[:500]

    def at(self, args: Sequence[Any]) -> Local:
        """The same operation applied to something else."""
        return replace(self, args=tuple(args))

    def graph(self) -> Graph:
        """The operation and its inputs, nothing else."""
        given = [Tensor(np.asarray(point), None) for point in self.points]
        with GradientTape(persistent=True) as tape, np.errstate(all="ignore"):
            tape.watch(given)
            result = self.function(*given)
        outs = [out for out in flatten(result)[0] if isinstance(out, Tensor) and out.node is not None]
        return _shown(outs, dict(zip(self.names, given, strict=True)))


class Run:
    """One run of a program, with all that it applied.

    Attributes
    ----------
    nodes : list of Node
        What the result was computed from, each after those it was computed from.
    locals : list of Local
        The operations among them that can be applied again, in order.
    skipped : list of Node
        Those that cannot.
    ends : list of End
        Where values left what is recorded.
    result
        What the program returned.
    inputs : dict of str to Tensor
        The arguments that were watched, by name.
    tape : GradientTape
    outside : str
        The line of the program from which it was run; what is recorded at it is in no function of the user's.
    """

    def __init__(self, f: Callable[..., Any], args: Sequence[Any]):
        leaves, rebuild = flatten(tuple(args))
        given = [watchable(leaf) for leaf in leaves]
        named = dict(zip(name_of_leaves(args), given, strict=True))
        self.inputs = {name: item for name, item in named.items() if isinstance(item, Tensor)}
        self._witness = Witness()
        self.outside = user_line()
        recording.note(self._witness)
        try:
            with GradientTape(persistent=True) as self.tape, np.errstate(all="ignore"):
                self.tape.watch(list(self.inputs.values()))
                self.result = f(*rebuild(given))
            self.outs = [out for out in flatten(self.result)[0] if isinstance(out, Tensor) and out.node is not None]
            self.nodes = self._opened(ancestors([out.node for out in self.outs if out.node], lambda node: True))
        finally:
            recording.leave()
        self.ends: list[End] = list(self.tape._record.ends or ())
        self.locals: list[Local] = []
        self.skipped: list[Node] = []
        for node in self.nodes:
            if node.primitive is not None and node.primitive is not PROJECT and any(node.parents):
                self._add(node)

    def graph(self) -> Graph:
        """All of the program."""
        return _shown(self.outs, self.inputs)

    def _opened(self, nodes: Iterable[Node]) -> list[Node]:
        """``nodes``, with those of checkpoints replaced by what they recompute."""
        found: list[Node] = []
        for node in nodes:
            again = None if node.primitive is None else node.primitive.again
            if isinstance(again, Recomputation):
                record = Record(watches_variables=False)
                again._again(record)
                found += self._opened(record.nodes)
            else:
                found.append(node)
        return found

    def _add(self, node: Node) -> None:
        local = local_of(node, self._witness.constants.get(node, {}))
        if local is None:
            self.skipped.append(node)
        elif local.points:
            self.locals.append(local)


def _shown(outs: Sequence[Tensor], names: dict[str, Tensor]) -> Graph:
    """Graph with gradients, or without where a rule gives none that can be carried on."""
    try:
        return graph(outs, names=names, gradients=True)
    except REFUSALS:
        return graph(outs, names=names)


def watchable(leaf: Any) -> Any:
    """An argument as a Tensor that can be watched; what has no derivative as it is."""
    if isinstance(leaf, (Overloaded, np.ndarray, np.generic)) and leaf.dtype.kind in "fc":
        return Tensor(np.array(as_value(leaf)), None)
    return Tensor(np.asarray(leaf), None) if isinstance(leaf, (float, complex)) else leaf


def local_of(node: Node, constants: dict[int, Any]) -> Local | None:
    """The operation of ``node`` alone; None if it cannot be applied again."""
    primitive: Any = node.primitive
    again = primitive.again
    if primitive.of_one_call and not isinstance(again, Call):
        return None
    args = []
    for index, (arg, parent) in enumerate(zip(node.args, node.parents, strict=True)):
        args.append(parent.value if parent is not None else constants.get(index) if isinstance(arg, Spec) else arg)
        if parent is None and isinstance(arg, Spec) and index not in constants:
            return None
    count = len(again.leaves) if again is not None else len(args)  # behind them: Variables that the function reads
    wanted = (lambda index: True) if primitive.joint else (lambda index: primitive.rules(len(args))[index] is not None)
    positions = tuple(i for i, parent in enumerate(node.parents) if parent is not None and i < count and wanted(i))
    call: Callable[..., Any]
    if again is None:
        call = lambda *filled: apply(primitive, filled, node.params)  # a user's own, too: not probed
    else:
        args = [arg if isinstance(given, Overloaded) else given for given, arg in zip(again.leaves, args, strict=False)]
        whole = custom_gradient(again.function, probe=False)
        call = lambda *filled: whole(*again.rebuild(list(filled)), **again.keywords)
    names = _names(primitive if again is None else again.function, positions, len(args))
    if isinstance(primitive, ForeignPrimitive):
        names = primitive.foreign.names(len(primitive.args))
    return Local(node, call, tuple(args), positions, names)


def _names(operation: Any, positions: Sequence[int], count: int) -> tuple[str, ...]:
    """What the user's own function calls its arguments; x, or x1, x2, ... for others."""
    try:
        parameters = list(inspect.signature(inspect.unwrap(operation)).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    known = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    if len(known) == count and (isinstance(operation, UserPrimitive) or inspect.isfunction(operation)):
        return tuple(known[position] for position in positions)
    return ("x",) if len(positions) == 1 else tuple(f"x{number + 1}" for number in range(len(positions)))
