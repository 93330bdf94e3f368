"""Kernels of convolution and pooling, against the forward functions of their primitives."""

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.ops.convolution import CONV, CONV_WRT_W, CONV_WRT_X
from autograd_core.ops.pooling import AVG_POOL, AVG_POOL_WRT_X, MAX_POOL, MAX_SPREAD
from autograd_core.ops.windows import counts
from tests.compile.kernel_runs import check, run

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])

# batch, spatial, channels, filters, kernel, strides, padding, dilation
CASES = [
    (3, (12, 14), 1, 6, (5, 5), (1, 1), ((2, 2), (2, 2)), (1, 1)),
    (20, (6, 6), 3, 4, (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    (1, (9, 11), 2, 3, (3, 2), (2, 3), ((1, 0), (0, 2)), (1, 1)),
    (2, (11, 12), 2, 5, (3, 3), (1, 1), ((2, 2), (2, 2)), (2, 2)),
    (2, (11, 12), 2, 5, (2, 3), (2, 2), ((1, 1), (3, 4)), (3, 2)),
    (2, (5, 5), 4, 3, (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    (2, (7, 7), 1, 1, (7, 7), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    (2, (3, 3), 1, 2, (2, 2), (1, 1), ((3, 3), (3, 3)), (1, 1)),
    (2, (13,), 3, 2, (3,), (1,), ((2, 0),), (1,)),
    (2, (13,), 3, 2, (3,), (2,), ((1, 1),), (2,)),
    (2, (600, 40), 8, 2, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
]


@DTYPES
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolution(case, dtype):
    """Forward and both transposes; borders, strides, dilations, images of several blocks."""
    batch, spatial, channels, filters, kernel, strides, padding, dilation = case
    random = np.random.default_rng(0)
    outs = counts("test", spatial, kernel, strides, padding, dilation)
    x = random.normal(size=(batch, *spatial, channels)).astype(dtype)
    w = random.normal(size=(*kernel, channels, filters)).astype(dtype)
    y = random.normal(size=(batch, *outs, filters)).astype(dtype)
    moves = {"strides": strides, "padding": padding, "dilation": dilation, "groups": 1}
    check(CONV, x, w, **moves)
    check(CONV_WRT_X, y, w, size=spatial, **moves)
    check(CONV_WRT_W, x, y, kernel=kernel, tolerance=100, **moves)


def test_what_has_no_kernel():
    """Groups, three spatial axes, no entries: the plan falls back on the forward function."""
    moves = {"strides": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
    x, w = np.ones((2, 4, 4, 2), "f4"), np.ones((2, 2, 1, 2), "f4")
    assert run(CONV, x, w, groups=2, **moves) is None
    assert run(CONV, x[:0], np.ones((2, 2, 2, 2), "f4"), groups=1, **moves) is None


# batch, spatial, channels, size, strides, padding
POOLS = [
    (3, (8, 8), 6, (2, 2), (2, 2), ((0, 0), (0, 0))),
    (20, (5, 7), 3, (2, 3), (1, 2), ((0, 0), (0, 0))),
    (2, (5, 7), 1, (3, 3), (2, 2), ((1, 1), (1, 1))),
    (1, (4, 4), 20, (1, 2), (3, 1), ((0, 0), (0, 1))),
    (2, (9,), 2, (3,), (2,), ((1, 0),)),
]


@DTYPES
@pytest.mark.parametrize("case", POOLS, ids=str)
def test_pooling(case, dtype):
    """Windows apart and overlapping, at borders; entries that tie."""
    batch, spatial, channels, size, strides, padding = case
    random = np.random.default_rng(0)
    x = random.integers(0, 5, size=(batch, *spatial, channels)).astype(dtype)
    moves = {"size": size, "strides": strides, "padding": padding}
    check(MAX_POOL, x, **moves)
    check(AVG_POOL, x, **moves)
    y = MAX_POOL.impl(x, **moves)
    ct = random.normal(size=y.shape).astype(dtype)
    check(MAX_SPREAD, ct, x, y, **moves)
    check(AVG_POOL_WRT_X, ct, spatial=spatial, **moves)


@DTYPES
def test_pooling_of_what_is_not_finite(dtype):
    """NaN is the largest, and gets the cotangent; infinities are numbers."""
    x = np.array([np.nan, 1, -np.inf, -np.inf, 2, np.inf, np.nan, np.nan], dtype).reshape(1, 8, 1)
    moves = {"size": (2,), "strides": (2,), "padding": ((0, 0),)}
    check(MAX_POOL, x, **moves)
    y = MAX_POOL.impl(x, **moves)
    check(MAX_SPREAD, np.arange(1, 5, dtype=dtype).reshape(1, 4, 1), x, y, **moves)
