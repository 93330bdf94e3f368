"""``ag.profile``: what is counted, timed and named, in whatever surroundings."""

import asyncio
import contextvars
import json
import threading
import time

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core import recording


def rows(prof, by="operation"):
    return {row.name: row for row in prof.rows(by)}


def line_of(function, offset):
    """The line so many below the first of ``function``, as rows name it."""
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno + offset}"


@pytest.fixture
def w():
    return ag.Variable(np.linspace(0.1, 1.0, 10), name="w")


# -- counts ------------------------------------------------------------------------------------------------------------


def test_calls_rules_and_bytes_are_counted_exactly(w):
    """x * y saves its two arguments, a sum nothing; each has its rules asked once, and gives what it gives."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            y = np.exp(w)
            z = np.sum(y * w)
        tape.gradient(z, w)
    found = rows(prof)
    assert set(found) == {"exp", "multiply", "sum"}
    assert [(found[name].calls, found[name].backward_calls) for name in ("exp", "multiply", "sum")] == [(1, 1)] * 3
    assert [found[name].saved_bytes for name in ("exp", "multiply", "sum")] == [80, 160, 0]
    assert [found[name].result_bytes for name in ("exp", "multiply", "sum")] == [80, 80, 8]
    assert all(row.forward > 0 and row.backward > 0 for row in found.values())


def test_an_argument_that_is_there_twice_is_saved_once(w):
    """w * w keeps one array."""
    with ag.profile() as prof, ag.GradientTape():
        w * w
    assert rows(prof)["multiply"].saved_bytes == 80


def test_what_no_tape_records_is_timed_and_saves_nothing():
    """Outside of all tapes operations are seen, too; and numbers, arrays and comparisons are applied as ever."""
    x = ag.constant(np.arange(4.0))
    with ag.profile() as prof:
        y = np.exp(x) > 1.0
        z = np.sum(y)
    assert z.item() == 3
    found = rows(prof)
    assert set(found) == {"exp", "greater", "sum"}
    assert all(row.calls == 1 and not row.saved_bytes and not row.backward_calls for row in found.values())


def test_a_walk_counts_only_what_is_on_the_way(w):
    """Operations that the target does not depend on have no rules asked."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            np.cos(w)
            z = np.sum(np.sin(w))
        tape.gradient(z, w)
    found = rows(prof)
    assert (found["cos"].calls, found["cos"].backward_calls) == (1, 0)
    assert (found["sin"].calls, found["sin"].backward_calls) == (1, 1)


def test_several_walks_over_one_recording_add_up(w):
    """A persistent tape that gives its gradient three times, and a Jacobian of three rows."""
    with ag.profile() as prof:
        with ag.GradientTape(persistent=True) as tape:
            y = np.exp(w)
            z = y[:3]
        for _ in range(3):
            tape.gradient(y, w)
        tape.jacobian(z, w)
    assert rows(prof)["exp"].backward_calls == 6
    assert rows(prof)["getitem"].backward_calls == 3


def test_walks_that_are_made_together_are_made_together_in_a_profile(w):
    """A Jacobian of many rows is mapped over them, with a profile and without: what is applied is counted."""
    with ag.profile() as prof, ag.GradientTape(persistent=True) as tape:
        y = np.exp(w) * w
    expected = tape.jacobian(y, w).numpy()
    with prof:
        found = tape.jacobian(y, w).numpy()
    np.testing.assert_array_equal(found, expected)
    assert sum(row.backward_calls for row in prof.rows()) <= 2 * len(expected)
    assert prof.between >= 0


def test_second_order_rules_are_operations_that_are_pulled_back_themselves(w):
    """The inner walk is recorded: what its rules apply is counted, and the outer walk goes through it."""
    with ag.profile() as prof:
        with ag.GradientTape() as outer:
            with ag.GradientTape() as inner:
                y = np.sum(w**3)
            first = inner.gradient(y, w)
        outer.gradient(first, w)
    found = rows(prof)
    assert found["power"].calls == 2  # w**3, and w**2 in its rule
    assert found["power"].backward_calls == 2
    assert found["multiply"].calls >= 1
    assert found["multiply"].forward == 0 < found["multiply"].backward


