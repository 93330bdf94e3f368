"""What check_grads says: a right gradient is never wrong, a wrong one never smooth; kinks, causes, numbers."""

import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.primitive import Primitive
from autograd_core.testing import GradientReport, UncertainGradientWarning, check_grads
from autograd_core.testing.checking.verdicts import CANNOT_TELL, KINK, SMOOTH, WRONG

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(3, 3))


def look(f, args, order=1, **options) -> GradientReport:
    return check_grads(f, args, order=order, raises=False, **options)


def operation(value, *rules, **options):
    """An operation with rules that may be wrong; rows of the table are not probed."""
    return Primitive("wrong", value, vjps=rules, **options)


def times(factor):
    """The identity, with a gradient ``factor`` times what it should be."""
    rule = lambda ct, ans, x: ct * factor
    return operation(lambda x: x.copy(), rule, jvps=(rule,), elementwise=True)


# -- the report --------------------------------------------------------------------------------------------------------


def test_one_verdict_for_each_input_order_and_mode():
    report = check_grads(lambda p, x: np.tanh(p["w"] * x), ({"w": X}, 2.0))
    assert report.verdict == SMOOTH
    found = {(v.name, v.order, v.mode) for v in report.verdicts}
    modes = {(1, "rev"), (1, "fwd")} | {(2, f"{a} over {b}") for a in ("rev", "fwd") for b in ("rev", "fwd")}
    assert found == {(name, order, mode) for name in ("args[0]['w']", "args[1]") for order, mode in modes}
    assert [v.order for v in report.verdicts] == sorted(v.order for v in report.verdicts)
    for verdict in report.verdicts:
        assert abs(verdict.by_rule - verdict.numerical) <= verdict.allowed


def test_the_table_is_readable():
    report = look(lambda x, y: np.abs(x) * times(2.0)(y), (np.array([0.0, 1.0]), np.array([2.0, 3.0])))
    lines = str(report).splitlines()
    assert lines[0] == "check_grads(<lambda>): wrong"
    assert lines[1].split() == ["input", "order", "mode", "by", "rule", "numerical", "uncertain", "by", "verdict", "by"]
    assert lines[2].startswith("args[0][0]")
    assert "kink, admissible" in lines[2]
    assert lines[3].startswith("args[1][1]")
    assert "wrong" in lines[3]
    assert max(map(len, lines[:6])) < 120
    assert "2 times what it should be" in str(report)


def test_wrong_raises_with_the_whole_report():
    """One call says all that is wrong, not only the first."""
    bad = times(2.0)
    with pytest.raises(ag.GradientCheckError, match=r"args\[0\].* Wrong as well: args\[2\], order 1, rev; ") as caught:
        check_grads(lambda x, y, z: bad(x) * y + bad(z), (X, X, X))
    report = caught.value.report
    assert {(v.name, v.verdict) for v in report.verdicts if v.order == 1} == {
        ("args[0]", WRONG), ("args[1]", SMOOTH), ("args[2]", WRONG)
    }  # fmt: skip
    assert report.message == str(caught.value)


def test_cannot_tell_warns():
    with pytest.warns(UncertainGradientWarning, match=r"args\[0\], order 1, rev: the rule gives inf where"):
        report = check_grads(np.sqrt, (np.array([0.0, 1.0]),), order=1)
    assert report.verdict == CANNOT_TELL
    assert report.verdicts[0].entry == (0,)


def test_what_keeps_a_function_from_being_checked_is_in_the_report():
    report = look(lambda x: x / 0, (X,))
    assert report.verdict == CANNOT_TELL
    assert "not finite" in report.verdicts[0].reason
    with pytest.raises(ag.GradientCheckError, match="not finite") as caught:
        check_grads(lambda x: x / 0, (X,))
    assert caught.value.report.verdict == CANNOT_TELL


def test_a_gradient_of_the_wrong_shape_is_wrong():
    bad = operation(lambda x: np.stack([x, x]), lambda ct, ans, x: ct[:, :1])
    report = look(bad, (np.ones(3),), modes=("rev",))
    assert report.verdict == WRONG
    assert "cotangent of shape (2, 1)" in report.message


