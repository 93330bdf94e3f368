"""explain where causes meet: in loops, comprehensions, layers, compiled functions, nested tapes; several sources."""

import inspect
import math

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

# Each program returns (tape, target, source). The line that is to be named ends in `# here`.


def two_ways_out():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        a = float(w * 2.0)
        b = ag.stop_gradient(w * w)  # here
        y = v * a + b
    return tape, y, w


def added_up_in_a_variable():
    w, total = ag.Variable(3.0, name="w"), ag.Variable(0.0, name="total")
    with ag.GradientTape() as tape:
        for step in range(50):
            total.assign_add(w * float(step))  # here
        y = total * 2.0
    return tape, y, w


def in_a_comprehension():
    weights, v = [ag.Variable(float(i), name=f"w{i}") for i in range(3)], ag.Variable(1.0)
    with ag.GradientTape() as tape:
        y = sum([float(w) * v for w in weights], start=v)  # here
    return tape, y, weights[1]


def in_a_lambda():
    w, v = ag.Variable([1.0, 2.0], name="w"), ag.Variable(2.0)
    total = lambda x: x.numpy().sum()  # here
    with ag.GradientTape() as tape:
        y = ag.constant(total(np.sin(w))) * v
    return tape, y, w


class Scaled(nn.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), name="scale")

    def call(self, x):
        return x * float(np.sum(self.w))


def in_a_layer():
    model = nn.Sequential([nn.layers.Dense(3), Scaled(name="scaled"), nn.layers.Dense(1)])
    x = np.ones((4, 2), np.float32)
    model(x)
    with ag.GradientTape() as tape:
        y = np.sum(model(x))
    return tape, y, model.layers[1].w


def through_the_math_module():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0)
    with ag.GradientTape() as tape:
        y = v * math.sin(w)  # here
    return tape, y, w


def into_an_array_of_numpys():
    w, out = ag.Variable([3.0, 1.0], name="w"), np.zeros(2)
    with ag.GradientTape() as tape:
        for i in range(2):
            out[i] = float(w[i] * 2.0)  # here
        y = np.sum(ag.constant(out))
    return tape, y, w


def a_mask_that_chose_nothing_else():
    w, v = ag.Variable([3.0, 1.0], name="w"), ag.Variable(2.0, name="v")
    with ag.GradientTape() as tape:
        np.where(w > 2.0, w, 0.0)  # here
        y = v * 2.0
    return tape, y, w


