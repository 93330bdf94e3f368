"""Right operations as users write them: each must be accepted at the very arguments given."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg
import scipy.special

import autograd_core as ag

G = np.random.default_rng(50)


@dataclass(frozen=True)
class Right:
    """An operation, what it is first used with, and what the report says."""

    name: str
    operation: Any
    args: tuple
    keywords: dict = field(default_factory=dict)
    verdict: str = "right"

    def __str__(self) -> str:
        return self.name


def primitive(function, *rules, jvps=None):
    """An operation of its own, with these rules."""
    made = ag.primitive(function).defvjp(*rules)
    return made.defjvp(*jvps) if jvps else made


def normal(*shape, dtype=np.float64):
    return G.normal(size=shape).astype(dtype)


def complex_normal(*shape):
    return G.normal(size=shape) + 1j * G.normal(size=shape)


# -- functions with a gradient of their own ----------------------------------------------------------------------------


@ag.custom_gradient
def log1pexp(x):
    """TensorFlow's example."""
    e = np.exp(x)
    return np.log(1.0 + e), lambda upstream: upstream * (1.0 - 1.0 / (1.0 + e))


@ag.custom_gradient
def stable_softplus(x):
    return np.logaddexp(0.0, x), lambda upstream: upstream * scipy.special.expit(x)


@ag.custom_gradient
def relu(x):
    return np.maximum(x, 0.0), lambda upstream: upstream * (x > 0)


@ag.custom_gradient
def relu_one_at_zero(x):
    return np.maximum(x, 0.0), lambda upstream: upstream * (x >= 0)


@ag.custom_gradient
def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    p = e / np.sum(e, axis=-1, keepdims=True)
    return p, lambda upstream: p * (upstream - np.sum(upstream * p, axis=-1, keepdims=True))


@ag.custom_gradient
def cross_entropy(logits, labels):
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    rows = np.arange(logits.shape[0])

    def gradient(upstream):
        hot = np.eye(logits.shape[1])[labels.numpy() if isinstance(labels, ag.Tensor) else labels]
        return upstream * (np.exp(log_p) - hot) / logits.shape[0], None

    return -np.mean(log_p[rows, labels]), gradient


@ag.custom_gradient
def dense(x, w, b):
    return x @ w + b, lambda upstream: (upstream @ np.transpose(w), np.transpose(x) @ upstream, np.sum(upstream, 0))


DRAW = np.random.default_rng(0)


@ag.custom_gradient
def dropout(x):
    kept = DRAW.random(x.shape) > 0.5
    return x * kept, lambda upstream: upstream * kept


@ag.custom_gradient
def normalised(x):
    mean, deviation = np.mean(x, axis=0), np.sqrt(np.var(x, axis=0) + 1e-5)
    y = (x - mean) / deviation

    def gradient(upstream):
        return (upstream - np.mean(upstream, axis=0) - y * np.mean(upstream * y, axis=0)) / deviation

    return y, gradient


@ag.custom_gradient
def norm(x):
    length = np.sqrt(np.sum(x * x))
    return length, lambda upstream: upstream * x / length


@ag.custom_gradient
def polar(x, y):
    r = np.hypot(x, y)

    def gradient(of_r, of_angle):
        return of_r * x / r - of_angle * y / r**2, of_r * y / r + of_angle * x / r**2

    return (r, np.arctan2(y, x)), gradient


@ag.custom_gradient
def of_a_structure(parts, scale):
    out = {"sum": (parts["a"] + parts["b"]) * scale, "product": parts["a"] * parts["b"]}

    def gradient(of_sum, of_product):
        return {
            "a": of_sum * scale + of_product * parts["b"],
            "b": of_sum * scale + of_product * parts["a"],
        }, np.sum(of_sum * (parts["a"] + parts["b"]))

    return out, gradient


@ag.custom_gradient
def nothing_for_the_second(x, temperature):
    return x / temperature, lambda upstream: (upstream / temperature, None)


W = ag.Variable(normal(3, 2), name="W")
B = ag.Variable(normal(2), name="b")


@ag.custom_gradient
def layer(x):
    """Reads two Variables, and computes its rule from them again."""
    y = np.tanh(x @ W + B)

    def gradient(upstream, variables=None):
        inner = upstream * (1 - y * y)
        return inner @ np.transpose(W), [np.transpose(x) @ inner, np.sum(inner, 0)]

    return y, gradient


