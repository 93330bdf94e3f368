"""Listings 11, 18, 19 and 20: momentum by hand, and numerical differentiation beside the tape."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def bumpy_loss(w):
    """A valley near 1.5, and a deeper one beyond a hill, near -1.6."""
    return 0.25 * w**4 - 1.2 * w**2 + 0.35 * w + 2.5


def gradient_of_loss(w):
    variable = ag.Variable(w)
    with ag.GradientTape() as tape:
        loss = bumpy_loss(variable)
    return tape.gradient(loss, variable).item()


def test_11_momentum_by_hand():
    grid = np.linspace(-3, 3, 60001)
    lowest, best = bumpy_loss(grid).min(), grid[bumpy_loss(grid).argmin()]
    start, learning_rate = 2.6, 0.02

    w = start
    for _ in range(500):
        w = w - learning_rate * gradient_of_loss(w)
    assert bumpy_loss(w) > lowest + 0.5
    assert abs(gradient_of_loss(w)) < 1e-6

    past_velocity, momentum, steps = 0.0, 0.95, 0
    w, loss = start, bumpy_loss(start)
    while loss > lowest + 1e-4:
        gradient = gradient_of_loss(w)
        velocity = past_velocity * momentum - learning_rate * gradient
        w = w + momentum * velocity - learning_rate * gradient
        past_velocity = velocity
        loss = bumpy_loss(w)
        steps += 1
        assert steps < 2000
    assert abs(w - best) < 0.02


def numerical_diff(f, x):
    h = 1e-4
    return (f(x + h) - f(x - h)) / (2 * h)


def function_1(x):
    return 0.01 * x**2 + 0.1 * x


def tangent_line(f, x):
    d = numerical_diff(f, x)
    y = f(x) - d * x
    return lambda t: d * t + y


def test_18_numerical_diff_and_tangents():
    x = np.arange(0.0, 20.0, 0.1)
    plt.xlabel("x")
    plt.ylabel("f(x)")
    plt.plot(x, function_1(x))
    for at, slope in ((5, 0.2), (10, 0.3)):
        assert numerical_diff(function_1, at) == pytest.approx(slope, abs=1e-9)
        assert ag.grad(function_1)(float(at)) == pytest.approx(slope, abs=1e-12)
        tf = tangent_line(function_1, at)
        plt.plot(x, tf(x))
        assert tf(at) == pytest.approx(function_1(at))
    assert len(plt.gca().lines) == 3


def function_2(x):
    return x[0] ** 2 + x[1] ** 2 if x.ndim == 1 else np.sum(x**2, axis=1)


def numerical_gradient(f, x):
    h = 1e-4
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        idx = it.multi_index
        tmp_val = x[idx]
        x[idx] = float(tmp_val) + h
        fxh1 = f(x)
        x[idx] = tmp_val - h
        fxh2 = f(x)
        grad[idx] = (fxh1 - fxh2) / (2 * h)
        x[idx] = tmp_val
        it.iternext()
    return grad


@pytest.mark.parametrize(("at", "expected"), [((3, 4), (6, 8)), ((0, 2), (0, 4)), ((3, 0), (6, 0))])
def test_19_numerical_gradient(at, expected):
    point = np.array(at, float)
    np.testing.assert_allclose(numerical_gradient(function_2, point), expected, atol=1e-8)
    np.testing.assert_array_equal(ag.grad(function_2)(point), expected)
    np.testing.assert_array_equal(point, at)


def gradient_descent(f, init_x, lr=0.01, step_num=100):
    x = init_x
    x_history = []
    for _ in range(step_num):
        x_history.append(x.copy())
        x -= lr * numerical_gradient(f, x)
    return x, np.array(x_history)


def test_19_field_contour_and_descent():
    X, Y = np.meshgrid(np.arange(-2, 2.5, 0.25), np.arange(-2, 2.5, 0.25))
    points = np.array([X.flatten(), Y.flatten()]).T
    grad = np.array([numerical_gradient(function_2, point) for point in points]).T
    np.testing.assert_allclose(grad, 2 * points.T, atol=1e-8)
    plt.quiver(X.flatten(), Y.flatten(), -grad[0], -grad[1], angles="xy")
    plt.contour(X, Y, X**2 + Y**2)

    x, history = gradient_descent(function_2, np.array([-3.0, 4.0]), lr=0.1, step_num=100)
    np.testing.assert_allclose(x, [-6.111e-10, 8.148e-10], rtol=1e-3)
    assert history.shape == (100, 2)
    plt.plot(history[:, 0], history[:, 1], "o")

    x, _ = gradient_descent(function_2, np.array([-3.0, 4.0]), lr=10.0, step_num=100)
    assert np.abs(x).max() > 1e9
    x, _ = gradient_descent(function_2, np.array([-3.0, 4.0]), lr=1e-10, step_num=100)
    np.testing.assert_allclose(x, [-3, 4], atol=1e-6)


class SimpleNet:
    def __init__(self):
        self.W = np.random.default_rng(0).normal(size=(2, 3))

    def predict(self, x):
        return np.dot(x, self.W)

    def loss(self, x, t):
        y = nn.activations.softmax(self.predict(x))
        return anp.mean(nn.losses.categorical_crossentropy(t, y))


def test_20_simple_net():
    net = SimpleNet()
    x, t = np.array([0.6, 0.9]), np.array([0.0, 0.0, 1.0])
    assert net.predict(x).shape == (3,)
    dW = numerical_gradient(lambda w: net.loss(x, t).item(), net.W)

    W = net.W = ag.Variable(net.W)
    with ag.GradientTape() as tape:
        loss = net.loss(x, t)
    by_tape = tape.gradient(loss, W)
    np.testing.assert_allclose(by_tape.numpy(), dW, atol=1e-8)
    np.testing.assert_allclose(by_tape.numpy().sum(axis=1), [0, 0], atol=1e-12)
    assert (by_tape.numpy()[:, 2] < 0).all()
