"""The nodes of a walk, with a look at the clock between one and the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

from ...node import Node
from ...primitive import PROJECT
from .sites import BACKWARD, TANGENT, user_code
from .strand import Strand, add_rule


class Timed:
    """Nodes that are walked through once, in one direction; what is done with each of them is measured.

    The walk asks for the next Node when it has done with the last: the time in between is the last one's, rules,
    conversions and additions together.
    """

    phase = BACKWARD

    def __init__(self, nodes: Sequence[Node], strand: Strand):
        self.nodes = nodes
        self.strand = strand
        self.met = False  # whether the walk has asked a rule of the present Node

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __reversed__(self) -> Iterator[Node]:
        return reversed(self.nodes)

    def _timed(self, nodes: Iterator[Node]) -> Iterator[Node]:
        strand, phase = self.strand, self.phase
        for node in nodes:
            end = perf_counter()
            self.met = False
            strand.rule_of, applied = strand.site_of_node(node)
            site = strand.rule_of
            before = strand.enter()
            start = perf_counter()
            strand.own += start - end
            yield node
            if not self.met:
                strand.inside = before
                strand.depth -= 1
                continue
            end = perf_counter()
            own = strand.leave(before, start, end, site, True)
            add_rule(site, applied, phase, own, node.primitive is not PROJECT)
            strand.own += perf_counter() - end


class Backward(Timed):
    """Nodes that are walked through from the last to the first."""

    def __reversed__(self) -> Iterator[Node]:
        return self._timed(reversed(self.nodes))

    def looking(self, look: Callable[..., Any] | None) -> Callable[..., Any]:
        """A function that looks at what rules send, and lets ``look`` do it, too."""

        def met(ct: Any, node: Node, index: int, rule: Any, contribution: Any) -> Any:
            self.met = True
            return contribution if look is None else look(ct, node, index, rule, contribution)

        return met


class Forward(Timed):
    """Nodes that are walked through from the first to the last, with tangents."""

    phase = TANGENT

    def __iter__(self) -> Iterator[Node]:
        return self._timed(iter(self.nodes))

    def looking(self, look: Callable[..., Any] | None) -> Callable[..., Any]:
        """A function that looks at tangents, and lets ``look`` do it, too."""

        def met(node: Node, entering: Any, tangent: Any) -> None:
            self.met = True
            if look is not None:
                look(node, entering, tangent)

        return met


def backward(strand: Strand, walk: Callable[..., Any]) -> Callable[..., Any]:
    """``walk`` of the backward pass, measured by ``strand``."""

    def measured(nodes: Any, seeds: Any, kept: Any, recorded: bool, mend: Any) -> Any:
        timed = Backward(nodes, strand)
        return _walked(strand, BACKWARD, lambda: walk(timed, seeds, kept, recorded, timed.looking(mend)))

    return measured


def forward(strand: Strand, walk: Callable[..., Any]) -> Callable[..., Any]:
    """``walk`` of forward mode, measured by ``strand``."""

    def measured(nodes: Any, seeds: Any, targets: Any, recorded: bool, zero_wins: bool, look: Any = None) -> Any:
        timed = Forward(nodes, strand)
        return _walked(strand, TANGENT, lambda: walk(timed, seeds, targets, recorded, zero_wins, timed.looking(look)))

    return measured


def _walked(strand: Strand, phase: int, walk: Callable[[], Any]) -> Any:
    before = strand.phase, strand.depth, strand.inside, strand.walked_from, strand.rule_of
    strand.phase, strand.walked_from = phase, user_code(2)
    try:
        return walk()
    except BaseException:
        strand.depth, strand.inside = before[1:3]  # the Node whose rule has failed is not noted
        raise
    finally:
        strand.phase, strand.walked_from, strand.rule_of = before[0], *before[3:]
