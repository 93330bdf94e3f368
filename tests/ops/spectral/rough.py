"""Where decompositions have no derivative: what depends on the choice of vectors, and what tells equal values apart."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.errors import NotDifferentiableError
from autograd_core.testing import rows
from autograd_core.testing.rows import Application, frozen

from .parts import (
    PAIR,
    PARAMS,
    Through,
    block_sum,
    cubes,
    function_of_matrix,
    hermitian,
    minus_first,
    rectangular,
)

FORWARD, REVERSE, BOTH = ("forward",), ("reverse",), ("forward", "reverse")


def _turned(v):
    """Depends on the choice of two vectors, whichever unit vectors they are."""
    return v[..., 0, 1] - v[..., 1, 0] + 0.7 * (v[..., 0, 0] - v[..., 1, 1])


def _undefined():
    pair = hermitian(2.0, 2.0, 5.0)[0]
    for function in (cubes(1), function_of_matrix(np.exp), function_of_matrix(minus_first)):
        yield "eigh", pair, function, BOTH
        yield "eigh", frozen(-pair), function, BOTH
    equal = frozen(np.diag([2.0, 2.0, 5.0]))
    for function in (lambda w, v: (v,), lambda w, v: (np.real(v[..., 0]),), lambda w, v: (np.real(w[..., 0]),)):
        yield "eig", equal, function, BOTH
    yield "eig", equal, lambda w, v: (1e-15 * w[..., 0],), BOTH  # may be much, if the matrix is defective
    yield "eigh", equal, block_sum(function_of_matrix(np.exp)), REVERSE
    yield "eigh", equal, lambda w, v: (_turned(v) + np.mean(w[..., :2], axis=-1),), REVERSE
    of_three = frozen(np.diag([3.0, 3.0, 1.0]))
    yield "svd", of_three, lambda u, s, vh: (_turned(u) + np.mean(s[..., :2], axis=-1),), REVERSE
    for side in ("both", "left", "right"):
        yield "svd", of_three, block_sum(function_of_matrix(np.exp, side)), REVERSE
    for m, n in ((3, 3), (4, 3), (3, 4)):
        for function in (cubes(0), cubes(2), function_of_matrix(np.exp), function_of_matrix(minus_first)):
            yield "svd", rectangular(m, n, 3.0, 3.0, 1.0)[0], function, BOTH
        of_zero = rectangular(m, n, 3.0, 1.0, 0.0)[0]
        yield "svd", of_zero, function_of_matrix(np.sin), BOTH
        for side in ("left", "right"):
            for f in (np.exp, minus_first):
                yield "svd", rectangular(m, n, 3.0, 3.0, 1.0)[0], function_of_matrix(f, side), BOTH
        # A space of its own, in reverse mode: from a loss it cannot be seen whether the sign of a vector matters.
        yield "svd", of_zero, cubes(0, 2), BOTH if m > n else FORWARD
        yield "svd", of_zero, cubes(2, 2), BOTH if m < n else FORWARD
    for n in (1, 3):
        yield "svd", frozen(np.zeros((n, n))), function_of_matrix(np.sin), BOTH
    yield "eigh", frozen(np.zeros((3, 3))), function_of_matrix(np.sin), BOTH
    yield "eigh", hermitian(1.0, 2.0, 4.0, kind="complex")[0], cubes(1), REVERSE  # a phase
    for which in (0, 2):
        yield "svd", rectangular(3, 3, 3.0, 2.0, 1.0, kind="complex")[0], cubes(which), REVERSE


UNDEFINED = [*_undefined()]
"""What has no derivative: (row, matrix, function of its results, modes in which it gives NaN)."""


def check_undefined(row, a, function, modes) -> None:
    case = Through(row, (a,), PARAMS.get(row.name, {}), function)
    random = np.random.default_rng(7)
    (out,) = case.raw([a])
    with np.errstate(all="ignore"):
        if "reverse" in modes:
            assert np.isnan(rows.pull(case, [a], rows.noise(random, [out]))[0]).any(), f"{row.name}, reverse mode"
        if "forward" in modes:
            assert np.isnan(rows.push(case, [a], rows.noise(random, [a]))[0]).any(), f"{row.name}, forward mode"


NAN = np.nan
_DIAGONAL = np.diag([1.0, -1, 3])  # drives the first two apart
_FLIP = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 3]])  # this as well
_SHIFT = np.array([[0.0, 1, 0], [0, 0, 0], [0, 0, 3]])  # makes it defective
_TURN = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 3]])
_BOTH = np.array([[1.0, 1, 0], [1, 0, 0], [0, 0, 3]])  # by as much as it mixes them
_OTHER_WAY = np.array([[1.0, -1, 0], [-1, 0, 0], [0, 0, 3]])
_HALF = np.array([[1.0, 0.5, 0], [0.5, 0, 0], [0, 0, 3]])
_ALIKE = np.diag([2.0, 2, 3])

DRIVEN = [
    ("eigh", [2.0, 2, 5], _DIAGONAL, [0, 0, 3], [NAN, NAN, 0]),
    ("eigh", [2.0, 2, 5], _FLIP, [0, 0, 3], [NAN, NAN, 0]),
    *(("svd", [2.0, 2, 1], t, [0.5, 0.5, 3], [NAN, NAN, 0]) for t in (_BOTH, _OTHER_WAY)),
    *(("eigh", [2.0, 2, 5], t, [0.5, 0.5, 3], [NAN, NAN, 0]) for t in (_BOTH, _OTHER_WAY)),
    *(("eig", [2.0, 2, 5], t, [NAN, NAN, 3], [NAN, NAN, 0]) for t in (_TURN, _TURN.T, _BOTH, _OTHER_WAY, _HALF)),
    ("eigh", [2.0, 2, 5], _ALIKE, [2, 2, 3], [0, 0, 0]),
    ("svd", [2.0, 2, 1], _DIAGONAL, [0, 0, 3], [NAN, NAN, 0]),
    ("svd", [2.0, 2, 1], _FLIP, [0, 0, 3], [NAN, NAN, 0]),
    ("svd", [2.0, 2, 1], _ALIKE, [2, 2, 3], [0, 0, 0]),
    ("svd", [2.0, 1, 0], _DIAGONAL, [1, -1, 0], [0, 0, NAN]),  # 0 and its negative
    ("svd", [2.0, 0, 0], np.diag([1.0, 0, 0]), [1, 0, 0], [0, 0, 0]),
    ("eig", [2.0, 2, 5], _DIAGONAL, [NAN, NAN, 3], [NAN, NAN, 0]),
    ("eig", [2.0, 2, 5], _FLIP, [NAN, NAN, 3], [NAN, NAN, 0]),
    ("eig", [2.0, 2, 5], _SHIFT, [NAN, NAN, 3], [NAN, NAN, 0]),
    ("eig", [2.0, 2, 5], _SHIFT.T, [NAN, NAN, 3], [NAN, NAN, 0]),
    ("eig", [2.0, 2, 5], _DIAGONAL * 1e-15, [NAN, NAN, 3e-15], [NAN, NAN, 0]),
    ("eig", [2.0, 2, 5], _ALIKE, [2, 2, 3], [0, 0, 0]),
]
"""In forward mode: (row, diagonal, direction, tangent of the values, tangent of all entries of each vector)."""


def check_driven(row, diagonal, t, of_values, of_vectors) -> None:
    a = frozen(np.diag(diagonal))
    for stack in (a, frozen(np.stack([a, np.diag([1.0, 2, 3])]))):
        case = Application(row, (stack,), PARAMS.get(row.name, {}))
        with np.errstate(all="ignore"):
            pushed = rows.push(case, [stack], [frozen(np.broadcast_to(t, stack.shape).copy())])
        values = pushed.pop(1 if row.name == "svd" else 0)
        columns = [pushed[0], *(rest.mT for rest in pushed[1:])]
        if stack.ndim > 2:
            assert np.isfinite([values[1], *(vectors[1, 0] for vectors in columns)]).all()
            values, columns = values[0], [vectors[0] for vectors in columns]
        np.testing.assert_allclose(values, of_values, atol=1e-13)
        for vectors in columns:
            np.testing.assert_allclose(vectors, np.broadcast_to(of_vectors, (3, 3)), atol=1e-13)


# -- vectors that fill up a basis --------------------------------------------------------------------------------------

FILLED = [("svd", rectangular(m, n, 4.0, 2.0, 1.0)[0]) for m, n in ((4, 3), (3, 4))]


def check_filled(row, a) -> None:
    """Vectors that only fill up a basis have no derivative; beside them the others have theirs."""
    whole, reduced = (Application(row, (a,), {"full": full}) for full in (True, False))
    random = np.random.default_rng(5)
    *cts, ct_rest = rows.noise(random, whole.raw([a]))
    (t,) = rows.noise(random, [a])
    (wanted,) = rows.pull(reduced, [a], cts)
    for nothing in (None, 0 * ct_rest):
        np.testing.assert_array_equal(rows.pull(whole, [a], [*cts, nothing])[0], wanted)
    for given in (cts, [None] * 3):
        with pytest.raises(NotDifferentiableError, match=r"svd: .*the vectors that full_matrices=True adds"):
            rows.pull(whole, [a], [*given, ct_rest])
    *pushed, rest = rows.push(whole, [a], [t])
    for one, other in zip(pushed, rows.push(reduced, [a], [t]), strict=True):
        np.testing.assert_array_equal(one, other)
    assert rest.shape == ct_rest.shape
    assert np.isnan(rest).all()


# -- what holds derivatives back ---------------------------------------------------------------------------------------
# ``held`` lets through what changes all of a group of equal values alike: within the group a multiple of the identity,
# 0 for values of 0. Rows that tell entries of their group apart give NaN; so do rows that already were apart, unless
# their cotangent is 0.

_ALL_APART, _LAST_PAIR, _ONE_GROUP = ((0,), (1,), (2,)), ((0,), (1, 2)), ((0, 1, 2),)
_SAME = [[2.0, 0, 1], [0, 2, -3], [4, 5, 6]]
_PARTED = [[2.0, 0, 1], [0, 3, -3], [4, 5, 6]]
_MIXED = [[2.0, 1, 1], [1, 2, -3], [4, 5, 6]]
_NEARLY = [[2.0, 1e-14, 1], [-1e-14, 2 + 1e-14, -3], [4, 5, 6]]
_OTHER = [[3.0, 0, 5], [0, 3, 6], [7, 8, 9]]
_WITHOUT_FIRST = [[0.0, 0, 0], [0, 0, 0], [7, 8, 9]]
_LAST_IS_0 = [[2.0, 0, 1], [0, 2, -3], [4, 5, 0]]
_LAST_TWO_0 = [[2.0, 7, 1], [6, 0, 0], [4, 0, 0]]
_NANS = [NAN] * 3

HELD = [  # groups, which are 0, matrix, cotangent or tangent, what comes through
    (_ALL_APART, [], _PARTED, _MIXED, _MIXED),
    (PAIR, [], _SAME, _OTHER, _OTHER),
    (PAIR, [], _NEARLY, _OTHER, _OTHER),
    (PAIR, [], _OTHER, _NEARLY, _NEARLY),
    (PAIR, [], _SAME, _PARTED, [_NANS, _NANS, _PARTED[2]]),
    (PAIR, [], _SAME, _MIXED, [_NANS, _NANS, _MIXED[2]]),
    (PAIR, [], _PARTED, _OTHER, [_NANS, _NANS, _OTHER[2]]),
    (PAIR, [], _MIXED, _OTHER, [_NANS, _NANS, _OTHER[2]]),
    (PAIR, [], _PARTED, _WITHOUT_FIRST, _WITHOUT_FIRST),
    (_LAST_PAIR, [], _SAME, _OTHER, [_OTHER[0], _NANS, _NANS]),
    (_ONE_GROUP, [], np.eye(3) * 2, np.eye(3) * 5, np.eye(3) * 5),
    (_ONE_GROUP, [], np.eye(3) * 2, _OTHER, [_NANS] * 3),
    (PAIR, [2], _LAST_IS_0, _LAST_IS_0, [*_LAST_IS_0[:2], [0, 0, 0]]),
    (PAIR, [2], _LAST_IS_0, _OTHER, [*_OTHER[:2], _NANS]),
    (PAIR, [2], _SAME, _LAST_IS_0, [*_LAST_IS_0[:2], _NANS]),
    (_LAST_PAIR, [1, 2], _LAST_TWO_0, _LAST_TWO_0, [_LAST_TWO_0[0], [0, 0, 0], [0, 0, 0]]),
    (_LAST_PAIR, [1, 2], _LAST_TWO_0, np.diag([1.0, 2, 2]), [[1.0, 0, 0], _NANS, _NANS]),
]


def check_held(row, groups, zeros, x, given, expected) -> None:
    """In both modes, and in a stack beside a matrix whose values are apart."""
    closed, zero = np.eye(3, dtype=bool), np.isin(np.arange(3), zeros)
    for group in groups:
        closed[np.ix_(group, group)] = True
    beside = np.eye(3, dtype=bool), np.zeros(3, bool), np.arange(9.0).reshape(3, 3), np.ones((3, 3)), np.ones((3, 3))
    alone = closed, zero, np.array(x), np.array(given), np.array(expected)
    for closed, zero, x, given, expected in (alone, tuple(map(np.stack, zip(alone, beside, strict=True)))):
        case = Application(row, (frozen(x), closed, zero), {})
        np.testing.assert_array_equal(case.raw()[0], np.where(zero[..., None], 0, x))
        np.testing.assert_array_equal(rows.pull(case, case.primals, [given])[0], expected)
        np.testing.assert_array_equal(rows.push(case, case.primals, [given])[0], expected)
