"""Why a gradient is None: what became of the source, from what a tape remembers or from a journal of the whole run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..gaps import Gap
from ..node import Node
from ..recording import End, Token
from ..variable import Variable
from .explanation import RECORD, Explanation
from .journal import Entry, Journal

_LEFT = "Compute with NumPy's functions on the Tensor itself: they are recorded, and their result is a Tensor again."


def label_of(item: Any) -> str:
    """What to call a source or target."""
    if isinstance(item, Variable):
        return item.label()
    node = getattr(item, "node", None)
    if node is not None and node.name:
        return f"{node.name!r}"
    return f"the Tensor of shape {item.shape}"


# -- from a journal ----------------------------------------------------------------------------------------------------


def from_journal(journal: Journal, token: Token, target: Any, source: Any, standing: Collection[Node]) -> Explanation:
    """Explanation with everything known that happened."""
    label, through = label_of(source), _descendants(journal.order(), standing)
    if target.dtype.kind not in "fc":
        entry = next((e for e in journal.entries if any(o is target.array for o in e.outputs)), None)
        path = (label, *_names(through, entry), entry.operation) if entry else (label,)
        return _integer(label, path, entry.place if entry else None, f"the target, of dtype {target.dtype},")
    if not standing and not _is_read(journal, source, token):
        return _never_read(journal, label, token, target, source)
    left = _left(journal, source)
    if left is not None and not standing:
        return _of_end(label, left.how, left.place, (label, left.how))
    if not standing:
        entry = next(e for e in journal.entries if token in e.tokens and _reads(e, source))
        return _not_watched(label, source, entry.place, entry.operation)
    moved = _moved(journal, source, target, standing)
    if moved is not None:
        return moved
    wanted = _needed(journal, target)
    early = _before_watch(journal, token, through, source, wanted)
    if early is not None:
        return _not_watched(label, source, early.place, early.operation, late=True)
    cut = _cut(journal, token, through, source, wanted)
    if cut is not None:
        return _of_cut(label, cut, token, (label, *_names(through, cut), cut.operation))
    ends = [
        end for _, end in journal.ends if end.node in through or (end.variable is source and end.variable is not None)
    ]
    if ends:
        end = ends[-1]
        return _of_end(label, end.how, end.place, (label, *_names_to(through, end.node), end.how))
    looked_at = _looked_at(journal, through, source)
    if looked_at is not None:
        path = (label, *_names(through, looked_at), looked_at.operation)
        what = f"{looked_at.operation}, whose result is of {looked_at.outputs[0].dtype},"
        return _integer(label, path, looked_at.place, what)
    if len(through) > len(standing):
        last = list(through)[-1]
        return _unused(label, (label, *_names_to(through, last)), last.origin.place, last.operation)
    return _unused(label, (label,), None, None)


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
        return _of_end(label, left.how, left.place, (label, left.how))
    read = next((entry for entry in journal.entries if _reads(entry, source)), None)
    if read is None and isinstance(source, Variable) and token not in getattr(target.node, "tapes", ()):
        return outside(label, None, (label,), None)
    if read is None:
        elsewhere = not any(out is target.array for entry in journal.entries for out in entry.outputs)
        return outside(label, None, (label,), None) if elsewhere else _unused(label, (label,), None, None)
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
    journal: Journal, token: Token, through: dict[Node, Node | None], source: Any, wanted: Collection[int]
) -> Entry | None:
    """An operation that leads on to the target and used the source while the tape did not follow it yet."""
    if isinstance(source, Variable) and source.trainable:
        return None
    array = source._value.array if isinstance(source, Variable) else source.array
    for entry in journal.entries:
        if (
            entry.number in wanted
            and token in entry.tokens
            and any(
                (given is array or variable is source) and node not in through for given, node, variable in entry.inputs
            )
        ):
            return entry
    return None


def _looked_at(journal: Journal, through: dict[Node, Node | None], source: Any) -> Entry | None:
    """The last operation without a derivative on what depends on the source; its result may have chosen what to do."""
    for entry in reversed(journal.entries):
        if all(out.dtype.kind not in "fc" for out in entry.outputs) and (
            _reads(entry, source) or any(node in through for _, node, _ in entry.inputs)
        ):
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
            return _integer(
                label, path, entry.place, f"{entry.operation}, whose result is of {entry.outputs[0].dtype},"
            )
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
    ancestors = _ancestors(getattr(target, "node", None))
    for handle, before, place in reversed(journal.moves):
        if handle is source and before is not None and before in ancestors and not ancestors & set(standing):
            return overwritten(label_of(source), place)
    return None


def _ancestors(node: Node | None) -> set[Node]:
    found = {node} if node is not None else set()
    pending = list(found)
    while pending:
        for parent in pending.pop().parents:
            if parent is not None and parent not in found:
                found.add(parent)
                pending.append(parent)
    return found


# -- from what the tape remembers --------------------------------------------------------------------------------------


def from_gap(
    gap: Gap, tape: Any, target: Any, source: Any, standing: Collection[Node], late: bool = False
) -> Explanation:
    """Explanation without a journal: ``target`` may be None, where it is not known any more.

    ``late`` says that the tape was closed by another gradient before.
    """
    label = label_of(source)
    if target is not None and target.dtype.kind not in "fc":
        return _integer(label, (label,), None, f"the target, of dtype {target.dtype},")
    if gap.ways:
        way = gap.ways[-1]
        return _of_end(label, way.how, way.place, (label, *way.operations, way.how))
    if late:
        return closed(label, None, (label,), None)
    if not gap.watched:
        return _unwatched(label, gap, tape, source)
    if target is not None and not standing_before(target, standing):
        return overwritten(label, None)
    if not gap.target_tracked:
        return _untracked(label, tape, gap)
    return _unused(label, (label,), None, None if not gap.used else "other operations", False)


def standing_before(target: Any, standing: Collection[Node]) -> bool:
    """False if the target depends on what the source's handle stood for before it was changed in place."""
    ancestors = _ancestors(getattr(target, "node", None))
    for node in standing:
        if node.primitive is None or node in ancestors:
            continue
        if node.primitive.name in ("set_at", "add_at") and any(p in ancestors for p in node.parents if p is not None):
            return False
    return True


