"""Loops whose steps are run by one call of compiled code, held against the same loops run step by step."""

import _thread
import importlib.util
import os
import threading
import time

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

if importlib.util.find_spec("numba") is None:
    pytest.skip("needs Numba", allow_module_level=True)

from autograd_core.compile.to_numba import repeat

RUNS = []
"""What ``repeat.run`` gave in the present test."""


@pytest.fixture(autouse=True)
def runs_are_noted(monkeypatch):
    run = repeat.run
    monkeypatch.setattr(repeat, "run", lambda *args: RUNS.append(run(*args)) or RUNS[-1])
    RUNS.clear()


RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2))
XS = RNG.normal(size=(7, 3, 2))


def swapped(c, x):
    return (c[1], c[0]), c[0] + x


def fibonacci(c, x):
    return (c[1], c[0] + c[1] * x), c[1]


def passed_on(c, x):
    """The carry is the slice; the results are the slice, the carry, and the new value twice."""
    return (x, c[0]), (x, c[0], c[1] * 2.0, c[1] * 2.0)


def both_stacked(c, x):
    a = anp.tanh(c[0] + x)
    return (a, a), (c[0], a, c[1])


def untouched(c, x):
    return c, x * c[1]


def from_outside(c, x):
    return (anp.asarray(B), c[0] + x), B


def shortened(c, x):
    return (anp.cumsum(c[0], axis=0)[::-1] * 0.1 + x.T.T, c[1] @ c[1].T @ c[0] * 0.01), anp.sum(c[0], axis=1)


STEPS = [swapped, fibonacci, passed_on, both_stacked, untouched, from_outside, shortened]


def held_against(f, *args, native=True):
    """Results of ``f`` compiled, held against those without a compiler."""
    RUNS.clear()
    found = ag.function(f, jit="numba")(*args)
    assert bool(RUNS) == native
    assert None not in RUNS
    for a, b in zip(leaves(found), leaves(f(*args)), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def leaves(tree):
    if isinstance(tree, (tuple, list)):
        return [leaf for each in tree for leaf in leaves(each)]
    return [np.asarray(getattr(tree, "array", tree))]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_scans(step, reverse):
    for length in (2, 3, 7):
        held_against(lambda a, b, xs: ag.scan(step, (a, b), xs, reverse=reverse), A, B, XS[:length])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_gradients_of_scans(step, reverse):
    def f(a, b, xs):
        carry, ys = ag.scan(step, (a, b), xs, reverse=reverse)
        return sum(anp.sum(anp.sin(each)) for each in [*carry, *(ys if isinstance(ys, tuple) else (ys,))])

    held_against(ag.grad(f, argnums=(0, 1, 2)), A, B, XS)
    held_against(lambda a, b, xs: ag.jvp(f, (a, b, xs), (b, a, xs)), A, B, XS)
    held_against(ag.grad(lambda a: anp.sum(ag.grad(f, argnums=2)(a, B, XS) ** 2)), A)


def test_one_step_and_none():
    held_against(lambda a, b, xs: ag.scan(fibonacci, (a, b), xs), A, B, XS[:1], native=False)
    held_against(lambda a, b, xs: ag.scan(fibonacci, (a, b), xs)[0], A, B, XS[:0], native=False)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 0, 3)])
def test_dtypes_and_shapes(dtype, shape):
    xs = (RNG.normal(size=(6, *shape)) * 3).astype(dtype)

    def step(c, x):
        both = c | x if dtype == "bool" else c * x
        return both, (c, both)

    held_against(lambda xs: ag.scan(step, xs[0], xs), xs, native=dtype != "complex64")  # which is left to NumPy


def test_arrays_that_are_not_contiguous():
    held_against(
        lambda a, b, xs: ag.scan(fibonacci, (a, b), xs),
        A.T.copy().T,
        B[::-1],
        XS[::-1].swapaxes(0, 1)[:, ::2].swapaxes(0, 1),
    )
    held_against(lambda a, b, xs: ag.scan(fibonacci, (a, b), xs), A, B, np.broadcast_to(A, (5, 3, 2)))


def test_nothing_is_written_to_arguments():
    given = [A.copy(), B.copy(), XS.copy()]
    (a, b), ys = ag.function(lambda a, b, xs: ag.scan(passed_on, (a, b), xs), jit="numba")(*given)
    for result in (a, b, *ys):
        assert not any(np.shares_memory(result, each) for each in given)
        result[...] = 7
    for each, kept in zip(given, (A, B, XS), strict=True):
        np.testing.assert_array_equal(each, kept)


def test_results_are_apart():
    (a, b), ys = ag.function(lambda a, b, xs: ag.scan(both_stacked, (a, b), xs), jit="numba")(A, B, XS)
    arrays = [a, b, *ys]
    for i, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[:i])


