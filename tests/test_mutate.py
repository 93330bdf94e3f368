"""The mutation check itself: it finds mutants, plants them, takes them out again, and tells who notices."""

import json
import os
import re

import numpy as np
import pytest

from autograd_core import recording
from autograd_core.linearize import LIFT
from autograd_core.ops import reductions
from autograd_core.ops.arithmetic import MULTIPLY
from autograd_core.ops.table import TABLE
from autograd_core.primitive import PROJECT
from tests.mutate import alike, engine, report, running, smallest, suite, text
from tests.mutate.__main__ import main
from tests.mutate.running import Options, Result
from tests.mutate.targets import helpers, targets

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="mutants are looked at in forked processes")

EVERY = targets()
SOME = ("multiply", "tanh", "sum", "max")


def named(*names):
    return [target for target in EVERY if target.name.partition(".vjps")[0].partition(".jvps")[0] in names]


def mutants_of(name, kind):
    return [m for target in named(name) for m in target.mutants() if m.kind == kind]


# -- planting ----------------------------------------------------------------------------------------------------------


def rules():
    codes = [function.__code__ for function in (*engine.FUNCTIONS, *engine.WALKS)]
    return [(row.name, row.vjps, row.jvps) for row in (*TABLE, PROJECT, LIFT)], codes


@pytest.mark.parametrize("group", ["rule", "helper", "engine"])
def test_nothing_is_left_behind(group):
    """After a mutant was planted each rule is the object that it was, also if something raised."""
    before = rules()
    count = 0
    for target in [target for target in EVERY if target.group == group][::5]:
        for mutant in list(target.mutants())[::9]:
            with pytest.raises(ZeroDivisionError), mutant.planted():
                assert rules() != before, f"{mutant} changes nothing"
                raise ZeroDivisionError
            assert rules() == before
            count += 1
    assert count > 20


def test_every_rule_is_broken():
    """Each rule of each row is a target, and has mutants of its text."""
    wanted = {
        f"{row.name}.vjps[{index}]" for row in TABLE for index, rule in enumerate(row.vjps or ()) if rule is not None
    }
    assert wanted <= {target.name for target in EVERY}
    for target in named(*SOME):
        kinds = {mutant.kind for mutant in target.mutants()}
        assert kinds >= {"sign", "factor", "dropped"}
        if not target.name.endswith(".jvps"):
            assert any(kind.startswith("text") for kind in kinds)


def test_numbers_name_the_same_mutant_each_time():
    """Processes agree on which mutant a number is."""
    for target in named("matmul", "standardize"):
        first, second = ([(m.number, m.kind, m.change) for m in target.mutants()] for _ in range(2))
        assert first == second
        assert [number for number, _, _ in first] == list(range(len(first)))


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("sign reversed", lambda ct, x, y: -ct * y),
        ("times 2", lambda ct, x, y: 2 * ct * y),
        ("upstream ignored", lambda ct, x, y: y),
        ("arguments 0 and 1 swapped", lambda ct, x, y: ct * x),
        ("the rule of argument 1", lambda ct, x, y: ct * x),
        ("first entry zero", lambda ct, x, y: ct * y * np.array([0.0, 1, 1])),
        ("entries rolled by one", lambda ct, x, y: np.roll(ct * y, 1)),
        ("zero", lambda ct, x, y: 0 * ct),
        ("rounded to half the width", lambda ct, x, y: (ct * y).astype("float32")),
        ("y: Mult -> Div", lambda ct, x, y: ct / y),
        ("y -> x", lambda ct, x, y: ct * x),
    ],
)
def test_a_broken_rule_computes_what_it_says(change, broken):
    found = [m for m in next(named("multiply")[:1][0].mutants() for _ in "1") if change in m.change]
    random = np.random.default_rng(0)
    ct, x, y = random.normal(size=(3, 3))
    with found[0].planted():
        got = MULTIPLY.vjps[0](ct, x * y, x, y)
    np.testing.assert_array_equal(got, broken(ct, x, y))


