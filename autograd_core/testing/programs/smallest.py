"""The smallest program on which a check fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...errors import DomainError
from .agreement import check_program
from .generate import nothing_fits, random_program
from .pool import Pool, pool_of
from .program import RandomProgram
from .reduce import reduced, weight

REDRAWN = 60  # small programs of the operations that are to blame, to find one with smaller arrays
MOST_OPERATIONS = 8
ENOUGH = 10  # examples for each operation, after which one that did not occur cannot be drawn


def smallest_wrong(
    check: Callable[[RandomProgram], Any] | None = None,
    operations: Iterable[Any] | None = None,
    examples: int = 500,
    seed: int = 0,
    features: Any = None,
    dtype: Any = "float64",
) -> RandomProgram | None:
    """Search for a program on which a check fails, and make it as small as can be.

    Parameters
    ----------
    check : callable, optional
        Takes a ``RandomProgram``, and raises if it is wrong. By default all ways to run it must agree: reverse mode,
        forward mode, differences, and compiled for NumPy (``check_program``).
    operations : iterable, optional
        What programs are made of: operations made by ``ag.primitive``, rows of the table, names, functions, and pairs
        of one of these and where its arguments come from (one interval per argument, or ``sample(draw)``). By default
        all operations there are.
    examples : int
        How many programs are tried.
    seed : int
        Another one gives other programs.
    features : sequence of {"functions", "indexing", "assignment", "control"}, optional
        What programs use besides the operations.
    dtype : dtype

    Returns
    -------
    RandomProgram or None
        None if all passed. Otherwise ``.code`` is text to paste, ``.render("wrong.svg")`` draws it.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> @ag.primitive
    ... def cube(x):
    ...     return x**3
    >>> cube = cube.defvjp(lambda ct, ans, x: ct * 2 * x**2)
    >>> wrong = ag.testing.smallest_wrong(operations=["add", "sin", cube])
    >>> wrong.operations, wrong.size
    (['cube'], 2)
    """
    check = check or default_check
    if not callable(check):
        raise DomainError(f"smallest_wrong: check must be a function of a program, or None; got {check!r}.")
    if examples < 1:
        raise DomainError(f"smallest_wrong: examples must be 1 or more; got {examples!r}.")
    pool = operations if isinstance(operations, Pool) else pool_of(operations, features)

    def fails(program: RandomProgram) -> bool:
        try:
            check(program)
        except Exception:
            return True
        return False

    seen: set[str] = set()
    for number in range(examples):
        # Small ones first: most faults show in a single operation, and there is less to cut off.
        program = random_program((seed, number), pool, 1 + number * MOST_OPERATIONS // examples, dtype)
        if fails(program):
            return _smallest(reduced(program, fails), fails, pool, seed, dtype)
        if all(x.size for x in program.arguments):
            seen.update(program.operations)
    never = [choice.row.name for choice in pool.rows if choice.row.name not in seen]
    if never and operations is not None and examples >= ENOUGH * len(pool.rows):
        raise nothing_fits(never)  # to find nothing wrong with what was never run would be no answer
    return None


def default_check(program: RandomProgram) -> None:
    """Eager in both modes, in numbers, and compiled for NumPy."""
    check_program(program, emitters=["numpy"])


def _smallest(
    program: RandomProgram, fails: Callable[[RandomProgram], bool], pool: Pool, seed: Any, dtype: Any
) -> RandomProgram:
    """The smallest among the given one and others drawn from its operations alone."""
    recorded = [node.primitive.name for node in program.recorded().record.nodes if node.primitive is not None]
    narrow = pool.only({*program.operations, *recorded})
    if narrow is None:
        return program
    best, least = program, weight(program)
    for number in range(REDRAWN):
        with np.errstate(all="ignore"):
            try:
                drawn = random_program((seed, number, 1), narrow, len(program.steps), dtype)
            except DomainError:
                return best
        if weight(drawn)[2] > least[2] or not fails(drawn):
            continue
        candidate = reduced(drawn, fails)
        if weight(candidate) < least:
            best, least = candidate, weight(candidate)
    return best
