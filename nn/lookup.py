"""Strings in place of objects: ``activation="relu"``, ``loss="mse"``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

import autograd_core as ag

from .config import is_config, made

_ALIKE = 0.5  # of difflib's measure, 0 to 1: below it a name is no help


def by_name(kind: str, identifier: str, known: Mapping[str, Any]) -> Any:
    """Entry of ``known`` for a name.

    A name may be written as the class is (``"GlorotUniform"``) or in lower case with underscores
    (``"glorot_uniform"``).

    Raises
    ------
    DomainError
        For an unknown name; the message asks whether the nearest one was meant, and lists all.
    """
    entry = known.get(identifier)
    if entry is not None:
        return entry
    plain = _plain(identifier)
    for name, entry in known.items():
        if _plain(name) == plain:
            return entry
    raise ag.DomainError(
        f"no {kind} is called {identifier!r}; {_suggestion(identifier, known)}{', '.join(sorted(known))}."
    )


def chosen(kind: str, identifier: Any, base: type, known: Mapping[str, Any], wrap: Callable[[Any], Any]) -> Any:
    """Object of class ``base`` for a name, a class, a config, an object, or a function of ``y_true`` and ``y_pred``.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    if isinstance(identifier, str):
        return by_name(kind, identifier, known)(name=identifier)
    if is_config(identifier):
        return made(base, identifier)
    if isinstance(identifier, type) and issubclass(identifier, base):
        return identifier()
    if isinstance(identifier, base):
        return identifier
    if not callable(identifier):
        raise ag.ConversionError(
            f"{kind}: got a {type(identifier).__name__}; expected a name, a {kind}, or a function of y_true and y_pred."
        )
    return wrap(identifier)


def object_for(kind: str, identifier: Any, base: type, known: Mapping[str, Any], arguments: str) -> Callable[..., Any]:
    """Object for a name, a class, a config, or a function, which is taken as it is.

    Parameters
    ----------
    kind : str
        What messages call it: ``"constraint"``.
    base : type
        Class of what a config makes.
    known : mapping of str to type
    arguments : str
        What a function is called with, for messages.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    if is_config(identifier):
        return made(base, identifier)
    if isinstance(identifier, str):
        identifier = by_name(kind, identifier, known)
    if isinstance(identifier, type):
        identifier = identifier()
    if not callable(identifier):
        article = "an" if kind[0] in "aeiou" else "a"
        raise ag.ConversionError(
            f"{kind}s.get: got a {type(identifier).__name__}; expected a name, {article} {kind}, or a function of "
            f"{arguments}."
        )
    return identifier


def snake_case(name: str) -> str:
    """``"KLDivergence"`` as ``"kl_divergence"``."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def _suggestion(identifier: str, known: Mapping[str, Any]) -> str:
    names = {_plain(name): name for name in known}
    nearest = difflib.get_close_matches(_plain(identifier), list(names), n=1, cutoff=_ALIKE)
    if not nearest:
        return "known: "
    name = names[nearest[0]]
    written = snake_case(name) if identifier.islower() else name
    return f"did you mean {written!r}? Known: "  # first: the list is long


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
