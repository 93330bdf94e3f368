"""Names of objects in emitted source: the globals of the module."""

from __future__ import annotations

import re
from itertools import count
from keyword import iskeyword
from typing import Any

import numpy as np

_TAKEN = re.compile(r"[vxct]\d+\w*|loop\d+\w*|out\d+|list|zip|map|slice|memory|nans|prepare|step")


class Names:
    """Finds a name for each object that the source needs.

    Attributes
    ----------
    names : dict
        The globals.
    """

    def __init__(self, names: dict[str, Any]):
        self.names = dict(names)
        self._known: dict[Any, str] = {}

    def known(self, entry: Any, hint: str) -> str:
        """Global name of an object."""
        key = entry if isinstance(entry, np.dtype) else (hint, id(entry))
        name = self._known.get(key)
        if name is None:
            name = base = re.sub(r"\W", "_", hint).strip("_") or "k"
            if _TAKEN.fullmatch(base) or not base.isidentifier():
                name = base = f"k_{base}"
            for number in count(1):
                if name not in self.names and not iskeyword(name):
                    break
                name = f"{base}_{number}"
            self.names[name] = entry
            self._known[key] = name
        return name

    def reduce(self, ufunc: Any) -> str:
        """Name of the reduction by a ufunc."""
        if ufunc not in self._known:
            self._known[ufunc] = self.known(ufunc.reduce, f"{ufunc.__name__}_reduce")
        return self._known[ufunc]

    def number(self, number: Any, dtype: Any) -> str:
        """Name of a Python number as an array of no axes: that takes NumPy 0.15 us less than the number itself."""
        key = (number.__class__, repr(number), dtype)
        if key not in self._known:
            array = np.array(number, dtype)
            array.flags.writeable = False
            self._known[key] = self.known(array, f"k{repr(number).replace('-', 'm').replace('.', '_')}")
        return self._known[key]

    def ones(self, shape: tuple[int, ...], dtype: Any) -> str:
        """Name of an array of ones."""
        key = ("ones", shape, dtype)
        if key not in self._known:
            array = np.ones(shape, dtype)
            array.flags.writeable = False
            self._known[key] = self.known(array, "ones_" + "_".join(map(str, shape)))
        return self._known[key]
