"""Running sums, products and extremes along an axis.

Their derivatives are running sums too, or linear recurrences ``y[k] = b[k] + a[k] * y[k-1]``. The recurrence is a
primitive, and the derivative of a recurrence is a recurrence that runs the other way; so derivatives of every order
take linear time, and nothing is divided: a zero among the factors of ``cumprod`` is exact.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from ..errors import AxisError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from .axes import on, one
from .matrices import operand, tensor
from .reductions import refuse, zero_wins

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "nancumprod", "nancumsum"]


def at_axis(ndim: int, axis: int, index, others: Any = slice(None)) -> tuple[Any, ...]:
    """Tuple with ``index`` for one axis and ``others`` for the rest."""
    return (*(others,) * axis, index, *(others,) * (ndim - axis - 1))


def moved(x, axis: int, by: int, filler: float):
    """``x`` moved by one place along ``axis``: ``result[k] = x[k - by]``, and ``filler`` where that is outside."""
    if not x.shape[axis]:
        return x
    edge = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), filler, x.dtype)
    if by > 0:
        return np.concatenate((edge, x[at_axis(x.ndim, axis, slice(None, -1))]), axis=axis)
    return np.concatenate((x[at_axis(x.ndim, axis, slice(1, None))], edge), axis=axis)


BLOCK = 32
SMALL, LARGE = 1e-100, 1e100  # quotients of such numbers are neither too large nor too small

# -- linear recurrence -------------------------------------------------------------------------------------------------


def _recurrence(a, b, *, axis: int, reverse: bool):
    order = slice(None, None, -1 if reverse else 1)
    a = np.moveaxis(a, axis, 0)[order]
    b = np.moveaxis(b, axis, 0)[order]
    y = np.empty(b.shape, np.result_type(a, b))
    if not y.size:
        return np.moveaxis(y, 0, axis)
    if b.size < 32 * len(b):  # few rows: on Python's numbers, 0.1 us per entry; else 3 us per step and 1 ns per entry
        a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        found = _recurrence_in_blocks(a, b) if len(b) >= 8 * BLOCK and y.dtype.char in "fdFD" else None
        rows = y.reshape(len(b), -1)
        rows[...] = _recurrence_of_rows(a, b) if found is None else found
    else:
        finite = bool(np.isfinite(a).all() and np.isfinite(b).all())
        y[:1] = b[:1]
        for k in range(1, len(b)):
            product = a[k] * y[k - 1]
            if not finite:
                product = np.where(np.equal(y[k - 1], 0) | np.equal(a[k], 0), 0, product)  # zero wins over infinity
            np.add(b[k], product, out=y[k, ...])
    return np.moveaxis(y[order], 0, axis)


def _recurrence_of_rows(a, b):
    pairs = zip(a.T.tolist(), b.T.tolist(), strict=True)
    return np.array([_recurrence_of_numbers(*row) for row in pairs]).T


def _recurrence_in_blocks(a, b):
    """The recurrence of columns in whole arrays: 10 ns per entry. None where a product in between is out of range.

    In a block that starts with y = 0 it is ``y[k] = p[k] * sum(b[j] / p[j] for j <= k)``, where p is the running
    product of a. The blocks' last entries are a recurrence again, of which each block's start is an entry.
    """
    steps, width = b.shape
    count = -(-steps // BLOCK)
    dtype = np.result_type(a, b, np.float64)
    own, other = np.ones((count * BLOCK, width), dtype), np.zeros((count * BLOCK, width), dtype)
    own[1:steps], other[:steps] = a[1:], b  # the first entry of a has nothing to multiply
    own, other = own.reshape(count, BLOCK, width), other.reshape(count, BLOCK, width)
    with np.errstate(all="ignore"):
        p = np.multiply.accumulate(own, axis=1)
        sizes, terms = np.abs(p), np.abs(other)
        if not (sizes.min() > SMALL and sizes.max() < LARGE and terms.max() < LARGE):
            return None
        if ((terms < SMALL) & (terms > 0)).any():
            return None
        y = np.add.accumulate(other / p, axis=1)
        y *= p
        ends = _recurrence_of_rows(p[:, -1], y[:, -1])
        p[1:] *= ends[:-1, None]
        y[1:] += p[1:]
    y = y.reshape(count * BLOCK, width)[:steps]
    return y if np.isfinite(y).all() else None


def _recurrence_of_numbers(a: list, b: list) -> list:
    pairs = zip(a[1:], b[1:], strict=True)
    return list(accumulate(pairs, lambda y, pair: pair[1] + pair[0] * y if y and pair[0] else pair[1], initial=b[0]))


def _transposed(a, ct, axis: int, reverse: bool):
    """Cotangent of ``b``: the recurrence that runs the other way."""
    return on(LINEAR_RECURRENCE, moved(a, axis, 1 if reverse else -1, 0), ct, axis=axis, reverse=not reverse)


def _before(ans, axis: int, reverse: bool):
    """``y[k-1]``, the entry that each factor multiplies."""
    return moved(ans, axis, -1 if reverse else 1, 0)


def _sample_recurrence(draw):
    shape = draw.shape(min_dims=1)
    params = {"axis": draw.axis(len(shape)) % len(shape), "reverse": draw.boolean()}
    return (draw.array(shape), draw.array(shape)), params


LINEAR_RECURRENCE = Primitive(
    "linear_recurrence", _recurrence, sample=_sample_recurrence,
    doc="y[k] = b[k] + a[k] * y[k-1] along an axis (y[k+1] if reverse), where y before the first entry is 0.",
    vjps=(lambda ct, ans, a, b, *, axis, reverse:
              _transposed(a, ct, axis, reverse) * _before(ans, axis, reverse),
          lambda ct, ans, a, b, *, axis, reverse: _transposed(a, ct, axis, reverse)),
    jvps=(lambda t, ans, a, b, *, axis, reverse:
              on(LINEAR_RECURRENCE, a, t * _before(ans, axis, reverse), axis=axis, reverse=reverse),
          lambda t, ans, a, b, *, axis, reverse: on(LINEAR_RECURRENCE, a, t, axis=axis, reverse=reverse)),
)  # fmt: skip

# -- running sum and product -------------------------------------------------------------------------------------------


def _sample_scan(draw):
    shape = draw.shape(min_dims=1)
    x = np.copysign(draw.array(shape, 0.3, 2.0), draw.array(shape))
    return (x,), {"axis": draw.axis(x.ndim) % x.ndim}


CUMSUM = Primitive(
    "cumsum", lambda x, *, axis, dtype=None: np.add.accumulate(x, axis=axis, dtype=dtype), keeps=False, jvps=LINEAR,
    sample=_sample_scan, doc="Running sum along an axis.",
    vjps=(lambda ct, ans, x, *, axis, dtype=None: np.flip(np.cumsum(np.flip(ct, axis), axis=axis), axis),),
)  # fmt: skip
CUMPROD = Primitive(
    "cumprod", lambda x, *, axis, dtype=None: np.multiply.accumulate(x, axis=axis, dtype=dtype),
    sample=_sample_scan, doc="Running product along an axis; exact derivatives at zeros.",
    vjps=(lambda ct, ans, x, *, axis, dtype=None:
          zero_wins(_transposed(x, ct, axis, reverse=False), moved(ans, axis, 1, 1)),),
    jvps=(lambda t, ans, x, *, axis, dtype=None:
          on(LINEAR_RECURRENCE, x, zero_wins(t, moved(ans, axis, 1, 1)), axis=axis, reverse=False),),
)  # fmt: skip

# -- running extremes --------------------------------------------------------------------------------------------------


def _runs(ans, x, axis: int):
    """Where an entry is the extreme so far, where the extreme is that of the place before, and how many share it."""
    number = np.ones((), x.dtype)
    before = moved(ans, axis, 1, 0)
    wins = (np.equal(x, ans) | np.not_equal(x, x)) * number
    same = (np.equal(ans, before) | (np.not_equal(ans, ans) & np.not_equal(before, before))) * number
    return wins, same, on(LINEAR_RECURRENCE, same, wins, axis=axis, reverse=False)


def _pulled_extreme(ct, ans, x, *, axis: int):
    wins, same, count = _runs(ans, x, axis)
    return zero_wins(wins, _transposed(same, ct / count, axis, reverse=False))


def _pushed_extreme(t, ans, x, *, axis: int):
    wins, same, count = _runs(ans, x, axis)
    return on(LINEAR_RECURRENCE, same, zero_wins(wins, t), axis=axis, reverse=False) / count


def _running_extreme(ufunc) -> Primitive:
    return Primitive(
        f"{ufunc.__name__}.accumulate", lambda x, *, axis: ufunc.accumulate(x, axis=axis),
        vjps=(_pulled_extreme,), jvps=(_pushed_extreme,), doc=f"Running {ufunc.__name__} along an axis.",
        sample=lambda draw: (lambda x: ((x,), {"axis": draw.axis(x.ndim) % x.ndim}))(draw.spread(draw.shape(1))),
        kink="ties share evenly: 1/k each for k equal entries so far",
    )  # fmt: skip


RUNNING_MAX, RUNNING_MIN = _running_extreme(np.maximum), _running_extreme(np.minimum)

ROWS = (LINEAR_RECURRENCE, CUMSUM, CUMPROD, RUNNING_MAX, RUNNING_MIN)

# -- public functions --------------------------------------------------------------------------------------------------


def scan(name: str, row: Primitive, a, axis, dtype=None, out=None):
    """Apply a scan: along the flattened array if ``axis`` is None."""
    refuse(name, out=out)
    a = operand(a)
    if axis is None or (not a.ndim and axis in (0, -1)):
        a, axis = np.reshape(tensor(a), (-1,)), 0
    params = {"axis": one(name, axis, a.ndim)}
    if dtype is not None:
        params["dtype"] = np.dtype(dtype)
    return apply(row, (a,), params)


def cumsum(a, axis=None, dtype=None, out=None):
    """Running sum along an axis, as ``numpy.cumsum``; of all entries in order if no axis is given."""
    return scan("cumsum", CUMSUM, a, axis, dtype, out)


def cumprod(a, axis=None, dtype=None, out=None):
    """Running product along an axis, as ``numpy.cumprod``; of all entries in order if no axis is given.

    Nothing is divided in its derivative: it is exact where entries are 0, and takes linear time.
    """
    return scan("cumprod", CUMPROD, a, axis, dtype, out)


def _cumulative(name: str, row: Primitive, start: int, x, axis, dtype, out, include_initial: bool):
    x = operand(x)
    if axis is None and x.ndim != 1:
        raise AxisError(f"{name}: the array has {x.ndim} axes; say which one with axis=.")
    result = scan(name, row, x, 0 if axis is None else axis, dtype, out)
    if not include_initial:
        return result
    axis = one(name, 0 if axis is None else axis, x.ndim)
    first = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), start, result.dtype)
    return np.concatenate((first, result), axis=axis)


def cumulative_sum(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """Running sum along an axis, as ``numpy.cumulative_sum``; with the 0 it starts from if ``include_initial``."""
    return _cumulative("cumulative_sum", CUMSUM, 0, x, axis, dtype, out, include_initial)


def cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """Running product along an axis, as ``numpy.cumulative_prod``; with the 1 it starts from if ``include_initial``."""
    return _cumulative("cumulative_prod", CUMPROD, 1, x, axis, dtype, out, include_initial)


def without_nan(a, filler: float):
    """``a`` with ``filler`` in place of NaN; such an entry gets a gradient of 0."""
    a = tensor(a)
    return np.where(np.isnan(a), np.asarray(filler, a.dtype), a) if a.dtype.kind in "fc" else a


def nancumsum(a, axis=None, dtype=None, out=None):
    """Running sum that counts NaN as 0, as ``numpy.nancumsum``."""
    return cumsum(without_nan(a, 0), axis, dtype, out)


def nancumprod(a, axis=None, dtype=None, out=None):
    """Running product that counts NaN as 1, as ``numpy.nancumprod``."""
    return cumprod(without_nan(a, 1), axis, dtype, out)


def _along_first(name: str, row: Primitive):
    """A scan as the method ``accumulate`` of its ufunc."""

    def accumulated(array, axis=0, dtype=None, out=None):
        if dtype is not None and row in (RUNNING_MAX, RUNNING_MIN):
            refuse(name, dtype=dtype)
        array = operand(array)
        if not array.ndim:
            raise ShapeError(f"{name}: a 0-d array has nothing to run along.")
        return scan(name, row, array, axis, dtype, out)

    return accumulated


OVERLOADS: dict[Any, Any] = {
    np.cumsum: cumsum, np.cumprod: cumprod, np.nancumsum: nancumsum, np.nancumprod: nancumprod,
    (np.add, "accumulate"): _along_first("add.accumulate", CUMSUM),
    (np.multiply, "accumulate"): _along_first("multiply.accumulate", CUMPROD),
    (np.maximum, "accumulate"): _along_first("maximum.accumulate", RUNNING_MAX),
    (np.minimum, "accumulate"): _along_first("minimum.accumulate", RUNNING_MIN),
}  # fmt: skip
if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    OVERLOADS |= {np.cumulative_sum: cumulative_sum, np.cumulative_prod: cumulative_prod}
