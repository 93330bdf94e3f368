"""Layers of a model as a picture: what is in it, how it hangs together, what users' names and bad input do to it."""

import re
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import layers
from nn.topology import topology


class Residual(nn.Model):
    def __init__(self):
        super().__init__(name="residual")
        self.first = layers.Dense(8, activation="relu", name="first")
        self.second = layers.Dense(8, name="second")
        self.last = layers.Dense(3, name="last")

    def call(self, x, training=None, mask=None):
        hidden = self.first(x)
        return self.last(hidden + self.second(hidden))


class Tokens(nn.Model):
    def __init__(self):
        super().__init__(name="tokens")
        self.embedding = layers.Embedding(10, 4, name="embedding")
        self.last = layers.Dense(3, name="last")

    def call(self, x, training=None, mask=None):
        return self.last(self.embedding(x))


def chain():
    return nn.Sequential(
        [nn.Input((4,)), layers.Dense(3, activation="relu", name="hidden"), layers.Dense(2, name="out")], name="chain"
    )


def branches():
    x = nn.Input(shape=(8,), name="x")
    hidden = layers.Dense(8, name="hidden")(x)
    inner = nn.Sequential([nn.Input((8,)), layers.Dense(4, name="narrow"), layers.Dense(8, name="wide")], name="block")
    return nn.Model(x, np.tanh(layers.Add(name="add")([hidden, inner(hidden)])), name="branches")


def built(model, shape):
    model.build(shape)
    return model


def links(model, expand=False):
    return [(source.name, box.name) for box in topology(model, expand).boxes for source in box.sources]


def texts(source):
    """Cells of the labels of a drawing."""
    return re.findall(r"<TD[^>]*>(.*?)</TD>", source)


MODELS = {
    "chain": chain,
    "branches": branches,
    "residual": lambda: built(Residual(), (None, 5)),
    "tokens": lambda: built(Tokens(), (None, 7)),
}


def test_how_models_hang_together():
    assert links(chain()) == [("input", "hidden"), ("hidden", "out")]
    assert links(branches()) == [
        ("x", "hidden"), ("hidden", "block"), ("hidden", "add"), ("block", "add"), ("add", "tanh"),
    ]  # fmt: skip
    assert links(MODELS["residual"]()) == [
        ("input", "first"), ("first", "second"), ("first", "add"), ("second", "add"), ("add", "last"),
    ]  # fmt: skip
    assert links(MODELS["tokens"]()) == [("input", "embedding"), ("embedding", "last")]


def test_a_shared_layer_is_one_box():
    shared, x = layers.Dense(4, name="shared"), nn.Input((4,), name="x")
    model = nn.Model(x, shared(shared(x)))
    assert links(model) == [("x", "shared"), ("shared", "shared")]


def test_what_is_shown():
    plain = nn.utils.model_to_dot(chain(), show_layer_names=False).source
    assert texts(plain) == ["<B>Input</B>", "<B>Dense</B>", "<B>Dense</B>"]
    full = nn.utils.model_to_dot(
        chain(), show_shapes=True, show_dtype=True, show_layer_activations=True, show_trainable=True
    ).source
    cells = [re.sub("<.*?>", "", cell) for cell in texts(full)]
    assert cells[:5] == ["Input", "shape", "(None, 4)", "dtype", "float32"]
    assert cells[5:16] == [
        *("hidden (Dense)", "input", "(None, 4)", "output", "(None, 3)", "dtype", "float32"),
        *("activation", "relu", "trainable", "yes"),
    ]
    frozen = chain()
    frozen.layers[0].trainable = False
    assert ">no<" in nn.utils.model_to_dot(frozen, show_trainable=True).source


def test_the_batch_is_not_a_length():
    cells = texts(nn.utils.model_to_dot(MODELS["residual"](), show_shapes=True).source)
    assert "(None, 8), (None, 8)" in cells
    assert "(2, 5)" not in cells


