"""The wider dtypes that a program is replayed in, and how far two arrays are from one another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

WIDE = {"single": (np.float64, np.complex128), "double": (np.longdouble, np.clongdouble)}


class Precision:
    """Real and complex dtype of a replay.

    Parameters
    ----------
    values : iterable of array
        Of the program: float64 for programs in float32 or less, the platform's long double for wider ones.
    """

    def __init__(self, values: Iterable[Any]):
        wide = any(np.dtype(value.dtype).itemsize > (16 if value.dtype.kind == "c" else 8) // 2 for value in values)
        self.real, self.complex = WIDE["double" if wide else "single"]
        self.eps = float(np.spacing(np.ones((), self.real)))
        self.is_wider = not wide or np.finfo(np.longdouble).eps < np.finfo(np.float64).eps

    @property
    def name(self) -> str:
        """As NumPy calls the dtype."""
        return np.dtype(self.real).name

    def dtype_of(self, value: Any) -> Any:
        """Wide dtype for a floating or complex ``value``; None for others."""
        kind = value.dtype.kind if isinstance(value, (np.ndarray, np.generic)) else np.asarray(value).dtype.kind
        return self.real if kind == "f" else self.complex if kind == "c" else None

    def widen(self, value: Any, weak: Any = None) -> Any:
        """``value`` in the wide dtype; the entries are the same.

        Parameters
        ----------
        weak : dtype, optional
            What a Python number was rounded to in the program.
        """
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return value.astype(self.real)
        if isinstance(value, tuple):
            return tuple(self.widen(part) for part in value)
        if isinstance(value, (float, complex)) and not isinstance(value, np.generic) and weak is not None:
            with np.errstate(all="ignore"):
                value = np.asarray(value, np.result_type(weak, np.complex64) if isinstance(value, complex) else weak)
        if isinstance(value, (np.ndarray, np.generic, float, complex)):
            wide = self.dtype_of(value)
            return value if wide is None else np.asarray(value).astype(wide)
        return value

    def is_wide(self, value: Any) -> bool:
        """Whether the results are in the wide dtypes, as they should be."""
        parts = value if isinstance(value, tuple) else (value,)
        return all(self.dtype_of(part) in (None, part.dtype.type) for part in parts)


def narrow(value: Any, like: Any) -> Any:
    """``value`` rounded to the dtype of ``like``."""
    if isinstance(like, tuple):
        return tuple(narrow(part, other) for part, other in zip(value, like, strict=True))
    if isinstance(like, (np.ndarray, np.generic)) and like.dtype.kind in "fc":
        with np.errstate(all="ignore"):
            return np.asarray(value).astype(like.dtype)
    return like if not hasattr(like, "dtype") else value


@np.errstate(all="ignore")  # as a decorator it takes half the time
def relative_errors(found: Any, exact: Any) -> np.ndarray:
    """Relative error of each entry: 0 where both are the same (NaN too), infinite where only one is finite."""
    if found.shape == () == exact.shape:
        found, exact = found[()], exact[()]  # arithmetic on NumPy's scalars takes a tenth of the time
        if found == exact or (found != found and exact != exact):
            return _NONE
        error = float(abs(found - exact) / abs(exact))
        return np.asarray(error if error == error else np.inf)
    same = (found == exact) | (np.isnan(found) & np.isnan(exact))
    errors = np.where(same, 0, np.abs(found - exact) / np.abs(exact))
    return np.asarray(np.where(np.isnan(errors), np.inf, errors), np.float64)


_NONE = np.zeros(())


def largest(errors: Any) -> float:
    """The largest entry; 0 of none."""
    return float(np.max(errors, initial=0.0) if np.ndim(errors) else errors)
