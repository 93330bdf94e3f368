"""What holds for every layer: other batch sizes, dtypes, gradients in the inputs, copies, inputs of another shape."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import layers
from nn.shapes import leaves, map_structure
from tests.nn.expected import layer_cases, recurrent_cases

EVERY = pytest.mark.parametrize("case", layer_cases.CASES, ids=str)
RECURRENT = [case for case in recurrent_cases.CASES if case.calls == 1 and not case.kwargs and not case.as_list]
RANDOM = {
    name: getattr(layers, name)
    for name in ("Dropout", "SpatialDropout1D", "AlphaDropout", "GaussianDropout", "GaussianNoise")
}


def drawn(case, batch):
    """Inputs of a case, of another batch size."""
    random = np.random.RandomState(3)
    arrays = [
        random.randint(0, case.integers, (batch, *shape[1:]))
        if case.integers
        else random.normal(size=(batch, *shape[1:])).astype("float32")
        for shape in case.shapes
    ]
    return arrays[0] if len(arrays) == 1 else arrays


@EVERY
def test_other_batch_sizes(case):
    """More samples, one, and none; each sample's output is its own (outside of training)."""
    layer = case.make(nn)
    x = drawn(case, 5)
    out = layer(x)
    assert out.dtype == "float32"
    for count in (1, 3, 0):
        part = map_structure(lambda array, count=count: array[:count], x)
        np.testing.assert_allclose(layer(part).numpy(), out.numpy()[:count], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in layer_cases.CASES if not case.integers], ids=str)
def test_gradients_reach_the_inputs(case):
    """Every input that is not whole numbers has one, of its own shape and dtype."""
    layer = case.make(nn)
    x = map_structure(ag.Variable, drawn(case, 2))
    with ag.GradientTape() as tape:
        value = (layer(x) ** 2).sum()
    for source, gradient in zip(leaves(x), leaves(tape.gradient(value, x)), strict=True):
        assert (gradient.shape, gradient.dtype) == (source.shape, source.dtype)
        assert np.isfinite(gradient.numpy()).all()


def check_copies(layer, x):
    """The copy gives the same, and its weights are its own."""
    outputs = [value.numpy() for value in leaves(layer(x))]
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        for ours, theirs in zip(leaves(other(x)), outputs, strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs)
        for weight in other.weights:
            weight.assign(np.zeros(weight.shape, weight.dtype))
        assert [weight.name for weight in other.weights] == [weight.name for weight in layer.weights]
    for ours, theirs in zip(leaves(layer(x)), outputs, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)


@EVERY
def test_copies(case):
    """``deepcopy`` and ``pickle`` of a built layer."""
    layer = case.make(nn)
    layer(drawn(case, 2))
    check_copies(layer, drawn(case, 3))


@pytest.mark.parametrize("case", RECURRENT, ids=str)
def test_copies_of_recurrent_layers(case):
    """The same, for recurrent and attention layers."""
    layer = case.make(nn)
    inputs = [x.astype("float32") if x.dtype.kind == "f" else x for x in case.inputs]
    layer(*inputs)
    if len(inputs) == 1:
        check_copies(layer, inputs[0])
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        for ours, theirs in zip(leaves(other(*inputs)), leaves(layer(*inputs)), strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_copies_of_random_layers(make):
    """They go on as the first would."""
    layer, x = make(0.5, seed=0), np.ones((4, 5, 6), "float32")
    layer(x, training=True)
    other, third = copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))
    wanted = layer(x, training=True).numpy()
    for copied in (other, third):
        np.testing.assert_array_equal(copied(x, training=True).numpy(), wanted)


def small_models():
    """One of each kind, built."""

    x = nn.Input((4,))
    functional = nn.Model(x, layers.Dense(2)(layers.Dropout(0.5)(layers.Dense(3, activation="relu")(x) + 1)))
    sequential = nn.Sequential([layers.BatchNormalization(), layers.Dense(2, kernel_regularizer="l2")])
    sequential(np.ones((1, 4)))
    return {"functional": functional, "Sequential": sequential, "nested": nn.Sequential([nn.Input((4,)), functional])}


@pytest.mark.parametrize("kind", ["functional", "Sequential", "nested"])
def test_copies_of_models(kind):
    """Weights, structure and regularizers are copied, and the copy can be trained apart."""
    model = small_models()[kind]
    x = np.random.RandomState(0).normal(size=(6, 4)).astype("float32")
    check_copies(model, x)
    other = copy.deepcopy(model)
    before = model.get_weights()
    other.compile("adam", "mse")
    other.fit(x, x[:, :2], verbose=0)
    assert len(other.losses) == len(model.losses)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


