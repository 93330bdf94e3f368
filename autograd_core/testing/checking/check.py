"""check_grads: the derivatives of a user's function held against numbers, in both modes, to any order.

The function is looked at along lines. Its derivative along a direction v, weighed with a random cotangent c, is one
number, and there are three ways to it: slopes of <c, f(x + t v)>, reverse mode <vjp(c), v>, forward mode <c, jvp(v)>.
One random direction for each input tells whether anything is wrong; single entries tell where. A second-order check is
the same check made of the function x -> vjp(c), or x -> jvp(v).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ConversionError, CotangentError, DomainError, DtypeError, GradientCheckError
from ...functional import jvp, vjp
from ...probing import probing
from ...tensor import Overloaded, Tensor, as_value
from ...tree import flatten
from .diagnosis import name_of_leaves
from .inspection import EVERY_ENTRY, MODES, Inspection
from .lines import Arrays, Subject, random_like, raw, scale_of, unpack
from .place import Place
from .verdicts import CANNOT_TELL, SMOOTH, WRONG, GradientReport, UncertainGradientWarning, Verdict


def check_grads(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    rtol: float | None = None,
    atol: float | None = None,
    *,
    raises: bool = True,
) -> GradientReport:
    """Hold the derivatives of ``f`` against numbers, and raise if one is wrong.

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
        Allowed difference, relative to the derivative. If None 1e-6 in float64, 5e-3 in float32 by differences, and
        near rounding where the complex step applies.
    atol : float, optional
        Allowed besides. If None what the numbers themselves are uncertain by.
    raises : bool
        False returns the report whatever it says.

    Returns
    -------
    GradientReport
        One verdict for each input, order and mode: "smooth, agrees", "kink, admissible", "wrong", "cannot tell".

    Raises
    ------
    GradientCheckError
        If a verdict is "wrong": names the argument, the worst entry, both numbers, the tolerance, and the likely cause
        where it can be told; ``.report`` has the rest. Also if ``f`` is not finite, or gives another value when it is
        called again.
    DtypeError
        If no argument is floating or complex.
    DomainError
        If an argument is infinite or NaN.

    Warns
    -----
    UncertainGradientWarning
        If a verdict is "cannot tell": names the input and the reason.

    Notes
    -----
    The numbers are central slopes with Richardson's extrapolation, which knows its own error, and the complex step
    where what it gives is the same as far as differences can tell. At a kink, where the slopes from the left and the
    right differ, any value between those of the derivatives around is admissible; so it is at a jump (0, for
    ``floor``). Where the function has a vertical tangent, as ``sqrt`` at 0, it cannot be told.

    References
    ----------
    Squire & Trapp (1998), "Using complex variables to estimate derivatives of real functions".

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> report = ag.testing.check_grads(lambda x, y: np.tanh(x) @ y, (np.ones((2, 3)), np.ones(3)))
    >>> report.verdict
    'smooth, agrees'
    """
    if order < 1 or not modes or not set(modes) <= set(MODES):
        raise ValueError(
            f'check_grads: order must be 1 or more and modes drawn from "rev", "fwd"; got {order!r}, {modes!r}.'
        )
    subject = _subject(f, tuple(args) if isinstance(args, (tuple, list)) else (args,))
    verdicts: list[Verdict] = []
    with probing(False):  # a user's own operation is judged here, with more to say than a refusal
        trouble = _check(subject, order, tuple(modes), (rtol, atol), verdicts)
    verdicts.sort(key=lambda found: found.order)
    report = GradientReport(subject.title, tuple(verdicts))
    if raises:
        _tell(report, trouble)
    return report


def _tell(report: GradientReport, trouble: str) -> None:
    """Raise for what is wrong, warn of what is uncertain."""
    if trouble or report.of(WRONG):
        error = GradientCheckError(report.message or trouble)
        error.report = report
        raise error
    uncertain = report.of(CANNOT_TELL)
    if uncertain:
        said = "; ".join(f"{v.name}, order {v.order}, {v.mode}: {v.reason}" for v in uncertain[:3])
        more = f"; and {len(uncertain) - 3} more" if len(uncertain) > 3 else ""
        warnings.warn(
            f"check_grads({report.title}): cannot tell whether all gradients are right. {said}{more}.",
            UncertainGradientWarning,
            stacklevel=3,
        )


def _subject(f: Callable[..., Any], args: tuple[Any, ...]) -> Subject:
    """``f`` as a function of the list of what is differentiated."""
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
    return Subject(flat, points, [names[index] for index in active], getattr(f, "__name__", "f"))


def _check(subject: Subject, order: int, modes: tuple[str, ...], tolerances, verdicts: list[Verdict]) -> str:
    """Add the verdicts on ``subject`` and its derivatives; what kept them from being found, or ""."""
    subject.look()
    trouble = _trouble(subject)
    if trouble:
        verdicts.extend(_untold(subject, mode, trouble) for mode in modes)
        # A derivative that is not finite has been judged as one already.
        return "" if subject.trail and not np.isfinite(subject.here).all() else trouble
    generator = np.random.default_rng(0)
    # Multiples of 1/16, so that x + t v is exact for steps t that are powers of two.
    directions = [random_like(x, generator) * scale_of(x) for x in subject.points]
    place = Place(subject, directions, *tolerances)
    closely = set() if subject.trail else _small(subject.points)
    for mode in modes:
        try:
            found = Inspection(place, mode, closely).verdicts()
        except CotangentError as error:
            found = [_untold(subject, mode, f"{subject} ({MODES[mode]}): {error}", WRONG)]
        verdicts.extend(found)
        # In the modes that follow, entries only where this one showed something.
        closely = {position for position, verdict in enumerate(found) if verdict.verdict != SMOOTH}
        if order > 1 and not any(v.verdict == WRONG for v in found):
            derivative = Subject(
                _derivative(subject, mode, place.cts, directions),
                subject.points,
                subject.names,
                subject.title,
                (*subject.trail, mode),
                subject.precision,
                subject.compiled,
            )
            trouble = trouble or _check(derivative, order - 1, modes, tolerances, verdicts)
    return trouble


def _small(points: Arrays) -> set[int]:
    """Positions of the smallest inputs, as many as have together few enough entries to look at each."""
    chosen, total = set(), 0
    for position in sorted(range(len(points)), key=lambda position: points[position].size):
        total += points[position].size
        if total <= 2 * EVERY_ENTRY:
            chosen.add(position)
    return chosen


def _untold(subject: Subject, mode: str, why: str, verdict: str = CANNOT_TELL) -> Verdict:
    name = ", ".join(subject.names)
    return Verdict(name, len(subject.trail) + 1, " over ".join((mode, *reversed(subject.trail))), verdict, why)


def _trouble(subject: Subject) -> str:
    """What the values show that keeps a function from being checked."""
    for value, other in zip(subject.like, subject.values(subject.points), strict=True):
        if not np.isfinite(value).all():
            return f"{subject}: the value is not finite ({value!r:.200}); choose arguments where it is."
        if not np.allclose(value, other, rtol=1e3 * np.finfo(value.dtype).eps, atol=0):
            return (
                f"{subject}: called twice with the same arguments, the function gave {value!r:.200} and then "
                f"{other!r:.200}; it is not deterministic, and differences of it mean nothing. Draw random numbers "
                "outside of it, or from a generator that it seeds itself."
            )
    return "" if subject.like else f"{subject}: the function returned nothing floating, so there is nothing to check."


def _derivative(subject: Subject, mode: str, weights, direction: Arrays) -> Callable[[Arrays], Arrays]:
    """The first derivative as a function of the point."""
    if mode == "fwd":
        tangents = [Tensor(t, None) for t in direction]
        return lambda xs: jvp(subject.function, (xs,), (tangents,))[1]
    constants = [Tensor(ct, None) for ct in unpack(weights, subject.like)]
    return lambda xs: vjp(subject.function, xs)[1](constants)[0]


def _kind(value) -> str:
    if not isinstance(value, Overloaded) and not isinstance(value, (np.ndarray, np.generic, float, complex, int)):
        raise ConversionError(f"check_grads: the function returned a {type(value).__name__}; expected Tensors.")
    return raw(value).dtype.kind


def _is_differentiable(leaf) -> bool:
    if isinstance(leaf, (Overloaded, np.ndarray, np.generic)):
        return leaf.dtype.kind in "fc"
    return isinstance(leaf, (float, complex))
