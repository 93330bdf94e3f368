"""Python's operators and NumPy's methods, for anything that has an ``array``.

All of them do one thing: look the NumPy function up in the table ``OVERLOADS`` (NumPy function -> ours) and call ours.
The table is filled once, by ``dispatch.install``, because what it points to is built on top of this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

OVERLOADS: dict[Any, Callable[..., Any]] = {}
"""NumPy function, or (ufunc, method name), -> the function of ours that answers it."""


class Methods:
    """Operators, indexing and NumPy's methods."""

    __slots__ = ()

    array: Any  # the raw value; read it, never write to it

    # -- operators -----------------------------------------------------------------------------------------------

    def __add__(self, other):
        return OVERLOADS[np.add](self, other)

    def __radd__(self, other):
        return OVERLOADS[np.add](other, self)

    def __sub__(self, other):
        return OVERLOADS[np.subtract](self, other)

    def __rsub__(self, other):
        return OVERLOADS[np.subtract](other, self)

    def __mul__(self, other):
        return OVERLOADS[np.multiply](self, other)

    def __rmul__(self, other):
        return OVERLOADS[np.multiply](other, self)

    def __truediv__(self, other):
        return OVERLOADS[np.divide](self, other)

    def __rtruediv__(self, other):
        return OVERLOADS[np.divide](other, self)

    def __floordiv__(self, other):
        return OVERLOADS[np.floor_divide](self, other)

    def __rfloordiv__(self, other):
        return OVERLOADS[np.floor_divide](other, self)

    def __mod__(self, other):
        return OVERLOADS[np.remainder](self, other)

    def __rmod__(self, other):
        return OVERLOADS[np.remainder](other, self)

    def __divmod__(self, other):
        return OVERLOADS[np.divmod](self, other)

    def __rdivmod__(self, other):
        return OVERLOADS[np.divmod](other, self)

    def __pow__(self, other):
        return OVERLOADS[np.power](self, other)

    def __rpow__(self, other):
        return OVERLOADS[np.power](other, self)

    def __matmul__(self, other):
        return OVERLOADS[np.matmul](self, other)

    def __rmatmul__(self, other):
        return OVERLOADS[np.matmul](other, self)

    def __neg__(self):
        return OVERLOADS[np.negative](self)

    def __pos__(self):
        return OVERLOADS[np.positive](self)

    def __abs__(self):
        return OVERLOADS[np.absolute](self)

    def __invert__(self):
        return OVERLOADS[np.invert](self)

    def __and__(self, other):
        return OVERLOADS[np.bitwise_and](self, other)

    def __rand__(self, other):
        return OVERLOADS[np.bitwise_and](other, self)

    def __or__(self, other):
        return OVERLOADS[np.bitwise_or](self, other)

    def __ror__(self, other):
        return OVERLOADS[np.bitwise_or](other, self)

    def __xor__(self, other):
        return OVERLOADS[np.bitwise_xor](self, other)

    def __rxor__(self, other):
        return OVERLOADS[np.bitwise_xor](other, self)

    def __lshift__(self, other):
        return OVERLOADS[np.left_shift](self, other)

    def __rlshift__(self, other):
        return OVERLOADS[np.left_shift](other, self)

    def __rshift__(self, other):
        return OVERLOADS[np.right_shift](self, other)

    def __rrshift__(self, other):
        return OVERLOADS[np.right_shift](other, self)

    def __lt__(self, other):
        return OVERLOADS[np.less](self, other)

    def __le__(self, other):
        return OVERLOADS[np.less_equal](self, other)

    def __gt__(self, other):
        return OVERLOADS[np.greater](self, other)

    def __ge__(self, other):
        return OVERLOADS[np.greater_equal](self, other)

    def __eq__(self, other):
        # Python's own answer (not equal) for what is no number, so that `x == None` and `None in [x]` work.
        return NotImplemented if other is None or isinstance(other, str) else OVERLOADS[np.equal](self, other)

    def __ne__(self, other):
        return NotImplemented if other is None or isinstance(other, str) else OVERLOADS[np.not_equal](self, other)

    __hash__ = object.__hash__  # by identity, so that Tensors can be keys although == compares entries

    def __round__(self, decimals=0):
        return OVERLOADS[np.round](self, decimals)

    # -- indexing ------------------------------------------------------------------------------------------------

    def __getitem__(self, index):
        return OVERLOADS["getitem"](self, index)

    def __iter__(self):
        if not self.array.ndim:
            raise TypeError("iteration over a 0-d Tensor; use .item() for its value.")
        return (self[i] for i in range(self.array.shape[0]))

    @property
    def at(self):
        """Functional updates. ``x.at[i].set(y)``, ``.add(y)``, ``.multiply(y)`` give a changed copy."""
        return OVERLOADS["at"](self)

    # -- NumPy's methods -----------------------------------------------------------------------------------------

    @property
    def T(self):
        """All axes reversed."""
        return OVERLOADS[np.transpose](self)

    @property
    def mT(self):
        """The last two axes exchanged."""
        return OVERLOADS[np.matrix_transpose](self)

    @property
    def real(self):
        """Real part."""
        return OVERLOADS[np.real](self)

    @property
    def imag(self):
        """Imaginary part."""
        return OVERLOADS[np.imag](self)

    @property
    def flat(self):
        """Entries one after another, as a 1-d value (not an iterator that writes)."""
        return OVERLOADS[np.ravel](self)

    def reshape(self, *shape, order="C"):
        """Same entries in another shape."""
        shape = shape[0] if len(shape) == 1 else shape
        return OVERLOADS[np.reshape](self, shape, order=order)

    def transpose(self, *axes):
        """Axes in another order; reversed if none is given."""
        axes = axes[0] if len(axes) == 1 else axes
        return OVERLOADS[np.transpose](self, axes or None)

    def ravel(self, order="C"):
        """All entries along one axis."""
        return OVERLOADS[np.ravel](self, order=order)

    flatten = ravel

    def astype(self, dtype, *, copy=True):
        """Entries converted to ``dtype``; the gradient is converted back."""
        return OVERLOADS[np.astype](self, dtype, copy=copy)

    def copy(self):
        """Same value; a Node of its own, so that updates of the copy leave the original alone."""
        return OVERLOADS[np.copy](self)

    def dot(self, other):
        """Dot product, as ``numpy.dot``."""
        return OVERLOADS[np.dot](self, other)

    def swapaxes(self, axis1, axis2):
        """Two axes exchanged."""
        return OVERLOADS[np.swapaxes](self, axis1, axis2)

    def squeeze(self, axis=None):
        """Axes of length 1 dropped."""
        return OVERLOADS[np.squeeze](self, axis)

    def repeat(self, repeats, axis=None):
        """Entries repeated."""
        return OVERLOADS[np.repeat](self, repeats, axis)

    def take(self, indices, axis=None, mode="raise"):
        """Entries at ``indices`` along an axis."""
        return OVERLOADS[np.take](self, indices, axis, mode=mode)

    def clip(self, min=None, max=None):
        """Entries limited to the interval from ``min`` to ``max``."""
        return OVERLOADS[np.clip](self, min, max)

    def round(self, decimals=0):
        """Entries rounded; the derivative is 0."""
        return OVERLOADS[np.round](self, decimals)

    def conj(self):
        """Complex conjugate."""
        return OVERLOADS[np.conjugate](self)

    conjugate = conj

    def trace(self, offset=0, axis1=0, axis2=1):
        """Sum along a diagonal."""
        return OVERLOADS[np.trace](self, offset, axis1, axis2)

    def diagonal(self, offset=0, axis1=0, axis2=1):
        """Entries on a diagonal."""
        return OVERLOADS[np.diagonal](self, offset, axis1, axis2)

    def cumsum(self, axis=None, dtype=None, out=None):
        """Running sum."""
        return OVERLOADS[np.cumsum](self, axis, dtype, out)

    def cumprod(self, axis=None, dtype=None, out=None):
        """Running product."""
        return OVERLOADS[np.cumprod](self, axis, dtype, out)

    def sum(self, axis=None, dtype=None, out=None, keepdims=False, **others):
        """Sum over axes."""
        return OVERLOADS[np.sum](self, axis, dtype, out, keepdims, **others)

    def prod(self, axis=None, dtype=None, out=None, keepdims=False, **others):
        """Product over axes."""
        return OVERLOADS[np.prod](self, axis, dtype, out, keepdims, **others)

    def mean(self, axis=None, dtype=None, out=None, keepdims=False, **others):
        """Arithmetic mean over axes."""
        return OVERLOADS[np.mean](self, axis, dtype, out, keepdims, **others)

    def var(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False, **others):
        """Variance over axes."""
        return OVERLOADS[np.var](self, axis, dtype, out, ddof, keepdims, **others)

    def std(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False, **others):
        """Standard deviation over axes."""
        return OVERLOADS[np.std](self, axis, dtype, out, ddof, keepdims, **others)

    def max(self, axis=None, out=None, keepdims=False, **others):
        """Largest entry over axes."""
        return OVERLOADS[np.max](self, axis, out, keepdims, **others)

    def min(self, axis=None, out=None, keepdims=False, **others):
        """Smallest entry over axes."""
        return OVERLOADS[np.min](self, axis, out, keepdims, **others)

    def any(self, axis=None, out=None, keepdims=False, **others):
        """Whether any entry is true."""
        return OVERLOADS[np.any](self, axis, out, keepdims, **others)

    def all(self, axis=None, out=None, keepdims=False, **others):
        """Whether all entries are true."""
        return OVERLOADS[np.all](self, axis, out, keepdims, **others)

    def argmax(self, axis=None, out=None, *, keepdims=False):
        """Position of the largest entry."""
        return OVERLOADS[np.argmax](self, axis, out, keepdims=keepdims)

    def argmin(self, axis=None, out=None, *, keepdims=False):
        """Position of the smallest entry."""
        return OVERLOADS[np.argmin](self, axis, out, keepdims=keepdims)

    def argsort(self, axis=-1, *, stable=True):
        """Positions that would sort the entries."""
        return OVERLOADS[np.argsort](self, axis=axis, stable=stable)

    def nonzero(self):
        """Positions of the entries that are not 0."""
        return OVERLOADS[np.nonzero](self)

    def argpartition(self, kth, axis=-1):
        """Positions of the entries, the ``kth`` smallest in its place."""
        return OVERLOADS[np.argpartition](self, kth, axis)

    def searchsorted(self, v, side="left", sorter=None):
        """Where ``v`` fits into these sorted entries."""
        return OVERLOADS[np.searchsorted](self, v, side, sorter)

    def compress(self, condition, axis=None):
        """Slices along an axis where ``condition`` holds."""
        return OVERLOADS[np.compress](condition, self, axis)

    def choose(self, choices, mode="raise"):
        """For each of these integers the entry of that choice."""
        return OVERLOADS[np.choose](self, choices, mode=mode)
