"""What is behind the Values of a mapped function, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..node import Spec
from ..symbol import Value
from ..tensor import Overloaded, Tensor


class Slot:
    """What is behind a Value inside of a mapped function.

    Attributes
    ----------
    level : Level
        The ``vmap`` it belongs to.
    tensor : Tensor
        In the frame around the ``vmap``; with the examples along axis 0 if ``mapped``.
    mapped : bool
        Whether it differs between examples.
    """

    __slots__ = ("level", "mapped", "tensor")

    def __init__(self, level: Any, tensor: Tensor, mapped: bool):
        self.level = level
        self.tensor = tensor
        self.mapped = mapped

    made_in = "mapped over examples (autograd_core.vmap)"
    """What is done with the function that a Value is from, for messages."""

    @property
    def told(self) -> str:
        """What a Value is, for messages."""
        return f"one for each of {self.level.size} examples" if self.mapped else "the same for all examples"

    @property
    def reason(self) -> str:
        """Why the entries cannot be looked at, for messages."""
        if self.mapped:
            return f"inside a function that is {self.made_in} it has one value for each of {self.level.size} examples"
        return f"inside a function that is {self.made_in} it stands for what is tracked or traced outside"

    def is_tracked(self) -> bool:
        """Whether a tape around the ``vmap`` tracks it."""
        with self.level.outside():
            return self.tensor._is_tracked()

    @property
    def alone(self) -> Any:
        """The Tensor, where it is the same for all examples; None if it is not."""
        return None if self.mapped else self.tensor


def raw(given: Any) -> Any:
    """The array of all examples, of all levels, behind a Tensor or Value; None if it is not known while tracing."""
    array = getattr(given, "array", given)
    while array.__class__ is Value:
        if array.source.__class__ is not Slot:
            return None
        array = array.source.tensor.array
    return array


def replaced(structure: Any, of: Callable[[Any], Any]) -> Any:
    """``structure`` of parameters with ``of(each)`` in place of Tensors and Values."""
    kind = structure.__class__
    if kind is Value or isinstance(structure, Overloaded):
        return of(structure)
    if kind is dict:
        return {key: replaced(entry, of) for key, entry in structure.items()}
    if kind is tuple or kind is list:
        return kind([replaced(entry, of) for entry in structure])
    return structure


def example_of(array: Any) -> Any:
    """Array of the shape of a Value or array."""
    return array.example if array.__class__ is Value else array


def spec(operand: Any) -> Any:
    """What is kept of an operand whose entries no rule needs."""
    return Spec(operand) if operand.__class__ is Value or operand.__class__ is np.ndarray else operand


def has_nan(array: Any) -> bool:
    """Whether an entry is NaN; by a product of BLAS, as ``backward.pull_back`` looks, which is far faster."""
    flat = array if array.ndim == 1 else array.ravel()
    squares = flat.dot(flat)
    return bool(squares != squares)  # as only NaN is
