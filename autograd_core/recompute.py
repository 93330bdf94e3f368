"""``checkpoint``: recompute a function in the backward pass instead of keeping its intermediate values."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any

import numpy as np

from . import recording
from .backward import pull_back
from .errors import StaleValueError
from .node import NO_PARAMS, Node
from .primitive import Primitive, output_of
from .recording import Frame, Record, track
from .symbol import Value
from .tensor import Tensor, taken
from .tree import flatten
from .variable import Variable


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Recompute ``f`` in the backward pass instead of keeping its intermediate values: memory for time.

    Parameters
    ----------
    f : callable
        Must compute the same again when called again: randomness only from a generator made anew inside. Gradients
        flow to its arguments and to whatever else it uses, Variables and Tensors of the enclosing scope.

    Returns
    -------
    callable
        Same arguments and result as ``f``.

    Raises
    ------
    StaleValueError
        In the backward pass, if a Variable that ``f`` reads was assigned since the forward pass, or if ``f`` computes
        something else than in the forward pass.
    """

    @wraps(f)
    def recomputed(*args, **keywords):
        outer = recording.current()
        if outer is None or not recording.is_recording():
            return f(*args, **keywords)
        started = perf_counter()
        call = _repeatable(f, args, keywords)
        starts = [len(record.nodes) for record in outer.records]
        value = call()
        # What was recorded shows what `f` depends on, and is then forgotten: that is the memory saved.
        inside: set[Node] = set()
        sources: dict[Node, None] = {}
        for record, start in zip(outer.records, starts, strict=True):
            inside.update(record.nodes[start:])
            sources.update(dict.fromkeys(p for node in record.nodes[start:] for p in node.parents if p is not None))
            del record.nodes[start:]
        again = Recomputation(getattr(f, "__name__", "function"), call, [s for s in sources if s not in inside])
        return again.attach(value, inside, outer, started)

    return recomputed


def _repeatable(f, args, keywords) -> Callable[[], Any]:
    """Call of ``f`` that can be made again, whatever becomes of the arguments in between."""
    leaves, rebuild = flatten([list(args), keywords])
    if recording.trace_here() is None:
        leaves = [leaf.copy() if isinstance(leaf, np.ndarray) else _handle(leaf) for leaf in leaves]
    else:  # a plan reads arrays and Tensors anew at each run: those themselves, not handles of them
        leaves = [taken(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves]

    def call():
        own_args, own_keywords = rebuild([_handle(leaf) for leaf in leaves])
        return f(*own_args, **own_keywords)

    return call


def _handle(leaf):
    """Handle of its own for a Tensor: ``x[i] = y`` inside ``f`` moves that one."""
    return Tensor(leaf.array, leaf.node) if isinstance(leaf, Tensor) else leaf


class Recomputation:
    """What is kept of one call: how to make it again, and the Nodes it depends on."""

    def __init__(self, name: str, call: Callable[[], Any], sources: list[Node]):
        self.name = name
        self.call = call
        self.sources = sources
        self.variables: dict[int, tuple[Variable, int, int]] = {}  # id -> Variable, its version, its place in sources
        for place, source in enumerate(sources):
            variable = source.params["variable"]() if "variable" in source.params else None
            if variable is not None:
                self.variables.setdefault(id(variable), (variable, variable.version, place))

    def attach(self, value: Any, inside: set[Node], frame: Frame, started: float | None = None) -> Any:
        """``value`` with a Node that stands for the Nodes ``inside``."""
        outs, rebuild = flatten(value)
        made = [i for i, out in enumerate(outs) if isinstance(out, Tensor) and out.node in inside]
        tapes = frame.trackers(self.sources)
        if not made or not tapes:
            return value
        arrays = tuple(outs[i].array for i in made)
        row = Primitive(f"checkpoint {self.name}", lambda *values: arrays, vjps=(self.rule(made),), joint=True)
        row.of_one_call, row.again = True, self
        node = Node(row, tuple(source.value for source in self.sources), tuple(self.sources), arrays, NO_PARAMS, tapes)
        frame.write(node, started)
        for position, i in enumerate(made):
            outs[i] = output_of(frame, node, position)
        return rebuild(outs)

    def rule(self, made: list[int]):
        def rule(ct, ans, *args):
            record = Record(watches_variables=False)
            outs = self._again(record)
            seeds: dict[Node, Any] = {}
            for i, part, before in zip(made, ct, ans, strict=True):
                node = self._same(outs[i], before.array if isinstance(before, Tensor) else before)
                seeds[node] = part if node not in seeds else seeds[node] + part
            leaves = {place: record.reads[key][1] for key, (_, _, place) in self.variables.items()}
            wanted = [*self.sources, *(leaf for of_one in leaves.values() for leaf in of_one)]
            found = pull_back(record.nodes, seeds, wanted, any(isinstance(part, Tensor) for part in ct))
            # What is both an argument and closed over, or given twice, has its cotangent once.
            once = dict(zip(reversed(self.sources), reversed(range(len(self.sources))), strict=True))
            cts = [found.get(source) if once[source] == i else None for i, source in enumerate(self.sources)]
            for place, of_one in leaves.items():
                for leaf in of_one:
                    if leaf in found:
                        cts[place] = found[leaf] if cts[place] is None else cts[place] + found[leaf]
            return cts

        return rule

    def _again(self, record: Record) -> list[Any]:
        """Results of ``f``, recorded on ``record`` from the same Nodes and Variables as in the forward pass."""
        for source in self.sources:
            track(source, record.token)
        for key, (variable, _, _) in self.variables.items():
            record.reads[key] = (variable, [])
        recording.add(record)
        try:
            outs = flatten(self.call())[0]
        finally:
            recording.remove(record)
        for key, (variable, version, _) in self.variables.items():
            if record.reads[key][1] and variable.version != version:
                raise StaleValueError(
                    f"checkpoint: {variable.label()} was assigned (at {variable.assigned_at()}) between the forward "
                    f"pass and its recomputation of {self.name}. Take the gradient before assigning."
                )
        return outs

    def _same(self, out, before) -> Node:
        """Node of a result, which must be what it was in the forward pass."""
        if isinstance(out, Tensor) and out.node is not None and _alike(out.array, before):
            return out.node
        raise StaleValueError(
            f"checkpoint: {self.name} computed something else when it was called again for the backward pass. Make it "
            "depend on its arguments and on Variables only; draw random numbers from a generator made inside it."
        )


def _alike(now, before) -> bool:
    """Equal but for rounding: a library may add in another order when its arrays lie elsewhere in memory."""
    if now.shape != before.shape or now.dtype != before.dtype:
        return False
    if now.__class__ is Value:
        return True  # traced: it is the same program
    scale = np.max(np.abs(before), initial=0, where=np.isfinite(before))
    return np.allclose(now, before, rtol=0, atol=scale * np.sqrt(np.finfo(before.dtype).eps), equal_nan=True)
