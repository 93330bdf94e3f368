"""Decompositions where they are seldom drawn: each check, and what it is given.

``parts``   matrices with given values, functions of their decompositions
``smooth``  where there is a derivative
``rough``   where there is none
"""

from .rough import (
    DRIVEN,
    FILLED,
    HELD,
    UNDEFINED,
    check_driven,
    check_filled,
    check_held,
    check_undefined,
)
from .smooth import (
    APART,
    EQUAL,
    KINKS,
    STACKED,
    TWICE,
    check_apart,
    check_equal,
    check_kink,
    check_stack,
    check_twice,
)

CHECKS = (
    (check_apart, APART), (check_equal, EQUAL), (check_kink, KINKS), (check_undefined, UNDEFINED),
    (check_driven, DRIVEN), (check_twice, TWICE), (check_held, [("held", *case) for case in HELD]),
    (check_stack, STACKED), (check_filled, FILLED),
)  # fmt: skip
"""A check, and what it is given: the name of a row, and the rest."""
