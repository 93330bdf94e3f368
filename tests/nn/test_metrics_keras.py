"""Metrics against Keras: over batches, with weights and without, and after starting anew, in both precisions.

The numbers come from ``expected/make_metrics.py``; no Keras is needed here.
"""

from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.expected import metrics_cases
from tests.nn.expected.metrics_cases import CASES

EXPECTED = np.load(Path(__file__).parent / "expected" / "metrics.npz")
KINDS = {
    value for value in vars(nn.metrics).values() if isinstance(value, type) and issubclass(value, nn.metrics.Metric)
}
BASES = {nn.metrics.Metric, nn.metrics.MeanMetricWrapper}
NOT_IN_KERAS = {nn.metrics.ConfusionMatrix}


def test_every_metric_has_a_case():
    """A new metric cannot be left out of this file."""
    assert {type(case.make(nn)) for case in CASES} == KINDS - BASES - NOT_IN_KERAS
    assert len({case.name for case in CASES}) == len(CASES)
    assert set(EXPECTED) == {f"{case.name}, {dtype}" for case in CASES for dtype in ("float32", "float64")}


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("float64", 1e-10, 1e-14), ("float32", 1e-5, 1e-6)])
def test_as_keras(case, dtype, rtol, atol):
    """The result after each batch."""
    if "IoU" in case.name:  # Keras divides in float32 there, whatever it is asked for
        rtol = max(rtol, 2e-7)
    expected = EXPECTED[f"{case.name}, {dtype}"]
    np.testing.assert_allclose(metrics_cases.values(nn, case, dtype), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_state(case):
    """What is collected is all in the variables, in float64: put into another object it goes on from there."""
    metric, other = case.make(nn), case.make(nn)
    for each in (metric, other):
        each.update_state(*(arg[:5] for arg in case.args))
    saved = [variable.numpy() for variable in metric.variables]
    assert saved
    assert {array.dtype for array in saved} == {np.dtype("float64")}
    other.reset_state()
    assert all(not variable.numpy().any() for variable in other.variables)
    assert [variable.shape for variable in other.variables] == [array.shape for array in saved]
    for variable, array in zip(other.variables, saved, strict=True):
        variable.assign(array)
    for each in (metric, other):
        each.update_state(*(arg[5:] for arg in case.args))
    np.testing.assert_array_equal(metric.result().numpy(), other.result().numpy())
    assert metric.name in repr(metric)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_config(case):
    """A config makes a metric that gives the same."""
    metric = case.make(nn)
    again = nn.metrics.get({"class_name": type(metric).__name__, "config": metric.get_config()})
    assert type(again) is type(metric)
    assert again.name == metric.name
    np.testing.assert_array_equal(metric(*case.args).numpy(), again(*case.args).numpy())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_data(case):
    """Before the first batch the result is 0; and a metric leaves a tape alone."""
    metric = case.make(nn)
    with np.errstate(all="raise"):
        result = metric.result().numpy()
    assert not np.any(result) or case.name.startswith("AUC, PRGAIN")
    with ag.GradientTape() as tape:
        y_pred = ag.Variable(case.args[-1].astype("float32")) * 1.0
        metric.update_state(*case.args[:-1], y_pred)
    watched = {id(variable) for variable in tape.watched_variables()}
    assert not any(id(variable) in watched for variable in metric.variables)


ARGUMENTS = {
    "IoU": (3, [0]), "MeanIoU": (3,), "OneHotIoU": (3, [0]), "OneHotMeanIoU": (3,), "ConfusionMatrix": (3,),
    "SensitivityAtSpecificity": (0.5,), "SpecificityAtSensitivity": (0.5,), "PrecisionAtRecall": (0.5,),
    "RecallAtPrecision": (0.5,),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS - BASES, key=lambda kind: kind.__name__))
def test_names(kind):
    """A name, by default the class's, in lower case; by both spellings."""
    metric = kind(*ARGUMENTS.get(kind.__name__, ()))
    assert metric.name == metric.name.lower()
    assert " " not in metric.name
    assert kind(*ARGUMENTS.get(kind.__name__, ()), name="mine").name == "mine"
    if kind.__name__ not in ARGUMENTS:
        assert type(nn.metrics.get(kind.__name__)) is type(nn.metrics.get(kind)) is kind


@pytest.mark.parametrize(
    ("alias", "kind"),
    [
        ("mse", nn.metrics.MeanSquaredError),
        ("MAE", nn.metrics.MeanAbsoluteError),
        ("mape", nn.metrics.MeanAbsolutePercentageError),
        ("msle", nn.metrics.MeanSquaredLogarithmicError),
        ("bce", nn.metrics.BinaryCrossentropy),
        ("auc", nn.metrics.AUC),
        ("f1_score", nn.metrics.F1Score),
        ("true_positives", nn.metrics.TruePositives),
    ],
)
def test_aliases(alias, kind):
    """Keras's short names."""
    metric = nn.metrics.get(alias)
    assert type(metric) is kind
    assert metric.name == alias


@pytest.mark.parametrize(
    "name",
    ["huber", "half_sum_of_squares", "binary_focal_crossentropy", "categorical_focal_crossentropy", "dice", "tversky"],
)
def test_each_loss_is_a_metric(name):
    """Also where there is no class for it."""
    y_true, y_pred = np.eye(3), np.full((3, 3), 1 / 3)
    expected = np.mean(getattr(nn.losses, name)(y_true, y_pred).numpy())
    metric = nn.metrics.get(name)
    assert metric(y_true, y_pred).item() == pytest.approx(expected)
    assert metric.name == name
