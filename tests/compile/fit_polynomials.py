"""Compute the coefficients of `autograd_core.compile.machine.vector_math`: ``python tests/compile/fit_polynomials.py``.

Each is the polynomial that meets its function at the Chebyshev nodes of the interval (in 80 digits, mpmath), which is
within a small factor of the best polynomial of its degree. Needs mpmath, which no test needs.
"""

from mpmath import cos, erf, erfc, exp, expm1, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 80
HALF_LN2, EIGHTH_TURN = log(2) / 2 * mpf("1.001"), pi / 4 * mpf("1.001")


def fit(function, low, high, degree):
    """Coefficients, highest power first, of the polynomial that meets ``function`` at the Chebyshev nodes."""
    low, high = mpf(low), mpf(high)
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * k + 1) / (2 * degree + 2)) for k in range(degree + 1)]
    powers = matrix([[x ** (degree - power) for power in range(degree + 1)] for x in nodes])
    return [float(c) for c in lu_solve(powers, matrix([function(x) for x in nodes]))]


def weighted_fit(function, weight, low, high, degree):
    """Coefficients of the polynomial with the least sum of squares of ``weight * error`` over the Chebyshev nodes."""
    low, high, count = mpf(low), mpf(high), 8 * degree
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    powers = matrix([[weight(x) * x ** (degree - power) for power in range(degree + 1)] for x in nodes])
    return [float(c) for c in lu_solve(powers, matrix([weight(x) * function(x) for x in nodes]))]


def erfc_log(u):
    """-log(erfc(1 + u)): erf is 1 - exp(-this), so an error here counts by the factor erfc(1 + u)."""
    return -log(erfc(1 + u))


def erfc_scaled(t):
    """(1 + 2 x) exp(x**2) erfc(x) at x = 3.75 (1 + t) / (1 - t): smooth from 0 to infinity."""
    x = mpf("3.75") * (1 + t) / (1 - t)
    return (1 + 2 * x) * exp(x * x) * erfc(x)


def atanh_rest(z, terms):
    """``(2 atanh(s) / s - the first terms) / s**(2 terms)``, s = sqrt(z)."""
    return 2 * sum(z**k / (2 * (k + terms) + 1) for k in range(60))


# name -> (function, interval, degree for float32, degree for float64)
FITS = {
    "EXP": (lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > 1e-30 else mpf(1) / 2, -HALF_LN2, HALF_LN2, 4, 9),
    "EXP2": (lambda r: expm1(r * log(2)) / r if abs(r) > 1e-30 else log(2), "-0.5005", "0.5005", 6, 11),
    "LOG_ATANH": (lambda z: atanh_rest(z, 1), 0, "0.02945", 3, 6),
    "POW_ATANH": (lambda z: atanh_rest(z, 2), 0, "0.02945", 5, 8),
    "LOG2": (lambda z: atanh_rest(z, 0) / log(2), 0, "0.02945", 5, 5),  # both in float64, for float32
    "TANH": (lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, 0, "0.391", 4, 11),
    "ERF": (lambda z: erf(sqrt(z)) / sqrt(z) - 1, 0, 1, 6, 13),
    "ERFC": (erfc_scaled, -1, "0.77", 12, 21),
    "SIN": (lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, 0, EIGHTH_TURN**2, 3, 6),
    "COS": (lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, 0, EIGHTH_TURN**2, 3, 6),
}

if __name__ == "__main__":
    for name, (function, low, high, *degrees) in FITS.items():
        for bits, degree in zip((32, 64), degrees, strict=True):
            print(f"{name}_{bits} =", tuple(fit(function, low, high, degree)))
    for bits, high, degree in ((32, "3.0", 7), (64, "4.95", 16)):
        weight = lambda u, bits=bits: erfc(1 + u) + mpf(2) ** (-bits)
        print(f"ERFC_LOG_{bits} =", tuple(weighted_fit(erfc_log, weight, 0, high, degree)))
