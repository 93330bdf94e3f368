"""What the engine promises to rules, each by a small program with rules of its own, checked by hand.

Rules may send less than an array (a constant, a note), or what is wrong; they are told apart by dtype, by width and by
being recorded or not; they are called once; and what they send is added up in one buffer.
"""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import autograd_core as ag
from autograd_core.backward import pull_back, pull_back_watched
from autograd_core.errors import AnomalyError, CotangentError, NotDifferentiableError
from autograd_core.linearize import Linearized
from autograd_core.primitive import LINEAR, MULTILINEAR, Primitive
from autograd_core.scatter import Cleared, Scatter
from autograd_core.tensor import Tensor

X = np.array([0.5, 1.0, 2.0])
NARROW = X.astype("float32")
ZEROS = np.zeros(2)
CT = np.array([1.0, -2.0, 3.0])
LARGE = 1 << 15


@dataclass(frozen=True)
class Promise:
    """A program of ``nodes`` Nodes; ``run`` raises if something else comes of it than is promised."""

    nodes: int
    title: str
    run: Callable[[], None]

    def __str__(self) -> str:
        return self.title


_PROMISES: list[Promise] = []


def promises() -> Iterator[Promise]:
    """All of them."""
    yield from _PROMISES


def _of(nodes: int, title: str):
    def note(run):
        _PROMISES.append(Promise(nodes, title, run))
        return run

    return note


def _pulled(f, x, ct):
    return ag.vjp(f, x)[1](ct)[0]


def _pushed(f, x, t):
    return ag.jvp(f, (x,), (t,))[1]


def _raises(kind: type[Exception], said: str, run: Callable[[], Any]) -> None:
    """As ``pytest.raises``, whose own error is no Exception."""
    message = "nothing raised"
    try:
        run()
    except kind as error:
        message = str(error)
    assert re.search(said, message), message


def _op(name: str, impl, *vjps, **others) -> Primitive:
    return Primitive(name, impl, vjps=vjps, **others)


# -- shapes and dtypes -------------------------------------------------------------------------------------------------


@_of(2, "a rule that sends another length")
def _other_length():
    op = _op("bad", lambda y, x: y + x, None, lambda ct, ans, y, x: np.ones(2))
    said = r"bad for its argument 1 returned a cotangent of shape \(2,\); .* has shape \(3,\) and the result \(3,\)"
    _raises(CotangentError, said, lambda: _pulled(lambda x: op(X, x), X, CT))


@_of(2, "a rule that sends too few axes")
def _too_few_axes():
    op = _op("bad", np.copy, lambda ct, ans, x: np.ones(()))
    _raises(CotangentError, r"cotangent of shape \(\)", lambda: _pulled(op, X, CT))


@_of(2, "a rule that sends another length along the first of two axes")
def _other_height():
    op = _op("bad", np.copy, lambda ct, ans, x: np.ones((4, 3)))
    square = np.ones((2, 3))
    _raises(CotangentError, r"cotangent of shape \(4, 3\)", lambda: _pulled(op, square, square))


@_of(3, "a rule of several results that sends another length, or what is to be summed")
def _several_results():
    op = _op("bad", lambda x: (x + x, x[:2]), lambda ct, ans, x: np.ones(2))
    said = r"argument has shape \(3,\) and the result \(3,\) and \(2,\)\."
    _raises(CotangentError, said, lambda: _pulled(lambda x: op(x)[0], X, CT))
    op = _op(
        "two", lambda x, y: (x + y, x * y), lambda ct, ans, x, y: ct[0] + ct[1] * y, lambda ct, ans, x, y: np.zeros(()),
        elementwise=True,
    )  # fmt: skip
    rows = np.array([[1.0], [2.0]])
    assert_array_equal(_pulled(lambda x: op(x, rows)[1], X, np.ones((2, 3))), np.full(3, 3.0), strict=True)
    assert_array_equal(_pulled(lambda y: op(X, y)[1], rows, np.ones((2, 3))), np.zeros((2, 1)), strict=True)


