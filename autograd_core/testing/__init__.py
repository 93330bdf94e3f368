"""Checks of gradients against numbers: for users' functions, and for every row of the table of operations."""

from ..probing import ProbeReport, probe
from . import invariants, strategies
from .auditing import Audit, audit
from .blaming import Blame, blame
from .checking import GradientReport, UncertainGradientWarning, Verdict, check_grads, numerical_gradient
from .comparison import Difference, diff
from .foreign import check_foreign
from .programs import RandomProgram, check_program, random_program, smallest_wrong

__all__ = [
    "Audit",
    "Blame",
    "Difference",
    "GradientReport",
    "ProbeReport",
    "RandomProgram",
    "UncertainGradientWarning",
    "Verdict",
    "audit",
    "blame",
    "check_foreign",
    "check_grads",
    "check_program",
    "diff",
    "invariants",
    "numerical_gradient",
    "probe",
    "random_program",
    "smallest_wrong",
    "strategies",
]
