"""detect_anomaly: the first NaN or infinity is found where it is made, forward, backward and in forward mode."""

import pickle
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import recording
from tests.debug import programs
from tests.debug.programs import POISON, POISON_BACKWARD, program


def found(run, variable):
    """What detect_anomaly reports of a program and its gradient; None if it finds nothing."""
    try:
        with ag.detect_anomaly():
            with ag.GradientTape() as tape:
                total = run()
            tape.gradient(total, variable)
    except ag.AnomalyError as error:
        return error
    return None


def check_poison(seed, poison, direction):
    variable, run, name = program(seed, poison)
    error = found(run, variable)
    assert error is not None, seed
    assert (error.operation, error.direction) == (name, direction), (seed, str(error))
    assert error.place.startswith(programs.__file__)
    target = next(node for node in error.graph.nodes if node.kind == "target")
    assert target.operation == name
    assert error.place.endswith(target.place)


@pytest.mark.parametrize("seed", range(100))
def test_the_poisoned_operation_is_named(seed):
    """In a random graph with one operation that makes a NaN or an infinity, that operation is named, and its line."""
    check_poison(seed, POISON, "forward")


@pytest.mark.parametrize("seed", range(50))
def test_the_poisoned_derivative_is_named(seed):
    """In a random graph with one operation whose derivative is not finite, that operation is named."""
    check_poison(seed, POISON_BACKWARD, "backward")


@pytest.mark.parametrize("seed", range(50))
def test_a_clean_graph_is_not_reported(seed):
    """Nothing is raised for a program in which all is finite, and its gradient is the same."""
    variable, run, _ = program(seed)
    with ag.GradientTape() as tape:
        total = run()
    expected = tape.gradient(total, variable).numpy()
    with ag.detect_anomaly(), ag.GradientTape() as tape:
        total = run()
        gradient = tape.gradient(total, variable)
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-12)


@pytest.mark.slow
def test_a_thousand_random_graphs():
    """The same for a thousand poisoned graphs, and a thousand clean ones."""
    for seed in range(100, 1100):
        check_poison(seed, *((POISON, "forward") if seed % 2 else (POISON_BACKWARD, "backward")))
        variable, run, _ = program(seed)
        assert found(run, variable) is None, seed


# -- what is said ----------------------------------------------------------------------------------------------------


def test_the_error_says_what_it_was_made_of():
    """Operation, line, entries with their inputs, cure and diagram."""
    w = ag.Variable([[1.0, 0.0], [0.0, 4.0]], name="w")
    with pytest.raises(ag.AnomalyError, match="divide made an infinity") as caught, ag.detect_anomaly():
        with ag.GradientTape(), ag.name_scope("head"):
            np.sum(3.0 / (w * 2.0))
    error = caught.value
    assert isinstance(error, FloatingPointError)
    assert (error.kind, error.direction) == ("infinity", "forward")
    assert [row["index"] for row in error.entries] == [(0, 1), (1, 0)]
    assert error.entries[0] == {"index": (0, 1), "value": np.inf, "inputs": (3.0, 0.0)}
    assert "in scope head" in str(error)
    assert "2 of 4 entries; the first is [0, 1]: divide(3, 0) = inf" in str(error)
    assert "epsilon" in error.cure
    assert [node.operation for node in error.graph.nodes if node.kind != "constant"][-2:] == ["multiply", "divide"]


def test_the_diagram_is_bounded():
    """However much was computed before, the diagram has no more operations than asked for."""
    w = ag.Variable(1.0)
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly(ancestors=5), ag.GradientTape():
        x = w * 1.0
        for _ in range(200):
            x = x + 0.0
        np.log(x - 1.0)
    assert sum(node.kind in ("operation", "target") for node in caught.value.graph.nodes) == 6


def test_without_a_tape():
    """Operations that nobody records are looked at as well."""
    x = ag.constant([1.0, -1.0])
    with pytest.raises(ag.AnomalyError, match=r"log made a NaN .*log\(-1\) = nan") as caught, ag.detect_anomaly():
        np.log(x)
    assert caught.value.graph is None
    assert caught.value.place.startswith(__file__)


