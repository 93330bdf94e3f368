"""Which tapes are recording here: the only ambient state of the engine.

Each thread and each asyncio task has its own ``Frame``: the tapes that are recording at this moment, outermost first.
A primitive asks for it once (``current()``), and writes a Node to the records of the tapes that track its inputs.
A Frame is never changed; entering, leaving or pausing a tape puts another Frame in its place, so an exception, or
two ``with`` blocks closed in an odd order, cannot leave a wrong tape active.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from threading import Lock
from typing import Any

from .node import Node, leaf


class Token:
    """Stands for a tape in ``Node.tapes``; it does not refer to the tape, so that no cycle keeps a graph alive."""

    __slots__ = ("alive",)

    def __init__(self):
        self.alive = True


class Record:
    """What one tape has written down.

    Attributes
    ----------
    nodes : list of Node
        In the order they ran, which is a topological order.
    reads : dict
        ``id(variable) -> (variable, [leaf Nodes])``: one leaf for each value of the Variable that was read.
    """

    __slots__ = ("nodes", "reads", "token", "watches_variables")

    def __init__(self, watches_variables: bool):
        self.token = Token()
        self.nodes: list[Node] = []
        self.reads: dict[int, tuple[Any, list[Node]]] = {}
        self.watches_variables = watches_variables

    def __del__(self):
        self.token.alive = False  # watched Tensors that live on can forget this tape

    def counts(self) -> dict[int, int]:
        """How many leaves there are of each Variable: what has grown was read in between."""
        return {key: len(leaves) for key, (_, leaves) in self.reads.items()}

    def note_read(self, variable, node: Node) -> None:
        """Remember that ``node`` stands for a value of ``variable``."""
        self.reads.setdefault(id(variable), (variable, []))[1].append(node)


class Frame:
    """The tapes that are recording in this thread or task.

    Attributes
    ----------
    records : tuple of Record
    tokens : tuple of Token
        Nodes tracked by all of them carry this very tuple: one ``is`` decides the common case.
    append : callable
        Writes a Node down on all of them.
    trace : Trace or None
        Where every primitive is written down, for the compiler; there may be one without any tape.
    """

    __slots__ = ("append", "leaves", "records", "tokens", "trace")

    def __init__(self, records: tuple[Record, ...], trace: Any = None):
        self.records = records
        self.trace = trace
        if not records:  # a trace alone: a token that no Node has, since () would be that of Nodes without tapes
            self.tokens: tuple[Token, ...] = (Token(),)
            self.leaves: dict[int, tuple[Any, Any, Any]] = {}
            self.append: Any = _no_tape
            return
        self.tokens = (records[0].token,) if len(records) == 1 else tuple(record.token for record in records)
        # Variables read here: id -> (Variable, array, Tensor). Kept per frame, not on the Variable, so that threads
        # that share Variables cannot disturb one another.
        self.leaves = {}
        # No bound method of self: that would be a reference cycle, and keep the recorded graphs until it is collected.
        self.append = records[0].nodes.append if len(records) == 1 else partial(_append_to_all, records)

    def trackers(self, parents) -> tuple[Token, ...]:
        """Tokens of the active tapes that track at least one of ``parents``; ``self.tokens`` itself if all do."""
        tokens = self.tokens
        found = []
        for token in tokens:
            for parent in parents:
                if parent is not None and token in parent.tapes:
                    found.append(token)
                    break
        return tokens if len(found) == len(tokens) else tuple(found)

    def write(self, node: Node) -> None:
        """Write ``node`` down on the tapes that track it."""
        if node.tapes is self.tokens:
            self.append(node)
            return
        for record in self.records:
            if record.token in node.tapes:
                record.nodes.append(node)

    def leaf_of(self, variable, array) -> Node | None:
        """Leaf for reading ``variable``, whose value is ``array``; None if no tape here watches it."""
        records = self.records
        if len(records) == 1 and array.dtype.kind in "fc":  # the common case, at half the time
            record = records[0]
            key = id(variable)
            read = record.reads.get(key)
            if read is None:
                if not (record.watches_variables and variable.trainable):
                    return None
                read = record.reads[key] = (variable, [])
            node = Node(None, (), (), array, variable.leaf_params, self.tokens)
            node.name = variable.name
            read[1].append(node)
            return node
        watching = [
            record
            for record in self.records
            if (record.watches_variables and variable.trainable) or id(variable) in record.reads
        ]
        if not watching or array.dtype.kind not in "fc":
            return None
        tokens = tuple(record.token for record in watching)
        node = leaf(array, self.tokens if len(tokens) == len(self.tokens) else tokens, variable.name)
        node.params = variable.leaf_params
        for record in watching:
            record.note_read(variable, node)
        return node


def _no_tape(node: Node) -> None:
    """Nobody differentiates here."""


def _append_to_all(records: tuple[Record, ...], node: Node) -> None:
    for record in records:
        record.nodes.append(node)


_frame: ContextVar[Frame | None] = ContextVar("autograd_core_frame", default=None)

current = _frame.get
"""The Frame of this thread or task, None where no tape is recording."""


def add(record: Record) -> None:
    """Start recording on ``record``, inside whatever records already."""
    frame = _frame.get()
    _frame.set(Frame((record,)) if frame is None else Frame((*frame.records, record), frame.trace))


def remove(record: Record) -> None:
    """Stop recording on ``record``; nothing happens if it was not recording here."""
    frame = _frame.get()
    if frame is None or record not in frame.records:
        return
    if len(frame.records) == 1 and frame.trace is None:
        _frame.set(None)
    else:
        _frame.set(Frame(tuple(other for other in frame.records if other is not record), frame.trace))


def replace(frame: Frame | None) -> Frame | None:
    """Put ``frame`` in place and return the one that was there."""
    before = _frame.get()
    _frame.set(frame)
    return before


_tracking = Lock()  # guards the few writes to what several threads may watch


def watch(tensor, token: Token) -> None:
    """Let the tape behind ``token`` track ``tensor`` from here on."""
    with _tracking:
        node = tensor.node
        if node is None or not any(other.alive for other in node.tapes):
            # A leaf of its own also lets go of the graph of a tape that is gone.
            tensor.node = node = leaf(tensor.array, ())
        _track(node, token)


def track(node: Node, token: Token) -> None:
    """Let the tape behind ``token`` track ``node`` from here on, as if it were a leaf."""
    with _tracking:
        _track(node, token)


def _track(node: Node, token: Token) -> None:
    if token in node.tapes:
        return
    tapes = (*(other for other in node.tapes if other.alive), token)
    frame = _frame.get()
    if frame is not None and set(tapes) == set(frame.tokens):
        tapes = frame.tokens  # the shared tuple that the fast paths look for
    node.tapes = tapes


class Paused:
    """Context manager: no tape records inside, whatever tapes are active. A trace, which is no tape, goes on."""

    __slots__ = ("_before",)

    def __enter__(self):
        frame = _frame.get()
        self._before = replace(None if frame is None or frame.trace is None else Frame((), frame.trace))

    def __exit__(self, *exc_info):
        replace(self._before)


def trace_here() -> Any:
    """The Trace that is being written in this thread or task; None where nothing is traced."""
    frame = _frame.get()
    return None if frame is None else frame.trace


def exchange(old: Record, new: Record) -> None:
    """Put ``new`` in the place of ``old`` among the tapes that record here."""
    frame = _frame.get()
    if frame is not None:
        _frame.set(Frame(tuple(new if record is old else record for record in frame.records), frame.trace))
