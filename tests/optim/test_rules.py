"""Every optimizer against its formula, written out here once more in plain NumPy and double precision."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

import autograd_core as ag
import optim

SHAPES = [(3, 4), (4,), (), (1,), (300, 250)]  # the last is longer than a block, so its gradient is read in place
STEPS = 20


def sgd(w, g, s, t, lr=0.01, momentum=0.0, nesterov=False):
    m = s["momentum"] = momentum * s.get("momentum", 0.0) - lr * g
    return w + (momentum * m - lr * g if nesterov else m)


def rmsprop(w, g, s, t, lr=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v = s["velocity"] = rho * s.get("velocity", 0.0) + (1 - rho) * g**2
    if centered:
        mean = s["average_gradient"] = rho * s.get("average_gradient", 0.0) + (1 - rho) * g
        v = v - mean**2
    m = s["momentum"] = momentum * s.get("momentum", 0.0) + lr * g / np.sqrt(v + epsilon)
    return w - m


def adam(w, g, s, t, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    m = s["momentum"] = beta_1 * s.get("momentum", 0.0) + (1 - beta_1) * g
    v = s["velocity"] = beta_2 * s.get("velocity", 0.0) + (1 - beta_2) * g**2
    if amsgrad:
        v = s["velocity_hat"] = np.maximum(s.get("velocity_hat", 0.0), v)
    corrected = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - corrected * m / (np.sqrt(v) + epsilon)


def adagrad(w, g, s, t, lr=0.001, initial_accumulator_value=0.1, epsilon=1e-7):
    a = s["accumulator"] = s.get("accumulator", initial_accumulator_value) + g**2
    return w - lr * g / np.sqrt(a + epsilon)


def adadelta(w, g, s, t, lr=0.001, rho=0.95, epsilon=1e-7):
    a = s["accumulated_grad"] = rho * s.get("accumulated_grad", 0.0) + (1 - rho) * g**2
    u = s.get("accumulated_delta_var", 0.0)
    step = g * np.sqrt(u + epsilon) / np.sqrt(a + epsilon)
    s["accumulated_delta_var"] = rho * u + (1 - rho) * step**2
    return w - lr * step


def adamw(w, g, s, t, lr=0.001, weight_decay=0.004, **options):
    return adam(w - w * weight_decay * lr, g, s, t, lr, **options)


def adamax(w, g, s, t, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = s["momentum"] = beta_1 * s.get("momentum", 0.0) + (1 - beta_1) * g
    u = s["norm"] = np.maximum(beta_2 * s.get("norm", 0.0), np.abs(g))
    return w - lr * m / ((1 - beta_1**t) * (u + epsilon))


def nadam(w, g, s, t, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    mu = [beta_1 * (1 - 0.5 * 0.96**k) for k in range(1, t + 2)]
    m = s["momentum"] = beta_1 * s.get("momentum", 0.0) + (1 - beta_1) * g
    v = s["velocity"] = beta_2 * s.get("velocity", 0.0) + (1 - beta_2) * g**2
    m_hat = mu[-1] * m / (1 - np.prod(mu)) + (1 - mu[-2]) * g / (1 - np.prod(mu[:-1]))
    return w - lr * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)


def lion(w, g, s, t, lr=0.001, beta_1=0.9, beta_2=0.99):
    m = s.get("momentum", np.zeros_like(g))
    s["momentum"] = beta_2 * m + (1 - beta_2) * g
    return w - lr * np.sign(beta_1 * m + (1 - beta_1) * g)


@dataclass(frozen=True)
class Case:
    """An optimizer with some options, and the formula that it must follow."""

    make: type[optim.Optimizer]
    formula: Callable
    options: dict = field(default_factory=dict)

    def __str__(self):
        return "-".join([self.make.__name__, *(f"{key}={value}" for key, value in self.options.items())])


CASES = (
    Case(optim.SGD, sgd),
    Case(optim.SGD, sgd, {"momentum": 0.9}),
    Case(optim.SGD, sgd, {"momentum": 0.9, "nesterov": True}),
    Case(optim.RMSprop, rmsprop),
    Case(optim.RMSprop, rmsprop, {"rho": 0.7, "epsilon": 1e-3}),
    Case(optim.RMSprop, rmsprop, {"momentum": 0.5}),
    Case(optim.RMSprop, rmsprop, {"centered": True}),
    Case(optim.RMSprop, rmsprop, {"centered": True, "momentum": 0.3}),
    Case(optim.Adam, adam),
    Case(optim.Adam, adam, {"amsgrad": True}),
    Case(optim.Adam, adam, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    Case(optim.AdamW, adamw),
    Case(optim.AdamW, adamw, {"weight_decay": 0.5, "amsgrad": True}),
    Case(optim.Adamax, adamax),
    Case(optim.Adamax, adamax, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    Case(optim.Nadam, nadam),
    Case(optim.Nadam, nadam, {"beta_1": 0.5, "epsilon": 1e-3}),
    Case(optim.Lion, lion),
    Case(optim.Lion, lion, {"beta_1": 0.3, "beta_2": 0.8}),
    Case(optim.Adagrad, adagrad),
    Case(optim.Adagrad, adagrad, {"initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    Case(optim.Adadelta, adadelta, {"epsilon": 1e-3}),
    Case(optim.Adadelta, adadelta, {"rho": 0.5, "epsilon": 0.1}),
)


def gradients_of(rng, step, dtype):
    """Gradients whose size goes up and down, so that amsgrad and epsilon matter."""
    size = (1e-4, 1.0, 3.0, 0.1)[step % 4]
    return [np.asarray(rng.normal(size=shape) * size).astype(dtype) for shape in SHAPES]


def test_every_optimizer_has_a_case():
    """A new optimizer cannot be left out of this file."""
    rest = {optim.Optimizer, optim.LBFGS, optim.get, optim.serialize, optim.deserialize, optim.schedules}
    optimizers = {getattr(optim, name) for name in optim.__all__} - rest  # L-BFGS has a file of its own
    assert {case.make for case in CASES} == optimizers


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 3e-6)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_twenty_steps_follow_the_formula(case, dtype, tolerance):
    """All variables, small and large, move as the formula says; the dtype stays."""
    rng = np.random.default_rng(0)
    initial = [np.asarray(rng.normal(size=shape)).astype(dtype) for shape in SHAPES]
    variables = [ag.Variable(w) for w in initial]
    expected, states = [w.astype("float64") for w in initial], [{} for _ in SHAPES]
    optimizer = case.make(**case.options)
    for step in range(STEPS):
        gradients = gradients_of(rng, step, dtype)
        optimizer.apply_gradients(zip([ag.Tensor(g) for g in gradients], variables, strict=True))
        expected = [
            case.formula(w, g.astype("float64"), s, step + 1, **case.options)
            for w, g, s in zip(expected, gradients, states, strict=True)
        ]
    for variable, wanted, first in zip(variables, expected, initial, strict=True):
        assert variable.dtype == dtype
        assert np.abs(wanted - first).max() > 1e-4  # there was something to get wrong
        np.testing.assert_allclose(variable.numpy(), wanted, rtol=tolerance, atol=tolerance)
    assert optimizer.iterations == STEPS


@pytest.mark.parametrize("case", CASES, ids=str)
def test_state_is_what_the_formula_keeps(case):
    """``state_dict`` gives each variable's state under the formula's names."""
    variables = [ag.Variable(np.ones((2, 3))), ag.Variable(np.ones(2))]
    optimizer, states = case.make(**case.options), [{}, {}]
    rng = np.random.default_rng(1)
    for step in range(3):
        gradients = [rng.normal(size=variable.shape) for variable in variables]
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        for w, g, s in zip(variables, gradients, states, strict=True):
            case.formula(w.numpy(), g, s, step + 1, **case.options)
    for kept, wanted in zip(optimizer.state_dict()["state"], states, strict=True):
        assert set(kept) == set(case.make(**case.options).slots())
        for name, array in kept.items():
            np.testing.assert_allclose(array, wanted[name], rtol=1e-13)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_run_can_be_stopped_and_go_on(case):
    """Ten steps, or five, a new optimizer with the state loaded, and five: the same to the last bit."""
    rng = np.random.default_rng(2)
    gradients = [[rng.normal(size=(4, 2)), rng.normal(size=2)] for _ in range(10)]

    def run(stop_at, loaded_before_first_step=True):
        variables = [ag.Variable(np.ones((4, 2))), ag.Variable(np.zeros(2))]
        optimizer = case.make(learning_rate=0.02, **case.options)
        for step, pair in enumerate(gradients):
            if step == stop_at:
                saved = optimizer.state_dict()
                optimizer = case.make(**case.options)
                if not loaded_before_first_step:
                    optimizer.build(variables)
                optimizer.load_state_dict(saved)
            optimizer.apply_gradients(zip(pair, variables, strict=True))
        return [variable.numpy() for variable in variables]

    straight = run(None)
    for early in (True, False):
        for got, wanted in zip(run(5, early), straight, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_several_dtypes_and_complex_variables():
    """Each dtype keeps its own; a complex variable moves as its two parts would."""
    w32, w64 = ag.Variable(np.ones(3, "float32")), ag.Variable(np.ones(3))
    z = ag.Variable(np.array([1 + 2j, -1j]))
    parts = [ag.Variable(z.numpy().real), ag.Variable(z.numpy().imag)]
    together, apart = optim.Adam(0.1), optim.Adam(0.1)
    rng = np.random.default_rng(3)
    for _ in range(5):
        g = rng.normal(size=3)
        gz = rng.normal(size=2) + 1j * rng.normal(size=2)
        together.apply_gradients([(g.astype("float32"), w32), (gz, z), (g, w64)])
        apart.apply_gradients(zip([gz.real, gz.imag], parts, strict=True))
    assert (w32.dtype, w64.dtype, z.dtype) == ("float32", "float64", "complex128")
    np.testing.assert_allclose(w32.numpy(), w64.numpy(), rtol=1e-6)
    np.testing.assert_allclose(z.numpy(), parts[0].numpy() + 1j * parts[1].numpy(), rtol=1e-14)
    assert together.state_dict()["state"][1]["momentum"].shape == (2,)


def test_descent_on_a_complex_variable():
    """z - learning_rate * gradient descends on |z - c|^2."""
    c = 3 - 1j
    z = ag.Variable(0j)
    optimizer = optim.SGD(0.1)
    for _ in range(100):
        optimizer.minimize(lambda: abs(z - c) ** 2, [z])
    assert abs(z.item() - c) < 1e-8


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"clipvalue": 0.5}, [[0.5, -0.5], [0.5]]),
        ({"clipnorm": 1.0}, [[0.6, -0.8], [1.0]]),
        ({"clipnorm": 100.0}, [[3.0, -4.0], [12.0]]),
        ({"global_clipnorm": 1.3}, [[0.3, -0.4], [1.2]]),
        ({"global_clipnorm": 14.0}, [[3.0, -4.0], [12.0]]),
    ],
    ids=str,
)
def test_clipping(option, expected):
    """Gradients (3, -4) and 12, of norms 5 and 12, and 13 together, are limited before the rule sees them."""
    variables = [ag.Variable(np.zeros(2)), ag.Variable(np.zeros(1))]
    gradients = [ag.Tensor(np.array([3.0, -4.0])), ag.Tensor(np.array([12.0]))]
    optim.SGD(1.0, **option).apply_gradients(zip(gradients, variables, strict=True))
    for variable, wanted in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), np.negative(wanted), rtol=1e-12)
    np.testing.assert_array_equal(gradients[0].numpy(), [3.0, -4.0])  # the caller's gradients are not touched


def test_a_zero_gradient_has_a_norm_that_clips():
    """No division by a norm of 0; and a NaN anywhere shows everywhere under the global limit."""
    w = ag.Variable(np.ones(2))
    optim.SGD(1.0, clipnorm=1.0).apply_gradients([(np.zeros(2), w)])
    np.testing.assert_array_equal(w.numpy(), [1.0, 1.0])
    other = ag.Variable(np.ones(2))
    optim.SGD(1.0, global_clipnorm=1.0).apply_gradients([(np.array([np.nan, 0.0]), w), (np.ones(2), other)])
    assert np.isnan(other.numpy()).all()


def test_decay_lowers_the_learning_rate():
    """At step t it is learning_rate / (1 + decay * t)."""
    w = ag.Variable(0.0)
    optimizer = optim.SGD(lr=1.0, decay=0.5)
    steps = []
    for _ in range(3):
        before = w.item()
        optimizer.apply_gradients([(1.0, w)])
        steps.append(before - w.item())
    np.testing.assert_allclose(steps, [1.0, 1 / 1.5, 1 / 2.0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda: optim.SGD(lr=0.5, momentum=0.9), lambda: optim.SGD(0.5, 0.9)),
        (lambda: optim.RMSprop(lr=0.001, rho=0.9, epsilon=1e-06), lambda: optim.RMSprop(0.001, 0.9, 0.0, 1e-6)),
        (
            lambda: optim.Adam(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, amsgrad=False),
            lambda: optim.Adam(learning_rate=0.002),
        ),
    ],
)
def test_old_spellings(old, new):
    """``lr=``, ``decay=0.0`` and ``epsilon=None`` say what they always said."""
    results = []
    for make in (old, new):
        w, optimizer = ag.Variable([1.0, 2.0]), make()
        for _ in range(3):
            optimizer.apply_gradients([(np.array([0.3, -0.7]), w)])
        results.append(w.numpy())
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", optim.SGD), ("RMSprop", optim.RMSprop), ("adam", optim.Adam), ("ADAM", optim.Adam)]
)
def test_lookup_by_name(name, kind):
    """Names in any case, with the defaults."""
    assert type(optim.get(name)) is kind
    assert optim.get(name).learning_rate == kind().learning_rate


def test_lookup_of_other_things():
    """An optimizer is itself, a class is built, an unknown name is answered with those known."""
    optimizer = optim.SGD()
    assert optim.get(optimizer) is optimizer
    assert isinstance(optim.get(optim.Adam), optim.Adam)
    with pytest.raises(ag.DomainError, match=r"'adamm'; did you mean 'adam'\? Known: adadelta, .*sgd"):
        optim.get("adamm")
    with pytest.raises(ag.ConversionError, match="got a int"):
        optim.get(3)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: optim.SGD(weight_decay=-1), "SGD: weight_decay is -1"),
        (lambda: optim.AdamW(weight_decay=float("nan")), "AdamW: weight_decay is nan"),
        (lambda: optim.Adagrad(initial_accumulator_value=-0.1), "initial_accumulator_value is -0.1"),
        (lambda: optim.Adadelta(rho=1.5), "rho is 1.5"),
        (lambda: optim.Adamax(beta_1=1.0), "beta_1 is 1.0"),
        (lambda: optim.Nadam(beta_2=1.0), "beta_2 is 1.0"),
        (lambda: optim.Lion(beta_2=-0.1), "beta_2 is -0.1"),
    ],
)
def test_options_out_of_range_are_named(make, says):
    with pytest.raises(ag.DomainError, match=says):
        make()


def test_weight_decay_alone_shrinks():
    """With a gradient of 0 plain descent only shrinks: by learning_rate * weight_decay at each step."""
    w = ag.Variable(np.full(3, 2.0))
    optimizer = optim.SGD(0.1, weight_decay=0.5)
    for _ in range(3):
        optimizer.apply_gradients([(np.zeros(3), w)])
    np.testing.assert_allclose(w.numpy(), 2.0 * 0.95**3, rtol=1e-15)
