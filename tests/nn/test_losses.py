"""Losses: a check of the contract, then cross-entropy from logits, and bad input. All losses: test_losses_keras.py."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn

RNG = np.random.default_rng(0)
LABELS = np.array([2, 0, 1, 2, 1])
ONE_HOT = np.eye(3)[LABELS]
LOGITS = RNG.normal(size=(5, 3))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
SURPRISE = -np.log(PROBABILITIES[np.arange(5), LABELS])
SOFT = RNG.dirichlet(np.ones(3), size=5)


@dataclass(frozen=True)
class Case:
    """A loss, what it is given, and its value for each sample by another formula."""

    name: str
    make: Callable[..., nn.losses.Loss]
    y_true: np.ndarray
    y_pred: np.ndarray
    expected: np.ndarray

    def __str__(self):
        return self.name


losses = nn.losses
CASES = (
    Case("mse", losses.MeanSquaredError, SOFT, LOGITS, ((SOFT - LOGITS) ** 2).mean(axis=1)),
    Case("mse of a column against a row", losses.MeanSquaredError, np.arange(5.0), LOGITS[:, :1],
         (np.arange(5.0) - LOGITS[:, 0]) ** 2),
    Case("sparse", losses.SparseCategoricalCrossentropy, LABELS, PROBABILITIES, SURPRISE),
    Case("sparse, labels as a column of floats", losses.SparseCategoricalCrossentropy, LABELS[:, None] * 1.0,
         PROBABILITIES, SURPRISE),
    Case("sparse, sums that are not 1", losses.SparseCategoricalCrossentropy, LABELS, PROBABILITIES * 0.3, SURPRISE),
    Case("sparse from logits", lambda **o: losses.SparseCategoricalCrossentropy(from_logits=True, **o), LABELS, LOGITS,
         SURPRISE),
    Case("categorical", losses.CategoricalCrossentropy, ONE_HOT, PROBABILITIES, SURPRISE),
    Case("categorical from logits", lambda **o: losses.CategoricalCrossentropy(from_logits=True, **o), ONE_HOT, LOGITS,
         SURPRISE),
    Case("categorical, soft", losses.CategoricalCrossentropy, SOFT, PROBABILITIES,
         -(SOFT * np.log(PROBABILITIES)).sum(axis=1)),
    Case("categorical, smoothed", lambda **o: losses.CategoricalCrossentropy(label_smoothing=0.3, **o), ONE_HOT,
         PROBABILITIES, -((0.7 * ONE_HOT + 0.1) * np.log(PROBABILITIES)).sum(axis=1)),
    Case("a function", lambda **o: losses.LossFunctionWrapper(lambda t, p: abs(p - t).sum(axis=-1), **o), SOFT, LOGITS,
         abs(SOFT - LOGITS).sum(axis=1)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_reductions(case):
    """Per sample, the mean (by default), the sum, with weights and without."""
    weights = np.array([1.0, 0.0, 2.0, 0.5, 3.0])
    for reduction, plain, weighted in (
        ("sum_over_batch_size", case.expected.mean(), (case.expected * weights).mean()),
        ("mean", case.expected.mean(), (case.expected * weights).mean()),
        ("mean_with_sample_weight", case.expected.mean(), (case.expected * weights).sum() / weights.sum()),
        ("sum", case.expected.sum(), (case.expected * weights).sum()),
        ("none", case.expected, case.expected * weights),
        (None, case.expected, case.expected * weights),
    ):
        loss = case.make(reduction=reduction)
        np.testing.assert_allclose(loss(case.y_true, case.y_pred).numpy(), plain, rtol=1e-6)
        np.testing.assert_allclose(loss(case.y_true, case.y_pred, weights).numpy(), weighted, rtol=1e-6)
        np.testing.assert_allclose(loss(case.y_true, case.y_pred, weights[:, None]).numpy(), weighted, rtol=1e-6)
    np.testing.assert_allclose(case.make()(case.y_true, case.y_pred).numpy(), case.expected.mean(), rtol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_and_dtype(case):
    """The gradient agrees with differences, and float32 predictions give a float32 loss and gradient."""
    loss = case.make()
    y_pred = ag.Variable(case.y_pred)
    with ag.GradientTape() as tape:
        value = loss(case.y_true, y_pred)
    direction = RNG.normal(size=y_pred.shape)
    got = (tape.gradient(value, y_pred).numpy() * direction).sum()
    ends = [loss(case.y_true, case.y_pred + sign * 1e-6 * direction).item() for sign in (1, -1)]
    np.testing.assert_allclose(got, (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-8)

    narrow = ag.Variable(case.y_pred.astype("float32"))
    with ag.GradientTape() as tape:
        value = loss(case.y_true, narrow)
    assert (value.dtype, tape.gradient(value, narrow).dtype) == ("float32", "float32")
    np.testing.assert_allclose(value.item(), case.expected.mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mse", losses.MeanSquaredError),
        ("mean_squared_error", losses.MeanSquaredError),
        ("MeanSquaredError", losses.MeanSquaredError),
        ("categorical_crossentropy", losses.CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
    ],
)
def test_by_name(name, kind):
    """Strings as in Keras."""
    assert type(losses.get(name)) is kind


def test_by_other_things():
    """A class, an object, a function; and what is none of them."""
    assert isinstance(losses.get(losses.MeanSquaredError), losses.MeanSquaredError)
    loss = losses.MeanSquaredError()
    assert losses.get(loss) is loss
    assert losses.get(losses.mean_squared_error)([[1.0]], [[3.0]]).item() == 4.0
    with pytest.raises(ag.DomainError, match=r"no loss is called 'mze'; did you mean .mse.. Known: .*mse"):
        losses.get("mze")
    with pytest.raises(ag.ConversionError, match="got a float"):
        losses.get(0.5)
    with pytest.raises(ag.DomainError, match="reduction is 'average'"):
        losses.MeanSquaredError(reduction="average")


# Cross-entropy from the logits of a softmax

EXTREME = np.array([[1000.0, 0.0, -1000.0], [0.0, 200.0, 0.0], [-50.0, -51.0, -52.0]], dtype="float32")
EXTREME_LABELS = np.array([2, 0, 1])


def exact_surprise():
    z = EXTREME.astype("float64")
    z = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(3), EXTREME_LABELS]


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
def test_softmax_then_cross_entropy_is_stable(recorded, one_hot):
    """Losses of 2000 and gradients come out right though the probability is 0 in float32; on a tape or not."""
    function = losses.categorical_crossentropy if one_hot else losses.sparse_categorical_crossentropy
    y_true = np.eye(3)[EXTREME_LABELS] if one_hot else EXTREME_LABELS
    z = ag.Variable(EXTREME)
    if recorded:
        with ag.GradientTape() as tape:
            value = function(y_true, nn.activations.softmax(z))
        expected = nn.activations.softmax(EXTREME.astype("float64")).numpy() - np.eye(3)[EXTREME_LABELS]
        np.testing.assert_allclose(tape.gradient(value, z).numpy(), expected, atol=1e-6)
    else:
        value = function(y_true, nn.activations.softmax(z))
    np.testing.assert_allclose(value.numpy(), exact_surprise(), rtol=1e-6)


def test_a_model_ending_in_softmax_is_stable():
    """Also through Dense, Activation and Sequential, and in ``evaluate``, where no tape records."""
    for layers in (
        [nn.layers.Dense(3, activation="softmax", kernel_initializer="ones", input_dim=3)],
        [nn.layers.Dense(3, kernel_initializer="ones", input_dim=3), nn.layers.Activation("softmax")],
    ):
        model = nn.Sequential(layers)
        model.set_weights([np.eye(3), np.zeros(3)])
        model.compile(loss="sparse_categorical_crossentropy")
        np.testing.assert_allclose(
            model.evaluate(EXTREME, EXTREME_LABELS, verbose=0), exact_surprise().mean(), rtol=1e-6
        )


def test_only_an_untouched_softmax_over_the_last_axis_counts():
    """Anything done to the probabilities, or a softmax over another axis, is taken as probabilities."""
    z = ag.constant(RNG.normal(size=(3, 3)))
    p = nn.activations.softmax(z)
    expected = -np.log(p.numpy()[np.arange(3), [0, 1, 2]])
    for changed in (p * 1.0, p.copy(), anp.reshape(p, (3, 3)), p.numpy()):
        value = losses.sparse_categorical_crossentropy([0, 1, 2], changed)
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-6)
    columns = nn.activations.softmax(z, axis=0)
    rows = columns.numpy() / columns.numpy().sum(axis=1, keepdims=True)
    value = losses.sparse_categorical_crossentropy([0, 1, 2], columns)
    np.testing.assert_allclose(value.numpy(), -np.log(rows[np.arange(3), [0, 1, 2]]), rtol=1e-6)
    moved = nn.activations.softmax(z)
    moved *= 0.5  # the handle moves on to another value
    value = losses.sparse_categorical_crossentropy([0, 1, 2], moved * 2.0)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-6)


def test_probabilities_may_be_watched():
    """Probabilities made outside the tape and watched inside have a gradient of their own."""
    p = nn.activations.softmax(ag.constant(LOGITS))
    with ag.GradientTape() as tape:
        tape.watch(p)
        value = anp.sum(losses.categorical_crossentropy(ONE_HOT, p))
    expected = 1.0 - ONE_HOT / p.numpy()  # of -log(p[label] / sum(p)), where the sum is 1
    np.testing.assert_allclose(tape.gradient(value, p).numpy(), expected, rtol=1e-6)


def test_probabilities_watched_by_an_inner_tape():
    """The outer tape knows the logits, the inner one only the probabilities: it gets its gradient all the same."""
    z = ag.Variable(LOGITS)
    with ag.GradientTape() as outer:
        p = nn.activations.softmax(z)
        with ag.GradientTape() as inner:
            inner.watch(p)
            value = anp.sum(losses.categorical_crossentropy(ONE_HOT, p))
        np.testing.assert_allclose(inner.gradient(value, p).numpy(), 1.0 - ONE_HOT / PROBABILITIES, rtol=1e-6)
    np.testing.assert_allclose(outer.gradient(value, z).numpy(), PROBABILITIES - ONE_HOT, atol=1e-7)


def test_probabilities_inside_a_tape_are_passed_by():
    """The loss depends on the logits, as the module says; a copy of the probabilities is not passed by."""
    z = ag.Variable(LOGITS)
    with ag.GradientTape(persistent=True) as tape:
        p = nn.activations.softmax(z)
        through, by = losses.categorical_crossentropy(ONE_HOT, p.copy()), losses.categorical_crossentropy(ONE_HOT, p)
    assert tape.gradient(by, p) is None
    assert tape.gradient(through, p) is not None
    np.testing.assert_allclose(tape.gradient(by, z).numpy(), tape.gradient(through, z).numpy(), rtol=1e-6, atol=1e-9)


def test_second_derivatives_through_softmax_and_cross_entropy():
    """The Hessian of the cross-entropy in the logits is diag(p) - p p^T."""
    z = ag.Variable(LOGITS[0])
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            value = losses.sparse_categorical_crossentropy(1, nn.activations.softmax(z))
        gradient = inner.gradient(value, z)
    p = PROBABILITIES[0]
    np.testing.assert_allclose(outer.jacobian(gradient, z).numpy(), np.diag(p) - np.outer(p, p), atol=1e-12)


def test_from_logits_after_a_softmax_warns():
    """Softmax twice is a mistake that is easy to make."""
    with pytest.warns(UserWarning, match="from_logits=True, but y_pred is the result of a softmax"):
        losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS, nn.activations.softmax(LOGITS))


def test_probabilities_of_zero_are_limited():
    """As in Keras: a probability of 0 counts as 1e-7."""
    value = losses.sparse_categorical_crossentropy([1], [[1.0, 0.0]])
    np.testing.assert_allclose(value.item(), -np.log(1e-7), rtol=1e-3)


# Bad input

sparse, categorical = losses.sparse_categorical_crossentropy, losses.categorical_crossentropy


@pytest.mark.parametrize(
    ("ask", "error", "match"),
    [
        (lambda: sparse([0, 3], np.ones((2, 3))), ag.DomainError, "3"),
        (lambda: sparse([-1, 0], np.ones((2, 3))), ag.DomainError, "-1"),
        (lambda: sparse([0.5, 0], np.ones((2, 3))), ag.DomainError, "whole numbers, 0 to 2"),
        (lambda: sparse([0, 1, 2], np.ones((2, 3))), ag.ShapeError, r"shape \(3,\).*\(2, 3\)"),
        (lambda: sparse(np.eye(3), np.ones((3, 3))), ag.ShapeError, "use categorical_cross"),
        (lambda: categorical([0, 1], np.ones((2, 3))), ag.ShapeError, "need sparse_categorical_cross"),
        (lambda: categorical(np.eye(3), np.ones((3, 3)), label_smoothing=2), ag.DomainError, "smoothing"),
        (lambda: losses.mean_squared_error(np.ones(3), np.ones((3, 3))), ag.ShapeError, r"\(3,\), y_pred \(3, 3\)"),
    ],
)  # fmt: skip
def test_bad_input(ask, error, match):
    """Labels out of range, shapes that do not fit: one error that names what was given."""
    with pytest.raises(error, match=match):
        ask()


def test_a_label_out_of_range_in_training():
    """The error comes out of ``fit`` as it is."""
    model = nn.Sequential([nn.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ag.DomainError, match="7"):
        model.fit(np.ones((4, 2)), [0, 1, 2, 7], verbose=0)


def test_a_loss_of_ones_own_may_have_any_attribute():
    """What a subclass calls its own things is its own affair."""

    class Shifted(nn.losses.Loss):
        def __init__(self, mean):
            super().__init__()
            self.mean = mean

        def call(self, y_true, y_pred):
            return np.square(y_pred - y_true - self.mean)

    assert Shifted(1.0)(np.zeros(2), np.array([1.0, 3.0])).item() == 2.0
