"""Norms of vectors and matrices, and the condition number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AxisError, DomainError, ShapeError
from ..primitive import Primitive, apply
from .decompositions import svdvals
from .matrices import conjugate, matrices, operand, squares, tensor

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]

Axes = tuple[int, ...]


# -- the p-norm --------------------------------------------------------------------------------------------------------


def _vector_norm(x, *, ord: float, axis: Axes, keepdims: bool):
    if ord == 2 and len(axis) == x.ndim and not keepdims:
        return np.linalg.norm(x)
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


def _kept(reduced, x, axis: Axes, keepdims: bool):
    """``reduced`` with the axes that were summed over, of length 1."""
    if keepdims:
        return reduced
    return np.reshape(reduced, tuple(1 if at in axis else side for at, side in enumerate(x.shape)))


def _slope(ans, x, ord: float, axis: Axes, keepdims: bool):
    """Derivative of the norm in each entry: ``x |x|^(p-2) / norm^(p-1)``; 0 at entries of 0."""
    size = _kept(ans, x, axis, keepdims)
    flat = np.equal(size, 0)
    if ord == 2:
        return conjugate(x) / np.where(flat, np.full((), np.inf, size.dtype), size)  # 0 at every order, not x / 1
    size = np.where(flat, 1, size)
    if ord > 0 and ord % 2 == 0 and x.dtype.kind != "c":  # a polynomial: smooth at entries of 0 too
        return np.power(x / size, int(ord) - 1)
    zero = np.equal(x, 0) | flat
    modulus = np.abs(np.where(zero, 1, x))  # modulus / size, not the powers of each: they could overflow
    return np.where(zero, 0, conjugate(x) / modulus * np.power(modulus / size, ord - 1))


def _sample_norm(draw):
    x = draw.array(draw.shape(min_side=1), 0.2, 2.0)
    x = np.where(draw.array(x.shape) < draw.choice((2, 0, -2)), x, -x)
    axis = draw.axes(x.ndim)
    axis = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis).astype(int).tolist())
    ord = draw.choice((2, 2, 3, 1.5, 4, -1, 0.5))
    return (x,), {"ord": ord, "axis": axis, "keepdims": draw.boolean()}


VECTOR_NORM = Primitive(
    "vector_norm", _vector_norm, sample=_sample_norm, doc="(sum |x|**p) ** (1 / p), over some axes.",
    vjps=(lambda ct, ans, x, *, ord, axis, keepdims:
          _kept(ct, x, axis, keepdims) * _slope(ans, x, ord, axis, keepdims),),
    jvps=(lambda t, ans, x, *, ord, axis, keepdims:
          np.sum(np.real(t * _slope(ans, x, ord, axis, keepdims)), axis=axis, keepdims=keepdims),),
    kink="0 where the norm is 0, and at entries of 0",
)  # fmt: skip


# -- public functions --------------------------------------------------------------------------------------------------


def _axes(name: str, axis, ndim: int) -> Axes:
    """``axis`` as a tuple of different non-negative numbers; all axes for None."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    for one in axes:
        if isinstance(one, bool) or not isinstance(one, (int, np.integer)) or not -ndim <= one < ndim:
            raise AxisError(f"{name}: axis {axis!r} does not fit an array of {ndim} axes.")
    axes = tuple(int(one) % ndim for one in axes)
    if len(set(axes)) != len(axes):
        raise AxisError(f"{name}: axis {axis!r} names an axis twice.")
    return axes


def _norm_over(x, ord, axes: Axes, keepdims: bool):
    """Norm of the vectors of all entries in ``axes``."""
    if ord in (np.inf, -np.inf, 0, 1):
        x = tensor(x)
        if ord == 0:  # how many entries are not 0
            dtype = np.empty(0, x.dtype).real.dtype if x.dtype.kind in "fc" else np.float64
            return np.sum(np.not_equal(x, 0), axis=axes, keepdims=keepdims, dtype=dtype)
        reduce: Any = {np.inf: np.max, -np.inf: np.min, 1: np.sum}[ord]
        return reduce(np.abs(x), axis=axes, keepdims=keepdims)
    return apply(VECTOR_NORM, (x,), {"ord": ord, "axis": axes, "keepdims": keepdims})


