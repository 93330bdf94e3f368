"""Where decompositions are smooth, though seldom drawn there: complex vectors, equal values, values of 0, no entries.

What is smooth does not depend on which vectors LAPACK chooses: means of equal values, and the spaces that their vectors
span. The values themselves have a kink there, with slopes that are known.
"""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.testing import rows
from autograd_core.testing.rows import Application, frozen

from .parts import (
    ALONE,
    PAIR,
    PARAMS,
    Through,
    adjoint,
    all_of_it,
    hermitian,
    isometries,
    left_spaces,
    lengths,
    means,
    normal,
    powers,
    rectangular,
    right_spaces,
    spaces,
    values_and_spaces,
    values_beside_spaces,
)


def _apart(kind: str):
    three = hermitian(1.0, 2.0, 4.0, kind=kind)[0]
    yield "eigh", three, values_and_spaces(*ALONE)
    yield "eigh", frozen(np.stack([three, hermitian(-2.0, 0.5, 1.0, kind=kind, seed=1)[0]])), values_and_spaces(*ALONE)
    for m, n in ((3, 3), (4, 3), (3, 4)):
        a = rectangular(m, n, 4.0, 2.0, 1.0, kind=kind)[0]
        yield "svd", a, values_and_spaces(*ALONE)
        yield "svd", a, isometries(*ALONE)


def _equal(kind: str):
    for a in (hermitian(2.0, 2.0, 5.0, kind=kind)[0], hermitian(-3.0, -3.0, 1.0, kind=kind)[0]):
        yield "eigh", a, means(*PAIR)
        yield "eigh", a, spaces(*PAIR)
        yield "eigh", a, values_beside_spaces(PAIR, PAIR[1:])
        yield "eigh", a, powers
        yield "eigvalsh", a, powers
    yield "eigh", frozen(-2 * np.eye(3, dtype="complex" if kind == "complex" else "float")), spaces((0, 1, 2))
    for m, n in ((3, 3), (4, 3), (3, 4)):
        a = rectangular(m, n, 4.0, 4.0, 1.0, kind=kind)[0]
        yield "svd", a, spaces(*PAIR)
        yield "svd", a, isometries(*PAIR)
        yield "svd", a, left_spaces(*PAIR)
        yield "svd", a, right_spaces(*PAIR)
        yield "svd", a, values_beside_spaces(PAIR, PAIR[1:])
        yield "svd", rectangular(m, n, 3.0, 1.0, 0.0, kind=kind)[0], spaces(*ALONE[:2])
        yield "svd", rectangular(m, n, 3.0, 1.0, 0.0, kind=kind)[0], values_beside_spaces(ALONE[:2], ALONE[:2])
        for values in ((3.0, 1.0, 0.0), (2.0, 2.0, 2.0)):
            a = rectangular(m, n, *values, kind=kind)[0]
            yield "svd", a, powers
            yield "svdvals", a, powers
        yield "svd", rectangular(m, n, 2.0, 0.0, 0.0, kind=kind)[0], lengths
    yield "svd", rectangular(3, 3, 3.0, 1.0, 0.0, kind=kind)[0], spaces(*ALONE)
    yield "svd", rectangular(3, 3, 2.0, 0.0, 0.0, kind=kind)[0], spaces((0,), (1, 2))
    for a in (np.diag([2.0, 2, 5]), np.array([[2.0, 0, 1], [0, 2, -1], [0, 0, 5]])):
        a = frozen(a.astype(complex) if kind == "complex" else a)
        yield "eig", a, powers
        yield "eig", a, spaces((2,))


def _of_eig():
    """LAPACK says which vector: its largest entry is real. So all of it is smooth where values are apart."""
    yield normal(3, 3, kind="complex", seed=4)
    yield normal(2, 2, 2, kind="complex", seed=5)
    yield hermitian(1.0, 2.0, 4.0)[0] + 0j  # with real vectors, several entries of which might be the largest
    yield np.array([[1.0, 2, 1j], [0, 3j, 1 - 1j], [0, 0, -2]])  # with entries of 0
    yield np.zeros((0, 0), complex)
    yield np.zeros((2, 3, 0, 0), complex)


APART = [*_apart("real"), *_apart("complex"), *(("eig", frozen(a), all_of_it) for a in _of_eig())]
"""Of values that are apart: (row, matrix, function of its results that is smooth)."""
EQUAL = [*_equal("real"), *_equal("complex")]
"""The same of values that are equal, or 0."""


def keeping_values(row: str, a, seed: int = 0):
    """A direction along which no value changes, so that equal ones stay equal: the vectors are turned."""
    kind = "complex" if a.dtype.kind == "c" else "real"
    m, n = a.shape[-2:]
    left, right = normal(m, m, kind=kind, seed=seed), normal(n, n, kind=kind, seed=seed + 1)
    left, right = left - adjoint(left), right - adjoint(right)
    return frozen((left @ a - a @ (left if row.startswith("eig") else right)) / 4)


