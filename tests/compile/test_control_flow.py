"""cond, while_loop, fori_loop and scan in traced functions: against the same run eagerly."""

import importlib.util

import numpy as np
import pytest

import autograd_core as ag

JITS = ["numpy", pytest.param("numba", marks=pytest.mark.skipif(not importlib.util.find_spec("numba"), reason="numba"))]

pytestmark = pytest.mark.parametrize("jit", JITS)


def traced(f, jit):
    return ag.function(f, jit=jit)


def recurrent(x):
    """A scan whose step refers to values from outside; results, last carry and a slice along."""
    scale = np.exp(x[1, 0])
    last, ys = ag.scan(lambda c, a: (np.tanh(c * scale + a), {"y": c * a, "none": None}), x[0], x)
    return np.sum(last) + np.sum(ys["y"])


def backwards(x):
    return np.sum(ag.scan(lambda c, a: (np.tanh(c + a * x[1]), c * a), x[0], x, reverse=True)[1])


def counted(x):
    return np.sum(ag.fori_loop(1, 4, lambda i, c: np.sin(c) * x + i, x))


def chosen(x):
    def nested(y):
        return ag.cond(np.sum(y) > 100.0, lambda: np.exp(y), lambda: y * x)

    return np.sum(ag.cond(x[0, 0] > 0, nested, lambda y: y**3, x))


def rebound(x):
    """What the functions refer to is another thing when derivatives are taken."""
    y = x
    for _ in range(2):
        y = ag.cond(np.sum(x) > 0, lambda: np.sin(y) * y, lambda: y * 2.0)  # noqa: B023  # called at once
    return np.sum(y * x)


def nested(x):
    def row(carry, a):
        inner = ag.fori_loop(0, 2, lambda i, c: c * np.sin(a) + carry, a)
        return ag.cond(np.sum(a) > 1.0, lambda: carry * a, lambda: carry + inner), np.sum(inner)

    last, sums = ag.scan(row, x[0], x)
    return np.sum(last) + np.sum(sums**2)


def cut(x):
    return np.sum(ag.fori_loop(0, 2, lambda i, c: c * ag.stop_gradient(c) + x, x))


KNOWN = [recurrent, backwards, counted, chosen, rebound, nested, cut]
X = np.array([[0.5, 1.2], [0.3, -0.4], [0.9, 0.6]])


@pytest.mark.parametrize("f", KNOWN)
def test_values_and_derivatives_are_those_of_the_eager_run(f, jit):
    gradient, t = ag.grad(f), np.cos(X)

    def squares(x):
        return np.sum(gradient(x) ** 2)

    np.testing.assert_allclose(traced(f, jit)(X), float(f(ag.constant(X))), rtol=1e-12)
    np.testing.assert_allclose(traced(gradient, jit)(X), gradient(X), rtol=1e-10)
    np.testing.assert_allclose(ag.grad(traced(f, jit))(X), gradient(X), rtol=1e-10)
    np.testing.assert_allclose(traced(lambda x: ag.jvp(f, (x,), (t,))[1], jit)(X), np.sum(gradient(X) * t), rtol=1e-10)
    if jit == "numba" and f is not chosen and f is not backwards:  # compiling takes its time
        return
    second = ag.grad(squares)(X)
    np.testing.assert_allclose(traced(ag.grad(squares), jit)(X), second, rtol=1e-9)
    along = traced(lambda x: ag.jvp(squares, (x,), (t,))[1], jit)(X)
    np.testing.assert_allclose(along, np.sum(second * t), rtol=1e-9)


def test_third_derivative(jit):
    def third(x):
        return ag.grad(lambda x: np.sum(ag.grad(lambda x: np.sum(ag.grad(chosen)(x) ** 2))(x) ** 2))(x)

    np.testing.assert_allclose(traced(third, jit)(X), third(X), rtol=1e-9)


def grown(x):
    return np.sum(ag.while_loop(lambda c: np.sum(c) < 60.0, lambda c: c * x * 1.5 + 1.0, x))


def up_to(x):
    return np.sum(ag.fori_loop(np.sum(x < 0), np.sum(x > 0), lambda i, c: np.sin(c) * x + i, x))


