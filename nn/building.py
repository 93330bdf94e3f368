"""Making the weights, once: what happens around every ``build``, whoever calls it.

A layer is built when its ``build`` has come to an end: called by the user, by the layer above, or by the first call on
data. If it raises, the layer, and the layers that were built on the way, are again as they were before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

import numpy as np

import autograd_core as ag

from .shapes import leaves
from .tracking import note_change

_running: ContextVar[tuple[Any, ...]] = ContextVar("running", default=())  # layers being built, from the outside in
_undoing: ContextVar[list[Callable[[], None]] | None] = ContextVar("undoing", default=None)  # by the outermost of them
_inputs: ContextVar[tuple[Any, Any]] = ContextVar("inputs", default=(None, None))  # a layer, and the shape it is for


def is_running(layer: Any) -> bool:
    """Whether the layer's ``build`` has begun and not ended yet."""
    return any(layer is other for other in _running.get())


def noting(build: Callable[..., None]) -> Callable[..., None]:
    """``build``, which marks its layer as built. Calls of it by itself (``super().build(shape)``) are parts of it."""

    @wraps(build)
    def noted(self: Any, *args: Any, **keywords: Any) -> None:
        if is_running(self):
            build(self, *args, **keywords)
            return
        undoing = _undoing.get()
        undoing = [] if undoing is None else undoing
        tokens = _running.set((*_running.get(), self)), _undoing.set(undoing)
        start, before = len(undoing), _own(self) if self.built else set()
        undoing.append(_state_of(self))
        try:
            build(self, *args, **keywords)
            _check_first(self, before)
            self._note_built(args[0] if args else next(iter(keywords.values()), None))
        except BaseException:
            for undo in reversed(undoing[start:]):
                undo()
            del undoing[start:]
            raise
        finally:
            _running.reset(tokens[0])
            _undoing.reset(tokens[1])

    return noted


@contextmanager
def on(layer: Any, inputs: Any) -> Iterator[None]:
    """Build ``layer`` for these inputs: what it says of their shape tells the length of the batch, too."""
    token = _inputs.set((layer, np.shape(inputs) if isinstance(inputs, ag.Tensor) else None))
    try:
        yield
    finally:
        _inputs.reset(token)


def told(layer: Any, shape: Any) -> tuple[Any, ...]:
    """A shape for a message: that of the data that the layer is being built for, if it is theirs."""
    shape, (other, real) = tuple(shape), _inputs.get()
    same = other is layer and real is not None and len(real) == len(shape)
    return real if same and shape[1:] == real[1:] else shape


def _check_first(layer: Any, before: set[ag.Variable]) -> None:
    if before and _own(layer) - before:
        told = ", ".join(f"{weight.name} {weight.shape}" for weight in layer.weights if weight in before)
        raise ag.StructureError(
            f"{layer.name}.build: this {type(layer).__name__} is built already, and building it again made other "
            f"weights in place of {told}. Nothing was changed. Build it only if it is not layer.built, or make a new "
            "layer."
        )


def _own(layer: Any) -> set[ag.Variable]:
    """Variables that are a layer's own, not those of the layers below."""
    held = [layer.__dict__[name] for name in layer._holders]
    return {leaf for leaf in leaves(held) if isinstance(leaf, ag.Variable)}


def _state_of(layer: Any) -> Callable[[], None]:
    """What puts back a layer's attributes and what its own lists hold, as they are now."""
    attributes = dict(layer.__dict__)
    inside = [(value, value.copy()) for value in attributes.values() if isinstance(value, (list, dict))]

    def undo() -> None:
        layer.__dict__.clear()
        layer.__dict__.update(attributes)
        for value, before in inside:
            value.clear()
            value.extend(before) if isinstance(value, list) else value.update(before)
        note_change()

    return undo