def test_constants_inside_a_tape():
    """So is what is computed of constants between recorded operations."""
    w, data = ag.Variable(2.0), ag.constant([0.0, 1.0])
    with pytest.raises(ag.AnomalyError, match="divide made"), ag.detect_anomaly(), ag.GradientTape():
        w * (1.0 / data)


def test_a_nan_that_came_in():
    """A NaN in the data, or in a Variable, is said to have come in, and with what."""
    w = ag.Variable([1.0, np.nan], name="w")
    with pytest.raises(ag.AnomalyError, match="came in with Variable 'w'"), ag.detect_anomaly(), ag.GradientTape():
        w * 2.0
    v = ag.Variable([1.0, 1.0])
    with pytest.raises(ag.AnomalyError, match=r"came in with its argument 1 .*first \[0\]") as caught:
        with ag.detect_anomaly(), ag.GradientTape():
            v * np.array([np.nan, 1.0])
    assert caught.value.operation == "multiply"


def test_masks_of_infinity_are_meant():
    """An infinity that the program puts in is none; a NaN made of it is."""
    w = ag.Variable([1.0, 2.0, 3.0])
    with ag.detect_anomaly(), ag.GradientTape() as tape:
        scores = np.where([True, True, False], w, -np.inf)
        loss = np.sum(ag.numpy.exp(scores - np.max(scores)) * 2.0)
        gradient = tape.gradient(loss, w)
    assert np.isfinite(gradient.numpy()).all()
    with pytest.raises(ag.AnomalyError, match="subtract made a NaN"), ag.detect_anomaly(), ag.GradientTape():
        scores = np.where([False, False, False], w, -np.inf)
        scores - np.max(scores)


def test_zero_wins_over_an_infinite_derivative():
    """A masked entry whose derivative is infinite is no anomaly."""
    w = ag.Variable([4.0, 0.0])
    with ag.detect_anomaly(), ag.GradientTape() as tape:
        loss = np.sum(np.where(w > 0, np.sqrt(w), 0.0))
        gradient = tape.gradient(loss, w)
    np.testing.assert_allclose(gradient.numpy(), [0.25, 0.0])


def test_infinities_may_be_allowed():
    """With infinities=False only a NaN is an error."""
    w = ag.Variable([1.0, 0.0])
    with ag.detect_anomaly(infinities=False), ag.GradientTape() as tape:
        loss = np.sum(np.sqrt(w)) + np.sum(1.0 / w)
        assert np.isinf(loss.numpy())
        assert not np.isfinite(tape.gradient(loss, w).numpy()).all()
    with pytest.raises(ag.AnomalyError, match="log made a NaN"), ag.detect_anomaly(infinities=False):
        np.log(w - 2.0)


def test_a_sum_of_cotangents_that_overflows():
    """Two finite cotangents whose sum is infinite are said to have overflowed."""
    w = ag.Variable(1e-10)
    with pytest.raises(ag.AnomalyError, match="cotangent of the result of multiply") as caught, ag.detect_anomaly():
        with ag.GradientTape() as tape:
            x = w * 1.0
            y = x * 1e308 + x * 1e308 * 0.9
            tape.gradient(y, w)
    assert caught.value.direction == "backward"


# -- all ways of taking a derivative -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("take", "direction"),
    [
        (lambda f, x: ag.grad(lambda x: np.sum(f(x)))(x), "backward"),
        (lambda f, x: ag.vjp(f, x)[1](np.ones_like(x)), "backward"),
        (lambda f, x: ag.jvp(f, (x,), (np.ones_like(x),)), "tangent"),
        (lambda f, x: ag.jacobian(f, mode="rev")(x), "backward"),
        (lambda f, x: ag.jacobian(f, mode="fwd")(x), "tangent"),
        (lambda f, x: ag.grad(ag.checkpoint(lambda x: np.sum(f(x))))(x), "backward"),
    ],
    ids=["grad", "vjp", "jvp", "rows", "columns", "checkpoint"],
)
def test_every_derivative_is_watched(take, direction):
    """grad, vjp, jvp, both modes of jacobian and checkpoint name the operation with the infinite derivative."""
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly():
        take(lambda x: np.sqrt(x * 2.0) * 3.0, np.array([0.0, 1.0]))
    assert (caught.value.operation, caught.value.direction) == ("sqrt", direction)


