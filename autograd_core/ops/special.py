"""Special functions, named as in SciPy, which computes them (the extra ``jit`` brings it).

SciPy is imported at the first use. Its ufuncs may also be called on Tensors directly: they ask ``answer_to`` for ours.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..errors import DomainError, missing_extra
from ..primitive import Primitive, apply, binary, unary
from ..tensor import Overloaded
from .arithmetic import POSITIVE, REAL
from .axes import on

__all__ = [
    "beta", "betaln", "digamma", "entr", "erf", "erfc", "erfinv", "expit", "exprel", "gamma", "gammaln", "i0", "i0e",
    "i1", "i1e", "iv", "ive", "kl_div", "log_expit", "log_ndtr", "loggamma", "logit", "ndtr", "ndtri", "polygamma",
    "psi", "rel_entr", "xlog1py", "xlogy",
]  # fmt: skip

ROOT_PI = math.sqrt(math.pi)
ROOT_TAU = math.sqrt(2 * math.pi)
UNIT = (0.1, 0.9)


# -- SciPy's functions -------------------------------------------------------------------------------------------------


@cache
def _scipy(name: str) -> Any:
    try:
        import scipy.special
    except ImportError:
        raise missing_extra("scipy", "jit", f"the special function {name}") from None
    return getattr(scipy.special, name)


def of_one_width(*args):
    """``args`` with Python numbers in the dtype of the arrays: SciPy's ufuncs would widen float32 arrays for them."""
    arrays = [x for x in args if hasattr(x, "dtype")]
    if len(arrays) == len(args) or not arrays:
        return args
    return tuple(x if hasattr(x, "dtype") else np.asarray(x, np.result_type(*arrays, x)) for x in args)


def only_real(name: str, *args) -> None:
    """Refuse complex numbers."""
    if any(np.iscomplexobj(x) for x in args):
        raise TypeError(f"{name} of complex numbers is not supported")


def _forward(name: str, real: bool = False) -> Callable[..., Any]:
    """Forward function that loads SciPy's at its first use; ``real``: the derivatives have no complex form there."""

    def forward(*args):
        if real:
            only_real(name, *args)
        return _scipy(name)(*of_one_width(*args))

    return forward


def _row(name: str, vjps, domain=(REAL,), doc="", **others) -> Primitive:
    real = others.pop("real", False)
    return Primitive(name, _forward(name, real), vjps, elementwise=True, domain=domain, doc=doc, **others)


def _without_scipy(name: str, function: Callable[[float], float]) -> Callable[..., Any]:
    """Forward function that uses SciPy's, or the standard library's, entry by entry, where there is no SciPy."""

    def forward(x):
        try:
            return _scipy(name)(x)
        except ImportError:
            dtype = np.result_type(x, np.float16)
            return np.asarray(np.frompyfunc(function, 1, 1)(x)).astype(dtype)

    return forward


# -- error function and the normal distribution ------------------------------------------------------------------------


def _bell(x):
    return np.exp(np.negative(x * x))


ERF = Primitive(
    "erf", _without_scipy("erf", math.erf), elementwise=True, source="erf({0})", domain=(REAL,),
    doc="Error function.",
    vjps=(lambda ct, ans, x: ct * (_bell(x) * (2 / ROOT_PI)),),
)  # fmt: skip
ERFC = Primitive(
    "erfc", _without_scipy("erfc", math.erfc), elementwise=True, source="erfc({0})", domain=(REAL,),
    doc="1 - erf(x), exact for large x.",
    vjps=(lambda ct, ans, x: ct * (_bell(x) * (-2 / ROOT_PI)),),
)  # fmt: skip
ERFINV = _row(
    "erfinv", (lambda ct, ans, x: ct * (np.exp(ans * ans) * (ROOT_PI / 2)),), ((-0.9, 0.9),), "Inverse of erf.",
)  # fmt: skip
NDTR = _row(
    "ndtr", (lambda ct, ans, x: ct * (np.exp(-0.5 * (x * x)) * (1 / ROOT_TAU)),),
    doc="Probability that a standard normal variable is below x.",
    source="0.5 * erfc(double({0}) * -0.7071067811865476)",
)  # fmt: skip


def _hazard(x):
    return math.sqrt(2 / math.pi) / _scipy("erfcx")(x * -math.sqrt(0.5))


