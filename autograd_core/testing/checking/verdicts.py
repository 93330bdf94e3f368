"""What check_grads found: one verdict per input, order and mode, and the report that holds them all."""

from __future__ import annotations

from dataclasses import dataclass

SMOOTH = "smooth, agrees"
KINK = "kink, admissible"
CANNOT_TELL = "cannot tell"
WRONG = "wrong"
FROM_BEST = (SMOOTH, KINK, CANNOT_TELL, WRONG)


class UncertainGradientWarning(UserWarning):
    """A gradient that ``check_grads`` could neither confirm nor refute."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the derivatives along one input are right, at one order and in one mode.

    Attributes
    ----------
    name : str
        The input, as it would be written: ``args[0]``, ``args[1]['w']``.
    order : int
    mode : str
        "rev" or "fwd"; of a second derivative "fwd over rev", the one taken last first.
    verdict : str
        "smooth, agrees": as the numbers say. "kink, admissible": one of the values between those of the derivatives
        on both sides. "wrong". "cannot tell": the numbers are no better than that.
    reason : str
        A sentence: what the verdict rests on; for a wrong one the numbers and the likely cause.
    entry : tuple of int or None
        The entry of the input that the numbers belong to; None for a random direction along the whole input.
    by_rule, numerical : float
        Derivative by the rules of the engine, and by numbers.
    uncertainty : float
        How far ``numerical`` may be off.
    allowed : float
        What both may differ by.
    method : str
        "complex step" where it applied and both agree near rounding, else "differences".
    """

    name: str
    order: int
    mode: str
    verdict: str
    reason: str = ""
    entry: tuple[int, ...] | None = None
    by_rule: float = float("nan")
    numerical: float = float("nan")
    uncertainty: float = float("nan")
    allowed: float = float("nan")
    method: str = "differences"

    def __str__(self) -> str:
        where = self.name + (f", entry {list(self.entry)}" if self.entry else "")
        return f"{where}, order {self.order}, {self.mode}: {self.verdict}" + (
            f" ({self.reason})" if self.reason else ""
        )


@dataclass(frozen=True, slots=True)
class GradientReport:
    """All verdicts on one function; printed as a table.

    Attributes
    ----------
    title : str
        Name of the function.
    verdicts : tuple of Verdict
    """

    title: str
    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> str:
        """The worst of all."""
        return max((v.verdict for v in self.verdicts), key=FROM_BEST.index, default=SMOOTH)

    def of(self, verdict: str) -> tuple[Verdict, ...]:
        """Those that say ``verdict``."""
        return tuple(found for found in self.verdicts if found.verdict == verdict)

    @property
    def message(self) -> str:
        """What is wrong, in full for the first one; "" if nothing is."""
        wrong = self.of(WRONG)
        if not wrong:
            return ""
        others = [f"{v.name}, order {v.order}, {v.mode}" for v in wrong[1:]]
        return wrong[0].reason + (f" Wrong as well: {'; '.join(others)}." if others else "")

    def __str__(self) -> str:
        head = ("input", "order", "mode", "by rule", "numerical", "uncertain by", "verdict", "by")
        rows = [head, *(_cells(found) for found in self.verdicts)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = ["  ".join(_padded(*cell) for cell in zip(row, widths, RIGHT, strict=True)) for row in rows]
        said = [f"{v.name}, order {v.order}, {v.mode}: {v.reason}" for v in self.verdicts if v.verdict != SMOOTH]
        table = [f"check_grads({self.title}): {self.verdict}", *(line.rstrip() for line in lines)]
        return "\n".join([*table, *dict.fromkeys(said)])


RIGHT = (False, True, False, True, True, True, False, False)  # numbers to the right


def _padded(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _cells(found: Verdict) -> tuple[str, ...]:
    return (
        found.name + (str(list(found.entry)) if found.entry else ""),
        str(found.order),
        found.mode,
        f"{found.by_rule:.6g}",
        f"{found.numerical:.6g}",
        f"{found.uncertainty:.1g}",
        found.verdict,
        found.method,
    )
