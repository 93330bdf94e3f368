"""What belongs to a layer: Variables and layers assigned to its attributes, in the order in which they were first set.

They are found through the attributes each time somebody asks, and remembered until any layer anywhere gets, loses or
freezes something (``Tracked._changes`` is then another number). Plain lists and dicts of the user's may change without
that; where there are such, nothing is remembered.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .shapes import leaves


class Tracked:
    """Base of Layer: the part that knows its weights and the layers below it."""

    name: str
    trainable: bool
    built = False
    _holders: dict[str, None]  # names of attributes that may hold weights, in order
    _penalties: dict[ag.Variable, Callable[..., Any]]  # regularizers of the weights made by add_weight
    _changes = 0  # of all layers: another number after any of them got, lost or froze something

    # -- weights -------------------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[ag.Variable]:
        """All weights of this layer and those below it, each once, in the order they were defined."""
        found: dict[ag.Variable, None] = {}
        self._collect(found, set(), trainable_only=False)
        return list(found)

    variables = weights

    @property
    def trainable_weights(self) -> list[ag.Variable]:
        """The weights that training changes."""
        if ag.tracing.is_tracing():
            ag.tracing.static(Trained(self))
        return [weight for weight in self._known_weights()[0] if weight.trainable]

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[ag.Variable]:
        """The weights that training leaves alone."""
        trainable = set(self.trainable_weights)
        return [weight for weight in self.weights if weight not in trainable]

    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[Any]:
        """Values of all weights, as NumPy arrays of the caller's own."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, values: Sequence[Any]) -> None:
        """Assign all weights, in the order of ``weights``."""
        weights = self.weights
        if len(values) != len(weights):
            raise ag.StructureError(
                f"{self.name}.set_weights: got {len(values)} arrays; this {type(self).__name__} has {len(weights)} "
                f"weights{': ' if weights else ''}{', '.join(str(weight.name) for weight in weights)}."
                + ("" if weights or self.built else " It is not built yet: call it on data, or build(shape), first.")
            )
        arrays = []
        for weight, value in zip(weights, values, strict=True):
            if np.shape(value) != weight.shape:
                raise ag.ShapeError(
                    f"{self.name}.set_weights: the array for {weight.name!r} has shape {np.shape(value)}; expected "
                    f"{weight.shape}."
                )
            try:
                arrays.append(np.asarray(value, dtype=weight.dtype))
            except (TypeError, ValueError) as error:
                raise ag.DtypeError(
                    f"{self.name}.set_weights: the array for {weight.name!r} cannot be converted to {weight.dtype}: "
                    f"{error}."
                ) from None
        for weight, array in zip(weights, arrays, strict=True):
            weight.assign(array)

    def count_params(self) -> int:
        """How many numbers there are in all weights."""
        return sum(weight.size for weight in self.weights)

    @property
    def _sublayers(self) -> list[Any]:
        """Layers directly below this one, each once, in order."""
        found: dict[Any, None] = {}
        for name in self._holders:
            for item in leaves(self.__dict__[name]):
                if isinstance(item, Tracked):
                    found[item] = None
        return list(found)

    def _flatten_layers(self) -> list[Any]:
        """The layer and all below it, each once."""
        found: dict[Any, None] = {}
        waiting: list[Any] = [self]
        while waiting:
            layer = waiting.pop()
            if layer not in found:
                found[layer] = None
                waiting += reversed(layer._sublayers)
        return list(found)

    # -- finding them ----------------------------------------------------------------------------------------------

    def _known_weights(self) -> tuple[list[ag.Variable], list[tuple[ag.Variable, Any]], list[Any]]:
        """Weights that may be trained; those with a regularizer; layers that add losses of their own in a call."""
        known = self.__dict__.get("_known")
        if known is None or known[0] != Tracked._changes:
            found: dict[ag.Variable, None] = {}
            self._collect(found, set(), trainable_only=True)
            layers = self._flatten_layers()
            every = {weight: fn for layer in layers for weight, fn in layer._penalties.items()}
            # What is in a user's list may change unseen: then they are looked for each time, which takes 2 us a layer.
            known = (
                Tracked._changes if self._is_settled(set()) else None,
                (list(found), [(weight, every[weight]) for weight in found if weight in every], layers),
            )
            object.__setattr__(self, "_known", known)
        return known[1]

    def _is_settled(self, seen: set[int]) -> bool:
        """Whether every change of what is below this layer is noted: there are no lists but our own."""
        if id(self) in seen:
            return True
        seen.add(id(self))
        attributes = self.__dict__
        return all(_settled(attributes[name], seen, name in _OWN_LISTS) for name in self._holders)

    def _collect(self, found: dict[ag.Variable, None], seen: set[int], trainable_only: bool) -> None:
        """Add the weights below this layer to ``found``; ``seen`` are the layers that have been looked at.

        With ``trainable_only`` those below a layer that is not trainable are left out.
        """
        seen.add(id(self))
        if trainable_only and not self.trainable:
            return
        self._build_if_declared()
        attributes = self.__dict__
        for name in self._holders:
            _gather(attributes[name], found, seen, trainable_only)

    def _build_if_declared(self) -> None:
        """Make the weights now if the shape of the input was given beforehand."""

    # -- attributes ----------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (ag.Variable, Tracked, list, tuple, dict)):
            inside = [item for item in leaves(value) if isinstance(item, (ag.Variable, Tracked))]
            if inside and "trainable" not in self.__dict__:
                raise ag.AutogradError(
                    f"{type(self).__name__}.{name}: call super().__init__() before layers or Variables are assigned."
                )
            for item in inside:
                if isinstance(item, Tracked):
                    self._tell_apart(item)
            if inside or isinstance(value, (list, dict)):  # a list or dict may be filled later
                self._holders[name] = None
                note_change()
            elif name in self._holders:
                self._forget(name)
        elif name in self._holders:
            self._forget(name)
        elif name == "trainable":
            self._freeze(value)
            note_change()
        object.__setattr__(self, name, value)

    def _freeze(self, trainable: bool) -> None:
        """Set ``trainable`` below too: a normalization in a frozen model must know that it is frozen."""
        for layer in self._sublayers:
            layer.trainable = trainable

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_known", None)  # numbered by this process
        return state

    def __delattr__(self, name: str) -> None:
        if name in self._holders:
            self._forget(name)
        object.__delattr__(self, name)

    def _forget(self, name: str) -> None:
        del self._holders[name]
        note_change()

    def _tell_apart(self, layer: Any) -> None:
        """Number the name of ``layer`` if it was not chosen by the user and another layer here has it."""
        number_name(layer, {other.name for other in self._sublayers if other is not layer})