@pytest.mark.parametrize("f", [grown, up_to])
def test_loops_of_unknown_length(f, jit):
    gradient, t = ag.grad(f), np.cos(X)
    np.testing.assert_allclose(traced(f, jit)(X), float(f(ag.constant(X))), rtol=1e-12)
    np.testing.assert_allclose(traced(gradient, jit)(X), gradient(X), rtol=1e-10)
    np.testing.assert_allclose(ag.grad(traced(f, jit))(X), gradient(X), rtol=1e-10)
    along = ag.grad(lambda x: ag.jvp(f, (x,), (t,))[1])
    np.testing.assert_allclose(traced(along, jit)(X), along(X), rtol=1e-9)
    with pytest.raises(ag.NotDifferentiableError, match="Use scan or fori_loop with Python integers"):
        traced(ag.grad(lambda x: np.sum(gradient(x) ** 2)), jit)(X)


def test_gradients_are_the_numerical_ones(jit):
    ag.testing.check_grads(traced(nested, jit), (X,), order=1)
    ag.testing.check_grads(traced(grown, jit), (X,), order=1)


def test_one_plan_takes_either_branch(jit):
    f = traced(lambda p, x: ag.cond(p, lambda: x * 2, lambda: -x), jit)
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(f(np.array(True), x), [2.0, 4.0])
    np.testing.assert_array_equal(f(np.array(False), x), [-1.0, -2.0])
    np.testing.assert_array_equal(f(np.array(0.5), x), [2.0, 4.0])  # any number but zero
    assert f.traces == 2


def test_a_branch_that_is_not_taken_does_no_harm(jit):
    def root(x):
        return ag.cond(x > 0, np.sqrt, lambda x: 0.0 * x, x)

    for gradient in (traced(ag.grad(root), jit), ag.grad(traced(root, jit))):
        assert float(gradient(np.array(0.0))) == 0.0
        assert float(gradient(np.array(4.0))) == 0.25


def test_zero_wins_over_infinity_inside_a_loop(jit):
    def f(x):
        return ag.scan(lambda c, a: (c + np.where(a > 0, np.sqrt(a), 0.0), None), 0.0, x)[0]

    np.testing.assert_array_equal(traced(ag.grad(f), jit)(np.array([0.0, 4.0])), [0.0, 0.25])


def test_variables_that_are_read(jit):
    w, b = ag.Variable([[0.5, 0.1], [-0.3, 0.8]]), ag.Variable([0.1, 0.2])

    def gradients(x):
        with ag.GradientTape() as tape:
            last = ag.scan(lambda c, a: (np.tanh(c @ w + a + b), None), b, x)[0]
            y = ag.cond(np.sum(last) > 0, lambda: np.sum(last * b), lambda: np.sum(last))
        return tape.gradient(y, [w, b])

    f = traced(gradients, jit)
    for _ in range(2):
        for own, eager in zip(f(X), gradients(X), strict=True):
            np.testing.assert_allclose(own, eager, rtol=1e-12)
        w.assign_add(np.ones((2, 2)))
    with ag.GradientTape() as tape:
        y = np.sum(traced(lambda x: ag.fori_loop(0, 2, lambda i, c: np.tanh(c @ w) + x, x), jit)(X))
    with ag.GradientTape() as eager:
        z = np.sum(ag.fori_loop(0, 2, lambda i, c: np.tanh(c @ w) + X, X))
    np.testing.assert_allclose(tape.gradient(y, w), eager.gradient(z, w), rtol=1e-12)


def assigning(w, n):
    def f(x):
        def body(i, c):
            w.assign_add(1.0)
            return ag.cond(c > 5.0, lambda: (n.assign_add(1), c + w * x)[1], lambda: c + 2 * w)

        return ag.fori_loop(0, 3, body, x)

    return f


def test_variables_that_are_assigned(jit):
    w, n, x = ag.Variable(1.0), ag.Variable(0), ag.constant(2.0)
    f = traced(assigning(w, n), jit)
    other, m = ag.Variable(1.0), ag.Variable(0)
    eager = assigning(other, m)
    for _ in range(2):
        assert float(f(x)) == float(eager(x))
        assert (float(w), int(n)) == (float(other), int(m))


