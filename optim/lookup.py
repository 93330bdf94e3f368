"""Optimizers by name, and by a description with their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import autograd_core as ag

from .adagrad import Adadelta, Adagrad
from .adam import Adam
from .adam_family import Adamax, AdamW, Lion, Nadam
from .config import class_and_config, unknown
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

_KNOWN: dict[str, type[Optimizer]] = {
    cls.__name__: cls for cls in (SGD, RMSprop, Adagrad, Adadelta, Adam, AdamW, Adamax, Nadam, Lion, LBFGS)
}
_BY_NAME = {name.lower(): cls for name, cls in _KNOWN.items()}


def get(identifier: str | Mapping[str, Any] | Optimizer | type[Optimizer]) -> Optimizer:
    """Optimizer for a name or a description, or the one given.

    Parameters
    ----------
    identifier : str, dict, Optimizer or subclass of it
        A class's name in any case: ``"adam"``, ``"RMSprop"``. A name or a class is built with its defaults; a dict
        ``{"class_name": ..., "config": ...}`` with the arguments in it.

    Raises
    ------
    DomainError
        For an unknown name; the message has the nearest one known.
    ConversionError
        For anything else.

    Examples
    --------
    >>> get("sgd").learning_rate
    0.01
    >>> get({"class_name": "SGD", "config": {"learning_rate": 0.5}}).learning_rate
    0.5
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()  # type: ignore[call-arg]  # every optimizer but the base has a default learning rate
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if not isinstance(identifier, str):
        raise ag.ConversionError(
            f"optim.get: got a {type(identifier).__name__}; expected an optimizer, its class, its name, or a dict "
            "with 'class_name' and 'config'."
        )
    found = _BY_NAME.get(identifier.lower())
    if found is None:
        raise ag.DomainError(unknown("optim.get: no optimizer is called", identifier, _BY_NAME))
    return found()  # type: ignore[call-arg]


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Description of an optimizer, from which ``deserialize`` makes it again, without its state."""
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, type[Optimizer]] | None = None) -> Optimizer:
    """Optimizer for a description ``{"class_name": ..., "config": ...}``.

    Parameters
    ----------
    config : dict
        As from ``serialize``; Keras's own will do, for the optimizers that are here.
    custom_objects : dict of str to class, optional
        Classes of one's own, by name.

    Raises
    ------
    DomainError
        For an unknown name.
    StructureError
        For an argument that the optimizer does not have.
    """
    cls, arguments = class_and_config("optim.deserialize", config, _KNOWN | dict(custom_objects or {}))
    return cls.from_config(arguments)  # type: ignore[attr-defined]
