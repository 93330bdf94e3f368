"""Losses by hand: numbers from books, logits behind a sigmoid, weights, empty batches, mistakes."""

import math

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
import optim

losses = nn.losses
RNG = np.random.default_rng(0)
ONE_HOT = np.eye(10)[2]
GUESS = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
WRONG = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])


def test_half_sum_of_squares():
    """A number from a book, as function, object and string; its gradient is the error."""
    assert losses.half_sum_of_squares(ONE_HOT, GUESS).item() == pytest.approx(0.0975, abs=1e-15)
    assert losses.half_sum_of_squares(ONE_HOT, WRONG).item() == pytest.approx(0.5975, abs=1e-15)
    assert losses.get("half_sum_of_squares")(ONE_HOT[None], GUESS[None]).item() == pytest.approx(0.0975, abs=1e-15)
    y_pred = ag.Variable(GUESS[None])
    with ag.GradientTape() as tape:
        value = losses.HalfSumOfSquares()(ONE_HOT[None], y_pred)
    np.testing.assert_allclose(tape.gradient(value, y_pred).numpy()[0], GUESS - ONE_HOT, atol=1e-16)
    rows = losses.HalfSumOfSquares(reduction="none")(np.stack([ONE_HOT, ONE_HOT]), np.stack([GUESS, WRONG]))
    np.testing.assert_allclose(rows.numpy(), [0.0975, 0.5975])


def test_cross_entropy_by_hand():
    """With 1e-7 inside the logarithm, as a book writes it; and what the loss itself gives."""

    def by_hand(y, t):
        return -anp.sum(t * anp.log(y + 1e-7))

    assert by_hand(GUESS, ONE_HOT).item() == pytest.approx(0.510825457099338, abs=1e-15)
    assert by_hand(WRONG, ONE_HOT).item() == pytest.approx(2.302584092994546, abs=1e-15)
    assert losses.categorical_crossentropy(ONE_HOT, GUESS).item() == pytest.approx(-math.log(0.6), rel=1e-12)
    assert losses.sparse_categorical_crossentropy(2, GUESS).item() == pytest.approx(-math.log(0.6), rel=1e-12)


def test_cross_entropy_is_entropy_and_divergence():
    """H(p, q) = H(p) + KL(p, q)."""
    p, q = RNG.dirichlet(np.ones(5)), RNG.dirichlet(np.ones(5))
    entropy = -(p * np.log(p)).sum()
    together = entropy + losses.kl_divergence(p, q).item()
    assert losses.categorical_crossentropy(p, q).item() == pytest.approx(together, rel=1e-12)


# Logits behind a sigmoid

EXTREME = np.array([[1000.0, -1000.0], [-1000.0, 1000.0], [50.0, -3.0]], dtype="float32")
BITS = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_sigmoid_then_binary_cross_entropy_is_stable(smoothing):
    """Losses of 1000 and gradients that are not 0, though the probability is 0 in float32."""
    z = ag.Variable(EXTREME)
    with ag.GradientTape() as tape:
        value = losses.BinaryCrossentropy(label_smoothing=smoothing)(BITS, nn.activations.sigmoid(z))
    t = BITS * (1 - smoothing) + smoothing / 2
    wide = EXTREME.astype("float64")
    expected = np.maximum(wide, 0) - wide * t + np.log1p(np.exp(-abs(wide)))
    assert value.dtype == "float32"
    np.testing.assert_allclose(value.item(), expected.mean(), rtol=1e-6)
    slopes = (1 / (1 + np.exp(-np.clip(wide, -100, 100))) - t) / wide.size
    np.testing.assert_allclose(tape.gradient(value, z).numpy(), slopes, rtol=1e-5, atol=1e-8)


def test_a_model_ending_in_sigmoid_is_stable():
    """Through Dense: one step of training moves a unit that is wrong by a logit of 200."""
    model = nn.Sequential([nn.layers.Dense(1, activation="sigmoid", kernel_initializer="ones", input_dim=1)])
    model.compile(optim.SGD(0.001), "binary_crossentropy")
    loss = model.fit(np.full((4, 1), 200.0, "float32"), np.zeros(4), epochs=1, verbose=0).history["loss"]
    assert loss == [200.0]
    assert model.get_weights()[0].item() == pytest.approx(1 - 0.001 * 200)


def test_only_an_untouched_sigmoid_counts():
    """Anything done to the probabilities is taken as it is: limited to 1e-7."""
    z = ag.Variable([[-30.0]])
    with ag.GradientTape(persistent=True) as tape:
        p = nn.activations.sigmoid(z)
        through, by = losses.binary_crossentropy([[1.0]], p * 1.0), losses.binary_crossentropy([[1.0]], p)
    assert by.item() == pytest.approx(30.0)
    assert through.item() == pytest.approx(-math.log(1e-7))
    assert tape.gradient(by, z).item() == pytest.approx(-1.0)
    with ag.GradientTape() as tape:
        tape.watch(p)
        value = losses.binary_crossentropy([[0.25]], p)
    assert tape.gradient(value, p) is not None


def test_from_logits_after_a_sigmoid_warns():
    """A sigmoid twice is a mistake that is easy to make."""
    z = ag.Variable([[1.0]])
    with ag.GradientTape():
        p = nn.activations.sigmoid(z)
        with pytest.warns(UserWarning, match="result of a sigmoid: leave the sigmoid out"):
            losses.BinaryCrossentropy(from_logits=True)([[1.0]], p)


# Large and small


