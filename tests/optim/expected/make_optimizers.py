"""Makes ``optimizers.npz``: what Keras's optimizers and schedules give for the cases in ``optimizer_cases.py``.

Run in an environment with Keras 3 and PyTorch, from the root of the repository::

    KERAS_BACKEND=torch python -m tests.optim.expected.make_optimizers

Keras computes the learning rate, the schedules and the powers of the betas in its ``floatx``, so that is set to the
dtype in question: with the default, float32, the results for float64 variables would have 7 digits. On the PyTorch
backend all is then computed in double precision, clipping excepted (see below); the others have more float32 left. On
JAX in 64-bit mode the other cases come out the same to 1e-12, but for those with a cosine, and for "accumulate-ema",
where a gradient is left out: the gradient accumulation of that backend does not then begin anew for the variable.
"""

import sys
import warnings
from pathlib import Path

import numpy as np

from tests.optim.expected import optimizer_cases as cases


def of_optimizers(keras, dtype):
    keras.config.set_floatx(dtype)
    for name, make in cases.OPTIMIZERS.items():
        variables = [
            keras.Variable(value, dtype=dtype, name=key)
            for key, value in zip(cases.SHAPES, cases.initial_values(dtype), strict=True)
        ]
        gradients = [
            [None if array is None else keras.ops.convert_to_tensor(array, dtype) for array in arrays]
            for arrays in cases.gradients_of(name, dtype)
        ]
        for variable in variables:  # with PyTorch it does not give an array by itself
            variable.numpy = lambda variable=variable: keras.ops.convert_to_numpy(variable.value).copy()
        yield f"{dtype}/{name}", cases.run(make(keras), variables, gradients)


def of_schedules(keras):
    keras.config.set_floatx("float64")
    for name, make in cases.SCHEDULES.items():
        schedule = make(keras)
        steps = [keras.ops.convert_to_tensor(step, "int64") for step in cases.SCHEDULE_STEPS]
        yield f"schedule/{name}", np.array([float(keras.ops.convert_to_numpy(schedule(step))) for step in steps])


def main():
    import keras
    from keras.src.backend.common import dtypes

    if keras.backend.backend() != "torch":
        sys.exit(f"the backend is {keras.backend.backend()}; set KERAS_BACKEND=torch")
    # Else `ops.maximum`, which clipping uses, gives float32 for two numbers in float64.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    warnings.simplefilter("ignore")  # of gradients that are None
    arrays = dict(of_optimizers(keras, "float64"))
    arrays |= dict(of_optimizers(keras, "float32"))
    arrays |= dict(of_schedules(keras))
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            sys.exit(f"{name}: not finite")
    np.savez_compressed(Path(__file__).with_name("optimizers.npz"), keras=np.array(keras.__version__), **arrays)
    print(f"{len(arrays)} arrays, Keras {keras.__version__}")


if __name__ == "__main__":
    main()