@ag.custom_gradient
def square_root_by_newton(a):
    """An iteration outside of the graph, differentiated implicitly: x * x = a."""
    raw = a.numpy() if isinstance(a, ag.Tensor) else a
    x = np.ones_like(raw)
    for _ in range(60):
        x = 0.5 * (x + raw / x)
    root = ag.constant(x)

    @ag.custom_gradient
    def rooted(b):
        # The root again, so that the rule can be differentiated.
        return root, lambda upstream: upstream / (2 * rooted(b))

    return rooted(a), lambda upstream: upstream / (2 * rooted(a))


@ag.custom_gradient
def first_order_only(x):
    """Everything by SciPy, on numbers: a second derivative is an error, not a silent zero."""
    raw = x.numpy() if isinstance(x, ag.Tensor) else x
    return ag.constant(scipy.special.gammaln(raw)), lambda upstream: upstream.numpy() * scipy.special.digamma(raw)


@ag.custom_gradient
def reversed_gradient(x):
    return x, lambda upstream: -0.5 * upstream


@ag.custom_gradient
def clipped_gradient(x):
    return x * 1.0, lambda upstream: np.clip(upstream, -0.01, 0.01)


@ag.custom_gradient
def straight_through_round(x):
    return np.round(x), lambda upstream: upstream


@ag.custom_gradient
def binarised(x):
    return np.sign(x), lambda upstream: upstream * (np.abs(x) <= 1)


@ag.custom_gradient
def quantised(x, scale):
    """Straight through in x, and right in the scale: all steps are in x."""
    steps = np.round(x)
    return steps * scale, lambda upstream: (upstream * scale, np.sum(upstream * steps))


# -- primitives --------------------------------------------------------------------------------------------------------


@ag.primitive
def scaled(x, *, factor, power=1):
    return factor * x**power


scaled.defvjp(lambda ct, ans, x, *, factor, power=1: ct * factor * power * x ** (power - 1))


@ag.primitive
def fixed_point(a):
    """x = cos(a x), to the last digit; differentiated implicitly."""
    x = np.full_like(a, 0.7)
    for _ in range(200):
        x = x - (x - np.cos(a * x)) / (1 + a * np.sin(a * x))
    return x


fixed_point.defvjp(lambda ct, ans, a: -ct * ans * np.sin(a * ans) / (1 + a * np.sin(a * ans)))


@ag.primitive
def loose_fixed_point(a):
    """The same by plain iteration, stopped early."""
    x = np.full_like(a, 0.7)
    for _ in range(400):
        new = np.cos(a * x)
        done = np.abs(new - x).max(initial=0.0) < 1e-9
        x = new
        if done:
            break
    return x


loose_fixed_point.defvjp(lambda ct, ans, a: -ct * ans * np.sin(a * ans) / (1 + a * np.sin(a * ans)))


@ag.primitive
def sin_cos(x):
    return np.sin(x), np.cos(x)


sin_cos.defvjp(lambda ct, ans, x: ct[0] * ans[1] - ct[1] * ans[0])
sin_cos.defjvp(lambda t, ans, x: (t * ans[1], -t * ans[0]))

cube = primitive(lambda x: x**3, lambda ct, ans, x: ct * 3 * x**2)
root = primitive(np.sqrt, lambda ct, ans, x: ct / (2 * ans))
solve = primitive(
    np.linalg.solve,
    lambda ct, ans, a, b: -np.linalg.solve(np.transpose(a), ct) @ np.transpose(ans),
    lambda ct, ans, a, b: np.linalg.solve(np.transpose(a), ct),
)
matmul = primitive(
    np.matmul,
    lambda ct, ans, a, b: ct @ np.transpose(b),
    lambda ct, ans, a, b: np.transpose(a) @ ct,
)
logsumexp = primitive(
    lambda x: scipy.special.logsumexp(x, axis=-1),
    lambda ct, ans, x: np.expand_dims(ct, -1) * np.exp(x - np.expand_dims(ans, -1)),
)
largest = primitive(np.max, lambda ct, ans, x: ct * (x == ans) / np.sum(x == ans))
absolute = primitive(np.abs, lambda ct, ans, x: ct * np.sign(x))
complex_square = primitive(np.square, lambda ct, ans, z: ct * 2 * z)
complex_modulus = primitive(lambda z: np.real(z * np.conj(z)), lambda ct, ans, z: ct * 2 * np.conj(z))
gather = primitive(
    lambda x, index: x[index],
    lambda ct, ans, x, index: np.transpose(np.eye(x.shape[0])[index]) @ ct,
    None,
)
log1mexp = primitive(
    lambda x: np.where(x < np.log(2), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x))),
    lambda ct, ans, x: ct / np.expm1(x),
)
broadcast_product = primitive(np.multiply, lambda ct, ans, x, y: ct * y, lambda ct, ans, x, y: ct * x)
log_determinant = primitive(
    lambda a: np.linalg.slogdet(a)[1],
    lambda ct, ans, a: ct * np.transpose(np.linalg.inv(a)),
)
symmetric_log_determinant = primitive(
    lambda a: 2 * np.sum(np.log(np.diag(scipy.linalg.cholesky(a, lower=True)))),  # reads one triangle only
    lambda ct, ans, a: ct * np.linalg.inv(a),
)
eigenvalues = primitive(
    np.linalg.eigvalsh,  # of one triangle, too
    lambda ct, ans, a: _weighed(ct, a),
)


