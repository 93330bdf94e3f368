"""Branches and loops that work eagerly and in traced functions: ``cond``, ``while_loop``, ``fori_loop``, ``scan``."""

from .branches import cond
from .loops import fori_loop, scan, while_loop

__all__ = ["cond", "fori_loop", "scan", "while_loop"]