WITH_WIDTH = [
    case for case in layer_cases.CASES
    if "channels first" not in case.name and "axis 1" not in case.name and not case.integers
    and any(case.name.startswith(name) for name in (
        "Dense", "Conv", "Depthwise", "Separable", "BatchNorm", "LayerNorm", "GroupNorm", "PReLU", "Normalization",
    ))
]  # fmt: skip


@pytest.mark.parametrize("case", WITH_WIDTH, ids=str)
def test_inputs_of_another_width(case):
    """A built layer names itself, what it was given, and what it expected; its weights stay."""
    layer = case.make(nn, name="mine")
    x = drawn(case, 2)
    layer(x)
    before = layer.get_weights()
    wider = np.concatenate([x, x], axis=-1)
    with pytest.raises(ag.ShapeError) as caught:
        layer(wider)
    for part in ("mine", str(wider.shape)):
        assert part in str(caught.value)
    assert "expected" in str(caught.value) or "built for" in str(caught.value)
    for ours, theirs in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


OF_RANK = {
    "Conv1D": lambda **o: layers.Conv1D(2, 2, **o), "Conv2D": lambda **o: layers.Conv2D(2, 2, **o),
    "Conv2DTranspose": lambda **o: layers.Conv2DTranspose(2, 2, **o),
    "DepthwiseConv2D": lambda **o: layers.DepthwiseConv2D(2, **o),
    "SeparableConv2D": lambda **o: layers.SeparableConv2D(2, 2, **o), "LSTM": lambda **o: layers.LSTM(2, **o),
    **{
        name: getattr(layers, name)
        for name in (
            "MaxPooling1D", "MaxPooling2D", "AveragePooling3D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
            "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("make", OF_RANK.values(), ids=OF_RANK)
@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 2, 2, 2, 2, 2)], ids=str)
def test_inputs_with_other_axes(make, shape):
    """Too few or too many axes: named before anything is built."""
    layer = make(name="mine")
    with pytest.raises(ag.ShapeError, match=r"'mine'.*expected"):
        layer(np.ones(shape, "float32"))
    assert layer.weights == []


@pytest.mark.parametrize(
    "layer",
    [layers.Conv2D(2, 9, name="mine"), layers.MaxPooling2D(9, name="mine"), layers.AveragePooling2D(9, name="mine")],
    ids=["Conv2D", "MaxPooling2D", "AveragePooling2D"],
)
def test_windows_that_do_not_fit(layer):
    """With data and without."""
    with pytest.raises(ag.ShapeError, match=r"'mine'.*9"):
        layer(np.ones((1, 5, 5, 3), "float32"))
    with pytest.raises(ag.ShapeError, match=r"'mine'.*9"):
        layer(nn.Input((5, 5, 3)))


FLOATS_FROM_INTEGERS = {
    **OF_RANK,
    "Softmax": layers.Softmax, "ELU": layers.ELU, "LeakyReLU": layers.LeakyReLU, "PReLU": layers.PReLU,
    "GlobalAveragePooling1D": layers.GlobalAveragePooling1D, "AveragePooling2D": layers.AveragePooling2D,
    "Rescaling": lambda: layers.Rescaling(1 / 255), "SimpleRNN": lambda: layers.SimpleRNN(2),
    "sigmoid": lambda: layers.Activation("sigmoid"), "Dense": lambda: layers.Dense(2),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOATS_FROM_INTEGERS)
def test_whole_numbers(name):
    """What computes gives float32 for bytes, the same as for floats of these values; what moves keeps bytes."""
    make = FLOATS_FROM_INTEGERS[name]
    rank = {"1D": 3, "2D": 4, "3D": 5}.get(name[-2:], 4 if name.startswith(("Conv2", "Depth", "Separ")) else 3)
    x = np.random.RandomState(0).randint(0, 255, (2, *(4,) * (rank - 2), 3)).astype("uint8")
    layer = make()
    out = layer(x)
    wanted = layer(x.astype("float32"))
    moves = name.startswith(("Max", "GlobalMax", "Up", "Zero", "Crop"))
    assert out.dtype == ("uint8" if moves else "float32")
    np.testing.assert_allclose(out.numpy(), wanted.numpy(), rtol=1e-5)
