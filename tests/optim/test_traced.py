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
    for other in others:
        assert list(first) == list(other)
        for name, value in first.items():
            assert other[name].dtype == value.dtype
            tolerance = 2e-5 if value.dtype in ("float32", "complex64") else 1e-11
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
    compare(
        rule, {"weight_decay": 0.2}, exclude=True, constraint=lambda w: np.clip(w, -0.5, 0.5)
    )


@pytest.mark.parametrize("options", ["plain", "several", "global_clipnorm"])
@pytest.mark.parametrize("rule", ["SGD with nesterov", "RMSprop centered with momentum", "Adam", "Adamax", "Lion"])
def test_compiled_with_numba(rule, options):
    pytest.importorskip("numba")
    compare(rule, OPTIONS[options], jit="numba", dtypes=("float32", "float64"))