@_of(2, "an elementwise rule that sends another length")
def _other_length_of_entries():
    op = _op("bad", np.copy, lambda ct, ans, x: np.ones(2), elementwise=True)
    _raises(CotangentError, r"cotangent of shape \(2,\)", lambda: _pulled(op, X, CT))


@_of(2, "an elementwise rule that sends one zero for all entries")
def _one_for_all():
    op = _op("step", lambda y, x: np.floor(x) + y, None, lambda ct, ans, y, x: np.zeros(()), elementwise=True)
    assert_array_equal(_pulled(lambda x: op(X, x), X, CT), np.zeros(3), strict=True)


@_of(2, "a tangent rule that gives a wider dtype and fewer axes, joint and with parameters")
def _joint_tangents():
    op = _op(
        "scaled", lambda x, *, by: x * by, lambda ct, ans, x, *, by: (ct * by,), joint=True,
        jvps=(lambda entering, ans, x, *, by: np.asarray(np.float64(by) * entering[0][0]),),
    )  # fmt: skip
    wanted = np.full(3, 1.5, "float32")
    assert_array_equal(_pushed(lambda x: op(x, by=1.5), NARROW, np.ones(3, "float32")), wanted, strict=True)


@_of(3, "tangents of several results: a list of wider ones")
def _list_of_tangents():
    op = _op(
        "two", lambda x: (x + x, x * x), lambda ct, ans, x: ct[0] * 2 + ct[1] * 2 * x,
        jvps=(lambda t, ans, x: [t * np.float64(2.0), t * 2 * x.astype(float)],),
    )  # fmt: skip
    for index, wanted in enumerate((2 * np.ones(3, "float32"), 2 * NARROW)):
        found = _pushed(lambda x, index=index: op(x)[index], NARROW, np.ones(3, "float32"))
        assert_array_equal(found, wanted, strict=True)


@_of(3, "tangents of several results, of two arguments")
def _sum_of_tangents():
    op = _op(
        "both", lambda x, y, z: (x * y + z, x - 3 * y),
        lambda ct, ans, x, y, z: ct[0] * y + ct[1], lambda ct, ans, x, y, z: ct[0] * x - 3 * ct[1],
        lambda ct, ans, x, y, z: ct[0],
        jvps=(
            lambda t, ans, x, y, z: (t * y, t), lambda t, ans, x, y, z: (t * x, -3 * t),
            lambda t, ans, x, y, z: (t, np.zeros_like(t)),
        ),
    )  # fmt: skip
    for index, wanted in enumerate((2 * X * CT + CT, -2 * CT)):
        assert_allclose(_pushed(lambda x, index=index: op(x, x, x)[index], X, CT), wanted)


@_of(2, "concatenate([x, integers]), float32")
def _narrow_and_integers():
    found = _pushed(lambda x: np.concatenate([x, np.array([1, 2], "int8")]), NARROW, NARROW)
    assert_array_equal(found, np.array([*NARROW, 0, 0], "float32"), strict=True)


@_of(2, "the transpose of a rule, which reads all that it is given")
def _transpose():
    op = _op("flipped cubes", lambda x: np.flip(x * x * x), lambda ct, ans, x: 3 * np.flip(ct * ans) / x)
    assert_allclose(_pushed(op, X, CT), np.flip(3 * X**2 * CT))
    assert_allclose(ag.grad(lambda x: np.sum(_pushed(op, x, CT)))(X), 6 * X * CT)


@_of(2, "a tangent rule that gives a narrower dtype, recorded")
def _narrow_tangent():
    op = _op(
        "wide square", lambda x: np.square(x, dtype=float), lambda ct, ans, x: 2 * x * ct,
        jvps=(lambda t, ans, x: 2 * x * t,),
    )  # fmt: skip
    ones = np.ones(3, "float32")
    assert_array_equal(_pushed(op, NARROW, ones), 2.0 * X, strict=True)
    assert_array_equal(ag.grad(lambda x: np.sum(_pushed(op, x, ones)))(NARROW), 2 * ones, strict=True)


