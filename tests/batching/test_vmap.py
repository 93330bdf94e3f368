"""vmap: axes, structures, and what may be inside and outside of a mapped function."""

import gc
import weakref
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

compiled = partial(ag.function, jit="numpy")  # which emitter makes the plan is tested elsewhere
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
Y = RNG.normal(size=(4, 3))
W = RNG.normal(size=(3, 2))


def same(found, wanted, rtol=1e-12):
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-12)


def looped(f, *args):
    """What vmap means, example by example, in NumPy."""
    return np.stack([np.asarray(f(*each)) for each in zip(*args, strict=True)])


# -- axes and structures ----------------------------------------------------------------------------------------------


def test_numpy_in_numpy_out_and_tensors_in_tensors_out():
    assert type(ag.vmap(np.sin)(X)) is np.ndarray
    out = ag.vmap(np.sin)(ag.constant(X))
    assert type(out) is ag.Tensor
    same(out.numpy(), np.sin(X))


def test_an_example_has_its_own_shape():
    seen = []

    def f(x):
        seen.append((x.shape, x.ndim, x.size, x.dtype, len(x)))
        return x

    ag.vmap(f)(X)
    assert seen == [((3,), 1, 3, np.dtype(float), 3)]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("out", [0, 1, -1, -2])
def test_axes_in_and_out(axis, out):
    x = RNG.normal(size=(2, 3, 4))
    found = ag.vmap(lambda a: a[:2] * 2.0 + a[1], axis, out)(x)
    moved = np.moveaxis(x, axis, 0)
    same(found, np.stack([a[:2] * 2.0 + a[1] for a in moved], out))


def test_one_argument_is_the_same_for_all():
    same(ag.vmap(np.matmul, (0, None))(X, W), X @ W)
    same(ag.vmap(np.matmul, in_axes=(None, 1), out_axes=1)(X, W), X @ W)


def test_nested_structures_in_and_out():
    params = {"w": W, "b": np.ones((4, 2))}

    def f(params, pair):
        x, (y,) = pair
        h = x @ params["w"] + params["b"]
        return {"h": h, "both": [x * y, (y, 2.0)], "none": None}

    found = ag.vmap(f, in_axes=({"w": None, "b": 0}, (0, [0])))(params, (X, [Y]))
    same(found["h"], X @ W + 1)
    same(found["both"][0], X * Y)
    same(found["both"][1][0], Y)
    same(found["both"][1][1], np.full(4, 2.0))
    assert found["none"] is None


def test_in_axes_is_a_prefix_of_the_arguments():
    found = ag.vmap(lambda d, c: d["a"] * d["b"][0] * c, in_axes=(1, None))({"a": X.T, "b": [Y.T]}, 3.0)
    same(found, X * Y * 3)


def test_out_axes_is_a_prefix_of_the_result():
    found = ag.vmap(lambda x: {"a": x, "b": (x, x + 1)}, out_axes={"a": 1, "b": 0})(X)
    same(found["a"], X.T)
    same(found["b"][1], X + 1)


def test_out_axes_none_gives_what_is_the_same_for_all_once():
    _, two = ag.vmap(lambda x, w: (x, w * 2), (0, None), (0, None))(X, W)
    assert two.shape == W.shape
    same(two, 2 * W)


def test_keyword_arguments_are_mapped_over_axis_0():
    same(ag.vmap(lambda x, y: x - y, in_axes=1, out_axes=1)(X.T, y=Y), (X - Y).T)


def test_results_that_do_not_depend_on_the_input_are_repeated():
    ones, number = ag.vmap(lambda x: (np.ones(2), 3))(X)
    same(ones, np.ones((4, 2)))
    same(number, np.full(4, 3))
    assert number.dtype == np.dtype(int)


def test_numbers_and_lists_as_arguments():
    same(ag.vmap(lambda x, c: x * c, (0, None))(np.array([1.0, 2.0]), 3), [3.0, 6.0])


def test_an_array_that_is_the_same_for_all_can_be_indexed_by_one_of_an_example():
    same(ag.vmap(lambda table, i: table[i], (None, 0))(X, np.array([2, 0])), X[[2, 0]])


def test_anything_is_handed_through_where_it_is_not_mapped():
    same(ag.vmap(lambda x, how: np.sum(x) if how == "sum" else x, (0, None))(X, "sum"), X.sum(1))


