"""Node: one recorded application of a primitive, with its edges to the nodes it came from.

A Node keeps the raw arrays its rule will need (``args`` and ``value``) and links to the Nodes that made them
(``parents``). It never refers to a Tensor: a Tensor is a handle that may move on (``x[i] = y``), a Node stays.
"""

from __future__ import annotations

from typing import Any

NO_PARAMS: dict[str, Any] = {}  # shared by the many nodes without keyword parameters; never written to


class Node:
    """One application of a primitive, or a leaf (``primitive is None``): a watched Tensor or a Variable.

    Attributes
    ----------
    primitive : Primitive or None
    args : tuple
        What the primitive was applied to: raw arrays and numbers. A primitive whose rule needs only the shape of an
        argument keeps a ``Spec`` in its place.
    parents : tuple of Node or None
        One entry per argument: the Node it came from, None where it was a constant.
    value : array, tuple of arrays, or Spec
        The result.
    params : dict
        The keyword parameters: axes, index, ... The leaf of a Variable has a weak reference to it, ``"variable"``.
    tapes : tuple of Token
        The tapes that track this node. Nodes tracked by all active tapes share one tuple, compared with ``is``.
    name : str or None
        Of the Variable or watched Tensor, where it has one.
    """

    __slots__ = ("__weakref__", "args", "name", "params", "parents", "primitive", "tapes", "value")

    def __init__(self, primitive, args, parents, value, params, tapes):
        self.primitive = primitive
        self.args = args
        self.parents = parents
        self.value = value
        self.params = params
        self.tapes = tapes
        self.name = None

    @property
    def operation(self) -> str:
        """Name of the primitive; ``"leaf"`` for a Variable or watched Tensor."""
        return "leaf" if self.primitive is None else self.primitive.name

    @property
    def edges(self) -> tuple[tuple[int, Node], ...]:
        """Pairs (position of the argument, Node it came from), for the arguments that were tracked."""
        return tuple((index, parent) for index, parent in enumerate(self.parents) if parent is not None)

    def __repr__(self) -> str:
        label = self.operation if self.name is None else f"{self.operation} {self.name!r}"
        if isinstance(self.value, tuple):
            return f"<Node {label}: {len(self.value)} outputs>"
        return f"<Node {label}: shape {self.value.shape}, dtype {self.value.dtype}>"


class Spec:
    """Shape and dtype of an array whose entries nobody needs any more."""

    __slots__ = ("dtype", "ndim", "shape", "size")

    def __init__(self, array):
        self.shape = array.shape
        self.dtype = array.dtype
        self.ndim = array.ndim
        self.size = array.size

    def __repr__(self) -> str:
        return f"<entries not kept: shape {self.shape}, dtype {self.dtype}>"


def leaf(value, tapes, name=None) -> Node:
    """Node for a Variable or a watched Tensor: the end of every backward walk."""
    node = Node(None, (), (), value, NO_PARAMS, tapes)
    node.name = name
    return node
