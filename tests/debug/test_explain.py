"""explain: one program for each cause of a gradient that is None, zero or not finite, and programs that have one."""

import gc
import inspect
import threading
import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from tests.debug import programs

# Each program returns (tape, target, source). The line that is to be named ends in `# here`; without one no line is.


def never_watched():
    x = ag.constant(3.0)
    with ag.GradientTape() as tape:
        y = x * x  # here
    return tape, y, x


def not_trainable():
    v = ag.Variable(3.0, trainable=False, name="v")
    with ag.GradientTape() as tape:
        y = v * v  # here
    return tape, y, v


def outside_before():
    w = ag.Variable(3.0, name="w")
    y = w * w  # here
    with ag.GradientTape() as tape:
        pass
    return tape, y, w


def outside_after():
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape:
        x = w * 2.0
    y = x * x  # here
    return tape, y, w


def on_another_thread():
    w = ag.Variable(3.0, name="w")
    found = []
    with ag.GradientTape() as tape:
        thread = threading.Thread(target=lambda: found.append(w * w))
        thread.start()
        thread.join()
    return tape, found[0], w


def tape_closed():
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape:
        x = w * w
        tape.gradient(x, w)
        y = x * 2.0  # here
    return tape, y, w


def tape_paused():
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape:
        x = w * w
        with tape.stop_recording():
            y = x * 2.0  # here
        z = y * 3.0
    return tape, z, w


def all_of_it_paused():
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape, tape.stop_recording():
        y = w * w  # here
    return tape, y, w


def left_through_numpy():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        x = np.sin(w)
        total = x.numpy().sum()  # here
        y = ag.constant(total) * 2.0
    return tape, y, w


def left_through_float():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        x = w * w
        y = v * float(x)  # here
    return tape, y, w


def left_through_asarray():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        x = np.sin(w)
    total = np.asarray(x).sum()  # here
    return tape, ag.constant(total), w


def left_before_anything_read_it():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        y = v * w.item()  # here
    return tape, y, w


def chosen_by_a_comparison():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        large = w > 2.0  # here
        y = v * (2.0 if large else 1.0)
    return tape, y, w


def chosen_by_an_argmax():
    w, v = ag.Variable([3.0, 4.0], name="w"), ag.Variable([1.0, 2.0], name="v")
    with ag.GradientTape() as tape:
        best = np.argmax(w * 2.0)  # here
        y = v[best] * 2.0
    return tape, y, w


def used_again_when_closed():
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape:
        tape.gradient(w * w, w)
        y = w * 5.0  # here
    return tape, y, w


def watched_too_late():
    x, v = ag.constant(3.0), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        y = x * v  # here
        tape.watch(x)
    return tape, y, x


def on_another_thread_and_used():
    w, made = ag.Variable(3.0, name="w"), []
    with ag.GradientTape() as tape:
        thread = threading.Thread(target=lambda: made.append(w * w))
        thread.start()
        thread.join()
        y = made[0] * 2.0
    return tape, y, w


def comparison():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        large = w > 3.5  # here
        y = np.sum(large.astype("float64"))
    return tape, y, w


def integer_target():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        y = np.argmax(w * 2.0)  # here
    return tape, y, w


def gradient_stopped():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        x = w * w
        y = v * ag.stop_gradient(x)  # here
    return tape, y, w


def overwritten_before_use():
    x = ag.constant([1.0, 2.0])
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = np.sum(x * x)
        x += 1.0  # here
    return tape, y, x


def assigned_to_a_variable():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        v.assign(w * w)  # here
        y = v * 2.0
    return tape, y, w


def not_used():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        y = v * 2.0
    return tape, y, w


def used_for_something_else():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        w * 3.0  # here
        y = v * 2.0
    return tape, y, w