def test_changes_of_a_text():
    """Operators, operands, calls, constants and conditions, one at a time; the function itself stays."""

    def rule(ct, ans, x):
        if ans is None:
            return ct
        return ct * (2 * np.sin(x) - x[1:])

    changes = [change.partition(" (line")[0] for _, change, _ in text.mutated(rule)]
    for wanted in (
        "if ans is None: condition negated",
        "ct * (2 * np.sin(x) - x[1:]): Mult -> Div",
        "2 * np.sin(x) - x[1:]: operands swapped",
        "2 * np.sin(x) - x[1:]: left operand alone",
        "2 -> 3",
        "np.sin -> cos",
        "np.sin(x): its argument in place of the call",
        "x -> ct",
        "x[1:]: not indexed",
        "1:: lower dropped",
    ):
        assert wanted in changes
    changed = next(made() for _, change, made in text.mutated(rule) if change.startswith("np.sin -> cos"))
    x = np.array([1.0])
    assert changed(1.0, 1.0, x).shape == rule(1.0, 1.0, x).shape


def test_a_helper_is_broken_for_rules_alone():
    """The forward function and other callers of a helper go on calling the right one."""
    target = next(target for target in EVERY if target.name == "reductions.shares")
    before = reductions.shares.__code__
    x = np.array([1.0, 3.0, 3.0])
    for mutant in target.mutants():
        with mutant.planted():
            assert reductions.shares.__code__ is before
            np.testing.assert_array_equal(reductions.shares(np.array(3.0), x, (0,), False), [0, 0.5, 0.5])
    assert {row.name for row in target.rows} >= {"max", "min"}
    assert reductions.shares in helpers()


# -- looking -----------------------------------------------------------------------------------------------------------


def test_right_rules_pass():
    """Without a mutant nothing is noticed, and nothing differs."""
    for row in (target.rows[0] for target in named(*SOME)):
        assert suite.noticed_by(row) is None
        assert smallest.found(row, examples=20) is None
    assert engine.first_different(engine.outcomes()) is None


@pytest.mark.parametrize("name", SOME)
def test_all_mutants_of_some_rows_are_noticed(name):
    results = running.run(named(name), Options(every=2), processes=2, pytest=False)
    assert len(results) > 10
    assert [str(one) for one in results if one.survived] == []
    assert report.largest(results) <= 3
    assert all(one.nodes is not None for one in results if one.noticed_by)


@pytest.mark.parametrize("target", ["scatter.Scatter.dense", "output.vjps[0]"])
def test_mutants_of_the_walk_are_noticed(target):
    (found,) = [one for one in EVERY if one.name == target]
    results = running.run([found], Options(every=4), processes=2, pytest=False)
    assert [str(one) for one in results if one.survived] == []
    assert report.largest(results) <= 3
    assert recording.current() is None


def test_a_toothless_suite_is_found_out():
    """If the tests notice nothing, all mutants survive but those that compute the same."""
    options = Options(noticed_by=lambda row: None, shrink=False, kinds=("sign", "factor", "dropped", "text operand"))
    results = running.run(named("multiply"), options, pytest=False)
    assert results
    assert all(one.survived for one in results)
    said = report.table(results, 1.0, 1)
    assert f"{len(results)} of the mutants survived" in said
    assert "multiply.vjps[0]: sign reversed" in said


def test_equivalent_mutants_are_told_apart():
    """What computes the same cannot be noticed: a factor that is the same number, in a square."""
    mutants = mutants_of("square", "text operand") + mutants_of("square", "stale")
    target = named("square")[0]
    verdicts = {m.change.partition(" (line")[0]: running.judged(m, target, Options(shrink=False)) for m in mutants}
    assert verdicts["x -> ct"].noticed_by
    added = [m for m in mutants_of("max", "stale") if m.change == "arguments not followed"]
    (maximum,) = [target for target in named("max") if target.name == "max.vjps[0]"]
    result = running.judged(added[0], maximum, Options(shrink=False))
    assert result.equivalent == "identical", "what a maximum multiplies with is constant"


def test_reasons_are_for_mutants_that_exist():
    """A reason whose rule has been rewritten goes; each is of its own."""
    spoken_of = {one.target for one in alike.ALIKE}
    mutants = {target.name: list(target.mutants()) for target in EVERY if target.name in spoken_of}
    assert [one for one in alike.ALIKE if not any(mutant in one for mutant in mutants.get(one.target, ()))] == []
    assert len({(one.target, one.change) for one in alike.ALIKE}) == len(alike.ALIKE)
    assert all(len(one.reason) > 20 for one in alike.ALIKE)


