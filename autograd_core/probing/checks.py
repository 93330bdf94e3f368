"""The probe: a few calls of a user's operation and of its rules, and what follows from them.

At the very arguments: are shapes and dtypes right? At a point beside them (special points such as 0 and 1 hide faults,
and kinks lie there): is the rule linear in the upstream, does it agree with a difference of the function along a
random direction, in forward mode too, and does its own derivative agree with a difference of it? What disagrees is
looked at again, thoroughly and at another point, before the operation is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import CotangentError
from ..tensor import as_value
from ..tree import flatten
from .arrays import Arrays, is_finite, moved, precision, random_like, sizes
from .at_arguments import check_at_arguments
from .derivatives import Derivatives
from .differences import Line, tolerance
from .report import CANNOT_TELL, RIGHT, WRONG, Check, ProbeReport
from .subject import HUGE, LARGE, Operation, OutOfTimeError, Run, Subject, said, undisturbed
from .wrong import Wrong


def probe(operation: Operation, args: tuple[Any, ...], keywords: dict[str, Any], active: list[int]) -> ProbeReport:
    """Look at an operation at these arguments, of which the leaves ``active`` are differentiated."""
    with undisturbed():
        entries = sum(as_value(leaf).size for at, leaf in enumerate(flatten(list(args))[0]) if at in active)
        if entries > HUGE:
            return _not_probed(operation, entries)
        subject = Subject(operation, args, keywords, active)
        report = ProbeReport(operation.name, subject.describe())
        try:
            Probe(subject, report).run()
        except Wrong as found:
            report.verdict, report.reason = WRONG, str(found)
            report.checks.append(found.check)
        except OutOfTimeError:
            report.verdict = CANNOT_TELL
            report.reason = f"not finished within {subject.limit:g} seconds; what is not listed was left out"
        except Exception as error:  # of the user's function or rule, beside the arguments: its use goes on
            report.verdict, report.reason = CANNOT_TELL, f"beside the arguments it raised {said(error)}"
        finally:
            subject.surroundings.restore()
        report.forward_calls, report.rule_calls = subject.forward_calls, subject.rule_calls
        report.seconds = subject.seconds()
    return report


def _not_probed(operation: Operation, entries: int) -> ProbeReport:
    reason = f"its arguments have {entries:,} entries, and a probe needs memory for some 25 arrays of this size"
    return ProbeReport(operation.name, "...", reason=f"{reason}; use it with smaller ones first")


class Probe:
    """The checks of one operation, in order."""

    def __init__(self, subject: Subject, report: ProbeReport):
        self.subject = subject
        self.report = report
        self.generator = np.random.default_rng(0)
        self.fixed: set[int] = set()

    def run(self) -> None:
        """All checks; raises ``Wrong``, or leaves a verdict in the report."""
        here = self._called()
        if here is None:
            return
        self.cts = [self._cotangent(value) for value in here.values]
        self.eps = precision([*self.subject.points, *here.values])
        entries = sum(x.size for x in (*here.points, *here.values))
        self.subject.is_large = entries > LARGE
        if entries > 2 * HUGE:
            self.report.reason = _not_probed(self.subject.operation, entries).reason.replace("arguments", "results", 1)
            return
        if self.subject.is_large:
            self.report.notes.append("second derivative left out: the arrays are large")
        sent = self._sent(here) if self.subject.operation.has_vjp else here.points
        if sent is None:
            return
        self.report.add("shapes", RIGHT)
        if all(x is None or not x.size for x in sent) or not sum(value.size for value in here.values):
            self.report.verdict = RIGHT
            return
        there = self._beside(here)
        if there is None:
            return
        if here.is_overwritten():
            self.report.verdict = CANNOT_TELL
            self.report.reason = (
                "it returns the same array at each call, and a second call overwrites the result of the first (out=?); "
                "return a new one if it is called more than once on a tape"
            )
            return
        excuse = self._excuse(here, there)
        if self.subject.operation.has_vjp and not excuse and not is_finite(sent) and is_finite(here.values):
            self._not_finite(here, sent)
        derivatives = Derivatives(
            self.subject, self.report, there, self.cts, sent, self.fixed, self._candidates, excuse, self.eps,
            self.generator,
        )  # fmt: skip
        derivatives.check()
        if derivatives.agrees and there.points is not self.subject.points:
            check_at_arguments(
                self.subject, self.report, here, self.cts, sent, self.eps, self.generator, derivatives.size
            )

    # -- at the arguments themselves -----------------------------------------------------------------------------

    def _called(self) -> Run | None:
        """The operation called at the arguments; None if there is nothing to be looked at."""
        report, subject = self.report, self.subject
        try:
            run = subject.run(subject.points)
        except Exception as error:  # whatever the user's function raises, the call itself will raise, too
            report.reason, report.has_raised = f"the function raised {said(error)}", True
            return None
        if not run.results or not any(run.sources):
            report.reason = "no floating result"
            return None
        note = subject.discover(run)
        if note:
            report.notes.append(note)
        if subject.variables:
            run = subject.run(subject.points)
        return run

    def _cotangent(self, value: Any) -> Any:
        """Random, and of size 1 unless the result is huge; each result weighs about as much as the others."""
        ct = random_like(value, self.generator)
        finite = np.abs(value[np.isfinite(value)])
        size = float(finite.max(initial=0.0))
        if size == 0.0:
            return ct
        most = np.finfo(value.dtype).maxexp / 4  # so that nothing overflows that is made of it
        return np.asarray(ct / 2.0 ** np.clip(np.floor(np.log2(size)), -most, most), value.dtype)

    def _sent(self, here: Run) -> Arrays | None:
        """What the rules give at the arguments; None if they cannot be called."""
        kinds: list[tuple[int, Any]] = []

        def look(ct: Any, node: Any, index: int, rule: Any, contribution: Any) -> Any:
            dtype = getattr(contribution, "dtype", None)
            if node.value is not None and dtype is not None:
                kinds.append((index, dtype))
            return contribution

        try:
            sent = here.pull(self.cts, look)
        except CotangentError as error:
            raise self._wrong_shape(error) from None
        except Exception as error:  # it will be raised again by whoever asks for the gradient: nothing is silent
            self.report.verdict = CANNOT_TELL
            self.report.reason = f"the rule raised {said(error)}"
            return None
        if self.subject.wrote_upstream:
            raise Wrong(
                Check("shapes", WRONG), "The rule writes to the upstream that it is given, which others use, too."
            )
        self._note_dtypes(kinds)
        self.fixed = {position for position, x in enumerate(sent) if x is None}
        for position in sorted(self.fixed):
            self.report.notes.append(f"no gradient (None) for {self.subject.names[position]}")
        return sent

    def _wrong_shape(self, error: CotangentError) -> Wrong:
        message = str(error)
        hint = ""
        if "shape" in message:
            hint = " If the argument was broadcast, its cotangent is the sum over the broadcast axes."
        return Wrong(Check("shapes", WRONG), f"{message}{hint}")

    def _note_dtypes(self, kinds: list[tuple[int, Any]]) -> None:
        """Wider dtypes are converted, as everywhere in the engine; it costs time, so it is told."""
        widest = precision(self.subject.points)
        wider = {str(dtype) for _, dtype in kinds if dtype.kind in "fc" and np.finfo(dtype).eps < widest}
        if wider and len({x.dtype for x in self.subject.points}) == 1:
            self.report.notes.append(
                f"a rule computes in {', '.join(sorted(wider))} for {self.subject.points[0].dtype}; it is converted"
            )

    # -- beside them ---------------------------------------------------------------------------------------------

    def _beside(self, here: Run) -> Run | None:
        """A call at a point beside the arguments where the values are finite; at the arguments if there is none."""
        for points in self._candidates():
            try:
                run = self.subject.run(points, order=2)
            except OutOfTimeError:
                raise
            except Exception:  # outside of what the function is defined for
                continue
            if (
                run.results
                and [v.shape for v in run.values] == [v.shape for v in here.values]
                and is_finite(run.values)
            ):
                return run
        self.report.verdict = CANNOT_TELL
        self.report.reason = "the values are not finite at the arguments, nor beside them"
        return None

    def _candidates(self) -> Any:
        points = self.subject.points
        steps = [
            np.zeros(x.shape) if position in self.fixed else random_like(x, self.generator) * sizes(x)
            for position, x in enumerate(points)
        ]
        yield moved(points, steps, 1 / 8)
        yield moved(points, [np.abs(step) for step in steps], 1 / 8)
        yield moved(points, steps, 2.0**-10)
        yield points

    def _excuse(self, here: Run, there: Run) -> str:
        """Why any gradient may be meant: each result is one of the arguments, whatever they are."""
        if not _copies(here) or not _copies(there):
            return ""
        for factor, offset in ((-1.0, 0.0), (16.0, 3.0)):  # relu and clip are identities only in a part
            try:
                if not _copies(self.subject.run([np.asarray(factor * x + offset, x.dtype) for x in there.points])):
                    return ""
            except OutOfTimeError:
                raise
            except Exception:  # outside of what the function is defined for
                continue
        return "its value is that of an argument, so it is there to change the gradient"

    def _not_finite(self, here: Run, sent: Arrays) -> None:
        """The rule gives NaN or infinity at the arguments: raise if there is a derivative, and it is finite."""
        position = next(p for p, x in enumerate(sent) if x is not None and not np.isfinite(x).all())
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(sent[position]))[0])
        direction = [np.zeros_like(x) for x in here.points]
        direction[position][index] = sizes(here.points[position])[index]
        line = Line(self.subject, here.points, self.cts, self.eps)
        (left, _), (right, error) = line.both_sides(direction)
        name = self.subject.names[position] + (f", entry {list(index)}" if index else "")
        given = complex(sent[position][index]) if sent[position].dtype.kind == "c" else float(sent[position][index])
        if abs(left - right) <= 0.01 * max(abs(left), abs(right)) + 4 * error and np.isfinite([left, right]).all():
            allowed = tolerance(self.eps) * abs(right)
            raise Wrong(
                Check("first derivative", WRONG, float("nan"), right, allowed),
                f"The gradient for {name} is {given} by the rule, at the arguments themselves; differences of the "
                f"function give {right:.6g} from either side. Guard the rule where it divides by zero.",
            )
        self.report.notes.append(f"the rule gives {given} for {name}, where the function has no derivative")


def _copies(run: Run) -> bool:
    """Whether each result is one of the arguments."""
    return all(any(value.shape == x.shape and np.array_equal(value, x) for x in run.points) for value in run.values)
