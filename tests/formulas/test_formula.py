"""What formulas say, and what they refuse."""

import numpy as np
import pytest

import autograd_core as ag


def scalars(**values):
    return [ag.Variable(value, name=name) for name, value in values.items()]


def test_a_term_for_each_path_and_a_factor_for_each_edge():
    x, w = scalars(x=2.0, w=3.0)
    with ag.GradientTape():
        h = x * w
        y = np.sin(h) + x
    found = ag.formula(y, x, names=locals())
    assert found.text == "dy/dx = cos(h) * w + 1\nwith h = x*w"
    whole = found.graph
    paths = whole.paths(x)
    assert len(found.terms) == len(paths)
    for term, path in zip(found.terms, paths, strict=True):
        assert [factor.edge for factor in term.factors] == list(reversed(path.edges))
    assert str(found) == found.text
    assert repr(found) == f"<Formula {found.text}>"
    assert found.names == ("x", "w")


def test_the_second_derivative_differentiates_one_factor_at_a_time():
    x, w = scalars(x=2.0, w=3.0)
    with ag.GradientTape():
        y = np.exp(x * w)
    found = ag.formula(y, x, order=2, names={"y": y})
    assert found.text == "d^2y/dx^2 = w * y * w\nwith y = exp(x*w)"
    (term,) = found.terms
    assert [factor.order for factor in term.factors] == [2, 1, 1, 1]
    assert term.factors[0].by == (found.graph.targets[0],)
    assert found() == pytest.approx(9 * np.exp(6))
    mixed = ag.formula(y, (x, w), order=2)
    assert mixed(x=1.0, w=0.5) == pytest.approx(np.exp(0.5) * (1 + 0.5))


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (np.sin, "cos(x)"),
        (np.cos, "-sin(x)"),
        (np.square, "2*x"),
        (lambda x: x**3, "3*x**2"),
        (np.log, "1/x"),
        (np.sqrt, "1/(2*sqrt(x))"),
        (lambda x: 1 / x, "-1/x**2"),
        (np.tanh, "1 - tanh(x)**2"),
        (np.abs, "sign(x)"),
        (lambda x: np.maximum(x, 0.0), "(x > 0) + (x == 0)/2"),
        (lambda x: np.clip(x, 0.0, 1.0), "(x > 0)*(x < 1)"),
        (lambda x: x**0.5, "0.5*x**(-0.5)"),
        (lambda x: 2.0**x, "2**x*log(2)"),
        (lambda x: -x, "-1"),
        (lambda x: (2 - (-x)) ** 2, "2*(2 - (-x))"),
        (lambda x: np.exp(-(x**2) / 2) * np.log(x), "-log(x) * exp(-x**2/2) * 1/2 * 2*x + exp(-x**2/2) * 1/x"),
        (lambda x: np.sin(-x * 2.0) * (-x), "x * cos(-x*2) * 2 - sin(-x*2)"),
        (lambda x: x + 1e-30, "1"),
        (lambda x: x / 1e-30, "1/1e-30"),
        (np.floor, "0"),
        (ag.numpy.special.erf, "2/sqrt(pi)*exp(-x**2)"),
        (ag.numpy.special.gammaln, "digamma(x)"),
    ],
)
def test_local_derivatives_are_written_as_in_a_text_book(function, text):
    (x,) = scalars(x=1.5)
    with ag.GradientTape():
        y = function(x)
    assert ag.formula(y, x).text.split(" = ", 1)[1] == text


@pytest.mark.parametrize(
    ("function", "latex"),
    [
        (lambda x: np.sin(2 * x), r"\cos\left(2 \, x\right) \cdot 2"),
        (lambda x: 1 / x, r"-\frac{1}{{x}^{2}}"),
        (lambda x: np.exp(-x), r"-e^{-x}"),
        (lambda x: x * 1e-9, "10^{-9}"),
        (lambda x: np.exp(-x / 2), r"-e^{-\frac{x}{2}} \cdot \frac{1}{2}"),
        (lambda x: np.hypot(x + 1, 2.0), r"\frac{x + 1}{\operatorname{hypot}\left(x + 1, 2\right)}"),
        (lambda x: x * 1.5e-9, r"1.5 \cdot 10^{-9}"),
        (lambda x: np.maximum(x, 0.0), r"[x > 0] + \frac{[x = 0]}{2}"),
        (lambda x: np.sqrt(x), r"\frac{1}{2 \, \sqrt{x}}"),
    ],
)
def test_latex(function, latex):
    (x,) = scalars(x=1.5)
    with ag.GradientTape():
        y = function(x)
    found = ag.formula(y, x)
    assert found.latex.split("} = ", 1)[1] == latex
    assert found._repr_latex_() == f"$\\displaystyle {found.latex}$"


