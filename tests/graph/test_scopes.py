"""``ag.name_scope``: which operations belong to which part of a program."""

import asyncio
import threading

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn


def scopes(y, **options):
    """Scope of each operation that ``y`` was computed by, in order."""
    return [(node.operation, "/".join(node.scope)) for node in ag.graph(y, **options).nodes if node.operation]


def square(x):
    """One operation in a scope of its own."""
    with ag.name_scope("square"):
        return x * x


@pytest.fixture
def x():
    return ag.Variable(3.0, name="x")


def test_operations_belong_to_the_scopes_they_are_computed_in(x):
    with ag.GradientTape():
        with ag.name_scope("encoder"):
            y = square(x)
            y = y + 1.0
        y = anp.sin(y)
    assert scopes(y) == [("multiply", "encoder/square"), ("add", "encoder"), ("sin", "")]


def test_a_tape_may_be_entered_inside_of_a_scope(x):
    with ag.name_scope("outside"), ag.GradientTape(), ag.name_scope("inside"):
        y = anp.sin(x)
    assert scopes(y) == [("sin", "outside/inside")]
    with ag.GradientTape():
        assert scopes(square(x)) == [("multiply", "square")]


def test_a_tape_may_outlive_a_scope_and_a_scope_a_tape(x):
    """Nothing but the order of entering and leaving counts, whichever is closed first."""
    scope, tape = ag.name_scope("a"), ag.GradientTape(persistent=True)
    scope.__enter__()
    tape.__enter__()
    inside = anp.sin(x)
    scope.__exit__(None, None, None)
    outside = anp.sin(x)
    scope.__enter__()
    tape.__exit__(None, None, None)
    with ag.GradientTape():
        later = anp.sin(x)
    scope.__exit__(None, None, None)
    with ag.GradientTape():
        last = anp.sin(x)
    assert [scopes(y)[0][1] for y in (inside, outside, later, last)] == ["a", "", "a", ""]


def test_a_tape_that_closes_inside_of_a_scope_leaves_the_scope(x):
    """A gradient inside of the ``with`` block ends the recording, not the scope."""
    with ag.GradientTape() as tape, ag.name_scope("a"):
        tape.gradient(x * x, x)
        with ag.GradientTape():
            y = anp.sin(x)
    assert scopes(y) == [("sin", "a")]


def test_what_other_tapes_do_inside(x):
    with ag.GradientTape() as outer:
        with ag.name_scope("a"):
            with ag.GradientTape() as inner:
                y = x**3.0
            slope = inner.gradient(y, x)
            with outer.stop_recording():
                x + 1.0
            z = slope * 2.0
            outer.reset()
            w = x * 2.0
        v = w + 1.0
    assert ("multiply", "a") in scopes(z)
    assert scopes(v) == [("multiply", "a"), ("add", "")]


def test_an_exception_leaves_the_scope(x):
    with ag.GradientTape():
        with pytest.raises(ZeroDivisionError), ag.name_scope("a"):
            raise ZeroDivisionError
        assert scopes(x * 2.0) == [("multiply", "")]


def test_a_scope_can_be_used_again_and_inside_of_itself(x):
    scope = ag.name_scope("again")
    with ag.GradientTape():
        with scope, scope:
            y = x * 2.0
        with scope:
            y = y + 1.0
    assert scopes(y) == [("multiply", "again/again"), ("add", "again")]


def test_names_are_any_text(x):
    names = ["", 'quo"te', "a/b", "<script>", "line\nbreak", "\N{SNOWMAN}", "n" * 10_000, "\ud800"]
    with ag.GradientTape():
        for name in names:
            with ag.name_scope(name):
                y = x * 2.0
            assert ag.graph(y).nodes[-1].scope == (name,)


@pytest.mark.parametrize("name", [3, None, b"bytes", ["a"]])
def test_a_name_that_is_no_text_is_an_error(name):
    with pytest.raises(ag.GraphError, match=r"name_scope: the name is .*expected a str"):
        ag.name_scope(name)


