"""What the operations on vectors and matrices share: their operands, their checks, the matrices they are tested on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, TraceError, UnsupportedError
from ..primitive import Primitive
from ..symbol import Value, made_in, user_line
from ..tensor import Overloaded, Tensor, as_value
from ..variable import Variable

# -- operands ----------------------------------------------------------------------------------------------------------


def operand(x):
    """``x`` as something with a shape: Tensors and Variables as they are, anything else as an array."""
    return x if isinstance(x, Overloaded) else as_value(x)


def tensor(x) -> Any:
    """``x`` as a Tensor; the caller's own array is copied, since it may be written to before the backward pass."""
    if isinstance(x, Variable):
        return x.value
    return x if isinstance(x, Tensor) else Tensor(np.array(as_value(x)), None)


def plain(x):
    """A Tensor or Variable as its array; anything else (a slice, a string, a number) as it is."""
    return as_value(x) if isinstance(x, Overloaded) else x


def known(name: str, x, cure: str = "keep the shape: np.where(condition, x, 0)"):
    """Array of ``x``, for a function whose result has a shape that depends on the entries: not in a trace."""
    array = as_value(x)
    if array.__class__ is Value:
        raise TraceError(
            f"{name} at {user_line()}: the shape of the result depends on the entries of an array of shape "
            f"{array.shape}, which are not known inside a function that is {made_in(array)}. Call it "
            f"outside, and give the function what it returns; or {cure}."
        )
    return array


def vectors(name: str, x):
    """``x`` as an operand, checked to have at least one axis."""
    x = operand(x)
    if not x.ndim:
        raise ShapeError(f"{name}: got a 0-d operand; expected at least one axis. Use multiply (*) to scale.")
    return x


def matrices(name: str, a):
    """``a`` as an operand, checked to have at least two axes."""
    a = operand(a)
    if a.ndim < 2:
        raise ShapeError(f"{name}: got shape {a.shape}; expected a matrix, or a stack of them in the last two axes.")
    return a


def squares(name: str, a):
    """``a`` as an operand, checked to be a square matrix or a stack of them."""
    a = matrices(name, a)
    if a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: got shape {a.shape}; expected square matrices: the last two axes must be equal.")
    return a


def without_out(name: str, out: Any) -> None:
    """Refuse ``out=``: writing a Tensor's value into an array would cut its gradient."""
    if out is not None:
        raise UnsupportedError(f"{name}: out= is not supported; use the Tensor that is returned.")


# -- steps of rules ----------------------------------------------------------------------------------------------------


def conjugate(x):
    """Complex conjugate; real values as they are, not copied."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def adjoint(x):
    """Conjugate transpose of each matrix."""
    return conjugate(x.mT)


def run(row: Primitive, *args, **params):
    """``row`` as a step inside a rule: on arrays its forward function, on Tensors recorded."""
    return (row if any(isinstance(arg, Overloaded) for arg in args) else row.impl)(*args, **params)


# -- test inputs -------------------------------------------------------------------------------------------------------


def sample_batch(draw) -> tuple[int, ...]:
    """Leading axes: mostly none, sometimes one or two, sometimes of length 0 or 1."""
    return draw.choice(((), (2,), (), (1,), (0,), (2, 3)))


def sample_orthogonal(draw, shape: tuple[int, ...]):
    """Matrices with orthonormal columns, or rows if they are wide."""
    generator = np.random.default_rng(draw.integer(0, 2**20))
    *batch, m, n = shape
    square = np.linalg.qr(generator.normal(size=(*batch, max(m, n), max(m, n))))[0]
    square = square * generator.choice((-1.0, 1.0), (*batch, 1, max(m, n)))  # LAPACK's have determinant (-1)^(n - 1)
    return square[..., :m, :n]


def sample_matrix(draw, shape: tuple[int, ...]):
    """Matrices of full rank with singular values apart from one another, from 0.6 upwards: far from singular."""
    *batch, m, n = shape
    k = min(m, n)
    generator = np.random.default_rng(draw.integer(0, 2**20))
    values = 0.6 + 0.5 * np.arange(k) + generator.uniform(0, 0.2, (*batch, k))
    left, right = sample_orthogonal(draw, (*batch, m, k)), sample_orthogonal(draw, (*batch, k, n))
    return (left * values[..., None, :] @ right).astype(draw.dtype)


def sample_symmetric(draw, shape: tuple[int, ...]):
    """Positive definite matrices with eigenvalues apart from one another."""
    generator = np.random.default_rng(draw.integer(0, 2**20))
    values = 0.6 + 0.5 * np.arange(shape[-1]) + generator.uniform(0, 0.2, shape[:-1])
    vectors = sample_orthogonal(draw, shape)
    a = vectors * values[..., None, :] @ vectors.mT
    return ((a + a.mT) / 2).astype(draw.dtype)


def sample_settled(make, decompose):
    """A matrix from ``make`` near which ``decompose`` is smooth: LAPACK changes the sign of a vector here and there."""
    for attempt in range(50):
        a = make()
        steps = 1.5e-3 * np.random.default_rng(attempt).uniform(-1, 1, (200, *a.shape))
        here, around = decompose(a), decompose(a + steps.astype(a.dtype))
        if all(np.abs(near - part).max(initial=0) < 0.2 for near, part in zip(around, here, strict=True)):
            break
    return a
