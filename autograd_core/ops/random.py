"""Random numbers as Tensors, differentiable in the parameters of their distribution.

A draw from a distribution with a location and a scale is a fixed draw moved and stretched: ``loc + scale * z``. Its
derivative in ``loc`` and ``scale`` is that of this formula, with ``z`` held (the reparameterisation of Kingma and
Welling, "Auto-Encoding Variational Bayes", 2014). A parameter for which there is no such formula must not be tracked:
an error says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..errors import ConversionError, DomainError, DtypeError, ShapeError
from ..primitive import Primitive, apply
from ..shapes import broadcasts_into, shape_of
from ..symbol import Value
from ..tensor import Overloaded, Tensor, as_value
from ..tracing import checked, host, is_known, is_tracing
from .gathering import take
from .matrices import operand, tensor

ROWS: tuple[Primitive, ...] = ()  # draws are constants; what is done with them are other operations

OVERLOADS: dict[Any, Any] = {}

Shape = tuple[int, ...]


def shape_from(name: str, size) -> Shape | None:
    """``size`` as a tuple; None stays None."""
    if size is None:
        return None
    entries = size if isinstance(size, (tuple, list, np.ndarray)) else (size,)
    try:
        shape = tuple(entry.__index__() for entry in entries)
    except (AttributeError, TypeError):
        raise ShapeError(f"{name}: size must be an integer or a tuple of integers; got {size!r}.") from None
    if min(shape, default=0) < 0:
        raise ShapeError(f"{name}: size {shape}: lengths are 0 or more.")
    return shape


def _is_shape(first) -> bool:
    """Whether a first argument is TensorFlow's ``shape`` and not a parameter: a tuple or list of integers >= 0."""
    return isinstance(first, (tuple, list)) and all(
        isinstance(side, (int, np.integer)) and not isinstance(side, bool) and side >= 0 for side in first
    )


