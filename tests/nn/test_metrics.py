"""Metrics collect over batches and give what one pass would give. All metrics: test_metrics_keras.py."""

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
    with pytest.raises(
        ag.DomainError, match=r"no metric is called 'acuracy'; did you mean 'accuracy'. Known: .*Accuracy"
    ):
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


def test_confusion_matrix():
    """Rows are true: from labels, scores, one-hot rows; weights; over batches."""
    matrix = nn.metrics.ConfusionMatrix(3)
    predicted = SCORES.argmax(axis=1)
    expected = np.zeros((3, 3))
    np.add.at(expected, (LABELS, predicted), 1)
    for y_true in (LABELS, LABELS[:, None], np.eye(3)[LABELS]):
        for start in (0, 7, 14):
            got = matrix(y_true[start : start + 7], SCORES[start : start + 7])
        np.testing.assert_array_equal(got.numpy(), expected)
        matrix.reset_state()
    np.testing.assert_array_equal(matrix(LABELS, predicted).numpy(), expected)
    weights = RNG.uniform(size=20)
    np.add.at(expected, (LABELS, predicted), weights)
    np.testing.assert_allclose(matrix(LABELS, predicted, sample_weight=weights).numpy(), expected)
    assert matrix(np.zeros(0, int), np.zeros((0, 3))).shape == (3, 3)
    assert "confusion_matrix" in repr(matrix)


def test_a_metric_of_ones_own():
    """As the tutorials write it: variables by shape and initializer, another metric inside."""

    class Positives(nn.metrics.Metric):
        def __init__(self, name="positives", **options):
            super().__init__(name=name, **options)
            self.found = self.add_weight(name="found", initializer="zeros")
            self.largest = self.add_variable(shape=(2,), initializer="ones", name="largest")
            self.mean = nn.metrics.Mean()
            self.seen = ag.Variable(0.0, trainable=False)

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.found.assign_add(anp.sum(y_pred > 0.5))
            self.mean.update_state(y_pred)
            self.seen.assign_add(1.0)

        def result(self):
            return self.found

    metric = Positives()
    assert metric([0, 1], np.array([0.2, 0.9])).numpy() == 1.0
    assert [variable.shape for variable in metric.variables] == [(), (2,), (), (), ()]
    assert metric.mean.result().item() == pytest.approx(0.55)
    metric.reset_state()
    assert all(not variable.numpy().any() for variable in metric.variables)
    assert nn.metrics.Metric().name == "metric"
    with pytest.raises(TypeError, match="does not define update_state"):
        nn.metrics.Metric()(1.0)


def test_nothing_changes_nothing():
    """An empty batch."""
    for metric, args in (
        (nn.metrics.Mean(), (np.zeros(0),)),
        (nn.metrics.Sum(), (np.zeros((0, 3)),)),
        (nn.metrics.SparseCategoricalAccuracy(), (np.zeros(0, int), np.zeros((0, 3)))),
        (nn.metrics.BinaryAccuracy(), (np.zeros((0, 1)), np.zeros((0, 1)))),
        (nn.metrics.MeanSquaredError(), (np.zeros((0, 3)), np.zeros((0, 3)))),
        (nn.metrics.Precision(), (np.zeros(0), np.zeros(0))),
        (nn.metrics.AUC(), (np.zeros(0), np.zeros(0))),
        (nn.metrics.F1Score(), (np.zeros((0, 3)), np.zeros((0, 3)))),
    ):
        assert not np.any(metric(*args).numpy())
        assert not np.any(metric(*args, sample_weight=np.zeros(0)).numpy())


def test_adjusted_r2_needs_samples():
    """With too few the plain score is given, with a warning."""
    metric = nn.metrics.R2Score(num_regressors=5)
    with pytest.warns(UserWarning, match="more than 6 samples"):
        metric([[1.0], [2.0], [3.0]], [[1.0], [2.0], [4.0]])


@pytest.mark.parametrize(
    ("ask", "error", "match"),
    [
        (lambda: nn.metrics.Precision(thresholds=[0.5, 1.5]), ag.DomainError, "Precision: thresholds are"),
        (lambda: nn.metrics.Recall()(np.ones(3), np.ones((2, 3))), ag.ShapeError, r"\(3,\), y_pred \(2, 3\)"),
        (lambda: nn.metrics.Recall(class_id=5)(np.ones((2, 3)), np.ones((2, 3))), ag.ShapeError, "class_id is 5"),
        (lambda: nn.metrics.Recall()(np.ones((2, 3)), np.ones((2, 3)), np.ones(4)), ag.ShapeError, "sample_weight"),
        (lambda: nn.metrics.Mean()(np.ones(3), np.ones(4)), ag.ShapeError, r"sample_weight has shape \(4,\)"),
        (lambda: nn.metrics.AUC(curve="RC"), ag.DomainError, "curve is 'RC'; expected one of"),
        (lambda: nn.metrics.AUC(summation_method="up"), ag.DomainError, "summation_method is 'up'"),
        (lambda: nn.metrics.AUC(num_thresholds=1), ag.DomainError, "num_thresholds is 1"),
        (lambda: nn.metrics.AUC(num_labels=3), ag.StructureError, "multi_label"),
        (lambda: nn.metrics.AUC(multi_label=True)(np.ones(3), np.ones(3)), ag.ShapeError, r"\(samples, labels\)"),
        (lambda: nn.metrics.F1Score(average="mean"), ag.DomainError, "average is 'mean'"),
        (lambda: nn.metrics.F1Score(threshold=0.0), ag.DomainError, "threshold is 0.0"),
        (lambda: nn.metrics.FBetaScore(beta=-1.0), ag.DomainError, "beta is -1.0"),
        (lambda: nn.metrics.F1Score()(LABELS, SCORES), ag.ShapeError, "need to_categorical"),
        (lambda: nn.metrics.R2Score()(np.ones(3), np.ones(3)), ag.ShapeError, r"reshape to \(-1, 1\)"),
        (lambda: nn.metrics.R2Score(num_regressors=-1), ag.DomainError, "num_regressors is -1"),
        (lambda: nn.metrics.R2Score("mean"), ag.DomainError, "class_aggregation is 'mean'"),
        (lambda: nn.metrics.ConfusionMatrix(2)([0, 2], [0, 1]), ag.DomainError, "y_true has labels from 0 to 2"),
        (lambda: nn.metrics.ConfusionMatrix(2)([0, 1], [0, 1, 1]), ag.ShapeError, r"\(2,\), y_pred \(3,\)"),
        (lambda: nn.metrics.ConfusionMatrix(2)([0, 1], [0, 1], [1.0]), ag.ShapeError, "one for each sample"),
        (lambda: nn.metrics.IoU(2, [0, 2]), ag.DomainError, "there are 2 classes"),
        (lambda: nn.metrics.PrecisionAtRecall(1.5), ag.DomainError, "recall is 1.5"),
        (lambda: nn.metrics.TopKCategoricalAccuracy()(LABELS, SCORES), ag.ShapeError, "need sparse_top_k"),
        (lambda: nn.metrics.SparseTopKCategoricalAccuracy()([3], SCORES[:1]), ag.DomainError, "must be 0 to 2"),
        (lambda: nn.metrics.get("precison"), ag.DomainError, "did you mean 'precision'"),
        (lambda: nn.metrics.get("SparseCategoricalAcc"), ag.DomainError, "did you mean 'SparseCategoricalAccuracy'"),
        (lambda: nn.metrics.get({"class_name": "Nothing"}), ag.DomainError, "Nothing"),
    ],
)
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given, what was expected."""
    with pytest.raises(error, match=match):
        ask()
