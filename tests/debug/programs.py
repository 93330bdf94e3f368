"""Random programs of one Variable, with and without an operation that makes a NaN or an infinity."""

import numpy as np

import autograd_core as ag

# Random graphs. Every operation keeps its entries between about 0.2 and 3 if it is given such.
SAFE = (
    ("add", lambda a, b: (a + b) * 0.5),
    ("multiply", lambda a, b: np.sqrt(a * b)),
    ("divide", lambda a, b: a / (b + 1.0) + 0.2),
    ("tanh", lambda a, b: np.tanh(a) + 0.3),
    ("exp", lambda a, b: np.exp(-a) + 0.2),
    ("log1p", lambda a, b: np.log1p(a) + 0.2),
    ("sum", lambda a, b: a / np.sum(b) + 0.2),
    ("matmul", lambda a, b: a @ b.T @ b / 20.0 + 0.2),
    ("where", lambda a, b: np.where(a > b, a, b)),
    ("getitem", lambda a, b: a[::-1] * 0.5 + b * 0.5),
)

# What makes a NaN or an infinity of numbers between 0.2 and 3: the operation, and its program.
POISON = (
    ("log", lambda a: np.log(a * 0.0 - 1.0)),
    ("sqrt", lambda a: np.sqrt(a - 100.0)),
    ("divide", lambda a: 1.0 / (a - a)),
    ("exp", lambda a: np.exp(a * 1e5)),
    ("arcsin", lambda a: np.arcsin(a + 2.0)),
    ("power", lambda a: (a - 50.0) ** 0.5),
    ("multiply", lambda a: (a * 1e200) * 1e200),
    ("log1p", lambda a: np.log1p(-a - 5.0)),
)

# What is finite, and has a derivative that is not.
POISON_BACKWARD = (
    ("sqrt", lambda a: np.sqrt(a - a) + 0.5),
    ("power", lambda a: (a - a) ** 0.25 + 0.5),
    ("arccos", lambda a: np.arccos(a - a + 1.0) + 0.5),
    ("cbrt", lambda a: np.cbrt(a * 0.0) + 0.5),
)


def program(seed, poison=()):
    """A random program of one Variable; one operation of ``poison``, if given, at a random place in it."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0.5, 2.0, (3, 3))
    count = int(rng.integers(3, 15))
    steps = [(SAFE[rng.integers(len(SAFE))], rng.integers(0, 1 << 30, 2)) for _ in range(count)]
    place = int(rng.integers(count))
    name, bad = poison[rng.integers(len(poison))] if poison else ("", None)
    variable = ag.Variable(start, name="w")

    def run():
        values = [variable.value, variable * 0.5 + 0.2]
        for position, ((_, step), picks) in enumerate(steps):
            a, b = (values[pick % len(values)] for pick in picks)
            if bad is not None and position == place:
                values.append(bad(a))
            values.append(step(a, b))
        return sum((np.sum(value) for value in values), start=ag.constant(0.0))

    return variable, run, name