def _unwatched(label: str, gap: Gap, tape: Any, source: Any) -> Explanation:
    watches = getattr(tape, "watch_accessed_variables", True)
    if isinstance(source, Variable) and source.trainable and watches:
        if gap.target_tracked:
            return _unused(label, (label,), None, None, False)
        if getattr(tape, "_pauses", ()):
            return paused(label, None, (label,), tape._pauses[-1])
        return outside(label, None, (label,), None)
    return _not_watched(label, source, None, None)


def _untracked(label: str, tape: Any, gap: Gap) -> Explanation:
    """The tape has followed the source and knows nothing of the target."""
    if getattr(tape, "_pauses", ()):
        return paused(label, None, (label,), tape._pauses[-1])
    return Explanation(
        "unknown",
        f"{label} has no gradient: the tape has followed it, and recorded nothing of the target. On the way from "
        "the one to the other is a comparison or a conversion to integers, or the target was computed outside of "
        "`with tape:`, after gradient() had closed the tape, or on another thread.",
        (label,),
        None,
        RECORD,
    )


# -- words -------------------------------------------------------------------------------------------------------------


def _more(place: str | None) -> str:
    return "" if place else f" {RECORD}"


def _not_watched(label: str, source: Any, place: str | None, operation: str | None, late: bool = False) -> Explanation:
    if late:
        why = "it was used before it was given to tape.watch, and a tape follows a value from then on only"
    elif isinstance(source, Variable):
        why = "it is not trainable" if not source.trainable else "this tape does not watch what it reads"
        why += ", and was not given to tape.watch"
    else:
        why = "it was never watched: a tape follows trainable Variables by itself, and Tensors only after tape.watch"
    used = f"; {operation} used it" + ("" if late else " all the same") if operation else ""
    return Explanation(
        "not watched", f"{label} has no gradient: {why}{used}.", (label,), place,
        f"Call tape.watch(x) inside `with tape:`, before x is used, or make x a Variable.{_more(place)}",
    )  # fmt: skip


