"""``checkpoint``: recompute a function in the backward pass instead of keeping its intermediate values."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from . import recording
from .backward import pull_back
from .errors import StaleValueError
from .node import NO_PARAMS, Node
from .primitive import Primitive, output_of
from .recording import Frame, Record, track
from .tensor import Tensor
from .tree import flatten


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
        if outer is None:
            return f(*args, **keywords)
        call = _repeatable(f, args, keywords)
        inner = Frame(outer.records)  # a frame of its own: its `leaves` tell which Variables were read inside
        starts = [len(record.nodes) for record in outer.records]
        recording.replace(inner)
        try:
            value = call()
        finally:
            recording.replace(outer)
            # What was recorded shows what `f` depends on, and is then forgotten: that is the memory saved.
            inside: dict[Node, None] = {}
            for record, start in zip(outer.records, starts, strict=True):
                inside.update(dict.fromkeys(record.nodes[start:]))
                del record.nodes[start:]
        return _Recomputation(getattr(f, "__name__", "function"), call, inner, inside).attach(value, outer)

    return recomputed


def _repeatable(f, args, keywords) -> Callable[[], Any]:
    """Call of ``f`` that can be made again, whatever becomes of the arguments in between."""
    leaves, rebuild = flatten([list(args), keywords])
    leaves = [leaf.copy() if isinstance(leaf, np.ndarray) else _handle(leaf) for leaf in leaves]

    def call():
        own_args, own_keywords = rebuild([_handle(leaf) for leaf in leaves])
        return f(*own_args, **own_keywords)

    return call


def _handle(leaf):
    """Handle of its own for a Tensor: ``x[i] = y`` inside ``f`` moves that one."""
    return Tensor(leaf.array, leaf.node) if isinstance(leaf, Tensor) else leaf


class _Recomputation:
    """What is kept of one call: how to make it again, and which Nodes it depends on."""

    def __init__(self, name: str, call: Callable[[], Any], frame: Frame, inside: dict[Node, None]):
        self.name = name
        self.call = call
        self.inside: dict[Node, None] | None = inside
        self.reads = [(variable, variable.version, tensor) for variable, _, tensor in frame.leaves.values()]
        parents = (parent for node in inside for parent in node.parents)
        self.sources = list(dict.fromkeys(p for p in parents if p is not None and p not in inside))

    def attach(self, value: Any, frame: Frame) -> Any:
        """``value`` with a Node that stands for all that was recorded inside."""
        outs, rebuild = flatten(value)
        assert self.inside is not None
        made = [i for i, out in enumerate(outs) if isinstance(out, Tensor) and out.node in self.inside]
        self.inside = None
        tapes = frame.trackers(self.sources)
        if not made or not tapes:
            return value
        arrays = tuple(outs[i].array for i in made)
        row = Primitive(f"checkpoint {self.name}", lambda *values: arrays, vjps=(self._rule(made),), joint=True)
        node = Node(row, tuple(source.value for source in self.sources), tuple(self.sources), arrays, NO_PARAMS, tapes)
        frame.write(node)
        for position, i in enumerate(made):
            outs[i] = output_of(frame, node, position)
        return rebuild(outs)

    def _rule(self, made: list[int]):
        def rule(ct, ans, *args):
            record = Record(watches_variables=False)
            outs = self._again(record)
            recorded = any(isinstance(part, Tensor) for part in ct)
            seeds: dict[Node, Any] = {}
            for i, part, before in zip(made, ct, ans, strict=True):
                out = outs[i]
                self._check_same(out, before.array if isinstance(before, Tensor) else before)
                seeds[out.node] = part if out.node not in seeds else seeds[out.node] + part
            found = pull_back(record.nodes, seeds, self.sources, recorded)
            return [found.get(source) for source in self.sources]

        return rule

    def _again(self, record: Record) -> list[Any]:
        """Results of ``f``, recorded on ``record`` from the same Nodes as in the forward pass."""
        for variable, version, _ in self.reads:
            if variable.version != version:
                raise StaleValueError(
                    f"checkpoint: {variable.label()} was assigned (at {variable.assigned_at()}) between the forward "
                    f"pass and its recomputation of {self.name}. Take the gradient before assigning."
                )
        for source in self.sources:
            track(source, record.token)
        recording.add(record)
        try:
            frame = recording.current()
            assert frame is not None
            for variable, _, tensor in self.reads:
                frame.leaves[id(variable)] = (variable, variable._value, tensor)  # what reading it gives
            return flatten(self.call())[0]
        finally:
            recording.remove(record)

    def _check_same(self, out, before) -> None:
        if isinstance(out, Tensor) and out.node is not None and _alike(out.array, before):
            return
        raise StaleValueError(
            f"checkpoint: {self.name} computed something else when it was called again for the backward pass. Make it "
            "depend on its arguments and on Variables only; draw random numbers from a generator made inside it."
        )


def _alike(now, before) -> bool:
    """Equal but for rounding: a library may add in another order when its arrays lie elsewhere in memory."""
    if now.shape != before.shape or now.dtype != before.dtype:
        return False
    scale = np.max(np.abs(before), initial=0, where=np.isfinite(before))
    return np.allclose(now, before, rtol=0, atol=scale * np.sqrt(np.finfo(before.dtype).eps), equal_nan=True)
