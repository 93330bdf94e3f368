"""Whether a rule is linear in the upstream, agrees with differences, in forward mode too, and is differentiable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import AutogradError, CotangentError
from .arrays import Arrays, is_finite, pair, random_like
from .differences import (
    AGREES,
    DIFFERS,
    UNSURE,
    Comparison,
    Line,
    Slope,
    directions,
    first_step,
    judge,
    slope,
    tolerance,
)
from .doubts import Doubts
from .reasons import second_order, upstream
from .report import CANNOT_TELL, RIGHT, SURROGATE, WRONG, Check, ProbeReport
from .subject import OutOfTimeError, Run, Subject, raw, said
from .wrong import Wrong

NEAR = 0.02
"""A second derivative this near is not called wrong: that of an iteration stopped early is no nearer."""

Candidates = Callable[[], Iterator[Arrays]]


class Derivatives:
    """The checks of derivatives at one call of the operation, beside the arguments that it was given.

    Parameters
    ----------
    there : Run
    cts : list of array
        The upstream.
    sent : list of array
        What the rules gave at the arguments themselves.
    fixed : set of int
        Which values have no gradient.
    candidates : callable
        Gives other points.
    excuse : str
        Why a gradient that does not fit may be meant; "" if it may not.

    Attributes
    ----------
    agrees : bool
        Whether the first derivative was found to be right without a doubt.
    size : float
        Of it, along the direction.
    """

    def __init__(
        self,
        subject: Subject,
        report: ProbeReport,
        there: Run,
        cts: Arrays,
        sent: Arrays,
        fixed: set[int],
        candidates: Candidates,
        excuse: str,
        eps: float,
        generator: Any,
    ):
        self.subject, self.report, self.there, self.cts, self.sent = subject, report, there, cts, sent
        self.fixed, self.candidates, self.excuse, self.eps, self.generator = fixed, candidates, excuse, eps, generator
        self.agrees, self.size = False, 0.0

    def check(self) -> None:
        """All of them; raises ``Wrong``, or leaves a verdict in the report."""
        try:
            if self.subject.operation.has_vjp:
                self._check()
            else:
                self._check_forward_only()
        except Wrong:
            if not self.excuse:
                raise
            self.report.verdict, self.report.reason = SURROGATE, self.excuse

    def _check(self) -> None:
        report = self.report
        recorded = self._recorded(self.there)
        self.pulled = (
            self.there.pull(self.cts) if recorded is None else [None if x is None else raw(x) for x in recorded]
        )
        tried = self._slopes()
        if all(found.is_flat for found, _ in tried) and self._is_constant(tried[-1][0]):
            return
        self._linear()
        chosen, comparison = tried[-1]
        if comparison.verdict == AGREES:
            report.add("first derivative", RIGHT, comparison)
            self.agrees, self.size = True, abs(chosen.value)
        elif not self._doubted(tried):
            return
        report.verdict = RIGHT
        if comparison.verdict != AGREES:
            chosen = tried[0][0]
        elif self.subject.operation.has_jvp:
            self._forward(chosen)
        if recorded is not None and chosen.runs:
            self._second(recorded, chosen)

    # -- first order ---------------------------------------------------------------------------------------------

    def _recorded(self, run: Run) -> list[Any] | None:
        """The rules called on Tensors that are tracked, for their derivative; None if that is not to be had."""
        try:
            return run.pull_recorded(self.cts)
        except OutOfTimeError:
            raise
        except Exception as error:
            self._first_order_only(error)
            return None

    def _first_order_only(self, error: Exception) -> None:
        self.report.notes.append(f"first order only: a derivative of the rule raises {type(error).__name__}")

    def _directions(self, points: Arrays) -> list[Arrays]:
        found = directions(points, self.generator)
        return [[0 * v if position in self.fixed else v for position, v in enumerate(each)] for each in found]

    def _slopes(self) -> list[tuple[Slope, Comparison]]:
        """Differences along directions until one settles whether the rule agrees; at most two, eight calls."""
        tried: list[tuple[Slope, Comparison]] = []
        for direction in self._directions(self.there.points):
            found = slope(self.subject, self.there, self.cts, direction, first_step(self.eps))
            comparison = judge(*pair(self.pulled, direction), found.value, found.error, self.eps)
            tried.append((found, comparison))
            if comparison.verdict == AGREES and not found.is_flat:
                break
        return tried

    def _is_constant(self, found: Slope) -> bool:
        """Whether the function is constant in steps: whoever gives it a gradient means another function's."""
        by_rule, magnitude = pair(self.pulled, found.direction)
        size = pair(self.cts, self.there.values)[1]
        if magnitude * found.step <= 8 * self.eps * max(size, 1e-300):  # zero as it should be, or too small to be seen
            self.report.verdict = RIGHT
            self.report.add("first derivative", RIGHT, Comparison(by_rule, 0.0, self.eps, AGREES))
        else:
            self.report.verdict = SURROGATE
            self.report.reason = "its value is constant in steps, so that its gradient is another function's"
        return True

    def _linear(self) -> None:
        """Raise if the rule is not linear in the upstream."""
        large = -1024.0 if self.eps < 1e-5 else -16.0
        pull, cts = self.there.pull, self.cts
        others = [random_like(value, self.generator) for value in self.there.values]
        other = pull(others)
        both = pull([np.asarray(a + large * b, a.dtype) for a, b in zip(cts, others, strict=True)])
        if not is_finite([*self.pulled, *other, *both]):
            self.report.add("linear in the upstream", CANNOT_TELL)
            return
        floor = 64 * self.eps * abs(large) * pair(others, self.there.values)[1]  # rounding, where all terms cancel
        for x, a, b, c in zip(self.there.points, self.pulled, other, both, strict=True):
            if a is None or b is None or c is None or not c.size:
                continue
            size = max(float(np.abs(a).max()), abs(large) * float(np.abs(b).max()))
            allowed = tolerance(self.eps) * size + floor / max(float(np.abs(x).max()), 1e-300)
            if float(np.abs(c - (a + large * b)).max()) > allowed:
                zero, two, minus = (pull([np.asarray(k * b, b.dtype) for b in others]) for k in (0.0, 2.0, -1.0))
                raise Wrong(Check("linear in the upstream", WRONG), upstream(zero, other, two, minus))
        self.report.add("linear in the upstream", RIGHT)

    def _doubted(self, tried: list[tuple[Slope, Comparison]]) -> bool:
        """Look again at what does not agree; True if it does after all."""
        worst = next((c for _, c in tried if c.verdict == DIFFERS), tried[-1][1])
        if self.excuse and worst.verdict == DIFFERS:
            raise Wrong(Check("first derivative", WRONG), self.excuse)
        doubts = Doubts(
            self.subject, self.there, self.cts, self.pulled, self.sent, self.fixed, self.eps, self.generator
        )
        verdict, why = doubts.resolve([found.direction for found, _ in tried])
        self.report.add("first derivative", verdict if verdict == RIGHT else CANNOT_TELL)
        if verdict != RIGHT:
            self.report.verdict, self.report.reason = verdict, why
        elif why:
            self.report.notes.append(why)
        return verdict == RIGHT

    def _check_forward_only(self) -> None:
        """An operation with JVP rules alone."""
        direction = self._directions(self.there.points)[-1]
        found = slope(self.subject, self.there, self.cts, direction, first_step(self.eps))
        line = Line(self.subject, self.there.points, self.cts, self.eps)
        found.value, found.error = line.derivative(direction)
        self._forward(found)
        self.report.verdict = RIGHT

    def _forward(self, found: Slope) -> None:
        """Raise if the JVP rules give another derivative along the direction."""
        try:
            tangents = self.subject.push(self.there.points, found.direction)
        except CotangentError as error:
            raise Wrong(Check("forward mode", WRONG), str(error)) from None
        except AutogradError as error:
            self.report.notes.append(f"forward mode: {said(error)}")
            return
        comparison = judge(*pair(self.cts, tangents), found.value, found.error, self.eps)
        if comparison.verdict == DIFFERS:
            ratio = comparison.by_rule / comparison.numerical if comparison.numerical else float("nan")
            how = "its sign is reversed" if abs(ratio + 1) < 1e-3 else f"it is {ratio:.4g} times that"
            raise Wrong(
                Check.of("forward mode", WRONG, comparison),
                f"The JVP rules do not agree with differences: along a random direction {how}.",
            )
        self.report.add("forward mode", RIGHT if comparison.verdict == AGREES else CANNOT_TELL, comparison)

    # -- second order --------------------------------------------------------------------------------------------

    def _second(self, recorded: list[Any], found: Slope) -> None:
        """Raise if the derivative of the rule is not that of what it computes."""
        try:
            comparison = self._compare(self.there, recorded, found)
            if comparison.verdict == DIFFERS:
                comparison = self._compare_elsewhere(comparison)
        except OutOfTimeError:
            raise
        except Exception as error:
            self._first_order_only(error)
            return
        if comparison.verdict == DIFFERS:
            raise Wrong(Check.of("second derivative", WRONG, comparison), second_order(*comparison.numbers))
        self.report.add("second derivative", RIGHT if comparison.verdict == AGREES else CANNOT_TELL, comparison)

    def _compare(self, run: Run, recorded: list[Any], found: Slope) -> Comparison:
        """The derivative of the rule, by its own rules and by differences of it at the points of ``found``."""
        weights = [None if x is None else random_like(raw(x), self.generator) for x in recorded]
        by_rule, magnitude = pair(run.pull_again(recorded, weights), found.direction)
        totals = {t: pair(weights, other.pull(self.cts)) for t, other in found.runs.items()}
        step = found.step
        wide = (totals[step][0] - totals[-step][0]) / (2 * step)
        narrow = (totals[step / 4][0] - totals[-step / 4][0]) / (step / 2)
        combined = (16 * narrow - wide) / 15
        size = max(size for _, size in totals.values())
        error = abs(combined - narrow) + 16 * self.eps * size / step
        judged = judge(by_rule, magnitude, combined, error, self.eps)
        off = abs(by_rule - combined)
        near = off <= NEAR * max(abs(combined), magnitude)
        if judged.verdict == DIFFERS and (near or not self._resolves(recorded, found)):
            return Comparison(*judged.numbers, judged.allowed, UNSURE)
        # A second derivative of zero has no digits to agree in; what counts is that it is small beside the first.
        if judged.verdict == UNSURE and 4 * error <= tolerance(self.eps) * size:
            return Comparison(*judged.numbers, judged.allowed, AGREES)
        return judged

    def _resolves(self, recorded: list[Any], found: Slope) -> bool:
        """Whether the steps of ``found`` are short enough for the first derivative, so that they are for another."""
        pulled = [None if x is None else raw(x) for x in recorded]
        return judge(*pair(pulled, found.direction), found.value, found.error, self.eps).verdict == AGREES

    def _compare_elsewhere(self, before: Comparison) -> Comparison:
        """The same at another point, with shorter steps: a kink of the derivative may have lain between."""
        for points in self.candidates():
            run = self.subject.run(points, order=2)
            if not is_finite(run.values):
                continue
            recorded = run.pull_recorded(self.cts)
            direction = self._directions(points)[-1]
            return self._compare(run, recorded, slope(self.subject, run, self.cts, direction, first_step(self.eps) / 4))
        return Comparison(*before.numbers, before.allowed, UNSURE)
