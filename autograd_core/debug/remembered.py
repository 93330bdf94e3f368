"""Why a gradient is None, from what a tape remembers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..gaps import Gap, Way
from ..node import Node
from ..recording import IN_PLACE
from ..variable import Variable
from .causes import closed, integer, label_of, not_watched, of_end, outside, overwritten, paused, unused
from .explanation import RECORD, Explanation


def from_gap(
    gap: Gap, tape: Any, target: Any, source: Any, standing: Collection[Node], late: bool = False
) -> Explanation:
    """Explanation without a journal: ``target`` may be None, where it is not known any more.

    ``late`` says that the tape was closed by another gradient before.
    """
    label = label_of(source)
    if target is not None and target.dtype.kind not in "fc":
        return integer(label, (label,), None, f"the target, of dtype {target.dtype},")
    left = [way for way in gap.ways if not way.is_choice and way.how != IN_PLACE]
    if left:
        return of_end(label, left[-1].how, left[-1].place, (label, *left[-1].operations, left[-1].how))
    if late:
        return closed(label, None, (label,), None)
    if not gap.watched:
        return _unwatched(label, gap, tape, source)
    moves = [way for way in gap.ways if way.how == IN_PLACE]
    if target is not None and not standing_before(target, standing, bool(moves)):
        return overwritten(label, moves[-1].place if moves else None)
    early = _used_before_watch(target, source)
    if early is not None:
        return not_watched(label, source, early.origin.place, early.operation, late=True)
    choices = [way for way in gap.ways if way.is_choice]
    if choices and not (getattr(tape, "_pauses", ()) and not gap.target_tracked):
        return _of_choice(label, choices[-1])
    if not gap.target_tracked:
        return _untracked(label, tape, gap)
    return unused(label, (label,), None, None if not gap.used else "other operations", False)


def _of_choice(label: str, way: Way) -> Explanation:
    return integer(
        label, (label, *way.operations, way.how), way.place, f"{way.how}, whose result is not of a floating dtype,"
    )


def _used_before_watch(target: Any, source: Any) -> Node | None:
    """A Node that the target depends on and that was given the very array of ``source``, as a constant."""
    array = source._value.array if isinstance(source, Variable) else source.array
    for node in ancestors_of(getattr(target, "node", None)):
        for arg, parent in zip(node.args, node.parents, strict=False):
            if parent is None and arg is array:
                return node
    return None


def standing_before(target: Any, standing: Collection[Node], moved: bool) -> bool:
    """False if the target depends on what the source's handle stood for before it was changed in place.

    ``moved`` says that it is known to have been.
    """
    ancestors = ancestors_of(getattr(target, "node", None))
    for node in standing:
        if node.primitive is None or node in ancestors:
            continue
        in_place = moved or node.primitive.name in ("set_at", "add_at")
        if in_place and any(p in ancestors for p in node.parents if p is not None):
            return False
    return True


def _unwatched(label: str, gap: Gap, tape: Any, source: Any) -> Explanation:
    watches = getattr(tape, "watch_accessed_variables", True)
    if isinstance(source, Variable) and source.trainable and watches:
        if gap.target_tracked:
            return unused(label, (label,), None, None, False)
        if getattr(tape, "_pauses", ()):
            return paused(label, None, (label,), tape._pauses[-1])
        return outside(label, None, (label,), None)
    return not_watched(label, source, None, None)


def _untracked(label: str, tape: Any, gap: Gap) -> Explanation:
    """The tape has followed the source and knows nothing of the target."""
    if getattr(tape, "_pauses", ()):
        return paused(label, None, (label,), tape._pauses[-1])
    return Explanation(
        "outside",
        f"{label} has no gradient: the tape has followed it, and recorded nothing of the target, which was computed "
        "outside of it: not inside `with tape:`, or after gradient() had closed the tape, or on another thread, or of "
        "a number or array that had left through .numpy(), float() or np.asarray when no tape was recording any more. "
        "Or there is nothing to record: a number, or the derivative of something linear.",
        (label,),
        None,
        f"Move all that leads to the target into `with tape:`. {RECORD}",
    )


def ancestors_of(node: Node | None) -> set[Node]:
    """``node`` and what it was computed from."""
    found = {node} if node is not None else set()
    pending = list(found)
    while pending:
        for parent in pending.pop().parents:
            if parent is not None and parent not in found:
                found.add(parent)
                pending.append(parent)
    return found
