"""GradientTape: what is watched, what a gradient is taken of, and when a tape is closed. TensorFlow's semantics."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import recording


def value(gradient):
    """Plain numbers of a gradient, or of a structure of them."""
    if isinstance(gradient, dict):
        return {key: value(entry) for key, entry in gradient.items()}
    if isinstance(gradient, (list, tuple)):
        return type(gradient)(value(entry) for entry in gradient)
    return None if gradient is None else gradient.tolist()


# -- what is watched ---------------------------------------------------------------------------------------------------


def test_a_trainable_variable_is_watched_when_read():
    """No watch is needed for a trainable Variable; its gradient has its shape and dtype."""
    w = ag.Variable(np.ones((2, 3), np.float32))
    with ag.GradientTape() as tape:
        y = w * w
    gradient = tape.gradient(y, w)
    assert isinstance(gradient, ag.Tensor)
    assert gradient.shape == w.shape
    assert gradient.dtype == w.dtype
    assert value(gradient) == [[2.0] * 3] * 2


@pytest.mark.parametrize("when", ["never", "late", "in time"])
def test_a_variable_that_is_not_trainable_counts_from_its_watch_on(when):
    """Reads before the watch are constants."""
    v, n = ag.Variable(2.0), ag.Variable(5.0, trainable=False)
    with ag.GradientTape() as tape:
        if when == "in time":
            tape.watch(n)
        y = v * n
        if when == "late":
            tape.watch(n)
    assert value(tape.gradient(y, [v, n])) == [5.0, 2.0 if when == "in time" else None]


def test_without_watching_accessed_variables_only_what_is_given_counts():
    """watch_accessed_variables=False leaves everything to watch()."""
    v, u = ag.Variable(2.0), ag.Variable(3.0)
    with ag.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = v * u
    assert value(tape.gradient(y, {"v": v, "rest": (u, [v])})) == {"v": 3.0, "rest": (None, [3.0])}


def test_a_tensor_counts_from_its_watch_on():
    """What was computed from a Tensor before the watch is a constant."""
    x = ag.constant(3.0)
    with ag.GradientTape() as tape:
        before = x * x
        tape.watch(x)
        y = before * x
    assert value(tape.gradient(y, x)) == 9.0


def test_a_tensor_may_be_watched_before_the_tape_is_entered():
    """watch() works from the moment the tape exists."""
    x, v = ag.constant(3.0), ag.Variable(2.0, trainable=False)
    tape = ag.GradientTape(persistent=True)
    tape.watch([x, v])
    with tape:
        y = x * x * v
    assert value(tape.gradient(y, {"x": x, "v": v})) == {"x": 12.0, "v": 9.0}
    assert value(tape.gradient(v, v)) == 1.0


def test_watched_variables_are_listed_in_the_order_they_were_read():
    """Each once, also after the gradient has closed the tape; never read and not trainable are left out."""
    a, b, _, fixed = (ag.Variable(1.0, trainable=name != "fixed", name=name) for name in ("a", "b", "unread", "fixed"))
    with ag.GradientTape() as tape:
        y = b * a * fixed
        y = y + b
    assert [variable.name for variable in tape.watched_variables()] == ["b", "a"]
    tape.gradient(y, a)
    assert [variable.name for variable in tape.watched_variables()] == ["b", "a"]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (np.ones(2), ag.ConversionError),
        (1.0, ag.ConversionError),
        (None, ag.ConversionError),
        (ag.constant(1), ag.DtypeError),
        (ag.Variable([True, False]), ag.DtypeError),
    ],
    ids=["array", "number", "None", "integer Tensor", "boolean Variable"],
)
def test_only_floating_tensors_and_variables_can_be_watched_or_be_sources(given, error):
    """Anything else is refused by name, by watch, gradient and jacobian alike."""
    x = ag.constant(1.0)
    with ag.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        with pytest.raises(error, match=r"GradientTape\.watch"):
            tape.watch([x, given])
    with pytest.raises(error, match=r"GradientTape\.gradient"):
        tape.gradient(y, [x, given])
    with pytest.raises(error, match=r"GradientTape\.jacobian"):
        tape.jacobian(y, given)


# -- targets and sources -----------------------------------------------------------------------------------------------


def test_a_target_that_is_not_a_scalar_is_summed_and_several_are_added():
    """d(sum of all entries of all targets); a target named twice counts twice."""
    x = ag.constant([1.0, 2.0])
    with ag.GradientTape(persistent=True) as tape:
        tape.watch(x)
        square, triple = x * x, 3.0 * x
    assert value(tape.gradient(square, x)) == [2.0, 4.0]
    assert value(tape.gradient([square, {"t": (triple,)}], x)) == [5.0, 7.0]
    assert value(tape.gradient([square, square], x)) == [4.0, 8.0]
    assert value(tape.gradient([x, x], x)) == [2.0, 2.0]


def test_intermediate_values_are_sources_and_targets():
    """A source between target and inputs gets its own gradient and hides nothing from the others."""
    x = ag.constant(3.0)
    with ag.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    assert value(tape.gradient([y, z], [y, x])) == [19.0, 114.0]
    assert value(tape.gradient(z, [x, y, x])) == [108.0, 18.0, 108.0]
    assert value(tape.gradient(y, [z])) == [None]
    assert value(tape.gradient(z, z)) == 1.0


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_variable_is_its_own_gradient_once(reads):
    """d v / d v is 1, however often v was read, and through whatever frames."""
    v = ag.Variable([2.0, 3.0])
    with ag.GradientTape() as tape:
        tape.watch(v)
        for _ in range(reads):
            v * 1.0
            with ag.GradientTape():
                v * 1.0
    assert value(tape.gradient(v, v)) == [1.0, 1.0]


@pytest.mark.parametrize("sources", [[], (), {}, {"a": [(), {}]}], ids=str)
def test_a_structure_without_leaves_gives_itself_back(sources):
    """No sources, no gradients, no error."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, sources) == sources


