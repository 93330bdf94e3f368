"""Branches and loops that work eagerly and in traced functions: ``cond``, ``while_loop``, ``fori_loop``, ``scan``."""

from .branches import cond

__all__ = ["cond"]
