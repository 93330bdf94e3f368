"""check_grads: the gradients of a user's function against differences, in both modes, to any order.

The function is looked at along lines. Its derivative along a direction v, weighed with a random cotangent c, is one
number, and there are three ways to it: differences of <c, f(x + t v)>, reverse mode <vjp(c), v>, forward mode
<c, jvp(v)>. One random direction tells whether anything is wrong; single entries tell where. A second-order check is
the same check made of the function x -> vjp(c), or x -> jvp(v).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ConversionError, CotangentError, DomainError, DtypeError, GradientCheckError
from ..functional import jvp, vjp
from ..tensor import Overloaded, Tensor, as_value
from ..tree import flatten
from .diagnosis import likely_cause, name_of_leaves
from .lines import Arrays, Comparison, Line, Subject, pair, random_like, raw, scale_of

MODES = {"rev": "reverse mode", "fwd": "forward mode"}
EVERY_ENTRY = 64  # up to so many entries each one is looked at, not only a random direction
SAMPLED_ENTRIES = 32  # of a larger input, once a direction shows a kink


def check_grads(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Raise if the derivatives of ``f`` disagree with differences of its values.

    Parameters
    ----------
    f : callable
        Returns a floating or complex Tensor, or a nested structure of Tensors; integer results are left out.
    args : tuple or list
        The positional arguments of ``f``: nested structures. Floating and complex entries are differentiated, others
        held fixed. ``f`` is evaluated in the dtypes given, on Tensors. A single argument may be given bare.
    order : int
        2 checks the gradient of the gradient too, 3 one more.
    modes : sequence of "rev", "fwd"
        Reverse mode (``vjp``), forward mode (``jvp``).
    rtol : float, optional
        Allowed difference, relative to the derivative. If None 1e-6 in float64, 5e-3 in float32.
    atol : float, optional
        Allowed besides. If None what the differences themselves are uncertain by, but no more than ``rtol`` times the
        value of ``f``.

    Raises
    ------
    GradientCheckError
        Naming the argument, the worst entry, both numbers, the tolerance, and the likely cause where it can be told;
        also if ``f`` is not finite, or gives another value when it is called again.
    DtypeError
        If no argument is floating or complex.
    DomainError
        If an argument is infinite or NaN.

    Notes
    -----
    Where ``f`` has a kink the derivatives from the left and the right differ, and any value between them is accepted;
    where it jumps there is no derivative, and any finite value is.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.check_grads(lambda x, y: np.tanh(x) @ y, (np.ones((2, 3)), np.ones(3)))
    """
    if order < 1 or not modes or not set(modes) <= set(MODES):
        raise ValueError(
            f'check_grads: order must be 1 or more and modes drawn from "rev", "fwd"; got {order!r}, {modes!r}.'
        )
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    leaves, rebuild = flatten(args)
    names = name_of_leaves(args)
    active = [index for index, leaf in enumerate(leaves) if _is_differentiable(leaf)]
    if not active:
        raise DtypeError(
            f"check_grads: none of the {len(leaves)} arguments is a floating or complex value; integers have no "
            "derivative. Write 3.0 instead of 3."
        )

    def flat(xs: Arrays) -> Arrays:
        filled = list(leaves)
        for index, x in zip(active, xs, strict=True):
            filled[index] = x
        return [out for out in flatten(f(*rebuild(filled)))[0] if _kind(out) in "fc"]

    points = [np.array(as_value(leaves[index])) for index in active]
    for index, point in zip(active, points, strict=True):
        if not np.isfinite(point).all():
            raise DomainError(
                f"check_grads: {names[index]} is not finite ({point!r:.200}); there are no differences to take at it. "
                "Choose another point, or hold this argument fixed in a lambda."
            )
    subject = Subject(flat, points, [names[index] for index in active], getattr(f, "__name__", "f"), (), rtol, atol)
    _check(subject, order, tuple(modes))


