"""ag.function: what it takes and gives back, when it traces, what it sees of the world around it, and its errors."""

from __future__ import annotations

import gc
import importlib.util
import threading
import warnings
import weakref
from collections import namedtuple

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core import recording
from autograd_core.compile.function import MOST_PLANS

NUMBA = bool(importlib.util.find_spec("numba"))
JITS = ["numpy", *["numba"] * NUMBA]

Point = namedtuple("Point", "x y")


def numpy_function(f):
    return ag.function(f, jit="numpy")


# -- what comes in and out ---------------------------------------------------------------------------------------------


def test_arrays_in_arrays_out():
    """NumPy arrays give NumPy arrays and scalars, Tensors give Tensors."""
    f = numpy_function(lambda x: (x * 2, np.sum(x)))
    doubled, total = f(np.arange(3.0))
    assert type(doubled) is np.ndarray
    assert type(total) is np.float64
    doubled, total = f(ag.constant(np.arange(3.0)))
    assert type(doubled) is type(total) is ag.Tensor
    np.testing.assert_array_equal(doubled, [0.0, 2.0, 4.0])


def test_structures_of_arguments_and_results():
    @numpy_function
    def f(a, b, *rest, scale=1.0, **named):
        return {
            "a": [a["x"] * scale, None, "text", 3], "b": Point(b.x, (b.y, named["w"])), "rest": rest, "none": None,
        }  # fmt: skip

    x, y = np.arange(3.0), np.ones((2, 2), np.float32)
    for _ in range(2):
        out = f({"x": x}, Point(y, 2.5), y, 1, scale=2.0, w=np.int32(4))
        np.testing.assert_array_equal(out["a"][0], 2 * x)
        assert out["a"][1:] == [None, "text", 3]
        assert isinstance(out["b"], Point)
        np.testing.assert_array_equal(out["b"].x, y)
        assert out["b"].y[0] == 2.5
        assert type(out["b"].y[1]) is np.int32
        np.testing.assert_array_equal(out["rest"][0], y)
        assert out["rest"][1] == 1
        assert out["none"] is None
    assert f.traces == 1


@pytest.mark.parametrize("result", [None, (), {}, 3, "text", [[], {"a": None}]])
def test_functions_without_arrays(result):
    f = numpy_function(lambda: result)
    assert f() == f() == result
    assert f.traces == 1


def test_outputs_that_are_inputs_constants_or_twice_the_same():
    kept = np.arange(2.0)

    @numpy_function
    def f(x):
        y = x + 1
        return x, y, y, np.ones(2), kept, x.reshape(2, 1), y[::-1]

    x = np.arange(2.0)
    first = f(x)
    copies = [np.array(each) for each in first]
    for each in first:
        assert each is not x
        assert not np.may_share_memory(each, x)
        assert not np.may_share_memory(each, kept)
    f(x + 5)
    for each, copy in zip(first, copies, strict=True):
        np.testing.assert_array_equal(each, copy)
    first[1][...] = 9.0  # what the caller does with one result does nothing to another
    np.testing.assert_array_equal(first[2], copies[2])
    np.testing.assert_array_equal(first[3], [1, 1])
    first[3][...] = 7.0
    np.testing.assert_array_equal(f(x)[3], [1, 1])


def test_variables_as_arguments_and_results():
    v, w = ag.Variable([1.0, 2.0]), ag.Variable([5.0, 6.0])

    @numpy_function
    def f(v, s):
        v.assign_add(s * np.ones(2))
        return v, v * 2

    same, doubled = f(v, ag.constant(1.0))
    assert same is v
    np.testing.assert_array_equal(doubled, [4.0, 6.0])
    assert f(w, ag.constant(1.0))[0] is w
    np.testing.assert_array_equal(w, [6.0, 7.0])
    np.testing.assert_array_equal(f(v, ag.constant(2.0))[1], [8.0, 10.0])
    assert f.traces == 2


