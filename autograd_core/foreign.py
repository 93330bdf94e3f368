"""SciPy's functions that were given a tracked value: which one it was, and which of ours does the same."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any


def instead_of_scipy(namespace: Any) -> str:
    """A sentence on what to call in place of SciPy's function that the caller runs in; empty if it runs in none.

    SciPy's functions turn what they are given into arrays before anything else, and have no protocol of NumPy's that
    would ask ours first.

    Parameters
    ----------
    namespace : module
        ``autograd_core.numpy``.
    """
    frame: FrameType | None = sys._getframe(1)
    names: list[str] = []
    while frame is not None and not (names and not _is_scipys(frame)):
        if _is_scipys(frame):
            # SciPy wraps many of its functions for stacks of arrays; the wrapper has the function as ``f``.
            names += [name.lstrip("_") for name in (getattr(frame.f_locals.get("f"), "__name__", ""), _name(frame))]
        frame = frame.f_back
    for name in reversed(names):
        for part in ("linalg", "special", "fft"):
            if name in getattr(getattr(namespace, part), "__all__", dir(getattr(namespace, part))):
                return f"In place of SciPy's {name} use autograd_core.numpy.{part}.{name}. "
    return f"SciPy's {names[-1]} has no derivative here. " if names else ""


def _is_scipys(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] == "scipy"


def _name(frame: FrameType) -> str:
    return frame.f_code.co_name
