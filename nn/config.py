"""Objects that know how they were made: ``get_config`` and ``from_config`` for layers, losses, initializers, ...

The arguments of the constructor are kept as they were given, so that no class has to list its own a second time.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import numpy as np

import autograd_core as ag

T = TypeVar("T")


class Configured:
    """Base of classes whose objects can say with which arguments they were made."""

    _arguments: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any):
        self = super().__new__(cls)
        object.__setattr__(self, "_arguments", _bound(cls, args, kwargs))
        return self

    def __init__(self) -> None:
        pass  # takes no argument: `object`'s would take any, and not say so

    def get_config(self) -> dict[str, Any]:
        """Arguments that make an object like this one.

        Returns
        -------
        dict
            Of numbers, strings, lists, dicts; an object in it is ``{"class_name": ..., "config": ...}``, a function
            that has no name known here is itself.
        """
        return {name: plain(value) for name, value in self._arguments.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]):
        """Object made with the arguments that ``get_config`` gave."""
        try:
            return cls(**config)
        except TypeError as error:
            raise ag.StructureError(f"{cls.__name__}.from_config: {error}; got {sorted(config)}.") from error


def _bound(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments by name, with defaults; nothing if they do not fit (the constructor will say so)."""
    signature, any_keyword = _signature(cls)
    try:
        found = signature.bind(None, *args, **kwargs)
    except TypeError:
        return {}
    found.apply_defaults()
    arguments = dict(list(found.arguments.items())[1:])  # without self
    arguments.update(arguments.pop(any_keyword, {}))
    return arguments


@cache
def _signature(cls: Any) -> tuple[inspect.Signature, str]:
    """Signature of the constructor, and the name of its ``**options``."""
    signature = inspect.signature(cls.__init__)
    names = [p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD]
    return signature, names[0] if names else ""


def takes(cls: type, name: str) -> bool:
    """Whether the constructor has a parameter of this name, or any."""
    signature, any_keyword = _signature(cls)
    return bool(any_keyword) or name in signature.parameters


def plain(value: Any) -> Any:
    """``value`` in terms of numbers, strings, lists and dicts, as far as that can be done."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Configured):
        where = type(value).__module__
        # Where a class of the user's own was defined: it may be called as one of ours is.
        apart = {} if _is_ours(where) else {"module": where}
        return {"class_name": type(value).__name__, **apart, "config": value.get_config()}
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).name
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.ndarray, ag.Tensor, ag.Variable)):
        return np.asarray(ag.convert_to_tensor(value).array).tolist()
    if inspect.isfunction(value) and _is_ours(value.__module__):
        return value.__name__  # one of our activations or losses
    return value


def is_config(value: Any) -> bool:
    """Whether this is an object written as ``{"class_name": ..., "config": ...}``."""
    return isinstance(value, Mapping) and "class_name" in value


def made(base: type[T], config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None) -> T:
    """Object of a subclass of ``base``, found by its class's name.

    Parameters
    ----------
    base : class
    config : dict
        ``{"class_name": ..., "config": ...}``.
    custom_objects : dict from name to class, optional
        Looked in first. Subclasses of ``base`` that have been defined anywhere are found without it.

    Raises
    ------
    DomainError
        If there is no such class.
    """
    name = config["class_name"]
    cls: Any = (custom_objects or {}).get(name) or _chosen(base, name, config.get("module"))
    if cls is None:
        raise ag.DomainError(
            f"from_config: no {base.__name__} is called {name!r}; if it is a class of your own, import its module "
            "first, or give custom_objects={name: class}."
        )
    return cls.from_config(config.get("config", {}))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == __name__.partition(".")[0]


def _chosen(base: type, name: str, module: str | None) -> type | None:
    """Subclass of that name: the one of that module (of ours if None is given) before any other."""
    found = [cls for cls in _subclasses(base) if cls.__name__ == name]
    fitting = [cls for cls in found if (_is_ours(cls.__module__) if module is None else cls.__module__ == module)]
    candidates = fitting or found
    return candidates[-1] if candidates else None  # the last defined, as when a notebook's cell is run again


def _subclasses(base: type) -> list[type]:
    found: dict[type, None] = {}
    waiting = [base]
    while waiting:
        cls = waiting.pop(0)
        found[cls] = None
        waiting += cls.__subclasses__()
    return list(found)
