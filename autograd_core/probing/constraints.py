"""What arguments satisfy that a rule may rely upon: that they sum to one, have norm one, or are orthogonal.

The gradient of a cross-entropy is "probabilities minus labels" only where the labels sum to one, and that of
a rotation by a quaternion is simple only where it has norm one. Such a rule is right, though not beside the arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

CLOSE = 1e-5

Projections = list[Callable[[Any], Any] | None]
"""For each differentiated value how it is given a property again; None for one that does not have it."""


class Constraint(NamedTuple):
    """A property of an array: its name, whether it holds, and the nearest array (about) that has it."""

    name: str
    holds: Callable[[Any], bool]
    project: Callable[[Any], Any]


def _is_distribution(x: Any) -> bool:
    return bool((x >= 0).all() and (np.abs(x.sum(axis=-1) - 1) < CLOSE).all())


def _distribution(x: Any) -> Any:
    return np.abs(x) / np.abs(x).sum(axis=-1, keepdims=True)


def _norm(x: Any) -> Any:
    return np.sqrt(np.square(x).sum(axis=-1, keepdims=True))


def _is_unit(x: Any) -> bool:
    return bool((np.abs(_norm(x) - 1) < CLOSE).all())


def _unit(x: Any) -> Any:
    return x / _norm(x)


def _is_orthogonal(x: Any) -> bool:
    square = x.ndim > 1 and x.shape[-1] == x.shape[-2]
    return square and bool(np.abs(x @ np.swapaxes(x, -1, -2) - np.eye(x.shape[-1])).max() < CLOSE)


def _orthogonal(x: Any) -> Any:
    left, _, right = np.linalg.svd(x)
    return left @ right


_ALL = (
    Constraint("sum to one along the last axis", _is_distribution, _distribution),
    Constraint("have norm one along the last axis", _is_unit, _unit),
    Constraint("are orthogonal matrices", _is_orthogonal, _orthogonal),
)


def constraints_of(points: list[Any]) -> list[tuple[str, Projections]]:
    """Each property that some of ``points`` have, and the projections for these."""
    found = []
    for name, holds, project in _ALL:
        projections = [project if _may_have(x) and holds(x) else None for x in points]
        if any(projections):
            found.append((name, projections))
    return found


def _may_have(x: Any) -> bool:
    return x.dtype.kind == "f" and x.ndim > 0 and x.shape[-1] > 1 and x.size > 0 and bool(np.isfinite(x).all())


def projected(points: list[Any], projections: Projections) -> list[Any]:
    """``points`` with the property again, after they were moved."""
    return [
        x if project is None else np.asarray(project(x), x.dtype)
        for x, project in zip(points, projections, strict=True)
    ]
