"""Derivatives by differences: knowing nothing of any rule, they are what gradients are checked against.

One idea serves all callers: a function along a line, ``t -> f(x + t v)``, is differentiated at t = 0. Central quotients
D(h) = (f(h) - f(-h)) / 2h are taken at steps that shrink by 4; each pair is combined (Richardson) so that the error
falls from h^2 to h^4; neighbouring combinations differ by about the error that is left. Steps shrink until that
difference stops falling, since from there on rounding takes over.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DomainError, DtypeError, ShapeError
from ...recording import Paused
from ...tensor import Overloaded, Tensor, as_value
from ...tree import flatten

SHRINK = 4.0
LASTING = 5  # rungs of growth that are no accident
RUNGS = 24  # from a step near 1e-3 down to 1e-17 of the scale


@dataclass(frozen=True, slots=True)
class Estimate:
    """A derivative by differences and about how far off it may be: numbers or arrays; infinite where f jumps."""

    value: Any
    error: Any


def numerical_gradient(f: Callable[..., Any], x: Any, eps: float | None = None) -> Any:
    """Gradient of a scalar function by central differences, one entry of ``x`` after the other.

    Parameters
    ----------
    f : callable
        Takes one argument built as ``x`` is (Tensors where ``x`` has Tensors or Variables, else NumPy arrays and
        numbers) and returns a real scalar: a number, array or Tensor.
    x : array, number, Tensor, Variable, or nested dict, list or tuple of them
        Never written to; ``f`` is given fresh copies, in float64 (complex128). Integers are converted.
    eps : float, optional
        Step: (f(x + eps) - f(x - eps)) / (2 eps), exactly so. If None the steps are chosen for each entry from its
        size and from how the quotients settle, and combined for an error near rounding (six evaluations an entry,
        more where the function bends sharply).

    Returns
    -------
    array of x's shape, or a structure like ``x``
        For complex entries d/dx + i d/dy.

    Raises
    ------
    ShapeError
        If ``f`` does not return a scalar.
    DtypeError
        If ``f`` returns something complex, or ``x`` is not numeric.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_core.testing import numerical_gradient
    >>> numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0]))
    array([6., 8.])
    >>> numerical_gradient(lambda x: 0.01 * x**2 + 0.1 * x, 5, eps=1e-4).round(9)
    np.float64(0.2)
    """
    if eps is not None and not (np.isfinite(eps) and eps > 0):
        raise DomainError(f"numerical_gradient: eps must be a positive number; got {eps!r}.")
    leaves, rebuild = flatten(x)
    points = [_floating(leaf) for leaf in leaves]

    def value(changed: list[Any]) -> float:
        given = [_handed(array, leaf) for array, leaf in zip(changed, leaves, strict=True)]
        with Paused():
            return _scalar(f(rebuild(given)))

    precision = _precision_of_results(f, rebuild, points, leaves)
    gradients = []
    for position, point in enumerate(points):
        gradient = np.zeros_like(point)
        for entry in np.ndindex(point.shape):
            for unit in (1.0, 1j) if point.dtype.kind == "c" else (1.0,):

                def along(t, position=position, entry=entry, unit=unit):
                    changed = list(points)
                    changed[position] = points[position].copy()
                    changed[position][entry] += t * unit
                    found = value(changed)
                    return found, abs(found)

                if eps is not None:
                    slope = (along(eps)[0] - along(-eps)[0]) / (2 * eps)
                else:
                    slope = _slope(along, precision, float(abs(point[entry])))
                gradient[entry] += slope * unit
        gradients.append(gradient[()])
    return rebuild(gradients)


def _slope(along, precision: float, size: float) -> float:
    estimate = central(along, precision, max(1.0, size))
    if not np.isfinite(estimate.error) and size > 0:  # all steps left the domain: a tiny entry beside its edge
        estimate = central(along, precision, size)
    return estimate.value


def central(along: Callable[[float], tuple[float, float]], precision: float, scale: float = 1.0) -> Estimate:
    """Derivative at 0 of a function of a line.

    Parameters
    ----------
    along : callable
        ``along(t)`` gives the value, and the size of the terms it was summed from (its rounding error is ``precision``
        times that).
    precision : float
        Relative rounding error of the function.
    scale : float
        A step in t that is of the size of the point.
    """
    settling = Settling(SHRINK**2)
    step = first_step(precision, scale)
    for _ in range(RUNGS):
        with np.errstate(all="ignore"):  # a large step may leave the domain; the next one is smaller
            (ahead, size), (behind, other) = along(step), along(-step)
            quotient = np.array([(ahead - behind) / (2 * step)])
            settling.add(quotient, np.array([precision * max(size, other) / step]))
        if settling.done.all():
            break
        step /= SHRINK
    found = settling.estimate()
    return Estimate(float(found.value[0]), float(found.error[0]))


def first_step(precision: float, scale: float = 1.0) -> float:
    """Where a ladder of central quotients begins: a power of two, so that x + step is exact."""
    return 2.0 ** round(math.log2(max(scale, sys.float_info.min) * 4 * precision**0.2))


class Settling:
    """Quotients at steps that shrink by 4: for each entry the combination that differs least from the one before.

    Steps far longer than a wave of the function agree with one another in being nearly 0, with a large relative
    difference: a combination that has at least one digit in common with the one before is preferred to such.

    Parameters
    ----------
    weight : float or array
        What the error of a quotient falls by from one step to the next: 16 for a central one, 4 for one-sided ones.

    Attributes
    ----------
    value, error : array
        The best so far.
    has_digit : array of bool
        Where the quotients settled at all.
    done : array of bool
        Where smaller steps promise nothing more.
    growing : array of int
        How many rungs the quotients have been growing for.
    """

    def __init__(self, weight: Any):
        self.weight = weight
        self.before = self.combined_before = self.value = np.asarray(np.nan)
        self.error = np.asarray(np.inf)
        self.has_digit = self.done = np.asarray(False)
        self.jumps = self.growing = np.asarray(0)

    def add(self, now, noise) -> None:
        """One more rung: the quotients there, and what rounding makes them uncertain by."""
        combined = (self.weight * now - self.before) / (self.weight - 1)
        error = np.abs(combined - self.combined_before) + noise
        has_digit = error <= np.maximum(0.1 * np.abs(combined), 2 * noise)
        better = (has_digit & ~self.has_digit) | ((has_digit == self.has_digit) & (error < self.error))
        # What a clear slope at shorter steps contradicts was an accident, or passed over a kink or a wave.
        gap = np.abs(combined - self.value) > 4 * (error + self.error)
        better |= has_digit & gap & (np.abs(combined) > 10 * noise)
        better &= ~self.done
        self.value, self.error = np.where(better, combined, self.value), np.where(better, error, self.error)
        self.has_digit = self.has_digit | (better & has_digit)
        growth = np.where(np.abs(now) > 10 * noise, np.abs(now) / np.abs(self.before), 0.0)
        self.growing = np.where(growth > 1.2, self.growing + 1, 0)
        self.jumps = np.where((growth > 0.9 * SHRINK) & (growth < 1.1 * SHRINK), self.jumps + 1, 0)
        settled = (noise > self.error) | (self.error <= np.maximum(1e-9 * np.abs(self.value), 2 * noise))
        self.done = self.done | (settled & (self.growing < LASTING))
        self.before, self.combined_before = now, combined

    @property
    def steep(self):
        """Where the quotients grow to the end: a vertical tangent, or a jump."""
        return (self.growing >= LASTING) & ~self.done

    def estimate(self) -> Estimate:
        """What came out; infinite for quotients that grow as fast as the step shrinks: the difference stays, a jump."""
        jump = (self.jumps >= LASTING) & ~self.done
        return Estimate(
            np.where(jump, np.copysign(np.inf, self.before), self.value), np.where(jump, np.inf, self.error)
        )


# -- arguments and results ---------------------------------------------------------------------------------------------


def _floating(leaf):
    """A copy of ``leaf`` in double precision."""
    array = as_value(leaf)
    if array.dtype.kind not in "fciub":
        raise DtypeError(f"numerical_gradient: x has dtype {array.dtype}; expected numbers.")
    return np.array(array, dtype=np.complex128 if array.dtype.kind == "c" else np.float64)


def _handed(array, leaf):
    """What ``f`` is given for ``leaf``: a copy, of its kind."""
    if isinstance(leaf, Overloaded):
        return Tensor(array.copy(), None)
    return array.copy() if isinstance(leaf, np.ndarray) else array[()]


def _scalar(result) -> float:
    array = _result(result)
    if array.ndim:
        raise ShapeError(
            f"numerical_gradient: f returned shape {array.shape}; a gradient is of a scalar. Sum the result, or pick "
            "an entry."
        )
    return float(array)


def _result(result):
    array = result.array if isinstance(result, Overloaded) else np.asarray(result)
    if array.dtype.kind not in "fiub":
        raise DtypeError(
            f"numerical_gradient: f returned {type(result).__name__} of dtype {array.dtype}; expected a real scalar."
        )
    return array


def _precision_of_results(f, rebuild, points, leaves) -> float:
    """Rounding error of ``f``: coarser than double precision if it computes in float32 whatever it is given."""
    with Paused():
        result = _result(f(rebuild([_handed(array, leaf) for array, leaf in zip(points, leaves, strict=True)])))
    return float(np.finfo(result.dtype if result.dtype.kind == "f" else np.float64).eps)
