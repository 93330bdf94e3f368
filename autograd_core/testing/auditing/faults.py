"""Where a program loses digits, told from the errors that a replay found: cancellation, saturation, overflow."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...node import Node
from .precision import largest, relative_errors
from .replay import ENDS, Replay

DAMAGE = 200  # rounding errors that are a fault; a few operations make a handful
GROWTH = 8  # times the error of what a node was given: less is carried on, not made here

_CHAINED = ("add", "subtract")

ADDITIVE = frozenset(
    (
        "sum",
        "mean",
        "cumsum",
        "matmul",
        "vecdot",
        "einsum",
        "tensordot",
        "affine",
        "add_bias",
        "convolve",
        "conv",
        *_CHAINED,
    )
)
"""Operations that add up: of the sizes of their arguments they make the sizes of the terms, for their condition."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong at a node.

    Attributes
    ----------
    kind : {"NaN", "overflow", "infinity", "underflow", "saturation", "cancellation", "amplification", "rounding"}
    where : {"value", "gradient"}
    message : str
    severity : float
        The relative error that comes of it; 1 and more means that no digit is left.
    """

    kind: str
    where: str
    message: str
    severity: float


@dataclass(frozen=True, slots=True)
class NodeErrors:
    """Largest relative errors of one value, or of one cotangent."""

    born: float
    inherited: float


class Judge:
    """Looks at one node after the other.

    Parameters
    ----------
    replay : Replay
    """

    def __init__(self, replay: Replay):
        self.replay = replay
        self.values: dict[Node, NodeErrors] = {}
        self.cotangents: dict[Node, NodeErrors] = {}
        self._sums: dict[Node, tuple[Any, float]] = {}  # of a chain of sums: sizes of its terms, and their errors
        self._joined: set[Node] = set()  # sums that are a term of one other sum, which is judged for them
        self._targets = frozenset(replay.recorded.targets)
        self._using: dict[Node, list[Node]] = {}
        for user in replay.recorded.nodes:
            for parent in _sources(user):
                self._using.setdefault(parent, []).append(user)
        for node in replay.recorded.nodes:
            if isinstance(node.value, tuple) or node.value.dtype.kind not in "fc":
                continue
            self.values[node] = _errors(node.value, replay.exact.get(node), replay.whole[node])
            self._join(node)
            if node in replay.cotangents:
                self.cotangents[node] = self._cotangent_errors(node)

    def _cotangent_errors(self, node: Node) -> NodeErrors:
        replay = self.replay
        whole = replay.whole_cotangents.get(node)
        if whole is None:
            return NodeErrors(float("nan"), float("nan"))
        found, exact = replay.cotangents[node], replay.exact_cotangents.get(node)
        seen = whole != 0  # noise in the place of 0 has no relative error
        born = float("nan") if exact is None else largest(_where(seen, relative_errors(found, exact)))
        return NodeErrors(born, largest(_where(seen, relative_errors(found, whole))))

    def _seen(self, node: Node) -> Any:
        """Entries of a cotangent that are not 0 for what one can know: something is left in higher precision."""
        ct = self.replay.whole_cotangents[node]
        sizes = self.replay.sizes.get(node, np.abs(ct))
        return ~(np.abs(ct) <= 1e4 * self.replay.precision.eps * sizes)

    def judge(self, node: Node) -> Fault | None:
        """The worst that happens at ``node``, or None."""
        if node not in self.values:
            return None
        return self._value(node) or self._saturated(node) or self._gradient(node)

    def _join(self, node: Node) -> None:
        """Look at sums of sums as one sum: terms may cancel one after the other, a little each time."""
        if node.operation not in _CHAINED:
            return
        sizes: Any = 0.0
        given = _eps(node.value) / 2
        for arg, parent in zip(self.replay.recorded.args[node], node.parents, strict=True):
            inner = self._sums.get(parent) if parent is not None else None
            if inner is not None and parent is not None and len(self._using[parent]) == 1:
                self._joined.add(parent)
                sizes, given = sizes + inner[0], max(given, inner[1])
            else:
                sizes = sizes + np.abs(0.0 if arg is None else arg)
                given = max(given, self.values[parent].inherited if parent in self.values else 0.0)
        self._sums[node] = sizes, given

    # -- values --------------------------------------------------------------------------------------------------

    def _value(self, node: Node) -> Fault | None:
        if node.primitive is None:
            return None
        errors, given = self.values[node], self._given(node)
        found = _not_finite(node, self.replay)
        if found is not None:
            return found
        eps = _eps(node.value)
        if _underflows(node, self.replay):
            what = "the result is too small for its dtype, and became 0 or lost digits"
            return Fault("underflow", "value", what, errors.inherited)
        if node in self._joined:
            return None
        # Of n entries, or of sums of n terms, some are 1/n of the others by chance.
        allowed = DAMAGE * eps * max(1, node.value.size, *(parent.value.size for parent in _single(node)))
        if errors.inherited <= max(allowed, GROWTH * given):
            return self._unknown(node, allowed)
        condition = self.condition(node)
        if condition is not None and condition > GROWTH:
            what = f"terms that nearly cancel: their sizes are {condition:.2g} times the result"
            return Fault("cancellation", "value", what, errors.inherited)
        if errors.born > max(allowed, errors.inherited / GROWTH):
            return Fault("rounding", "value", f"the operation itself is off by {errors.born:.2g}", errors.inherited)
        grown = errors.inherited / given if given > 0 else np.inf
        what = f"the relative error of its argument grows {grown:.2g} times: the operation is ill-conditioned here"
        return Fault("amplification", "value", what, errors.inherited)

    def _unknown(self, node: Node, allowed: float) -> Fault | None:
        """A sum whose terms nearly cancel and could not be replayed: each has one rounding error at least."""
        refused = [parent for parent in _sources(node) if parent in self.replay.refused]
        condition = self.condition(node) if refused else None
        if condition is None or not np.isfinite(condition):
            return None
        error = condition * _eps(node.value) / 2
        if error <= allowed:
            return None
        what = (
            f"terms that nearly cancel: their sizes are {condition:.2g} times the result. {refused[0].operation} has "
            f"no higher precision, so that the error is not known; one rounding of its result makes {error:.1g}"
        )
        return Fault("cancellation", "value", what, min(error, 1.0))

    def _given(self, node: Node) -> float:
        """Largest inherited error of what ``node`` was computed from, at least one rounding."""
        if node in self._sums:
            return self._sums[node][1]
        found = [self.values[parent].inherited for parent in _sources(node) if parent in self.values]
        return max([*found, _eps(node.value) / 2])

    def condition(self, node: Node) -> float | None:
        """Sizes of the terms of a sum over the size of the sum; None for what adds nothing up."""
        name = node.primitive.name if node.primitive is not None else ""
        if name not in ADDITIVE or node.primitive is None:
            return None
        args = [_size(arg) for arg in self.replay.recorded.args[node]]
        try:
            with np.errstate(all="ignore"):
                sizes: Any = self._sums[node][0] if node in self._sums else node.primitive.impl(*args, **node.params)
                return largest(np.nan_to_num(np.asarray(sizes / np.abs(node.value), np.float64), posinf=np.inf))
        except (TypeError, ValueError):  # an argument that was not kept
            return None

    # -- gradients -----------------------------------------------------------------------------------------------

    def _saturated(self, node: Node) -> Fault | None:
        name = node.primitive.name if node.primitive is not None else ""
        if name not in ENDS or node not in self.replay.cotangents:
            return None
        low, high = ENDS[name]
        at_end = (node.value == low) | (node.value == high)
        whole = self.replay.whole[node]
        if node.primitive is not None and node.primitive.elementwise:  # no number leads there
            reached = at_end & np.isfinite(self.replay.recorded.args[node][0])
        else:
            reached = at_end & (whole != low) & (whole != high)
        error = self.replay.edge_errors.get(node, 0.0)
        if not reached.any() and error <= DAMAGE * _eps(node.value) * max(1, node.value.size) * GROWTH:
            return None
        count = int(np.count_nonzero(at_end))
        where = "at its end" if node.value.size == 1 else f"at its ends in {count} of {node.value.size} entries"
        what = f"{where if count else 'near its end'}: the derivative is lost, or what is left of it has few digits"
        return Fault("saturation", "gradient", what, min(max(error, float(reached.any())), 1.0))

    def _gradient(self, node: Node) -> Fault | None:
        """Contributions of several paths that nearly cancel."""
        replay = self.replay
        errors = self.cotangents.get(node)
        if errors is None or node not in replay.sizes or not np.isfinite(errors.inherited):
            return None
        if len(self._using.get(node, ())) + (node in self._targets) < 2:  # nothing is added up
            return None
        ct, sizes = replay.whole_cotangents[node], replay.sizes[node]
        eps = _eps(node.value)
        with np.errstate(all="ignore"):
            condition = np.nan_to_num(sizes / np.abs(ct), nan=1.0, posinf=np.inf)
        seen = self._seen(node)
        if not seen.any():
            return None
        off = np.where(seen, relative_errors(replay.cotangents[node], ct), 0.0)
        worst = float(np.max(np.where(seen, condition, 0.0)))
        used = [self.cotangents[user].inherited for user in self._using.get(node, ()) if user in self.cotangents]
        allowed = DAMAGE * eps * max(1, node.value.size)
        if worst <= DAMAGE or largest(off) <= max(allowed, GROWTH * max([*used, eps])):
            return None
        what = f"paths whose products nearly cancel: their sizes are {worst:.2g} times their sum"
        return Fault("cancellation", "gradient", what, largest(off))


def _errors(found: Any, exact: Any, whole: Any) -> NodeErrors:
    born = float("nan") if exact is None else largest(relative_errors(found, exact))
    return NodeErrors(born, float("nan") if whole is None else largest(relative_errors(found, whole)))


def _where(seen: Any, errors: Any) -> Any:
    return errors if np.all(seen) else np.where(seen, errors, 0.0)


def _eps(value: Any) -> float:
    return float(_finfo(value.dtype).eps)


_finfo = functools.cache(np.finfo)  # which takes a microsecond to look it up


def _size(arg: Any) -> Any:
    return np.abs(arg) if isinstance(arg, (np.ndarray, np.generic, float, int, complex)) else arg


def _sources(node: Node) -> list[Node]:
    """What it was computed from; of one result of several, what these were computed from."""
    parents = [parent for parent in node.parents if parent is not None]
    if len(parents) == 1 and isinstance(parents[0].value, tuple):
        return [parent for parent in parents[0].parents if parent is not None]
    return parents


def _single(node: Node) -> list[Node]:
    return [parent for parent in _sources(node) if not isinstance(parent.value, tuple)]


def _not_finite(node: Node, replay: Replay) -> Fault | None:
    value = node.value
    if np.isfinite(value).all():
        return None
    parents = _sources(node)
    constants = [arg for arg in replay.recorded.args.get(node, ()) if isinstance(arg, (np.ndarray, float))]
    given = [*(parent.value for parent in parents), *constants]
    given = [arg for arg in given if not isinstance(arg, tuple) and np.asarray(arg).dtype.kind in "fc"]
    if np.isnan(value).any():
        if any(np.isnan(arg).any() for arg in given):
            return None
        return Fault("NaN", "value", "NaN, from arguments that are none", np.inf)
    if any(np.isinf(arg).any() for arg in given):
        return None
    if replay.exact.get(node) is not None and np.isfinite(replay.exact[node][np.isinf(value)]).any():
        return Fault("overflow", "value", "the result is too large for its dtype", np.inf)
    # In higher precision it may be infinite too, of a number that is too large for that as well.
    kind = (
        "overflow" if node.operation in ("exp", "exp2", "expm1", "cosh", "sinh", "square", "multiply") else "infinity"
    )
    return Fault(kind, "value", "infinite, from finite arguments", np.inf)


def _underflows(node: Node, replay: Replay) -> bool:
    exact = replay.exact.get(node)
    if exact is None:
        return False
    tiny = _finfo(node.value.dtype).tiny
    small = (np.abs(node.value) < tiny) & (exact != 0)
    if not small.any():
        return False
    return bool((relative_errors(node.value, exact)[small] > DAMAGE * _eps(node.value)).any())
