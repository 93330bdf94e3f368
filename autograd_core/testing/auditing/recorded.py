"""Running a program and keeping what each operation was given, also what no rule will need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import recording
from ...details import Details
from ...errors import ConversionError, DtypeError
from ...graph import Graph, graph
from ...graph.build import ancestors
from ...node import Node, Spec
from ...primitive import PROJECT, Primitive
from ...probing import probing
from ...recording import Frame
from ...tape import GradientTape
from ...tensor import Overloaded, Tensor, as_value
from ...tree import flatten
from ..checking.diagnosis import name_of_leaves


class Witness(Details):
    """Notes the user's lines, and the constants whose entries a Node does not keep."""

    __slots__ = ("constants",)

    runs_eagerly = True

    def __init__(self) -> None:
        super().__init__(lines=True, times=False)
        self.constants: dict[Node, dict[int, Any]] = {}

    def apply(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], frame: Frame) -> Any:
        """Apply ``primitive``, and note what was constant."""
        result = super().apply(primitive, args, params, frame)
        for part in result if result.__class__ is tuple else (result,):
            node = part.node
            if node is not None:
                self._note(node.parents[0] if node.primitive is PROJECT else node, args)
        return result

    def _note(self, node: Node, args: tuple[Any, ...]) -> None:
        if len(args) != len(node.args):
            return
        kept = {
            index: np.array(arg.array if isinstance(arg, Overloaded) else as_value(arg))
            for index, (arg, saved) in enumerate(zip(args, node.args, strict=True))
            if isinstance(saved, Spec) and node.parents[index] is None
        }
        if kept:
            self.constants[node] = kept


class Recorded:
    """One run of a program.

    Attributes
    ----------
    nodes : list of Node
        Each after those it was computed from, leaves too.
    args : dict of Node to tuple
        What each was applied to, with all entries; None where they are not known.
    targets : list of Node
    graph : Graph
    """

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], asked: str = "audit"):
        leaves, rebuild = flatten(tuple(args))
        names = name_of_leaves(args)
        given = [_tensor(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
        watched = [item for item in given if isinstance(item, Tensor) and item.dtype.kind in "fc"]
        witness = Witness()
        recording.note(witness)
        try:
            with (
                GradientTape(persistent=True) as tape,
                probing(False),
                np.errstate(all="ignore"),
            ):  # what overflows is a row
                tape.watch(watched)
                result = f(*rebuild(given))
        finally:
            recording.leave()
        outs = [out for out in flatten(result)[0] if isinstance(out, Tensor) and out.node is not None]
        if not outs:
            raise ConversionError(
                f"{asked}: nothing that the function returned was computed from its arguments or from Variables by "
                "recorded operations; return Tensors. What left through .numpy(), float() or np.asarray cannot be "
                f"replayed.{'' if watched else ' None of the arguments is floating; write 3.0 instead of 3.'}"
            )
        self.targets: list[Node] = [out.node for out in outs if out.node is not None]
        self.graph: Graph = graph(outs, names=dict(zip(names, given, strict=True)))
        self.nodes = ancestors(self.targets, lambda node: True)
        self.args = {node: _args(node, witness.constants.get(node, {})) for node in self.nodes}


def _tensor(leaf: Any, name: str) -> Any:
    """An argument as a Tensor to watch; Variables are watched anyway, other things are handed on."""
    if isinstance(leaf, (Overloaded, np.ndarray, np.generic)) and leaf.dtype.kind in "fc":
        return leaf if isinstance(leaf, Overloaded) and not isinstance(leaf, Tensor) else Tensor(as_value(leaf), None)
    return Tensor(np.asarray(leaf), None) if isinstance(leaf, (float, complex)) else leaf


def _args(node: Node, constants: dict[int, Any]) -> tuple[Any, ...]:
    found = []
    for index, (arg, parent) in enumerate(zip(node.args, node.parents, strict=True)):
        if parent is not None:
            found.append(parent.value)
        else:
            found.append(constants.get(index) if isinstance(arg, Spec) else arg)
    return tuple(found)


def check(args: Sequence[Any], nodes: Sequence[Node]) -> None:
    """Raise if there is nothing to audit."""
    if not any(getattr(node.value, "dtype", np.dtype(int)).kind in "fc" for node in nodes):
        raise DtypeError(f"audit: no value of the program is floating; got {len(args)} arguments.")
