"""A formula is the tape's gradient at kinks, ties, zeros and poles, too, where a text book's would be 0/0."""

import itertools
import re

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from tests.formulas.test_random_expressions import read

POINTS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0)
UNARY = (
    np.sin, np.exp, np.sqrt, np.cbrt, np.abs, np.square, np.negative, np.floor, np.sign, np.tanh, np.arctan, np.log1p,
    lambda x: np.maximum(x, 0.0), lambda x: np.clip(x, 0.0, 1.0), lambda x: np.where(x > 0.0, x, 0.5 * x),
    lambda x: x**2, lambda x: x**3, lambda x: x**0.5, lambda x: x**0, lambda x: 0.0**x, lambda x: 2.0**x,
    lambda x: 1.0 / (x + 1.0), lambda x: np.arccosh(1.0 + x * x), lambda x: np.remainder(x, 0.75),
)  # fmt: skip
BINARY = (
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.hypot, np.arctan2, np.logaddexp,
    lambda x, y: x**y, lambda x, y: np.abs(x) ** y, anp.special.xlogy, anp.special.xlog1py,
    lambda x, y: np.heaviside(x, y), lambda x, y: x * 1e-150 / (y * 1e-150), lambda x, y: np.hypot(x, y) * 1e-300,
)  # fmt: skip


def program(seed):
    """A few steps that take earlier values, so that paths part and meet."""
    random = np.random.default_rng([seed, 7])
    steps = []
    for count in range(int(random.integers(1, 5))):
        if random.random() < 0.4:
            steps.append((UNARY[random.integers(len(UNARY))], random.integers(count + 2, size=1)))
        else:
            steps.append((BINARY[random.integers(len(BINARY))], random.integers(count + 2, size=2)))

    def f(x, y):
        values = [x, y]
        for function, places in steps:
            values.append(function(*(values[place] for place in places)))
        return values[-1]

    return f


def derivatives(f, point):
    """The result, the Variables, and what tapes give: first derivatives, and second ones."""
    xs = [ag.Variable(value, name=name) for name, value in zip("xy", point, strict=True)]
    with np.errstate(all="ignore"), ag.GradientTape(persistent=True) as outer:
        with ag.GradientTape(persistent=True) as tape:
            z = f(*xs)
        first = tape.gradient(z, xs, unconnected_gradients="zero")
    with np.errstate(all="ignore"):
        second = [outer.gradient(each, xs, unconnected_gradients="zero") for each in first]
    return z, xs, [each.item() for each in first], [[each.item() for each in row] for row in second]


def formulas(z, xs, order):
    """(places of the sources, formula) for each derivative; none by what is not used."""
    used = [at for at, x in enumerate(xs) if any(node.name == x.name for node in ag.graph(z).nodes)]
    for places in itertools.product(used, repeat=order):
        yield places, ag.formula(z, xs[places[0]] if order == 1 else [xs[at] for at in places], order, limit=20_000)


def infinities_meet(found):
    """Whether terms are infinite, of both signs: then a sum over paths is NaN, and that of a tape need not be."""
    return np.isnan(found()) and any(
        np.isinf(found._product(term.factors, found._scalars.values({}))) for term in found.terms
    )


def check_latex(found):
    """Braces and brackets are in pairs, and there is nothing that needs a Unicode font."""
    text = found.latex
    assert text.isascii(), text
    for opening, closing in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end"), ("(", ")"), ("[", "]")):
        assert text.count(opening) == text.count(closing), text
    depth = 0
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0, text


def check(seed):
    f = program(seed)
    point = np.random.default_rng([seed, 8]).choice(POINTS, 2)
    z, xs, first, second = derivatives(f, point)
    if z.node is None:  # 0.0 * floor(2.0), say
        return
    for (place,), found in formulas(z, xs, 1):
        np.testing.assert_allclose(found(), first[place], rtol=1e-9, atol=1e-12, err_msg=f"{seed} {point} {found}")
        # NumPy adds no truth values.
        if not found.notes and np.isfinite(first[place]) and not re.search("[<>]|==", found.text):
            with np.errstate(all="ignore"):
                value = read(found.text, {x.name: x.numpy() for x in xs})
            np.testing.assert_allclose(value, first[place], rtol=1e-9, atol=1e-12, err_msg=f"{seed} {point} {found}")
        check_latex(found)
    for (i, j), found in formulas(z, xs, 2):
        check_latex(found)
        if not infinities_meet(found):
            message = f"{seed} {point} {found}"
            np.testing.assert_allclose(found(), second[i][j], rtol=1e-9, atol=1e-12, err_msg=message)


@pytest.mark.parametrize("seed", range(100))
def test_a_formula_is_the_gradient_at_corners(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 1000))
def test_more_formulas_at_corners(seed):
    check(seed)
