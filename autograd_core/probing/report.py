"""ProbeReport: what was found out about a user's operation, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RIGHT = "right"
SURROGATE = "surrogate"
CANNOT_TELL = "cannot tell"
NOT_PROBED = "not probed"
WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One property that was looked at.

    Attributes
    ----------
    name : str
        "shapes", "linear in the upstream", "first derivative", "forward mode", "second derivative".
    verdict : str
        "right", "wrong", "cannot tell".
    by_rule, numerical : float or None
        The two numbers that were compared, where it is a comparison of two.
    allowed : float or None
        How much they may differ.
    """

    name: str
    verdict: str
    by_rule: float | None = None
    numerical: float | None = None
    allowed: float | None = None

    @classmethod
    def of(cls, name: str, verdict: str, comparison: Any) -> Check:
        """Of two numbers that were compared."""
        return cls(name, verdict, comparison.by_rule, comparison.numerical, comparison.allowed)

    def __str__(self) -> str:
        line = f"{self.name:<24}{self.verdict:<12}"
        if self.by_rule is None or self.numerical is None:
            return line.rstrip()
        return f"{line}by rule {self.by_rule:.6g}, by differences {self.numerical:.6g}, allowed {self.allowed:.1e}"


@dataclass(slots=True)
class ProbeReport:
    """What a probe of a user's operation found, and what it cost. ``str`` of it is a table.

    Attributes
    ----------
    operation : str
    arguments : str
        What it was called with, in words.
    verdict : str
        "right"; "surrogate" (made to change gradients: its value is that of an argument, or constant in steps);
        "cannot tell"; "not probed"; "wrong".
    reason : str
        Why it is not "right".
    checks : list of Check
        The properties looked at.
    notes : list of str
    forward_calls, rule_calls : int
        How often the function was called, and its rules for all arguments together.
    seconds : float
    has_raised : bool
        Whether the function failed at the arguments themselves.
    """

    operation: str
    arguments: str
    verdict: str = NOT_PROBED
    reason: str = ""
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    forward_calls: int = 0
    rule_calls: int = 0
    seconds: float = 0.0
    has_raised: bool = False

    def add(self, name: str, verdict: str, comparison: Any = None) -> None:
        """Note a check."""
        self.checks.append(Check(name, verdict) if comparison is None else Check.of(name, verdict, comparison))

    @property
    def accepted(self) -> bool:
        """Whether the operation may be used: everything but "wrong"."""
        return self.verdict != WRONG

    def __str__(self) -> str:
        head = f"{self.operation}({self.arguments}): {self.verdict}"
        lines = [f"{head}, {self.reason}" if self.reason else head]
        lines += [f"  {check}" for check in self.checks]
        lines += [f"  note: {note}" for note in self.notes]
        lines.append(
            f"  cost: {self.seconds * 1e3:.3g} ms; {_times(self.forward_calls)} forward, "
            f"{_times(self.rule_calls)} backward"
        )
        return "\n".join(lines)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
