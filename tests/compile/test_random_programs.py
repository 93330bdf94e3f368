"""Random functions, traced: values and gradients are those of the eager run, call after call."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

NUMBA = bool(importlib.util.find_spec("numba"))

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")

Rng = np.random.Generator


class Written:
    """A function written at random: a list of steps, each of which makes a value from those before it.

    Values are used more than once, branches meet again, some are updated in place. Entries stay of order 1.

    Parameters
    ----------
    seed : int
    length : int
        Number of steps.
    """

    def __init__(self, seed: int, length: int = 12):
        rng = np.random.default_rng(seed)
        self.shapes = [_shape(rng) for _ in range(3)]
        self.dtype = np.dtype(rng.choice(["float64", "float64", "float32"]))
        self.seeds = rng.integers(0, 2**31, size=length).tolist()
        self.weight = ag.Variable(rng.normal(size=(3, 3)).astype(self.dtype))
        self.outside = rng.normal(size=(3,)).astype(self.dtype)

    def arguments(self, seed: int) -> list[Any]:
        """Arrays to call it on."""
        rng = np.random.default_rng(seed)
        return [np.asarray(rng.normal(size=shape)).astype(self.dtype) for shape in self.shapes]

    def __call__(self, *arguments: Any) -> list[Any]:
        values = [*arguments, self.weight.value, anp.tanh(self.outside)]
        for seed in self.seeds:
            rng = np.random.default_rng(seed)
            made = STEPS[rng.integers(len(STEPS))](rng, values)
            if made is not None and 0 < made.size <= 2000:
                values.append(np.tanh(made) if rng.random() < 0.4 else made)
        return values[len(arguments) :]

    def loss(self, *arguments: Any) -> Any:
        """All values in one number."""
        return sum(np.sum(np.sin(value)) for value in self(*arguments))

    def step(self, *arguments: Any) -> Any:
        """Loss, gradients in the arguments, and a change of the Variable."""
        with ag.GradientTape() as tape:
            tape.watch(list(arguments))
            loss = self.loss(*arguments)
        *found, weight = tape.gradient(loss, [*arguments, self.weight], unconnected_gradients="zero")
        self.weight.assign_sub(0.01 * weight)
        return loss, found


def _shape(rng: Rng) -> tuple[int, ...]:
    return tuple(int(side) for side in rng.choice([1, 3, 3, 2], size=rng.integers(0, 4)))


def _pick(rng: Rng, values: list[Any], fits: Callable[[Any], bool] = lambda v: True) -> Any:
    """A value that fits, late ones more often; None if there is none."""
    fitting = [v for v in values if fits(v)]
    return fitting[-1 - min(int(rng.geometric(0.3)) - 1, len(fitting) - 1)] if fitting else None


def _broadcasts(x: Any) -> Callable[[Any], bool]:
    return lambda v: all(1 in (i, j) or i == j for i, j in zip(v.shape[::-1], x.shape[::-1], strict=False))


def _unary(rng: Rng, values: list[Any]) -> Any:
    functions = (np.sin, np.exp, np.abs, np.square, anp.relu, anp.sigmoid, np.negative, np.copy, np.log1p, anp.gelu)
    function = functions[rng.integers(len(functions))]
    x = np.tanh(_pick(rng, values))
    return function(np.abs(x)) if function is np.log1p else function(x)


def _binary(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values)
    y = _pick(rng, values, _broadcasts(x))
    functions = (np.add, np.subtract, np.multiply, np.maximum, np.minimum, lambda x, y: x / (1.5 + np.sin(y)))
    return functions[rng.integers(len(functions))](x, y)


def _number(rng: Rng, values: list[Any]) -> Any:
    x, number = _pick(rng, values), float(rng.choice([0.0, 0.5, -1.0, 2.0]))
    return (x + number, number - x, x * number, x / 2.0, x**2)[rng.integers(5)]


def _reduced(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values)
    axes = tuple(at for at in range(x.ndim) if rng.random() < 0.5)
    function = (np.sum, np.mean, np.max, np.var, anp.logsumexp)[rng.integers(5)]
    return function(x, axis=axes or None, keepdims=bool(rng.integers(2)))


def _viewed(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values)
    ways = [
        lambda: x.reshape(-1), lambda: x.T, lambda: x[None], lambda: x[..., None], lambda: np.squeeze(x),
        lambda: np.broadcast_to(x, (2, *x.shape)), lambda: np.flip(x), lambda: x.reshape(x.shape[::-1]),
    ]  # fmt: skip
    return ways[rng.integers(len(ways))]()


def _sliced(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values, lambda v: v.ndim > 0)
    if x is None:
        return None
    places = rng.integers(0, x.shape[0], size=4)
    indices = (0, -1, slice(None, None, -1), slice(0, 2), (..., 0), places, ag.constant(places), np.sin(x[0]) is x)
    return x[indices[rng.integers(len(indices) - 1)]]


def _updated(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values, lambda v: v.ndim > 0)
    if x is None:
        return None
    places = rng.integers(0, x.shape[0], size=3)
    y = np.sin(x[places]) if rng.random() < 0.7 else 0.5
    way = rng.integers(5)
    if way == 0:
        return x.at[places].set(y)
    if way == 1:
        return x.at[places].add(y)
    if way == 2:
        return x.at[0].set(x[-1] * 2.0)
    own = x.copy()
    if way == 3:
        own[ag.constant(places)] = y
    else:
        own[::2] = 0.25
        own *= x
    return own


def _product(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values, lambda v: v.ndim > 0)
    if x is None:
        return None
    y = _pick(rng, values, lambda v: v.ndim in (1, 2) and v.shape[0] == x.shape[-1])
    if y is None:
        return np.sum(x * x, axis=-1)
    return np.matmul(x, y) if rng.random() < 0.7 or x.ndim != 2 else np.matmul(y.T, x.T) + 1.0


def _chosen(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values)
    y = _pick(rng, values, _broadcasts(x))
    condition = (x > 0, x > y, np.logical_not(y > 0.3))[rng.integers(3)]
    return np.where(condition, *((x, y), (x, 0.0), (np.log(np.abs(x) + 0.1), y))[rng.integers(3)])


def _joined(rng: Rng, values: list[Any]) -> Any:
    x = _pick(rng, values, lambda v: v.ndim > 0)
    if x is None:
        return None
    y = _pick(rng, values, lambda v: v.shape == x.shape)
    ways = (
        lambda: np.concatenate((x, y, x)), lambda: np.stack((y, x), -1), lambda: anp.softmax(x), lambda: np.sort(x, 0),
        lambda: np.cumsum(x, 0), lambda: np.split(x, [1])[1], lambda: np.take_along_axis(x, np.argsort(y, 0), 0),
        lambda: x[np.argmax(x, 0).reshape(-1)[0]],
    )  # fmt: skip
    return ways[rng.integers(len(ways))]()


STEPS = (
    _unary, _unary, _binary, _binary, _number, _reduced, _reduced, _viewed, _viewed, _sliced, _updated, _updated,
    _product, _product, _chosen, _chosen, _joined, _joined,
)  # fmt: skip


def check(seed: int, jit: str) -> None:
    """Values, gradient and training of one function, several times; results that were kept do not change."""
    written, twin = Written(seed), Written(seed)
    tolerance = 1e-9 if written.dtype == np.float64 else 2e-3
    values, step = ag.function(written.__call__, jit=jit), ag.function(written.step, jit=jit)
    outside = ag.grad(ag.function(written.loss, jit=jit), tuple(range(3)))
    kept: list[tuple[Any, Any]] = []
    for call in range(3):
        arguments = [ag.constant(array) for array in written.arguments(1000 * seed + call)]
        for got, want in zip(values(*arguments), twin(*arguments), strict=True):
            _same(got, want, tolerance, seed)
            kept.append((got, got.numpy()))
        eager = ag.grad(twin.loss, tuple(range(3)))(*arguments)
        for got, want in zip(outside(*arguments), eager, strict=True):
            _same(got, want, tolerance, seed)
        loss, found = step(*arguments)
        expected, wanted = twin.step(*arguments)
        _same(loss, expected, tolerance, seed)
        for got, want in zip(found, wanted, strict=True):
            _same(got, want, tolerance, seed)
            kept.append((got, got.numpy()))
        _same(written.weight, twin.weight, tolerance, seed)
    for got, copy in kept:
        np.testing.assert_array_equal(got, copy)


def _same(got: Any, want: Any, tolerance: float, seed: int) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    scale = max(1.0, float(np.max(np.abs(want[np.isfinite(want)]), initial=0.0)))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale, err_msg=f"seed {seed}")


@pytest.mark.parametrize("part", range(4))
def test_numpy_plans(part):
    for seed in range(12 * part, 12 * part + 12):
        check(seed, "numpy")


@pytest.mark.skipif(not NUMBA, reason="no numba")
@pytest.mark.parametrize("seed", [0, 1, 7])
def test_numba_plans(seed):
    check(seed, "numba")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_many_numpy_plans(part):
    for seed in range(100 + 25 * part, 125 + 25 * part):
        check(seed, "numpy")


@pytest.mark.slow
@pytest.mark.skipif(not NUMBA, reason="no numba")
@pytest.mark.parametrize("seed", range(60))
def test_many_numba_plans(seed):
    check(seed, "numba")
