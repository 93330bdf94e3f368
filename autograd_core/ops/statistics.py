"""Variances, averages, quantiles, correlations and counts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from ..symbol import Value
from ..tensor import Overloaded, Tensor, as_value
from ..tracing import checked, is_known
from .axes import Axes, kept, length, several, spread
from .complex_parts import real
from .gathering import take_along_axis
from .joining import concatenate
from .matrices import conjugate, known, operand, plain, tensor
from .reductions import MISSING, condition, given, mean, prepared, refuse, sample_reduction
from .reductions import sum as total
from .reshaping import reshape
from .sorting import sort

__all__ = [
    "average", "bincount", "corrcoef", "cov", "histogram", "histogram_bin_edges", "median", "percentile", "quantile",
    "std", "var",
]  # fmt: skip

# -- variance ----------------------------------------------------------------------------------------------------------


def _deviation(x, axis: Axes):
    """Distance of each entry from the mean, over the number of entries less ``correction``."""
    return x - np.mean(x, axis=axis, keepdims=True)


def _freedom(x, axis: Axes, correction):
    return max(length(x.shape, axis) - correction, 0)


def _sample_variance(draw):
    args, params = sample_reduction(draw, spread=True, min_side=2)
    return args, {**params, "correction": draw.choice((0, 1, 0.5)) if params["axis"] else 0}


def _slope(x, axis: Axes, correction):
    """Derivative of the variance in each entry: that of the mean drops out, since deviations add up to 0."""
    return conjugate(_deviation(x, axis)) * (2 / _freedom(x, axis, correction))


VAR = Primitive(
    "var", lambda x, *, axis, keepdims, correction, dtype=None: np.asarray(
        np.var(x, axis, dtype, ddof=correction, keepdims=keepdims)),
    sample=_sample_variance, doc="Mean squared distance from the mean, over axes.",
    vjps=(lambda ct, ans, x, *, axis, keepdims, correction, dtype=None:
          spread(ct, x.shape, axis, keepdims) * _slope(x, axis, correction),),
    jvps=(lambda t, ans, x, *, axis, keepdims, correction, dtype=None:
          np.sum(np.real(t * _slope(x, axis, correction)), axis=axis, keepdims=keepdims),),
)  # fmt: skip


def _standard_slope(ans, x, axis: Axes, keepdims: bool, correction):
    deviation = kept(ans, x.shape, axis, keepdims)
    flat = np.equal(deviation, 0)
    whole = np.where(flat, np.full((), np.inf, deviation.dtype), deviation) * _freedom(x, axis, correction)
    return conjugate(_deviation(x, axis)) / whole  # 0 at every order where all entries are equal


STD = Primitive(
    "std", lambda x, *, axis, keepdims, correction, dtype=None: np.asarray(
        np.std(x, axis, dtype, ddof=correction, keepdims=keepdims)),
    sample=_sample_variance, doc="Square root of the variance, over axes.",
    kink="0 where all entries are equal",
    vjps=(lambda ct, ans, x, *, axis, keepdims, correction, dtype=None:
          spread(ct, x.shape, axis, keepdims) * _standard_slope(ans, x, axis, keepdims, correction),),
    jvps=(lambda t, ans, x, *, axis, keepdims, correction, dtype=None:
          np.sum(np.real(t * _standard_slope(ans, x, axis, keepdims, correction)), axis=axis, keepdims=keepdims),),
)  # fmt: skip


def root(x):
    """Square root of what is 0 or more, with derivative 0 at 0."""
    flat = np.equal(x, 0)
    return np.where(flat, 0, np.sqrt(np.where(flat, 1, x)))


def squared(x):
    """Squared absolute value."""
    return real(x * conjugate(x)) if x.dtype.kind == "c" else np.square(x)


def _spread_over(name: str, row: Primitive, a, axis, dtype, out, ddof, keepdims, where, around, correction):
    a, params = prepared(name, a, axis, keepdims, out)
    if given(correction):
        if ddof:
            raise DomainError(f"{name}: ddof={ddof} and correction={correction} say the same; give one of them.")
        ddof = correction
    if (where is True or not given(where)) and not given(around):
        params["correction"] = ddof
        if dtype is not None:
            params["dtype"] = np.dtype(dtype)
        return apply(row, (a,), params)
    a, axis = tensor(a), params["axis"]
    chosen = np.ones((), bool) if where is True or not given(where) else condition(where)
    chosen = np.broadcast_to(chosen, a.shape)
    if not given(around):
        around = mean(a, axis, dtype, None, True, where=chosen)
    count = np.sum(chosen, axis=axis, keepdims=params["keepdims"])
    parts = np.where(chosen, squared(a - around), np.zeros((), np.empty(0, a.dtype).real.dtype))
    result = total(parts, axis, dtype, None, params["keepdims"]) / np.maximum(count - ddof, 0)
    return result if row is VAR else root(result)


def var(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=MISSING, *, where=MISSING, mean=MISSING, correction=MISSING
):
    """Variance over axes, as ``numpy.var``: sum of squared distances from the mean over ``n - ddof``."""
    return _spread_over("var", VAR, a, axis, dtype, out, ddof, keepdims, where, mean, correction)


def std(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=MISSING, *, where=MISSING, mean=MISSING, correction=MISSING
):
    """Square root of the variance over axes, as ``numpy.std``. Its derivative is 0 where all entries are equal."""
    return _spread_over("std", STD, a, axis, dtype, out, ddof, keepdims, where, mean, correction)


# -- averages and correlations -----------------------------------------------------------------------------------------


def average(a, axis=None, weights=None, returned=False, *, keepdims=MISSING):
    """Mean over axes, weighted if ``weights`` are given, as ``numpy.average``; both may be differentiated.

    ``weights`` has the shape of ``a``, or of its axes ``axis``. With ``returned`` the sum of the weights comes too.
    """
    a, params = prepared("average", a, axis, keepdims)
    axes, keepdims = params["axis"], params["keepdims"]
    if weights is None:
        result = mean(a, axes, keepdims=keepdims)
        count = np.full_like(result, length(a.shape, axes)) if returned else None
        return (result, count) if returned else result
    weights = tensor(weights)
    if weights.shape != a.shape:
        sides = tuple(a.shape[at] for at in axes)
        if axis is None or weights.shape != sides:
            raise ShapeError(
                f"average: weights of shape {weights.shape} for an array of shape {a.shape} and axis={axis}; expected "
                f"{a.shape}" + ("." if axis is None else f" or {sides}.")
            )
        order = tuple(sorted(range(len(axes)), key=axes.__getitem__))
        weights = np.transpose(weights, order)
        weights = reshape(weights, tuple(side if at in axes else 1 for at, side in enumerate(a.shape)))
        weights = np.broadcast_to(weights, a.shape)
    scale = total(weights, axes, keepdims=keepdims)
    scale = checked(scale, _refuse_zeros)
    result = total(a * weights, axes, keepdims=keepdims) / scale
    return (result, np.broadcast_to(scale, result.shape)) if returned else result


def _refuse_zeros(scale) -> None:
    if np.any(np.equal(scale, 0)):
        raise ZeroDivisionError("average: the weights add up to 0, so there is no average.")


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    """Covariance matrix of variables in the rows of ``m`` (and ``y``), as ``numpy.cov``."""
    x = _variables("cov", m, rowvar)
    if y is not None:
        x = concatenate((x, _variables("cov", y, rowvar)), 0)
    if dtype is not None:
        x = np.astype(x, dtype)
    if ddof is None:
        ddof = 0 if bias else 1
    weights = None
    for each, what in ((fweights, "fweights"), (aweights, "aweights")):
        if each is None:
            continue
        each = tensor(each)
        if each.shape != x.shape[1:]:
            raise ShapeError(f"cov: {what} of shape {each.shape} for {x.shape[1]} observations; expected one each.")
        weights = each if weights is None else weights * each
    if weights is None:
        centre, size = mean(x, 1, keepdims=True), x.shape[1]
        freedom = size - ddof
        right = x - centre
    else:
        size = total(weights)
        centre = total(x * weights, 1, keepdims=True) / size
        freedom = size - ddof * (1 if aweights is None else total(weights * tensor(aweights)) / size)
        right = (x - centre) * weights
    product = np.matmul(x - centre, conjugate(right).T)
    return np.squeeze(product / np.maximum(freedom, 0))


def _variables(name: str, m, rowvar):
    m = tensor(m)
    if m.ndim > 2:
        raise ShapeError(f"{name}: got shape {m.shape}; expected at most two axes: variables and observations.")
    m = np.atleast_2d(m)
    if m.dtype.kind not in "fc":
        m = np.astype(m, np.float64)
    return m if rowvar or m.shape[0] == 1 else m.T


def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """Correlation coefficients of variables in the rows of ``x`` (and ``y``), as ``numpy.corrcoef``."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    scale = np.sqrt(real(np.diagonal(c)))
    c = c / scale[:, None] / scale[None, :]
    rounded = Tensor(c.array, None)  # what is clipped off is rounding, and has no derivative
    if c.dtype.kind == "c":
        clipped = np.clip(rounded.real, -1, 1) + 1j * np.clip(rounded.imag, -1, 1)
    else:
        clipped = np.clip(rounded, -1, 1)
    return c + (clipped - rounded)


