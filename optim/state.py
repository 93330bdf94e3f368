"""The state of an optimizer under flat names ("0/momentum", "1/momentum", ...), as it is saved, compared and loaded."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

Arrays = dict[str, Any]
SCALARS = ("iterations", "learning_rate")


class StateVariable(ag.Variable):
    """An array of an optimizer's state, with the value it had when it was asked for.

    Assigning to it changes the optimizer's state; a step of the optimizer does not change it.
    """

    __slots__ = ("_write",)

    def __init__(self, value: Any, name: str, write: Callable[[Any], None]):
        super().__init__(value, trainable=False, name=name)
        self._write = write

    def assign(self, value: Any) -> StateVariable:
        """Put ``value`` in place of this part of the state; raises as for any Variable."""
        super().assign(value)
        self._write(self.array)
        return self

    def assign_add(self, delta: Any) -> StateVariable:
        """Add ``delta``."""
        super().assign_add(delta)
        self._write(self.array)
        return self

    def assign_sub(self, delta: Any) -> StateVariable:
        """Subtract ``delta``."""
        super().assign_sub(delta)
        self._write(self.array)
        return self

    def __reduce__(self):
        return ag.Variable, (self.array, False, None, self.name)


def flattened(nested: Sequence[Mapping[str, Any]]) -> Arrays:
    """From a list with a dict for each variable to one dict of flat names."""
    return {f"{position}/{name}": array for position, arrays in enumerate(nested) for name, array in arrays.items()}


def nested(arrays: Mapping[str, Any], count: int) -> list[Arrays]:
    """The other way round, for ``count`` variables."""
    result: list[Arrays] = [{} for _ in range(count)]
    for key, array in arrays.items():
        position, name = key.split("/", 1)
        result[int(position)][name] = array
    return result


def split(where: str, given: Any) -> tuple[int, float | None, Arrays]:
    """Steps made, learning rate (None with a schedule) and the other arrays of a saved state; checked."""
    if not isinstance(given, Mapping):
        raise ag.ConversionError(f"{where}: got a {type(given).__name__}; expected a dict from names to arrays.")
    if "iterations" not in given:
        raise ag.StructureError(
            f"{where}: there is no entry 'iterations' among {_shown(given)}. Is this the state of an optimizer?"
        )
    iterations = _number(where, "iterations", given["iterations"])
    if iterations != int(iterations):
        raise ag.DomainError(f"{where}: entry 'iterations' is {iterations!r}; expected a whole number.")
    rate = _number(where, "learning_rate", given["learning_rate"]) if "learning_rate" in given else None
    return int(iterations), rate, {name: array for name, array in given.items() if name not in SCALARS}


def _number(where: str, name: str, value: Any) -> float:
    try:
        number = np.asarray(value).item()
    except ValueError:  # more than one
        number = None
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number) or number < 0:
        raise ag.DomainError(f"{where}: entry {name!r} is {value!r}; expected one finite number, at least 0.")
    return number


def check_names(where: str, given: Iterable[str], pattern: str, expected: str) -> None:
    """Refuse a state whose names are not of the kind wanted, before it is known which variables there are."""
    for name in given:
        if not isinstance(name, str) or not re.fullmatch(pattern, name):
            raise ag.StructureError(f"{where}: the entry {name!r} is not known; expected names like {expected}.")


def check_like(
    where: str, given: Mapping[str, Any], wanted: Mapping[str, Any], describe: Callable[[str], str] = lambda name: ""
) -> None:
    """Refuse ``given`` if it has not the names, shapes and dtypes of ``wanted``; the first difference is named."""
    for name, array in wanted.items():
        told = f"entry {name!r}{describe(name)}"
        if name not in given:
            raise ag.StructureError(
                f"{where}: {told} is missing; there are {_shown(given)}. Was the state made with other options?"
            )
        found = np.asarray(given[name])
        if found.shape != array.shape:
            raise ag.ShapeError(f"{where}: {told} has shape {found.shape}; expected {array.shape}.")
        if not np.can_cast(found.dtype, array.dtype, "safe"):
            raise ag.DtypeError(
                f"{where}: {told} has dtype {found.dtype}, the Variable {array.dtype}; values could be lost. Give the "
                "Variable the dtype that it was trained with."
            )
    for name in given:
        if name not in wanted:
            raise ag.StructureError(
                f"{where}: the entry {name!r} is not one of this optimizer's: {_shown(wanted)}. Was the state made "
                "with other options, or for other variables?"
            )


def _shown(names: Iterable[Any], most: int = 8) -> str:
    names = [repr(name) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "") or "no entries"
