"""Which primitives are functions of their operands, so that a call may be left out or made ahead of time."""

from __future__ import annotations

from ...ops.table import TABLE
from ...primitive import Primitive

_ROWS = frozenset(TABLE)
_PACKAGE = __name__.split(".", 1)[0] + "."
_OPS = __name__.split(".", 1)[0] + ".ops."


def is_ours(primitive: Primitive) -> bool:
    """Whether it is one of the engine's own: users' may have the same names."""
    return primitive in _ROWS or getattr(primitive.impl, "__module__", "").startswith(_PACKAGE)


def is_pure(primitive: Primitive) -> bool:
    """Whether calls with equal operands give equal results and do nothing else.

    So it is with the rows of the table, and with what is defined beside them. Control flow may draw random numbers
    each time it goes round, and what users have written may do anything.
    """
    return primitive in _ROWS or getattr(primitive.impl, "__module__", "").startswith(_OPS)
