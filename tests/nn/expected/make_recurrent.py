"""Makes ``recurrent.npz``: what Keras gives for the cases in ``recurrent_cases.py``.

Run in an environment with Keras 3 and JAX, from the root of the repository::

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m tests.nn.expected.make_recurrent
"""

from pathlib import Path

import numpy as np

from tests.nn.expected import recurrent_cases


def values(case):
    """Outputs, and gradients in weights and inputs, as ``name -> array``."""
    import jax
    import keras

    inputs = [x.astype(keras.config.floatx()) if x.dtype.kind == "f" else x for x in case.inputs]
    kwargs = jax.tree.map(lambda x: x.astype(keras.config.floatx()) if is_float(x) else x, dict(case.kwargs))
    layer = case.make(keras)

    def given(arrays):
        return (list(arrays),) if case.as_list else arrays

    if isinstance(layer, keras.layers.MultiHeadAttention):
        layer._dropout = 1e-9  # nothing is dropped here; without dropout JAX's own attention is used, which is float32
    layer(*given(inputs), **kwargs)  # builds
    layer.set_weights(case.weights([weight.shape for weight in layer.weights]))
    if case.calls > 1:
        layer.reset_state()
        outputs = [layer(*given(inputs), **kwargs) for _ in range(case.calls)][-1]
        return {f"output {i}": np.asarray(output) for i, output in enumerate(jax.tree.leaves(outputs))}

    def target(weights, arrays):
        outputs, _ = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables],
                                          *given(arrays), **kwargs)  # fmt: skip
        outputs = jax.tree.leaves(outputs)
        directions = case.directions([output.shape for output in outputs])
        return sum((output * d).sum() for output, d in zip(outputs, directions, strict=True)), outputs

    weights = [v.value for v in layer.trainable_variables]
    which = (0, 1) if case.has_input_gradients else 0
    gradients, outputs = jax.grad(target, which, has_aux=True)(weights, inputs)
    named = {f"output {i}": output for i, output in enumerate(outputs)}
    weight_gradients, input_gradients = gradients if case.has_input_gradients else (gradients, [])
    named |= {f"weight {i}": gradient for i, gradient in enumerate(weight_gradients)}
    named |= {f"input {i}": gradient for i, gradient in enumerate(input_gradients)}
    return {name: np.asarray(value) for name, value in named.items()}


def is_float(value) -> bool:
    """Whether this is an array of floats."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def main() -> None:
    """Write the file."""
    import keras
    from keras.src.backend.common import dtypes

    keras.config.set_floatx("float64")
    # With JAX Keras takes float64 for float32 where it joins dtypes, and computes products in float32 then.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    found = {}
    for case in recurrent_cases.CASES:
        found[case.name] = np.concatenate([value.ravel() for value in values(case).values()])
    np.savez_compressed(Path(__file__).with_name("recurrent.npz"), **found)


if __name__ == "__main__":
    main()
