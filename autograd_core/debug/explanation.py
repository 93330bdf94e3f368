"""Explanation: why a gradient is what it is, in a sentence, with the path, the line and the cure."""

from __future__ import annotations

from dataclasses import dataclass

RECORD = (
    "To see the line, let ag.explain run the program once more: ag.explain(program), where program() takes the "
    "gradient and returns (tape, target, source)."
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a gradient is None, zero, NaN or infinite; or that it is none of these.

    Attributes
    ----------
    cause : str
        A keyword that stays the same from version to version. For None: "not watched", "outside", "paused", "closed",
        "left", "assigned", "integer", "stop_gradient", "overwritten", "unused", "unknown". For zero: "clipped",
        "saturated", "branch", "index", "overwritten", "step", "zero factor", "underflow", "cancelled", "hook",
        "flat". Else "nan", "infinity", "no rule"; "connected" if the gradient is finite and not zero.
    sentence : str
    path : tuple of str
        From the source to where it ends: names, and operations in between. Empty where nothing is known.
    place : str or None
        Line of the user's program, as ``path:line``.
    cure : str
        What to do about it; empty if there is nothing to do.
    """

    cause: str
    sentence: str
    path: tuple[str, ...] = ()
    place: str | None = None
    cure: str = ""

    def __str__(self) -> str:
        lines = [self.sentence]
        if len(self.path) > 1:
            lines.append(f"path: {' -> '.join(_shortened(self.path))}")
        if self.place:
            lines.append(f"at: {self.place}")
        if self.cure:
            lines.append(f"cure: {self.cure}")
        return "\n".join(lines)


def _shortened(path: tuple[str, ...], most: int = 12) -> list[str]:
    if len(path) <= most:
        return list(path)
    half = most // 2
    return [*path[:half], f"... ({len(path) - most} more) ...", *path[-half:]]
