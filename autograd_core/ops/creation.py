"""Arrays from values and from shapes.

What NumPy makes of a shape becomes a Tensor without a Node. What is made of values that a tape tracks (``array`` of a
list of Tensors, ``full`` with a Tensor, ``linspace`` between two) keeps their gradients.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, UnsupportedError
from ..primitive import Primitive
from ..tensor import Overloaded, Tensor, as_value, converted
from ..variable import Variable
from .joining import stack
from .matrices import operand, tensor
from .reshaping import astype, broadcast_to, reshape
from .reshaping import copy as copied

__all__ = [
    "arange", "array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "empty", "empty_like", "eye",
    "fromfunction", "from_dlpack", "full", "full_like", "geomspace", "identity", "indices", "linspace", "logspace",
    "ndim", "ones", "ones_like", "shape", "size", "tri", "zeros", "zeros_like",
]  # fmt: skip

ROWS: tuple[Primitive, ...] = ()  # made of shapes, or of other operations

# -- from values -------------------------------------------------------------------------------------------------------


def _cpu(name: str, device) -> None:
    if device not in (None, "cpu"):
        raise UnsupportedError(f'{name}: device={device!r}; this engine has one device, "cpu".')


def _holds_tensors(values) -> bool:
    return any(
        isinstance(entry, Overloaded) or (isinstance(entry, (list, tuple)) and _holds_tensors(entry))
        for entry in values
    )


def _stacked(values):
    """Nested lists with Tensors in them as one Tensor."""
    parts = [_stacked(entry) if isinstance(entry, (list, tuple)) else operand(entry) for entry in values]
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise ShapeError(
            f"array: the entries of a list have shapes {', '.join(map(str, sorted(shapes)))}; they must be equal. Use "
            "concatenate for parts of different lengths."
        )
    return stack(parts)


def _weak_dtype(values):
    """Dtype of a nested list in which Python's numbers have no width of their own."""
    leaves: list[Any] = []

    def collect(entry):
        for inner in entry:
            if isinstance(inner, (list, tuple)):
                collect(inner)
            else:
                leaves.append(inner if inner.__class__ in (builtins.int, float, complex) else operand(inner).dtype)

    collect(values)
    return np.result_type(*leaves)


def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin: int = 0):
    """Tensor from a value, as ``numpy.array``: a copy. Lists may hold Tensors at any depth: they are stacked.

    Python's numbers in a list beside Tensors do not widen float32, as everywhere.

    Raises
    ------
    ShapeError
        If the entries of a list differ in shape.
    ConversionError
        For values that are no numbers.
    """
    if isinstance(object, Overloaded):
        result = copied(object) if copy else tensor(object)
    elif isinstance(object, (list, tuple)) and _holds_tensors(object):
        result = astype(_stacked(object), _weak_dtype(object), copy=False)
    else:
        result = Tensor(converted(as_value(object), dtype), None)
    if dtype is not None:
        result = astype(result, dtype, copy=False)
    return reshape(result, (1,) * (ndmin - result.ndim) + result.shape) if result.ndim < ndmin else result


def asarray(a, dtype=None, order=None, *, device=None, copy=None):
    """Tensor from a value, as ``numpy.asarray``: a Tensor stays itself, anything else is copied."""
    _cpu("asarray", device)
    if isinstance(a, Tensor) and not copy and dtype in (None, a.dtype):
        return a
    return array(a, dtype, copy=builtins.bool(copy) or not isinstance(a, Overloaded))


def asanyarray(a, dtype=None, order=None):
    """``asarray``."""
    return asarray(a, dtype)


def from_dlpack(x, /, *, device=None, copy=None):
    """Tensor from an array of another library on the CPU (PyTorch, JAX, ...), as ``numpy.from_dlpack``: a copy."""
    _cpu("from_dlpack", device)
    return Tensor(np.array(np.from_dlpack(x)), None)


def ascontiguousarray(a, dtype=None):
    """``asarray`` with at least one axis; how entries lie in memory is the engine's own business."""
    result = asarray(a, dtype)
    return result if result.ndim else reshape(result, (1,))


def asfortranarray(a, dtype=None):
    """``asarray``; how entries lie in memory is the engine's own business."""
    return asarray(a, dtype)


# -- from shapes -------------------------------------------------------------------------------------------------------


