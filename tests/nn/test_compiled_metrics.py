"""Metrics in functions that are traced: those computed in the plan, and those that take in a batch after it."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import metrics
from tests.nn.expected import metrics_cases


def single(array):
    return array.astype("float32") if array.dtype.kind == "f" else array


def updated(metric, batches):
    """A traced function that takes in batches, one at each call."""

    def update(*given):
        metric.update_state(*given)

    function = ag.function(update, jit="numpy")
    for batch in batches:
        function(*[ag.constant(single(np.asarray(array))) for array in batch if array is not None])
    return function


def assert_same(got, wanted):
    if isinstance(wanted, dict):
        assert list(got) == list(wanted)
        for key in wanted:
            assert_same(got[key], wanted[key])
    else:
        np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", metrics_cases.CASES, ids=str)
def test_every_metric(case):
    """Batches taken in by a traced function, with weights and without: the same result as eagerly."""
    batches = case.batches
    eager, traced = case.make(nn), case.make(nn)
    for batch in batches:
        eager.update_state(*[single(np.asarray(array)) for array in batch if array is not None])
    updated(traced, batches)
    assert_same(traced.result(), eager.result())
    for ours, theirs in zip(traced.variables, eager.variables, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-7)
    traced.reset_state()
    assert_same(traced.result(), case.make(nn).result())
