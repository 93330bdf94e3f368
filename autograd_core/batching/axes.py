"""Which axis of each argument or result holds the examples: ``in_axes`` and ``out_axes`` taken apart."""

from __future__ import annotations

from typing import Any

from ..errors import AxisError, StructureError
from ..tree import describe

Axes = Any
"""int, None, or nested dicts, lists and tuples of these, a prefix of the structure that they are for."""


def spread_axes(which: str, path: str, entry: Axes, structure: Any, axes: list[int | None], names: list[str]) -> None:
    """Append the axis of each leaf of ``structure``, and the leaf's name.

    Parameters
    ----------
    which : str
        "in_axes" or "out_axes", for messages.
    path : str
        Name of ``structure``.
    entry : int, None or nested structure
        The axis of all leaves, or a structure like this one.

    Raises
    ------
    StructureError
        If ``entry`` is built otherwise.
    """
    nested = isinstance(structure, (dict, list, tuple))
    if entry is not None and isinstance(entry, (dict, list, tuple)):
        _check_alike(which, path, entry, structure)
        for key, own, child in _pairs(entry, structure):
            spread_axes(which, f"{path}[{key!r}]", own, child, axes, names)
        return
    if nested:
        for key, child in structure.items() if isinstance(structure, dict) else enumerate(structure):
            spread_axes(which, f"{path}[{key!r}]", entry, child, axes, names)
        return
    axes.append(None if entry is None else _integer(which, path, entry))
    names.append(path)


def _pairs(entry: Any, structure: Any) -> list[tuple[Any, Any, Any]]:
    if isinstance(structure, dict):
        return [(key, entry[key], child) for key, child in structure.items()]
    return [(index, own, child) for index, (own, child) in enumerate(zip(entry, structure, strict=True))]


def _check_alike(which: str, path: str, entry: Any, structure: Any) -> None:
    if isinstance(entry, dict):
        alike = isinstance(structure, dict) and set(entry) == set(structure)
    else:
        alike = isinstance(structure, (list, tuple)) and len(entry) == len(structure)
    if not alike:
        raise StructureError(
            f"vmap: {which} is a {describe(entry)} where {path} is a {describe(structure)}; expected the same "
            "structure, or one number (or None) for all of it."
        )


def _integer(which: str, path: str, entry: Any) -> int:
    try:
        if isinstance(entry, bool):
            raise TypeError
        return entry.__index__()
    except (AttributeError, TypeError):
        raise StructureError(
            f"vmap: {which} has {entry!r} for {path}; expected an integer or None, or a structure of these."
        ) from None


def axis_of(said: str, axis: int, ndim: int) -> int:
    """``axis`` as a non-negative number.

    Raises
    ------
    AxisError
        If it is out of range; ``said`` begins the message.
    """
    if not -ndim <= axis < ndim:
        allowed = f"expected {-ndim} to {ndim - 1}" if ndim else "there are no axes"
        raise AxisError(f"vmap: {said}, and was to be mapped along axis {axis}; {allowed}.")
    return axis % ndim
