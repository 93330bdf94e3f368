"""``cond``: one of two functions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import recording
from ..batching.level import level_here
from ..compile.program import Input
from ..errors import DtypeError, ShapeError, TraceError
from ..primitive import Primitive
from ..recording import Frame, trace_here
from ..symbol import Value
from ..tensor import Overloaded, Tensor, as_value
from ..tree import flatten
from . import mapped
from .code import Code
from .inner import InnerTrace
from .structure import Structure, check_same, is_array, spec, varies, widened
from .weave import Labels, assign, captures, fresh, tracked, written


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """``true_fun(*operands)`` if ``pred`` holds, else ``false_fun(*operands)``; only that one runs.

    Parameters
    ----------
    pred : bool, or Tensor or array with a single entry
    true_fun, false_fun : callable
        They may refer to Tensors and Variables, and assign Variables. In a traced function both are traced, and must
        return the same structure with the same shapes and dtypes; a Python number takes the dtype of the other one.
    *operands
        Nested structures of Tensors, arrays and anything else.

    Returns
    -------
    What the function returns, as Tensors in a traced function.

    Raises
    ------
    StructureError, ShapeError, DtypeError
        In a traced function, if the two return something different in kind.

    Notes
    -----
    Differentiable to any order in the operands and in whatever else the function refers to. The derivative of the
    function that was not taken is not computed, so that its infinities do no harm.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> @ag.function
    ... def root(x):
    ...     return ag.cond(x > 0, np.sqrt, lambda x: 0.0 * x, x)
    >>> ag.grad(root)(np.array(4.0)), ag.grad(root)(np.array(0.0))
    (np.float64(0.25), np.float64(0.0))
    """
    _check(pred, true_fun, false_fun)
    level = level_here()
    if level is not None:
        return mapped.cond(level, cond, pred, (true_fun, false_fun), operands)
    if trace_here() is None or not varies(pred):
        return (true_fun if _truth(pred) else false_fun)(*operands)
    return _traced(pred, (true_fun, false_fun), operands)


def _check(pred: Any, true_fun: Any, false_fun: Any) -> None:
    for which, given in (("true_fun", true_fun), ("false_fun", false_fun)):
        if not callable(given):
            raise TypeError(f"cond: {which} must be a function; got {type(given).__name__}.")
    shape, dtype = spec(pred)
    if shape != ():
        raise ShapeError(f"cond: pred must be a single truth value; got shape {shape}. Use .any(), .all(), or where().")
    if dtype.kind == "c":
        raise DtypeError(f"cond: pred must be boolean or a real number; got {dtype}. Compare it with something.")


def _truth(pred: Any) -> bool:
    return bool(pred.item() if isinstance(pred, Overloaded) else pred)


def _traced(pred: Any, functions: Sequence[Callable[..., Any]], operands: Any) -> Any:
    frame: Any = recording.current()
    leaves, rebuild = flatten(operands)
    places = [i for i, leaf in enumerate(leaves) if is_array(leaf)]
    given = [leaves[i] for i in places]
    inners = [InnerTrace("cond", frame) for _ in functions]
    results = []
    for inner, function, which in zip(inners, functions, ("true_fun", "false_fun"), strict=True):
        results.append(_call(inner, function, which, leaves, places, rebuild))
    structure, outputs = _unified(inners, results)
    targets = written(inners)
    for inner, outs in zip(inners, outputs, strict=True):
        outs += [inner.present_at(label, source) for label, source in targets.items()]
    labels: Labels = {("operand", i): i for i in range(len(given))}
    for label, tensor in captures(inners, frame).items():
        labels[label] = len(labels)
        given.append(tensor)
    if not isinstance(pred, Overloaded) or pred.dtype.kind != "b":
        pred = np.not_equal(Tensor(pred, None) if not isinstance(pred, Overloaded) else pred, 0)
    count = len(structure.leaves)
    choice = Branches(inners, outputs, labels, [[], []], len(inners[0].records), drawn=True)
    found = choice.stage(pred, given, frame)
    assign(frame, targets, found[count : count + len(targets)])
    return structure.rebuild(found[:count])


def _call(inner: InnerTrace, function: Any, which: str, leaves: list[Any], places: list[int], rebuild: Any) -> Any:
    """What a function returns for operands of a trace of its own: structure and Tensors."""
    found: list[Structure] = []

    def call() -> list[Any]:
        own = list(leaves)
        handles = [inner.operand(("operand", k), fresh(leaves[i])) for k, i in enumerate(places)]
        before = [handle.array for handle in handles]
        for i, handle in zip(places, handles, strict=True):
            own[i] = handle
        found.append(Structure(f"cond: {which}", function(*rebuild(own))))
        if any(handle.array is not array for handle, array in zip(handles, before, strict=True)):
            raise TraceError(f"cond: {which} changes an operand in place (x[...] = y, x += y). Start with a copy.")
        return found[0].leaves

    return inner.trace(call), found[0]


def _unified(inners: Sequence[InnerTrace], results: Sequence[Any]) -> tuple[Structure, list[list[Tensor]]]:
    """The structure that both functions return, and their outputs in the same dtypes."""
    (first, structure), (second, other) = results
    raw = structure.matching("cond", "true_fun and false_fun return different structures", other.given)
    for position, (leaf, own) in enumerate(zip(structure.leaves, raw, strict=True)):
        wanted, have = first[position].dtype, second[position].dtype
        if wanted == have or first[position].shape != second[position].shape:
            continue
        if widened(own, wanted):
            second[position] = inners[1].run(partial(second[position].astype, wanted))
        elif widened(leaf, have):
            first[position] = inners[0].run(partial(first[position].astype, have))
    check_same(
        "cond",
        lambda path, wanted, given: f"leaf {path} of the result has {wanted} from true_fun and {given} from false_fun",
        structure.names,
        [spec(out) for out in first],
        [spec(out) for out in second],
    )
    return structure, [list(first), list(second)]


class _Choose:
    """Runs one of two sub-programs, ``codes``: what the instruction does."""

    def __init__(self, codes: Sequence[Code], keeps_draws: bool):
        self.codes = codes
        self._keeps_draws = keeps_draws

    def prepare(self, jit: str) -> None:
        """Emit both."""
        for code in self.codes:
            code.prepare(jit)

    def __call__(self, pred: Any, *arrays: Any) -> tuple[Any, ...]:
        sketched = trace_here() is not None  # only shapes are wanted
        taken = 0 if pred else 1
        draws = [
            code.draw() if index == taken and not sketched else code.nothing_drawn()
            for index, code in enumerate(self.codes)
        ]
        code = self.codes[taken]
        given = [*arrays, *draws[taken]]
        outs = code.outline(given) if sketched else code.apart(code(given))
        return (*outs, *draws[0], *draws[1]) if self._keeps_draws else tuple(outs)


class Branches:
    """Two functions in traces of their own, from which derivatives can be made.

    Parameters
    ----------
    inners : pair of InnerTrace
    outputs : pair of lists of Tensor
    labels : dict
        Position of each operand, by the label that its inputs have in both traces.
    guards : pair of lists of Value
    depth : int
        How many more derivatives can be taken.
    drawn : bool
        Whether random numbers are drawn at each run; otherwise they are among the operands.
    """

    def __init__(
        self,
        inners: Sequence[InnerTrace],
        outputs: Sequence[list[Tensor]],
        labels: Labels,
        guards: Sequence[list[Value]],
        depth: int,
        drawn: bool,
    ):
        self.inners = inners
        self.outputs = outputs
        self.labels = labels
        self.guards = guards
        self.depth = depth
        self.drawn = drawn
        self.wanted: list[Hashable] = []
        self.hosts: list[tuple[Hashable, Input]] = [pair for inner in inners for pair in inner.hosts.items()]

    def stage(self, pred: Any, operands: Sequence[Any], frame: Frame) -> list[Tensor]:
        """Write down the instruction; its results."""
        operands, followed = tracked(operands, frame)
        places = list(self.labels)
        self.wanted = [places[i] for i in followed]
        keeps = bool(self.wanted) and self.drawn and bool(self.hosts)
        codes = [
            inner.extract("branch", outs, self.labels, guards, self.drawn)
            for inner, outs, guards in zip(self.inners, self.outputs, self.guards, strict=True)
        ]
        if not self.outputs[0]:
            return []
        row = Primitive("cond", _Choose(codes, keeps), vjps=(self._pull,), jvps=(self._push,), joint=True)
        self.inners[0].rows.append(row)
        return list(row(pred, *operands))

    def _derived(self, operands: Sequence[Any], ans: Any) -> tuple[Labels, list[Any]]:
        """Labels and operands of a derivative: those of this one, and what was drawn for it."""
        labels, given = dict(self.labels), list(operands)
        if self.drawn:
            for (label, _), draw in zip(self.hosts, ans[len(self.outputs[0]) :], strict=False):
                labels[label] = len(labels)
                given.append(draw)
        return labels, given

    def _staged(self, outputs: Any, labels: Labels, guards: Any, pred: Any, given: list[Any]) -> list[Tensor]:
        frame: Any = recording.current()
        for label, tensor in captures(self.inners, frame).items():
            if label not in labels:  # what only the rule of a derivative refers to
                labels[label] = len(labels)
                given.append(tensor)
        further = Branches(self.inners, outputs, labels, guards, self.depth - 1, drawn=False)
        return further.stage(pred, given, frame)

    def _pull(self, ct: Any, ans: Any, pred: Any, *operands: Any) -> list[Any]:
        """Cotangents of the operands: the same choice between the functions' VJPs."""
        labels, given = self._derived(operands, ans)
        seeds: list[list[Any]] = [[None] * len(self.outputs[0]) for _ in self.inners]
        for index, (part, out) in enumerate(zip(ct, self.outputs[0], strict=False)):
            if not matters(part, out):
                continue
            label = ("ct", object())
            labels[label] = len(labels)
            given.append(part)
            for inner, own in zip(self.inners, seeds, strict=True):
                own[index] = inner.operand(label, fresh(part), self.depth - 1)
        found, guards = [], []
        for inner, outs, cts in zip(self.inners, self.outputs, seeds, strict=True):
            pulled, guarded = inner.pulled(self.depth, outs, cts, [inner.sources(label) for label in self.wanted])
            found.append(pulled)
            guards.append(guarded)
        connected = [i for i in range(len(self.wanted)) if any(pulled[i] is not None for pulled in found)]
        places = [self.labels[self.wanted[i]] for i in connected]
        shapes = [operands[place] for place in places]
        outputs = [
            [conformed(inner, pulled[i], like) for i, like in zip(connected, shapes, strict=True)]
            for inner, pulled in zip(self.inners, found, strict=True)
        ]
        results = self._staged(outputs, labels, guards, pred, given)
        totals: list[Any] = [None] * (1 + len(operands))
        for place, result in zip(places, results, strict=True):
            totals[1 + place] = result
        return totals

    def _push(self, entering: Sequence[Any], ans: Any, pred: Any, *operands: Any) -> tuple[Any, ...]:
        """Tangents of the results: the same choice between the functions' JVPs."""
        labels, given = self._derived(operands, ans)
        found, guards = [], []
        seeds: list[dict[Any, Tensor]] = [{} for _ in self.inners]
        for label, position in self.labels.items():
            tangent = entering[1 + position]
            if tangent is None:
                continue
            own = ("tangent", object())
            labels[own] = len(labels)
            given.append(tangent)
            for inner, seed in zip(self.inners, seeds, strict=True):
                handle = inner.operand(own, fresh(tangent), self.depth - 1)
                seed.update(dict.fromkeys(inner.sources(label), handle))
        for inner, outs, seed in zip(self.inners, self.outputs, seeds, strict=True):
            pushed, guarded = inner.pushed(self.depth, seed, outs)
            found.append([conformed(inner, t, out) for t, out in zip(pushed, outs, strict=True)])
            guards.append(guarded)
        results = self._staged(found, labels, guards, pred, given)
        return (*results, *(np.zeros(a.shape, a.dtype) for a in ans[len(results) :]))


def matters(part: Any, out: Any) -> bool:
    """Whether a cotangent may be something else than zeros that were filled in."""
    if out.dtype.kind not in "fc":
        return False
    return isinstance(part, Tensor) or bool(np.any(as_value(part)))


def conformed(inner: InnerTrace, found: Any, like: Any) -> Tensor:
    """A derivative in the shape and dtype of what it belongs to; zeros where there is none."""
    if found is None:
        return inner.constant(np.zeros(like.shape, like.dtype))
    found = inner.run(lambda: inner.inside(found))
    return found
