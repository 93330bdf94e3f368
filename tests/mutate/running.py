"""All mutants, on several processes: for each, who notices it, and the smallest program that shows it.

A broken rule may never come to an end (LAPACK on NaN is one way), so the processes are watched: one that says nothing
for too long is ended, its mutant counts as noticed, and another process takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any

from autograd_core import recording

from . import alike, engine, family, same, smallest, suite
from .mutant import Mutant
from .targets import Target

SILENCE = 90.0  # seconds without a word, after which a process is ended
HARSH = 150  # cases on which a mutant must compute the same to be called equivalent
MOST_ROWS = 12  # of a helper's users that are looked at
MEMORY = 8 << 30  # bytes of address space for each process


@dataclass
class Result:
    """What became of one mutant.

    Attributes
    ----------
    target, group, kind, change : str
    number : int
    noticed_by : str or None
        "rows: test_vjp", "pytest: tests/...", "programs", or how it ended ("no end").
    equivalent : str or None
        "identical", or "rounding" where only the last digits change, for a reason that ``alike`` gives; of the walk
        "identical" needs a reason, too.
    nodes : int or None
        Of the smallest program that shows it.
    program : str
        That program; of a survivor, one on which it differs from the right rule.
    seconds : float
    """

    target: str
    number: int
    group: str
    kind: str
    change: str
    noticed_by: str | None = None
    equivalent: str | None = None
    nodes: int | None = None
    program: str = ""
    seconds: float = 0.0

    @property
    def survived(self) -> bool:
        return self.noticed_by is None and self.equivalent is None


@dataclass
class Options:
    """How a run looks at mutants.

    Attributes
    ----------
    kinds : tuple of str
        Only these kinds; all if empty.
    every : int
        Of the mutants of a target only each so-manieth.
    shrink : bool
        Whether to look for the smallest program.
    tests : dict
        Row -> tests that reach it; empty if pytest is not to be run.
    noticed_by : callable
        The tests of a row.
    only : set of (target, number), optional
        Just these mutants.
    """

    kinds: tuple[str, ...] = ()
    every: int = 1
    seed: int = 1
    shrink: bool = True
    tests: dict[str, list[str]] = field(default_factory=dict)
    noticed_by: Callable[[Any], str | None] = suite.noticed_by
    only: frozenset[tuple[str, int]] | None = None

    def chosen(self, target: Target) -> Iterator[Mutant]:
        """The mutants of a target that are looked at."""
        if self.only is not None:
            yield from (mutant for mutant in target.mutants() if (target.name, mutant.number) in self.only)
            return
        of_kind = (m for m in target.mutants() if not self.kinds or m.kind in self.kinds)
        for place, mutant in enumerate(of_kind):
            if (place + self.seed + zlib.crc32(target.name.encode())) % self.every == 0:
                yield mutant


# -- one mutant --------------------------------------------------------------------------------------------------------


def judged(mutant: Mutant, target: Target, options: Options, alive: Callable[[], None] = lambda: None) -> Result:
    """Look at one mutant."""
    began = time.perf_counter()
    result = Result(target.name, mutant.number, target.group, mutant.kind, mutant.change)
    rows = target.rows[:MOST_ROWS]
    noticing = None
    if target.group == "engine":
        alive()
        with mutant.planted():
            wrong = engine.noticed()
        if wrong is not None:
            result.noticed_by, result.nodes, result.program = "programs", wrong.nodes, str(wrong)
    for row in rows if result.noticed_by is None else ():
        alive()
        with mutant.planted():
            name = options.noticed_by(row)
        if name is not None:
            result.noticed_by, noticing = f"rows: {name}", row
            break
    if result.noticed_by is None:
        _look_closer(result, mutant, target, options, alive)
    if result.noticed_by is not None and result.nodes is None and options.shrink:
        if target.group == "engine":
            _shrink_among_programs(result, mutant, alive)
        if result.nodes is None:
            _shrink(result, mutant, rows if noticing is None else (noticing,), options, alive)
    if recording.current() is not None:  # a broken walk may leave a tape active, which is noticed by every test
        recording.replace(None)
        result.noticed_by = result.noticed_by or "rows: left a tape active"
    result.seconds = time.perf_counter() - began
    return result


def _look_closer(result: Result, mutant: Mutant, target: Target, options: Options, alive) -> None:
    """Of a mutant that the table's tests let live: does it differ at all, and does any other test notice?"""
    rows = target.rows[:MOST_ROWS]
    if target.group == "engine":
        result.equivalent, result.program = _compared_by_programs(mutant, alive)
    else:
        result.equivalent, result.program = _compared(mutant, rows, options, alive)
    if options.tests and result.equivalent is None:
        alive()
        tests = family.of_engine(options.tests) if target.group == "engine" else family.tests_of(rows, options.tests)
        failed = family.noticed_by(mutant, tests, alive)
        if failed is not None:
            result.noticed_by, result.equivalent = f"pytest: {failed}", None


