"""Functions made of exp and log: tanh, sinh, cosh, arctanh, sigmoid, softplus, logaddexp, erf, erfc.

One text serves float32 and float64. Near zero, where the formulas with exp lose digits, a polynomial is selected.
Polynomials: tests/compile/fit_polynomials.py. The form of erfc, ``exp(-x**2) / (1 + 2 x)`` times a polynomial in
``(x - 3.75) / (x + 3.75)``, is that of Shepherd and Laframboise (1981), "Chebyshev approximation of (1 + 2x) exp(x^2)
erfc x in 0 <= x < infinity". Errors: `vector_math.LARGEST_ERROR`.
"""

import math

from .bits import constant, fma, maximum, polynomial, select, vector
from .vector_math_exponential import exp, exp_ordinary, expm1, half_exp, log1p

_ZERO, _QUARTER, _HALF, _ONE, _TWO = constant(0.0), constant(0.25), constant(0.5), constant(1.0), constant(2.0)
_LN2 = constant(math.log(2.0))
_TANH_SMALL = constant(0.625)
_ERFC_MIDDLE = constant(3.75)
_SIGMOID_FAR = constant(-30.0, -40.0)
# Beyond these tanh and erf are 1, erfc is 0.
_TANH_HIGHEST, _ERF_HIGHEST, _ERFC_HIGHEST = constant(10.0, 20.0), constant(4.0, 5.95), constant(10.5, 28.0)

# (tanh(x) / x - 1) / x**2 in x**2, for |x| <= 0.625; erf(x) / x - 1 in x**2, for |x| <= 1; -log(erfc(1 + u)), u >= 0;
# (1 + 2 x) exp(x**2) erfc(x) in (x - 3.75) / (x + 3.75), for x >= 0
_TANH = polynomial(
    (
        -0.006094641315356439,
        0.02099575389029558,
        -0.05385060910837768,
        0.1333276776029121,
        -0.33333328924525096,
    ),
    (
        6.479872918951109e-06,
        -3.1190227437815513e-05,
        9.256153036516744e-05,
        -0.00023758584039791723,
        0.0005896591704308033,
        -0.00145577511739838,
        0.003592121713787555,
        -0.008863235100297065,
        0.021869488518873555,
        -0.05396825396789384,
        0.1333333333333304,
        -0.3333333333333333,
    ),
)
_ERF = polynomial(
    (
        7.875875062685488e-05,
        -0.000801686428716587,
        0.005189087423433974,
        -0.026854212010626412,
        0.11283594715160218,
        -0.37612626666720334,
        0.12837916584835093,
    ),
    (
        -4.230945824295338e-12,
        8.709045129053106e-11,
        -1.216456005728345e-09,
        1.4792401209404813e-08,
        -1.6364642158167616e-07,
        1.6462045441468418e-06,
        -1.4925647567519332e-05,
        0.00012055332902888736,
        -0.000854832702193483,
        0.0052239776254232985,
        -0.02686617064512984,
        0.1128379167095512,
        -0.37612638903183754,
        0.1283791670955126,
    ),
)
_ERFC_LOG = polynomial(
    (
        2.179006302852909e-05,
        -0.0002900742617998525,
        0.0020130630709418967,
        -0.010047508594157858,
        0.04156398898639253,
        0.843106966809291,
        2.6389675245877884,
        1.8496055098781636,
    ),
    (
        -1.6874897870446335e-11,
        3.522620483230439e-10,
        -3.1084620698343965e-09,
        1.3370899117592254e-08,
        -6.281456365711045e-09,
        -3.008932288099697e-07,
        2.2620545512614036e-06,
        -9.80034393860434e-06,
        2.7292090595074623e-05,
        -2.634466259832052e-05,
        -0.00023729880372299532,
        0.001977896853585489,
        -0.010033824485399355,
        0.04156109795990897,
        0.8431072563625465,
        2.638967514234718,
        1.8496055099332485,
    ),
)
_ERFC = polynomial(
    (
        -7.90855163064782e-06,
        -0.0002604579747540651,
        0.00038359286829350853,
        0.0017437174995490778,
        -0.009805799362925992,
        0.028362597227321512,
        -0.058674451296492985,
        0.09230498157728845,
        -0.10880675236270951,
        0.08227663890317477,
        0.0035855723438572673,
        -0.14024059571159797,
        1.2375126294073056,
    ),
    (
        5.384914130698371e-09,
        3.020400822633358e-08,
        -2.518428849045131e-09,
        -2.5743167655716317e-07,
        -2.49194260824436e-08,
        1.7599590722949393e-06,
        -9.963093962575648e-07,
        -1.1453561419528913e-05,
        2.239404377952726e-05,
        5.1654080989758164e-05,
        -0.0002901567382719482,
        0.0002937121596609825,
        0.0017556263028826416,
        -0.009746579290278987,
        0.028362277373166392,
        -0.058693398616523125,
        0.09230432116295842,
        -0.10880393014039007,
        0.08227673849007698,
        0.0035854154854379366,
        -0.1402405985855464,
        1.2375126308378277,
    ),
)


