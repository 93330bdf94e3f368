"""Checks of gradients against numbers: for users' functions, and for every row of the table of operations."""

from ..probing import ProbeReport, probe
from . import invariants, strategies
from .auditing import Audit, audit
from .blame import blame
from .blamed import Blame
from .check import check_grads
from .comparison import Difference, diff
from .foreign import check_foreign
from .numerical import numerical_gradient
from .programs import RandomProgram, check_program, random_program, smallest_wrong
from .verdicts import GradientReport, UncertainGradientWarning, Verdict

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