def relu_below_zero():
    w = ag.Variable([-1.0, -2.0], name="w")
    with ag.GradientTape(persistent=True) as tape:
        x = np.maximum(w, 0.0)  # here
        y = np.sum(x * 3.0)
    return tape, y, w


def relu_layer_below_zero():
    w = ag.Variable([-1.0, -2.0], name="w")
    with ag.GradientTape(persistent=True) as tape:
        x = nn.activations.relu(w)  # here
        y = np.sum(x * 3.0)
    return tape, y, w


def clipped():
    w = ag.Variable([10.0, -20.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.clip(w, -1.0, 1.0))  # here
    return tape, y, w


def saturated():
    w = ag.Variable([1000.0, -1000.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(nn.activations.sigmoid(w))  # here
    return tape, y, w


def saturated_tanh():
    w = ag.Variable([30.0, 40.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.tanh(w))  # here
    return tape, y, w


def branch_not_taken():
    w, v = ag.Variable([3.0, 4.0], name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        x = w * w
        y = np.sum(np.where([True, True], v, x))  # here
    return tape, y, w


def index_not_taken():
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        both = np.stack([w * 2.0, v])  # here
        y = both[1] * 2.0
    return tape, y, w


def entries_overwritten():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        x = w * 2.0
        x[...] = 1.0  # here
        y = np.sum(x)
    return tape, y, w


def entries_overwritten_one_by_one():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        x = w * 2.0
        x[0] = 1.0  # here
        x[1] = 1.0
        y = np.sum(x)
    return tape, y, w


def no_entries_chosen():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(w[2:])  # here
    return tape, y, w


def softmax_added_up():
    w = ag.Variable([1.0, 2.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(nn.activations.softmax(w))  # here
    return tape, y, w


def underflow_of_a_product():
    w = ag.Variable(np.full(500, 1e-3), name="w")
    with ag.GradientTape() as tape:
        y = np.prod(w)  # here
    return tape, y, w


def rounded():
    w = ag.Variable([3.2, 4.7], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.round(w * 2.0))  # here
    return tape, y, w


def floored():
    w = ag.Variable([3.2, 4.7], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.floor(w))  # here
    return tape, y, w


def times_zero():
    w, v = ag.Variable([3.0, 4.0], name="w"), ag.Variable([0.0, 0.0], name="v")
    with ag.GradientTape() as tape:
        y = np.sum(w * v)  # here
    return tape, y, w


def underflow():
    w = ag.Variable(np.float32(3.0), name="w")
    with ag.GradientTape() as tape:
        x = w * np.float32(1e-30)  # here
        y = x * np.float32(1e-30)
    return tape, y, w


def underflow_of_exp():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.exp(w - 2000.0))  # here
    return tape, y, w


def cancelled():
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape:
        y = w * 2.0 - w * 2.0
    return tape, y, w


def stationary():
    w = ag.Variable(0.0, name="w")
    with ag.GradientTape() as tape:
        y = np.cos(w)  # here
    return tape, y, w


def nan_forward():
    w = ag.Variable([3.0, -4.0], name="w")
    with ag.GradientTape() as tape:
        x = w * 2.0
        y = np.sum(np.log(x))  # here
    return tape, y, w


def infinite_backward():
    w = ag.Variable([3.0, 0.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.sqrt(w))  # here
    return tape, y, w


PROGRAMS = {
    never_watched: "not watched",
    not_trainable: "not watched",
    outside_before: "outside",
    outside_after: "outside",
    on_another_thread: "outside",
    tape_closed: "closed",
    tape_paused: "paused",
    all_of_it_paused: "paused",
    left_through_numpy: "left",
    left_through_float: "left",
    left_through_asarray: "left",
    left_before_anything_read_it: "left",
    chosen_by_a_comparison: "integer",
    chosen_by_an_argmax: "integer",
    used_again_when_closed: "closed",
    watched_too_late: "not watched",
    on_another_thread_and_used: "outside",
    comparison: "integer",
    integer_target: "integer",
    gradient_stopped: "stop_gradient",
    overwritten_before_use: "overwritten",
    assigned_to_a_variable: "assigned",
    not_used: "unused",
    used_for_something_else: "unused",
    relu_below_zero: "clipped",
    relu_layer_below_zero: "clipped",
    clipped: "clipped",
    saturated: "saturated",
    saturated_tanh: "saturated",
    branch_not_taken: "branch",
    index_not_taken: "index",
    entries_overwritten: "overwritten",
    entries_overwritten_one_by_one: "overwritten",
    no_entries_chosen: "index",
    softmax_added_up: "flat",
    underflow_of_a_product: "underflow",
    rounded: "step",
    floored: "step",
    times_zero: "zero factor",
    underflow: "underflow",
    underflow_of_exp: "underflow",
    cancelled: "cancelled",
    stationary: "flat",
    nan_forward: "nan",
    infinite_backward: "infinity",
}


def line_of(program):
    """Where the line that ends in `# here` is, as ``file:line``; None without one."""
    lines, first = inspect.getsourcelines(program)
    for offset, line in enumerate(lines):
        if line.rstrip().endswith("# here"):
            return f"{__file__}:{first + offset}"
    return None


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_cause_and_line(program):
    """Run once more by explain itself: the cause is right, and the line."""
    with np.errstate(all="ignore"):
        found = ag.explain(program)
    assert found.cause == PROGRAMS[program], str(found)
    if program not in (cancelled,):
        assert found.place == line_of(program), str(found)
    assert "the Tensor of shape" in found.sentence or "Variable" in found.sentence
    assert found.cure
    assert found.path


# A tape does not hear of what leaves when none is recording any more; the sentence names that, too.
OFFHAND = {left_through_asarray: "outside"}


@pytest.mark.parametrize("taken", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_cause_from_the_tape_alone(program, taken):
    """Without another run the cause is right as well, before and after the gradient was taken, but for a few."""
    with np.errstate(all="ignore"), ag.record_details():
        tape, target, source = program()
        if taken and not tape._used and target.dtype.kind == "f":
            with np.errstate(all="ignore"):
                tape.gradient(target, source)
        found = ag.explain(tape, target, source)
    assert found.cause == OFFHAND.get(program, PROGRAMS[program]), str(found)
    place = line_of(program)
    if found.place and place and found.cause != "paused":
        assert found.place == place, str(found)


def masked_infinity():
    w = ag.Variable([3.0, 0.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.where(w > 0.0, np.log(w), 0.0))
    return tape, y, w


def test_a_finite_gradient_is_not_called_infinite():
    """A zero or a choice has masked it; the origin is mentioned all the same. Only the target may be not finite."""
    with np.errstate(all="ignore"):
        found, spoilt = ag.explain(masked_infinity), ag.explain(*infinite_target())
    assert found.cause == "connected"
    assert "on the way log made an infinity" in found.sentence
    assert spoilt.cause == "nan"
    assert spoilt.sentence.startswith("the gradient of Variable 'w' is finite, but the target is not: log made a NaN")


def infinite_target():
    w = ag.Variable([-3.0, 1.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(np.log(w))
    return tape, y, w


def test_a_second_run_keeps_nothing():
    """Not until the next garbage collection either."""
    kept = []

    def program():
        w = ag.Variable(np.ones(10), name="w")
        with ag.GradientTape() as tape:
            y = ag.stop_gradient(w * 2.0) * 3.0
        kept.extend((weakref.ref(w), weakref.ref(tape)))
        return tape, y, w

    gc.disable()
    try:
        assert ag.explain(program).cause == "stop_gradient"
        assert [each() for each in kept] == [None, None]
    finally:
        gc.enable()


def test_a_source_without_entries():
    """Zero of zero entries is no fault."""
    w = ag.Variable(np.zeros((0, 3)), name="w")
    with ag.GradientTape() as tape:
        y = np.sum(w * 2.0)
    assert ag.explain(tape, y, w).cause == "connected"


def connected():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape() as tape:
        y = np.sum(w * w)
    return tape, y, w


def connected_in_part():
    w = ag.Variable([3.0, 4.0], name="w")
    with ag.GradientTape(persistent=True) as tape:
        y = w[1] * 2.0
    tape.gradient(y, w)
    return tape, y, w


def connected_and_closed():
    tape, y, w = connected()
    tape.gradient(y, w)
    return tape, y, w


@pytest.mark.parametrize("program", [connected, connected_in_part, connected_and_closed])
def test_a_connected_program_says_so(program):
    """A gradient that is as it should be is called that, with its size, and the tape is not used up."""
    for found in (ag.explain(program), ag.explain(*program())):
        assert found.cause == "connected"
        assert "has a gradient: entries up to" in found.sentence
        assert found.path[0] == "Variable 'w'"
        assert not found.cure
    tape, y, w = connected()
    ag.explain(tape, y, w)
    np.testing.assert_allclose(tape.gradient(y, w).numpy(), [6.0, 8.0])


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed):
    """Clean ones are connected, whether run again or not; in poisoned ones the operation is named, and its line."""
    for poison, cause in (((), "connected"), (programs.POISON, "nan"), (programs.POISON_BACKWARD, "infinity")):
        variable, run, name = programs.program(seed, poison)

        def taken(variable=variable, run=run):
            with ag.GradientTape() as tape:
                total = run()
            return tape, total, variable

        with np.errstate(all="ignore"):
            found, offhand = ag.explain(taken), ag.explain(*taken())
            tape, total, _ = taken()
            gradient = tape.gradient(total, variable).numpy()
        assert found.cause == offhand.cause
        if np.isfinite(gradient).all() and np.isfinite(total.numpy()):
            assert found.cause == "connected"
            assert (f"on the way {name} made an infinity" in found.sentence) == bool(name)
            continue
        assert found.cause == cause or {found.cause, cause} == {"nan", "infinity"}, str(found)
        if name:
            assert f"{name} made" in found.sentence or f"the derivative of {name} " in found.sentence
            assert found.place.startswith(programs.__file__)


def test_it_reads_well():
    """The text is one sentence, the path, the line and the cure, each on a line of its own."""
    lines = str(ag.explain(relu_below_zero)).split("\n")
    assert lines[0].startswith("the gradient of Variable 'w' is zero: maximum is constant")
    assert lines[1] == "path: Variable 'w' -> maximum"
    assert lines[2] == f"at: {line_of(relu_below_zero)}"
    assert lines[3].startswith("cure: ")
    assert "No such" not in str(ag.explain(connected))


def test_a_long_path_is_shortened():
    """In the text, not in the field."""

    def program():
        w = ag.Variable(0.5, name="w")
        with ag.GradientTape() as tape:
            x = w * 1.0
            for _ in range(2000):
                x = x + 0.0
        return tape, x, w

    found = ag.explain(program)
    assert len(found.path) == 2002
    assert len(str(found).split("path: ")[1].split(" -> ")) < 15


def test_inside_a_layer_the_scope_is_said():
    """A dead layer of a model is named."""
    model = nn.Sequential([nn.layers.Dense(4, activation="relu", input_dim=2, name="dead"), nn.layers.Dense(1)])
    model.layers[0].set_weights([-np.ones((2, 4)), -np.ones(4)])
    x = np.ones((3, 2), np.float32)
    with ag.GradientTape() as tape:
        loss = np.sum(model(x))
    found = ag.explain(tape, loss, model.layers[0].weights[0])
    assert found.cause == "clipped"
    assert "in scope sequential/dead" in found.sentence


def test_an_operation_without_a_rule():
    """A path through an operation that has no rule is said to have none."""

    @ag.primitive
    def strange(x):
        return x * 2.0

    strange.defvjp(None)
    w = ag.Variable(1.0)
    with ag.GradientTape() as tape:
        y = strange(w)
    found = ag.explain(tape, y, w)
    assert found.cause == "no rule"
    assert "strange has no VJP rule" in found.sentence


def test_hooks_are_seen():
    """A hook that returns zeros is the cause; one of the source itself is mentioned."""
    w = ag.Variable(2.0, name="w")
    with ag.GradientTape(persistent=True) as tape:
        h = w * w
        handle = h.register_gradient_hook(lambda gradient: gradient * 0.0)
        y = h * 3.0
    found = ag.explain(tape, y, w)
    assert (found.cause, found.path) == ("hook", ("Variable 'w'", "multiply"))
    handle.remove()
    own = w.register_gradient_hook(lambda gradient: gradient * 0.0)
    assert "its own gradient hooks may change that" in ag.explain(tape, y, w).sentence
    own.remove()
    assert "hooks" not in ag.explain(tape, y, w).sentence


def test_a_compiled_function_is_one_operation_to_the_tape():
    """Run by explain it is looked into; from the tape alone it is said how."""
    w = ag.Variable([1.0, 2.0], name="w")

    @ag.function(jit="numpy")
    def f(x):
        return np.sum(np.maximum(x, 0.0))

    def program():
        with ag.GradientTape() as tape:
            y = f(w * -1.0)
        return tape, y, w

    inside, outside = ag.explain(program), ag.explain(*program())
    assert (inside.cause, inside.path) == ("clipped", ("Variable 'w'", "multiply", "maximum"))
    assert outside.cause == "flat"
    assert "f is made of operations" in outside.cure


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda tape, x: ag.explain(tape, 3.0, x), "the target is a float"),
        (lambda tape, x: ag.explain(tape, x, [x, 3]), "the source is a int"),
        (lambda tape, x: ag.explain(3), "the first argument is a int"),
        (lambda tape, x: ag.explain(lambda: x), "the program returned a Tensor"),
    ],
)
def test_bad_arguments(call, match):
    """What is no Tensor, tape or program is refused in words."""
    with pytest.raises(ag.ConversionError, match=match):
        call(ag.GradientTape(), ag.constant(1.0))


def test_an_error_in_the_program_is_the_programs():
    """It goes through, and nothing stays behind."""

    def program():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ag.explain(program)


# -- optimizers --------------------------------------------------------------------------------------------------------


def test_an_optimizer_says_why():
    """apply_gradients says the same of a None, with the line where the value left."""
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        x = w * w
        y = v * float(x)
    line = inspect.currentframe().f_lineno - 1
    gradients = tape.gradient(y, [w, v])
    with pytest.warns(UserWarning, match=r"no gradient \(None\) for 'w'. .*left the tape through float\(\)") as caught:
        optim.SGD(0.1).apply_gradients(zip(gradients, [w, v], strict=True))
    assert f"At {__file__}:{line}." in str(caught[0].message)
    assert ag.explain_none(v) is None


def test_an_optimizer_that_does_not_know():
    """A None that no tape has given gets the old words."""
    w, v = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="v")
    with pytest.raises(ag.DomainError, match="were they used inside the tape"):
        optim.SGD(0.1).apply_gradients([(None, w), (None, v)])


def test_nothing_is_kept_alive():
    """Neither the graph nor the arrays, only what is said of the source."""
    import gc
    import weakref

    w, v = ag.Variable(np.ones(1000), name="w"), ag.Variable(1.0, name="v")
    with ag.GradientTape() as tape:
        x = w * 2.0
        y = v * float(np.sum(x))
    kept = weakref.ref(x.node)
    assert tape.gradient(y, w) is None
    del x
    gc.collect()
    assert kept() is None
    assert ag.explain(tape, y, w).cause == "left"
    gone = weakref.ref(w)
    del w, tape
    gc.collect()
    assert gone() is None
