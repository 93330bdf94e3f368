"""The checks of rows notice each way in which a row can be wrong."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.domain import Draw
from autograd_core.primitive import Primitive
from autograd_core.testing import rows


def product(x_rule=lambda ct, ans, x, y: ct * y, impl=np.multiply, **changes):
    """Row of x * y whose rule for x, or something else, may be replaced by a wrong one."""
    options = {"elementwise": True, "domain": ((-2, 2), (0.5, 2)), **changes}
    return Primitive("product", impl, (x_rule, lambda ct, ans, x, y: ct * x), **options)


def check_all(row, dtype="float64"):
    for seed in range(10):
        random = np.random.default_rng(seed)
        draw = Draw(lambda low, high, random=random: int(random.integers(low, high, endpoint=True)), dtype)
        case = rows.sample(row, draw)
        case = rows.Application(row, tuple(rows.frozen(arg) for arg in case.args), case.params)
        rows.check_value(case)
        rows.check_vjp(case, random)
        rows.check_jvp(case, random)
        rows.check_second_order(case, random)


def test_a_right_row_passes():
    check_all(product())


def broken_in_place(x, y):
    x *= 2
    return x * y


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(product(lambda ct, ans, x, y: np.negative(ct) * y), "derivative in argument 0", id="sign"),
        pytest.param(product(lambda ct, ans, x, y: ct * y * 1.0001), "derivative in argument 0", id="factor"),
        pytest.param(product(lambda ct, ans, x, y: ct * 0), "derivative in argument 0", id="zero"),
        pytest.param(product(lambda ct, ans, x, y: ct * np.nan), "derivative in argument 0", id="NaN"),
        pytest.param(product(impl=lambda x, y: x * y * 1.0001), "derivative in argument", id="value"),
        pytest.param(
            product(jvps=(lambda t, ans, x, y: t * y * 1.0001, lambda t, ans, x, y: t * x)), "<ct, jvp", id="JVP"
        ),
        pytest.param(product(jvps="linear"), "<ct, jvp", id="JVP is not linear"),
        pytest.param(
            product(lambda ct, ans, x, y: ct * ag.stop_gradient(y)), "second derivative is", id="cut at second order"
        ),
        pytest.param(
            product(lambda ct, ans, x, y: ag.stop_gradient(ct) * y), "VJP of the VJP", id="cut in the cotangent"
        ),
        pytest.param(
            product(jvps=(lambda t, ans, x, y: t * ag.stop_gradient(y), lambda t, ans, x, y: t * x)),
            "reverse over forward",
            id="JVP cut at second order",
        ),
    ],
)
def test_a_wrong_row_is_caught(row, message):
    with pytest.raises(ag.GradientCheckError, match=message) as caught:
        check_all(row)
    assert str(caught.value).startswith("product(float64(")


@pytest.mark.parametrize(
    ("row", "error"),
    [
        pytest.param(product(impl=broken_in_place), ValueError, id="writes to its argument"),
        pytest.param(
            product(lambda ct, ans, x, y: np.multiply(ct, y, out=ct)), ValueError, id="writes to the cotangent"
        ),
        pytest.param(product(keeps=False), TypeError, id="reads entries that are not kept"),
    ],
)
def test_a_misbehaving_row_is_caught(row, error):
    with pytest.raises(error):
        check_all(row)


def test_a_cotangent_of_the_wrong_kind_is_caught():
    case = rows.Application(product(), (np.ones(3, "float32"), np.ones(3, "float32")), {})
    with pytest.raises(ag.GradientCheckError, match="cotangent of argument 1 has shape"):
        rows.check_fit(case, case.primals, [np.ones(3, "float32"), np.ones(3)])
    with pytest.raises(ag.GradientCheckError, match=r"argument 0 has shape \(1, 3\)"):
        rows.check_fit(case, case.primals, [np.ones((1, 3), "float32"), np.ones(3, "float32")])


def test_a_value_that_depends_on_how_it_is_called_is_caught():
    calls = iter(range(100))
    row = product(impl=lambda x, y: x * y + next(calls))
    with pytest.raises(ag.GradientCheckError, match="on Tensors"):
        check_all(row)


def test_several_results_and_held_arguments():
    """Integer results are left out, arguments without a rule are held fixed, unused results get zeros."""

    def rule(ct, ans, x, index, *, shift):
        return ct[0] * np.cos(x) + ct[2] * 2 * x

    row = Primitive(
        "several",
        lambda x, index, *, shift: (np.sin(x), index + shift, x**2),
        (rule, None),
        sample=lambda draw: ((draw.array(draw.shape()), np.array(3)), {"shift": 1}),
    )
    check_all(row)
    wrong = Primitive("several", row.impl, (lambda *args, shift: 2 * rule(*args, shift=shift), None), sample=row.sample)
    with pytest.raises(ag.GradientCheckError, match=r"several\(float64\(.*int64\(\), shift=1\)"):
        check_all(wrong)
