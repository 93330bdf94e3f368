"""Heat: what each box of a drawing costs, or how large its gradient is, as a colour and a figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DomainError, GraphError
from .elements import CONSTANT, GraphNode
from .fold import View
from .palette import heat_color
from .text import number

if TYPE_CHECKING:
    from .model import Graph

TIME = "time"
MEMORY = "memory"
GRADIENT = "gradient"
MEASURES = (TIME, MEMORY, GRADIENT)

_DECADES = 6.0  # at most


@dataclass(frozen=True, slots=True)
class Heat:
    """Figures for boxes, and a colour for each.

    Attributes
    ----------
    texts : dict of int to str
        By the index of the box; boxes without a figure are missing.
    colors : dict of int to str
    legend : str
        What the colours mean.
    """

    texts: dict[int, str]
    colors: dict[int, str]
    legend: str


def heat_of(graph: Graph, view: View, measure: str) -> Heat:
    """Heat of the boxes of ``view``.

    Raises
    ------
    DomainError
        If there is no such measure.
    GraphError
        If the graph has no figures of the kind.
    """
    if measure not in MEASURES:
        raise DomainError(f"Graph.draw: heat must be one of {', '.join(MEASURES)}, or None; got {measure!r}.")
    sums: dict[int, float] = {}
    for node in graph.nodes:
        figure = _figure(node, measure)
        if figure is not None:
            owner = view.owner[node.index]
            sums[owner] = sums.get(owner, 0.0) + figure
    if not sums:
        raise GraphError(f"Graph.draw: heat={measure!r} has nothing to show: {_MISSING[measure]}")
    if measure == GRADIENT:
        sums = {box: math.sqrt(total) for box, total in sums.items()}
    finite = [total for total in sums.values() if math.isfinite(total) and total > 0]
    most, least = max(finite, default=0.0), min(finite, default=0.0)
    parts = {box: _part(total, least, most, measure) for box, total in sums.items()}
    texts = {box: _text(total, measure) for box, total in sums.items()}
    legend = f"Colour: {measure}, from white for {_lowest(least, most, measure)} to orange for {_text(most, measure)}."
    return Heat(texts, {box: heat_color(part) for box, part in parts.items()}, legend)


_MISSING = {
    TIME: "no operation of this graph was timed. Record it inside `with ag.record_details():`, or ag.profile().",
    MEMORY: "no node of this graph holds an array.",
    GRADIENT: "the graph has no gradients. Make it with ag.graph(target, gradients=True).",
}


def _figure(node: GraphNode, measure: str) -> float | None:
    """Seconds, bytes, or the square of the gradient's norm."""
    if measure == TIME:
        return node.seconds
    if measure == MEMORY:
        return None if node.kind == CONSTANT and not hasattr(node.value, "dtype") else float(node.nbytes)
    if node.gradient is None:
        return None
    with np.errstate(all="ignore"):
        return float(np.sum(np.abs(np.asarray(node.gradient, dtype=complex)) ** 2))


def _part(figure: float, least: float, most: float, measure: str) -> float:
    """Where on the scale a figure stands, from 0 to 1; of gradients, which may vanish, by powers of ten."""
    if not math.isfinite(figure):
        return 1.0
    if figure <= 0 or most <= 0:
        return 0.0
    return 1.0 + math.log10(figure / most) / _decades(least, most) if measure == GRADIENT else figure / most


def _decades(least: float, most: float) -> float:
    """Powers of ten between white and orange."""
    return min(max(math.log10(most / least), 1.0), _DECADES)


def _lowest(least: float, most: float, measure: str) -> str:
    if measure != GRADIENT or not most:
        return "0"
    return f"{number(most / 10 ** _decades(least, most))} and less"


def _text(figure: float, measure: str) -> str:
    if measure == GRADIENT:
        return f"gradient norm {number(figure)}"
    if measure == TIME:
        scale, unit = next(((s, u) for s, u in ((1.0, "s"), (1e-3, "ms")) if figure >= s), (1e-6, "µs"))
    else:
        scale, unit = next(((s, u) for s, u in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if figure >= s), (1.0, "bytes"))
    return f"{figure / scale:.3g} {unit}"
