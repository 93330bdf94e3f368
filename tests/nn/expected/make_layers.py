"""Makes ``layers.npz``: what Keras's layers give for the cases in ``layer_cases.py``, with their gradients, in float64.

Run in an environment with Keras 3 and JAX, from the root of the repository::

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m tests.nn.expected.make_layers
"""

from pathlib import Path

import numpy as np

from tests.nn.expected.layer_cases import CASES, projection_for, weights_for


def run(case, jax, keras):
    """Everything that a case gives, as arrays by name."""
    layer = case.make(keras, dtype="float64")
    inputs = [jax.numpy.asarray(array) for array in case.inputs()]
    options = {} if case.training is None else {"training": case.training}
    arrange = (lambda arrays: arrays[0]) if len(inputs) == 1 else list
    layer(arrange(inputs), **options)
    shapes = [tuple(w.shape) for w in layer.weights]
    layer.set_weights(weights_for(case, shapes, [w.path.rpartition("/")[2] for w in layer.weights]))
    fixed = [w.value for w in layer.non_trainable_variables]
    trained = [w.value for w in layer.trainable_variables]
    floats = not case.integers

    def value(weights, arrays):
        out, after = layer.stateless_call(weights, fixed, arrange(arrays), **options)
        return (out * projection_for(case, out.shape)).sum(), (out, after)

    gradients, (out, after) = jax.grad(value, argnums=(0, 1) if floats else 0, has_aux=True)(trained, inputs)
    wrt_weights, wrt_inputs = gradients if floats else (gradients, [])
    found = {"out": out}
    found.update({f"weight {i}": g for i, g in enumerate(wrt_weights)})
    found.update({f"input {i}": g for i, g in enumerate(wrt_inputs)})
    found.update({f"after {i}": value for i, value in enumerate(after) if case.training})
    return {f"{case.name}/{key}": np.asarray(value) for key, value in found.items()}


def main() -> None:
    """Write the file."""
    import jax
    import keras
    from keras.src.backend.common import dtypes

    # With JAX Keras takes float64 for float32 where it joins dtypes, and computes means and more in float32 then.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    results = {}
    for case in CASES:
        results.update(run(case, jax, keras))
    np.savez_compressed(Path(__file__).with_name("layers.npz"), **results)


if __name__ == "__main__":
    main()
