"""Formulas that lose digits, and others that do not, for the tests of ``audit``.

Each bad one is written twice: as the program, in NumPy, and as mathematics, for mpmath (``m``), which only
``make_audit_values.py`` runs. ``operation`` is the one that has to be found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core.numpy as anp

special = anp.special


@dataclass(frozen=True)
class Bad:
    """``node`` is the mathematics of the value of the operation that is found, where that is not the result."""

    name: str
    program: Callable[..., Any]
    args: tuple[Any, ...]
    operation: str
    kind: str
    exact: Callable[..., Any]
    rewrite: str | None = None
    node: Callable[..., Any] | None = None
    gradient: bool = True  # whether there is one, that numbers can tell


def expanded(x):
    """(x - 1)**7, multiplied out."""
    return x**7 - 7 * x**6 + 21 * x**5 - 35 * x**4 + 35 * x**3 - 21 * x**2 + 7 * x - 1


def exponential_series(x):
    total, term = 1.0 + x, x
    for n in range(2, 90):
        term = term * x / n
        total = total + term
    return total


def mean(m, values):
    return m.fsum(values) / len(values)


FAR = 1e4 + np.arange(5) / 7

BAD = (
    Bad("1 - cos(x)", lambda x: 1 - np.cos(x), (1e-5,), "subtract", "cancellation", lambda m, x: 2 * m.sin(x / 2) ** 2,
        "2 * sin(x / 2)**2"),
    Bad("log(1 + x)", lambda x: np.log(1 + x), (1e-10,), "log", "amplification", lambda m, x: m.log1p(x), "log1p(x)"),
    Bad("exp(x) - 1", lambda x: np.exp(x) - 1, (1e-9,), "subtract", "cancellation", lambda m, x: m.expm1(x),
        "expm1(x)"),
    Bad("sqrt(x + 1) - sqrt(x)", lambda x: np.sqrt(x + 1) - np.sqrt(x), (3.3e9,), "subtract", "cancellation",
        lambda m, x: m.sqrt(x + 1) - m.sqrt(x), "(x - y) / (sqrt(x) + sqrt(y))"),
    Bad("x*x - y*y", lambda x, y: x * x - y * y, (1e8 / 3 + 0.1, 1e8 / 3), "subtract", "cancellation",
        lambda m, x, y: (x - y) * (x + y), "(x - y) * (x + y)"),
    Bad("mean of squares", lambda x: np.mean(x**2) - np.mean(x) ** 2, (FAR,), "subtract", "cancellation",
        lambda m, x: mean(m, [each**2 for each in x]) - mean(m, x) ** 2, "var(x)"),
    Bad("log(softmax(x))", lambda x: np.log(special.softmax(x))[1], (np.array([0.0, -800.0]),), "softmax", "underflow",
        lambda m, x: x[1] - m.log(m.exp(x[0]) + m.exp(x[1])), "log_softmax(x)", gradient=False),
    Bad("log(sum(exp(x)))", lambda x: np.log(np.sum(np.exp(x))), (np.array([800.0, 799.5]),), "exp", "overflow",
        lambda m, x: m.log(m.exp(x[0]) + m.exp(x[1])), "logsumexp(x)", gradient=False),
    Bad("1 - sigmoid(x)", lambda x: 1 - special.expit(x), (30.0,), "subtract", "cancellation",
        lambda m, x: 1 / (1 + m.exp(x)), "sigmoid(-x)"),
    Bad("log(sigmoid(x))", lambda x: np.log(special.expit(x)), (-800.0,), "expit", "underflow",
        lambda m, x: -m.log1p(m.exp(-x)), "log_sigmoid(x)", gradient=False),
    Bad("1 - tanh(x)**2", lambda x: 1 - np.tanh(x) ** 2, (8.0,), "subtract", "cancellation",
        lambda m, x: 1 / m.cosh(x) ** 2, "1 / cosh(x)**2"),
    Bad("sqrt(x*x + y*y), large", lambda x, y: np.sqrt(x * x + y * y), (3e200, 4e200), "multiply", "overflow",
        lambda m, x, y: m.sqrt(x * x + y * y), "hypot(x, y)", gradient=False),
    Bad("sqrt(x*x + y*y), small", lambda x, y: np.sqrt(x**2 + y**2), (3e-200, 4e-200), "power", "underflow",
        lambda m, x, y: m.sqrt(x * x + y * y), "hypot(x, y)", gradient=False),
    Bad("x * log(x)", lambda x: x * np.log(x), (0.0,), "log", "infinity", lambda m, x: m.mpf(0), "xlogy(x, x)",
        gradient=False),
    Bad("quadratic formula", lambda b: (-b + np.sqrt(b * b - 4.0)) / 2, (1e5 / 3,), "add", "cancellation",
        lambda m, b: (-b + m.sqrt(b * b - 4)) / 2, "(x - y**2) / (sqrt(x) + y)",
        node=lambda m, b: -b + m.sqrt(b * b - 4)),
    Bad("1 / x - 1 / (x + 1)", lambda x: 1 / x - 1 / (x + 1), (1e7 / 3,), "subtract", "cancellation",
        lambda m, x: 1 / x - 1 / (x + 1), "y / (x * (x + y))"),
    Bad("tan(x) - sin(x)", lambda x: np.tan(x) - np.sin(x), (1e-4,), "subtract", "cancellation",
        lambda m, x: m.tan(x) - m.sin(x), "2 * tan(x) * sin(x / 2)**2"),
    Bad("arccos(1 - x)", lambda x: np.arccos(1 - x), (1e-11,), "arccos", "amplification", lambda m, x: m.acos(1 - x),
        "2 * arcsin(sqrt(x / 2))"),
    Bad("log(x + sqrt(x**2 + 1))", lambda x: np.log(x + np.sqrt(x**2 + 1)), (-1e4 / 3,), "add", "cancellation",
        lambda m, x: m.asinh(x), "arcsinh(x)", node=lambda m, x: x + m.sqrt(x**2 + 1)),
    Bad("arctan(x + 1) - arctan(x)", lambda x: np.arctan(x + 1) - np.arctan(x), (1e6 / 3,), "subtract", "cancellation",
        lambda m, x: m.atan(x + 1) - m.atan(x), "arctan((x - y) / (1 + x * y))"),
    Bad("sin(x + h) - sin(x)", lambda x: np.sin(x + 1e-9) - np.sin(x), (1.0,), "subtract", "cancellation",
        lambda m, x: m.sin(x + m.mpf(1e-9)) - m.sin(x), "2 * cos((x + y) / 2) * sin((x - y) / 2)"),
    Bad("(1 + x)**n - 1", lambda x: (1 + x) ** 10 - 1, (1e-9,), "subtract", "cancellation",
        lambda m, x: m.expm1(10 * m.log1p(x)), "expm1(n * log1p(x))"),
    Bad("(1 + x)**n", lambda x: (1 + x) ** 1e9, (1e-10,), "power", "amplification",
        lambda m, x: m.exp(10**9 * m.log1p(x)), "exp(n * log1p(x))"),
    Bad("exp(x) - exp(-x)", lambda x: np.exp(x) - np.exp(-x), (1e-8,), "subtract", "cancellation",
        lambda m, x: 2 * m.sinh(x), "2 * sinh(x)"),
    Bad("sqrt(1 - x**2)", lambda x: np.sqrt(1 - x**2), (1 - 1e-7 / 3,), "subtract", "cancellation",
        lambda m, x: m.sqrt(1 - x**2), "sqrt((1 - x) * (1 + x))", node=lambda m, x: 1 - x**2),
    Bad("1 - sqrt(1 - x)", lambda x: 1 - np.sqrt(1 - x), (1e-10,), "subtract", "cancellation",
        lambda m, x: 1 - m.sqrt(1 - x), "x / (1 + sqrt(1 - x))"),
    Bad("log(x) - log(y)", lambda x, y: np.log(x) - np.log(y), (1e5 + 1e-5, 1e5), "subtract", "cancellation",
        lambda m, x, y: m.log(x) - m.log(y), "log1p((x - y) / y)"),
    Bad("cosh(x)**2 - sinh(x)**2", lambda x: np.cosh(x) ** 2 - np.sinh(x) ** 2, (8.3,), "subtract", "cancellation",
        lambda m, x: m.mpf(1), "(x - y) * (x + y)", gradient=False),
    Bad("sum of both signs", lambda x: np.sum(x), (np.array([1e16, 1.5, -1e16, 0.1]),), "sum", "cancellation",
        lambda m, x: m.fsum(x)),
    Bad("(x - 1)**7 multiplied out", expanded, (1.01,), "subtract", "cancellation", lambda m, x: (x - 1) ** 7,
        gradient=False),
    Bad("exp(-x) by its series", exponential_series, (-15.0,), "add", "cancellation", lambda m, x: m.exp(x),
        node=lambda m, x: None, gradient=False),
    Bad("product of vectors", lambda x, y: x @ y, (np.array([1e8, 1.1, -1e8]), np.array([1e8, 1.0, 1e8 + 2**-20])),
        "matmul", "cancellation", lambda m, x, y: m.fsum(a * b for a, b in zip(x, y, strict=True))),
    Bad("sin(pi * x)", lambda x: np.sin(np.pi * x), (1e5 / 3,), "sin", "amplification",
        lambda m, x: m.sin(m.mpf(np.pi) * x)),
    Bad("variance in float32", lambda x: np.mean(x * x) - np.mean(x) * np.mean(x), (FAR.astype("float32"),), "subtract",
        "cancellation", lambda m, x: mean(m, [each**2 for each in x]) - mean(m, x) ** 2, "var(x)"),
    Bad("x - sin(x)", lambda x: x - np.sin(x), (1e-3,), "subtract", "cancellation", lambda m, x: x - m.sin(x)),
    Bad("cosh(x) - 1", lambda x: np.cosh(x) - 1, (1e-6,), "subtract", "cancellation",
        lambda m, x: 2 * m.sinh(x / 2) ** 2, "2 * sinh(x / 2)**2"),
    Bad("sinh(x) - tanh(x)", lambda x: np.sinh(x) - np.tanh(x), (1e-4,), "subtract", "cancellation",
        lambda m, x: m.sinh(x) - m.tanh(x)),
    Bad("cbrt(x + 1) - cbrt(x)", lambda x: np.cbrt(x + 1) - np.cbrt(x), (1e9 / 3,), "subtract", "cancellation",
        lambda m, x: m.cbrt(x + 1) - m.cbrt(x)),
    Bad("1 / sqrt(1 - x**2) - 1", lambda x: 1 / np.sqrt(1 - x**2) - 1, (1e-5,), "subtract", "cancellation",
        lambda m, x: 1 / m.sqrt(1 - x**2) - 1),
    Bad("sine of a large number", lambda x: np.sin(x * (1e9 / 3)), (1.2345,), "sin", "amplification",
        lambda m, x: m.sin(x * m.mpf(1e9 / 3))),
    Bad("x + 1e8 - 1e8", lambda x: (x + 1e8) - 1e8, (0.123456789,), "subtract", "cancellation", lambda m, x: x,
        gradient=False),
    Bad("log1p(exp(x)) in float32", lambda x: np.log1p(np.exp(x)), (np.float32(100.0),), "exp", "overflow",
        lambda m, x: m.log1p(m.exp(x)), "logaddexp(0, x)", gradient=False),
)  # fmt: skip

RANDOM = np.random.default_rng(0)
MATRIX, VECTOR = RANDOM.normal(size=(20, 20)), RANDOM.normal(size=20)


def perceptron(x, w, v):
    return -np.sum(special.log_softmax(np.tanh(x @ w) @ v, axis=-1)[:, 0])


def standardized(x):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return np.sum(centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5) * VECTOR)


GOOD = {
    "2 * sin(x / 2)**2": (lambda x: 2 * np.sin(x / 2) ** 2, 1e-5),
    "log1p(x)": (np.log1p, 1e-10),
    "expm1(x)": (np.expm1, 1e-9),
    "1 / (sqrt(x + 1) + sqrt(x))": (lambda x: 1 / (np.sqrt(x + 1) + np.sqrt(x)), 3.3e9),
    "(x - y) * (x + y)": (lambda x, y: (x - y) * (x + y), 1e8 / 3 + 0.1, 1e8 / 3),
    "var(x)": (np.var, np.arange(5) / 7),
    "log_softmax(x)": (lambda x: special.log_softmax(x)[1], np.array([0.0, -800.0])),
    "logsumexp(x)": (special.logsumexp, np.array([800.0, 799.5])),
    "sigmoid(-x)": (lambda x: special.expit(-x), 30.0),
    "hypot(x, y)": (np.hypot, 3e200, 4e200),
    "xlogy(x, x)": (lambda x: special.xlogy(x, x), 0.3),
    "arcsinh(x)": (np.arcsinh, -1e4 / 3),
    "x / (1 + sqrt(1 - x))": (lambda x: x / (1 + np.sqrt(1 - x)), 1e-10),
    "sqrt((1 - x) * (1 + x))": (lambda x: np.sqrt((1 - x) * (1 + x)), 1 - 1e-11),
    "(x - 1)**7": (lambda x: (x - 1) ** 7, 1.01),
    "softplus, float32": (lambda x: np.logaddexp(np.float32(0), x), np.float32(100.0)),
    "perceptron": (perceptron, RANDOM.normal(size=(8, 20)), 0.3 * MATRIX, RANDOM.normal(size=(20, 4))),
    "perceptron, float32": (
        perceptron,
        RANDOM.normal(size=(8, 20)).astype("float32"),
        (0.3 * MATRIX).astype("float32"),
        RANDOM.normal(size=(20, 4)).astype("float32"),
    ),
    "standardized": (standardized, RANDOM.normal(size=(6, 20))),
    "difference of the arguments": (lambda x, y: x - y, 1e8 + 0.1, 1e8),
    "x - x": (lambda x: x - x, 3.3),
    "sum of positive numbers": (np.sum, np.linspace(0.1, 9, 1000)),
    "polynomial": (lambda x: ((x + 2) * x + 3) * x + 4, 1.7),
    "density of the normal distribution": (lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi), 1.3),
    "softmax": (special.softmax, np.array([1.0, 2.0, 3.0])),
    "norm": (np.linalg.norm, np.array([3.0, 4.0])),
    "loss": (lambda x: np.mean((x - np.arange(5.0)) ** 2), np.arange(5.0) + 0.3),
    "linear equations": (lambda x: np.linalg.solve(np.array([[2.0, 1.0], [1.0, 3.0]]), x), np.array([1.0, 2.0])),
    "spectrum": (lambda x: np.sum(np.abs(np.fft.fft(x))), np.array([1.0, 2.0, 3.0, 5.0])),
    "running sum": (np.cumsum, np.arange(1.0, 9.0)),
    "product": (np.prod, np.array([1.1, 2.2, 0.3])),
    "complex64": (lambda x: np.sum(np.abs(x * np.conj(x))), np.array([1 + 2j, 0.5], "complex64")),
    "float16": (lambda x: np.sum(x * x), np.full(3, 1.5, "float16")),
    "no entries": (np.sum, np.ones((0, 3))),
    "masked root": (lambda x: np.sum(np.where(x > 0, np.sqrt(np.abs(x)), 0.0)), np.array([1.0, -1.0])),
    "erf": (lambda x: 1 + special.erf(x), 0.3),
    "products of matrices": (lambda x, y: np.sum((x @ y) ** 2), MATRIX, MATRIX.T.copy()),
}
"""Name -> (program, *args)."""