def _weighed(ct, a):
    vectors = np.linalg.eigh(a.numpy() if isinstance(a, ag.Tensor) else a)[1]
    return (vectors * np.asarray(ct)) @ vectors.T


entropy = primitive(
    lambda p: -np.sum(scipy.special.xlogy(p, p)),
    lambda ct, ans, p: -ct * (np.log(p) + 1),
)
erf = primitive(scipy.special.erf, lambda ct, ans, x: ct * 2 / np.sqrt(np.pi) * np.exp(-(x**2)))
bessel = primitive(scipy.special.j0, lambda ct, ans, x: -ct * scipy.special.j1(x))
huber = primitive(
    lambda x: np.where(np.abs(x) < 1, 0.5 * x * x, np.abs(x) - 0.5),
    lambda ct, ans, x: ct * np.clip(x, -1, 1),
)
wide_rule = primitive(np.tanh, lambda ct, ans, x: ct * np.float64(1.0) * (1 - np.astype(ans, np.float64) ** 2))
spectrum = primitive(
    lambda x: np.fft.rfft(x).view(np.float64),
    lambda ct, ans, x: np.fft.irfft(_halved(ct, x.shape[0]), x.shape[0]) * x.shape[0],
)


def _halved(ct, count):
    """Cotangent of the packed spectrum as that of a complex one; the first and the last entry count once."""
    z = ct[0::2] + 1j * ct[1::2]
    weights = np.full(z.shape[0], 0.5)
    weights[0] = 1.0
    if count % 2 == 0:
        weights[-1] = 1.0
    return z * weights


A = normal(3, 3)
SPD = A @ A.T + 3 * np.eye(3)

