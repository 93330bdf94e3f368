"""Which ops share a loop nest, and in which order the nests run.

Ops are taken one by one, in the order of the program. One that goes over the same entries as an earlier nest joins it
if everything it reads is there by then: from an earlier nest, or, entry by entry, from the same one, where it is then
handed on in a register. An op never moves behind one that needs it, so no cycle can arise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from ...symbol import Value
from .loops import Ints, View, squeezed
from .lower import Lowered, Op

SHARING = ("map", "gather", "reduce", "check")
"""Kinds of ops that can share a loop nest."""

SMALL = 4096
"""Entries; nests over no more are joined even where they read nothing in common: a nest less is worth more."""

ARRAYS = 24
"""At most so many arrays are read and written in one nest, unless values would go through memory for it."""


CHEAP = frozenset((
    "add", "subtract", "multiply", "negative", "square", "where", "astype", "copy", "relu", "equal", "not_equal",
    "less", "less_equal", "greater", "greater_equal", "logical_not", "logical_and", "logical_or", "maximum", "minimum",
))  # fmt: skip
"""Operations computed where they are needed, from what is read there anyway, sooner than written and read again."""


@dataclass(slots=True, eq=False)
class Cluster:
    """Ops that run in one loop nest, or one op of another kind.

    Attributes
    ----------
    ops : list of Op
    shape : tuple of int, or None
        Lengths of the loops, without those of length 1; None for an op that shares nothing.
    made : set of Value
        Values whose present entry is in a register.
    reads : set of Value
        Roots that are read from memory.
    early, late : bool
        Whether something in it has to come before the first write to a Variable; whether it may be such a write.
    """

    ops: list[Op] = field(default_factory=list)
    shape: Ints | None = None
    made: set[Value] = field(default_factory=set)
    reads: set[Value] = field(default_factory=set)
    early: bool = False
    late: bool = False

    @property
    def kind(self) -> str:
        """Of its ops; "loops" if they share a nest."""
        return "loops" if self.shape is not None else self.ops[0].kind

    def add(self, op: Op) -> None:
        """One more op, the last."""
        self.ops.append(op)
        self.reads.update(v.root for v in op.views() if not self.takes(op, v))
        if op.kind in ("map", "gather"):
            self.made.add(op.result)

    def has(self, view: View) -> bool:
        """Whether the present entry of ``view`` is in a register."""
        return view.root in self.made and view.is_whole() and squeezed(view.shape) == self.shape

    def takes(self, op: Op, view: View) -> bool:
        """Whether ``op`` finds the entry that it reads of ``view`` in a register."""
        return view not in op.looked_up and self.has(view)

    @property
    def results(self) -> list[Value]:
        """All values that it computes."""
        return [value for op in self.ops for value in op.results]

    @property
    def fails(self) -> bool:
        """Whether it may find entries that are not allowed."""
        return any(op.fails for op in self.ops)


class Fusion:
    """Puts ops into clusters.

    Parameters
    ----------
    early : set of Value
        What has to be known before anything is written to a Variable.
    late : set of Value
        What is written to Variables, and what leads to nothing else. They never share a nest with early ones.
    """

    def __init__(self, early: set[Value], late: set[Value]):
        self.early = early
        self.late = late
        self.clusters: list[Cluster] = []
        self.position: dict[Value, int] = {}
        self.checked: dict[int, int] = {}  # where the checks are, by the id of their op

    def add(self, op: Op) -> None:
        """Put one op where it fits."""
        early = op.fails or any(value in self.early for value in op.results)
        late = not early and any(value in self.late for value in op.results)
        at = self._place(op, early, late) if op.kind in SHARING else None
        if at is None:
            at = len(self.clusters)
            self.clusters.append(Cluster(shape=squeezed(op.shape) if op.kind in SHARING else None))
        cluster = self.clusters[at]
        cluster.early |= early
        cluster.late |= late
        cluster.add(op)
        self.checked[id(op)] = at
        for value in op.results:
            self.position[value] = at

    def _place(self, op: Op, early: bool, late: bool) -> int | None:
        """Position of the cluster that it joins, or None."""
        shape = squeezed(op.shape)

        def fits(cluster: Cluster) -> bool:
            apart = (early and cluster.late) or (late and cluster.early)
            return cluster.shape == shape and not apart and _compatible(cluster, op)

        made = [(view, self.position[view.root]) for view in op.views() if view.root in self.position]
        least = max((self.checked[id(check)] + 1 for check in op.params.get("after", ())), default=0)
        for view, at in made:
            cluster = self.clusters[at]
            least = max(least, at if fits(cluster) and cluster.takes(op, view) else at + 1)
        roots = {view.root for view in op.views()}
        if is_cheap(op):
            for at in range(len(self.clusters) - 1, least, -1):
                cluster = self.clusters[at]
                if fits(cluster) and roots <= cluster.reads | cluster.made:
                    return at
        if least < len(self.clusters) and any(at == least for _, at in made) and fits(self.clusters[least]):
            return least
        for at in range(least, len(self.clusters)):
            cluster = self.clusters[at]
            if not fits(cluster):
                continue
            if prod(shape) <= SMALL or (roots & (cluster.reads | cluster.made) and len(cluster.reads) < ARRAYS):
                return at
        return None


def is_cheap(op: Op) -> bool:
    """Whether an op is computed as late as possible."""
    return op.kind == "map" and op.primitive.name in CHEAP and bool(op.views())


def delayed(ops: list[Op]) -> list[Op]:
    """The same ops, cheap ones right before the first that needs them."""
    waiting: dict[Value, Op] = {}
    order: list[Op] = []

    def put(op: Op) -> None:
        stack = [op]
        while stack:
            needed = [waiting[v.root] for v in stack[-1].views() if v.root in waiting]
            if needed:  # the last first: what reads most opens the nest that the others join
                stack += sorted(needed, key=lambda each: len(each.views()))
                continue
            ready = stack.pop()  # it may be there twice: for who needs it, and for who needs that one
            if ready is op or waiting.pop(ready.result, None) is not None:
                order.append(ready)

    for op in ops:
        if is_cheap(op):
            waiting[op.result] = op
        else:
            put(op)
    for op in ops:
        if op.kind == "map" and waiting.pop(op.result, None) is not None:
            put(op)
    return order


def _compatible(cluster: Cluster, op: Op) -> bool:
    """Whether an op may share the nest: what is looked up must have been checked before."""
    return not cluster.ops or is_range_check(op) is is_range_check(cluster.ops[0])


def is_range_check(op: Op) -> bool:
    """Whether an op looks if indices are in range."""
    return op.params.get("test") == "range"


def _early(lowered: Lowered) -> set[Value]:
    """Everything that ops which may fail need; all there is, if nothing may fail."""
    wanted = {view.root for view in lowered.guards}
    for op in reversed(lowered.ops):
        if op.fails or any(value in wanted for value in op.results):
            wanted.update(view.root for view in op.views())
    return wanted


def _late(lowered: Lowered) -> set[Value]:
    """What is written to Variables, what only leads to that in the same nest, and what needs it."""
    late = {root for _, root in lowered.writes}
    readers: dict[Value, list[tuple[Op, View]]] = {}
    for op in lowered.ops:
        if any(view.root in late for view in op.views()):
            late.update(op.results)
        for view in op.views():
            readers.setdefault(view.root, []).append((op, view))
    wanted = {*lowered.outputs, *(view.root for view in lowered.guards)}
    for op in reversed(lowered.ops):
        uses = readers.get(op.results[0], []) if op.kind == "map" else []
        if uses and op.result not in wanted and all(_hands_on(op, *use) and use[0].result in late for use in uses):
            late.add(op.result)
    return late


def _hands_on(op: Op, reader: Op, view: View) -> bool:
    same = squeezed(op.shape) == squeezed(reader.shape) if reader.kind in SHARING else False
    return reader.kind == "map" and same and view.is_whole()


def fuse(lowered: Lowered) -> list[Cluster]:
    """Clusters, in an order in which they can run."""
    early = _early(lowered)
    fusion = Fusion(early, _late(lowered) if early else set())
    guards: dict[Value, list[View]] = {}
    for view in lowered.guards:
        guards.setdefault(view.root, []).append(view)
    for op in delayed(lowered.ops):
        fusion.add(op)
        for value in op.results:
            for view in guards.pop(value, ()):
                fusion.add(_guard(view))
    for view in (each for rest in guards.values() for each in rest):  # of inputs
        fusion.add(_guard(view))
    return fusion.clusters


def _guard(view: View) -> Op:
    return Op("check", None, (view,), (), {"test": "nan"}, "", f"is {view.root.name} free of NaN")