def check_apart(row, a, function) -> None:
    """As for any row: first and second derivatives, by all routes."""
    case = Through(row, (a,), PARAMS.get(row.name, {}), function)
    for check in (rows.check_vjp, rows.check_jvp, rows.check_second_order):
        check(case, np.random.default_rng(7))


def check_equal(row, a, function) -> None:
    """Reverse mode against differences; forward mode against it, along what keeps equal values equal."""
    case = Through(row, (a,), PARAMS.get(row.name, {}), function)
    random = np.random.default_rng(7)
    with np.errstate(all="ignore"):
        rows.check_vjp(case, random)
        if row.name == "eig":  # one rounding error, and its equal vectors are driven apart
            return
        t = keeping_values(row.name, a)
        cts = rows.noise(random, case.raw_floating([a]))
        forward, size = rows.pair(cts, rows.push(case, [a], [t]))
        reverse, other = rows.pair(rows.pull(case, [a], cts), [t])
    assert abs(forward - reverse) <= 1e-10 * max(size + other, 1e-3), (row.name, forward, reverse)


# -- kinks of the values -----------------------------------------------------------------------------------------------
# Perturbation theory: the mean of a group of eigenvalues changes by that of the diagonal of q^H t q, where q are its
# vectors; of a group of singular values by that of u^H t v. The group shares it.


def _shares(groups, left, right):
    def slopes(t):
        changes = np.zeros(sum(map(len, groups)))
        for group in (list(group) for group in groups):
            changes[group] = np.mean(np.real(np.diagonal(adjoint(left[:, group]) @ t @ right[:, group])))
        return changes

    return slopes


def _kinks(kind: str):
    for groups, values in ((PAIR, (2.0, 2.0, 5.0)), (((0,), (1, 2)), (-2.0, -1.0, -1.0)), (((0, 1, 2),), (-1.0,) * 3)):
        a, q = hermitian(*values, kind=kind)
        for name in ("eigh", "eigvalsh"):
            yield name, a, 0, _shares(groups, q, q)
    for m, n in ((3, 3), (4, 3), (3, 4)):
        for groups, values in ((PAIR, (3.0, 3.0, 1.0)), (((0,), (1, 2)), (3.0, 1.0, 1.0)), (((0, 1, 2),), (2.0,) * 3)):
            a, u, v = rectangular(m, n, *values, kind=kind)
            yield "svd", a, 1, _shares(groups, u, v)
            yield "svdvals", a, 0, _shares(groups, u, v)
        a, u, v = rectangular(m, n, 3.0, 3.0, 0.0, kind=kind)
        yield "svd", a, 1, _shares(PAIR, u, v * [1, 1, 0])
        yield "svdvals", a, 0, _shares(PAIR, u, v * [1, 1, 0])


KINKS = [*_kinks("real"), *_kinks("complex")]
"""Of values that are equal or 0: (row, matrix, which result the values are, slopes along a direction)."""


def check_kink(row, a, which: int, slopes) -> None:
    """Both modes, with a cotangent of the values alone; of the matrix, of one much larger, of one much smaller."""
    random = np.random.default_rng(3)
    for scale in (1.0, 2.0**30, 2.0**-30):
        case = Application(row, (frozen(a * scale),), PARAMS.get(row.name, {}))
        outs = case.raw(case.primals)
        ct, t = rows.noise(random, [outs[which], a])
        with np.errstate(all="ignore"):
            pushed = rows.push(case, case.primals, [t])[which]
            pulled = rows.pull(case, case.primals, [ct if at == which else None for at in range(len(outs))])
        np.testing.assert_allclose(pushed, slopes(t), rtol=1e-10, atol=1e-12)
        reverse, size = rows.pair(pulled, [t])
        assert abs(reverse - np.sum(ct * slopes(t))) <= 1e-10 * size, row.name


# -- second derivatives ------------------------------------------------------------------------------------------------


def _fourth_powers_twice(name: str, a, t):
    """Derivative along ``t`` of the gradient of the sum of fourth powers: that of 4 a^3 (transposed), or 4 a a^T a."""
    if name.startswith("svd"):
        return 4 * (t @ a.T @ a + a @ t.T @ a + a @ a.T @ t)
    change = 4 * (t @ a @ a + a @ t @ a + a @ a @ t)
    return (change + change.T) / 2 if name != "eig" else change.T


def alike(t, blocks, value: float):
    """Direction ``t``, made to change equal values alike, by ``value``; and values of 0 not at all."""
    for left, right, of_zero in blocks:
        wanted = 0 if of_zero else value * np.eye(left.shape[1])
        t = t - left @ (left.T @ t @ right - wanted) @ right.T
    return frozen(t)


