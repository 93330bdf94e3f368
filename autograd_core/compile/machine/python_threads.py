"""Python threads that share the parts of a loop of NumPy calls, which let go of the interpreter while they compute.

Whoever is there takes the next part, the caller first of all, and only parts that somebody has taken are waited for: on
a machine that has other work the caller does more of them, or all. Each thread sleeps on a lock of its own until there
is work; together with the caller there are as many as ``get_num_threads`` says, but not more than processors. They are
started when they are first needed. A second Python thread that comes meanwhile does all of its parts itself.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .threads import get_num_threads


def share(run: Callable[..., Any], parts: Sequence[Any], *arguments: Any) -> list[Any]:
    """``[run(part, *arguments) for part in parts]``, on several threads.

    Parameters
    ----------
    run : callable
        May be called on all parts at once.
    parts : sequence
    *arguments
        Further arguments of ``run``.

    Returns
    -------
    list
        In the order of the parts. An exception that ``run`` raises is raised here, that of the first part if there are
        several; parts that nobody has taken by then are left out.
    """
    pool, count = _pool, min(threads_at_most(), len(parts))
    if count < 2 or not pool.busy.acquire(blocking=False):
        return [run(part, *arguments) for part in parts]
    try:
        return pool.run(_Job(run, parts, arguments), count - 1)
    finally:
        pool.busy.release()


def threads_at_most() -> int:
    """Threads that ``share`` uses at most, the caller among them."""
    return min(get_num_threads(), len(_processors()))


def _processors() -> list[int]:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


class _Job:
    """A loop, its parts taken one by one.

    Attributes
    ----------
    todo : list of int
        Numbers of the parts that nobody has taken, the first one last.
    helping : int
        Helpers that are at a part now.
    over : Lock
        Released when there is none any more, after ``closed``.
    """

    __slots__ = ("arguments", "closed", "errors", "helping", "lock", "over", "parts", "results", "run", "todo")

    def __init__(self, run: Callable[..., Any], parts: Sequence[Any], arguments: tuple[Any, ...]):
        self.run, self.parts, self.arguments = run, parts, arguments
        self.todo = list(range(len(parts)))[::-1]
        self.results: list[Any] = [None] * len(parts)
        self.errors: dict[int, BaseException] = {}
        self.helping, self.closed = 0, False
        self.lock, self.over = threading.Lock(), threading.Lock()
        self.over.acquire()

    def lead(self) -> list[Any]:
        """What the caller does: parts as long as there are any, then wait for the helpers."""
        try:
            while self.todo:
                with contextlib.suppress(IndexError):  # somebody was faster
                    self._do(self.todo.pop())
        finally:
            self._close()
        if self.errors:
            raise self.errors.pop(min(self.errors))
        return self.results

    def help(self) -> None:
        """What a helper does."""
        while True:
            with self.lock:
                if not self.todo:
                    return
                number = self.todo.pop()
                self.helping += 1
            self._do(number)
            with self.lock:
                self.helping -= 1
                if self.closed and not self.helping:
                    self.over.release()

    def _do(self, number: int) -> None:
        try:
            self.results[number] = self.run(self.parts[number], *self.arguments)
        except BaseException as error:
            self.errors[number] = error
            self.todo.clear()

    def _close(self) -> None:
        """Wait until nobody is at work; an interrupt (Ctrl-C) is raised afterwards, as arrays are written to till then.

        What the job refers to is let go of: a helper that comes too late may hold the job itself for a while.
        """
        interrupt = None
        with self.lock:
            self.todo.clear()
            self.closed = True
        while self.helping:
            try:
                self.over.acquire()
            except BaseException as error:
                interrupt = error
        del self.run, self.parts, self.arguments
        if interrupt is not None:
            raise interrupt


class _Helper:
    """A thread that sleeps until there is a job."""

    __slots__ = ("go", "job")

    def __init__(self, number: int):
        self.go = threading.Lock()
        self.job: _Job | None = None
        self.go.acquire()
        threading.Thread(target=self._live, name=f"autograd_core {number}", daemon=True).start()

    def call(self, job: _Job) -> None:
        """Let it come; it looks at ``job`` only then, so that one call is enough for it that has not come before."""
        self.job = job
        if self.go.locked():
            self.go.release()

    def _live(self) -> None:
        with np.errstate(all="ignore"):
            while True:
                self.go.acquire()
                job, self.job = self.job, None
                if job is not None:
                    job.help()
                del job


class _Pool:
    """The helpers; ``busy`` is held by the thread whose loop they share."""

    def __init__(self) -> None:
        self.busy = threading.Lock()
        self.helpers: list[_Helper] = []

    def run(self, job: _Job, count: int) -> list[Any]:
        """Have ``job`` done by the caller and ``count`` helpers, or as many as can be started."""
        with contextlib.suppress(RuntimeError):  # the system wants no more, or the interpreter is about to end
            while len(self.helpers) < count:
                self.helpers.append(_Helper(len(self.helpers) + 1))
        for helper in self.helpers[:count]:
            helper.call(job)
        return job.lead()


_pool = _Pool()


def _after_fork() -> None:
    """In a child, where the helpers are not: they are started anew when they are needed."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