def test_sources_give_back_their_structure():
    """Nested dicts, lists and tuples come back as they are, dicts in their own order."""
    a, b, c = (ag.Variable(value) for value in (2.0, 3.0, 5.0))
    with ag.GradientTape() as tape:
        y = a * b * c
    gradients = tape.gradient(y, {"z": a, "nested": [b, (c, [a])]})
    assert list(gradients) == ["z", "nested"]
    assert value(gradients) == {"z": 15.0, "nested": [10.0, (6.0, [15.0])]}


@pytest.mark.parametrize(("unconnected", "expected"), [("none", None), ("zero", [[0.0, 0.0]])])
def test_unconnected_sources(unconnected, expected):
    """None by default, zeros of the source's shape and dtype on request."""
    v, u = ag.Variable(2.0), ag.Variable(np.ones((1, 2), np.float32))
    with ag.GradientTape() as tape:
        u * 1.0  # read, but not part of the target
        y = v * v
    of_v, of_u = tape.gradient(y, [v, u], unconnected_gradients=unconnected)
    assert value(of_v) == 4.0
    assert value(of_u) == expected
    assert of_u is None or of_u.dtype == np.float32


@pytest.mark.parametrize("method", ["gradient", "jacobian"])
def test_an_unknown_choice_for_unconnected_sources_is_refused(method):
    """The message names both choices; the tape stays usable."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = v * v
    with pytest.raises(ValueError, match='"none" or "zero"'):
        getattr(tape, method)(y, v, unconnected_gradients="zeros")
    assert value(tape.gradient(y, v)) == 4.0


def test_a_target_made_outside_is_unconnected():
    """Operations after the with block are not recorded."""
    v = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        y = v * v
    assert tape.gradient(y * 3.0, v) is None
    assert tape.gradient(ag.constant(1.0), v) is None
    assert value(tape.gradient(y, v)) == 4.0


@pytest.mark.parametrize("target", [4.0, np.float64(4.0), np.ones(2), None], ids=["number", "scalar", "array", "None"])
def test_a_target_that_left_the_graph_is_refused(target):
    """Not a silent None: the message says how a value loses its gradient."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        v * v
    with pytest.raises(ag.ConversionError, match=r"\.numpy\(\)"):
        tape.gradient(target, v)


def test_a_target_of_integers_is_refused():
    """Integers have no derivative, and the message says what ends a path."""
    v = ag.Variable([2.0, 1.0])
    with ag.GradientTape() as tape:
        index = np.argmax(v)
    with pytest.raises(ag.DtypeError, match="argmax"):
        tape.gradient(index, v)


def test_output_gradients_weigh_the_targets():
    """One cotangent per target, in the target's structure; None stands for ones; NumPy arrays and lists will do."""
    v = ag.Variable([2.0, 3.0])
    with ag.GradientTape(persistent=True) as tape:
        square, triple = v * v, 3.0 * v
    assert value(tape.gradient(square, v, output_gradients=np.array([1.0, 10.0]))) == [4.0, 60.0]
    assert value(tape.gradient(square, v, output_gradients=[1.0, 10.0])) == [4.0, 60.0]
    weights = {"a": ag.constant([0.0, 1.0]), "b": (None,)}
    assert value(tape.gradient({"a": square, "b": (triple,)}, v, output_gradients=weights)) == [3.0, 9.0]


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        (np.ones(3), ag.ShapeError),
        (1.0, ag.ShapeError),
        (np.ones(2) * 1j, ag.DtypeError),
        ("ab", ag.ConversionError),
    ],
    ids=["shape", "scalar", "complex", "text"],
)
def test_output_gradients_must_fit_their_target(weights, error):
    """Nothing is broadcast, and no imaginary part dropped."""
    v = ag.Variable([2.0, 3.0])
    with ag.GradientTape(persistent=True) as tape:
        y = v * v
    with pytest.raises(error):
        tape.gradient(y, v, output_gradients=weights)
    with pytest.raises(ag.StructureError):
        tape.gradient([y, y], v, output_gradients=[np.ones(2)])