# -- kinks -------------------------------------------------------------------------------------------------------------

relu = lambda x: np.maximum(x, 0)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        pytest.param(relu, [0.0, 1.0], id="relu"),
        pytest.param(np.abs, [0.0, -0.0], id="abs"),
        pytest.param(lambda x: relu(x[0]) - relu(x[1]), [0.0, 0.0], id="neither convex nor concave"),
        pytest.param(lambda x: relu(x) + 1e3, [0.0], id="beside a large value"),
        pytest.param(lambda x: np.clip(x, 0, 1), [0.0, 1.0, 0.5], id="clip"),
        pytest.param(np.max, [1.0, 1.0, 1.0, 0.0], id="ties of max"),
        pytest.param(np.max, [1.0] * 200, id="many ties of max"),
        pytest.param(np.median, [1.0, 1.0, 1.0], id="ties of median"),
        pytest.param(lambda x: np.sort(x) * np.arange(4.0), [1.0, 1.0, 0.0, 0.0], id="sort"),
        pytest.param(lambda x: np.sort(x) * np.arange(200.0), [1.0, 2.0] * 100, id="sort of many"),
        pytest.param(lambda x: np.sum(np.sort(x)[:3]), [1.0] * 5, id="part of a sort"),
        pytest.param(np.linalg.norm, [0.0, 0.0], id="norm"),
        pytest.param(lambda x: np.sum(np.abs(x)) * np.prod(x), [0.0, 1.0, 2.0], id="kink times slope"),
        pytest.param(lambda x: np.abs(np.sin(x)), [0.0, 0.5], id="composed"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_kinks_are_admissible(f, x, dtype):
    report = look(f, (np.array(x, dtype),))
    assert report.verdict in (SMOOTH, KINK), str(report)


@pytest.mark.parametrize("f", [np.floor, np.sign, lambda x: np.heaviside(x, 0.5), lambda x: np.where(x > 0, 1.0, x)])
def test_jumps_take_the_derivative_beside_them(f):
    report = look(f, (np.array([0.0, 0.5]),))
    assert report.verdict == KINK
    assert "jumps" in report.verdicts[0].reason


def test_a_wrong_value_at_a_jump_cannot_be_told_but_a_wrong_rule_beside_it_is_wrong():
    at_zero = operation(np.floor, lambda ct, ans, x: ct * np.where(np.equal(x, 0), 7.0, 0.0))
    assert look(at_zero, (np.zeros(1),), modes=("rev",)).verdict == CANNOT_TELL
    straight_through = operation(np.floor, lambda ct, ans, x: ct)
    assert look(straight_through, (np.array([0.0, 0.5]),), modes=("rev",)).verdict == WRONG


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.sqrt, 0.0),
        (np.cbrt, 0.0),
        (np.arcsin, 1.0),
        (lambda x: np.abs(x) ** 0.5, 0.0),
    ],
)
def test_vertical_tangents_cannot_be_told(f, x):
    report = look(f, (np.array([x, 0.5]),))
    assert report.verdict == CANNOT_TELL
    assert "vertical tangent" in report.verdicts[0].reason


