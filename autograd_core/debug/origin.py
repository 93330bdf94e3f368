"""The origin of a NaN or infinity in what was recorded already: as ``detect_anomaly``, afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backward import pull_back_watched
from ..errors import AnomalyError
from ..node import Node
from .anomaly import PASSES_ON, Anomaly, Look
from .entries import raw


def origin(order: Sequence[Node], target: Node) -> AnomalyError | None:
    """The error that ``detect_anomaly`` would have raised on the way to the gradient of ``target``; None for none.

    Parameters
    ----------
    order : sequence of Node
        What ``target`` was computed from, and itself last; each after its parents.
    """
    anomaly = _Afterwards()
    seed = np.ones(target.value.shape, target.value.dtype)
    try:
        for node in order:
            if node.primitive is not None and node.primitive not in PASSES_ON:
                values = node.value if isinstance(node.value, tuple) else (node.value,)
                anomaly.look(node.operation, node.primitive.elementwise, _arguments(node), values, node)
        pull_back_watched([node for node in order if node.primitive is not None], {target: seed}, (), Look(anomaly))
    except AnomalyError as error:
        return error
    return None


class _Afterwards(Anomaly):
    """Looks at what is over: the line at which the program is now is not where anything was computed."""

    __slots__ = ()

    def _line(self) -> None:
        return None


def _arguments(node: Node) -> tuple[Any, ...]:
    """What ``node`` was applied to; where its rule needs only the shape, what its parent has."""
    return tuple(
        parent.value if raw(arg) is None and parent is not None else arg
        for arg, parent in zip(node.args, node.parents, strict=True)
    )
