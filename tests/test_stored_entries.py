"""``z[i] = x`` with an array of NumPy's own and a Tensor: an error where it would cut a gradient."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

X = np.array([1.0, 2.0])


def stored(dtype=float, shape=(2,), index=0):
    def f(x):
        z = np.zeros(shape, dtype)
        z[index] = x[0] ** 2
        return x[0] + np.sum(z.real)

    return f


def refused(call):
    """The error that ``call`` raises; NumPy puts one of its own in front for arrays of floats."""
    with pytest.raises((ag.ConversionError, ValueError)) as caught:
        call()
    error = caught.value if isinstance(caught.value, ag.ConversionError) else caught.value.__cause__
    assert isinstance(error, ag.ConversionError)
    return str(error)


@pytest.mark.parametrize("dtype", [float, np.float32, np.float16, complex, np.complex64, int])
@pytest.mark.parametrize(("shape", "index"), [((2,), 0), ((2, 2), (1, 0)), ((), ()), ((2,), slice(0, 1)), ((2,), [0])])
def test_storing_a_tracked_tensor(dtype, shape, index):
    said = refused(lambda: ag.grad(stored(dtype, shape, index))(X))
    assert "silently cut its gradient" in said
    if not isinstance(index, (slice, list)):
        assert "anp.zeros" in said
        assert "z.at[i].set(x)" in said


@pytest.mark.parametrize(
    "transform",
    [ag.hessian, ag.jacobian, lambda f: ag.jacobian(f, mode="fwd"), lambda f: lambda x: ag.jvp(f, (x,), (x,))],
    ids=["hessian", "jacobian", "forward", "jvp"],
)
def test_storing_under_other_transforms(transform):
    refused(lambda: transform(stored())(X))


def test_storing_through_flat():
    """NumPy's error hides ours, but nothing is cut."""

    def f(x):
        z = np.zeros(2)
        for i in range(2):
            z.flat[i] = x[i]
        return x[0] + np.sum(z)

    with pytest.raises(ValueError, match="setting"):
        ag.grad(f)(X)


def test_storing_a_watched_variable():
    variable, z = ag.Variable(3.0), np.zeros(2)

    def store():
        with ag.GradientTape():
            z[0] = variable * 1.0

    assert "Tensor" in refused(store)
    assert z[0] == 0


def test_storing_what_is_not_tracked():
    z = np.zeros(4)
    z[0] = ag.constant(2.0)
    z[1] = ag.Variable(3.0)
    with ag.GradientTape():
        z[2] = ag.constant(4.0) * 2
    with ag.GradientTape() as tape:
        loss = ag.Variable(5.0) * 1.0
    z[3] = loss  # the tape is closed
    assert tape is not None
    assert z.tolist() == [2, 3, 8, 5]


def test_saying_that_the_gradient_shall_stop():
    def f(x):
        z = np.zeros(4)
        z[0] = float(x[0])
        z[1] = x[0].item()
        z[2] = complex(x[0]).real
        z[3] = ag.stop_gradient(x[0])
        kept, named = [0.0], {}
        kept[0], named["x"] = x[0], x[1]  # no array
        return np.sum(z) + kept[0] * named["x"]

    np.testing.assert_array_equal(ag.grad(f)(X), [2, 1])


def test_the_cures_that_the_message_names():
    def whole(x):
        z = anp.zeros(2)
        z[0] = x[0] ** 2
        return np.sum(z)

    def updated(x):
        return np.sum(anp.zeros(2).at[0].set(x[0] ** 2))

    def collected(x):
        return np.sum(np.stack([x[0] ** 2, x[1] * 0]))

    for f in (whole, updated, collected):
        np.testing.assert_array_equal(ag.grad(f)(X), [2, 0])