@pytest.mark.parametrize(
    ("at_kink", "verdict"), [(0.0, KINK), (1.0, KINK), (-0.01, WRONG), (1.01, WRONG), (np.nan, WRONG)]
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_beyond_the_slopes_on_both_sides_is_wrong(at_kink, verdict, dtype):
    """Alone, or among entries that are smooth or have kinks of their own."""
    own = operation(
        relu, lambda ct, ans, x: ct * np.where(np.equal(x, 0), np.asarray(at_kink, dtype), np.greater(x, 0))
    )
    for x in ([0.0], [0.0, 2.0, 0.0], [0.0] + [1.0] * 100):
        report = look(own, (np.array(x, dtype),), modes=("rev",))
        assert report.verdict == verdict, str(report)


def test_a_kink_excuses_no_rule_that_is_wrong_beside_it():
    """1.5 is between the slopes of |x| + sin(x) at 0, which are 0 and 2; but beside it the rule is wrong."""
    bad = operation(np.sin, lambda ct, ans, x: 1.5 * ct * np.cos(x))
    report = look(lambda x: np.abs(x) + bad(x), (np.zeros(1),))
    assert report.verdict == WRONG


@pytest.mark.parametrize("total", [np.sum, lambda y: y])
@pytest.mark.parametrize("size", [40, 400])
def test_a_wrong_entry_among_kinks_is_named(total, size):
    """One entry's rule is wrong, and every fifth of the others has a kink."""
    x = RANDOM.normal(size=size)
    x[::5] = 0
    factor = np.where(np.arange(size) == 37, 2.0, 1.0)
    bad = operation(np.sin, lambda ct, ans, x: ct * np.cos(x) * factor)
    report = look(lambda x: total(np.abs(x) + bad(x)), (x,), modes=("rev",))
    assert report.verdict == WRONG, str(report)
    assert report.verdicts[0].entry == (37,), str(report)


def test_wrong_at_the_point_alone_is_wrong():
    """x |x| has the derivative 0 at 0, without a kink."""
    own = operation(lambda x: x * np.abs(x), lambda ct, ans, x: ct * np.where(np.equal(x, 0), 1.0, 2 * np.abs(x)))
    assert look(own, (np.zeros(2),), modes=("rev",)).verdict == WRONG


def test_a_kink_beside_the_point_is_seen_past():
    for x in (1e-3, 1e-5, 1e-8):
        assert look(lambda x: relu(x) + 1, (np.array([x, -x]),)).verdict in (SMOOTH, KINK)
        assert look(lambda x: relu(times(1.01)(x)) + 1, (np.array([x, -x]),)).verdict == WRONG


# -- the complex step --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1 + 1e-8, 1 - 1e-9, 1 + 1e-10])
def test_small_wrong_factors_are_caught(factor):
    bad = times(factor)
    for f in (lambda x: np.tanh(bad(x)), lambda x: np.sum(np.exp(bad(x) @ x)), lambda x: np.linalg.inv(bad(x))):
        report = look(f, (X,))
        assert report.verdict == WRONG, str(report)
    assert "1 + 1e-08" in look(lambda x: np.tanh(times(1 + 1e-8)(x)), (X,)).message


def test_small_wrong_factors_in_float32():
    report = look(lambda x: np.tanh(times(np.float32(1.0005))(x)), (X.astype("float32"),))
    assert report.verdict == WRONG
    assert report.verdicts[0].method == "complex step"


@pytest.mark.parametrize(
    "f",
    [
        np.abs,
        lambda x: np.abs(x) * x,
        lambda x: np.maximum(x, 0.1),
        lambda x: np.sort(x, axis=None),
        lambda x: np.real(x * 1j) + x,
        lambda x: np.where(x > 0, x, 2 * x),
        np.linalg.norm,
        lambda x: np.sum(x) + 1e-9 * np.sum(np.abs(x)),
        lambda x: np.sum(x) + 1e-11 * np.sum(np.abs(x)),
        lambda x: x * np.conj(x),
        lambda x: np.sign(x) * x**2,
        lambda x: np.linalg.eigvalsh(x + x.T),
        lambda x: np.hypot(x, 1.0),
        lambda x: np.arctan2(x, 1.0),
    ],
)
def test_what_is_not_complex_differentiable_is_not_judged_by_it(f):
    """However small the part that is not."""
    assert look(f, (X,)).verdict == SMOOTH


def test_a_cast_that_drops_the_imaginary_part_is_noticed():
    own = operation(lambda x: np.sin(np.asarray(x, x.real.dtype)), lambda ct, ans, x: ct * np.cos(x))
    report = look(own, (X,), modes=("rev",))
    assert report.verdict == SMOOTH
    assert report.verdicts[0].method == "differences"


def test_tolerances_given_hold_instead():
    bad = times(1 + 1e-7)
    assert look(lambda x: np.tanh(bad(x)), (X,), rtol=1e-6).verdict == SMOOTH
    assert look(lambda x: np.tanh(bad(x)), (X,), rtol=1e-8, atol=0).verdict == WRONG


# -- large, small, ill-conditioned -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1e-8, 1e8])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, s: x * x / s,
        lambda x, s: np.sum(x) ** 2 / s**2,
        lambda x, s: np.log(np.abs(x)),
        lambda x, s: relu(x),
        lambda x, s: np.sin(x / s),
        lambda x, s: s / x,
        lambda x, s: np.sum(np.maximum(x, 0) * x) / s,
        lambda x, s: np.sqrt(np.abs(x)),
    ],
)
def test_values_of_any_size(f, size, dtype):
    """Right ones agree; the same with a factor of 1.01 do not."""
    x = (np.array([1.0, -0.5, 2.0]) * size).astype(dtype)
    report = look(lambda x: f(x, size), (x,))
    assert report.verdict in (SMOOTH, KINK), str(report)
    bad = times(np.asarray(1.01, dtype))
    report = look(lambda x: f(bad(x), size), (x,))
    assert report.verdict == WRONG, str(report)