@_of(3, "an operation linear in each argument, with a parameter")
def _multilinear():
    op = _op(
        "scaled product", lambda x, y, *, by: by * x * y, lambda ct, ans, x, y, *, by: by * ct * y,
        lambda ct, ans, x, y, *, by: by * ct * x, jvps=MULTILINEAR,
    )  # fmt: skip
    assert_allclose(_pushed(lambda x: op(x, x, by=5.0), X, CT), 10 * X * CT)


@_of(2, "a linear operation with a parameter")
def _linear():
    op = _op("scaled", lambda x, *, by: by * x, lambda ct, ans, x, *, by: by * ct, jvps=LINEAR)
    assert_allclose(_pushed(lambda x: op(x, by=5.0), X, CT), 5 * CT)


# -- rules that are missing --------------------------------------------------------------------------------------------


@_of(2, "no VJP rule on the path")
def _no_vjp():
    op = _op("ruleless", np.copy, None)
    _raises(NotDifferentiableError, "ruleless has no VJP rule for its argument 0", lambda: _pulled(op, X, CT))


@_of(2, "no JVP rule on the path")
def _no_jvp():
    op = _op("ruleless", np.copy, lambda ct, ans, x: ct, jvps=(None,))
    _raises(NotDifferentiableError, "ruleless has no JVP rule for its argument 0", lambda: _pushed(op, X, CT))


@_of(3, "no VJP rule off the path")
def _no_vjp_needed():
    op = _op("half ruleless", np.multiply, lambda ct, ans, x, y: ct * y, None)
    x, y = ag.Tensor(X), ag.Tensor(CT)
    with ag.GradientTape() as tape:
        tape.watch([x, y])
        z = op(x, y)
    assert_array_equal(tape.gradient(z, x).numpy(), CT)


@_of(3, "no JVP rule off the path")
def _no_jvp_needed():
    op = _op("ruleless", np.copy, lambda ct, ans, x: ct, jvps=(None,))

    def beside(x):
        op(x)
        return np.square(x)

    def before(x):
        np.square(op(x))
        return x

    assert_allclose(_pushed(beside, X, CT), 2 * X * CT)
    assert_array_equal(_pushed(before, X, CT), CT)


# -- zeros that meet infinities ----------------------------------------------------------------------------------------


@_of(2, "sqrt(x) at zeros, one cotangent zero")
def _infinity_beside_zero():
    for found in (_pulled, _pushed):
        assert_array_equal(found(np.sqrt, ZEROS, np.array([1.0, 0.0])), [np.inf, 0.0])


@_of(2, "sqrt(x) with an infinite cotangent beside a zero one; square(x) with infinite ones")
def _infinite_cotangent():
    for found in (_pulled, _pushed):
        assert_array_equal(found(np.sqrt, np.array([1.0, 0.0]), np.array([np.inf, 0.0])), [np.inf, 0.0])
        assert_array_equal(found(np.square, np.array([0.0, 1.0]), np.array([np.inf, np.inf])), [0.0, np.inf])


@_of(3, "sqrt(flip(x)) at zeros: a zero wins only at its own entry")
def _zero_at_another_entry():
    found = _pulled(lambda x: np.sqrt(np.flip(x)), np.array([0.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0]))
    assert_array_equal(found, [0.0, 0.5, np.inf])


@_of(2, "x ** [0.5, 2] at zeros: the second derivative beside a lost entry")
def _curve_beside_zero():
    exponents, one = np.array([0.5, 2.0]), np.array([0.0, 1.0])
    for found in (_pulled, _pushed):
        first = lambda x, found=found: np.sum(found(lambda x: x**exponents, x, one))
        assert_array_equal(ag.grad(first)(ZEROS), [0.0, 2.0])


