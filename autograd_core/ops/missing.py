"""Reductions that leave NaN out: an entry that is NaN counts as not there, and its derivative is 0."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..primitive import Primitive
from ..tensor import Tensor
from ..tracing import is_known
from .matrices import plain, tensor
from .reductions import MISSING, condition, fmax_over, fmin_over, prepared, prod, refuse
from .reductions import sum as total
from .scans import without_nan
from .sorting import sort
from .statistics import between, laid_out, last_axes, levels, places_of, root, squared

__all__ = [
    "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
]  # fmt: skip

ROWS: tuple[Primitive, ...] = ()  # made of other operations


def nansum(a, axis=None, dtype=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Sum of the entries that are not NaN, as ``numpy.nansum``."""
    return total(without_nan(a, 0), axis, dtype, out, keepdims, initial, where)


def nanprod(a, axis=None, dtype=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Product of the entries that are not NaN, as ``numpy.nanprod``."""
    return prod(without_nan(a, 1), axis, dtype, out, keepdims, initial, where)


def nanmax(a, axis=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Largest entry that is not NaN, as ``numpy.nanmax``; ties share the cotangent evenly."""
    return _told("nanmax", fmax_over(a, axis, out, keepdims, initial, where))


def nanmin(a, axis=None, out=None, keepdims=MISSING, initial=MISSING, where=MISSING):
    """Smallest entry that is not NaN, as ``numpy.nanmin``; ties share the cotangent evenly."""
    return _told("nanmin", fmin_over(a, axis, out, keepdims, initial, where))


def _told(name: str, result: Tensor) -> Tensor:
    """``result``, with NumPy's warning if there was nothing but NaN."""
    if result.dtype.kind in "fc" and is_known(result) and np.isnan(result.array).any():
        warnings.warn(f"{name}: All-NaN slice encountered", RuntimeWarning, stacklevel=3)
    return result


def _counted(a, axis, keepdims, where=MISSING):
    """``a`` with zeros for what is not counted, what is, and how many these are."""
    a = tensor(a)
    there = np.logical_not(np.isnan(a)) if a.dtype.kind in "fc" else np.ones(a.shape, bool)
    if where is not MISSING:
        there = there & condition(where)
    return np.where(there, a, np.zeros((), a.dtype)), there, np.sum(there, axis=axis, keepdims=keepdims)


def nanmean(a, axis=None, dtype=None, out=None, keepdims=MISSING, *, where=MISSING):
    """Mean of the entries that are not NaN, as ``numpy.nanmean``; NaN if there is none."""
    a, params = prepared("nanmean", a, axis, keepdims, out)
    values, _, count = _counted(a, where=where, **params)
    return _quotient(total(values, params["axis"], dtype, keepdims=params["keepdims"]), count, "Mean of empty slice")


def _quotient(sums, count, said: str):
    """``sums / count``, NaN and a warning where there is nothing to divide by."""
    empty = np.less_equal(count, 0)
    if is_known(count) and np.any(plain(empty)):
        warnings.warn(said, RuntimeWarning, stacklevel=4)
    return np.where(empty, np.asarray(np.nan, sums.dtype), sums / np.where(empty, 1, count))


def _nan_variance(name: str, a, axis, dtype, out, ddof, keepdims, where, mean, correction):
    a, params = prepared(name, a, axis, keepdims, out)
    axes = params["axis"]
    if correction is not MISSING:
        ddof = correction
    values, there, count = _counted(a, axes, True, where)
    if mean is MISSING:
        mean = total(values, axes, dtype, keepdims=True) / np.maximum(count, 1)
    parts = np.where(there, squared(values - mean), np.zeros((), np.empty(0, values.dtype).real.dtype))
    sums = total(parts, axes, dtype, keepdims=params["keepdims"])
    freedom = np.sum(there, axis=axes, keepdims=params["keepdims"]) - ddof
    return _quotient(sums, freedom, "Degrees of freedom <= 0 for slice")


def nanvar(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=MISSING, *, where=MISSING, mean=MISSING, correction=MISSING
):
    """Variance of the entries that are not NaN, as ``numpy.nanvar``."""
    return _nan_variance("nanvar", a, axis, dtype, out, ddof, keepdims, where, mean, correction)


def nanstd(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=MISSING, *, where=MISSING, mean=MISSING, correction=MISSING
):
    """Square root of ``nanvar``, as ``numpy.nanstd``; derivative 0 where all entries are equal."""
    return root(_nan_variance("nanstd", a, axis, dtype, out, ddof, keepdims, where, mean, correction))


# -- quantiles ---------------------------------------------------------------------------------------------------------


def _nan_quantile(name: str, a, q, axis, out, method, keepdims):
    a = prepared(name, a, None, MISSING, out)[0]
    flat, axes = last_axes(name, a, axis)
    if is_known(flat) and np.isnan(flat.array).all(-1).any():
        warnings.warn(f"{name}: All-NaN slice encountered", RuntimeWarning, stacklevel=3)
    # A sort puts NaN last: a slice with `count` numbers has them in front.
    places_of(name, 1, np.zeros(1), method)  # an error if there is no such method
    places = _PLACES(flat, np.ravel(q), method=method)
    return laid_out(between(sort(flat), places), q, np.shape(a), axes, keepdims)


def _places(flat, q, *, method: str):
    """Where the quantiles ``q`` of the numbers in each slice lie."""
    counts = np.sum(~np.isnan(flat), axis=-1)
    different, which = np.unique(counts, return_inverse=True)
    places = np.stack([places_of("nanquantile", count, q, method) for count in different] or [np.zeros(q.size)])
    return places[which.reshape(counts.shape)]


_PLACES = Primitive("nan_places", _places, None, keeps=False)


def nanquantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=MISSING, *, weights=None,
    interpolation=None,
):  # fmt: skip
    """Quantiles of the entries that are not NaN, as ``numpy.nanquantile``."""
    refuse("nanquantile", weights=weights, interpolation=interpolation)
    return _nan_quantile("nanquantile", a, levels("nanquantile", q, 1), axis, out, method, keepdims)


def nanpercentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=MISSING, *, weights=None,
    interpolation=None,
):  # fmt: skip
    """Percentiles of the entries that are not NaN, as ``numpy.nanpercentile``."""
    refuse("nanpercentile", weights=weights, interpolation=interpolation)
    return _nan_quantile("nanpercentile", a, levels("nanpercentile", q, 100), axis, out, method, keepdims)


def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=MISSING):
    """Median of the entries that are not NaN, as ``numpy.nanmedian``."""
    return _nan_quantile("nanmedian", a, np.array(0.5), axis, out, "linear", keepdims)


OVERLOADS: dict[Any, Any] = {
    np.nansum: nansum, np.nanprod: nanprod, np.nanmax: nanmax, np.nanmin: nanmin, np.nanmean: nanmean,
    np.nanvar: nanvar, np.nanstd: nanstd, np.nanquantile: nanquantile, np.nanpercentile: nanpercentile,
    np.nanmedian: nanmedian,
}  # fmt: skip
