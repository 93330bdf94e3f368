"""Kernels of the long short-term memory, against the forward functions of its primitives."""

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.ops.recurrent import LSTM, LSTM_BACKWARD
from tests.compile.kernel_runs import check, run

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
SIZES = pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 1), (3, 2, 4, 5), (16, 3, 1, 2), (35, 40, 3, 8), (300, 2, 3, 4)], ids=str
)


def draw(sizes, dtype):
    batch, time, features, units = sizes
    shapes = [(batch, time, features), (features, 4 * units), (units, 4 * units), (4 * units,), *[(batch, units)] * 2]
    random = np.random.default_rng(0)
    return tuple(random.normal(size=shape).astype(dtype) for shape in shapes)


@DTYPES
@SIZES
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_forward(sizes, dtype, sequences, keep):
    """With the buffers and without."""
    args = draw(sizes, dtype)
    check(LSTM, *args, sequences=sequences, keep=keep, tolerance=100)


@DTYPES
@SIZES
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("constant", [False, True])
def test_backward(sizes, dtype, sequences, constant):
    """From the buffers of the forward pass."""
    args = draw(sizes, dtype)
    outputs, carry, *buffers = LSTM.impl(*args, sequences=sequences, keep=True)
    random = np.random.default_rng(1)
    cts = (random.normal(size=part.shape).astype(dtype) for part in (outputs, carry))
    check(LSTM_BACKWARD, *cts, *args, *buffers, sequences=sequences, constant=constant, tolerance=200)


def test_what_has_no_kernel():
    """No entries, or a mask: the plan falls back on the forward function."""
    assert run(LSTM, *draw((0, 2, 3, 1), "float32")) is None
    assert run(LSTM, *draw((2, 2, 3, 1), "float32"), np.ones((2, 2), bool)) is None
