"""Why a gradient is None, in words: one explanation for each cause."""

from __future__ import annotations

from typing import Any

from ..graph.text import shorten
from ..variable import Variable
from .explanation import RECORD, Explanation

_LEFT = "Compute with NumPy's functions on the Tensor itself: they are recorded, and their result is a Tensor again."


def label_of(item: Any) -> str:
    """What to call a source or target."""
    if isinstance(item, Variable):
        return f"Variable {shorten(item.name)!r}" if item.name else item.label()
    node = getattr(item, "node", None)
    if node is not None and node.name:
        return f"{shorten(node.name)!r}"
    return f"the Tensor of shape {item.shape}"


def _more(place: str | None) -> str:
    return "" if place else f" {RECORD}"


def not_watched(label: str, source: Any, place: str | None, operation: str | None, late: bool = False) -> Explanation:
    """No tape was told to follow it, or too ``late``."""
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


def integer_source(source: Any) -> Explanation:
    """The source itself has no derivative."""
    label = label_of(source)
    return Explanation(
        "integer",
        f"{label} has no gradient: it is of dtype {source.dtype}, and only floating and complex values have one.",
        (label,), None, "Make it of a floating dtype: 3.0 in place of 3, dtype='float32'.",
    )  # fmt: skip


def integer(label: str, path: tuple[str, ...], place: str | None, what: str) -> Explanation:
    """A comparison, an index or a conversion on the way."""
    return Explanation(
        "integer",
        f"{label} has no gradient: {what} ends the path, since comparisons, argmax and conversions to integers have no "
        "derivative.",
        path, place,
        "Use a smooth function in its place: np.where to choose, a sigmoid for a threshold, a softmax for argmax; and "
        f"keep the target floating.{_more(place)}",
    )  # fmt: skip


def of_end(label: str, how: str, place: str, path: tuple[str, ...]) -> Explanation:
    """A value computed from it has left the tape."""
    if how == "stop_gradient":
        return Explanation(
            "stop_gradient", f"{label} has no gradient: stop_gradient ends the path.", path, place,
            "Take stop_gradient away, if the gradient is wanted.",
        )  # fmt: skip
    if how.startswith("assign"):
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


def unused(label: str, path: tuple[str, ...], place: str | None, last: str | None, sure: bool = True) -> Explanation:
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
