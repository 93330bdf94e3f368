"""The derivative of a small scalar graph as a formula: a sum over paths of products of local derivatives."""

from __future__ import annotations

from .model import Factor, Formula, Term, formula

__all__ = ["Factor", "Formula", "Term", "formula"]