# -- quantiles ---------------------------------------------------------------------------------------------------------


def between(ordered, places):
    """Entries at ``places`` along the last axis, which may lie between two: linear from one to the other.

    The formula runs from the nearer end, so that both ends come out exactly, as NumPy's does.
    """
    low = np.floor(places)
    part = np.astype(places - low, np.empty(0, ordered.dtype).real.dtype)
    low = np.astype(low, np.intp)
    high = np.minimum(low + 1, max(ordered.shape[-1] - 1, 0))
    left, right = take_along_axis(ordered, low, -1), take_along_axis(ordered, high, -1)
    step = right - left
    inner = np.where(part < 0.5, left + step * part, right - step * (1 - part))
    # Beside an infinity the difference is NaN; exactly at an entry there is none.
    return np.where(part == 0, left, inner)


def levels(name: str, q, top: float):
    """``q`` as an array between 0 and 1. A tracked Tensor is refused: there is no derivative in it."""
    if isinstance(q, Overloaded):
        q = q.__array__() if q._is_tracked() else as_value(q)  # the first raises an error
    if q.__class__ is Value:
        return checked(np.astype(Tensor(q, None), np.float64) / top, partial(_refuse_levels, name, top))
    q = np.asarray(q, np.float64) / top
    _refuse_levels(name, top, q)
    return q


