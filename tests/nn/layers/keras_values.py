"""Compare recurrent and attention layers with the values that Keras gave for them."""

from functools import cache
from pathlib import Path

import numpy as np

import autograd_core as ag
import nn
from nn.shapes import leaves, map_structure

TOLERANCES = {"float64": 1e-10, "float32": 1e-5}


@cache
def _all():
    with np.load(Path(__file__).parents[1] / "expected" / "recurrent.npz") as file:
        return dict(file)


def in_dtype(value, dtype):
    """Arrays of floats in another precision."""
    return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


def values(case, dtype):
    """What ``make_recurrent.values`` gives, by our layers."""
    nn_in_dtype = _In(dtype)
    inputs = [ag.Tensor(in_dtype(x, dtype), None) for x in case.inputs]
    kwargs = map_structure(lambda value: in_dtype(value, dtype), dict(case.kwargs))
    layer = case.make(nn_in_dtype)

    def called():
        return layer(list(inputs), **kwargs) if case.as_list else layer(*inputs, **kwargs)

    called()  # builds
    layer.set_weights(case.weights([weight.shape for weight in layer.weights]))
    if case.calls > 1:
        layer.reset_state()
        outputs = [called() for _ in range(case.calls)][-1]
        return {f"output {i}": output.numpy() for i, output in enumerate(leaves(outputs))}
    # One after the other: a layer called twice on the same array gets a gradient for each of its arguments.
    sources = inputs if case.has_input_gradients else []
    with ag.GradientTape() as tape:
        for source in sources:
            tape.watch(source)
        outputs = list(leaves(called()))
        directions = case.directions([output.shape for output in outputs])
        total = sum((output * in_dtype(d, dtype)).sum() for output, d in zip(outputs, directions, strict=True))
    weights = layer.trainable_weights
    gradients = tape.gradient(total, [*weights, *sources], unconnected_gradients="zero")
    named = {f"output {i}": output.numpy() for i, output in enumerate(outputs)}
    named |= {f"weight {i}": g.numpy() for i, g in enumerate(gradients[: len(weights)])}
    return named | {f"input {i}": g.numpy() for i, g in enumerate(gradients[len(weights) :])}


class _In:
    """``nn`` whose layers are made in one dtype."""

    def __init__(self, dtype):
        self.layers = _Layers(dtype)
        self.Sequential = nn.Sequential


class _Layers:
    def __init__(self, dtype):
        self._dtype = dtype

    def __getattr__(self, name):
        return lambda *args, **options: getattr(nn.layers, name)(*args, dtype=self._dtype, **options)


def check(case, dtype):
    """Every value of the case agrees with Keras's, relative to the largest of its array."""
    found = values(case, dtype)
    sizes = [value.size for value in found.values()]
    flat = _all()[case.name]
    assert sum(sizes) == flat.size
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    for (name, value), part in zip(found.items(), parts, strict=True):
        assert value.dtype == dtype, name
        tolerance = TOLERANCES[dtype] * max(1.0, np.abs(part).max(initial=0))
        expected = part.reshape(value.shape)
        np.testing.assert_allclose(value, expected, rtol=TOLERANCES[dtype], atol=tolerance, err_msg=name)