@pytest.mark.parametrize("jit", JITS)
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3)), np.array(2.0), np.arange(6.0).reshape(2, 3).T, np.arange(12.0)[::-2],
        np.arange(3, dtype=">f8"), np.arange(3, dtype=">i4"), np.array([True, False]),
        np.arange(3, dtype=np.float16), np.arange(3) + 1j,
        np.array([2**62, -(2**62)]), np.array([2**63], np.uint64), np.arange(3, dtype=np.int8),
        np.broadcast_to(1.5, (2, 3)), np.array([np.nan, np.inf, -0.0]), np.arange(3, dtype=np.complex64),
        np.frombuffer(b"\0" + np.arange(3.0).tobytes(), offset=1), np.arange(3, dtype=np.longdouble),
    ],
    ids=lambda a: f"{a.dtype.str}{a.shape}",
)  # fmt: skip
def test_arrays_of_all_kinds(array, jit):
    def f(x):
        return x, x + x, x * x, np.sum(x, axis=0), x.T, np.where(x == x, x, 0), x != x, np.cumsum(x)

    array.flags.writeable = False
    expected = f(ag.constant(array.astype(array.dtype.newbyteorder("="))))
    traced = ag.function(f, jit=jit)
    for given in (array, array, ag.constant(array)):
        for got, want in zip(traced(given), expected, strict=True):
            want = want.numpy()
            assert np.asarray(got).dtype == want.dtype
            assert np.shape(got) == want.shape
            np.testing.assert_array_equal(got, want)


def test_numpy_scalars_are_arrays_and_python_numbers_are_not():
    f = numpy_function(lambda x, n: x * n)
    x = np.ones(2, np.float32)
    assert f(x, 2).dtype == np.float32  # weak
    assert f(x, np.float64(2)).dtype == np.float64
    f(x, np.float64(3))
    assert f.traces == 2
    f(x, 3)
    assert f.traces == 3
    f(x, True)
    f(x, 1)
    f(x, 1.0)
    assert f.traces == 6  # equal numbers, but other dtypes come out


def test_nan_as_a_python_number_does_not_retrace():
    f = numpy_function(lambda x, n: x * n)
    for _ in range(3):
        f(np.ones(2), float("nan"))
    assert f.traces == 1


def test_negative_zero_is_another_number():
    f = numpy_function(lambda x, n: x * n)
    assert not np.signbit(f(np.ones(1), 0.0))[0]
    assert np.signbit(f(np.ones(1), -0.0))[0]


@pytest.mark.parametrize(
    "given", [[{1, 2}], (bytearray(b"x"),), np.array(["a"]), np.array([object()]), np.ma.array([1.0])]
)
def test_arguments_that_cannot_be_taken(given):
    f = numpy_function(lambda x: 1)
    with pytest.raises(ag.AutogradError, match="<lambda>"):
        f(given)


def test_a_generator_as_argument_is_a_python_value():
    f = numpy_function(lambda g, x: x * 2)
    np.testing.assert_array_equal(f((i for i in range(3)), np.ones(2)), [2, 2])


def test_wrong_use_of_the_decorator():
    with pytest.raises(ag.DomainError, match="jit"):
        ag.function(jit="llvm")
    with pytest.raises(TypeError, match="function"):
        ag.function(3)


def test_wrong_arguments_raise_as_python_does():
    f = numpy_function(lambda x: x)
    with pytest.raises(TypeError, match="positional"):
        f(np.ones(2), np.ones(2))
    np.testing.assert_array_equal(f(np.ones(2)), [1, 1])


# -- when it traces ----------------------------------------------------------------------------------------------------


def test_one_trace_for_each_signature():
    calls = []

    @numpy_function
    def f(x, mode="a"):
        calls.append(mode)
        return x if mode == "a" else -x

    for _ in range(3):
        f(np.ones(2))
        f(np.ones(3))
        f(np.ones(2, np.float32))
        f(ag.constant(np.ones(2)))
        f(np.ones(2), "b")
        f(np.ones(2), mode="b")
    assert len(calls) == f.traces == 6


def test_a_function_that_keeps_retracing_warns():
    f = numpy_function(lambda x, n: x * n)
    for n in range(15):
        f(np.ones(2), n)
    with pytest.warns(RuntimeWarning, match=r"<lambda> was traced 16 times.*int 14 became the int 15"):
        f(np.ones(2), 15)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for n in range(16, 64):
            f(np.ones(2), n)
    assert len(seen) == 2  # at 32 and at 64
    assert seen[0].filename == __file__


