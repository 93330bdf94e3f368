"""Arrays from values and shapes: NumPy's values, weak numbers, gradients through what is made of Tensors."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

T = ag.constant(np.float32([1.0, 2.0]))


@pytest.mark.parametrize(
    ("name", "args", "keywords"),
    [
        ("zeros", ((2, 3),), {}), ("ones", (4,), {"dtype": "int32"}), ("full", ((2,), 1.5), {}),
        ("empty", ((0, 2),), {}),
        ("eye", (3,), {"k": 1}), ("identity", (2,), {}), ("arange", (2, 9, 3), {}), ("linspace", (0.0, 1.0, 5), {}),
        ("logspace", (0.0, 2.0, 3), {}), ("geomspace", (1.0, 8.0, 4), {}), ("tri", (3, 4), {"k": -1}),
        ("zeros_like", (np.ones((2, 3), "f"),), {}), ("ones_like", (np.ones(2, int),), {"shape": (3,)}),
        ("full_like", (np.ones(2, "f"), 3), {}), ("array", ([[1, 2], [3, 4]],), {}), ("asarray", ([1.5, 2],), {}),
        ("array", ([1, 2],), {"ndmin": 3}), ("indices", ((2, 3),), {}),
        ("fromfunction", (lambda i, j: i + j, (2, 3)), {}),
    ],
)  # fmt: skip
def test_values_are_numpys(name, args, keywords):
    found, expected = getattr(anp, name)(*args, **keywords), getattr(np, name)(*args, **keywords)
    assert isinstance(found, ag.Tensor)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-15)


def test_lists_with_tensors():
    """They are stacked at any depth, with their gradients; numbers beside them do not widen float32."""
    v = ag.Variable(np.float32([1.0, 2.0]))
    with ag.GradientTape() as tape:
        x = anp.array([[v[0], 3.0], [v[1] * 2.0, v[0]]])
        y = np.sum(x * x)
    assert x.dtype == np.float32
    assert tape.gradient(y, v).tolist() == [4.0, 16.0]


def test_gradients_of_what_is_made_of_values():
    ag.testing.check_grads(lambda a, b: np.linspace(a, b, 5) ** 2, (1.0, 3.0))
    ag.testing.check_grads(lambda a: np.full_like(np.ones((2, 2)) * a, a) * a, (1.5,))
    ag.testing.check_grads(lambda a: anp.full((2, 3), a) ** 2, (1.5,))
    ag.testing.check_grads(lambda x: anp.array(x) * anp.asarray(x), (np.ones(3),))


def test_a_copy_is_a_copy():
    """What the caller does to an array afterwards changes no Tensor."""
    array = np.ones(3)
    made = [anp.array(array), anp.asarray(array), ag.constant(array), ag.Tensor(array), anp.from_dlpack(array)]
    array[:] = 5.0
    assert all(t.tolist() == [1.0, 1.0, 1.0] for t in made)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: anp.zeros((-1, 2)), ag.ShapeError, "-1"),
        (lambda: anp.array([T, T[:1]]), ag.ShapeError, r"\(1,\), \(2,\)"),
        (lambda: anp.array(["a"]), ag.ConversionError, "<U1"),
        (lambda: anp.array([[1.0, 2.0], [3.0]]), ag.ConversionError, "inhomogeneous"),
        (lambda: anp.zeros(2, device="gpu"), ag.UnsupportedError, "gpu"),
        (lambda: anp.zeros(2, dtype="U3"), ag.DtypeError, "U3"),
        (lambda: anp.linspace(0, 1, -1), (ag.ShapeError, ValueError), "-1"),
    ],
)
def test_mistakes_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_linspace_ends_exactly_where_it_is_told():
    """Of Tensors too, the last value is ``stop`` to the last digit."""
    for low, high in np.random.default_rng(0).normal(size=(50, 2)):
        made = np.linspace(ag.constant(low), ag.constant(high), 5)
        assert made[-1].item() == high
        np.testing.assert_allclose(made.numpy(), np.linspace(low, high, 5), rtol=1e-15, atol=1e-15)
