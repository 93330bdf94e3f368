"""Branches and loops inside of mapped functions, eagerly and compiled, with derivatives inside and outside."""

from functools import partial

import numpy as np
import pytest

import autograd_core as ag

compiled = partial(ag.function, jit="numpy")  # which emitter makes the plan is tested elsewhere
X = np.array([0.5, -1.0, 3.0, -0.25])
P = np.array([1.5, 2.0, 3.0, 1.25])
V = np.arange(12.0).reshape(4, 3) / 10


def root(x):
    return ag.cond(x > 0, np.sqrt, lambda x: 0.0 * x, x)


def both(x):
    return ag.cond(x * 2 > x, lambda a, b: {"r": a * b, "n": 1}, lambda a, b: {"r": b - a, "n": 2.5}, x, 3.0)["r"]


def doubled(x):
    return ag.while_loop(lambda c: c[0] < 100.0, lambda c: (2.0 * c[0] * x, c[1] + 1), (x + 1.0, 0))[0]


def polynomial(x):
    return ag.fori_loop(0, 3, lambda i, c: c * x + i, x)


def scanned(x, v):
    last, ys = ag.scan(lambda c, y: (c * x + y, c * y), x, v)
    return last + np.sum(ys)


def backwards(x, v):
    return ag.scan(lambda c, y: (c + y * x, {"y": c}), 0.0, v, reverse=True)[1]["y"][0]


def of_closure(x, v):
    return ag.scan(lambda c, i: (c + v[i] * x, None), 0.0, np.arange(3))[0]


def nested(x):
    return ag.fori_loop(0, 2, lambda i, c: ag.cond(c > 1.0, lambda c: c * x, lambda c: c + 2.0 * x, c), x)


def branch_on_all(x, v):
    return ag.cond(np.sum(ag.stop_gradient(v)) > -1.0, lambda: x * v[0], lambda: x)


CASES = [
    (root, (X,)), (both, (X,)), (doubled, (P,)), (polynomial, (P,)), (scanned, (P, V)), (backwards, (P, V)),
    (of_closure, (P, V)), (nested, (X,)), (branch_on_all, (X, V)),
]  # fmt: skip
KNOWN_LENGTH = [case for case in CASES if case[0] is not doubled]


