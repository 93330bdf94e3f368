"""Checks of gradients against numbers: for users' functions, and for every row of the table of operations."""

from . import invariants, strategies
from .auditing import Audit, audit
from .check import check_grads
from .comparison import Difference, diff
from .numerical import numerical_gradient

__all__ = ["Audit", "Difference", "audit", "check_grads", "diff", "invariants", "numerical_gradient", "strategies"]
