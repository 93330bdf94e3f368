"""Pooling: values against windows written out, ties, borders, and what cannot be done.

Its derivatives are checked with the rows (test_table.py).
"""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.ops.windows import counts, padding_pairs


def written_out(x, reduce, size, strides, padding):
    """One window after the other, without what lies outside of the array."""
    spatial, axes = x.shape[1:-1], x.ndim - 2
    size, strides = (size,) * axes, (strides or size,) * axes
    pairs = padding_pairs("test", padding, spatial, size, strides, (1,) * axes)
    outs = counts("test", spatial, size, strides, pairs, (1,) * axes)
    y = np.empty((len(x), *outs, x.shape[-1]))
    for place in np.ndindex(*outs):
        starts = [o * s - before for o, s, (before, _) in zip(place, strides, pairs, strict=True)]
        window = x[(slice(None), *(slice(max(at, 0), at + k) for at, k in zip(starts, size, strict=True)))]
        y[(slice(None), *place)] = reduce(window, axis=tuple(range(1, axes + 1)))
    return y


@pytest.mark.parametrize("spatial", [(9,), (7, 8), (4, 5, 6)], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("strides", [None, 1, 2, 4])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_value(spatial, size, strides, padding):
    x = np.random.default_rng(0).normal(size=(2, *spatial, 3))
    for ours, reduce in ((anp.max_pool, np.max), (anp.avg_pool, np.mean)):
        expected = written_out(x, reduce, size, strides, padding)
        np.testing.assert_allclose(ours(x, size, strides, padding).numpy(), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("window", "expected"), [
    ([[1, 3], [3, 3]], [[0, 1 / 3], [1 / 3, 1 / 3]]),
    ([[3, 3], [1, 2]], [[1 / 2, 1 / 2], [0, 0]]),
    ([[0, 0], [0, 0]], [[1 / 4, 1 / 4], [1 / 4, 1 / 4]]),
    ([[1, np.nan], [3, 3]], [[0, 1], [0, 0]]),
])  # fmt: skip
def test_ties_share_evenly(window, expected):
    """1/k for k equal entries of a window, in reverse and in forward mode, however they lie."""
    x = np.array(window, float).reshape(1, 2, 2, 1)
    expected = np.reshape(expected, x.shape)
    pool = lambda x: np.sum(anp.max_pool(x, 2))
    np.testing.assert_allclose(ag.grad(pool)(x), expected)
    direction = np.arange(1.0, 5.0).reshape(x.shape)
    np.testing.assert_allclose(ag.jvp(pool, (x,), (direction,))[1], np.sum(direction * expected))


def test_overlapping_ties():
    """An entry that is in several windows gets a share of each."""
    x = np.array([2.0, 2.0, 1.0, 2.0]).reshape(1, 4, 1)
    slope = ag.grad(lambda x: np.sum(anp.max_pool(x, 3, 1, "same")))(x)
    np.testing.assert_allclose(slope.ravel(), [1 / 2 + 1 / 2, 1 / 2 + 1 / 2 + 1 / 2, 0, 1 / 2 + 1])


def test_average_at_the_border():
    """A window at the border is divided by the number of its entries in the array, as in Keras."""
    y = anp.avg_pool(np.ones((1, 5, 5, 2)), 3, 2, "same")
    np.testing.assert_array_equal(y.numpy(), np.ones((1, 3, 3, 2)))


def test_integers():
    """Maxima of integers stay integers; means are float64."""
    x = np.arange(-8, 8).reshape(1, 4, 4, 1)
    assert anp.max_pool(x, 3, 2, "same").numpy().ravel().tolist() == [2, 3, 6, 7]
    assert anp.max_pool(x, 3, 2, "same").dtype == x.dtype
    assert anp.avg_pool(x, 2).numpy().ravel().tolist() == [-5.5, -3.5, 2.5, 4.5]


@pytest.mark.parametrize("pool", [anp.max_pool, anp.avg_pool])
def test_float32_and_empty_batches(pool):
    for batch in (0, 2):
        x = np.ones((batch, 5, 4, 3), np.float32)
        slope = ag.grad(lambda x: np.sum(pool(x, 2, padding="same") * 2.0))(x)
        assert (slope.dtype, slope.shape) == (np.float32, x.shape)


@pytest.mark.parametrize("pool", [anp.max_pool, anp.avg_pool])
def test_result_is_a_copy(pool):
    """A window of one entry changes nothing, and shares no memory with what was given."""
    x = np.ones((1, 3, 1))
    y = pool(x, 1)
    x[:] = 7
    np.testing.assert_array_equal(y.numpy(), np.ones((1, 3, 1)))


X = np.ones((2, 5, 5, 3))

MISTAKES = [
    (lambda pool: pool(X, 6), ag.ShapeError, r"\(6, 6\) does not fit into spatial axes of \(5, 5\)"),
    (lambda pool: pool(X[0, 0], 2), ag.ShapeError, "at least one spatial axis"),
    (lambda pool: pool(X[:, :0], 2, padding="same"), ag.ShapeError, "at least one entry"),
    (lambda pool: pool(X, 0), ag.DomainError, "pool_size=0"),
    (lambda pool: pool(X, (2, 2, 2)), ag.DomainError, "2 of them"),
    (lambda pool: pool(X, 2, -1), ag.DomainError, "strides=-1"),
    (lambda pool: pool(X, 2, padding="causal"), ag.DomainError, 'expected "valid" or "same"'),
    (lambda pool: pool(X, 2, padding=((1, 1), (1, 1))), ag.DomainError, 'expected "valid" or "same"'),
    (lambda pool: pool(X > 0, 2), ag.DtypeError, "bool"),
]  # fmt: skip


@pytest.mark.parametrize("pool", [anp.max_pool, anp.avg_pool])
@pytest.mark.parametrize(("call", "error", "said"), MISTAKES)
def test_mistakes_are_named(pool, call, error, said):
    with pytest.raises(error, match=said):
        call(pool)
