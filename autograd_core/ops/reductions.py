"""Reductions over axes: sums, means, products, extremes, logic."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..primitive import LINEAR, Primitive, apply
from ..tensor import Overloaded, Tensor
from .axes import Axes, kept, length, several, spread
from .matrices import operand, tensor

__all__ = [
    "all", "amax", "amin", "any", "count_nonzero", "max", "mean", "min", "prod", "ptp", "sum",
]  # fmt: skip

MISSING: Any = np._NoValue  # what NumPy itself hands on for a keyword that was not given


def sample_reduction(draw, spread: bool = False, min_side: int = 0, **others):
    """One array, some axes of it, keepdims or not."""
    shape = draw.shape(min_side=min_side)
    x = draw.spread(shape) if spread else draw.array(shape, 0.3, 2.0) * draw.choice((-1, 1))
    axis = several("sample", draw.axes(x.ndim), x.ndim)
    return (x,), {"axis": axis, "keepdims": draw.boolean(), **others}


def _sample_extreme(draw):
    return sample_reduction(draw, spread=True, min_side=1)


# -- sum and mean ------------------------------------------------------------------------------------------------------


def _sum(x, *, axis: Axes, keepdims: bool, dtype=None):
    return np.add.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)


SUM = Primitive(
    "sum", _sum, keeps=False, sample=sample_reduction, doc="Sum over axes.", jvps=LINEAR,
    vjps=(lambda ct, ans, x, *, axis, keepdims, dtype=None: spread(ct, x.shape, axis, keepdims),),
)  # fmt: skip


def _mean(x, *, axis: Axes, keepdims: bool, dtype=None):
    count = length(x.shape, axis)
    if dtype is None and count and x.dtype.char in "fdFD":  # the rest, with its wider sums and warnings, is NumPy's
        return np.true_divide(np.add.reduce(x, axis=axis, keepdims=keepdims), count)
    return np.mean(x, axis=axis, dtype=dtype, keepdims=keepdims)


# A row of its own for its speed: np.mean takes 4.4 us on (32, 128) floats, sum and quotient 1.4.
MEAN = Primitive(
    "mean", _mean, keeps=False, sample=lambda draw: sample_reduction(draw, min_side=1), jvps=LINEAR,
    doc="Arithmetic mean over axes.",
    vjps=(lambda ct, ans, x, *, axis, keepdims, dtype=None:
          spread(ct / (length(x.shape, axis) or 1), x.shape, axis, keepdims),),
)  # fmt: skip

# -- product -----------------------------------------------------------------------------------------------------------


def products_of_others(x, axis: Axes):
    """For each entry the product of all others it is reduced with: products from the left times those from the right.

    Nothing is divided, so zeros are exact, whatever their number and the order of the derivative.
    """
    if not axis:
        return np.ones_like(x)
    rest = tuple(at for at in range(x.ndim) if at not in axis)
    order = rest + axis
    moved = np.transpose(x, order)
    flat = np.reshape(moved, (*(x.shape[at] for at in rest), length(x.shape, axis)))
    one = np.ones((*flat.shape[:-1], builtins.min(flat.shape[-1], 1)), x.dtype)
    left = np.cumprod(np.concatenate((one, flat[..., :-1]), axis=-1), axis=-1)
    right = np.cumprod(np.concatenate((one, flat[..., :0:-1]), axis=-1), axis=-1)
    others = np.reshape(left * right[..., ::-1], moved.shape)
    return np.transpose(others, tuple(order.index(at) for at in range(x.ndim)))


def zero_wins(ct, slope):
    """``ct * slope``, 0 where ``ct`` is 0 although the slope is infinite."""
    return ct * np.where(np.equal(ct, 0) & ~np.isfinite(slope), np.zeros((), slope.dtype), slope)


def _prod(x, *, axis: Axes, keepdims: bool, dtype=None):
    return np.multiply.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)


PROD = Primitive(
    "prod", _prod, sample=sample_reduction, doc="Product over axes; exact derivatives at zeros.",
    vjps=(lambda ct, ans, x, *, axis, keepdims, dtype=None:
          zero_wins(spread(ct, x.shape, axis, keepdims), products_of_others(x, axis)),),
    jvps=(lambda t, ans, x, *, axis, keepdims, dtype=None:
          np.sum(zero_wins(t, products_of_others(x, axis)), axis=axis, keepdims=keepdims),),
)  # fmt: skip

# -- extremes ----------------------------------------------------------------------------------------------------------


def shares(ans, x, axis: Axes, keepdims: bool):
    """For each entry its part in the extreme value ``ans``: 1 / k for the k entries that have it, 0 for the rest.

    A NaN that NumPy's ``max`` hands on counts as the entry that has it.
    """
    value = kept(ans, x.shape, axis, keepdims)
    return _evenly(np.equal(x, value) | (np.not_equal(x, x) & np.not_equal(value, value)), x, axis)


def _evenly(winners, x, axis: Axes):
    count = np.sum(winners, axis=axis, keepdims=True, dtype=x.dtype)
    return winners / np.maximum(count, np.ones((), x.dtype))


def _of_shares(ct, share):
    """``ct * share``; 0 where there is no share, although ``ct`` is infinite."""
    return np.where(np.equal(share, 0), np.zeros((), ct.dtype), ct * share)


_TIES = "ties share evenly: 1/k each for k equal entries"


def _extreme(name: str, ufunc, doc: str) -> Primitive:
    return Primitive(
        name, lambda x, *, axis, keepdims, initial=MISSING: ufunc.reduce(x, axis, keepdims=keepdims, initial=initial),
        sample=_sample_extreme, doc=doc, kink=_TIES,
        vjps=(lambda ct, ans, x, *, axis, keepdims, initial=MISSING:
              _of_shares(spread(ct, x.shape, axis, keepdims), shares(ans, x, axis, keepdims)),),
        jvps=(lambda t, ans, x, *, axis, keepdims, initial=MISSING:
              np.sum(_of_shares(t, shares(ans, x, axis, keepdims)), axis=axis, keepdims=keepdims),),
    )  # fmt: skip


MAX = _extreme("max", np.maximum, "Largest entry over axes; NaN if there is one.")
MIN = _extreme("min", np.minimum, "Smallest entry over axes; NaN if there is one.")
FMAX_REDUCE = _extreme("fmax.reduce", np.fmax, "Largest entry over axes; a NaN loses against numbers.")
FMIN_REDUCE = _extreme("fmin.reduce", np.fmin, "Smallest entry over axes; a NaN loses against numbers.")

# -- logic -------------------------------------------------------------------------------------------------------------

ALL = Primitive(
    "all", lambda x, *, axis, keepdims: np.logical_and.reduce(x, axis=axis, keepdims=keepdims), vjps=None,
    sample=sample_reduction, doc="Whether all entries over axes are true.",
)  # fmt: skip
ANY = Primitive(
    "any", lambda x, *, axis, keepdims: np.logical_or.reduce(x, axis=axis, keepdims=keepdims), vjps=None,
    sample=sample_reduction, doc="Whether any entry over axes is true.",
)  # fmt: skip
COUNT_NONZERO = Primitive(
    "count_nonzero", lambda x, *, axis, keepdims: np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims)),
    vjps=None, sample=sample_reduction, doc="How many entries over axes are not 0.",
)  # fmt: skip

ROWS = (SUM, MEAN, PROD, MAX, MIN, FMAX_REDUCE, FMIN_REDUCE, ALL, ANY, COUNT_NONZERO)

# -- public functions --------------------------------------------------------------------------------------------------


def refuse(name: str, **keywords) -> None:
    """Raise for keywords that were given and are not supported."""
    for keyword, value in keywords.items():
        if given(value):
            raise UnsupportedError(f"{name}: the keyword {keyword}= is not supported on Tensors.")


def given(value) -> bool:
    """Whether a keyword was given; (None,) is how a ufunc hands on ``out=None``."""
    return not (value is None or value is MISSING or (value.__class__ is tuple and value == (None,)))


def prepared(name: str, a, axis, keepdims, out=None) -> tuple[Any, dict[str, Any]]:
    """``a`` as an operand, and the parameters that all reductions have."""
    if given(out):
        refuse(name, out=out)
    a = operand(a)
    if not a.ndim and axis.__class__ is int and axis in (0, -1) and name not in ("mean", "var", "std"):
        axis = ()  # NumPy's ufuncs allow that
    return a, {"axis": several(name, axis, a.ndim), "keepdims": keepdims is not MISSING and bool(keepdims)}


def _chosen(a, where, filler):
    """``a`` with ``filler`` where the mask does not hold."""
    return a if where is True or not given(where) else np.where(where, tensor(a), np.asarray(filler, a.dtype))


def _as(initial, dtype):
    """The start value of a reduction, in the dtype of its result."""
    return initial if isinstance(initial, Overloaded) else np.asarray(initial).astype(dtype)


def sum(a, axis=None, dtype=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Sum over axes, as ``numpy.sum``. Each term receives the whole cotangent."""
    a, params = prepared("sum", a, axis, keepdims, out)
    if dtype is not None:
        params["dtype"] = np.dtype(dtype)
    total = apply(SUM, (_chosen(a, where, 0),), params)
    return total + _as(initial, total.dtype) if given(initial) else total