def test_an_edge_without_a_formula_shows_its_number():
    (x,) = scalars(x=0.5)
    with ag.GradientTape(persistent=True) as tape:
        y = 2 * np.sinc(x)
    found = ag.formula(y, x, names={"y": y})
    assert found.text.startswith("dy/dx = 2 * <d v2/dx: ") or "<d v" in found.text
    assert r"\underbrace{" in found.latex
    assert found() == pytest.approx(tape.gradient(y, x).item(), rel=1e-12)
    with pytest.raises(ag.GraphError, match="sinc"):
        found(x=0.6)
    with pytest.raises(ag.GraphError, match="order=2"):
        ag.formula(y, x, order=2)


def test_a_condensed_graph_has_numbers_on_its_edges():
    (x,) = scalars(x=0.5)
    with ag.GradientTape(persistent=True) as tape:
        h = np.sin(x) * x
        y = h * h
    found = ag.formula(ag.graph(y, names={"h": h, "y": y}).condense(), x)
    assert "<" in found.text
    assert found() == pytest.approx(tape.gradient(y, x).item(), rel=1e-12)


def repeated(x):
    y = x
    for _ in range(8):
        y = np.sin(y * x + 1)
    return y


def test_long_values_without_a_name_are_numbered():
    (x,) = scalars(x=0.5)
    with ag.GradientTape():
        y = repeated(x)
    found = ag.formula(y, x)
    assert "\nwith v" in found.text
    assert max(map(len, found.text.splitlines()[1:])) < 80
    assert found(x=0.25) == pytest.approx(ag.grad(repeated)(0.25), rel=1e-12)


def test_a_deep_graph_is_no_recursion():
    (x,) = scalars(x=1.0)
    with ag.GradientTape():
        y = x
        for _ in range(3000):
            y = np.sin(y)
    found = ag.formula(y, x)
    assert len(found.terms[0].factors) == 3000
    assert np.isfinite(found(x=0.5))
    assert found.text


def test_a_variable_that_was_assigned_counts_with_all_its_values():
    (x,) = scalars(x=2.0)
    with ag.GradientTape(persistent=True) as tape:
        first = x * x
        x.assign(3.0)
        y = first + x * x
    found = ag.formula(y, x)
    assert found() == tape.gradient(y, x).item() == 10.0
    assert found.names == ("x", "x_2")
    assert found(x_2=5.0) == 14.0


def test_named_constants_are_values_and_arrays_are_broadcast():
    (x,) = scalars(x=2.0)
    a = ag.constant(3.0)
    with ag.GradientTape():
        y = a * x**2
    found = ag.formula(y, x, names={"a": a, "y": y})
    assert found.text == "dy/dx = a * 2*x"
    np.testing.assert_allclose(found(a=[1.0, 2.0], x=0.5), [1.0, 2.0])
    np.testing.assert_allclose(found({"x": np.linspace(0, 1, 3)}), [0.0, 3.0, 6.0])


def test_hostile_names_are_text():
    (x,) = scalars(**{"<x>$_{\\%\n": 1.0})
    with ag.GradientTape():
        alpha_1 = x * x
    found = ag.formula(alpha_1, x, names={"alpha_1": alpha_1})
    assert r"\alpha_{1}" in found.latex
    assert r"\$" in found.latex
    assert "\n" not in found.text


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, y: ag.formula(y, x, order=3), ag.DomainError, "order must be 1 or 2"),
        (lambda x, y: ag.formula(y, (x, x, x), order=2), ag.DomainError, "got 3 sources"),
        (lambda x, y: ag.formula(y, [x, x]), ag.DomainError, "got 2 sources"),
        (lambda x, y: ag.formula(y, "z"), ag.GraphError, "'z' is not a node"),
        (lambda x, y: ag.formula(y, 3.0), ag.ConversionError, "found by a float"),
        (lambda x, y: ag.formula(3.0, x), ag.ConversionError, "the target is a float"),
        (lambda x, y: ag.formula([y, y * x], x), ag.GraphError, "expected one target"),
        (lambda x, y: ag.formula(y, x)(z=1.0), ag.GraphError, "no value named 'z'"),
        (lambda x, y: ag.formula(y, x)(x="a"), ag.DomainError, "expected a real number"),
        (lambda x, y: ag.formula(y, x)("a"), ag.ConversionError, "values is a str"),
        (
            lambda x, y: ag.formula(y * ag.Variable(1.0, name="w"), x)(x=np.ones(2), w=np.ones(3)),
            ag.ShapeError,
            r"x has shape \(2,\), w has shape \(3,\)",
        ),
    ],
)
def test_what_is_refused(call, error, message):
    (x,) = scalars(x=2.0)
    with ag.GradientTape():
        y = x * x
        with pytest.raises(error, match=message):
            call(x, y)


