"""Every primitive of the table in a traced function: values and derivatives are those of the eager run."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.testing.rows import Application, noise, sample

NUMBA = bool(importlib.util.find_spec("numba"))
TOLERANCES = {"float64": 1e-10, "float32": 2e-5}

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")


class Applications:
    """Applications of many rows, as one function of all their arrays: results, and what is pulled back through them."""

    def __init__(self, rows: Sequence[Any], dtype: str, seed: int):
        self.cases = [_drawn(row, dtype, seed) for row in rows]
        self.counts = [sum(isinstance(arg, np.ndarray) for arg in case.args) for case in self.cases]
        self.arrays = [arg for case in self.cases for arg in case.args if isinstance(arg, np.ndarray)]
        self.cts = [noise(np.random.default_rng(seed), _floating(case.raw())) for case in self.cases]

    def results(self, *tensors: Any) -> list[list[Any]]:
        """What each row gives."""
        return [_applied(case, own) for case, own in self._parts(tensors)]

    def derivatives(self, *tensors: Any) -> list[Any]:
        """What each row gives, and the cotangents of its arguments."""
        return [
            _pulled(case, own, ct) if case.active and case.row.vjps is not None else ([], ())
            for (case, own), ct in zip(self._parts(tensors), self.cts, strict=True)
        ]

    def second_derivatives(self, *tensors: Any) -> list[Any]:
        """Cotangents of the arguments, of the function that pulls cotangents back."""
        return [
            _pulled(case, own, ct, twice=True) if case.active and case.row.vjps is not None else ([], ())
            for (case, own), ct in zip(self._parts(tensors), self.cts, strict=True)
        ]

    def _parts(self, tensors: Sequence[Any]) -> list[Any]:
        rest = iter(tensors)
        return [(case, [next(rest) for _ in range(count)]) for case, count in zip(self.cases, self.counts, strict=True)]

    def check(self, jit: str, tolerance: float, twice: bool = False) -> None:
        """All functions, eager and traced; a second run of the plan gives the same."""
        tensors = [ag.constant(array) for array in self.arrays]
        for f in (self.second_derivatives,) if twice else (self.results, self.derivatives):
            traced = ag.function(f, jit=jit)
            expected = f(*tensors)
            for _ in range(2):
                for case, got, want in zip(self.cases, traced(*tensors), expected, strict=True):
                    same(got, want, tolerance, str(case))


def _drawn(row: Any, dtype: str, seed: int) -> Application:
    generator = np.random.default_rng(seed)
    return sample(row, Draw(lambda low, high: int(generator.integers(low, high, endpoint=True)), dtype))


def _floating(outs: Sequence[Any]) -> list[Any]:
    return [out for out in outs if out.dtype.kind in "fc"]


def _applied(case: Application, tensors: Sequence[Any]) -> list[Any]:
    rest = iter(tensors)
    out = case.row(*(next(rest) if isinstance(arg, np.ndarray) else arg for arg in case.args), **case.params)
    return list(out) if isinstance(out, tuple) else [out]


def _pulled(case: Application, tensors: Sequence[Any], cts: Sequence[Any], twice: bool = False) -> Any:
    places = [index for index, arg in enumerate(case.args) if isinstance(arg, np.ndarray)]
    active = [places.index(index) for index in case.active]

    def f(*primals: Any) -> list[Any]:
        own = list(tensors)
        for place, primal in zip(active, primals, strict=True):
            own[place] = primal
        return _floating(_applied(case, own))

    def pulled(*primals: Any) -> Any:
        outs, pull = ag.vjp(f, *primals)
        return outs, pull([ag.constant(ct) for ct in cts])

    chosen = [tensors[place] for place in active]
    if not twice:
        return pulled(*chosen)
    cotangents, pull = ag.vjp(lambda *primals: pulled(*primals)[1], *chosen)
    return cotangents, pull(
        tuple(np.cos(ct) for ct in cotangents) if isinstance(cotangents, tuple) else np.cos(cotangents)
    )


def same(got: Any, want: Any, tolerance: float, said: str) -> None:
    """Equal structure, shapes and dtypes; values equal to rounding."""
    if isinstance(want, (list, tuple)):
        assert len(got) == len(want), said
        for one, other in zip(got, want, strict=True):
            same(one, other, tolerance, said)
        return
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, said
    assert got.dtype == want.dtype, said
    exact = want.dtype.kind not in "fc"
    np.testing.assert_allclose(got, want, *([0, 0] if exact else [tolerance, tolerance]), err_msg=said)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("seed", range(4))
def test_numpy_plans(dtype, seed):
    """All rows, each on arguments of its own."""
    for row in TABLE:
        Applications([row], dtype, seed).check("numpy", TOLERANCES[dtype])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
def test_second_derivatives_in_numpy_plans(seed):
    for row in TABLE:
        Applications([row], "float64", seed).check("numpy", 1e-9, twice=True)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("seed", range(4, 40))
def test_numpy_plans_on_many_arguments(dtype, seed):
    for row in TABLE:
        Applications([row], dtype, seed).check("numpy", TOLERANCES[dtype])


GROUPS = [TABLE[start::12] for start in range(12)]  # rows of all families in one plan


@pytest.mark.skipif(not NUMBA, reason="no numba")
@pytest.mark.parametrize("start", [0])
def test_numba_plans(start):
    Applications(GROUPS[start], "float64", start).check("numba", TOLERANCES["float64"])


@pytest.mark.slow
@pytest.mark.skipif(not NUMBA, reason="no numba")
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("start", range(12))
def test_all_numba_plans(dtype, seed, start):
    Applications(GROUPS[start], dtype, seed).check("numba", TOLERANCES[dtype])