def test_second_derivatives():
    """A second derivative that is not finite is named although the first one is."""
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly():
        ag.hessian(lambda x: np.sum(x**1.5))(np.array([0.0, 1.0]))
    assert caught.value.operation == "power"
    w = ag.Variable(0.0)
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly(), ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            y = w**1.5
        slope = inner.gradient(y, w)
        assert slope.numpy() == 0.0
        outer.gradient(slope, w)
    assert (caught.value.operation, caught.value.direction) == ("power", "backward")


def test_custom_gradients_are_watched():
    """A gradient function of the user's that sends an infinity is named, and so is a custom forward function."""

    @ag.custom_gradient(probe=False)
    def strange(x):
        return x * 2.0, lambda upstream: upstream * np.inf

    w = ag.Variable(3.0)
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly(), ag.GradientTape() as tape:
        tape.gradient(strange(w), w)
    assert (caught.value.operation, caught.value.direction) == ("strange", "backward")

    @ag.primitive
    def broken(x):
        return x * np.nan

    broken.defvjp(lambda ct, ans, x: ct)
    with pytest.raises(ag.AnomalyError, match="broken made a NaN"), ag.detect_anomaly(), ag.GradientTape():
        broken(w)


def test_compiled_functions():
    """A compiled function runs eagerly inside and gives the same; its bad operation is named; later it is a plan."""

    @ag.function(jit="numpy")
    def loss(x):
        return np.sum(np.log(x) * 2.0)

    good, bad = np.array([1.0, 2.0]), np.array([0.0, 2.0])
    expected = loss(good)
    with ag.detect_anomaly():
        assert loss(good) == expected
        assert isinstance(loss(good), np.float64)
        with pytest.raises(ag.AnomalyError) as caught:
            loss(bad)
        w = ag.Variable(good)
        with ag.GradientTape() as tape:
            value = loss(w)
        np.testing.assert_allclose(tape.gradient(value, w).numpy(), 2.0 / good)
    assert caught.value.operation == "log"
    assert caught.value.place.startswith(__file__)
    assert loss(bad) == -np.inf


def test_control_flow():
    """cond, scan and loops inside a compiled function are seen through."""

    @ag.function(jit="numpy")
    def run(x):
        return ag.fori_loop(0, 3, lambda i, y: np.log(y), x)

    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly():
        run(np.array(2.0))
    assert caught.value.operation == "log"


class Roots(nn.Layer):
    """sqrt of what may be 0."""

    def call(self, inputs):
        return np.sqrt(np.maximum(inputs, 0.0))


