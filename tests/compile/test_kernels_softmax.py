"""Kernels of softmax and the cross-entropies, against the forward functions of their primitives."""

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.compile.kernels import KERNELS
from autograd_core.ops.cross_entropy import SPARSE_SOFTMAX_CROSS_ENTROPY, SPARSE_WRT_LOGITS
from autograd_core.ops.softmax import LOG_SOFTMAX, SOFTMAX
from tests.compile.kernel_runs import check, function_of, instruction_of, run

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
SHAPES = pytest.mark.parametrize(
    "shape", [(1, 1), (3, 10), (128, 10), (2, 5, 7), (9,), (64, 300), (100, 1000)], ids=str
)


def draw(shape, dtype, seed=0):
    return (4 * np.random.default_rng(seed).normal(size=shape)).astype(dtype)


@DTYPES
@SHAPES
def test_softmax(shape, dtype):
    """Serial and shared among threads."""
    x = draw(shape, dtype)
    check(SOFTMAX, x, axis=x.ndim - 1)
    check(LOG_SOFTMAX, x, axis=x.ndim - 1)


@DTYPES
@SHAPES
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_sparse(shape, dtype, mean, known):
    """Losses and their gradient, with the probabilities at hand or not."""
    x = draw(shape, dtype)
    labels = np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    more = (SOFTMAX.impl(x, axis=x.ndim - 1),) if known else ()
    ct = np.asarray(draw(() if mean else shape[:-1], dtype, 2))
    for integers in ("int64", "int32", "uint8" if shape[-1] < 256 else "uint16"):
        given = np.asarray(labels.astype(integers))
        check(SPARSE_SOFTMAX_CROSS_ENTROPY, given, x, *more, axis=x.ndim - 1, mean=mean)
        check(SPARSE_WRT_LOGITS, ct, given, x, *more, axis=x.ndim - 1, mean=mean)


@DTYPES
def test_not_finite(dtype):
    """Infinities and NaN do what they do in the forward function."""
    rows = [[np.nan, 1, 2], [np.inf, 1, 2], [-np.inf, 1, 2], [-np.inf] * 3, [1, np.nan, np.inf], [1000, 0, -1000]]
    x = np.array(rows, dtype)
    with np.errstate(all="ignore"):
        for row in (SOFTMAX, LOG_SOFTMAX):
            check(row, x, axis=1)
        check(SPARSE_SOFTMAX_CROSS_ENTROPY, np.arange(6) % 3, x, axis=1)


@DTYPES
def test_a_probability_that_lost_its_digits(dtype):
    """The loss is then found from the logits."""
    x = np.array([[200.0, 0.0], [0.0, 1.0]], dtype)
    check(SPARSE_SOFTMAX_CROSS_ENTROPY, np.array([1, 1]), x, SOFTMAX.impl(x, axis=1), axis=1)


@pytest.mark.parametrize("label", [-1, 3, 2**40])
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_a_label_out_of_range(label, mean, known):
    """The kernel says so, and has read nothing beyond its arrays."""
    x = draw((2, 3), "float32")
    more = (SOFTMAX.impl(x, axis=1),) if known else ()
    with pytest.raises(ValueError, match=rf"label {label} at index .* is out of range; there are 3 classes"):
        SPARSE_SOFTMAX_CROSS_ENTROPY.impl(np.array([0, label]), x, *more, axis=1, mean=mean)
    instruction = instruction_of(SPARSE_SOFTMAX_CROSS_ENTROPY, np.array([0, 1]), x, *more, axis=1, mean=mean)
    call = KERNELS[SPARSE_SOFTMAX_CROSS_ENTROPY].plan(instruction)
    assert call.fails
    work = [np.empty(shape, dtype) for shape, dtype in call.work]
    out = np.empty(() if mean else 2, "float32")
    assert function_of(call)(out, np.array([0, label]), x, *more, *work, *call.static) == 1


def test_what_has_no_kernel():
    """Other axes, other dtypes, nothing to compute: the plan falls back on the forward function."""
    x = draw((2, 3), "float32")
    assert run(SOFTMAX, x, axis=0) is None
    assert run(SOFTMAX, x.astype("float16"), axis=1) is None
    assert run(SOFTMAX, x[:, :0], axis=1) is None
