"""Positions, grids, windows and polynomials: tril_indices, unravel_index, mgrid, hanning, polyval, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import Primitive
from ..symbol import Value
from ..tensor import Overloaded, Tensor, as_value
from .matrices import operand, tensor
from .special import i0

__all__ = [
    "bartlett", "blackman", "diag_indices", "diag_indices_from", "hamming", "hanning", "kaiser", "mgrid", "ogrid",
    "polyval", "tril_indices", "tril_indices_from", "triu_indices", "triu_indices_from", "unravel_index",
]  # fmt: skip

ROWS: tuple[Primitive, ...] = ()  # made of other operations

# -- positions: arrays of integers, as NumPy has them, to index with ---------------------------------------------------


def tril_indices(n: int, k: int = 0, m: int | None = None):
    """Positions of the lower triangle of an n by m matrix, to index with: NumPy's arrays of integers."""
    return np.tril_indices(n, k, m)


def triu_indices(n: int, k: int = 0, m: int | None = None):
    """Positions of the upper triangle of an n by m matrix, to index with: NumPy's arrays of integers."""
    return np.triu_indices(n, k, m)


def diag_indices(n: int, ndim: int = 2):
    """Positions of the diagonal of an array of ``ndim`` axes of length n: NumPy's arrays of integers."""
    return np.diag_indices(n, ndim)


def _matrix(name: str, x) -> tuple[int, ...]:
    shape = operand(x).shape
    if len(shape) != 2:
        raise ShapeError(f"{name}: got shape {shape}; expected a matrix.")
    return shape


def tril_indices_from(arr, k: int = 0):
    """Positions of the lower triangle of a matrix of the shape of ``arr``."""
    n, m = _matrix("tril_indices_from", arr)
    return np.tril_indices(n, k, m)


def triu_indices_from(arr, k: int = 0):
    """Positions of the upper triangle of a matrix of the shape of ``arr``."""
    n, m = _matrix("triu_indices_from", arr)
    return np.triu_indices(n, k, m)


def diag_indices_from(arr):
    """Positions of the diagonal of an array of the shape of ``arr``, whose axes are of equal length."""
    shape = operand(arr).shape
    if len(shape) < 2 or len(set(shape)) > 1:
        raise ShapeError(f"diag_indices_from: got shape {shape}; expected two axes or more, of equal length.")
    return np.diag_indices(shape[0], len(shape))


def unravel_index(indices, shape, order: str = "C"):
    """Positions in an array of ``shape`` of entries counted along all of it, as ``numpy.unravel_index``."""
    array = as_value(indices)
    if array.__class__ is not Value:
        return tuple(Tensor(np.asarray(part), None) for part in np.unravel_index(array, shape, order))
    if order not in ("C", "F"):
        raise DomainError(f'unravel_index: order must be "C" or "F"; got {order!r}.')
    sides = (shape,) if isinstance(shape, int) else tuple(shape)
    rest, parts = tensor(indices), []
    for side in sides if order == "F" else sides[::-1]:  # in a trace the numbers are not known, and not checked
        parts.append(np.astype(np.remainder(rest, side), np.intp))
        rest = np.floor_divide(rest, side)
    return tuple(parts if order == "F" else parts[::-1])


# -- grids -------------------------------------------------------------------------------------------------------------


class _Grid:
    """``mgrid`` or ``ogrid``: NumPy's, with Tensors for its arrays."""

    def __init__(self, made: Any, what: str):
        self._made = made
        self.__doc__ = f"{what}, as ``numpy.{made.__class__.__name__.removesuffix('Class').lower()}``."

    def __getitem__(self, key):
        grid = self._made[key]
        return tuple(map(Tensor, grid)) if isinstance(grid, (tuple, list)) else Tensor(grid)


mgrid = _Grid(np.mgrid, "Full grids of coordinates from slices, ``mgrid[0:1:5j, 0:3]``")
ogrid = _Grid(np.ogrid, "Open grids of coordinates from slices, ``ogrid[0:1:5j, 0:3]``")

# -- windows -----------------------------------------------------------------------------------------------------------


def hanning(M: int):
    """Window of M entries, raised cosine, as ``numpy.hanning``."""
    return Tensor(np.hanning(M))


def hamming(M: int):
    """Window of M entries, raised cosine on a pedestal, as ``numpy.hamming``."""
    return Tensor(np.hamming(M))


def blackman(M: int):
    """Window of M entries, three terms of cosines, as ``numpy.blackman``."""
    return Tensor(np.blackman(M))


def bartlett(M: int):
    """Window of M entries, a triangle, as ``numpy.bartlett``."""
    return Tensor(np.bartlett(M))


def kaiser(M: int, beta):
    """Kaiser's window of M entries, as ``numpy.kaiser``; differentiable in its shape ``beta``."""
    if not isinstance(beta, Overloaded):
        return Tensor(np.kaiser(M, beta))
    middle = (M - 1) / 2
    heights = np.sqrt(1 - ((np.arange(M) - middle) / middle) ** 2) if M > 1 else np.ones(max(M, 0))
    return i0(tensor(beta) * heights) / i0(beta)


# -- polynomials -------------------------------------------------------------------------------------------------------


def polyval(p, x):
    """Polynomial with coefficients ``p``, the highest power first, at ``x``, as ``numpy.polyval``: by Horner's rule.

    Examples
    --------
    >>> import autograd_core as ag
    >>> import autograd_core.numpy as anp
    >>> float(ag.grad(lambda x: anp.polyval([1.0, 0.0, 2.0], x))(3.0))  # of x**2 + 2
    6.0
    """
    p = operand(p)
    if not p.ndim:
        raise ShapeError("polyval: the coefficients are one number; expected a list of them, the highest power first.")
    x = tensor(x)
    y = tensor(np.zeros(x.shape, x.dtype))
    for coefficient in np.unstack(p) if isinstance(p, Overloaded) else p:
        y = y * x + coefficient
    return y


# -- tables ------------------------------------------------------------------------------------------------------------

OVERLOADS: dict[Any, Any] = {
    np.polyval: polyval, np.unravel_index: unravel_index, np.tril_indices_from: tril_indices_from,
    np.triu_indices_from: triu_indices_from, np.diag_indices_from: diag_indices_from,
}  # fmt: skip
