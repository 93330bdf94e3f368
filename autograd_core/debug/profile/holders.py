"""What there is in memory that may hold an array: Nodes, Tensors, Variables, tapes, graphs; and which of it does."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from numpy import ndarray

from ...graph import Graph
from ...linearize import Linearized
from ...node import Node
from ...recording import Record
from ...tape import GradientTape
from ...tensor import Tensor
from ...variable import Variable
from .memory import owner_of
from .naming import Name, Namer, names_in_frame
from .sites import Line

_MOST_NAMED = 8  # handles that are looked for by name: each look-up goes through all that there is


@dataclass(frozen=True, slots=True)
class Holder:
    """One thing that keeps an array alive.

    Attributes
    ----------
    kind : {"variable", "container", "Variable", "tape", "transform", "handle", "operation", "graph", "frame"}
    text : str
        A sentence: what it is, and where.
    cure : str
        What lets the array go.
    place : str or None
        Line of the user's program, ``path:line``, where it is known.
    """

    kind: str
    text: str
    cure: str
    place: str | None = None

    def __str__(self) -> str:
        return f"{self.text} {self.cure}".rstrip()


class Heap:
    """What there is at one moment."""

    def __init__(self) -> None:
        gc.collect()  # what nobody refers to keeps nothing alive
        self.nodes: list[Node] = []
        self.tensors: list[Tensor] = []
        self.variables: list[Variable] = []
        self.tapes: list[GradientTape] = []
        self.transforms: list[Linearized] = []
        self.graphs: list[Graph] = []
        self.stopped: list[types.FrameType] = []
        self.hidden: set[int] = set()
        self.namer = Namer(self.hidden)
        self._children: dict[Node, list[Node]] | None = None
        self._sort(gc.get_objects())
        lists = (self.nodes, self.tensors, self.variables, self.tapes, self.transforms, self.graphs, self.stopped)
        self.hidden.update(map(id, (*lists, self.__dict__)))

    def _sort(self, objects: list[Any]) -> None:
        kinds = {Node: self.nodes, Tensor: self.tensors, GradientTape: self.tapes, Graph: self.graphs}
        others = {Variable: self.variables, Linearized: self.transforms, types.FrameType: self.stopped}
        by_kind: dict[type, list[Any]] = {**kinds, **others}  # type: ignore[dict-item]
        self.hidden.add(id(objects))
        for each in objects:
            found = by_kind.get(type(each))
            if found is not None:
                found.append(each)
            elif issubclass(type(each), (GradientTape, Variable)):
                (self.tapes if isinstance(each, GradientTape) else self.variables).append(each)  # type: ignore[arg-type]
        running = _running()
        self.stopped[:] = [frame for frame in self.stopped if id(frame) not in running]

    # -- an array ----------------------------------------------------------------------------------------------------

    def holders_of(self, array: ndarray, asked: Collection[int] = ()) -> list[Holder]:
        """What keeps ``array`` alive; ``asked`` are identities of handles that are not to be named."""
        owner = owner_of(array)
        handles = self._handles_of(owner, asked)
        found = [*handles, *self._arrays(owner), *self._values_of(owner)]
        nodes = [node for node in self.nodes if _holds(node, owner)]
        keepers = self.keepers_of(nodes, owner)
        # What is named as its Tensor keeps the Node, too: then there is nothing unknown.
        found += [each for each in keepers if each.kind != "operation" or not handles]
        found += self._shown_in(owner)
        return list(dict.fromkeys(found))

    def _handles_of(self, owner: ndarray, asked: Collection[int]) -> list[Holder]:
        handles = [each for each in self.tensors if id(each) not in asked and _shares(each.array, owner)]
        self.hidden.add(id(handles))
        found = []
        for tensor in handles[:_MOST_NAMED]:
            found += [_handle(name, tensor, tensor.array is not owner) for name in self._names(tensor)]
        return found

    def _arrays(self, owner: ndarray) -> list[Holder]:
        """Variables and containers that the array itself is in, or a view of it."""
        names = self.namer.names_of(owner) + self.namer.variables_that(lambda each: _shares(each, owner))
        return [
            Holder("container", f"The {name.container} entry {name} is the array.", _take_out(name, None))
            if name.container
            else Holder("variable", f"The variable {name} is the array, or a view of it.", _let_go(name))
            for name in dict.fromkeys(names)
        ]

    def _values_of(self, owner: ndarray) -> list[Holder]:
        return [
            Holder(
                "Variable", f"It is the value of {self._label(variable)}.", "It stays until the Variable is assigned."
            )
            for variable in self.variables
            if _shares(variable._value.array, owner)
        ]

    def _label(self, variable: Variable) -> str:
        names = [] if variable.name else self._names(variable)
        return variable.label() + (f" ({names[0]})" if names else "")

    def _shown_in(self, owner: ndarray) -> list[Holder]:
        found = []
        for graph in self.graphs:
            if any(_shares(value, owner) for node in graph.nodes for value in _results(node.value)):
                names = self._names(graph)
                called = f"The ag.Graph {names[0]}" if names else "An ag.Graph"
                cure = "Draw it into a file, and del it."
                found.append(Holder("graph", f"{called} shows its entries.", cure))
        return found

    def _names(self, thing: Any) -> list[Name]:
        found = self.namer.names_of(thing)
        for frame in self.stopped:
            found += names_in_frame(frame, thing)
        return found

    # -- Nodes -------------------------------------------------------------------------------------------------------

    def keepers_of(self, nodes: Iterable[Node], owner: ndarray | None = None) -> list[Holder]:
        """What keeps these Nodes alive, and which of them hold ``owner``."""
        direct = list(nodes)
        if not direct:
            return []
        reach = self._descendants(direct)
        why = "" if owner is None else f": {_operations(direct, owner)}"
        found = [_tape(tape, self._names(tape), why) for tape in self.tapes if _records(tape._record, reach)]
        for each in self.transforms:
            if _records(each.record, reach):
                text = f"The function that ag.{each.name} gave keeps its recording{why}."
                found.append(Holder("transform", text, "del that function when it has been called for the last time."))
        found += self._handles_on(reach, direct, owner, why)
        if not found:
            text = f"{_listed(direct)} is on a recording that something else keeps, a library or a closure{why}."
            found.append(Holder("operation", f"{text[0].upper()}{text[1:]}", "", direct[0].origin.place))
        return found

    def _handles_on(
        self, reach: Collection[Node], direct: Collection[Node], owner: ndarray | None, why: str
    ) -> list[Holder]:
        """Tensors that lead back to these Nodes: each keeps all that it was computed from."""
        handles = [
            tensor
            for tensor in self.tensors
            if tensor.node in reach and (owner is None or not _shares(tensor.array, owner))
        ]
        self.hidden.add(id(handles))
        found: list[Holder] = []
        for tensor in handles[:_MOST_NAMED]:
            for name in self._names(tensor):
                how = "is a result of it" if tensor.node in direct else "was computed from it"
                text = f"The {_called(name)} {how}, and its graph keeps all of that{why}."
                found.append(Holder("handle", text, _take_out(name, tensor)))
        if len(handles) > _MOST_NAMED:
            text = f"{len(handles) - _MOST_NAMED:,} more Tensors were computed from it, too, and keep their graphs."
            found.append(Holder("handle", text, ""))
        return found

    def _descendants(self, nodes: Iterable[Node]) -> set[Node]:
        """``nodes`` and all that was computed from them; without recursion."""
        if self._children is None:
            self._children = {}
            for node in self.nodes:
                for parent in node.parents:
                    if parent is not None:
                        self._children.setdefault(parent, []).append(node)
        reach = set(nodes)
        pending = list(reach)
        while pending:
            for child in self._children.get(pending.pop(), ()):
                if child not in reach:
                    reach.add(child)
                    pending.append(child)
        return reach


def _running() -> set[int]:
    """Identities of the frames that are running, in any thread."""
    found = set()
    for frame in map(_outwards, sys._current_frames().values()):
        found.update(frame)
    return found


def _outwards(frame: types.FrameType | None) -> list[int]:
    found = []
    while frame is not None:  # and is None at the end: a frame that refers to itself would keep all it knows
        found.append(id(frame))
        frame = frame.f_back
    return found


# -- who holds what ----------------------------------------------------------------------------------------------------


def _shares(value: Any, owner: ndarray) -> bool:
    return type(value) is ndarray and owner_of(value) is owner  # an object may lie about its class


def _results(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _holds(node: Node, owner: ndarray) -> bool:
    return any(_shares(each, owner) for each in (*node.args, *_results(node.value)))


def _records(record: Record, nodes: Collection[Node]) -> bool:
    return any(node in nodes for node in record.nodes) or any(
        leaf in nodes for _, leaves in record.reads.values() for leaf in leaves
    )


# -- sentences ---------------------------------------------------------------------------------------------------------


def _operations(nodes: list[Node], owner: ndarray) -> str:
    """Which operations hold it, and what for."""
    saved = [node for node in nodes if any(_shares(arg, owner) for arg in node.args)]
    gave = [node for node in nodes if node not in saved and node.primitive is not None]
    texts = []
    if saved:
        texts.append(f"{_listed(saved)} saved it for the backward pass")
    if gave:
        texts.append(f"{_listed(gave)} gave it")
    return " and ".join(texts) or "it is watched"


def _listed(nodes: list[Node]) -> str:
    names = list(dict.fromkeys(_where(node) for node in nodes if node.operation != "output")) or ["an operation"]
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _where(node: Node) -> str:
    place = node.origin.place
    if place:
        return f"{node.operation} at {place}"
    scope = "/".join(node.origin.scope)
    return f"{node.operation} in scope {scope}" if scope else node.operation


def _called(name: Name) -> str:
    return f"{name.container} entry {name}" if name.container else f"variable {name}"


def _handle(name: Name, tensor: Tensor, view: bool) -> Holder:
    what = "a Tensor that is a view of it" if view else "this Tensor"
    if name.container is None:
        return Holder("variable", f"The variable {name} is {what}.", _let_go(name))
    return Holder("container", f"The {_called(name)} is {what}.", _take_out(name, tensor))


def _let_go(name: Name) -> str:
    if name.stopped:
        return "Let the exception go (e = None, or e.__traceback__ = None), or let the generator end (close())."
    return f"del {name.text}, or let its function end."


def _take_out(name: Name, tensor: Tensor | None) -> str:
    """How to keep the numbers without what they were computed from."""
    if tensor is None or tensor.node is None:
        return "Take it out of there." if name.container else _let_go(name)
    number = f"float({name.text})" if not tensor.ndim else f"{name.text}.numpy()"
    return f"Keep {number} in its place: the numbers without the graph."


def _tape(tape: GradientTape, names: list[Name], why: str) -> Holder:
    opened = None if tape._opened is None else Line(*tape._opened).place
    called = f"The tape {names[0]}" if names else "A tape"
    state = "is still recording" if tape._recording else None
    if tape.persistent:
        cure = f"del {names[0].text if names else 'it'} when all gradients have been taken."
        state = "is persistent and still referenced" + (", and recording" if tape._recording else "")
    else:
        state = state or "has not given its gradient"
        cure = "Take its gradient, which lets the recording go, or del it."
    at = f", opened at {opened}," if opened else ""
    return Holder("tape", f"{called}{at} {state}{why}.", cure, opened)
