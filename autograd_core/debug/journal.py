"""Everything that a program does, written down while it is run once more: for ``explain``.

A tape writes down what it can differentiate. For the question why something could not be, one needs the rest as well:
comparisons, what was computed while the tape was paused or closed or not yet open, what was made of constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import recording
from ..details import Details
from ..node import Node
from ..primitive import PROJECT, Primitive
from ..recording import End, Frame, Record, Token
from ..symbol import user_line
from ..tensor import Tensor
from ..variable import Variable
from .entries import raw, variable_of


class Entry:
    """One application of a primitive.

    Attributes
    ----------
    number : int
        Its place among all entries and ends.
    operation, place : str
    inputs : tuple of (array or number, Node or None, Variable or None)
    outputs : tuple of array
    made : tuple of Node or None
    tokens : frozenset of Token
        Of the tapes that were recording.
    dead : frozenset of Token
        Of the tapes that had been closed by then, as far as they were met before.
    paused : frozenset of Token
        Of the tapes that were paused.
    """

    __slots__ = ("dead", "inputs", "made", "number", "operation", "outputs", "paused", "place", "tokens")

    def __init__(self, number, operation, place, inputs, outputs, made, tokens, dead, paused):
        self.number = number
        self.operation = operation
        self.place = place
        self.inputs = inputs
        self.outputs = outputs
        self.made = made
        self.tokens = tokens
        self.dead = dead
        self.paused = paused


class Journal(Details):
    """Notes every operation, recorded or not, and every way out. Arrays are kept, so that each has a number of its own.

    Attributes
    ----------
    entries : list of Entry
    nodes : list of Node
        All that were recorded, in order.
    ends : list of (number, End)
    moves : list of (handle, Node, place)
        Tensors that went on as another value, with what they had stood for.
    """

    __slots__ = ("_paused", "_seen", "ends", "entries", "moves", "nodes", "number")

    runs_eagerly = True

    def __init__(self) -> None:
        super().__init__(lines=True, times=False)
        self.entries: list[Entry] = []
        self.nodes: list[Node] = []
        self.ends: list[tuple[int, End]] = []
        self.moves: list[tuple[Any, Node | None, str]] = []
        self.number = 0
        self._seen: dict[Token, None] = {}
        self._paused: list[Token] = []

    def apply(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], frame: Frame) -> Any:
        """Apply ``primitive``, and write it down."""
        result = super().apply(primitive, args, params, frame)
        results = result if result.__class__ is tuple else (result,)
        inputs = tuple(_input(arg, frame) for arg in args)
        outputs, made = tuple(part.array for part in results), tuple(part.node for part in results)
        self.number += 1
        self._seen.update(dict.fromkeys(frame.shared))
        dead = frozenset(token for token in self._seen if not token.alive)
        self.entries.append(
            Entry(
                self.number,
                primitive.name,
                user_line(),
                inputs,
                outputs,
                made,
                frozenset(frame.shared),
                dead,
                frozenset(self._paused),
            )
        )
        for node in made:
            if node is not None:
                self.nodes += [node.parents[0], node] if node.primitive is PROJECT else [node]  # type: ignore[list-item]
        return result

    def wrote(self, node: Node) -> None:
        """A Node that was written down by itself."""
        self.nodes.append(node)

    def ended(self, how: str, node: Node | None, variable: Any) -> None:
        """A value that leaves."""
        self.number += 1
        self.ends.append((self.number, End(how, node, variable)))

    def pause(self, record: Record) -> None:
        """A tape that pauses."""
        self._seen[record.token] = None
        self._paused.append(record.token)

    def go_on(self, record: Record) -> None:
        """A tape that is back."""
        self._paused.remove(record.token)

    def moved(self, tensor: Any, node: Node | None) -> None:
        """A handle that goes on as another value."""
        self.moves.append((tensor, node, user_line()))

    def forget(self) -> None:
        """Let go of everything."""
        for kept in (self.entries, self.nodes, self.ends, self.moves, self._seen, self._paused):
            kept.clear()

    def order(self) -> list[Node]:
        """The recorded Nodes, each once, each after its parents."""
        return list(dict.fromkeys(self.nodes))


def _input(arg: Any, frame: Frame) -> tuple[Any, Node | None, Variable | None]:
    if isinstance(arg, Variable):
        read = arg.read(frame)
        return read.array, read.node, arg
    if isinstance(arg, Tensor):
        return arg.array, arg.node, variable_of(arg.node)
    return raw(arg), None, None


def run(program: Callable[[], Any]) -> tuple[Any, Journal]:
    """Call ``program`` with a journal; its result, and the journal."""
    journal, record = Journal(), Record(watches_variables=False)
    recording.add(record)  # so that there is a frame, also where the program has no tape open
    recording.note(journal)
    try:
        result = program()
    finally:
        recording.leave()
        recording.remove(record)
    return result, journal