@pytest.mark.filterwarnings("ignore:.*was traced:RuntimeWarning")
def test_the_number_of_plans_is_bounded():
    f = numpy_function(lambda x, n: x * n)
    for n in range(MOST_PLANS + 20):
        f(np.ones(1), n)
    assert f"{MOST_PLANS} plans" in repr(f)


@pytest.mark.filterwarnings("ignore:.*was traced:RuntimeWarning")
def test_plans_in_use_stay():
    """A plan that is used all the time is not thrown away for others that are used once."""
    calls = []

    @numpy_function
    def f(x, n):
        calls.append(n)
        return x * n

    for n in range(MOST_PLANS + 20):
        f(np.ones(1), n)
        f(np.ones(1), 0)
    assert calls.count(0) == 1


def test_methods_have_plans_of_their_own():
    class Scale:
        def __init__(self, by):
            self.by = by

        @ag.function(jit="numpy")
        def __call__(self, x):
            return x * self.by

    two, three = Scale(2.0), Scale(3.0)
    x = np.ones(2)
    np.testing.assert_array_equal(two(x), [2, 2])
    np.testing.assert_array_equal(three(x), [3, 3])
    np.testing.assert_array_equal(two(x), [2, 2])
    gone = weakref.ref(two)
    del two
    gc.collect()
    assert gone() is None


def test_methods_of_objects_that_are_equal_but_not_the_same():
    class Scale:
        def __init__(self, by):
            self.by = by

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 1

        @ag.function(jit="numpy")
        def of(self, x):
            return x * self.by

    assert Scale(2.0).of(np.ones(1)) == 2
    two, three = Scale(2.0), Scale(3.0)
    assert (two.of(np.ones(1)), three.of(np.ones(1))) == (2, 3)


def test_static_and_class_methods():
    class Some:
        @staticmethod
        @ag.function(jit="numpy")
        def double(x):
            return 2 * x

        @classmethod
        @ag.function(jit="numpy")
        def triple(cls, x):
            return 3 * x

    assert Some.double(np.ones(1)) == 2
    assert Some().triple(np.ones(1)) == 3


# -- functions in functions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit", JITS)
def test_derivatives_around_and_inside(jit):
    def f(x, y):
        return np.sum(np.sin(x) * y + np.exp(x * y))

    x, y, t = np.array([0.3, 0.7]), np.array([1.2, -0.4]), np.array([1.0, 2.0])
    compiled = ag.function(f, jit=jit)
    cases = [
        (ag.grad(f), ag.grad(compiled), ag.function(ag.grad(f), jit=jit)),
        (ag.grad(f, (0, 1)), ag.grad(compiled, (0, 1)), ag.function(ag.grad(f, (0, 1)), jit=jit)),
        (ag.value_and_grad(f), ag.value_and_grad(compiled), ag.function(ag.value_and_grad(f), jit=jit)),
        (ag.hessian(f), ag.hessian(compiled), ag.function(ag.hessian(f), jit=jit)),
        (
            ag.grad(ag.function(f, jit=jit)),
            ag.function(ag.grad(compiled), jit=jit),
            ag.function(ag.function(ag.grad(f))),
        ),
    ]
    for eager, around, inside in cases:
        for _ in range(2):
            expected = eager(x, y)
            for other in (around, inside):
                _alike(other(x, y), expected)
    _alike(ag.jvp(compiled, (x, y), (t, t)), ag.jvp(f, (x, y), (t, t)))
    value, pull = ag.vjp(compiled, x, y)
    expected, eager_pull = ag.vjp(f, x, y)
    _alike((value, pull(2.0)), (expected, eager_pull(2.0)))
    third = ag.grad(lambda x: np.sum(ag.grad(lambda x: np.sum(ag.grad(compiled)(x, y) ** 2))(x)))
    eager_third = ag.grad(lambda x: np.sum(ag.grad(lambda x: np.sum(ag.grad(f)(x, y) ** 2))(x)))
    _alike(third(x), eager_third(x))


