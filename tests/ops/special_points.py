"""Derivatives at zeros, ties, bounds and infinities: what each elementwise row says it takes there, by hand.

Differences cannot tell: at a kink any number between both sides is a derivative, at an infinity none is. Each entry is
(row, arguments, derivative in each argument; None for one that is not tracked), with the parameters at the end.
"""

import math
from fractions import Fraction

import numpy as np

INF, NAN = np.inf, np.nan
ZERO_NAN_INF = [NAN, INF, -INF, 0.0, 1.5]


def exact_sinc(u: float, order: int) -> float:
    """Derivative of sin(u) / u by its series, in fractions."""
    terms = (
        Fraction((-1) ** k * math.perm(2 * k, order), math.factorial(2 * k + 1)) * Fraction(u) ** (2 * k - order)
        for k in range((order + 1) // 2, 50)
    )
    return float(sum(terms))


def _sinc(order: int, *points: float):
    """``sinc`` differentiated ``order`` times, and its slope."""
    slopes = [exact_sinc(np.pi * x, order + 1) * np.pi ** (order + 1) for x in points]
    return ("sinc", (list(points),), (slopes,), {"order": order})


_LN10 = np.log(10)
_LOG_RATIOS = np.array([-40 * _LN10, 40 * _LN10, np.log(3 / 7)])

POINTS = [
    ("power", ([0.0, 0, 0, 0, 2, 2, 0], [0.0, 1, 2, 3, 0, -1, 0.5]), ([0, 1, 0, 0, 0, -0.25, INF], None)),
    ("power", ([0.0, 0, 0, 1, 2, 0], [0.0, 1, 2, 5, 0, -1]), (None, [0, 0, 0, 0, np.log(2), -INF])),
    ("power", ([-1.0, -2, 3], [2.0, 3, 1]), ([-2, 12, 1], None)),
    ("power", ([0.5, -2.0, 0.0], 3), ([0.75, 12, 0], None)),
    ("power", ([0.5, -2.0, 0.0], 0), ([0, 0, 0], None)),
    ("power", ([0.5, -2.0, 0.0], 1), ([1, 1, 1], None)),
    ("power", (0, [0.0, 1, 2]), (None, [0, 0, 0])),
    ("power", (1, [0.0, 1, 2]), (None, [0, 0, 0])),
    ("hypot", ([0.0, 0, 3, -3], [0.0, 2, 0, 4]), ([0, 0, 1, -0.6], [0, 1, 0, 0.8])),
    ("hypot", ([1e-310], [0.0]), ([1], [0])),
    ("arcsinh", ([1e200, -1e300],), ([1e-200, 1e-300],)),  # whose squares overflow
    ("arctan2", ([0.0, 0, 2], [0.0, 2, 0]), ([0, 0.5, 0], [0, 0, -0.5])),
    ("floor", ([1.3, -0.2],), ([0, 0],)),
    ("ceil", ([1.3, -0.2],), ([0, 0],)),
    ("trunc", ([1.3, -0.2],), ([0, 0],)),
    ("rint", ([1.3, -0.2],), ([0, 0],)),
    ("round", ([1.3, -0.2],), ([0, 0],), {"decimals": 0}),
    ("spacing", ([1.3, 1.7],), ([0, 0],)),
    ("floor_divide", ([5.3, -5.3], [2.0, 2.0]), ([0, 0], [0, 0])),
    ("fmod", ([5.3, -5.3, 1.3], [2.0, 2.0, 2.0]), ([1, 1, 1], [-2, 2, 0])),
    ("fmod", ([4.96, 5.06], [0.78, 0.37]), ([1, 1], [-6, -13])),  # quotients just below 6 and 13
    ("remainder", ([5.3, -5.3], [2.0, 2.0]), ([1, 1], [-2, 3])),
    ("copysign", ([0.0, 2, -2, 2], [1.0, 0, 0, -3]), ([0, 1, -1, -1], [0, 0, 0, 0])),
    ("copysign", ([2.0, -2], [-0.0, -0.0]), ([-1, 1], [0, 0])),
    ("heaviside", ([0.0, 1, -1, 0], [0.3, 0.3, 0.3, 2]), ([0, 0, 0, 0], [1, 0, 0, 1])),
    ("heaviside", ([0.0, 1, 0], 0.3), ([0, 0, 0], None)),
    ("heaviside", ([0.0, 1, 0], [[0.3], [0.4]]), (None, [[1, 0, 1]] * 2)),
    ("heaviside", (0, [0.3, 0.4]), (None, [1, 1])),
    ("nextafter", ([1.0, 2], [1.0, 3]), ([1, 1], [0, 0])),
    ("absolute", ([0.0, 2, -3],), ([0, 1, -1],)),
    ("fabs", ([0.0, 2, -3],), ([0, 1, -1],)),
    ("sign", ([0.0, 2, -3, INF, NAN],), ([0, 0, 0, 0, 0],)),
    ("sign", ([0j, 0j],), ([0, 0],)),
    ("absolute", ([0j, 0j],), ([0, 0],)),
    ("imag", ([0.0, 2, -3],), ([0, 0, 0],)),
    ("angle", ([0.0, 2, -3, INF, NAN],), ([0, 0, 0, 0, 0],)),
    ("nan_to_num", (ZERO_NAN_INF,), ([0, 0, 0, 1, 1],), {"nan": 0.0, "posinf": None, "neginf": -5.0}),
    ("where", ([True, False], [1.0, 2.0], 2.0), (None, [1, 0], None)),
    ("where", ([True, False], 2.0, [1.0, 2.0]), (None, None, [0, 1])),
    ("maximum", ([1.0, 2, 0, NAN, 1], [1.0, 1, 1, 1, NAN]), ([0.5, 1, 0, 1, 0], [0.5, 0, 1, 0, 1])),
    ("minimum", ([1.0, 2, 0, NAN, 1], [1.0, 1, 1, 1, NAN]), ([0.5, 0, 1, 1, 0], [0.5, 1, 0, 0, 1])),
    ("fmax", ([1.0, 2, 0, NAN, 1], [1.0, 1, 1, 1, NAN]), ([0.5, 1, 0, 0, 1], [0.5, 0, 1, 1, 0])),
    ("fmin", ([1.0, 2, 0, NAN, 1], [1.0, 1, 1, 1, NAN]), ([0.5, 0, 1, 0, 1], [0.5, 1, 0, 1, 0])),
    ("maximum", ([NAN, INF], [NAN, INF]), ([0.5, 0.5], [0.5, 0.5])),
    ("fmax", ([NAN, INF], [NAN, INF]), ([0.5, 0.5], [0.5, 0.5])),
    ("fmin", ([NAN, INF], [NAN, INF]), ([0.5, 0.5], [0.5, 0.5])),
    ("minimum", ([NAN, INF], [NAN, INF]), ([0.5, 0.5], [0.5, 0.5])),
    (
        "clip",
        ([0.0, 0.5, 1, 0, -2, 0, 2], [0.0, 0, 0, 1, 1, 1, 0], [1.0, 1, 1, -1, -1, 1, 1]),
        ([0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 1, 1, 0, 1]),
    ),
    ("clip", ([-2.0, 0, 2], -1, 1.0), ([0, 1, 0], None, None)),
    ("clip", ([-2.0, 0, 2], [-1.0, -1, -1], 1.0), ([0, 1, 0], [1, 0, 0], None)),
    ("clip", ([-2.0, 0, 2], -1, [1.0, 1, 1]), ([0, 1, 0], None, [0, 0, 1])),
    ("leaky_relu", ([0.0, -1, 2],), ([0, -0.5, 1],), {"negative_slope": -0.5}),
    ("leaky_relu", ([0.0, -1, 2],), ([0.2, 0.2, 1],), {"negative_slope": 0.2}),
    ("leaky_relu", ([0.0, -1, 2],), ([1, 1.5, 1],), {"negative_slope": 1.5}),
    ("leaky_relu", ([NAN],), ([0],), {"negative_slope": -0.5}),
    ("relu", ([0.0, -1, 2],), ([0, 0, 1],)),
    ("elu", ([0.0, 2],), ([0.5, 1],), {"alpha": 0.5}),
    ("elu", ([0.0, 2],), ([1, 1],), {"alpha": 1.0}),
    ("elu", ([0.0, 2],), ([1, 1],), {"alpha": 1.6}),
    ("elu", ([-0.5],), ([1.6 * np.exp(-0.5)],), {"alpha": 1.6}),
    ("elu", ([-0.5],), ([np.exp(-0.5)],), {"alpha": 1.0}),
    ("xlogy", ([0.0, 0.0, 2, 2], [0.0, 2, 4, 0]), ([-INF, np.log(2), np.log(4), -INF], [0, 0, 0.5, INF])),
    ("rel_entr", ([0.0, 1], [0.0, 1]), ([1, 1], [0, -1])),
    ("rel_entr", ([0.0, 2], [2.0, 0]), ([-INF, INF], [0, -INF])),
    ("rel_entr", ([1e-20, 1e20, 3], [1e20, 1e-20, 7]), (_LOG_RATIOS + 1, [-1e-40, -1e40, -3 / 7])),
    ("rel_entr", ([1e-300, 1e300], [1e300, 1e-300]), ([1 - 600 * _LN10, 1 + 600 * _LN10], [0, -INF])),
    ("kl_div", ([0.0, 1], [0.0, 1]), ([0, 0], [0, 0])),
    ("kl_div", ([0.0, 2], [2.0, 0]), ([-INF, INF], [1, -INF])),
    ("kl_div", ([1e-20, 1e20, 3], [1e20, 1e-20, 7]), (_LOG_RATIOS, [1, -1e40, 4 / 7])),
    # log(e**x1 + e**x2): the derivatives are the shares of both terms
    ("logaddexp", ([0.0, 1, 0], [0.0, 1, np.log(3)]), ([0.5, 0.5, 0.25], [0.5, 0.5, 0.75])),
    ("logaddexp2", ([0.0, 1, 0], [0.0, 1, np.log2(3)]), ([0.5, 0.5, 0.25], [0.5, 0.5, 0.75])),
    *(
        (
            name,
            ([INF, 0, INF, -INF, -INF, 1], [0, INF, INF, -INF, 1, -INF]),
            ([1, 0, 0.5, 0, 0, 1], [0, 1, 0.5, 0, 1, 0]),
        )
        for name in ("logaddexp", "logaddexp2")
    ),
    # -h(x) (x + h(x)) in 60 digits, on both sides of where a continued fraction takes over
    (
        "hazard",
        ([-9.0, -11, -30, -150],),
        ([-0.9884852093452829, -0.9921193184088330, -0.9988962284881099, -0.9999555674030199],),
    ),
    ("hazard", ([-1e4, -1e8, -1e160],), ([-0.9999999900000006, -0.9999999999999999, -1],)),
    _sinc(0, 0.0, 0.1, -0.3, 1.7),
    _sinc(1, 0.0, 0.1, -0.3, 1.7),
    _sinc(2, 0.0, 0.1, -0.3, 1.7),
    _sinc(3, 0.0, 0.1, -0.3, 1.7),
    _sinc(10, 0.0, 0.1, -0.2, 0.5, 1.0, 1.3, -1.6, 1.9, 2.6, 3.4),
]
POINTS += [("float_power", *rest) for name, *rest in POINTS if name == "power"]

HESSIANS = [
    ("power", (2.0, 0.0), [[0, 0.5], [0.5, np.log(2) ** 2]]),
    ("power", (0.0, 0.0), [[0, 0], [0, 0]]),
    ("power", (0.0, -1.0), [[INF, INF], [INF, INF]]),
    ("hypot", (0.0, 2.0), [[0.5, 0], [0, 0]]),
    ("hypot", (2.0, 0.0), [[0, 0], [0, 0.5]]),
    ("hypot", (0.0, 0.0), [[0, 0], [0, 0]]),
    ("arctan2", (0.0, 2.0), [[0, -0.25], [-0.25, 0]]),
    ("arctan2", (0.0, 0.0), [[0, 0], [0, 0]]),
    ("fmod", (5.06, 0.37), [[0, 0], [0, 0]]),
    ("fmod", (5.06, 1e-200), [[0, 0], [0, 0]]),
    ("xlogy", (0.0, 2.0), [[0, 0.5], [0.5, 0]]),
    ("rel_entr", (0.0, 2.0), [[INF, -0.5], [-0.5, 0]]),
    ("rel_entr", (1e-20, 1e20), [[1e20, -1e-20], [-1e-20, 1e-60]]),
    ("kl_div", (0.0, 2.0), [[INF, -0.5], [-0.5, 0]]),
    ("kl_div", (1e-20, 1e20), [[1e20, -1e-20], [-1e-20, 1e-60]]),
    ("logaddexp", (INF, 0.0), [[0, 0], [0, 0]]),
    ("logaddexp", (1.0, 1.0), [[0.25, -0.25], [-0.25, 0.25]]),
    ("logaddexp2", (1.0, 1.0), [[0.25 * np.log(2), -0.25 * np.log(2)], [-0.25 * np.log(2), 0.25 * np.log(2)]]),
    ("hazard", (-11.0,), [[0.001367441386876217]]),
    ("hazard", (-150.0,), [[5.922767186551445e-7]]),
    ("elu", (0.0,), [[1]], {"alpha": 1.0}),  # of the exponential, from the left: the slope has no jump
]
HESSIANS += [("float_power", *rest) for name, *rest in HESSIANS if name == "power"]
"""Second derivatives where first ones do not tell: (row, one number for each argument, matrix), with parameters."""

_HALF, _THIRD = 1 / 2, 1 / 3
_RUNNING_NAN = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, _HALF, 0, _HALF]]
_RUNNING_TIES = [
    [1, 0, 0, 0, 0],
    [_HALF, _HALF, 0, 0, 0],
    [_HALF, _HALF, 0, 0, 0],
    [0, 0, 0, 1, 0],
    [0, 0, 0, _HALF, _HALF],
]


