"""Strings in place of objects: ``activation="relu"``, ``loss="mse"``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def chosen(kind: str, identifier: Any, base: type, known: Mapping[str, Any], wrap: Callable[[Any], Any]) -> Any:
    """Object of class ``base`` for a name, a class, an object, or a function of ``y_true`` and ``y_pred``.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    if isinstance(identifier, str):
        return by_name(kind, identifier, known)(name=identifier)
    if isinstance(identifier, type) and issubclass(identifier, base):
        return identifier()
    if isinstance(identifier, base):
        return identifier
    if not callable(identifier):
        raise ag.ConversionError(
            f"{kind}: got a {type(identifier).__name__}; expected a name, a {kind}, or a function of y_true and y_pred."
        )
    return wrap(identifier)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
