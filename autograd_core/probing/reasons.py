"""Why a rule is probably wrong, in a sentence: told from how its numbers differ from the right ones."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .arrays import Arrays, same


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a wrong gradient of one argument.

    Attributes
    ----------
    shape : tuple of int
        Of the argument.
    result_shapes : list of tuple of int
    entries : list of (index, 1 or i)
        The real entries that were looked at.
    by_rule, numerical : array
        For these entries.
    full : bool
        Whether these are all entries.
    is_frozen : bool
        Whether the rule gave the same at another point, where the right gradient is another.
    others : list of (str, array)
        The right gradient of each other argument of this shape, for all entries; names beside.
    point : array
        The argument, at these entries.
    turned : array
        By the rule, for these entries, with the upstream and the result conjugated.
    is_diagonal : bool
        Whether the rule lets a result depend on its own entry alone, where it depends on others.
    """

    shape: tuple[int, ...]
    result_shapes: list[tuple[int, ...]]
    entries: list[tuple[tuple[int, ...], complex]]
    by_rule: Any
    numerical: Any
    full: bool
    is_frozen: bool
    others: list[tuple[str, Any]]
    point: Any
    turned: Any
    is_diagonal: bool


def first_order(evidence: Evidence, close: float) -> str:
    """Likely cause of a wrong first derivative; "" if none can be told."""
    rule, right = evidence.by_rule, evidence.numerical
    if not np.isfinite(rule).all():
        return "The rule gives NaN or infinity where the derivative is finite; guard it where it divides by zero."
    size = float(np.abs(right).max(initial=0.0))
    if size == 0.0 or float(np.abs(rule).max(initial=0.0)) > 1e6 * size:
        return "The result does not depend on this argument there, and yet it has a gradient."
    if not rule.any():
        return "The rule gives 0 everywhere: a path of the derivative is missing."
    causes = (_sign_or_factor, _conjugate, _transposed, _swapped, _broadcast, _power, _diagonal, _frozen, _some)
    for told in causes:
        said = told(evidence, close)
        if said:
            return said
    return ""


def _near(a: Any, b: Any, close: float) -> bool:
    size = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    return bool(np.all(np.abs(a - b) <= close * size))


def _ratio(rule: Any, right: Any, close: float) -> float | None:
    """The number that every entry of ``rule`` is times that of ``right``; None if there is none."""
    large = np.abs(right) > 1e-3 * np.abs(right).max()
    ratio = float(np.median(rule[large] / right[large]))
    return ratio if _near(rule, ratio * right, close) else None


def _sign_or_factor(evidence: Evidence, close: float) -> str:
    ratio = _ratio(evidence.by_rule, evidence.numerical, close)
    if ratio is None or (evidence.by_rule.size == 1 and evidence.is_frozen):
        return ""
    if abs(ratio + 1.0) <= close:
        return "The sign is reversed."
    simple = Fraction(ratio).limit_denominator(64)
    named = str(simple) if abs(float(simple) - ratio) <= close * abs(ratio) else f"{ratio:.4g}"
    if evidence.by_rule.size == 1 and "/" in named and simple.denominator > 12:
        return ""  # one number alone: any ratio is close to some fraction
    said = f"Each entry is {named} times what it should be: a constant factor is missing or too much"
    shape, out = evidence.shape, evidence.result_shapes[0] if evidence.result_shapes else ()
    count = int(np.prod(out, dtype=int)) // max(int(np.prod(shape, dtype=int)), 1)
    if count > 1 and simple.numerator == 1 and simple.denominator == count:
        return f"{said}, a mean over the broadcast where it must be a sum."
    return said + "."


def _conjugate(evidence: Evidence, close: float) -> str:
    units = np.array([unit for _, unit in evidence.entries])
    if not (units == 1j).any():
        return ""
    turned = np.where(units == 1j, -evidence.numerical, evidence.numerical)
    if any(
        _near(a, b, close)
        for a, b in (
            (evidence.by_rule, turned),
            (evidence.by_rule, -turned),
            (evidence.turned, evidence.numerical),
        )
    ):
        return "A complex conjugate is missing or too much."
    return ""


