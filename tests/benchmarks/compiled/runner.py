"""Runs the contenders of a piece of work in turn, each in its own process, and keeps their times.

Contenders live in processes because peers need not be installed beside us: each runs under an interpreter that has it.
All are started and checked first; then every round asks each of them for one chunk of calls, so that whatever disturbs
the machine for a while disturbs them alike.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.compiled.work import PEERS, QUIET, Arrays, Contender, Work, find_work

ROOT = Path(__file__).resolve().parents[3]
CHUNK_SECONDS = 0.1
TRIES = 3  # rounds run for each round asked for, as long as quiet chunks are wanting
LEAST_ROUNDS = 3
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONPATH": str(ROOT),
}


@dataclass(frozen=True)
class Settings:
    """What the command line asks for."""

    rounds: int = 30
    peers: bool = True
    peer_python: str = sys.executable
    threads: int | None = None
    only: tuple[str, ...] = ()  # parts of contenders' names
    patience: float = 600.0  # seconds that one answer may take: a compiler may be at work
    wait: float = 1.0  # seconds that a chunk waits for the machine to be quiet
    limit: float = 600.0  # seconds for the rounds of a row
    verbose: bool = False


@dataclass
class Result:
    """What is known of one contender after the run."""

    contender: Contender
    seconds: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)  # cores kept busy by others during each chunk
    versions: dict[str, str] = field(default_factory=dict)
    error: float | None = None  # distance to float64, relative
    missing: str = ""  # why there are no times

    def quiet(self) -> list[float]:
        """Times of the chunks during which the machine did little else.

        Libraries that wait for all their threads at the end of every loop (OpenMP) suffer most from other processes.
        """
        return [seconds for seconds, others in zip(self.seconds, self.others, strict=True) if others < QUIET]

    def disturbed(self) -> bool:
        """Whether there are too few quiet ones."""
        return len(self.quiet()) < max(3, len(self.seconds) / 10)

    def counted(self) -> list[float]:
        """The quiet ones, or all where these are too few."""
        return self.seconds if self.disturbed() else self.quiet()

    def median(self) -> float:
        return statistics.median(self.counted()) if self.seconds else math.nan

    def quartiles(self) -> tuple[float, float]:
        if len(self.counted()) < 2:
            return self.median(), self.median()
        low, _, high = statistics.quantiles(self.counted(), n=4, method="inclusive")
        return low, high


class StoppedError(Exception):
    """A contender has nothing to time; the message says why."""


class Worker:
    """The process of one contender."""

    def __init__(self, work: str, name: str, contender: Contender, settings: Settings, folder: str):
        python = settings.peer_python if contender.column in PEERS else sys.executable
        self.patience = settings.patience
        self.process = subprocess.Popen(
            [python, "-m", "tests.benchmarks.compiled.worker", work, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None if settings.verbose else subprocess.DEVNULL,
            cwd=ROOT, env=environment(contender, settings, folder), bufsize=0,
            preexec_fn=None if settings.threads is None else lambda: limit_cores(settings.threads or 1),
        )  # fmt: skip

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # a process that has ended is found out below
            self.process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            raise StoppedError(f"no answer to {do!r} within {self.patience:g} s")
        line = self.process.stdout.readline()
        if not line:
            raise StoppedError(f"the process ended with status {self.process.wait()}")
        reply = json.loads(line)
        for key in ("missing", "failed"):
            if key in reply:
                raise StoppedError(f"{key}: {reply[key]}")
        return reply

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


def environment(contender: Contender, settings: Settings, folder: str) -> dict[str, str]:
    """Variables of a worker; ``{folder}`` in those of a contender is a folder that this run made."""
    threads = {} if settings.threads is None else dict.fromkeys(THREAD_VARIABLES, str(settings.threads))
    kept = os.path.join(os.path.dirname(folder), "kept")
    own = {name: value.format(folder=folder, kept=kept) for name, value in contender.environment.items()}
    return {**os.environ, **ENVIRONMENT, **threads, **own}


def limit_cores(count: int) -> None:
    """Keep this process to so many cores: JAX and TensorFlow have no variable for their threads."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def run_work(name: str, settings: Settings) -> dict[str, Result]:
    """Time all contenders of a row."""
    work = find_work(name)
    results = {key: Result(contender) for key, contender in work.contenders.items() if wanted(key, contender, settings)}
    with tempfile.TemporaryDirectory() as folder:
        if work.once:
            time_first_calls(name, work, results, settings, folder)
        else:
            time_in_turn(name, work, results, settings, folder)
    return results