def _alike(found, expected):
    found, expected = _flat(found), _flat(expected)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def _flat(structure):
    if isinstance(structure, (tuple, list)):
        return [leaf for entry in structure for leaf in _flat(entry)]
    return [np.asarray(structure)]


def test_nested_functions_and_recursion():
    @numpy_function
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    np.testing.assert_array_equal(power(np.array([2.0, 3.0]), 5), [32.0, 243.0])
    assert power.traces == 1

    @numpy_function
    def endless(x):
        return endless(x + 1)

    with pytest.raises(RecursionError):
        endless(np.ones(1))
    assert recording.current() is None


def test_custom_rules_and_checkpoints_inside():
    @ag.custom_gradient(probe=False)
    def clipped(x):
        return np.exp(x), lambda ct: np.clip(ct, -1.0, 1.0)

    cube = ag.primitive(lambda x: x**3)
    cube.defvjp(lambda ct, ans, x: 3 * ct * x**2)

    def f(x):
        inner = ag.checkpoint(lambda x: np.sin(np.exp(x)))
        return np.sum(5.0 * clipped(x) + cube(x) + inner(x))

    x = np.array([0.2, -0.7])
    _alike(numpy_function(ag.grad(f))(x), ag.grad(f)(x))
    _alike(ag.grad(numpy_function(f))(x), ag.grad(f)(x))
    _alike(numpy_function(f)(x), f(x))


@pytest.mark.parametrize("name", ["sum", "tanh", "reshape", "add_at", "pass", "v0", "x1", "list", "<lambda>"])
def test_operations_of_users_may_have_any_name(name):
    def impl(x):
        return x * 3 + 1

    impl.__name__ = name
    own, x = ag.primitive(impl), np.array([[0.5, 0.25]])
    for jit in JITS if name in ("sum", "add_at") else ["numpy"]:
        np.testing.assert_allclose(ag.function(lambda x: own(x), jit=jit)(x), impl(x))


# -- the world around it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit", JITS)
def test_what_a_function_refers_to_is_read_at_each_call(jit):
    array, tensor, w = np.ones(3), ag.constant(np.ones(3)), ag.Variable(np.ones(3))
    odd, turned, places = np.arange(6.0)[::2], np.arange(3, dtype=">f8"), np.array([0, 1, 2])

    def f(x):
        return x * array + tensor * 10 + w * 100, x * odd, x * turned, x[places]

    traced = ag.function(f, jit=jit)
    x = ag.constant([1.0, 2.0, 3.0])

    def check():
        for got, want in zip(traced(x), f(x), strict=True):
            np.testing.assert_array_equal(got, want)

    check()
    array[1] = 5.0
    odd[0] = 7.0
    turned[...] = [3, 4, 5]
    places[...] = [2, 2, 0]
    check()
    tensor[...] = [3.0, 4.0, 5.0]
    check()
    tensor *= 2.0
    check()
    w.assign([7.0, 8.0, 9.0])
    check()
    w.assign_add(np.ones(3))
    check()
    assert traced.traces == 1


def test_results_do_not_change_with_what_the_function_refers_to():
    array, w = np.ones(3), ag.Variable(np.ones(3))
    f = numpy_function(lambda: (ag.constant(array), w, w.value, w * 1.0, w.value[:2]))
    first = f()
    array[...] = 5.0
    w.assign_add(np.ones(3))
    f()
    for each in (first[0], first[2], first[3]):
        np.testing.assert_array_equal(each, np.ones(3))
    np.testing.assert_array_equal(first[4], np.ones(2))


def test_looks_at_tensors_from_outside_are_facts():
    """A branch on a Tensor that the function refers to is taken anew if the Tensor changes."""
    scale = ag.constant(2.0)
    f = numpy_function(lambda x: x * float(scale) if scale.item() > 0 else -x)
    x = np.ones(2)
    np.testing.assert_array_equal(f(x), [2, 2])
    scale[...] = 3.0
    np.testing.assert_array_equal(f(x), [3, 3])
    scale[...] = -1.0
    np.testing.assert_array_equal(f(x), [-1, -1])
    assert f.traces == 3


