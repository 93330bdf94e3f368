"""Two runs of one program: the first node that differs, and by how much."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.testing import diff, rows

W = ag.Variable([1.0, 2.0, 3.0], name="w")


def run(middle=lambda x: x * 2.0, begin=lambda w: np.sin(w), persistent=False):
    with ag.GradientTape(persistent=persistent) as tape:
        h = begin(W)
        y = middle(h)
        _ = np.sum(y * y)
    return tape


def test_the_same_run_is_the_same():
    found = diff(run(), run())
    assert not found
    assert found.first is None
    assert str(found).startswith("The runs are the same: ")
    assert repr(found) == "<Difference: 0 values, 0 cotangents>"


def test_the_first_value_that_differs_by_how_much():
    def off(x):
        values = x.numpy() * 2.0
        values[1] = np.nextafter(np.nextafter(values[1], 9.0), 9.0)
        return x * 0 + values

    def exact(x):
        return x * 0 + x.numpy() * 2.0

    found = diff(run(exact), run(off))
    assert found.first is found.values[0]
    first = found.first
    assert first.what == "value"
    assert first.entry == (1,)
    assert first.ulps == 2.0
    assert first.count == 1
    assert first.size == 3
    assert first.relative == pytest.approx(2 * np.spacing(2 * np.sin(2.0)) / (2 * np.sin(2.0)))
    assert [each.nodes[0].operation for each in found.values] == ["add", "multiply", "sum"]
    assert "2 ulp" in str(found)


@pytest.mark.parametrize("wrong", [1.0 + 1e-12, 0.0, np.nan])
def test_the_first_cotangent_that_differs(wrong):
    """Where the values are the same, the first is that nearest to the target, where the backward walk parted."""

    def twice(factor):
        @ag.primitive(probe=False)
        def double(x):
            return x * 2

        return double.defvjp(lambda ct, ans, x: ct * 2 * factor)

    found = diff(run(twice(1.0)), run(twice(wrong)))
    assert found.values == ()
    assert found.first.what == "cotangent"
    assert found.first.nodes[0].operation == "sin"
    assert [each.nodes[0].name or each.nodes[0].operation for each in found.cotangents] == ["sin", "w"]
    if np.isnan(wrong):
        assert found.first.relative == np.inf


def test_another_operation_is_where_the_programs_part():
    found = diff(run(), run(lambda x: x + 2.0))
    assert isinstance(found.first, type(found.parting))
    assert "the first run has multiply, the second add" in str(found)
    assert found.cotangents == ()
    left, right = found.parting.nodes
    assert (left.operation, right.operation) == ("multiply", "add")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (lambda x: np.sum(x, axis=0), lambda x: np.mean(x, axis=0), "has sum"),
        (lambda x: x[:2], lambda x: x[1:], "the first run has getitem"),
        (lambda x: x[:2], lambda x: x[:1], "shape (2,) float64 in the first run and shape (1,) float64 in the second"),
        (lambda x: x.astype("float32"), lambda x: x * 1.0, "at #"),
        (lambda x: x * W, lambda x: x * x, "is computed from"),
        (lambda x: x, lambda x: x * 2.0, "at #"),
        (lambda x: np.reshape(x, (3, 1)), lambda x: np.reshape(x, (1, 3)), "reshape"),
    ],
)
def test_another_structure_is_told(first, second, message):
    found = diff(run(first), run(second))
    assert found.parting is not None
    assert message in str(found), str(found)


def test_a_run_that_goes_on():
    def longer(w):
        with ag.GradientTape() as tape:
            y = np.sin(w)
            y = np.cos(y)
        return tape

    with ag.GradientTape() as tape:
        y = np.sin(W)
    found = diff(tape, longer(W))
    assert found.parting.nodes[0] is None
    assert found.parting.nodes[1].operation == "cos"
    assert "the first run ends at #2" in str(found)
    other = diff(longer(W), tape)
    assert "the second run ends at #2" in str(other)
    del y


def test_a_value_that_differs_before_the_programs_part_is_told_first():
    def chosen(w):
        return w * 2.0 if w[0] > 1.0 else w + 2.0

    start = ag.Variable([1.0, 2.0], name="start")

    def once():
        with ag.GradientTape() as tape:
            _ = np.sum(chosen(start * 1.0))
        return tape

    before = once()
    start.assign([1.5, 2.0])
    found = diff(before, once())
    assert found.first.what == "value"
    assert found.first.nodes[0].name == "start"
    assert "Then the programs part: at #" in str(found)


def test_nan_is_nan_and_zeros_have_no_sign():
    assert not diff(run(lambda x: x * np.nan), run(lambda x: x * np.nan))
    assert not diff(run(lambda x: x * 0.0), run(lambda x: x * -0.0))
    assert diff(run(lambda x: x * np.nan), run(lambda x: x * 1.0)).first.ulps == np.inf


def test_several_results_integers_complex_and_objects_in_parameters():
    def program(scale):
        def middle(x):
            first, second = np.split(x, [1])
            z = np.exp(1j * second)
            chosen = x[np.array([0, 1])]
            return np.abs(z) * scale + first + np.sum(chosen) + ag.checkpoint(np.sin)(first)

        return middle

    assert not diff(run(program(1.0)), run(program(1.0)))
    found = diff(run(program(1.0)), run(program(1.0 + 1e-9)))
    assert found.first.nodes[0].kind == "constant"
    assert found.first.relative == pytest.approx(1e-9, rel=1e-6)


def test_graphs_can_be_compared_too_and_tapes_in_use():
    with ag.GradientTape(persistent=True) as tape:
        y = np.sum(np.sin(W) ** 2)
        assert not diff(tape, tape)
    assert not diff(ag.graph(y), tape.graph(y))
    tape.gradient(y, W)
    assert not diff(tape, ag.graph(y, gradients=True))


def test_what_is_refused():
    with ag.GradientTape() as tape:
        y = np.sum(W)
    tape.gradient(y, W)
    with pytest.raises(ag.TapeError, match="closed"):
        diff(tape, tape)
    with pytest.raises(ag.ConversionError, match="got a float"):
        diff(1.0, tape)


@pytest.mark.parametrize("row", [row for row in TABLE if row.vjps is not None], ids=lambda row: row.name)
def test_every_primitive_is_the_same_twice_and_another_with_other_inputs(row):
    random = np.random.default_rng(5)
    case = rows.sample(row, Draw(lambda low, high: int(random.integers(low, high, endpoint=True))))
    if not case.active or not case.raw_floating(case.primals):
        pytest.skip("nothing to differentiate was drawn")

    def tape_of(primals):
        variables = [ag.Variable(x, name=f"x{number}") for number, x in enumerate(primals)]
        with ag.GradientTape() as tape:
            _ = case.tensors(variables)
        return tape

    assert not diff(tape_of(case.primals), tape_of(case.primals))
    if case.primals[0].size:
        moved = [case.primals[0] * (1 + 1e-9) + 1e-12, *case.primals[1:]]
        assert diff(tape_of(case.primals), tape_of(moved)).first.nodes[0].name == "x0"
