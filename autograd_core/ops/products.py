"""Products of vectors, matrices and tensors: matmul and its relatives.

Each is linear in either argument, so one line of algebra gives all its rules: ``<ct, x y>`` is linear in x and in y.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..errors import AxisError, ShapeError, UnsupportedError
from ..primitive import MULTILINEAR, Primitive, apply, binary
from ..shapes import broadcast_hint
from .arithmetic import multiply
from .matrices import conjugate, operand, tensor, vectors, without_out

__all__ = [
    "cross", "dot", "inner", "kron", "matmul", "matvec", "outer", "tensordot", "trace", "vdot", "vecdot",
    "vecmat",
]  # fmt: skip


# -- matmul ------------------------------------------------------------------------------------------------------------


def matmul_of(x, y):
    try:
        if y.ndim == 2 < x.ndim and x.flags.c_contiguous:
            # One product of all rows instead of one per batch entry: 390 us -> 170 us for (64, 28, 64) @ (64, 256).
            return (rows_of(x) @ y).reshape(*x.shape[:-1], y.shape[1])
        return np.matmul(x, y)
    except (ValueError, AttributeError):  # a Python number has no ndim
        raise _matmul_error(x, y) from None


def rows_of(x):
    """All rows of a stack of matrices, as one matrix."""
    return x.reshape(prod(x.shape[:-1]), x.shape[-1])


def matmul_wrt_x(ct, ans, x, y, b=None):
    # On two matrices the transposes are views, which BLAS takes as they are: nothing is copied. `dot` gets there 0.4 us
    # sooner than `@`, a third of the time of a small product.
    if ct.__class__ is y.__class__ is np.ndarray and ct.ndim == y.ndim == 2:
        # But for a few long columns a copy pays: (128, 10) @ (10, 512) takes 17 us, and 46 with a view.
        return ct.dot(y.T.copy() if y.shape[1] <= 16 and y.size > 2048 else y.T)
    if y.ndim == 2:
        return ct @ y.T if x.ndim > 1 else y @ ct
    if y.ndim == 1:
        return ct[..., None] * y if x.ndim > 1 else ct * y
    return ct @ y.mT if x.ndim > 1 else (y @ ct[..., None])[..., 0]


def matmul_wrt_y(ct, ans, x, y, b=None):
    if ct.__class__ is x.__class__ is np.ndarray and ct.ndim == x.ndim == 2:
        return x.T.dot(ct)
    if x.ndim == 1:
        return ct * x if y.ndim == 1 else x[:, None] * ct[..., None, :]
    if y.ndim == 1:
        return ct @ x if x.ndim == 2 else np.ravel(ct) @ rows_of(x)
    if y.ndim == 2:
        return x.T @ ct if x.ndim == 2 else rows_of(x).T @ rows_of(ct)
    return x.mT @ ct


def _matmul_error(x, y) -> ShapeError:
    left, right = np.shape(x), np.shape(y)
    shapes = f"x1 has shape {left}, x2 has shape {right}"
    if not left or not right:
        return ShapeError(f"matmul: {shapes}; both need at least one axis. Use multiply (*) to scale by a number.")
    if left[-1] == right[-2:][0]:
        hint = broadcast_hint([left[:-2], right[:-2]])
        return ShapeError(f"matmul: {shapes}; the axes before the last two do not broadcast. {hint}")
    position = "second-to-last axis" if len(right) > 1 else "only axis"
    return ShapeError(
        f"matmul: inner axes differ: {shapes}; the last axis of x1 ({left[-1]}) must equal the {position} of x2 "
        f"({right[-2:][0]}).{_matmul_fix(left, right)}"
    )


def _matmul_fix(left, right) -> str:
    """What to do about inner axes that differ, where something would work."""
    if not _broadcast(left[:-2], right[:-2]):
        return ""
    if len(left) > 1 and left[-2] == right[-2:][0]:
        fix = "matmul(transpose(x1), x2)"
    elif len(right) > 1 and left[-1] == right[-1]:
        fix = "matmul(x1, transpose(x2))"
    elif len(left) > 1 and len(right) > 1 and left[-2] == right[-1]:
        fix = "matmul(x2, x1)"
    else:
        return ""
    if max(len(left), len(right)) > 2:
        fix = fix.replace("transpose", "matrix_transpose")
    return f" Did you mean {fix}?"


def _broadcast(left, right) -> bool:
    return not broadcast_hint([left, right])


def _sample_matmul(draw):
    n, k, m = (draw.integer(0, 3) for _ in range(3))
    batch = draw.shape(max_dims=2, max_side=3)
    left, right = (batch if draw.boolean() else draw.broadcastable(batch) for _ in range(2))
    x = draw.choice(((n, k), (*left, n, k), (k,)))
    y = draw.choice(((k, m), (*right, k, m), (k,)))
    return (draw.array(x), draw.array(y)), {}


MATMUL = Primitive(
    "matmul", matmul_of, jvps=MULTILINEAR, sample=_sample_matmul,
    doc="Matrix product: over the last axis of x1 and the second-to-last of x2; leading axes broadcast.",
    vjps=(matmul_wrt_x, matmul_wrt_y),
)  # fmt: skip

_matmul_of_two = binary(MATMUL)


def matmul(x1, x2, /, out=None, **keywords):
    """Matrix product ``x1 @ x2``, as ``numpy.matmul``. VJP: ``ct @ x2.T`` and ``x1.T @ ct``."""
    if out is not None or keywords:
        _no_keywords("matmul", out, keywords)
    return _matmul_of_two(x1, x2)


def _no_keywords(name: str, out, keywords) -> None:
    without_out(name, out)
    if keywords:
        raise UnsupportedError(f"{name}: {', '.join(keywords)}= is not supported; move the axes first, or use einsum.")


# -- vectors in stacks -------------------------------------------------------------------------------------------------


def _sample_vecdot(draw):
    shape = draw.shape(min_dims=1)
    return (draw.array(shape), draw.array((*draw.broadcastable(shape[:-1]), shape[-1]))), {}


VECDOT = Primitive(
    "vecdot", np.vecdot, jvps=MULTILINEAR, sample=_sample_vecdot,
    doc="Sum of conj(x1) * x2 over the last axis; the others broadcast.",
    vjps=(lambda ct, ans, x, y: conjugate(ct[..., None] * y),
          lambda ct, ans, x, y: ct[..., None] * conjugate(x)),
)  # fmt: skip


def vecdot(x1, x2, /, out=None, *, axis: int = -1, **keywords):
    """Dot product of vectors along ``axis``: the sum of ``conj(x1) * x2``, as ``numpy.vecdot``."""
    _no_keywords("vecdot", out, keywords)
    x1, x2 = vectors("vecdot", x1), vectors("vecdot", x2)
    if axis != -1:
        x1, x2 = (np.moveaxis(tensor(x), _axis("vecdot", axis, x.ndim), -1) for x in (x1, x2))
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"vecdot: the vectors have different lengths: shapes {x1.shape} and {x2.shape} with the vectors in the "
            f"last axis ({x1.shape[-1]} and {x2.shape[-1]})."
        )
    return apply(VECDOT, (x1, x2), {})


def _axis(name: str, axis: int, ndim: int) -> int:
    if not hasattr(axis, "__index__") or not -ndim <= axis < ndim:
        raise AxisError(f"{name}: axis {axis!r} is out of range for {ndim} axes.")
    return int(axis) % ndim


def matvec(x1, x2, /, out=None, **keywords):
    """Matrices times vectors in stacks, as ``numpy.matvec``: the sum of ``x1[..., i, j] * x2[..., j]`` over j."""
    _no_keywords("matvec", out, keywords)
    return matmul(x1, tensor(vectors("matvec", x2))[..., None])[..., 0]


def vecmat(x1, x2, /, out=None, **keywords):
    """Vectors times matrices in stacks, as ``numpy.vecmat``: the sum of ``conj(x1[..., i]) * x2[..., i, j]`` over i."""
    _no_keywords("vecmat", out, keywords)
    return matmul(conjugate(tensor(vectors("vecmat", x1)))[..., None, :], x2)[..., 0, :]


# -- dot and its relatives ---------------------------------------------------------------------------------------------


def dot(a, b, out=None):
    """Dot product, as ``numpy.dot``: matrix product for up to two axes, else over the last and second-to-last axes."""
    without_out("dot", out)
    left, right = operand(a), operand(b)
    if not left.ndim or not right.ndim:
        return multiply(a, b)
    if right.ndim == 1 or left.ndim <= 2 == right.ndim:
        return matmul(left, right)
    return tensordot(left, right, axes=(-1, -2))


def inner(a, b, /):
    """Sum of products over the last axes, as ``numpy.inner``; all pairs of the other entries."""
    left, right = operand(a), operand(b)
    if not left.ndim or not right.ndim:
        return dot(a, b)
    return matmul(left, right) if left.ndim == right.ndim == 1 else tensordot(left, right, axes=(-1, -1))


def vdot(a, b, /):
    """Sum of ``conj(a) * b`` over all entries, as ``numpy.vdot``."""
    left, right = np.ravel(tensor(a)), np.ravel(tensor(b))
    if left.size != right.size:
        raise ShapeError(f"vdot: got {left.size} and {right.size} entries; expected as many in both.")
    return matmul(conjugate(left), right)


OUTER = Primitive(
    "outer", np.outer, jvps=MULTILINEAR, sample=lambda draw: ((draw.array(draw.shape()), draw.array(draw.shape())), {}),
    doc="Every entry of a times every entry of b, as a matrix.",
    vjps=(lambda ct, ans, x, y: np.reshape(ct @ np.ravel(y), x.shape),
          lambda ct, ans, x, y: np.reshape(np.ravel(x) @ ct, y.shape)),
)  # fmt: skip


def outer(a, b, out=None):
    """Every entry of ``a`` times every entry of ``b``, as a matrix; as ``numpy.outer``."""
    without_out("outer", out)
    return apply(OUTER, (operand(a), operand(b)), {})


def _ufunc_outer(ufunc, x, y, /, **keywords):
    """Every pair of entries through ``ufunc``: what ``numpy.multiply.outer`` and its like mean."""
    if keywords:
        raise UnsupportedError(f"{ufunc.__name__}.outer: {', '.join(keywords)}= is not supported on Tensors.")
    x, y = tensor(x), tensor(y)
    return ufunc(np.reshape(x, (*x.shape, *[1] * y.ndim)), y)


# -- tensordot ---------------------------------------------------------------------------------------------------------


def _tensordot_pull(ct, y, x_ndim: int, axes_x, axes_y):
    """Cotangent of the first factor: ct times y over the axes that y kept, put in the order of the first factor."""
    kept_y = [axis for axis in range(y.ndim) if axis not in axes_y]
    kept_x = [axis for axis in range(x_ndim) if axis not in axes_x]
    pulled = np.tensordot(ct, y, axes=(tuple(range(len(kept_x), ct.ndim)), tuple(kept_y)))
    # Its axes: those x kept, then those summed over, in the order in which y has them.
    order = kept_x + [axes_x[axes_y.index(axis)] for axis in range(y.ndim) if axis in axes_y]
    return np.transpose(pulled, tuple(order.index(axis) for axis in range(x_ndim)))


def _tensordot_wrt_x(ct, ans, x, y, *, axes):
    return _tensordot_pull(ct, y, x.ndim, *axes)


def _tensordot_wrt_y(ct, ans, x, y, *, axes):
    kept = x.ndim - len(axes[0])
    front_to_back = (*range(kept, ct.ndim), *range(kept))  # as if x and y had been given in the other order
    return _tensordot_pull(np.transpose(ct, front_to_back), x, y.ndim, *axes[::-1])


def _sample_tensordot(draw):
    shared = draw.shape(max_dims=2, max_side=3)
    x_shape, y_shape = draw.shape(max_dims=2, max_side=3), draw.shape(max_dims=2, max_side=3)
    shapes, places = [], []
    for own in (x_shape, y_shape):
        order = np.random.default_rng(draw.integer(0, 99)).permutation(len(own) + len(shared))
        sides = (*shared, *own)
        shapes.append(tuple(sides[i] for i in order))
        places.append(tuple(int(np.flatnonzero(order == i)[0]) for i in range(len(shared))))
    return (draw.array(shapes[0]), draw.array(shapes[1])), {"axes": tuple(places)}


TENSORDOT = Primitive(
    "tensordot", np.tensordot, jvps=MULTILINEAR, sample=_sample_tensordot,
    doc="Sum of products over pairs of axes; the other axes of a, then those of b, remain.",
    vjps=(_tensordot_wrt_x, _tensordot_wrt_y),
)  # fmt: skip


def tensordot(a, b, axes: Any = 2):
    """Sum of products over pairs of axes, as ``numpy.tensordot``.

    Parameters
    ----------
    a, b : array_like, Tensor or Variable
    axes : int or pair
        A number n: the last n axes of ``a`` with the first n of ``b``. A pair: the axes of ``a`` and those of ``b``,
        each one axis or a sequence.
    """
    a, b = operand(a), operand(b)
    pair = _tensordot_axes(a, b, axes)
    for left, right in zip(*pair, strict=True):
        if a.shape[left] != b.shape[right]:
            raise ShapeError(
                f"tensordot: axis {left} of a (shape {a.shape}) has length {a.shape[left]}, axis {right} of b (shape "
                f"{b.shape}) has length {b.shape[right]}; axes that are summed over together must be equal."
            )
    return apply(TENSORDOT, (a, b), {"axes": pair})


def _tensordot_axes(a, b, axes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both lists of axes, as non-negative numbers."""
    if isinstance(axes, (int, np.integer)):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            raise AxisError(
                f"tensordot: axes={axes} asks for the last {axes} axes of a (shape {a.shape}) and the first {axes} of "
                f"b (shape {b.shape}); expected 0 to {min(a.ndim, b.ndim)}."
            )
        return tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    try:
        left, right = (tuple(one) if np.ndim(one) else (one,) for one in axes)
    except (TypeError, ValueError):
        raise AxisError(f"tensordot: axes must be a number or a pair (axes of a, axes of b); got {axes!r}.") from None
    if len(left) != len(right):
        raise AxisError(f"tensordot: {len(left)} axes of a go with {len(right)} of b; expected as many in both.")
    left = tuple(_axis("tensordot", axis, a.ndim) for axis in left)
    right = tuple(_axis("tensordot", axis, b.ndim) for axis in right)
    if len(set(left)) != len(left) or len(set(right)) != len(right):
        raise AxisError(f"tensordot: an axis is summed over twice: axes={axes!r}.")
    return left, right