def _transposed(evidence: Evidence, close: float) -> str:
    shape = evidence.shape
    if len(shape) != 2 or shape[0] < 2 or shape[1] < 2:
        return ""
    place = {entry: position for position, entry in enumerate(evidence.entries)}
    rule, right = evidence.by_rule, evidence.numerical
    if shape[0] == shape[1]:
        pairs = [(p, place.get((index[::-1], unit))) for (index, unit), p in place.items()]
        turned = [(rule[p], right[q]) for p, q in pairs if q is not None]
    elif evidence.full and len(place) == shape[0] * shape[1]:
        turned = list(zip(rule, right.reshape(shape).T.ravel(), strict=True))
    else:
        return ""
    a, b = np.array(turned).T if turned else (np.zeros(1), np.ones(1))
    return "The gradient is transposed." if len(turned) > 2 and _near(a, b, close) else ""


def _swapped(evidence: Evidence, close: float) -> str:
    if not evidence.full:
        return ""
    for name, right in evidence.others:
        if right.shape == evidence.by_rule.shape and _near(evidence.by_rule, right, close):
            return f"It is the gradient of {name}: the rules are swapped."
    return ""


def _broadcast(evidence: Evidence, close: float) -> str:
    shape = evidence.shape
    for out in evidence.result_shapes:
        if out != shape and _stretches(shape, out):
            return f"This argument, of shape {shape}, was broadcast to {out}: the sum over the broadcast is missing."
    return ""


def _stretches(shape: tuple[int, ...], out: tuple[int, ...]) -> bool:
    padded = (1,) * (len(out) - len(shape)) + shape
    return len(padded) == len(out) and all(a in (1, b) for a, b in zip(padded, out, strict=True))


def _power(evidence: Evidence, close: float) -> str:
    point, rule, right = evidence.point, evidence.by_rule, evidence.numerical
    if np.iscomplexobj(point) or not point.all():
        return ""
    for power, what in ((1, "missing"), (2, "missing twice"), (-1, "too much"), (-2, "twice too much")):
        if _near(rule * point**power, right, close):
            return f"A factor of the argument itself is {what}."
    return ""


def _diagonal(evidence: Evidence, close: float) -> str:
    if evidence.is_diagonal:
        return "Each result depends on other entries, too: the rule has the diagonal of the Jacobian only."
    return ""


def _frozen(evidence: Evidence, close: float) -> str:
    if evidence.is_frozen:
        return (
            "The rule gives the same for other arguments: it uses a value that was computed before, or leaves out the "
            "inner derivative."
        )
    return ""


def _some(evidence: Evidence, close: float) -> str:
    size = float(np.abs(evidence.numerical).max())
    wrong = np.abs(evidence.by_rule - evidence.numerical) > close * size
    count = int(wrong.sum())
    if count < wrong.size:
        return f"{count} of the {wrong.size} entries looked at are wrong, the others right."
    return ""


# -- upstream ----------------------------------------------------------------------------------------------------------


def upstream(zero: Arrays, one: Arrays, two: Arrays, minus: Arrays) -> str:
    """Why a rule is not linear, from what it gives for the upstream times 0, 1, 2 and -1."""
    if same(one, two) and same(one, zero):
        return "The upstream is ignored: the rule gives the same for every upstream; multiply by it."
    if any(z is not None and np.any(z) for z in zero):
        return "It adds something that does not depend on the upstream: for an upstream of zero it gives not zero."
    if _times(minus, one, 1.0):
        if _times(two, one, 2.0):
            return "The sign of the upstream is lost: an absolute value of it, or its norm, is taken."
        if _times(two, one, 4.0):
            return "The upstream is squared: twice the upstream gives four times the gradient."
    if _times(two, one, 1.0):
        return "The size of the upstream is lost: it is normalised, or only its sign is used."
    return "Twice the upstream does not give twice the gradient, or a large one is clipped."


def _times(many: Arrays, one: Arrays, factor: float) -> bool:
    return all(
        (a is None) == (b is None) and (a is None or _near(a, factor * b, 1e-3)) for a, b in zip(many, one, strict=True)
    )


# -- second order ------------------------------------------------------------------------------------------------------


def second_order(by_rule: float, numerical: float) -> str:
    """Why a second derivative is wrong though the first is right."""
    if abs(by_rule) <= 1e-6 * abs(numerical):
        how = "it is cut off: differentiating the rule gives 0"
    else:
        how = "a part of it is cut off"
    return (
        f"The first derivative is right, and {how}. The rule uses a value that left the graph (.numpy(), float(), a "
        "NumPy array computed before, stop_gradient) or is from another call; use the Tensors that it is given."
    )
