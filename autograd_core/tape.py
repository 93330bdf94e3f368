"""GradientTape: records what is computed inside its ``with`` block, and differentiates it. TensorFlow's semantics."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import recording
from .backward import pull_back
from .batching.together import unit_vectors, walk_together
from .errors import ConversionError, DtypeError, GraphError, ShapeError, TapeError
from .gaps import Gaps, last_gaps
from .graph import Graph
from .graph.build import from_nodes, of_tape
from .hooked import at_source, at_variable
from .hooks import ON_NODES, ON_VARIABLES
from .node import Node, leaf
from .recording import Record
from .symbol import user_line
from .tensor import Overloaded, Tensor
from .tree import flatten, flatten_like
from .variable import Variable


class GradientTape:
    """Record operations for differentiation.

    Parameters
    ----------
    persistent : bool
        Allow more than one call of ``gradient`` and ``jacobian``; otherwise the first one frees the recording.
    watch_accessed_variables : bool
        Watch every trainable Variable that is read. If False only what is passed to ``watch`` is watched.

    Examples
    --------
    >>> import autograd_core as ag
    >>> x = ag.constant(3.0)
    >>> with ag.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x).item()
    6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self._record = Record(watch_accessed_variables)
        self._recording = False
        self._used = False  # a non-persistent tape that has given its gradient
        self._opened: tuple[Any, int] | None = None
        self._pauses: tuple[str, ...] = ()  # lines in which it was paused
        self._gaps: Gaps | None = None  # what is known of sources for which it has given None

    def __repr__(self) -> str:
        state = "used" if self._used else "recording" if self._recording else "not recording"
        return f"<GradientTape {state}: {len(self._record.nodes)} nodes>"

    # -- recording -----------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise TapeError("GradientTape: this tape is recording already; use a second tape to nest.")
        if self._used:
            raise self._closed("__enter__")
        self._recording = True
        caller = sys._getframe(1)
        self._opened = caller.f_code, caller.f_lasti  # for the question what keeps an array alive
        recording.add(self._record)
        return self

    def __exit__(self, *exc_info) -> None:
        recording.remove(self._record)
        self._recording = False

    def watch(self, tensor: Any) -> None:
        """Track ``tensor`` (a Tensor, a Variable, or a nested structure of them) from here on.

        Raises
        ------
        DtypeError
            For integers and booleans: they have no derivative.
        ConversionError
            For NumPy arrays and numbers: only a Tensor can be recognised again in what follows.
        """
        if self._used:
            raise self._closed("watch")
        for item in flatten(tensor)[0]:
            _check_differentiable(item, "GradientTape.watch")
            if isinstance(item, Variable):
                self._watch_variable(item)
            else:
                recording.watch(item, self._record.token)

    def _watch_variable(self, variable: Variable) -> None:
        _, leaves = self._record.reads.setdefault(id(variable), (variable, []))
        frame = recording.current()
        if frame is not None:
            frame.leaves.pop(id(variable), None)  # read so far without this tape: the next read is a new leaf
            variable.read(frame)
        if not leaves:  # not recording here: it is watched all the same, as a source and as a target
            self._record.note_read(variable, leaf(variable.array, (self._record.token,), variable.name))

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Pause this tape inside a ``with`` block; other tapes go on."""
        if self._used:
            raise self._closed("stop_recording")
        if not self._recording:
            raise TapeError("GradientTape.stop_recording: this tape is not recording; call it inside `with tape:`.")
        before, record = recording.current(), self._record
        if len(self._pauses) < recording.MOST_ENDS:
            self._pauses = (*self._pauses, user_line())
        recording.remove(record)
        observer: Any = None if before is None else before.instead  # the trace, or who takes notes
        if observer is not None:
            observer.pause(record)
        try:
            yield
        finally:
            if observer is not None:
                observer.go_on(record)
            recording.replace(before)
            if self._used:  # it gave its gradient in between
                recording.remove(record)
            elif self._record is not record:  # reset in between
                recording.exchange(record, self._record)

    def reset(self) -> None:
        """Forget everything recorded so far, and what is watched; a tape that is recording goes on, empty.

        A tape that is closed because it has given its gradient is open again.
        """
        old, was_closed = self._record, self._used
        old.token.alive = False
        self._record = Record(self.watch_accessed_variables)
        self._used = False
        if self._recording and was_closed:
            recording.add(self._record)
        elif self._recording:
            recording.exchange(old, self._record)

    def watched_variables(self) -> tuple[Variable, ...]:
        """Variables that were read or watched so far, in that order."""
        return tuple(variable for variable, _ in self._record.reads.values())

    # -- diagrams ------------------------------------------------------------------------------------------------

    def graph(self, target=None, names: Mapping[str, Any] | None = None, gradients: bool = False) -> Graph:
        """Graph of what this tape has recorded; what only other tapes track is shown as constant.

        Parameters
        ----------
        target : Tensor, Variable or nested structure of them, optional
            Show what it was computed from. None: everything on the tape.
        names : dict of str to Tensor or Variable, optional
            What to call intermediate values; ``names=locals()`` calls them what the program does.
        gradients : bool
            Whether to compute the gradient of the targets' sum for every node.

        Raises
        ------
        TapeError
            If the tape has given its gradient already, and is not persistent.
        GraphError
            If there is nothing of the target on this tape.
        """
        if self._used:
            raise self._closed("graph")
        record = self._record
        if target is None:
            return of_tape(record.nodes, record.token, names, gradients)
        items = flatten(target)[0]
        for item in items:
            _check_differentiable(item, "GradientTape.graph")
        nodes = [node for item in items for node in self._nodes_of(item)]
        if not nodes:
            raise GraphError(
                "GradientTape.graph: nothing of the target was recorded on this tape. Compute it inside `with tape:`, "
                "from a trainable Variable or from a Tensor given to tape.watch."
            )
        return from_nodes(nodes, nodes, (), names, gradients, record.token)

    def _repr_svg_(self) -> str | None:
        """Picture of what has been recorded, for Jupyter; None, so that the text is shown, where there is none."""
        if self._used or not self._record.nodes:
            return None
        return self.graph()._repr_svg_()

    # -- differentiation -----------------------------------------------------------------------------------------

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients: str = "none"):
        """Gradient of ``target`` with respect to ``sources``.

        Parameters
        ----------
        target : Tensor, Variable or nested structure of them
            A target that is not a scalar is summed; several targets are added up.
        sources : Tensor, Variable or nested structure of them
        output_gradients : Tensor, array_like or structure like ``target``, optional
            Cotangent of each target, of its shape; ones if None.
        unconnected_gradients : {"none", "zero"}
            What stands for a source that the target does not depend on.

        Returns
        -------
        Tensor, or a structure like ``sources``
            Each with the shape and dtype of its source. For a complex source z: d/dx + i d/dy, so that
            ``z - learning_rate * gradient`` descends.

        Raises
        ------
        TapeError
            If the tape is not persistent and has given its gradient already.
        DtypeError
            If a source is of integers or booleans.
        ShapeError
            If a cotangent does not have the shape of its target.
        NotDifferentiableError
            If a path from the target to a source has an edge without a rule.
        """
        _check_choice("gradient", unconnected_gradients)
        items, rebuild = flatten(sources)
        standing = [self._standing(item, "GradientTape.gradient") for item in items]
        seeds = self._seeds(target, output_gradients)
        record = self._take_record("gradient")
        try:
            found = self._pull(record, seeds, standing)
            if self._has_gap:
                self._gaps = Gaps(record, items, standing, found, bool(seeds))
                last_gaps.set(self._gaps)
        finally:
            if not self.persistent:
                self._close()
        if ON_VARIABLES:
            found = [ct if ct is None else at_variable(ct, item) for ct, item in zip(found, items, strict=True)]
        if unconnected_gradients == "zero":
            found = [_zeros_like(item) if ct is None else ct for ct, item in zip(found, items, strict=True)]
        return rebuild(found)

    def jacobian(self, target, sources, unconnected_gradients: str = "none"):
        """All first derivatives of ``target``: for each source, shape of the target followed by that of the source.

        One backward walk per entry of the target, which is one Tensor. Parameters and errors as for
        ``GradientTape.gradient``.
        """
        _check_choice("jacobian", unconnected_gradients)
        items, rebuild = flatten(sources)
        stacks = self._stacks("jacobian", target, items)
        blocks: list[Any] = []
        for item, stack in zip(items, stacks, strict=True):
            shape = (*target.shape, *item.shape)
            if stack is None:
                # A target without entries depends on everything and nothing.
                empty = Tensor(np.zeros(shape, item.dtype), None)
                blocks.append(empty if unconnected_gradients == "zero" or not target.size else None)
            else:
                blocks.append(np.reshape(stack, shape))
        return rebuild(blocks)

    def batch_jacobian(self, target, source):
        """Jacobian of each example: entry b is d target[b] / d source[b].

        Example b of ``target`` must depend on example b of ``source`` alone; that is not checked, as in TensorFlow.

        Parameters
        ----------
        target : Tensor, shape (batch, ...)
        source : Tensor or Variable, shape (batch, ...)

        Returns
        -------
        Tensor, shape (batch, *target.shape[1:], *source.shape[1:]); zeros if unconnected, as in TensorFlow
        """
        for item in (target, source):
            _check_differentiable(item, "GradientTape.batch_jacobian")
        if not target.ndim or not source.ndim or target.shape[0] != source.shape[0]:
            raise ShapeError(
                f"GradientTape.batch_jacobian: target has shape {target.shape}, source {source.shape}; both need the "
                "same first axis, the batch."
            )
        count = int(np.prod(target.shape[1:], dtype=int))
        units = np.zeros((count, *target.shape), target.dtype)
        for position in range(count):
            units[position].reshape(target.shape[0], count)[:, position] = 1
        (stack,) = self._stacks("batch_jacobian", target, [source], units)
        shape = (*target.shape, *source.shape[1:])
        if stack is None:
            return Tensor(np.zeros(shape, source.dtype), None)
        return np.reshape(np.moveaxis(stack, 0, 1), shape)

    def _stacks(self, asked: str, target, items, units=None) -> list[Any]:
        """What one backward walk per cotangent in ``units`` (by default: per entry of the target) gives, stacked.

        None for an item that none of them arrives at.
        """
        for item in [target, *items]:
            _check_differentiable(item, f"GradientTape.{asked}")
        every = unit_vectors(target) if units is None else lambda start, stop: units[start:stop]
        count = target.size if units is None else len(units)
        record = self._take_record(asked)
        nodes = self._nodes_of(target)[-1:]
        try:
            standing = [self._nodes_of(item) for item in items]

            def walk(ct: Tensor) -> list[Tensor | None]:
                return self._pull(record, [(node, ct) for node in nodes], standing)

            together = walk_together(walk, every, count, record.nodes)
            if together is not None:
                return together
            rows = [walk(Tensor(every(i, i + 1)[0], None)) for i in range(count)]
        finally:
            if not self.persistent:
                self._close()
        return [_stacked([row[index] for row in rows], item) for index, item in enumerate(items)]

    def _take_record(self, asked: str) -> Record:
        if self._used:
            raise self._closed(asked)
        if not self.persistent and self._recording:
            recording.remove(self._record)  # its own walk is not to be recorded on it
        return self._record

    def _closed(self, asked: str) -> TapeError:
        return TapeError(
            f"GradientTape.{asked}: this tape has given its gradient and is closed. Make a new tape for each gradient, "
            "or one with GradientTape(persistent=True) to ask more than once (and delete it when done)."
        )

    def _close(self) -> None:
        self._used = True
        record = self._record
        record.token.alive = False
        record.nodes = []  # frees the Nodes that only the tape held; which Variables were read is still known
        record.ends = None
        for _, leaves in record.reads.values():
            leaves.clear()

    def _seeds(self, target, output_gradients):
        """Pairs (Node, cotangent) for the targets that this tape tracks."""
        if target.__class__ is Tensor and output_gradients is None and not target.array.ndim:  # a loss
            node = target.node
            one = _ONES.get(target.array.dtype)
            if node is not None and one is not None and self._record.token in node.tapes:
                return [(node, Tensor(one, None))]
        targets = flatten(target)[0]
        if output_gradients is None:
            cts = [None] * len(targets)
        else:
            cts = flatten_like(target, output_gradients)
        seeds: list[tuple[Node, Tensor]] = []
        for item, ct in zip(targets, cts, strict=True):
            if not isinstance(item, Overloaded):
                raise ConversionError(
                    f"GradientTape.gradient: the target is a {type(item).__name__}; expected a Tensor or Variable "
                    "computed inside the tape. A value that left through .numpy(), float() or np.asarray has no "
                    "gradient any more."
                )
            seed = _cotangent(item, ct)
            # A Variable that was read more than once has several Nodes; as a target it counts once.
            seeds.extend((node, seed) for node in self._nodes_of(item)[-1:])
        return seeds

    def _nodes_of(self, item) -> list[Node]:
        """Nodes that stand for ``item`` on this tape: several for a Variable that was assigned in between."""
        if item.__class__ is Variable or isinstance(item, Variable):
            entry = self._record.reads.get(id(item))
            return [] if entry is None else entry[1]
        return [] if item.node is None or self._record.token not in item.node.tapes else [item.node]

    def _standing(self, item, asked: str) -> list[Node]:
        """As ``_nodes_of``, of a source; an error if it has no derivative."""
        if item.__class__ is Variable:
            entry = self._record.reads.get(id(item))
            if entry is not None and entry[1]:  # it was read, and only what has a derivative becomes a leaf
                return entry[1]
        _check_differentiable(item, asked)
        return self._nodes_of(item)

    def _pull(self, record: Record, seeds, standing: list[list[Node]]):
        recorded = recording.is_recording()
        sources = [node for nodes in standing for node in nodes]
        start: dict[Node, Any] = {}
        for node, seed in seeds:
            if seed.array.dtype.kind == "c":
                seed = _conjugate(seed)
            seed = seed if recorded else seed.array
            start[node] = seed if node not in start else start[node] + seed
        # A persistent tape may record this very walk behind what it has; nothing earlier leads there.
        found = pull_back(record.nodes, start, sources, recorded)
        results: list[Tensor | None] = []
        self._has_gap = False
        for nodes in standing:
            total = None
            for node in nodes:
                ct = found.get(node)
                if ct is not None:
                    total = ct if total is None else total + ct
            if total is not None:
                if ON_NODES and nodes[0] not in record.nodes:
                    total = at_source(total, nodes[0], "a source")
                if total.__class__ is not Tensor:
                    total = Tensor(total, None)
                if total.array.dtype.kind == "c":
                    total = _conjugate(total)
            else:
                self._has_gap = True
            results.append(total)
        return results


def _stacked(column: list[Any], item) -> Any:
    """Gradients of one item, stacked; zeros where a walk does not arrive at it, None if none does."""
    if all(entry is None for entry in column):
        return None
    return np.stack([_zeros_like(item) if entry is None else entry for entry in column])


def _check_choice(asked: str, choice: str) -> None:
    if choice not in ("none", "zero"):
        raise ValueError(f'GradientTape.{asked}: unconnected_gradients must be "none" or "zero"; got {choice!r}.')


def _cotangent(item, ct) -> Tensor:
    """Cotangent for a target: ones, or what was given, in the target's shape and dtype."""
    if item.dtype.kind not in "fc":
        raise DtypeError(
            f"GradientTape.gradient: the target has dtype {item.dtype}; only floating and complex values have a "
            "gradient. Comparisons, argmax and conversions to integers end the path of a gradient."
        )
    if ct is None:
        return Tensor(np.ones(item.shape, item.dtype), None)
    if isinstance(ct, Variable):
        ct = ct.value
    elif not isinstance(ct, Tensor):
        ct = Tensor(ct)
    if ct.shape != item.shape:
        raise ShapeError(
            f"GradientTape.gradient: output_gradients has shape {ct.shape}, its target {item.shape}; they must be "
            "the same."
        )
    if ct.dtype.kind == "c" and item.dtype.kind != "c":
        raise DtypeError(
            f"GradientTape.gradient: output_gradients is {ct.dtype}, its target {item.dtype}; take its real part."
        )
    return ct if ct.dtype == item.dtype else ct.astype(item.dtype)