def test_an_output_gradient_is_differentiated_by_an_outer_tape():
    """The gradient is linear in its cotangent, be it a Tensor or a Variable."""
    x, ct, weight = ag.constant([2.0, 3.0]), ag.constant([1.0, 1.0]), ag.Variable([1.0, 1.0])
    with ag.GradientTape() as outer:
        outer.watch(ct)
        with ag.GradientTape(persistent=True) as inner:
            inner.watch(x)
            y = x * x
        first, second = inner.gradient(y, x, ct), inner.gradient(y, x, weight)
        del inner
    assert value(outer.gradient([first, second], [ct, weight])) == [[4.0, 6.0], [4.0, 6.0]]


# -- Jacobians ---------------------------------------------------------------------------------------------------------


def test_jacobian_has_the_shape_of_the_target_followed_by_the_source():
    """Entry [i, j] is d target[i] / d source[j]; structures and unconnected sources as for gradient."""
    x, other = ag.constant([1.0, 2.0, 3.0]), ag.constant([[1.0]])
    with ag.GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        y = np.stack([x * x, 2.0 * x])
    jacobian = tape.jacobian(y, {"x": x, "other": other})
    assert jacobian["other"] is None
    np.testing.assert_array_equal(jacobian["x"].numpy(), [np.diag([2.0, 4.0, 6.0]), np.diag([2.0] * 3)])
    zero = tape.jacobian(y, other, unconnected_gradients="zero")
    assert zero.shape == (2, 3, 1, 1)
    assert not zero.numpy().any()
    assert tape.jacobian(y[:, :0], x).shape == (2, 0, 3)


def test_jacobian_closes_a_tape_that_is_not_persistent():
    """One Jacobian, as one gradient."""
    x = ag.constant([1.0, 2.0])
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.jacobian(y, x)
    with pytest.raises(ag.TapeError, match="jacobian"):
        tape.jacobian(y, x)


def test_the_jacobian_of_a_gradient_is_the_hessian():
    """Tapes nest: the outer one records the inner one's walk."""
    x = ag.constant([1.0, 2.0, 3.0])
    with ag.GradientTape() as outer:
        outer.watch(x)
        with ag.GradientTape() as inner:
            inner.watch(x)
            y = np.prod(x)
        gradient = inner.gradient(y, x)
    hessian = outer.jacobian(gradient, x)
    np.testing.assert_allclose(hessian.numpy(), [[0, 3, 2], [3, 0, 1], [2, 1, 0]], rtol=1e-15)


def test_batch_jacobian_takes_each_example_alone():
    """Entry b is the Jacobian of example b; zeros where unconnected, as in TensorFlow."""
    x, other = ag.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), ag.constant(np.ones((3, 1)))
    with ag.GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        y = np.stack([x[:, 0] * x[:, 1], x[:, 0], x[:, 1] ** 2], axis=1)
    found = tape.batch_jacobian(y, x).numpy()
    expected = [[[b, a], [1, 0], [0, 2 * b]] for a, b in x.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert not tape.batch_jacobian(y, other).numpy().any()
    with pytest.raises(ag.ShapeError, match="batch"):
        tape.batch_jacobian(y, ag.constant(np.ones((2, 2))))
    with pytest.raises(ag.ConversionError, match="batch_jacobian"):
        tape.batch_jacobian([y], x)


# -- order -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_nested_tapes_give_higher_derivatives(order):
    """The n-th derivative of x**5 by n tapes inside one another, all watching the same Tensor."""
    x = ag.constant(2.0)
    tapes = [ag.GradientTape() for _ in range(order)]

    def derivative(n):
        if n == 0:
            return x**5.0
        with tapes[n - 1] as tape:
            tape.watch(x)
            below = derivative(n - 1)
        return tape.gradient(below, x)

    assert derivative(order).item() == pytest.approx([80.0, 160.0, 240.0, 240.0][order - 1])
    assert recording.current() is None


def test_a_persistent_tape_differentiates_its_own_gradient():
    """Asked inside its with block, a persistent tape records its own walk."""
    v = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        y = v * v * v
        first = tape.gradient(y, v)
        second = tape.gradient(first, v)
    assert value([first, second, tape.gradient(second, v)]) == [12.0, 12.0, 6.0]


def test_inner_and_outer_tape_watch_different_things():
    """A tape knows only what it watches itself; the mixed derivative needs both."""
    x, y = ag.constant(2.0), ag.constant(3.0)
    with ag.GradientTape(persistent=True) as outer:
        outer.watch(y)
        with ag.GradientTape() as inner:
            inner.watch(x)
            z = x * x * y
        by_x = inner.gradient(z, x)
    assert value(outer.gradient(by_x, [x, y])) == [None, 4.0]
    assert value(outer.gradient(z, [x, y])) == [None, 4.0]
