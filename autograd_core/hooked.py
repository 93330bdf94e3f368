"""How gradient hooks are called: during a backward walk, and inside of compiled plans."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import CotangentError, DtypeError
from .hooks import ON_NODES, ON_VARIABLES, Hook, Hooks
from .node import Node
from .primitive import Primitive, apply
from .recording import Paused, trace_here
from .symbol import Value
from .tensor import Tensor, as_value


class HookedCotangents(dict[Node, Any]):
    """Cotangents that wait in a walk: the hooks of a Node are called when its cotangent is taken out, complete."""

    def pop(self, node: Any, default: Any = None) -> Any:
        """Take out the cotangent of ``node``, as its hooks leave it."""
        ct = dict.pop(self, node, default)
        hooks = None if ct is None else ON_NODES.hooks_of(node)
        return ct if hooks is None else called(hooks, ct, f"the result of {node.operation}")


def at_source(ct: Any, node: Node, whose: str) -> Any:
    """Gradient of a source that no walk passes through, a leaf, as its hooks leave it."""
    hooks = ON_NODES.hooks_of(node)
    return ct if hooks is None else called(hooks, ct, whose)


def at_variable(gradient: Any, variable: Any) -> Any:
    """Gradient of a Variable, as people see it, as the hooks leave it."""
    hooks = ON_VARIABLES.hooks_of(variable)
    return gradient if hooks is None else called(hooks, gradient, variable.label(), conjugated=False)


def called(hooks: Hooks, ct: Any, whose: str, conjugated: bool = True) -> Any:
    """What the hooks make of a cotangent, each of what the one before it has made.

    Parameters
    ----------
    ct : array, NumPy scalar or Tensor
        Hooks are given a Tensor of their own. In a trace they are called at each run of the plan.
    conjugated : bool
        Whether ``ct`` is a pairing without conjugate, as inside of a walk; hooks are given d/dx + i d/dy.
    """
    for function in list(hooks.functions.values()):
        ct = _called(function, ct, whose, conjugated)
    return ct


def _called(function: Hook, ct: Any, whose: str, conjugated: bool) -> Any:
    array: Any = ct.array if isinstance(ct, Tensor) else ct
    turn = conjugated and array.dtype.kind == "c"
    if array.__class__ is Value:
        given = ct if isinstance(ct, Tensor) else Tensor(ct, None)
        sent = apply(GRADIENT_HOOK, (np.conj(given) if turn else given,), {"call": function, "whose": whose})
        return np.conj(sent) if turn else sent
    # A copy: the walk may go on writing to its array, and the user may keep what he is given.
    given = Tensor(ct.array, ct.node) if isinstance(ct, Tensor) else Tensor(np.array(ct), None)
    found = function(np.conj(given) if turn else given)
    if found is None:
        return ct
    found = _checked(found, array, whose)
    result: Any = np.conj(found) if turn else found
    return result if isinstance(ct, Tensor) else np.array(result.array)


def _checked(found: Any, like: Any, whose: str) -> Tensor:
    """What a hook returned, as a Tensor of the gradient's shape and dtype."""
    said = f"the gradient hook of {whose} returned"
    try:
        tensor: Any = found if isinstance(found, Tensor) else Tensor(np.array(as_value(found)), None)
    except TypeError:
        raise CotangentError(
            f"{said} a {type(found).__name__}; expected a Tensor or array like the gradient it was given, or None to "
            "leave it as it is."
        ) from None
    if tensor.shape != like.shape:
        raise CotangentError(
            f"{said} shape {tensor.shape}; the gradient has shape {like.shape}, and what stands in its place must have "
            "the same."
        )
    if not np.can_cast(tensor.dtype, like.dtype, "same_kind"):
        raise DtypeError(f"{said} dtype {tensor.dtype}; the gradient has dtype {like.dtype}. Convert it with astype.")
    return tensor if tensor.dtype == like.dtype else tensor.astype(like.dtype)


def _in_plan(array: Any, *, call: Hook, whose: str) -> Any:
    """Call a hook in a run of a plan; while that is traced there is no gradient yet, and nothing is called."""
    if trace_here() is not None:
        return array
    with Paused():
        found = call(Tensor(np.array(array), None))
    return np.array(array) if found is None else np.array(_checked(found, array, whose).array)


GRADIENT_HOOK = Primitive(
    "gradient_hook", _in_plan, vjps=(None,), keeps=False,
    doc="A gradient as a Python function leaves it, inside of a compiled plan. It has no derivative there.",
)  # fmt: skip