@vector
def tanh(x):
    """Return the hyperbolic tangent."""
    a = abs(x)
    z = a * a
    e = exp_ordinary(_TWO(x) * select(a > _TANH_HIGHEST(x), _TANH_HIGHEST(x), a))
    large = _ONE(x) - _TWO(x) / (e + _ONE(x))
    small = a + (a * z) * _TANH(z)
    return math.copysign(select(a < _TANH_SMALL(x), small, large), x)


@vector
def sigmoid(x):
    """Return ``1 / (1 + exp(-x))``; far below zero, where exp(-x) would overflow, it is ``exp(x)``."""
    far = x < _SIGMOID_FAR(x)
    e = exp(select(far, x, -x))
    return select(far, e, _ONE(x) / (_ONE(x) + e))


@vector
def softplus(x):
    """Return ``log(1 + exp(x))``."""
    return maximum(x, _ZERO(x)) + log1p(exp(-abs(x)))


@vector
def logaddexp(x, y):
    """Return ``log(exp(x) + exp(y))``."""
    sum_ = maximum(x, y) + log1p(exp(-abs(x - y)))
    return select(x == y, x + _LN2(x), sum_)  # also for two infinities, whose difference is NaN


@vector
def erf(x):
    """Return the error function."""
    a = abs(x)
    z = a * a
    small = a + a * _ERF(z)
    far = select(a > _ERF_HIGHEST(x), _ERF_HIGHEST(x), a)
    large = _ONE(x) - exp_ordinary(-_ERFC_LOG(far - _ONE(x)))
    return math.copysign(select(a < _ONE(x), small, large), x)


@vector
def erfc(x):
    """Return ``1 - erf(x)``, right in the tail too."""
    a = select(abs(x) > _ERFC_HIGHEST(x), _ERFC_HIGHEST(x), abs(x))
    square = a * a
    error = fma(a, a, -square)
    t = (a - _ERFC_MIDDLE(x)) / (a + _ERFC_MIDDLE(x))
    factor = _ERFC(t) / (_ONE(x) + _TWO(x) * a)
    tail = exp(-square) * (factor - factor * error)
    small = _ONE(x) - (x + x * _ERF(x * x))
    return select(abs(x) < _HALF(x), small, select(x < _ZERO(x), _TWO(x) - tail, tail))


@vector
def sinh(x):
    """Return the hyperbolic sine."""
    a = abs(x)
    e = expm1(a)
    half = half_exp(a)
    small = _HALF(x) * (e + e / (e + _ONE(x)))
    return math.copysign(select(a < _ONE(x), small, half - _QUARTER(x) / half), x)


@vector
def cosh(x):
    """Return the hyperbolic cosine."""
    half = half_exp(abs(x))
    return half + _QUARTER(x) / half


@vector
def arctanh(x):
    """Return the inverse of the hyperbolic tangent; NaN beyond 1."""
    a = abs(x)
    return math.copysign(_HALF(x) * log1p(_TWO(x) * a / (_ONE(x) - a)), x)
