"""What a run has found, as a table and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .running import Result


def table(results: Sequence[Result], seconds: float, processes: int) -> str:
    """Figures by kind of mutant, and the survivors."""
    lines = [_line("kind", "mutants", "noticed", "equivalent", "survived", "largest counterexample")]
    kinds = sorted({(result.group, result.kind) for result in results}, key=_order)
    for group, kind in kinds:
        some = [result for result in results if (result.group, result.kind) == (group, kind)]
        lines.append(_figures(f"{group}: {kind}", some))
    lines += ["-" * len(lines[0]), _figures("all", results), ""]
    lines += [f"{text}: {count}" for text, count in _noticing(results)]
    lines.append(f"{seconds:.0f} s on {processes} process{'es' if processes > 1 else ''}")
    survivors = [result for result in results if result.survived]
    if survivors:
        lines += ["", f"{len(survivors)} of the mutants survived:"]
        lines += [f"  {one.target}: {one.change}\n      differs at {one.program}" for one in survivors]
    return "\n".join(lines)


def details(results: Sequence[Result]) -> str:
    """Mutants that compute the same as the right rule, for a person to look at; and the largest counterexamples."""
    lines = ["Equivalent: the same derivatives on every sample, in first and second order and in both modes"]
    for one in results:
        if one.equivalent is not None:
            lines.append(
                f"  {one.target}: {one.change}" + (" (but for rounding)" if one.equivalent == "rounding" else "")
            )
    lines += ["", "Largest counterexamples"]
    largest = sorted((one for one in results if one.nodes is not None), key=lambda one: -(one.nodes or 0))
    lines += [f"  {one.nodes} nodes: {one.target}: {one.change}\n      {one.program}" for one in largest[:20]]
    lost = [one for one in results if one.noticed_by is not None and one.nodes is None]
    lines += ["", f"Noticed, with no small program found: {len(lost)}"]
    lines += [f"  {one.target}: {one.change} ({one.noticed_by})" for one in lost]
    return "\n".join(lines)


def save(path: str, results: Sequence[Result]) -> None:
    """All results as a JSON list."""
    Path(path).write_text(json.dumps([asdict(one) for one in results], indent=1), encoding="utf-8")


def largest(results: Sequence[Result]) -> int | None:
    """Nodes of the largest counterexample."""
    return max((one.nodes for one in results if one.nodes is not None), default=None)


def _figures(name: str, results: Sequence[Result]) -> str:
    noticed = sum(result.noticed_by is not None for result in results)
    equivalent = sum(result.equivalent is not None for result in results)
    survived = sum(result.survived for result in results)
    nodes = largest(results)
    return _line(name, len(results), noticed, equivalent, survived, "" if nodes is None else f"{nodes} nodes")


def _line(name, *cells) -> str:
    widths = (9, 9, 12, 10, 24)
    return f"{name:<24}" + "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _order(kind: tuple[str, str]):
    return ("rule", "helper", "engine").index(kind[0]), kind[1]


def _noticing(results: Sequence[Result]) -> list[tuple[str, int]]:
    """How many were noticed by what."""
    who: Counter[str] = Counter()
    for one in results:
        if one.noticed_by is not None:
            stage, _, test = one.noticed_by.partition(": ")
            who[f"noticed by {stage}" + (f", {test}" if stage == "rows" else "")] += 1
    return who.most_common()
