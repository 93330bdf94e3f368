"""Metrics in functions that are traced: those computed in the plan, and those that take in a batch after it."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import metrics
from tests.nn.expected.metrics_cases import CASES


def batches_of(case, weighted):
    """Two batches of each size, so that each plan runs twice."""
    for part in (slice(0, 5), slice(5, 10), slice(0, 4), slice(8, 12)):
        keywords = {"sample_weight": ag.constant(case.weights[part])} if weighted else {}
        yield [ag.constant(arg[part]) for arg in case.args], keywords


def assert_same(got, wanted):
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_metric(case, weighted):
    """Batches taken in by a traced function: after each the same result, and the same variables, as eagerly."""
    eager, traced = case.make(nn), case.make(nn)

    @ag.function(jit="numpy")
    def update(*args, **keywords):
        traced.update_state(*args, **keywords)
        return traced.result()

    for args, keywords in batches_of(case, weighted):
        eager.update_state(*args, **keywords)
        assert_same(update(*args, **keywords), eager.result())
        for ours, theirs in zip(traced.variables, eager.variables, strict=True):
            assert_same(ours, theirs)
    assert update.traces == 2
    for metric in (eager, traced):
        metric.reset_state()
        metric.update_state(*[ag.constant(arg) for arg in case.args])
    assert_same(traced.result(), eager.result())


def test_which_are_computed_in_the_plan():
    """Means, sums and accuracies; a subclass of one's own says so for itself."""

    class Own(metrics.Mean):
        def update_state(self, values, sample_weight=None):
            super().update_state(values, sample_weight)

    class Renamed(metrics.Mean):
        def result(self):
            return super().result() * 100

    for metric in (metrics.Mean(), metrics.Sum(), metrics.CategoricalAccuracy(), metrics.MeanSquaredError(), Renamed()):
        assert metric.traced
    for metric in (metrics.AUC(), Own(), metrics.MeanMetricWrapper(lambda true, guess: true), metrics.Precision()):
        assert not metric.traced


@pytest.mark.parametrize("make", [metrics.Mean, metrics.Sum, lambda: metrics.Precision(), lambda: AsPython()])
def test_several_updates_and_a_reset_in_one_function(make):
    """In the order in which the function says them."""
    eager, traced = make(), make()

    def step(metric, x):
        metric.update_state(*[x] * count)
        metric.reset_state()
        metric.update_state(*[x * 0.5] * count)
        return metric(*[x] * count)

    count = 2 if isinstance(eager, metrics.Precision) else 1
    function = ag.function(lambda x: step(traced, x), jit="numpy")
    for start in range(3):
        x = ag.constant([0.0, 1.0, start % 2])
        assert_same(function(x), step(eager, x))


class AsPython(metrics.Mean):
    def update_state(self, values, sample_weight=None):
        super().update_state([float(value) for value in values.numpy()], sample_weight)


def test_a_mean_inside_of_a_tape():
    """It is no part of the gradient, and does not hold the graph."""
    w, mean = ag.Variable(2.0), metrics.Mean()

    @ag.function(jit="numpy")
    def step(x):
        with ag.GradientTape() as tape:
            loss = w * x
            mean(loss)
        return tape.gradient(loss, w)

    assert [step(ag.constant(float(x))).item() for x in (3, 4)] == [3.0, 4.0]
    assert mean.result().item() == 7.0
    assert mean.count.item() == 2.0


def test_a_result_cannot_be_computed_with():
    mean = metrics.Mean()

    @ag.function
    def step(x):
        return mean(x) * 2

    with pytest.raises(ag.TraceError, match="the result of a metric"):
        step(ag.constant(1.0))
    assert mean.result().item() == 0.0


def test_a_result_that_needs_a_batch_first():
    class Ratio(metrics.Metric):
        def __init__(self):
            super().__init__()
            self.hits = self.count = 0

        def update_state(self, values):
            self.hits, self.count = self.hits + int(values.numpy().sum()), self.count + len(values)

        def result(self):
            return self.hits / self.count

    ratio = Ratio()
    assert ag.function(lambda x: ratio(x), jit="numpy")(ag.constant([1, 0, 1, 1])).item() == 0.75


def test_labels_out_of_range_are_said_after_the_run():
    top = metrics.SparseTopKCategoricalAccuracy(2)
    update = ag.function(lambda y, p: top.update_state(y, p), jit="numpy")
    update(ag.constant([0, 2]), ag.constant(np.eye(3)[:2]))
    with pytest.raises(ag.DomainError, match="labels go from 0 to 3"):
        update(ag.constant([0, 3]), ag.constant(np.eye(3)[:2]))


def test_with_numba():
    pytest.importorskip("numba")
    random = np.random.RandomState(0)
    p, y = random.normal(size=(9, 4)).astype("float32"), random.randint(0, 4, 9)
    p[2, 1], p[3, :] = np.nan, 0.5  # the first of several; a NaN counts as the largest
    eager, traced = [[metrics.Mean(), metrics.SparseCategoricalAccuracy()] for _ in range(2)]

    def step(pair, y, p):
        pair[0].update_state(p[0].sum(), sample_weight=9)
        pair[1].update_state(y, p)

    function = ag.function(lambda y, p: step(traced, y, p), jit="numba")
    for _ in range(3):
        function(ag.constant(y), ag.constant(p))
        step(eager, ag.constant(y), ag.constant(p))
    for ours, theirs in zip(traced, eager, strict=True):
        np.testing.assert_allclose(ours.result().item(), theirs.result().item(), rtol=1e-6)
