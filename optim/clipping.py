"""Limits on gradients, applied before an optimizer's rule. Each gives new arrays; None stands for no gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def by_value(gradients: Sequence[Any], limit: float) -> list[Any]:
    """Limit every entry to the interval from ``-limit`` to ``limit``; of a complex entry, both its parts."""
    return [None if gradient is None else _clip(gradient, limit) for gradient in gradients]


def by_norm(gradients: Sequence[Any], limit: float) -> list[Any]:
    """Scale each gradient down to Euclidean norm ``limit``, if its norm is larger."""
    return [None if gradient is None else gradient * (limit / max(_norm(gradient), limit)) for gradient in gradients]


def by_global_norm(gradients: Sequence[Any], limit: float) -> list[Any]:
    """Scale all gradients by one factor, so that their norm taken together is at most ``limit``.

    An infinite or NaN norm makes every gradient NaN, so that it is seen.
    """
    norm = math.hypot(*(_norm(gradient) for gradient in gradients if gradient is not None))
    scale = limit / max(norm, limit) if math.isfinite(norm) else math.nan
    return [None if gradient is None else gradient * scale for gradient in gradients]


def _clip(gradient: Any, limit: float) -> Any:
    if gradient.dtype.kind == "c":
        clipped = np.clip(gradient.real, -limit, limit) + 1j * np.clip(gradient.imag, -limit, limit)
        return clipped.astype(gradient.dtype)
    return np.clip(gradient, -limit, limit)


def _norm(gradient: Any) -> float:
    return float(np.linalg.norm(gradient.reshape(-1)))
