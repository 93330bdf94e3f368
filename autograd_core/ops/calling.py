"""Functions of the user's that are called part by part: apply_along_axis, piecewise, vectorize."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import Primitive
from ..symbol import Value
from ..tensor import as_value
from .axes import one
from .indexing import getitem
from .joining import stack
from .matrices import operand, tensor

__all__ = ["apply_along_axis", "piecewise", "vectorize"]

ROWS: tuple[Primitive, ...] = ()  # made of other operations


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr, *args, **kwargs):
    """``func1d(row, ...)`` of each row along an axis, as ``numpy.apply_along_axis``: the results, stacked.

    The function gets Tensors, one after the other; ``ag.vmap`` calls it once for all.

    Examples
    --------
    >>> import autograd_core.numpy as anp
    >>> anp.apply_along_axis(lambda row: row[-1] - row[0], 1, [[1.0, 5.0], [2.0, 3.0]]).numpy()
    array([4., 1.])
    """
    x = tensor(arr)
    axis = one("apply_along_axis", axis, x.ndim)
    outer = x.shape[:axis] + x.shape[axis + 1 :]
    if 0 in outer:
        raise ShapeError(f"apply_along_axis: got shape {x.shape}, which has no rows along axis {axis} to call it with.")
    rows = np.reshape(np.moveaxis(x, axis, -1), (-1, x.shape[axis]))
    results = [operand(func1d(row, *args, **kwargs)) for row in np.unstack(rows)]
    together = np.reshape(stack(results), outer + results[0].shape)
    back = range(len(outer), together.ndim)
    return np.moveaxis(together, tuple(back), tuple(range(axis, axis + len(back))))


# -- piecewise ---------------------------------------------------------------------------------------------------------


def piecewise(x, condlist, funclist: Sequence[Any], *args, **kw):
    """``x`` through the function of the condition that holds, as ``numpy.piecewise``.

    Each function is called with the entries for which its condition holds, and with no others; the last condition that
    holds counts. In a traced or mapped function, where it is not known which these are, it is called with all entries.

    Parameters
    ----------
    x : array_like, Tensor or Variable
    condlist : sequence of boolean arrays, or one of them
    funclist : sequence of callable or number
        One for each condition, and perhaps one more for where none of them holds (0 otherwise).
    """
    x = tensor(x)
    conditions = _conditions(condlist, x.shape)
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise ShapeError(
            f"piecewise: got {len(conditions)} condition(s) and {len(funclist)} function(s); expected as many, or one "
            "function more for where no condition holds."
        )
    if len(funclist) > len(conditions):
        none = ~conditions[0]
        for condition in conditions[1:]:
            none = none & ~condition
        conditions = [*conditions, none]
    out = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        out = _put(out, x, condition, partial(_called, function, args, kw) if callable(function) else function)
    return out


def _called(function, args, kw, part):
    return function(part, *args, **kw)


def _conditions(condlist, shape: tuple[int, ...]) -> list:
    if not isinstance(condlist, (list, tuple)) or (condlist and np.ndim(condlist[0]) == 0 and shape != ()):
        whole = np.asarray(condlist) if isinstance(condlist, (list, tuple)) else operand(condlist)
        condlist = list(np.unstack(whole)) if whole.ndim > len(shape) else [whole]
    return [np.astype(tensor(condition), bool) for condition in condlist]


def _put(out, x, condition, function):
    if condition.shape != x.shape:
        raise ShapeError(f"piecewise: a condition has shape {condition.shape}, x has shape {x.shape}.")
    if as_value(condition).__class__ is Value or not callable(function):
        return np.astype(np.where(condition, function(x) if callable(function) else function, out), x.dtype)
    places = np.nonzero(as_value(condition)) if x.ndim else ()
    if not as_value(condition).any():
        return out
    part = np.astype(tensor(function(x[places] if x.ndim else np.reshape(x, 1))), x.dtype)
    return out.at[places].set(part) if x.ndim else np.reshape(part, ())


# -- vectorize ---------------------------------------------------------------------------------------------------------


class vectorize:  # noqa: N801 - NumPy's name
    """A function of numbers as one of arrays, as ``numpy.vectorize``: called entry by entry, with broadcasting.

    The function gets Tensors without axes, and may look at them (``if x > 0``); ``ag.vmap`` calls it once for all.

    Parameters
    ----------
    pyfunc : callable
    otypes : str or sequence of dtype, optional
        Dtypes of the results.
    doc : str, optional
    excluded : set of int or str, optional
        Arguments, by position or name, that are handed on as they are.
    cache : bool
        Of no effect: the function is called once for each entry, and never besides.
    signature : str, optional
        Axes that the function itself takes and gives, as in ``"(n),(n)->()"``.

    Examples
    --------
    >>> import autograd_core.numpy as anp
    >>> anp.vectorize(lambda x, y: x if x > y else y)([1.0, 5.0, 3.0], 2.0).numpy()
    array([2., 5., 3.])
    """

    def __init__(self, pyfunc, otypes=None, doc=None, excluded=None, cache=False, signature=None):
        self.pyfunc = pyfunc
        self.otypes = None if otypes is None else [np.dtype(kind) for kind in otypes]
        self.excluded = set(excluded or ())
        self.signature = signature
        self._inner = None if signature is None else _axes_of(signature)
        self.__name__ = getattr(pyfunc, "__name__", "vectorize")
        self.__doc__ = doc if doc is not None else getattr(pyfunc, "__doc__", None)

    def __call__(self, *args, **kwargs):
        named = [key for key in kwargs if key not in self.excluded]
        places = [place for place in range(len(args)) if place not in self.excluded]
        arrays = [tensor(args[place]) for place in places] + [tensor(kwargs[key]) for key in named]
        inner = [0] * len(arrays) if self._inner is None else self._inner
        if len(inner) != len(arrays):
            raise ShapeError(
                f"vectorize: {self.signature!r} is the signature of {len(inner)} arrays; got {len(arrays)}."
            )
        if any(x.ndim < own for x, own in zip(arrays, inner, strict=True)):
            raise ShapeError(
                f"vectorize: got shapes {', '.join(str(x.shape) for x in arrays)} for the signature {self.signature!r}."
            )
        outer = np.broadcast_shapes(*(x.shape[: x.ndim - own] for x, own in zip(arrays, inner, strict=True)))
        if 0 in outer:
            raise ShapeError(f"vectorize: there are no entries to call the function with (shape {outer}).")
        columns = [_parts(x, outer, own) for x, own in zip(arrays, inner, strict=True)]
        results = []
        for parts in zip(*columns, strict=True) if columns else [()]:
            own_args, own_named = list(args), dict(kwargs)
            for place, part in zip(places, parts, strict=False):
                own_args[place] = part
            own_named.update(zip(named, parts[len(places) :], strict=True))
            results.append(self.pyfunc(*own_args, **own_named))
        if not isinstance(results[0], tuple):
            return self._stacked(results, outer, 0)
        return tuple(self._stacked(list(part), outer, at) for at, part in enumerate(zip(*results, strict=True)))

    def _stacked(self, results: list, outer: tuple[int, ...], at: int):
        together = stack([operand(result) for result in results])
        together = np.reshape(together, outer + together.shape[1:])
        return together if self.otypes is None else np.astype(together, self.otypes[at])


def _axes_of(signature: str) -> list[int]:
    """Number of axes of each argument."""
    inputs, arrow, _ = signature.replace(" ", "").partition("->")
    if not arrow or not re.fullmatch(r"\([\w,]*\)(,\([\w,]*\))*", inputs):
        raise DomainError(f'vectorize: the signature {signature!r} is not of the form "(n),(n)->()".')
    return [len([name for name in term.split(",") if name]) for term in re.findall(r"\(([\w,]*)\)", inputs)]


def _parts(x, outer: tuple[int, ...], inner: int):
    """What the function is given of ``x``, one after the other."""
    own = x.shape[x.ndim - inner :]
    spread = np.reshape(np.broadcast_to(x, outer + own), (-1, *own))
    return [getitem(spread, i) for i in range(spread.shape[0])] if not inner else np.unstack(spread)


# -- tables ------------------------------------------------------------------------------------------------------------

OVERLOADS: dict[Any, Any] = {np.apply_along_axis: apply_along_axis, np.piecewise: piecewise}