class Generator:
    """Draws random numbers as Tensors, by the names, parameters and results of ``numpy.random.Generator``.

    Parameters
    ----------
    seed : int, sequence of int, numpy.random.Generator or None
        The same seed gives the same numbers, those of ``numpy.random.default_rng(seed)``. None: fresh ones.

    Notes
    -----
    Draws are differentiable in parameters that move or stretch them: ``low``, ``high``, ``loc``, ``scale``, ``mean``,
    ``stddev``, ``sigma``. ``uniform`` and ``normal`` also take TensorFlow's arguments (``shape, minval, maxval``;
    ``shape, mean, stddev``): a tuple or list of integers in the first place is a shape. To give a bound per entry
    there, give an array.
    """

    __slots__ = ("_begin", "source")

    def __init__(self, seed=None):
        try:
            self.source = np.random.default_rng(seed)
        except (TypeError, ValueError) as error:
            raise DomainError(f"Generator: seed must be an integer >= 0, a generator or None; got {seed!r}.") from error
        fresh = is_tracing() and seed is not None and not isinstance(seed, np.random.Generator)
        self._begin = self.source.bit_generator.state if fresh else None

    def __repr__(self) -> str:
        return f"Generator({type(self.source.bit_generator).__name__})"

    # -- location and scale ----------------------------------------------------------------------------------------

    def uniform(
        self, low=0.0, high=None, size=None, dtype=None, *, shape=None, minval=None, maxval=None, seed=None, name=None
    ):
        """Uniform in [low, high): ``uniform(low, high, size)``, or ``uniform(shape, minval, maxval, dtype)``.

        Integer dtypes need ``maxval`` and give integers from ``minval`` to ``maxval`` - 1.
        """
        low, high, size, dtype = _arguments(
            "uniform", (low, high, size, dtype), {"shape": shape, "low": minval, "high": maxval}, (0.0, 1.0)
        )
        generator = self if seed is None else Generator(seed)
        if dtype is not None and np.dtype(dtype).kind in "iu":
            return generator.integers(low, high, size, dtype)
        size = _result_shape("uniform", size, low, high)
        return generator._moved("uniform", np.random.Generator.random, low, _difference(high, low), size, dtype)

    def normal(
        self, loc=0.0, scale=None, size=None, dtype=None, *, shape=None, mean=None, stddev=None, seed=None, name=None
    ):
        """Normal around ``loc`` with standard deviation ``scale``; or ``normal(shape, mean, stddev, dtype)``."""
        loc, scale, size, dtype = _arguments(
            "normal", (loc, scale, size, dtype), {"shape": shape, "low": mean, "high": stddev}, (0.0, 1.0)
        )
        generator = self if seed is None else Generator(seed)
        scale = _at_least_zero("normal", scale=scale)
        return generator._moved("normal", _NORMAL, loc, scale, size, dtype)

    def _drawn(self, draw: Callable[[np.random.Generator], Any], shape: Shape, dtype) -> Any:
        """What ``draw`` gives; in a traced function, at every run of the plan."""
        if not is_tracing():
            return Tensor(np.asarray(draw(self.source)).astype(dtype, copy=False), None)
        begin, self._begin = self._begin, None

        def anew():
            if begin is not None:  # made in the function: it begins anew at each run, as it does eagerly
                self.source.bit_generator.state = begin
            return draw(self.source)

        return host(anew, shape, dtype)

    def _moved(self, name: str, draw: Callable[[np.random.Generator, Shape], Any], loc, scale, size, dtype=None):
        """``loc + scale * draw``."""
        shape = _result_shape(name, size, loc, scale)
        dtype = np.dtype(np.float64 if dtype is None else dtype)
        if dtype.kind not in "f":
            raise DtypeError(f"{name}: dtype {dtype}; expected a floating one.")
        standard = self._drawn(lambda source: draw(source, shape), shape, dtype)
        if _is(loc, 0.0) and _is(scale, 1.0):
            return standard
        return _in(loc, dtype) + _in(scale, dtype) * standard

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None, name=None):
        """Normal, with draws further than two standard deviations from the mean drawn again, as TensorFlow's."""
        stddev = _at_least_zero("truncated_normal", stddev=stddev)
        generator = self if seed is None else Generator(seed)
        return generator._moved(
            "truncated_normal", _truncated, mean, stddev, shape, np.float32 if dtype is None else dtype
        )

    def standard_normal(self, size=None, dtype=np.float64):
        """Normal with mean 0 and standard deviation 1."""
        return self._moved("standard_normal", _NORMAL, 0.0, 1.0, size, dtype)

    def random(self, size=None, dtype=np.float64):
        """Uniform in [0, 1)."""
        return self._moved("random", np.random.Generator.random, 0.0, 1.0, size, dtype)

    def standard_exponential(self, size=None, dtype=np.float64):
        """Exponential with mean 1."""
        return self._moved("standard_exponential", _EXPONENTIAL, 0.0, 1.0, size, dtype)

    def exponential(self, scale=1.0, size=None):
        """Exponential with mean ``scale``."""
        scale = _at_least_zero("exponential", scale=scale)
        return self._moved("exponential", _EXPONENTIAL, 0.0, scale, size)

    def laplace(self, loc=0.0, scale=1.0, size=None):
        """Laplace around ``loc``."""
        scale = _at_least_zero("laplace", scale=scale)
        return self._moved("laplace", lambda source, shape: source.laplace(size=shape), loc, scale, size)

    def logistic(self, loc=0.0, scale=1.0, size=None):
        """Logistic around ``loc``."""
        scale = _at_least_zero("logistic", scale=scale)
        return self._moved("logistic", lambda source, shape: source.logistic(size=shape), loc, scale, size)

    def gumbel(self, loc=0.0, scale=1.0, size=None):
        """Gumbel with mode ``loc``."""
        scale = _at_least_zero("gumbel", scale=scale)
        return self._moved("gumbel", lambda source, shape: source.gumbel(size=shape), loc, scale, size)

    def standard_cauchy(self, size=None):
        """Cauchy around 0."""
        return self._moved("standard_cauchy", np.random.Generator.standard_cauchy, 0.0, 1.0, size)

    def lognormal(self, mean=0.0, sigma=1.0, size=None):
        """``exp`` of a normal number."""
        sigma = _at_least_zero("lognormal", sigma=sigma)
        return np.exp(self._moved("lognormal", _NORMAL, mean, sigma, size))

    def gamma(self, shape, scale=1.0, size=None):
        """Gamma; differentiable in ``scale``, not in ``shape``."""
        shape = _untracked("gamma", shape=shape)
        scale = _at_least_zero("gamma", scale=scale)
        size = _result_shape("gamma", size, shape, scale)
        standard = self._plain("standard_gamma", shape=_at_least_zero("gamma", shape=shape), size=size)
        return standard if _is(scale, 1.0) else scale * standard

    def multivariate_normal(self, mean, cov, size=None):
        """Normal vectors with a ``mean`` (n,) and a covariance (n, n); differentiable in both.

        ``cov`` must be positive definite: a draw is ``mean + L z`` with its Cholesky factor ``L``.
        """
        mean, cov = operand(mean), operand(cov)
        if mean.ndim != 1 or cov.shape != (*mean.shape, *mean.shape):
            raise ShapeError(
                f"multivariate_normal: mean of shape {mean.shape}, cov of shape {cov.shape}; expected (n,) and (n, n)."
            )
        z = self.standard_normal((*(shape_from("multivariate_normal", size) or ()), *mean.shape))
        return mean + np.matmul(z, np.linalg.cholesky(tensor(cov)).T)

    # -- without derivatives ---------------------------------------------------------------------------------------

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        """Integers from ``low`` to ``high`` - 1; from 0 to ``low`` - 1 if ``high`` is not given."""
        return self._plain("integers", low=low, high=high, size=size, dtype=dtype, endpoint=endpoint)

    def beta(self, a, b, size=None):
        """Beta; not differentiable in its parameters."""
        return self._plain("beta", a=a, b=b, size=size)

    def binomial(self, n, p, size=None):
        """How many of ``n`` trials succeed, each with probability ``p``."""
        return self._plain("binomial", n=n, p=p, size=size)

    def poisson(self, lam=1.0, size=None):
        """Poisson with mean ``lam``."""
        return self._plain("poisson", lam=lam, size=size)

    def geometric(self, p, size=None):
        """Number of trials until one succeeds, each with probability ``p``."""
        return self._plain("geometric", p=p, size=size)

    def multinomial(self, n, pvals, size=None):
        """How often each of several outcomes comes in ``n`` trials."""
        return self._plain("multinomial", n=n, pvals=pvals, size=size)

    def dirichlet(self, alpha, size=None):
        """Dirichlet; not differentiable in its parameters."""
        return self._plain("dirichlet", alpha=alpha, size=size)

    def chisquare(self, df, size=None):
        """Chi-squared with ``df`` degrees of freedom."""
        return self._plain("chisquare", df=df, size=size)

    def standard_t(self, df, size=None):
        """Student's t with ``df`` degrees of freedom."""
        return self._plain("standard_t", df=df, size=size)

    def permutation(self, x, axis=0):
        """Integers below ``x``, or an array's entries along an axis, in random order; entries keep their gradients."""
        if isinstance(x, (int, np.integer)):
            return self._drawn(lambda source: source.permutation(int(x)), (int(x),), np.int64)
        x = tensor(x)
        if not x.ndim:
            raise ShapeError("permutation: got a 0-d array; expected an integer or at least one axis.")
        return take(x, self.permutation(x.shape[axis]), axis)

    def shuffle(self, x, axis=0) -> None:
        """Put the entries of an array or Tensor in random order, in place."""
        if isinstance(x, Tensor):
            x[...] = self.permutation(x, axis)
        else:
            self.source.shuffle(x, axis)

    def choice(self, a, size=None, replace=True, p=None, axis=0, shuffle=True):
        """Entries drawn from ``a``, or integers below ``a``, as NumPy's; entries of an array keep their gradients."""
        p = _untracked("choice", p=p)
        shape = shape_from("choice", size)
        count = a if isinstance(a, (int, np.integer)) else np.shape(a)[axis]
        try:
            picked = self._of("choice", {"p": p}, a=count, size=shape, replace=replace, axis=0, shuffle=shuffle)
        except ValueError as error:
            raise DomainError(f"choice: {error} (of {count} entries, size={size!r}, replace={replace}).") from None
        return picked if isinstance(a, (int, np.integer)) else take(a, picked, axis)

    def _plain(self, name: str, *, size, dtype=None, endpoint=None, **parameters):
        """NumPy's own draw; its parameters must not be tracked."""
        raw = {key: _untracked(name, **{key: value}) for key, value in parameters.items()}
        others = {} if dtype is None else {"dtype": dtype, "endpoint": endpoint}
        try:
            return self._of(name, raw, size=shape_from(name, size), **others)
        except (ValueError, TypeError) as error:
            said = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
            raise DomainError(f"{name}({said}, size={size!r}): {error}.") from None

    def _of(self, name: str, parameters: dict[str, Any], **others) -> Any:
        """NumPy's own draw; in a traced function at every run, with what the parameters are then."""
        if not is_tracing():
            return Tensor(np.asarray(getattr(self.source, name)(**parameters, **others)), None)
        tried = {key: value.example if value.__class__ is Value else value for key, value in parameters.items()}
        unknown = [key for key, value in parameters.items() if value.__class__ is Value]
        try:
            like = np.asarray(getattr(np.random.default_rng(0), name)(**tried, **others))
        except ValueError:  # of entries that a run may never see: those of a branch that is not taken
            if not unknown:
                raise
            tried |= {key: _likely(parameters[key]) for key in unknown}
            like = np.asarray(getattr(np.random.default_rng(0), name)(**tried, **others))

        def draw(source, *values):
            return getattr(source, name)(**parameters | dict(zip(unknown, values, strict=True)), **others)

        if not unknown:
            return self._drawn(draw, like.shape, like.dtype)
        given = tuple(Tensor(parameters[key], None) for key in unknown)
        return apply(_DRAW, given, {"draw": lambda *values: draw(self.source, *values), "like": like})


