"""Metrics collect over batches and give what one pass over everything would give."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 20)
SCORES = RNG.normal(size=(20, 3)).astype("float32")
RIGHT = SCORES.argmax(axis=1) == LABELS


@dataclass(frozen=True)
class Case:
    """A metric, what it is given, and its value for each sample."""

    make: Callable[..., nn.metrics.Metric]
    args: tuple
    expected: np.ndarray

    def __str__(self):
        return self.make.__name__


CASES = (
    Case(nn.metrics.Mean, (SCORES[:, 0],), SCORES[:, 0]),
    Case(nn.metrics.SparseCategoricalAccuracy, (LABELS, SCORES), RIGHT),
    Case(nn.metrics.SparseCategoricalAccuracy, (LABELS[:, None], SCORES), RIGHT),
    Case(nn.metrics.CategoricalAccuracy, (np.eye(3)[LABELS], SCORES), RIGHT),
    Case(nn.metrics.BinaryAccuracy, (LABELS > 0, SCORES[:, :1]), (SCORES[:, 0] > 0.5) == (LABELS > 0)),
    Case(nn.metrics.MeanSquaredError, (np.eye(3)[LABELS], SCORES), ((np.eye(3)[LABELS] - SCORES) ** 2).mean(axis=1)),
)


def test_every_metric_has_a_case():
    """A new metric cannot be left out of this file."""
    named = {v for v in vars(nn.metrics).values() if isinstance(v, type) and issubclass(v, nn.metrics.Metric)}
    assert {case.make for case in CASES} == named - {
        nn.metrics.Metric,
        nn.metrics.Average,
        nn.metrics.MeanMetricWrapper,
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_batches_add_up(case):
    """Batches of 7, 7 and 6, as arrays and as Tensors; weights; reset."""
    metric = case.make()
    assert metric.result().item() == 0
    weights = RNG.uniform(size=20)
    for convert in (lambda a: a, ag.constant):
        for start in (0, 7, 14):
            got = metric(*(convert(a[start : start + 7]) for a in case.args))
        np.testing.assert_allclose(got.item(), case.expected.mean(), rtol=1e-6)
        metric.reset_state()
        for start in (0, 7, 14):
            metric.update_state(*(convert(a[start : start + 7]) for a in case.args), weights[start : start + 7])
        np.testing.assert_allclose(metric.result().item(), np.average(case.expected, weights=weights), rtol=1e-6)
        metric.reset_state()
        assert metric.result().item() == 0


def test_a_metric_leaves_the_tape_alone():
    """Called inside a tape it records nothing, and the gradient is that of the loss alone."""
    w = ag.Variable(3.0)
    mean = nn.metrics.Mean()
    with ag.GradientTape() as tape:
        loss = w * w
        mean(loss)
        mean(loss)
    assert mean.variables == [mean.total, mean.count]
    assert not any(variable in tape.watched_variables() for variable in mean.variables)
    assert tape.gradient(loss, w).item() == 6.0
    assert mean.result().item() == 9.0


def test_a_long_sum_keeps_its_digits():
    """Totals are in double precision: 0.1 a million times is 0.1 on average."""
    mean = nn.metrics.Mean()
    mean(np.float32(2**24))
    for _ in range(4):
        mean(np.float32(1.0))
    assert mean.total.item() == 2**24 + 4


def test_result_in_a_format_string():
    """As the tutorials print it."""
    accuracy = nn.metrics.SparseCategoricalAccuracy()
    accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]])
    assert f"{accuracy.result() * 100:.1f}" == "50.0"
    assert "{}".format(accuracy.result() * 100) == "50.0"  # noqa: UP032 - the form that is tested


def test_by_name():
    """Strings, classes, objects, functions; an unknown name lists those known."""
    assert isinstance(nn.metrics.get("mse"), nn.metrics.MeanSquaredError)
    assert nn.metrics.get("sparse_categorical_accuracy").name == "sparse_categorical_accuracy"
    assert isinstance(nn.metrics.get(nn.metrics.Mean), nn.metrics.Mean)
    distance = nn.metrics.get(lambda t, p: anp.mean(abs(p - t), axis=-1))
    assert distance([[1.0, 2.0]], [[2.0, 4.0]]).item() == 1.5
    with pytest.raises(ag.DomainError, match=r"no metric is called 'acuracy'; known: .*Accuracy"):
        nn.metrics.get("acuracy")
    with pytest.raises(ag.ConversionError, match="got a int"):
        nn.metrics.get(1)


def test_bad_shapes():
    """Named with what was given."""
    with pytest.raises(ag.ShapeError, match=r"y_true has shape \(2,\), y_pred \(3, 2\)"):
        nn.metrics.SparseCategoricalAccuracy()([0, 1], np.ones((3, 2)))
    with pytest.raises(ag.ShapeError, match=r"\(2, 2\), y_pred \(3, 2\)"):
        nn.metrics.CategoricalAccuracy()(np.ones((2, 2)), np.ones((3, 2)))
    with pytest.raises(ag.ShapeError, match="binary_accuracy"):
        nn.metrics.BinaryAccuracy()(np.ones(2), np.ones(3))