def outside(label: str, operation: str | None, path: tuple[str, ...], place: str | None) -> Explanation:
    """Computed where the tape does not record."""
    what = f"{operation} was applied" if operation else "the target was computed"
    return Explanation(
        "outside",
        f"{label} has no gradient: {what} outside of the tape, which records only inside its `with` block, and only on "
        "the thread that entered it.",
        path, place, f"Move the computation of the target into `with tape:`, on the same thread.{_more(place)}",
    )  # fmt: skip


def paused(label: str, operation: str | None, path: tuple[str, ...], place: str | None) -> Explanation:
    """Computed inside ``stop_recording``."""
    what = f"{operation} was applied" if operation else "what leads on to the target was computed"
    return Explanation(
        "paused", f"{label} has no gradient: {what} while the tape was paused (tape.stop_recording).", path, place,
        f"Move it out of `with tape.stop_recording():`.{_more(place)}",
    )  # fmt: skip


def closed(label: str, operation: str | None, path: tuple[str, ...], place: str | None) -> Explanation:
    """Computed after the tape had given its gradient."""
    what = f"{operation} was applied" if operation else "the target was computed"
    return Explanation(
        "closed",
        f"{label} has no gradient: {what} after this tape had given a gradient and was closed; nothing is recorded "
        "from then on.",
        path, place,
        f"Take the gradient at the end, or use GradientTape(persistent=True) or another tape.{_more(place)}",
    )  # fmt: skip


def overwritten(label: str, place: str | None) -> Explanation:
    """The handle stands for another value than the one that was used."""
    return Explanation(
        "overwritten",
        f"{label} has no gradient: it was changed in place (x[i] = y, x += y) after the target was computed from it, "
        "and now stands for the new value, which the target does not depend on.",
        (label,), place,
        "Keep the former value under a name of its own (before = x; x = x + y) and ask for its gradient."
        f"{_more(place)}",
    )  # fmt: skip


def _integer(label: str, path: tuple[str, ...], place: str | None, what: str) -> Explanation:
    return Explanation(
        "integer",
        f"{label} has no gradient: {what} ends the path, since comparisons, argmax and conversions to integers have no "
        "derivative.",
        path, place,
        "Use a smooth function in its place: np.where to choose, a sigmoid for a threshold, a softmax for argmax; and "
        f"keep the target floating.{_more(place)}",
    )  # fmt: skip


def _of_end(label: str, how: str, place: str, path: tuple[str, ...]) -> Explanation:
    if how == "stop_gradient":
        return Explanation(
            "stop_gradient", f"{label} has no gradient: stop_gradient ends the path.", path, place,
            "Take stop_gradient away, if the gradient is wanted.",
        )  # fmt: skip
    if how == "assign()":
        return Explanation(
            "assigned",
            f"{label} has no gradient: a value computed from it was assigned to a Variable, which is not "
            "differentiable; what is read from the Variable afterwards begins a new path.",
            path, place, "Compute on with the value itself, and assign it when all is done.",
        )  # fmt: skip
    return Explanation(
        "left",
        f"{label} has no gradient: a value computed from it left the tape through {how}, and NumPy and Python know "
        "nothing of tapes; nothing else of it leads to the target.",
        path, place, _LEFT,
    )  # fmt: skip


def _unused(label: str, path: tuple[str, ...], place: str | None, last: str | None, sure: bool = True) -> Explanation:
    """``sure`` is whether all that happened is known, not only what the tape has recorded."""
    if sure:
        used = "not used at all" if last is None else f"used (by {last}), but not for the target"
        why, cure = f"it is {used}: the target does not depend on it", ""
    else:
        used = (
            "no recorded operation uses it" if last is None else f"it is used by {last}, but none leads to the target"
        )
        why, cure = (
            (
                f"{used}: the target does not depend on it, or only through a comparison, a conversion to integers, or "
                "what was computed while the tape did not record"
            ),
            f" {RECORD}",
        )
    return Explanation(
        "unused", f"{label} has no gradient: {why}.", path, place,
        "Use it in what is computed, or leave it out of the sources; unconnected_gradients='zero' gives zeros." + cure,
    )  # fmt: skip
