"""Kernels of compiled functions: timed by themselves, once for each plan, on copies of what it works on."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from .rows import Row


class Kernels:
    """How long each kernel of each plan takes, and how often the plan was called."""

    def __init__(self) -> None:
        self._of_plan: WeakKeyDictionary[Any, list[Row]] = WeakKeyDictionary()
        self._rows: list[Row] = []

    def see(self, function: Any, plan: Any, args: Any, keywords: Any) -> None:
        """Count a call; time the kernels at the first one."""
        rows = self._of_plan.get(plan)
        if rows is None:
            rows = self._of_plan[plan] = _timed(function.name, plan, args, keywords)
            self._rows += rows
        for row in rows:
            row.forward += row.forward / row.calls if row.calls else 0.0
            row.calls += 1

    def rows(self) -> list[Row]:
        """A row for each kernel."""
        return list(self._rows)


def _timed(name: str, plan: Any, args: Any, keywords: Any) -> list[Row]:
    found = []
    for kernel in plan.times(*args, **keywords):
        if kernel["microseconds"] is not None:
            row = Row(f"{name}: {kernel['name']} ({', '.join(dict.fromkeys(kernel['operations']))})")
            row.forward, row.result_bytes = kernel["microseconds"] * 1e-6, kernel["writes"]
            found.append(row)
    return found
