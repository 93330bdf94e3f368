"""Optimizers in functions that are traced: the same steps as eagerly, whatever the options."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
import optim

RULES: dict[str, tuple[type[optim.Optimizer], dict[str, Any]]] = {
    "SGD": (optim.SGD, {}),
    "SGD with momentum": (optim.SGD, {"momentum": 0.9}),
    "SGD with nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "Adagrad": (optim.Adagrad, {}),
    "RMSprop": (optim.RMSprop, {}),
    "RMSprop with momentum": (optim.RMSprop, {"momentum": 0.9}),
    "RMSprop centered": (optim.RMSprop, {"centered": True}),
    "RMSprop centered with momentum": (optim.RMSprop, {"centered": True, "momentum": 0.5}),
    "Adam": (optim.Adam, {}),
    "Adam with amsgrad": (optim.Adam, {"amsgrad": True}),
    "AdamW": (optim.AdamW, {}),
    "Adamax": (optim.Adamax, {}),
    "Nadam": (optim.Nadam, {}),
    "Adadelta": (optim.Adadelta, {}),
    "Lion": (optim.Lion, {}),
}

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 0.7},
    "weight_decay": {"weight_decay": 0.1},
    "averages": {"use_ema": True, "ema_momentum": 0.75},
    "averages given": {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3},
    "loss scale": {"loss_scale_factor": 8.0},
    "decay": {"decay": 0.1},
    "schedule": {"learning_rate": optim.schedules.ExponentialDecay(0.1, 5, 0.8)},
    "several": {
        "clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True, "gradient_accumulation_steps": 2, "decay": 0.01,
        "loss_scale_factor": 2.0, "ema_overwrite_frequency": 4,
    },
}  # fmt: skip


@dataclass
class Training:
    """Variables, an optimizer, and gradients that are the same in every run."""

    make: Callable[..., optim.Optimizer]
    options: dict[str, Any]
    dtypes: tuple[str, ...] = ("float32", "float32")
    shapes: tuple[tuple[int, ...], ...] = ((2, 3), (3,))
    jit: str | None = None
    missing: tuple[int, ...] = ()
    constraint: Callable | None = None
    exclude: bool = False
    calls: int = 0
    variables: list[ag.Variable] = field(default_factory=list)

    def __post_init__(self):
        self.random = np.random.default_rng(0)
        self.variables = [
            ag.Variable(self.draw(shape, dtype), name=f"w{i}", constraint=self.constraint)
            for i, (shape, dtype) in enumerate(zip(self.shapes, self.dtypes, strict=True))
        ]
        self.optimizer = self.make(**{"learning_rate": 0.1, **self.options})
        if self.exclude:
            self.optimizer.exclude_from_weight_decay(var_list=self.variables[1:])
        self.function = self.step if self.jit is None else ag.function(self.step, jit=self.jit)

    def draw(self, shape, dtype):
        values = self.random.normal(size=shape)
        if np.dtype(dtype).kind == "c":
            values = values + 1j * self.random.normal(size=shape)
        return np.asarray(values).astype(dtype)

    def step(self, *gradients):
        waiting = iter(gradients)
        pairs = [(None if i in self.missing else next(waiting), v) for i, v in enumerate(self.variables)]
        return self.optimizer.apply_gradients(pairs)

    def run(self, steps):
        for _ in range(steps):
            gradients = [self.draw(v.shape, v.dtype) for i, v in enumerate(self.variables) if i not in self.missing]
            self.calls += 1
            with warnings.catch_warnings():
                if self.missing:
                    warnings.simplefilter("ignore", UserWarning)
                count = self.function(*gradients)
            assert int(count) == self.calls

    def values(self):
        state = self.optimizer.state_arrays()
        return {f"w{i}": v.numpy() for i, v in enumerate(self.variables)} | {n: np.array(a) for n, a in state.items()}


def assert_equal_trainings(*trainings):
    first, *others = [training.values() for training in trainings]
    # One norm for all: that of the float32 gradients is rounded to float32 eagerly.
    shared = "global_clipnorm" in trainings[0].options and "float32" in trainings[0].dtypes
    for other in others:
        assert list(first) == list(other)
        for name, value in first.items():
            assert other[name].dtype == value.dtype
            tolerance = 2e-5 if shared or value.dtype in ("float32", "complex64") else 1e-11
            np.testing.assert_allclose(other[name], value, rtol=tolerance, atol=tolerance, err_msg=name)


def compare(rule, options, steps=20, jit="numpy", **others):
    make, own = RULES[rule]
    pair = [Training(make, {**own, **options}, jit=each, **others) for each in (None, jit)]
    for training in pair:
        training.run(steps)
    assert_equal_trainings(*pair)
    return pair


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_with_every_option(rule, options):
    compare(rule, OPTIONS[options])


@pytest.mark.parametrize("rule", RULES)
def test_mixed_dtypes_and_shapes(rule):
    """float64, float32 and complex variables together; scalars, and arrays without entries."""
    dtypes = ("float64", "float32", "complex128", "complex64", "float32", "float64")
    shapes = ((2, 3), (4,), (3,), (), (1, 1), (0, 2))
    compare(rule, {}, dtypes=dtypes, shapes=shapes)


@pytest.mark.parametrize("options", OPTIONS)
def test_complex_and_missing_gradients_with_every_option(options):
    dtypes, shapes = ("complex128", "float32", "float64"), ((2, 2), (3,), (2,))
    for rule in ("SGD with momentum", "Adam"):
        compare(rule, OPTIONS[options], dtypes=dtypes, shapes=shapes, missing=(1,))


@pytest.mark.parametrize("rule", RULES)
def test_constraints_and_exceptions_from_decay(rule):
    compare(rule, {"weight_decay": 0.2}, exclude=True, constraint=lambda w: np.clip(w, -0.5, 0.5))


@pytest.mark.parametrize("options", ["plain", "several", "global_clipnorm"])
@pytest.mark.parametrize("rule", ["SGD with nesterov", "RMSprop centered with momentum", "Adam", "Adamax", "Lion"])
def test_compiled_with_numba(rule, options):
    pytest.importorskip("numba")
    compare(rule, OPTIONS[options], jit="numba", dtypes=("float32", "float64"))


# What happens between calls


@pytest.mark.parametrize("jit", ["numpy", "numba"])
def test_a_new_learning_rate_needs_no_new_trace(jit):
    if jit == "numba":
        pytest.importorskip("numba")
    pair = [Training(optim.Adam, {}, jit=each) for each in (None, jit)]
    for training in pair:
        training.run(3)
        training.optimizer.learning_rate = 0.01
        training.run(3)
        training.optimizer.learning_rate = optim.schedules.CosineDecay(0.05, 4)
        training.run(3)
        training.optimizer.decay = 0.5
        training.run(2)
    assert_equal_trainings(*pair)
    assert pair[1].function.traces == 1


def test_options_that_are_changed_later():
    """A rate of decay is read at each run; a limit is part of the plan, and a new one gets a new plan."""
    pair = [Training(optim.SGD, {"clipnorm": 0.3, "loss_scale_factor": 2.0}, jit=jit) for jit in (None, "numpy")]
    for training in pair:
        training.run(2)
        training.optimizer.clipnorm = 0.6
        training.run(2)
        training.optimizer.loss_scale_factor = 3.0
        training.run(2)
        training.optimizer.weight_decay = 0.3
        training.run(2)
        training.optimizer.weight_decay = 0.1
        training.run(2)
    assert_equal_trainings(*pair)
    assert pair[1].function.traces == 4  # with two limits, another scale, and decay


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("options", ["plain", "several"])
def test_state_loaded_between_calls(rule, options):
    """A plan works on with what was loaded: in place of its own, and taken up by another optimizer."""
    make, own = RULES[rule]
    pair = [Training(make, {**own, **OPTIONS[options]}, jit=jit) for jit in (None, "numpy")]
    for training in pair:
        training.run(5)
        state, values = training.optimizer.state_dict(), [v.numpy() for v in training.variables]
        training.run(3)
        training.optimizer.load_state_dict(state)
        for variable, value in zip(training.variables, values, strict=True):
            variable.assign(value)
        training.calls = 5
        training.run(4)
    assert_equal_trainings(*pair)
    assert pair[1].function.traces <= (1 if options == "plain" else 4)
    fresh = Training(make, {**own, **OPTIONS[options]}, jit="numpy")
    fresh.optimizer.load_state_dict(pair[0].optimizer.state_dict())
    for variable, value in zip(fresh.variables, pair[0].variables, strict=True):
        variable.assign(value.numpy())
    fresh.random = np.random.default_rng(7)
    pair[0].random = np.random.default_rng(7)
    fresh.calls = 9
    for training in (fresh, pair[0]):
        training.run(4)
    assert_equal_trainings(pair[0], fresh)


def test_state_assigned_between_calls():
    """``optimizer.variables`` are handles of the state: what is assigned to them, the next step of a plan sees."""
    pair = [Training(optim.SGD, {"momentum": 0.9}, jit=jit) for jit in (None, "numpy")]
    for training in pair:
        training.run(2)
        momentum = next(v for v in training.optimizer.variables if v.name.endswith("momentum") and v.shape == (3,))
        before = momentum.numpy()
        momentum.assign([1.0, 2.0, 3.0])
        training.run(1)
        assert momentum.numpy().tolist() == [1.0, 2.0, 3.0]  # a handle has the value it had
        assert before.shape == (3,)
        training.variables[0].assign_add(np.ones((2, 3), "float32"))
        training.run(2)
    assert_equal_trainings(*pair)


def test_steps_eager_and_compiled_in_turns():
    """Both work on the same state."""
    reference, mixed = Training(optim.Adam, {}), Training(optim.Adam, {}, jit="numpy")
    compiled = mixed.function
    for step in range(8):
        mixed.function = mixed.step if step in (0, 3, 4) else compiled
        mixed.run(1)
        reference.run(1)
    assert_equal_trainings(reference, mixed)


@pytest.mark.parametrize("options", ["plain", "several", "averages given", "schedule", "accumulation"])
def test_two_steps_in_one_function(options):
    """Counters, schedules and state go on between the two as they do eagerly."""
    pair = []
    for jit in (None, "numpy"):
        training = Training(optim.Adam, OPTIONS[options])

        def twice(a, b, c, d, training=training):
            training.step(a, b)
            return training.step(c, d)

        function = twice if jit is None else ag.function(twice, jit=jit)
        for call in range(8):
            drawn = [training.draw(v.shape, v.dtype) for v in (*training.variables, *training.variables)]
            assert int(function(*drawn)) == 2 * call + 2
        pair.append(training)
    assert_equal_trainings(*pair)


def test_two_optimizers_in_one_function():
    """Each with its own half of the variables, and with its own counters."""
    results = []
    for jit in (None, "numpy"):
        w = [ag.Variable(np.ones(3)), ag.Variable(np.ones(2))]
        first, second = optim.Adam(0.1), optim.SGD(0.1, momentum=0.5)

        def step(a, b, w=w, first=first, second=second):
            first.apply_gradients([(a, w[0])])
            second.apply_gradients([(b, w[1])])

        function = step if jit is None else ag.function(step, jit=jit)
        for _ in range(4):
            function(np.arange(3.0), np.arange(2.0))
        results.append([v.numpy() for v in w])
        assert (first.iterations, second.iterations) == (4, 4)
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_minimize_and_scaled_losses_under_a_trace():
    results = []
    for jit in (None, "numpy"):
        w = ag.Variable([1.0, -2.0])
        optimizer = optim.SGD(0.1, momentum=0.9, loss_scale_factor=4.0)

        def step(target, w=w, optimizer=optimizer):
            return optimizer.minimize(lambda: ((w - target) ** 2).sum(), [w])

        function = step if jit is None else ag.function(step, jit=jit)
        results.append([[np.asarray(function(ag.constant([0.5, 0.5]))).item() for _ in range(5)], w.numpy().tolist()])
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-13)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-13)


def test_lbfgs_says_why_it_cannot_be_traced():
    """Its line search decides by the values of the loss how often it is computed."""
    w = ag.Variable(1.0)
    optimizer = optim.LBFGS()

    @ag.function
    def step():
        return optimizer.minimize(lambda: (w - 3.0) ** 2, [w])

    with pytest.raises(ag.TraceError, match=r"LBFGS.*outside"):
        step()
    assert w.item() == 1.0
    optimizer.minimize(ag.function(lambda: (w - 3.0) ** 2, jit="numpy"), [w])  # what it suggests
    np.testing.assert_allclose(w.item(), 3.0, rtol=1e-6)


def test_what_is_wrong_is_said_when_it_is_traced_and_changes_nothing():
    w = ag.Variable(np.ones(3), name="w")
    optimizer = optim.SGD(0.1)

    @ag.function(jit="numpy")
    def step(gradient):
        optimizer.apply_gradients([(gradient, w)])

    with pytest.raises(ag.ShapeError, match="the gradient for 'w' has shape"):
        step(np.ones(2))
    step(np.ones(3))
    assert (w.numpy() == 0.9).all()
    optimizer.learning_rate = lambda step: float("nan")
    with pytest.raises(ag.DomainError, match="learning_rate"):
        step(np.ones(3))
    assert (w.numpy() == 0.9).all()
    assert optimizer.iterations == 1


def test_held_values_are_not_overwritten():
    """A plan writes in place only where nobody else holds the array."""
    training = Training(optim.Adam, {}, jit="numpy")
    held = []
    for _ in range(6):
        held.append([(v.array, v.numpy()) for v in training.variables])
        training.run(1)
    for array, copy in (entry for row in held for entry in row):
        np.testing.assert_array_equal(array, copy)


def test_held_values_survive_when_others_are_assigned():
    """What is assigned is copied into the array that the plan works on, unless somebody holds that."""
    training = Training(optim.SGD, {}, jit="numpy")
    training.run(2)
    w = training.variables[0]
    for hold in (lambda: w.array, lambda: w.value, lambda: w.array[0], lambda: None):
        held = hold()
        before = None if held is None else np.array(held)
        w.assign(np.full(w.shape, 2.0, "float32"))
        training.optimizer.learning_rate = 0.0
        training.run(1)
        assert (w.numpy() == 2.0).all()
        training.optimizer.learning_rate = 0.5
        training.run(1)
        assert (w.numpy() != 2.0).all()
        if held is not None:
            np.testing.assert_array_equal(np.array(held), before)
