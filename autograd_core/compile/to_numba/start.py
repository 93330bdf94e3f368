"""Numba's start, without the part of SciPy that emitted code has no use for.

The first thing that Numba compiles or loads makes it import all that it can compile; one of those modules imports
``scipy.linalg`` only to find out whether it is there, which takes a quarter of the time that a plan takes to come from
the disk. Here the question is answered without the import. Whoever compiles a product or a decomposition with Numba
meets Numba's own check, as before.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

_ASKS = "numba.np.arraymath"
"""Asks once, when it is imported, by ``ensure_blas`` of the module below."""

_ANSWERS = "numba.np.linalg"


def prepare() -> None:
    """Import what asks for SciPy with the answer at hand; nothing, if that has happened or SciPy is not there."""
    if _ASKS in sys.modules or importlib.util.find_spec("scipy") is None:
        return
    try:
        answers: Any = importlib.import_module(_ANSWERS)
        ensure = answers.ensure_blas
    except (ImportError, AttributeError):  # a Numba that is made in another way
        return
    answers.ensure_blas = _is_there
    try:
        importlib.import_module(_ASKS)
    finally:
        answers.ensure_blas = ensure
        asking = sys.modules.get(_ASKS)
        if getattr(asking, "ensure_blas", None) is _is_there:
            asking.ensure_blas = ensure  # type: ignore[union-attr]


def _is_there() -> None:
    """Stands for Numba's check, which raises ImportError without SciPy."""
