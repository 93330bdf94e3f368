"""What is to be said of a formula where it cannot be read as it stands: 0/0, or a zero beside an infinity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .calculus import evaluate
from .expressions import Call, Expression
from .guarded import GUARDED
from .writing import Writer


def notes_on(expressions: Sequence[Expression], values: Any, writer: Writer) -> Iterator[str]:
    """A sentence for each part of ``expressions`` that has no value as it is written, at the values given."""
    for expression in expressions:
        for part in _corners(expression, values):
            taken = float(np.asarray(evaluate(part, values)).flat[0])
            if np.isfinite(taken):
                yield f"{writer.write(part).text} stands for {taken:g} here, where as written it is not defined"


def _corners(expression: Expression, values: Any) -> Iterator[Call]:
    pending = [expression]
    while pending:
        part = pending.pop()
        if not isinstance(part, Call):
            continue
        pending += part.args
        guarded = GUARDED.get(part.function)
        if guarded is not None and guarded.corner is not None:
            with np.errstate(all="ignore"):
                if np.any(guarded.corner(*(evaluate(arg, values) for arg in part.args))):
                    yield part