def test_forward_mode_has_a_column_of_its_own():
    """Rules asked for tangents."""
    with ag.profile() as prof:
        ag.jvp(lambda x: np.sum(np.tanh(x)), (np.ones(3),), (np.ones(3),))
    row = rows(prof)["tanh"]
    assert (row.calls, row.tangent_calls, row.backward_calls) == (1, 1, 0)
    assert row.tangent > 0
    assert "tangents ms" in prof.table()


def test_operations_with_several_results_count_once():
    """The parts of a result are no operations."""
    w = ag.Variable(np.diag([1.0, 2.0, 3.0]))
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            values, vectors = np.linalg.eigh(w)
            z = np.sum(values) + np.sum(vectors)
        tape.gradient(z, w)
    row = rows(prof)["eigh"]
    assert (row.calls, row.backward_calls, row.result_bytes) == (1, 1, 96)
    assert "output" not in rows(prof)


def test_custom_gradients_and_checkpoints_are_entries_with_what_they_compute_inside(w):
    """The function's own operations have their rows; a checkpoint's are applied again on the way back."""

    @ag.custom_gradient
    def cube(x):
        return x * x * x, lambda ct: ct * 3.0 * x * x

    @ag.checkpoint
    def block(x):
        return np.sin(np.exp(x))

    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            z = np.sum(cube(w)) + np.sum(block(w))
        tape.gradient(z, w)
    found = rows(prof)
    assert (found["cube"].calls, found["cube"].backward_calls) == (1, 1)
    assert found["probe of an operation of the user's"].calls == 1
    assert (found["checkpoint block"].calls, found["checkpoint block"].backward_calls) == (1, 1)
    assert (found["exp"].calls, found["exp"].backward_calls) == (2, 1)
    assert found["exp"].forward > 0 < found["exp"].backward


def test_the_time_of_what_is_inside_counts_once(w):
    """A checkpoint that sleeps in an operation of the user's: the operation has the time, not the checkpoint."""

    @ag.primitive
    def slow(x):
        time.sleep(0.02)
        return x * 2.0

    slow.defvjp(lambda ct, ans, x: ct * 2.0)
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            z = np.sum(ag.checkpoint(slow)(w))
        tape.gradient(z, w)
    found = rows(prof)
    assert found["slow"].forward >= 0.02 <= found["slow"].backward
    assert found["checkpoint slow"].seconds < 0.02


# -- scopes, lines, nodes ----------------------------------------------------------------------------------------------


def test_scopes_and_lines_are_those_of_the_program(w):
    """Backward, too: a rule belongs to the line and the scope of what it is the rule of."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            with ag.name_scope("encoder"), ag.name_scope("inner"):
                y = np.exp(w)  # the sixth line of this function
            z = np.sum(y)
        tape.gradient(z, w)
    here = test_scopes_and_lines_are_those_of_the_program
    scopes, lines = rows(prof, "scope"), rows(prof, "line")
    assert {name: (row.calls, row.backward_calls) for name, row in scopes.items()} == {
        "encoder/inner": (1, 1),
        "(no scope)": (1, 1),
    }
    assert set(lines) == {line_of(here, 5), line_of(here, 6)}
    assert lines[line_of(here, 5)].backward > 0
    assert "the sixth line" in prof.table(by="line")


def test_rules_that_are_recorded_belong_to_the_line_of_their_operation(w):
    """Second order: what the rule of a product applies stands at the line of the product."""
    with ag.profile() as prof:
        with ag.GradientTape():
            with ag.GradientTape() as inner:
                y = np.sum(w * w)
            inner.gradient(y, w)
    here = test_rules_that_are_recorded_belong_to_the_line_of_their_operation
    assert set(rows(prof, "line")) == {line_of(here, 5)}


def test_nodes_are_rows_of_their_own(w):
    """A loop of three: three nodes at one line, numbered, with their shapes."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            y = w
            for _ in range(3):
                y = np.sin(y)
        tape.gradient(y, w)
    found = prof.rows(by="node")
    assert len(found) == 3
    assert sorted(row.name.split(" /")[0] for row in found) == [f"#{number} sin (10,)" for number in (1, 2, 3)]
    assert all(row.forward > 0 and row.backward > 0 and row.saved_bytes == 80 for row in found)


