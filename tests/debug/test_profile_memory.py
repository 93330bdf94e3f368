"""What recordings hold, and that a profile holds nothing itself."""

import gc
import weakref

import numpy as np
import pytest

import autograd_core as ag


@pytest.fixture
def w():
    return ag.Variable(np.ones(100), name="w")


def amounts(prof):
    return [moment.nbytes for moment in prof.memory()]


def test_each_array_counts_once_and_the_users_own_do_not(w):
    """exp gives 800 bytes that the product holds, too; a view and a broadcast hold nothing more."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            y = np.exp(w)
            z = y * w
            t = np.reshape(y, (10, 10))
            s = np.sum(z) + np.sum(t)
        assert amounts(prof)[-1] == 800 + 800 + 8 + 8 + 8
        assert [moment.operation for moment in prof.memory()][:2] == ["exp", "multiply"]
        tape.gradient(s, w)
        del y, z, t, s
    assert amounts(prof)[-1] == 0
    assert prof.peak.nbytes == 1624
    assert prof.peak.operation == "add"


def test_constants_that_a_node_copies_count(w):
    """An array of the user's is copied, since it may be written to; a number is nothing."""
    with ag.profile() as prof, ag.GradientTape():
        y = w * np.ones(100)
        assert amounts(prof)[-1] == 1600
        z = y * 2.0
    assert amounts(prof)[-1] == 2400
    del z


def test_what_a_row_has_brought_at_the_peak_adds_up_to_the_peak(w):
    """Not what all its calls have made."""
    with ag.profile() as prof:
        for _ in range(3):
            with ag.GradientTape() as tape:
                y = np.sum(np.tanh(np.exp(w)))
            tape.gradient(y, w)
            del y
    for by in ("operation", "line", "scope"):
        assert sum(row.peak_bytes for row in prof.rows(by)) == prof.peak.nbytes == 1608
    found = {row.name: row for row in prof.rows()}
    assert found["exp"].peak_bytes == 800
    assert found["exp"].result_bytes == 2400


def test_the_profile_keeps_no_array_alive(w):
    """Neither inside nor after the block; Nodes and arrays go as they do without it."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape:
            y = np.exp(w)
            z = np.sum(y)
        node, array = weakref.ref(y.node), weakref.ref(y.array)
        tape.gradient(z, w)
        assert node() is not None
        del y, z
        assert node() is None
        assert array() is None
        with ag.GradientTape() as tape:
            y = np.exp(w)
        later, array = weakref.ref(y.node), weakref.ref(y.array)
    del y
    assert later() is not None
    del tape
    assert later() is None
    assert array() is None
    assert str(prof.alive()) == "Nothing that was recorded is still held."


def test_the_arguments_of_unrecorded_operations_and_functions_go(w):
    """What was passed to anything inside is not kept, nor are functions."""

    def program(x):
        return np.sum(x * x)

    x = ag.constant(np.ones(3))
    handle, function = weakref.ref(x.array), weakref.ref(program)
    with ag.profile() as prof:
        program(x)
        ag.grad(program)(np.ones(3))
        ag.custom_gradient(lambda v: (v * 2.0, lambda ct: ct * 2.0))(x)
    del x, program
    gc.collect()
    assert handle() is None
    assert function() is None
    assert prof.rows()


def test_updates_in_place_are_one_buffer(w):
    """A loop that fills an array: the buffer counts once."""
    with ag.profile() as prof, ag.GradientTape() as tape:
        x = ag.constant(np.zeros(10_000))
        for i in range(5):
            x[i] = w.value[i]
        y = np.sum(x)
        held = amounts(prof)[-1]
    assert held < 2 * 80_000
    assert tape.gradient(y, w).numpy()[:6].tolist() == [1, 1, 1, 1, 1, 0]


def test_alive_names_operation_bytes_and_holder(w):
    """A list of losses: 10 graphs of 800 bytes, and what to write in its place."""
    losses = []
    with ag.profile() as prof:
        for _ in range(10):
            with ag.GradientTape() as tape:
                loss = np.sum(np.exp(w))
            tape.gradient(loss, w)
            losses.append(loss)
    del loss
    found = prof.alive()
    assert found.nbytes == 10 * 808
    exp = found[0]
    assert (exp.operation, exp.nodes, exp.nbytes) == ("exp", 10, 8000)
    assert exp.place.endswith(f":{test_alive_names_operation_bytes_and_holder.__code__.co_firstlineno + 6}")
    assert any("losses[" in str(holder) and "float(losses[" in str(holder) for holder in exp.holders)
    assert "8.08 kB are still held" in str(found)
    assert len(prof.alive(top=1)) == 1
    assert prof.alive(top=0).nbytes == 8080
    losses.clear()
    del exp, found
    assert prof.alive().nbytes == 0