def test_threads_have_scopes_of_their_own(x):
    """One thread's scope is not another's, while both record."""
    found, barrier = {}, threading.Barrier(2, timeout=10)

    def work(name):
        with ag.GradientTape(), ag.name_scope(name):
            barrier.wait()
            y = x * 2.0
            barrier.wait()
        found[name] = scopes(y)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    with ag.name_scope("main"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {"a": [("multiply", "a")], "b": [("multiply", "b")]}


def test_tasks_have_scopes_of_their_own(x):
    """Tasks that take turns, under one tape."""

    async def work(name):
        with ag.name_scope(name):
            y = x * 2.0
            await asyncio.sleep(0)
            y = y + 1.0
        return scopes(y)

    async def main():
        with ag.GradientTape(), ag.name_scope("main"):
            return await asyncio.gather(work("a"), work("b"))

    assert asyncio.run(main()) == [[("multiply", f"main/{n}"), ("add", f"main/{n}")] for n in "ab"]


def test_gradients_are_the_same_in_scopes(x):
    """Also of second order, and where Variables are read in several scopes: each is read once."""
    with ag.GradientTape(persistent=True) as outer:
        with ag.GradientTape(persistent=True) as inner:
            with ag.name_scope("a"):
                y = x * x
            with ag.name_scope("b"):
                y = y * x
        slope = inner.gradient(y, x)
    assert inner.gradient(y, x).item() == 27.0
    assert outer.gradient(slope, x).item() == 18.0
    assert len([node for node in inner.graph(y).nodes if node.kind == "variable"]) == 1


def test_variables_and_numbers_stand_in_the_scope_that_uses_them(x):
    """An array that is no one's result was brought in from outside, and stands there."""
    data = np.arange(3.0)
    with ag.GradientTape(), ag.name_scope("a"):
        y = (x * data) * 0.5
    shown = {node.kind if node.shape else "scalar " + node.kind: node.scope for node in ag.graph(y).nodes}
    assert shown == {"scalar variable": ("a",), "constant": (), "operation": ("a",), "target": ("a",)} | {
        "scalar constant": ("a",)
    }


def test_operations_of_several_kinds_have_scopes():
    """Those that do not go the common way: several results, updates in place, custom gradients, checkpoints, plans."""

    @ag.custom_gradient
    def custom(x):
        return x * 1.0, lambda ct: ct

    x = ag.constant(np.arange(4.0))
    steps = (
        lambda x: anp.concatenate(anp.split(x, 2)),
        lambda x: x.at[0].set(2.0),
        custom,
        ag.checkpoint(lambda x: anp.sin(x) * x),
        ag.function(lambda x: anp.sin(x) * x),
    )
    for step in steps:
        with ag.GradientTape() as tape, ag.name_scope("a"):
            tape.watch(x)
            y = step(x)
        assert {scope for _, scope in scopes(y)} == {"a"}


def test_scopes_inside_of_transforms_and_traced_functions(x):
    """They change no value and make no new plan."""

    def f(v):
        with ag.name_scope("f"):
            return v * v * v

    compiled = ag.function(lambda v: ag.grad(f)(v))
    with ag.GradientTape(), ag.name_scope("a"):
        y = ag.grad(f)(x)
    assert y.item() == 27.0
    assert {scope for _, scope in scopes(y)} == {"a", "a/f"}
    for name in ("one", "two"):
        with ag.name_scope(name):
            assert compiled(2.0).item() == 12.0
    assert "1 plans" in repr(compiled)


# -- layers ------------------------------------------------------------------------------------------------------------


def test_layers_are_scopes_and_nest():
    """A model's operations lie in its layers'; the graph knows which without a word from the user."""
    model = nn.Sequential(
        [nn.layers.Dense(3, activation="relu", name="hidden"), nn.layers.Dense(2, name="out")], name="net"
    )
    data = np.ones((4, 5), "float32")
    model(data)
    with ag.GradientTape():
        y = anp.sum(model(data))
    graph = ag.graph(y)
    assert [("/".join(node.scope), node.name) for node in graph.nodes if node.kind == "variable"] == [
        (f"net/{layer}", f"{layer}/{weight}") for layer in ("hidden", "out") for weight in ("kernel", "bias")
    ]
    assert {scope for _, scope in scopes(y)} == {"net/hidden", "net/out", ""}


def test_a_layer_is_left_when_it_fails(x):
    """The scope ends with the call, and so does one of a layer that was only built or drawn."""

    class Failing(nn.Layer):
        def call(self, inputs):
            raise ZeroDivisionError

    with ag.GradientTape():
        with pytest.raises(ZeroDivisionError):
            Failing()(np.ones((1, 1), "float32"))
        assert scopes(x * 2.0) == [("multiply", "")]


def test_a_layer_without_a_tape_enters_no_scope():
    """A tape inside of a layer's call sees the scopes opened after it."""
    found = []

    class Watching(nn.Layer):
        def call(self, inputs):
            with ag.GradientTape() as tape:
                tape.watch(inputs)
                found.extend(scopes(inputs * 2.0))
            return inputs

    Watching()(np.ones((1, 1), "float32"))
    assert found == [("multiply", "")]
