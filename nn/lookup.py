"""Strings in place of objects: ``activation="relu"``, ``loss="mse"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import autograd_core as ag


def by_name(kind: str, identifier: str, known: Mapping[str, Any]) -> Any:
    """Entry of ``known`` for a name.

    A name may be written as the class is (``"GlorotUniform"``) or in lower case with underscores
    (``"glorot_uniform"``).

    Raises
    ------
    DomainError
        For an unknown name; the message lists those known.
    """
    plain = _plain(identifier)
    for name, entry in known.items():
        if _plain(name) == plain:
            return entry
    raise ag.DomainError(f"no {kind} is called {identifier!r}; known: {', '.join(sorted(known))}.")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
