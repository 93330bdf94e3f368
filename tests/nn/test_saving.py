"""Files: what is written is read again; what does not fit is said and changes nothing."""

import json
import os
import stat

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn import saving

X = np.random.RandomState(0).normal(size=(40, 3)).astype(np.float32)
Y = np.random.RandomState(1).randint(0, 4, 40)


def model(units=5, optimizer="adam", seed=0):
    layers = [
        nn.layers.Dense(units, activation="relu", kernel_initializer=nn.initializers.GlorotUniform(seed)),
        nn.layers.BatchNormalization(),
        nn.layers.Dropout(0.3, seed=3),
        nn.layers.Dense(4, activation="softmax", kernel_initializer=nn.initializers.GlorotUniform(seed + 1)),
    ]
    made = nn.Sequential([nn.Input((3,)), *layers])
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def functional():
    inputs = nn.Input((3,), name="points")
    hidden = nn.layers.Dense(5, activation="tanh", name="hidden")(inputs)
    merged = nn.layers.Concatenate()([hidden, inputs])
    made = nn.Model(inputs, nn.layers.Dense(4, activation="softmax")(merged), name="merging")
    made.compile(optim.SGD(0.1, momentum=0.9), nn.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    return made


class Own(nn.Model):
    def __init__(self, units=6):
        super().__init__()
        self.first = nn.layers.Dense(units, activation="relu")
        self.second = nn.layers.Dense(4)

    def call(self, inputs):
        return self.second(self.first(inputs))


def same(a, b):
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def trained(made, **options):
    made.fit(X, Y, epochs=2, batch_size=16, verbose=0, seed=0, **options)
    return made


def test_weights_are_read_as_they_were_written(tmp_path):
    """Into a model with other values, bit for bit; dtypes and the moving means too."""
    first, second = trained(model()), model(seed=7)
    first.save_weights(tmp_path / "weights.safetensors")
    second.load_weights(tmp_path / "weights.safetensors")
    same(first, second)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


@pytest.mark.parametrize("make", [model, functional, Own], ids=["Sequential", "functional", "subclass"])
def test_a_whole_model_goes_on_training(tmp_path, make):
    """``save`` and ``load_model``: predictions are the same, and so are the steps that follow."""
    first = make()
    if not first.compiled:
        first.compile("rmsprop", nn.losses.SparseCategoricalCrossentropy(from_logits=True))
    trained(first)
    first.save(tmp_path / "model.safetensors")
    second = nn.models.load_model(tmp_path / "model.safetensors")
    assert second.name == first.name
    assert second.optimizer.iterations == first.optimizer.iterations
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    trained(first)
    trained(second)
    same(first, second)
    uncompiled = nn.models.load_model(tmp_path / "model.safetensors", compile=False)
    assert not uncompiled.compiled


def test_a_schedule_goes_on_where_it_was(tmp_path):
    """The learning rate of the next step follows from the number of steps made."""
    first = trained(model(optimizer=optim.Adam(optim.schedules.ExponentialDecay(0.1, 5, 0.5))))
    first.save(tmp_path / "model.safetensors")
    second = nn.models.load_model(tmp_path / "model.safetensors")
    assert second.optimizer.learning_rate == first.optimizer.learning_rate < 0.1
    trained(first)
    trained(second)
    same(first, second)


def test_a_model_without_weights_yet():
    """Nothing to write, and nowhere to read to: both say so."""
    fresh = nn.Sequential([nn.layers.Dense(2)])
    with pytest.raises(ag.StructureError, match="there are no weights yet; call the model on data"):
        fresh.save_weights("nowhere")


DIFFERENT = [
    (lambda: model(units=6), r"weight 1 is, in the model, 'kernel' of shape \(3, 6\) in layer 'dense' \(Dense\), and "
     r"in the file 'kernel' of shape \(3, 5\) in layer 'dense' \(Dense\)"),
    (lambda: nn.Sequential([nn.Input((3,)), nn.layers.Dense(5), nn.layers.Dense(4)]),
     r"weight 3 is, in the model, 'kernel' of shape \(5, 4\) in layer 'dense_1' \(Dense\), and in the file 'gamma'"),
    (lambda: nn.Sequential([nn.Input((3,)), nn.layers.Dense(5)]),
     "the model has 2 weights, the file 8; the first that only the file has is in layer 'batch_normalization'"),
    (lambda: nn.Sequential([nn.Input((3,)), *model().layers, nn.layers.Dense(2)]),
     "the model has 10 weights, the file 8; the first that only the model has is in layer 'dense_2'"),
    (lambda: nn.Sequential([*model().layers, nn.layers.Dense(2)]), "the model, or a layer in it, has no weights yet"),
    (lambda: nn.Sequential([nn.layers.Dense(5)]), "the model, or a layer in it, has no weights yet"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), DIFFERENT)
def test_weights_of_another_architecture(tmp_path, make, message):
    """The error names the first layer that differs; the model is unchanged."""
    path = tmp_path / "weights.safetensors"
    model().save_weights(path)
    other = make()
    before = other.get_weights()
    with pytest.raises(ag.StructureError, match=message):
        other.load_weights(path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_skip_mismatch_takes_what_fits(tmp_path):
    """The first layer is another one, the last has the same shape only if its input has."""
    path = tmp_path / "weights.safetensors"
    first = trained(model())
    first.save_weights(path)
    other = nn.Sequential([nn.Input((3,)), nn.layers.Dense(5), nn.layers.Dense(4)])
    other.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[0], first.get_weights()[0])


def test_damaged_files_change_nothing(tmp_path):
    """Cut off at any place, with bytes changed, empty, or of another program: an error that names the file."""
    path = tmp_path / "weights.safetensors"
    made = trained(model())
    made.save_weights(path)
    data = path.read_bytes()
    before = made.get_weights()
    flipped = bytearray(data)
    flipped[3] ^= 255
    torn = [data[:length] for length in (0, 4, 8, 100, len(data) // 2, len(data) - 1)]
    for content in [*torn, bytes(flipped), b"PK\x03\x04 a zip file" * 20, b"\x89HDF\r\n\x1a\n" + b"\0" * 100]:
        path.write_bytes(content)
        with pytest.raises(ag.DataError, match=r"weights\.safetensors is damaged, or is no safetensors file"):
            made.load_weights(path)
    import_foreign(path)
    with pytest.raises(ag.DataError, match=r"was not written by this library .* 1 arrays: w"):
        made.load_weights(path)
    with pytest.raises(ag.DataError, match=r"nothing here.* cannot be read: No such file"):
        made.load_weights(tmp_path / "nothing here")
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def import_foreign(path):
    """A file that another program wrote."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)


def test_a_file_of_another_kind(tmp_path):
    """Weights are no model; a model has weights in it."""
    made = trained(model())
    made.save_weights(tmp_path / "weights")
    made.save(tmp_path / "model")
    with pytest.raises(ag.DataError, match="holds 'weights'; expected 'model'"):
        nn.models.load_model(tmp_path / "weights")
    other = model(seed=9)
    other.load_weights(tmp_path / "model")
    same(made, other)


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path, monkeypatch):
    """If writing fails half-way, what was there is there still, and no other file is left."""
    path = tmp_path / "weights"
    made = trained(model())
    made.save_weights(path)
    data = path.read_bytes()

    def no_space(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ag.DataError, match=r"cannot be written: No space left on device. What was there before is"):
        made.save_weights(path)
    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["weights"]


def test_the_contents_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    """Flushed, then put in its place, then the folder flushed: a crash of the machine leaves no empty file."""
    done = []
    flush, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("flush"), flush(handle)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names)))
    trained(model()).save_weights(tmp_path / "weights")
    assert done == (["flush", "replace"] if os.name == "nt" else ["flush", "replace", "flush"])


def test_overwriting_can_be_refused(tmp_path):
    """``overwrite=False`` raises if there is a file."""
    made = trained(model())
    made.save_weights(tmp_path / "weights")
    with pytest.raises(ag.DataError, match="is there already; give overwrite=True"):
        made.save_weights(tmp_path / "weights", overwrite=False)


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_permissions_are_those_of_any_new_file(tmp_path):
    """Not those of a temporary file, which only its owner may read."""
    path = tmp_path / "weights"
    trained(model()).save_weights(path)
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_any_structure_of_arrays_and_numbers(tmp_path):
    """Exactly, NaN and infinities, complex numbers and large integers included."""
    state = {
        "a": [1, 2.5, float("inf"), "text", None, True, 2**100],
        "b": {"c": np.arange(6).reshape(2, 3), "d": np.float32(1.5), "e": np.array(1 + 2j), "f": np.zeros((0, 3))},
    }
    saving.write(tmp_path / "file", "weights", state)
    found = saving.read(tmp_path / "file", "weights")
    assert found["a"] == state["a"]
    for key, value in state["b"].items():
        assert found["b"][key].dtype == np.asarray(value).dtype
        np.testing.assert_array_equal(found["b"][key], value)
    saving.write(tmp_path / "file", "weights", [float("nan")])
    assert np.isnan(saving.read(tmp_path / "file", "weights")[0])
    with pytest.raises(ag.UnsupportedError, match="'x' is a function, which cannot be written to a file"):
        saving.write(tmp_path / "file", "weights", {"x": lambda: None})


def test_a_model_with_a_function_in_it_says_which(tmp_path):
    """A lambda has no name that could be read again."""
    made = nn.Sequential([nn.Input((3,)), nn.layers.Lambda(lambda x: x * 2)])
    with pytest.raises(ag.UnsupportedError, match=r"function.* cannot be written to a file"):
        made.save(tmp_path / "model")


def test_clone_has_the_layers_and_other_weights():
    """``clone_model`` draws anew where there is no seed."""
    first = functional()
    second = nn.models.clone_model(first)
    assert [layer.name for layer in second.layers] == [layer.name for layer in first.layers]
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])
