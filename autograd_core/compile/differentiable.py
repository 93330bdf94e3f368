"""A compiled function under a tape: one Node, whose rule is a plan of its own.

The function is traced together with its backward walk, for cotangents that are inputs. What does not depend on them
becomes the forward plan; the rest, fed with what it needs of the forward plan's values, is the backward plan. For
higher derivatives the function is run again, eagerly, as ``checkpoint`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from .. import recording
from ..backward import pull_back
from ..node import NO_PARAMS, Node
from ..primitive import Primitive, output_of
from ..recompute import Recomputation
from ..recording import Frame, Record
from ..tensor import Tensor
from ..tree import flatten
from ..variable import Variable
from .executable import ZeroMetInfinity
from .methods import held
from .plan import Plan
from .program import Input
from .signature import Leaves, lifted
from .split import split
from .trace import Trace

UNTRACKED: Any = object()


class Differentiable:
    """One entry of a function, for calls under a tape.

    Parameters
    ----------
    name : str
    f : callable
        The function itself.
    entry : Entry
        Its plan without derivatives.
    """

    def __init__(self, name: str, f: Callable[..., Any], entry: Any):
        self.name = name
        self.f = f
        self.entry = entry
        self.captured = [each.key for each in entry.program.inputs if each.kind in ("variable", "tensor")]
        self._pairs: dict[tuple[Any, ...], _Pair] = {}

    def call(self, args: Any, keywords: Any, leaves: Leaves, frame: Frame) -> Any:
        """The function's result with a Node; UNTRACKED if no tape tracks anything that it depends on."""
        sources = [*leaves.sources, *self.captured]
        tensors = [source.read(frame) if isinstance(source, Variable) else source for source in sources]
        nodes = [t.node if isinstance(t, Tensor) and t.array.dtype.kind in "fc" else None for t in tensors]
        tapes = frame.trackers(nodes)
        if not tapes:
            return UNTRACKED
        if self.entry.plan.optimised.writes:  # what is assigned has to be recorded too: as without a plan
            return run_eagerly(self.f, args, keywords)
        wanted = tuple(i for i, n in enumerate(nodes) if n is not None and any(token in n.tapes for token in tapes))
        pair = self._pairs.get(wanted)
        if pair is None:
            pair = self._pairs[wanted] = _Pair(self, wanted, args, keywords)
        return pair.call(args, keywords, leaves, [tensors[i] for i in wanted], frame, tapes)