def test_entries_of_very_different_size():
    x = np.array([1e8, 1.0, 1e-8, 0.0])
    assert look(lambda x: x * x, (x,)).verdict == SMOOTH
    tilted = operation(lambda x: x * x, lambda ct, ans, x: 2 * ct * x * np.array([1, 1, 1.01, 1]))
    report = look(tilted, (x,), modes=("rev",))
    assert report.verdict == WRONG
    assert report.verdicts[0].entry == (2,)


def test_cancellation_and_saturation_fail_nothing():
    for dtype in ("float64", "float32"):
        x = X.astype(dtype)
        for f in (
            lambda x: np.sum(x - np.mean(x)),
            lambda x: (1 + 1e-3 * x) ** 2 - 1 - 2e-3 * x,
            lambda x: np.tanh(x * 30),
            lambda x: np.exp(-40 * x * x),
            lambda x: np.log(1 + 1e-5 * np.exp(x)),
            lambda x: 1e4 + np.sin(x),
        ):
            report = look(f, (x,))
            assert report.verdict in (SMOOTH, CANNOT_TELL), str(report)


def test_an_ill_conditioned_matrix_fails_nothing():
    """The rounding errors of the rule are far larger than those of the dtype."""
    a = np.vander(np.linspace(0, 1, 8))
    for f in (np.linalg.inv, np.linalg.det, lambda a: np.linalg.solve(a, np.ones(8))):
        report = look(f, (a,))
        assert report.verdict != WRONG, str(report)


def test_a_function_that_computes_in_float32_inside():
    f = lambda x: np.sin(x.astype("float32")).astype("float64")
    assert look(f, (X,)).verdict == SMOOTH
    assert look(lambda x: f(times(1.01)(x)), (X,)).verdict == WRONG


# -- what functions and arguments there are ----------------------------------------------------------------------------


def test_all_kinds_of_functions():
    variable = ag.Variable(2.0, name="held")
    compiled = ag.function(lambda x, y: np.sum(np.tanh(x @ y)), jit="numpy")
    for f, args in [
        (compiled, (X, X[0])),
        (lambda x: ag.cond(x > 0, lambda: x**2, lambda: -x), (3.0,)),
        (lambda x: ag.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * np.sin(s[1])), (0, x))[1], (0.7,)),
        (lambda x: ag.scan(lambda c, y: (c * y, c + y), x[0], x)[1], (X[0],)),
        (lambda x: x * variable, (X,)),
        (lambda x: {"a": (x > 0, np.argsort(x)), "b": [x**2, {"c": np.sum(x)}]}, (X[0],)),
        (lambda x, y: np.sum(x) * y, (np.ones((0, 2)), 2.0)),
        (lambda z: np.conj(z) * z * z, (X[0] + 1j * X[1],)),
        (lambda z, x: np.abs(z * x) ** 2, (1 + 2j, X[0])),
        (lambda x: np.exp(1j * x) * x, (X,)),
        (lambda x: np.fft.fft(x), (X[0],)),
    ]:
        report = check_grads(f, args)
        assert report.verdict == SMOOTH, str(report)