def _hazard_gap(x, hazard):
    """``x + hazard(x)``; far below zero, where nothing is left of the sum, by Laplace's continued fraction.

    With y = -x it is 1 / (y + 2 / (y + 3 / (y + ...))). From y = 10 on 14 terms give all digits.
    """
    far = np.less(x, -10)
    y = np.where(far, np.negative(x), 10)
    below = y
    for k in range(14, 1, -1):
        below = y + k / below
    return np.where(far, 1 / below, x + hazard)


# exp(-x**2 / 2 - log_ndtr(x)) would be the difference of two huge numbers.
HAZARD = Primitive(
    "hazard", _hazard, elementwise=True, domain=(REAL,),
    doc="Density of a standard normal variable at x over ndtr(x): the derivative of log_ndtr.",
    vjps=(lambda ct, ans, x: np.negative(ct) * (ans * _hazard_gap(x, ans)),),
)  # fmt: skip
LOG_NDTR = _row(
    "log_ndtr", (lambda ct, ans, x: ct * on(HAZARD, x),),
    doc="log(ndtr(x)), exact for very negative x.",
)  # fmt: skip
NDTRI = _row("ndtri", (lambda ct, ans, x: ct * (np.exp(0.5 * (ans * ans)) * ROOT_TAU),), (UNIT,), "Inverse of ndtr.")

# -- logistic function -------------------------------------------------------------------------------------------------

EXPIT = _row(
    "expit", (lambda ct, ans, x: ct * ans * (1 - ans),), doc="1 / (1 + exp(-x))", source="sigmoid({0})",
)  # fmt: skip
LOGIT = _row(
    "logit", (lambda ct, ans, x: ct / (x * (1 - x)),), (UNIT,), "log(x / (1 - x))", source="logit({0})",
)  # fmt: skip
LOG_EXPIT = _row(
    "log_expit", (lambda ct, ans, x: ct * on(EXPIT, np.negative(x)),), doc="log(expit(x))",
    source="-softplus(-floating({0}))",
)  # fmt: skip

# -- gamma function ----------------------------------------------------------------------------------------------------

GAMMA = _row(
    "gamma", (lambda ct, ans, x: ct * (ans * on(DIGAMMA, x)),), (POSITIVE,), "Gamma function.", real=True,
    source="gamma({0})",
)  # fmt: skip
GAMMALN = _row(
    "gammaln", (lambda ct, ans, x: ct * on(DIGAMMA, x),), (POSITIVE,), "Logarithm of |gamma(x)|.",
    source="gammaln({0})",
)  # fmt: skip
LOGGAMMA = _row(
    "loggamma", (lambda ct, ans, x: ct * on(DIGAMMA, x),), (POSITIVE,), "Logarithm of gamma(x), x > 0.", real=True
)
DIGAMMA = _row(
    "digamma", (lambda ct, ans, x: ct * on(POLYGAMMA, x, n=1),), (POSITIVE,), "Derivative of gammaln.", real=True
)


def _polygamma(x, *, n: int):
    only_real("polygamma", x)
    if n == 0:
        return _scipy("digamma")(x)
    values = _scipy("zeta")(n + 1.0, x)
    return (values * ((-1.0) ** (n + 1) * math.factorial(n))).astype(np.result_type(x, np.float16))


POLYGAMMA = Primitive(
    "polygamma", _polygamma, elementwise=True, doc="The n-th derivative of digamma.",
    sample=lambda draw: ((draw.array(draw.shape(), 0.3, 2.0),), {"n": draw.integer(0, 2)}),
    vjps=(lambda ct, ans, x, *, n: ct * on(POLYGAMMA, x, n=n + 1),),
)  # fmt: skip
BETALN = _row(
    "betaln", (lambda ct, ans, a, b: ct * (on(DIGAMMA, a) - on(DIGAMMA, a + b)),
               lambda ct, ans, a, b: ct * (on(DIGAMMA, b) - on(DIGAMMA, a + b))),
    (POSITIVE, POSITIVE), "gammaln(a) + gammaln(b) - gammaln(a + b)",
)  # fmt: skip
BETA = _row(
    "beta", (lambda ct, ans, a, b: ct * (ans * (on(DIGAMMA, a) - on(DIGAMMA, a + b))),
             lambda ct, ans, a, b: ct * (ans * (on(DIGAMMA, b) - on(DIGAMMA, a + b)))),
    (POSITIVE, POSITIVE), "gamma(a) * gamma(b) / gamma(a + b)",
)  # fmt: skip

# -- entropies ---------------------------------------------------------------------------------------------------------


def _ratio(x, y, of_nothing: float):
    """``x / y``, and ``of_nothing`` where both are 0."""
    nothing = np.equal(x, 0) & np.equal(y, 0)
    return np.where(nothing, of_nothing, x) / np.where(nothing, 1, y)


