"""Random numbers: NumPy's values for the same seed, TensorFlow's arguments, gradients of what is moved or stretched."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

SIZE = (3, 4)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("random", ()), ("standard_normal", ()), ("standard_exponential", ()), ("uniform", (2.0, 5.0)),
        ("uniform", (np.arange(4.0), 9.0)), ("normal", (1.0, 2.0)), ("exponential", (3.0,)), ("laplace", (1.0, 2.0)),
        ("logistic", (1.0, 2.0)), ("gumbel", (1.0, 2.0)), ("lognormal", (0.1, 0.5)), ("gamma", (2.0, 3.0)),
        ("integers", (2, 9)), ("integers", (5,)), ("beta", (1.0, 2.0)), ("binomial", (5, 0.3)), ("poisson", (3.0,)),
        ("geometric", (0.3,)), ("chisquare", (3.0,)), ("standard_t", (3.0,)), ("standard_cauchy", ()),
        ("multinomial", (5, [0.2, 0.8])), ("dirichlet", ([1.0, 2.0],)), ("choice", (7,)),
    ],
)  # fmt: skip
def test_numbers_are_numpys(name, args):
    """The same seed, function and arguments: the same numbers."""
    found = getattr(anp.random.default_rng(4), name)(*args, size=SIZE)
    expected = getattr(np.random.default_rng(4), name)(*args, size=SIZE)
    assert isinstance(found, ag.Tensor)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)


def test_seed_starts_the_modules_generator_anew():
    anp.random.seed(1)
    first = [anp.random.normal(size=3).tolist(), anp.random.rand(2).tolist(), anp.random.permutation(9).tolist()]
    anp.random.set_seed(1)
    again = [anp.random.normal(size=3).tolist(), anp.random.rand(2).tolist(), anp.random.permutation(9).tolist()]
    assert first == again
    assert first[0] == np.random.default_rng(1).normal(size=3).tolist()
    own = anp.random.default_rng(1)
    assert anp.random.default_rng(own) is own


def test_forms_of_arguments():
    """NumPy's (low, high, size) and TensorFlow's (shape, minval, maxval): a tuple of integers in front is a shape."""
    rng = anp.random.default_rng(0)
    assert rng.uniform().shape == ()
    assert rng.uniform(1.0, 2.0, (2, 3)).dtype == np.float64
    for x in (
        rng.uniform((2, 3)),
        rng.uniform([2, 3], 5.0, 6.0),
        rng.uniform(shape=(2, 3), minval=5.0, maxval=6.0),
        rng.uniform((2, 3), minval=5.0, maxval=6.0, dtype="float32"),
        rng.normal((2, 3)),
        rng.normal((2, 3), 5.0, 0.01),
        rng.normal(shape=(2, 3), mean=5.0, stddev=0.01),
        rng.truncated_normal((2, 3)),
    ):
        assert x.shape == (2, 3)
        assert x.dtype == np.float32
    assert rng.uniform((100,), 5.0, 6.0).numpy().min() >= 5
    assert abs(rng.normal((100,), 5.0, 0.01).numpy().mean() - 5) < 0.01
    assert np.abs(rng.truncated_normal((1000,), stddev=0.5).numpy()).max() <= 1
    assert set(rng.uniform((200,), 3, 6, dtype="int64").tolist()) == {3, 4, 5}
    assert rng.normal((5,), seed=3).tolist() == rng.normal((5,), seed=3).tolist()
    assert rng.uniform(np.array([0, 10]), np.array([1, 11])).numpy()[1] >= 10
    assert anp.random.randint(3, size=5).dtype == np.int64
    assert anp.random.randn(2, 3).shape == (2, 3)
    assert rng.normal((0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    ("draw", "parameters"),
    [
        (lambda rng, low, high: rng.uniform(low, high, (5, 2)), (0.5, np.array([2.0, 3.0]))),
        (lambda rng, loc, scale: rng.normal(loc, scale, (5, 2)), (0.5, np.array([2.0, 3.0]))),
        (lambda rng, mean, stddev: rng.normal((5, 2), mean, stddev, "float64"), (0.5, np.array([2.0, 3.0]))),
        (lambda rng, mean: rng.truncated_normal((5, 2), mean, dtype="float64"), (0.5,)),
        (lambda rng, scale: rng.exponential(scale, 5), (2.0,)),
        (lambda rng, loc, scale: rng.laplace(loc, scale, 5), (0.5, 2.0)),
        (lambda rng, loc, scale: rng.logistic(loc, scale, 5), (0.5, 2.0)),
        (lambda rng, loc, scale: rng.gumbel(loc, scale, 5), (0.5, 2.0)),
        (lambda rng, mean, sigma: rng.lognormal(mean, sigma, 5), (0.5, 0.3)),
        (lambda rng, scale: rng.gamma(2.0, scale, 5), (0.5,)),
        (lambda rng, mean, cov: rng.multivariate_normal(mean, cov, 5), (np.ones(2), np.array([[2.0, 0.5], [0.5, 1]]))),
        (lambda rng, x: rng.permutation(x) * np.arange(4.0), (np.arange(4.0),)),
        (lambda rng, x: rng.choice(x, 9), (np.arange(4.0),)),
    ],
)
def test_gradients_of_what_moves_and_stretches(draw, parameters):
    ag.testing.check_grads(lambda *args: draw(anp.random.default_rng(2), *args), parameters)


def test_multivariate_normal_has_its_moments():
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    x = anp.random.default_rng(0).multivariate_normal([1.0, -1.0], cov, 200_000).numpy()
    np.testing.assert_allclose(x.mean(0), [1.0, -1.0], atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), cov, atol=0.02)


def test_a_tracked_parameter_without_a_derivative_is_refused():
    v = ag.Variable(2.0)
    rng = anp.random.default_rng(0)
    for draw in (
        lambda: rng.gamma(v),
        lambda: rng.poisson(v),
        lambda: rng.beta(v * 1.0, 1.0),
        lambda: rng.choice(2, p=np.stack([v * 0.25, 1 - v * 0.25])),
    ):
        with ag.GradientTape(), pytest.raises(ag.ConversionError, match="cut silently"):
            draw()


def test_shuffle_in_place():
    x = ag.constant(np.arange(9.0))
    anp.random.default_rng(0).shuffle(x)
    assert sorted(x.tolist()) == list(range(9))
    assert x.tolist() != list(range(9))


@pytest.mark.parametrize(
    ("draw", "error", "says"),
    [
        (lambda r: r.normal(0.0, -1.0), ag.DomainError, r"scale must be 0 or more; got -1\.0"),
        (lambda r: r.uniform(size=-1), ag.ShapeError, r"\(-1,\)"),
        (lambda r: r.uniform(size=2.5), ag.ShapeError, "2.5"),
        (lambda r: r.uniform(np.ones(3), np.ones(2)), ag.ShapeError, r"\(3,\), \(2,\)"),
        (lambda r: r.normal(np.ones(3), 1.0, (2,)), ag.ShapeError, r"\(3,\) do not broadcast to size \(2,\)"),
        (lambda r: r.uniform((2,), dtype="int32"), ag.DomainError, "maxval"),
        (lambda r: r.normal((2,), dtype="int32"), ag.DtypeError, "int32"),
        (lambda r: r.binomial(3, 1.5), ag.DomainError, r"binomial\(n=3, p=1\.5"),
        (lambda r: r.choice(3, 5, replace=False), ag.DomainError, "of 3 entries"),
        (lambda r: r.multivariate_normal(np.ones(2), np.ones(2)), ag.ShapeError, r"\(n, n\)"),
        (lambda r: anp.random.default_rng(-1), ag.DomainError, "-1"),
    ],
)
def test_mistakes_are_named(draw, error, says):
    with pytest.raises(error, match=says):
        draw(anp.random.default_rng(0))