def model_with(layer):
    model = nn.Sequential([nn.layers.Dense(4, input_dim=3), layer, nn.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("eagerly", [True, False])
def test_inside_fit(eagerly):
    """fit inside the block names the operation of the layer, forward or backward, and the layer as its scope."""
    model = model_with(Roots(name="roots"))
    model.compile("sgd", "mse", run_eagerly=eagerly)
    model.layers[0].set_weights([np.zeros((3, 4), np.float32), np.zeros(4, np.float32)])
    x, y = np.ones((64, 3), np.float32), np.ones((64, 1), np.float32)
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly():
        model.fit(x, y, batch_size=2, epochs=2, verbose=0)
    assert (caught.value.operation, caught.value.direction) == ("sqrt", "backward")
    assert "roots" in str(caught.value)


# -- where it holds ----------------------------------------------------------------------------------------------------


def test_outside_of_the_block_nothing_is_looked_at():
    """Before and after the block, on another thread, and while it is left by an error, all is as ever."""
    w = ag.Variable(0.0)

    def gradient():
        with ag.GradientTape() as tape:
            y = np.sqrt(w)
        return tape.gradient(y, w).numpy()

    with pytest.raises(ag.AnomalyError), ag.detect_anomaly():
        gradient()
    assert np.isinf(gradient())
    results = []
    with ag.detect_anomaly():
        thread = threading.Thread(target=lambda: results.append(gradient()))
        thread.start()
        thread.join()
        with pytest.raises(ag.AnomalyError):
            gradient()
    assert np.isinf(results[0])


def test_blocks_nest_and_tapes_may_be_open():
    """A tape entered before the block is watched inside; an inner block's options hold inside of it."""
    w = ag.Variable([1.0, 0.0])
    with ag.GradientTape() as tape:
        x = w * 1.0
        with ag.detect_anomaly(), ag.detect_anomaly(infinities=False):
            y = np.sum(1.0 / x)
        with pytest.raises(ag.AnomalyError), ag.detect_anomaly():
            1.0 / x
    assert np.isinf(tape.gradient(y, w).numpy()).any()


@pytest.mark.parametrize("given", [-1, 2.5, True, "many"])
def test_bad_options(given):
    """A number of ancestors that is none is refused."""
    with pytest.raises(ag.DomainError, match="ancestors"), ag.detect_anomaly(ancestors=given):
        pass


def test_other_dtypes_and_shapes():
    """Complex numbers, float32 and arrays without entries."""
    with pytest.raises(ag.AnomalyError, match="divide made"), ag.detect_anomaly():
        ag.constant(1.0 + 1.0j) / ag.constant(0.0j)
    with pytest.raises(ag.AnomalyError, match=r"exp made an infinity .*exp\(100\) = inf"), ag.detect_anomaly():
        np.exp(ag.constant(np.float32(100.0)))
    with ag.detect_anomaly():
        assert np.sum(np.log(ag.constant(np.zeros((0, 3))))).item() == 0.0
        assert (ag.constant([1, 2]) // 2).numpy().tolist() == [0, 1]


def test_the_error_can_be_sent_elsewhere():
    """Pickled, without its diagram: a worker process may raise it."""
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly(), ag.GradientTape():
        np.log(ag.Variable(0.0))
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert (again.operation, again.entries, again.graph) == ("log", caught.value.entries, None)


def test_a_filled_array_is_seen():
    """x[i] = y with a NaN that came in is said to have come in; one that is made is found where it is made."""
    w = ag.Variable([1.0, -1.0])
    with pytest.raises(ag.AnomalyError, match=r"log made a NaN"), ag.detect_anomaly(), ag.GradientTape():
        x = ag.numpy.zeros(2)
        for i in range(2):
            x[i] = np.log(w[i])


def test_nothing_is_left_behind():
    """After the block tapes, scopes and details are as before, also if it was left by an error."""
    before = recording.setting_here()
    with pytest.raises(KeyError), ag.detect_anomaly():
        raise KeyError
    assert recording.current() is None
    assert recording.setting_here() is before
    with ag.record_details(), ag.GradientTape() as tape:
        with ag.detect_anomaly():
            x = ag.Variable(1.0) * 2.0
        y = x * 3.0
    assert [node.origin.place is not None for node in (x.node, y.node)] == [True, True]
    assert len(tape._record.nodes) == 2


def test_details_inside_do_not_end_it():
    """record_details inside notes what it notes, and the first NaN is found all the same."""
    w = ag.Variable(2.0)
    with pytest.raises(ag.AnomalyError, match="log made an infinity"), ag.detect_anomaly():
        with ag.record_details(), ag.GradientTape() as tape:
            y = w * w
        assert tape.graph().nodes[-1].seconds is not None
        with ag.GradientTape() as tape:
            y = y * w
        assert tape.graph().nodes[-1].seconds is None
        with ag.record_details():
            np.log(y * 0.0)


@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning")
@pytest.mark.parametrize(
    ("program", "said"),
    [
        (lambda: np.mean(ag.constant(np.zeros((0, 2)))), r"mean made a NaN out of no entries at all.*shape \(0, 2\)"),
        (lambda: ag.constant(np.inf) - np.inf, "subtract made a NaN out of infinities"),
    ],
)
def test_what_a_nan_was_made_of(program, said):
    """Not always of finite numbers."""
    with pytest.raises(ag.AnomalyError, match=said), ag.detect_anomaly():
        program()
