"""The benchmarks themselves: what is written by hand is right, and the tables say what was measured."""

import numpy as np
import pytest

from tests.benchmarks.compiled.runner import Result, Settings, distance
from tests.benchmarks.compiled.table import duration, report, target_cells
from tests.benchmarks.compiled.work import COLUMNS, WORKS, Contender, Target, find_work


def result(column, *seconds):
    return Result(Contender(column, ""), list(seconds), [0.0] * len(seconds))


@pytest.mark.parametrize("name", ["clusters", "lenet", "lstm", "small_ops", "scan", "while_loop"])
def test_work_by_hand_in_float32_agrees_with_float64(name):
    work = find_work(name)
    problem = work.problem()
    expected = work.reference(problem)
    for contender in work.contenders.values():
        if contender.column == "hand":
            given = contender.make(problem).check()
            assert all(distance(given[key], expected[key]) < work.tolerance for key in given)


@pytest.mark.parametrize("name", WORKS)
def test_targets_speak_of_columns_that_the_row_has(name):
    work = find_work(name)
    columns = {contender.column for contender in work.contenders.values()}
    for target in work.targets:
        assert target.column in columns
        assert columns & set(target.against) or not target.against


def test_a_target_compares_the_best_of_each_column():
    results = {
        "mine": result("numba", 2.0, 2.0, 2.0),
        "a": result("jax", 9.0, 9.0, 9.0),
        "b": result("jax", 5.0, 5.0, 5.0),
        "c": result("torch"),
    }
    assert target_cells(Target("numba", 0.5, ("jax", "torch")), results)[-2:] == ["0.40", "yes"]
    assert target_cells(Target("numba", 0.3, ("jax",)), results)[-2:] == ["0.40", "**no**"]
    assert target_cells(Target("numba", 2.0), results)[-2:] == ["2 s", "yes"]
    assert target_cells(Target("numba", 1.0, ("torch",)), results)[-1] == "not measured"


def test_no_target_is_met_by_disturbed_figures():
    noisy = Result(Contender("jax", ""), [50.0] * 3, [2.0] * 3)
    cells = target_cells(Target("numba", 0.5, ("jax",)), {"mine": result("numba", 2.0, 2.0, 2.0), "other": noisy})
    assert cells[-2:] == ["0.04", "(disturbed)"]


def test_disturbed_chunks_do_not_count_where_there_are_enough_quiet_ones():
    disturbed = Result(Contender("jax", ""), [1.0, 1.0, 1.0, 7.0, 8.0], [0.0, 0.1, 0.0, 2.0, 3.0])
    assert disturbed.median() == 1.0
    assert Result(Contender("jax", ""), [1.0, 7.0, 8.0], [0.0, 2.0, 3.0]).median() == 7.0


def test_a_report_has_a_cell_for_what_is_missing():
    row = (
        find_work("small_ops"),
        {"Numba": result("numba", 1e-6, 1e-6, 1e-6), "JAX": Result(Contender("jax", ""), missing="none here")},
    )
    text = report({"small_ops": row}, Settings())
    assert "1 us (1.00)" in text
    assert "none here" in text
    assert all(title in text for title in COLUMNS.values())


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.234, "1.23 s"), (0.0123, "12.3 ms"), (45.67e-6, "45.7 us"), (5e-9, "5 ns"), (np.nan, "")]
)
def test_durations_have_three_digits_and_a_unit(seconds, text):
    assert duration(seconds) == text
