"""Questions about shapes that several parts ask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Shape = tuple[int, ...]


def shape_of(value) -> Shape:
    """Shape of an array, a Tensor, or a number."""
    return value.shape if hasattr(value, "shape") else np.shape(value)


def broadcasts_into(shape: Shape, target: Shape) -> bool:
    """Whether an array of ``shape`` broadcasts to exactly ``target``."""
    pairs = zip(shape[::-1], target[::-1], strict=False)
    return len(shape) <= len(target) and all(own in (1, wanted) for own, wanted in pairs)


def broadcast_axes(shape: Shape, target: Shape) -> tuple[int, ...]:
    """Axes of ``target`` that ``shape`` does not have or has with length 1: a sum over them undoes a broadcast."""
    extra = len(target) - len(shape)
    return (*range(extra), *(extra + axis for axis, length in enumerate(shape) if length == 1))


def broadcast_hint(shapes: Sequence[Shape]) -> str:
    """Which axis keeps ``shapes`` from broadcasting, and the rule; empty if none does."""
    for axis in range(-1, -max((len(shape) for shape in shapes), default=0) - 1, -1):
        lengths = [shape[axis] for shape in shapes if len(shape) >= -axis]
        if len(set(lengths) - {1}) > 1:
            return (
                f"Counted from the last, axis {axis} has lengths {' and '.join(map(str, lengths))}; they must be equal "
                "or 1. Reshape one of them, or add an axis of length 1."
            )
    return ""