def _likely(value: Value):
    """Entries that any distribution takes: positive, and with a sum of 1 along the last axis."""
    return np.full(value.shape, 1 / max(value.shape[-1:], default=1) if value.dtype.kind == "f" else 1, value.dtype)


def _draw(*values, draw: Callable[..., Any], like):
    return like if is_tracing() else np.asarray(draw(*values), like.dtype).reshape(like.shape)


# `partial`, so that no pass takes it for a function of its operands alone and leaves a draw out.
_DRAW = Primitive("draw", partial(_draw), None, keeps=False)


_NORMAL = np.random.Generator.standard_normal
_EXPONENTIAL = np.random.Generator.standard_exponential


def _truncated(source, size):
    z = source.standard_normal(size)
    while (far := np.abs(z) > 2).any():
        z = np.where(far, source.standard_normal(size), z)
    return z


# -- arguments ---------------------------------------------------------------------------------------------------------


def _arguments(name: str, positional, tensorflow, defaults):
    """Arguments of both libraries as (low, high, size, dtype)."""
    first, second, third, fourth = positional
    if tensorflow["shape"] is not None or _is_shape(first):
        if tensorflow["shape"] is None:  # (shape, minval, maxval, dtype)
            shape, low, high = first, second, third
        else:
            shape, low, high = tensorflow["shape"], None if _is(first, 0.0) else first, second
        low = low if tensorflow["low"] is None else tensorflow["low"]
        high = high if tensorflow["high"] is None else tensorflow["high"]
        dtype = np.float32 if fourth is None else fourth
        if high is None and name == "uniform" and np.dtype(dtype).kind in "iu":
            raise DomainError(f"uniform: integers of dtype {np.dtype(dtype)} need maxval=, the number they stay below.")
        return (defaults[0] if low is None else low), (defaults[1] if high is None else high), shape, dtype
    low = first if tensorflow["low"] is None else tensorflow["low"]
    high = second if tensorflow["high"] is None else tensorflow["high"]
    return low, (defaults[1] if high is None else high), third, fourth


