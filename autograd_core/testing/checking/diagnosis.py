"""What is probably wrong with a gradient, told from how it differs from the numerical one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np


def name_of_leaves(args: Sequence[Any]) -> list[str]:
    """How each leaf of the arguments would be written: ``args[0]``, ``args[1]['w'][2]``; in the order of flatten."""
    names: list[str] = []

    def visit(structure, name):
        if isinstance(structure, dict):
            for key, child in structure.items():
                visit(child, f"{name}[{key!r}]")
        elif isinstance(structure, (list, tuple)):
            for index, child in enumerate(structure):
                visit(child, f"{name}[{index}]")
        else:
            names.append(name)

    visit(args, "args")
    return names


CLOSE = 1e-3  # two numbers are taken for the same: a cause is a guess, not a proof


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a wrong gradient.

    Attributes
    ----------
    shape : tuple of int
        Of the argument.
    is_complex : bool
        Entries then come in pairs, along 1 and along i.
    by_rule, numerical : array, 1-d
        Derivatives for the entries that were looked at, in order.
    cts : array, 1-d
        Weights of the results.
    conjugated : array, 1-d
        The same, conjugated.
    columns : array, shape (results, entries)
        Slope of each result along each entry.
    result_shapes, shapes : tuple of tuple of int
        Of real results; of all results and arguments.
    same_again : bool
        Whether the rule gave the same gradient twice.
    ignored : bool
        Whether it gave the same for another cotangent.
    reverse : bool
        Whether it is reverse mode that is wrong.
    """

    shape: tuple[int, ...]
    is_complex: bool
    by_rule: Any
    numerical: Any
    cts: Any
    conjugated: Any
    columns: Any
    result_shapes: tuple[tuple[int, ...], ...]
    shapes: tuple[tuple[int, ...], ...]
    same_again: bool = True
    ignored: bool = False
    reverse: bool = True


def likely_cause(seen: Evidence) -> str:
    """One sentence, or nothing."""
    if not seen.same_again:
        return "the rule is not deterministic: pulled back twice, the same cotangent gave two gradients."
    if not seen.by_rule.size:
        return ""
    return next((said for said in (look(seen) for look in LOOKS) if said), "")


def _not_finite(seen: Evidence) -> str:
    if np.isfinite(seen.by_rule).all():
        return ""
    return "the rule gives NaN or infinity; guard it where it divides by zero or takes a root or logarithm of it."


def _cut(seen: Evidence) -> str:
    if seen.by_rule.any():
        return ""
    return (
        "the gradient is 0 in every entry looked at: the path is cut (.numpy(), float(), stop_gradient, integers), or "
        "the function reads the value from elsewhere than its arguments."
    )


def _sign(seen: Evidence) -> str:
    return "the sign is reversed." if _same(seen.by_rule, -seen.numerical) else ""


def _conjugate(seen: Evidence) -> str:
    if not seen.is_complex or len(seen.numerical) % 2:
        return ""
    mirror = np.tile([1.0, -1.0], len(seen.numerical) // 2)
    turned = seen.conjugated @ seen.columns  # what the conjugate of the cotangent would give
    if any(_same(seen.by_rule, found) for found in (seen.numerical * mirror, turned, turned * mirror)):
        return "a conjugate: a conj is missing or too much."
    return ""


def _upstream(seen: Evidence) -> str:
    """The same for all cotangents, or right for a cotangent of ones and for no other."""
    if seen.ignored:
        return "the upstream cotangent is ignored: the gradient is the same for another one."
    if not seen.reverse or not len(seen.columns) or np.allclose(seen.cts, 1.0):
        return ""
    if _same(seen.by_rule, seen.columns.sum(axis=0)):
        return "the upstream cotangent is ignored: the gradient is what a cotangent of ones would give."
    return ""


def _factor(seen: Evidence) -> str:
    large = np.abs(seen.numerical) > 1e-6 * np.abs(seen.numerical).max()
    ratios = seen.by_rule[large] / seen.numerical[large]
    if not ratios.size or not _same(ratios, np.full_like(ratios, ratios[0])) or seen.by_rule[~large].any():
        return ""
    factor = _simple(ratios)
    count = next((n for shape in seen.shapes for n in shape if n > 1 and abs(factor * n - 1) < CLOSE), 0)
    mean = f", or a mean was taken where a sum over {count} was due, as after a broadcast" if count else ""
    digits = f"{factor:.6g}" if abs(factor - 1) > 1e-4 else f"1 {'+' if factor > 1 else '-'} {abs(factor - 1):.2g}"
    return f"every entry is {digits} times what it should be: a constant factor is missing or too much{mean}."


def _slice(seen: Evidence) -> str:
    """One slice of the cotangent, or its mean, where a sum over an axis was due."""
    if not seen.reverse or len(seen.result_shapes) != 1:
        return ""
    (shape,) = seen.result_shapes
    if int(np.prod(shape)) != len(seen.cts):
        return ""
    parts = (seen.cts[:, None] * seen.columns).reshape(*shape, -1)
    for axis, side in enumerate(shape):
        rest = tuple(other for other in range(len(shape)) if other != axis)
        sums = parts.sum(axis=rest)
        for index in range(side):
            if side > 1 and _same(seen.by_rule, sums[index]):
                return (
                    f"a sum over a broadcast is missing: only the slice {index} of axis {axis} of the cotangent "
                    "counted, not the sum over all of them."
                )
    return ""


def _transposed(seen: Evidence) -> str:
    if len(seen.shape) < 2 or seen.by_rule.size != int(np.prod(seen.shape)):
        return ""
    by_rule, numerical = seen.by_rule.reshape(seen.shape), seen.numerical.reshape(seen.shape)
    for axes in permutations(range(len(seen.shape))) if len(seen.shape) <= 4 else ():
        turned = numerical.transpose(axes)
        if list(axes) != sorted(axes) and turned.shape == seen.shape and _same(by_rule, turned):
            return "the gradient is transposed."
    return ""


LOOKS = (_not_finite, _cut, _sign, _conjugate, _upstream, _factor, _transposed, _slice)


def _simple(ratios) -> float:
    """What all ratios are about: a simple fraction if there is one, since differences are only so exact."""
    ratio = float(np.median(ratios))
    simple = float(Fraction(ratio).limit_denominator(12))
    return simple if abs(simple - ratio) <= CLOSE * abs(ratio) and simple != 1 else ratio


def _same(a, b) -> bool:
    return bool(np.all(np.abs(a - b) <= CLOSE * np.abs(b).max(initial=0.0)))
