"""Operations as users write them, with one fault each, and what the refusal must say of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

import autograd_core as ag

G = np.random.default_rng(20)


@dataclass(frozen=True)
class Wrong:
    """An operation, the arguments it is first used with, and a pattern for the reason."""

    name: str
    operation: Any
    args: tuple
    reason: str

    def __str__(self) -> str:
        return self.name


def primitive(function, *rules, jvps=None):
    """An operation of its own, with these rules."""
    made = ag.primitive(function).defvjp(*rules)
    return made.defjvp(*jvps) if jvps else made


@ag.custom_gradient
def reversed_softplus(x):
    return np.log1p(np.exp(x)), lambda upstream: -upstream / (1 + np.exp(-x))


@ag.custom_gradient
def half_square(x):
    """The factor 2 of x**2 is forgotten."""
    return np.sum(x * x), lambda upstream: upstream * x


@ag.custom_gradient
def bias_without_sum(x, b):
    return x + b, lambda upstream: (upstream, upstream)


@ag.custom_gradient
def bias_of_one_row(x, b):
    return x + b, lambda upstream: (upstream, upstream[0])


@ag.custom_gradient
def bias_mean(x, b):
    return np.tanh(x + b), lambda upstream: (
        upstream / np.cosh(x + b) ** 2,
        np.mean(upstream / np.cosh(x + b) ** 2, axis=0),
    )


@ag.custom_gradient
def upstream_forgotten(x):
    return np.exp(x), lambda upstream: np.exp(x)


@ag.custom_gradient
def clipped_exp(x):
    return np.exp(x), lambda upstream: np.clip(upstream, -1.0, 1.0) * np.exp(x)


@ag.custom_gradient
def numpy_inside(x):
    """Right once, but differentiated again it is 0."""
    slope = np.cos(x).numpy()
    return np.sin(x), lambda upstream: upstream * slope


@ag.custom_gradient
def partly_cut(x):
    """x exp(x): one factor of the rule is a number."""
    e = np.exp(x)
    return x * e, lambda upstream: upstream * (e + x.numpy() * e)


FIRST: list = []


@ag.custom_gradient
def remembers_the_first_call(x):
    """The slope is computed once and for all."""
    if not FIRST:
        FIRST.append(np.cos(x).numpy())
    return np.sin(x), lambda upstream: upstream * FIRST[0]


@ag.custom_gradient
def softmax_diagonal(x):
    """Only the diagonal of the Jacobian."""
    e = np.exp(x - np.max(x))
    p = e / np.sum(e)
    return p, lambda upstream: upstream * p * (1 - p)


W = ag.Variable(G.normal(size=(3, 2)), name="W")


@ag.custom_gradient
def dense_with_a_wrong_weight_gradient(x):
    def gradient(upstream, variables):
        return upstream @ np.transpose(W), [np.transpose(x) @ upstream / x.shape[0]]

    return x @ W, gradient


MATRIX = G.normal(size=(3, 3))

WRONG = [
    Wrong("sign of softplus", reversed_softplus, (G.normal(size=4),), "sign is reversed"),
    Wrong("factor 2 of a square", half_square, (G.normal(size=(2, 3)),), "1/2 times what it should be"),
    Wrong(
        "power rule",
        primitive(lambda x: x**3, lambda ct, ans, x: ct * 3 * x),
        (np.ones(3),),  # where x**2 is x
        r"argument 0, entry \[\d\].*A factor of the argument itself is missing",
    ),
    Wrong(
        "no sum over the batch", bias_without_sum, (G.normal(size=(4, 3)), G.normal(size=3)), "sum over the broadcast"
    ),
    Wrong(
        "one row in place of the sum",
        bias_of_one_row,
        (G.normal(size=(4, 3)), G.normal(size=3)),
        r"argument 1.*sum over the broadcast is missing",
    ),
    Wrong("mean over the batch", bias_mean, (G.normal(size=(4, 3)), G.normal(size=3)), "argument 1.*a mean over the"),
    Wrong("upstream forgotten", upstream_forgotten, (G.normal(size=3),), "upstream is ignored"),
    Wrong("upstream clipped", clipped_exp, (G.normal(size=3),), "large one is clipped"),
    Wrong(
        "absolute upstream",
        primitive(np.sin, lambda ct, ans, x: np.abs(ct) * np.cos(x)),
        (G.normal(size=3),),
        "sign of the upstream is lost",
    ),
    Wrong(
        "something added",
        primitive(np.tanh, lambda ct, ans, x: ct * (1 - ans**2) + 1e-3),
        (G.normal(size=3),),
        "adds something that does not depend on the upstream",
    ),
    Wrong("number in the rule", numpy_inside, (G.normal(size=3),), "first derivative is right, and it is cut off"),
    Wrong("number in a part of the rule", partly_cut, (G.normal(size=3),), "a part of it is cut off"),
    Wrong("slope of the first call", remembers_the_first_call, (G.normal(size=3),), "computed before"),
    Wrong(
        "matmul without the transpose",
        primitive(np.matmul, lambda ct, ans, a, b: ct @ b, lambda ct, ans, a, b: a.T @ ct),
        (MATRIX, G.normal(size=(3, 3))),
        "argument 0, entry",
    ),
    Wrong(
        "transposed gradient",
        primitive(np.linalg.det, lambda ct, ans, a: ct * ans * np.linalg.inv(a)),
        (MATRIX,),
        "gradient is transposed",
    ),
    Wrong(
        "rules swapped",
        primitive(np.multiply, lambda ct, ans, x, y: ct * x, lambda ct, ans, x, y: ct * y),
        (G.normal(size=3), G.normal(size=3)),
        "gradient of argument 1: the rules are swapped",
    ),
    Wrong(
        "conjugate of a complex square",
        primitive(np.square, lambda ct, ans, z: ct * 2 * np.conj(z)),
        (G.normal(size=2) + 1j * G.normal(size=2),),
        "complex conjugate is missing or too much",
    ),
    Wrong(
        "conjugate forgotten",
        primitive(lambda z: np.real(z * np.conj(z)), lambda ct, ans, z: ct * 2 * z),
        (G.normal(size=2) + 1j * G.normal(size=2),),
        "complex conjugate is missing",
    ),
    Wrong("off-diagonal of the softmax", softmax_diagonal, (G.normal(size=4),), "diagonal of the Jacobian only"),
    Wrong(
        "forward mode only",
        primitive(np.sin, lambda ct, ans, x: ct * np.cos(x), jvps=(lambda t, ans, x: -t * np.cos(x),)),
        (G.normal(size=3),),
        "JVP rules do not.*sign is reversed",
    ),
    Wrong(
        "truncated constant",
        primitive(
            scipy.special.erf,
            lambda ct, ans, x: ct * 1.12 * np.exp(-(x**2)),
        ),
        (G.normal(size=3),),
        "0.9926 times what it should be",
    ),
    Wrong(
        "gradient of a Variable inside",
        dense_with_a_wrong_weight_gradient,
        (G.normal(size=(4, 3)),),
        "Variable 'W'.*1/4 times",
    ),
]
