"""Thousands of random programs, each run in every way: ``python -m autograd_core.testing.programs``.

Compiling for Numba takes about a second for each program. Several programs lie side by side in one compiled function;
if that function fails, or one of its programs disagrees, each is compiled alone.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...ops.table import TABLE
from .agreement import MODES, ProgramError, Runs, failure, run_compiled
from .features import features_of
from .generate import random_program
from .pool import Pool, pool_of
from .program import RandomProgram

TASKS_PER_PROCESS = 40  # compiled code is never freed: a process that has made much of it is replaced
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "AUTOGRAD_CORE_CACHE": "off"}
"""For each process: one thread, and no compiled code left on the disk, as no program comes twice."""


@dataclass
class Outcome:
    """What came of some programs.

    Attributes
    ----------
    operations, features : Counter
        How many programs had each.
    failures : list of (seed, str)
        Of those on which the ways to run them disagree.
    """

    programs: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[tuple[int, int], str]] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Count another one's programs too."""
        self.programs += other.programs
        self.operations.update(other.operations)
        self.features.update(other.features)
        self.failures += other.failures

    @property
    def missing(self) -> list[str]:
        """Rows of the table that no program had."""
        return [row.name for row in TABLE if row.name not in self.operations]


@dataclass(frozen=True)
class Task:
    """Programs of one compiled function.

    Attributes
    ----------
    numbers : range
        With ``seed`` the programs' seeds.
    """

    seed: int
    numbers: range
    emitters: tuple[str, ...]
    max_operations: int
    dtype: str = "float64"
    pictures: str | None = None  # folder


_pools: dict[str, Pool] = {}  # one per process: it takes a while to make, and is asked for by each task


def check_task(task: Task) -> Outcome:
    """Check the programs of one task."""
    pool = _pools.setdefault("all", pool_of())
    outcome = Outcome()
    runs: list[Runs] = []
    seeds = {}
    for number in task.numbers:
        program = random_program((task.seed, number), pool, task.max_operations, task.dtype)
        outcome.programs += 1
        outcome.operations.update({row.name for step in program.steps for row in step.operation.rows})
        outcome.operations.update({step.operation.name for step in program.steps if not step.operation.rows})
        outcome.features.update(features_of(program))
        seeds[id(program)] = (task.seed, number)
        run, error = _eager(program)
        if error is not None:
            outcome.failures.append(((task.seed, number), _told(error, task, number)))
        elif run is not None:
            runs.append(run)
    for emitter in task.emitters:
        for run, error in _compiled(runs, emitter):
            seed = seeds[id(run.program)]
            outcome.failures.append((seed, _told(error, task, seed[1])))
    return outcome


def _told(error: ProgramError, task: Task, number: int) -> str:
    """The text of a disagreement, and its picture if pictures are wanted."""
    if task.pictures is not None:
        error.picture = error.smallest.render(Path(task.pictures) / f"wrong_{task.seed}_{number}.svg")
    return str(error)


def _eager(program: RandomProgram) -> tuple[Runs | None, ProgramError | None]:
    try:
        with np.errstate(all="ignore"):
            run = Runs(program)
            run.check_eager(MODES, numbers=True)
    except Exception as error:
        return None, failure(program, error, fails=lambda other: _eager(other)[1] is not None)
    return run, None


def _compiled(runs: Sequence[Runs], emitter: str) -> Iterator[tuple[Runs, ProgramError]]:
    """The programs that fail when they are compiled: together first, and alone where that tells nothing."""
    found, error = _together(runs, emitter)
    wrong = [run for run, part in zip(runs, found, strict=True) if _differs(run, part, emitter)] if found else runs
    blamed = 0
    for run in wrong if found or error else ():
        part, alone = _together([run], emitter)
        said = alone or (_differs(run, part[0], emitter) if part else None)
        if said is not None:
            blamed += 1
            yield run, failure(run.program, said)
    if wrong and (found or error) and not blamed:  # wrong only side by side
        said = error or _differs(wrong[0], found[runs.index(wrong[0])], emitter)
        assert said is not None
        others = len(runs) - 1
        yield wrong[0], failure(wrong[0].program, type(said)(f"compiled together with the next {others}: {said}"))


