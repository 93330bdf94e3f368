"""Makes ``resize.npz``: what TensorFlow makes of the image in ``resize_cases.py``.

Run in an environment with TensorFlow, from the root of the repository::

    python -m tests.nn.expected.make_resize
"""

from pathlib import Path

import numpy as np

from tests.nn.expected import resize_cases


def main() -> None:
    """Write the file."""
    import tensorflow as tf

    image = resize_cases.image()
    found = {
        key: tf.image.resize(image, size, method=method).numpy().astype(np.float64)
        for key, size, method in resize_cases.cases()
    }
    np.savez_compressed(Path(__file__).with_name("resize.npz"), **found)


if __name__ == "__main__":
    main()