def _log_ratio(x, y):
    """``log(x / y)``, 0 where both are 0."""
    ratio = _ratio(x, y, 1)
    # The ratio of 0 and y does not change with y, but its logarithm does; and quotients may over- and underflow.
    apart = np.logical_not(np.greater(ratio, 1e-30) & np.less(ratio, 1e30))
    near = np.log(np.where(apart, 1, ratio))
    return np.where(apart, np.log(np.where(apart, x, 1)) - np.log(np.where(apart, y, 1)), near)


XLOGY = _row(
    "xlogy", (lambda ct, ans, x, y: ct * np.log(y), lambda ct, ans, x, y: ct * _ratio(x, y, 0)),
    (REAL, POSITIVE), "x * log(y), and 0 where x is 0.", kink="at (0, 0) the derivative in y is 0",
    source="where(({0} == 0) & ~isnan({1}), 0, floating({0}) * log(floating({1})))",
)  # fmt: skip
XLOG1PY = _row(
    "xlog1py", (lambda ct, ans, x, y: ct * np.log1p(y), lambda ct, ans, x, y: ct * _ratio(x, 1 + y, 0)),
    (REAL, POSITIVE), "x * log(1 + y), and 0 where x is 0.", kink="at (0, -1) the derivative in y is 0",
    source="where(({0} == 0) & ~isnan({1}), 0, floating({0}) * log1p(floating({1})))",
)  # fmt: skip
ENTR = _row(
    "entr", (lambda ct, ans, x: ct * (-1 - np.log(x)),), (POSITIVE,), "-x * log(x), and 0 at 0.",
    source="where({0} < 0, -inf, where({0} == 0, 0, -floating({0}) * log(floating({0}))))",
)  # fmt: skip
REL_ENTR = _row(
    "rel_entr", (lambda ct, ans, x, y: ct * (_log_ratio(x, y) + 1),
                 lambda ct, ans, x, y: np.negative(ct) * _ratio(x, y, 0)),
    (POSITIVE, POSITIVE), "x * log(x / y), and 0 where x is 0.", kink="at (0, 0) the derivatives are 1 and 0",
    source="rel_entr({0}, {1})",
)  # fmt: skip
KL_DIV = _row(
    "kl_div", (lambda ct, ans, x, y: ct * _log_ratio(x, y),
               lambda ct, ans, x, y: ct * (1 - _ratio(x, y, 1))),
    (POSITIVE, POSITIVE), "x * log(x / y) - x + y", kink="at (0, 0) the derivatives are 0",
    source="kl_div({0}, {1})",
)  # fmt: skip

# -- Bessel functions --------------------------------------------------------------------------------------------------


def _bessel(name: str):
    def forward(x, *, order):
        only_real(name, x)
        return _scipy(name)(*of_one_width(order, x))

    return forward


def _sample_order(draw):
    return (draw.array(draw.shape()),), {"order": draw.integer(0, 3)}


I0 = Primitive(
    "i0", np.i0, elementwise=True, domain=(REAL,), doc="Modified Bessel function of order 0.",
    vjps=(lambda ct, ans, x: ct * on(I1, x),),
)  # fmt: skip
I1 = _row(
    "i1", (lambda ct, ans, x: ct * (0.5 * (on(I0, x) + on(IV, x, order=2))),),
    doc="Modified Bessel function of order 1.",
)  # fmt: skip
IV = Primitive(
    "iv", _bessel("iv"), elementwise=True, sample=_sample_order, doc="Modified Bessel function of an order.",
    vjps=(lambda ct, ans, x, *, order: ct * (0.5 * (on(IV, x, order=order - 1) + on(IV, x, order=order + 1))),),
)  # fmt: skip
I0E = _row(
    "i0e", (lambda ct, ans, x: ct * (on(I1E, x) - np.sign(x) * ans),), ((-2.0, -0.3),), "exp(-|x|) * i0(x)",
    kink="0 at 0",
)  # fmt: skip
I1E = _row(
    "i1e", (lambda ct, ans, x: ct * (0.5 * (on(I0E, x) + on(IVE, x, order=2)) - np.sign(x) * ans),), ((-2.0, -0.3),),
    "exp(-|x|) * i1(x)",
)  # fmt: skip
IVE = Primitive(
    "ive", _bessel("ive"), elementwise=True, doc="exp(-|x|) * iv(order, x)",
    sample=lambda draw: ((draw.array(draw.shape(), 0.3, 2.0),), {"order": draw.integer(0, 3)}),
    vjps=(lambda ct, ans, x, *, order: ct * (
              0.5 * (on(IVE, x, order=order - 1) + on(IVE, x, order=order + 1)) - np.sign(x) * ans),),
    kink="0 at 0 for order 0",
)  # fmt: skip