def _together(runs: Sequence[Runs], emitter: str) -> tuple[list[Any], Exception | None]:
    if not runs:
        return [], None
    try:
        with np.errstate(all="ignore"):
            return run_compiled(runs, emitter, MODES), None
    except Exception as error:
        return [], error


def _differs(run: Runs, found: Any, emitter: str) -> Exception | None:
    try:
        run.compare(f"compiled ({emitter})", found, MODES)
    except Exception as error:
        return error
    return None


# -- many tasks --------------------------------------------------------------------------------------------------------


def tasks(
    count: int,
    seed: int,
    batch: int,
    emitters: Sequence[str],
    max_operations: int,
    dtype: str,
    first: int = 0,
    pictures: str | None = None,
) -> list[Task]:
    """All programs, ``batch`` to a task."""
    end = first + count
    return [
        Task(seed, range(start, min(start + batch, end)), tuple(emitters), max_operations, dtype, pictures)
        for start in range(first, end, batch)
    ]


def outcomes(todo: Sequence[Task], processes: int) -> Iterator[Outcome]:
    """What comes of each task, in the order in which they are done."""
    if processes == 1:
        yield from map(check_task, todo)
        return
    before = {name: os.environ.get(name) for name in ALONE}
    os.environ.update(ALONE)
    try:
        with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=TASKS_PER_PROCESS) as pool:
            yield from pool.imap_unordered(check_task, todo)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def run_many(todo: Sequence[Task], processes: int, out: Any = None, every: float = 20.0) -> Outcome:
    """Check all tasks, telling of each failure as it comes and of the progress now and then."""
    out = sys.stdout if out is None else out
    total, started, told = Outcome(), time.perf_counter(), 0.0
    wanted = sum(len(task.numbers) for task in todo)
    for outcome in outcomes(todo, processes):
        total.add(outcome)
        for seed, said in outcome.failures:
            print(f"\nDISAGREEMENT, seed {seed}:\n{said}", file=out, flush=True)
        seconds = time.perf_counter() - started
        if seconds - told > every:
            told = seconds
            rate = total.programs / seconds
            print(
                f"{total.programs:6d} of {wanted} programs, {rate:.1f} a second, {len(total.failures)} disagreements, "
                f"about {(wanted - total.programs) / rate:.0f} s to go",
                file=out, flush=True,
            )  # fmt: skip
    print(summary(total, time.perf_counter() - started), file=out, flush=True)
    return total


def summary(total: Outcome, seconds: float) -> str:
    """What was run and what came of it, as text."""
    rows = {row.name for row in TABLE}
    counted = sorted(total.operations.items(), key=lambda item: item[1])
    of_table = [(name, count) for name, count in counted if name in rows]
    others = sorted((name, count) for name, count in counted if name not in rows)
    lines = [
        f"{total.programs} programs in {seconds:.0f} s ({total.programs / max(seconds, 1e-9):.1f} a second): "
        f"{len(total.failures)} disagreements",
        f"{len(of_table)} of {len(TABLE)} operations of the table"
        + (f"; missing: {', '.join(total.missing)}" if total.missing else ""),
        _columns("rarest operations", of_table[:12]),
        _columns("most frequent operations", of_table[:-13:-1]),
        _columns("other steps", others),
        _columns("features", sorted(total.features.items(), key=lambda item: -item[1])),
    ]
    if total.failures:
        lines.append("seeds that disagree: " + ", ".join(str(seed) for seed, _ in sorted(total.failures)))
    return "\n".join(lines)


def _columns(title: str, counted: Sequence[tuple[str, int]]) -> str:
    return f"{title}: " + ", ".join(f"{name} {count}" for name, count in counted)