@pytest.mark.parametrize("shape", [(0, 3), (0,)])
def test_no_examples(shape):
    def f(x):
        return {
            "sum": np.sum(x),
            "twice": np.stack([x, x]),
            "loop": ag.while_loop(lambda c: c < 3.0, lambda c: c + 1.0, np.sum(x)),
        }

    found = ag.vmap(f)(np.zeros(shape))
    assert found["sum"].shape == (0,)
    assert found["twice"].shape == (0, 2, *shape[1:])
    assert found["loop"].shape == (0,)


def test_no_examples_of_operations_without_a_rule():
    found = ag.vmap(lambda a, b: (np.linalg.solve(a, b), np.linalg.lstsq(a, b)[0], np.convolve(b, b)))(
        np.zeros((0, 3, 3)), np.zeros((0, 3))
    )
    assert [out.shape for out in found] == [(0, 3), (0, 3), (0, 5)]


def test_dtypes_are_those_of_one_example():
    x = X.astype(np.float32)
    assert ag.vmap(lambda a: a * 2.0 + 1)(x).dtype == np.float32
    assert ag.vmap(lambda a: a[0] * 2.0)(x).dtype == np.float32
    assert ag.vmap(lambda a: np.argmax(a))(x).dtype == np.argmax(x[0]).dtype


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: ag.vmap(np.sin, None)(X), ag.ShapeError, "no argument of sin is mapped"),
        (lambda: ag.vmap(np.add)(X, np.ones((5, 3))), ag.ShapeError, r"args\[0\] has size 4 along axis 0, args\[1\]"),
        (lambda: ag.vmap(np.add, (0,))(X, Y), ag.ShapeError, "in_axes has 1 entries"),
        (lambda: ag.vmap(np.sin, 2)(X), ag.AxisError, r"args\[0\] has shape \(4, 3\).*axis 2; expected -2 to 1"),
        (lambda: ag.vmap(np.sin)(1.0), ag.AxisError, "there are no axes"),
        (lambda: ag.vmap(np.sin, out_axes=3)(X), ag.AxisError, "axis 3"),
        (lambda: ag.vmap(np.sin, out_axes=None)(X), ag.ShapeError, "differs between the examples"),
        (lambda: ag.vmap(np.sin, "a")(X), ag.StructureError, "'a'"),
        (lambda: ag.vmap(np.sin, True)(X), ag.StructureError, "True"),
        (lambda: ag.vmap(lambda d: d["a"], ({"b": 0},))({"a": X}), ag.StructureError, "dict with keys 'b'"),
        (lambda: ag.vmap(lambda x: (x, x), out_axes=(0, 0, 0))(X), ag.StructureError, "out_axes"),
        (lambda: ag.vmap(lambda x: "text")(X), ag.ConversionError, "returned a str"),
        (lambda: ag.vmap(lambda x, s: x)(X, "text"), ag.ConversionError, "give None for it in in_axes"),
        (lambda: ag.vmap(3), TypeError, "expected a function"),
        (lambda: ag.vmap(lambda: 1)(), ag.ShapeError, "without arguments"),
        (lambda: ag.vmap(lambda x: x if x.sum() > 0 else -x)(X), ag.TraceError, "truth value.*4 examples.*cond"),
        (lambda: ag.vmap(lambda x: float(x.sum()))(X), ag.TraceError, "one value for each of 4 examples"),
        (lambda: ag.vmap(lambda x: x.numpy())(X), ag.TraceError, "test_vmap.py"),
        (lambda: ag.vmap(lambda x: np.asarray(x))(X), ag.TraceError, "4 examples"),
        (lambda: ag.vmap(lambda x: x[x > 0])(X), ag.TraceError, "np.where"),
        (lambda: ag.vmap(lambda x: x[: x.argmax()])(X), ag.TraceError, "4 examples"),
        (lambda: ag.vmap(lambda x: np.unique(x))(X), ag.TraceError, "shape of the result depends"),
        (lambda: ag.vmap(lambda x: x + np.ones(5))(X), ag.ShapeError, r"shape \(3,\).*shape \(5,\)"),
        (lambda: ag.vmap(lambda x: x.reshape(7))(X), ag.ShapeError, "reshape"),
        (lambda: ag.vmap(lambda x: np.sum(x, axis=1))(X), ag.AxisError, "axis 1"),
        (lambda: ag.vmap(lambda x: x[5])(X), IndexError, "index 5 is out of bounds for axis 0 with size 3"),
    ],
)  # fmt: skip
def test_bad_input_is_told(call, error, said):
    with pytest.raises(error, match="(?s)" + said):
        call()


