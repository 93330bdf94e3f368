"""Passes: each leaves what a program computes as it is, NaN, infinities and signs of zeros included."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.compile.passes import PASSES, check, optimise
from autograd_core.compile.passes.check import PlanError
from autograd_core.compile.passes.dead import dead
from autograd_core.compile.program import Instruction, Program, evaluate
from autograd_core.ops.arithmetic import (
    ADD,
    DIVIDE,
    MULTIPLY,
    NEGATIVE,
    POSITIVE_ROW,
    POWER,
    SQUARE,
    SUBTRACT,
)  # fmt: skip
from autograd_core.ops.comparison import GREATER
from autograd_core.ops.exponential import EXP, LOG
from autograd_core.ops.indexing import ADD_AT, GETITEM
from autograd_core.ops.products import MATMUL
from autograd_core.ops.reductions import MAX, MEAN, SUM
from autograd_core.ops.reshaping import ASTYPE, BROADCAST_TO, COPY, RESHAPE, TRANSPOSE
from autograd_core.ops.selection import MAXIMUM, WHERE
from autograd_core.ops.softmax import SOFTMAX
from autograd_core.primitive import Primitive
from autograd_core.symbol import Value

from .build import Builder
from .programs import Random, arrays_of

SPECIAL = np.array([[0.0, -0.0, 1.5], [np.inf, -np.inf, np.nan]], np.float32)


def names(program):
    """The primitives that are left."""
    return [i.primitive.name for i in program.instructions]


def assert_same_values(program, optimised, arrays, exact=True):
    """Both give the same outputs, writes and guards; ``exact``: the same bits, but for those of NaN."""
    with np.errstate(all="ignore"):
        before = evaluate(program, arrays)
        after = evaluate(optimised, arrays_of(optimised, program, arrays))
    for ones, others in zip(before, after, strict=True):
        if len(ones) != len(others):  # guards that became the same
            continue
        for one, other in zip(ones, others, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            if exact:
                np.testing.assert_array_equal(one, other)
                signs = ~np.isnan(one) if one.dtype.kind == "f" else np.zeros(one.shape, bool)
                np.testing.assert_array_equal(np.signbit(one[signs]), np.signbit(other[signs]))
            else:
                size = np.max(np.abs(one), initial=1.0, where=np.isfinite(one))
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * size)


X = SPECIAL
UNSIGNED = np.abs(SPECIAL)  # a sum of entries -0.0 alone is 0.0 to NumPy; without the sum it stays -0.0
ROW = np.array([2.0, -1.0, 0.5], np.float32)
INTEGERS = np.array([3, -1, 0], np.int32)
ONES = np.ones((2, 3), np.float32)
ZEROS = np.zeros((2, 3), np.float32)


def rule(build, left, *arrays):
    """A case: what ``build(b, *values)`` adds is left as the primitives ``left``."""
    return pytest.param(build, left, arrays or (X,), id=f"{len(CASES)}-{'-'.join(left) or 'nothing'}")


CASES: list = []
CASES += [rule(lambda b, x: b.add(MULTIPLY, x, 1), [])]
CASES += [rule(lambda b, x: b.add(MULTIPLY, 1.0, x), [])]
CASES += [rule(lambda b, x: b.add(MULTIPLY, x, b.constant(ONES)), [])]
CASES += [rule(lambda b, x: b.add(MULTIPLY, x, -1.0), ["negative"])]
CASES += [rule(lambda b, x: b.add(MULTIPLY, x, b.constant(ZEROS)), ["multiply"])]  # NaN and infinities stay
CASES += [rule(lambda b, x: b.add(MULTIPLY, x, b.constant(np.ones((1, 2, 3), "f"))), ["multiply"])]  # of another shape
CASES += [rule(lambda b, x: b.add(MULTIPLY, x, b.constant(np.ones((2, 3)))), ["multiply"])]  # widens
CASES += [rule(lambda b, x: b.add(MULTIPLY, x, 1.0), ["multiply"], INTEGERS)]  # converts
CASES += [rule(lambda b, x: b.add(ADD, x, 0), ["add"])]  # -0.0 + 0 is 0.0
CASES += [rule(lambda b, x: b.add(ADD, x, b.constant(ZEROS)), ["add"])]
CASES += [rule(lambda b, x: b.add(ADD, x, -0.0), [])]
CASES += [rule(lambda b, x: b.add(ADD, x, 0), [], INTEGERS)]
CASES += [rule(lambda b, x: b.add(SUBTRACT, x, 0.0), [])]
CASES += [rule(lambda b, x: b.add(SUBTRACT, x, -0.0), ["subtract"])]
CASES += [rule(lambda b, x: b.add(SUBTRACT, 0.0, x), ["subtract"])]  # 0 - 0 is 0, and -(0) is -0
CASES += [rule(lambda b, x: b.add(SUBTRACT, x, x), ["subtract"])]  # NaN stays
CASES += [rule(lambda b, x: b.add(DIVIDE, x, 1), [])]
CASES += [rule(lambda b, x: b.add(DIVIDE, x, 4.0), ["multiply"])]
CASES += [rule(lambda b, x: b.add(DIVIDE, x, 3.0), ["divide"])]
CASES += [rule(lambda b, x: b.add(DIVIDE, x, 1), ["divide"], INTEGERS)]  # becomes float64
CASES += [rule(lambda b, x: b.add(POWER, x, 1), [])]
CASES += [rule(lambda b, x: b.add(POWER, x, 2.0), ["square"])]
CASES += [rule(lambda b, x: b.add(POWER, x, 3), ["square", "multiply"])]
CASES += [rule(lambda b, x: b.add(POWER, x, -1.0), ["reciprocal"])]
CASES += [rule(lambda b, x: b.add(POWER, x, 0.5), ["power"])]  # sqrt(-0.0) is -0.0, power(-0.0, 0.5) is 0.0
CASES += [rule(lambda b, x: b.add(POWER, x, 2.0), ["power"], INTEGERS)]  # becomes float64
CASES += [rule(lambda b, x: b.add(NEGATIVE, b.add(NEGATIVE, x)), [])]
CASES += [rule(lambda b, x: b.add(NEGATIVE, b.add(SUBTRACT, x, 1)), ["subtract", "negative"])]
CASES += [rule(lambda b, x: b.add(POSITIVE_ROW, b.add(COPY, x)), [])]
CASES += [rule(lambda b, x, y: b.add(ADD, x, b.add(NEGATIVE, y)), ["subtract"], X, ROW)]
CASES += [rule(lambda b, x, y: b.add(ADD, b.add(NEGATIVE, x), y), ["subtract"], X, ROW)]
CASES += [rule(lambda b, x, y: b.add(SUBTRACT, x, b.add(NEGATIVE, y)), ["add"], X, ROW)]
CASES += [rule(lambda b, x, y: b.add(MULTIPLY, b.add(NEGATIVE, x), b.add(NEGATIVE, y)), ["multiply"], X, ROW)]
CASES += [rule(lambda b, x: b.add(SUBTRACT, 1, b.add(MULTIPLY, b.add(NEGATIVE, x), x)), ["multiply", "add"])]
CASES += [rule(lambda b, x: b.add(MAXIMUM, x, x), [])]
CASES += [rule(lambda b, x, y: b.add(WHERE, b.constant(np.ones((2, 3), bool)), x, y), [], X, ONES)]
CASES += [rule(lambda b, x, y: b.add(WHERE, b.constant(np.zeros((2, 3), bool)), x, y), [], X, ONES)]
CASES += [rule(lambda b, x, y: b.add(WHERE, b.constant(np.ones((2, 3), bool)), x, y), ["where"], ROW, X)]  # broadcasts
CASES += [rule(lambda b, x: b.add(WHERE, b.add(GREATER, x, 0), x, 0.0), ["greater", "where"])]
CASES += [rule(lambda b, x: b.add(RESHAPE, b.add(RESHAPE, x, shape=(6,)), shape=(2, 3)), [])]
CASES += [rule(lambda b, x: b.add(RESHAPE, b.add(RESHAPE, x, shape=(6,)), shape=(3, 2)), ["reshape"])]
CASES += [rule(lambda b, x: b.add(RESHAPE, b.add(RESHAPE, x, shape=(6,)), shape=(3, 2), order="F"), ["reshape"] * 2)]
CASES += [rule(lambda b, x: b.add(TRANSPOSE, b.add(TRANSPOSE, x, axes=(1, 0)), axes=(1, 0)), [])]
CASES += [rule(lambda b, x: b.add(TRANSPOSE, x, axes=(1, 0)), ["transpose"])]
CASES += [rule(lambda b, x: b.add(TRANSPOSE, b.add(RESHAPE, x, shape=(2, 1, 3)), axes=(1, 0, 2)), ["reshape"])]
CASES += [rule(lambda b, x: b.add(BROADCAST_TO, x, shape=(2, 3)), [])]
CASES += [
    rule(
        lambda b, x: b.add(BROADCAST_TO, b.add(BROADCAST_TO, x, shape=(4, 2, 3)), shape=(5, 4, 2, 3)), ["broadcast_to"]
    )
]
CASES += [rule(lambda b, x, y: b.add(MULTIPLY, b.add(BROADCAST_TO, x, shape=(2, 3)), y), ["multiply"], ROW, X)]
CASES += [
    rule(lambda b, x: b.add(MULTIPLY, b.add(BROADCAST_TO, x, shape=(2, 3)), 2.0), ["broadcast_to", "multiply"], ROW)
]
CASES += [rule(lambda b, x: b.add(ASTYPE, x, dtype=np.dtype("f4")), [])]
CASES += [rule(lambda b, x: b.add(ASTYPE, b.add(ASTYPE, x, dtype=np.dtype("f8")), dtype=np.dtype("f4")), [])]
CASES += [
    rule(lambda b, x: b.add(ASTYPE, b.add(ASTYPE, x, dtype=np.dtype("f2")), dtype=np.dtype("f4")), ["astype"] * 2)
]
CASES += [rule(lambda b, x: b.add(GETITEM, x, index=(slice(None), ...)), [])]
CASES += [rule(lambda b, x: b.add(GETITEM, x, index=(None, ...)), ["getitem"])]
CASES += [rule(lambda b, x: b.add(SUM, x, axis=(), keepdims=False), [], UNSIGNED)]
CASES += [rule(lambda b, x: b.add(SUM, b.add(RESHAPE, x, shape=(2, 1, 3)), axis=(1,), keepdims=False), [], UNSIGNED)]
CASES += [rule(lambda b, x: b.add(MAX, b.add(RESHAPE, x, shape=(2, 1, 3)), axis=(1,), keepdims=True), ["reshape"])]
CASES += [rule(lambda b, x: b.add(SUM, x, axis=(), keepdims=False), ["sum"], np.array([True, False]))]  # counts
CASES += [
    rule(
        lambda b, x: b.add(SUM, b.add(BROADCAST_TO, x, shape=(4, 2, 3)), axis=(0,), keepdims=False),
        ["multiply"],
        UNSIGNED,
    )
]
CASES += [
    rule(
        lambda b, x: b.add(SUM, b.add(BROADCAST_TO, x, shape=(4, 2, 3)), axis=(1,), keepdims=False),
        ["broadcast_to", "sum"],
    )
]
CASES += [rule(lambda b, x: b.add(EXP, b.add(ADD, b.constant(ROW), b.constant(ROW))), [])]  # folded
CASES += [rule(lambda b, x: b.add(EXP, x), ["exp"])]
CASES += [
    rule(lambda b, x: b.add(BROADCAST_TO, b.constant(np.float32(2)), shape=(5000,)), ["broadcast_to"])
]  # stays small
CASES += [rule(lambda b, x: (b.add(MULTIPLY, x, x), b.add(MULTIPLY, x, x)), ["multiply"])]
CASES += [rule(lambda b, x, y: (b.add(MULTIPLY, x, y), b.add(MULTIPLY, y, x)), ["multiply"], X, ROW)]
CASES += [rule(lambda b, x, y: (b.add(SUBTRACT, x, y), b.add(SUBTRACT, y, x)), ["subtract"] * 2, X, ROW)]
CASES += [rule(lambda b, x: (b.add(ADD, x, 1), b.add(ADD, x, 1.0)), ["add"] * 2, INTEGERS)]  # 1 is not 1.0
CASES += [
    rule(
        lambda b, x: (b.add(ADD, x, 0.0), b.add(MULTIPLY, x, 0.0), b.add(MULTIPLY, x, -0.0)),
        ["add", "multiply", "multiply"],
    )
]


@pytest.mark.parametrize(("build", "left", "arrays"), CASES)
def test_rule(build, left, arrays):
    """A rule fires where it shall, and only there; the values stay the same, those of NaN and infinities too."""
    b = Builder()
    with np.errstate(all="ignore"):
        outputs = build(b, *(b.argument(array) for array in arrays))
    program = b.finish(*(outputs if isinstance(outputs, tuple) else (outputs,)))
    text = str(program)
    optimised = optimise(program)
    assert names(optimised) == left
    assert str(program) == text
    assert_same_values(program, optimised, b.examples())


def test_what_is_only_equal_to_rounding():
    """log(softmax) and a sum over reshaped entries: right to rounding, or better."""
    b = Builder()
    x = b.argument(np.array([[1.0, 2.0, -3.0]], np.float32))
    total = b.add(SUM, b.add(RESHAPE, x, shape=(3,)), axis=(0,), keepdims=False)
    program = b.finish(b.add(LOG, b.add(SOFTMAX, x, axis=1)), total)
    optimised = optimise(program)
    assert sorted(names(optimised)) == ["log_softmax", "sum"]
    assert_same_values(program, optimised, b.examples(), exact=False)


def test_updates_of_zeros_are_gathered_in_one_array():
    """The cotangents of many reads of one array, added up, are written into one array of zeros."""
    b = Builder()
    x = b.argument(np.arange(4, dtype=np.float32))
    zeros = b.constant(np.zeros(4, np.float32))
    parts = [b.add(ADD_AT, zeros, b.add(GETITEM, x, index=k), index=k) for k in range(4)]
    total = parts[0]
    for part in parts[1:]:
        total = b.add(ADD, total, part)
    program = b.finish(total)
    optimised = optimise(program)
    assert names(optimised).count("add") == 0
    assert names(optimised).count("add_at") == 4
    assert_same_values(program, optimised, b.examples())


def test_updates_of_other_arrays_stay_sums():
    """An array that is not made from zeros may have entries -0.0."""
    b = Builder()
    x = b.argument(np.array([-0.0, 1.0], np.float32))
    part = b.add(ADD_AT, b.constant(np.zeros(2, np.float32)), 1.0, index=1)
    program = b.finish(b.add(ADD, x, part))
    optimised = optimise(program)
    assert names(optimised)[-1] == "add"
    assert_same_values(program, optimised, b.examples())


def test_dead_instructions_and_inputs_go_but_arguments_stay():
    """What nothing depends on goes, apart from arguments, which are found by their position."""
    b = Builder()
    x, unused = b.argument(ROW), b.argument(ROW)
    variable, written = b.input("variable", ROW), b.input("variable", ROW)
    b.constant(ROW)
    b.add(EXP, variable)
    b.write(written, x)
    program = dead(b.finish(x))
    assert names(program) == []
    assert [i.value for i in program.inputs] == [x, unused, written]


def test_large_results_of_small_constants_are_left_to_the_run():
    """Folding does not blow up a program."""
    b = Builder()
    column, row = b.constant(np.ones((100, 1), np.float32) * 2), b.constant(np.arange(100, dtype=np.float32))
    program = b.finish(b.add(MATMUL, column, b.add(RESHAPE, row, shape=(1, 100))))
    assert names(optimise(program)) == ["matmul"]


def test_arrays_in_parameters_are_the_same_only_if_they_are_one():
    """An index array may be equal to another today and not tomorrow; identity is what counts."""
    b = Builder()
    x, index = b.argument(ROW), np.array([0, 1])
    one = b.add(GETITEM, x, index=index), b.add(GETITEM, x, index=index)
    other = b.add(GETITEM, x, index=index.copy())
    assert names(optimise(b.finish(*one, other))) == ["getitem"] * 2


def test_what_is_not_pure_is_called_each_time():
    """A primitive that is none of ours may draw random numbers: it is neither folded nor called once for twice."""
    drawing = Primitive("drawing", lambda x: x + np.random.default_rng().random(), None, elementwise=True)
    b = Builder()
    x, c = b.argument(ROW), b.constant(ROW)
    program = b.finish(b.add(drawing, x), b.add(drawing, x), b.add(drawing, c))
    assert names(optimise(program)) == ["drawing"] * 3


@pytest.mark.parametrize("each", [*PASSES, dead, optimise], ids=lambda each: each.__name__)
@pytest.mark.parametrize("seed", range(40))
def test_random_programs_stay_the_same(each, seed):
    """Every pass alone, and all together, leave outputs, writes and guards of random programs as they are."""
    program, arrays = Random(seed).program(5 + seed % 30)
    text = str(program)
    optimised = each(program)
    check(optimised)
    assert str(program) == text
    assert_same_values(program, optimised, arrays, exact=False)


# -- check -------------------------------------------------------------------------------------------------------------


def small() -> Program:
    """x * 2 summed, written to a variable."""
    b = Builder()
    x, w = b.argument(X), b.input("variable", np.float32(1))
    total = b.add(MEAN, b.add(SQUARE, x), axis=(0, 1), keepdims=False)
    b.write(w, total)
    return b.finish(total)


def _reads_before(program):
    program.instructions.reverse()


def _writes_twice(program):
    program.instructions.append(program.instructions[0])


def _wants_nothing(program):
    program.outputs.append(Value((), np.dtype("f4"), name="v99"))


def _writes_another_shape(program):
    program.writes[0] = (program.writes[0][0], program.inputs[0].value)


def _writes_to_an_argument(program):
    program.writes[0] = (program.inputs[0], program.inputs[0].value)


def _notes_another_shape(program):
    x = program.inputs[0].value
    program.instructions.append(Instruction(ADD, (x, 1), {}, (Value((2, 2), np.dtype("f4"), name="v9"),)))


def _notes_another_dtype(program):
    x = program.inputs[0].value
    program.instructions.append(Instruction(ADD, (x, 1), {}, (Value((2, 3), np.dtype("f8"), name="v9"),)))


def _sums_another_axis(program):
    x = program.inputs[0].value
    wrong = Value((3,), np.dtype("f4"), name="v9")
    program.instructions.append(Instruction(SUM, (x,), {"axis": (1,), "keepdims": False}, (wrong,)))


@pytest.mark.parametrize(
    "spoil",
    [
        _reads_before, _writes_twice, _wants_nothing, _writes_another_shape, _writes_to_an_argument,
        _notes_another_shape, _notes_another_dtype, _sums_another_axis,
    ],
)  # fmt: skip
def test_check_finds(spoil):
    """A program that does not fit together is refused, with the name of the pass."""
    program = small()
    check(program)
    spoil(program)
    with pytest.raises(PlanError, match="after the pass nonsense"):
        check(program, "nonsense")