def _refuse_levels(name: str, top: float, q) -> None:
    if q.size and not (q.min() >= 0 and q.max() <= 1):
        raise DomainError(f"{name}: q must be between 0 and {top:g}; got {(q * top).tolist()!r}.")


def places_of(name: str, count: int, q, method: str):
    """Where the quantiles ``q`` of ``count`` ordered entries lie: NumPy's quantiles of 0, 1, ..., count - 1."""
    try:
        return (_PLACES if isinstance(q, Tensor) else _places)(q, count=count, method=method)
    except ValueError as error:
        raise DomainError(f"{name}: method={method!r}: {error}.") from None


def _places(q, *, count: int, method: str):
    return np.asarray(np.quantile(np.arange(max(count, 1), dtype=np.float64), q, method=method))


_PLACES = Primitive("places", _places, None, keeps=False)


def last_axes(name: str, a, axis):
    """``a`` with the axes to reduce made one, the last; and which these are."""
    a = tensor(a)
    axes = several(name, axis, a.ndim)
    rest = tuple(at for at in range(a.ndim) if at not in axes)
    moved = np.transpose(a, rest + axes)
    flat = reshape(moved, (*(a.shape[at] for at in rest), length(a.shape, axes)))
    if not flat.shape[-1]:
        raise ShapeError(f"{name}: got shape {a.shape}; there are no entries along axis={axis}.")
    return flat if flat.dtype.kind in "fc" else np.astype(flat, np.float64), axes