def test_rounding_needs_a_reason(monkeypatch):
    """What differs in the last digits is the same if there is a reason for it, and a survivor otherwise."""
    (target,) = [target for target in named("sigmoid") if target.name == "sigmoid.vjps[0]"]
    (mutant,) = [m for m in target.mutants() if m.change.startswith("if ct.__class__") and "always" in m.change]
    assert running.judged(mutant, target, Options(shrink=False)).equivalent == "rounding"
    monkeypatch.setattr(alike, "ALIKE", ())
    without = running.judged(mutant, target, Options(shrink=False))
    assert without.survived
    assert "in the last digits" in without.program


def test_of_the_walk_all_that_is_the_same_needs_a_reason(monkeypatch):
    """Few programs say little of a walk."""
    (target,) = [one for one in EVERY if one.name == "cotangents.complete"]
    (mutant,) = [m for m in target.mutants() if m.change.startswith("True -> False")]
    options = Options(shrink=False, noticed_by=lambda row: None)
    assert running.judged(mutant, target, options).equivalent == "identical"
    monkeypatch.setattr(alike, "ALIKE", ())
    without = running.judged(mutant, target, options)
    assert without.survived
    assert "is there a reason" in without.program


def test_a_reason_does_not_excuse_a_wrong_derivative(monkeypatch):
    target = named("sigmoid")[0]
    (mutant,) = [m for m in target.mutants() if m.change == "times 1.0001"]
    monkeypatch.setattr(alike, "ALIKE", (alike.Alike(target.name, "times", "this is not so"),))
    result = running.judged(mutant, target, Options(shrink=False, noticed_by=lambda row: None))
    assert result.survived


@pytest.mark.parametrize(
    ("name", "change"), [("arithmetic.slope_in_exponent", "np.zeros -> ones"), ("heaviside.vjps[1]", "sign reversed")]
)
def test_programs_where_differences_do_not_tell(name, change):
    """Special points are programs of two nodes."""
    target = next(target for target in EVERY if target.name == name)
    mutant = next(mutant for mutant in target.mutants() if change in mutant.change)
    result = running.judged(mutant, target, Options())
    assert result.noticed_by
    assert result.nodes == 2


def test_a_mutant_without_an_end_is_given_up(monkeypatch):
    """A process that says nothing is ended; its mutant counts as noticed, and the rest is looked at."""
    monkeypatch.setattr(running, "SILENCE", 1.0)
    calls = []

    def endless(row):
        calls.append(row)
        while len(calls) > 1:
            pass
        return "test_vjp"

    options = Options(noticed_by=endless, shrink=False, kinds=("sign", "transposed"))
    results = running.run(named("tanh"), options, pytest=False)
    assert [one.noticed_by for one in results] == ["rows: test_vjp", "rows: no end"]


def test_smallest_program():
    """Broken in one argument, a product is wrong with that argument tracked alone: two nodes."""
    (mutant,) = [m for m in mutants_of("multiply", "sign") if m.target == "multiply.vjps[1]"]
    with mutant.planted():
        found = smallest.found(MULTIPLY)
    assert (found.nodes, found.entries) == (2, 2)
    assert found.program == "multiply(float64(), float64()), tracked: [1]"


# -- command line ------------------------------------------------------------------------------------------------------


def test_command_line(capsys, tmp_path):
    file = tmp_path / "out.json"
    given = ["--only", "tanh", "--kind", "sign", "factor", "--processes", "1", "--no-pytest"]
    assert main([*given, "--out", str(file), "--verbose"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"rule: sign +1 +1 +0 +0 +2 nodes", said)
    assert len(json.loads(file.read_text())) == 4
    assert main(["--only", "tahn"]) == 2
    assert "Did you mean tan or tanh" in capsys.readouterr().out


def test_a_survivor_is_the_exit_status(monkeypatch, capsys):
    survivor = Result("multiply.vjps[0]", 0, "rule", "sign", "sign reversed", program="multiply(float64(), float64())")
    monkeypatch.setattr("tests.mutate.__main__.run", lambda *args, **keywords: [survivor])
    assert main(["--only", "multiply"]) == 1
    assert "1 of the mutants survived" in capsys.readouterr().out


# -- all of them -------------------------------------------------------------------------------------------------------

PARTS = 12


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_mutant_survives(part):
    results = running.run(EVERY[part::PARTS], Options(), processes=2)
    assert [f"{one.target}: {one.change}, {one.program}" for one in results if one.survived] == []
    assert report.largest(results) <= 3