def test_the_diagram_carries_forward_and_backward_times(w, tmp_path):
    """``seconds`` of a graph's nodes grow by the walk, and the heat can be drawn."""
    with ag.profile() as prof:
        with ag.GradientTape(persistent=True) as tape:
            y = np.sum(np.exp(w))
        before = {node.operation: node.seconds for node in tape.graph(y).nodes}
        tape.gradient(y, w)
        after = {node.operation: node.seconds for node in prof.graph(y).nodes}
    assert before["exp"] > 0
    assert after["exp"] == pytest.approx(rows(prof)["exp"].seconds)
    assert after["exp"] > before["exp"]
    assert after[None] is None
    assert "exp" in prof.render(tmp_path / "heat.dot", y).read_text()


def test_nodes_that_were_recorded_before_are_timed_on_the_way_back(w):
    """Their lines are not known, their scopes are."""
    with ag.GradientTape() as tape, ag.name_scope("early"):
        y = np.sum(np.exp(w))
    with ag.profile() as prof:
        tape.gradient(y, w)
    row = rows(prof)["exp"]
    assert (row.calls, row.backward_calls) == (0, 1)
    assert set(rows(prof, "line")) == {"(line not known)"}
    assert set(rows(prof, "scope")) == {"early"}


# -- sums --------------------------------------------------------------------------------------------------------------


def test_the_parts_add_up_to_the_time_of_the_block(w):
    """Operations, Python between them and the profile itself: that is all, and nothing counts twice."""
    with ag.profile() as prof:
        start = time.perf_counter()
        for _ in range(20):
            with ag.GradientTape() as outer:
                with ag.GradientTape() as inner:
                    y = np.sum(np.tanh(w) ** 2)
                g = inner.gradient(y, w)
            outer.gradient(g, w)
        time.sleep(0.01)
        wall = time.perf_counter() - start
    for by in ("operation", "scope", "line"):
        total = sum(row.seconds for row in prof.rows(by))
        assert total + prof.between + prof.measuring == pytest.approx(prof.seconds, rel=1e-6)
    assert prof.seconds >= wall
    assert prof.between >= 0.01