def test_a_value_that_left_is_told():
    kept = []
    ag.vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(ag.TraceError, match="mapped over examples"):
        np.sin(kept[0])


def test_a_failure_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        ag.vmap(lambda x: 1 / 0)(X)
    with ag.GradientTape() as tape:
        x = ag.constant(2.0)
        tape.watch(x)
        y = x * x
    same(tape.gradient(y, x).numpy(), 4.0)


# -- transforms inside and outside -----------------------------------------------------------------------------------


def f(w, x):
    return np.sum(np.tanh(x @ w) ** 2) + np.sum(w[0] * x[0])


def test_gradients_of_each_example():
    found = ag.vmap(ag.grad(f), (None, 0))(W, X)
    same(found, looped(lambda x: ag.grad(f)(W, x), X))


def test_gradient_through_a_mapped_function():
    def total(w, x):
        return np.sum(ag.vmap(f, (None, 0))(w, x) * np.arange(4.0))

    def in_a_loop(w, x):
        return sum(i * f(w, x[i]) for i in range(4))

    for found, wanted in zip(ag.grad(total, (0, 1))(W, X), ag.grad(in_a_loop, (0, 1))(W, X), strict=True):
        same(found, wanted)


def test_gradient_of_gradients_of_each_example():
    def penalty(w):
        return np.sum(ag.vmap(ag.grad(f), (None, 0))(w, X) ** 2)

    def in_a_loop(w):
        return sum(np.sum(ag.grad(f)(w, X[i]) ** 2) for i in range(4))

    same(ag.grad(penalty)(W), ag.grad(in_a_loop)(W))


@pytest.mark.parametrize(
    "transformed",
    [
        lambda w, x: ag.jvp(lambda a: f(w, a), (x,), (x * 2,))[1],
        lambda w, x: ag.vjp(lambda a: np.sin(a) * w[:, 0], x)[1](x)[0],
        lambda w, x: ag.jacobian(lambda a: np.tanh(a @ w))(x),
        lambda w, x: ag.jacobian(lambda a: np.tanh(a @ w), mode="fwd")(x),
        lambda w, x: ag.hessian(lambda a: f(w, a))(x),
        lambda w, x: ag.hvp(lambda a: f(w, a), (x,), (x,))[0],
        lambda w, x: ag.value_and_grad(lambda a: f(a, x))(w)[1],
        lambda w, x: ag.elementwise_grad(np.tanh)(x) * w[:, 0],
        lambda w, x: ag.grad(lambda a: np.sum(ag.grad(lambda b: np.sum(np.sin(b) * b @ w))(a) ** 2))(x),
    ],
)  # fmt: skip
def test_transforms_inside_and_outside(transformed):
    """A transform of one example, mapped; its derivative outside; and all of it compiled."""
    mapped = ag.vmap(transformed, (None, 0))
    wanted = looped(lambda x: transformed(W, x), X)
    same(mapped(W, X), wanted)
    same(compiled(mapped)(W, X), wanted)
    weights = RNG.normal(size=wanted.shape)

    def total(w):
        return np.sum(mapped(w, X) * weights)

    def in_a_loop(w):
        return sum(np.sum(transformed(w, X[i]) * weights[i]) for i in range(4))

    same(ag.grad(total)(W), ag.grad(in_a_loop)(W))
    same(compiled(ag.grad(total))(W), ag.grad(in_a_loop)(W), rtol=1e-10)


def test_mapped_twice():
    pairs = ag.vmap(ag.vmap(np.dot, (None, 0)), (0, None))(X, Y)
    same(pairs, X @ Y.T)
    same(ag.vmap(ag.vmap(lambda a: a * 2 + 1, 1), 0, 1)(RNG.normal(size=(2, 3, 4)) * 0), np.ones((4, 2, 3)))


def test_mapped_twice_with_derivatives_between():
    kernel = lambda a, b: np.exp(-np.sum((a - b) ** 2))
    found = ag.vmap(ag.vmap(ag.grad(kernel), (None, 0)), (0, None))(X, Y)
    same(found, np.stack([[ag.grad(kernel)(a, b) for b in Y] for a in X]))
    total = ag.grad(lambda a: np.sum(ag.vmap(ag.grad(lambda p: np.sum(ag.vmap(kernel, (None, 0))(p, Y))))(a) ** 2))
    loop = ag.grad(lambda a: sum(np.sum(ag.grad(lambda p: sum(kernel(p, b) for b in Y))(a[i]) ** 2) for i in range(4)))
    same(total(X), loop(X))