@_of(2, "an elementwise rule with a parameter, infinite at zero")
def _zero_with_parameter():
    op = _op(
        "scaled sqrt", lambda x, *, by: by * np.sqrt(x), lambda ct, ans, x, *, by: ct * by / (2 * np.sqrt(x)),
        elementwise=True,
    )  # fmt: skip
    for found in (_pulled, _pushed):
        assert_array_equal(found(lambda x: op(x, by=4.0), ZEROS, np.array([1.0, 0.0])), [np.inf, 0.0])


@_of(2, "one elementwise rule for all arguments, infinite at zero")
def _joint_infinity():
    op = _op("joint sqrt", np.sqrt, lambda ct, ans, x: (ct / (2 * np.sqrt(x)),), joint=True, elementwise=True)
    assert _pulled(op, np.array([0.0, 1.0]), np.array([0.0, 1.0]))[1] == 0.5


@_of(2, "sqrt(x) at zeros, in a trace")
def _zero_in_trace():
    for found in (_pulled, _pushed):
        traced = ag.function(lambda x, ct, found=found: found(np.sqrt, x, ct), jit="numpy")
        assert_allclose(traced(X, CT), CT / (2 * np.sqrt(X)))
        assert_array_equal(traced(np.zeros(3), np.array([1.0, 0.0, 2.0])), [np.inf, 0.0, np.inf])


# -- hooks, and those who look -----------------------------------------------------------------------------------------


def _hooked(function, hook=lambda ct: None):
    def hooked(x):
        result = function(x)
        result.register_gradient_hook(hook)
        return result

    return hooked


@_of(2, "sin(x), its gradient hooked")
def _hook():
    assert_allclose(_pulled(_hooked(np.sin, lambda ct: 3 * ct), X, CT), 3 * CT * np.cos(X))


@_of(2, "x[1:], hooked")
def _hooked_note():
    assert_array_equal(_pulled(_hooked(lambda x: x[1:]), X, CT[1:]), [0.0, -2.0, 3.0])


@_of(2, "sqrt(x) at zeros, hooked, all cotangents zero")
def _hooked_zeros():
    assert_array_equal(_pulled(_hooked(np.sqrt), ZEROS, ZEROS), ZEROS)


@_of(2, "one rule for all arguments, watched")
def _watched():
    op = _op("twice", lambda x: x + x, lambda ct, ans, x: (2 * ct,), joint=True)
    run = Linearized("test", op, [X], [0], {}, copy=False)
    node, seen = run.result.node, []

    def look(*given):
        seen.append(given)
        return 10 * given[-1]

    found = pull_back_watched(run.record.nodes, {node: CT}, run.inputs, look)
    assert_array_equal(found[run.inputs[0]], 20 * CT)
    ((ct, *what, contribution),) = seen
    assert what == [node, 0, None]
    assert_array_equal(ct, CT)
    assert_array_equal(contribution, 2 * CT)


@_of(2, "sqrt(x) at zeros, looked at in forward mode")
def _looked_at():
    def run():
        with ag.detect_anomaly():
            _pushed(np.sqrt, ZEROS, np.ones(2))

    _raises(AnomalyError, "sqrt", run)


# -- what rules are given, and how often -------------------------------------------------------------------------------


@_of(2, "rules are called once where all is finite")
def _called_once():
    calls = []

    def rule(ct, ans, x):
        calls.append(ct)
        return ct * ans

    op = _op("counted exp", np.exp, rule, elementwise=True)
    for f, found in ((op, _pulled), (op, _pushed), (_hooked(op), _pulled)):
        calls.clear()
        assert_allclose(found(f, X, CT), CT * np.exp(X))
        assert len(calls) == 1


@_of(2, "elementwise rules are given NumPy's scalars in place of 0-d arrays, unless recorded")
def _given_scalars():
    given = []

    def rule(ct, ans, x, y):
        given.append((ct, ans, x, y))
        return ct * y

    op = _op("product", np.multiply, rule, lambda ct, ans, x, y: ct * x, elementwise=True)
    for x, kind in ((np.array(2.0), np.float64), (X, np.ndarray)):
        given.clear()
        assert_allclose(_pulled(lambda x: op(x, x), x, x), 2 * x * x)
        ag.vjp(lambda x: _pulled(lambda x: op(x, x), x, x), x)
        assert [[type(arg) for arg in args] for args in given] == [[kind] * 4, [Tensor] * 4]