def test_gradients_beside_assignments(jit):
    w, n = ag.Variable(1.0), ag.Variable(0)

    def gradients(x):
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = assigning(w, n)(x)
        return tape.gradient(y, [w, x])

    expected = [float(g) for g in gradients(ag.constant(2.0))]
    w.assign(1.0)
    assert [float(g) for g in traced(gradients, jit)(ag.constant(2.0))] == expected


def test_a_variable_in_the_test_of_a_loop(jit):
    w = ag.Variable(1.0)

    def f(x):
        def body(c):
            w.assign_add(1.0)
            return c * x

        return ag.while_loop(lambda c: w < 4.0, body, x)

    assert float(traced(f, jit)(ag.constant(3.0))) == 81.0
    assert float(w) == 4.0


def test_buffers(jit):
    count = np.zeros(())

    def f(x):
        def body(i, c):
            ag.tracing.store(count, ag.tracing.buffer(count) + 1.0)
            return c * x

        return ag.fori_loop(0, 3, body, x)

    g = traced(f, jit)
    assert float(g(np.array(2.0))) == 16.0
    g(np.array(2.0))
    assert count == 6.0


def draws():
    numbers = iter(range(1, 1000))
    return lambda: ag.tracing.host(lambda: float(next(numbers)), (), np.float64)


def test_draws_are_made_at_each_step(jit):
    draw = draws()
    f = traced(lambda x: ag.scan(lambda c, _: (c, c * draw()), x, None, length=3)[1], jit)
    np.testing.assert_array_equal(f(np.array(2.0)), [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(f(np.array(2.0)), [8.0, 10.0, 12.0])


@pytest.mark.parametrize("pred", [True, False])
def test_derivatives_are_of_the_numbers_that_were_drawn(pred, jit):
    draw = draws()

    def f(p, x):
        y = ag.cond(p, lambda: x * draw(), lambda: x * draw() * draw())
        return ag.scan(lambda c, _: (c * draw(), c), y, None, length=3)[0]

    def value_and_slope(p, x):
        value, slope = ag.value_and_grad(f, argnums=1)(p, x)
        return value, slope * x

    value, same = traced(value_and_slope, jit)(np.array(pred), np.array(3.0))
    assert float(value) == float(same) != 0.0
    value, slope = traced(lambda p, x: ag.jvp(lambda x: f(p, x), (x,), (1.0,)), jit)(np.array(pred), np.array(3.0))
    assert float(value) == float(slope) * 3.0


def test_draws_in_a_loop_of_unknown_length(jit):
    draw = draws()

    def f(x):
        return ag.while_loop(lambda c: c < 20.0, lambda c: c * draw(), x)

    assert traced(f, jit)(np.array(2.0)) == 48.0
    with pytest.raises(ag.NotDifferentiableError, match="draw the numbers before the loop"):
        traced(ag.grad(f), jit)(np.array(2.0))


def test_loops_of_no_step(jit):
    f = traced(lambda x: ag.scan(lambda c, a: (c + a, {"y": c * 2}), x, np.zeros(0)), jit)
    last, ys = f(np.array(2.0))
    assert (last, ys["y"].shape) == (2.0, (0,))
    g = traced(ag.grad(lambda x: ag.scan(lambda c, a: (c + a, c), x, np.zeros(0))[0]), jit)
    assert g(np.array(2.0)) == 1.0
    h = traced(lambda n, x: ag.value_and_grad(lambda x: ag.fori_loop(0, n, lambda i, c: c * x, x))(x), jit)
    assert [float(v) for v in h(np.array(0), np.array(3.0))] == [3.0, 1.0]
    assert [float(v) for v in h(np.array(2), np.array(3.0))] == [27.0, 27.0]


def test_dtypes_of_python_numbers(jit):
    x = np.array(2.0, np.float32)
    f = traced(lambda x: ag.fori_loop(0, 2, lambda i, c: c * x, 1.0), jit)
    assert (f(x).dtype, f(x)) == (np.float32, 4.0)
    g = traced(lambda x: ag.cond(x > 0, lambda: x, lambda: 0), jit)
    assert (g(-x).dtype, g(-x)) == (np.float32, 0.0)
    h = traced(lambda x: ag.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 0.5, c[1] + 1), (0, 0)), jit)
    assert [float(v) for v in h(x)] == [3.0, 6.0]


