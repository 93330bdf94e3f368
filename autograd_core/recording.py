"""Which tapes are recording here: the only ambient state of the engine.

Each thread and each asyncio task has its own ``Frame``: the tapes that are recording at this moment, outermost first.
A primitive asks for it once (``current()``), and writes a Node to the records of the tapes that track its inputs.
A Frame is never changed; entering, leaving or pausing a tape puts another Frame in its place, so an exception, or
two ``with`` blocks closed in an odd order, cannot leave a wrong tape active.

A ``Setting`` says what is noted of each Node for diagrams: the scope it is made in, its line and its time. The Frame
has it; where there is none, since no tape records yet, it is kept by itself.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from functools import partial
from threading import Lock
from typing import Any
from weakref import ref

from .node import OUTSIDE, Node, Setting, leaf
from .symbol import user_frame


class Token:
    """Stands for a tape in ``Node.tapes``; it does not refer to the tape, so that no cycle keeps a graph alive."""

    __slots__ = ("alive",)

    def __init__(self):
        self.alive = True


MOST_ENDS = 32
"""Of the places where values leave a recording, so many are remembered."""

IN_PLACE = "in place"
"""How a handle goes on as another value (``x += y``): a hint, see ``Frame.note_hint``."""


class End:
    """A place of the user's program where a value left what is recorded, on purpose or not.

    Attributes
    ----------
    how : str
        "numpy()", "float()", "stop_gradient", "assign", ...; for what is only a hint, see ``Frame.note_hint``, the name
        of an operation or "in place".
    node : Node or None
        Of the value that left; None for a Variable, which is in ``variable``.
    result : weak reference or None
        To what an operation without a derivative gave; it is a hint.
    """

    __slots__ = ("_code", "_line", "how", "node", "result", "variable")

    def __init__(self, how: str, node: Node | None, variable: Any, result: Any = None):
        self.how = how
        self.result = result
        self.node = node
        self.variable = variable
        frame = user_frame(sys._getframe(2))  # below are this module and Tensor
        self._code, self._line = frame.f_code, frame.f_lineno

    @property
    def place(self) -> str:
        """Line of the user's program; put together when somebody asks."""
        return f"{self._code.co_filename}:{self._line}"


class Record:
    """What one tape has written down.

    Attributes
    ----------
    nodes : list of Node
        In the order they ran, which is a topological order.
    reads : dict
        ``id(variable) -> (variable, [leaf Nodes])``: one leaf for each value of the Variable that was read.
    ends : list of End, or None
        Where values left what is recorded; None as long as none did.
    """

    __slots__ = ("ends", "nodes", "reads", "token", "watches_variables")

    def __init__(self, watches_variables: bool):
        self.token = Token()
        self.nodes: list[Node] = []
        self.reads: dict[int, tuple[Any, list[Node]]] = {}
        self.ends: list[End] | None = None
        self.watches_variables = watches_variables

    def __del__(self):
        self.token.alive = False  # watched Tensors that live on can forget this tape

    def counts(self) -> dict[int, int]:
        """How many leaves there are of each Variable: what has grown was read in between."""
        return {key: len(leaves) for key, (_, leaves) in self.reads.items()}

    def note_read(self, variable, node: Node) -> None:
        """Remember that ``node`` stands for a value of ``variable``."""
        self.reads.setdefault(id(variable), (variable, []))[1].append(node)


_setting: ContextVar[Setting] = ContextVar("autograd_core_setting", default=OUTSIDE)