@_of(3, "rules are given Tensors where they are recorded, constants included")
def _given_tensors():
    given = []

    def rule(ct, ans, x):
        given.append((ct, ans, x))
        return ct * 2

    probe = _op("probe", lambda x: x + x, rule)
    constant = _op("constant", np.copy, lambda ct, ans, x: np.zeros(3))
    ag.vjp(lambda x: _pulled(lambda x: constant(probe(x)), x, CT), X)
    assert [type(arg) for arg in given[0]] == [Tensor] * 3
    assert_array_equal(given[0][0].numpy(), np.zeros(3))


@_of(3, "sin(x) ** 2, by sin(x)")
def _source_on_the_way():
    x = ag.Tensor(X)
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = np.sin(x)
        z = y * y
    assert_allclose(tape.gradient(z, y).numpy(), 2 * np.sin(X))


@_of(3, "a result used twice: by the value, and by the rule")
def _slot_twice():
    op = _op("exp and square", lambda x: (np.exp(x), x * x), lambda ct, ans, x: ct[0] * ans[0] + 2 * ct[1] * x)

    def value_times_slope(x):
        y, pull = ag.vjp(lambda x: op(x)[0], x)
        return np.sum(y * pull(np.ones(3))[0])

    assert_allclose(ag.grad(value_times_slope)(X), 2 * np.exp(2 * X))


# -- adding up ---------------------------------------------------------------------------------------------------------


def _thrice(*sent) -> Primitive:
    """Of one argument three times (or four), whose rules send what they are told to."""
    rules = [lambda ct, ans, *args, make=make: make(ct) for make in sent]
    return _op("thrice", lambda x, *others: x * len(sent), *rules)


@_of(2, "0-d: an array, a cleared one, an array")
def _cleared_scalar():
    op = _thrice(lambda ct: ct, lambda ct: Cleared(ct, ()), lambda ct: ct)
    assert_array_equal(_pulled(lambda x: op(x, x, x), np.array(2.0), np.array(3.0)), 6.0)


@_of(2, "constants, a Tensor, a constant")
def _constants_and_tensor():
    nothing = lambda ct: np.zeros(3)
    op = _thrice(nothing, nothing, lambda ct: ct * ct, nothing)
    first = lambda ct: _pulled(lambda x: op(x, x, x, x), X, ct)
    assert_allclose(_pulled(first, CT, np.ones(3)), 2 * CT)


def _arrays_made(f) -> float:
    """How many arrays of the size of the argument exist at once during the walk, besides the first cotangent."""
    x = np.ones(LARGE)
    run = Linearized("test", f, [x], [0], {}, copy=False)
    tracemalloc.start()
    try:
        pull_back(run.record.nodes, {run.result.node: x}, run.inputs, False)
        return tracemalloc.get_traced_memory()[1] / x.nbytes
    finally:
        tracemalloc.stop()


def _one_buffer(nodes: int, title: str, function) -> None:
    def run():
        made = _arrays_made(function)
        assert 0.9 < made < 1.1, made

    _of(nodes, title)(run)


_READ = _thrice(*[lambda ct: Scatter(ct[:3], slice(0, 3), ct.shape)] * 3)
_ADDED = _thrice(*[lambda ct: ct] * 3)
_CLEARED = _thrice(lambda ct: Cleared(ct, 0), lambda ct: ct)
_WRITTEN = _op("written", np.copy, lambda ct, ans, x: Cleared(ct, 0))
_one_buffer(2, "arrays are added up in one buffer", lambda x: _ADDED(x, x, x))
_one_buffer(2, "reads are added up in one buffer", lambda x: _READ(x, x, x))
_one_buffer(2, "to what was cleared is added in place", lambda x: _CLEARED(x, x))
_one_buffer(3, "what the walk has made is cleared in place", lambda x: _ADDED(*[_WRITTEN(x)] * 3))
