"""Transforms inside of traced branches and loops, at values that the functions close over: against the eager run."""

import importlib.util

import numpy as np
import pytest

import autograd_core as ag

NUMBA = pytest.param("numba", marks=pytest.mark.skipif(not importlib.util.find_spec("numba"), reason="numba"))
POINT = np.array([0.5, -0.7, 1.1])
ROWS = np.array([[1.0, 0.2, -0.4], [0.3, -0.6, 0.9]])


# -- what is taken inside: from the point, and something that differs from step to step, to an array like the point ----


def quartic(w, c):
    return np.sum(w**4 * c) + np.prod(w)


@ag.custom_gradient
def cubed(x):
    return x**3, lambda ct: 3.0 * x**2 * ct


@ag.custom_gradient
def straight(x):
    return np.exp(ag.stop_gradient(x)), lambda ct: ct * np.exp(x)


INNER = {
    "grad": lambda w, c: ag.grad(lambda q: quartic(q, c))(w),
    "grad_keyword": lambda w, c: ag.grad(lambda q, s: quartic(q, s))(w, s=c),
    "grad_other": lambda w, c: ag.grad(quartic, 1)(w, c) * w,
    "argnums": lambda w, c: sum(ag.grad(lambda q, p: quartic(q, c) * np.sum(np.sin(p)), (0, 1))(w, 2.0 * w)),
    "twice_given": lambda w, c: sum(ag.grad(lambda q, p: quartic(q, c) * np.sum(p**2), (0, 1))(w, w)),
    "structure": lambda w, c: ag.grad(lambda d: quartic(d["a"], d["b"]) * np.sum(d["a"]))({"a": w, "b": w})["b"] * c,
    "value_and_grad": lambda w, c: sum(ag.value_and_grad(lambda q: quartic(q, c))(w)),
    "jvp": lambda w, c: ag.jvp(lambda q: q**3 * c, (w,), (c,))[1],
    "jvp_along": lambda w, c: ag.jvp(lambda q: np.sin(q * c), (c,), (w,))[1],
    "vjp": lambda w, c: ag.vjp(lambda q: np.tanh(q) * c, w)[1](c)[0],
    "vjp_of": lambda w, c: ag.vjp(lambda q: np.tanh(q) * c, c)[1](w)[0],
    "vjp_of_itself": lambda w, c: ag.vjp(lambda q: q, c)[1](w)[0] * c,
    "hvp": lambda w, c: ag.hvp(lambda q: quartic(q, c), (w,), (c,))[0],
    "hessian": lambda w, c: ag.hessian(lambda q: quartic(q, c))(w) @ c,
    "jacobian_fwd": lambda w, c: ag.jacobian(lambda q: np.sin(q) * q[::-1], mode="fwd")(w) @ c,
    "jacobian_rev": lambda w, c: ag.jacobian(lambda q: np.sin(q) * q[::-1], mode="rev")(w) @ c,
    "grad_of_grad": lambda w, c: ag.grad(lambda q: np.sum(ag.grad(lambda p: quartic(p, c))(q) ** 2))(w),
    "grad_inside_grad": lambda w, c: ag.grad(lambda q: np.sum(q * ag.grad(lambda p: quartic(p, c * q))(w)))(w),
    "vmap_of_grad": lambda w, c: np.sum(ag.vmap(lambda a: ag.grad(lambda q: quartic(q, c * a))(w))(ROWS), 0),
    "grad_of_vmap": lambda w, c: ag.grad(lambda q: np.sum(ag.vmap(lambda a: np.sin(a * q) * c)(ROWS)))(w),
    "elementwise_grad": lambda w, c: ag.elementwise_grad(lambda q: q**3 * c)(w),
    "checkpoint": lambda w, c: ag.grad(ag.checkpoint(lambda q: quartic(q, c)))(w),
    "function": lambda w, c: ag.grad(ag.function(lambda q: quartic(q, c)))(w),
    "custom": lambda w, c: cubed(w) * c,
    "custom_of_a_constant": lambda w, c: straight(w) * c,
    "tape": lambda w, c: by_tape(w, c),
}  # fmt: skip


def by_tape(w, c):
    w = ag.constant(w) if isinstance(w, np.ndarray) else w
    with ag.GradientTape() as tape:
        tape.watch(w)
        value = quartic(w, c)
    return tape.gradient(value, w)


# -- where: with the point closed over ---------------------------------------------------------------------------------


def in_scan(inner):
    return lambda w: ag.scan(lambda c, a: (np.sin(c + inner(w, a)), np.sum(c * a)), 0.1 * w, ROWS)


def in_fori(inner):
    return lambda w: ag.fori_loop(0, 2, lambda i, c: np.cos(c * inner(w, c)), 0.3 * w)


