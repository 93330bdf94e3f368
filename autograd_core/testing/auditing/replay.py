"""The replay: each operation on the inputs that the program had, and on those it should have had, in higher precision.

*Exact* is one operation applied to what the program handed it: what is off against it was born there. *Whole* is what
the program would have computed in higher precision throughout: what is off against it was inherited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backward import pull_back
from ...cotangents import Parts
from ...errors import AutogradError
from ...node import Node
from ...primitive import PROJECT
from ...recording import Paused
from .precision import Precision, largest, narrow, relative_errors
from .recorded import Recorded

_REFUSALS = (
    TypeError,
    ValueError,
    NotImplementedError,
    AttributeError,
    IndexError,
    AutogradError,
    np.linalg.LinAlgError,
)

ENDS = {
    "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "expit": (0.0, 1.0), "erf": (-1.0, 1.0), "ndtr": (0.0, 1.0),
    "softmax": (0.0, 1.0), "erfc": (0.0, 2.0), "softsign": (-1.0, 1.0),
}  # fmt: skip
"""Operations that run against an end, where their derivative is lost."""

Contributions = dict[Node, Any]


def _xlogy(x, y, log=np.log):
    with np.errstate(all="ignore"):
        return np.where((x == 0) & ~np.isnan(y), 0, x * log(y))


# Forward functions that know only float64, and are written down in a line.
IN_ANY_PRECISION: dict[str, Callable[..., Any]] = {
    "xlogy": _xlogy,
    "xlog1py": lambda x, y: _xlogy(x, y, np.log1p),
    "entr": lambda x: -_xlogy(x, x),
    "astype": lambda x, **params: x,  # to a narrower dtype: rounding is what the program does, not what it means
}


class Replay:
    """Values and cotangents of a recorded program in higher precision.

    Attributes
    ----------
    exact, whole : dict of Node to array
        Values; of ``exact`` those are missing that could not be computed in higher precision.
    cotangents, exact_cotangents, whole_cotangents : dict of Node to array
        Of the targets' sum; the first as the program computes them.
    refused, refused_backward : set of Node
        Operations whose forward function, or rule, knows no wider dtype: they ran in the program's own.
    """

    def __init__(self, recorded: Recorded):
        self.recorded = recorded
        self.precision = Precision(_floating(recorded))
        self.exact: dict[Node, Any] = {}
        self.whole: dict[Node, Any] = {}
        self.refused: set[Node] = set()
        self.refused_backward: set[Node] = set()
        with Paused(), np.errstate(all="ignore"):
            for node in recorded.nodes:
                self._forward(node)
            self._backward()

    # -- forward -------------------------------------------------------------------------------------------------

    def _forward(self, node: Node) -> None:
        widen = self.precision.widen
        if node.primitive is None:
            self.exact[node] = self.whole[node] = widen(node.value)
            return
        if node.primitive is PROJECT:
            (parent,), index = node.parents, node.params["index"]
            self.whole[node] = self.whole[parent][index]  # type: ignore[index]  # PROJECT has a parent
            if parent in self.exact:
                self.exact[node] = self.exact[parent][index]
            else:
                self.refused.add(node)
            return
        args = self.recorded.args[node]
        weak = _real_dtype(node.value)
        had = [widen(arg, weak) for arg in args]
        should = [had[index] if parent is None else self.whole[parent] for index, parent in enumerate(node.parents)]
        exact, whole = self._applied(node, had), self._applied(node, should)
        if exact is None or whole is None:
            self.refused.add(node)
            own = self._in_own_precision(node, should)
            self.whole[node] = widen(node.value if own is None else own)
            return
        self.exact[node], self.whole[node] = exact, whole

    def _applied(self, node: Node, args: list[Any]) -> Any:
        """The operation in higher precision; None if it knows none."""
        primitive: Any = node.primitive
        compute = IN_ANY_PRECISION.get(primitive.name, primitive.impl)
        if any(arg is None and parent is None for arg, parent in zip(args, node.parents, strict=True)):
            args = [arg for arg in args if arg is not None]
        try:
            result = compute(*args, **node.params)
        except _REFUSALS:
            return None
        several = isinstance(result, tuple)
        result = tuple(map(np.asarray, result)) if several else np.asarray(result)
        if several != isinstance(node.value, tuple) or not self.precision.is_wide(result):
            return None
        return result

    def _in_own_precision(self, node: Node, args: list[Any]) -> Any:
        primitive: Any = node.primitive
        narrowed = [narrow(arg, given) for arg, given in zip(args, self.recorded.args[node], strict=True)]
        try:
            return primitive.impl(*narrowed, **node.params)
        except _REFUSALS:
            return None

    # -- backward ------------------------------------------------------------------------------------------------

    def _backward(self) -> None:
        nodes = self.recorded.nodes
        operations = [node for node in nodes if node.primitive is not None]
        seeds = {node: np.ones_like(node.value) for node in self.recorded.targets}
        single = [node for node in nodes if not isinstance(node.value, tuple)]
        found = pull_back(operations, seeds, single, recorded=False)
        self.cotangents = {node: found[node] for node in single if node in found}
        had, should = self._shadows(exact=True), self._shadows(exact=False)
        widened = {node: self.precision.widen(ct) for node, ct in self.cotangents.items()}
        ones = {node: self.precision.widen(ct) for node, ct in seeds.items()}
        program: dict[Node, Any] = dict(widened)  # with Parts for Nodes that have several results
        exact: dict[Node, Any] = dict(ones)
        whole: dict[Node, Any] = dict(ones)
        self.sizes: dict[Node, Any] = {node: np.abs(ct) for node, ct in ones.items()}  # of the terms of each sum
        self.edge_errors: dict[Node, float] = {}  # of what an operation with ends sends back, inherited
        for node in reversed(operations):
            if node not in program or node not in whole:
                continue
            arrived = self._pull(node, had, program[node])
            wanted = self._pull(node, should, whole[node])
            for parent, ct in arrived.items():
                _add(exact, parent, ct)
                if isinstance(ct, Parts):
                    _add(program, parent, ct)  # nothing else adds these up
            for parent, ct in wanted.items():
                _add(whole, parent, ct)
                if not isinstance(ct, Parts):
                    _add(self.sizes, parent, np.abs(ct))
            if node.operation in ENDS and node.primitive.elementwise:  # type: ignore[union-attr]  # operations have one
                own = self._pull_in_own_precision(node, list(arrived), program[node])
                self.edge_errors[node] = max((largest(relative_errors(own[at], wanted[at])) for at in own), default=0.0)
        self.exact_cotangents, self.whole_cotangents = exact, whole

    def _shadows(self, exact: bool) -> dict[Node, Node]:
        """Nodes of the same graph, with values in higher precision: as the program had them, or should have."""
        widen = self.precision.widen
        made: dict[Node, Node] = {}
        for node in self.recorded.nodes:
            value = widen(node.value) if exact else self.whole[node]
            if node.primitive is None or node.primitive is PROJECT:
                args = node.args
            else:
                weak = _real_dtype(node.value)
                args = tuple(
                    widen(arg, weak) if exact or parent is None else self.whole[parent]
                    for arg, parent in zip(self.recorded.args[node], node.parents, strict=True)
                )
            parents = tuple(None if parent is None else made[parent] for parent in node.parents)
            made[node] = Node(node.primitive, args, parents, value, node.params, ())
        return made

    def _pull(self, node: Node, shadows: dict[Node, Node], ct: Any) -> Contributions:
        """What one operation sends back to those it was computed from."""
        shadow = shadows[node]
        parents = [parent for parent in node.parents if parent is not None]
        if node in self.refused and node.primitive is not PROJECT:
            return self._pull_in_own_precision(node, parents, ct)
        # Of a Node with several results parts arrive; they are met on the way, and no source that could be looked at.
        sources = [shadows[parent] for parent in parents if not isinstance(parent.value, tuple)]
        try:
            found = pull_back([shadow], {shadow: ct}, sources, recorded=False)
        except _REFUSALS:
            self.refused_backward.add(node)
            return self._pull_in_own_precision(node, parents, ct)
        return {parent: found[shadows[parent]] for parent in dict.fromkeys(parents) if shadows[parent] in found}

    def _pull_in_own_precision(self, node: Node, parents: list[Node], ct: Any) -> Contributions:
        rounded: Any
        if isinstance(ct, Parts):
            rounded = Parts(
                [None if part is None else narrow(part, value) for part, value in zip(ct, node.value, strict=True)]
            )
        else:
            rounded = narrow(ct, node.value)
        try:
            sources = [parent for parent in parents if not isinstance(parent.value, tuple)]
            found = pull_back([node], {node: rounded}, sources, recorded=False)
        except _REFUSALS:  # a rule that belongs to a run that is over
            return {}
        return {
            parent: self.precision.widen(found[parent]) if not isinstance(found[parent], Parts) else found[parent]
            for parent in dict.fromkeys(parents)
            if parent in found
        }


def _add(total: dict[Node, Any], node: Node, ct: Any) -> None:
    before = total.get(node)
    if before is None:
        total[node] = Parts(ct) if isinstance(ct, Parts) else ct
    elif isinstance(ct, Parts):
        for index, part in enumerate(ct):
            if part is not None:
                before[index] = part if before[index] is None else before[index] + part
    else:
        total[node] = before + ct


def _floating(recorded: Recorded) -> list[Any]:
    values = [
        part for node in recorded.nodes for part in (node.value if isinstance(node.value, tuple) else (node.value,))
    ]
    return [value for value in values if value.dtype.kind in "fc"]


def _real_dtype(value: Any) -> Any:
    """Dtype that Python numbers beside ``value`` are rounded to."""
    first = value[0] if isinstance(value, tuple) else value
    return np.zeros(0, first.dtype).real.dtype if first.dtype.kind in "fc" else None
