"""check_grads: wrong gradients are caught and named, right ones pass."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.primitive import Primitive
from autograd_core.testing import check_grads
from autograd_core.testing.checking.verdicts import KINK, SMOOTH

RANDOM = np.random.default_rng(0)
SQUARE = RANDOM.normal(size=(3, 3))


def sine(vjp=lambda ct, ans, x: ct * np.cos(x), **changes):
    return Primitive("sine", np.sin, vjps=(vjp,), elementwise=True, domain=((-1, 1),), **changes)


# -- what is right passes ----------------------------------------------------------------------------------------------

KINKS = np.array([0.0, 1.0, -1.0, 0.0])


@pytest.mark.parametrize(
    ("f", "args"),
    [
        pytest.param(lambda x, y: np.tanh(x * y), (SQUARE, SQUARE[0]), id="broadcasting"),
        pytest.param(lambda x, y: np.tanh(x @ y), (SQUARE.astype("f"), SQUARE.astype("f")), id="float32"),
        pytest.param(lambda x, y: np.tanh(x @ y), (SQUARE.astype("f"), SQUARE), id="float32 beside float64"),
        pytest.param(lambda x: np.maximum(x, 0), (KINKS,), id="relu at 0"),
        pytest.param(lambda x: np.maximum(x, 0), (KINKS.astype("f"),), id="relu at 0 in float32"),
        pytest.param(lambda x: np.sum(np.maximum(x, 0) * x[::-1]), (KINKS,), id="sum of relu at 0"),
        pytest.param(np.abs, (KINKS,), id="abs at 0"),
        pytest.param(lambda x: np.maximum(x, 0), (np.tile(KINKS, 100),), id="many kinks"),
        pytest.param(np.max, (np.array([2.0, 1.0, 2.0]),), id="tied max"),
        pytest.param(np.floor, (np.array([0.5, 2.0]),), id="jump"),
        pytest.param(lambda x: x * x, (np.array([1e8, 1e-8, 0.0]),), id="1e8 and 1e-8"),
        pytest.param(lambda x: x * x, (np.array([1.9e-238, 2e-310, 5e-324]),), id="results that underflow"),
        pytest.param(np.log, (np.array([1e8, 1e-8]),), id="log near its pole"),
        pytest.param(np.sin, (np.array([1e8, 1e-8]),), id="sin far out"),
        pytest.param(lambda x: np.exp(x) * 1e-20, (SQUARE,), id="tiny values"),
        pytest.param(lambda x: np.sum(x - np.mean(x)), (SQUARE,), id="derivative zero"),
        pytest.param(lambda x: np.sum(x) * np.ones(0), (SQUARE,), id="empty result"),
        pytest.param(lambda x: x * 2, (np.ones((0, 3)),), id="empty argument"),
        pytest.param(lambda z: z * z * np.conj(z), (np.array([1 + 2j, 3 - 1j]),), id="complex"),
        pytest.param(lambda z: np.sum(np.abs(z) ** 2), (np.array([1 + 2j, 3 - 1j]),), id="real of complex"),
        pytest.param(lambda x: np.tanh(x) * x, (RANDOM.normal(size=(50, 50)),), id="large"),
        pytest.param(lambda x: x**2, 3.0, id="bare number"),
        pytest.param(lambda v: v * v, (ag.Variable([1.0, 2.0]),), id="Variable"),
        pytest.param(
            lambda p, n: {"a": p["w"] * p["b"][0] ** n, "n": ag.constant(n)},
            ({"w": np.ones(3), "b": [2.0]}, 2),
            id="nested",
        ),
    ],
)
def test_right_gradients_pass(f, args):
    assert check_grads(f, args).verdict in (SMOOTH, KINK)


def test_higher_orders_and_single_modes():
    check_grads(lambda x: x**3, (np.array([2.0, 1.0]),), order=3)
    check_grads(lambda x: np.exp(x), (np.array([2.0, 1.0]),), order=1, modes=("fwd",))
    check_grads(lambda x: np.exp(x), (np.array([2.0, 1.0]),), order=2, modes=["rev"])


# -- what is wrong is caught -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "cause"),
    [
        (sine(lambda ct, ans, x: np.negative(ct) * np.cos(x)), "the sign is reversed"),
        (sine(lambda ct, ans, x: 2 * ct * np.cos(x)), "2 times what it should be"),
        (sine(lambda ct, ans, x: ct * np.cos(x) / 9), "0.111111 times what it should be"),
        (sine(lambda ct, ans, x: np.transpose(ct * np.cos(x))), "transposed"),
        (sine(lambda ct, ans, x: 0 * ct), "is 0 in every entry"),
        (sine(lambda ct, ans, x: ct / 0 * np.cos(x)), "NaN or infinity"),
        (lambda x: x * np.cos(x.numpy()), None),
        (lambda x: ag.constant(x.numpy()), "the path is cut"),
    ],
)
def test_wrong_gradients_are_caught(f, cause):
    with pytest.raises(ag.GradientCheckError, match=cause) as caught:
        check_grads(f, (SQUARE,), order=1)
    assert "reverse mode for args[0], entry [" in str(caught.value)


def test_the_worst_entry_and_both_numbers_are_named():
    """For a scalar function they are the true derivatives."""
    wrong = np.array([1.0, 1.0, 1.5])
    bad = sine(lambda ct, ans, x: ct * np.cos(x) * wrong)
    with pytest.raises(ag.GradientCheckError) as caught:
        check_grads(lambda p: np.sum(bad(p["w"]) * 4), ({"w": np.zeros(3)},))
    said = str(caught.value)
    assert "args[0]['w'], entry [2]" in said
    assert "is 6; differences give 4 " in said or "is 6; differences give 4." in said or "give 3.999999999" in said
    assert "rtol=1e-06" in said


def test_one_wrong_entry_of_many_is_found():
    factor = np.where(np.arange(1000) == 700, 2.0, 1.0)
    with pytest.raises(ag.GradientCheckError, match=r"args\[0\], entry \[700\]"):
        check_grads(sine(lambda ct, ans, x: ct * np.cos(x) * factor), (RANDOM.normal(size=1000),))


def test_wrong_among_many_kinks_is_found():
    """Kinks in other entries excuse nothing."""
    x = RANDOM.normal(size=500)
    x[::5] = 0.0
    bad = sine(lambda ct, ans, x: 1.5 * ct * np.cos(x))
    with pytest.raises(ag.GradientCheckError, match=r"args\[0\], entry \["):
        check_grads(lambda x: np.abs(x) + bad(x), (x,))


@pytest.mark.parametrize(("at_zero", "passes"), [(0.0, True), (0.5, True), (1.0, True), (-0.01, False), (1.01, False)])
def test_between_both_sides_at_a_kink(at_zero, passes):
    """Anything between the two one-sided derivatives passes, nothing beyond."""
    relu = Primitive(
        "relu", lambda x: np.maximum(x, 0), vjps=(lambda ct, ans, x: ct * np.where(np.equal(x, 0), at_zero, x > 0),)
    )
    check = lambda: check_grads(relu, (np.zeros(1),), order=1, modes=("rev",))
    if passes:
        check()
    else:
        with pytest.raises(ag.GradientCheckError):
            check()


def test_missing_sum_over_a_broadcast_axis():
    """A rule for an operation that is not elementwise, which averages or picks instead of summing."""

    def rule(ct, ans, x):
        return np.mean(ct, axis=0)

    spread = Primitive("spread", lambda x: np.stack([x, x, x]), vjps=(rule,))
    with pytest.raises(ag.GradientCheckError, match=r"0\.333333 times"):
        check_grads(spread, (np.ones(2),), order=1, modes=("rev",))
    unshaped = Primitive("spread", lambda x: np.stack([x, x, x]), vjps=(lambda ct, ans, x: ct[:, :1],))
    with pytest.raises(ag.GradientCheckError, match=r"cotangent of shape \(3, 1\)"):
        check_grads(unshaped, (np.ones(2),), order=1, modes=("rev",))


def test_forward_mode_and_second_order_have_their_own_errors():
    bad_jvp = sine(jvps=(lambda t, ans, x: -t * np.cos(x),))
    check_grads(bad_jvp, (SQUARE,), modes=("rev",))
    with pytest.raises(ag.GradientCheckError, match=r"forward mode .* sign is reversed"):
        check_grads(bad_jvp, (SQUARE,))
    cut = sine(lambda ct, ans, x: ct * np.cos(ag.stop_gradient(x)))
    check_grads(cut, (SQUARE,), order=1)
    with pytest.raises(ag.GradientCheckError, match="order 2: the derivative of the reverse mode derivative"):
        check_grads(cut, (SQUARE,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_factor_is_caught_at_any_size(dtype, size):
    bad = Primitive("square", np.square, vjps=(lambda ct, ans, x: ct * x,), elementwise=True)
    with pytest.raises(ag.GradientCheckError, match=r"0\.5 times"):
        check_grads(lambda x: np.sum(bad(x)), (np.full(3, size, dtype),), order=1)


def test_tolerances():
    """rtol and atol replace the defaults."""
    bad = sine(lambda ct, ans, x: ct * np.cos(x) * 1.01)
    check_grads(bad, (SQUARE,), order=1, rtol=0.02)
    check_grads(bad, (SQUARE,), order=1, atol=1.0)
    with pytest.raises(ag.GradientCheckError, match=r"rtol=0\.001, atol=1e-05"):
        check_grads(bad, (SQUARE,), order=1, rtol=1e-3, atol=1e-5)


def test_what_cannot_be_checked_is_said():
    generator = np.random.default_rng(0)
    with pytest.raises(ag.GradientCheckError, match="called twice with the same arguments"):
        check_grads(lambda x: x * generator.normal(), (SQUARE,))
    with pytest.raises(ag.GradientCheckError, match="value is not finite"):
        check_grads(lambda x: 1 / x, (np.zeros(2),))
    with pytest.raises(ag.GradientCheckError, match="nothing floating"):
        check_grads(lambda x: x > 0, (SQUARE,))
    with pytest.raises(ag.DtypeError, match="none of the 2 arguments"):
        check_grads(lambda x, y: x, (1, np.ones(2, int)))
    with pytest.raises(ag.DomainError, match=r"args\[1\] is not finite .*inf"):
        check_grads(np.clip, (np.ones(2), -np.inf, 1.0))
    with pytest.raises(ag.ConversionError, match="returned a str"):
        check_grads(lambda x: "text", (SQUARE,))
    for wrong in ({"order": 0}, {"modes": ()}, {"modes": ("reverse",)}):
        with pytest.raises(ValueError, match="check_grads: order must be 1 or more"):
            check_grads(np.sin, (SQUARE,), **wrong)


def test_is_an_assertion():
    """A test runner reports it as a failure."""
    assert issubclass(ag.GradientCheckError, AssertionError)
