"""einsum, tensordot, var, std, norms, diagonals, running sums and positions of extremes, compiled."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compile.program import evaluate
from autograd_core.ops.arranging import DIAGONAL
from autograd_core.ops.einsum import EINSUM
from autograd_core.ops.norms import VECTOR_NORM
from autograd_core.ops.products import TENSORDOT
from autograd_core.ops.reshaping import TRANSPOSE
from autograd_core.ops.scans import CUMPROD, CUMSUM
from autograd_core.ops.sorting import ARGMAX, ARGMIN
from autograd_core.ops.statistics import STD, VAR

from .build import Builder

pytest.importorskip("numba")

from autograd_core.compile.to_numba.emit import emit
from autograd_core.compile.to_numba.lower import Op

SIDES = dict(zip("abcdij", (3, 4, 2, 5, 6, 6), strict=True))


def check(arrays, build, compiled=True):
    """``build(builder, *values)`` gives what a plan gives; without Python in it, if ``compiled``."""
    b = Builder()
    values = [b.argument(array) for array in arrays]
    program = b.finish(build(b, *values))
    expected, _, _ = evaluate(program, list(arrays))
    executable = emit(program, workers=1)
    assert any(step.__class__ is Op for step, _ in executable.steps()) is not compiled
    for got, want in zip(executable(*arrays), expected, strict=True):
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


def normal(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(dtype)


def of_letters(term, dtype="float32", seed=0):
    return normal(*(SIDES[letter] for letter in term), dtype=dtype, seed=seed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "subscripts",
    [
        "ab,bc->ac", "ab,bc->ca", "ba,bc->ac", "ab,cb->ac", "abc,cd->abd", "abc,cd->ad", "abc,abd->acd", "abc,bad->bcd",
        "ab,ab->", "ab,ab->ab", "ab,b->ab", "ab,c->cab", "a,b->ab", "a,a->", "abc,cbad->d", "ab,cd->", "ab,cd->ac",
        "ab->ba", "abc->b", "abc->", "ij->i", "aab->b" , "aa->a", "aa->", "aab,b->a", ",a->a", "abc,dcb->da",
    ],
)  # fmt: skip
def test_einsum(subscripts, dtype):
    terms = subscripts.split("->")[0].split(",")
    arrays = [of_letters(term, dtype, seed) for seed, term in enumerate(terms)]
    check(arrays, lambda b, *x: b.add(EINSUM, *x, subscripts=subscripts, optimize=None))


def test_einsum_without_compiled_form():
    a = normal(3, 4)
    for arrays, subscripts in (
        ([a, a, a], "ab,ab,ab->a"),
        ([a, normal(1, 4)], "ab,ab->a"),
        ([a, normal(3, 4, dtype="float64")], "ab,ab->a"),
        ([np.arange(12).reshape(3, 4)], "ab->b"),
        ([np.zeros((0, 4), "f"), a], "ab,cb->ac"),
    ):
        check(arrays, lambda b, *x, s=subscripts: b.add(EINSUM, *x, subscripts=s, optimize=None), compiled=False)


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        (((3, 4), (4, 5)), ((1,), (0,))), (((3, 4, 5), (5, 4, 2)), ((1, 2), (1, 0))), (((3,), (4,)), ((), ())),
        (((3, 4), (3, 4)), ((0, 1), (0, 1))), (((2, 3, 4), (3,)), ((1,), (0,))),
    ],
)  # fmt: skip
def test_tensordot(shapes, axes):
    arrays = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    check(arrays, lambda b, x, y: b.add(TENSORDOT, x, y, axes=axes))


@pytest.mark.parametrize("axis", [None, (0,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_spread_and_size(axis, keepdims):
    x = normal(5, 4, 3) + 2
    for primitive in (VAR, STD):
        for correction in (0, 1, 0.5):
            check([x], lambda b, v, p=primitive, c=correction: b.add(p, v, axis=axis, keepdims=keepdims, correction=c))
    for order in (1, 2):
        full = (0, 1, 2) if axis is None else axis
        check([x], lambda b, v, o=order, a=full: b.add(VECTOR_NORM, v, ord=o, axis=a, keepdims=keepdims))


@pytest.mark.parametrize("offset", [-2, 0, 1])
def test_diagonals(offset):
    check([normal(3, 5, 4)], lambda b, x: b.add(DIAGONAL, x, offset=offset, axis1=2, axis2=1))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_running_sums_and_products(axis, dtype):
    x = (normal(4, 5, 3) * 3).astype(dtype)
    for primitive in (CUMSUM, CUMPROD):
        check([x], lambda b, v, p=primitive: b.add(p, v, axis=axis))
        check([x], lambda b, v, p=primitive: b.add(p, b.add(TRANSPOSE, v, axes=(2, 0, 1)), axis=axis))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
@pytest.mark.parametrize("primitive", [ARGMAX, ARGMIN])
def test_positions_of_extremes(primitive, axis, dtype):
    x = (normal(4, 5, 3) * 3).astype(dtype)
    for keepdims in (False, True):
        check([x], lambda b, v, k=keepdims: b.add(primitive, v, axis=axis, keepdims=k))
    if x.dtype.kind == "f":
        x[1, 2, 0] = x[1, 3, 0] = np.nan
        check([x], lambda b, v: b.add(primitive, v, axis=axis, keepdims=False))


def test_gradients_through_them():
    x, y = normal(6, 5, 4), normal(4, 7, seed=1)

    def total(x):
        product = np.einsum("ijk,kl->ijl", x, y)
        return np.sum(product**2) + np.sum(np.cumsum(x, axis=1) ** 2) + np.sum(np.var(x, axis=1))

    gradient = ag.grad(total)
    compiled = ag.function(lambda x: ag.grad(total)(x), jit="numba")
    np.testing.assert_allclose(compiled(x), gradient(x), rtol=2e-4, atol=2e-4)
