"""What a call of a traced function depends on: shapes, dtypes and structure of its arguments, and Python values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ConversionError
from ..shapes import Shape
from ..tensor import SUPPORTED_KINDS, Tensor
from ..tree import rebuilt
from ..variable import Variable
from .program import Value

_STATIC = frozenset((int, float, complex, bool, str, type(None)))


class Leaves:
    """Arrays among the arguments of a call, in order, and the key that says which plan is for it.

    Attributes
    ----------
    arrays : list of array
    sources : list of Tensor or array
        What each of them came in.
    key : tuple
        Hashable: structure, shapes and dtypes, and the values of everything that is no array.
    plain : bool
        Whether no Tensor and no Variable is among the arguments, so that results are handed back as NumPy arrays.
    """

    __slots__ = ("arrays", "key", "plain", "sources")

    def __init__(self, name: str, args: Sequence[Any], keywords: Mapping[str, Any]):
        self.arrays: list[Any] = []
        self.sources: list[Any] = []
        self.plain = True
        key: list[Any] = []
        add = key.append
        for arg in args:
            kind = arg.__class__
            if kind is Tensor:
                array = arg.array
                self.plain = False
                add(Tensor)
                add(array.dtype)
                add(array.shape)
                self.arrays.append(array)
                self.sources.append(arg)
            elif kind in _STATIC:
                add((kind, arg) if arg and arg == arg and kind is not complex else (kind, repr(arg)))
            else:
                self._add(name, arg, key)
        if keywords:
            for keyword in sorted(keywords):
                add(keyword)
                self._add(name, keywords[keyword], key)
        self.key = tuple(key)
        self.plain = self.plain and bool(self.arrays)

    def _add(self, name: str, arg: Any, key: list[Any]) -> None:
        kind = arg.__class__
        if kind in _STATIC:  # -0.0 equals 0.0, and NaN does not equal itself: told apart by what is shown
            key.append((kind, arg) if arg and arg == arg and kind is not complex else (kind, repr(arg)))
        elif isinstance(arg, (np.ndarray, np.generic)):
            self._add_array(name, np.asarray(arg), arg, key)
        elif kind is Tensor:
            self.plain = False
            self._add_array(name, arg.array, arg, key)
        elif isinstance(arg, Variable):
            self.plain = False
            key.append((Variable, id(arg), arg))
        elif isinstance(arg, dict):
            key.append((kind, tuple(arg)))
            for entry in arg.values():
                self._add(name, entry, key)
        elif isinstance(arg, (list, tuple)):
            key.append((kind, len(arg)))
            for entry in arg:
                self._add(name, entry, key)
        else:
            key.append(_static(name, arg))

    def _add_array(self, name: str, array: Any, source: Any, key: list[Any]) -> None:
        if array.dtype.kind not in SUPPORTED_KINDS or isinstance(source, (np.ma.MaskedArray, np.matrix)):
            raise ConversionError(
                f"{name}: got a {type(source).__name__} of dtype {array.dtype}; expected arrays of numbers or booleans."
            )
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        key += (np.ndarray if source.__class__ is not Tensor else Tensor, array.dtype, array.shape)
        self.arrays.append(array)
        self.sources.append(source)


def _static(name: str, arg: Any) -> Any:
    """A Python value that a plan is made for: by equality where it can be hashed."""
    try:
        hash(arg)
    except TypeError:
        raise ConversionError(
            f"{name}: got a {type(arg).__name__}, which cannot be hashed, so it could not be known whether a later "
            "call has the same. Give arrays, Tensors, numbers, strings, lists, tuples or dicts of them; or let the "
            "function refer to the object instead of being given it."
        ) from None
    return (type(arg), arg)


def lifted(args: Any, make: Callable[[Any], Any]) -> Any:
    """Arguments with ``make(leaf)`` in place of every array and Tensor, in the order of ``Leaves``."""
    if isinstance(args, (np.ndarray, np.generic)) or args.__class__ is Tensor:
        return make(args)
    if isinstance(args, dict):
        return rebuilt(args, [lifted(entry, make) for entry in args.values()])
    if hasattr(args, "_fields"):
        return type(args)(*(lifted(entry, make) for entry in args))
    if isinstance(args, (list, tuple)):
        return type(args)([lifted(entry, make) for entry in args])
    return args


def differences(old: Sequence[Any], new: Sequence[Any]) -> str:
    """In which entries two keys differ, for the warning about a function that is traced again and again."""
    if len(old) != len(new):
        return "the structure of the arguments differs"
    found = [f"{_told(a)} became {_told(b)}" for a, b in zip(old, new, strict=True) if a != b]
    return "; ".join(found[:3]) or "a fact outside of the arguments changed"


def _told(entry: Any) -> str:
    if isinstance(entry, tuple) and entry and isinstance(entry[0], type):
        shown = entry[1] if isinstance(entry[1], str) and entry[0] is not str else repr(entry[1])
        return f"the {entry[0].__name__} {shown:.40}"
    return f"shape {entry}" if isinstance(entry, tuple) else str(entry)


__all__ = ["Leaves", "Shape", "Value", "differences", "lifted"]
