"""Arrays that a function makes itself are constants of its plan, in whatever order their entries lie."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

CASES = {
    "transposed": lambda x: (anp.transpose(anp.asarray(np.arange(6.0).reshape(2, 3))), x),
    "transposed and used": lambda x: x[:, None] * anp.transpose(anp.asarray(np.arange(6.0).reshape(2, 3))),
    "Fortran order": lambda x: x * np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "Fortran order, returned": lambda x: (x, anp.asarray(np.asfortranarray(np.arange(6.0).reshape(2, 3)))),
    "backwards": lambda x: x * anp.flip(anp.asarray(np.arange(3.0))),
    "a column": lambda x: x * anp.asarray(np.arange(6.0).reshape(3, 2))[:, 0],
    "broadcast": lambda x: x * np.broadcast_to(np.arange(3.0)[:, None], (3, 3)),
}


@pytest.mark.parametrize("jit", ["numpy", "numba"])
@pytest.mark.parametrize("name", CASES)
def test_constants(name, jit):
    if jit == "numba":
        pytest.importorskip("numba")
    x = ag.constant([1.0, 2.0, 3.0])
    got, wanted = ag.function(CASES[name], jit=jit)(x), CASES[name](x)
    for one, other in zip(got, wanted, strict=True) if isinstance(wanted, tuple) else [(got, wanted)]:
        np.testing.assert_array_equal(one.numpy(), other.numpy())