def test_arrays_are_refused():
    v = ag.Variable([1.0, 2.0], name="v")
    (x,) = scalars(x=2.0)
    with ag.GradientTape():
        through = np.sum(v * x)
        plain = v * x
    with pytest.raises(ag.GraphError, match="shape"):
        ag.formula(plain, x)
    with pytest.raises(ag.GraphError, match="v has shape"):
        ag.formula(through, v)
    with pytest.raises(ag.GraphError, match="multiply has shape"):
        ag.formula(through, x)


def test_too_many_terms():
    (x,) = scalars(x=1.0)
    with ag.GradientTape():
        y = x
        for _ in range(8):
            y = y + np.sin(y)
    with pytest.raises(ag.GraphError, match="limit"):
        ag.formula(y, x)
    with pytest.raises(ag.GraphError, match="limit"):
        ag.formula(y, x, order=2, limit=300)


def test_the_branch_that_was_not_taken_is_left_out():
    """The condition is a fact of the run, so the other branch is no term."""
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = np.where(x > 1.0, x * x, x)
    assert ag.formula(y, x).text == "d where/d x = x + x"


@pytest.mark.parametrize(
    ("function", "point", "wanted", "note"),
    [
        (np.hypot, (0.0, 0.0), (0.0, 0.0), "/z stands for 0 here"),
        (np.arctan2, (0.0, 0.0), (0.0, 0.0), "stands for 0 here"),
        (lambda x, y: x**y, (0.0, 2.0), (0.0, 0.0), None),
        (lambda x, y: x**y, (0.0, 0.0), (0.0, 0.0), "stands for 0 here"),
        (lambda x, y: np.sqrt(x * x) + y, (0.0, 1.0), (0.0, 1.0), None),
        (np.maximum, (1.0, 1.0), (0.5, 0.5), None),
        (lambda x, y: np.abs(x) * y, (0.0, 2.0), (0.0, 0.0), None),
        (lambda x, y: x / y, (0.0, 1e-200), (1e200, 0.0), None),
        (ag.numpy.special.xlogy, (0.0, 0.0), (-np.inf, 0.0), None),
        (np.heaviside, (0.0, 3.0), (0.0, 1.0), None),
    ],
)
def test_corners_are_what_the_operations_take_there_and_are_noted(function, point, wanted, note):
    xs = scalars(x=point[0], y=point[1])
    with np.errstate(all="ignore"), ag.GradientTape():
        z = function(*xs)
    found = [ag.formula(z, x, names={"z": z}) for x in xs]
    np.testing.assert_array_equal([each() for each in found], wanted)
    if note:
        assert all(note in each.text.splitlines()[-1] for each in found)
        assert "#" not in found[0].latex


def test_a_zero_beside_an_infinity_is_noted():
    (x,) = scalars(x=0.0)
    with ag.GradientTape():
        y = np.sqrt(x * x)
    assert ag.formula(y, x).notes == ("a factor of 0 beside one that is infinite makes a product of 0",)
    with ag.GradientTape():
        y = np.sqrt(x) - np.sqrt(x) + np.where(True, np.sqrt(1 + x), 0.0)
    assert ag.formula(y, x).notes == ()
    assert ag.formula(y, x)(x=4.0) == ag.grad(lambda x: np.sqrt(1 + x))(4.0)


def test_the_source_itself():
    (x,) = scalars(x=2.0)
    with ag.GradientTape():
        y = x * 1.0
    assert (ag.formula(y, y).text, ag.formula(y, y)()) == ("d multiply/d multiply = 1", 1.0)


@pytest.mark.parametrize(
    ("name", "latex"), [("α", r"\alpha"), ("λ_1", r"\lambda_{1}"), ("Ω", r"\Omega"), ("x₁", r"\mathrm{x1}"),
                        ("größe", r"\text{größe}"), ("🙂", r"\text{🙂}"), ("x'y", r"\mathrm{x'y}")],
)  # fmt: skip
def test_letters_of_other_alphabets(name, latex):
    (x,) = scalars(**{name: 2.0})
    with ag.GradientTape():
        y = np.sin(x)
    assert ag.formula(y, x).latex.endswith(rf"= \cos\left({latex}\right)")
