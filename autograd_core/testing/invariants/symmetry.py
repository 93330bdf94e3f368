"""Invariants of functions with a symmetry: what it means for their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import DomainError
from .program import EACH_ENTRY, Arrays, Program, agree, noise, tolerance, units


def translation(
    f: Callable[..., Any], args: Any, total: float = 1.0, argnum: int = 0, rtol: float | None = None, seed: int = 0
) -> None:
    """Of a function with ``f(x + c) = f(x) + total * c``: each gradient adds up to ``total``, and is the same at x + c.

    For example ``total`` is 1 for ``max``, ``mean``, ``median`` and ``logsumexp``, 0 for ``softmax``, ``var`` and
    ``x - mean(x)``, and n for a sum of n entries.

    Parameters
    ----------
    f : callable
        Returns a Tensor, or a nested structure of Tensors.
    args : tuple or list
        Its positional arguments: nested structures; a single one may be given bare.
    total : float
    argnum : int
        Which argument is moved: all its entries by the same number.
    rtol : float, optional
        Allowed difference, relative to the terms that are added up. If None what rounding leaves.
    seed : int
        Of what is random: c, and the cotangents of large results.

    Raises
    ------
    GradientCheckError
        If the gradient does not add up, or changes; or the function is none of this kind.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.translation(np.max, np.array([1.0, 5.0, 2.0]))
    >>> ag.testing.invariants.translation(ag.numpy.special.softmax, np.array([1.0, 5.0, 2.0]), total=0)
    """
    program = Program("invariants.translation", f, args)
    moved = _of_argument(program, argnum)
    generator = np.random.default_rng(seed)
    values, pull = program.pulled()
    allowed = tolerance([*values, *program.points], rtol)
    shift = generator.integers(8, 16) / 16  # exact where the entries are no larger than 2**40
    there = [x + np.asarray(shift, x.dtype) if at in moved else x for at, x in enumerate(program.points)]
    others, pull_there = program.pulled(there)
    names = _results(values)
    expected = [value + np.asarray(total * shift, value.dtype) for value in values]
    agree(
        program,
        f"f(x + {shift})",
        names,
        others,
        expected,
        f"f(x) + {total * shift:.6g} is",
        allowed,
        _sizes(there, values),
    )
    for name, cts in _cotangents(values, generator):
        pulled = pull(cts)
        found = sum(np.sum(pulled[at]) for at in moved)
        size = sum(np.sum(np.abs(pulled[at])) for at in moved)
        wanted = total * sum(np.sum(ct) for ct in cts)
        what = f"the sum of the gradient of {name}"
        agree(program, what, [_joined(program, moved)], [found], [wanted], "expected", allowed, [size])
        own = [program.names[at] for at in moved]
        found_there, found_here = ([all_of[at] for at in moved] for all_of in (pull_there(cts), pulled))
        agree(program, f"the gradient of {name} at x + {shift}", own, found_there, found_here, "at x it is", allowed)


def homogeneity(
    f: Callable[..., Any],
    args: Any,
    degree: float = 1.0,
    argnums: Sequence[int] | None = None,
    rtol: float | None = None,
    seed: int = 0,
) -> None:
    """Of a function with ``f(s x) = s**degree * f(x)``, s > 0: Euler's rule ``<gradient, x> = degree * f(x)``.

    And the gradient scales as ``s**(degree - 1)``. For example the degree is 1 for norms, ``abs`` and ``max``, 2 for a
    product of two arguments, 0 for ``x / norm(x)``, and n for the determinant of n x n matrices.

    Parameters
    ----------
    f, args, rtol, seed
        As for ``translation``.
    degree : float
    argnums : sequence of int, optional
        Arguments that are scaled together; all by default.

    Raises
    ------
    GradientCheckError
        If Euler's rule does not hold, in one mode or the other; or the function is none of this kind.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.homogeneity(np.linalg.norm, np.array([3.0, 4.0]))
    >>> ag.testing.invariants.homogeneity(np.linalg.det, np.array([[2.0, 1.0], [0.5, 3.0]]), degree=2)
    """
    program = Program("invariants.homogeneity", f, args)
    scaled = _all_of(program, argnums)
    generator = np.random.default_rng(seed)
    values, pull = program.pulled()
    allowed = tolerance([*values, *program.points], rtol)
    there = [2 * x if at in scaled else x for at, x in enumerate(program.points)]
    others, pull_there = program.pulled(there)
    names = _results(values)
    wanted = [np.asarray(2.0**degree * value, value.dtype) for value in values]
    agree(program, "f(2 x)", names, others, wanted, f"2**{degree:g} f(x) is", allowed)
    tangents = [x if at in scaled else np.zeros_like(x) for at, x in enumerate(program.points)]
    with np.errstate(all="ignore"):
        wanted = [np.asarray(degree * value, value.dtype) for value in values]
    agree(program, "jvp(x)", names, program.pushed(tangents), wanted, f"{degree:g} f(x) is", allowed, values)
    for name, cts in _cotangents(values, generator):
        pulled = pull(cts)
        terms = [np.real(np.conj(pulled[at]) * program.points[at]) for at in scaled]
        found, size = sum(np.sum(term) for term in terms), sum(np.sum(np.abs(term)) for term in terms)
        euler = degree * sum(np.sum(np.real(np.conj(ct) * value)) for ct, value in zip(cts, values, strict=True))
        what = f"<gradient, x> of {name}"
        agree(program, what, [_joined(program, scaled)], [found], [euler], f"{degree:g} f(x) is", allowed, [size])
        expected = [
            np.asarray(2.0 ** (degree - 1) * ct if at in scaled else 2.0**degree * ct, ct.dtype)
            for at, ct in enumerate(pulled)
        ]
        what = f"the gradient of {name} at 2 x"
        agree(program, what, program.names, pull_there(cts), expected, f"2**{degree - 1:g} times that at x is", allowed)


def permutation(
    f: Callable[..., Any],
    args: Any,
    axis: int = 0,
    result_axis: int | None = None,
    argnum: int = 0,
    rtol: float | None = None,
    seed: int = 0,
) -> None:
    """Of a function that does not care for an order: the gradient at permuted inputs is the permuted gradient.

    Parameters
    ----------
    f, args, rtol, seed
        As for ``translation``.
    axis : int
        Of argument ``argnum``, along which its entries are put in another order.
    result_axis : int, optional
        Axis of the results that is in the new order too (elementwise functions, ``softmax``, a layer on a batch). None:
        the results are the same (``sum``, ``max``, a loss).
    argnum : int

    Raises
    ------
    GradientCheckError
        If the gradient is not permuted as the input is; or the function does care.
    DomainError
        If the argument has no such axis.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.permutation(np.prod, np.array([1.0, 5.0, 2.0]))
    >>> ag.testing.invariants.permutation(np.cumsum, np.ones((3, 2)), axis=1)
    Traceback (most recent call last):
    ...
    autograd_core.errors.GradientCheckError: ...
    """
    program = Program("invariants.permutation", f, args)
    moved = _of_argument(program, argnum)
    generator = np.random.default_rng(seed)
    for at in moved:
        if not -program.points[at].ndim <= axis < program.points[at].ndim:
            raise DomainError(
                f"invariants.permutation: {program.names[at]} has shape {program.points[at].shape}, so "
                f"there is no axis {axis}."
            )
    order = _shuffled(program.points[moved[0]].shape[axis], generator)

    def permuted(arrays: Arrays, axis: int | None, which: Sequence[int] | None = None) -> Arrays:
        if axis is None:
            return arrays
        return [np.take(x, order, axis) if which is None or at in which else x for at, x in enumerate(arrays)]

    values, pull = program.pulled()
    others, pull_there = program.pulled(permuted(program.points, axis, moved))
    allowed = tolerance([*values, *program.points], rtol)
    agree(
        program, "f(permuted x)", _results(values), others, permuted(values, result_axis),
        "f(x) is" if result_axis is None else "the permuted f(x) is", allowed,
    )  # fmt: skip
    cts = noise(values, generator)
    found = pull_there(permuted(cts, result_axis))
    agree(
        program, "the gradient at permuted x", program.names, found, permuted(pull(cts), axis, moved),
        "the permuted gradient is", allowed,
    )  # fmt: skip


def _shuffled(count: int, generator: np.random.Generator) -> Any:
    """A permutation that moves something, where that is possible."""
    order = generator.permutation(count)
    return np.roll(np.arange(count), 1) if (order == np.arange(count)).all() else order


def _of_argument(program: Program, argnum: int) -> list[int]:
    found = [at for at, name in enumerate(program.names) if name.startswith(f"args[{argnum}]")]
    if not found:
        raise DomainError(
            f"{program.asked}: argument {argnum} has no floating entries; there are {', '.join(program.names)}."
        )
    return found


def _all_of(program: Program, argnums: Sequence[int] | None) -> list[int]:
    if argnums is None:
        return list(range(len(program.points)))
    return [at for argnum in argnums for at in _of_argument(program, argnum)]


def _results(values: Arrays) -> list[str]:
    return ["the result"] if len(values) == 1 else [f"result {number}" for number in range(len(values))]


def _sizes(points: Arrays, values: Arrays) -> Arrays:
    """What the values are rounded to, though they may be small themselves: the sizes of the points."""
    largest = max(float(np.max(np.abs(x), initial=0.0)) for x in points)
    return [np.full(value.shape, largest) for value in values]


def _joined(program: Program, which: Sequence[int]) -> str:
    return " and ".join(program.names[at] for at in which)


def _cotangents(values: Arrays, generator: np.random.Generator) -> list[tuple[str, Arrays]]:
    """One entry after the other where there are few, else all at once with random weights."""
    if sum(value.size for value in values) > EACH_ENTRY:
        return [("the results, weighed at random,", noise(values, generator))]
    found = []
    for number, (name, value) in enumerate(zip(_results(values), values, strict=True)):
        for entry, unit in units(value):
            cts = [unit if at == number else np.zeros_like(other) for at, other in enumerate(values)]
            found.append((name + (f", entry {list(entry)}," if entry else ""), cts))
    return found
