"""Whether a rule is right at the very arguments too, where it may have a guard of its own for 0 or for a tie.

The point beside them has shown it to be right in general. What disagrees here is looked at entry by entry: at a kink
the derivatives on both sides differ, and any gradient is admissible; where they are the same the rule is wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Arrays, is_finite, pair, sizes
from .differences import AGREES, APPROXIMATE, DIFFERS, UNSURE, Line, directions, first_step, judge, slope, tolerance
from .report import CANNOT_TELL, RIGHT, WRONG, Check, ProbeReport
from .subject import Run, Subject
from .wrong import Wrong

MOST_ENTRIES = 12


def check_at_arguments(
    subject: Subject,
    report: ProbeReport,
    here: Run,
    cts: Arrays,
    sent: Arrays,
    eps: float,
    generator: Any,
    reference: float,
) -> None:
    """Compare ``sent``, what the rules gave at the arguments, with differences there.

    ``reference`` is the size of the derivative beside them: a derivative of 0 has no digits of its own.
    """
    if not is_finite(here.values) or not is_finite(sent):
        return
    name = "at the arguments"
    tried = directions(here.points, generator)[-1]
    direction = [np.zeros_like(v) if x is None else v for v, x in zip(tried, sent, strict=True)]
    found = slope(subject, here, cts, direction, first_step(eps))
    comparison = judge(*pair(sent, direction), found.value, found.error, eps)
    if comparison.verdict == AGREES:
        report.add(name, RIGHT, comparison)
        return
    line = Line(subject, here.points, cts, eps)
    value, error = line.derivative(direction)
    comparison = judge(*pair(sent, direction), value, error, eps)
    if comparison.verdict == DIFFERS:
        line.listen(direction)
    verdict = RIGHT if comparison.verdict == AGREES else CANNOT_TELL
    if comparison.verdict == UNSURE and 4 * error <= tolerance(eps) * reference:
        verdict = RIGHT
    elif comparison.verdict == DIFFERS:
        entries = _special(here.points, sent, generator)
        if any([_has_kink(line, subject.names, sent, *entry) for entry in entries]):
            verdict = RIGHT
            report.notes.append("a kink at the arguments: the gradient is between the derivatives on both sides")
    report.add(name, verdict)


def _special(points: Arrays, sent: Arrays, generator: Any) -> list[tuple[int, tuple[int, ...]]]:
    """Entries to look at: round numbers and ties first, since rules have guards for them."""
    found: list[tuple[bool, int, tuple[int, ...]]] = []
    for position, x in enumerate(points):
        if sent[position] is None or not x.size or x.dtype.kind != "f":
            continue
        flat = np.ravel(x)
        _, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
        special = (flat == np.round(flat)) | (counts[inverse] > 1)
        order = np.concatenate([np.flatnonzero(special)[:MOST_ENTRIES], generator.permutation(flat.size)[:4]])
        for place in dict.fromkeys(order.tolist()):
            index = tuple(int(i) for i in np.unravel_index(place, x.shape))
            found.append((not special[place], position, index))
    return [(position, index) for _, position, index in sorted(found)][:MOST_ENTRIES]


def _has_kink(line: Line, names: list[str], sent: Arrays, position: int, index: tuple[int, ...]) -> bool:
    """Whether the function has a kink along this entry; raises if the rule is not between the slopes on both sides."""
    scale = float(sizes(line.points[position], 1.0)[index])
    direction = [np.zeros_like(x) for x in line.points]
    direction[position][index] = scale
    (left, below), (right, above) = line.both_sides(direction)
    by_rule = float(sent[position][index]) * scale
    largest = max(abs(left), abs(right))
    width = max(APPROXIMATE, 4 * tolerance(line.eps)) * largest + 8 * (below + above)
    if not np.isfinite(width) or below + above > 0.01 * max(largest, abs(by_rule)):
        return False
    low, high = sorted((left, right))
    if low - width <= by_rule <= high + width:
        return high - low > width
    where = names[position] + (f", entry {list(index)}" if index else "")
    sides = f"{low / scale:.6g} and {high / scale:.6g} on the two sides"
    middle = (low + high) / 2
    raise Wrong(
        Check("at the arguments", WRONG, by_rule / scale, middle / scale, width / scale),
        f"The gradient for {where} is {by_rule / scale:.6g} by the rule, at the arguments themselves; differences of "
        f"the function give {sides if high - low > width else f'{middle / scale:.6g} from either side'}. Beside them "
        "the rule is right: look at what it does in this special case.",
    )
