"""Run the rows and print the tables in Markdown.

python -m tests.benchmarks.compiled --peer-python /path/to/python/with/peers
python -m tests.benchmarks.compiled --only chain,mnist --peers none
python -m tests.benchmarks.compiled --contenders Numba,JAX --rounds 100 --out table.md
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.benchmarks.compiled.runner import Settings, run_work
from tests.benchmarks.compiled.table import report
from tests.benchmarks.compiled.work import WORKS, find_work

PEERS_VARIABLE = "AUTOGRAD_CORE_PEERS"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.compiled", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default=",".join(WORKS), help="rows, by commas (%(default)s)")
    parser.add_argument("--contenders", default="", help="only those whose name has one of these parts, by commas")
    parser.add_argument("--rounds", type=int, default=30, help="chunks timed of each contender (%(default)s)")
    parser.add_argument("--peers", choices=("auto", "none"), default="auto", help="other frameworks, where installed")
    parser.add_argument(
        "--peer-python", default=os.environ.get(PEERS_VARIABLE) or sys.executable,
        help=f"the Python that has them (default: that of the variable {PEERS_VARIABLE}, or else this one)",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, help="cores and threads for everybody (default: each one's own)")
    parser.add_argument("--patience", type=float, default=600, help="seconds that one answer may take (%(default)s)")
    parser.add_argument("--wait", type=float, default=1, help="seconds to wait for others to rest (%(default)s)")
    parser.add_argument("--limit", type=float, default=600, help="seconds for the rounds of a row (%(default)s)")
    parser.add_argument("--out", help="also write the tables into this file")
    parser.add_argument("--verbose", action="store_true", help="show what the contenders print")
    args = parser.parse_args()
    unknown = [name for name in args.only.split(",") if name not in WORKS]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(WORKS)}")
    return args


def main() -> None:
    args = arguments()
    settings = Settings(
        rounds=args.rounds, peers=args.peers == "auto", peer_python=args.peer_python, threads=args.threads,
        only=tuple(filter(None, args.contenders.split(","))), patience=args.patience,
        wait=args.wait, limit=args.limit, verbose=args.verbose,
    )  # fmt: skip
    rows = {}
    for name in args.only.split(","):
        rows[name] = find_work(name), run_work(name, settings)
        if args.out:  # after each row: a long run that is stopped has its results so far
            Path(args.out).write_text(report(rows, settings), encoding="utf-8")
    print(report(rows, settings))


if __name__ == "__main__":
    main()