def _frozen_one(dtype):
    one = np.ones((), dtype)
    one.flags.writeable = False
    return one


# The cotangent that every loss starts with; np.ones_like takes 1.5 us.
_ONES = {np.dtype(dtype): _frozen_one(dtype) for dtype in (np.float32, np.float64)}


def _zeros_like(item) -> Tensor:
    return Tensor(np.zeros(item.shape, item.dtype), None)


def _conjugate(ct: Tensor) -> Tensor:
    """Between pairings without conjugate, used inside, and d/dx + i d/dy, used outside; real values stay."""
    return ct.conj() if ct.dtype.kind == "c" else ct


def _check_differentiable(item, asked: str) -> None:
    kind = item.__class__
    if (kind is Variable or kind is Tensor) and item.array.dtype.kind == "f":
        return
    if not isinstance(item, Overloaded):
        raise ConversionError(
            f"{asked}: got a {type(item).__name__}; expected a Tensor or Variable. Wrap it first: "
            "x = autograd_core.constant(x), and compute with x."
        )
    if item.dtype.kind not in "fc":
        name = getattr(item, "name", None)
        raise DtypeError(
            f"{asked}: {type(item).__name__}{f' {name!r}' if name else ''} has dtype {item.dtype}; only floating and "
            "complex values have a gradient. Make it with a floating dtype, for example dtype='float32'."
        )
