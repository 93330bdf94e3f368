"""Activations to compare with Keras: a name, and the options it is called with."""

import numpy as np

CASES = (
    ("celu", {}), ("celu", {"alpha": 0.5}), ("elu", {}), ("elu", {"alpha": 0.5}), ("exponential", {}), ("gelu", {}),
    ("gelu", {"approximate": True}), ("glu", {}), ("hard_shrink", {}), ("hard_sigmoid", {}), ("hard_silu", {}),
    ("hard_tanh", {}), ("leaky_relu", {}), ("linear", {}), ("log_sigmoid", {}), ("log_softmax", {}), ("mish", {}),
    ("relu", {}), ("relu", {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.3}), ("relu6", {}), ("selu", {}),
    ("sigmoid", {}), ("silu", {}), ("soft_shrink", {}), ("softmax", {}), ("softplus", {}), ("softsign", {}),
    ("sparse_plus", {}), ("sparse_sigmoid", {}), ("squareplus", {}), ("tanh", {}),
    ("tanh_shrink", {}), ("threshold", {"threshold": 0.2, "default_value": -1.0}),
)  # fmt: skip


def name_of(case):
    """Name and options as one string."""
    name, options = case
    return " ".join([name, *(f"{key}={value}" for key, value in options.items())])


def inputs(name):
    """Rows around 0, rows far away, and kinks left out: there each library chooses its own derivative."""
    random = np.random.RandomState(7)
    rows = np.concatenate([random.normal(size=(6, 4)), 5 * random.normal(size=(3, 4))])
    if name != "exponential":
        rows = np.concatenate([rows, [[-40.0, 30.0, -20.0, 10.0], [-80.0, 75.0, 60.0, 1e-3]]])
    return rows


def projection(shape):
    """Random factors of the output."""
    return np.random.RandomState(8).normal(size=shape)
