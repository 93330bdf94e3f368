"""Variances, averages, quantiles, correlations, counts, and all of them without NaN: NumPy's values, with gradients."""

import numpy as np
import pytest

import autograd_core as ag
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(3, 4))
A = RANDOM.normal(size=(2, 3, 4))
W = RANDOM.uniform(0.5, 1.5, size=(3, 4))
HOLES = np.where(RANDOM.uniform(size=(3, 4)) < 0.3, np.nan, X)
LABELS = np.array([0, 3, 1, 3])
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip


@pytest.mark.parametrize(
    ("function", "args", "keywords"),
    [
        (np.var, (X,), {}), (np.var, (X,), {"axis": 1, "ddof": 1}), (np.var, (A,), {"axis": (0, 2), "keepdims": True}),
        (np.var, (X,), {"where": X > -0.5}), (np.var, (X,), {"axis": 0, "mean": np.zeros((1, 4))}),
        (np.var, (X,), {"correction": 0.5}), (np.var, (X + 1j * W,), {"axis": 0}),
        (np.std, (X,), {}), (np.std, (X,), {"axis": 0, "ddof": 1}), (np.std, (A,), {"axis": (1, 2), "keepdims": True}),
        (np.std, (X,), {"where": X > -0.5}), (np.std, (X + 1j * W,), {}),
        (np.average, (X,), {}), (np.average, (X,), {"axis": 0}), (np.average, (X,), {"weights": W}),
        (np.average, (X,), {"axis": 1, "weights": W[0]}),
        (np.average, (X,), {"axis": 0, "weights": W, "keepdims": True}),
        (np.average, (X,), {"axis": 0, "weights": W, "returned": True}),
        (np.average, (A,), {"axis": (2, 1), "weights": W.T}),
        (np.cov, (X,), {}), (np.cov, (X, W), {}), (np.cov, (X,), {"rowvar": False, "ddof": 0}), (np.cov, (X[0],), {}),
        (np.cov, (X,), {"fweights": LABELS + 1, "aweights": W[0]}), (np.cov, (X,), {"bias": True}),
        (np.cov, (X + 1j * W,), {}), (np.corrcoef, (X,), {}), (np.corrcoef, (X, W), {"rowvar": False}),
        (np.median, (X,), {}), (np.median, (X,), {"axis": 0}), (np.median, (A,), {"axis": (0, 1), "keepdims": True}),
        (np.quantile, (X, 0.3), {}), (np.quantile, (X, [0.0, 0.25, 1.0]), {"axis": 1}),
        (np.quantile, (A, np.full((2, 2), 0.4)), {"axis": (0, 2), "keepdims": True}), (np.percentile, (X, 30), {}),
        (np.percentile, (X, [10, 90.0]), {"axis": 0}), (np.ptp, (X,), {"axis": 1}),
    ],
)  # fmt: skip
def test_values_and_gradients(function, args, keywords):
    q = args[1:] if function in (np.quantile, np.percentile) else ()
    if q:
        agrees(lambda x: function(x, *q, **keywords), args[0])
    else:
        agrees(function, *args, **keywords)


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_quantiles(method):
    for q in (0.0, 0.2, np.array([0.5, 0.77, 1.0])):
        agrees(lambda x, q=q: np.quantile(x, q, axis=1, method=method), X, derivatives=1)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "keywords"),
    [
        (np.nansum, {"axis": 0}), (np.nanprod, {"axis": 1}), (np.nanmean, {}), (np.nanmean, {"axis": 0}),
        (np.nanmax, {"axis": 1}), (np.nanmin, {}), (np.nanvar, {"axis": 1, "ddof": 1}), (np.nanstd, {"axis": 1}),
        (np.nanstd, {"keepdims": True}), (np.nanmedian, {"axis": 1}), (np.nanmedian, {}),
        (lambda x, **k: np.nanquantile(x, 0.3, **k), {"axis": 1}), (np.nancumsum, {"axis": 1}), (np.nancumprod, {}),
        (lambda x, **k: np.nanpercentile(x, [20, 70], **k), {"axis": 0}), (np.nanmean, {"where": X > -0.5}),
    ],
)  # fmt: skip
def test_without_nan(function, keywords):
    """Values are NumPy's; a NaN gets a gradient of 0, the rest that of the array without it."""
    agrees(function, X, **keywords)
    agrees(function, HOLES, derivatives=0, **keywords)
    gradient = ag.grad(lambda x: np.sum(np.where(np.isnan(r := function(x, **keywords)), 0.0, r) ** 2))(HOLES)
    assert np.isfinite(gradient).all()
    assert not gradient[np.isnan(HOLES)].any()


