"""The invariants hold of every primitive, and wrong rules break them."""

import copy

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.primitive import Primitive
from autograd_core.testing import invariants, rows

special = anp.special
ROWS = [row for row in TABLE if row.vjps is not None]
X = np.array([0.5, -1.25, 2.0, 0.75])
M = np.array([[1.0, 0.5, -0.25], [0.75, 2.0, 0.125]])


def sampled(row, seed, dtype="float64"):
    """The row as a function of its differentiable arguments, and these; None if it has none here."""
    random = np.random.default_rng(seed)
    case = rows.sample(row, Draw(lambda low, high: int(random.integers(low, high, endpoint=True)), dtype))
    if not case.active or not any(out.dtype.kind in "fc" for out in case.raw()):
        return None
    return (lambda *primals: case.tensors(primals)), tuple(case.primals)


def some(row, count=3):
    return [found for seed in range(count) if (found := sampled(row, seed)) is not None]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_primitive_is_linear_and_transposed_and_in_any_order(row):
    for f, args in some(row):
        invariants.check(f, args, rtol=1e-8)


@pytest.mark.parametrize("check", [invariants.inner_product, invariants.linearity])
def test_a_gradient_of_nothing_but_rounding_passes(check):
    check(lambda x: np.cos(x) ** 2 + np.sin(x) ** 2, np.linspace(0.3, 2.0, 7))


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.elementwise and row.sample is None], ids=lambda row: row.name
)
def test_elementwise_primitives_are_equivariant(row):
    random = np.random.default_rng(1)
    args = tuple(random.uniform(low, high, 5) for low, high in row.domain)

    columns = range(len(args))
    invariants.permutation(lambda x: row(*[x[:, n] for n in columns]), np.stack(args, axis=1), result_axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_primitive_is_the_same_compiled(row):
    for f, args in some(row, 2):
        invariants.compiled(f, args, rtol=1e-8)


def test_programs_compiled_by_each_backend():
    invariants.check(lambda x, y: np.sum(np.tanh(x @ y) ** 2) + np.max(x), (M, np.ones(3)), backends=None)


@pytest.mark.parametrize(
    ("f", "total"),
    [
        (np.max, 1), (np.min, 1), (np.mean, 1), (np.median, 1), (special.logsumexp, 1), (np.sum, 4), (np.var, 0),
        (np.std, 0), (special.softmax, 0), (special.log_softmax, 0), (np.ptp, 0), (lambda x: x - np.mean(x), 0),
        (np.diff, 0), (lambda x: np.quantile(x, 0.3), 1), (lambda x: np.average(x, weights=[1, 2, 3, 4]), 1),
    ],
)  # fmt: skip
def test_translation(f, total):
    """Of a function of one array; results that are arrays are looked at entry by entry."""
    invariants.translation(f, X, total=total)


def test_translation_along_an_axis_and_of_nested_arguments():
    invariants.translation(lambda x: np.max(x, axis=1), M)
    invariants.translation(lambda a, s: np.mean(s["x"]) * a, (2.0, {"x": X}), total=2.0, argnum=1)
    invariants.translation(np.mean, X.astype("float32"))


@pytest.mark.parametrize(
    ("f", "args", "degree"),
    [
        (np.linalg.norm, (X,), 1), (np.abs, (X,), 1), (np.max, (X,), 1), (special.relu if hasattr(special, "relu")
         else np.fabs, (X,), 1), (np.multiply, (X, X + 1), 2), (np.matmul, (M, M.T), 2), (np.linalg.det, (M @ M.T,), 2),
        (np.linalg.inv, (M @ M.T,), -1), (lambda x: x / np.linalg.norm(x), (X,), 0), (np.prod, (X,), 4),
        (np.var, (X,), 2), (np.std, (X,), 1), (np.hypot, (3.0, 4.0), 1), (np.arctan2, (3.0, 4.0), 0),
        (np.sqrt, (4.0,), 0.5), (lambda x: np.convolve(x, [1.0, 2.0]), (X,), 1), (np.sort, (X,), 1),
    ],
)  # fmt: skip
def test_homogeneity(f, args, degree):
    invariants.homogeneity(f, args, degree)


def test_homogeneity_in_some_arguments_and_of_complex_values():
    invariants.homogeneity(lambda x, y: x**2 * np.exp(y), (X, X), degree=2, argnums=[0])
    invariants.homogeneity(lambda z: np.sum(np.abs(z) ** 2), np.array([1 + 2j, 0.5 - 1j]), degree=2)
    invariants.inner_product(lambda z: np.exp(z) * z, np.array([1 + 2j, 0.5 - 1j]))


@pytest.mark.parametrize(
    ("f", "result_axis"),
    [
        (np.sum, None), (np.max, None), (np.prod, None), (special.logsumexp, None), (np.sin, 0), (special.softmax, 0),
        (np.var, None), (np.linalg.norm, None), (np.sort, None), (np.median, None),
    ],
)  # fmt: skip
def test_permutation(f, result_axis):
    invariants.permutation(f, X, result_axis=result_axis)


def test_permutation_of_examples_and_of_columns():
    weights = np.linspace(-1, 1, 9).reshape(3, 3)
    invariants.permutation(lambda x: np.tanh(x @ weights), M, result_axis=0)
    invariants.permutation(lambda x: np.sum(x, axis=1), M, axis=1)
    invariants.permutation(lambda x: np.sum(x, axis=1), M, axis=-1)


# -- wrong rules -------------------------------------------------------------------------------------------------------


def row(rule, impl=np.multiply, **options):
    """x * y, with a rule for x that may be wrong."""
    options = {"elementwise": True, "domain": ((-2, 2), (0.5, 2)), **options}
    return Primitive("product", impl, (rule, lambda ct, ans, x, y: ct * x), **options)


def mutated(primitive, change):
    """The row with rules that see another cotangent than the one that arrives."""

    def wrapped(rule):
        def wrong(ct, *args, **params):
            return rule(tuple(map(change, ct)) if isinstance(ct, tuple) else change(ct), *args, **params)

        return None if rule is None else wrong

    broken = copy.copy(primitive)
    broken.vjps = tuple(map(wrapped, primitive.vjps))
    return broken


def gradient_is_zero(f, args):
    """Also where the cotangents of every one of its results happen to cancel."""
    outs, pull = ag.vjp(lambda xs: f(*xs), list(args))
    cts = [np.where(np.arange(out.size).reshape(out.shape) % 2, -1.5, 1.0).astype(out.dtype) for out in outs]
    return not any(np.any(np.abs(ct) > 1e-12) for ct in pull(tuple(cts))[0])


@pytest.mark.parametrize("primitive", ROWS, ids=lambda row: row.name)
def test_a_rule_of_the_table_that_is_not_linear_is_caught(primitive):
    broken = mutated(primitive, lambda ct: ct * np.abs(ct))
    for f, args in some(broken):
        if any(x.size for x in args) and not gradient_is_zero(f, args):
            with pytest.raises(ag.GradientCheckError, match=r"invariants.linearity\(.*for args\[\d+\]"):
                invariants.linearity(f, args)


@pytest.mark.parametrize("primitive", [row for row in ROWS if row.jvps is not None], ids=lambda row: row.name)
def test_a_rule_of_the_table_with_a_wrong_factor_is_caught(primitive):
    """By the JVP, where there is one that is not made of the VJP."""
    broken = mutated(primitive, lambda ct: ct * 1.001)
    for f, args in some(broken):
        if any(x.size for x in args) and not gradient_is_zero(f, args):
            with pytest.raises(ag.GradientCheckError, match=r"invariants.inner_product\(.*for args\[\d+\]"):
                invariants.inner_product(f, args)


RIGHT_JVPS = (lambda t, ans, x, y: t * y, lambda t, ans, x, y: t * x)
ARGS = (np.array([1.0, -2.0, 0.5]), np.array([0.75, 1.5, 2.0]))


def by_y(ct, ans, x, y):
    return ct * y


def writes(ct, ans, x, y):
    ct *= y
    return ct


@pytest.mark.parametrize(
    ("broken", "check", "message"),
    [
        pytest.param(
            row(lambda ct, ans, x, y: -(ct * y), jvps=RIGHT_JVPS), invariants.inner_product,
            r"for args\[0\], entry \[0\], <ct, jvp\(t\)> is ", id="sign",
        ),
        pytest.param(row(by_y, jvps="linear"), invariants.inner_product, "One of the two rules", id="wrong JVP"),
        pytest.param(
            row(lambda ct, ans, x, y: ct * 0 + y), invariants.linearity,
            r"vjp\(0.75 u \+ -1.25 v\) for args\[0\], entry",
            id="upstream ignored",
        ),
        pytest.param(row(lambda ct, ans, x, y: ct * abs(ct) * y), invariants.linearity, "linearity", id="not linear"),
        pytest.param(row(writes), invariants.linearity, "cotangent after the VJP for result 0", id="writes to ct"),
        pytest.param(
            row(lambda ct, ans, x, y: ct[:2]), invariants.shapes, r"returned a cotangent of shape \(2,\)", id="shape",
        ),
        pytest.param(
            row(by_y, jvps=(lambda t, ans, x, y: np.stack([t, t, t, t]), lambda t, ans, x, y: t * x)),
            invariants.shapes, "forward mode", id="shape of a tangent",
        ),
        pytest.param(
            row(lambda ct, ans, x, y: ct * np.arange(1.0, 4.0) * y),
            lambda f, args: invariants.permutation(lambda x: f(x, ARGS[1][0]), args[0], result_axis=0),
            "the permuted gradient", id="depends on the place",
        ),
        pytest.param(
            row(lambda ct, ans, x, y: ct * y * 1.001, jvps=RIGHT_JVPS),
            lambda f, args: invariants.homogeneity(f, args, degree=2), "<gradient, x> of the result", id="Euler",
        ),
        pytest.param(
            row(by_y, jvps=(lambda t, ans, x, y: t, lambda t, ans, x, y: t * x)),
            lambda f, args: invariants.homogeneity(f, args, degree=2), r"jvp\(x\) for the result", id="Euler forward",
        ),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_caught(broken, check, message):
    with pytest.raises(ag.GradientCheckError, match=message) as caught:
        check(broken, ARGS)
    text = str(caught.value)
    assert isinstance(caught.value, AssertionError)
    assert text.startswith("invariants.")


@pytest.mark.parametrize(("wrong", "message"), [(0, "value"), (1, "gradient")])
def test_a_wrong_compiled_form_is_caught(monkeypatch, wrong, message):
    def compile_wrongly(step, jit):
        def compiled(points):
            parts = list(step(points))
            parts[wrong] = [part * 1.001 for part in parts[wrong]]
            return parts

        return compiled

    monkeypatch.setattr("autograd_core.testing.invariants.runs.function", compile_wrongly)
    with pytest.raises(ag.GradientCheckError, match=rf"compiled\(multiply\): the {message} \(numpy\) for .*, entry"):
        invariants.compiled(np.multiply, ARGS, ["numpy"])


@pytest.mark.parametrize("check", [invariants.check, invariants.linearity, invariants.inner_product])
def test_the_right_rule_passes(check):
    check(row(by_y), ARGS)


def test_a_maximum_that_shares_wrongly_at_ties_does_not_add_up():
    @ag.primitive
    def largest(x):
        return np.max(x)

    largest.defvjp(lambda ct, ans, x: ct * (x == ans))
    ties = np.array([1.0, 3.0, 3.0])
    with pytest.raises(ag.GradientCheckError, match=r"the sum of the gradient of the result.* is 2.0") as caught:
        invariants.translation(largest, ties)
    assert "; expected 1.0." in str(caught.value)
    invariants.translation(np.max, ties)


def test_an_operation_with_a_memory_depends_on_the_order():
    calls = []

    @ag.primitive
    def counting(x):
        calls.append(0)
        return x * len(calls)

    counting.defvjp(lambda ct, ans, x: ct)
    with pytest.raises(ag.GradientCheckError, match="the value in another order for counting, entry"):
        invariants.reordered(lambda x: counting(x) + counting(2 * x), X)


def test_an_operation_that_writes_to_its_argument_is_caught():
    armed = []

    @ag.primitive
    def doubled(x):
        if armed:
            x *= 2
            return x.copy()
        armed.append(1)
        return 2 * x

    doubled.defvjp(lambda ct, ans, x: 2 * ct)
    with pytest.raises(ag.GradientCheckError, match="doubled writes to its argument 0"):
        invariants.reordered(lambda x: doubled(x * 1.0), X)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: invariants.translation(np.sin, X), ag.GradientCheckError, "f\\(x \\+ "),
        (lambda: invariants.homogeneity(np.sin, X), ag.GradientCheckError, "f\\(2 x\\) for the result, entry"),
        (lambda: invariants.permutation(np.cumsum, X), ag.GradientCheckError, "f\\(permuted x\\)"),
        (lambda: invariants.permutation(np.sum, X, axis=1), ag.DomainError, "there is no axis 1"),
        (lambda: invariants.translation(np.sum, X, argnum=2), ag.DomainError, "argument 2 has no floating entries"),
        (lambda: invariants.linearity(np.sum, 3), ag.DtypeError, "none of the 1 arguments"),
        (lambda: invariants.linearity(3.0, 3.0), TypeError, "expected a function"),
        (lambda: invariants.shapes(lambda x: "a", 3.0), ag.ConversionError, "returned a str"),
        (lambda: invariants.shapes(lambda x: x > 0, 3.0), ag.GradientCheckError, "nothing floating"),
        (lambda: invariants.compiled(np.sin, X, ["jax"]), ag.DomainError, "backends are"),
        (lambda: invariants.compiled(np.sin, X, "numpy"), ag.DomainError, "backends are"),
        (lambda: invariants.compiled(lambda x: x * 2 if x[0] > 0 else x, X, ["numpy"]), ag.TraceError, "branch"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_float32_large_small_and_empty():
    invariants.check(lambda x: np.sum(np.tanh(x) * x), X.astype("float32"), backends=["numpy"])
    invariants.check(lambda x: x * x, X * 1e150)
    invariants.check(lambda x: x * x, X * 1e-150)
    invariants.check(lambda x: np.sum(x * x), np.zeros((0, 3)))
    invariants.check(lambda d: {"a": d["w"] * 2, "b": [d["x"] + 1]}, {"w": X, "x": 2.0, "n": 3})


# -- what no rule is to blame for --------------------------------------------------------------------------------------

CHECKS = {
    "shapes": invariants.shapes,
    "linearity": invariants.linearity,
    "inner_product": invariants.inner_product,
    "compiled": lambda f, args: invariants.compiled(f, args, backends=["numpy"]),
    "translation": invariants.translation,
    "homogeneity": invariants.homogeneity,
    "permutation": invariants.permutation,
    "check": invariants.check,
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_function_that_is_not_deterministic_is_said_to_be(name):
    """Called twice first: a rule is not blamed for what the function does."""
    generator = np.random.default_rng(0)

    def dropped(x):
        return np.sum(x * (generator.random(3) < 0.5))

    with pytest.raises(ag.GradientCheckError, match=r"\(dropped\): called twice .* not deterministic.*Generator"):
        CHECKS[name](dropped, np.array([1.0, 2.0, 3.0]))


def test_a_function_that_gives_other_results_each_time():
    calls = []

    def grows(x):
        calls.append(1)
        return [x] * len(calls)

    with pytest.raises(ag.GradientCheckError, match="gave 1 results and then 2"):
        invariants.shapes(grows, 1.0)


@pytest.mark.parametrize("check", [invariants.linearity, invariants.inner_product])
def test_a_rule_that_is_not_deterministic_is_said_to_be(check):
    generator = np.random.default_rng(0)

    @ag.primitive(probe=False)
    def noisy(x):
        return x * 2.0

    noisy.defvjp(lambda ct, ans, x: ct * (2.0 + generator.random()))
    with pytest.raises(ag.GradientCheckError, match=r"pulled back twice.* for args\[0\] .*not deterministic"):
        check(lambda x: noisy(x), np.array([1.0, 2.0]))


def test_one_recorded_run_may_be_random():
    generator = np.random.default_rng(0)
    invariants.reordered(lambda x: np.sum(x * generator.random(3)), np.array([1.0, 2.0, 3.0]))


def test_nan_is_deterministic():
    with np.errstate(all="ignore"):
        invariants.shapes(np.log, np.array([-1.0, 2.0]))