class _Pair:
    """Forward and backward plan for the derivatives in chosen sources."""

    def __init__(self, owner: Differentiable, wanted: Sequence[int], args: Any, keywords: Any):
        self.owner = owner
        self.wanted = wanted
        self.tracked: list[int] = []  # outputs that depend on the sources
        trace = Trace(owner.name)
        outs, cts, found = trace.run(lambda: self._traced(trace, args, keywords))
        self.connected = [i for i, ct in enumerate(found) if ct is not None]
        pulled = [ct for ct in found if ct is not None]
        self.count = len(outs)
        self.floating = [i for i, out in enumerate(outs) if out.dtype.kind in "fc"]
        values = [ct.array for ct in cts]
        outputs = [trace.value_of(out) for out in (*outs, *pulled)]
        del outs, pulled, found
        program = trace.finish(outputs)
        forward, backward, self.given = split(program, self.count, values)
        jit = owner.entry.plan.asked
        self.forward = Plan(trace, forward, jit)
        self.backward = Plan(Trace(owner.name), backward, jit)

    def _traced(self, trace: Trace, args: Any, keywords: Any) -> Any:
        """Run the function under a record, and pull symbolic cotangents back."""
        arrays = Leaves(self.owner.name, args, keywords).arrays
        handles: list[Tensor] = []

        def make(_: Any) -> Tensor:
            handles.append(Tensor(trace.argument(len(handles), arrays[len(handles)]), None))
            return handles[-1]

        record = Record(watches_variables=False)
        recording.add(record)
        try:
            own_args, own_keywords = lifted(args, make), lifted(dict(sorted(keywords.items())), make)
            sources = [*handles, *self.owner.captured]
            standing = [_watched(record, sources[i]) for i in self.wanted]
            result = self.owner.f(*own_args, **own_keywords)
        finally:
            recording.remove(record)
        outs = [leaf for leaf in flatten(result)[0] if isinstance(leaf, (Tensor, np.ndarray))]
        cts: list[Tensor] = []
        seeds: dict[Node, Any] = {}
        for position, out in enumerate(outs):
            if out.dtype.kind not in "fc":
                continue
            ct = Tensor(trace.argument(len(arrays) + len(cts), np.zeros(out.shape, out.dtype)), None)
            cts.append(ct)
            node = out.node if isinstance(out, Tensor) else None
            if node is not None and record.token in node.tapes:
                seeds[node] = ct if node not in seeds else seeds[node] + ct
                self.tracked.append(position)
        found = pull_back(record.nodes, seeds, [node for nodes in standing for node in nodes], True)
        return outs, cts, [_total(found, nodes) for nodes in standing]

    def call(self, args: Any, keywords: Any, leaves: Leaves, tensors: list[Tensor], frame: Frame, tapes: Any) -> Any:
        """Run the forward plan, and record a Node whose rule runs the backward plan."""
        started = perf_counter()
        values = self.forward(leaves.arrays)
        outs = values[: self.count]
        captured: list[Any] = [
            each if isinstance(each, int) else _array_of(each, leaves.arrays, leaves.sources) for each in self.given
        ]
        parents: tuple[Any, ...] = tuple(tensor.node for tensor in tensors)
        again = Recomputation(self.owner.name, _repeat(held(self.owner.f), args, keywords), list(parents))

        def rule(ct: Any, ans: Any, *operands: Any) -> list[Any]:
            if any(isinstance(part, Tensor) for part in ct):
                return self._eagerly(again, ct, ans)
            given = [values[each] if isinstance(each, int) else each for each in captured]
            try:
                pulled = self.backward([*given, *(np.asarray(ct[i]) for i in self.floating)])
            except ZeroMetInfinity:
                return self._eagerly(again, ct, ans)
            grads: list[Any] = [None] * len(self.wanted)
            for place, grad in zip(self.connected, pulled, strict=True):
                grads[place] = grad
            return grads

        row = Primitive(self.owner.name, lambda *operands: outs, vjps=(rule,), joint=True)
        node = Node(row, tuple(tensor.array for tensor in tensors), parents, tuple(outs), NO_PARAMS, tapes)
        frame.write(node, started)
        return self.owner.entry.rebuilt([output_of(frame, node, index) for index in range(self.count)])

    def _eagerly(self, again: Recomputation, ct: Any, ans: Any) -> Any:
        """Cotangents of the sources from another run of the function, which records for whoever wants it."""
        cts, answers = tuple(ct[i] for i in self.tracked), tuple(ans[i] for i in self.tracked)
        return again.rule(self.tracked)(cts, answers)


def run_eagerly(f: Callable[..., Any], args: Any, keywords: Any) -> Any:
    """Call the function itself, operation by operation, with handles of its own."""
    return f(*lifted(args, _handle), **lifted(dict(keywords), _handle))


def _repeat(f: Callable[..., Any], args: Any, keywords: Any) -> Callable[[], Any]:
    """The same call again, with handles of its own."""
    own_args, own_keywords = lifted(args, _handle), lifted(dict(keywords), _handle)
    return lambda: f(*own_args, **own_keywords)


def _handle(leaf: Any) -> Tensor:
    return Tensor(leaf.array, leaf.node) if isinstance(leaf, Tensor) else Tensor(leaf)


def _array_of(given: Input, arrays: Sequence[Any], sources: Sequence[Any]) -> Any:
    """Array of an input at this moment; the user's own is copied, since it may be written to before the walk."""
    if given.kind == "argument":
        array = arrays[given.key]
        return array if isinstance(sources[given.key], Tensor) else array.copy()
    return given.key._value.array if given.kind == "variable" else given.key.array


def _watched(record: Record, source: Any) -> list[Node]:
    """Nodes that stand for ``source`` on the record: a list that grows as a Variable is read."""
    if isinstance(source, Variable):
        return record.reads.setdefault(id(source), (source, []))[1]
    recording.watch(source, record.token)
    return [source.node]


def _total(found: Any, nodes: Sequence[Node]) -> Any:
    total = None
    for node in nodes:
        ct = found.get(node)
        if ct is not None:
            total = ct if total is None else total + ct
    return total
