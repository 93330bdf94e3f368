"""Invariants of derivatives of any function: a VJP and a JVP are linear, one the transpose of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import GradientCheckError
from ..checking.lines import pair
from .program import EACH_ENTRY, Arrays, Program, agree, noise, tolerance, units


def inner_product(f: Callable[..., Any], args: Any, rtol: float | None = None, seed: int = 0) -> None:
    """The two modes are transposes of one another: ``<ct, jvp(t)> = <vjp(ct), t>``.

    Parameters
    ----------
    f : callable
        Returns a Tensor, or a nested structure of Tensors.
    args : tuple or list
        Its positional arguments: nested structures; a single one may be given bare. Floating and complex entries are
        differentiated, others held fixed.
    rtol : float, optional
        Allowed difference, relative to the terms that are added up. If None what rounding leaves in the dtype at hand:
        4e-11 in float64, 2e-5 in float32.
    seed : int
        Of the random cotangent.

    Raises
    ------
    GradientCheckError
        If they are not. The entry is named for inputs of up to 64 entries.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.inner_product(np.tanh, np.array([0.5, 2.0]))
    """
    program = Program("invariants.inner_product", f, args)
    generator = np.random.default_rng(seed)
    values, pull = program.pulled()
    cts = noise(values, generator)
    pulled = program.check_rules(pull, cts)
    allowed = tolerance([*values, *program.points], rtol)
    left = _rounding(program, values, [np.abs(ct) for ct in cts])
    for position, point in enumerate(program.points):
        directions: list[tuple[Any, Any]] = [(None, noise([point], generator)[0])]
        if point.size <= EACH_ENTRY:
            directions = [(entry, unit * part) for entry, unit in units(point) for part in _parts(point)]
        for entry, direction in directions:
            tangents = [direction if at == position else np.zeros_like(x) for at, x in enumerate(program.points)]
            forward, size = pair(cts, program.pushed(tangents))
            reverse, other = pair(pulled, tangents)
            off, bound = abs(forward - reverse), allowed * (size + other) + left[position]
            if not (off <= bound or (np.isinf(size) and np.isinf(other)) or (np.isnan(forward) and np.isnan(reverse))):
                where = (
                    program.at(position, entry)
                    if entry is not None
                    else f"{program.names[position]} along a random direction"
                )
                raise GradientCheckError(
                    f"{program.title}: for {where}, <ct, jvp(t)> is {forward:.10g} and <vjp(ct), t> is {reverse:.10g}. "
                    f"They differ by {off:.3g}, allowed {bound:.3g} (rtol={allowed:.3g}). One of the two rules on the "
                    "way is wrong."
                )


def linearity(f: Callable[..., Any], args: Any, rtol: float | None = None, seed: int = 0) -> None:
    """The VJP is linear in the cotangent: ``vjp(a u + b v) = a vjp(u) + b vjp(v)``, and ``vjp(0) = 0``.

    Parameters and errors are those of ``inner_product``. A rule that forgets to multiply by the cotangent, or that
    writes to it, is found here.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.linearity(lambda x, y: np.hypot(x, y), (3.0, 4.0))
    """
    program = Program("invariants.linearity", f, args)
    generator = np.random.default_rng(seed)
    values, pull = program.pulled()
    u, v = noise(values, generator), noise(values, generator)
    a, b = 0.75, -1.25  # exact in every dtype
    kept = [ct.copy() for ct in u]
    program.check_rules(pull, v)
    first, second = pull(u), pull(v)
    agree(program, "the cotangent after the VJP", [f"result {n}" for n in range(len(u))], u, kept, "before it was", 0.0)
    mixed = pull([np.asarray(a * x + b * y, x.dtype) for x, y in zip(u, v, strict=True)])
    with np.errstate(all="ignore"):
        expected = [np.asarray(a * x + b * y, x.dtype) for x, y in zip(first, second, strict=True)]
        sizes = [np.abs(a * x) + np.abs(b * y) for x, y in zip(first, second, strict=True)]
    allowed = tolerance([*values, *program.points], rtol)
    what = f"vjp({a} u + {b} v)"
    left = _rounding(program, values, [np.maximum(np.abs(x), np.abs(y)) for x, y in zip(u, v, strict=True)])
    agree(program, what, program.names, mixed, expected, f"{a} vjp(u) + {b} vjp(v) is", allowed, sizes, left)
    zeros = [np.zeros_like(x) for x in values]
    nothing = [np.zeros_like(x) for x in program.points]
    agree(program, "vjp(0)", program.names, pull(zeros), nothing, "expected", 0.0)


def _rounding(program: Program, values: Arrays, cts: Arrays) -> list[float]:
    """What rounding leaves of each gradient where it should be 0: of a polynomial, the derivative of highest degree."""
    # A value v of x is known to eps * |v|, as if x were to eps * |x|; its derivative is so to eps * |v / x|.
    with np.errstate(all="ignore"):
        weighed = sum(float(np.sum(np.abs(v) * ct)) for v, ct in zip(values, cts, strict=True))
        largest = [float(np.max(np.abs(x), initial=0.0)) for x in program.points]
        found = [
            16 * np.finfo(x.dtype).eps * weighed / (size or 1.0)
            for x, size in zip(program.points, largest, strict=True)
        ]
    return [noise if np.isfinite(noise) else 0.0 for noise in found]


def shapes(f: Callable[..., Any], args: Any) -> None:
    """A gradient has the shape and dtype of its input, a tangent those of its result.

    Parameters and errors are those of ``inner_product``. A rule that forgets the sum over a broadcast axis is found.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.shapes(np.add, (np.ones((2, 3), "float32"), np.ones(3, "float32")))
    """
    program = Program("invariants.shapes", f, args)
    generator = np.random.default_rng(0)
    values, pull = program.pulled()
    _fit(program, "the gradient", program.names, pull(noise(values, generator)), program.points)
    names = [f"result {number}" for number in range(len(values))]
    _fit(program, "the tangent", names, program.pushed(noise(program.points, generator)), values)


def _fit(program: Program, what: str, names: list[str], found: Arrays, expected: Arrays) -> None:
    for name, one, other in zip(names, found, expected, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise GradientCheckError(
                f"{program.title}: {what} for {name} has shape {one.shape}, dtype {one.dtype}; expected shape "
                f"{other.shape}, dtype {other.dtype}, as its value has."
            )


def _parts(point: Any) -> tuple[Any, ...]:
    return (1, 1j) if point.dtype.kind == "c" else (1,)
