"""The user's own: operations with rules, functions with a gradient, and functions recomputed in the backward pass."""

import gc
import tracemalloc

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import recording

X = np.array([0.5, -1.0, 2.0])


def make_cube(probe=True):
    """x**3 as an operation without rules yet."""

    @ag.primitive(probe=probe)
    def cube(x):
        """Third power."""
        return x**3

    return cube


# -- primitive ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_jvp", [False, True])
def test_a_primitive_with_rules_works_at_any_order_in_both_modes(with_jvp):
    """One VJP rule in NumPy's names is enough; a JVP rule is used where there is one."""
    cube = make_cube().defvjp(lambda ct, ans, x: ct * 3.0 * x**2)
    if with_jvp:
        cube.defjvp(lambda t, ans, x: t * 3.0 * x**2)
    assert (cube.__name__, cube.__doc__) == ("cube", "Third power.")
    assert cube(2.0).item() == 8.0
    f = lambda x: np.sum(cube(x))
    np.testing.assert_allclose(ag.grad(f)(X), 3 * X**2)
    np.testing.assert_allclose(ag.jvp(cube, (X,), (X,))[1], 3 * X**3)
    np.testing.assert_allclose(ag.hessian(f)(X), np.diag(6 * X))
    np.testing.assert_allclose(ag.jacobian(ag.jacobian(f, mode="fwd"), mode="fwd")(X), np.diag(6 * X))
    assert ag.grad(ag.grad(ag.grad(cube)))(2.0) == pytest.approx(6.0)


def test_a_primitive_of_several_arguments_broadcasts():
    """A rule may return the result's shape: the walk sums over what was broadcast. Keywords reach the rules."""

    @ag.primitive
    def scaled(x, y, *, scale=1.0):
        return x * y * scale

    scaled.defvjp(
        lambda ct, ans, x, y, *, scale=1.0: ct * y * scale,
        lambda ct, ans, x, y, *, scale=1.0: ct * x * scale,
    )
    x, y = np.ones((2, 3)), 2.0
    by_x, by_y = ag.vjp(lambda x, y: scaled(x, y, scale=5.0), x, y)[1](x)
    assert by_x.tolist() == [[10.0] * 3] * 2
    assert by_y == 30.0
    assert ag.jvp(lambda x, y: scaled(x, y, scale=5.0), (x, y), (x, 1.0))[1].tolist() == [[15.0] * 3] * 2
    v = ag.Variable([1.0, 2.0])
    with ag.GradientTape() as tape:
        result = scaled(v, [3.0, 4.0])
    assert tape.gradient(result, v).tolist() == [3.0, 4.0]


def test_a_primitive_with_several_results():
    """Rules get tuples; a result that is not used counts as a cotangent of zeros."""

    @ag.primitive
    def sin_cos(x):
        return np.sin(x), np.cos(x)

    sin_cos.defvjp(lambda ct, ans, x: ct[0] * ans[1] - ct[1] * ans[0])
    for mode in ("rev", "fwd"):
        sin, cos = ag.jacobian(sin_cos, mode=mode)(0.3)
        assert (sin, cos) == pytest.approx((np.cos(0.3), -np.sin(0.3)))
    assert ag.grad(ag.grad(lambda x: sin_cos(x)[0]))(0.3) == pytest.approx(-np.sin(0.3))
    sin_cos.defjvp(lambda t, ans, x: (t * ans[1], -t * ans[0]))
    sin, cos = ag.jacobian(sin_cos, mode="fwd")(X)
    np.testing.assert_allclose(sin, np.diag(np.cos(X)))
    np.testing.assert_allclose(cos, np.diag(-np.sin(X)))


