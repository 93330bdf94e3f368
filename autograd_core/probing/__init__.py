"""Users' operations are probed when a tape first records them, to find out whether their rules fit the function."""

from .by_hand import probe
from .first_use import Probes, refusal
from .report import Check, ProbeReport
from .subject import Operation
from .switch import probing

__all__ = ["Check", "Operation", "ProbeReport", "Probes", "probe", "probing", "refusal"]