RIGHT = [
    Right("cube", cube, (normal(3),)),
    Right("cube, number", cube, (2.0,)),
    Right("cube, 0-d float32", cube, (np.array(1.5, np.float32),)),
    Right("cube, float32", cube, (normal(50, dtype=np.float32),)),
    Right("cube, float16", cube, (normal(5, dtype=np.float16),)),
    Right("cube, zeros", cube, (np.zeros(3),)),
    Right("cube, ones", cube, (np.ones(3),)),
    Right("cube, 1e8", cube, (1e8 * normal(3),)),
    Right("cube, 1e-8", cube, (1e-8 * normal(3),)),
    Right("cube, mixed sizes", cube, (np.array([1e-8, 1.0, 1e8]),)),
    Right("cube, empty", cube, (np.zeros((0, 3)),)),
    Right("cube, large array", cube, (normal(300, 200),)),
    Right("square root", root, (np.array([0.25, 4.0]),)),
    Right("square root at 0", root, (np.array([0.0, 1.0, 4.0]),)),
    Right("square root at 0 only", root, (np.zeros(2),)),
    Right("square root of 1e-300", root, (np.array([1e-300]),)),
    Right("log1pexp", log1pexp, (normal(4),)),
    Right("log1pexp, at 1000", stable_softplus, (np.array([-1000.0, 0.0, 1000.0]),)),
    Right("softplus, float32", stable_softplus, (normal(6, dtype=np.float32),)),
    Right("log1mexp", log1mexp, (np.array([1e-3, np.log(2), 3.0]),)),
    Right("relu", relu, (normal(20),)),
    Right("relu at 0", relu, (np.zeros(5),)),
    Right("relu, 1 at 0", relu_one_at_zero, (np.array([0.0, -1.0, 0.0, 2.0]),)),
    Right("relu, float32", relu, (normal(1000, dtype=np.float32),)),
    Right("abs at 0", absolute, (np.array([0.0, -2.0, 3.0]),)),
    Right("max with ties", largest, (np.array([1.0, 3.0, 3.0]),)),
    Right("huber at its corners", huber, (np.array([-1.0, 0.3, 1.0, 5.0]),)),
    Right("huber, many float32", huber, (normal(3000, dtype=np.float32),)),
    Right("softmax", softmax, (normal(2, 4),)),
    Right("cross entropy", cross_entropy, (normal(5, 3), np.array([0, 2, 1, 1, 0]))),
    Right("dense layer", dense, (normal(4, 3), normal(3, 2), normal(2))),
    Right("dense layer, float32", dense, (normal(4, 3, dtype="f4"), normal(3, 2, dtype="f4"), normal(2, dtype="f4"))),
    Right("layer with Variables", layer, (normal(4, 3),)),
    Right("norm", norm, (normal(5),)),
    Right("norm at 0", norm, (np.zeros(3),)),
    Right("two results", polar, (normal(3), normal(3))),
    Right("two results of a primitive", sin_cos, (normal(3),)),
    Right("structures", of_a_structure, ({"a": normal(3), "b": normal(3)}, 2.0)),
    Right("None for an argument", nothing_for_the_second, (normal(3), 2.0)),
    Right("matmul", matmul, (normal(2, 3), normal(3, 4))),
    Right("solve", solve, (SPD, normal(3, 2))),
    Right("determinant", log_determinant, (A,)),
    Right("of symmetric matrices", symmetric_log_determinant, (SPD,)),
    Right("eigenvalues of symmetric matrices", eigenvalues, (SPD,)),
    Right("eigenvalues of the symmetric unit matrix", eigenvalues, (np.eye(3),)),
    Right("exp, subnormal", primitive(np.exp, lambda ct, ans, x: ct * ans), (np.array([-745.0]),)),
    Right("dropped out", dropout, (normal(6),)),
    Right("batch normalisation", normalised, (normal(8, 3),)),
    Right("logsumexp", logsumexp, (normal(2, 5),)),
    Right("logsumexp, large", logsumexp, (1e4 * normal(2, 5),)),
    Right("broadcasting", broadcast_product, (normal(4, 3), normal(3))),
    Right("broadcasting a number", broadcast_product, (normal(4, 1, 3), 0.5)),
    Right("integer index", gather, (normal(5), np.array([0, 2, 2]))),
    Right("keywords", scaled, (normal(3),), {"factor": 2.5, "power": 2}),
    Right("complex square", complex_square, (complex_normal(3),)),
    Right("complex modulus", complex_modulus, (complex_normal(3),)),
    Right("complex64", complex_square, (complex_normal(3).astype(np.complex64),)),
    Right("spectrum", spectrum, (normal(6),)),
    Right("Newton's method", fixed_point, (np.array([0.5, 1.0]),)),
    Right("loose iteration", loose_fixed_point, (np.array([0.5, 0.9]),)),
    Right("square root by Newton", square_root_by_newton, (np.array([2.0, 9.0]),)),
    Right("first order only", first_order_only, (np.array([1.5, 4.0]),)),
    Right("entropy at 0", entropy, (np.array([0.0, 0.25, 0.75]),)),
    Right("erf", erf, (normal(4),)),
    Right("erf, saturated", erf, (np.array([30.0, -30.0]),)),
    Right("Bessel at 1e6", bessel, (np.array([1e6, 3.0]),)),
    Right("float64 rule for float32", wide_rule, (normal(4, dtype=np.float32),)),
    Right("gradient reversal", reversed_gradient, (normal(3),), verdict="surrogate"),
    Right("gradient clipping", clipped_gradient, (normal(3),), verdict="surrogate"),
    Right("straight-through round", straight_through_round, (normal(3),), verdict="surrogate"),
    Right("binarised", binarised, (normal(3),), verdict="surrogate"),
    Right("quantised", quantised, (3 * normal(6), 0.7), verdict="surrogate"),
]
