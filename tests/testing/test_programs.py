"""Random programs: they run, write themselves, cover what there is, and show what is wrong with very little."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.ops.table import TABLE
from autograd_core.testing import check_program, random_program, smallest_wrong, strategies
from autograd_core.testing.programs import ProgramError, RandomProgram
from autograd_core.testing.programs.__main__ import main
from autograd_core.testing.programs.features import features_of
from autograd_core.testing.programs.many import Task, check_task, run_many, tasks
from autograd_core.testing.programs.pool import pool_of
from autograd_core.testing.programs.program import program_of
from autograd_core.testing.programs.reduce import is_finite, reduced

POOL = pool_of()
ROW = {row.name: row for row in TABLE}


@ag.primitive
def hopeless(x):
    return np.full(np.shape(x), np.nan)


NOT_FINITE = hopeless.defvjp(lambda ct, ans, x: ct)
quick = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def wrong(monkeypatch):
    """Make a rule of a row wrong, by a factor."""

    def spoil(name, index=0, factor=1.5):
        row = ROW[name]
        rules = list(row.vjps)
        right = rules[index]
        rules[index] = lambda ct, *args, **params: right(ct, *args, **params) * factor
        monkeypatch.setattr(row, "vjps", tuple(rules))

    return spoil


# -- they agree --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_programs_agree(start):
    """Eager, in both modes, in numbers and compiled for NumPy."""
    outcome = check_task(Task(0, range(start, start + 10), ("numpy",), 8))
    assert outcome.failures == []
    assert outcome.programs == 10


def test_programs_agree_compiled_for_numba():
    pytest.importorskip("numba")
    outcome = check_task(Task(1, range(5), ("numba",), 4))
    assert outcome.failures == []


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 2000, 50))
def test_many_programs_agree(start):
    assert check_task(Task(2, range(start, start + 50), ("numpy",), 8)).failures == []


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 100, 10))
def test_many_programs_agree_compiled_for_numba(start):
    pytest.importorskip("numba")
    assert check_task(Task(3, range(start, start + 10), ("numba",), 6)).failures == []


@pytest.mark.parametrize("seed", range(20))
def test_programs_agree_in_single_precision(seed):
    check_program(random_program(seed, POOL, 4, "float32"), emitters=["numpy"])


@quick
@given(strategies.programs(["sin", "multiply", "matmul", "sum", "where"], max_operations=5))
def test_programs_that_hypothesis_draws_agree(program):
    check_program(program, emitters=["numpy"])


# -- what they found ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [(), ..., (None, ...)], ids=str)
def test_all_of_a_value_without_axes_is_overwritten(index):
    """The cotangent of the overwritten value is an array, also where it has no axes."""

    def program(x):
        v = x * 2.0
        w = v.at[index].set(x)
        return np.sin(w) + np.tile(w, ()) + v, np.tanh(x)

    ag.testing.check_grads(program, (np.array(0.5),), order=2)


def test_sinc_of_a_constant_in_a_traced_function():
    """The tangent that heaviside sends on is a constant; the point is not."""

    def pushed(x):
        return ag.jvp(lambda x: np.sinc(np.heaviside(x, 0.5)), (x,), (np.ones(3),))[1]

    np.testing.assert_array_equal(ag.function(pushed, jit="numpy")(np.array([1.0, 2.0, -1.0])), np.zeros(3))


# -- arguments of operations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_arguments_fit_every_operation(row, data):
    args, params = data.draw(strategies.arguments(row))
    with np.errstate(all="ignore"):
        outs = ag.tree.flatten(row.impl(*args, **params))[0]
    floating = [out for out in outs if np.asarray(out).dtype.kind in "fc"]
    assert all(np.isfinite(out).all() for out in floating)


def test_arguments_have_special_values():
    found = set()

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.arguments("sqrt", nonfinite=True))
    def look(drawn):
        ((x,), _) = drawn
        found.update(("inf",) if np.isinf(x).any() else ())
        found.update(("bound",) if (x == 0.3).any() else ())
        assert (np.isnan(x) | np.isinf(x) | (x >= 0.3)).all()

    look()
    assert found == {"inf", "bound"}

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.arguments("tanh"))
    def look_again(drawn):
        ((x,), _) = drawn
        assert np.isfinite(x).all()
        flat = x.ravel()
        found.update(("minus zero",) if (np.signbit(flat) & (flat == 0)).any() else ())
        found.update(("huge",) if (np.abs(flat) > 1e20).any() else ())
        found.update(("tie",) if np.unique(flat).size < flat.size else ())

    look_again()
    assert {"minus zero", "huge", "tie"} <= found


@quick
@given(strategies.arguments(("clip", [(0.0, 1.0), (0.2, 0.3), (0.6, 0.7)]), special=False))
def test_arguments_from_intervals_of_ones_own(drawn):
    (x, low, high), params = drawn
    assert params == {}
    assert (low <= high).all()
    assert x.shape == low.shape == high.shape


# -- they cover what there is ------------------------------------------------------------------------------------------


def test_every_operation_of_the_table_is_drawn():
    """So none is left out because its arguments are always rejected."""
    for row in TABLE:
        programs = (random_program(seed, [row, "add"], 4, features=[]) for seed in range(20))
        assert any(row.name in program.operations for program in programs), row.name


def test_every_feature_occurs():
    found = set().union(*(features_of(random_program((7, seed), POOL)) for seed in range(400)))
    loops = {"cond", "scan", "fori_loop", "while_loop"}
    assignments = {"x[i] = y", "x[i] += y", "x += y", "x -= y", "x *= y", "x.at[i].set(y)", "x.at[i].add(y)"}
    assert loops | assignments | {"reuse", "diamond", "broadcasting", "indexing", "function"} <= found


def test_the_same_seed_gives_the_same_program():
    assert random_program(5, POOL).code == random_program(5, POOL).code
    assert random_program(5, POOL).code != random_program(6, POOL).code


def test_everything_that_is_computed_matters():
    """What no step reads is a result, and every argument is read."""
    for seed in range(50):
        program = random_program(seed, POOL)
        read = {ref for step in program.steps for ref in step.refs}
        assert not set(program.results) & read
        assert {ref.index for ref in read if ref.of == "x"} == set(range(len(program.arguments)))


# -- they write themselves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_the_code_runs_and_gives_the_same(seed):
    program = random_program((11, seed), POOL)
    names: dict = {}
    function = program.code.partition("\n\n\nag.testing")[0]
    exec(compile(function, "program.py", "exec"), names)
    with np.errstate(all="ignore"):
        expected = ag.tree.flatten(program(*program.arguments))[0]
        tensors = [ag.constant(x) for x in program.arguments]
        found = ag.tree.flatten(names["program"](*tensors))[0]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_the_code_is_a_program_of_its_own(tmp_path, wrong):
    file = tmp_path / "program.py"
    file.write_text(random_program((11, 3), POOL, 4).code)
    assert subprocess.run([sys.executable, file], capture_output=True, text=True, check=False).returncode == 0
    file.write_text(random_program(0, ["exp"], 1).code + "raise SystemExit(3)")
    assert subprocess.run([sys.executable, file], capture_output=True, text=True, check=False).returncode == 3


def test_the_code_of_a_wrong_program_fails(wrong):
    wrong("log")
    code = smallest_wrong(operations=["log"]).code
    with pytest.raises(ag.GradientCheckError, match=r"1\.5 times"):
        exec(compile(code, "program.py", "exec"), {})


def test_pictures_show_values_and_derivatives(tmp_path):
    program = random_program(0, ["exp"], 1, features=[])
    path = program.render(tmp_path / "program.dot")
    drawn = path.read_text(encoding="utf-8")
    assert "exp" in drawn
    assert program.size == 2
    assert len(program.graph().nodes) >= 2


# -- they show what is wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "index"), [("log", 0), ("multiply", 1), ("matmul", 0), ("affine", 2), ("sort", 0), ("cholesky", 0)]
)
def test_a_wrong_rule_shrinks_to_its_operation(wrong, name, index):
    wrong(name, index)
    found = smallest_wrong(operations=[ROW[name]])
    assert found.operations == [name]
    assert found.size <= 3


def test_a_wrong_rule_is_found_among_all_operations(wrong):
    wrong("tanh")
    found = smallest_wrong(examples=1000)
    assert found.size <= 3


def test_nothing_is_found_where_nothing_is_wrong():
    assert smallest_wrong(operations=["sin", "add", "multiply"], examples=20) is None


def test_a_users_operation(wrong):
    @ag.primitive
    def halve(x):
        return x / 2

    halve.defvjp(lambda ct, ans, x: ct)
    found = smallest_wrong(operations=[halve, "sin", "matmul"])
    assert found.operations == ["halve"]
    assert "halve is an operation of your own" in found.code


def test_a_users_operation_with_a_domain():
    @ag.primitive
    def root(x):
        if (x <= 0).any():
            raise ValueError("root: x must be positive")
        return np.sqrt(x)

    root.defvjp(lambda ct, ans, x: ct / ans)
    found = smallest_wrong(operations=[(root, [(0.5, 4.0)]), "add"])
    assert found.operations == ["root"]
    sampled = smallest_wrong(operations=[(root, lambda draw: ((draw.array((2,), 1.0, 2.0),), {}))])
    assert sampled.arguments[0].shape == (2,)


def test_a_function_that_leaves_the_graph_is_shown():
    def cut(x):
        return np.sin(x) * float(np.sum(ag.stop_gradient(x).numpy()))

    found = smallest_wrong(check=lambda p: check_program(p, emitters=[]), operations=[(cut, [(0.5, 1.5)])])
    assert found.size <= 3


def test_a_disagreement_names_the_program(tmp_path, wrong):
    wrong("exp")
    program = random_program(0, ["exp"], 1, features=[])
    with pytest.raises(ProgramError, match=r"They differ by[^$]*np\.exp\(") as caught:
        check_program(program, emitters=["numpy"], picture=tmp_path / "wrong.dot")
    assert caught.value.program is program
    assert caught.value.picture == tmp_path / "wrong.dot"
    assert "exp" in (tmp_path / "wrong.dot").read_text(encoding="utf-8")


def test_hypothesis_shrinks_and_shows_the_code(wrong):
    wrong("log")

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.programs(["add", "sin", "log", "matmul"], features=[]))
    def holds(program):
        check_program(program, emitters=[])

    with pytest.raises(ProgramError) as caught:
        holds()
    assert caught.value.smallest.size == 2
    assert "np.log(" in "".join(caught.value.__notes__)


def test_reducing_keeps_what_fails(wrong):
    """Of a large program that fails, an operation is left."""
    wrong("sinh")

    def fails(program):
        return "sinh" in program.operations

    for seed in range(2000):
        program = random_program((3, seed), POOL)
        if fails(program):
            small = reduced(program, fails)
            assert small.operations == ["sinh"]
            assert is_finite(small)
            return
    pytest.fail("no program with sinh")


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_tells_of_disagreements(wrong, capsys, tmp_path):
    wrong("tanh")
    assert main(["--count", "30", "--emitters", "", "--pictures", str(tmp_path / "wrong")]) == 1
    said = capsys.readouterr().out
    pictures = list((tmp_path / "wrong").glob("wrong_0_*.svg"))
    assert pictures
    assert all(f"Picture: {picture}" in said for picture in pictures)
    assert "DISAGREEMENT, seed (0, " in said
    assert "seeds that disagree" in said


def test_the_command_ends_well(capsys):
    assert main(["--count", "10", "--emitters", "numpy", "--batch", "5"]) == 0
    assert "10 programs in" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_in_several_processes(capsys):
    total = run_many(tasks(20, 0, 5, ["numpy"], 4, "float64"), processes=2)
    assert total.programs == 20
    assert not total.failures


def test_programs_that_disagree_when_compiled_are_found_in_their_batch(monkeypatch):
    """One wrong program of a batch is blamed, and not the others."""
    from autograd_core.testing.programs import many

    right = many.run_compiled

    def spoiled(runs, emitter, modes):
        found = right(runs, emitter, modes)
        for run, (_values, gradients, _tangents) in zip(runs, found, strict=True):
            if run.program.operations == ["exp"]:
                gradients[0] = np.asarray(gradients[0]) + 1.0
        return found

    monkeypatch.setattr(many, "run_compiled", spoiled)
    programs = [random_program(0, [name], 1, features=[]) for name in ("sin", "exp", "cos")]
    runs = [many.Runs(program) for program in programs]
    for run in runs:
        run.check_eager(("rev", "fwd"), numbers=False)
    found = list(many._compiled(runs, "numpy"))
    assert [run.program.operations for run, _ in found] == [["exp"]]


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: smallest_wrong(operations=["no_such"]), "no operation is called 'no_such'"),
        (lambda: smallest_wrong(operations=[]), "no operation was given"),
        (lambda: smallest_wrong(operations=[3]), "expected operations"),
        (lambda: smallest_wrong(operations=[("log", [(2.0, 1.0)])]), "one interval"),
        (lambda: smallest_wrong(check=3), "check must be a function"),
        (lambda: smallest_wrong(examples=0), "examples must be 1 or more"),
        (lambda: strategies.programs(features=["loops"]), "features are"),
        (lambda: strategies.programs(max_operations=0), "max_operations must be 1"),
        (lambda: check_program(random_program(0, ["sin"]), emitters=["cuda"]), "emitters are 'numpy' and 'numba'"),
        (lambda: check_program(random_program(0, ["sin"]), modes="rev"), "modes are"),
        (lambda: smallest_wrong(operations=[NOT_FINITE], examples=20), "hopeless could not be applied"),
        (lambda: random_program(0, [NOT_FINITE], features=[]), "hopeless could not be applied"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ag.AutogradError, match=said):
        call()


def test_program_of_nothing_unused():
    program = random_program(0, ["sin"], 1, features=[])
    again = program_of([np.ones(3), *program.arguments], [program.steps[0].with_operands([program.arguments[0]])])
    assert again.arguments == ()
    assert isinstance(again, RandomProgram)


@pytest.mark.parametrize("jit", ["numpy", "numba"])
def test_vecdot_with_equal_entries(jit):
    """A constant all of whose entries are equal becomes a number only for operations that go entry by entry."""
    constant, direction = np.array([1.0]), np.array([[0.5]])

    def pushed(x):
        return ag.jvp(lambda x: np.vecdot(x, constant), (x,), (direction,))[1]

    np.testing.assert_array_equal(ag.function(pushed, jit=jit)(np.array([[1.0]])), [0.5])


@pytest.mark.parametrize("jit", ["numpy", "numba"])
def test_complex_tangents_beside_one_that_may_be_infinite(jit):
    """Where a rule may meet an infinity the tangents are looked at for NaN, complex ones too."""

    def pushed(x, y):
        def program(x, y):
            return ag.numpy.special.log_ndtr(x), np.fft.rfft(y, axis=0)

        return ag.jvp(program, (x, y), (np.ones(()), np.ones((1, 2))))[1]

    found = ag.function(pushed, jit=jit)(np.array(1.0), np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(found[1], [[1.0, 1.0]])
