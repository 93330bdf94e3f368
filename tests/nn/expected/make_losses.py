"""Makes ``losses.npz``: what Keras gives for the cases in ``losses_cases.py``.

Run in an environment with Keras 3 and JAX, from the root of the repository::

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m tests.nn.expected.make_losses
"""

from pathlib import Path

import numpy as np

from tests.nn.expected import losses_cases


def main() -> None:
    """Write the file."""
    import keras

    found = {}
    for dtype in ("float64", "float32"):
        use(keras, dtype)
        for case in losses_cases.CASES:
            found[f"{case.name}, {dtype}"] = losses_cases.values(keras, case, dtype)
    np.savez_compressed(Path(__file__).with_name("losses.npz"), **found)


def use(keras, dtype: str) -> None:
    """Have Keras compute in ``dtype`` throughout."""
    from keras.src.backend.common import dtypes

    keras.config.set_floatx(dtype)
    if not hasattr(dtypes, "promoted"):
        dtypes.promoted = dtypes.result_type
    # Keras promotes float64 with float32 to float32, and so takes means of float64 in float32.
    dtypes.result_type = lambda *given: "float64" if "float64" in map(str, given) else dtypes.promoted(*given)


if __name__ == "__main__":
    main()