def test_other_arguments_and_structures(jit):
    def f(x):
        state = {"a": (x, 1.0), "b": [x * 2]}
        after = ag.while_loop(
            lambda s: np.sum(s["a"][0]) < 30.0,
            lambda s: {"a": (s["a"][0] * 2, s["a"][1] + 1), "b": [s["b"][0] + s["a"][1]]},
            state,
        )
        return ag.cond(after["a"][1] > 2, lambda s, k: s["b"][0] ** k, lambda s, k: s["a"][0], after, 2)

    np.testing.assert_allclose(traced(f, jit)(X), f(ag.constant(X)), rtol=1e-12)


def test_branches_without_results(jit):
    w = ag.Variable(0.0)
    f = traced(lambda x: ag.cond(x > 0, lambda: (w.assign(x), None)[1], lambda: None), jit)
    assert f(ag.constant(2.0)) is None
    assert float(w) == 2.0
    f(ag.constant(-2.0))
    assert float(w) == 2.0


def test_a_custom_gradient_inside(jit):
    @ag.custom_gradient
    def doubled(x):
        return x * 1.0, lambda ct: ct * 2.0 * x / x

    def f(x):
        return np.sum(ag.fori_loop(0, 3, lambda i, c: ag.cond(np.sum(c) > -9, doubled, lambda c: c, c), x))

    np.testing.assert_allclose(traced(ag.grad(f), jit)(X), np.full_like(X, 8.0))


def test_a_tape_inside_of_a_loop(jit):
    def descend(x):
        def body(i, c):
            return c - 0.1 * ag.grad(lambda c: np.sum((c * c - x) ** 2))(c)

        return np.sum(ag.fori_loop(0, 5, body, x))

    np.testing.assert_allclose(traced(descend, jit)(X), float(descend(ag.constant(X))))
    np.testing.assert_allclose(traced(ag.grad(descend), jit)(X), ag.grad(descend)(X), rtol=1e-9)


def test_a_tape_that_pauses_inside(jit):
    def gradient(x):
        def body(i, c):
            with tape.stop_recording():
                z = ag.cond(c[0, 0] > 0, lambda: c * x, lambda: c)
            return z * x

        with ag.GradientTape() as tape:
            tape.watch(x)
            y = np.sum(ag.fori_loop(0, 2, body, x))
        return tape.gradient(y, x)

    np.testing.assert_allclose(traced(gradient, jit)(X), gradient(ag.constant(X)))
    with pytest.raises(ag.TraceError, match="one of several tapes pauses"):
        traced(ag.grad(lambda x: np.sum(gradient(x))), jit)(X)


def test_carries_that_change_places(jit):
    def swapped(c, _):
        return (c[1], c[0]), (c[0], c[0])

    def f(x):
        (a, b), (first, second) = ag.scan(swapped, (x, 2 * x), None, length=3)
        c, d = ag.while_loop(lambda c: np.sum(c[0]) > 4.0, lambda c: (c[1], c[0]), (a, b))
        e, g = ag.cond(np.sum(c) > 0, lambda: (x, x), lambda: (d, d))
        return np.sum(a * b + c * 3 * d + first[1] * second[2]) + np.sum(e * g)

    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(traced(f, jit)(x), float(f(ag.constant(x))))
    np.testing.assert_allclose(traced(ag.grad(f), jit)(x), ag.grad(f)(x))