class Frame:
    """The tapes that are recording in this thread or task.

    Attributes
    ----------
    records : tuple of Record
    tokens : tuple of Token
        Nodes tracked by all of them carry this very tuple: one ``is`` decides the common case.
    shared : tuple of Token
        What Nodes made here carry: ``tokens`` itself. Where details are noted it is another tuple of the same, so that
        no fast path takes an operation past ``instead``.
    append : callable
        Writes a Node down on all of them.
    trace : Trace or None
        Where every primitive is written down, for the compiler; there may be one without any tape.
    instead : object or None
        Whose ``apply`` takes the place of ``primitive.apply``: the trace's, or that of ``Setting.details``.
    origin : Setting
        What is noted of Nodes made here.
    outer : Frame or None
        The same tapes in the setting around this one.
    quiet : Frame or None
        The same without ``instead``, for who takes the place of ``primitive.apply``, and remembers it here.
    """

    __slots__ = ("append", "instead", "leaves", "origin", "outer", "quiet", "records", "shared", "tokens", "trace")

    append: Any
    leaves: dict[int, tuple[Any, Any, Any]]
    outer: Frame | None
    quiet: Frame | None
    shared: tuple[Token, ...]
    tokens: tuple[Token, ...]

    def __init__(self, records: tuple[Record, ...], trace: Any = None):
        self.records = records
        self.trace = self.instead = trace
        self.origin = setting_here()
        self.outer = self.quiet = None
        if not records:  # a trace alone: a token that no Node has, since () would be that of Nodes without tapes
            self.tokens = self.shared = (Token(),)
            self.leaves = {}
            self.append = _no_tape
            if self.origin.details is not None:
                self._take_notes()
            return
        self.tokens = self.shared = tuple([record.token for record in records])
        # Variables read here: id -> (Variable, array, Tensor). Kept per frame, not on the Variable, so that threads
        # that share Variables cannot disturb one another.
        self.leaves = {}
        # No bound method of self: that would be a reference cycle, and keep the recorded graphs until it is collected.
        self.append = records[0].nodes.append if len(records) == 1 else partial(_append_to_all, records)
        if self.origin.details is not None:
            self._take_notes()

    def trackers(self, parents) -> tuple[Token, ...]:
        """Tokens of the active tapes that track at least one of ``parents``; ``self.shared`` itself if all do."""
        tokens = self.shared
        found = []
        for token in tokens:
            for parent in parents:
                if parent is not None and token in parent.tapes:
                    found.append(token)
                    break
        return tokens if len(found) == len(tokens) else tuple(found)

    def write(self, node: Node, started: float | None = None) -> None:
        """Write ``node`` down on the tapes that track it, and note where it comes from.

        ``started`` is when its computation was, by ``time.perf_counter``, if it has just ended.
        """
        details: Any = self.instead
        node.origin = self.origin if details is self.trace else details.origin(self.origin, started)
        if node.tapes is self.shared:
            self.append(node)
        else:
            for record in self.records:
                if record.token in node.tapes:
                    record.nodes.append(node)
        if details is not self.trace:
            details.wrote(node)

    def note_end(self, how: str, node: Node | None, variable: Any) -> None:
        """Remember that a value leaves what is recorded here: for the question why there is no gradient."""
        noted = None
        for record in self.records:
            if (
                record.token in node.tapes
                if node is not None
                else id(variable) in record.reads or (record.watches_variables and variable.trainable)
            ):
                if record.ends is None:
                    record.ends = []
                if len(record.ends) < 2 * MOST_ENDS:  # half of them may be hints
                    noted = noted or End(how, node, variable)
                    record.ends.append(noted)
        if self.instead is not None:
            self.instead.ended(how, node, variable)

    def note_hint(self, how: str, parents, result: Any = None) -> None:
        """Remember that a comparison or the like was computed of one of ``parents``, or that a handle went on in place.

        No value leaves by it, but what the program did afterwards may be the answer to why there is no gradient.
        """
        for record in self.records:
            if record.ends is None:
                record.ends = []
            if len(record.ends) < MOST_ENDS:
                for node in parents:
                    if node is not None and record.token in node.tapes:
                        record.ends.append(End(how, node, None, None if result is None else ref(result)))
                        break

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
            node = Node(None, (), (), array, variable.leaf_params, self.shared, self.origin)
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
        node = leaf(array, self.shared if len(tokens) == len(self.shared) else tokens, variable.name)
        node.params, node.origin = variable.leaf_params, self.origin
        for record in watching:
            record.note_read(variable, node)
        return node

    def within(self, setting: Setting) -> Frame:
        """The same tapes, and what they have read, in another setting."""
        other = _new_frame(Frame)
        other.records = self.records
        other.append = self.append
        other.leaves = self.leaves
        other.trace = other.instead = self.trace
        other.tokens = other.shared = self.shared
        other.origin = setting
        other.outer = self
        other.quiet = None
        if setting.details is not None:
            other._take_notes()
        return other

    def _take_notes(self) -> None:
        if self.trace is None and (self.records or self.origin.details.listens):
            self.instead = self.origin.details
            self.tokens = tuple([*self.shared])


_new_frame = Frame.__new__  # without the call of __init__: layers make a Frame for each call


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
    if len(frame.records) == 1 and frame.trace is None and not _listens(frame.origin):
        _frame.set(None)
        if frame.origin is not _setting.get():  # a scope was entered or left since the tape was
            _setting.set(frame.origin)
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
            node.origin = setting_here()
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
    if frame is not None and set(tapes) == set(frame.shared):
        tapes = frame.shared  # the shared tuple that the fast paths look for
    node.tapes = tapes


def setting_here() -> Setting:
    """What is noted of Nodes made in this thread or task."""
    frame = _frame.get()
    return _setting.get() if frame is None else frame.origin


def enter_scope(name: str) -> None:
    """Let Nodes be made in a scope of this name, inside the present one, from here on."""
    frame = _frame.get()
    if frame is None:
        outer = _setting.get()
        _setting.set(Setting(name, outer.details, outer))
    else:
        outer = frame.origin
        _frame.set(frame.within(Setting(name, outer.details, outer)))


def note(details: Any) -> None:
    """Let ``details`` note lines and times from here on; None: let nobody."""
    frame = _frame.get()
    outer = setting_here()
    if details is not None and outer.details is not None:
        details = outer.details.around(details)
    setting = Setting(None, details, outer)
    if frame is None:
        _setting.set(setting)
    else:
        _frame.set(frame.within(setting))


def leave() -> None:
    """Go back to what it was before the last scope was entered, or the last ``note``."""
    frame = _frame.get()
    outer = _setting.get().outer if frame is None else frame.origin.outer
    if outer is None:  # entered in another thread or task
        return
    if frame is None:
        _setting.set(outer)
        return
    before = frame.outer
    _frame.set(before if before is not None and before.origin is outer else frame.within(outer))


def listen(details: Any) -> None:
    """Let ``details`` hear of everything from here on, of what no tape records, too; ``stop_listening`` ends it."""
    setting = Setting(None, details, setting_here())
    frame = _frame.get()
    if frame is not None:
        _frame.set(frame.within(setting))
        return
    _setting.set(setting)
    _frame.set(Frame(()))


def stop_listening() -> None:
    """End what ``listen`` began."""
    leave()
    frame = _frame.get()
    if frame is not None and not frame.records and frame.trace is None and not _listens(frame.origin):
        _setting.set(frame.origin)
        _frame.set(None)


def _listens(setting: Setting) -> bool:
    return setting.details is not None and setting.details.listens


def is_recording() -> bool:
    """Whether a tape records in this thread or task, or a trace: walks are then recorded, too."""
    frame = _frame.get()
    return frame is not None and (bool(frame.records) or frame.trace is not None)


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