def a_cast_on_the_way():
    w = ag.Variable([3.0, 1.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum((w * 2.0).astype("int64") * 1.0)  # here
    return tape, y, w


def many_comparisons_before_the_way_out():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(2.0, name="v")
    with ag.GradientTape() as tape:
        for bound in range(200):
            _ = w > float(bound)
        y = v * w.item()  # here
    return tape, y, w


def changed_after_it_was_used():
    w = ag.Variable([3.0, 1.0], name="w")
    with ag.GradientTape() as tape:
        x = w * 2.0
        y = np.sum(x)
        x[0] = 5.0  # here
    return tape, y, x


def nested_and_outside_of_the_outer_one():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(2.0, name="v")
    with ag.GradientTape() as outer:
        with ag.GradientTape() as tape:
            y = w * w * v
        gradient = tape.gradient(y, w)
    z = gradient * v  # here
    return outer, z, v


def stopped_itself():
    x, w = ag.constant([1.0, 2.0]), ag.Variable([1.0, 1.0], name="w")
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = np.sum(w * ag.stop_gradient(x))  # here
    return tape, y, x


def stopped_itself_and_nothing_else():
    x = ag.constant([1.0, 2.0])
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = np.exp(ag.stop_gradient(x)) + ag.stop_gradient(np.sin(x) * 2.0)  # here
    return tape, y, x


CAUSES = {
    two_ways_out: "stop_gradient",
    stopped_itself: "stop_gradient",
    stopped_itself_and_nothing_else: "stop_gradient",
    added_up_in_a_variable: "assigned",
    in_a_comprehension: "left",
    in_a_lambda: "left",
    in_a_layer: "left",
    through_the_math_module: "left",
    into_an_array_of_numpys: "left",
    a_mask_that_chose_nothing_else: "unused",
    a_cast_on_the_way: "integer",
    many_comparisons_before_the_way_out: "left",
    changed_after_it_was_used: "overwritten",
    nested_and_outside_of_the_outer_one: "outside",
}


def line_of(program):
    lines, first = inspect.getsourcelines(Scaled.call if program is in_a_layer else program)
    marked = [first + at for at, line in enumerate(lines) if line.rstrip().endswith("# here")] or [first + 1]
    return f"{__file__}:{marked[0]}"


@pytest.mark.parametrize("taken", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("program", CAUSES, ids=lambda program: program.__name__)
def test_the_cause_from_the_tape_alone(program, taken):
    tape, target, source = program()
    if taken:
        assert tape.gradient(target, source) is None
    found = ag.explain(tape, target, source)
    assert found.cause == CAUSES[program], str(found)
    assert found.place in (None, line_of(program))


@pytest.mark.parametrize("program", CAUSES, ids=lambda program: program.__name__)
def test_the_cause_and_the_line_with_another_run(program):
    found = ag.explain(program)
    assert (found.cause, found.place) == (CAUSES[program], line_of(program)), str(found)


def test_used_before_it_was_watched_and_stopped_afterwards():
    def program():
        x, w = ag.constant([1.0, 2.0]), ag.Variable([1.0, 1.0])
        with ag.GradientTape() as tape:
            early = w * x  # here
            tape.watch(x)
            y = np.sum(early * ag.stop_gradient(x))
        return tape, y, x

    found = ag.explain(program)
    assert (found.cause, found.place) == ("not watched", line_of(program))
    assert "multiply used it" in str(found)


def test_several_sources_are_explained_one_by_one():
    a, b, c = (ag.Variable(float(i), name=name) for i, name in enumerate("abc"))
    with ag.GradientTape() as tape:
        y = a * 2.0 + float(b)
    found = ag.explain(tape, y, {"a": a, "rest": [b, c]})
    assert [found["a"].cause, *(each.cause for each in found["rest"])] == ["connected", "left", "unused"]
    again = ag.explain(lambda: (tape, y, [a, b]))
    assert [each.cause for each in again] == ["connected", "outside"]


def test_the_derivative_of_something_linear_is_not_blamed_on_the_tape_alone():
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as outer:
        with ag.GradientTape() as tape:
            y = w * 5.0
        gradient = tape.gradient(y, w)
    assert "or the derivative of something linear" in ag.explain(outer, gradient, w).sentence


def test_an_optimizer_names_the_comparison():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        y = v * (2.0 if w > 2.0 else 1.0)
    gradients = tape.gradient(y, [w, v])
    with pytest.warns(UserWarning, match=r"no gradient \(None\) for 'w'. .*greater.* ends the path"):
        optim.SGD(0.1).apply_gradients(zip(gradients, [w, v], strict=True))


def test_a_pause_is_where_the_with_block_is():
    """Not in contextlib, which enters it."""
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape:
        with tape.stop_recording():
            y = w * w
    assert ag.explain(tape, y, w).place == f"{__file__}:{inspect.currentframe().f_lineno - 2}"


def test_a_line_that_is_not_known_is_not_that_of_the_question():
    w = ag.Variable(-1.0, name="w")
    with np.errstate(all="ignore"), ag.GradientTape() as tape:
        y = np.log(w)
    found = ag.explain(tape, y, w)
    assert (found.cause, found.place) == ("nan", None)
    assert ", at " not in found.sentence


def test_an_integer_source():
    i = ag.Variable(3, name="i")
    with ag.GradientTape() as tape:
        y = i * 2.0
    found = ag.explain(tape, y, i)
    assert (found.cause, found.sentence) == (
        "integer", "Variable 'i' has no gradient: it is of dtype int64, and only floating and complex values have one.",
    )  # fmt: skip
    assert "floating dtype" in found.cure


def test_a_name_is_no_longer_than_a_line():
    w = ag.Variable(-2.0, name="w\n" + "n" * 300)
    with ag.GradientTape() as tape:
        y = np.maximum(w, 0.0)
    assert all(len(line) < 250 for line in str(ag.explain(tape, y, w)).splitlines())


def test_what_a_program_returned_is_said():
    with pytest.raises(ag.ConversionError, match="returned a tuple of 3, beginning with a int; expected"):
        ag.explain(lambda: (1, 2, 3))
