"""One contender in a process of its own: it does what its runner asks for on stdin, and answers on stdout.

    python -m tests.benchmarks.compiled.worker clusters "JAX jit"

Requests are lines of JSON; each gets one line back. Between two requests the process sleeps, and it answers a request
only when its thread pools have stopped spinning: only one contender uses the machine at any moment.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import math
import os
import sys
import time
import traceback
from typing import Any

import numpy as np

from tests.benchmarks.compiled.work import QUIET, MissingPartError, Run, find_work

PACKAGES = ("numpy", "numba", "scipy", "torch", "jax", "jaxlib", "keras", "tensorflow")


def versions() -> dict[str, str]:
    """Of what this process has imported."""
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        if sys.modules.get(name) is not None:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found[name] = importlib.metadata.version(name)
    return found


def busy_seconds() -> float:
    """CPU seconds that the whole machine has spent so far; 0 where the system does not tell."""
    try:
        with open("/proc/stat") as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]
    except OSError:
        return 0.0
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")  # without idle and waiting


def settle(limit: float = 0.5) -> None:
    """Wait until this process's threads rest: BLAS and OpenMP pools spin for a while after their last work."""
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(0.005)
        if time.process_time() - before < 0.001:
            return


def wait_for_quiet(limit: float) -> None:
    """Wait until other processes rest, if they do within so many seconds."""
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        before, start = busy_seconds(), time.perf_counter()
        time.sleep(0.05)
        if busy_seconds() - before < QUIET * (time.perf_counter() - start):
            return


class Server:
    """Answers the requests for one contender."""

    def __init__(self, work: str, contender: str):
        self.work, self.name = find_work(work), contender
        self.run: Run
        self.per_call = math.inf

    def make(self) -> dict[str, Any]:
        """Build the contender."""
        self.run = self.work.contenders[self.name].make(self.work.problem())
        return {}

    def check(self, path: str) -> dict[str, Any]:
        """Leave the results that can be checked in a file."""
        if self.run.check is not None:
            np.savez(path, **{name: np.asarray(value, np.float64) for name, value in self.run.check().items()})
        return {"versions": versions()}

    def warm_up(self) -> dict[str, Any]:
        """A call that is not timed: some shapes are compiled only now."""
        self.timed(0)
        return {}

    def chunk(self, seconds: float, wait: float) -> dict[str, Any]:
        """Seconds per call, from calls for about so long; and how many cores others kept busy meanwhile."""
        wait_for_quiet(wait)
        if self.per_call < seconds / 8:  # caches and threads were others' in the meantime
            self.timed(seconds / 8)
        before, own, start = busy_seconds(), time.process_time(), time.perf_counter()
        self.per_call = self.timed(seconds)
        passed = time.perf_counter() - start
        others = (busy_seconds() - before) - (time.process_time() - own)
        settle()
        return {"seconds": self.per_call, "others": max(0.0, others / passed), "versions": versions()}

    def timed(self, seconds: float) -> float:
        """Seconds per call; there is at least one."""
        call, sync, clock, calls = self.run.call, self.run.sync, time.perf_counter, 0
        start = clock()
        end = start + seconds
        while True:
            call()
            calls += 1
            if clock() >= end:
                break
        if sync is not None:
            sync()
        return (clock() - start) / calls


def answer(server: Server, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request: a result, what is missing, or what went wrong."""
    try:
        return getattr(server, request.pop("do"))(**request)
    except (ImportError, MissingPartError) as error:
        return {"missing": f"{error}"}
    except Exception as error:  # the runner goes on with the other contenders and shows this one's failure
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"[:300]}


def main(work: str, contender: str) -> None:
    # What a framework prints must not get between the answers.
    with os.fdopen(os.dup(1), "w") as replies:
        os.dup2(2, 1)
        server = Server(work, contender)
        for line in sys.stdin:
            print(json.dumps(answer(server, json.loads(line))), file=replies, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
