"""Check many random programs: ``python -m autograd_core.testing.programs --count 10000 --processes 4``."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from .agreement import EMITTERS
from .many import run_many, tasks


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 1 if there was a disagreement, or an operation that no program had."""
    parser = argparse.ArgumentParser(prog="python -m autograd_core.testing.programs", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many programs")
    parser.add_argument("--first", type=int, default=0, help="number of the first one, to go on where a run ended")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--batch", type=int, default=10, help="programs in one compiled function")
    parser.add_argument("--emitters", default=None, help='"numpy,numba" (the default with Numba), one, or ""')
    parser.add_argument("--max-operations", type=int, default=8)
    parser.add_argument("--dtype", default="float64", choices=("float64", "float32"))
    parser.add_argument("--pictures", default=None, metavar="FOLDER", help="draw what disagrees into this folder")
    given = parser.parse_args(arguments)
    emitters = given.emitters
    if emitters is None:
        emitters = "numpy,numba" if find_spec("numba") is not None else "numpy"
    chosen = [name for name in emitters.split(",") if name]
    if any(name not in EMITTERS for name in chosen):
        parser.error(f"--emitters: known are {' and '.join(EMITTERS)}; got {emitters!r}")
    if min(given.count, given.processes, given.batch, given.max_operations) < 1:
        parser.error("--count, --processes, --batch and --max-operations must be 1 or more")
    if given.pictures is not None:
        Path(given.pictures).mkdir(parents=True, exist_ok=True)
    limits = given.max_operations, given.dtype, given.first, given.pictures
    todo = tasks(given.count, given.seed, given.batch, chosen, *limits)
    total = run_many(todo, given.processes)
    return 1 if total.failures or (given.count >= 5000 and total.missing) else 0


if __name__ == "__main__":
    sys.exit(main())
