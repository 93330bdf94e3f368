"""Every row of the table of operations goes through the same checks, at inputs that it draws itself."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.ops.domain import Draw
from autograd_core.ops.matrices import sample_settled
from autograd_core.ops.table import TABLE
from autograd_core.primitive import LINEAR, MULTILINEAR
from autograd_core.testing import rows
from autograd_core.testing.rows import Application, EqualSides, frozen
from autograd_core.testing.strategies import LAYOUTS, draw_from, relaid
from tests.ops import spectral
from tests.ops.promises import PROMISES
from tests.ops.special_points import HESSIANS, JACOBIANS, POINTS
from tests.ops.spectral.parts import Through

DIFFERENTIABLE = [row for row in TABLE if row.vjps is not None]
SAMPLED = [row for row in TABLE if row.domain or row.sample]
CHECKED = [row for row in DIFFERENTIABLE if row.domain or row.sample]
# Their complex vectors are one choice out of many (a phase), which jumps from matrix to matrix; what does not depend on
# the choice is checked in test_decompositions.py.
PHASES = {"eig", "eigh", "svd"}
SIGNS = {"qr": np.linalg.qr}  # LAPACK changes the sign of a vector here and there: tested where it does not
REAL = {"lstm"}  # its function refuses complex numbers
BY_NAME = {row.name: row for row in TABLE}
ELEMENTWISE = [row for row in CHECKED if row.elementwise and row.domain]

quick = settings(max_examples=15, report_multiple_bugs=False)
thorough = settings(max_examples=200, report_multiple_bugs=False)


def each(table):
    return pytest.mark.parametrize("row", table, ids=lambda row: row.name)


def drawn(row, data, dtype="float64") -> Application:
    """Arguments in some memory layout, protected against writing."""
    draw = draw_from(data, dtype)
    case = rows.sample(row, EqualSides(draw.integer, dtype) if draw.boolean() else draw)
    layout = draw.choice(LAYOUTS)
    args = (frozen(relaid(np.asarray(a), layout)) if isinstance(a, (np.ndarray, np.generic)) else a for a in case.args)
    return Application(row, tuple(args), case.params)


def generator(data):
    return np.random.default_rng(data.draw(st.integers(0, 2**16)))


# -- the table itself --------------------------------------------------------------------------------------------------


def test_names_are_unique():
    assert [name for name, count in Counter(row.name for row in TABLE).items() if count > 1] == []


@each(DIFFERENTIABLE)
def test_row_can_be_tested(row):
    """A row with a derivative says where its test inputs come from."""
    assert row.domain or row.sample, f"{row.name} has neither a domain nor a sample: nothing checks its rules"
    if row.domain:
        assert len(row.domain) == len(row.vjps), f"{row.name}: one interval per argument"
        assert row.elementwise or row.sample, f"{row.name}: a domain alone is for elementwise rows"
    if not (row.jvps is None or row.jvps in (LINEAR, MULTILINEAR)):
        assert len(row.jvps) == len(row.vjps), f"{row.name}: one JVP rule per argument"


# -- values and derivatives --------------------------------------------------------------------------------------------


@each(SAMPLED)
@quick
@given(st.data())
def test_value(row, data):
    """The same value as the forward function's; arguments are not written to."""
    rows.check_value(drawn(row, data))


@each(CHECKED)
@quick
@given(st.data())
def test_vjp(row, data):
    """<vjp(ct), v> equals <ct, difference along v>."""
    rows.check_vjp(drawn(row, data), generator(data))


@each(CHECKED)
@quick
@given(st.data())
def test_jvp(row, data):
    """<ct, jvp(v)> equals <vjp(ct), v>."""
    rows.check_jvp(drawn(row, data), generator(data))


@each(CHECKED)
@quick
@given(st.data())
def test_second_order(row, data):
    """The gradient of the gradient, by three routes and by differences."""
    rows.check_second_order(drawn(row, data), generator(data))


@each(CHECKED)
@quick
@given(st.data())
def test_constants(row, data):
    """An argument without a rule is one that the result does not depend on."""
    rows.check_constants(drawn(row, data), generator(data))


@pytest.mark.slow
@each(CHECKED)
@thorough
@given(st.data())
def test_thoroughly(row, data):
    case = drawn(row, data)
    rows.check_value(case)
    rows.check_vjp(case, generator(data))
    rows.check_jvp(case, generator(data))
    rows.check_second_order(case, generator(data))


