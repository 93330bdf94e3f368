"""Command line: ``python -m tests.mutate``; see the package."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import time
from collections.abc import Sequence

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before NumPy is imported: the processes share the cores
    os.environ.setdefault(variable, "1")

from . import report  # noqa: E402
from .running import Options, Result, run  # noqa: E402
from .targets import targets  # noqa: E402

QUICK_ROWS = (
    "multiply", "tanh", "maximum", "where", "sum", "max", "matmul", "getitem", "concatenate", "svd",
    "linear_recurrence",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.mutate", description="Break each derivative rule, and see whether the tests notice."
    )
    made.add_argument("--only", nargs="+", metavar="NAME", default=[], help="rows, helpers or parts of the engine")
    made.add_argument("--kind", nargs="+", metavar="KIND", default=[], help="sign, factor, operand, sum, text, ...")
    made.add_argument("--group", nargs="+", choices=("rule", "helper", "engine"), default=("rule", "helper", "engine"))
    made.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    made.add_argument("--quick", action="store_true", help="some rows, and one mutant out of four")
    made.add_argument("--no-pytest", action="store_true", help="only the checks that go over all rows")
    made.add_argument("--no-shrink", action="store_true", help="do not look for the smallest programs")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--out", metavar="FILE.json", help="write every result down")
    made.add_argument("--verbose", action="store_true", help="list equivalent mutants and the largest counterexamples")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit status is 1 if a mutant survived."""
    given = parser().parse_args(argv)
    if not hasattr(os, "fork"):
        print("The mutation check copies its process (fork) for each group of mutants, which this system cannot.")
        return 2
    began = time.perf_counter()
    every = targets()
    names = tuple(given.only) or (QUICK_ROWS if given.quick else ())
    in_group = [target for target in every if target.group in given.group]
    chosen = [target for target in in_group if not names or any(_is_named(target.name, name) for name in names)]
    if not chosen:
        names_there = sorted({target.name.partition(".vjps")[0].partition(".jvps")[0] for target in every})
        near = [other for name in names for other in difflib.get_close_matches(name, names_there, 5)]
        print(f"Nothing is called {', '.join(names)}." + (f" Did you mean {' or '.join(near)}?" if near else ""))
        return 2
    options = Options(
        kinds=tuple(given.kind), every=4 if given.quick else 1, seed=given.seed, shrink=not given.no_shrink
    )
    results = run(chosen, options, given.processes, Progress(given.out), pytest=not given.no_pytest)
    print(report.table(results, time.perf_counter() - began, given.processes))
    if given.verbose:
        print(report.details(results))
    if given.out:
        report.save(given.out, results)
    return 1 if any(result.survived for result in results) else 0


def _is_named(target: str, name: str) -> bool:
    return target == name or target.startswith((f"{name}.vjps", f"{name}.jvps", f"{name}."))


class Progress:
    """Says how far it is, again and again on a terminal and every minute elsewhere; and writes down what is known."""

    def __init__(self, file: str | None):
        self.file = file
        self.last = self.saved = time.monotonic()

    def __call__(self, results: Sequence[Result], of: int) -> None:
        now, shown = time.monotonic(), sys.stderr.isatty()
        if now - self.last > (0.5 if shown else 60):
            self.last = now
            print(f"{len(results)} of {of} mutants", end="\r" if shown else "\n", file=sys.stderr, flush=True)
        if self.file and now - self.saved > 60:
            self.saved = now
            report.save(self.file, results)


if __name__ == "__main__":
    sys.exit(main())