def _twice():
    for values in ((2.0, 2.0, 5.0), (-3.0, -3.0, -1.0)):
        a, q = hermitian(*values)
        for name in ("eigh", "eigvalsh"):
            yield name, a, [(q[:, :2], q[:, :2], False)]
    yield "eig", frozen(np.diag([2.0, 2.0, 5.0])), [(np.eye(3)[:, :2], np.eye(3)[:, :2], False)]
    for m, n in ((3, 3), (4, 3), (3, 4)):
        for name in ("svd", "svdvals"):
            a, u, v = rectangular(m, n, 3.0, 3.0, 1.0)
            yield name, a, [(u[:, :2], v[:, :2], False)]
            a, u, v = rectangular(m, n, 3.0, 1.0, 0.0)
            yield name, a, [(np.linalg.svd(a)[0][:, 2:], np.linalg.svd(a)[2].T[:, 2:], True)]


TWICE = [*_twice()]
"""Of equal values and values of 0: (row, matrix, the blocks of equal values)."""


def check_twice(row, a, blocks) -> None:
    """Where equal values stay equal the second derivative of a smooth loss is known; elsewhere it is NaN."""

    def loss(a):
        return powers(*_results(row, a))[1]

    for seed in range(2):
        t = alike(normal(*a.shape, seed=seed), blocks, 0.5 * seed)
        expected = _fourth_powers_twice(row.name, a, t)
        if row.name in ("eigh", "eigvalsh"):  # functions of the symmetric part: the rest is no direction at all
            expected = _fourth_powers_twice(row.name, a, (t + t.T) / 2)
            t = frozen(t + normal(*a.shape, seed=seed + 2) - normal(*a.shape, seed=seed + 2).T)
        for way, got in _second_derivatives(loss, a, t):
            np.testing.assert_allclose(got, expected, atol=1e-10 * np.abs(expected).max(), err_msg=f"{row.name}, {way}")
    for way, got in _second_derivatives(loss, a, normal(*a.shape, seed=9)):
        assert np.isnan(got).any(), f"{row.name}, {way}"


def _results(row, a):
    out = row(a, **PARAMS.get(row.name, {}))
    return out if isinstance(out, tuple) else (out,)


def _second_derivatives(loss, a, t):
    with np.errstate(all="ignore"):
        yield "forward over reverse", ag.jvp(ag.grad(loss), (a,), (t,))[1]
        yield "reverse over reverse", ag.grad(lambda a: np.sum(ag.grad(loss)(a) * t))(a)
        yield "reverse over forward", ag.grad(lambda a: ag.jvp(loss, (a,), (t,))[1])(a)


# -- stacks ------------------------------------------------------------------------------------------------------------


def _stacked():
    for name in ("eigh", "eigvalsh"):
        yield name, hermitian(1.0, 2.0, 4.0)[0]
        yield name, hermitian(2.0, 2.0, 5.0)[0]
    yield "eig", frozen(np.diag([2.0, 2.0, 5.0]))
    yield "eig", frozen(normal(3, 3, seed=1))
    for name in ("svd", "svdvals"):
        for m, n in ((3, 3), (4, 3), (3, 4)):
            for values in ((4.0, 2.0, 1.0), (4.0, 4.0, 1.0), (4.0, 2.0, 0.0)):
                yield name, rectangular(m, n, *values)[0]


STACKED = [*_stacked()]
"""(row, matrix): of values that are apart, equal, 0."""


def check_stack(row, a) -> None:
    """A matrix in a stack knows nothing of the others, however large they, their cotangents and tangents are."""
    params, random = PARAMS.get(row.name, {}), np.random.default_rng(5)
    other = frozen(np.random.default_rng(6).normal(size=a.shape) + 2 * np.eye(*a.shape))
    if row.name.startswith("eig"):
        other = frozen(other + other.T)
    alone = Application(row, (a,), params)
    cts, (t,) = rows.noise(random, alone.raw_floating([a])), rows.noise(random, [a])
    some = [[ct if at == used else None for at, ct in enumerate(cts)] for used in range(len(cts))]
    with np.errstate(all="ignore"):
        for of_matrix, of_ct in ((2.0**60, 1.0), (1.0, 2.0**60)):
            case = Application(row, (frozen(np.stack([other * of_matrix, a])),), params)
            for given in (cts, *some):
                stacked = [None if ct is None else np.stack([np.abs(ct) * of_ct, ct]) for ct in given]
                pulled = rows.pull(case, case.primals, stacked)[0]
                _near(pulled[1], rows.pull(alone, [a], given)[0])
            pushed = rows.push(case, case.primals, [np.stack([t * of_ct, t])])
            for one, wanted in zip(pushed, rows.push(alone, [a], [t]), strict=True):
                _near(one[1], wanted)


def _near(got, wanted):
    np.testing.assert_allclose(got, wanted, atol=1e-12)
