"""What the functions given to a branch or a loop return: leaf by leaf, compared with what they should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ConversionError, DtypeError, ShapeError, StructureError
from ..tensor import Overloaded, Tensor, as_value
from ..tree import describe, flatten, flatten_like, paths
from ..variable import Variable

NUMBERS = (bool, int, float, complex)


class Structure:
    """A nested structure taken apart; leaves that are None are left where they are.

    Attributes
    ----------
    leaves : list
        Tensors, arrays and numbers.
    names : list of str
        Where each of them is, as ``[0]['a']``.
    rebuild : callable
        Puts the structure together around other leaves.
    """

    def __init__(self, name: str, given: Any):
        leaves, build = flatten(given)
        names = paths(given)
        self.given = given
        self.places = [i for i, leaf in enumerate(leaves) if leaf is not None]
        self.leaves = [leaves[i] for i in self.places]
        self.names = [names[i] for i in self.places]
        self._count = len(leaves)
        self._build = build
        for leaf, path in zip(self.leaves, self.names, strict=True):
            _check_leaf(name, leaf, path)

    def rebuild(self, leaves: Sequence[Any]) -> Any:
        """The structure around ``leaves``."""
        every: list[Any] = [None] * self._count
        for place, leaf in zip(self.places, leaves, strict=True):
            every[place] = leaf
        return self._build(every)

    def matching(self, name: str, what: str, given: Any) -> list[Any]:
        """Leaves of another structure, built as this one.

        Raises
        ------
        StructureError
        """
        try:
            every = flatten_like(self.given, given)
            for leaf in every:
                if isinstance(leaf, (dict, list, tuple)):
                    raise StructureError(
                        f"structures differ: expected {describe(self.given)}, with a leaf where there "
                        f"is a {describe(leaf)}."
                    )
            places = [i for i, leaf in enumerate(every) if leaf is not None]
        except StructureError as error:
            raise StructureError(f"{name}: {what}: {error}") from None
        if places != self.places:
            raise StructureError(
                f"{name}: {what}: one has None where the other has an array; expected {describe(self.given)} with the "
                "same places empty."
            )
        return [every[i] for i in places]


def _check_leaf(name: str, leaf: Any, path: str) -> None:
    try:
        if not isinstance(leaf, Overloaded):
            as_value(leaf)
    except ConversionError as error:
        raise ConversionError(f"{name}: leaf {path}: {error} Return Tensors, arrays, numbers or None.") from None


def is_weak(leaf: Any) -> bool:
    """Whether a leaf is a Python number, whose dtype is whatever fits."""
    return leaf.__class__ in NUMBERS


def is_array(leaf: Any) -> bool:
    """Whether a leaf has entries that differ from call to call."""
    return isinstance(leaf, (Overloaded, np.ndarray)) and not isinstance(leaf, Variable)


def varies(leaf: Any) -> bool:
    """Whether a truth value or a bound may be another one at the next call."""
    return isinstance(leaf, (Overloaded, np.ndarray))


def spec(leaf: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype."""
    value = leaf if isinstance(leaf, Overloaded) else as_value(leaf)
    return value.shape, value.dtype


def widened(leaf: Any, wanted: np.dtype) -> bool:
    """Whether a Python number may become ``wanted``: its kind must fit."""
    return is_weak(leaf) and np.can_cast(as_value(leaf).dtype, wanted, "same_kind")


def check_same(name: str, told: Callable[[str, str, str], str], names: Sequence[str], wanted: Any, given: Any) -> None:
    """Raise unless leaves have the same shapes and dtypes.

    Parameters
    ----------
    told : callable
        ``told(leaf's name, what is wanted, what is given)``: the message, without what to do.
    wanted, given : sequences of (shape, dtype)
    """
    for path, (shape, dtype), (own_shape, own_dtype) in zip(names, wanted, given, strict=True):
        if shape != own_shape:
            raise ShapeError(
                f"{name}: {told(path, f'shape {shape}', f'shape {own_shape}')}. In a traced function a value has one "
                "shape: pad it, or broadcast it before."
            )
        if dtype != own_dtype:
            raise DtypeError(
                f"{name}: {told(path, f'dtype {dtype}', f'dtype {own_dtype}')}. Convert one of them: "
                f"x.astype({dtype.name!r})."
            )


def handle(leaf: Any) -> Any:
    """A handle of its own for a Tensor, so that a function that moves it (``x += y``) moves no other."""
    return Tensor(leaf.array, leaf.node) if leaf.__class__ is Tensor else leaf
