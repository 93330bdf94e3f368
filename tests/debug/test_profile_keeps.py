"""``ag.what_keeps``: the right holder, with its name, its line and the cure, in a dozen situations."""

import functools
import sys
from collections import deque

import numpy as np
import pytest

import autograd_core as ag
import optim

kept_by_module = None


@pytest.fixture
def w():
    return ag.Variable(np.linspace(0.1, 1.0, 7), name="weights")


def texts(thing, kind=None):
    found = [str(holder) for holder in ag.what_keeps(thing) if kind is None or holder.kind == kind]
    return [text for text in found if "of texts()" not in text]  # the argument of this function itself


def only(found):
    assert len(found) == 1, found
    return found[0]


def place(function, offset):
    return f"{function.__code__.co_filename}:{function.__code__.co_firstlineno + offset}"


def test_a_variable_of_a_running_function():
    x = ag.constant(np.ones(3))
    text = only(texts(x))
    assert "The variable x of test_a_variable_of_a_running_function()" in text
    assert "del x" in text


def test_a_variable_of_a_function_further_out():
    def inner(handle):
        return texts(handle)

    mine = ag.constant(np.ones(3))
    found = inner(mine)
    assert any("variable mine of test_a_variable_of_a_function_further_out()" in text for text in found)
    assert any("variable handle of inner()" in text for text in found)
    assert len(found) == 2


def test_a_variable_of_a_module():
    global kept_by_module
    kept_by_module = ag.constant(np.ones(3))
    try:
        assert f"kept_by_module of the module {__name__}" in only(texts(kept_by_module))
    finally:
        kept_by_module = None


def test_a_list_of_losses(w):
    losses = []
    with ag.GradientTape() as tape:
        h = np.exp(w)
        losses.append(np.sum(h))
    tape.gradient(losses[0], w)
    text = only(texts(h, "handle"))
    assert "list entry losses[0] of test_a_list_of_losses()" in text
    assert "float(losses[0])" in text
    assert "exp gave it" in text


def test_a_dict_in_an_attribute_of_an_object():
    class Trainer:
        def __init__(self):
            self.history = {"outputs": [ag.constant(np.ones(3))]}

    trainer = Trainer()
    text = only(texts(trainer.history["outputs"][0]))
    assert "trainer.history['outputs'][0]" in text
    assert "list entry" in text


def test_an_object_with_slots():
    class Slim:
        __slots__ = ("state",)

    slim = Slim()
    slim.state = ag.constant(np.ones(3))
    assert "slim.state" in only(texts(slim.state))


def test_a_closure():
    def make():
        inside = ag.constant(np.ones(3))

        def use():
            return inside

        return use

    use = make()
    text = only(texts(use()))
    assert "inside of the function test_a_closure.<locals>.make.<locals>.use()" in text


def test_a_persistent_tape_with_the_line_where_it_was_opened(w):
    with ag.profile(), ag.GradientTape(persistent=True) as tape:
        h = np.exp(w)
        y = np.sum(h * h)
    tape.gradient(y, w)
    holder = next(holder for holder in ag.what_keeps(h) if holder.kind == "tape")
    here = test_a_persistent_tape_with_the_line_where_it_was_opened
    assert holder.place == place(here, 1)
    assert f"The tape tape of {here.__name__}()" in str(holder)
    assert "is persistent and still referenced" in str(holder)
    assert f"multiply at {place(here, 3)} saved it" in str(holder)
    assert f"exp at {place(here, 2)} gave it" in str(holder)
    assert "del tape when all gradients" in str(holder)


def test_a_tape_that_is_still_recording(w):
    with ag.GradientTape():
        h = np.exp(w)
        assert "A tape" in only(texts(h, "tape"))
        assert "still recording" in only(texts(h, "tape"))


def test_a_tape_that_has_not_given_its_gradient(w):
    with ag.GradientTape() as tape:
        h = np.exp(w)
    assert "has not given its gradient" in only(texts(h, "tape"))
    tape.gradient(h, w)
    assert texts(h, "tape") == []


def test_a_handle_that_was_computed_from_it(w):
    with ag.GradientTape() as tape:
        h = np.exp(w)
        loss = np.sum(np.log(h))
    tape.gradient(loss, w)
    array = h.array
    del h
    text = only(texts(array, "handle"))
    assert "variable loss of" in text
    assert "log saved it for the backward pass" in text
    assert "float(loss)" in text


def test_the_value_of_a_variable(w):
    assert "value of Variable 'weights'" in only(texts(w, "Variable"))


def test_the_function_that_vjp_gave():
    x = np.ones(3)
    held = []

    def f(v):
        held.append(np.exp(v))
        return held[0] * held[0]

    out, pull = ag.vjp(f, x)
    array = held.pop().array
    text = only(texts(array, "transform"))
    assert "ag.vjp" in text
    assert "multiply saved it" in text
    del out, pull
    assert texts(array, "transform") == []