def test_what_outer_tapes_track_may_be_differentiated_inside():
    """A Tensor from outside that is the argument of a transform inside stays connected with the tapes outside."""

    def outer(w):
        return np.sum(ag.vmap(lambda x: np.sum(ag.grad(lambda v: np.sum(v**3 * x))(w)))(X))

    same(ag.grad(outer)(W[:, 0]), 6 * W[:, 0] * X.sum(0))


def test_tapes_inside_and_outside():
    w = ag.Variable(W)
    with ag.GradientTape() as outer:

        def loss(x):
            with ag.GradientTape() as inner:
                y = np.sum(np.tanh(x @ w))
            return inner.gradient(y, w)

        gradients = ag.vmap(loss)(ag.constant(X))
        total = np.sum(gradients**2)
    wanted = looped(lambda x: ag.grad(lambda w: np.sum(np.tanh(x @ w)))(W), X)
    same(gradients.numpy(), wanted)

    def penalty(w):
        return sum(np.sum(ag.grad(lambda v, i=i: np.sum(np.tanh(X[i] @ v)))(w) ** 2) for i in range(4))

    same(outer.gradient(total, w).numpy(), ag.grad(penalty)(W))


def test_a_watched_tensor_inside():
    def f(x):
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.gradient(y, x)

    same(ag.vmap(f)(X), 2 * X)


def test_persistent_tape_and_jacobian_inside():
    def f(x):
        with ag.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = np.sin(x)
            z = np.sum(y * x)
        return tape.gradient(z, x), tape.jacobian(y, x)

    gradients, jacobians = ag.vmap(f)(X)
    same(gradients, np.sin(X) + X * np.cos(X))
    same(jacobians, np.stack([np.diag(np.cos(x)) for x in X]))


def test_stop_gradient_inside_holds_outside():
    same(ag.grad(lambda x: np.sum(ag.vmap(lambda a: a * ag.stop_gradient(a))(x)))(X), X)
    same(ag.vmap(ag.grad(lambda a: np.sum(a * ag.stop_gradient(a))))(X), X)
    nested = ag.vmap(ag.vmap(lambda a: a * ag.stop_gradient(a)))
    same(ag.grad(lambda x: np.sum(nested(x)))(X), X)


def test_a_zero_wins_over_an_infinite_derivative():
    f = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
    x = np.array([4.0, 0.0, -1.0])
    with np.errstate(invalid="ignore"):
        same(ag.vmap(ag.grad(f))(x), [0.25, 0, 0])
        same(ag.grad(lambda x: np.sum(ag.vmap(f)(x)))(x), [0.25, 0, 0])
        same(ag.vmap(lambda a: ag.jvp(f, (a,), (1.0,))[1])(x), [0.25, 0, 0])
        same(compiled(ag.vmap(ag.grad(f)))(x), [0.25, 0, 0])


# -- what may be inside -----------------------------------------------------------------------------------------------


@ag.custom_gradient(probe=False)
def scaled(x, w):
    return x * w, lambda ct: (ct * w * 10, ct * x * 100)


def test_custom_gradient_inside_holds_for_tapes_outside():
    x, w = np.arange(3.0), 2.0
    same(ag.vmap(ag.grad(scaled, (0, 1)), (0, None))(x, w)[1], 100 * x)
    by_x, by_w = ag.grad(lambda x, w: np.sum(ag.vmap(scaled, (0, None))(x, w)), (0, 1))(x, w)
    same(by_x, np.full(3, 20.0))
    same(by_w, 300.0)
    second = ag.grad(lambda x: np.sum(ag.vmap(ag.grad(scaled, 1), (0, None))(x, w)))(x)
    same(second, np.full(3, 100.0))
    nested = ag.grad(lambda w: np.sum(ag.vmap(ag.vmap(scaled, (0, None)), (0, None))(np.ones((2, 3)), w)))(w)
    same(nested, 600.0)
    same(compiled(ag.grad(lambda w: np.sum(ag.vmap(scaled, (0, None))(x, w))))(w), 300.0)