def same(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def looped(f, args):
    return np.stack([np.asarray(f(*own)) for own in zip(*args, strict=True)])


@pytest.mark.parametrize(("f", "args"), CASES)
def test_as_example_by_example(f, args):
    wanted = looped(lambda *xs: compiled(f)(*xs), args)
    same(ag.vmap(f)(*args), wanted)
    same(compiled(ag.vmap(f))(*args), wanted)


@pytest.mark.parametrize(("f", "args"), CASES)
def test_derivatives(f, args):
    numbers = tuple(range(len(args)))
    each = [ag.grad(f, numbers)(*own) for own in zip(*args, strict=True)]
    wanted = [np.stack([one[k] for one in each]) for k in numbers]

    def total(*xs):
        return np.sum(ag.vmap(f)(*xs))

    for way in (ag.vmap(ag.grad(f, numbers)), ag.grad(total, numbers), compiled(ag.grad(total, numbers))):
        for found, right in zip(way(*args), wanted, strict=True):
            same(found, right)
    tangents = tuple(np.cos(arg) for arg in args)
    pushed = sum(np.sum((w * t).reshape(len(t), -1), 1) for w, t in zip(wanted, tangents, strict=True))
    same(ag.jvp(ag.vmap(f), args, tangents)[1], pushed)
    same(ag.vmap(lambda xs, ts: ag.jvp(f, xs, ts)[1])(args, tangents), pushed)


@pytest.mark.parametrize(("f", "args"), KNOWN_LENGTH)
def test_derivatives_inside_of_a_compiled_function(f, args):
    gradients = ag.vmap(ag.grad(f))
    same(compiled(gradients)(*args), gradients(*args))


def test_a_loop_of_unknown_length_has_no_derivative_inside_of_a_compiled_function():
    with pytest.raises(ag.TraceError, match="Take the derivative outside of the vmap"):
        compiled(ag.vmap(ag.grad(doubled)))(P)


def test_examples_that_are_done_stay_as_they_are():
    """A loop that divides by what is left: the infinities of the steps that an example does not take are not seen."""
    steps = np.array([1.0, 3.0, 5.0])

    def f(n):
        return ag.while_loop(lambda c: c[0] > 0, lambda c: (c[0] - 1.0, c[1] + 1.0 / c[0]), (n, 0.0))[1]

    same(ag.vmap(f)(steps), [1.0, 1 + 1 / 2 + 1 / 3, 1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5])
    same(ag.vmap(ag.grad(f))(steps), [ag.grad(f)(n) for n in steps])


def test_bounds_that_differ_between_examples():
    f = lambda n, x: ag.fori_loop(0, n, lambda i, c: c * x + i, x)
    counts = np.array([0, 1, 2, 3])
    wanted = [f(int(n), x) for n, x in zip(counts, P, strict=True)]
    same(ag.vmap(f)(counts, P), wanted)
    same(compiled(ag.vmap(f))(counts, P), wanted)
    same(ag.vmap(lambda n: ag.fori_loop(n, 4, lambda i, c: c + i, 0))(counts), [6, 6, 5, 3])


def test_mapped_twice():
    f = lambda a, b: ag.while_loop(lambda c: c < b, lambda c: c * a + 1.0, 0.0)
    limits = np.array([1.0, 5.0, 20.0])
    found = ag.vmap(ag.vmap(f, (None, 0)), (0, None))(P, limits)
    wanted = [[f(a, b) for b in limits] for a in P]
    same(found, wanted)
    same(compiled(ag.vmap(ag.vmap(f, (None, 0)), (0, None)))(P, limits), wanted)


def test_a_mapped_function_in_the_body_of_a_loop():
    def f(v):
        return ag.scan(lambda c, row: (c + ag.vmap(lambda a, b: a * b)(row, row), np.sum(c)), np.zeros(3), v)

    wanted = f(V)
    for found in (compiled(f)(V), ag.vmap(f)(V[None])):
        same(found[0].reshape(3), wanted[0])
        same(found[1].reshape(4), wanted[1])


def test_a_predicate_that_is_the_same_for_all_takes_one_branch():
    taken = []
    ag.vmap(lambda x: ag.cond(True, lambda: taken.append("true") or x, lambda: taken.append("false") or x))(X)
    assert taken == ["true"]


def test_branches_must_agree():
    with pytest.raises(ag.ShapeError, match="from true_fun and"):
        ag.vmap(lambda x: ag.cond(x > 0, lambda: x, lambda: np.stack([x, x])))(X)
    with pytest.raises(ag.StructureError, match="different structures"):
        ag.vmap(lambda x: ag.cond(x > 0, lambda: x, lambda: (x, x)))(X)
    with pytest.raises(ag.ShapeError, match="single truth value"):
        ag.vmap(lambda v: ag.cond(v > 0, lambda: 1.0, lambda: 2.0))(V)
    with pytest.raises(ag.ShapeError, match="carry"):
        ag.vmap(lambda x: ag.while_loop(lambda c: np.sum(c) < 5, lambda c: np.stack([c, c]), x))(X)


def test_variables_in_loops_are_read():
    w = ag.Variable(2.0)

    def f(x):
        return ag.fori_loop(0, 2, lambda i, c: c * w, x)

    with ag.GradientTape() as tape:
        y = np.sum(ag.vmap(f)(ag.constant(X)))
    same(tape.gradient(y, w).numpy(), 2 * 2.0 * X.sum())
    same(compiled(ag.vmap(f))(X), X * 4)


def test_a_branch_may_fill_an_array_of_its_own():
    def filled(x):
        out = ag.numpy.zeros(2)
        out[0] = x
        return out

    def doubled(x):
        x = x * 2.0
        out = ag.constant(np.ones(2))
        out[1] += x
        return out

    found = ag.vmap(lambda x: ag.cond(x > 0, filled, doubled, x))(X)
    same(found, [[0.5, 0], [1, -1], [3, 0], [1, 0.5]])
    counted = ag.vmap(lambda x: ag.while_loop(lambda c: c[0] < 2, lambda c: c.at[0].add(1.0), ag.numpy.zeros(2) + x))(X)
    assert counted.shape == (4, 2)


def test_a_branch_of_the_plan_that_is_the_same_for_all():
    """What does not differ between examples may come out of a branch that does not, either."""

    def f(x, p):
        return ag.cond(p > 0, lambda a: (a * x, p * 2), lambda a: (a - x, p * p), 3.0)

    for p in (2.0, -2.0):
        found = compiled(ag.vmap(f, (0, None)))(X, np.array(p))
        first, second = (3 * X, 2 * p) if p > 0 else (3 - X, p * p)
        same(found[0].numpy() if isinstance(found[0], ag.Tensor) else found[0], first)
        same(found[1].numpy() if isinstance(found[1], ag.Tensor) else found[1], np.full(4, second))