def _checked(name: str, shape) -> tuple[builtins.int, ...]:
    """A shape as a tuple of lengths; entries may be Tensors that hold integers."""
    try:
        sides = tuple(shape) if isinstance(shape, (list, tuple)) or getattr(shape, "ndim", 0) > 0 else (shape,)
        lengths = tuple(side.__index__() for side in sides)
    except (TypeError, AttributeError):
        raise ShapeError(f"{name}: a shape is an integer or a tuple of integers; got {shape!r}.") from None
    if builtins.min(lengths, default=0) < 0:
        raise ShapeError(f"{name}: shape {lengths}: lengths are 0 or more.")
    return lengths


def _dtype(name: str, dtype) -> Any:
    wanted = np.dtype(dtype)
    if wanted.kind not in "fciub":
        raise DtypeError(f"{name}: dtype={wanted}; expected floats, integers, booleans or complex numbers.")
    return wanted


def _of_shape(name: str, make: Callable[..., Any], what: str):
    def function(shape, dtype=None, order="C", *, device=None, like=None):
        _cpu(name, device)
        return Tensor(make(_checked(name, shape), _dtype(name, dtype)), None)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Tensor of ``shape`` {what}, as ``numpy.{name}``; float64 if no dtype is given."
    return function


zeros = _of_shape("zeros", np.zeros, "filled with 0")
ones = _of_shape("ones", np.ones, "filled with 1")
empty = _of_shape("empty", np.empty, "with whatever entries")


def full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    """Tensor filled with one value, as ``numpy.full``; the gradient of a Tensor as ``fill_value`` adds up."""
    _cpu("full", device)
    value = tensor(fill_value) if dtype is None else astype(tensor(fill_value), _dtype("full", dtype), copy=False)
    return broadcast_to(value, _checked("full", shape))


def _like(name: str, make: Callable[..., Any]):
    def function(a, dtype=None, order="K", subok=True, shape=None, *, device=None):
        _cpu(name, device)
        a = operand(a)
        sides = a.shape if shape is None else _checked(name, shape)
        return Tensor(make(sides, a.dtype if dtype is None else _dtype(name, dtype)), None)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"As ``{name[:-5]}``, with the shape and dtype of ``a``; not connected to it."
    return function


zeros_like = _like("zeros_like", np.zeros)
ones_like = _like("ones_like", np.ones)
empty_like = _like("empty_like", np.empty)


def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """As ``full``, with the shape and dtype of ``a``; connected to ``fill_value``, not to ``a``."""
    a = operand(a)
    return full(a.shape if shape is None else shape, fill_value, a.dtype if dtype is None else dtype, device=device)


def eye(N, M=None, k: builtins.int = 0, dtype=float, order="C", *, device=None, like=None):
    """Matrix with 1 on a diagonal and 0 elsewhere, as ``numpy.eye``."""
    _cpu("eye", device)
    (rows,) = _checked("eye", N)
    columns = rows if M is None else _checked("eye", M)[0]
    return Tensor(np.eye(rows, columns, builtins.int(k), _dtype("eye", dtype)), None)


def identity(n, dtype=None, *, like=None):
    """Square matrix with 1 on the diagonal."""
    return eye(n, dtype=float if dtype is None else dtype)


def tri(N, M=None, k: builtins.int = 0, dtype=float, *, like=None):
    """Matrix with 1 on and below a diagonal, as ``numpy.tri``."""
    return Tensor(np.tri(N, M, k, _dtype("tri", dtype)), None)


def indices(dimensions, dtype=builtins.int, sparse: builtins.bool = False):
    """Coordinates of each entry of a grid, as ``numpy.indices``."""
    grid = np.indices(_checked("indices", dimensions), dtype, sparse)
    return tuple(Tensor(part, None) for part in grid) if sparse else Tensor(grid, None)


def fromfunction(function, shape, *, dtype=float, like=None, **kwargs):
    """``function`` called once with the coordinates of each entry, as ``numpy.fromfunction``."""
    coordinates = indices(shape, dtype)
    return function(*(coordinates[axis] for axis in range(coordinates.shape[0])), **kwargs)


# -- ranges ------------------------------------------------------------------------------------------------------------