def mean(a, axis=None, dtype=None, out=None, keepdims=MISSING, *, where=MISSING):
    """Arithmetic mean over axes, as ``numpy.mean``."""
    if a.__class__ is Tensor and axis is dtype is out is None and keepdims is where is MISSING:  # of a loss, as a rule
        return apply(MEAN, (a,), {"axis": tuple(range(a.array.ndim)), "keepdims": False})
    a, params = prepared("mean", a, axis, keepdims, out)
    if dtype is not None:
        params["dtype"] = np.dtype(dtype)
    if where is True or not given(where):
        return apply(MEAN, (a,), params)
    counted = np.broadcast_to(condition(where), a.shape)
    return sum(a, axis, dtype, None, keepdims, where=where) / np.sum(counted, axis=params["axis"], keepdims=keepdims)


def prod(a, axis=None, dtype=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Product over axes, as ``numpy.prod``.

    The derivative in an entry is the product of the others, found without a division: it is exact where entries are 0,
    and so are its own derivatives.
    """
    a, params = prepared("prod", a, axis, keepdims, out)
    if dtype is not None:
        params["dtype"] = np.dtype(dtype)
    product = apply(PROD, (_chosen(a, where, 1),), params)
    return product * _as(initial, product.dtype) if given(initial) else product


def _extreme_over(row: Primitive, name: str, lowest, a, axis, out, keepdims, initial, where):
    a, params = prepared(name, a, axis, keepdims, out)
    if given(initial):
        if isinstance(initial, Overloaded) or np.ndim(initial):
            raise UnsupportedError(f"{name}: initial= must be a number; use np.maximum or np.minimum on the result.")
        params["initial"] = initial
    elif where is not True and given(where):
        raise ShapeError(f"{name}: where= needs initial= too: the value if no entry is chosen.")
    return apply(row, (_chosen(a, where, lowest(a.dtype)),), params)


def condition(where):
    """What ``where=`` says, as booleans; a Tensor stays one."""
    return np.astype(where, bool, copy=False) if isinstance(where, Overloaded) else np.asarray(where, bool)


def _lowest(dtype):
    return -np.inf if dtype.kind in "fc" else False if dtype.kind == "b" else np.iinfo(dtype).min


def _highest(dtype):
    return np.inf if dtype.kind in "fc" else True if dtype.kind == "b" else np.iinfo(dtype).max


def max(a, axis=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Largest entry over axes, as ``numpy.max``; NaN if there is one.

    Entries that tie share the cotangent evenly, 1/k each: the subgradient of least norm.
    """
    return _extreme_over(MAX, "max", _lowest, a, axis, out, keepdims, initial, where)


def min(a, axis=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Smallest entry over axes, as ``numpy.min``; NaN if there is one. Ties share the cotangent evenly."""
    return _extreme_over(MIN, "min", _highest, a, axis, out, keepdims, initial, where)


amax, amin = max, min


def fmax_over(a, axis=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Largest entry over axes that is not NaN."""
    return _extreme_over(FMAX_REDUCE, "fmax.reduce", _lowest, a, axis, out, keepdims, initial, where)


def fmin_over(a, axis=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Smallest entry over axes that is not NaN."""
    return _extreme_over(FMIN_REDUCE, "fmin.reduce", _highest, a, axis, out, keepdims, initial, where)


def ptp(a, axis=None, out=None, keepdims=MISSING):
    """Largest minus smallest entry over axes, as ``numpy.ptp``."""
    refuse("ptp", out=out)
    return max(a, axis, None, keepdims) - min(a, axis, None, keepdims)


def all(a, axis=None, out=None, keepdims=MISSING, *, where=MISSING):
    """Whether all entries over axes are true, as ``numpy.all``; no derivative."""
    a, params = prepared("all", a, axis, keepdims, out)
    return apply(ALL, (_chosen(a, where, True),), params)


def any(a, axis=None, out=None, keepdims=MISSING, *, where=MISSING):
    """Whether any entry over axes is true, as ``numpy.any``; no derivative."""
    a, params = prepared("any", a, axis, keepdims, out)
    return apply(ANY, (_chosen(a, where, False),), params)


def count_nonzero(a, axis=None, *, keepdims=False):
    """How many entries over axes are not 0, as ``numpy.count_nonzero``; no derivative."""
    a, params = prepared("count_nonzero", a, axis, keepdims)
    return apply(COUNT_NONZERO, (a,), params)


def along_first(function):
    """``function`` as the method ``reduce`` of its ufunc: over the first axis unless another is given."""

    def reduce(a, axis=0, dtype=None, out=None, keepdims=False, **others):
        if dtype is not None:
            others["dtype"] = dtype
        return function(a, axis=axis, out=out, keepdims=keepdims, **others)

    reduce.__doc__ = f"{function.__name__} over the first axis, or ``axis``."
    return reduce


OVERLOADS: dict[Any, Any] = {
    np.sum: sum, np.mean: mean, np.prod: prod, np.max: max, np.amax: max, np.min: min, np.amin: min, np.ptp: ptp,
    np.all: all, np.any: any, np.count_nonzero: count_nonzero,
    (np.add, "reduce"): along_first(sum), (np.multiply, "reduce"): along_first(prod),
    (np.maximum, "reduce"): along_first(max), (np.minimum, "reduce"): along_first(min),
    (np.fmax, "reduce"): along_first(fmax_over), (np.fmin, "reduce"): along_first(fmin_over),
    (np.logical_and, "reduce"): along_first(all), (np.logical_or, "reduce"): along_first(any),
}  # fmt: skip
