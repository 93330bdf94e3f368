"""``check_grads``: derivatives held against differences and the complex step, with a verdict for each input.

From the bottom: ``numerical`` and ``slopes`` (one number along a line), ``lines`` and ``complex_step`` (the function),
``judging`` and ``beside`` (what the numbers say), ``place`` and ``inspection`` (one point, all its entries), ``check``.
"""

from .check import check_grads
from .numerical import numerical_gradient
from .verdicts import GradientReport, UncertainGradientWarning, Verdict

__all__ = ["GradientReport", "UncertainGradientWarning", "Verdict", "check_grads", "numerical_gradient"]
