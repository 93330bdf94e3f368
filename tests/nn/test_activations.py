"""Activations give what Keras's give, far from 0 too; their gradients are those of Keras."""

from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.expected.activation_cases import CASES, inputs, name_of, projection

EXPECTED = np.load(Path(__file__).parent / "expected" / "activations.npz")


@pytest.mark.parametrize("case", CASES, ids=name_of)
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-10), ("float32", 1e-5)])
def test_like_keras(case, dtype, rtol):
    """Values to within ``rtol`` of each; gradients to within ``rtol`` of the largest in their row."""
    name, options = case
    function = getattr(nn.activations, name)
    x = ag.Variable(inputs(name).astype(dtype))
    with ag.GradientTape() as tape:
        y = function(x.value, **options)
        loss = (y * projection(y.shape).astype(dtype)).sum()
    gradient = tape.gradient(loss, x)
    for key, got in (("y", y), ("gradient", gradient)):
        wanted = EXPECTED[f"{name_of(case)}/{key}"]
        assert got.dtype == dtype
        np.testing.assert_allclose(got.numpy(), wanted, rtol=rtol, atol=rtol * abs(wanted).max(), err_msg=key)


def test_every_activation_is_compared():
    """A new one cannot be left out."""
    others = {"get", "hard_swish", "sparsemax", "swish"}
    assert {name for name, _ in CASES} == set(nn.activations.__all__) - others


@pytest.mark.parametrize("axis", [-1, 0])
def test_sparsemax_is_the_closest_point_of_the_simplex(axis):
    """Sums are 1, nothing is negative, and what is positive is ``x`` less one number that the rest does not exceed.

    (These conditions determine the projection. Keras 3's own gives rows whose sum is not 1.)
    """
    x = np.random.RandomState(3).normal(size=(5, 6)) * 2
    y = nn.activations.sparsemax(x, axis=axis).numpy()
    np.testing.assert_allclose(y.sum(axis=axis), 1, rtol=1e-12)
    assert (y >= 0).all()
    assert (y == 0).any()
    taken_off = np.where(y > 0, x - y, np.nan)
    highest, lowest = np.nanmax(taken_off, axis=axis), np.nanmin(taken_off, axis=axis)
    np.testing.assert_allclose(highest, lowest, rtol=1e-12)
    assert (np.where(y > 0, -np.inf, x) <= np.expand_dims(lowest, axis)).all()
    ag.testing.check_grads(lambda z: nn.activations.sparsemax(z, axis=axis), (x,), order=1)


def test_odd_lengths_cannot_be_cut_in_half():
    """``glu`` says so."""
    with pytest.raises(ag.ShapeError, match=r"glu: axis -1 of the input of shape \(2, 3\) has an odd length"):
        nn.activations.glu(np.ones((2, 3)))