# -- hypergeometric function -------------------------------------------------------------------------------------------

HYP1F1 = Primitive(
    "hyp1f1", lambda x, *, a, b: _scipy("hyp1f1")(*of_one_width(a, b, x)), elementwise=True,
    sample=lambda draw: ((draw.array(draw.shape()),), {"a": draw.integer(1, 3), "b": draw.integer(2, 4)}),
    doc="Confluent hypergeometric function.",
    vjps=(lambda ct, ans, x, *, a, b: ct * (a / b * on(HYP1F1, x, a=a + 1, b=b + 1)),),
)  # fmt: skip
# exprel(x) = hyp1f1(1, 2, x), whose derivative is 1/2 hyp1f1(2, 3, x); its other forms divide by x, which may be 0.
EXPREL = _row(
    "exprel", (lambda ct, ans, x: ct * (0.5 * on(HYP1F1, x, a=2.0, b=3.0)),), doc="(exp(x) - 1) / x, and 1 at 0.",
    source="exprel({0})",
)  # fmt: skip

ROWS = (
    ERF, ERFC, ERFINV, NDTR, HAZARD, LOG_NDTR, NDTRI, EXPIT, LOGIT, LOG_EXPIT, GAMMA, GAMMALN, LOGGAMMA, DIGAMMA,
    POLYGAMMA, BETALN, BETA, XLOGY, XLOG1PY, ENTR, REL_ENTR, KL_DIV, I0, I1, IV, I0E, I1E, IVE, HYP1F1, EXPREL,
)  # fmt: skip

# -- public functions --------------------------------------------------------------------------------------------------

erf, erfc, erfinv = unary(ERF), unary(ERFC), unary(ERFINV)
ndtr, log_ndtr, ndtri = unary(NDTR), unary(LOG_NDTR), unary(NDTRI)
expit, logit, log_expit = unary(EXPIT), unary(LOGIT), unary(LOG_EXPIT)
gamma, gammaln, loggamma = unary(GAMMA), unary(GAMMALN), unary(LOGGAMMA)
digamma = psi = unary(DIGAMMA)
betaln, beta = binary(BETALN), binary(BETA)
xlogy, xlog1py, rel_entr, kl_div = binary(XLOGY), binary(XLOG1PY), binary(REL_ENTR), binary(KL_DIV)
entr, exprel = unary(ENTR), unary(EXPREL)
i0, i1, i0e, i1e = unary(I0), unary(I1), unary(I0E), unary(I1E)


def polygamma(n, x):
    """The ``n``-th derivative of ``digamma`` at ``x``, as ``scipy.special.polygamma``; ``n`` is one integer >= 0."""
    if isinstance(n, Overloaded) or np.ndim(n) or n != int(n) or n < 0:
        raise DomainError(f"polygamma: n must be one integer >= 0; got {n!r}.")
    return apply(POLYGAMMA, (x,), {"n": int(n)})


def iv(v, z):
    """Modified Bessel function of order ``v`` at ``z``, as ``scipy.special.iv``; ``v`` is one number."""
    return apply(IV, (z,), {"order": _number("iv", v)})


def ive(v, z):
    """``exp(-|z|) * iv(v, z)``, as ``scipy.special.ive``; ``v`` is one number."""
    return apply(IVE, (z,), {"order": _number("ive", v)})


def _number(name: str, v) -> float:
    if isinstance(v, Overloaded) or np.ndim(v):
        raise DomainError(f"{name}: there is no derivative in the order, which must be one number; got {v!r}.")
    return v


# -- SciPy's ufuncs on Tensors -----------------------------------------------------------------------------------------

_ANSWERS = {
    "psi": digamma,
    **{name: function for name, function in list(globals().items()) if name in __all__ and name != "polygamma"},
}


def answer_to(ufunc: Any) -> Callable[..., Any] | None:
    """Function of ours for a ufunc of SciPy's, None for a ufunc that is not known.

    Ufuncs do not say which package they belong to. Whoever holds one of SciPy's has imported it.
    """
    scipy_special, name = sys.modules.get("scipy.special"), ufunc.__name__
    known = scipy_special is not None and getattr(scipy_special, name, None) is ufunc
    return _ANSWERS.get(name) if known else None


OVERLOADS: dict[Any, Any] = {np.i0: i0, "other ufunc": answer_to}