def test_what_is_dear_is_kept_for_the_loop_backward(jit):
    def f(w, x):
        return np.sum(ag.scan(lambda c, a: (np.tanh(c @ w + a), None), x[0], x)[0])

    w, x = np.cos(np.arange(9.0).reshape(3, 3)), np.sin(np.arange(12.0).reshape(2, 2, 3))
    plan = traced(ag.grad(f), jit).plan(w, x)
    codes = {i.primitive.name: i.primitive.impl.code for i in plan.optimised.instructions if "scan" in i.primitive.name}
    made = {name: [i.primitive.name for i in code.program.instructions] for name, code in codes.items()}
    assert made["scan"].count("matmul") == 1
    assert made["scan backward"].count("matmul") == 2  # those of the VJP: the one forward is not made again
    assert "tanh" not in made["scan backward"]
    np.testing.assert_allclose(traced(ag.grad(f), jit)(w, x), ag.grad(f)(w, x), rtol=1e-12)


X0 = np.array([1.0, 2.0])
BAD = {
    "shapes": (
        lambda x: ag.cond(x[0] > 0, lambda: {"a": x}, lambda: {"a": x[:1]}), ag.ShapeError,
        r"leaf \['a'\] of the result has shape \(2,\) from true_fun and shape \(1,\) from false_fun",
    ),
    "dtypes": (
        lambda x: ag.cond(x[0] > 0, lambda: x, lambda: x > 0), ag.DtypeError,
        "leaf itself of the result has dtype float64 from true_fun and dtype bool from false_fun",
    ),
    "structures": (
        lambda x: ag.cond(x[0] > 0, lambda: x, lambda: (x, x)), ag.StructureError,
        "true_fun and false_fun return different structures",
    ),
    "leaf": (lambda x: ag.cond(x[0] > 0, lambda: "a", lambda: "b"), ag.ConversionError, "cond: true_fun: leaf itself"),
    "in place": (
        lambda x: ag.cond(x[0] > 0, lambda y: y.fill(0.0), lambda y: None, x), ag.TraceError,
        "true_fun changes an operand",
    ),
    "outer in place": (
        lambda x: (lambda y: ag.cond(x[0] > 0, lambda: y.fill(0.0), lambda: None))(x * 2), ag.TraceError,
        "changes a Tensor from outside in place",
    ),
    "carry": (
        lambda x: ag.while_loop(lambda c: c[0][0] < 9, lambda c: (c[0][:1],), (x,)), ag.ShapeError,
        r"leaf \[0\] of the carry has shape \(2,\) before the step, shape \(1,\) after",
    ),
    "carry dtype": (
        lambda x: ag.fori_loop(0, 2, lambda i, c: c > 0, x), ag.DtypeError,
        "leaf itself of the carry has dtype float64 before the step, dtype bool after",
    ),
    "carry in place": (
        lambda x: ag.fori_loop(0, 2, lambda i, c: c.__iadd__(1), x), ag.TraceError, "body_fun changes what it is given"
    ),
    "test": (lambda x: ag.while_loop(lambda c: c > 0, lambda c: c, x), ag.ShapeError, "cond_fun must return a single"),
    "test assigns": (
        lambda x: ag.while_loop(lambda c: ag.Variable(1.0).assign(2.0) > c[0], lambda c: c, x), ag.TraceError,
        "cond_fun assigns a Variable",
    ),
    "nothing": (
        lambda x: ag.while_loop(lambda c: x[0] > 0, lambda c: c, None), ag.StructureError, "nothing could change"
    ),
    "pair": (lambda x: ag.scan(lambda c, a: c, x[0], x), ag.StructureError, r"pair \(carry, y\); got Tensor"),
    "branch": (
        lambda x: ag.fori_loop(0, 2, lambda i, c: c if c[0] > 0 else -c, x), ag.TraceError, "a branch was taken"
    ),
    "left": (lambda x: leaked(x), ag.TraceError, "comes from another call of a traced function"),
    "afterwards": (
        lambda x: ag.cond(x[0] > 0, lambda: ag.tracing.afterwards(print), lambda: None), ag.TraceError,
        "make the step or the update outside",
    ),
}  # fmt: skip


def leaked(x):
    kept = []
    ag.fori_loop(0, 2, lambda i, c: kept.append(c * 2) or c, x)
    return kept[0] + x


@pytest.mark.parametrize("case", BAD)
def test_errors(case, jit):
    f, error, said = BAD[case]
    with pytest.raises(error, match=said):
        traced(f, jit)(X0)
