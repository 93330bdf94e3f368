"""A rule that disagrees with a difference is looked at again before it is refused: right ones never are.

The function may have a kink or a jump there, may be rough (an iteration that stops at a tolerance), may draw random
numbers, or be defined for symmetric matrices only. If the disagreement stays, the argument is looked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Arrays, is_finite, moved, pair, random_like, same, sizes
from .constraints import Projections, constraints_of, projected
from .differences import AGREES, DIFFERS, Comparison, Line, directions, tolerance
from .places import Places
from .report import CANNOT_TELL, RIGHT, SURROGATE
from .subject import OutOfTimeError, Run, Subject
from .wrong import Wrong

MORE_TIME = 20.0  # seconds: once something disagrees it is worth them


class Doubts:
    """Everything about one disagreement.

    Parameters
    ----------
    there : Run
        Where it was found.
    pulled : list of array
        What the rules gave there.
    sent : list of array
        What the rules gave at the arguments themselves.
    fixed : set of int
        Which values have no gradient.
    """

    def __init__(
        self,
        subject: Subject,
        there: Run,
        cts: Arrays,
        pulled: Arrays,
        sent: Arrays,
        fixed: set[int],
        eps: float,
        generator: Any,
    ):
        self.subject, self.there, self.cts, self.pulled, self.sent = subject, there, cts, pulled, sent
        self.fixed, self.eps, self.generator = fixed, eps, generator
        self.free = [position for position in range(len(pulled)) if position not in fixed]

    def resolve(self, tried: list[Arrays]) -> tuple[str, str]:
        """A verdict and why; raises ``Wrong`` if the rule is."""
        again = self.subject.run(self.there.points)
        if not same(again.values, self.there.values):
            return CANNOT_TELL, "the function gave another value when it was called again with the same arguments"
        self.subject.limit += MORE_TIME
        self.line = self._line(self.there.points)
        if any(self.line.compare(self.pulled, direction).verdict == AGREES for direction in tried):
            return RIGHT, ""
        self.line.listen(tried[-1])
        found = [self.line.compare(self.pulled, direction) for direction in tried]
        if any(c.verdict == AGREES for c in found):
            return RIGHT, "as far as the noise of the function lets it be told"
        if not any(c.verdict == DIFFERS for c in found):
            return CANNOT_TELL, "differences of the function do not settle on a derivative"
        if self._has_kink(tried[-1]):
            return RIGHT, "there is a kink, and the gradient lies between the derivatives on both sides"
        if self._agrees_elsewhere():
            return RIGHT, "agrees at another point; at the first one there is a kink or a jump"
        constraint = self._agrees_within()
        if constraint:
            return RIGHT, f"agrees for arguments that {constraint}, as those given do"
        return self._by_argument()

    def _line(self, points: Arrays) -> Line:
        return Line(self.subject, points, self.cts, self.eps)

    def _has_kink(self, direction: Arrays) -> bool:
        left, right = self.line.both_sides(direction)
        by_rule, _ = pair(self.pulled, direction)
        if not np.isfinite(by_rule):
            return False
        if np.isinf(left[0]) or np.isinf(right[0]):
            return True
        width = max(tolerance(self.eps) * max(abs(left[0]), abs(right[0])), 4 * (left[1] + right[1]))
        if not abs(left[0] - right[0]) > width:
            return False
        low, high = sorted((left[0], right[0]))
        return bool(low - width <= by_rule <= high + width)

    def _agrees_elsewhere(self) -> bool:
        """Whether the rule is right at yet another point, so that the first one is special."""
        for scale in (0.25, 2.0**-6):
            steps = [
                np.zeros(x.shape) if p in self.fixed else random_like(x, self.generator) * sizes(x)
                for p, x in enumerate(self.there.points)
            ]
            points = moved(self.there.points, steps, scale)
            try:
                run = self.subject.run(points)
                pulled = run.pull(self.cts) if is_finite(run.values) else None
            except OutOfTimeError:
                raise
            except Exception:  # outside of what the function is defined for
                continue
            if pulled is not None:
                tried = [self._free(direction) for direction in directions(points, self.generator)]
                line = self._line(points)
                return any(line.compare(pulled, direction).verdict == AGREES for direction in tried)
        return False

    def _agrees_within(self) -> str:
        """What the arguments satisfy, if the rule is right as long as they do; "" if it is not."""
        return next((name for name, keep in constraints_of(self.subject.points) if self._agrees_keeping(keep)), "")

    def _agrees_keeping(self, keep: Projections) -> bool:
        """Whether the rule is right beside the arguments, moved so that they keep a property."""
        here = self.subject.points
        points = projected(
            moved(here, self._free([random_like(x, self.generator) * sizes(x) for x in here]), 1 / 8), keep
        )
        run = self.subject.run(points)
        if not is_finite(run.values):
            return False
        pulled, line = run.pull(self.cts), self._line(points)
        tried = map(self._free, directions(points, self.generator))
        return any(line.compare(pulled, direction).verdict == AGREES for direction in tried)

    def _free(self, direction: Arrays) -> Arrays:
        return [np.zeros_like(v) if position in self.fixed else v for position, v in enumerate(direction)]

    # -- which argument ------------------------------------------------------------------------------------------

    def _by_argument(self) -> tuple[str, str]:
        """Look at the arguments one by one."""
        places = Places(self.subject, self.there, self.line, self.pulled, self.sent, self.free, self.generator)
        near: list[str] = []
        symmetric: list[str] = []
        alone = {position: self._alone(position) for position in self.free}
        flat = [position for position, (_, is_flat) in alone.items() if is_flat and np.any(self.pulled[position])]
        constant = [self.subject.names[position] for position in flat]
        for position, (found, _) in alone.items():
            if any(
                self._has_steps(p) for p in flat
            ):  # made to change gradients, those of other arguments, too: a scale
                break
            name = self.subject.names[position]
            if position not in flat and found.verdict == DIFFERS:
                if self._only_symmetric(position):
                    symmetric.append(name)
                else:
                    wrong = places.wrong(position, found)
                    if isinstance(wrong, Wrong):
                        raise wrong
                    near.append(wrong)
        if constant:
            along = ", ".join(constant)
            return (
                SURROGATE,
                f"its value is constant in steps along {along}: the gradient is another function's",
            )
        if near:
            return CANNOT_TELL, near[0]
        if symmetric:
            return RIGHT, f"agrees along symmetric matrices, for which it is meant ({', '.join(symmetric)})"
        return CANNOT_TELL, "it disagrees along all arguments together, and along none of them alone"

    def _alone(self, position: int) -> tuple[Comparison, bool]:
        """The comparison along one argument, and whether the function is constant along it."""
        found = Comparison(0.0, 0.0, 0.0, AGREES)
        flat = True
        for direction in directions(self.there.points, self.generator):
            only = [v if p == position else np.zeros_like(v) for p, v in enumerate(direction)]
            ends = [self.subject.values(moved(self.there.points, only, t)) for t in (2.0**-10, -(2.0**-10))]
            flat = flat and all(same(end, self.there.values) for end in ends)
            found = self.line.compare(self.pulled, only)
            if found.verdict == AGREES:
                break
        return found, flat

    def _has_steps(self, position: int) -> bool:
        """Whether the function, constant near the point along this argument, takes other values further away."""
        direction = [np.zeros_like(v) for v in self.there.points]
        direction[position] = directions(self.there.points, self.generator)[-1][position]
        ends = [self.subject.values(moved(self.there.points, direction, t)) for t in (0.25, 1.0, -1.0, 4.0, -16.0)]
        return any(not same(end, self.there.values) for end in ends)

    def _only_symmetric(self, position: int) -> bool:
        """Whether the argument is a symmetric matrix, and the gradient right as long as it stays one."""
        x = self.subject.points[position]
        if x.ndim < 2 or x.shape[-1] != x.shape[-2] or not np.array_equal(x, np.conj(np.swapaxes(x, -1, -2))):
            return False
        away, direction = self._symmetric(position), self._symmetric(position)
        for step in (2.0**-4, 0.0):  # beside it first: a unit matrix has eigenvalues that are the same
            points = moved(self.subject.points, away, step)
            run = self.subject.run(points)
            if is_finite(run.values):
                pulled = run.pull(self.cts)
                return self._line(points).compare(pulled, direction).verdict == AGREES
        return False

    def _symmetric(self, position: int) -> Arrays:
        """A random symmetric direction of one argument."""
        x = self.subject.points[position]
        v = random_like(x, self.generator) * sizes(x, 1.0)
        direction = [np.zeros_like(y) for y in self.subject.points]
        direction[position] = np.asarray(v + np.conj(np.swapaxes(v, -1, -2)), x.dtype)
        return direction
