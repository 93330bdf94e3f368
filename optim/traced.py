"""Steps of an optimizer inside a function that is traced (``autograd_core.function``).

The rules stay as they are: given Tensors in place of arrays, ``np.add(m, work, m)`` lets the Tensor ``m`` go on as the
sum, and the plan is made of what they write down. State lies in the same flat arrays as eagerly; a plan writes each
variable's stretch of them in place. Numbers that change from step to step (the learning rate, Adam's corrections) are
computed by the same Python code before each run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .flat import Group


class State:
    """The state of a group as Tensors, variable by variable."""

    def __init__(self, group: Group, position: int):
        self.views = [group.part(name, position) for name in group.state]
        self.tensors = [handle(ag.tracing.buffer(view)) for view in self.views]

    def store(self) -> None:
        """Let the plan write what the Tensors have become."""
        for view, tensor in zip(self.views, self.tensors, strict=True):
            ag.tracing.store(view, tensor)


def handle(tensor: ag.Tensor) -> ag.Tensor:
    """A Tensor of its own with the same value: results written into it leave the other alone."""
    return ag.Tensor(tensor.array, None)


def update(
    group: Group,
    gradients: Sequence[Any],
    rule: Callable[..., None],
    constants: Callable[[], Sequence[float]],
    count: int,
    shrinks: bool,
) -> None:
    """``Group.update`` in a trace.

    Parameters
    ----------
    group : Group
    gradients : sequence of Tensor or None
    rule : callable
    constants : callable
        Gives ``count`` numbers at each run: those of the rule, and last what part of each value is taken off first.
    count : int
    shrinks : bool
        Whether anything is taken off.
    """
    numbers = ag.tracing.host(constants, (count,), group.real)
    scalars = [numbers[i] for i in range(count)]
    shrink = scalars.pop()
    for position, (variable, gradient) in enumerate(zip(group.variables, gradients, strict=True)):
        if gradient is None:
            continue
        state = State(group, position)
        value, gradient = as_real(variable.value), as_real(gradient)
        if shrinks and group.decayed_part(position):
            value = value - value * shrink
        new, work = handle(value), handle(value)
        rule(value, gradient, new, state.tensors, work, scalars)
        state.store()
        variable.assign(from_real(new, group.dtype))


def as_real(tensor: Any) -> Any:
    """A complex array as one of pairs of real numbers, as they lie in the flat arrays."""
    if tensor.dtype.kind != "c":
        return handle(tensor)
    return np.stack([np.real(tensor), np.imag(tensor)], axis=-1)


def from_real(tensor: Any, dtype: Any) -> Any:
    """The other way round."""
    if dtype.kind != "c":
        return tensor
    return (tensor[..., 0] + 1j * tensor[..., 1]).astype(dtype)


def by_norm(gradients: Sequence[Any], limit: float) -> list[Any]:
    """``clipping.by_norm``."""
    return [None if g is None else g * (limit / np.maximum(norm([g]), limit)).astype(real_of(g)) for g in gradients]


def by_global_norm(gradients: Sequence[Any], limit: float) -> list[Any]:
    """``clipping.by_global_norm``: an infinite or NaN norm makes every gradient NaN."""
    total = norm([gradient for gradient in gradients if gradient is not None])
    scale = np.where(np.isfinite(total), limit / np.maximum(total, limit), np.nan)
    return [None if gradient is None else gradient * scale.astype(real_of(gradient)) for gradient in gradients]


def by_value(gradients: Sequence[Any], limit: float) -> list[Any]:
    """``clipping.by_value``."""
    return [None if gradient is None else _clip(gradient, limit) for gradient in gradients]


def _clip(gradient: Any, limit: float) -> Any:
    if gradient.dtype.kind != "c":
        return np.clip(gradient, -limit, limit)
    parts = np.clip(np.real(gradient), -limit, limit) + 1j * np.clip(np.imag(gradient), -limit, limit)
    return parts.astype(gradient.dtype)


def norm(gradients: Sequence[Any]) -> Any:
    """Euclidean norm of all entries of several gradients, in double precision."""
    squares = [np.sum(np.square(np.abs(gradient)).astype(np.float64)) for gradient in gradients]
    return np.sqrt(sum(squares[1:], squares[0]))


def real_of(tensor: Any) -> Any:
    """Dtype of the real numbers in a Tensor."""
    return np.empty(0, tensor.dtype).real.dtype