# -- composed of others ------------------------------------------------------------------------------------------------


def kron(a, b):
    """Kronecker product: every entry of ``a`` times all of ``b``, side by side; as ``numpy.kron``."""
    a, b = tensor(a), tensor(b)
    ndim = max(a.ndim, b.ndim)
    sides_a, sides_b = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    left = np.reshape(a, tuple(side for pair in sides_a for side in (pair, 1)))
    right = np.reshape(b, tuple(side for pair in sides_b for side in (1, pair)))
    return np.reshape(left * right, tuple(i * j for i, j in zip(sides_a, sides_b, strict=True)))


def _sample_cross(draw):
    shape = draw.shape(max_dims=2, max_side=3)
    return (draw.array((*shape, 3)), draw.array((*draw.broadcastable(shape), 3))), {}


CROSS = Primitive(
    "cross", np.cross, jvps=MULTILINEAR, sample=_sample_cross,
    doc="Cross product of vectors of length 3, in the last axis.",
    vjps=(lambda ct, ans, x, y: np.cross(y, ct),
          lambda ct, ans, x, y: np.cross(ct, x)),
)  # fmt: skip


def cross(a, b, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None):
    """Cross product of vectors of length 3, as ``numpy.cross``; length 2 stands for a last component of 0."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = vectors("cross", a), vectors("cross", b)
    a, b = (
        x if place in (-1, x.ndim - 1) else np.moveaxis(tensor(x), _axis("cross", place, x.ndim), -1)
        for x, place in ((a, axisa), (b, axisb))
    )
    lengths = a.shape[-1], b.shape[-1]
    if not set(lengths) <= {2, 3} or not _broadcast(a.shape[:-1], b.shape[:-1]):
        raise ShapeError(
            f"cross: got vectors of lengths {lengths[0]} and {lengths[1]} in shapes {a.shape} and {b.shape}; expected "
            "length 3 (or 2), and other axes that broadcast."
        )
    if lengths == (2, 2):
        a, b = tensor(a), tensor(b)
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (x if x.shape[-1] == 3 else np.concatenate([tensor(x), np.zeros_like(x[..., :1])], -1) for x in (a, b))
    result = apply(CROSS, (a, b), {})
    place = _axis("cross", axisc, result.ndim)
    return result if place == result.ndim - 1 else np.moveaxis(result, -1, place)


def trace(a, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype=None, out=None):
    """Sum along a diagonal, as ``numpy.trace``."""
    without_out("trace", out)
    return np.sum(np.diagonal(tensor(a), offset, axis1, axis2), axis=-1, dtype=dtype)


# -- tables ------------------------------------------------------------------------------------------------------------

ROWS = (MATMUL, VECDOT, OUTER, TENSORDOT, CROSS)

_UFUNCS_OF_TWO = (
    np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.fmax, np.fmin, np.arctan2,
    np.hypot, np.logaddexp, np.logaddexp2, np.remainder, np.fmod, np.floor_divide, np.copysign, np.float_power,
    np.heaviside, np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.logical_and,
    np.logical_or, np.logical_xor,
)  # fmt: skip

OVERLOADS: dict[Any, Any] = {
    np.matmul: matmul, np.vecdot: vecdot, np.dot: dot, np.inner: inner, np.vdot: vdot, np.outer: outer,
    np.tensordot: tensordot, np.kron: kron, np.cross: cross, np.trace: trace,
    **{(ufunc, "outer"): partial(_ufunc_outer, ufunc) for ufunc in _UFUNCS_OF_TWO},
}  # fmt: skip
if hasattr(np, "matvec"):  # NumPy 2.2
    OVERLOADS |= {np.matvec: matvec, np.vecmat: vecmat}
