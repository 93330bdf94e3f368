"""Sorting, searching, sets: NumPy's values; derivatives follow the order of the forward pass."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 5))
TIED = np.array([2.0, 1.0, 2.0, 0.0, 1.0])
HOLES = np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, 0.0]])
EDGES = np.array([-1.0, 0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("function", "args", "keywords"),
    [
        (np.sort, (X,), {}), (np.sort, (X,), {"axis": 0}), (np.sort, (X,), {"axis": None}),
        (np.sort, (X[:, :0],), {}), (np.sort, (X,), {"kind": "heapsort"}),
        (np.partition, (X, 2), {}), (np.partition, (X, (1, 3)), {"axis": -1}), (np.partition, (X, 4), {"axis": None}),
        (np.unique, (X,), {}), (np.union1d, (X[0], X[1]), {}), (np.setdiff1d, (X[0], X[0, :2]), {}),
        (np.setxor1d, (X[0], X[1]), {}), (np.intersect1d, (X, X[1]), {}),
    ],
)  # fmt: skip
def test_values_and_gradients(function, args, keywords):
    if function in (np.setdiff1d, np.intersect1d):  # which entries are equal changes with the smallest step
        agrees(function, *args, derivatives=0, **keywords)
    else:
        agrees(function, *args, **keywords)


@pytest.mark.parametrize(
    ("function", "args", "keywords"),
    [
        (np.argsort, (TIED,), {"stable": True}), (np.argsort, (X,), {"axis": 0}), (np.argsort, (X,), {"axis": None}),
        (np.argpartition, (X, 2), {}), (np.argmax, (X,), {}), (np.argmax, (X,), {"axis": 1}),
        (np.argmax, (X,), {"axis": 0, "keepdims": True}), (np.argmin, (TIED,), {}), (np.argmax, (TIED,), {}),
        (np.argmax, (np.array(3.0),), {}), (np.nanargmax, (HOLES,), {}), (np.nanargmin, (HOLES,), {"axis": 1}),
        (np.nonzero, (TIED,), {}), (np.argwhere, (TIED,), {}), (np.flatnonzero, (X > 0,), {}),
        (np.lexsort, ((TIED, TIED[::-1]),), {}), (np.searchsorted, (EDGES, X), {}),
        (np.searchsorted, (EDGES, TIED), {"side": "right"}), (np.digitize, (X, EDGES), {}),
        (np.digitize, (TIED, EDGES), {"right": True}), (np.isin, (TIED, EDGES), {}),
        (np.isin, (TIED, [1.0, 5.0]), {"invert": True}), (np.unique, (TIED,), {}),
        (np.unique, (TIED, True, True, True), {}), (np.unique, (np.stack([TIED, TIED]),), {"axis": 0}),
        (np.unique_all, (TIED,), {}), (np.unique_counts, (TIED,), {}), (np.unique_inverse, (TIED,), {}),
        (np.unique_values, (TIED,), {}), (np.sort_complex, (TIED,), {}),
        (np.intersect1d, (TIED, EDGES), {"return_indices": True}), (np.sort, (np.array([np.nan, 1.0, -np.inf]),), {}),
    ],
)  # fmt: skip
def test_values(function, args, keywords):
    agrees(function, *args, derivatives=0, **keywords)


def test_equal_entries_keep_their_order():
    """The cotangent of each place goes to the entry that a stable sort put there."""
    weights = np.arange(1.0, 6.0)
    assert ag.grad(lambda x: np.sum(np.sort(x) * weights))(TIED).tolist() == [4.0, 2.0, 5.0, 1.0, 3.0]
    values, counts = np.unique(ag.constant(TIED), return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([0.0, 1.0, 2.0], [1, 2, 2])
    first = ag.grad(lambda x: np.sum(np.unique(x) * np.array([1.0, 10.0, 100.0])))(TIED)
    assert first.tolist() == [100.0, 10.0, 0.0, 1.0, 0.0]


def test_sort_in_place_and_methods():
    v = ag.Variable(X)
    with ag.GradientTape() as tape:
        t = v * 1.0
        t.sort(axis=1)
        y = np.sum(t[:, -1])
    assert t.tolist() == np.sort(X, axis=1).tolist()
    assert tape.gradient(y, v).tolist() == (X.max(1, keepdims=True) == X).astype(float).tolist()
    assert ag.constant(X).argmax(axis=1).tolist() == X.argmax(axis=1).tolist()
    assert anp.argsort(X).tolist() == X.argsort().tolist()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: np.sort(t, axis=2), ag.AxisError, "axis 2"),
        (lambda t: np.sort(t, order="name"), ag.UnsupportedError, "order"),
        (lambda t: np.argmax(t[:0]), ag.ShapeError, "no entry"),
        (lambda t: np.argmax(t, axis=1.5), ag.AxisError, "integer"),
        (lambda t: np.searchsorted(t, t), ag.ShapeError, "one axis"),
        (lambda t: np.searchsorted(t[0], t, side="both"), ag.DomainError, "both"),
        (lambda t: np.nonzero(t[0, 0]), ag.ShapeError, "0-d"),
        (lambda t: np.partition(t, 9), ValueError, "9"),
    ],
)
def test_mistakes_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call(ag.constant(X))
