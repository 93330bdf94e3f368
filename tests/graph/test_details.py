"""``ag.record_details``: the user's line and the time of each operation."""

import os
import sys
import time

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn

HERE = os.path.basename(__file__)


def line():
    """Number of the line that calls this."""
    return sys._getframe(1).f_lineno


def operations(y):
    return [node for node in ag.graph(y).nodes if node.operation]


@pytest.fixture
def x():
    return ag.Variable(np.full(3, 2.0), name="x")


def test_nothing_is_noted_unless_asked_for(x):
    with ag.GradientTape():
        y = x * x
    assert [(node.place, node.seconds) for node in ag.graph(y).nodes] == [(None, None)] * 2


def test_lines_and_times(x):
    with ag.record_details(), ag.GradientTape():
        y = x * x
        first = line() - 1
        y = anp.sin(y)
        second = line() - 1
    assert [node.place for node in operations(y)] == [f"{HERE}:{first}", f"{HERE}:{second}"]
    assert all(0 < node.seconds < 10 for node in operations(y))


@pytest.mark.parametrize(("lines", "times"), [(True, False), (False, True), (False, False)])
def test_one_of_both_or_none(x, lines, times):
    with ag.GradientTape(), ag.record_details(lines=lines, times=times):
        (node,) = operations(x * x)
    assert ((node.place is not None), (node.seconds is not None)) == (lines, times)


def test_it_begins_and_ends_with_the_block(x):
    """Inside of a tape, around it, with a scope in between, and where an inner block turns it off."""
    with ag.GradientTape():
        y = x * 1.0
        with ag.record_details():
            y = y * 2.0
            with ag.name_scope("a"):
                y = y * 3.0
            with ag.record_details(lines=False, times=False):
                y = y * 4.0
            y = y * 5.0
        y = y * 6.0
    assert [node.seconds is not None for node in operations(y)] == [False, True, True, False, True, False]
    assert [node.scope for node in operations(y)] == [(), (), ("a",), (), (), ()]


def test_the_time_is_that_of_the_computation(x):
    """Not of what comes before or after."""

    @ag.primitive
    def slow(value):
        time.sleep(0.02)
        return value + 1.0

    slow.defvjp(lambda ct, ans, value: ct)
    with ag.record_details(), ag.GradientTape():
        y = slow(x)
        time.sleep(0.5)
    (node,) = operations(y)
    assert 0.02 <= node.seconds < 0.5


def test_gradients_are_the_same(x):
    """Also of second order, through transforms and under two tapes."""

    def f(v):
        return anp.sum(anp.sin(v) * v * x)

    def everything():
        with ag.GradientTape(persistent=True) as outer:
            with ag.GradientTape() as inner:
                y = f(x)
            slope = inner.gradient(y, x)
            product = ag.hvp(f, (x.numpy(),), (np.ones(3),))
        return [outer.gradient(slope, x), ag.hessian(f)(x.numpy()), product, ag.jvp(f, (x,), (np.ones(3),))[1]]

    plain = everything()
    with ag.record_details():
        noted = everything()
    for a, b in zip(plain, noted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_operation_inside_of_transforms_is_noted(x):
    with ag.GradientTape(), ag.record_details():
        y = ag.grad(lambda v: anp.sum(anp.sin(v)))(x)
    assert all(node.place.startswith(HERE) for node in operations(y))
    assert sum(node.seconds is not None for node in operations(y)) > 1


def test_operations_that_do_not_go_the_common_way():
    """Several results, updates in place, custom gradients, checkpoints and plans."""

    @ag.custom_gradient
    def custom(v):
        return v * 1.0, lambda ct: ct

    steps = (
        lambda v: anp.concatenate(anp.split(v, 2)),
        lambda v: v.at[0].set(2.0),
        custom,
        ag.checkpoint(lambda v: anp.sin(v) * v),
        ag.function(lambda v: anp.sin(v) * v),
    )
    x = ag.constant(np.arange(4.0))
    for step in steps:
        with ag.GradientTape() as tape, ag.record_details():
            tape.watch(x)
            y = step(x)
        assert all(node.place.startswith(HERE) for node in operations(y))
        assert all(node.seconds is not None for node in operations(y) if node.operation != "output")
        assert tape.gradient(y, x) is not None


def test_lines_are_those_of_the_user_not_of_layers(x):
    layer = nn.layers.Dense(2)
    layer(np.ones((1, 3), "float32"))
    with ag.record_details(), ag.GradientTape():
        y = layer(np.ones((1, 3), "float32"))
        here = line() - 1
    assert {node.place for node in operations(y)} == {f"{HERE}:{here}"}


def test_errors_are_the_same(x):
    """And the recording goes on after one."""
    with ag.GradientTape(), ag.record_details():
        with pytest.raises(ag.ShapeError, match="multiply"):
            x * np.ones(2)
        (node,) = operations(x * x)
    assert node.seconds is not None


def test_traced_functions_are_traced_once(x):
    compiled = ag.function(lambda v: anp.sin(v) * 2.0)
    compiled(x)
    with ag.record_details(), ag.GradientTape():
        y = compiled(x)
    assert "1 plans" in repr(compiled)
    assert operations(y)[0].place.startswith(HERE)


def test_bytes_are_known_of_every_node():
    """Also where only shape and dtype are kept, of several results, and of Python numbers."""
    x = ag.constant(np.ones((2, 3), "float32"))
    with ag.GradientTape() as tape:
        tape.watch(x)
        a, b = anp.split(x, 2)
        y = anp.sum(a * b * 2.0)
    graph = ag.graph(y)
    sizes = {node.operation or node.kind: node.nbytes for node in graph.nodes}
    assert sizes == {"input": 24, "split": 24, "output": 12, "multiply": 12, "constant": 8, "sum": 4}
