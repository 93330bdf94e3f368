"""The results as Markdown: medians and ratios, targets, details, machine."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.compiled.runner import Result, Settings
from tests.benchmarks.compiled.work import COLUMNS, OURS, QUIET, Target, Work

DISTURBED = "(disturbed)"
Results = Mapping[str, Result]


def report(rows: Mapping[str, tuple[Work, Results]], settings: Settings) -> str:
    """The whole document."""
    parts = [
        "## Medians",
        "In parentheses: time of ours, compiled with Numba (or eager where that is not there), divided by this time."
        f" {DISTURBED}: other processes were at work; such a figure may be far off, and no target is met by it.",
        main_table(rows),
        "## Targets",
        targets_table(rows),
        "## Contenders",
        "Spread: from the lower to the upper quartile. Distance: to float64 by hand, relative, after a few steps."
        f" Others: cores that other processes kept busy meanwhile, in the median; chunks with more than {QUIET:g} do"
        " not count where there are enough others.",
        details_table(rows),
        "## Machine",
        machine(rows, settings),
    ]
    return "\n\n".join(parts) + "\n"


def main_table(rows: Mapping[str, tuple[Work, Results]]) -> str:
    lines = [["work", *COLUMNS.values()]]
    for work, results in rows.values():
        base = least(results, ("numba",)) or least(results, ("eager",))
        lines.append([work.title, *(cell(best(results, (column,)), base) for column in COLUMNS)])
    return markdown(lines)


def cell(result: Result | None, base: float | None) -> str:
    if result is None:
        return ""
    seconds, mark = result.median(), f" {DISTURBED}" if result.disturbed() else ""
    return duration(seconds) + mark if base is None else f"{duration(seconds)} ({base / seconds:.2f}){mark}"


def best(results: Results, columns: tuple[str, ...]) -> Result | None:
    """The one with the least median among the contenders of these columns."""
    there = [result for result in results.values() if result.contender.column in columns and result.seconds]
    return min(there, key=Result.median, default=None)


def least(results: Results, columns: tuple[str, ...]) -> float | None:
    """The least median among the contenders of these columns."""
    chosen = best(results, columns)
    return None if chosen is None else chosen.median()


def targets_table(rows: Mapping[str, tuple[Work, Results]]) -> str:
    lines = [["work", "what", "wanted", "measured", "met"]]
    for work, results in rows.values():
        lines.extend([work.title, *target_cells(target, results)] for target in work.targets)
    return markdown(lines)


def target_cells(target: Target, results: Results) -> list[str]:
    """What is compared, the bound, the figure, and whether it is met."""
    names = [COLUMNS.get(column, column) for column in target.against]
    mine, other = least(results, (target.column,)), least(results, target.against)
    title = COLUMNS.get(target.column, target.column)
    what = title if not names else f"{title} / {names[0] if len(names) == 1 else 'best of ' + ', '.join(names)}"
    sign = "<" if target.strictly else "≤"
    if not target.against:
        measured, shown, wanted = mine, None if mine is None else duration(mine), duration(target.bound)
    else:
        measured = None if mine is None or other is None else mine / other
        shown, wanted = None if measured is None else f"{measured:.2f}", f"{target.bound:g}"
    if measured is None or shown is None:
        return [what, f"{sign} {wanted}", "", "not measured"]
    if any(
        chosen and chosen.disturbed() for chosen in (best(results, (target.column,)), best(results, target.against))
    ):
        return [what, f"{sign} {wanted}", shown, DISTURBED]
    met = measured < target.bound if target.strictly else measured <= target.bound
    return [what, f"{sign} {wanted}", shown, "yes" if met else "**no**"]


def details_table(rows: Mapping[str, tuple[Work, Results]]) -> str:
    lines = [["work", "contender", "median", "spread", "least", "chunks", "distance", "others"]]
    for name, (_, results) in rows.items():
        for key, result in results.items():
            lines.append([name, key, *details(result)])
    return markdown(lines)


def details(result: Result) -> list[str]:
    if not result.seconds:
        return [result.missing, "", "", "0", "", ""]
    low, high = result.quartiles()
    counted, others = len(result.counted()), statistics.median(result.others)
    kind = f"{counted} of {len(result.seconds)}" if counted < len(result.seconds) else f"{counted}"
    error = "" if result.error is None else f"{result.error:.0e}"
    return [
        duration(result.median()), f"{duration(low)} to {duration(high)}", duration(min(result.counted())),
        kind, error, f"{others:.1f}",
    ]  # fmt: skip


def machine(rows: Mapping[str, tuple[Work, Results]], settings: Settings) -> str:
    """Processor, cores, threads, versions."""
    versions: dict[str, set[str]] = {}
    for _, results in rows.values():
        for result in results.values():
            side = "ours" if result.contender.column in OURS else "peers"
            for package, version in result.versions.items():
                title = f"{package} ({side})" if package in ("python", "numpy") else package
                versions.setdefault(title, set()).add(version)
    load = f", load average {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    threads = "each framework's default" if settings.threads is None else str(settings.threads)
    lines = [
        f"- {processor()}, {os.cpu_count()} cores{load}; {platform.system()} {platform.release()}",
        f"- threads: {threads}; at least {settings.rounds} rounds, except where a call is long",
        "- " + ", ".join(f"{package} {'/'.join(sorted(found))}" for package, found in sorted(versions.items())),
    ]
    return "\n".join(lines)


def processor() -> str:
    """The model's name, and the vector instructions that matter most."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", "").split()
    widest = next((flag for flag in ("avx512f", "avx2", "avx") if flag in flags), "")
    return " ".join(filter(None, [facts.get("model name", platform.machine()), widest]))


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    if math.isnan(seconds):
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{float(f'{seconds / size:.3g}'):g} {unit}"
    return f"{float(f'{seconds * 1e9:.3g}'):g} ns"


def markdown(lines: list[list[str]]) -> str:
    head, *body = ["| " + " | ".join(text.replace("|", "/") for text in line) + " |" for line in lines]
    return "\n".join([head, "|" + " --- |" * len(lines[0]), *body])
