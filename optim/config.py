"""Configurations: the arguments that an object was made with, as a dict from which it can be made again."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import autograd_core as ag

_OLD_SPELLINGS = {"lr"}  # understood by a constructor, and kept under another name


def argument_names(cls: type) -> list[str]:
    """Names of all arguments of a constructor, those it hands on to its base classes included."""
    names: dict[str, None] = {}
    for owner in cls.__mro__:
        constructor = vars(owner).get("__init__")
        if constructor is None or owner is object:
            continue
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
        names.update(dict.fromkeys(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return [name for name in names if name not in _OLD_SPELLINGS]


def config_of(owner: Any) -> dict[str, Any]:
    """Arguments that would make ``owner`` again: each is kept as an attribute of its own name."""
    missing = [name for name in argument_names(type(owner)) if not hasattr(owner, name)]
    if missing:
        raise ag.StructureError(
            f"{type(owner).__name__}.get_config: the argument {missing[0]!r} of the constructor is no attribute of the "
            "object. Keep it under its own name, or define get_config."
        )
    return {name: getattr(owner, name) for name in argument_names(type(owner))}


def made_from(cls: type, config: Any) -> Any:
    """``cls(**config)``; an argument that the class does not have is named, with the nearest that it has."""
    if not isinstance(config, Mapping):
        raise ag.ConversionError(
            f"{cls.__name__}.from_config: got a {type(config).__name__}; expected a dict, as get_config gives."
        )
    known = argument_names(cls)
    for name in config:
        if name not in known and name not in _OLD_SPELLINGS:
            raise ag.StructureError(unknown(f"{cls.__name__}.from_config: no argument is called", name, known))
    return cls(**config)


def class_and_config(where: str, description: Mapping[str, Any], known: Mapping[str, type]) -> tuple[type, Any]:
    """Class and arguments out of ``{"class_name": ..., "config": ...}``."""
    name = description.get("class_name")
    if not isinstance(name, str):
        raise ag.StructureError(
            f"{where}: got a dict with {sorted(map(str, description))}; expected 'class_name' (a name) and 'config' "
            "(a dict of arguments)."
        )
    found = {key.lower(): cls for key, cls in known.items()}.get(name.lower())
    if found is None:
        raise ag.DomainError(unknown(f"{where}: nothing is called", name, known))
    return found, description.get("config", {})


def unknown(text: str, name: Any, known: Iterable[str]) -> str:
    """``text`` and an unknown name, the nearest known one, and a list of all."""
    names = sorted(known, key=str.lower)
    near = {key.lower(): key for key in names}
    match = difflib.get_close_matches(str(name).lower(), near, n=1)
    question = f"did you mean {near[match[0]]!r}? Known" if match else "known"
    return f"{text} {name!r}; {question}: {', '.join(names)}."
