"""The audit finds the operation that loses the digits, and its errors are those that mpmath tells."""

import json
import math
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.testing import audit, rows
from tests.testing.audit_cases import BAD, GOOD

VALUES = json.loads(Path(__file__).with_name("audit_values.json").read_text(encoding="utf-8"))

needs_long_double = pytest.mark.skipif(
    np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps, reason="long double is no wider than float64 here"
)


def error_of(found, exact):
    """Relative error of a number of the program, exactly."""
    if not math.isfinite(found):
        return math.inf
    with localcontext() as context:
        context.prec = 60
        right = Decimal(exact)
        return float(abs(Decimal(float(found)) - right) / abs(right)) if right else math.inf if found else 0.0


def assert_same_error(found, exact):
    """To 5 per cent, and a rounding error of the replay that cancellation may have enlarged."""
    assert found == exact or abs(found - exact) <= 0.05 * exact + 1e-14, (found, exact)


def run(case):
    with np.errstate(all="ignore"):
        return audit(case.program, case.args)


@needs_long_double
@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_the_operation_that_loses_digits_is_found(case):
    found = run(case)
    row = next((row for row in found.faults if row.node.operation == case.operation), None)
    assert row is not None, str(found)
    assert (row.fault.kind, row.fault.where) == (case.kind, "value")
    assert found.worst is row, str(found)
    if case.rewrite is not None:
        assert case.rewrite in str(row.rewrite), str(found)
    assert row.node.place.startswith("audit_cases.py:")


@needs_long_double
@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_the_errors_are_those_that_mpmath_tells(case):
    found = run(case)
    exact = VALUES[case.name]
    (target,) = found.graph.targets
    result = found.row(target)
    assert_same_error(result.value.inherited, error_of(target.array.item(), exact["value"]))
    worst = found.worst
    if "node" in exact:
        assert_same_error(worst.value.inherited, error_of(worst.node.array.item(), exact["node"]))
    if case.gradient:
        args = [ag.constant(arg) for arg in case.args]
        with ag.GradientTape() as tape:
            tape.watch(args)
            out = case.program(*args)
        gradient = np.ravel(tape.gradient(out, args[0]).numpy())
        errors = [error_of(entry, right) for entry, right in zip(gradient, exact["gradient"], strict=True)]
        row = found.row("args[0]")
        assert_same_error(row.gradient.inherited, max(errors))


@needs_long_double
@pytest.mark.parametrize("name", GOOD)
def test_good_formulas_have_no_fault(name):
    program, *args = GOOD[name]
    found = audit(program, tuple(args))
    assert found.faults == (), str(found)


def test_the_table_shows_the_worst_first_and_leads_to_the_graph():
    with np.errstate(all="ignore"):
        found = audit(lambda x: np.sum(np.log(1 + x) + np.tanh(x)), np.array([1e-6, 2.0], "float32"))
    assert found.precision == "float64"
    assert found.worst is found.rows[0] is found.faults[0]
    assert found.worst.node in found.graph.nodes
    assert found.row(found.worst.node) is found.worst
    text = str(found)
    assert text.startswith("Replayed in float64: relative errors, worst first.")
    for part in ("amplification (value)", "log(1 + x) -> log1p(x)", "test_audit.py:"):
        assert part in text
    assert repr(found) == f"<Audit: {len(found.rows)} nodes, {len(found.faults)} with a fault>"
    assert len(found.rows) == len(found.graph.nodes) - 1  # all but the constant 1
    assert found.notes == ()


def test_what_is_born_is_apart_from_what_is_inherited():
    found = audit(lambda x: 2 * np.exp(x), np.float32(5.3))
    exp, double = found.row(found.graph.nodes[1]), found.row(found.graph.targets[0])
    assert exp.node.operation == "exp"
    exact = math.exp(float(np.float32(5.3)))
    assert exp.value.born == exp.value.inherited == pytest.approx(abs(exp.node.array.item() / exact - 1), rel=1e-6)
    assert double.value.born == 0.0
    assert double.value.inherited == pytest.approx(exp.value.inherited, rel=1e-6)
    assert double.gradient.inherited == 0.0
    assert found.row("args[0]").gradient.inherited == pytest.approx(exp.value.inherited, rel=1e-6)