def test_a_missing_rule_is_an_error_only_on_the_path():
    """Named, with the argument, in both modes; off the path nothing is missed."""

    @ag.primitive
    def odd(x, y):
        return x * y

    odd.defvjp(lambda ct, ans, x, y: ct * y, None)
    assert ag.grad(odd)(2.0, 3.0) == 3.0
    assert ag.jvp(lambda x: odd(x, 3.0), (2.0,), (1.0,))[1] == 3.0
    for call in (
        lambda: ag.grad(odd, argnums=1)(2.0, 3.0),
        lambda: ag.jvp(lambda y: odd(2.0, y), (3.0,), (1.0,)),
        lambda: ag.grad(lambda x: odd(1.0, make_cube()(x)))(2.0),
    ):
        with pytest.raises(ag.NotDifferentiableError, match=r"odd has no .* rule for its argument 1"):
            call()
    unused = lambda x: (odd(x, x), make_cube()(x), x * x)[2]
    assert ag.grad(unused)(3.0) == 6.0
    assert ag.jvp(unused, (3.0,), (1.0,))[1] == 6.0
    assert ag.grad(lambda x: odd(1.0, ag.stop_gradient(x)) * x)(3.0) == 3.0


@pytest.mark.parametrize("mode", ["rev", "fwd"])
@pytest.mark.parametrize(
    "returned",
    [np.ones(4), np.ones((1, 3)), np.ones((3, 1)), np.float64(1.0), None, "text", [1.0, 2.0], {"a": 1}],
    ids=repr,
)
def test_what_does_not_fit_is_an_error_naming_operation_and_argument(returned, mode):
    """A cotangent has the shape of its argument, a tangent that of the result."""
    cube = make_cube(probe=False)
    if mode == "rev":
        cube.defvjp(lambda ct, ans, x: returned)
        call = lambda: ag.grad(lambda x: np.sum(cube(x)))(X)
    else:
        cube.defjvp(lambda t, ans, x: returned)
        call = lambda: ag.jvp(cube, (X,), (X,))
    if mode == "fwd" and isinstance(returned, np.float64):
        assert call()[1].tolist() == [1.0, 1.0, 1.0]  # broadcasts to the result's shape without doubt
        return
    if mode == "fwd" and np.shape(returned) == (1, 3):
        pass
    with pytest.raises(ag.CotangentError, match="cube: the rule for argument 0"):
        call()


def test_numbers_and_lists_are_understood():
    """A rule may return a Python number or a list of the right shape."""
    cube = make_cube().defvjp(lambda ct, ans, x: float(ct) * 3.0 * float(x) ** 2)
    assert ag.grad(cube)(2.0) == 12.0
    cube.defvjp(lambda ct, ans, x: (ct * 3.0 * x**2).tolist())
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(cube(x)))(X), 3 * X**2)


def test_a_rule_that_leaves_the_graph_has_no_derivative():
    """First derivatives are right, also under an outer tape; a second one is an error, not a silent zero."""
    cube = make_cube().defvjp(lambda ct, ans, x: float(ct) * 3.0 * float(x) ** 2)
    v = ag.Variable(2.0)
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            y = cube(v)
        gradient = inner.gradient(y, v)
    assert gradient.item() == 12.0
    with pytest.raises(ag.NotDifferentiableError, match="cube"):
        outer.gradient(gradient, v)


