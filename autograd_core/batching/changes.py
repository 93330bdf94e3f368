"""Tensors that a mapped function changes in place: those from outside must not become Values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import TraceError
from ..tensor import Tensor


class Changes:
    """Handles that go on as Values, and what they were before."""

    def __init__(self) -> None:
        self._moved: list[tuple[Tensor, Any, Any]] = []

    def note(self, handle: Tensor) -> None:
        """Remember a handle before it changes."""
        self._moved.append((handle, handle.array, handle.node))

    def mark(self) -> int:
        """How many have changed so far."""
        return len(self._moved)

    def check(self, name: str, since: int, alone: Callable[[Tensor], Tensor | None]) -> None:
        """Raise if somebody else has a handle that was changed after the mark ``since``; it is then what it was.

        ``alone(handle)`` is what it stands for if that is the same for all examples: at the end it becomes that.
        """
        while len(self._moved) > since:
            handle, array, node = self._moved.pop()
            if sys.getrefcount(handle) <= _ALONE:
                continue
            known = None if since else alone(handle)
            if known is not None:
                handle.array, handle.node = known.array, known.node
                continue
            handle.array, handle.node = array, node
            raise TraceError(
                f"{name} changes a Tensor from outside in place (x[...] = y, x += y), with a value that differs "
                "between the examples it is mapped over (autograd_core.vmap). Return the value instead."
            )

    @contextmanager
    def undone_on_failure(self) -> Iterator[None]:
        """For a call of the mapped function: if it fails, Tensors from outside are what they were."""
        try:
            yield
        except BaseException:
            for handle, array, node in self._moved:
                handle.array, handle.node = array, node
            self._moved.clear()
            raise


def _references() -> int:
    """Reference count that means "nobody else": measured, since it differs between versions of Python."""
    handle = Tensor(np.zeros(1), None)
    triples = [(handle, handle.array, None)]
    del handle
    popped, _, _ = triples.pop()
    return sys.getrefcount(popped)


_ALONE = _references()