def wanted(name: str, contender: Contender, settings: Settings) -> bool:
    """Whether the command line asks for this contender."""
    if contender.column in PEERS and not settings.peers:
        return False
    return not settings.only or any(part.lower() in name.lower() for part in settings.only)


def time_in_turn(name: str, work: Work, results: dict[str, Result], settings: Settings, folder: str) -> None:
    """Start and check all, then chunk after chunk."""
    expected = work.reference(work.problem())
    workers: dict[str, Worker] = {}
    try:
        for key, result in results.items():
            say(f"{name}: {key}")
            workers[key] = Worker(name, key, result.contender, settings, folder)
            with failures_into(result):
                workers[key].ask("make")
                check(workers[key], result, work, expected, folder)
                workers[key].ask("warm_up")
        take_turns(work, workers, results, settings)
    finally:
        for worker in workers.values():
            worker.stop()


def take_turns(work: Work, workers: Mapping[str, Worker], results: Mapping[str, Result], settings: Settings) -> None:
    """Rounds until all contenders have had their quiet chunks, or many more of any kind, or time is up."""
    rounds, end = rounds_of(work, settings), time.monotonic() + settings.limit
    for number in range(TRIES * rounds):
        waiting = [key for key in workers if not results[key].missing and len(results[key].quiet()) < rounds]
        if not waiting or (number >= LEAST_ROUNDS and time.monotonic() > end):
            return
        random.shuffle(waiting)  # nobody always follows the same neighbour
        for key in waiting:
            with failures_into(results[key]):
                keep(workers[key].ask("chunk", seconds=CHUNK_SECONDS, wait=settings.wait), results[key], work)


def rounds_of(work: Work, settings: Settings) -> int:
    return max(LEAST_ROUNDS, round(settings.rounds * work.rounds))


def time_first_calls(name: str, work: Work, results: dict[str, Result], settings: Settings, folder: str) -> None:
    """The first call of a process, in a new one for every round.

    ``{folder}`` in the variables of a contender is new in every round, ``{kept}`` is the same in all of them; what the
    first round leaves there is found by the later ones, and its time does not count.
    """
    for number in range(1 + rounds_of(work, settings)):
        for key, result in results.items():
            if result.missing or (number == 0 and not keeps_files(result.contender)):
                continue
            say(f"{name}: {key}, round {number}")
            worker = Worker(name, key, result.contender, settings, os.path.join(folder, key, str(number)))
            try:
                with failures_into(result):
                    worker.ask("make")
                    reply = worker.ask("chunk", seconds=0.0, wait=settings.wait)
                    if number:
                        keep(reply, result, work)
            finally:
                worker.stop()


def keeps_files(contender: Contender) -> bool:
    """Whether what one process leaves on disk is there for the next."""
    return any("{kept}" in value for value in contender.environment.values())


def keep(reply: Mapping[str, Any], result: Result, work: Work) -> None:
    """Add the times of a chunk."""
    result.seconds.append(reply["seconds"] / work.per)
    result.others.append(reply["others"])
    result.versions = reply["versions"]


def check(worker: Worker, result: Result, work: Work, expected: Arrays, folder: str) -> None:
    """Hold the contender's results against float64."""
    path = os.path.join(folder, "results.npz")
    worker.ask("check", path=path)
    if not os.path.exists(path):
        return
    with np.load(path) as given:
        errors = {key: distance(given[key], expected[key]) for key in given.files}
    os.unlink(path)
    worst = max(errors, key=lambda key: errors[key] if errors[key] == errors[key] else math.inf)
    result.error = errors[worst]
    if not result.error <= (result.contender.tolerance or work.tolerance):
        raise StoppedError(f"wrong: {worst} differs from float64 by {errors[worst]:.1e}")


def distance(given: np.ndarray, expected: np.ndarray) -> float:
    """Length of the difference, relative to that of what was expected."""
    return float(np.linalg.norm(np.ravel(given - expected)) / np.linalg.norm(np.ravel(expected)))


@contextlib.contextmanager
def failures_into(result: Result) -> Iterator[None]:
    """A contender that stops is shown as such, and its times, if it has some, do not count."""
    try:
        yield
    except StoppedError as error:
        result.missing = str(error)
        result.seconds.clear()
        result.others.clear()


def say(text: str) -> None:
    """Progress, on the error stream: the table alone goes to the output."""
    print(text, file=sys.stderr, flush=True)