def test_rows_by_node_and_by_operation_add_up_to_the_same(w):
    """Where all was recorded by tapes."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            y = np.sum(np.tanh(w) * w)
        tape.gradient(y, w)
    by_node, by_operation = prof.rows("node"), prof.rows("operation")
    for name in ("seconds", "saved_bytes", "result_bytes", "calls", "backward_calls"):
        total = sum(getattr(row, name) for row in by_operation)
        assert sum(getattr(row, name) for row in by_node) == pytest.approx(total)


# -- surroundings ------------------------------------------------------------------------------------------------------


def test_a_profile_of_nothing_can_be_read(tmp_path):
    """All tables, files and pictures of an empty block, and of one that was never entered."""
    with ag.profile() as empty:
        pass
    for prof in (empty, ag.profile()):
        assert prof.rows() == [] == prof.memory()
        assert prof.peak is None
        assert "Python between operations" in str(prof)
        assert "<table" in prof._repr_html_()
        assert "Nothing" in str(prof.alive())
        json.loads(prof.to_json(tmp_path / "p.json").read_text())
        json.loads(prof.speedscope(tmp_path / "s.json").read_text())


def test_an_error_inside_leaves_a_readable_profile_and_nothing_behind(w):
    """In an operation, in a rule, and in the program."""

    @ag.primitive
    def bad(x):
        return x * 1.0

    bad.defvjp(lambda ct, ans, x: 1 / 0)
    prof = ag.profile()
    for program in (lambda: w + np.ones(3), lambda: ag.grad(lambda x: np.sum(bad(np.exp(x))))(np.ones(2)), None):
        with pytest.raises((ag.ShapeError, ZeroDivisionError, TypeError)), prof:
            np.exp(w)
            program()
        assert recording.current() is None
        assert recording.setting_here().details is None
    found = rows(prof)
    assert found["exp"].calls == 4
    assert found["bad"].backward_calls == 0
    assert prof.between >= 0
    with prof, ag.GradientTape() as tape:  # and goes on
        y = np.sum(np.exp(w))
        tape.gradient(y, w)
    assert rows(prof)["exp"].backward_calls == 1


def test_nested_profiles_both_count(w):
    """The outer one has everything, the inner one its part; the outer's time is its own block's alone."""
    with ag.profile() as outer:
        np.exp(w)
        with ag.profile() as inner, ag.GradientTape() as tape:
            y = np.sum(np.exp(w))
        tape.gradient(y, w)
        with ag.profile() as second:
            np.sin(w)
    assert rows(outer)["exp"].calls == 2
    assert (rows(inner)["exp"].calls, rows(inner)["exp"].backward_calls) == (1, 0)
    assert rows(outer)["exp"].backward_calls == 1
    assert rows(outer)["sin"].calls == rows(second)["sin"].calls == 1
    assert outer.seconds >= inner.seconds + second.seconds
    total = sum(row.seconds for row in outer.rows())
    assert total + outer.between + outer.measuring == pytest.approx(outer.seconds, rel=1e-6)


def test_a_profile_can_be_entered_again_and_inside_of_itself(w):
    """One after the other it goes on; inside of itself it counts once."""
    prof = ag.profile()
    with prof:
        np.exp(w)
        with prof:
            np.exp(w)
        np.exp(w)
    with prof:
        np.exp(w)
    assert rows(prof)["exp"].calls == 4
    total = sum(row.seconds for row in prof.rows())
    assert total + prof.between + prof.measuring == pytest.approx(prof.seconds, rel=1e-6)


def test_a_profile_opened_inside_a_tape_and_left_open_by_it(w):
    """Blocks in any order, also an odd one."""
    with ag.GradientTape() as tape:
        y = np.exp(w)
        with ag.profile() as prof:
            z = np.sin(y)
        t = np.sum(z * y)
    assert rows(prof)["sin"].calls == 1
    assert set(rows(prof)) == {"sin"}
    expected = np.exp(w.numpy()) * (np.sin(np.exp(w.numpy())) + np.exp(w.numpy()) * np.cos(np.exp(w.numpy())))
    np.testing.assert_allclose(tape.gradient(t, w).numpy(), expected)
    tape, prof = ag.GradientTape(), ag.profile()
    tape.__enter__()
    prof.__enter__()
    y = np.sum(w * w)
    tape.__exit__(None, None, None)
    prof.__exit__(None, None, None)
    assert recording.current() is None
    np.testing.assert_allclose(tape.gradient(y, w).numpy(), 2 * w.numpy())


def test_gradients_are_the_same_with_and_without(w):
    """To the last bit: first and second order, paused tapes, views, updates, hooks, a masked infinity."""

    def program():
        found = []
        with ag.GradientTape(persistent=True) as outer:
            with ag.GradientTape() as inner:
                x = w.value
                x[2] = 5.0
                with inner.stop_recording():
                    np.cos(x)
                safe = np.where(x > 0.5, np.log(np.where(x > 0.5, x, 1.0)), x - 1.0)
                y = np.sum(np.reshape(x, (2, 5)) ** 3) + np.sum(safe) + np.sum(np.sqrt(w - w))
            first = inner.gradient(y, w)
            found.append(first)
            z = np.sum(first * first)
        found.append(outer.gradient(z, w))
        return [each.numpy() for each in found]

    expected = program()
    with ag.profile():
        got = program()
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_functions_return_is_of_the_same_kind_as_without():
    """A custom gradient, a checkpoint and a transform outside of tapes give what they give without a profile."""
    custom = ag.custom_gradient(lambda x: (x + 1.0, lambda ct: ct))
    again = ag.checkpoint(lambda x: x * 2)
    programs = [
        lambda: custom(3.0),
        lambda: again(3),
        lambda: ag.grad(lambda x: x * x)(3.0),
        lambda: custom(np.ones(2)),
    ]
    for program in programs:
        expected = program()
        with ag.profile():
            got = program()
        assert type(got) is type(expected)
        np.testing.assert_array_equal(got, expected)


def test_detect_anomaly_inside_and_outside(w):
    """Both work: the error is raised, and what was computed before is counted."""
    with ag.profile() as prof, ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match="log made"):
        np.log(np.exp(w) * 0.0)
    assert rows(prof)["exp"].calls == 1
    with ag.detect_anomaly(), ag.profile() as prof, ag.GradientTape() as tape:
        y = np.sum(np.sqrt(w - w))
        with pytest.raises(ag.AnomalyError, match="derivative of sqrt"):
            tape.gradient(y, w)
    assert rows(prof)["sqrt"].calls == 1
    assert rows(prof)["sum"].backward_calls == 1


def test_record_details_inside_and_outside(w):
    """Lines and times stand at the nodes either way."""
    with ag.record_details(), ag.profile() as prof, ag.GradientTape() as tape:
        y = np.exp(w)
    assert tape.graph(y).nodes[-1].seconds > 0
    with ag.profile() as again, ag.record_details(lines=False, times=False), ag.GradientTape() as tape:
        y = np.exp(w)
    assert rows(prof)["exp"].calls == rows(again)["exp"].calls == 1
    assert tape.graph(y).nodes[-1].place is not None


def test_explain_and_graphs_work_inside(w):
    """Others who step in, or walk for themselves, are let through, and do not count."""
    with ag.profile() as prof, ag.GradientTape(persistent=True) as tape:
        y = np.sum(np.exp(w))
    before = rows(prof)["exp"].backward_calls
    with prof:
        tape.graph(y, gradients=True)
        assert "connected" in str(ag.explain(tape, y, w)) or str(ag.explain(tape, y, w))
    assert rows(prof)["exp"].backward_calls >= before == 0


def test_threads_are_measured_where_they_enter_it(w):
    """Another thread measures nothing, unless it enters the profile itself; then the tables have both."""
    prof = ag.profile()

    def plain():
        np.sin(w)

    def entered():
        with prof, ag.GradientTape() as tape:
            y = np.sum(np.exp(w))
            tape.gradient(y, w)

    with prof:
        np.exp(w)
        threads = [threading.Thread(target=plain), *[threading.Thread(target=entered) for _ in range(4)]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = rows(prof)
    assert "sin" not in found
    assert (found["exp"].calls, found["exp"].backward_calls) == (5, 4)


def test_a_context_that_is_copied_into_a_thread_brings_the_profile(w):
    """As ``asyncio.to_thread`` does: that thread is measured by itself, at the same time."""

    def work():
        for _ in range(50):
            np.exp(w)

    with ag.profile() as prof:
        contexts = [contextvars.copy_context() for _ in range(3)]
        threads = [threading.Thread(target=context.run, args=(work,)) for context in contexts]
        for thread in threads:
            thread.start()
        work()
        for thread in threads:
            thread.join()
    assert rows(prof)["exp"].calls == 200


def test_tasks_are_measured(w):
    """Tasks that take turns inside of a block."""

    async def one():
        with ag.GradientTape() as tape:
            y = np.exp(w)
            await asyncio.sleep(0)
            z = np.sum(y)
            await asyncio.sleep(0)
        return tape.gradient(z, w)

    async def several():
        return await asyncio.gather(*[one() for _ in range(5)])

    with ag.profile() as prof:
        found = asyncio.run(several())
    assert rows(prof)["exp"].calls == rows(prof)["exp"].backward_calls == 5
    for each in found:
        np.testing.assert_allclose(each.numpy(), np.exp(w.numpy()))


def test_tasks_that_enter_one_profile_leave_it_in_any_order(w):
    """Each is measured up to its own end."""
    prof = ag.profile()

    async def one(turns):
        with prof:
            for _ in range(turns):
                await asyncio.sleep(0)
            np.exp(w)

    async def several():
        await asyncio.gather(*[one(turns) for turns in (1, 5, 3, 7)])

    asyncio.run(several())
    assert rows(prof)["exp"].calls == 4
    with pytest.raises(ag.TapeError, match="has not entered it"):
        prof.__exit__(None, None, None)


def test_a_deep_graph():
    """100,000 operations: no recursion, all counted, in a reasonable time."""
    w = ag.Variable(1.0)
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            y = w * 1.0
            for _ in range(99_999):
                y = y * 1.0
        gradient = tape.gradient(y, w)
    assert gradient.item() == 1.0
    assert (rows(prof)["multiply"].calls, rows(prof)["multiply"].backward_calls) == (100_000, 100_000)
    assert prof.peak.nbytes == 800_000
    assert prof.seconds < 30


def test_few_events_are_enough_for_the_tables(w, tmp_path):
    """With no room for events everything is counted all the same; it is said how many are missing."""
    with ag.profile(events=2) as prof:
        with ag.GradientTape() as tape:
            y = np.sum(ag.checkpoint(lambda x: np.exp(np.sin(x)))(w))
        tape.gradient(y, w)
    assert rows(prof)["exp"].calls == 2
    assert prof.left_out > 0
    assert "events are not in the flame graph" in str(prof)
    json.loads(prof.speedscope(tmp_path / "few.json").read_text())


def test_hostile_names_do_no_harm(w, tmp_path):
    """Scopes, functions and Variables may be called anything."""
    nasty = '<b>&"\\\n\x00\u202e\N{SNOWMAN}' + "x" * 500

    @ag.primitive
    def user(x):
        return x + 0.0

    user.name = nasty
    user.defvjp(lambda ct, ans, x: ct)
    with ag.profile() as prof, ag.name_scope(nasty), ag.GradientTape():
        user(ag.Variable([1.0], name=nasty))
    for by in ("operation", "scope", "line", "node"):
        text = prof.table(by=by)
        assert "\x00" not in text
        assert "\u202e" not in text
        assert all(len(line) < 300 for line in text.splitlines())
    html = prof._repr_html_()
    assert "<b>" not in html
    assert rows(prof)[nasty].calls == 1
    frames = json.loads(prof.speedscope(tmp_path / "n.json").read_text())["shared"]["frames"]
    assert any(nasty in frame["name"] for frame in frames)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda prof: prof.rows(by="colour"), "by is 'colour'"),
        (lambda prof: prof.table(sort="size"), "sort is 'size'"),
        (lambda prof: prof.table(top=-1), "top is -1"),
        (lambda prof: prof.table(top="all"), "top is 'all'"),
        (lambda prof: prof.alive(top=1.5), "top is 1.5"),
        (lambda prof: prof.rows(by="kernel"), "kernels=True"),
        (lambda prof: prof.speedscope("/no/such/folder/x.json"), "no folder"),
        (lambda prof: prof.to_json(3), "path is 3"),
        (lambda prof: ag.profile(kernels=1), "kernels is 1"),
        (lambda prof: ag.profile(events=-1), "events is -1"),
        (lambda prof: ag.profile(events=True), "events is True"),
        (lambda prof: prof.rows(by=["line"]), "by is"),
    ],
)
def test_bad_arguments_are_refused(ask, says):
    """With what was asked, and what is expected."""
    with pytest.raises(ag.AutogradError, match=says):
        ask(ag.profile())


# -- tables ------------------------------------------------------------------------------------------------------------


def test_tables_sort_and_end_where_they_are_told(w):
    """The rest is one line, and all lines are of one width."""
    with ag.profile() as prof:
        for _ in range(3):
            np.sin(w)
        np.exp(w), np.cos(w)
    assert prof.rows(sort="calls")[0].name == "sin"
    text = prof.table(top=1, sort="calls")
    assert "2 more" in text
    assert "cos" not in text
    assert "forward ms" not in text  # there is nothing else
    table = text.splitlines()[:7]
    assert len({len(line) for line in table}) == 1


def test_the_json_has_what_the_tables_have(w, tmp_path):
    """Seconds and bytes, by everything."""
    with ag.profile() as prof, ag.GradientTape() as tape:
        y = np.sum(np.exp(w))
        tape.gradient(y, w)
    found = json.loads(prof.to_json(tmp_path / "p.json").read_text())
    assert {row["name"] for row in found["rows"]["operation"]} == {"exp", "sum"}
    assert found["rows"]["node"][0]["backward_calls"] == 1
    assert found["seconds"] == pytest.approx(prof.seconds)
    assert [moment["nbytes"] for moment in found["memory"]][:2] == [80, 88]


# -- compiled functions, optimizers, models ----------------------------------------------------------------------------


def test_compiled_calls_are_entries_and_tracing_is_another(w):
    """One trace and three calls, in a line of this file; kernels where they are asked for."""
    step = ag.function(lambda x: np.sum(np.exp(x) * w.value[0]), jit="numpy")
    x = np.ones(50_000)
    with ag.profile(kernels=True) as prof:
        for _ in range(3):
            step(x)
    found = rows(prof)
    assert {name: row.calls for name, row in found.items()} == {
        "compiled call: <lambda>": 3,
        "trace and compile: <lambda>": 1,
    }
    kernels = prof.rows(by="kernel")
    assert kernels
    assert all(row.calls == 3 and row.name.startswith("<lambda>: ") and row.forward >= 0 for row in kernels)
    assert any("exp" in row.name and row.forward > 0 for row in kernels)
    assert "Inside of compiled calls" in prof.table(by="kernel")


def test_a_warning_about_traces_names_the_users_line(w):
    """Also where the profile steps in between."""
    step = ag.function(lambda x, n: x * n, jit="numpy")
    with ag.profile() as prof:
        for n in range(15):
            step(np.ones(2), n)
        with pytest.warns(RuntimeWarning, match="was traced 16 times") as found:
            step(np.ones(2), 15)
    assert found[0].filename == __file__
    assert rows(prof)["trace and compile: <lambda>"].calls == 16


def test_a_compiled_function_under_a_tape_is_one_operation(w):
    """Its forward plan and, on the way back, its other plan."""
    step = ag.function(lambda x: np.sum(np.exp(x)), jit="numpy")
    step(w)
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            y = step(w)
        gradient = tape.gradient(y, w)
    np.testing.assert_allclose(gradient.numpy(), np.exp(w.numpy()))
    found = rows(prof)
    assert (found["<lambda>"].calls, found["<lambda>"].backward_calls) == (1, 1)
    assert found["compiled call: <lambda>"].calls == 1
    total = sum(row.seconds for row in prof.rows())
    assert total + prof.between + prof.measuring == pytest.approx(prof.seconds, rel=1e-6)


def test_kernels_with_a_compiled_step_of_training():
    """The plan of a whole step, optimizer included, whose counters are Variables without axes."""
    model = nn.Sequential([nn.layers.Dense(4, activation="relu"), nn.layers.Dense(3)])
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    x, y = np.ones((64, 2), "float32"), np.ones((64, 3), "float32")
    with ag.profile(kernels=True) as prof:
        model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    found = rows(prof)
    assert found["compiled call: train_step"].calls == 24
    assert prof.rows(by="kernel")


def test_an_eager_step_of_training_names_layers_and_the_optimizer():
    """Scopes are layers; a step of the optimizer, which is not made of operations, has its entry."""
    model = nn.Sequential([nn.layers.Dense(4, activation="relu", name="one"), nn.layers.Dense(3, name="two")])
    model.compile(optimizer="adam", loss="mse", run_eagerly=True)
    x, y = np.ones((16, 2), "float32"), np.ones((16, 3), "float32")
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    with ag.profile() as prof:
        model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert rows(prof)["optimizer step: Adam"].calls == 2
    layers = {name.rpartition("/")[2] for name in rows(prof, "scope")}
    assert {"one", "two"} <= layers
    assert not str(prof.alive()).startswith("0")


def test_the_step_of_an_optimizer_is_timed_by_itself(w):
    """Outside of models, too; and not in a trace, where it is part of the plan."""
    optimizer = optim.SGD(0.1)

    @ag.function(jit="numpy")
    def step():
        with ag.GradientTape() as tape:
            loss = np.sum(w * w)
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    with ag.profile() as prof:
        optimizer.apply_gradients([(np.ones(10), w)])
        step()
    assert rows(prof)["optimizer step: SGD"].calls == 1
    assert rows(prof)["compiled call: step"].calls == 1