def test_variables_assigned_in_steps():
    count = ag.Variable(np.zeros(2))

    def f(xs):
        def step(c, x):
            count.assign_add(x)
            return c + count.value, c * 1.0

        return ag.scan(step, np.zeros(2), xs)

    xs = RNG.normal(size=(5, 2))
    eager = [np.asarray(leaf) for leaf in leaves(f(xs))] + [count.numpy()]
    count.assign(np.zeros(2))
    found = [*leaves(ag.function(f, jit="numba")(xs)), count.numpy()]
    for a, b in zip(found, eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_draws_come_in_the_order_of_the_steps():
    def f(x, generator):
        return ag.scan(lambda c, _: (c + anp.random.normal(size=3), c), x, None, length=6)

    def run(jit):
        anp.random.seed(3)
        return leaves(ag.function(lambda x: f(x, None), jit=jit)(np.zeros(3)))

    native = run("numba")
    assert RUNS
    for a, b in zip(native, run("numpy"), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.unique(np.diff(native[1], axis=0)).size == 15  # all steps draw anew


def test_an_index_out_of_range_in_some_step():
    f = ag.function(lambda x, at: ag.scan(lambda c, i: (c + x[i], c * 2.0), 0.0, at), jit="numba")
    x, right = np.arange(4.0), np.array([0, 3, -4, 1])
    np.testing.assert_array_equal(f(x, right)[0], 0 + 3 + 0 + 1)
    with pytest.raises(IndexError, match="out of range for an axis of length 4"):
        f(x, np.array([0, 3, 4, 1]))
    np.testing.assert_array_equal(f(x, right)[0], 4)


def test_zero_wins_over_infinity():
    def f(xs):
        return ag.scan(lambda c, x: (c + anp.where(x > 0, anp.sqrt(x), 0.0), None), 0.0, xs)[0]

    xs = np.array([4.0, 0.0, 1.0])
    np.testing.assert_array_equal(ag.function(ag.grad(f), jit="numba")(xs), ag.grad(f)(xs))


def test_large_steps_on_several_threads():
    x = RNG.normal(size=(400, 500))
    held_against(lambda x: ag.scan(lambda c, s: (anp.sin(c @ x.T @ x * 1e-5) * s, anp.sum(c)), x, np.arange(4.0)), x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_in_a_forked_child():
    """There the pool of threads is not, and Numba's own would end the process."""
    x = RNG.normal(size=(300, 400))
    loops = [
        lambda x: ag.scan(lambda c, s: (anp.sin(c) * s, anp.sum(c)), x, np.arange(3.0)),
        lambda x: ag.while_loop(lambda c: anp.sum(c * c) > 5.0, lambda c: anp.sin(c) * 0.5, x),
    ]
    compiled = [ag.function(f, jit="numba") for f in loops]
    expected = [leaves(f(x)) for f in compiled]
    child = os.fork()
    if not child:
        try:
            found = [leaves(f(x)) for f in compiled]
            pairs = zip(leaves(found), leaves(expected), strict=True)
            same = all(np.allclose(a, b) for a, b in pairs)
            os._exit(0 if same else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_two_threads_at_once():
    f = ag.function(lambda a, b, xs: ag.scan(fibonacci, (a, b), xs), jit="numba")
    given = [(A * k, B / k, XS - k) for k in range(1, 9)]
    expected = [leaves(f(*each)) for each in given]
    wrong = []

    def work(each, right):
        for _ in range(50):
            if not all(map(np.array_equal, leaves(f(*each)), right)):
                wrong.append(each)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(given, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# -- loops of unknown length -------------------------------------------------------------------------------------------


def newton(a):
    return ag.while_loop(lambda x: abs(x * x - a) > 1e-12 * a, lambda x: 0.5 * (x + a / x), a)


def test_while_loops():
    held_against(newton, np.float64(2.0))
    held_against(newton, np.float64(1.0), native=False)  # no step
    held_against(lambda a, n: ag.fori_loop(0, n, lambda i, c: (c[1], c[0] + i * a), (a, a * 0.5)), A, np.int64(9))
    held_against(lambda a: ag.while_loop(lambda c: c[1], lambda c: (c[0] + a, anp.sum(c[0]) < 40.0), (a, True)), abs(A))


@pytest.mark.parametrize("steps", [1, 2, 255, 256, 257, 5000])
def test_gradients_of_while_loops(steps):
    def f(x, y, n):
        def body(c):
            i, a, b = c
            return i + 1, anp.sin(a) * y + b * 0.5, a

        return anp.sum(ag.while_loop(lambda c: c[0] < n, body, (0, x, x * 2.0))[1])

    held_against(ag.grad(f, argnums=(0, 1)), A, B, np.int64(steps))
    held_against(lambda x, y, n: ag.jvp(lambda x, y: f(x, y, n), (x, y), (y, x)), A, B, np.int64(steps))


def test_many_steps_in_stretches():
    """More than are kept at once, of a large carry."""
    x = RNG.normal(size=(300, 500))
    f = lambda x, n: anp.sum(ag.fori_loop(0, n, lambda i, c: anp.sin(c) * 1.1, x))
    held_against(ag.grad(f), x, np.int64(13))


def test_an_index_out_of_range_in_some_step_of_a_while_loop():
    def f(x, n):
        return ag.fori_loop(0, n, lambda i, c: c + x[i], 0.0)

    compiled = ag.function(f, jit="numba")
    assert compiled(np.arange(5.0), np.int64(5)) == 10
    with pytest.raises(IndexError, match="5 is out of bounds for axis 0 with size 5"):
        compiled(np.arange(5.0), np.int64(7))


def test_draws_in_a_while_loop():
    """They are drawn step by step: it is not known how many there will be."""

    def run(jit):
        anp.random.seed(5)
        total = ag.function(
            lambda: ag.while_loop(lambda c: c < 5.0, lambda c: c + anp.random.uniform(), 0.0), jit=jit
        )()
        return float(total), float(anp.random.uniform())

    assert run("numba") == run("numpy")


def test_a_long_loop_can_be_interrupted():
    f = ag.function(lambda x: ag.while_loop(lambda c: c < 4e9, lambda c: c + 1.0, x), jit="numba")
    f(np.float64(4e9))
    threading.Timer(0.3, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        f(np.float64(0.0))  # it would take 20 s


# -- speed -------------------------------------------------------------------------------------------------------------


def test_a_small_step_costs_less_than_python_would():
    f = ag.function(
        lambda x: ag.scan(lambda c, _: (c + 0.01 * anp.sin(c), None), x, None, length=100_000)[0], jit="numba"
    )
    f(np.float64(1.0))
    started = time.perf_counter()
    f(np.float64(1.0))
    assert time.perf_counter() - started < 0.15  # 0.004 s on a quiet machine; one Python call per step would be 0.3


# -- at random ---------------------------------------------------------------------------------------------------------


def random_step(rng):
    """A step that hands on, swaps, repeats and changes what it is given; and how many parts its carry has."""
    count = int(rng.integers(1, 5))

    def choice(depth):
        kind = rng.integers(0, 4 if depth else 3)
        if kind < 2:
            place = int(rng.integers(0, count))
            return lambda c, x: c[place]
        if kind == 2:
            return [lambda c, x: x, lambda c, x: anp.asarray(B)][int(rng.integers(0, 2))]
        one, other = choice(depth - 1), choice(depth - 1)
        operation = [lambda a, b: anp.sin(a) + 0.5 * b, lambda a, b: a * b * 0.3, anp.minimum][int(rng.integers(0, 3))]
        return lambda c, x: operation(one(c, x), other(c, x))

    made = [choice(2) for _ in range(3)]
    parts = [made[rng.integers(0, 3)] if rng.integers(0, 2) else choice(2) for _ in range(count + rng.integers(0, 4))]

    def step(c, x):
        known = {part: part(c, x) for part in parts}
        return tuple(known[part] for part in parts[:count]), tuple(known[part] for part in parts[count:])

    return step, count


def random_loops_agree(seed):
    rng = np.random.default_rng(seed)
    step, count = random_step(rng)
    first = tuple(rng.normal(size=(3, 2)) for _ in range(count))
    xs, reverse = rng.normal(size=(int(rng.integers(2, 6)), 3, 2)), bool(rng.integers(0, 2))

    def total(first, xs):
        carry, ys = ag.scan(step, first, xs, reverse=reverse)
        return sum(anp.sum(anp.cos(each) * k) for k, each in enumerate([*carry, *ys], 1))

    def ended(first, n):
        """The same steps on one slice, until a number of them is reached that the plan is not made for."""
        carry = ag.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, step(c[1], xs[0])[0]), (0, first))[1]
        return sum(anp.sum(anp.cos(each) * k) for k, each in enumerate(carry, 1))

    pairs = [
        (lambda *given: ag.scan(step, given[:-1], given[-1], reverse=reverse), (*first, xs)),
        (lambda *given: ag.grad(lambda f, x: total(f, x), argnums=(0, 1))(given[:-1], given[-1]), (*first, xs)),
        (lambda *given: ag.grad(lambda f: ended(f, given[-1]))(given[:-1]), (*first, np.int64(4))),
    ]
    for f, args in pairs:
        for a, b in zip(leaves(ag.function(f, jit="numba")(*args)), leaves(f(*args)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12, err_msg=f"seed {seed}")


@pytest.mark.parametrize("seed", range(4))
def test_random_loops(seed):
    random_loops_agree(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 80))
def test_many_random_loops(seed):
    random_loops_agree(seed)
