"""Gradient hooks: of Tensors, Variables and layers."""

import gc
import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn


def test_a_hook_sees_the_whole_gradient():
    """Of a value that is used twice it is given the sum, once; returning None changes nothing."""
    w, seen = ag.Variable([1.0, 2.0]), []
    with ag.GradientTape() as tape:
        h = w * 3.0
        h.register_gradient_hook(lambda gradient: seen.append(gradient.numpy()))
        y = np.sum(h * h + h)
    np.testing.assert_allclose(tape.gradient(y, w).numpy(), 3.0 * (2.0 * h.numpy() + 1.0))
    assert len(seen) == 1
    np.testing.assert_allclose(seen[0], 2.0 * h.numpy() + 1.0)


def test_what_it_returns_goes_on():
    """As the gradient of the value itself, and of all before it; hooks are called in order, each after the other."""
    w, order = ag.Variable(2.0), []

    def first(gradient):
        order.append(("first", gradient.item()))
        return gradient + 1.0

    def second(gradient):
        order.append(("second", gradient.item()))
        return gradient.numpy() * 10.0

    with ag.GradientTape() as tape:
        h = w * 3.0
        h.register_gradient_hook(first)
        h.register_gradient_hook(second)
        y = h * 5.0
    at_h, at_w = tape.gradient(y, [h, w])
    assert order == [("first", 5.0), ("second", 6.0)]
    assert (at_h.item(), at_w.item()) == (60.0, 180.0)


def test_a_hook_can_be_removed():
    """The others stay; removing twice does nothing."""
    w = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        h = w * 3.0
        handle = h.register_gradient_hook(lambda gradient: gradient * 10.0)
        other = h.register_gradient_hook(lambda gradient: gradient + 1.0)
        y = h * 1.0
    assert tape.gradient(y, w).item() == 33.0
    assert "registered" in repr(handle)
    handle.remove()
    handle.remove()
    assert "removed" in repr(handle)
    assert tape.gradient(y, w).item() == 6.0
    other.remove()
    assert tape.gradient(y, w).item() == 3.0


def test_a_watched_tensor_and_an_argument():
    """A leaf has hooks as well, and so has the argument of a transform."""
    x = ag.constant(2.0)
    with ag.GradientTape() as tape:
        tape.watch(x)
        x.register_gradient_hook(lambda gradient: gradient * 10.0)
        y = x * x
    assert tape.gradient(y, x).item() == 40.0

    def f(x):
        x.register_gradient_hook(lambda gradient: gradient * 10.0)
        h = x * x
        h.register_gradient_hook(lambda gradient: gradient + 1.0)
        return h * 3.0

    assert ag.grad(f)(2.0) == 160.0
    assert ag.vjp(f, 2.0)[1](1.0) == (160.0,)


def test_variables():
    """Of all its reads together, each time a tape gives the gradient; structures and zeros stay as they are."""
    w, v, seen = ag.Variable(2.0, name="w"), ag.Variable(1.0), []
    handle = w.register_gradient_hook(lambda gradient: seen.append(gradient.item()))
    twice = w.register_gradient_hook(lambda gradient: gradient * 2.0)
    with ag.GradientTape(persistent=True) as tape:
        y = w * w
        w.assign(3.0)
        y = y + w
    assert tape.gradient(y, {"w": w, "v": v})["w"].item() == 10.0
    assert seen == [5.0]
    assert tape.gradient(y, v, unconnected_gradients="zero").item() == 0.0
    handle.remove()
    twice.remove()
    assert tape.gradient(y, w).item() == 5.0


def test_a_persistent_tape_calls_it_each_time():
    """And a Jacobian at each of its rows."""
    w, seen = ag.Variable([1.0, 2.0]), []
    with ag.GradientTape(persistent=True) as tape:
        h = w * 2.0
        h.register_gradient_hook(lambda gradient: seen.append(gradient.numpy()))
        y = h * 3.0
    tape.gradient(y, w)
    tape.gradient(y, w)
    assert len(seen) == 2
    tape.jacobian(y, w)
    np.testing.assert_allclose(seen[2:], [[3.0, 0.0], [0.0, 3.0]])


def test_higher_order():
    """What a hook computes is recorded by an outer tape: the derivative of the hooked gradient is right."""
    w = ag.Variable(2.0)
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            h = w * w
            handle = h.register_gradient_hook(lambda gradient: gradient * w)
            y = h * 1.0
        slope = inner.gradient(y, w)  # 2 w * w
        handle.remove()
    assert slope.item() == 8.0
    assert outer.gradient(slope, w).item() == 8.0


def test_a_hook_elsewhere_leaves_second_derivatives_alone():
    """Also where the first derivative is 0."""
    w, v = ag.Variable(0.0), ag.Variable(1.0)
    with ag.GradientTape():
        kept = v * 2.0
        kept.register_gradient_hook(lambda gradient: None)
        with ag.GradientTape() as outer:
            with ag.GradientTape() as inner:
                y = w**2.0
            slope = inner.gradient(y, w)
        assert outer.gradient(slope, w).item() == 2.0


