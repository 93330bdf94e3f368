"""Layers."""

from __future__ import annotations

from ..layer import Layer
from .activation import Activation
from .dense import Dense
from .flatten import Flatten

__all__ = ["Activation", "Dense", "Flatten", "Layer"]