class Trained:
    """Which weights below a layer are trained: asked before each run of a plan that was made for some of them."""

    def __init__(self, layer: Tracked):
        self._layer = layer
        self._changes = -1
        self._weights: list[ag.Variable] = []

    def __call__(self) -> list[int]:
        if self._changes != Tracked._changes:  # otherwise only a Variable itself may have been frozen
            self._weights = self._layer._known_weights()[0]
            self._changes = Tracked._changes
        return [id(weight) for weight in self._weights if weight.trainable]


_OWN_LISTS = ("_own_weights", "_chain")  # that change only where ``note_change`` is called


def _settled(value: Any, seen: set[int], own: bool = False) -> bool:
    if isinstance(value, Tracked):
        return value._is_settled(seen)
    if isinstance(value, tuple) or (own and isinstance(value, list)):
        return all(_settled(item, seen) for item in value)
    return not isinstance(value, (list, dict))


def number_name(layer: Any, taken: set[str]) -> None:
    """Give ``layer`` a number behind its name if that name is taken and was not chosen by the user."""
    if layer._named_by_user or layer.name not in taken:
        return
    base, number = re.sub(r"_\d+$", "", layer.name), 1
    while f"{base}_{number}" in taken:
        number += 1
    old, layer.name = layer.name, f"{base}_{number}"
    for weight in layer.weights if layer.built else ():
        if weight.name is not None and weight.name.startswith(f"{old}/"):
            weight.name = layer.name + weight.name[len(old) :]


_numbers = itertools.count(1)


def note_change() -> None:
    """Say that some layer has got, lost or frozen something."""
    Tracked._changes = next(_numbers)


def _gather(value: Any, found: dict[ag.Variable, None], seen: set[int], trainable_only: bool) -> None:
    for item in leaves(value):
        if isinstance(item, ag.Variable):
            found[item] = None
        elif isinstance(item, Tracked) and id(item) not in seen:
            item._collect(found, seen, trainable_only)
