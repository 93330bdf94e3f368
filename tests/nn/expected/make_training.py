"""Makes ``training.npz``: what Keras's trainings of the cases in ``training_cases.py`` give, in float64.

Run in an environment with Keras 3 and JAX, from the root of the repository::

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m tests.nn.expected.make_training
"""

from pathlib import Path

import numpy as np

from tests.nn.expected import training_cases
from tests.nn.expected.make_losses import use


def main() -> None:
    """Write the file."""
    import keras
    from keras.src.backend.common import dtypes

    use(keras, "float64")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # as in make_layers.py
    found = {}
    for case in training_cases.CASES:
        values = training_cases.trained(keras, case)
        # One array for all: each in a file of this kind takes 250 bytes more than its numbers.
        found[case.name] = np.concatenate([value.ravel() for value in values.values()])
        found[f"{case.name}: names"] = np.array([f"{name} {value.shape}" for name, value in values.items()])
    np.savez_compressed(Path(__file__).with_name("training.npz"), **found)
    print(f"{len(training_cases.CASES)} trainings")


if __name__ == "__main__":
    main()
