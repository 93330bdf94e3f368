"""A formula, evaluated anywhere, is the gradient there: for random programs of numbers."""

import numpy as np
import pytest

import autograd_core as ag

UNARY = (
    np.sin, np.cos, np.tanh, np.exp, np.arctan, np.sinh, np.arcsinh, np.square, np.negative, np.abs, np.expm1,
    lambda x: np.log(1.5 + x * x), lambda x: np.sqrt(x * x + 0.5), lambda x: 1 / (2 + np.sin(x)), lambda x: x**3,
    lambda x: np.log1p(np.exp(-x)), lambda x: ag.numpy.reciprocal(2 + np.cos(x)), lambda x: np.cbrt(x * x + 1),
    lambda x: 2.0**x, lambda x: np.tan(0.3 * np.sin(x)), lambda x: np.arcsin(0.5 * np.sin(x)),
    lambda x: np.arccosh(1.5 + x * x), lambda x: np.clip(x, -0.75, 0.8), lambda x: np.maximum(x, 0.1),
    lambda x: np.where(True, x, 2 * x), np.positive, lambda x: np.cosh(np.sin(x)), lambda x: np.log2(2 + np.sin(x)),
    lambda x: np.degrees(np.radians(x)), lambda x: x - np.floor(x),
)  # fmt: skip
BINARY = (
    np.add, np.subtract, np.multiply, np.add, np.multiply, lambda x, y: x / (1.5 + y * y), np.maximum, np.minimum,
    lambda x, y: np.hypot(x, y + 4), lambda x, y: np.arctan2(x, y + 5), np.logaddexp,
    lambda x, y: (1.2 + x * x) ** np.sin(y),
)  # fmt: skip


def program(seed):
    """Random function of two numbers: steps that take earlier values, so that paths part and meet."""
    random = np.random.default_rng(seed)
    steps = []
    for count in range(int(random.integers(2, 8))):
        if random.random() < 0.5:
            steps.append((UNARY[random.integers(len(UNARY))], random.integers(count + 2, size=1)))
        else:
            steps.append((BINARY[random.integers(len(BINARY))], random.integers(count + 2, size=2)))

    def f(x, y):
        values = [x, y]
        for function, places in steps:
            # Kept near 1, so that no tower of exponentials overflows.
            values.append(function(*(np.sin(values[place]) if place > 3 else values[place] for place in places)))
        return values[-1] + 0.5 * values[-2] + 0.25 * x * y  # both are used

    return f


def derivatives(f, x, y):
    """First and second derivatives by the engine."""
    first = ag.grad(f, (0, 1))(x, y)
    second = ag.hessian(lambda v: f(v[0], v[1]))(np.array([x, y]))
    return first, second


def read(text, point):
    """Value of a formula's text, which Python can read: the definitions last to first, then the sum."""
    head, *definitions = text.replace("with ", "     ").splitlines()
    names = {**vars(np), **vars(ag.numpy.special), "sigmoid": ag.numpy.special.expit, **point}
    for line in definitions:
        name, expression = line.strip().split(" = ", 1)
        names[name] = eval(expression, names)
    return eval(head.split(" = ", 1)[1], names)


def check(seed):
    f = program(seed)
    random = np.random.default_rng([seed, 1])
    x, y = (ag.Variable(random.uniform(-1.5, 1.5), name=name) for name in "xy")
    with ag.GradientTape(persistent=True):
        z = f(x, y)
    first = [ag.formula(z, source, limit=20_000) for source in (x, y)]
    pairs = [(x, x), (x, y), (y, x), (y, y)]
    small = sum(len(each.terms) for each in first) <= 40
    second = [ag.formula(z, pair, order=2, limit=20_000) for pair in pairs] if small else []
    for _ in range(2):
        point = {"x": random.uniform(-1.5, 1.5), "y": random.uniform(-1.5, 1.5)}
        gradient, hessian = derivatives(f, **point)
        np.testing.assert_allclose([each(point) for each in first], gradient, rtol=1e-9, atol=1e-11, err_msg=seed)
        with np.errstate(all="ignore"):
            texts = [read(each.text, point) for each in first]
        np.testing.assert_allclose(texts, gradient, rtol=1e-9, atol=1e-11, err_msg=seed)
        if second:
            found = np.reshape([each(point) for each in second], (2, 2))
            np.testing.assert_allclose(found, hessian, rtol=1e-8, atol=1e-10, err_msg=seed)
    assert all(each.text and each.latex.count("{") == each.latex.count("}") for each in [*first, *second])


@pytest.mark.parametrize("seed", range(100))
def test_a_formula_is_the_gradient_at_other_points(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 1000))
def test_more_formulas_are_gradients(seed):
    check(seed)