def in_while(inner):
    def f(w):
        return ag.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, np.cos(s[1] * inner(w, s[1]))), (0, 0.3 * w))[1]

    return f


def in_cond(inner):
    return lambda w: ag.cond(w[0] > 0, lambda: inner(w, np.cos(w)), lambda: inner(w, ROWS[0]))


def in_other_branch(inner):
    return lambda w: ag.cond(w[0] < 0, lambda: w, lambda: inner(w, ROWS[0]) * w)


def in_both(inner):
    """A branch in a loop, the point from outside of both."""

    def f(w):
        return ag.fori_loop(0, 2, lambda i, c: ag.cond(i > 0, lambda: inner(w, c), lambda: np.sin(c * w)), w)

    return f


WHERE = {"scan": in_scan, "fori": in_fori, "while": in_while, "cond": in_cond, "other": in_other_branch,
         "both": in_both}  # fmt: skip


def scalar(f):
    def total(w):
        leaves = f(w)
        return sum(np.sum(np.sin(leaf)) for leaf in (leaves if isinstance(leaves, tuple) else (leaves,)))

    return total


def numerical(f, w, step=1e-6):
    moves = step * np.eye(len(w))
    return np.array([(float(f(w + move)) - float(f(w - move))) / (2 * step) for move in moves])


def close(found, wanted):
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("inner", INNER)
def test_a_transform_inside_at_what_is_closed_over(inner, where):
    f = scalar(WHERE[where](INNER[inner]))
    compiled = ag.function(ag.value_and_grad(f), jit="numpy")
    value, gradient = compiled(POINT)
    assert compiled.plan(POINT)
    wanted = ag.grad(f)(POINT)
    close(value, f(POINT))
    close(gradient, wanted)
    np.testing.assert_allclose(np.asarray(gradient), numerical(f, POINT), rtol=1e-5, atol=1e-7)
    close(ag.grad(ag.function(f, jit="numpy"))(POINT), wanted)
    tangent = ag.function(lambda w: ag.jvp(f, (w,), (np.ones(3),))[1], jit="numpy")
    if not inner.startswith("custom"):  # which has a rule for one direction only
        close(tangent(POINT), np.sum(wanted))


@pytest.mark.parametrize("where", ["scan", "cond", "both"])
@pytest.mark.parametrize("inner", ["grad", "jvp", "hvp", "vjp", "vmap_of_grad", "custom"])
def test_second_derivatives_outside(inner, where):
    f = scalar(WHERE[where](INNER[inner]))
    wanted = ag.jacobian(ag.grad(f), mode="rev")(POINT)
    close(ag.function(ag.jacobian(ag.grad(f), mode="rev"), jit="numpy")(POINT), wanted)
    if inner != "custom":
        close(ag.function(ag.hessian(f), jit="numpy")(POINT), wanted)


@pytest.mark.parametrize("where", ["scan", "while", "cond"])
@pytest.mark.parametrize("inner", ["grad", "jvp", "hvp"])
@pytest.mark.parametrize("jit", [NUMBA])
def test_with_numba(inner, where, jit):
    f = scalar(WHERE[where](INNER[inner]))
    close(ag.function(ag.grad(f), jit=jit)(POINT), ag.grad(f)(POINT))


# -- siblings ----------------------------------------------------------------------------------------------------------


def maml(p):
    """One step of learning per task, differentiated in what all tasks start from."""

    def task(total, t):
        slope = ag.grad(lambda q: (q * t - 1) ** 2)(p)
        return total + ((p - 0.1 * slope) * t - 1) ** 2, None

    return ag.scan(task, 0.0, np.array([1.0, 2.0, 3.0]))[0]


@pytest.mark.parametrize("jit", ["numpy", NUMBA])
@pytest.mark.parametrize("start", [0.3, np.array(0.3)])
def test_learning_to_learn(jit, start):
    close(ag.function(ag.grad(maml), jit=jit)(start), -1.344)


def simple(p):
    return ag.scan(lambda c, t: (c + p * t, None), 0.0, np.ones(3))[0]


def test_python_numbers_that_are_closed_over():
    """A number is traced as what it is: it has entries, unlike all else, and still a derivative."""
    close(ag.function(ag.grad(simple), jit="numpy")(0.3), 3.0)
    close(ag.function(ag.grad(lambda p: simple(p) ** 2), jit="numpy")(0.3), 5.4)
    close(ag.function(ag.hessian(lambda p: simple(p) ** 2), jit="numpy")(0.3), 18.0)