def _number(name: str, x):
    """A number for a range whose length depends on it: it cannot have a gradient."""
    if isinstance(x, Overloaded):
        if x._is_tracked() and x.dtype.kind in "fc":
            raise UnsupportedError(
                f"{name}: a tape is tracking one of the limits, and their gradient would be cut: the number of entries "
                "depends on them. Use linspace, or x.item() on purpose."
            )
        return x.array[()]
    return x


def arange(start, stop=None, step=None, dtype=None, *, device=None, like=None):
    """Evenly spaced values from ``start`` up to, not including, ``stop``, as ``numpy.arange``."""
    _cpu("arange", device)
    given = [_number("arange", x) for x in (start, stop, step)]
    if stop is None:
        given[:2] = 0, given[0]
    return Tensor(np.arange(given[0], given[1], 1 if step is None else given[2], dtype=dtype), None)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    """``num`` evenly spaced values from ``start`` to ``stop``, as ``numpy.linspace``; differentiable in both.

    With ``retstep`` the spacing is given too.
    """
    _cpu("linspace", device)
    (num,) = _checked("linspace", num)
    if not (isinstance(start, Overloaded) or isinstance(stop, Overloaded)):
        made = np.linspace(start, stop, num, endpoint, retstep, dtype, axis)
        return tuple(Tensor(part, None) for part in made) if retstep else Tensor(made, None)
    low, high = tensor(start), tensor(stop)
    floating = np.result_type(low.dtype, high.dtype, 1.0)
    low, high = astype(low, floating, copy=False), astype(high, floating, copy=False)
    count = num - 1 if endpoint else num
    steps = np.arange(num).reshape((num,) + (1,) * builtins.max(low.ndim, high.ndim))
    step = (high - low) / count if count > 0 else (high - low) * np.nan
    result = low + steps * (high - low) / builtins.max(count, 1)
    if endpoint and count > 0:
        result = np.where(steps == count, high, result)  # to the last digit, as NumPy's: a bin must not lose its edge
    result = result if axis == 0 else np.moveaxis(result, 0, axis)
    if dtype is not None:
        wanted = _dtype("linspace", dtype)
        result = astype(np.floor(result) if wanted.kind in "iu" else result, wanted, copy=False)
    return (result, step) if retstep else result


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """Values evenly spaced on a logarithmic scale from ``base**start`` to ``base**stop``; differentiable."""
    result = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return result if dtype is None else astype(result, dtype, copy=False)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Values each a constant multiple of the one before, from ``start`` to ``stop``; differentiable."""
    if not (isinstance(start, Overloaded) or isinstance(stop, Overloaded)):
        return Tensor(np.geomspace(start, stop, num, endpoint, dtype, axis), None)
    start, stop = tensor(start), tensor(stop)
    result = start * np.exp(linspace(np.zeros(()), np.log(stop / start), num, endpoint, axis=axis))
    return result if dtype is None else astype(result, dtype, copy=False)


# -- questions ---------------------------------------------------------------------------------------------------------


def shape(a):
    """Length of each axis."""
    return operand(a).shape


def ndim(a):
    """Number of axes."""
    return operand(a).ndim


def size(a, axis=None):
    """Number of entries, or of entries along an axis."""
    a = operand(a)
    return a.size if axis is None else a.shape[axis]


def _on_values(function):
    """NumPy's own ``function``, for questions that are about dtypes and memory only."""

    def answer(*args, **kwargs):
        return function(*(x.array if isinstance(x, Overloaded) else x for x in args), **kwargs)

    return answer


def _copyto(dst, src, casting="same_kind", where=True):
    if not isinstance(dst, Tensor) or isinstance(dst, Variable):
        raise UnsupportedError(
            f"copyto: dst is a {type(dst).__name__}, and a gradient written there would be cut. Use dst[...] = src on "
            "a Tensor, v.assign(src) on a Variable, or np.copyto(array, src.numpy()) on purpose."
        )
    dst[...] = np.where(where, src, dst)


OVERLOADS: dict[Any, Any] = {
    "array": array, np.zeros_like: zeros_like, np.ones_like: ones_like, np.empty_like: empty_like,
    np.full_like: full_like, np.linspace: linspace, np.logspace: logspace, np.geomspace: geomspace, np.shape: shape,
    np.ndim: ndim, np.size: size, np.copyto: _copyto,
    **{function: _on_values(function) for function in
       (np.result_type, np.can_cast, np.min_scalar_type, np.common_type, np.may_share_memory, np.shares_memory)},
}  # fmt: skip