def _over_all(name, x, slopes):
    return (name, x, {"axis": (0,), "keepdims": False}, [slopes])


def _norm(ord, x, slopes):
    return ("vector_norm", x, {"ord": ord, "axis": (0,), "keepdims": False}, [slopes])


JACOBIANS = [
    _over_all("prod", [INF, 2.0], [2, INF]),
    _over_all("prod", [0.0, 0, 3], [0, 0, 0]),
    _over_all("prod", [0.0, 2, 3], [6, 0, 0]),
    ("cumprod", [INF, 2.0], {"axis": 0}, [[1, 0], [2, INF]]),
    ("cumprod", [2.0, 0, 3], {"axis": 0}, [[1, 0, 0], [0, 2, 0], [0, 6, 0]]),
    _over_all("max", [1.0, 3, 3], [0, _HALF, _HALF]),
    _over_all("min", [3.0, 1, 1], [0, _HALF, _HALF]),
    _over_all("max", [2.0, 2, 2], [_THIRD] * 3),
    _over_all("max", [1.0, NAN, 2, NAN], [0, _HALF, 0, _HALF]),
    _over_all("min", [1.0, NAN, 2, NAN], [0, _HALF, 0, _HALF]),
    _over_all("max", [1.0, INF, INF], [0, _HALF, _HALF]),
    _over_all("fmax.reduce", [1.0, NAN, 2, 2], [0, 0, _HALF, _HALF]),
    _over_all("fmin.reduce", [3.0, NAN, 2, 2], [0, 0, _HALF, _HALF]),
    _over_all("fmax.reduce", [NAN, NAN], [_HALF, _HALF]),
    _over_all("fmin.reduce", [NAN, NAN], [_HALF, _HALF]),
    ("max", [1.0, 2], {"axis": (0,), "keepdims": False, "initial": 5.0}, [[0, 0]]),
    ("maximum.accumulate", [1.0, NAN, 2, NAN], {"axis": 0}, _RUNNING_NAN),
    ("minimum.accumulate", [1.0, NAN, 2, NAN], {"axis": 0}, _RUNNING_NAN),
    ("maximum.accumulate", [1.0, 1, 0, 2, 2], {"axis": 0}, _RUNNING_TIES),
    ("minimum.accumulate", [-1.0, -1, 0, -2, -2], {"axis": 0}, _RUNNING_TIES),
    ("logcumsumexp", [-INF, 0, 0], {"axis": 0}, [[0, 0, 0], [0, 1, 0], [0, _HALF, _HALF]]),
    ("logcumsumexp", [0, INF, 1], {"axis": 0}, [[1, 0, 0], [0, 1, 0], [0, 1, 0]]),
    ("logcumsumexp", [-INF, -INF, 1], {"axis": 0}, [[0, 0, 0], [0, 0, 0], [0, 0, 1]]),
    ("std", [2.0, 2], {"axis": (0,), "keepdims": False, "correction": 1}, [[0, 0]]),
    ("max_pool", [[[1.0], [NAN], [2]]], {"size": (3,), "strides": (1,), "padding": ((0, 0),)}, [[0, 1, 0]]),
    _norm(2, [0.0, 0], [0, 0]),
    _norm(2, [3.0, 0, 4], [0.6, 0, 0.8]),
    _norm(3, [0.0, 0], [0, 0]),
    _norm(3, [0.0, 2], [0, 1]),
    _norm(3, [2.0, -2], [2 ** (-2 / 3), -(2 ** (-2 / 3))]),
    _norm(4, [0.0, 0], [0, 0]),
    _norm(4, [0.0, 2, -2], [0, 2**-0.75, -(2**-0.75)]),
    _norm(1.5, [0.0, -2], [0, -1]),
    _norm(0.5, [0.0, -2], [0, -1]),
    _norm(-1, [2.0, -2], [0.25, -0.25]),
    _norm(-1, [0.0, -2], [0, 0]),
    _norm(-2, [2.0, -2], [2**-1.5, -(2**-1.5)]),
    _norm(-2, [0.0, -2], [0, 0]),
]
"""Of rows that mix entries: (row, array, parameters, derivative of each entry of the result in each of the array)."""