def _check(subject: Subject, order: int, modes: tuple[str, ...]) -> None:
    generator = np.random.default_rng(0)
    cts = _cotangents(subject, generator)
    # Multiples of 1/16, so that x + t v is exact for steps t that are powers of two.
    direction = [random_like(x, generator) * scale_of(x) for x in subject.points]
    slopes = {mode: _slope(subject, mode, cts) for mode in modes}
    line = Line(subject, cts)
    numerical = line.central(direction)
    small = sum(x.size for x in subject.points) <= EVERY_ENTRY
    for mode in modes:
        along = line.compare(slopes[mode](direction), numerical)
        if not along.agrees:
            _locate(line, mode, slopes[mode], direction, along)
    if small and not subject.trail:
        _check_entries(line, modes[0], slopes[modes[0]], _entries(subject.points))
    if order > 1:
        for mode in modes:
            derivative = _derivative(subject, mode, cts, direction)
            _check(replace(subject, function=derivative, trail=(*subject.trail, mode)), order - 1, modes)


def _cotangents(subject: Subject, generator) -> Arrays:
    """Random cotangents, scaled so that each result weighs about 1; looks at the values for what cannot be checked."""
    values, again = subject.values(subject.points), subject.values(subject.points)
    cts = []
    for value, other in zip(values, again, strict=True):
        if not np.isfinite(value).all():
            raise GradientCheckError(
                f"{subject}: the value is not finite ({value!r:.200}); choose arguments where it is."
            )
        if not np.allclose(value, other, rtol=1e3 * np.finfo(value.dtype).eps, atol=0):
            raise GradientCheckError(
                f"{subject}: called twice with the same arguments, the function gave {value!r:.200} and then "
                f"{other!r:.200}; differences of it mean nothing. Draw random numbers outside of it, or from a "
                "generator that it seeds itself."
            )
        size = float(np.abs(value).max(initial=0.0))
        cts.append((random_like(value, generator) / (size if size > 0 else 1.0)).astype(value.dtype))
    if not cts:
        raise GradientCheckError(f"{subject}: the function returned nothing floating, so there is nothing to check.")
    if subject.is_gradient(cts):
        cts = [np.ones_like(cts[0])]
    return cts


def _slope(subject: Subject, mode: str, cts: Arrays) -> Callable[[Arrays], float]:
    """Derivative by rule, as a function of the direction."""
    if mode == "fwd":
        derivative = jvp
        return lambda direction: pair(cts, derivative(subject.function, (subject.points,), (direction,))[1])[0]
    try:
        (pulled,) = vjp(subject.function, subject.points)[1](cts)
    except CotangentError as error:
        raise GradientCheckError(f"{subject} ({MODES[mode]}): {error}") from error
    return lambda direction: pair(pulled, direction)[0]


def _derivative(subject: Subject, mode: str, cts: Arrays, direction: Arrays) -> Callable[[Arrays], Arrays]:
    """The first derivative as a function of the point."""
    if mode == "fwd":
        tangents = [Tensor(t, None) for t in direction]
        return lambda xs: jvp(subject.function, (xs,), (tangents,))[1]
    constants = [Tensor(ct, None) for ct in cts]
    return lambda xs: vjp(subject.function, xs)[1](constants)[0]


# -- single entries ----------------------------------------------------------------------------------------------------


def _entries(points: Arrays) -> list[tuple[int, tuple[int, ...], complex]]:
    """Triples (point, index, 1 or i) for all real entries."""
    return [
        (position, index, unit)
        for position, x in enumerate(points)
        for index in np.ndindex(x.shape)
        for unit in ((1.0, 1j) if x.dtype.kind == "c" else (1.0,))
    ]


def _one_entry(points: Arrays, entry) -> Arrays:
    position, index, unit = entry
    direction = [np.zeros_like(x) for x in points]
    direction[position][index] = unit * scale_of(points[position])[index]
    return direction


def _check_entries(line: Line, mode: str, slope, entries) -> bool:
    """Look at ``entries`` one by one; False if all agree, True if some agree only because the function has a kink."""
    found: dict[Any, Comparison] = {}
    excused = False
    for entry in entries:
        direction = _one_entry(line.subject.points, entry)
        comparison = line.compare(slope(direction), line.central(direction))
        found[entry] = comparison
    wrong = {}
    for entry, comparison in found.items():
        if not comparison.agrees:
            if line.excused(comparison.by_rule, _one_entry(line.subject.points, entry)):
                excused = True
            else:
                wrong[entry] = comparison
    if wrong:
        worst = max(wrong, key=lambda entry: _badness(wrong[entry]))
        raise _error(line, mode, worst, wrong[worst], found)
    return excused


