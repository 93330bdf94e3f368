"""Makes ``data.json``: what TensorFlow makes of the chains in ``data_cases.py``.

Run in an environment with TensorFlow, from the root of the repository::

    python -m tests.nn.expected.make_data
"""

import json
from pathlib import Path

from tests.nn.expected import data_cases


def main() -> None:
    """Write the file, a line for each case."""
    import tensorflow as tf

    found = {name: data_cases.outcome(case(tf.data)) for name, case in data_cases.CASES.items()}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in found.items()]
    Path(__file__).with_name("data.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
