"""What holds of every right gradient, without differences: rules of the derivative itself, and of the function.

Each takes a function and its arguments and raises ``GradientCheckError``, naming the input, the entry, both numbers and
the tolerance. They are exact up to rounding, so they are sharper than differences; and none of them is enough alone: a
rule may be linear and wrong. ``check`` runs those that hold of any function. The others hold of functions with a
property of their own: ``translation``, ``homogeneity``, ``permutation``.
"""

from .algebra import inner_product, linearity, shapes
from .runs import compiled, reordered
from .symmetry import homogeneity, permutation, translation
from .together import check

__all__ = [
    "check",
    "compiled",
    "homogeneity",
    "inner_product",
    "linearity",
    "permutation",
    "reordered",
    "shapes",
    "translation",
]
