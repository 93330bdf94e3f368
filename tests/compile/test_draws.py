"""NumPy's own random numbers in a traced function: a warning, once, and none where nothing of it is drawn."""

from __future__ import annotations

import functools
import threading
import warnings

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn

numpy_function = functools.partial(ag.function, jit="numpy")
GENERATOR = np.random.default_rng(0)


class Noise(nn.layers.Layer):
    def __init__(self):
        super().__init__()
        self.random = np.random.default_rng(0)

    def call(self, inputs):
        return inputs + self.random.normal(size=(4,)).astype(np.float32)


class Owner:
    def __init__(self):
        self.random = np.random.RandomState(0)

    @ag.function(jit="numpy")
    def noisy(self, x):
        return x + self.random.normal()


def closing_over(generator):
    return lambda x: x + generator.normal(size=2)


DRAWING = {
    "global": lambda x: x + np.random.normal(size=2),
    "legacy number": lambda x: x * np.random.rand(),
    "a global Generator": lambda x: x + GENERATOR.normal(size=2),
    "a closure": closing_over(np.random.default_rng(1)),
    "a gradient": ag.grad(lambda x: np.sum(x * np.random.uniform(size=2))),
    "a partial": functools.partial(lambda generator, x: x + generator.uniform(), np.random.default_rng(2)),
    "a default": lambda x, generator=np.random.default_rng(3): x + generator.uniform(),  # noqa: B008
    "a loop": lambda x: ag.scan(lambda c, t: (c + np.random.normal(), None), x, np.ones(3))[0],
}


@pytest.mark.parametrize("name", DRAWING)
def test_a_draw_is_warned_of_once(name):
    function = numpy_function(DRAWING[name])
    with pytest.warns(RuntimeWarning, match=r"draws from .*np\.random.*while it is traced.*numpy\.random") as caught:
        first = function(np.ones(2))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(function(np.ones(2)), first)  # as the warning says
        function(np.ones(2, np.float32))  # traced again


def test_a_draw_of_an_object_s_own_generator():
    with pytest.warns(RuntimeWarning, match=r"noisy draws from a np\.random\.RandomState"):
        Owner().noisy(np.ones(2))


def test_a_draw_given_as_an_argument():
    function = numpy_function(lambda x, generator: x + generator.normal())
    with pytest.warns(RuntimeWarning, match=r"draws from a np\.random\.Generator"):
        function(np.ones(2), np.random.default_rng(0))


def fitted(*layers):
    model = nn.Sequential([nn.layers.Dense(4), *layers, nn.layers.Dense(1)])
    model.build((None, 3))  # a trace that makes weights may draw them
    model.compile("adam", "mse")
    x = np.ones((64, 3), np.float32)
    model.fit(x, x[:, :1], batch_size=2, epochs=1, verbose=0)


def test_a_layer_that_draws_in_fit():
    with pytest.warns(RuntimeWarning, match=r"train_step draws from a np\.random\.Generator"):
        fitted(Noise())


def test_layers_of_ours_draw_as_they_should():
    """Initial values, dropout and noise: nothing is fixed, and nothing said."""
    fitted(nn.layers.Dropout(0.5), nn.layers.GaussianNoise(0.1))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + anp.random.normal(size=2),
        functools.partial(lambda generator, x: x + generator.normal(size=2), anp.random.Generator(0)),
        functools.partial(lambda generator, x: x, np.random.default_rng(0)),
        ag.grad(lambda x: np.sum(x**2)),
    ],
    ids=["ours", "our Generator", "a Generator at rest", "none"],
)
def test_no_warning(f):
    numpy_function(f)(np.ones(2))


def test_first_values_of_variables_may_be_drawn():
    """They are drawn once without a plan, too."""
    made = []

    @numpy_function
    def f(x):
        if not made:
            made.append(ag.Variable(np.random.normal(size=2)))
        return x * made[0]

    f(np.ones(2))


def test_a_draw_of_another_thread_is_none_of_the_function():
    stop, drawing = threading.Event(), threading.Event()

    def draw():
        while not stop.is_set():
            np.random.normal(size=10)
            drawing.set()

    other = threading.Thread(target=draw)
    other.start()
    try:
        drawing.wait()
        for side in range(1, 20):
            numpy_function(lambda x: np.sin(x) * 2)(np.ones(side))
    finally:
        stop.set()
        other.join()
