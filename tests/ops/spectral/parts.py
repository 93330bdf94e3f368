"""Matrices with given values; and what is made of their decompositions, to be differentiated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.testing.rows import Application, frozen

PARAMS: dict[str, dict[str, Any]] = {"eigh": {"uplo": "L"}, "eigvalsh": {"uplo": "L"}, "svd": {"full": False}}
ALONE = ((0,), (1,), (2,))
PAIR = ((0, 1), (2,))


@dataclass(frozen=True)
class Through(Application):
    """An application whose results go on into a function, which does not depend on the choice of vectors."""

    function: Callable[..., tuple[Any, ...]]

    def raw(self, primals=None):
        return self.function(*super().raw(primals))

    def tensors(self, primals):
        out = self.row(*self.with_primals(primals), **self.params)
        return self.function(*(out if isinstance(out, tuple) else (out,)))


# -- matrices ----------------------------------------------------------------------------------------------------------


def normal(*shape: int, kind: str = "real", seed: int = 0):
    random = np.random.default_rng(seed)
    x = random.normal(size=shape)
    return x + 1j * random.normal(size=shape) if kind == "complex" else x


def unitary(*shape: int, kind: str = "real", seed: int = 0):
    return np.linalg.qr(normal(*shape, kind=kind, seed=seed))[0]


def adjoint(x):
    return np.conjugate(x.mT)


def hermitian(*values: float, kind: str = "real", seed: int = 0):
    """With these eigenvalues; and its vectors."""
    q = unitary(len(values), len(values), kind=kind, seed=seed)
    a = (q * np.array(values)) @ adjoint(q)
    return frozen((a + adjoint(a)) / 2), q


def rectangular(m: int, n: int, *values: float, kind: str = "real", seed: int = 0):
    """With these singular values; and its vectors, u and v."""
    u, v = (unitary(side, len(values), kind=kind, seed=seed + side + 10 * at) for at, side in enumerate((m, n)))
    return frozen((u * np.array(values)) @ adjoint(v)), u, v


# -- what is smooth ----------------------------------------------------------------------------------------------------


def means(*groups):
    """Of each group of equal values."""

    def function(*results):
        values = results[1] if len(results) == 3 else results[0]
        return tuple(np.mean(values[..., list(group)], axis=-1) for group in groups)

    return function


def spaces(*groups):
    """Of each group the projector on the space of its vectors; singular values have two."""

    def function(*results):
        return tuple(part @ adjoint(part) for group in groups for part in vectors_of(results, group))

    return function


def left_spaces(*groups):
    """The same of left vectors only."""
    return lambda *results: spaces(*groups)(*results)[::2]


def right_spaces(*groups):
    """The same of right vectors only."""
    return lambda *results: spaces(*groups)(*results)[1::2]


def isometries(*groups):
    """Of each group of singular values the map from one space onto the other."""

    def function(*results):
        return tuple(left @ adjoint(right) for left, right in (vectors_of(results, group) for group in groups))

    return function


def vectors_of(results, group):
    if len(results) == 3:
        return results[0][..., :, list(group)], adjoint(results[2][..., list(group), :])
    return (results[1][..., :, list(group)],)


def values_beside_spaces(values, others):
    """The means of some groups, and the spaces of others."""
    return lambda *results: (*means(*values)(*results), *spaces(*others)(*results))


def values_and_spaces(*groups):
    """Each value, times its projector: where all are apart."""

    def function(*results):
        pairs = zip(means(*groups)(*results), spaces(*groups)(*results), strict=False)
        return tuple(value[..., None, None] * space for value, space in pairs) + means(*groups)(*results)

    return function


def lengths(u, s, vh):
    """Always 1, whatever the vectors are."""
    return np.sum(np.abs(u) ** 2, axis=-2), np.sum(np.abs(vh) ** 2, axis=-1)


def powers(*results):
    """Sums of powers of the values: traces of powers of the matrix."""
    values = results[1] if len(results) == 3 else results[0]
    return np.real(np.sum(values**2, axis=-1)), np.real(np.sum(values**4, axis=-1))


def all_of_it(*results):
    return results


# -- what is not -------------------------------------------------------------------------------------------------------


def cubes(which: int, part: int | None = None):
    """Of entries of the vectors: they depend on the choice."""

    def function(*results):
        vectors = results[which]
        if part is None:
            return (vectors**3,)
        return ((vectors[..., :, part] if which == 0 or len(results) == 2 else vectors[..., part, :]) ** 3,)

    return function


def function_of_matrix(f, side: str = "both"):
    """Values and vectors together: its derivative within a group cannot be told from their cotangents."""

    def function(*results):
        if len(results) == 3:
            u, s, vh = results
            left, right = {"both": (u, vh), "left": (u, u.mT), "right": (vh.mT, vh)}[side]
            return ((left * f(s)) @ right,)
        w, v = results
        return ((v * f(w)) @ v.mT,)

    return function


def block_sum(f):
    """Of the first two rows and columns: each of two equal values then has the same cotangent."""
    return lambda *results: (np.sum(f(*results)[0][..., :2, :2], axis=(-2, -1)),)


def minus_first(values):
    """0 for the first two: their vectors then have a cotangent of 0, which says nothing of how they are used."""
    return values - values[..., :1]
