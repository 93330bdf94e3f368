"""Optimizers by name."""

from __future__ import annotations

import autograd_core as ag

from .adagrad import Adadelta, Adagrad
from .adam import Adam
from .adam_family import Adamax, AdamW, Lion, Nadam
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

_BY_NAME: dict[str, type[Optimizer]] = {
    cls.__name__.lower(): cls for cls in (SGD, RMSprop, Adagrad, Adadelta, Adam, AdamW, Adamax, Nadam, Lion)
}


def get(identifier: str | Optimizer | type[Optimizer]) -> Optimizer:
    """Optimizer for a name, or the one given.

    Parameters
    ----------
    identifier : str, Optimizer or subclass of it
        A class's name in any case: ``"adam"``, ``"RMSprop"``. A name or a class is built with its defaults.

    Raises
    ------
    DomainError
        For an unknown name; the message lists those known.
    ConversionError
        For anything else.

    Examples
    --------
    >>> get("sgd").learning_rate
    0.01
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()  # type: ignore[call-arg]  # every optimizer but the base has a default learning rate
    if not isinstance(identifier, str):
        raise ag.ConversionError(
            f"optim.get: got a {type(identifier).__name__}; expected an optimizer, its class, or its name."
        )
    found = _BY_NAME.get(identifier.lower())
    if found is None:
        raise ag.DomainError(f"optim.get: no optimizer is called {identifier!r}; known: {', '.join(sorted(_BY_NAME))}.")
    return found()  # type: ignore[call-arg]
