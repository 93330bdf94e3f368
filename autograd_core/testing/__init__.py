"""Checks of gradients against numbers: for users' functions, and for every row of the table of operations."""

from . import strategies
from .check import check_grads
from .numerical import numerical_gradient

__all__ = ["check_grads", "numerical_gradient", "strategies"]
