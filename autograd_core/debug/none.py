"""Why a gradient is None: what became of the source, from a journal of the whole run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..node import Node
from ..recording import End, Token
from ..variable import Variable
from .causes import closed, integer, label_of, not_watched, of_end, outside, overwritten, paused, unused
from .explanation import Explanation
from .journal import Entry, Journal
from .remembered import ancestors_of


def from_journal(journal: Journal, token: Token, target: Any, source: Any, standing: Collection[Node]) -> Explanation:
    """Explanation with everything known that happened."""
    label, through = label_of(source), _descendants(journal.order(), standing)
    if target.dtype.kind not in "fc":
        entry = next((e for e in journal.entries if any(o is target.array for o in e.outputs)), None)
        path = (label, *_names(through, entry), entry.operation) if entry else (label,)
        return integer(label, path, entry.place if entry else None, f"the target, of dtype {target.dtype},")
    if not standing and not _is_read(journal, source, token):
        return _never_read(journal, label, token, target, source)
    left = _left(journal, source)
    if left is not None and not standing:
        return of_end(label, left.how, left.place, (label, left.how))
    if not standing:
        entry = next(e for e in journal.entries if token in e.tokens and _reads(e, source))
        return not_watched(label, source, entry.place, entry.operation)
    moved = _moved(journal, source, target, standing)
    if moved is not None:
        return moved
    wanted = _needed(journal, target)
    early = _before_watch(journal, token, through, source, standing, wanted)
    if early is not None:
        return not_watched(label, source, early.place, early.operation, late=True)
    out = _used_after_end(journal, through, source, standing, wanted)
    if out is not None:
        return of_end(label, out.how, out.place, (label, out.how))
    cut = _cut(journal, token, through, source, wanted)
    if cut is not None:
        return _of_cut(label, cut, token, (label, *_names(through, cut), cut.operation))
    ends = [
        end for _, end in journal.ends if end.node in through or (end.variable is source and end.variable is not None)
    ]
    if ends:
        end = ends[-1]
        return of_end(label, end.how, end.place, (label, *_names_to(through, end.node), end.how))
    looked_at = _looked_at(journal, through, source)
    if looked_at is not None:
        path = (label, *_names(through, looked_at), looked_at.operation)
        what = f"{looked_at.operation}, whose result is of {looked_at.outputs[0].dtype},"
        return integer(label, path, looked_at.place, what)
    if len(through) > len(standing):
        last = list(through)[-1]
        return unused(label, (label, *_names_to(through, last)), last.origin.place, last.operation)
    return unused(label, (label,), None, None)


def _descendants(order: Sequence[Node], standing: Collection[Node]) -> dict[Node, Node | None]:
    """What depends on the source: each Node with the one before it on a way there."""
    through: dict[Node, Node | None] = dict.fromkeys(standing)
    for node in order:
        if node not in through:
            before = next((parent for parent in node.parents if parent in through), None)
            if before is not None:
                through[node] = before
    return through


def _names_to(through: dict[Node, Node | None], node: Node | None) -> list[str]:
    names = []
    while node is not None and through.get(node) is not None:
        names.append(node.operation)
        node = through[node]
    return names[::-1]


def _names(through: dict[Node, Node | None], entry: Entry | None) -> list[str]:
    """Operations from the source to what ``entry`` was applied to."""
    if entry is None:
        return []
    first = next((node for _, node, _ in entry.inputs if node in through), None)
    return _names_to(through, first)


def _reads(entry: Entry, source: Any) -> bool:
    array = source._value.array if isinstance(source, Variable) else source.array
    return any(variable is source or given is array for given, _, variable in entry.inputs)


def _is_read(journal: Journal, source: Any, token: Token) -> bool:
    return any(token in entry.tokens and _reads(entry, source) for entry in journal.entries)


def _left(journal: Journal, source: Any) -> End | None:
    """The last place where a Variable left what is recorded."""
    if not isinstance(source, Variable):
        return None
    return next((end for _, end in reversed(journal.ends) if end.variable is source), None)


def _never_read(journal: Journal, label: str, token: Token, target: Any, source: Any) -> Explanation:
    """Nothing that the tape could see was computed from the source."""
    left = _left(journal, source)
    if left is not None:
        return of_end(label, left.how, left.place, (label, left.how))
    read = next((entry for entry in journal.entries if _reads(entry, source)), None)
    if read is None and isinstance(source, Variable) and token not in getattr(target.node, "tapes", ()):
        return outside(label, None, (label,), None)
    if read is None:
        elsewhere = not any(out is target.array for entry in journal.entries for out in entry.outputs)
        return outside(label, None, (label,), None) if elsewhere else unused(label, (label,), None, None)
    return _when(label, read, token, (label, read.operation))


def _cut(
    journal: Journal, token: Token, through: dict[Node, Node | None], source: Any, wanted: Collection[int]
) -> Entry | None:
    """The first operation on something that depends on the source that the tape did not record, and that leads on."""
    for entry in journal.entries:
        if entry.number in wanted and (_reads(entry, source) or any(node in through for _, node, _ in entry.inputs)):
            recorded = any(node is not None and token in node.tapes for node in entry.made)
            if not recorded:
                return entry
    return None


def _before_watch(
    journal: Journal,
    token: Token,
    through: dict[Node, Node | None],
    source: Any,
    standing: Collection[Node],
    wanted: Collection[int],
) -> Entry | None:
    """An operation that leads on to the target and used the source while the tape did not follow it yet."""
    if isinstance(source, Variable) and source.trainable:
        return None
    watched = _seen_watched(journal, standing)
    for entry in journal.entries:
        if entry.number >= watched:
            return None
        if entry.number in wanted and token in entry.tokens and _uses_untracked(entry, source, through):
            return entry
    return None


def _uses_untracked(entry: Entry, source: Any, through: Collection[Node]) -> bool:
    """Whether it was given the array of the source as a constant."""
    array = source._value.array if isinstance(source, Variable) else source.array
    return any((given is array or variable is source) and node not in through for given, node, variable in entry.inputs)


def _seen_watched(journal: Journal, standing: Collection[Node]) -> float:
    """Number of what first happened to the source as something that the tape follows."""
    ends = (number for number, end in journal.ends if end.node in standing)
    uses = (entry.number for entry in journal.entries if any(node in standing for _, node, _ in entry.inputs))
    return min((*ends, *uses), default=float("inf"))


def _used_after_end(
    journal: Journal, through: Collection[Node], source: Any, standing: Collection[Node], wanted: Collection[int]
) -> End | None:
    """Where the source itself has left the recording, its array to be used on the way to the target."""
    used = [
        entry.number for entry in journal.entries if entry.number in wanted and _uses_untracked(entry, source, through)
    ]
    return next((end for number, end in journal.ends if end.node in standing and used and number < used[-1]), None)


def _looked_at(journal: Journal, through: dict[Node, Node | None], source: Any) -> Entry | None:
    """The last operation without a derivative on what depends on the source; its result may have chosen what to do.

    If it was given to an operation (a mask, an index) nothing was chosen by it that is not written down.
    """
    given = {id(given) for entry in journal.entries for given, _, _ in entry.inputs}
    for entry in reversed(journal.entries):
        if any(out.dtype.kind in "fc" or id(out) in given for out in entry.outputs):
            continue
        if _reads(entry, source) or any(node in through for _, node, _ in entry.inputs):
            return entry
    return None


def _needed(journal: Journal, target: Any) -> set[int]:
    """Numbers of the entries that ``target`` was computed from, through recorded Nodes and past them."""
    by_array = {id(out): entry for entry in journal.entries for out in entry.outputs}
    by_node = {node: entry for entry in journal.entries for node in entry.made if node is not None}
    found: set[int] = set()
    pending: list[tuple[Any, Node | None]] = [(target.array, getattr(target, "node", None))]
    met: set[Node] = set()
    while pending:
        array, node = pending.pop()
        entry = by_node.get(node) if node is not None else None
        if entry is None and node is not None and node not in met:  # a leaf, or written down by itself
            met.add(node)
            pending += [(None, parent) for parent in node.parents if parent is not None]
        entry = entry or by_array.get(id(array))
        if entry is not None and entry.number not in found:
            found.add(entry.number)
            pending += [(given, made) for given, made, _ in entry.inputs]
    return found


def _of_cut(label: str, entry: Entry, token: Token, path: tuple[str, ...]) -> Explanation:
    if token in entry.tokens:
        if all(out.dtype.kind not in "fc" for out in entry.outputs):
            return integer(label, path, entry.place, f"{entry.operation}, whose result is of {entry.outputs[0].dtype},")
        return Explanation(
            "unknown", f"{label} has no gradient: {entry.operation} was not recorded.", path, entry.place
        )
    return _when(label, entry, token, path)


def _when(label: str, entry: Entry, token: Token, path: tuple[str, ...]) -> Explanation:
    """An operation was applied while the tape was not recording: before, after, in a pause, or when it was closed."""
    if token in entry.dead:
        return closed(label, entry.operation, path, entry.place)
    if token in entry.paused:
        return paused(label, entry.operation, path, entry.place)
    return outside(label, entry.operation, path, entry.place)


def _moved(journal: Journal, source: Any, target: Any, standing: Collection[Node]) -> Explanation | None:
    """The source's handle went on as another value (``x += y``) after the target had been computed from it."""
    ancestors = ancestors_of(getattr(target, "node", None))
    for handle, before, place in reversed(journal.moves):
        if handle is source and before is not None and before in ancestors and not ancestors & set(standing):
            return overwritten(label_of(source), place)
    return None
