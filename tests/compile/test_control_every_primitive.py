"""Every differentiable primitive of the table in the body of a traced loop, at arguments that the body closes over."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.testing.rows import Application, noise, sample

NUMBA = bool(importlib.util.find_spec("numba"))
ROWS = [row for row in TABLE if row.vjps is not None]

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")


def fori(step: Any, first: Any) -> Any:
    return ag.fori_loop(0, 2, lambda i, carry: step(carry), first)


def scan(step: Any, first: Any) -> Any:
    return ag.scan(lambda carry, factor: (step((carry[0] * factor, carry[1])), carry[0]), first, np.ones(2))[0]


def repeated(step: Any, first: Any) -> Any:
    return ag.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, step(s[1])), (0, first))[1]


def chosen(step: Any, first: Any) -> Any:
    return ag.cond(first[0] > 0, lambda: step(step(first)), lambda: first)


class Case:
    """A row applied twice in a loop, and a number made of what it gives."""

    def __init__(self, row: Any, seed: int, loop: Any):
        generator = np.random.default_rng(seed)
        draw = Draw(lambda low, high: int(generator.integers(low, high, endpoint=True)), "float64")
        self.case: Application = sample(row, draw)
        self.floating = [i for i, out in enumerate(self.case.raw()) if out.dtype.kind in "fc"]
        self.cts = noise(np.random.default_rng(seed), [self.case.raw()[i] for i in self.floating])
        self.loop = loop
        self.primals = [np.array(primal) for primal in self.case.primals]

    def total(self, *primals: Any) -> Any:
        """The loop on what is closed over, times a factor of 1 that is carried, so that steps might differ."""

        def step(carry: Any) -> Any:
            one, total = carry
            args = self.case.with_primals([primal * one for primal in primals])
            out = self.case.row(*args, **self.case.params)
            outs = [(out if isinstance(out, tuple) else (out,))[i] for i in self.floating]
            return one * 1.0, total + sum(np.real(np.sum(o * ct)) for o, ct in zip(outs, self.cts, strict=True))

        return self.loop(step, (np.float64(1.0) + 0.0 * np.real(np.sum(primals[0])), np.float64(0.0)))[1]

    def gradient(self, *primals: Any) -> Any:
        return ag.grad(self.total, tuple(range(len(primals))))(*primals)

    def twice(self, *primals: Any) -> Any:
        def slope(*points: Any) -> Any:
            return sum(np.real(np.sum(np.sin(part))) for part in self.gradient(*points))

        return ag.grad(slope, tuple(range(len(primals))))(*primals)


def check(seed: int, loop: Any, jit: str, twice: bool = False, rows: Any = ROWS) -> None:
    tolerance = 1e-8 if twice else 1e-9
    for row in rows:
        case = Case(row, seed, loop)
        if not case.primals or not case.floating:
            continue
        f = case.twice if twice else case.gradient
        found, wanted = ag.function(f, jit=jit)(*case.primals), f(*case.primals)
        for got, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got, want, tolerance, tolerance, err_msg=f"{case.case}, seed {seed}")


@pytest.mark.parametrize("loop", [fori, pytest.param(scan, marks=pytest.mark.slow), repeated, chosen])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_gradients(seed, loop):
    check(seed, loop, "numpy")


@pytest.mark.slow
@pytest.mark.parametrize("loop", [fori, scan, chosen])
@pytest.mark.parametrize("seed", range(3))
def test_second_derivatives(seed, loop):
    check(seed, loop, "numpy", twice=True)


@pytest.mark.skipif(not NUMBA, reason="numba")
@pytest.mark.parametrize("group", [0, *(pytest.param(group, marks=pytest.mark.slow) for group in range(1, 24))])
def test_gradients_with_numba(group):
    check(group, scan if group % 2 else fori, "numba", rows=ROWS[group::24])