def test_models_in_models_become_frames():
    closed = nn.utils.model_to_dot(branches()).source
    opened = nn.utils.model_to_dot(branches(), expand_nested=True).source
    assert "narrow" not in closed
    assert "cluster" not in closed
    assert "narrow" in opened
    assert "cluster" in opened
    assert "cluster" in nn.utils.model_to_dot(chain(), subgraph=True).source


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("form", ["svg", "png", "pdf", "dot"])
def test_files(tmp_path, name, form):
    if form != "dot":
        pytest.importorskip("pygraphviz")
    path = nn.utils.plot_model(MODELS[name](), tmp_path / f"model.{form}", show_shapes=True, expand_nested=True)
    assert path.stat().st_size > 100
    head = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}[form]
    assert path.read_bytes().startswith(head)


def test_a_picture_is_as_fine_as_asked(tmp_path):
    pytest.importorskip("pygraphviz")
    image = pytest.importorskip("PIL.Image")
    sizes = []
    for dpi in (50, 100):
        with image.open(nn.utils.plot_model(chain(), tmp_path / "model.png", dpi=dpi)) as picture:
            sizes.append(picture.size[0])
    assert sizes[1] == pytest.approx(2 * sizes[0], abs=3)


@pytest.mark.parametrize(
    "name", ['quo"te', "<script>alert(1)</script>", "back\\slash\\N\\l", "new\nline", "🦊", "a" * 10_000]
)
def test_names_are_text(tmp_path, name):
    pytest.importorskip("pygraphviz")
    x = nn.Input((2,))
    model = nn.Model(x, layers.Dense(2, name=name)(x))
    text = nn.utils.plot_model(model, tmp_path / "m.svg", show_layer_names=True).read_text(encoding="utf-8")
    assert "<script>" not in text
    assert len(text) < 10_000
    if len(name) < 100:
        shown = " ".join(name.split())
        plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#45;", "-")
        assert shown in plain.replace("&#160;", " ") or shown in re.sub("&#x?[0-9a-f]+;", lambda m: "🦊", plain)


def test_bad_input(tmp_path):
    with pytest.raises(ag.StructureError, match=r"residual.*call the model on data"):
        nn.utils.plot_model(Residual(), tmp_path / "m.svg")
    with pytest.raises(ag.GraphError, match=r"m\.gif"):
        nn.utils.plot_model(chain(), tmp_path / "m.gif")
    with pytest.raises(ag.GraphError, match="no folder"):
        nn.utils.plot_model(chain(), tmp_path / "nowhere" / "m.svg")
    with pytest.raises(ag.ConversionError, match="got a Dense"):
        nn.utils.plot_model(layers.Dense(2))
    with pytest.raises(ag.DomainError, match="rankdir is 'up'"):
        nn.utils.plot_model(chain(), tmp_path / "m.svg", rankdir="up")
    with pytest.raises(ag.DomainError, match="dpi is 0"):
        nn.utils.plot_model(chain(), tmp_path / "m.svg", dpi=0)
    with pytest.raises(ag.StructureError, match="show_everything"):
        nn.utils.plot_model(chain(), tmp_path / "m.svg", show_everything=True)


def test_drawing_changes_nothing():
    model = MODELS["residual"]()
    model.compile("sgd", "mse")
    x, y = np.ones((4, 5)), np.zeros((4, 3))
    before = [weight.numpy().copy() for weight in model.weights]
    nn.utils.model_to_dot(model)
    for weight, was in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), was)
    with ag.GradientTape() as tape:
        loss = np.sum(model(x))
        nn.utils.model_to_dot(model)
    assert all(gradient is not None for gradient in tape.gradient(loss, model.trainable_variables))
    model.fit(x, y, verbose=0)


def test_notebooks_show_models(monkeypatch):
    pytest.importorskip("pygraphviz")
    assert "hidden" in chain()._repr_svg_()
    assert Residual()._repr_svg_() is None  # not known yet: the text is shown
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert chain()._repr_svg_() is None


def test_layers_of_one_name_in_a_call_of_ones_own():
    class Twins(nn.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.layers.Dense(4, name="d"), nn.layers.Dense(5, name="d")

        def call(self, inputs, training=None, mask=None):
            return self.second(self.first(inputs))

    model = Twins()
    model(np.ones((2, 3), "float32"))
    found = topology(model)
    assert [box.layer for box in found.boxes[1:]] == [model.first, model.second]
    assert [box.name for box in found.boxes[1:]] == [layer.name for layer in model.layers] == ["d", "d"]
    assert found.boxes[2].sources == [found.boxes[1]]