def _compared(mutant: Mutant, rows: Sequence[Any], options: Options, alive) -> tuple[str | None, str]:
    """Whether a mutant computes the same for all ``rows``: "identical" or "rounding"; else None, and where not."""
    found, program = "identical", ""
    because = alike.reason(mutant)
    rounding = same.ROUNDING if because is None else same.MAGNIFIED
    for row in rows:
        alive()
        same.reference(row, HARSH, options.seed)
        with mutant.planted():
            how, case = same.difference(row, HARSH, options.seed, rounding)
        if how == "different":
            return None, str(case)
        if how == "rounding":
            found, program = how, str(case)
    if found == "rounding" and because is None:
        return None, f"{program}, in the last digits; is there a reason for tests.mutate.alike?"
    return found, ""


def _compared_by_programs(mutant: Mutant, alive) -> tuple[str | None, str]:
    """The same of a mutant of the walk. Few programs say little of a walk: there must be a reason, too."""
    program = _different_program(mutant, alive)
    if program is not None:
        return None, str(program)
    if alike.reason(mutant) is None:
        return None, "none of the small programs; is there a reason for tests.mutate.alike?"
    return "identical", ""


def _shrink_among_programs(result: Result, mutant: Mutant, alive) -> None:
    program = _different_program(mutant, alive)
    if program is not None:
        result.nodes, result.program = program.nodes, str(program)


def _different_program(mutant: Mutant, alive):
    """The smallest of some small programs on which a broken walk gives something else."""
    alive()
    right = engine.outcomes()
    alive()
    with mutant.planted():
        return engine.first_different(right)


def _shrink(result: Result, mutant: Mutant, rows: Sequence[Any], options: Options, alive) -> None:
    """The smallest program: drawn and shrunk, at a special point, or the first of the harsh cases."""
    for row in rows:
        alive()
        with mutant.planted():
            found = smallest.found(row) or smallest.at_points(row) or smallest.seldom(row)
        for reference in (same.reference_alone, same.reference) if found is None else ():
            cases = reference(row, HARSH, options.seed)
            alive()
            with mutant.planted():
                found = found or smallest.by_reference(cases)
        if found is not None:
            result.nodes, result.program = found.nodes, found.program
            return


# -- processes ---------------------------------------------------------------------------------------------------------


class Worker:
    """A process that looks at one target's mutants after the other."""

    def __init__(self, targets: dict[str, Target], options: Options):
        context = multiprocessing.get_context("fork")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, targets, options), daemon=False)
        self.process.start()
        other.close()
        self.job: tuple[str, list[int]] | None = None
        self.heard = time.monotonic()

    def take(self, job: tuple[str, list[int]]) -> None:
        self.job = job
        self.heard = time.monotonic()
        self.pipe.send(job)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _work(pipe: Connection, targets: dict[str, Target], options: Options) -> None:
    import resource  # which not every system has, nor fork

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    parent = os.getppid()
    known: dict[str, dict[int, Mutant]] = {}

    def alive():
        if os.getppid() != parent:
            os._exit(1)
        pipe.send(None)

    while True:
        while not pipe.poll(2.0):
            if os.getppid() != parent:
                return
        name, numbers = pipe.recv()
        target = targets[name]
        if name not in known:
            known[name] = {mutant.number: mutant for mutant in target.mutants()}
        for number in numbers:
            alive()
            pipe.send((number, judged(known[name][number], target, options, alive)))