def of_rows(start, rows):
    def step(c, t):
        return c * t + ag.grad(lambda q: np.sum(q**2 * t))(start), None

    return np.sum(ag.scan(step, np.ones(3), rows)[0])


@pytest.mark.parametrize("given", [POINT.copy(), ag.constant(POINT), ag.Variable(POINT), POINT.tolist()])
def test_a_gradient_in_an_array_of_outside(given):
    """Taken inside of a traced function: what is differentiated is no argument of it."""
    point = np.array(given) if isinstance(given, list) else given
    f = ag.function(lambda rows: ag.grad(lambda w: of_rows(w, rows))(point), jit="numpy")
    wanted = ag.grad(lambda w: of_rows(w, ag.constant(ROWS)))(ag.constant(POINT))
    close(f(ROWS), wanted)
    g = ag.function(lambda rows: ag.grad(lambda w: np.sum(w**2 * ag.grad(maml_at(rows))(point)))(point), jit="numpy")
    close(g(ROWS), 2 * POINT * ag.grad(maml_at(ROWS))(POINT))


def maml_at(rows):
    return lambda w: of_rows(w, rows)


@pytest.mark.parametrize("where", ["scan", "while", "cond", "both"])
@pytest.mark.parametrize("inner", ["grad", "jvp", "hvp", "vmap_of_grad"])
def test_variables(inner, where):
    v = ag.Variable(POINT)
    f = scalar(WHERE[where](INNER[inner]))

    def slope():
        with ag.GradientTape() as tape:
            total = f(v)
        return tape.gradient(total, v)

    wanted = ag.grad(f)(POINT)
    close(slope(), wanted)
    close(ag.function(slope, jit="numpy")(), wanted)
    v.assign(POINT[::-1])
    close(ag.function(slope, jit="numpy")(), ag.grad(f)(POINT[::-1]))


@pytest.mark.parametrize("where", ["scan", "while", "cond", "both"])
def test_a_tensor_of_outside_under_a_tape_of_outside(where):
    w = ag.constant(POINT)
    f = scalar(WHERE[where](INNER["grad"]))
    compiled = ag.function(lambda: f(w), jit="numpy")
    with ag.GradientTape() as tape:
        tape.watch(w)
        total = compiled()
    close(tape.gradient(total, w), ag.grad(f)(POINT))


def test_loops_in_what_is_differentiated_in_a_loop():
    def f(w):
        def step(c, a):
            def inner(q):
                return np.sum(ag.fori_loop(0, 2, lambda i, s: np.sin(s * q) + ag.grad(lambda r: quartic(r, a))(w), c))

            return c + ag.grad(inner)(w), None

        return ag.scan(step, 0.1 * w, ROWS)[0]

    wanted = ag.grad(scalar(f))(POINT)
    close(ag.function(ag.grad(scalar(f)), jit="numpy")(POINT), wanted)
    np.testing.assert_allclose(np.asarray(wanted), numerical(scalar(f), POINT), rtol=1e-5, atol=1e-7)


# -- arrays of outside are read at each run ----------------------------------------------------------------------------


READERS = {
    "grad": lambda x, s: ag.grad(lambda w: np.sum(w**2 * s))(x),
    "tangent": lambda x, s: ag.jvp(lambda w: w**2 * s, (s * np.ones(3),), (x,))[1],
    "cotangent": lambda x, s: ag.vjp(lambda w: w**2 * s, s * np.ones(3))[1](x)[0],
    "vmap": lambda x, s: ag.vmap(lambda a: a * s)(x),
    "vmap_not_mapped": lambda x, s: ag.vmap(lambda a, b: a * b, (0, None))(s * np.ones(2), x),
    "vmap_result": lambda x, s: ag.vmap(lambda a: (a * s, x))(np.ones(2))[1],
    "grad_in_vmap": lambda x, s: ag.vmap(lambda a: ag.grad(lambda w: np.sum(w**2 * a))(x))(s * np.ones(2)),
    "beside_grad_in_vmap": lambda x, s: ag.vmap(ag.grad(lambda w: np.sum(w**2 * x)))(s * np.ones((2, 3))),
    "index_in_vmap": lambda x, s: ag.vmap(lambda a: a[x.astype(int) * 0 + np.arange(3)] * s)(np.ones((2, 3))),
    "checkpoint": lambda x, s: ag.grad(lambda w: np.sum(ag.checkpoint(lambda w, x: w**2 * x)(w, x)))(s * np.ones(3)),
    "scan": lambda x, s: ag.scan(
        lambda c, a: (c + ag.grad(lambda w: np.sum(w**2 * a))(x), None), np.zeros(3), s * np.ones(2)
    )[0],
}


