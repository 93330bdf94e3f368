"""Differences of neighbours, and what is built on them: numerical derivatives and integrals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from ..tensor import Overloaded
from .axes import one, several
from .matrices import operand, tensor
from .scans import at_axis

__all__ = ["diff", "ediff1d", "gradient", "trapezoid"]


def _diff(x, *, axis: int):
    later, earlier = x[at_axis(x.ndim, axis, slice(1, None))], x[at_axis(x.ndim, axis, slice(None, -1))]
    return np.not_equal(later, earlier) if x.dtype.kind == "b" else later - earlier


def _undiff(ct, ans, x, *, axis: int):
    """Each entry is the end of one difference and the start of the next."""
    if not x.shape[axis]:
        return ct
    edge = np.zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]), ct.dtype)
    return np.negative(np.diff(np.concatenate((edge, ct, edge), axis=axis), axis=axis))


DIFF = Primitive(
    "diff", _diff, vjps=(_undiff,), jvps=LINEAR, keeps=False, doc="Differences of neighbours along an axis.",
    sample=lambda draw: (lambda x: ((x,), {"axis": draw.axis(x.ndim) % x.ndim}))(draw.array(draw.shape(1))),
)  # fmt: skip

ROWS = (DIFF,)


def diff(a, n: int = 1, axis: int = -1, prepend=np._NoValue, append=np._NoValue):
    """Differences of neighbours along an axis, ``n`` times over, as ``numpy.diff``.

    ``prepend`` and ``append`` are put before and after ``a`` first; the gradient reaches them too.
    """
    a = operand(a)
    if n < 0:
        raise DomainError(f"diff: n says how often to take differences; expected 0 or more, got {n}.")
    if not a.ndim:
        raise ShapeError("diff: a 0-d array has no neighbours; expected at least one axis.")
    if n == 0:
        return tensor(a)
    axis = one("diff", axis, a.ndim)
    ends = [x for x in (prepend, append) if x is not np._NoValue and x is not None]
    if ends:
        edge = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
        before, after = ([] if x is np._NoValue or x is None else [_end(x, edge)] for x in (prepend, append))
        a = np.concatenate((*before, tensor(a), *after), axis=axis)
    for _ in range(n):
        a = apply(DIFF, (a,), {"axis": axis})
    return a


def _end(x, shape):
    x = operand(x)
    return np.broadcast_to(x, shape) if not x.ndim else x


def ediff1d(ary, to_end=None, to_begin=None):
    """Differences of neighbours in the flattened array, as ``numpy.ediff1d``, between ``to_begin`` and ``to_end``."""
    result = diff(np.reshape(tensor(ary), (-1,)))
    ends = [None if x is None else np.reshape(tensor(x), (-1,)) for x in (to_begin, to_end)]
    parts = [x for x in (ends[0], result, ends[1]) if x is not None]
    return np.concatenate(parts) if len(parts) > 1 else result


# -- numerical derivative ----------------------------------------------------------------------------------------------


def gradient(f, *varargs, axis=None, edge_order: int = 1):
    """Numerical derivative along axes by second-order differences, as ``numpy.gradient``.

    Parameters
    ----------
    f : array_like, Tensor or Variable
    *varargs : number or 1-d array
        Spacing: none (1 everywhere), one number for all axes, or for each axis a number or the places of its entries.
    axis : int, tuple of int or None
        None: all axes.
    edge_order : int
        1 or 2: the order of the differences at the two ends.

    Returns
    -------
    Tensor, or a tuple of them for several axes
    """
    f = tensor(f)
    if f.dtype.kind in "iub":
        f = f.astype(np.float64)
    axes = several("gradient", axis, f.ndim)
    if edge_order not in (1, 2):
        raise DomainError(f"gradient: edge_order must be 1 or 2; got {edge_order!r}.")
    if len(varargs) == 1 and not _ndim(varargs[0]):
        varargs *= len(axes)
    spacings = varargs or (1.0,) * len(axes)
    if len(spacings) != len(axes):
        raise ShapeError(
            f"gradient: got {len(varargs)} spacings for {len(axes)} axes; expected none, one number, or one per axis."
        )
    results = tuple(_slope(f, spacing, at, edge_order) for spacing, at in zip(spacings, axes, strict=True))
    return results[0] if len(axes) == 1 else results


def _ndim(x) -> int:
    return x.ndim if isinstance(x, Overloaded) else np.ndim(x)


def _slope(f, spacing, axis: int, edge_order: int):
    """Slopes along one axis: a parabola through each entry and its neighbours."""
    count = f.shape[axis]
    if count < edge_order + 1:
        raise ShapeError(
            f"gradient: axis {axis} of shape {f.shape} is too short; edge_order={edge_order} needs {edge_order + 1}."
        )

    def part(x, start, stop):
        return x[at_axis(f.ndim, axis, slice(start, stop))]

    if _ndim(spacing):
        if _ndim(spacing) != 1 or spacing.shape[0] != count:
            raise ShapeError(f"gradient: the places along axis {axis} must be one per entry, {count}.")
        steps = np.reshape(diff(spacing), at_axis(f.ndim, axis, -1, 1))
    else:
        steps = np.reshape(tensor(spacing), (1,) * f.ndim)
    slopes = diff(f, axis=axis) / steps
    if count == 2:
        return np.concatenate((slopes, slopes), axis=axis)
    left, right = part(slopes, None, -1), part(slopes, 1, None)
    if _ndim(spacing):
        before, after = part(steps, None, -1), part(steps, 1, None)
        inner = (left * after + right * before) / (before + after)
    else:
        inner = 0.5 * (left + right)
    first, last = part(slopes, None, 1), part(slopes, -1, None)
    if edge_order == 2:  # the parabola of the neighbour, continued to the end
        first, last = 2.0 * first - part(inner, None, 1), 2.0 * last - part(inner, -1, None)
    return np.concatenate((first, inner, last), axis=axis)


def trapezoid(y, x=None, dx=1.0, axis: int = -1):
    """Integral along an axis by the trapezoidal rule, as ``numpy.trapezoid``; the gradient reaches ``x`` too."""
    y = tensor(y)
    axis = one("trapezoid", axis, y.ndim)
    if x is not None:
        x = tensor(x)
        dx = diff(x, axis=axis if x.ndim == y.ndim else -1)
        if x.ndim == 1 and y.ndim > 1:
            dx = np.reshape(dx, at_axis(y.ndim, axis, -1, 1))
    heights = y[at_axis(y.ndim, axis, slice(1, None))] + y[at_axis(y.ndim, axis, slice(None, -1))]
    return np.sum(dx * heights, axis=axis) / 2.0


OVERLOADS: dict[Any, Any] = {
    np.diff: diff, np.ediff1d: ediff1d, np.gradient: gradient, np.trapezoid: trapezoid,
}  # fmt: skip
