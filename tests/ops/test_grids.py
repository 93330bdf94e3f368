"""Positions, grids, windows, polynomials, and functions called part by part: as NumPy's, with their gradients."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.errors import ConversionError, DomainError, ShapeError
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(0)


def draw(*shape):
    return RANDOM.normal(size=shape)


# -- positions ---------------------------------------------------------------------------------------------------------


def test_positions_are_numpys():
    x = draw(3, 4)
    t = ag.constant(x)
    for name, args in (("tril_indices", (3, 1, 4)), ("triu_indices", (3, -1)), ("diag_indices", (3, 3))):
        for own, other in zip(getattr(anp, name)(*args), getattr(np, name)(*args), strict=True):
            np.testing.assert_array_equal(own, other)
    for name in ("tril_indices_from", "triu_indices_from"):
        for space in (np, anp):
            np.testing.assert_array_equal(t[getattr(space, name)(t, 1)].numpy(), x[getattr(np, name)(x, 1)])
    np.testing.assert_array_equal(np.diag_indices_from(t[:, :3]), np.diag_indices_from(x[:, :3]))
    agrees(lambda x: x[anp.tril_indices(3, 0, 4)], x)
    with pytest.raises(ShapeError, match=r"tril_indices_from: got shape \(4,\)"):
        anp.tril_indices_from(t[0])
    with pytest.raises(ShapeError, match=r"triu_indices_from: got shape \(4,\)"):
        anp.triu_indices_from(t[0])
    with pytest.raises(ShapeError, match=r"diag_indices_from: got shape \(3, 4\)"):
        anp.diag_indices_from(t)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 4), (12,), 12, (2, 3, 2)])
@pytest.mark.parametrize("indices", [7, np.arange(12), np.arange(12).reshape(3, 4)])
def test_unravel_index(indices, shape, order):
    expected = np.unravel_index(indices, shape, order)
    t = ag.constant(indices)
    for found in (np.unravel_index(t, shape, order), ag.function(lambda i: anp.unravel_index(i, shape, order))(t)):
        assert len(found) == len(expected)
        for own, other in zip(found, expected, strict=True):
            assert isinstance(own, ag.Tensor)
            assert own.dtype == other.dtype
            np.testing.assert_array_equal(own.numpy(), other)


def test_unravel_index_messages():
    with pytest.raises(ValueError, match="out of bounds"):
        anp.unravel_index(12, (3, 4))
    with pytest.raises(DomainError, match="unravel_index: order must be"):
        ag.function(lambda i: anp.unravel_index(i, (3, 4), "K"))(np.array(3))


# -- grids and windows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [np.s_[0:3], np.s_[0:1:5j], np.s_[0:3, 1:2:4j], np.s_[0:2, 0:3, 0:4]])
def test_grids(key):
    for name in ("mgrid", "ogrid"):
        found, expected = getattr(anp, name)[key], getattr(np, name)[key]
        assert isinstance(found, tuple) == isinstance(expected, (tuple, list))
        for own, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(own.numpy(), other)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
def test_windows(count):
    for name in ("hanning", "hamming", "blackman", "bartlett"):
        found = getattr(anp, name)(count)
        assert isinstance(found, ag.Tensor)
        np.testing.assert_array_equal(found.numpy(), getattr(np, name)(count))
    for beta in (0.0, 2.0, 8.6):
        np.testing.assert_array_equal(anp.kaiser(count, beta).numpy(), np.kaiser(count, beta))
        np.testing.assert_allclose(anp.kaiser(count, ag.constant(beta)).numpy(), np.kaiser(count, beta), rtol=1e-12)
    if count:
        ag.testing.check_grads(lambda beta: anp.kaiser(count, beta), (2.0,), order=2)


# -- polyval -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 2, 4])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_polyval(length, shape):
    agrees(np.polyval, draw(length), draw(*shape), derivatives=2 if length else 0)


def test_polyval_of_other_kinds():
    x = ag.constant(draw(3).astype(np.float32))
    for p in ([1, 2], [1.0, 2.0], np.ones(2, np.float32), np.array([1j, 2])):
        expected = np.polyval(p, x.numpy())
        found = anp.polyval(p, x)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    p, x = draw(3, 2), draw(2)  # a polynomial for each entry
    agrees(np.polyval, p, x)
    with pytest.raises(ShapeError, match="polyval: the coefficients are one number"):
        anp.polyval(3.0, x)


# -- apply_along_axis --------------------------------------------------------------------------------------------------

ROWS = {
    "number": lambda row: np.sum(row**2),
    "vector": lambda row: np.cumsum(row)[1:],
    "matrix": lambda row: row[:, None] * row[None, :2],
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_apply_along_axis(name, axis):
    agrees(lambda x: np.apply_along_axis(ROWS[name], axis, x), draw(2, 3, 4))
    agrees(lambda x: np.apply_along_axis(ROWS[name], 0, x), draw(4))


def test_apply_along_axis_hands_arguments_on():
    x = draw(2, 3)
    found = anp.apply_along_axis(lambda row, a, b=0.0: a * row + b, 1, x, 2.0, b=1.0)
    np.testing.assert_allclose(found.numpy(), 2 * x + 1)
    assert anp.apply_along_axis(lambda row: 1.0, 0, x).shape == (3,)
    with pytest.raises(ShapeError, match="has no rows along axis 1"):
        anp.apply_along_axis(np.sum, 1, np.ones((0, 3)))


# -- piecewise ---------------------------------------------------------------------------------------------------------


def conditions(x):
    return [x < -0.5, (x > 0) & (x < 1), x > 0.8]


def test_piecewise():
    x = draw(4, 5)
    functions = [lambda x: x**2, lambda x: np.log(x), lambda x: np.sqrt(x) + 1]
    agrees(lambda x: np.piecewise(x, conditions(x), functions), x)
    agrees(lambda x: np.piecewise(x, conditions(x), [*functions, np.exp]), x)
    agrees(lambda x: np.piecewise(x, conditions(x), [1.0, *functions[1:], -1.0]), x)
    agrees(lambda x: np.piecewise(x, x > 0, [np.log, np.exp]), x[0])  # one condition
    np.testing.assert_array_equal(anp.piecewise(x, x > 0, [1, -1]).numpy(), np.sign(x))
    agrees(lambda x: np.piecewise(x, [x > 0], [lambda x, a, b: a * x + b, 0.0], 2.0, b=3.0), x)
    for entry in (0.5, -0.1, 2.0):
        agrees(lambda x: np.piecewise(x, conditions(x), [*functions, np.exp]), np.array(entry))
    agrees(lambda x: np.piecewise(x, [x < 2], [lambda x: x + 0.5]), np.arange(4), derivatives=0)  # integers stay


def test_piecewise_calls_with_the_entries_that_hold():
    """``log`` never sees what is not positive; a function may look at all of its entries."""
    x = np.array([-1.0, 0.0, 1.0, 3.0])
    f = lambda x: anp.piecewise(x, [x > 0], [lambda x: x - np.mean(x), 5.0])
    np.testing.assert_allclose(f(x).numpy(), [5, 5, -1, 1])
    with np.errstate(all="raise"):
        gradient = ag.grad(lambda x: np.sum(anp.piecewise(x, [x > 0], [np.log])))(x)
    np.testing.assert_allclose(gradient, [0, 0, 1, 1 / 3])


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_piecewise_in_plans_and_maps():
    x = draw(3, 5)
    f = lambda x: np.sum(anp.piecewise(x, conditions(x), [np.square, np.log, np.sqrt, np.exp]))
    wanted = ag.grad(f)(x)
    np.testing.assert_allclose(ag.function(ag.grad(f))(x), wanted)
    np.testing.assert_allclose(ag.vmap(ag.grad(f))(x), wanted)


def test_piecewise_messages():
    with pytest.raises(ShapeError, match=r"got 1 condition\(s\) and 3 function\(s\)"):
        anp.piecewise(draw(3), [np.ones(3, bool)], [1, 2, 3])
    with pytest.raises(ShapeError, match=r"a condition has shape \(2,\), x has shape \(3,\)"):
        anp.piecewise(draw(3), [np.ones(2, bool)], [1.0])


# -- vectorize ---------------------------------------------------------------------------------------------------------


def larger(x, y):
    """The larger one, squared."""
    return x * x if x > y else y * y


def test_vectorize():
    a, b = draw(2, 3), draw(3)
    f = anp.vectorize(larger)
    assert (f.__name__, f.__doc__) == ("larger", larger.__doc__)
    np.testing.assert_allclose(f(a, b).numpy(), np.vectorize(larger)(a, b))
    np.testing.assert_allclose(f(a, y=b).numpy(), np.vectorize(larger)(a, b))
    assert f(1.0, 2.0).shape == ()
    ag.testing.check_grads(f, (a, b), order=2)
    both = anp.vectorize(lambda x: (x, 2 * x), otypes="fd")(a)
    assert [each.dtype.char for each in both] == ["f", "d"]
    np.testing.assert_allclose(both[1].numpy(), 2 * a)


def test_vectorize_with_what_is_handed_on():
    power = anp.vectorize(lambda x, p, *, q: sum(c * x for c in p) + q["add"], excluded={1, "q"})
    np.testing.assert_allclose(power(np.ones(2), [1.0, 2.0], q={"add": 3.0}).numpy(), [6, 6])


@pytest.mark.parametrize("signature", ["(n),(n)->()", "(n),(n)->(n)", "(m,n),(n)->(m)"])
def test_vectorize_with_a_signature(signature):
    inner = {"(n),(n)->()": np.dot, "(n),(n)->(n)": np.multiply, "(m,n),(n)->(m)": np.matmul}
    a, b = draw(2, 4, 3), draw(4, 3) if signature.startswith("(n)") else draw(2, 3)
    function = anp.vectorize(inner[signature], signature=signature)
    np.testing.assert_allclose(function(a, b).numpy(), np.vectorize(inner[signature], signature=signature)(a, b))
    ag.testing.check_grads(function, (a, b))


def test_vectorize_messages():
    with pytest.raises(DomainError, match=r"the signature 'n,n' is not of the form"):
        anp.vectorize(larger, signature="n,n")
    with pytest.raises(ShapeError, match="is the signature of 2 arrays; got 1"):
        anp.vectorize(larger, signature="(n),(n)->()")(draw(3))
    with pytest.raises(ShapeError, match=r"got shapes \(3,\), \(\) for the signature"):
        anp.vectorize(larger, signature="(n),(n)->()")(draw(3), 1.0)
    with pytest.raises(ShapeError, match="there are no entries"):
        anp.vectorize(larger)(draw(0), 1.0)
    with ag.GradientTape(), pytest.raises(ConversionError):
        np.vectorize(larger)(ag.Variable(draw(3)), 1.0)