# -- dtypes ------------------------------------------------------------------------------------------------------------


@each(CHECKED)
@quick
@given(st.data())
def test_float32_stays(row, data):
    """Values, tangents and cotangents of float32 arguments have the dtype that NumPy gives, and the argument's."""
    case = drawn(row, data, "float32")
    rows.check_value(case)
    primals = case.primals
    cts = rows.noise(np.random.default_rng(0), case.raw_floating(primals))
    rows.check_fit(case, primals, rows.pull(case, primals, cts))
    for tangent, ct in zip(rows.push(case, primals, rows.noise(np.random.default_rng(1), primals)), cts, strict=True):
        assert tangent.dtype == ct.dtype


@each([row for row in ELEMENTWISE if len(row.domain) > 1 and row.name != "float_power"])  # always in double precision
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_python_number_never_widens(row, dtype):
    """An array beside Python numbers: the array's dtype all the way."""
    for position, (low, high) in enumerate(row.domain):
        args = [float(np.linspace(*interval, 7)[4]) for interval in row.domain]
        args[position] = frozen(np.linspace(low, high, 7).astype(dtype)[1:-1])
        case = Application(row, tuple(args), {})
        rows.check_value(case)
        (ct,) = rows.noise(np.random.default_rng(0), case.raw_floating(case.primals))
        assert ct.dtype == dtype
        rows.check_fit(case, case.primals, rows.pull(case, case.primals, [ct]))


@each([BY_NAME["float_power"]])
def test_results_in_double_precision_have_such_tangents(row):
    """Of float32 arguments: what is computed in double precision is differentiated in double precision."""
    random = np.random.default_rng(7)
    args, tangents = ([random.uniform(0.5, 2.0, 7).astype("float32") for _ in range(2)] for _ in range(2))
    wanted = ag.jvp(row, tuple(arg.astype(float) for arg in args), tuple(t.astype(float) for t in tangents))[1]
    np.testing.assert_allclose(ag.jvp(row, tuple(args), tuple(tangents))[1], wanted, rtol=1e-14)


NUMBERS = (0, 1, 2, 3, -1, -2, 0.0, 0.5, 2.0, -1.5)


def numbers_for(row):
    """Pairs (position, number) of the numbers that an argument may be."""
    positions = enumerate(row.domain) if row.domain and len(row.domain) > 1 else ()
    return [(at, number) for at, (low, high) in positions for number in NUMBERS if low <= number <= high]


def beside_number(row, position, number) -> Application:
    random = np.random.default_rng(7)
    args = [frozen(random.uniform(low, high, (2, 3))) for low, high in row.domain]
    args[position] = number
    return Application(row, tuple(args), {})


BESIDE_NUMBERS = [
    pytest.param(row, position, number, id=f"{row.name}-{position}-{number}")
    for row in ELEMENTWISE
    for position, number in numbers_for(row)
]


@pytest.mark.parametrize(("row", "position", "number"), BESIDE_NUMBERS)
def test_beside_python_number(row, position, number):
    """Rules may treat numbers apart: an exponent that is the number 2 is the commonest of all."""
    random, case = np.random.default_rng(7), beside_number(row, position, number)
    rows.check_value(case)
    rows.check_vjp(case, random)
    rows.check_jvp(case, random)
    rows.check_second_order(case, random)


# -- what is seldom drawn ----------------------------------------------------------------------------------------------

SELDOM = [
    ("matmul", (4,), (4,), {}), ("matmul", (2, 3, 4), (4,), {}), ("matmul", (4,), (2, 4, 3), {}),
    ("matmul", (2, 3, 4), (4, 2), {}), ("matmul", (2, 3, 4), (2, 4, 3), {}), ("matmul", (3, 4), (4,), {}),
    ("reshape", (3, 2), {"shape": (6,), "order": "F"}), ("reshape", (2, 3), {"shape": (3, 2), "order": "F"}),
    ("cofactors_along", (3, 3), (3, 3), {}), ("cofactors_along", (4, 4), (4, 4), {}),
    ("cofactors_along", (2, 4, 4), (2, 4, 4), {}), ("cofactors_along_two", (3, 3), (3, 3), (3, 3), {}),
    ("cofactors_along_two", (4, 4), (4, 4), (4, 4), {}), ("cofactors_along_two", (2, 5, 5), (2, 5, 5), (2, 5, 5), {}),
    ("ive", (3,), {"order": 3}), ("iv", (3,), {"order": 3}), ("ive", (3,), {"order": 2}),
]  # fmt: skip


