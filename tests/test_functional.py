"""The transforms: grad and its relatives, alone, inside one another, and inside tapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag


def numerical(f, x, eps=1e-6):
    """Central differences of a scalar function, entry by entry; d/dx + i d/dy for complex entries."""
    x = np.asarray(x)
    result = np.zeros(x.shape, x.dtype)
    for index in np.ndindex(x.shape):
        for unit in (1.0, 1j) if x.dtype.kind == "c" else (1.0,):
            shift = np.zeros(x.shape, x.dtype)
            shift[index] = unit * eps
            result[index] += unit * (float(f(x + shift)) - float(f(x - shift))) / (2 * eps)
    return result


def poly(x):
    return np.sum(x**3.0) + x[0] * x[1]


X = np.array([1.0, -2.0, 0.5])

# -- kinds of arguments and results ------------------------------------------------------------------------------------


def test_plain_in_plain_out():
    """NumPy arrays and Python numbers give NumPy arrays and scalars, by every transform."""
    assert type(ag.grad(poly)(X)) is np.ndarray
    assert type(ag.grad(lambda x: x * x)(3.0)) is np.float64
    value, gradient = ag.value_and_grad(poly)(X)
    assert type(value) is np.float64
    assert type(gradient) is np.ndarray
    out, pull = ag.vjp(np.sin, X)
    assert type(out) is type(pull(np.ones(3))[0]) is np.ndarray
    assert [type(entry) for entry in ag.jvp(np.sin, (X,), (X,))] == [np.ndarray] * 2
    for mode in ("rev", "fwd", "auto"):
        assert type(ag.jacobian(np.sin, mode=mode)(X)) is np.ndarray
    assert type(ag.hessian(poly)(X)) is np.ndarray
    assert type(ag.hvp(poly, (X,), (X,))[0]) is np.ndarray
    assert type(ag.elementwise_grad(np.sin)(X)) is np.ndarray
    assert type(ag.value_and_grad(lambda x: (poly(x), {"aux": x * 2.0}), has_aux=True)(X)[0][1]["aux"]) is np.ndarray


@pytest.mark.parametrize("kind", [ag.Tensor, ag.Variable])
def test_tensors_in_tensors_out(kind):
    """One Tensor or Variable among the arguments, and results are Tensors."""
    x = kind(X)
    results = [ag.grad(poly)(x), *ag.value_and_grad(poly)(x), ag.hessian(poly)(x), ag.hvp(poly, (x,), (X,))[0]]
    results += [ag.jacobian(np.sin)(x), *ag.jvp(np.sin, (x,), (X,)), ag.jvp(np.sin, (X,), (ag.constant(X),))[1]]
    out, pull = ag.vjp(np.sin, x)
    results += [out, pull(X)[0], ag.vjp(np.sin, X)[1](ag.constant(X))[0]]
    results += [ag.grad(lambda x, y: np.sum(x * y))(X, x)]
    assert all(type(result) is ag.Tensor for result in results)


def test_a_result_is_the_callers_own():
    """Writing to what a transform gave, or to what it was given, changes nothing that comes later."""
    x = X.copy()
    out, pull = ag.vjp(lambda x: x, x)
    out[:] = 7.0
    x[:] = 9.0
    np.testing.assert_array_equal(pull(np.ones(3))[0], np.ones(3))
    out, pull = ag.vjp(np.square, y := X.copy())
    y[:] = 9.0
    ct = np.ones(3)
    first = pull(ct)[0]
    first[:] = 5.0
    np.testing.assert_array_equal(pull(ct)[0], 2.0 * X)


def test_argnums_aux_and_keywords():
    """An int gives one gradient, a sequence a tuple; negative numbers count from the end; keywords go through."""

    def f(x, y, *, power=2.0):
        return np.sum(x * y**power)

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    np.testing.assert_allclose(ag.grad(f)(x, y), y**2)
    np.testing.assert_allclose(ag.grad(f, argnums=-1)(x, y, power=3.0), 3.0 * x * y**2)
    both = ag.grad(f, argnums=(1, 0))(x, y)
    assert isinstance(both, tuple)
    np.testing.assert_allclose(both[0], 2.0 * x * y)
    np.testing.assert_allclose(both[1], y**2)
    assert len(ag.grad(f, argnums=[0])(x, y)) == 1
    gradient, aux = ag.grad(lambda x: (np.sum(x), "aux"), has_aux=True)(x)
    assert aux == "aux"
    (value, aux), gradient = ag.value_and_grad(lambda x: (np.sum(x), x[0]), has_aux=True)(x)
    assert (value, aux) == (3.0, 1.0)
    assert gradient.tolist() == [1.0, 1.0]
    *_, aux = ag.vjp(lambda x: (x * 2.0, "aux"), x, has_aux=True)
    assert aux == ag.jvp(lambda x: (x * 2.0, "aux"), (x,), (x,), has_aux=True)[2] == "aux"


def test_nested_arguments_and_results():
    """Dicts, lists and tuples, in and out, by every transform."""
    params = {"w": np.array([[1.0, 2.0]]), "rest": [np.array([3.0]), (2.0,)]}

    def f(p):
        return np.sum(p["w"] * p["rest"][0]) * p["rest"][1][0]

    gradient = ag.grad(f)(params)
    assert gradient["w"].tolist() == [[6.0, 6.0]]
    assert gradient["rest"][0].tolist() == [6.0]
    assert gradient["rest"][1] == (9.0,)

    def several(p):
        return {"a": p["w"] * 2.0, "b": (f(p),)}

    out, pull = ag.vjp(several, params)
    assert out["b"] == (18.0,)
    (pulled,) = pull({"a": np.ones((1, 2)), "b": (1.0,)})
    assert pulled["w"].tolist() == [[8.0, 8.0]]
    _, pushed = ag.jvp(several, (params,), (params,))
    assert pushed["a"].tolist() == [[2.0, 4.0]]
    assert pushed["b"] == (54.0,)  # of degree three: three times the value
    for mode in ("rev", "fwd"):
        jacobian = ag.jacobian(several, mode=mode)(params)
        assert jacobian["a"]["w"].shape == (1, 2, 1, 2)
        assert jacobian["a"]["rest"][0].shape == (1, 2, 1)
        assert jacobian["b"][0]["rest"][1][0] == pytest.approx(9.0)
    hessian = ag.hessian(f)(params)
    assert hessian["w"]["rest"][0].shape == (1, 2, 1)
    assert hessian["rest"][1][0]["rest"][0].tolist() == [3.0]
    (product,) = ag.hvp(f, (params,), (params,))
    assert product["w"].tolist() == [[12.0, 12.0]]  # the gradient is of degree two


# -- values ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3))
def test_first_and_second_derivatives_agree_with_differences(entries):
    """grad, jacobian in both modes, hessian, hvp and mixed compositions, at random points."""
    x, t = np.array(entries), np.array([0.5, -1.0, 2.0])
    gradient = 3.0 * x**2 + [x[1], x[0], 0.0]
    hessian = np.diag(6.0 * x) + np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(ag.grad(poly)(x), gradient, rtol=1e-12, atol=1e-12)
    compositions = [
        ag.hessian(poly)(x),
        ag.jacobian(ag.grad(poly), mode="rev")(x),
        ag.jacobian(ag.grad(poly), mode="fwd")(x),
        ag.jacobian(ag.jacobian(poly, mode="fwd"), mode="rev")(x),
        ag.jacobian(ag.jacobian(poly, mode="fwd"), mode="fwd")(x),
    ]
    for found in compositions:
        np.testing.assert_allclose(found, hessian, rtol=1e-12, atol=1e-12)
    products = [
        ag.hvp(poly, (x,), (t,))[0],
        ag.jvp(ag.grad(poly), (x,), (t,))[1],
        ag.grad(lambda x: ag.jvp(poly, (x,), (t,))[1])(x),
        ag.grad(lambda x: np.dot(ag.grad(poly)(x), t))(x),
        ag.vjp(ag.grad(poly), x)[1](t)[0],
    ]
    for found in products:
        np.testing.assert_allclose(found, hessian @ t, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", range(6))
def test_grad_of_grad_of_grad(n):
    """The n-th derivative of sin at 0.3."""
    f = np.sin
    for _ in range(n):
        f = ag.grad(f)
    assert float(f(0.3)) == pytest.approx([np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][n % 4](0.3))


@pytest.mark.parametrize(
    "shapes", [((2,), (3,)), ((3,), (2,)), ((), (2,)), ((2,), ()), ((0,), (2,)), ((2, 2), (1,)), ((), ())], ids=str
)
def test_jacobian_shapes_and_modes(shapes):
    """Result shape followed by argument shape; reverse and forward mode agree; size 0 and 0-d are legal."""
    inner, outer = shapes
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(*outer, *inner))

    def f(x):
        return np.sin(np.tensordot(matrix, x, axes=x.ndim))

    x = rng.normal(size=inner)
    rev, fwd, auto = (ag.jacobian(f, mode=mode)(x) for mode in ("rev", "fwd", "auto"))
    assert np.shape(rev) == np.shape(fwd) == np.shape(auto) == (*outer, *inner)
    np.testing.assert_allclose(rev, fwd, rtol=1e-12)
    cos = np.cos(np.tensordot(matrix, x, axes=x.ndim))
    np.testing.assert_allclose(rev, np.reshape(cos, outer + (1,) * len(inner)) * matrix, rtol=1e-12)


def test_jacobian_and_hessian_of_several_arguments():
    """A tuple of argnums gives a tuple, for the Hessian a tuple of tuples."""

    def f(x, y):
        return np.sum(x * x) * y

    x = np.array([1.0, 2.0])
    by_x, by_y = ag.jacobian(f, argnums=(0, 1))(x, 3.0)
    assert by_x.tolist() == [6.0, 12.0]
    assert by_y == 5.0
    (xx, xy), (yx, yy) = ag.hessian(f, argnums=(0, 1))(x, 3.0)
    assert xx.tolist() == [[6.0, 0.0], [0.0, 6.0]]
    assert xy.tolist() == yx.tolist() == [2.0, 4.0]
    assert yy == 0.0


def test_constant_and_linear_functions():
    """Zeros where there is no dependence, of the right shape and dtype; constant gradients have zero Hessians."""
    x = np.float32([1.0, 2.0])
    assert ag.grad(lambda x: ag.constant(1.0))(x).tolist() == [0.0, 0.0]
    assert ag.grad(lambda x: ag.constant(1.0))(x).dtype == np.float32
    assert ag.hessian(np.sum)(x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    for mode in ("rev", "fwd"):
        assert ag.jacobian(lambda x: ag.constant([1.0, 2.0, 3.0]), mode=mode)(x).shape == (3, 2)
    assert ag.jvp(lambda x: ag.constant(1.0), (x,), (x,))[1] == 0.0
    assert ag.grad(lambda x, y: np.sum(ag.constant(x)), argnums=1)(x, x).tolist() == [0.0, 0.0]


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_perturbations_are_not_confused(a, b):
    """d/dx (x * d/dy (x y + y**2)): the inner derivative treats x as a constant, the outer one does not."""

    def f(x):
        return x * ag.grad(lambda y: x * y + y * y)(b)

    assert ag.grad(f)(a) == pytest.approx(2 * a + 2 * b)
    assert ag.jvp(f, (a,), (1.0,))[1] == pytest.approx(2 * a + 2 * b)
    # The textbook case: d/dx (x * d/dy (x + y)) = 1, not 2.
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(b))(a) == 1.0
    assert ag.jvp(lambda x: x * ag.jvp(lambda y: x + y, (b,), (1.0,))[1], (a,), (1.0,))[1] == 1.0
    assert ag.grad(lambda x: x * ag.grad(lambda y: x * y)(x))(a) == pytest.approx(2 * a)


def test_a_vjp_may_be_asked_again_and_later():
    """Twice, outside, and inside a tape that then differentiates with respect to the cotangent."""
    _, pull = ag.vjp(lambda x, y: x * y, X, 2.0)
    for scale in (1.0, 3.0):
        by_x, by_y = pull(scale * np.ones(3))
        np.testing.assert_allclose(by_x, 2.0 * scale * np.ones(3))
        assert by_y == pytest.approx(scale * X.sum())
    ct = ag.Variable(np.ones(3))
    with ag.GradientTape() as tape:
        by_x, _ = pull(ct)
    assert tape.gradient(by_x, ct).tolist() == [2.0, 2.0, 2.0]


# -- inside a tape -----------------------------------------------------------------------------------------------------


def test_a_transform_inside_a_tape_keeps_the_closure_connected():
    """w, tracked outside, is not cut off by a transform of NumPy arguments inside."""
    w = ag.Variable([2.0, 3.0, 4.0])
    with ag.GradientTape(persistent=True) as tape:
        gradient = ag.grad(lambda x: np.sum(w * x * x))(X)
        value, _ = ag.value_and_grad(lambda x: np.sum(w * x))(X)
        _, tangent = ag.jvp(lambda x: w * x, (X,), (np.ones(3),))
        out, pull = ag.vjp(lambda x: w * w * x, X)
        pulled = pull(np.ones(3))[0]
        jacobian = ag.jacobian(lambda x: w * x)(X)
        product = ag.hvp(lambda x: np.sum(w * x**3), (X,), (np.ones(3),))[0]
        unrelated = ag.grad(lambda x: np.sum(x * x))(X)
    assert tape.gradient(gradient, w).tolist() == pytest.approx(list(2 * X))
    assert tape.gradient(value, w).tolist() == pytest.approx(list(X))
    assert tape.gradient(tangent, w).tolist() == [1.0] * 3
    assert tape.gradient([out, pulled], w).tolist() == pytest.approx(list(2 * w.numpy() * (X + 1)))
    assert tape.gradient(jacobian, w).tolist() == [1.0] * 3
    assert tape.gradient(product, w).tolist() == pytest.approx(list(6 * X))
    assert type(unrelated) is np.ndarray


def test_a_transform_inside_a_tape_keeps_its_arguments_connected():
    """A tracked argument is an input of the transform and still tracked by the tape."""
    v = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        x = v * v
        cubed = ag.grad(lambda x: x**4.0)(x)
        of_variable = ag.grad(lambda x: x**3.0)(v)
    assert cubed.item() == 4.0 * 4.0**3
    assert tape.gradient(cubed, v).item() == pytest.approx(12.0 * 4.0**2 * 2 * 2.0)
    assert tape.gradient(of_variable, v).item() == pytest.approx(12.0)


def test_an_array_given_to_a_transform_inside_a_tape_may_be_written_to_afterwards():
    """The outer tape saved its own copy."""
    w, x = ag.Variable([2.0, 3.0, 4.0]), X.copy()
    with ag.GradientTape() as tape:
        gradient = ag.grad(lambda x: np.sum(w * x * x))(x)
        x[:] = np.nan
    assert tape.gradient(gradient, w).tolist() == pytest.approx(list(2 * X))


def test_a_tape_inside_a_transform():
    """The gradient of a tape, taken inside a function, is differentiable by a transform around it."""

    def slope(x):
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = np.sum(x**3.0)
        return tape.gradient(y, x)

    np.testing.assert_allclose(ag.jacobian(slope)(X), np.diag(6 * X))


def test_stop_gradient():
    """A constant of the same value, leaf by leaf; in both modes."""
    assert ag.grad(lambda x: np.sum(ag.stop_gradient(x) * x))(X).tolist() == X.tolist()
    assert ag.jvp(lambda x: ag.stop_gradient(x) * x, (2.0,), (1.0,))[1] == 2.0
    assert ag.grad(lambda x: ag.stop_gradient({"a": [x]})["a"][0] * x)(3.0) == 3.0
    assert ag.grad(lambda x: ag.stop_gradient(x * x))(3.0) == 0.0


# -- complex -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: np.sum(np.real(z * z * z)),
        lambda z: np.sum(np.abs(z) ** 2.0),
        lambda z: np.sum(np.abs(z)),
        lambda z: np.sum(np.imag(np.exp(z)) * np.real(z)),
        lambda z: np.real(np.vdot(z, z)) + np.sum(np.conj(z) * z).real,
        lambda z: np.sum(np.abs(z - np.array([1j, 0.5])) ** 2.0),
    ],
)
def test_the_gradient_of_a_real_loss_is_d_dx_plus_i_d_dy(loss):
    """By grad, by a tape and by vjp; so that z - rate * gradient descends."""
    z = np.array([1.0 + 2.0j, -0.5 + 0.3j])
    expected = numerical(loss, z)
    np.testing.assert_allclose(ag.grad(loss)(z), expected, rtol=1e-7, atol=1e-8)
    v = ag.Variable(z)
    with ag.GradientTape() as tape:
        value = loss(v)
    gradient = tape.gradient(value, v)
    assert gradient.dtype == z.dtype
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(ag.vjp(loss, z)[1](1.0)[0], expected, rtol=1e-7, atol=1e-8)
    assert float(loss(z - 1e-4 * gradient.numpy())) < float(loss(z))


def test_a_real_argument_of_a_complex_computation_has_a_real_gradient():
    """dtype and kind of the source, whatever lies between."""
    x = np.array([0.3, 0.7])
    f = lambda x: np.sum(np.abs(np.exp(1j * x) + x) ** 2.0)
    gradient = ag.grad(f)(x)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, numerical(f, x), rtol=1e-7)


def test_jvp_of_complex_functions():
    """Tangents go through holomorphic operations, conj, abs and real parts alike."""
    z, t = np.array([1.0 + 2.0j, -0.5j]), np.array([0.5 - 1.0j, 2.0 + 1.0j])
    for f in (np.exp, np.conj, np.abs, np.real, np.imag, lambda z: z * np.conj(z)):
        _, tangent = ag.jvp(f, (z,), (t,))
        expected = (np.asarray(f(z + 1e-6 * t)) - np.asarray(f(z - 1e-6 * t))) / 2e-6
        assert tangent.dtype == expected.dtype
        np.testing.assert_allclose(tangent, expected, rtol=1e-7, atol=1e-8)


# -- mistakes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ag.grad(np.sin)(X), ag.ShapeError, "autograd_core.jacobian"),
        (lambda: ag.grad(np.sin)(np.ones(1)), ag.ShapeError, r"shape \(1,\)"),
        (lambda: ag.grad(lambda x: x * x)(3), ag.DtypeError, "3.0 instead of 3"),
        (lambda: ag.jacobian(np.sin)([1, 2]), ag.DtypeError, "int64"),
        (lambda: ag.vjp(np.sin, np.array([True])), ag.DtypeError, "bool"),
        (lambda: ag.jvp(np.sin, (1,), (1.0,)), ag.DtypeError, "argument 0"),
        (lambda: ag.grad(lambda x: float(x * x))(2.0), ag.ConversionError, "float"),
        (lambda: ag.grad(lambda x: (x * x).numpy())(2.0), ag.ConversionError, r"\.numpy\(\)"),
        (lambda: ag.grad(lambda x: None)(2.0), ag.ConversionError, "NoneType"),
        (lambda: ag.grad(lambda x: (x, x))(2.0), ag.ShapeError, "has_aux"),
        (lambda: ag.grad(lambda x: x, has_aux=True)(2.0), ValueError, "pair"),
        (lambda: ag.grad(lambda x: x * 1j)(2.0), ag.DtypeError, "complex128"),
        (lambda: ag.grad(lambda x: np.argmax(x))(X), ag.DtypeError, "int64"),
        (lambda: ag.grad(np.sum, argnums=1)(X), ValueError, "argnums=1"),
        (lambda: ag.grad(np.sum, argnums=(0, 0))(X), ValueError, "twice"),
        (lambda: ag.grad(np.sum, argnums="x")(X), ValueError, "argnums='x'"),
        (lambda: ag.grad(np.sum)("text"), ag.ConversionError, "text"),
        (lambda: ag.jacobian(np.sin, mode="forward"), ValueError, '"rev" or "fwd"'),
        (lambda: ag.jvp(np.sin, 1.0, 1.0), ag.ConversionError, r"\(x,\)"),
        (lambda: ag.jvp(np.sin, (1.0,), ()), ag.ShapeError, "1 primals and 0 tangents"),
        (lambda: ag.jvp(np.sin, (X,), (np.ones(2),)), ag.ShapeError, r"\(2,\).*\(3,\)"),
        (lambda: ag.jvp(np.sin, (X,), (X * 1j,)), ag.DtypeError, "complex128"),
        (lambda: ag.jvp(np.sin, ([X],), ([X, X],)), ag.StructureError, "list of 2"),
        (lambda: ag.vjp(np.sin, X)[1](np.ones(2)), ag.ShapeError, "vjp_fn"),
        (lambda: ag.vjp(lambda x: {"a": x}, X)[1]({"b": X}), ag.StructureError, "'a'"),
        (lambda: ag.vjp(lambda x: (x, 1.0), X), ag.ConversionError, "float"),
    ],
)
def test_mistakes_are_named(call, error, says):
    """What was asked, what was given and what to do; nothing silently cut or wrong."""
    with pytest.raises(error, match=says):
        call()
