"""Where every value of a fused program lies: in an input, in an output, in the workspace, or only in a register.

New values of Variables are computed in the Variable's own memory where nobody reads the old one later; else they are
copied there at the very end. Whatever can fail comes before the first such write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...ops.reshaping import COPY
from ...symbol import Value
from ..program import Input, Instruction
from .buffers import Lifetime, assign
from .fuse import Cluster
from .loops import squeezed, whole
from .lower import Lowered, Op, is_compiled


@dataclass(frozen=True, slots=True)
class Home:
    """Where a value lies.

    Attributes
    ----------
    kind : {"input", "output", "work"}
    key : Value, int or Lifetime
        The input's value, the output's position, or the stretch of the workspace.
    """

    kind: str
    key: Any


@dataclass(slots=True, eq=False)
class Memory:
    """The memory of a program.

    Attributes
    ----------
    clusters : list of Cluster
        In the order in which they run; copies to Variables are the last.
    homes : dict of Value to Home
        Of all roots that are in memory.
    check_before : int
        Position of the first cluster that writes to an input.
    work : dict of Cluster to list of Lifetime
        Work arrays of kernels.
    nbytes : int
        Of the workspace.
    """

    clusters: list[Cluster]
    homes: dict[Value, Home] = field(default_factory=dict)
    check_before: int = 0
    work: dict[int, list[Lifetime]] = field(default_factory=dict)
    lifetimes: list[Lifetime] = field(default_factory=list)
    nbytes: int = 0


# -- writes ------------------------------------------------------------------------------------------------------------


class Writes:
    """Decides which new values are computed in place, and the order that this asks for."""

    def __init__(self, lowered: Lowered, clusters: list[Cluster]):
        self.lowered = lowered
        self.clusters = clusters
        self.maker = {value: cluster for cluster in clusters for value in cluster.results}
        self.direct: dict[Value, Value] = {}  # new value -> the input's value
        for target, root in lowered.writes:
            maker = self.maker[root]
            if maker.kind == "loops" and maker.ops and self._by_entry(maker, root):
                self.direct[root] = target.value

    @staticmethod
    def _by_entry(cluster: Cluster, root: Value) -> bool:
        return any(op.kind == "map" and op.result is root for op in cluster.ops)

    def order(self) -> list[Cluster]:
        """Clusters with whatever can fail before whatever writes."""
        late = self._late()
        if any(cluster.fails for cluster in late):
            self.direct = {}
            late = []
        if any(cluster.fails for cluster in self.clusters):
            behind = set(map(id, late))
            self.clusters = [c for c in self.clusters if id(c) not in behind] + late
        self._drop_overtaken()
        return self.clusters

    def _late(self) -> list[Cluster]:
        late: list[Cluster] = []
        made: set[Value] = set()
        for cluster in self.clusters:
            if made & cluster.reads or any(value in self.direct for value in cluster.results):
                late.append(cluster)
                made.update(cluster.results)
        return late

    def _drop_overtaken(self) -> None:
        """No longer in place: values whose old one is read later, or in another order."""
        position = {id(cluster): at for at, cluster in enumerate(self.clusters)}
        for root, old in list(self.direct.items()):
            maker = self.maker[root]
            start = position[id(maker)]
            later = any(old in cluster.reads for cluster in self.clusters[start + 1 :])
            if later or not reads_in_order(maker, old):
                del self.direct[root]


def reads_in_order(cluster: Cluster, root: Value) -> bool:
    """Whether a nest reads ``root`` only at the place that it writes to at the same time."""
    return all(
        view.is_whole() and squeezed(view.shape) == cluster.shape and view not in op.looked_up
        for op in cluster.ops
        for view in op.views()
        if view.root is root
    )


# -- homes -------------------------------------------------------------------------------------------------------------


def lay_out(lowered: Lowered, clusters: list[Cluster]) -> Memory:
    """Decide where every value lies."""
    writes = Writes(lowered, clusters)
    memory = Memory(list(writes.order()))
    homes = memory.homes
    for value in lowered.inputs:
        homes[value] = Home("input", value)
    for at, root in enumerate(lowered.outputs):
        homes[root] = Home("output", at)
    for root, old in writes.direct.items():
        homes[root] = Home("input", old)
    copies = [_copy(root, target, homes) for target, root in lowered.writes if root not in writes.direct]
    memory.clusters += copies
    memory.check_before = _first_write(memory)
    _workspace(memory)
    return memory


def _copy(root: Value, target: Input, homes: dict[Value, Home]) -> Cluster:
    new = Value(root.shape, root.dtype, None, None, f"{target.value.name}_new")
    homes[new] = Home("input", target.value)
    compiled = is_compiled(root)
    kind, cluster = ("map", Cluster(shape=squeezed(root.shape))) if compiled else ("python", Cluster())
    params = {} if compiled else {"instruction": Instruction(COPY, (), {})}
    cluster.add(Op(kind, COPY, (whole(root),), (new,), params, "", f"write {target.value.name} <- {root.name}"))
    return cluster


def _first_write(memory: Memory) -> int:
    homes = memory.homes
    for at, cluster in enumerate(memory.clusters):
        if any(value in homes and homes[value].kind == "input" for value in cluster.results):
            return at
    return len(memory.clusters)


def _workspace(memory: Memory) -> None:
    last: dict[Value, int] = {}
    for at, cluster in enumerate(memory.clusters):
        for root in cluster.reads:
            last[root] = at
    free: list[Lifetime] = []
    for at, cluster in enumerate(memory.clusters):
        taken: set[Value] = set()
        for value in cluster.results:
            if value in memory.homes or (value not in last and cluster.kind == "loops" and value in cluster.made):
                continue
            stop = last.get(value, at)
            dying = _dying(memory, cluster, value, at, last, taken)
            if dying is not None:
                taken.add(dying)
                memory.homes[value] = memory.homes[dying]
                memory.homes[dying].key.stop = stop
                continue
            free.append(Lifetime(value.nbytes, at, stop))
            memory.homes[value] = Home("work", free[-1])
        call = cluster.ops[0].params.get("call") if cluster.kind == "kernel" else None
        if call is not None and call.work:
            arrays = [Value(tuple(shape), dtype) for shape, dtype in call.work]
            memory.work[id(cluster)] = [Lifetime(array.nbytes, at, at) for array in arrays]
            free += memory.work[id(cluster)]
    memory.lifetimes = free
    memory.nbytes = assign(free)


def _dying(
    memory: Memory, cluster: Cluster, value: Value, at: int, last: dict[Value, int], taken: set[Value]
) -> Value | None:
    """An operand whose memory the result may take over: it is read here for the last time, entry by entry."""
    if cluster.kind == "update":
        x, *others = cluster.ops[0].views()
        free = x.is_whole() and all(view.root is not x.root for view in others)
        home = memory.homes.get(x.root)
        fits = x.root.dtype == value.dtype and x.root.size == value.size and home is not None and home.kind == "work"
        return x.root if free and fits and last[x.root] == at else None
    if cluster.kind != "loops" or value not in cluster.made:
        return None
    for op in cluster.ops:
        for view in op.views():
            root = view.root
            if (
                root not in taken
                and root in cluster.reads
                and last[root] == at
                and root in memory.homes
                and memory.homes[root].kind == "work"
                and root.dtype == value.dtype
                and root.size == value.size
                and reads_in_order(cluster, root)
            ):
                return root
    return None
