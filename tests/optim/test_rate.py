"""The learning rate as it is read: a float that can be assigned to."""

import copy
import json
import pickle

import numpy as np
import pytest

import autograd_core as ag
import optim


def step(optimizer, w):
    optimizer.apply_gradients([(1.0, w)])


def test_assign():
    """``assign`` changes the next step; what was read before stays the number it was."""
    w, optimizer = ag.Variable(0.0), optim.SGD(1.0)
    before = optimizer.learning_rate
    step(optimizer, w)
    assert optimizer.learning_rate.assign(0.25) == 0.25
    step(optimizer, w)
    assert w.item() == -1.25
    assert (before, optimizer.learning_rate) == (1.0, 0.25)
    optimizer.learning_rate.assign(optimizer.learning_rate * 0.5)
    before.assign_add(1.0)
    assert optimizer.learning_rate == 1.125
    optimizer.learning_rate.assign_sub(ag.constant(0.125))
    assert optimizer.learning_rate.numpy() == 1.0


def test_compiled():
    """A compiled step takes the rate that was assigned, without another trace."""
    w, optimizer, traces = ag.Variable(0.0), optim.SGD(1.0), []

    @ag.function
    def compiled():
        traces.append(1)
        step(optimizer, w)

    for rate in (1.0, 0.5, 0.25):
        optimizer.learning_rate.assign(rate)
        compiled()
    assert w.item() == -1.75
    assert len(traces) == 1


def test_it_is_a_float():
    """Shown, saved and computed with as a float is: float32 stays float32."""
    rate = optim.SGD(0.5).learning_rate
    assert isinstance(rate, float)
    assert (repr(rate), f"{rate:.2f}", json.dumps(rate)) == ("0.5", "0.50", "0.5")
    assert type(rate * 2) is float
    array = np.ones(2, "float32")
    for x in (array, ag.constant(array), ag.Variable(array)):
        for result in (x * rate, rate * x, x - rate, np.multiply(rate, x), np.add(x, rate)):
            assert result.dtype == np.float32
        np.testing.assert_array_equal(x * rate, [0.5, 0.5])
    array -= rate * array
    np.testing.assert_array_equal(array, [0.5, 0.5])
    for again in (pickle.loads(pickle.dumps(rate)), copy.deepcopy(rate)):
        assert type(again) is float
        assert again == 0.5
    assert type(optim.Adam(0.5).get_config()["learning_rate"]) is float


@pytest.mark.parametrize("bad", [float("nan"), -1.0, "fast", None, lambda step: 1.0])
def test_bad_values(bad):
    """They are refused as by the constructor, and nothing is changed."""
    optimizer = optim.Adam(0.5)
    with pytest.raises(ag.DomainError, match=r"Adam: learning_rate is .*; expected a finite number, at least 0"):
        optimizer.learning_rate.assign(bad)
    assert optimizer.learning_rate == 0.5


def test_with_a_schedule():
    """A schedule is not replaced by the way; the error says how to."""
    optimizer = optim.SGD(optim.schedules.ExponentialDecay(0.5, 10, 0.5))
    assert optimizer.learning_rate.numpy() == 0.5
    with pytest.raises(ag.StructureError, match=r"a schedule gives .* write optimizer.learning_rate = 0.1"):
        optimizer.learning_rate.assign(0.1)
    optimizer.learning_rate = 0.1
    optimizer.learning_rate.assign(0.2)
    assert optimizer.learning_rate == 0.2