def test_mistakes_around_a_primitive():
    """Tensors by keyword, results that are Tensors, rules that are no functions, errors inside."""
    cube = make_cube()
    with pytest.raises(TypeError, match="argument 0 is a float"):
        cube.defvjp(1.0)
    with pytest.raises(TypeError, match="expected a function"):
        ag.primitive(1.0)
    v = ag.Variable(2.0)
    with ag.GradientTape():
        with pytest.raises(ag.ConversionError, match="keyword x"):
            cube(x=v)
        leaky = ag.primitive(lambda x: v * x)
        with pytest.raises(ag.ConversionError, match="returned a Tensor"):
            leaky(v)

    @ag.primitive
    def broken(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        broken(v)


# -- custom_gradient ---------------------------------------------------------------------------------------------------


@ag.custom_gradient
def log1pexp(x):
    """TensorFlow's example: log(1 + exp(x)) with a gradient that does not overflow to NaN."""
    e = np.exp(x)
    return np.log(1.0 + e), lambda upstream: upstream * (1.0 - 1.0 / (1.0 + e))


@pytest.mark.filterwarnings("ignore:overflow")
def test_log1pexp():
    """The first derivative at 100 and at 1000 is 1; the second and third are those of the sigmoid."""
    assert ag.grad(log1pexp)(100.0) == 1.0
    assert ag.grad(log1pexp)(1000.0) == 1.0
    sigmoid = 1 / (1 + np.exp(-0.4))
    slope = sigmoid * (1 - sigmoid)
    assert ag.grad(log1pexp)(0.4) == pytest.approx(sigmoid)
    assert ag.grad(ag.grad(log1pexp))(0.4) == pytest.approx(slope)
    assert ag.grad(ag.grad(ag.grad(log1pexp)))(0.4) == pytest.approx(slope * (1 - 2 * sigmoid))
    assert ag.jvp(log1pexp, (0.4,), (2.0,))[1] == pytest.approx(2 * sigmoid)
    assert ag.hessian(log1pexp)(0.4) == pytest.approx(slope)
    assert log1pexp(0.4).item() == pytest.approx(np.log(1 + np.exp(0.4)))


def test_custom_gradient_of_several_arguments_and_results():
    """One upstream per result, one gradient per argument, None for none; structures of both."""

    @ag.custom_gradient(probe=False)
    def f(x, pair, constant):
        def grad_fn(upstream_a, upstream_b):
            return 10.0 * upstream_a, (upstream_b, 7.0 * upstream_a), None

        return {"a": x * 1.0, "b": pair[0] * constant}, grad_fn

    x, p, q, c = (ag.Variable(value) for value in (1.0, 2.0, 3.0, 4.0))
    with ag.GradientTape(persistent=True) as tape:
        out = f(x, (p, q), c)
    assert out["b"].item() == 8.0
    found = tape.gradient(out, [x, p, q, c])
    assert [None if g is None else g.item() for g in found] == [10.0, 1.0, 7.0, None]
    assert tape.gradient(out["b"], x).item() == 0.0


def test_custom_gradient_with_variables():
    """Variables that f reads are handed to grad_fn, which returns their gradients as a second part."""
    w = ag.Variable(3.0, name="w")

    @ag.custom_gradient(probe=False)
    def f(x):
        def grad_fn(upstream, variables):
            assert list(variables) == [w] or variables[0] is w
            return upstream * w, [upstream * x * 100.0]

        return x * w, grad_fn

    x = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = f(x)
    assert [g.item() for g in tape.gradient(y, [x, w])] == [3.0, 200.0]

    @ag.custom_gradient
    def forgets(x):
        return x * w, lambda upstream: upstream * w

    with ag.GradientTape(), pytest.raises(ag.NotDifferentiableError, match=r"forgets reads Variable 'w'.*variables="):
        forgets(x)
    assert recording.current() is None


def test_what_a_grad_fn_returns_is_checked():
    """Number of gradients, their shapes, and whether they can be differentiated again."""
    x = ag.Variable(X)

    def with_gradient(grad_fn):
        with ag.GradientTape() as tape:
            y = ag.custom_gradient(lambda x: (x * x, grad_fn), probe=False)(x)
        return tape.gradient(y, x)

    assert with_gradient(lambda u: u.numpy() * 2.0).tolist() == [2.0, 2.0, 2.0]
    assert with_gradient(lambda u: [u * 3.0]).tolist() == [3.0, 3.0, 3.0]
    assert with_gradient(lambda u: None) is None
    with pytest.raises(ag.CotangentError, match="2 gradients for 1 inputs"):
        with_gradient(lambda u: (u, u))
    with pytest.raises(ag.CotangentError, match=r"\(\); its input has shape \(3,\)"):
        with_gradient(lambda u: 1.0)
    with pytest.raises(ag.CotangentError, match="str"):
        with_gradient(lambda u: "text")
    cut = ag.custom_gradient(lambda x: (x * x, lambda u: u.numpy() * 2.0 * x.numpy()))
    with pytest.raises(ag.NotDifferentiableError, match="custom_gradient"):
        ag.grad(ag.grad(cut))(2.0)


# -- checkpoint --------------------------------------------------------------------------------------------------------


def deep(x, w):
    for _ in range(30):
        x = np.tanh(x * w + 0.1)
    return x


@pytest.mark.parametrize("order", [1, 2])
def test_checkpoint_changes_no_derivative(order):
    """First and second order, both modes, for arguments, Variables and Tensors of the enclosing scope."""
    v, t = ag.Variable(X), ag.constant(X + 0.5)
    results = []
    for wrap in (lambda f: f, ag.checkpoint):
        block = wrap(lambda x, scale=1.0: np.sum(deep(x, v) * t * scale))
        with ag.GradientTape(persistent=True) as tape:
            tape.watch(t)
            y = block(v * 2.0, scale=v)
            gradients = tape.gradient(y, [v, t])
            if order == 2:
                gradients = [second for first in gradients for second in tape.gradient(first, [v, t])]
        plain = wrap(lambda x: np.sum(deep(x, 0.9)))
        gradients += [ag.grad(plain)(X), ag.jvp(plain, (X,), (X,))[1], ag.hessian(plain)(X)]
        results.append([None if g is None else np.asarray(g) for g in gradients])
    for expected, found in zip(*results, strict=True):
        assert (found is None) == (expected is None)  # the gradient in t does not depend on t
        if found is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_checkpoint_keeps_structures_and_passes_constants_on():
    """Nested results; what does not depend on anything tracked, and what is handed through, stays what it is."""
    v = ag.Variable(2.0)

    @ag.checkpoint
    def f(p):
        return {"new": p["x"] * p["k"], "same": p["x"], "constant": ag.constant(1.0), "other": "text"}

    with ag.GradientTape(persistent=True) as tape:
        x = v * v
        out = f({"x": x, "k": 3.0})
        nested = ag.checkpoint(lambda x: ag.checkpoint(lambda y: y * v)(x) * v)(x)
    assert [tape.gradient(out[key], v) for key in ("constant",)] == [None]
    assert tape.gradient([out["new"], out["same"]], v).item() == 16.0
    assert tape.gradient(nested, v).item() == 32.0
    assert out["other"] == "text"


def test_checkpoint_needs_less_memory():
    """Of thirty steps only what enters and leaves is kept."""

    def kept(wrap):
        v = ag.Variable(np.ones(20_000))
        block = wrap(lambda x: deep(x, 0.9))
        gc.collect()
        tracemalloc.start()
        try:
            with ag.GradientTape() as tape:
                y = block(v)
            size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert tape.gradient(y, v).shape == v.shape
        return size / v.nbytes

    assert kept(lambda f: f) > 50
    assert kept(ag.checkpoint) < 5


def test_checkpoint_refuses_what_changed_in_between():
    """An assigned Variable, named with the place; a function that computes something else the second time."""
    v = ag.Variable(2.0, name="w")
    with ag.GradientTape() as tape:
        y = ag.checkpoint(lambda x: x * v)(ag.constant(3.0))
    v.assign(5.0)
    with pytest.raises(ag.StaleValueError, match=rf"'w' was assigned \(at {__file__}:\d+\)"):
        tape.gradient(y, v)
    generator = np.random.default_rng(0)
    with pytest.raises(ag.StaleValueError, match="generator"):
        ag.grad(ag.checkpoint(lambda x: x * generator.random()))(1.0)
    assert recording.current() is None


def test_checkpoint_remembers_its_arguments():
    """Arrays written to, and Tensors updated in place, inside or after: the recomputation sees what was given."""
    v, array = ag.Variable([1.0, 2.0]), np.array([3.0, 4.0])

    def block(x, y):
        x *= y
        return x * x

    with ag.GradientTape() as tape:
        x = v * 1.0
        out = ag.checkpoint(block)(x, array)
        assert x.tolist() == [1.0, 2.0]
        x += 100.0
        array[:] = np.nan
    assert tape.gradient(out, v).tolist() == [18.0, 64.0]


def test_checkpoint_without_a_tape_is_the_function_itself():
    """Nothing tracked, nothing to recompute."""
    assert ag.checkpoint(lambda x: x * 2.0)(3.0) == 6.0
    with ag.GradientTape():
        assert ag.checkpoint(lambda x: x * 2.0)(3.0) == 6.0
        assert ag.checkpoint(lambda x: np.sin(x))(ag.constant(0.0)).node is None
