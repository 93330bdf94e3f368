"""Large matrix products: in slices of rows or columns, as a sum of products, and stacks of them on several threads."""

import numpy as np
import pytest

from autograd_core.compile.program import evaluate
from autograd_core.ops.activations import RELU
from autograd_core.ops.arithmetic import ADD
from autograd_core.ops.products import MATMUL
from autograd_core.ops.reshaping import TRANSPOSE

from .build import Builder

pytest.importorskip("numba")

from autograd_core.compile.machine import blas_sizes
from autograd_core.compile.to_numba.emit import emit


def normal(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(dtype)


def emitted(x, y, axes=(None, None), bias=None, workers=4):
    """``relu(x @ y + bias)`` as a plan, with operands transposed first; its result and the executable."""
    b = Builder()
    values = [b.argument(x), b.argument(y)]
    turned = [v if a is None else b.add(TRANSPOSE, v, axes=a) for v, a in zip(values, axes, strict=True)]
    result = b.add(MATMUL, *turned)
    if bias is not None:
        result = b.add(RELU, b.add(ADD, result, b.constant(bias)))
    program = b.finish(result)
    (expected,), _, _ = evaluate(program, [x, y] + ([] if bias is None else [bias]))
    executable = emit(program, workers=workers)
    executable.bind([])
    (got,) = executable(x, y)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-3 if x.dtype == np.float32 else 1e-10)
    return executable


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_few_rows_become_a_sum(dtype, bias, turned):
    m, k, n = 128, 784, 512
    assert blas_sizes.terms(m, n, k, 4) == 4
    x, y = (
        normal(*((k, m) if turned[0] else (m, k)), dtype=dtype),
        normal(*((n, k) if turned[1] else (k, n)), dtype=dtype),
    )
    axes = tuple((1, 0) if each else None for each in turned)
    executable = emitted(x, y, axes, normal(n, dtype=dtype) if bias else None)
    assert executable.report()[0]["threads"] == 4
    assert "number" in executable.source


@pytest.mark.parametrize(
    ("m", "k", "n"), [(784, 128, 512), (128, 785, 512), (129, 512, 512), (16, 4096, 300), (8, 12, 20)]
)
def test_other_shapes(m, k, n):
    emitted(normal(m, k), normal(k, n, seed=1), bias=normal(n))


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((16, 64, 64), (16, 64, 64)), ((3, 5, 40, 50), (3, 5, 50, 60)), ((5, 1, 80, 50), (1, 6, 50, 40)),
        ((7, 100, 90), (90, 80)), ((9, 64, 100), (100,)), ((2, 3, 4, 33, 44), (4, 44, 55)),
    ],
)  # fmt: skip
def test_stacks_of_matrices(x, y, workers):
    executable = emitted(normal(*x), normal(*y, seed=1), workers=workers)
    assert max(row["threads"] for row in executable.report()) <= workers


def test_a_large_stack_is_shared():
    executable = emitted(normal(16, 64, 64), normal(16, 64, 64, seed=1))
    assert executable.report()[0]["threads"] == 4
    small = emitted(normal(16, 6, 6), normal(16, 6, 6, seed=1))
    assert small.report()[0]["threads"] == 1
