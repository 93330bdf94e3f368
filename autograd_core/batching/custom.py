"""Functions with a gradient of their own (``custom_gradient``) inside of a mapped function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import recording
from ..tensor import Overloaded, Tensor, as_value
from ..tree import flatten
from ..variable import Variable
from .level import Level


def run_for_all(level: Level, custom_gradient: Callable[..., Any], f: Callable[..., Any], args: Any, keywords: Any):
    """What ``f(*args, **keywords)`` returns, a value and its gradient function, inside of ``level``.

    Around the ``vmap`` it is computed by a function with a gradient of its own as well, for all examples: its gradient
    function is that of ``f``, mapped.
    """
    frame: Any = recording.current()
    leaves, rebuild = flatten(list(args))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Overloaded) and not isinstance(leaf, Variable)]
    pairs = [level.leave(leaves[i]) for i in places]
    nodes = [leaves[i].node for i in places]
    flags = [mapped for _, mapped in pairs]
    found: list[Any] = []

    def for_all(*behind: Tensor) -> Any:
        with level.inside(frame.records):
            own = list(leaves)
            for i, tensor, mapped, node in zip(places, behind, flags, nodes, strict=True):
                own[i] = level.enter(tensor, mapped, node)
            value, grad_fn = f(*rebuild(own), **keywords)
            outs, build = flatten(value)
            behind_outs = [level.leave(out) for out in outs]
        found.append((grad_fn, build, [mapped for _, mapped in behind_outs], outs))
        gradient = _Gradient(level, grad_fn, flags, places, len(leaves), found[0][2])
        return [out for out, _ in behind_outs], gradient.of_variables if _wants(grad_fn) else gradient.of_arguments

    for_all.__name__ = getattr(f, "__name__", "function")
    with level.outside():
        results = custom_gradient(for_all)(*(tensor for tensor, _ in pairs))
    grad_fn, build, mapped, outs = found[0]
    entered = [
        level.enter(result, own, getattr(out, "node", None)) if isinstance(result, Tensor) else out
        for result, own, out in zip(results, mapped, outs, strict=True)
    ]
    return build(entered), grad_fn


def _wants(grad_fn: Callable[..., Any]) -> bool:
    code = getattr(grad_fn, "__code__", None)
    names = () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return "variables" in names or bool(code is not None and code.co_flags & 8)  # 8: it takes any keywords


class _Gradient:
    """The gradient function of all examples."""

    def __init__(self, level: Level, grad_fn: Any, flags: Sequence[bool], places: Sequence[int], count: int, outs: Any):
        self.level = level
        self.grad_fn = grad_fn
        self.flags = flags
        self.places = places
        self.count = count
        self.outs = outs

    def of_arguments(self, *upstream: Tensor) -> list[Any]:
        """Gradients of the arguments."""
        with self.level.inside():
            own = self.grad_fn(*self._entered(upstream))
            pairs = self._pairs(own)
        return self._fitted(pairs)

    def of_variables(self, *upstream: Tensor, variables: Sequence[Variable] = ()) -> Any:
        """Gradients of the arguments, and of Variables that were read."""
        if not variables:
            return self.of_arguments(*upstream)
        with self.level.inside():
            own, others = self.grad_fn(*self._entered(upstream), variables=variables)
            pairs = self._pairs(own)
            others = [None if each is None else self.level.leave(each) for each in flatten(others)[0]]
        return self._fitted(pairs), [_summed(pair) for pair in others]

    def _entered(self, upstream: Sequence[Tensor]) -> list[Tensor]:
        return [self.level.enter(ct, mapped) for ct, mapped in zip(upstream, self.outs, strict=True)]

    def _pairs(self, own: Any) -> list[Any]:
        return [None if each is None else self.level.leave(each) for each in flatten(own)[0]]

    def _fitted(self, pairs: list[Any]) -> Any:
        """One gradient for each argument that is an array, summed over the examples where it is one for all."""
        if len(pairs) != self.count:
            return [None if pair is None else pair[0] for pair in pairs]  # an error says how many there should be
        return [
            self._spread(pairs[i]) if mapped else _summed(pairs[i])
            for i, mapped in zip(self.places, self.flags, strict=True)
        ]

    def _spread(self, pair: Any) -> Any:
        if pair is None or pair[1]:
            return None if pair is None else pair[0]
        value = pair[0] if isinstance(pair[0], Overloaded) else as_value(pair[0])
        return np.broadcast_to(value, (self.level.size, *value.shape))


def _summed(pair: Any) -> Any:
    if pair is None:
        return None
    return np.sum(pair[0], axis=0) if pair[1] else pair[0]