def test_a_diagram(w):
    with ag.GradientTape() as tape:
        h = np.exp(w)
        y = np.sum(h)
    picture = tape.graph(y)
    tape.gradient(y, w)
    assert "The ag.Graph picture of" in only(texts(h, "graph"))
    del picture


def test_a_view_and_the_array_itself():
    x = ag.constant(np.ones((4, 4)))
    part = x.array[1:]
    found = texts(x)
    assert any("variable part" in text and "a view" in text for text in found)
    assert any("variable x" in text for text in found)
    assert ag.what_keeps(part).nbytes == 128


def test_a_traceback_that_is_kept():
    def fails():
        lost = ag.constant(np.ones(3))
        kept.append(lost.array)
        raise ValueError(lost.shape)

    kept = []
    try:
        fails()
    except ValueError as error:
        problem = error
    found = texts(kept[0])
    assert any("lost of fails()" in text and "traceback" in text for text in found)
    assert any("kept[0]" in text for text in found)
    del problem


def test_a_generator_that_waits():
    def chunks():
        piece = ag.constant(np.ones(3))
        yield piece.array
        yield piece

    waiting = chunks()
    array = next(waiting)
    assert any("piece of chunks()" in text and "generator" in text for text in texts(array))


@functools.lru_cache
def remembered(factor):
    with ag.GradientTape():
        return ag.constant(np.ones(3)) * factor


@functools.cache
def remembered_for_good(factor):
    return ag.constant(np.ones(3)) * factor


@pytest.mark.parametrize("function", [remembered, remembered_for_good])
def test_a_cache_of_a_function(function):
    array = function(2.0).array
    assert f"lru_cache entry {function.__name__}(...)" in "".join(texts(array))
    function.cache_clear()


def test_a_deque_and_a_partial(w):
    with ag.GradientTape():
        h = np.exp(w)
    array, recent, later = h.array, deque([(1, h)], maxlen=3), functools.partial(print, h)
    del h
    found = texts(array)
    assert any("recent[0][1] of test_a_deque" in text for text in found)
    assert any("later.args[0] of test_a_deque" in text for text in found)
    assert not any("something else" in text for text in found)  # these are all there is
    del recent, later


def test_a_default_argument(w):
    h = np.exp(w)
    array, hook = h.array, lambda ct, kept=h: ct
    del h
    assert any("__defaults__[0] of the function test_a_default" in text for text in texts(array))
    del hook


def test_what_is_kept_by_an_exception_goes_with_it(w):
    def fails():
        piece = ag.constant(np.ones(3))
        arrays.append(piece.array)
        raise ValueError

    arrays = []
    try:
        fails()
    except ValueError as error:
        problem = error
    (text,) = [text for text in texts(arrays.pop()) if "piece of fails()" in text]
    assert "(kept by a traceback or a waiting generator) is this Tensor. Let the exception go" in text
    del problem


def test_state_of_an_optimizer_is_no_riddle(w):
    """What the library holds itself is not listed under names of its own making."""
    optimizer = optim.SGD(0.1, momentum=0.9)
    optimizer.apply_gradients([(np.ones(7), w)])
    assert texts(w) == ["It is the value of Variable 'weights'. It stays until the Variable is assigned."]


def test_nothing_but_the_question():
    text = str(ag.what_keeps(ag.constant(np.ones(3))))
    assert "nothing of yours keeps it" in text


def test_a_thousand_handles_are_counted(w):
    with ag.GradientTape(persistent=True) as tape:
        h = np.exp(w)
        many = [h * float(i) for i in range(1000)]
    found = texts(h, "handle")
    assert len(found) < 20
    assert any("more Tensors" in text for text in found)
    del many, tape


def test_a_deep_graph(w):
    with ag.GradientTape() as tape:
        first = np.exp(w)
        y = first
        for _ in range(50_000):
            y = y * 1.0
    assert any("has not given" in text for text in texts(first, "tape"))
    assert any("variable y" in text for text in texts(first, "handle"))
    del tape


@pytest.mark.parametrize("thing", [3.0, [1.0], None, "x"])
def test_other_things_are_refused(thing):
    with pytest.raises(ag.ConversionError, match="what_keeps: got a"):
        ag.what_keeps(thing)


def test_objects_that_do_not_want_to_be_looked_at(w):
    """Whose attributes raise, that compare oddly, or lie about what they are."""

    class Rude:
        def __init__(self, held):
            self.held = held

        @property
        def __class__(self):
            raise RuntimeError("do not ask")

        def __eq__(self, other):
            raise RuntimeError("do not compare")

        __hash__ = None

        def __getattr__(self, name):
            raise RuntimeError("no")

    x = ag.constant(np.ones(3))
    rude = Rude(x)
    assert any("rude.held" in text for text in texts(x))
    assert sys.getrefcount(rude) > 0