def test_many_inputs_are_cheap():
    """A network's layers: evaluations of the loss, for all verdicts of first order."""
    calls = []

    def loss(weights):
        calls.append(1)
        h = np.ones(8)
        for w in weights:
            h = np.tanh(w @ h)
        return np.sum(h)

    check_grads(loss, ([RANDOM.normal(size=(8, 8)) / 3 for _ in range(20)],), order=1)
    assert len(calls) < 2000


# -- likely causes -----------------------------------------------------------------------------------------------------


def spread(rule):
    return operation(lambda x: np.stack([x, x, x]), rule)


STEPS = np.random.default_rng(5)
CAUSES = {
    "sign": (operation(np.sin, lambda ct, ans, x: -ct * np.cos(x)), X, "the sign is reversed"),
    "factor": (operation(np.sin, lambda ct, ans, x: 2 * ct * np.cos(x)), X, "2 times what it should be"),
    "slice": (spread(lambda ct, ans, x: ct[1]), X[0], "only the slice 1 of axis 0 of the cotangent counted"),
    "mean": (spread(lambda ct, ans, x: np.mean(ct, axis=0)), X[0], "a mean was taken where a sum over 3 was due"),
    "conjugate": (operation(np.sin, lambda ct, ans, x: ct * np.conj(np.cos(x))), X[0] + 1j * X[1], "a conj is missing"),
    "transposed": (operation(np.sin, lambda ct, ans, x: np.transpose(ct * np.cos(x))), X, "the gradient is transposed"),
    "turned": (
        operation(np.sin, lambda ct, ans, x: np.transpose(ct * np.cos(x), (1, 2, 0))),
        RANDOM.normal(size=(2, 2, 2)),
        "the gradient is transposed",
    ),
    "upstream": (operation(np.sin, lambda ct, ans, x: np.cos(x)), X, "the upstream cotangent is ignored"),
    "upstream of a scalar": (
        operation(lambda x: np.sum(x * x), lambda ct, ans, x: 2 * x),
        X,
        "the upstream cotangent is ignored",
    ),
    "upstream further in": (
        lambda x: np.tanh(operation(np.exp, lambda ct, ans, x: ans)(x) * 3.0),
        X,
        "the upstream cotangent is ignored",
    ),
    "random": (operation(np.sin, lambda ct, ans, x: ct * STEPS.normal(size=x.shape)), X, "not deterministic"),
    "cut": (lambda x: ag.constant(np.sin(x.numpy())), X, "the path is cut"),
    "not finite": (operation(np.sin, lambda ct, ans, x: ct * np.nan), X, "gives NaN or infinity"),
}


@pytest.mark.parametrize("name", CAUSES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_cause_is_named(name, dtype):
    f, x, cause = CAUSES[name]
    x = x.astype(np.result_type(dtype, np.complex64 if x.dtype.kind == "c" else dtype))
    with pytest.raises(ag.GradientCheckError, match=cause):
        check_grads(f, (x,), order=1, modes=("rev",))


def test_the_cause_is_named_for_users_own_gradients():
    """``custom_gradient`` and ``primitive``, wherever they are in the program."""

    @ag.custom_gradient(probe=False)
    def ignoring(x):
        return x * x, lambda upstream: 2 * x

    @ag.primitive(probe=False)
    def half(x):
        return x * x

    half.defvjp(lambda ct, ans, x: ct * x)
    with pytest.raises(ag.GradientCheckError, match="upstream cotangent is ignored"):
        check_grads(lambda x: ignoring(x * 1.0), (X,), order=1)
    with pytest.raises(ag.GradientCheckError, match=r"0\.5 times what it should be"):
        check_grads(lambda x: np.tanh(half(x)), (X,), order=1)


def test_no_cause_is_made_up():
    noisy = operation(np.sin, lambda ct, ans, x: ct * (np.cos(x) + np.arange(9.0).reshape(3, 3) ** 2))
    assert "Likely cause" not in look(noisy, (X,)).message


def test_nothing_leaks_out():
    """No warning of NumPy's, no change of its state."""
    state = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look(lambda x: np.log(x) / x, (np.array([1e-9, 1.0]),))
        look(operation(np.sin, lambda ct, ans, x: ct / 0 * np.cos(x)), (X,))
    assert np.geterr() == state
