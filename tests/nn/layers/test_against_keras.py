"""Layers give what Keras's give: values, gradients in inputs and weights, and running statistics."""

from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.expected.layer_cases import CASES, projection_for, weights_for

EXPECTED = np.load(Path(__file__).parent.parent / "expected" / "layers.npz")


def expected(case, key):
    return EXPECTED[f"{case.name}/{key}"]


def made(case, dtype):
    """The layer with its weights set, and its inputs as Variables (integers as they are)."""
    layer = case.make(nn, dtype=dtype)
    arrays = case.inputs()
    inputs = [array if case.integers else ag.Variable(array.astype(dtype)) for array in arrays]
    given = inputs[0] if len(inputs) == 1 else inputs
    layer(given)
    names = [weight.name.rpartition("/")[2] for weight in layer.weights]
    layer.set_weights(weights_for(case, [weight.shape for weight in layer.weights], names))
    return layer, inputs, given


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-10), ("float32", 1e-5)])
def test_value_and_gradients_are_those_of_keras(case, dtype, rtol):
    """Errors are measured against the largest entry of each array."""
    layer, inputs, given = made(case, dtype)
    options = {} if case.training is None else {"training": case.training}
    with ag.GradientTape() as tape:
        out = layer(given, **options)
        value = (out * projection_for(case, out.shape).astype(dtype)).sum()
    found = {"out": out}
    weights = layer.trainable_weights
    variables = [*weights, *(inputs if not case.integers else [])]
    gradients = tape.gradient(value, variables, unconnected_gradients="zero")
    names = [*(f"weight {i}" for i in range(len(weights))), *(f"input {i}" for i in range(len(inputs)))]
    found.update(zip(names, gradients, strict=False))
    found.update({f"after {i}": w for i, w in enumerate(layer.non_trainable_weights) if case.training})
    keys = {key.partition("/")[2] for key in EXPECTED if key.startswith(f"{case.name}/")}
    assert set(found) == keys
    for key, array in found.items():
        wanted = expected(case, key)
        assert array.dtype == dtype
        assert array.shape == wanted.shape, key
        np.testing.assert_allclose(array.numpy(), wanted, rtol=0, atol=rtol * max(1e-3, abs(wanted).max()), err_msg=key)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_output_shape_is_known_beforehand(case):
    """On symbolic tensors, and by ``compute_output_shape``, without a value; with the batch axis unknown."""
    got = made(case, "float64")[0](case.inputs()[0] if len(case.shapes) == 1 else case.inputs()).shape
    kind = "int32" if case.integers else "float64"
    symbols = [nn.Input(shape[1:], dtype=kind) for shape in case.shapes]
    out = case.make(nn, dtype="float64")(symbols[0] if len(symbols) == 1 else symbols)
    assert out.shape == (None, *got[1:])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_config_makes_the_same_layer(case):
    """``from_config(get_config())`` has the same weights' shapes, and gives the same with the same weights."""
    layer, _, given = made(case, "float64")
    again = type(layer).from_config(layer.get_config())
    assert again.name == layer.name
    again(given)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(given).numpy(), layer(given).numpy())
    assert again.get_config() == layer.get_config()
