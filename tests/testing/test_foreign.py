"""check_foreign: gradients of other libraries, or by hand, checked against numbers."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.testing import check_foreign


def norm(x, w):
    return np.sqrt(np.sum((x * w) ** 2))


def gradient_of_norm(x, w):
    return x * w**2 / norm(x, w), w * x**2 / norm(x, w)


ARGS = (np.array([0.5, 1.5]), np.array([2.0, -1.0]))


def test_a_right_gradient_passes():
    report = check_foreign(norm, gradient_of_norm, ARGS)
    assert report.verdict == "smooth, agrees"
    assert {each.name for each in report.verdicts} == {"args[0]", "args[1]"}


def test_a_wrong_one_does_not():
    with pytest.raises(ag.GradientCheckError, match=r"args\[1\].*transposed|args\[1\].*sign is reversed") as caught:
        check_foreign(norm, lambda x, w: (gradient_of_norm(x, w)[0], -gradient_of_norm(x, w)[1]), ARGS)
    assert caught.value.report.verdict == "wrong"


def test_a_single_argument_bare():
    assert check_foreign(lambda x: np.sum(x**3), lambda x: 3 * x**2, np.array([1.0, 2.0])).verdict == "smooth, agrees"
    assert check_foreign(lambda x: x**3, lambda x: 3 * x**2, 2.0).verdict == "smooth, agrees"


def test_a_vjp_of_a_function_that_gives_an_array():
    f = lambda A, x: A @ np.sin(x)
    vjp = lambda ct, A, x: (np.outer(ct, np.sin(x)), (A.T @ ct) * np.cos(x))
    args = (np.arange(6.0).reshape(2, 3), np.array([0.1, 0.2, 0.3]))
    check_foreign(f, args=args, vjp=vjp)
    with pytest.raises(ag.GradientCheckError, match=r"args\[1\]"):
        check_foreign(f, args=args, vjp=lambda ct, A, x: (np.outer(ct, np.sin(x)), A.T @ ct))


def test_other_arguments_are_held():
    f = lambda x, n, name: np.sum(x**n)
    check_foreign(f, lambda x, n, name: n * x ** (n - 1), (np.array([1.0, 2.0]), 3, "cubic"))
    check_foreign(norm, lambda x, w: gradient_of_norm(x, w)[1], ARGS, argnums=1)
    check_foreign(norm, lambda x, w: [gradient_of_norm(x, w)[0]], ARGS, argnums=[0])


def test_a_kink_is_admissible():
    report = check_foreign(lambda x: np.sum(np.abs(x)), np.sign, np.array([0.0, 1.0]))
    assert report.verdict == "kink, admissible"


def test_float32_is_judged_as_such():
    f = lambda x: np.sum(np.float32(x) ** 2)
    check_foreign(f, lambda x: 2 * np.float32(x), np.array([1.0, 2.0]))


class Array:
    """What stands for another library's array here: on a device, and differentiated."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def detach(self):
        return self

    def cpu(self):
        return self.array


def test_arrays_of_another_library():
    f = lambda x: Array(np.sum(x.array**2))
    assert (
        check_foreign(f, lambda x: Array(2 * x.array), np.array([1.0, 2.0]), convert=Array).verdict == "smooth, agrees"
    )


def test_neither_function_can_write_to_the_arguments():
    x = np.array([1.0, 2.0])

    def f(x):
        x *= x
        return np.sum(x)

    check_foreign(f, lambda x: 2 * x, x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: check_foreign(np.sum, None, (1.0,)), ag.ConversionError, "either gradient= or vjp="),
        (lambda: check_foreign(np.sum, np.sin, (1.0,), vjp=np.sin), ag.ConversionError, "either gradient= or vjp="),
        (lambda: check_foreign(3, np.sin, (1.0,)), ag.ConversionError, "got int"),
        (lambda: check_foreign(np.sum, np.sin, (1,)), ag.DtypeError, "3.0 instead of 3"),
        (lambda: check_foreign(np.sum, np.sin, (1.0,), argnums=1), ag.DtypeError, "argument 1 is no floating"),
        (lambda: check_foreign(np.sin, np.cos, np.ones(3)), ag.ShapeError, r"gave shape \(3,\).*vjp="),
        (lambda: check_foreign(np.sum, lambda x: 1.0, np.ones(3)), ag.GradientCheckError, r"shape \(\).*shape \(3,\)"),
        (lambda: check_foreign(norm, lambda x, w: x, ARGS), ag.GradientCheckError, "1 parts; 2 arguments.*argnums="),
        (lambda: check_foreign(np.sum, lambda x: None, np.ones(3)), ag.GradientCheckError, "zeros are"),
        (lambda: check_foreign(lambda x: "a", np.cos, 1.0), ag.GradientCheckError, "expected floating numbers"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