def test_variables_are_made_at_the_first_call_only():
    class Layer:
        w = None

        @ag.function(jit="numpy")
        def __call__(self, x):
            if self.w is None:
                self.w = ag.Variable(np.full(x.shape, 2.0))
            return x * self.w

    layer = Layer()
    np.testing.assert_array_equal(layer(np.ones(2)), [2, 2])
    layer.w.assign([3.0, 4.0])
    np.testing.assert_array_equal(layer(np.ones(2)), [3, 4])

    @numpy_function
    def f(x):
        return x * ag.Variable(np.ones(2))

    f(np.ones(2))
    with pytest.raises(ag.AutogradError, match=r"f made a Variable in a later call.*outside"):
        f(np.ones((2, 2)))


@pytest.mark.parametrize("jit", JITS)
def test_random_numbers_are_drawn_at_each_call(jit):
    """The same numbers as eagerly, for the same seed."""

    def draws(rng, x, n):
        return (
            rng.normal(size=3), rng.uniform(x, 2 * x), rng.standard_normal(2, np.float32), rng.integers(5, size=4),
            rng.permutation(6), rng.permutation(x), rng.choice(x, 2), rng.choice(9, 3, replace=False),
            rng.gamma(2.0, x), rng.truncated_normal((3,)), rng.lognormal(x, 0.5), rng.exponential(x),
            rng.binomial(10, 0.3, 3), rng.multinomial(5, [0.2, 0.8]), rng.dirichlet([1.0, 2.0]), rng.poisson(3.0),
            rng.beta(1.0, 2.0, size=2),
            rng.laplace(x), rng.gumbel(x, 0.1), rng.multivariate_normal(x[:2], np.eye(2)), rng.uniform(shape=(2,)),
            rng.uniform(0, 9, (2,), seed=5), rng.normal(x, np.abs(x)),
        )  # fmt: skip

    own, eager, x = anp.random.default_rng(3), anp.random.default_rng(3), ag.constant([0.5, 1.5, 2.5])
    traced = ag.function(lambda x, n: draws(own, x, n), jit=jit)
    seen = []
    for _ in range(3):
        found, expected = traced(x, np.array(3)), draws(eager, x, 3)
        seen.append(found[0].tolist())
        for at, (got, want) in enumerate(zip(found, expected, strict=True)):
            assert got.dtype == want.dtype
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=str(at))
    assert seen[0] != seen[1] != seen[2]


def test_draws_whose_parameters_are_traced():
    own, eager = anp.random.default_rng(3), anp.random.default_rng(3)

    def draws(rng, n, lam):
        return (
            rng.integers(n, size=3),
            rng.poisson(lam),
            rng.gamma(lam),
            rng.binomial(n, lam / 10),
            rng.choice(3, p=lam),
        )

    traced = numpy_function(lambda n, lam: draws(own, n, lam))
    for n in (5, 50):
        lam = ag.constant(np.array([0.5, 0.25, 0.25]))
        for got, want in zip(traced(ag.constant(n), lam), draws(eager, n, lam), strict=True):
            np.testing.assert_array_equal(got, want)
    assert traced.traces == 1
    with pytest.raises(ag.DomainError, match="scale must be 0 or more"):
        numpy_function(lambda s: anp.random.normal(0.0, s))(np.array(-1.0))


def test_seeds_and_generators_in_a_function():
    anp.random.seed(1)
    f = numpy_function(lambda: (anp.random.default_rng(7).normal(size=2), anp.random.normal(size=2)))
    first, second = f(), f()
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1].tolist() != second[1].tolist()
    anp.random.seed(1)
    np.testing.assert_array_equal(f()[1], first[1])


# -- errors ------------------------------------------------------------------------------------------------------------


def test_a_leaked_tensor_says_where_it_comes_from():
    leaked = []
    f = numpy_function(lambda x: leaked.append(x * 2) or x)
    f(np.ones(2))
    with pytest.raises(ag.TraceError, match="traced"):
        leaked[0] + 1
    with pytest.raises(ag.TraceError, match="traced"):
        leaked[0].numpy()
    with pytest.raises(ag.TraceError, match="another call of a traced function"):
        numpy_function(lambda x: x + leaked[0])(np.ones(2))
    assert "known when the plan runs" in repr(leaked[0])


