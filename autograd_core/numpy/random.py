"""Random numbers as Tensors: NumPy's functions, and those that TensorFlow has besides.

The functions draw from one generator that this module owns; ``seed`` starts it anew. Give a program its own with
``default_rng(seed)``: the same functions as methods, repeatable whatever else draws.
"""

from __future__ import annotations

from ..ops.random import Generator

_owned = Generator()

__all__ = [
    "Generator", "beta", "binomial", "chisquare", "choice", "default_rng", "dirichlet", "exponential", "gamma",
    "geometric", "gumbel", "integers", "laplace", "logistic", "lognormal", "multinomial", "multivariate_normal",
    "normal", "permutation", "poisson", "rand", "randint", "randn", "random", "random_sample", "seed", "set_seed",
    "shuffle", "standard_cauchy", "standard_exponential", "standard_normal", "standard_t", "truncated_normal",
    "uniform",
]  # fmt: skip


def default_rng(seed=None) -> Generator:
    """A generator of one's own: the numbers of ``numpy.random.default_rng(seed)``, as Tensors."""
    return seed if isinstance(seed, Generator) else Generator(seed)


def seed(seed=None) -> None:
    """Start this module's generator anew: the functions draw the numbers of ``default_rng(seed)`` from here on."""
    _owned.source = Generator(seed).source


set_seed = seed


def rand(*sides):
    """Uniform in [0, 1), of shape ``sides``."""
    return random(sides)


def randn(*sides):
    """Normal with mean 0 and standard deviation 1, of shape ``sides``."""
    return standard_normal(sides)


def randint(low, high=None, size=None, dtype=int):
    """Integers from ``low`` to ``high`` - 1; from 0 to ``low`` - 1 if ``high`` is not given."""
    return integers(low, high, size, dtype)


uniform = _owned.uniform
normal = _owned.normal
truncated_normal = _owned.truncated_normal
standard_normal = _owned.standard_normal
random = random_sample = _owned.random
standard_exponential = _owned.standard_exponential
exponential = _owned.exponential
laplace = _owned.laplace
logistic = _owned.logistic
gumbel = _owned.gumbel
standard_cauchy = _owned.standard_cauchy
lognormal = _owned.lognormal
gamma = _owned.gamma
multivariate_normal = _owned.multivariate_normal
integers = _owned.integers
beta = _owned.beta
binomial = _owned.binomial
poisson = _owned.poisson
geometric = _owned.geometric
multinomial = _owned.multinomial
dirichlet = _owned.dirichlet
chisquare = _owned.chisquare
standard_t = _owned.standard_t
permutation = _owned.permutation
shuffle = _owned.shuffle
choice = _owned.choice