def seldom(row, shapes, params):
    """Application of ``row`` to arrays of these shapes."""
    random = np.random.default_rng(12)
    args = tuple(frozen(random.uniform(0.3, 1.5, shape) * random.choice([-1, 1], shape)) for shape in shapes)
    return Application(row, args, params)


@pytest.mark.parametrize(
    ("row", "shapes", "params"),
    [pytest.param(BY_NAME[name], shapes, params, id=f"{name}-{shapes}") for name, *shapes, params in SELDOM],
)
def test_seldom_drawn(row, shapes, params):
    random = np.random.default_rng(11)
    case = seldom(row, shapes, params)
    rows.check_value(case)
    rows.check_vjp(case, random)
    rows.check_jvp(case, random)
    rows.check_second_order(case, random)


@each(CHECKED)
def test_square_arrays(row):
    """Where the last two sides are equal a result that is transposed by mistake has the right shape."""
    square_args = square_outs = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        case = rows.sample(row, EqualSides(lambda low, high, random=random: int(random.integers(low, high + 1))))
        of_args, of_outs = any(map(_is_square, case.args)), any(map(_is_square, case.raw()))
        if not (of_args and square_args < 4) and not (of_outs and square_outs < 4):
            continue
        rows.check_vjp(case, random)
        rows.check_jvp(case, random)
        if row.name not in PHASES | REAL:
            _check_complex(case, random)
        square_args += of_args
        square_outs += of_outs
        if min(square_args, square_outs) >= 4:
            break


def _drawn_by(row, seed) -> Application:
    random = np.random.default_rng(seed)
    return rows.sample(row, Draw(lambda low, high: int(random.integers(low, high + 1))))


@each([row for row in CHECKED if len(_drawn_by(row, 0).raw()) > 1])
def test_each_result_alone(row):
    """The others have no cotangent then, or one of zeros; nobody has followed them."""
    for seed in range(3):
        case, random = _drawn_by(row, seed), np.random.default_rng(seed)
        for at in (at for at, out in enumerate(case.raw()) if out.dtype.kind in "fc"):
            alone = Through(row, case.args, case.params, lambda *outs, at=at: (outs[at],))
            rows.check_vjp(alone, random)
            rows.check_jvp(alone, random)
            rows.check_second_order(alone, random)


def _is_square(array) -> bool:
    return isinstance(array, np.ndarray) and array.ndim > 1 and array.shape[-1] == array.shape[-2] > 1


def _check_complex(case, random):
    """First derivatives with complex arguments, if the row takes them."""
    turned = made_complex(case, random)
    try:
        turned.raw()
    except TypeError:
        return
    rows.check_vjp(turned, random)
    rows.check_jvp(turned, random)


REPLACED = [
    np.array([np.nan, np.inf, -np.inf, 0.0, 1.5]),
    np.array([complex(np.nan, 1), complex(1, np.inf), complex(-np.inf, np.nan), 2 + 3j, 0]),
]


@pytest.mark.parametrize(("row", "x"), [(BY_NAME["nan_to_num"], x) for x in REPLACED])
def test_numbers_in_place_of_nan(row, x):
    check_numbers_in_place_of_nan(row, x)


def check_numbers_in_place_of_nan(row, x):
    """The result does not change along what is replaced, and differences know: of equal results they are 0."""
    random, case = np.random.default_rng(7), Application(row, (frozen(x),), {"nan": 0.0, "posinf": 9.0, "neginf": -5.0})
    rows.check_value(case)
    rows.check_vjp(case, random)
    rows.check_jvp(case, random)
    rows.check_second_order(case, random)


# -- kinks, bounds, infinities ----------------------------------------------------------------------------------------


def _array(arg):
    return frozen(np.array(arg)) if isinstance(arg, list) else arg


AT_POINTS = [
    pytest.param(BY_NAME[name], args, slopes, dict(*params), id=f"{name}-{number}")
    for number, (name, args, slopes, *params) in enumerate(POINTS)
]


@pytest.mark.parametrize(("row", "args", "slopes", "params"), AT_POINTS)
def test_special_points(row, args, slopes, params):
    """The derivatives that a row says it takes, in both modes; and the VJP can be differentiated by its cotangent."""
    check_points(row, args, slopes, params)


