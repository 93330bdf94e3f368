"""Kernels of argmax and argmin, against NumPy's."""

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.ops.sorting import ARGMAX, ARGMIN
from tests.compile.kernel_runs import run


def check(row, x, **params):
    """The kernel gives what the primitive gives."""
    (found,), _ = run(row, x, **params)
    np.testing.assert_array_equal(found, row.impl(x, **params))


@pytest.mark.parametrize("row", [ARGMAX, ARGMIN], ids=lambda row: row.name)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 10), (128, 10), (2, 5, 7), (9,)], ids=str)
def test_positions(shape, dtype, row):
    """The first of several, with and without the axis kept."""
    x = np.random.default_rng(0).integers(-3, 4, shape).astype(dtype)
    for keepdims in (False, True):
        check(row, x, axis=x.ndim - 1, keepdims=keepdims)


@pytest.mark.parametrize("row", [ARGMAX, ARGMIN], ids=lambda row: row.name)
def test_nan_and_infinities(row):
    """The first NaN is taken for the largest, and for the smallest."""
    nan, inf = np.nan, np.inf
    rows = [[nan, 1, 2], [1, nan, inf], [inf, nan, nan], [-inf, -inf, -inf], [0.0, -0.0, 0.0], [1, 2, nan]]
    check(row, np.array(rows), axis=1)
    check(row, np.array(rows, "float32"), axis=1)


def test_other_axes_are_left_to_numpy():
    assert run(ARGMAX, np.ones((2, 3)), axis=0, keepdims=False) is None
    assert run(ARGMAX, np.ones((2, 3)), axis=None, keepdims=False) is None
