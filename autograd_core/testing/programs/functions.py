"""Functions of the namespaces that are made of several operations, with arguments for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import numpy as anp
from ...ops.domain import Draw

Sampled = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Function:
    """A function with a way to draw arguments for it.

    Attributes
    ----------
    name : str
        As it is written in a program.
    function : callable
    sample : callable
        ``sample(draw) -> (args, params)``.
    """

    name: str
    function: Callable[..., Any]
    sample: Callable[[Draw], Sampled]


def _one(draw: Draw) -> Sampled:
    return (draw.array(draw.shape()),), {}


def _vector(draw: Draw) -> Sampled:
    return (draw.array(draw.shape(1, 1, 2)),), {}


def _matrix(draw: Draw) -> Sampled:
    return (draw.array(draw.shape(2, 3, 1)),), {}


def _axis(draw: Draw) -> Sampled:
    shape = draw.shape(1, 3, 1)
    return (draw.array(shape),), {"axis": draw.axis(len(shape))}


def _axes(draw: Draw) -> Sampled:
    shape = draw.shape(1, 3, 1)
    return (draw.array(shape),), {"axis": draw.axes(len(shape)), "keepdims": draw.boolean()}


def _same_shape(draw: Draw) -> Sampled:
    shape = draw.shape(1, 2, 1)
    return (draw.array(shape), draw.array(shape)), {}


def _square(draw: Draw) -> Sampled:
    n = draw.integer(1, 3)
    return (draw.array((n, n), -0.5, 0.5) + 2 * np.eye(n, dtype=draw.dtype),), {}


def _two_axes(draw: Draw) -> Sampled:
    shape = draw.shape(2, 3, 1)
    return (draw.array(shape),), {"axis1": 0, "axis2": draw.integer(1, len(shape) - 1)}


def _moved(draw: Draw) -> Sampled:
    shape = draw.shape(1, 3, 1)
    return (draw.array(shape),), {"source": draw.axis(len(shape)), "destination": draw.axis(len(shape))}


def _dot(draw: Draw) -> Sampled:
    n = draw.integer(1, 3)
    left = draw.choice(((n,), (2, n)))
    return (draw.array(left), draw.array(draw.choice(((n,), (n, 2))))), {}


def _inner(draw: Draw) -> Sampled:
    n = draw.integer(1, 3)
    return (draw.array(draw.choice(((n,), (2, n)))), draw.array(draw.choice(((n,), (3, n))))), {}


def _joined(draw: Draw) -> Sampled:
    shape = draw.shape(1, 2, 1)
    return ([draw.array(shape), draw.array(shape)],), {}


def _chained(draw: Draw) -> Sampled:
    a, b, c, d = (draw.integer(1, 3) for _ in range(4))
    return ([draw.array((a, b)), draw.array((b, c)), draw.array((c, d))],), {}


def _taken(draw: Draw) -> Sampled:
    shape = draw.shape(1, 2, 1)
    places = np.array([draw.integer(0, shape[0] - 1) for _ in range(draw.integer(1, 3))])
    return (draw.array(shape), places), {"axis": 0}


def _average(draw: Draw) -> Sampled:
    n = draw.integer(1, 4)
    return (draw.array((n,)), draw.array((n,), 0.5, 2.0)), {}


def _norm(draw: Draw) -> Sampled:
    shape = draw.shape(1, 2, 1)
    return (draw.array(shape),), {"axis": 0, "ord": draw.choice((2, 3, 1))}


def _interp(draw: Draw) -> Sampled:
    n = draw.integer(2, 4)
    return (draw.array(draw.shape(0, 2, 1), 0.1, n - 1.1), np.arange(float(n)), draw.array((n,))), {}


def _quantile(draw: Draw) -> Sampled:
    shape = draw.shape(1, 2, 1)
    return (draw.spread(shape),), {"q": draw.choice((0.5, 0.3)), "axis": 0}


def _ordered(draw: Draw) -> Sampled:
    shape = draw.shape(1, 2, 1)
    return (draw.spread(shape),), {"axis": 0}


def _resized(draw: Draw) -> Sampled:
    return (draw.array(draw.shape(1, 2, 1)),), {"new_shape": draw.shape(1, 2, 1)}


def _picked(draw: Draw) -> Sampled:
    n = draw.integer(1, 4)
    places = np.array([[draw.integer(0, n - 1)] for _ in range(2)])
    return (draw.array((2, n)), places), {"axis": 1}


FUNCTIONS = (
    Function("np.ravel", np.ravel, _one),
    Function("np.squeeze", np.squeeze, _one),
    Function("np.atleast_2d", np.atleast_2d, _one),
    Function("np.zeros_like", np.zeros_like, _one),
    Function("np.expand_dims", np.expand_dims, _axis),
    Function("np.moveaxis", np.moveaxis, _moved),
    Function("np.swapaxes", np.swapaxes, _two_axes),
    Function("np.fliplr", np.fliplr, _matrix),
    Function("np.rot90", np.rot90, _matrix),
    Function("np.resize", np.resize, _resized),
    Function("np.take", np.take, _taken),
    Function("np.take_along_axis", np.take_along_axis, _picked),
    Function("np.hstack", np.hstack, _joined),
    Function("np.vstack", np.vstack, _joined),
    Function("np.column_stack", np.column_stack, _joined),
    Function("np.nansum", np.nansum, _axes),
    Function("np.nanmean", np.nanmean, _axes),
    Function("np.ptp", np.ptp, _ordered),
    Function("np.median", np.median, _ordered),
    Function("np.quantile", np.quantile, _quantile),
    Function("np.trapezoid", np.trapezoid, _axis),
    Function("np.gradient", np.gradient, _vector),
    Function("np.ediff1d", np.ediff1d, _vector),
    Function("np.interp", np.interp, _interp),
    Function("np.trace", np.trace, _two_axes),
    Function("np.diag", np.diag, _vector),
    Function("np.dot", np.dot, _dot),
    Function("np.inner", np.inner, _inner),
    Function("np.kron", np.kron, _same_shape),
    Function("np.vdot", np.vdot, _same_shape),
    Function("np.linalg.norm", np.linalg.norm, _norm),
    Function("np.linalg.multi_dot", np.linalg.multi_dot, _chained),
    Function("np.linalg.matrix_power", lambda x, n: np.linalg.matrix_power(x, n), lambda d: (_square(d)[0] + (2,), {})),
    Function("np.linalg.cond", np.linalg.cond, _square),
    Function("np.linalg.inv", np.linalg.inv, _square),
    Function("np.vander", np.vander, _vector),
    Function("np.corrcoef", np.corrcoef, lambda d: ((d.array((2, 4)),), {})),
    Function("np.cov", np.cov, lambda d: ((d.array((2, 4)),), {})),
    Function("anp.gelu", anp.gelu, _one),
    Function("anp.silu", anp.silu, _one),
    Function("anp.mish", anp.mish, _one),
    Function("anp.selu", anp.selu, _one),
)