def test_changes_in_place():
    kept = ag.constant(np.ones(2))

    def of_argument(x):
        x += 1.0
        return x

    def of_captured():
        kept[0] = 5.0
        return kept

    def of_own(x):
        y = x.copy()
        y[0] = 5.0
        y *= 2.0
        return y

    with pytest.raises(ag.TraceError, match="of_argument changes an argument in place"):
        numpy_function(of_argument)(np.ones(2))
    with pytest.raises(ag.TraceError, match="of_captured changes a Tensor from outside in place"):
        numpy_function(of_captured)()
    np.testing.assert_array_equal(kept, [1, 1])
    np.testing.assert_array_equal(numpy_function(of_own)(np.ones(2)), [10, 2])


def test_an_exception_leaves_nothing_changed():
    w, rng = ag.Variable([1.0, 2.0]), anp.random.default_rng(0)
    state = rng.source.bit_generator.state

    def f(x, fail):
        w.assign_add(x)
        rng.normal(size=2)
        if fail:
            raise KeyError("mine")
        return x

    traced = numpy_function(f)
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            traced(np.ones(2), True)
    np.testing.assert_array_equal(w, [1, 2])
    assert rng.source.bit_generator.state == state
    assert recording.current() is None
    assert len(traced._entries) == 0
    traced(np.ones(2), False)
    np.testing.assert_array_equal(w, [2, 3])


@pytest.mark.parametrize("jit", JITS)
def test_a_run_that_fails_writes_nothing(jit):
    w, table = ag.Variable([1.0, 2.0]), ag.Variable(np.arange(4.0))

    def step(i):
        w.assign_add(np.ones(2))
        table.assign(table.value.at[i].set(9.0))
        return table[i]

    f = ag.function(step, jit=jit)
    f(ag.constant([1, 2]))
    with pytest.raises(IndexError):
        f(ag.constant([1, 4]))
    np.testing.assert_array_equal(w, [2, 3])
    np.testing.assert_array_equal(table, [0, 9, 9, 3])
    f(ag.constant([0, -1]))
    np.testing.assert_array_equal(w, [3, 4])


def test_warnings_of_numpy_are_not_raised_by_plans():
    f = numpy_function(lambda x: np.log(x) + 1 / x)
    assert np.isnan(f(np.array([0.0, -1.0]))[1])


# -- zeros and infinities ----------------------------------------------------------------------------------------------

GUARDED = {
    "where log": lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)),
    "where sqrt": lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)),
    "where divide": lambda x: np.sum(np.where(x == 0, 1.0, np.sin(x) / x)),
    "product": lambda x: np.sum(np.where(x > 0, x, 0.0) * np.where(x > 0, 1 / x, 0.0)),
    "power": lambda x: np.sum(np.where(x > 0, x**0.5, 0.0)),
    "norm": lambda x: np.sum(np.where(x > 0, np.sqrt(x * x), 0.0)),
    "max": lambda x: np.max(np.log(np.where(x > 0, x, 0.0))),
}


@pytest.mark.parametrize("jit", JITS)
def test_a_zero_wins_over_an_infinity(jit):
    """As eagerly: also under a tape outside, and with what comes after a call that had none."""
    with np.errstate(all="ignore"):
        for name, f in GUARDED.items():
            inside, outside = ag.function(ag.grad(f), jit=jit), ag.grad(ag.function(f, jit=jit))
            for x in (np.array([1.0, 4.0]), np.array([0.0, 4.0]), np.array([-1.0, 0.0]), np.array([np.inf, 2.0])):
                expected = ag.grad(f)(x)
                np.testing.assert_allclose(inside(x), expected, rtol=1e-12, err_msg=name)
                np.testing.assert_allclose(outside(x), expected, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("jit", JITS)
def test_nan_goes_through(jit):
    def f(x):
        return np.sum(np.where(x > 0, np.log(x), 0.0) + x * x)

    x = np.array([np.nan, 0.0, 2.0])
    with np.errstate(all="ignore"):
        expected = ag.grad(f)(x)
    np.testing.assert_array_equal(ag.function(ag.grad(f), jit=jit)(x), expected)
    w, twin = ag.Variable([2.0, 3.0, 4.0]), ag.Variable([2.0, 3.0, 4.0])

    def step(w, x):
        with ag.GradientTape() as tape:
            y = np.sum(np.where(x > 0, np.log(x * w), 0.0))
        w.assign_sub(tape.gradient(y, w))

    traced = ag.function(step, jit=jit)
    for x in ([1.0, 2.0, 3.0], [0.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0, -1.0, 3.0]):
        with np.errstate(all="ignore"):
            step(twin, ag.constant(x))
        traced(w, ag.constant(x))
        np.testing.assert_allclose(w, twin, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "longdouble", "clongdouble"])
