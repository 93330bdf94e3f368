"""All rows together: what the checks, the documentation's tables and the NumPy protocols are made from."""

from __future__ import annotations

from ..primitive import Primitive
from . import (
    activations,
    arithmetic,
    arranging,
    comparison,
    complex_parts,
    creation,
    decompositions,
    determinants,
    einsum,
    exponential,
    indexing,
    joining,
    least_squares,
    linalg,
    norms,
    products,
    reductions,
    reshaping,
    rounding,
    scans,
    selection,
    sorting,
    special,
    statistics,
    symmetric,
    trigonometric,
)

FAMILIES = (
    arithmetic,
    exponential,
    trigonometric,
    rounding,
    complex_parts,
    selection,
    comparison,
    reductions,
    statistics,
    scans,
    products,
    einsum,
    linalg,
    least_squares,
    determinants,
    norms,
    symmetric,
    decompositions,
    reshaping,
    joining,
    arranging,
    indexing,
    sorting,
    special,
    activations,
    creation,
)

TABLE: tuple[Primitive, ...] = tuple(row for family in FAMILIES for row in family.ROWS)