def test_zeros_win_with_hooks_too():
    """A masked entry with an infinite derivative stays 0, and the hook is called once."""
    w, seen = ag.Variable([4.0, 0.0]), []
    with ag.GradientTape() as tape:
        root = np.sqrt(w)
        root.register_gradient_hook(lambda gradient: seen.append(1))
        y = np.sum(np.where(w > 0, root, 0.0))
    np.testing.assert_allclose(tape.gradient(y, w).numpy(), [0.25, 0.0])
    assert seen == [1]


def test_complex_values():
    """A hook is given d/dx + i d/dy, as tapes give it, and returns that."""
    z, seen = ag.Variable(1.0 + 2.0j), []
    with ag.GradientTape() as tape:
        h = z * 1.0
        h.register_gradient_hook(lambda gradient: seen.append(gradient.item()))
        h.register_gradient_hook(lambda gradient: gradient * 1.0j)
        y = np.real(h * np.conj(h))
    gradient = tape.gradient(y, z).item()
    assert seen == [2.0 + 4.0j]
    assert gradient == (2.0 + 4.0j) * 1.0j


def test_what_is_kept_is_not_written_to():
    """A gradient that a hook keeps stays as it was, though the walk goes on with its arrays."""
    w, seen = ag.Variable(np.arange(4.0)), []
    with ag.GradientTape() as tape:
        x = w * 1.0
        x[1] = 5.0
        x.register_gradient_hook(seen.append)
        y = np.sum(x * x) + np.sum(x[:2])
    tape.gradient(y, w)
    np.testing.assert_allclose(seen[0].numpy(), [1.0, 11.0, 4.0, 6.0])


def test_checkpoint():
    """Hooks inside are called in the recomputation, once; hooks on what goes in once, with the sum."""
    w, inside, outside = ag.Variable(2.0), [], []

    @ag.checkpoint
    def f(x):
        h = x * x
        h.register_gradient_hook(lambda gradient: inside.append(gradient.item()))
        return h * 3.0

    with ag.GradientTape() as tape:
        x = w * 1.0
        x.register_gradient_hook(lambda gradient: outside.append(gradient.item()))
        y = f(x) + x
    assert tape.gradient(y, w).item() == 13.0
    assert (inside, outside) == ([3.0], [13.0])


@pytest.mark.parametrize("jit", ["numpy", "auto"])
def test_compiled_functions(jit):
    """In a plan a hook is called at each run, with that run's gradient, and may replace it."""
    w, seen = ag.Variable([1.0, 2.0]), []

    def halved(gradient):
        seen.append(gradient.numpy())
        return gradient * 0.5

    @ag.function(jit=jit)
    def step(scale):
        with ag.GradientTape() as tape:
            h = w * scale
            h.register_gradient_hook(halved)
            y = np.sum(h * h)
        return tape.gradient(y, w)

    for scale in (1.0, 2.0):
        found = step(ag.constant(scale))
        np.testing.assert_allclose(found.numpy(), np.array([1.0, 2.0]) * scale**2)
    np.testing.assert_allclose(seen, [[2.0, 4.0], [4.0, 8.0]])


def test_a_compiled_function_under_a_tape():
    """Its backward plan calls the hook, too."""
    seen = []

    @ag.function(jit="numpy")
    def f(x):
        h = x * x
        h.register_gradient_hook(lambda gradient: seen.append(gradient.numpy()))
        return np.sum(h * 3.0)

    w = ag.Variable([1.0, 2.0])
    for _ in range(2):
        with ag.GradientTape() as tape:
            y = f(w)
        np.testing.assert_allclose(tape.gradient(y, w).numpy(), [6.0, 12.0])
    np.testing.assert_allclose(seen, [[3.0, 3.0]] * 2)


def test_a_hook_on_a_variable_reaches_plans_that_are_there():
    """Registering one, and removing it, lets the function be traced again."""
    w = ag.Variable(2.0)

    @ag.function(jit="numpy")
    def step():
        with ag.GradientTape() as tape:
            y = w * w
        return tape.gradient(y, w)

    assert step().item() == 4.0
    handle = w.register_gradient_hook(lambda gradient: gradient * 10.0)
    assert step().item() == 40.0
    handle.remove()
    assert step().item() == 4.0


def test_a_derivative_of_a_hook_in_a_plan():
    """There is none, and that is said."""
    w = ag.Variable(2.0)

    @ag.function(jit="numpy")
    def second():
        with ag.GradientTape() as outer:
            with ag.GradientTape() as inner:
                h = w * w
                h.register_gradient_hook(lambda gradient: gradient * 2.0)
                y = h * h
            slope = inner.gradient(y, w)
        return outer.gradient(slope, w)

    with pytest.raises(ag.NotDifferentiableError, match="gradient_hook has no VJP rule"):
        second()


# -- layers ------------------------------------------------------------------------------------------------------------


def dense_model():
    model = nn.Sequential([nn.layers.Dense(3, input_dim=2, name="first"), nn.layers.Dense(1, name="second")])
    model.compile("sgd", "mse")
    return model