def test_custom_gradient_that_reads_a_variable():
    v = ag.Variable(3.0)

    @ag.custom_gradient(probe=False)
    def times(x):
        y = x * v

        def grad_fn(ct, variables=()):
            return ct * 7.0, [ct * x * 5.0 for _ in variables]

        return y, grad_fn

    with ag.GradientTape() as tape:
        x = ag.constant(np.arange(3.0))
        tape.watch(x)
        y = np.sum(ag.vmap(times)(x))
    by_x, by_v = tape.gradient(y, [x, v])
    same(by_x.numpy(), np.full(3, 7.0))
    same(by_v.numpy(), 15.0)


def test_operations_of_the_users_own():
    @ag.primitive
    def cube(x, *, scale=1.0):
        assert x.shape == (3,)
        return scale * x**3

    cube = cube.defvjp(lambda ct, ans, x, *, scale=1.0: 3 * scale * ct * x**2)
    same(ag.vmap(lambda x: cube(x, scale=2.0))(X), 2 * X**3)
    same(ag.vmap(ag.grad(lambda x: np.sum(cube(x))))(X), 3 * X**2)
    same(ag.grad(lambda x: np.sum(ag.vmap(cube)(x)))(X), 3 * X**2)


def test_checkpoint_inside():
    g = ag.checkpoint(lambda x: np.sin(np.sin(x)))
    want = ag.elementwise_grad(lambda x: np.sin(np.sin(x)))(X)
    same(ag.vmap(ag.grad(lambda x: np.sum(g(x))))(X), want)
    same(ag.grad(lambda x: np.sum(ag.vmap(g)(x)))(X), want)


def test_compiled_functions_inside():
    g = compiled(lambda x: np.sin(x) * 2)
    same(ag.vmap(g)(X), 2 * np.sin(X))
    same(ag.vmap(ag.grad(lambda x: np.sum(g(x))))(X), 2 * np.cos(X))


def test_gradient_hooks_inside_see_one_example():
    seen = []

    def f(x):
        y = x * x
        y.register_gradient_hook(lambda g: seen.append(g.shape) or g * 2)
        return np.sum(y * y)

    same(ag.vmap(ag.grad(f))(X), 8 * X**3)
    assert set(seen) == {(3,)}


def test_variables_are_read_and_not_assigned():
    v = ag.Variable(np.ones(3))
    same(ag.vmap(lambda x: x * v)(X), X)
    with pytest.raises(ag.TraceError, match="differs between the 4 examples"):
        ag.vmap(lambda x: (v.assign(x), x)[1])(X)
    same(v.numpy(), np.ones(3))
    ag.vmap(lambda x: (v.assign_add(np.ones(3)), x)[1])(X)
    same(v.numpy(), np.full(3, 2.0))
    same(ag.vmap(lambda x: (v.assign(v * 3.0), x * v)[1])(X), X * 6)


def test_assignment_to_a_variable_in_a_branch_that_some_take_is_refused():
    v = ag.Variable(1.0)

    def f(x):
        return ag.cond(x > 0, lambda: (v.assign(2.0), x)[1], lambda: x)

    with pytest.raises(ag.TraceError, match="some of the examples"):
        ag.vmap(f)(X[:, 0])
    same(v.numpy(), 1.0)


def test_assignment_to_entries():
    def f(x, y):
        out = anp.zeros((2, 3))
        out[0] = x
        out[1, 1:] += y[:2]
        out[:, 0] = 5.0
        return out

    wanted = np.zeros((4, 2, 3))
    wanted[:, 0] = X
    wanted[:, 1, 1:] = Y[:, :2]
    wanted[:, :, 0] = 5
    same(ag.vmap(f)(X, Y), wanted)
    same(ag.grad(lambda x: np.sum(ag.vmap(f)(x, Y) * 2))(X), np.tile([0.0, 2, 2], (4, 1)))


def test_a_tensor_from_outside_is_not_changed_by_examples():
    z = ag.constant(np.zeros(3))

    def f(x):
        z[0] = x[0]
        return x

    with pytest.raises(ag.TraceError, match="changes a Tensor from outside"):
        ag.vmap(f)(X)
    same(z.numpy(), np.zeros(3))