@pytest.mark.parametrize("jit", JITS)
def test_a_zero_wins_over_an_infinity_in_any_dtype(jit, dtype):
    """Of these compiled code reads no entries."""

    def step(w, x):
        with ag.GradientTape() as tape:
            y = np.sum(np.real(np.where(x == 0, x, np.log(x * w))) + x[0] * np.real(np.exp(w / 4)).sum())
        w.assign_sub(tape.gradient(np.real(y), w) * w.dtype.type(0.125))

    w, twin = (ag.Variable(np.array([2, 3, 4], dtype)) for _ in "ab")
    traced = ag.function(step, jit=jit)
    for entries in ([1, 2, 3], [0, 2, 3], [1, 0, 0], [0, 0, 3], [1, 2, np.inf]):
        x = ag.constant(np.array(entries, np.real(np.zeros((), dtype)).dtype))
        with np.errstate(all="ignore"):
            step(twin, x)
        traced(w, x)
        assert w.dtype == twin.dtype == dtype
        np.testing.assert_allclose(w.numpy(), twin.numpy(), rtol=1e-2 if dtype == "float16" else 1e-15)


@pytest.mark.parametrize("jit", JITS)
def test_variables_are_read_anew_after_a_zero_met_an_infinity(jit):
    w = ag.Variable(2.0)
    f = ag.function(ag.grad(lambda x: np.sum(np.where(x > 0, np.log(x) * w, 0.0))), jit=jit)
    for x, value in (([1.0, 2.0], 2.0), ([0.0, 2.0], 3.0), ([1.0, 2.0], 4.0), ([0.0, 1.0], 5.0), ([1.0, 1.0], 6.0)):
        w.assign(value)
        x = np.array(x)
        np.testing.assert_allclose(f(x), np.where(x > 0, value / np.where(x > 0, x, 1.0), 0.0))


# -- size, threads -----------------------------------------------------------------------------------------------------


def test_deep_programs():
    def f(x):
        for _ in range(2500):
            x = np.sin(x) + 0.1
        return np.sum(x)

    x = np.array([0.3, 0.4])
    np.testing.assert_allclose(numpy_function(f)(x), f(x), rtol=1e-12)
    np.testing.assert_allclose(numpy_function(ag.grad(f))(x), ag.grad(f)(x), rtol=1e-9)


@pytest.mark.parametrize("jit", JITS)
def test_two_threads_in_one_function(jit):
    f = ag.function(lambda x: np.sum(np.sin(x) @ np.cos(x).T * 2.0, axis=0) + np.exp(x[0, 0]), jit=jit)
    w = ag.Variable(0.0)

    def step(x):
        w.assign_add(np.sum(x))
        return np.sum(x) * 2

    step = ag.function(step, jit=jit)
    wrong = []

    def work(seed):
        x = np.random.default_rng(seed).normal(size=(20, 30))
        expected = np.sum(np.sin(x) @ np.cos(x).T * 2.0, axis=0) + np.exp(x[0, 0])
        held = [f(x) for _ in range(300)]
        wrong.extend(1 for each in held if not np.allclose(each, expected))
        wrong.extend(1 for _ in range(300) if step(np.ones(3)) != 6.0)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert float(w) == 2 * 300 * 3.0