def gradients(model, x):
    with ag.GradientTape() as tape:
        loss = np.sum(model(x) ** 2.0)
    return [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]


def test_layers():
    """A hook of a layer is given the gradient of its output; what it returns goes on to its weights."""
    model, x, seen = dense_model(), np.ones((4, 2), np.float32), []
    before = gradients(model, x)
    layer = model.layers[0]
    handle = layer.register_gradient_hook(lambda gradient: seen.append(gradient.shape))
    zeros = layer.register_gradient_hook(lambda gradient: gradient * 0.0)
    after = gradients(model, x)
    assert seen == [(4, 3)]
    assert not after[0].any()
    assert not after[1].any()
    np.testing.assert_allclose(after[2], before[2])
    handle.remove()
    zeros.remove()
    zeros.remove()
    assert "removed" in repr(zeros)
    for one, other in zip(gradients(model, x), before, strict=True):
        np.testing.assert_allclose(one, other)
    model(x)  # without a tape


def test_a_layer_that_hands_its_input_through():
    """Its hook is given the gradient of its output alone."""
    dropout, w, seen = nn.layers.Dropout(0.5), ag.Variable(np.ones((2, 2), np.float32)), []
    dropout.register_gradient_hook(lambda gradient: seen.append(gradient.numpy()))
    with ag.GradientTape() as tape:
        x = w * np.float32(1.0)
        y = np.sum(dropout(x, training=False) * np.float32(3.0) + x)
    assert (tape.gradient(y, w).numpy() == 4.0).all()
    assert (seen[0] == 3.0).all()


def test_layers_in_fit():
    """The compiled step of fit calls it at each batch, also when it was registered after the first fit."""
    model, seen = dense_model(), []
    x, y = np.ones((64, 2), np.float32), np.ones((64, 1), np.float32)
    model.fit(x, y, batch_size=2, verbose=0)
    weights = model.layers[0].get_weights()[0].copy()
    handle = model.layers[0].register_gradient_hook(lambda gradient: seen.append(1) or gradient * 0.0)
    model.fit(x, y, batch_size=2, verbose=0)
    assert len(seen) == 32
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], weights)
    handle.remove()
    model.fit(x, y + 1, batch_size=2, verbose=0)  # the second layer alone may have fitted y to the last digit
    assert len(seen) == 32
    assert (model.layers[0].get_weights()[0] != weights).any()


# -- errors, memory ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "error", "match"),
    [
        (lambda g: np.zeros(3), ag.CotangentError, r"result of multiply returned shape \(3,\); the gradient has shape"),
        (lambda g: 0.0, ag.CotangentError, r"returned shape \(\)"),
        (lambda g: "none", ag.CotangentError, "returned a str"),
        (lambda g: g * 1j, ag.DtypeError, "returned dtype complex128"),
    ],
)
def test_what_a_hook_must_not_return(returned, error, match):
    """Another shape, a complex gradient for a real value, something else."""
    w = ag.Variable([1.0, 2.0])
    with ag.GradientTape() as tape:
        h = w * 2.0
        h.register_gradient_hook(returned)
        y = np.sum(h)
    with pytest.raises(error, match=match):
        tape.gradient(y, w)


def test_the_dtype_of_the_gradient_stays():
    """float64 from a hook becomes the float32 of its value."""
    w = ag.Variable(np.float32([1.0, 2.0]))
    with ag.GradientTape() as tape:
        h = w * 2.0
        h.register_gradient_hook(lambda gradient: np.array([1.5, 2.5]))
        y = np.sum(h)
    gradient = tape.gradient(y, w)
    assert gradient.dtype == np.float32
    assert gradient.numpy().tolist() == [3.0, 5.0]


def test_where_none_can_be_registered():
    """On what no tape tracks, or of something that is no function."""
    with pytest.raises(ag.TapeError, match="no tape tracks this Tensor"):
        ag.constant(1.0).register_gradient_hook(print)
    w = ag.Variable(1.0)
    with ag.GradientTape() as tape:
        y = w * 2.0
        with pytest.raises(TypeError, match="got a int; expected a function"):
            y.register_gradient_hook(3)
    tape.gradient(y, w)
    with pytest.raises(ag.TapeError, match="no tape tracks"):
        y.register_gradient_hook(print)
    with pytest.raises(TypeError, match="expected a function"):
        nn.layers.Dense(1).register_gradient_hook(None)


def test_hooks_go_with_what_they_belong_to():
    """Nothing stays in the table when the graph, or the Variable, is gone."""
    from autograd_core.hooks import ON_NODES, ON_VARIABLES

    before = len(ON_NODES), len(ON_VARIABLES)
    w = ag.Variable(1.0)
    with ag.GradientTape() as tape:
        h = w * 2.0
        kept = weakref.ref(h.node)
        h.register_gradient_hook(lambda gradient: None)
        w.register_gradient_hook(lambda gradient: None)
    del tape, h, w
    gc.collect()
    assert kept() is None
    assert (len(ON_NODES), len(ON_VARIABLES)) == before
