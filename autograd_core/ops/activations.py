"""Functions of neural networks, stable for any input."""

from __future__ import annotations

from typing import Any

from ..primitive import Primitive

__all__: list[str] = []

ROWS: tuple[Primitive, ...] = ()

OVERLOADS: dict[Any, Any] = {}