def test_log_cosh_of_large_errors():
    """cosh overflows at 90 in float32; the loss is then the error less log 2."""
    value = losses.LogCosh()(np.zeros((1, 2), "float32"), np.array([[1e4, -1e30]], "float32"))
    assert value.item() == pytest.approx(5e29, rel=1e-6)
    y_pred = ag.Variable([[800.0, -800.0]])
    with ag.GradientTape() as tape:
        value = losses.LogCosh()([[0.0, 0.0]], y_pred)
    assert value.item() == pytest.approx(800 - math.log(2))
    np.testing.assert_allclose(tape.gradient(value, y_pred).numpy(), [[0.5, -0.5]])


def test_gradient_of_cosine_similarity_at_zero():
    """A prediction of zeros has a gradient all the same."""
    y_pred = ag.Variable([[0.0, 0.0]])
    with ag.GradientTape() as tape:
        value = losses.CosineSimilarity()([[3.0, 4.0]], y_pred)
    assert value.item() == 0.0
    assert np.isfinite(tape.gradient(value, y_pred).numpy()).all()


def test_ignored_labels_have_no_gradient():
    """Not even where the probabilities are all 0; and the mean is over the others."""
    y_pred = ag.Variable([[0.2, 0.8], [0.0, 0.0]])
    with ag.GradientTape() as tape:
        value = losses.SparseCategoricalCrossentropy(ignore_class=255, from_logits=True)([1, 255], y_pred)
    np.testing.assert_allclose(value.item(), math.log(1 + math.exp(-0.6)))
    np.testing.assert_array_equal(tape.gradient(value, y_pred).numpy()[1], 0.0)
    everything = losses.SparseCategoricalCrossentropy(ignore_class=255)([255, 255], y_pred)
    assert everything.item() == 0.0


# Weights and sizes


def test_fewer_axes_of_weights_stand_for_samples():
    """One weight per sample also where a sample has several losses."""
    y_true, y_pred = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4))
    each = losses.MeanSquaredError(reduction="none")
    weights = np.array([1.0, 3.0])
    expected = each(y_true, y_pred).numpy() * weights[:, None]
    np.testing.assert_allclose(each(y_true, y_pred, weights).numpy(), expected)
    np.testing.assert_allclose(each(y_true, y_pred, 2.0).numpy(), 2 * each(y_true, y_pred).numpy())


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("name", ["mse", "bce", "categorical_crossentropy", "sparse_categorical_crossentropy", "huber"])
def test_nothing_costs_nothing(name, reduction):
    """An empty batch: 0, not NaN."""
    loss = losses.get(name)
    loss = type(loss)(reduction=reduction)
    y_true = np.zeros(0, int) if name.startswith("sparse") else np.zeros((0, 3))
    for weights in (None, np.zeros(0)):
        value = loss(y_true, np.zeros((0, 3), "float32"), weights)
        assert (value.item(), value.dtype, value.shape) == (0.0, "float32", ())
    if name.startswith("sparse"):
        assert loss(y_true, nn.activations.softmax(np.zeros((0, 3), "float32"))).item() == 0.0
    else:
        assert loss(np.ones((2, 3)), np.full((2, 3), 0.5), np.zeros(2)).item() == 0.0


def test_used_again():
    """The same object, on other shapes and dtypes."""
    loss = losses.Huber(delta=0.5)
    assert loss([[1.0]], [[3.0]]).item() == loss([[1.0]], [[3.0]]).item() == 0.875
    assert loss(np.ones((2, 3)), np.ones((2, 3), "float32")).item() == 0.0
    assert loss([1, 2], [1, 2]).dtype == "float32"  # integers


# Mistakes


@pytest.mark.parametrize(
    ("ask", "error", "match"),
    [
        (lambda: losses.mean_absolute_error(np.ones((2, 3)), np.ones((3, 3))), ag.ShapeError,
         r"mean_absolute_error.*\(2, 3\)"),
        (lambda: losses.binary_crossentropy(np.ones(3), np.ones((3, 2))), ag.ShapeError, r"\(3,\), y_pred \(3, 2\)"),
        (lambda: losses.mean_squared_error(1.0, 2.0), ag.ShapeError, r"at least one axis.*Write \[y_true\]"),
        (lambda: losses.binary_crossentropy([1.0], [0.5], label_smoothing=-1), ag.DomainError, "smoothing is -1"),
        (lambda: losses.huber([1.0], [0.5], delta=0), ag.DomainError, "delta is 0"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.5), ag.DomainError, "q is 1.5"),
        (lambda: losses.categorical_hinge([0, 1], np.ones((2, 3))), ag.ShapeError, "one-hot"),
        (lambda: losses.sparse_categorical_crossentropy([0, 7], np.ones((2, 3))), ag.DomainError,
         r"labels \[7\].*0 to 2"),
        (lambda: losses.MeanSquaredError()(np.ones((4, 2)), np.ones((4, 2)), np.ones(3)), ag.ShapeError,
         r"sample_weight has shape \(3,\), the losses of the samples \(4,\)"),
        (lambda: losses.MeanSquaredError(reduction="avg"), ag.DomainError, "reduction is 'avg'"),
        (lambda: losses.get("mean_squared_eror"), ag.DomainError, "did you mean 'mean_squared_error'"),
        (lambda: losses.get("BinaryCrossEntrop"), ag.DomainError, "did you mean 'BinaryCrossentropy'"),
        (lambda: losses.get("mze"), ag.DomainError, "did you mean 'mse'"),
        (lambda: losses.get("?"), ag.DomainError, r"known: .*msle\.$"),
        (lambda: losses.get({"class_name": "Nothing"}), ag.DomainError, "Nothing"),
        (lambda: losses.get(3), ag.ConversionError, "got a int"),
    ],
)  # fmt: skip
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given, what was expected."""
    with pytest.raises(error, match=match):
        ask()
