"""Node: one recorded application of a primitive, with its edges to the nodes it came from.

A Node keeps the raw arrays its rule will need (``args`` and ``value``) and links to the Nodes that made them
(``parents``). It never refers to a Tensor: a Tensor is a handle that may move on (``x[i] = y``), a Node stays.
"""

from __future__ import annotations

from typing import Any

NO_PARAMS: dict[str, Any] = {}  # shared by the many nodes without keyword parameters; never written to


class Origin:
    """Where a Node comes from, for those who look at the graph; no derivative depends on it.

    Attributes
    ----------
    scope : tuple of str
        Names of the scopes it was made in, outermost first.
    place : str or None
        Line of the user's program, as ``path:line``, where lines are recorded.
    seconds : float or None
        Time that the forward computation took, where times are recorded.
    """

    __slots__ = ("place", "scope", "seconds")

    def __init__(self, scope: tuple[str, ...] = (), place: str | None = None, seconds: float | None = None):
        self.scope = scope
        self.place = place
        self.seconds = seconds


class Setting:
    """What is noted of the Nodes made in one part of a program: the ``Origin`` that they share, and who notes more.

    Parameters
    ----------
    name : str or None
        Of the scope that begins here; None if only ``details`` are others.
    details : object or None
        Who notes lines and times: has ``apply(primitive, args, params, frame)``, which then takes the place of
        ``primitive.apply``, and ``origin(setting, started)`` for a Node that is not made by it.
    outer : Setting or None
        What it was before.
    """

    __slots__ = ("_scope", "details", "name", "outer")

    place: str | None = None
    seconds: float | None = None

    def __init__(self, name: str | None, details: Any, outer: Setting | None):
        self.name = name
        self.details = details
        self.outer = outer
        self._scope: tuple[str, ...] | None = None

    @property
    def scope(self) -> tuple[str, ...]:
        """Names of the scopes, outermost first; put together when it is first asked for, which is after the run."""
        if self._scope is None:
            names = []
            setting: Setting | None = self
            while setting is not None:
                if setting.name is not None:
                    names.append(setting.name)
                setting = setting.outer
            self._scope = tuple(reversed(names))
        return self._scope


OUTSIDE = Setting(None, None, None)


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
    origin : Origin or Setting
        In which scope it was made; one Setting for all Nodes made there, unless lines or times are recorded.
    """

    __slots__ = ("__weakref__", "args", "name", "origin", "params", "parents", "primitive", "tapes", "value")

    def __init__(self, primitive, args, parents, value, params, tapes, origin: Origin | Setting = OUTSIDE):
        self.primitive = primitive
        self.args = args
        self.parents = parents
        self.value = value
        self.params = params
        self.tapes = tapes
        self.name = None
        self.origin = origin

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
