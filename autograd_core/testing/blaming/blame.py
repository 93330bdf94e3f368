"""blame: which operation of a program has the wrong rule, alone and at the smallest inputs at which it is wrong.

Every recorded operation is checked by itself, at the values that it was given: its rules against differences of its own
forward function. Where a second derivative is wrong, the rule that is to blame is one that the first derivative
applied; it is looked for in the recording of that. If every operation is right by itself, the fault lies in how the
program uses values, and what is known of that is said.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ...errors import AutogradError, CotangentError, DomainError, DtypeError, GradientCheckError
from ...functional import vjp
from ...probing import probing
from ...tensor import Tensor
from ...tree import flatten
from ..checking.check import check_grads
from ..checking.diagnosis import name_of_leaves
from ..checking.verdicts import UncertainGradientWarning
from .blamed import Blame, WrongRule, numbers
from .local import REFUSALS, Local, Run, watchable
from .misuse import explained
from .smaller import smaller

QUICK = 0.5
"""Seconds that a check of the whole function may take for smaller arguments of it to be tried."""

MOST = 300
"""Of the operations of a program, so many are checked: one of each kind before others of the same."""


def blame(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    rtol: float | None = None,
    atol: float | None = None,
) -> Blame:
    """Find the operation whose rule makes a gradient of ``f`` wrong, and the smallest graph that shows it.

    Parameters
    ----------
    f, args, order, modes, rtol, atol
        As for ``check_grads``.

    Returns
    -------
    Blame
        With ``node``, ``operation``, ``place`` (the line of the program), ``code`` (text to paste), ``graph()`` and
        ``render(path)``; ``str`` of it is a sentence. False if nothing is wrong. Where every operation is right by
        itself, its ``explanation`` says what else is wrong: a path that leaves through ``.numpy()``,
        ``stop_gradient``, a value from elsewhere.

    Notes
    -----
    Each operation is applied alone to its recorded inputs, and ``check_grads`` compares its rules with differences of
    it; up to 300 operations, one of each kind first, those of the user before those of the table. The inputs are then
    made as small and round as they can be with the rule still wrong. Functions with a ``custom_gradient`` are checked
    as one operation, what a ``checkpoint`` computes operation by operation.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> @ag.custom_gradient
    ... def cube(x):
    ...     return x**3, lambda ct: ct * 2 * x**2
    >>> found = ag.testing.blame(lambda x: np.sum(np.sin(cube(x))), np.array([0.5, 1.25]))
    >>> found.operation
    'cube'
    """
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    _refuse(args)
    with probing(False), warnings.catch_warnings():  # an operation that is refused could not be looked at
        warnings.simplefilter("ignore", UncertainGradientWarning)
        return _blame(f, args, order, tuple(modes), rtol, atol)


def _refuse(args: tuple[Any, ...]) -> None:
    """Raise if there is nothing that can be checked."""
    given = [watchable(leaf) for leaf in flatten(args)[0]]
    floating = [
        (item, name) for item, name in zip(given, name_of_leaves(args), strict=True) if isinstance(item, Tensor)
    ]
    if not floating:
        raise DtypeError(
            f"blame: none of the {len(given)} arguments is a floating or complex value; integers have no derivative. "
            "Write 3.0 instead of 3."
        )
    for item, name in floating:
        if not np.isfinite(item.array).all():
            raise DomainError(f"blame: {name} is not finite ({item.array!r:.200}); choose another point.")


def _blame(
    f: Callable[..., Any], args: tuple[Any, ...], order: int, modes: tuple[str, ...], rtol: Any, atol: Any
) -> Blame:
    run = Run(f, args)
    check = _Check(order, modes, rtol, atol)
    faults = [fault for fault in check.faults(run) if fault is not None]
    skipped = list(dict.fromkeys(node.operation for node in run.skipped))
    if faults:
        return Blame(run, faults, "", None, skipped)
    started = perf_counter()
    error = check.error_of(f, args)
    if error is None:
        return Blame(run, (), "", None, skipped)
    quick = perf_counter() - started < QUICK
    explanation = explained(f, args, run, error)
    small = check.smaller_whole(f, args, error) if quick else args
    return Blame(Run(f, small), (), explanation, error, skipped, small)


class RuleError(GradientCheckError):
    """A rule that raised an error, where the operation itself did not."""


class _Check:
    """How single operations are checked."""

    def __init__(self, order: int, modes: tuple[str, ...], rtol: float | None, atol: float | None):
        self.order = order
        self.modes = modes
        self.tolerances = (rtol, atol)

    def faults(self, run: Run) -> Iterator[WrongRule]:
        """Operations of ``run`` that are wrong, each rule once."""
        blamed: set[int] = set()
        for order in (1, 2) if self.order > 1 else (1,):
            for local in _chosen(run):
                if id(local.culprit) in blamed:
                    continue
                error = self.error(local, order)
                if error is not None:
                    blamed.add(id(local.culprit))
                    yield self._fault(local, error, order, run.outside)
            if blamed:
                return

    def error(self, local: Local, order: int) -> AutogradError | None:
        """What is wrong with an operation; None if nothing is, or it cannot be told."""
        if not all(np.isfinite(point).all() for point in local.points):
            return None
        try:
            with np.errstate(all="ignore"):
                outs = flatten(local.function(*map(_tensor, local.points)))[0]
        except REFUSALS:
            return None
        if not any(out.size for out in outs):  # of nothing there is no derivative
            return None
        try:
            check_grads(local.function, local.points, order, self.modes, *self.tolerances)
        except (GradientCheckError, CotangentError) as error:
            return error
        except AutogradError:
            return None
        except REFUSALS as raised:
            return RuleError(f"its rule raised {type(raised).__name__}: {raised}")
        return None

    def error_of(self, f: Callable[..., Any], args: tuple[Any, ...]) -> AutogradError | None:
        """What is wrong with the whole function; None if nothing is."""
        try:
            check_grads(f, args, self.order, self.modes, *self.tolerances)
        except AutogradError as error:
            return error
        return None

    def smaller_whole(self, f: Callable[..., Any], args: tuple[Any, ...], error: AutogradError) -> tuple[Any, ...]:
        """The smallest arguments found at which the whole function is wrong still."""

        def still_wrong(candidate: Local) -> bool:
            try:
                found = self.error_of(f, candidate.args)
            except REFUSALS:
                return False
            return type(found) is type(error) and bool(numbers(found, ()))

        if not numbers(error, ()):  # it cannot be checked at all
            return args
        return smaller(Local(None, f, args, (), ()), still_wrong).args

    def _fault(self, local: Local, error: AutogradError, order: int, outside: str) -> WrongRule:
        if order > 1:
            inner = self._in_derivative(local)
            if inner is not None:
                deeper, error = inner
                return self._smallest(deeper, error, 1, outside, via=local)
        return self._smallest(local, error, order, outside)

    def _smallest(
        self, local: Local, error: AutogradError, order: int, outside: str, via: Local | None = None
    ) -> WrongRule:
        said, has_numbers = error, bool(numbers(error, ()))

        def still_wrong(candidate: Local) -> bool:
            nonlocal said
            found = self.error(candidate, order)
            if found is None or type(found) is not type(error) or bool(numbers(found, ())) != has_numbers:
                return False
            said = found
            return True

        small = smaller(local, still_wrong)
        return WrongRule(small, said, order, self.modes, local, via, outside)

    def _in_derivative(self, local: Local) -> tuple[Local, AutogradError] | None:
        """The operation in the derivative of another that has a wrong rule itself."""
        outs = flatten(local.function(*map(_tensor, local.points)))[0]
        cts = [np.ones_like(out.array) for out in outs if isinstance(out, Tensor)]

        def derivative(*xs: Any) -> Any:
            given = [x for x in xs if isinstance(x, Tensor)]
            out, back = vjp(local.function, *given[: len(local.points)])
            leaves, rebuild = flatten(out)
            return back(rebuild(given[len(local.points) : len(local.points) + len(leaves)]))

        try:
            inner = Run(derivative, (*local.points, *cts))
        except REFUSALS:
            return None
        for candidate in _chosen(inner):
            if candidate.culprit is not local.culprit:
                error = self.error(candidate, 1)
                if error is not None:
                    return candidate, error
        return None


def _tensor(point: Any) -> Tensor:
    return Tensor(np.asarray(point), None)


def _chosen(run: Run) -> list[Local]:
    """Operations to check: those of the user first, and one of each kind before others like it."""
    first: dict[Any, Local] = {}
    others: list[Local] = []
    for local in run.locals:
        if local.key in first:
            others.append(local)
        else:
            first[local.key] = local
    ordered = sorted(first.values(), key=lambda local: not local.is_own)
    return [*ordered, *sorted(others, key=lambda local: not local.is_own)][:MOST]