def run(
    targets: Sequence[Target], options: Options, processes: int = 1, told=None, pytest: bool = True
) -> list[Result]:
    """Look at all mutants of ``targets``: with the tests of the table, and at those that live with all other tests.

    Parameters
    ----------
    targets : sequence of Target
    options : Options
    processes : int
    told : callable, optional
        Called with the results so far, and how many there will be.
    pytest : bool
        Whether there are other tests.
    """
    results = look_at(targets, options, processes, told)
    survivors = frozenset((one.target, one.number) for one in results if one.survived)
    if not survivors or not pytest:
        return results
    again = replace(options, tests=family.tests_by_row(), only=survivors)
    of_them = [target for target in targets if any(target.name == name for name, _ in survivors)]
    found = {(one.target, one.number): one for one in look_at(of_them, again, processes, chunk=1)}
    return [found.get((one.target, one.number), one) for one in results]


def look_at(targets: Sequence[Target], options: Options, processes: int, told=None, chunk: int = 12) -> list[Result]:
    """Look at all mutants of ``targets``.

    Parameters
    ----------
    targets : sequence of Target
    options : Options
    processes : int
    chunk : int
        So many mutants of a target are handed out at a time.
    told : callable, optional
        Called with the results so far, and how many there will be.
    """
    by_name = {target.name: target for target in targets}
    jobs: list[tuple[str, list[int]]] = []
    known: dict[tuple[str, int], Mutant] = {}
    for target in targets:
        mutants = list(options.chosen(target))
        known.update({(target.name, mutant.number): mutant for mutant in mutants})
        numbers = [mutant.number for mutant in mutants]
        jobs += [(target.name, numbers[at : at + chunk]) for at in range(0, len(numbers), chunk)]
    results: dict[tuple[str, int], Result] = {}
    workers = [Worker(by_name, options) for _ in range(max(1, min(processes, len(jobs))))]
    try:
        while len(results) < len(known):
            for place, worker in enumerate(workers):
                if worker.job is None and jobs:
                    worker.take(jobs.pop(0))
                elif worker.job is not None and (
                    time.monotonic() - worker.heard > SILENCE or not worker.process.is_alive()
                ):
                    jobs += _given_up(worker, by_name, known, results)
                    workers[place] = Worker(by_name, options)
            for pipe in wait([worker.pipe for worker in workers], timeout=1.0):
                worker = next(worker for worker in workers if worker.pipe is pipe)
                _hear(worker, results)
            if told is not None:
                told(list(results.values()), len(known))
    finally:
        for worker in workers:
            worker.end()
    return [results[key] for key in known]


def _hear(worker: Worker, results: dict) -> None:
    try:
        message = worker.pipe.recv()
    except (EOFError, OSError):
        return
    worker.heard = time.monotonic()
    if message is None or worker.job is None:
        return
    name, numbers = worker.job
    number, result = message
    results[name, number] = result
    numbers.remove(number)
    if not numbers:
        worker.job = None


def _given_up(worker: Worker, targets, known, results) -> list[tuple[str, list[int]]]:
    """A process said no more: its mutant counts as noticed; the rest of the job is to be handed out again."""
    assert worker.job is not None
    name, numbers = worker.job
    worker.end()
    if not numbers:
        return []
    number, rest = numbers[0], numbers[1:]
    mutant = known[name, number]
    results[name, number] = Result(
        name, number, targets[name].group, mutant.kind, mutant.change, "rows: no end", seconds=SILENCE
    )
    return [(name, rest)] if rest else []
