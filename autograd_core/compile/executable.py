"""What an emitter makes of a program, and what it raises."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from ..symbol import Value

PASSED = ("argument", "tensor", "host")
"""Kinds of inputs that are new arrays at every call."""

BOUND = ("variable", "buffer", "array")
"""Kinds of inputs that are mostly the same array from call to call."""


class ZeroMetInfinity(Exception):  # noqa: N818 - not an error: the call is made again
    """A guarded gradient has a NaN: the call has to be made again with zeros winning over infinities."""


class Executable(Protocol):
    """A program made ready to run.

    Attributes
    ----------
    source : str
        The emitted Python text.
    """

    source: str

    def bind(self, arrays: Sequence[Any]) -> None:
        """Say which arrays the bound inputs are, in the program's order; those written to are written in place."""

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Run on the passed inputs, in the program's order; one array for each output."""

    def report(self) -> list[dict[str, Any]]:
        """What there is to know of each kernel: name, operations, bytes read and written."""

    def times(self, bound: Sequence[Any], passed: Sequence[Any]) -> list[float]:
        """Microseconds of each kernel, in the order of the report; measured on copies of the bound arrays."""

    def groups(self) -> Sequence[tuple[str, Collection[Value]]]:
        """Name of each kernel, and the values that it computes."""