def check_points(row, args, slopes, params):
    args = [_array(arg) for arg in args]
    tracked = [index for index, slope in enumerate(slopes) if slope is not None]
    slopes = [np.array(slopes[index], float) for index in tracked]

    def function(*xs):
        filled = list(args)
        for index, x in zip(tracked, xs, strict=True):
            filled[index] = x
        return row(*filled, **params)

    random = np.random.default_rng(3)
    primals = [args[index] for index in tracked]
    with np.errstate(all="ignore"):
        value, pull = ag.vjp(function, *primals)
        ct, *tangents = rows.noise(random, [np.asarray(value), *primals])
        for index, got, slope, x in zip(tracked, pull(ct), slopes, primals, strict=True):
            wanted = _summed(ct * slope, x.shape)
            np.testing.assert_allclose(got, wanted, rtol=1e-12, err_msg=f"{row.name}, argument {index}")
        pushed = ag.jvp(function, tuple(primals), tuple(tangents))[1]
        wanted = sum(slope * t for slope, t in zip(slopes, tangents, strict=True))
        np.testing.assert_allclose(pushed, wanted, rtol=1e-12, atol=1e-15)
        if all(np.isfinite(slope).all() for slope in slopes):
            twice = ag.vjp(lambda c: ag.vjp(function, *primals)[1](c), ct)[1](tuple(tangents))
            np.testing.assert_allclose(twice[0], wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("row", "point", "hessian", "params"),
    [
        pytest.param(BY_NAME[name], point, hessian, dict(*params), id=f"{name}-{point}")
        for name, point, hessian, *params in HESSIANS
    ],
)
def test_special_second_derivatives(row, point, hessian, params):
    """Second derivatives that a row says it takes, in both modes."""
    check_hessian(row, point, hessian, params)


def check_hessian(row, point, hessian, params):

    def function(z):
        return row(*(z[at] for at in range(len(point))), **params)

    with np.errstate(all="ignore"):
        for mode in ("rev", "fwd"):
            found = ag.jacobian(ag.grad(function), mode=mode)(np.array(point))
            np.testing.assert_allclose(found, hessian, rtol=1e-8, atol=0, err_msg=mode)


@pytest.mark.parametrize(
    ("row", "array", "params", "jacobian"),
    [pytest.param(BY_NAME[name], *rest, id=f"{name}-{number}") for number, (name, *rest) in enumerate(JACOBIANS)],
)
def test_special_arrays(row, array, params, jacobian):
    """The same for rows that mix entries; a cotangent of 0 has no part in the sum, however large the derivative."""
    check_jacobian(row, array, params, jacobian)


def check_jacobian(row, array, params, jacobian):
    shape, jacobian = np.shape(array), np.array(jacobian, float)
    x = frozen(np.array(array, float).reshape(-1))
    random = np.random.default_rng(3)

    def function(x):
        return row(x if len(shape) == 1 else np.reshape(x, shape), **params)

    with np.errstate(all="ignore"):
        value, pull = ag.vjp(function, x)
        ct, t = rows.noise(random, [np.reshape(np.asarray(value), -1), x])
        for some in (ct, 0 * ct, *np.diag(ct)):
            shaped = np.reshape(some, np.shape(value))
            np.testing.assert_allclose(pull(shaped)[0], _product(some[:, None], jacobian, 0), rtol=1e-12)
            if np.isfinite(jacobian).all() or not np.any(some):
                twice = ag.vjp(lambda c: ag.vjp(function, x)[1](c), shaped)[1]((t,))
                finite = np.where(np.isfinite(jacobian), jacobian, 0)
                np.testing.assert_allclose(np.ravel(twice[0]), _product(t, finite, 1), rtol=1e-12)
        for some in (t, 0 * t, *np.diag(t)):
            pushed = ag.jvp(function, (x,), (some,))[1]
            np.testing.assert_allclose(np.ravel(pushed), _product(some, jacobian, 1), rtol=1e-12)


def _product(factor, jacobian, axis):
    """The sum over ``axis`` of the product, whose terms are 0 where a factor is 0."""
    return np.sum(np.where((factor == 0) | (jacobian == 0), 0, factor * jacobian), axis=axis)


