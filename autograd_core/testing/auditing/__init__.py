"""audit: a recorded program replayed in higher precision, node by node, and what it says about rounding.

``recorded`` runs the program and keeps what each operation was given, ``precision`` says in which dtype it is
replayed, ``replay`` does so forward and backward, ``faults`` judges what is found, ``rewrites`` knows stabler formulas,
``report`` is what the caller gets.
"""

from .faults import Fault, NodeErrors
from .report import Audit, AuditRow, audit

__all__ = ["Audit", "AuditRow", "Fault", "NodeErrors", "audit"]
