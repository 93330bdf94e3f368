"""Matrices with equal values and values of 0, as decompositions are compared on them: few are drawn, so they are made.

Cotangents and tangents are whole numbers, many of them 0: others tell equal values apart, and then all is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from autograd_core.primitive import Primitive
from tests.ops.spectral.parts import PARAMS, hermitian, rectangular

VALUES = ((2.0, 2.0, 5.0), (-3.0, -3.0, 1.0), (2.0, 2.0, 2.0), (1.0, 2.0, 4.0))
SINGULAR = ((4.0, 4.0, 1.0), (3.0, 1.0, 0.0), (2.0, 2.0, 2.0), (2.0, 0.0, 0.0), (4.0, 2.0, 1.0))
SHAPES = ((3, 3), (4, 3), (3, 4))
GROUPS = ([0, 0, 1], [0, 1, 1], [0, 0, 0], [0, 1, 2])
TIMES = 6  # with other cotangents
MANY = 100  # the same, of the matrices with one pair of equal values: which say most


def arguments(row: Primitive) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Arguments and parameters for ``row``; none if it is no decomposition."""
    if row.name == "held":
        yield from _held()
    make = {"eigh": _symmetric, "eigvalsh": _symmetric, "eig": _symmetric, "svd": _any, "svdvals": _any}.get(row.name)
    for a in make() if make is not None else ():
        yield (a,), PARAMS.get(row.name, {})
        if row.name == "svd" and a.shape[0] != a.shape[1] and a[0, 0] == 4:
            yield (a,), {"full": True}


def _symmetric() -> Iterator[Any]:
    for values in VALUES:
        for _ in range(MANY if values is VALUES[0] else TIMES):
            yield np.diag(values)
        for kind in ("complex", *["real"] * TIMES):
            yield hermitian(*values, kind=kind)[0]
        yield np.diag(values) + 0j


def _any() -> Iterator[Any]:
    for (m, n), values in product(SHAPES, SINGULAR):
        for _ in range(MANY if m == n and values is SINGULAR[0] else TIMES):
            yield np.eye(m, n) * [*values, 1.0][:n]
        for kind in ("complex", *["real"] * TIMES):
            yield rectangular(m, n, *values, kind=kind)[0]


def _held():
    random = np.random.default_rng(0)
    for group in GROUPS * TIMES:
        same = np.equal.outer(group, group)
        for zeros in (np.zeros(3, bool), np.equal(group, group[-1])):
            x = np.where(same, np.diag(np.where(zeros, 0.0, 2.0)), whole(random, (3, 3), float))
            y = whole(random, (3, 3), float)
            yield (x, same, zeros), {}
            yield (y, same, zeros), {}
            yield (np.stack([y, x]), np.stack([same, same]), np.stack([zeros, zeros])), {}


def whole(random, shape, dtype):
    """Entries -1, 0, 1; sometimes all of them 1, sometimes all but one row or column 0."""
    entries = random.integers(-1, 2, shape) if random.integers(2) else np.ones(shape, int)
    if len(shape) > 1 and all(shape[-2:]):
        chosen = random.integers(3), random.integers(shape[-2]), random.integers(shape[-1])
        if chosen[0] == 1:
            entries[..., np.arange(shape[-2]) != chosen[1], :] = 0
        elif chosen[0] == 2:
            entries[..., :, np.arange(shape[-1]) != chosen[2]] = 0
    return entries.astype(dtype)