def _result_shape(name: str, size, *parameters) -> Shape:
    shapes = [shape_of(parameter) for parameter in parameters]
    try:
        common = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"{name}: parameters of shapes {', '.join(map(str, shapes))} do not broadcast.") from None
    shape = shape_from(name, size)
    if shape is None:
        return common
    if not broadcasts_into(common, shape):
        raise ShapeError(f"{name}: parameters of shape {common} do not broadcast to size {shape}.")
    return shape


def _is(value, number: float) -> bool:
    return isinstance(value, (int, float)) and value == number


def _in(parameter, dtype):
    """A parameter that does not change the dtype of the draw."""
    if isinstance(parameter, (int, float)):
        return parameter
    return np.astype(tensor(parameter), dtype, copy=False)


def _difference(high, low):
    if _is(low, 0.0):
        return high
    return high - (low if isinstance(low, (Overloaded, int, float)) else as_value(low))


def _at_least_zero(name: str, **parameters) -> Any:
    """The one parameter given, which must not be negative."""
    ((key, value),) = parameters.items()
    if is_known(value):
        _refuse_negative(name, key, as_value(value))
        return value
    return checked(Tensor(value, None) if value.__class__ is Value else value, partial(_refuse_negative, name, key))


def _refuse_negative(name: str, key: str, raw) -> None:
    if raw.size and not np.min(raw) >= 0:
        raise DomainError(f"{name}: {key} must be 0 or more; got {raw.tolist()!r:.80}.")


def _untracked(name: str, **parameters):
    """The raw value of the one parameter given; an error if a tape tracks it."""
    ((key, value),) = parameters.items()
    if isinstance(value, Overloaded) and value._is_tracked():
        raise ConversionError(
            f"{name}: a tape is tracking {key}, and draws of {name} have no derivative in it, so its gradient would be "
            f"cut silently. Give {key}.numpy() or stop_gradient({key}) if that is meant."
        )
    return as_value(value) if isinstance(value, Overloaded) else value