def _locate(line: Line, mode: str, slope, direction: Arrays, along: Comparison) -> None:
    """A direction disagrees: raise naming the worst entry, or return if kinks excuse every one."""
    entries = _entries(line.subject.points)
    if len(entries) <= EVERY_ENTRY:
        if _check_entries(line, mode, slope, entries):
            return
        raise _error(line, mode, None, along, {})
    if line.excused(along.by_rule, direction):
        # Too many entries to look at each: some of them, and a point beside the kink.
        generator = np.random.default_rng(1)
        some = [entries[i] for i in generator.choice(len(entries), SAMPLED_ENTRIES, replace=False)]
        _check_entries(line, mode, slope, some)
        beside = [np.asarray(x + 0.01 * random_like(x, generator) * scale_of(x), x.dtype) for x in line.subject.points]
        moved = replace(line.subject, points=beside)
        elsewhere = Line(moved, line.cts)
        comparison = elsewhere.compare(_slope(moved, mode, line.cts)(direction), elsewhere.central(direction))
        if comparison.agrees:
            return
    # Halve the direction as long as one half disagrees by itself.
    while len(entries) > EVERY_ENTRY:
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            part = _restricted(direction, half)
            comparison = line.compare(slope(part), line.central(part))
            if not comparison.agrees:
                entries, along = half, comparison
                break
        else:
            raise _error(line, mode, None, along, {})
    _check_entries(line, mode, slope, entries)
    raise _error(line, mode, None, along, {})


def _restricted(direction: Arrays, entries) -> Arrays:
    part = [np.zeros_like(v) for v in direction]
    for position, index, _ in entries:
        part[position][index] = direction[position][index]
    return part


def _badness(comparison: Comparison) -> float:
    difference = abs(comparison.by_rule - comparison.numerical.value)
    return np.inf if np.isnan(difference) else difference


def _error(line: Line, mode: str, entry, comparison: Comparison, found) -> GradientCheckError:
    subject = line.subject
    if entry is None:
        where, scale = "along a random direction", 1.0
    else:
        position, index, unit = entry
        scale = float(scale_of(subject.points[position])[index])
        where = f"for {subject.names[position]}" + (f", entry {list(index)}" if index else "")
        where += ", imaginary part" if unit == 1j else ""
    after = "".join(f" of the {MODES[done]} derivative" for done in reversed(subject.trail))
    by_rule, numerical = comparison.by_rule / scale, comparison.numerical.value / scale
    cause = _cause(subject.points, found)
    return GradientCheckError(
        f"{subject}: the derivative{after} in {MODES[mode]} {where} is {by_rule:.10g}; differences give "
        f"{numerical:.10g} (uncertain by {comparison.numerical.error / scale:.2g}). They differ by "
        f"{abs(by_rule - numerical):.3g}, allowed {comparison.allowed / scale:.3g} (rtol={line.rtol:.3g}, "
        f"atol={'as uncertain' if subject.atol is None else subject.atol})."
        + ("" if subject.is_gradient(line.cts) else " The results are weighed with a random cotangent.")
        + (f" Likely cause: {cause}" if cause else "")
    )


def _cause(points: Arrays, found) -> str:
    """Likely cause, from the first point with a wrong entry for which one can be told."""
    for position, x in enumerate(points):
        entries = [entry for entry in found if entry[0] == position]
        if all(found[entry].agrees for entry in entries):
            continue
        scale = np.array([float(scale_of(x)[index]) for _, index, _ in entries])
        by_rule = np.array([found[entry].by_rule for entry in entries]) / scale
        numerical = np.array([found[entry].numerical.value for entry in entries]) / scale
        cause = likely_cause(x.shape, by_rule, numerical)
        if cause:
            return cause
    return ""


def _kind(value) -> str:
    if not isinstance(value, Overloaded) and not isinstance(value, (np.ndarray, np.generic, float, complex, int)):
        raise ConversionError(f"check_grads: the function returned a {type(value).__name__}; expected Tensors.")
    return raw(value).dtype.kind


def _is_differentiable(leaf) -> bool:
    if isinstance(leaf, (Overloaded, np.ndarray, np.generic)):
        return leaf.dtype.kind in "fc"
    return isinstance(leaf, (float, complex))
