"""Why a gradient is zero: the edge at which a cotangent that is not zero becomes zero, and what is special there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..backward import pull_back_watched, zeros_win
from ..hooks import ON_NODES
from ..node import Node
from ..ops.table import TABLE
from ..primitive import PROJECT
from ..scatter import Cleared
from .entries import is_finite, parts, raw, shown_number
from .explanation import Explanation

_ROWS = frozenset(TABLE)
_CLIPPED = frozenset(("relu", "leaky_relu", "elu", "clip", "maximum", "minimum", "fmax", "fmin"))
_SATURATED = frozenset(
    ("sigmoid", "expit", "tanh", "erf", "erfc", "softmax", "log_softmax", "ndtr", "arctan", "softplus", "log_expit",
     "logaddexp", "logsumexp", "sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy",
     "log_ndtr", "arcsinh")
)  # fmt: skip
_STEP = frozenset(
    ("floor", "ceil", "rint", "round", "trunc", "sign", "heaviside", "floor_divide", "spacing", "nextafter")
)
_INDEX = frozenset(
    ("getitem", "stack", "concatenate", "unstack", "split", "max", "min", "maximum.reduce", "minimum.reduce",
     "fmax.reduce", "fmin.reduce", "sort", "pad", "tril", "triu", "diagonal", "on_diagonal", "max_pool", "output",
     "share", "maximum.accumulate", "minimum.accumulate", "take", "roll", "tile", "repeat", "broadcast_to",
     "reshape", "add_at")
)  # fmt: skip
_PRODUCT = frozenset(
    ("multiply", "matmul", "divide", "tensordot", "einsum", "outer", "vecdot", "cross", "convolve", "conv", "affine",
     "prod", "square")
)  # fmt: skip


class Walk:
    """The gradient of a target, with what was sent along each edge.

    Attributes
    ----------
    sent : dict
        (Node, position of the argument) -> contribution.
    arrived : dict
        Node -> its cotangent.
    found : dict
        Node of the source -> its gradient; missing where no edge leads there.
    """

    def __init__(self, order: Sequence[Node], target: Node, standing: Collection[Node]):
        self.sent: dict[tuple[Node, int], Any] = {}
        self.arrived: dict[Node, Any] = {}
        seed = np.ones(target.value.shape, target.value.dtype)
        found = pull_back_watched(operations(order), {target: seed}, standing, self._look)
        self.found = {node: found[node] for node in standing if node in found}

    def _look(self, ct: Any, node: Node, index: int, rule: Any, contribution: Any) -> Any:
        if not is_finite(contribution):
            contribution = zeros_win(ct, node, index, rule, contribution)
        if isinstance(contribution, Cleared):  # the walk goes on to write into that very array: only note what is left
            self.arrived[node] = np.asarray(float(not is_zero(ct)))
            self.sent[node, index] = np.asarray(float(not is_zero(contribution)))
            return contribution
        self.arrived.setdefault(node, ct)
        self.sent[node, index] = contribution
        return contribution


def operations(order: Sequence[Node]) -> list[Node]:
    """``order`` without leaves: what a walk goes through."""
    return [node for node in order if node.primitive is not None]


def is_zero(value: Any) -> bool:
    """Whether all entries of a cotangent are zero."""
    return not any(array.any() for array in parts(value))


def from_walk(
    walk: Walk, order: Sequence[Node], through: dict[Node, Node | None], target: Node, label: str
) -> Explanation:
    """Explanation of a gradient that is zero in every entry."""
    ways = [node for node in order if node in through and node in walk.arrived]
    for node in reversed(ways):
        ct = walk.arrived[node]
        if is_zero(ct):
            continue
        for index, parent in node.edges:
            sent = walk.sent.get((node, index))
            if parent in through and (sent is None or is_zero(sent)):
                return _of_edge(node, index, ct, sent, label, _path(through, node, label))
    for node in ways[::-1]:
        if is_zero(walk.arrived[node]):
            if ON_NODES.hooks_of(node) is not None:
                return _hooked(node, label, _path(through, node, label))
            return _cancelled(node, label, _path(through, node, label))
    return _cancelled(None, label, (label,))


def _path(through: dict[Node, Node | None], node: Node | None, label: str) -> tuple[str, ...]:
    names = []
    while node is not None and through.get(node) is not None:
        names.append(node.operation)
        node = through[node]
    return (label, *reversed(names))


def _cancelled(node: Node | None, label: str, path: tuple[str, ...]) -> Explanation:
    where = "" if node is None else f" at the result of {node.operation}"
    return Explanation(
        "cancelled",
        f"the gradient of {label} is zero: what comes along several paths adds up to zero{where}.",
        path,
        None if node is None else node.origin.place,
        "Look at the paths one by one: ag.graph(target).paths(source).",
    )


def _hooked(node: Node, label: str, path: tuple[str, ...]) -> Explanation:
    return Explanation(
        "hook",
        f"the gradient of {label} is zero: a gradient hook of the result of {node.operation} returned zeros.",
        path,
        node.origin.place,
        "Look at what the hook returns; None leaves the gradient as it is.",
    )


def _of_edge(node: Node, index: int, ct: Any, sent: Any, label: str, path: tuple[str, ...]) -> Explanation:
    """The edge from ``node`` to its argument ``index`` sends zeros for a cotangent that has others."""
    name = node.operation
    cause, why, cure = _judged(node, index, ct, sent)
    sentence = f"the gradient of {label} is zero: {why}"
    scope = "/".join(node.origin.scope)
    if scope:
        sentence += f" (in scope {scope})"
    return Explanation(cause, f"{sentence}.", path, node.origin.place, cure.format(name=name))


def _judged(node: Node, index: int, ct: Any, sent: Any) -> tuple[str, str, str]:
    name = node.operation
    given = _argument(node, index)
    shown = f" ({_range(given)})" if given is not None else ""
    if name == "set_at":
        if index == 1:
            return "overwritten", "all entries that matter were overwritten (x[i] = y) before they were used", (
                "Use the values before they are overwritten, or write to a copy."
            )  # fmt: skip
        return "index", "the entries it was written to were overwritten or are not used", _INDEX_CURE
    if name == "where":
        return "branch", "where took the other branch at every entry that the target uses", (
            "Look at the condition; only the branch that is taken has a gradient."
        )  # fmt: skip
    if given is not None and not given.size:
        return "index", f"{name} was given no entries{shown}", _INDEX_CURE
    if name == "softmax" and not _at_ends(node.value):
        return "flat", "the entries of softmax add up to 1 whatever its argument is, and only their sum is used", (
            "Choose among the entries, or weigh them, before they are added up."
        )  # fmt: skip
    if name in _STEP:
        return "step", f"{name} is a step function, and flat between its steps", (
            "Leave {name} out of what is differentiated, or pass the gradient straight through: "
            "x + ag.stop_gradient(f(x) - x)."
        )  # fmt: skip
    if name in _CLIPPED:
        return "clipped", f"{name} is constant where its argument lies{shown}", (
            "Keep the argument inside the range of {name} (scale the inputs, a smaller learning rate, another "
            "initializer), or use a function that is nowhere flat, such as leaky_relu."
        )  # fmt: skip
    if name in _SATURATED:
        return "saturated", f"{name} is saturated: its argument{shown} lies where it does not change any more", (
            "Keep the argument of {name} small: normalise the inputs, or take a loss that works with logits."
        )  # fmt: skip
    if node.primitive not in _ROWS and node.primitive is not PROJECT:
        return "flat", f"the derivative of {name} in its argument {index} is 0 there{shown}", (
            "If {name} is made of operations (a compiled function, a checkpoint), ag.explain(program) looks inside."
        )  # fmt: skip
    if name in _INDEX or not is_plain(node):
        return "index", f"none of the entries that go through {name} are chosen afterwards", _INDEX_CURE
    if name in _PRODUCT and _has_zero_factor(node, index):
        return "zero factor", f"it meets a zero in {name}: the other factor is 0 in all entries that matter", (
            "Look at the other factor: weights that start at 0, a mask, a loss weight of 0."
        )  # fmt: skip
    if _underflows(node, index, ct, sent):
        return "underflow", f"{name} sends numbers too small for their dtype, which become 0{shown}", (
            "Work with logarithms (logsumexp, log_softmax), scale the loss up, or use float64."
        )  # fmt: skip
    return "flat", f"the derivative of {name} in its argument {index} is 0 there{shown}", (
        "It is a stationary point: begin elsewhere, if it is not the one that is looked for."
    )  # fmt: skip


_INDEX_CURE = "Only entries that are used have a gradient: look at the index, or at the maximum that was taken."


def _at_ends(value: Any) -> bool:
    """Whether a softmax is 0 or 1, but for rounding, in every entry."""
    eps = np.finfo(value.dtype).eps
    return not ((value > eps) & (value < 1 - eps)).any()


def is_plain(node: Node) -> bool:
    """Whether a Node has one array as its value."""
    return not isinstance(node.value, tuple)


def _argument(node: Node, index: int) -> Any:
    array = raw(node.args[index])
    if array is None and node.parents[index] is not None:
        array = raw(node.parents[index].value)
    return array


def _range(array: Any) -> str:
    if array.dtype.kind not in "fc" or not array.size:
        return f"shape {array.shape}"
    if array.size == 1 or array.dtype.kind == "c":
        return shown_number(array.flat[0])
    return f"entries from {shown_number(array.min())} to {shown_number(array.max())}"


def _has_zero_factor(node: Node, index: int) -> bool:
    """Whether another argument (for ``square`` the only one) is zero somewhere, and that is why."""
    others = [_argument(node, i) for i in range(len(node.args)) if i != index] or [_argument(node, index)]
    return any(other is not None and other.dtype.kind in "fciub" and not other.all() for other in others)


def _underflows(node: Node, index: int, ct: Any, sent: Any) -> bool:
    """Whether a product of numbers that are not zero became zero; or the derivative did, as that of exp(-1000)."""
    if not is_finite(ct):  # a zero that wins over an infinity
        return False
    values = [array for array in parts(node.value)]
    if node.operation in ("exp", "exp2", "exprel", "erfc", "erfcx", "ndtr") and not any(v.any() for v in values):
        return True
    if node.operation == "prod" and not all(value.all() for value in values):
        return bool(_argument(node, 0).all())
    if not node.primitive.elementwise:
        return any(0 < np.abs(array[array != 0]).min() < 1e-30 for array in parts(ct) if array.any())
    args = [
        np.asarray(arg, np.longdouble) if raw(arg) is not None and raw(arg).dtype.kind == "f" else arg
        for arg in node.args
    ]
    with np.errstate(all="ignore"):
        wide = np.asarray(node.primitive.impl(*args, **node.params))
        rule = node.primitive.rules(len(args))[index]
        try:
            exact = rule(np.asarray(ct, np.longdouble), wide, *args, **node.params)
        except (TypeError, ValueError):
            return False
    return not is_zero(exact)