def test_all_nan():
    t = ag.constant([[np.nan, np.nan], [1.0, 2.0]])
    for function in (np.nanmean, np.nanmax, np.nanmedian, np.nanvar):
        with pytest.warns(RuntimeWarning):
            found = function(t, axis=1)
        assert np.isnan(found.numpy()).tolist() == [True, False]
    assert np.isnan(np.median(t, axis=1).numpy()).tolist() == [True, False]


def test_one_nan_among_numbers():
    """It makes every quantile of its slice NaN, as NumPy has it."""
    x = np.array([[1.0, np.nan, 2.0, 0.0, 5.0], [1.0, 3.0, 2.0, 0.0, 5.0]])
    for function in (np.median, lambda x, **k: np.quantile(x, [0.1, 0.5], **k)):
        agrees(function, x, axis=1, derivatives=0)


def test_where_all_entries_are_equal():
    """The standard deviation has a kink there; its derivative is taken as 0, never NaN."""
    x = np.full((2, 3), 4.0)
    for function in (np.std, np.nanstd, lambda x: np.std(x, where=np.ones((2, 3), bool))):
        assert ag.grad(function)(x).tolist() == np.zeros((2, 3)).tolist()
        assert ag.jvp(function, (x,), (np.arange(6.0).reshape(2, 3),))[1] == 0.0


def test_median_of_an_even_number():
    assert ag.grad(np.median)(np.array([4.0, 1.0, 3.0, 9.0])).tolist() == [0.5, 0.0, 0.5, 0.0]


def test_counts():
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    agrees(lambda w: np.bincount(LABELS, w, 6), weights)
    agrees(np.bincount, LABELS, derivatives=0)
    agrees(np.bincount, np.zeros(0, int), derivatives=0, minlength=2)
    for keywords in ({}, {"bins": 3}, {"bins": [-1.0, 0.0, 0.5, 2.0]}, {"range": (-1, 1)}, {"density": True}):
        agrees(np.histogram, X, derivatives=0, **keywords)
        agrees(np.histogram, X, derivatives=0, weights=W, **keywords)
    ag.testing.check_grads(lambda w: np.histogram(X, 3, weights=w)[0], (W,))
    ag.testing.check_grads(lambda x: np.histogram(x, 3, density=True), (X,), order=1)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: np.var(t, ddof=1, correction=2), (ag.DomainError, ValueError), "ddof"),
        (lambda t: np.average(t, weights=np.ones(3)), ag.ShapeError, r"\(3,\)"),
        (lambda t: np.average(t, weights=np.zeros((3, 4))), ZeroDivisionError, "0"),
        (lambda t: np.quantile(t, 1.5), ag.DomainError, r"between 0 and 1; got 1\.5"),
        (lambda t: np.percentile(t, -1), ag.DomainError, "between 0 and 100"),
        (lambda t: np.quantile(t, 0.5, method="other"), ag.DomainError, "other"),
        (lambda t: np.quantile(t, 0.5, weights=t, method="inverted_cdf"), ag.UnsupportedError, "weights"),
        (lambda t: np.median(t[:0]), ag.ShapeError, "no entries"),
        (lambda t: np.bincount(t), ag.DomainError, "integers"),
        (lambda t: np.bincount(np.array([-1, 2]), t[0, :2]), ag.DomainError, ">= 0"),
        (lambda t: np.bincount(LABELS, t), ag.ShapeError, r"\(3, 4\)"),
        (lambda t: np.cov(np.stack([t, t])), ag.ShapeError, "two axes"),
        (lambda t: np.histogram(t, weights=np.ones(2)), ag.ShapeError, r"\(2,\)"),
    ],
)
def test_mistakes_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call(ag.constant(X))


def test_a_tracked_quantile_is_refused():
    v = ag.Variable(0.5)
    with ag.GradientTape(), pytest.raises(ag.ConversionError, match="cut"):
        np.quantile(ag.constant(X), v)