@pytest.mark.parametrize("name", READERS)
def test_an_array_of_outside_is_read_at_each_run(name):
    x = np.array([1.0, 2.0, 3.0])
    f = ag.function(lambda s: READERS[name](x, s), jit="numpy")
    close(f(np.array(2.0)), READERS[name](x, np.array(2.0)))
    x[:] = [5.0, -6.0, 7.0]
    close(f(np.array(2.0)), READERS[name](x, np.array(2.0)))


@pytest.mark.parametrize("jit", ["numpy", NUMBA])
def test_a_number_in_the_carry_that_has_no_derivative(jit):
    """Its cotangent is one number that stands for zeros, and read-only; it goes into the plan as a number."""

    def f(w):
        def step(i, carry):
            p, r = carry
            return p + r / np.dot(p, p * w) * p, r

        return np.sum(ag.fori_loop(0, 2, step, (np.ones(3), 2.0))[0])

    wanted = ag.grad(f)(np.ones(3))
    close(ag.function(ag.grad(f), jit=jit)(np.ones(3)), wanted)
    np.testing.assert_allclose(np.asarray(wanted), numerical(f, np.ones(3)), rtol=1e-6)


# -- functions that close over what a tape outside tracks -----------------------------------------------------------


CALLED = {
    "grad": lambda w: ag.function(lambda c: np.sin(c + ag.grad(quartic)(w, c)), jit="numpy")(2.0 * w),
    "grad_alone": lambda w: ag.function(lambda c: np.sin(ag.grad(quartic)(w, np.ones(3))), jit="numpy")(2.0 * w),
    "jvp": lambda w: ag.function(lambda c: ag.jvp(np.sin, (w,), (c,))[1], jit="numpy")(ROWS[0]),
    "vjp": lambda w: ag.function(lambda c: ag.vjp(lambda q: q**3, c)[1](w)[0], jit="numpy")(ROWS[0]),
    "vmap": lambda w: ag.function(lambda c: ag.vmap(lambda a: a * c)(w), jit="numpy")(ROWS[0]) @ w,
    "checkpoint": lambda w: ag.function(lambda c: ag.checkpoint(lambda a: a**2 * c)(w), jit="numpy")(ROWS[0]) * w,
    "and_given": lambda w: ag.function(lambda c: np.sin(c * np.sum(w**2)), jit="numpy")(w),
    "given_twice": lambda w: ag.function(lambda a, b: np.sin(a * b**2 * w), jit="numpy")(w, w),
    "in_a_loop": lambda w: ag.scan(lambda c, a: (called_with(w)(c, a), None), w, ROWS)[0],
}  # fmt: skip


def called_with(w):
    return ag.function(lambda c, a: np.sin(c + ag.grad(quartic)(w, a)), jit="numpy")


@pytest.mark.parametrize("name", CALLED)
def test_compiled_functions_that_close_over_what_is_differentiated(name):
    f = scalar(CALLED[name])
    gradient = ag.grad(f)(POINT)
    np.testing.assert_allclose(gradient, numerical(f, POINT), rtol=1e-5, atol=1e-7)
    moves = 1e-6 * np.eye(3)
    second = np.array([(ag.grad(f)(POINT + move) - ag.grad(f)(POINT - move)) / 2e-6 for move in moves])
    for mode in ("fwd", "rev"):
        np.testing.assert_allclose(ag.jacobian(ag.grad(f), mode=mode)(POINT), second, rtol=1e-5, atol=1e-6)


INSIDE = {
    "grad": lambda w: ag.grad(lambda q: quartic(q, ROWS[0]))(w),
    "cotangent": lambda w: ag.vjp(lambda q: q**2, ROWS[0])[1](w)[0],
    "tangent": lambda w: ag.jvp(lambda q: q**2, (ROWS[0],), (w,))[1],
    "vmap": lambda w: ag.vmap(lambda a: a**2)(w),
    "vmap_not_mapped": lambda w: ag.vmap(lambda a, b: a * b**2, (0, None))(ROWS, w),
    "checkpoint": lambda w: ag.checkpoint(lambda a: a**3)(w),
    "loop": lambda w: ag.fori_loop(0, 2, lambda i, c: c * c, w),
    "scan": lambda w: ag.scan(lambda c, a: (c * a, None), 1.0, w)[0],
}


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("name", INSIDE)
def test_a_plan_from_before_the_tape_knows_what_is_closed_over(name, before):
    w = ag.constant(POINT)
    f = ag.function(lambda: np.sum(INSIDE[name](w)), jit="numpy")
    if before:
        f()
    with ag.GradientTape() as tape:
        tape.watch(w)
        total = f()
    close(tape.gradient(total, w), ag.grad(lambda q: np.sum(INSIDE[name](q)))(POINT))
