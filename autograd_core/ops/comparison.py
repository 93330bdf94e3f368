"""Comparisons, logic and bits: results without a derivative."""

from __future__ import annotations

from typing import Any

from ..primitive import Primitive

__all__: list[str] = []

ROWS: tuple[Primitive, ...] = ()

OVERLOADS: dict[Any, Any] = {}
