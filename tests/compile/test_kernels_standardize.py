"""Kernels of ``standardize``, against the forward functions of its primitives."""

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.ops.standardize import STANDARDIZE, STANDARDIZE_BACKWARD
from tests.compile.kernel_runs import check, run

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
SHAPES = pytest.mark.parametrize("shape", [(1, 3), (5, 1), (64, 32), (20, 14, 14, 6), (700, 40)], ids=str)


@DTYPES
@SHAPES
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("form", ["numbers", "columns", "framed"])
def test_standardize(shape, dtype, last, form):
    """Over a batch and along the last axis, forward and backward; scales as numbers and for each column."""
    random = np.random.default_rng(0)
    x = (3 + random.normal(size=shape)).astype(dtype)
    small = {"numbers": (), "columns": shape[-1:], "framed": (1,) * (len(shape) - 1) + shape[-1:]}[form]
    scale, offset = (np.asarray(random.normal(size=small)).astype(dtype) for _ in range(2))
    axes = (len(shape) - 1,) if last else tuple(range(len(shape) - 1))
    check(STANDARDIZE, x, scale, offset, axes=axes, epsilon=0.01, tolerance=100)
    results = STANDARDIZE.impl(x, scale, offset, axes=axes, epsilon=0.01)
    cts = [random.normal(size=part.shape).astype(dtype) for part in results]
    check(STANDARDIZE_BACKWARD, *cts, x, scale, offset, *results[1:], axes=axes, epsilon=0.01, tolerance=1000)


def test_what_has_no_kernel():
    """Other axes, or scales of another kind: the plan falls back on the forward function."""
    x, one = np.ones((2, 3, 4), "f4"), np.ones((), "f4")
    assert run(STANDARDIZE, x, one, one, axes=(1,), epsilon=0.1) is None
    assert run(STANDARDIZE, x, np.ones((2, 1, 1), "f4"), one, axes=(0, 1), epsilon=0.1) is None