@pytest.mark.parametrize(
    ("program", "x"),
    [
        (np.tanh, 20.0),
        (np.tanh, 12.0),
        (lambda x: anp.special.expit(x) ** 2, 40.0),
        (lambda x: np.sum(anp.special.softmax(x) * [1, 3]), [0.0, 30.0]),
        (anp.special.erf, 6.0),
    ],
)
def test_saturation_is_told(program, x):
    found = audit(program, np.asarray(x, np.float32))
    assert [row.fault.kind for row in found.faults][:1] == ["saturation"], str(found)
    assert found.worst.fault.where == "gradient"
    assert "the derivative is lost" in found.worst.fault.message


@needs_long_double
def test_paths_that_cancel_are_told():
    found = audit(lambda x: np.expm1(x) - x, 1e-10)
    row = found.row("args[0]")
    assert (row.fault.kind, row.fault.where) == ("cancellation", "gradient")
    assert "paths whose products nearly cancel" in str(row)


def test_a_gradient_that_is_zero_is_no_cancellation():
    found = audit(lambda x: np.sum(anp.special.softmax(x)), np.array([0.1, 0.5, -0.7], "float32"))
    assert found.faults == (), str(found)


@needs_long_double
def test_operations_that_know_one_precision_only_fall_back_and_say_so():
    def program(a):
        return np.linalg.det(a) + np.sum(np.linalg.inv(a)) + anp.special.gammaln(a[0, 0])

    matrix = np.eye(3) + 0.1 * np.arange(9.0).reshape(3, 3)
    found = audit(program, matrix)
    det = next(row for row in found.rows if row.node.operation == "det")
    assert not det.replayed
    assert math.isnan(det.value.born)
    assert any("det, inv, gammaln cannot be computed in" in note for note in found.notes), found.notes
    assert "unknown" in str(found)
    assert next(row for row in found.rows if row.node.operation == "add").replayed
    narrow = audit(program, matrix.astype("float32"))  # in float64 LAPACK computes
    assert narrow.notes == ()
    assert all(row.replayed for row in narrow.rows)


def test_operations_with_several_results_are_replayed():
    def program(a):
        values, vectors = np.linalg.eigh(a @ a.T)
        first, second = np.split(values, [1])
        return np.sum(vectors[0] ** 2 * values) + np.sum(first) * np.sum(second)

    found = audit(program, (np.arange(9.0).reshape(3, 3) % 4 + np.eye(3)).astype("float32"))
    assert np.isfinite(found.row("args[0]").gradient.inherited)
    assert found.row(found.graph.targets[0]).value.inherited < 1e-5


def test_programs_with_variables_structures_and_own_operations():
    w = ag.Variable(np.float32(0.7), name="w")

    @ag.primitive
    def cube(x):
        return x**3

    cube.defvjp(lambda ct, ans, x: ct * 3 * x**2)

    @ag.custom_gradient
    def clipped(x):
        return np.clip(x, -1, 1), lambda upstream: upstream

    def program(structure, power):
        inner = ag.checkpoint(lambda x: np.sin(x) ** power)(structure["x"])
        return {"out": cube(structure["x"]) * w + clipped(structure["x"]), "other": [inner]}

    found = audit(program, ({"x": np.ones(2, "float32")}, 2))
    assert {row.node.name for row in found.rows} >= {"w", "args[0]['x']"}
    assert found.row("w").gradient is not None
    assert all(np.isfinite(row.value.inherited) for row in found.rows)


def test_control_flow_and_complex_values():
    def program(x):
        total = ag.fori_loop(0, 3, lambda i, carry: np.sin(carry), x)
        z = total * np.exp(1j * x)
        return np.abs(z) + ag.cond(True, lambda x: x * 2, lambda x: x, x)

    found = audit(program, np.float64(0.4))
    assert np.isfinite(found.row("args[0]").gradient.inherited)


