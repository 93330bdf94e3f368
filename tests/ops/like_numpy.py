"""What tests of families share: on Tensors a function gives what NumPy gives on arrays, with the right gradient."""

import numpy as np

import autograd_core as ag
from autograd_core.tree import flatten


def agrees(function, *args, derivatives=2, **keywords):
    """Hold ``function(*args, **keywords)`` on Tensors against NumPy's on arrays, its derivatives against differences.

    Arrays among ``args`` (in lists, too) become Tensors. With ``derivatives=0`` only values are compared.
    """
    expected = flatten(function(*args, **keywords))[0]
    tensors = _map(args, lambda x: ag.constant(x) if isinstance(x, np.ndarray) else x)
    found = flatten(function(*tensors, **keywords))[0]
    assert len(found) == len(expected)
    for ours, numpys in zip(found, expected, strict=True):
        numpys = np.asarray(numpys)
        assert isinstance(ours, ag.Tensor), f"a {type(ours).__name__} came back"
        assert ours.shape == numpys.shape
        assert ours.dtype == numpys.dtype
        np.testing.assert_allclose(ours.numpy(), numpys, rtol=1e-12, atol=1e-14)
    if derivatives:
        ag.testing.check_grads(lambda *xs: function(*xs, **keywords), args, order=derivatives)


def _map(structure, change):
    if isinstance(structure, (list, tuple)):
        return type(structure)(_map(entry, change) for entry in structure)
    return change(structure)
