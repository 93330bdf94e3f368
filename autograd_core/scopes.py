"""``name_scope``: names for parts of a computation, by which diagrams group what is computed there."""

from __future__ import annotations

from typing import Any

from .errors import GraphError
from .recording import enter_scope, leave


class name_scope:  # noqa: N801  # a context manager, called like a function: as in TensorFlow
    """Context manager: what is computed inside belongs to the scope ``name`` in diagrams.

    Scopes nest, and layers of ``nn`` open one of their own name for each call. Each thread and each asyncio task has
    its own. A tape may be entered inside or outside; what is computed does not change.

    Parameters
    ----------
    name : str
        Any text. The same name used twice inside one scope is the same scope: no number is added.

    Raises
    ------
    GraphError
        If ``name`` is not a str.

    Examples
    --------
    >>> import autograd_core as ag
    >>> w = ag.Variable(3.0, name="w")
    >>> with ag.GradientTape() as tape, ag.name_scope("encoder"):
    ...     with ag.name_scope("square"):
    ...         y = w * w
    ...     z = y + 1.0
    >>> [node.scope for node in ag.graph(z).nodes if node.kind in ("operation", "target")]
    [('encoder', 'square'), ('encoder',)]
    """

    __slots__ = ("name",)

    def __init__(self, name: str):
        if not isinstance(name, str):
            raise GraphError(
                f"name_scope: the name is {name!r}, a {type(name).__name__}; expected a str. A number becomes one by "
                'formatting: name_scope(f"block {i}").'
            )
        self.name = name

    def __enter__(self) -> name_scope:
        enter_scope(self.name)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        leave()

    def __repr__(self) -> str:
        return f"name_scope({self.name!r})"