@needs_long_double
def test_a_compiled_function_is_looked_into():
    squares = ag.function(lambda x: np.sum(np.exp(x) * x), jit="numpy")
    found = audit(lambda x: squares(x) + 1, np.ones(3))
    assert found.row("args[0]").gradient.inherited < 1e-15
    assert {"exp", "multiply", "sum"} <= {row.node.operation for row in found.rows}
    assert not found.notes
    logarithm = ag.function(lambda x: np.log(1 + x), jit="numpy")
    assert str(audit(logarithm, np.float32(1e-5)).worst.rewrite) == "log(1 + x) -> log1p(x)"


def test_rounding_to_a_narrower_dtype_is_born_there():
    found = audit(lambda x: x.astype("float32") * 2, np.float64(1 / 3))
    cast = next(row for row in found.rows if row.node.operation == "astype")
    assert cast.value.born == pytest.approx(abs(float(np.float32(1 / 3)) * 3 - 1), rel=1e-6)


def test_a_long_sum_in_float32_is_no_fault_and_a_product_of_large_matrices_neither():
    random = np.random.default_rng(3)
    x, y = random.normal(size=(2, 100, 100)).astype("float32")
    found = audit(lambda x, y: np.sum(np.tanh(x @ y)) + np.mean(x), (x, y))
    assert not [row for row in found.faults if row.fault.kind != "saturation"], str(found)


def test_the_program_itself_is_as_before():
    """Auditing leaves no tape, records nothing elsewhere, and writes to no argument."""
    x = np.array([1.0, 2.0])
    before = x.copy()
    with ag.GradientTape() as tape:
        audit(lambda x: np.sum(x * x), x)
    assert tape.watched_variables() == ()
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: audit(lambda x: 3.0, 1.0), ag.ConversionError, "nothing that the function returned"),
        (lambda: audit(lambda x: x.numpy() * 2, 1.0), ag.ConversionError, "cannot be replayed"),
        (lambda: audit(lambda x: x > 0, 1.0), ag.ConversionError, "nothing that the function returned"),
        (lambda: audit(lambda n: n * 2, 3), ag.ConversionError, "nothing that the function returned"),
        (lambda: audit(3.0, 3.0), TypeError, "expected a function"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


ROWS = [row for row in TABLE if row.vjps is not None]


def applied(row, seed, dtype):
    random = np.random.default_rng(seed)
    case = rows.sample(row, Draw(lambda low, high: int(random.integers(low, high, endpoint=True)), dtype))
    if not case.active or not any(out.dtype.kind in "fc" for out in case.raw()):
        return None
    return (lambda *primals: case.tensors(primals)), tuple(case.primals)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_primitive_can_be_audited(row):
    """In float32 each is replayed in float64, forward and backward, and is off by roundings only."""
    for seed in range(4):
        for dtype in ("float32", "float64"):
            case = applied(row, seed, dtype)
            if case is None:
                continue
            found = audit(*case)
            for each in found.rows:
                assert dtype == "float64" or not each.node.operation or each.replayed, str(found)
                assert math.isnan(each.value.born) or each.value.born < np.inf, str(found)


@needs_long_double
def test_a_cancellation_of_what_cannot_be_replayed_is_told_by_its_condition():
    """erf is known in float64 only; that its result is rounded is known all the same."""
    found = audit(lambda x: 1 - anp.special.erf(x), 4.7)
    assert (found.worst.node.operation, found.worst.fault.kind) == ("subtract", "cancellation")
    assert "erf has no higher precision" in found.worst.fault.message
    assert "erfc(x)" in str(found.worst.rewrite)
    assert not audit(lambda x: 1 - anp.special.erf(x), 0.5).faults


def test_the_same_formula_many_times_takes_no_longer_for_each():
    """Nodes of one form are looked at once: 3,000 equal logarithms are not 9 million pairs."""
    x = np.float32(1e-5)

    def f(x):
        total = np.float32(0.0)
        for _ in range(3000):
            total = total + np.log(1 + x)
        return total

    found = audit(f, x)
    assert sum(row.rewrite is not None for row in found.rows) >= 3000