def laid_out(result, q, shape, axes: Axes, keepdims) -> Any:
    """Quantiles along the last axis of ``result`` as NumPy returns them: the axes of ``q`` first."""
    result = reshape(np.moveaxis(result, -1, 0), (*q.shape, *result.shape[:-1]))
    if given(keepdims) and keepdims:
        result = reshape(result, (*q.shape, *(1 if at in axes else side for at, side in enumerate(shape))))
    return result


def _quantile(name: str, a, q, axis, out, method, keepdims, weights=None):
    refuse(name, out=out, weights=weights)
    flat, axes = last_axes(name, a, axis)
    ordered = sort(flat)
    places = places_of(name, flat.shape[-1], q.ravel(), method)
    places = np.broadcast_to(places, (*flat.shape[:-1], q.size))
    result = between(ordered, places)
    worst = ordered[..., -1:]  # NaN if there is one
    if not is_known(worst) or np.isnan(worst.array).any():
        result = np.where(np.isnan(worst), worst, result)
    return laid_out(result, q, np.shape(a), axes, keepdims)


def quantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=MISSING, *, weights=None,
    interpolation=None,
):  # fmt: skip
    """Quantiles over axes, as ``numpy.quantile``, with all of its methods but no weights.

    A quantile between two entries is a mean of both, and so is its derivative. ``q`` is not differentiated.
    """
    refuse("quantile", interpolation=interpolation)
    return _quantile("quantile", a, levels("quantile", q, 1), axis, out, method, keepdims, weights)


def percentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=MISSING, *, weights=None,
    interpolation=None,
):  # fmt: skip
    """Percentiles over axes, as ``numpy.percentile``: ``quantile`` of ``q / 100``."""
    refuse("percentile", interpolation=interpolation)
    return _quantile("percentile", a, levels("percentile", q, 100), axis, out, method, keepdims, weights)


def median(a, axis=None, out=None, overwrite_input=False, keepdims=MISSING):
    """Median over axes, as ``numpy.median``; of an even number of entries the mean of the middle two."""
    return _quantile("median", a, np.array(0.5), axis, out, "linear", keepdims)


# -- counts ------------------------------------------------------------------------------------------------------------


def _sample_bins(draw):
    x = np.array([draw.integer(0, 4) for _ in range(draw.integer(0, 6))], np.intp)
    return (draw.array(x.shape),), {"into": x, "length": 5}


WEIGHTED_COUNT = Primitive(
    "bincount", lambda weights, *, into, length: np.bincount(into, weights, length).astype(weights.dtype), keeps=False,
    jvps=LINEAR, sample=_sample_bins, doc="Sum of the weights of each bin.",
    vjps=(lambda ct, ans, weights, *, into, length: ct[into],),
)  # fmt: skip

ROWS = (VAR, STD, WEIGHTED_COUNT)


def bincount(x, weights=None, minlength=0):
    """How often each of 0, 1, 2, ... is in the integers ``x``, or the sum of their ``weights`` (differentiable)."""
    if not is_known(x):
        return _traced_counts(tensor(x), weights, minlength)
    x = as_value(x)
    try:
        counts = np.bincount(x, minlength=minlength)
    except (TypeError, ValueError) as error:
        raise DomainError(
            f"bincount: got shape {x.shape}, dtype {x.dtype}; expected one axis of integers >= 0 ({error})."
        ) from None
    if weights is None:
        return Tensor(counts, None)
    return _weighted_count(x, weights, len(counts))


def _weighted_count(x, weights, length: int):
    weights = operand(weights)
    if weights.shape != x.shape:
        raise ShapeError(f"bincount: weights of shape {weights.shape} for {x.shape} integers; expected the same.")
    if weights.dtype.kind != "f":
        weights = np.astype(tensor(weights), np.float64)
    return apply(WEIGHTED_COUNT, (weights,), {"into": plain(x), "length": length})


