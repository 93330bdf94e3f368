"""Makes ``activations.npz``: what Keras's activations give for the cases in ``activation_cases.py``.

Run in an environment with Keras 3 and JAX, from the root of the repository::

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m tests.nn.expected.make_activations
"""

from pathlib import Path

import numpy as np

from tests.nn.expected import activation_cases


def main() -> None:
    """Write the file."""
    import jax
    import keras
    from keras.src.backend.common import dtypes

    # With JAX Keras takes float64 for float32 where it joins dtypes.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    found = {}
    for case in activation_cases.CASES:
        name, options = case
        function = getattr(keras.activations, name)
        x = jax.numpy.asarray(activation_cases.inputs(name))
        y = function(x, **options)
        projection = activation_cases.projection(y.shape)
        gradient = jax.grad(lambda z, f=function, o=options, p=projection: (f(z, **o) * p).sum())(x)
        found[f"{activation_cases.name_of(case)}/y"] = np.asarray(y)
        found[f"{activation_cases.name_of(case)}/gradient"] = np.asarray(gradient)
    np.savez_compressed(Path(__file__).with_name("activations.npz"), **found)


if __name__ == "__main__":
    main()
