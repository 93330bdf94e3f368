"""Entries picked by positions and conditions, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.testing import check_grads

X = np.sin(np.arange(24.0)).reshape(2, 3, 4)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("indices", [1, [0, 1, 1], [[1, 0], [0, 0]], []], ids=str)
def test_take(axis, indices):
    np.testing.assert_array_equal(np.take(ag.constant(X), indices, axis).numpy(), np.take(X, np.intp(indices), axis))
    check_grads(lambda x: np.take(x, indices, axis) ** 2, (X,))


@pytest.mark.parametrize("mode", ["wrap", "clip"])
def test_take_beyond_the_ends(mode):
    indices = np.array([-7, -1, 2, 9])
    np.testing.assert_array_equal(ag.constant(X).take(indices, 1, mode=mode).numpy(), np.take(X, indices, 1, mode=mode))


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_along_an_axis(axis):
    order = np.argsort(X, axis=axis)
    np.testing.assert_array_equal(
        np.take_along_axis(ag.constant(X), order, axis).numpy(), np.take_along_axis(X, order, axis)
    )
    check_grads(lambda x: np.take_along_axis(x, order, axis) ** 3, (X,))
    expected, moved = X.copy(), ag.constant(X)
    np.put_along_axis(expected, order, 1.5, axis)
    np.put_along_axis(moved, order, 1.5, axis)
    np.testing.assert_array_equal(moved.numpy(), expected)


def test_one_position_for_each_row():
    labels = np.array([[1], [0], [3]])
    picked = np.take_along_axis(ag.constant(X[0]), ag.constant(labels), axis=1)
    np.testing.assert_array_equal(picked.numpy(), np.take_along_axis(X[0], labels, axis=1))


def test_by_condition():
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(np.compress(mask, ag.constant(X), axis=1).numpy(), X[:, mask])
    np.testing.assert_array_equal(np.extract(X > 0, ag.constant(X)).numpy(), X[X > 0])
    check_grads(lambda x: np.compress(mask, x, 1) * np.sum(np.extract(X > 0, x)), (X,))


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choose(mode):
    which = np.array([[0, 1], [2, 1]]) + (0 if mode == "raise" else 5)
    choices = [np.ones((2, 2)), np.array([2.0, 3.0]), np.array(4.0)]
    np.testing.assert_array_equal(
        np.choose(which, [ag.constant(c) for c in choices], mode=mode).numpy(), np.choose(which, choices, mode=mode)
    )
    check_grads(lambda *c: np.choose(which, c, mode=mode) ** 2, tuple(choices))


def test_grids_of_positions():
    x = ag.constant(X[0])
    assert x[np.ix_([0, 2], ag.constant([1, 3]))].shape == (2, 2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: np.take(x, [5], 1), IndexError, "out of bounds"),
        (lambda x: np.take(x, [0.5]), ag.DtypeError, "expected integers"),
        (lambda x: np.take(x, [0], 3), ag.AxisError, "axis 3 is out of range"),
        (lambda x: np.take(x, [0], mode="near"), ag.DomainError, "near"),
        (lambda x: np.take(x, [0], out=np.zeros(1)), ag.UnsupportedError, "out="),
        (lambda x: np.take_along_axis(x, np.array([0]), 0), ag.ShapeError, "1 axes and the array 3"),
        (lambda x: np.choose([3], [x, x]), IndexError, "expected 0 to 1"),
        (lambda x: np.compress(X > 0, x), ag.ShapeError, "expected one axis"),
        (lambda x: anp.put_along_axis(X, np.array([[[0]]]), x[0, 0, 0], 0), ag.DtypeError, "records nothing"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call(ag.constant(X))