def test_random_numbers_are_drawn_for_each_example():
    draws = ag.vmap(lambda x, g: x * 0 + g.normal(size=3), (0, None))(X, anp.random.Generator(0))
    same(draws, np.random.default_rng(0).normal(size=(4, 3)))
    scaled = ag.vmap(lambda x, g: g.poisson(np.abs(x) * 100), (0, None))(X, anp.random.Generator(0))
    assert scaled.shape == (4, 3)
    assert len(np.unique(scaled)) > 3
    uniform = compiled(lambda x: ag.vmap(lambda a: a + anp.random.Generator(3).uniform(size=()))(x))(np.zeros(4))
    same(uniform, np.full(4, np.random.default_rng(3).uniform()))  # made inside: each example begins anew


def test_iteration_and_unpacking():
    same(ag.vmap(lambda x: sum(a * a for a in x))(X), (X**2).sum(1))

    def f(x):
        a, b, c = x
        return a * b - c

    same(ag.vmap(f)(X), X[:, 0] * X[:, 1] - X[:, 2])


def test_printing_inside(capsys):
    ag.vmap(lambda x: print(x) or x)(X)
    assert "one for each of 4 examples" in capsys.readouterr().out


def test_detect_anomaly_sees_what_is_inside():
    with ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match="log"):
        with ag.GradientTape() as tape:
            x = ag.constant(X)
            tape.watch(x)
            with np.errstate(all="ignore"):
                ag.vmap(lambda a: np.log(a) * 2)(x)


def test_name_scope_and_details_inside():
    with ag.record_details(), ag.name_scope("outer"):
        same(ag.vmap(ag.grad(lambda x: np.sum(x**2)))(X), 2 * X)


def test_complex_numbers():
    z = X + 1j * Y
    f = lambda z: np.real(np.vdot(z, z) * np.exp(z[0]))
    same(ag.vmap(ag.grad(f))(z), looped(ag.grad(f), z))
    same(ag.grad(lambda z: np.sum(ag.vmap(f)(z)))(z), looped(ag.grad(f), z))
    same(ag.vmap(np.matmul)(z, z), (z * z).sum(1))


def test_a_failure_leaves_tensors_from_outside_as_they_were():
    z = ag.constant(np.zeros(3))

    def f(x):
        z[0] = x[0]
        raise KeyError("later")

    with pytest.raises(KeyError):
        ag.vmap(f)(X)
    same(z.numpy(), np.zeros(3))


def test_a_result_is_no_handle_of_the_argument():
    x, v = ag.constant(X), ag.Variable(X)
    for given in (x, v):
        out = ag.vmap(lambda a: a)(given)
        out[0] = 7.0
        same(given.numpy(), X)


def test_numbers_that_jax_gives():
    """Small cases worked out with jax.vmap."""
    a = np.arange(6.0).reshape(3, 2)
    same(ag.vmap(lambda x, y: (x + y, x * y), (0, None), (0, 1))(a, a[1])[1], [[0, 4, 8], [3, 9, 15]])
    same(ag.vmap(lambda d: d["p"] @ d["q"], ({"p": 0, "q": None},))({"p": a, "q": np.array([1.0, -1.0])}), [-1, -1, -1])
    same(ag.vmap(ag.vmap(lambda x, y: x - y, (None, 0)), (0, None))(a[0], a[2]), [[-4, -5], [-3, -4]])
    same(ag.vmap(ag.hessian(lambda x: x[0] ** 2 * x[1]))(a[:2]), [[[2, 0], [0, 0]], [[6, 4], [4, 0]]])


def test_histograms_of_each_example():
    x = RNG.normal(size=(20, 30))
    counts, edges = ag.vmap(lambda a: np.histogram(a, 4))(x)
    same(counts, [np.histogram(a, 4)[0] for a in x])
    same(edges, [np.histogram(a, 4)[1] for a in x])


def test_nothing_is_kept_alive():
    """When a mapped function has returned, its values are gone, without the help of the garbage collector."""
    v, seen = ag.Variable(np.ones(3)), []

    def f(x):
        y = np.sin(x) * v
        seen.append(weakref.ref(y.array))
        return np.sum(y * y)

    def gradient(x):
        with ag.GradientTape() as tape:
            y = f(x)
        return tape.gradient(y, v)

    gc.collect()
    gc.disable()
    try:
        for call in (f, ag.grad(f), gradient):
            with ag.GradientTape() as tape:
                total = np.sum(ag.vmap(call)(ag.constant(X)))
            tape.gradient(total, v)
            del tape, total
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert all(reference() is None for reference in seen)
