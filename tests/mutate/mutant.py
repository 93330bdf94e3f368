"""What a mutant is: one change to a rule, planted in place, and always taken out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from autograd_core.primitive import Primitive, _indexed


@dataclass(frozen=True)
class Mutant:
    """One broken rule.

    Attributes
    ----------
    target : str
        What is broken: "multiply.vjps[0]", "reductions.shares", "cotangents.unbroadcast".
    kind : str
        How: "sign", "factor", ... The kinds of ``wrapped``, or "text".
    change : str
        In words: "cos -> sin at line 41, column 20".
    number : int
        Among the mutants of its target.
    planted : callable
        Gives a context in which the rule is broken.
    """

    target: str
    kind: str
    change: str
    number: int
    planted: Callable[[], AbstractContextManager[None]]

    @property
    def key(self) -> str:
        """Names this mutant among all, in every process."""
        return f"{self.target}#{self.number}"

    def __str__(self) -> str:
        return f"{self.target}: {self.change}"


@contextmanager
def replaced(changes: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Attributes set for a while: triples (object, name, value)."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
        _indexed.cache_clear()  # it holds on to the rules of operations with any number of arguments


def in_slot(row: Primitive, slot: str, index: int, rule: Any) -> AbstractContextManager[None]:
    """``rule`` in place of one of ``row.vjps`` or ``row.jvps``."""
    rules = list(getattr(row, slot))
    rules[index] = rule
    return replaced([(row, slot, tuple(rules))])
