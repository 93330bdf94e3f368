"""``standardize``: the formula, its precision, and what does not fit."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

RANDOM = np.random.RandomState(0)


@pytest.mark.parametrize("axis", [0, -1, (0, 1), (0, 2), (1, 2), (0, 1, 2), ()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_formula(axis, dtype):
    """Mean, variance, and the scaled result, along any axes; the dtype stays."""
    x = RANDOM.normal(size=(5, 4, 3)).astype(dtype)
    scale, offset = RANDOM.normal(size=(2, 3)).astype(dtype)
    y, mean, variance = anp.standardize(x, axis, 0.01, scale, offset)
    expected_mean, expected_variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    expected = (x - expected_mean) / np.sqrt(expected_variance + 0.01) * scale + offset
    for got, wanted in ((y, expected), (mean, expected_mean), (variance, expected_variance)):
        assert got.dtype == dtype
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-6)


def test_a_large_mean_costs_no_digits_of_the_variance():
    """The mean is taken off before the squares are."""
    x = 1e4 + RANDOM.normal(size=(1000, 3)).astype("float32")
    variance = anp.standardize(x, 0)[2].numpy()
    np.testing.assert_allclose(variance, x.astype("float64").var(0, keepdims=True), rtol=1e-3)


def test_gradients_of_all_results():
    """Also of mean and variance, and to second order; scales that do and do not change along the axes."""
    x, scale, offset = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=3), RANDOM.normal(size=3)
    weights = [RANDOM.normal(size=shape) for shape in ((4, 3), (1, 3), (4, 1))]

    def value(axis, small):
        def along(x, scale, offset):
            y, mean, variance = anp.standardize(x, axis, 0.1, scale, offset)
            return (y * weights[0]).sum() + (mean * weights[small]).sum() + (variance * weights[small]).sum()

        return along

    ag.testing.check_grads(value(0, 1), (x, scale, offset), order=2)
    ag.testing.check_grads(value(1, 2), (x, scale, offset), order=2)


def test_equal_entries_have_a_finite_gradient():
    """With epsilon; the result is the offset."""
    x = ag.Variable(np.full((4, 2), 3.0))
    with ag.GradientTape() as tape:
        y = anp.standardize(x, 0, 1e-3)[0]
        loss = (y * np.arange(8.0).reshape(4, 2)).sum()
    assert (y.numpy() == 0).all()
    assert np.isfinite(tape.gradient(loss, x).numpy()).all()


def test_integers_and_empty_batches():
    """Integers are computed in float64; a batch of nothing stays one."""
    assert anp.standardize(np.arange(6).reshape(3, 2), 0)[0].dtype == "float64"
    assert anp.standardize(np.zeros((0, 3)), -1)[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: anp.standardize(x, 2), ag.AxisError, "standardize: axis 2 is out of range"),
        (lambda x: anp.standardize(x, 0, scale=np.ones(4)), ag.ShapeError, r"scale has shape \(4,\); .* \(5, 3\)"),
        (lambda x: anp.standardize(x, 0, offset=np.ones((2, 5, 3))), ag.ShapeError, r"offset has shape \(2, 5, 3\)"),
        (lambda x: anp.standardize(x * 1j, 0), ag.DtypeError, "complex"),
    ],
)
def test_mistakes_are_named(call, error, message):
    """What was given, and what was expected."""
    with pytest.raises(error, match=message):
        call(np.ones((5, 3)))
