"""Nested dicts, lists and tuples as arguments: take them apart into leaves and put them together again.

``flatten`` gives the leaves in a fixed order and a function that rebuilds the same structure around other leaves.
A leaf is whatever is not a dict, list or tuple; ``None`` is a leaf too, but for ``flatten_filled``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from .errors import StructureError


def flatten(structure: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Take a structure apart.

    Parameters
    ----------
    structure : nested dict, list or tuple (named tuples too), or a single leaf
        Dict entries come in insertion order.

    Returns
    -------
    leaves : list
    rebuild : callable
        ``rebuild(new_leaves)`` gives ``structure`` with its leaves replaced, in the same order.
    """
    if not isinstance(structure, (dict, list, tuple)):
        return [structure], _only
    kind = structure.__class__
    if kind is list or kind is tuple:
        for child in structure:
            if isinstance(child, (dict, list, tuple)):
                break
        else:
            return list(structure), kind  # a flat list: what most calls are about
    children = list(structure.values()) if isinstance(structure, dict) else list(structure)
    parts = [flatten(child) for child in children]
    leaves = [leaf for child_leaves, _ in parts for leaf in child_leaves]

    def rebuild(new_leaves: list[Any]) -> Any:
        built, start = [], 0
        for child_leaves, build in parts:
            stop = start + len(child_leaves)
            built.append(build(new_leaves[start:stop]))
            start = stop
        return rebuilt(structure, built)

    return leaves, rebuild


def flatten_filled(structure: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """As ``flatten``, with None for an empty place: it is no leaf, and stays where it is."""
    every, build = flatten(structure)
    for leaf in every:
        if leaf is None:
            break
    else:
        return every, build
    places = [i for i, leaf in enumerate(every) if leaf is not None]

    def rebuild(new_leaves: list[Any]) -> Any:
        filled: list[Any] = [None] * len(every)
        for place, leaf in zip(places, new_leaves, strict=True):
            filled[place] = leaf
        return build(filled)

    return [every[i] for i in places], rebuild


def map_leaves(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """Apply ``function`` to each leaf of ``structure`` beside the leaves at the same place in ``others``.

    Raises
    ------
    StructureError
        If one of ``others`` is built differently from ``structure``.
    """
    leaves, rebuild = flatten(structure)
    columns = [leaves, *(flatten_like(structure, other) for other in others)]
    return rebuild([function(*row) for row in zip(*columns, strict=True)])


def flatten_like(structure: Any, other: Any) -> list[Any]:
    """Leaves of ``other``, which must be built as ``structure`` is."""
    if not isinstance(structure, (dict, list, tuple)):
        return [other]
    same = (
        isinstance(other, dict) and list(other) == list(structure)
        if isinstance(structure, dict)
        else isinstance(other, (list, tuple)) and len(other) == len(structure)
    )
    if isinstance(structure, dict) and isinstance(other, dict) and not same and set(other) == set(structure):
        other, same = {key: other[key] for key in structure}, True
    if not same:
        raise StructureError(f"structures differ: expected {describe(structure)}, got {describe(other)}.")
    pairs = (
        zip(structure.values(), other.values(), strict=True)
        if isinstance(structure, dict)
        else zip(structure, other, strict=True)
    )
    return [leaf for child, other_child in pairs for leaf in flatten_like(child, other_child)]


def flatten_filled_like(structure: Any, other: Any) -> list[Any]:
    """Leaves of ``other``, which must be built as ``structure`` is, and have None at the same places."""
    own, given = flatten(structure)[0], flatten_like(structure, other)
    for leaf, other_leaf, path in zip(own, given, paths(structure), strict=True):
        if (leaf is None) != (other_leaf is None):
            wanted = "None (there is nothing)" if leaf is None else "an array"
            raise StructureError(f"structures differ: expected {wanted} at {path}, got {describe(other_leaf)}.")
    return [leaf for leaf in given if leaf is not None]


def paths(structure: Any, before: str = "") -> list[str]:
    """Where each leaf of a structure is, as ``[0]['a']``; None is a leaf."""
    if isinstance(structure, dict):
        return [path for key, entry in structure.items() for path in paths(entry, f"{before}[{key!r}]")]
    if isinstance(structure, (list, tuple)):
        return [path for index, entry in enumerate(structure) for path in paths(entry, f"{before}[{index}]")]
    return [before or "itself"]


def describe(structure: Any) -> str:
    """Short text for an error message: what a structure is made of."""
    if isinstance(structure, dict):
        return "dict with keys " + ", ".join(repr(key) for key in structure)
    if isinstance(structure, (list, tuple)):
        return f"{type(structure).__name__} of {len(structure)}"
    return type(structure).__name__


def rebuilt(structure: Any, children: Sequence[Any]) -> Any:
    """A dict, list or tuple as ``structure``, with other entries."""
    if structure.__class__ is dict:
        return dict(zip(structure, children, strict=True))
    if isinstance(structure, dict):  # an OrderedDict, a defaultdict with its factory, a class of the user's
        built = copy.copy(structure)
        for key, child in zip(structure, children, strict=True):
            built[key] = child
        return built
    if hasattr(structure, "_fields"):  # a named tuple takes its entries one by one
        return type(structure)(*children)
    return tuple(children) if isinstance(structure, tuple) else list(children)


def _only(leaves: list[Any]) -> Any:
    return leaves[0]