def _traced_counts(x, weights, minlength: int):
    """``bincount`` of integers that are known when a plan runs: they must be below ``minlength``."""
    if not minlength:
        known("bincount", x, "say how many bins there are: minlength=")
    if x.ndim != 1 or x.dtype.kind not in "iu":
        raise DomainError(f"bincount: got shape {x.shape}, dtype {x.dtype}; expected one axis of integers >= 0.")
    x = checked(x, partial(_refuse_others, minlength))
    if weights is not None:
        return _weighted_count(x, weights, minlength)
    return apply(WEIGHTED_COUNT, (np.ones(x.shape, np.int64),), {"into": x.array, "length": minlength})


def _refuse_others(length: int, x) -> None:
    if x.size and not (x.min() >= 0 and x.max() < length):
        raise DomainError(
            f"bincount: in a traced function the integers must be from 0 to minlength - 1 = {length - 1}; got some "
            f"from {x.min()} to {x.max()}."
        )


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    """Edges of the bins that ``histogram`` uses; those from the smallest to the largest entry have a derivative."""
    a = tensor(a)
    if isinstance(bins, Tensor) and not is_known(bins):
        return checked(bins, _refuse_unordered)
    if range is None and not is_known(a) and np.ndim(plain(bins)) == 0:
        return _traced_edges(a, bins)
    if is_known(a):
        edges = np.histogram_bin_edges(a.array, plain(bins), range, plain(weights) if isinstance(bins, str) else None)
    else:  # they depend on nothing but the bins and the range
        edges = np.histogram_bin_edges(np.zeros(1), bins, range)
    if isinstance(bins, Tensor):
        return bins
    if np.ndim(plain(bins)) == 0 and range is None and a.node is not None and a.size:
        low, high = np.min(a), np.max(a)
        if low.array != high.array:
            return np.linspace(low, high, len(edges))
    return Tensor(edges, None)


def histogram(a, bins=10, range=None, density=None, weights=None):
    """How many entries lie in each bin, and the edges of the bins, as ``numpy.histogram``.

    The counts do not change with ``a`` except by jumps: their derivative is in ``weights``, and in the edges if
    ``density`` divides by widths.
    """
    a = tensor(a)
    if weights is not None:
        weights = tensor(weights)
        if weights.shape != a.shape:
            raise ShapeError(f"histogram: weights of shape {weights.shape} for {a.shape} entries; expected one each.")
    edges = histogram_bin_edges(a, bins, range, weights)
    into, inside = _BINS(reshape(a, (-1,)), edges)
    if weights is None:
        weights = Tensor(np.ones(a.size, np.int64), None)
    else:
        weights = np.astype(reshape(weights, (-1,)), weights.dtype if weights.dtype.kind == "f" else np.float64)
    weights = np.where(inside, weights, np.zeros((), weights.dtype))
    counts = apply(WEIGHTED_COUNT, (weights,), {"into": into.array, "length": len(edges) - 1})
    return (counts / np.diff(edges) / np.sum(counts) if density else counts), edges


def _bins(x, edges):
    """Number of the bin of each entry, and whether it is in one. The last bin has both its edges."""
    into = np.searchsorted(edges, x, "right") - 1
    return into.clip(0, len(edges) - 2), (x >= edges[0]) & (x <= edges[-1])


_BINS = Primitive("bins", _bins, None, keeps=False)


def _traced_edges(a, bins):
    """Edges of so many bins from the smallest to the largest entry, whatever these are."""
    if isinstance(bins, str):
        known("histogram", a, "say how many bins there are")
    low, high = np.min(a), np.max(a)
    alike = np.equal(low, high)
    half = np.asarray(0.5, a.dtype if a.dtype.kind == "f" else np.float64)
    return np.linspace(np.where(alike, low - half, low), np.where(alike, high + half, high), int(bins) + 1)


def _refuse_unordered(edges) -> None:
    if edges.ndim != 1 or np.any(edges[1:] < edges[:-1]):
        raise DomainError("histogram: the edges of bins must be one axis of increasing numbers.")


OVERLOADS: dict[Any, Any] = {
    np.var: var, np.std: std, np.average: average, np.cov: cov, np.corrcoef: corrcoef, np.quantile: quantile,
    np.percentile: percentile, np.median: median, np.bincount: bincount, np.histogram: histogram,
    np.histogram_bin_edges: histogram_bin_edges,
}  # fmt: skip