def vector_norm(x, /, *, axis=None, keepdims: bool = False, ord=2):
    """Norm of vectors of any number of axes, as ``numpy.linalg.vector_norm``.

    The derivative is 0 at the zero vector; ``ord=inf`` shares evenly among the entries of largest modulus.
    """
    x = operand(x)
    return _norm_over(x, _number("vector_norm", ord), _axes("vector_norm", axis, x.ndim), keepdims)


def _number(name: str, ord):
    if isinstance(ord, (str, bytes)) or ord is None or np.ndim(ord):
        raise DomainError(f"{name}: ord must be a number for vectors; got {ord!r}.")
    return ord


def matrix_norm(x, /, *, keepdims: bool = False, ord="fro"):
    """Norm of the matrices in the last two axes, as ``numpy.linalg.matrix_norm``."""
    x = matrices("matrix_norm", x)
    return _matrix_norm("matrix_norm", x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def _matrix_norm(name: str, x, ord, axes: Axes, keepdims: bool):
    row, column = axes
    if ord is None or ord in ("fro", "f"):
        return _norm_over(x, 2, axes, keepdims)
    if ord in (1, -1, np.inf, -np.inf):  # the largest or smallest sum along columns or rows
        x = tensor(x)
        summed = row if ord in (1, -1) else column
        reduce = np.max if ord > 0 else np.min
        return reduce(np.sum(np.abs(x), axis=summed, keepdims=True), axis=axes, keepdims=keepdims)
    if ord not in (2, -2, "nuc"):
        raise DomainError(
            f"{name}: for matrices ord must be 'fro', 'nuc', 1, -1, 2, -2, inf, -inf or None; got {ord!r}."
        )
    s = svdvals(np.moveaxis(tensor(x), axes, (-2, -1)))
    result = np.sum(s, axis=-1) if ord == "nuc" else (np.max if ord == 2 else np.min)(s, axis=-1)
    return np.expand_dims(result, tuple(sorted(axes))) if keepdims else result


def norm(x, ord=None, axis=None, keepdims: bool = False):
    """Norm of vectors or matrices, as ``numpy.linalg.norm``.

    Parameters
    ----------
    x : array_like, Tensor or Variable
    ord : number, {"fro", "nuc"} or None
        None: the root of the sum of squares, of all entries if ``axis`` is None too. Of vectors: any number, inf or
        -inf. Of matrices: "fro", "nuc", 1, -1, 2, -2, inf or -inf.
    axis : int, pair of int or None
        One axis for vectors, two for matrices. None: ``x`` is one vector or one matrix.
    keepdims : bool

    Notes
    -----
    Where a norm has a kink the subgradient of least norm is taken: 0 at the zero vector and for entries of 0; shared
    evenly among the largest entries, sums or singular values; 0 for singular values of 0.
    """
    x = operand(x)
    if axis is None:
        if ord is None:
            return _norm_over(x, 2, tuple(range(x.ndim)), keepdims)
        if x.ndim not in (1, 2):
            raise ShapeError(f"norm: ord={ord!r} without axis is for 1 or 2 axes; got shape {x.shape}. Say which axes.")
    axes = _axes("norm", axis, x.ndim)
    if len(axes) == 1:
        return _norm_over(x, 2 if ord is None else _number("norm", ord), axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm("norm", x, ord, (axes[0], axes[1]), keepdims)
    raise AxisError(f"norm: axis must be one axis (vectors) or two (matrices); got {axis!r}. See vector_norm for more.")


def cond(x, p=None):
    """Condition number, as ``numpy.linalg.cond``: ``norm(x, p) * norm(inv(x), p)``; p None means 2.

    With p 2 or -2 it is a ratio of singular values, and ``x`` need not be square.
    """
    if p is None or p in (2, -2):
        s = svdvals(matrices("cond", x))
        largest, smallest = s[..., 0], s[..., -1]
        with np.errstate(all="ignore"):  # a singular matrix has condition inf
            return smallest / largest if p == -2 else largest / smallest
    x = tensor(squares("cond", x))
    return matrix_norm(x, ord=p) * matrix_norm(np.linalg.inv(x), ord=p)


ROWS = (VECTOR_NORM,)

OVERLOADS: dict[Any, Any] = {
    np.linalg.norm: norm, np.linalg.vector_norm: vector_norm, np.linalg.matrix_norm: matrix_norm, np.linalg.cond: cond,
}  # fmt: skip
