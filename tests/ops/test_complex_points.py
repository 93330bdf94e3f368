"""Derivatives of complex numbers at points where differences do not tell."""

import numpy as np

import autograd_core as ag

INF, NAN = np.inf, np.nan


def test_nan_to_num_replaces_real_and_imaginary_parts_apart():
    """The part that is kept has its cotangent, the one that is replaced none."""
    z = np.array([complex(NAN, 1), complex(1, INF), complex(-INF, NAN), 2 + 3j])
    ct = np.array([1 + 2j, 3 + 4j, 5 + 6j, 7 + 8j])
    (gradient,) = ag.vjp(np.nan_to_num, z)[1](ct)
    np.testing.assert_array_equal(gradient, [2j, 3, 0, 7 + 8j])
    np.testing.assert_array_equal(ag.jvp(np.nan_to_num, (z,), (ct,))[1], [2j, 3, 0, 7 + 8j])
