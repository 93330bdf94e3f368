"""Makes ``metrics.npz``: what Keras gives for the cases in ``metrics_cases.py``.

Run in an environment with Keras 3 and JAX, from the root of the repository::

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m tests.nn.expected.make_metrics
"""

from pathlib import Path

import numpy as np

from tests.nn.expected import metrics_cases
from tests.nn.expected.make_losses import use


def main() -> None:
    """Write the file."""
    import keras

    found = {}
    for dtype in ("float64", "float32"):
        use(keras, dtype)
        for case in metrics_cases.CASES:
            found[f"{case.name}, {dtype}"] = metrics_cases.values(keras, case, dtype)
    np.savez_compressed(Path(__file__).with_name("metrics.npz"), **found)


if __name__ == "__main__":
    main()