def _summed(ct, shape):
    """``ct`` summed over the axes along which ``shape`` was broadcast."""
    ct = np.sum(ct, axis=tuple(range(ct.ndim - len(shape))))
    return np.sum(ct, axis=tuple(at for at, side in enumerate(shape) if side == 1), keepdims=True)


# -- shapes of elementwise rows ----------------------------------------------------------------------------------------

UNARY_SHAPES = [((),), ((1,),), ((0,),), ((2, 0, 3),), ((2, 1, 3),)]
BINARY_SHAPES = [((), ()), ((1,), (1,)), ((0,), (0,)), ((3, 1), (1, 4)), ((), (3,)), ((0,), (1,)), ((2, 3), (3,))]
TERNARY_SHAPES = [((), (), ()), ((3, 1), (1, 4), (4,)), ((), (3,), (1, 3)), ((0,), (1,), ())]
SHAPES = {1: UNARY_SHAPES, 2: BINARY_SHAPES, 3: TERNARY_SHAPES}


@pytest.mark.parametrize(
    ("row", "shapes"),
    [pytest.param(row, shapes, id=f"{row.name}-{shapes}") for row in ELEMENTWISE for shapes in SHAPES[len(row.domain)]],
)
def test_broadcasting(row, shapes):
    """Empty, 0-d and broadcast arguments: cotangents are summed to the argument's own shape."""
    random = np.random.default_rng(7)
    args = [random.uniform(low, high, shape) for (low, high), shape in zip(row.domain, shapes, strict=True)]
    case = Application(row, tuple(frozen(np.asarray(arg)) for arg in args), {})
    rows.check_value(case)
    rows.check_vjp(case, random)
    rows.check_jvp(case, random)
    rows.check_second_order(case, random)


# -- complex -----------------------------------------------------------------------------------------------------------


def made_complex(case, random) -> Application:
    """The same with complex arguments."""

    def turned(x):
        return np.asarray(x + 0.3j * random.uniform(-1, 1, x.shape))

    args, decompose = list(case.args), SIGNS.get(case.row.name)
    for index in case.active:
        x = args[index]
        args[index] = frozen(turned(x) if decompose is None else sample_settled(lambda x=x: turned(x), decompose))
    return Application(case.row, tuple(args), case.params)


@each([row for row in CHECKED if row.name not in PHASES | REAL])
@quick
@given(st.data())
def test_complex(row, data):
    """d/dx + i d/dy, for the rows whose forward function takes complex arrays."""
    random = generator(data)
    case = drawn(row, data)
    case = made_complex(case, random)
    try:
        case.raw()
    except TypeError:
        pytest.skip(f"{row.name} does not take complex arrays")
    rows.check_value(case)
    rows.check_vjp(case, random)
    rows.check_jvp(case, random)
    rows.check_second_order(case, random)


# -- decompositions: equal values, values of 0, complex vectors --------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "check", "case"),
    [
        pytest.param(BY_NAME[name], check, case, id=f"{name}-{check.__name__}-{number}")
        for check, cases in spectral.CHECKS
        for number, (name, *case) in enumerate(cases)
    ],
)
def test_decompositions(row, check, case):
    check(row, *case)


# -- memory ------------------------------------------------------------------------------------------------------------


def _fill_memory(value):
    """Small blocks of memory then hold ``value``: arrays that were thrown away, whose memory the next ones get."""
    for size in range(1, 128):
        [np.full(size, value) for _ in range(7)]


@each(CHECKED)
def test_all_memory_is_written(row):
    """What a rule makes of an array from ``np.empty`` does not depend on what was there before."""
    for seed in range(3):
        case, random = _drawn_by(row, seed), np.random.default_rng(seed)
        primals = case.primals
        cts, tangents = (rows.noise(random, like) for like in (case.raw_floating(primals), primals))
        found = []
        for value in (np.nan, 1.0):
            run = rows.linearized(case, primals)
            _fill_memory(value)
            pulled = run.pull([(out, ag.Tensor(ct)) for out, ct in zip(run.result, cts, strict=True)])
            _fill_memory(value)
            found.append([*pulled, *run.push([ag.Tensor(t) for t in tangents], run.result)])
        for one, other in zip(*found, strict=True):
            np.testing.assert_array_equal(one.array, other.array)


# -- one by one --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "check"), [pytest.param(BY_NAME[one.row], one.check, id=one.check.__name__) for one in PROMISES]
)
def test_promises(row, check):
    check(row)
