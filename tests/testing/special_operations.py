"""Right operations that are special: right for some arguments only, or computed in memory of their own."""

import numpy as np

import autograd_core as ag

from .right_operations import Right, normal, primitive

G = np.random.default_rng(60)


@ag.custom_gradient
def learned_step_size(x, step):
    """LSQ: the gradient goes straight through the rounding, for the step as well."""
    quotient = x / step
    rounded = np.clip(np.round(quotient), -8, 7)

    def gradient(upstream):
        inside = (quotient > -8) & (quotient < 7)
        return upstream * inside, np.sum(upstream * np.where(inside, rounded - quotient, rounded))

    return rounded * step, gradient


@ag.custom_gradient
def nearest_code(x, codes):
    """Vector quantisation: straight through to x; to the codes as it is."""
    nearest = np.argmin(np.abs(x.numpy()[:, None] - codes.numpy()), axis=1)
    picked = codes[nearest]
    return picked, lambda upstream: (upstream, upstream @ np.eye(3)[nearest])


@ag.custom_gradient
def soft_labels(logits, labels):
    """Cross-entropy: "probabilities minus labels" is right where labels sum to one."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    p = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    return -np.sum(labels * np.log(p)), lambda upstream: (upstream * (p - labels), -upstream * np.log(p))


@ag.custom_gradient
def turned_back(q, b):
    """The inverse of a rotation is its transpose."""
    y = np.linalg.inv(q) @ b
    return y, lambda upstream: (-np.outer(q @ upstream, y), q @ upstream)


@ag.custom_gradient
def angle(direction, other):
    """Of unit vectors; the general formula has their norms in it."""
    cosine = np.sum(direction * other) / np.sqrt(np.sum(direction**2) * np.sum(other**2))

    def gradient(upstream):
        return upstream * (other - cosine * direction), upstream * (direction - cosine * other)

    return cosine, gradient


buffer, gradient_buffer = np.empty(5), np.empty(5)


@ag.primitive
def into_one_buffer(x):
    return np.exp(x, out=buffer)


into_one_buffer.defvjp(lambda ct, ans, x: ct * ans)


TABLE = np.arange(3.0)
beside_a_table = primitive(lambda x: (x * TABLE, TABLE), lambda ct, ans, x: ct[0] * TABLE)


@ag.primitive
def sine(x):
    return np.sin(x)


def rule_with_a_buffer(ct, ans, x):
    if any(isinstance(each, ag.Tensor) for each in (ct, x)):
        return ct * np.cos(x)
    return np.multiply(ct, np.cos(x), out=gradient_buffer)


sine.defvjp(rule_with_a_buffer)

fast = primitive(np.sin, lambda ct, ans, x: ct * np.cos(x))

ROTATION = np.linalg.qr(G.normal(size=(3, 3)))[0]
DIRECTIONS = [each / np.linalg.norm(each) for each in G.normal(size=(2, 4))]

SPECIAL = [
    Right("learned step size", learned_step_size, (normal(6), 0.3), verdict="surrogate"),
    Right("vector quantisation", nearest_code, (3 * normal(6), np.array([-1.5, 0.2, 2.0])), verdict="surrogate"),
    Right("labels that are one-hot", soft_labels, (normal(2, 3), np.eye(3)[[0, 2]])),
    Right("labels that are probabilities", soft_labels, (normal(2, 3), G.dirichlet(np.ones(3), 2))),
    Right("inverse of a rotation", turned_back, (ROTATION, normal(3))),
    Right("unit vectors", angle, tuple(DIRECTIONS)),
    Right("one buffer for all results", into_one_buffer, (normal(5),), verdict="cannot tell"),
    Right("a table beside it", beside_a_table, (normal(3),)),
    Right("one buffer for all gradients", sine, (normal(5),)),
    Right("sine at 1e8", fast, (1e8 * normal(5),)),
    Right("a view of a part", primitive(lambda x: x[::-2], lambda ct, ans, x: _spread(ct, x)), (normal(6),)),
]


def _spread(ct, x):
    back = np.zeros(x.shape)
    return back + np.concatenate([np.stack([np.zeros(3), ct[::-1]], axis=1).reshape(6)])
