"""What a training is given by accident, and what happens around it: odd inputs, breaks, threads, files."""

import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(20, 3)).astype(np.float32)
Y = RANDOM.randint(0, 4, 20)


def model(optimizer="adam", **options):
    glorot = nn.initializers.GlorotUniform
    made = nn.Sequential(
        [
            nn.Input((3,)),
            nn.layers.Dense(5, activation="relu", kernel_initializer=glorot(1)),
            nn.layers.Dense(4, activation="softmax", kernel_initializer=glorot(2)),
        ]
    )
    made.compile(optimizer, "sparse_categorical_crossentropy", **options)
    return made


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


class Framed:
    """Like a table of another library: an array on request, and columns by name."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)

    def __len__(self):
        return len(self.array)

    def __getitem__(self, name):
        raise KeyError(name)


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X.tolist(), Y.tolist()),
        (X, tuple(Y.tolist())),
        ([X], [Y]),
        ((X,), (Y,)),
        (Framed(X), Framed(Y)),
        (np.asfortranarray(X), Y),
        (read_only(X), read_only(Y)),
        (np.repeat(X, 2, axis=0)[::2], np.repeat(Y, 2)[::2]),
        (X.astype(">f4"), Y.astype(">i8")),
        (X.astype("f8"), Y.astype("f8")),
        (X, Y.astype("u1")),
        (X, Y[:, None]),
    ],
    ids=[
        "lists",
        "tuple",
        "alone",
        "alone_tuple",
        "framed",
        "fortran",
        "read_only",
        "strided",
        "big_endian",
        "float64",
        "uint8",
        "column",
    ],
)
def test_all_kinds_of_arrays_train_the_same(x, y):
    """Same steps, whatever the samples are kept in."""
    plain, odd = model(), model()
    options = {"batch_size": 8, "shuffle": False, "verbose": 0, "validation_split": 0.2}
    expected = plain.fit(X, Y, **options).history
    found = odd.fit(x, y, **options).history
    assert found == {name: pytest.approx(values, rel=1e-6) for name, values in expected.items()}
    assert odd.evaluate(x, y, verbose=0) == pytest.approx(plain.evaluate(X, Y, verbose=0), rel=1e-6)
    assert odd.predict(x).shape == (20, 4)
    assert odd.train_on_batch(x, y) == pytest.approx(plain.train_on_batch(X, Y), rel=1e-4)


MISTAKES = [
    ({"x": "abc"}, ag.DtypeError, "fit: x has dtype <U3"),
    ({"x": 3.0, "y": 1}, ag.ShapeError, "None is a number"),
    ({"x": [[1, 2, 3], [1, 2]], "y": [0, 1]}, ag.ConversionError, "fit: x is no array.*equal lengths"),
    ({"x": X.astype(object)}, ag.DtypeError, "dtype object"),
    ({"batch_size": 0}, ag.DomainError, "batch_size is 0"),
    ({"epochs": -1}, ag.DomainError, "epochs is -1"),
    ({"epochs": "3"}, ag.DomainError, "epochs is '3'"),
    ({"epochs": 1.5}, ag.DomainError, "epochs is 1.5"),
    ({"initial_epoch": -1}, ag.DomainError, "initial_epoch is -1"),
    ({"verbose": "yes"}, ag.DomainError, "verbose is 'yes'"),
    ({"validation_split": -0.5}, ag.DomainError, "validation_split is -0.5"),
    ({"validation_split": "0.5"}, ag.DomainError, "validation_split is '0.5'"),
    ({"validation_split": 0.5, "validation_freq": 0}, ag.DomainError, "validation_freq is 0"),
    ({"validation_split": 0.5, "validation_batch_size": 0}, ag.DomainError, "validation_batch_size is 0"),
    ({"validation_data": (X, Y[:3])}, ag.ShapeError, r"validation_data: .* \[20, 3\]"),
    ({"validation_data": (X, Y + 9)}, ag.DomainError, "labels out of range"),
    ({"validation_data": (X[:, :2], Y)}, ag.ShapeError, "last axis of length 3"),
    ({"validation_data": (X, Y, Y, Y)}, ag.StructureError, "a tuple of 4"),
    ({"callbacks": [3]}, ag.ConversionError, "callbacks has a int in it"),
    ({"class_weight": [1, 2, 3]}, ag.DomainError, r"class_weight is \[1, 2, 3\]"),
    ({"class_weight": {0: np.nan}}, ag.DomainError, "class_weight is {0: nan}"),
    ({"sample_weight": np.ones(3)}, ag.ShapeError, r"\[20, 20, 3\]"),
]


@pytest.mark.parametrize(("options", "error", "message"), MISTAKES)
def test_mistakes_are_named_before_anything_changes(options, error, message):
    """No step is made."""
    made, untouched = model(), model()
    with pytest.raises(error, match=message):
        made.fit(**{"x": X, "y": Y, "verbose": 0, **options})
    assert same(made, untouched)
    assert made.progress is None
    made.fit(X, Y, verbose=0)


def test_no_epochs():
    """Nothing happens, and nothing can be drawn."""
    history = model().fit(X, Y, epochs=0, verbose=0)
    assert history.history == {}
    with pytest.raises(ag.DomainError, match="no epoch has ended"):
        history.plot()


def test_an_evaluation_sees_no_sample_twice():
    """More steps than there are batches are no more samples."""
    made = model()
    assert made.predict(X, steps=50).shape == (20, 4)
    assert made.predict(X, batch_size=6, steps=2).shape == (12, 4)
    assert made.evaluate(X, Y, batch_size=6, steps=50, verbose=0) == made.evaluate(X, Y, batch_size=6, verbose=0)


def test_epochs_to_evaluate_after_may_be_listed():
    """Counted from 1."""
    history = model().fit(X, Y, epochs=4, validation_split=0.5, validation_freq=[2, 3], verbose=0)
    assert len(history.history["val_loss"]) == 2


def test_callbacks_alone_and_nested():
    """One, or lists in lists."""
    stop = nn.callbacks.EarlyStopping("loss", baseline=-1.0)
    for callbacks in (stop, [[stop], []], None):
        model().fit(X, Y, callbacks=callbacks, verbose=0)
    model().evaluate(X, Y, callbacks=nn.callbacks.History(), verbose=0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_training_that_broke_off_can_be_called_again(error):
    """The model is as after the last step."""

    class Break(nn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise error

    broken, other = model(), model()
    with pytest.raises(error):
        broken.fit(X, Y, batch_size=5, shuffle=False, verbose=0, callbacks=[Break()])
    assert broken.progress is None
    other.fit(X, Y, batch_size=5, steps_per_epoch=2, shuffle=False, verbose=0)
    assert same(broken, other)
    broken.fit(X, Y, verbose=0)


def test_a_training_in_a_callback(tmp_path):
    """The outer one goes on, and can still be saved."""

    class Inner(nn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.fit(X, Y, verbose=0)
            self.model.predict(X)

    made = model()
    backup = nn.callbacks.BackupAndRestore(tmp_path / "backup")
    history = made.fit(X, Y, epochs=2, verbose=0, callbacks=[Inner(), backup])
    assert len(history.history["loss"]) == 2
    assert made.history is history


def test_figures_that_callbacks_add_are_kept():
    """The history is the last that is told."""
    schedule = nn.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    history = model().fit(X, Y, epochs=2, verbose=0, callbacks=[schedule])
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.05])


def test_models_in_threads():
    """Each as if it were alone."""
    found = {}

    def train(number):
        words = nn.layers.Embedding(7, 3, mask_zero=True, embeddings_initializer=nn.initializers.RandomUniform(seed=3))
        glorot = nn.initializers.GlorotUniform(1)
        lstm = nn.layers.LSTM(4, kernel_initializer=glorot, recurrent_initializer=nn.initializers.GlorotUniform(2))
        made = nn.Sequential([nn.Input((5,), dtype="int32"), words, lstm, nn.layers.Dropout(0.5, seed=2)])
        made.compile("adam", nn.losses.SparseCategoricalCrossentropy(from_logits=True))
        made.fit(np.arange(100).reshape(20, 5) % 7, Y, epochs=3, batch_size=4, shuffle=False, verbose=0)
        found[number] = made

    threads = [threading.Thread(target=train, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    train("alone")
    assert all(same(found[number], found["alone"]) for number in range(3))


def test_trainable_may_change_after_compile():
    """Freezing and thawing a layer."""
    made = model()
    made.fit(X, Y, verbose=0)
    kernels = [made.layers[0].get_weights()[0]]
    for trainable in (False, True):
        made.layers[0].trainable = trainable
        made.fit(X, Y, verbose=0)
        kernels.append(made.layers[0].get_weights()[0])
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[1], kernels[2])


def test_one_optimizer_in_two_models():
    """It keeps its moments for the variables of the first."""
    optimizer = optim.Adam()
    model(optimizer).fit(X, Y, verbose=0)
    with pytest.raises(ag.StructureError, match="Make a new optimizer"):
        model(optimizer).fit(X, Y, verbose=0)


@pytest.mark.parametrize("name", ["né ü 日本/модель.safetensors", "x" * 200])
@pytest.mark.parametrize("epochs", [0, 1])
def test_names_of_files(tmp_path, name, epochs):
    """Of any language, and long; before the first step and after."""
    made = model()
    made.fit(X, Y, epochs=epochs, shuffle=False, verbose=0)
    made.save(tmp_path / name)
    again = nn.models.load_model(tmp_path / name)
    for each in (made, again):
        each.fit(X, Y, shuffle=False, verbose=0)
    assert same(made, again)


def test_files_that_cannot_be_written(tmp_path):
    """A folder, a file in place of a folder, a name that is too long."""
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file" / "model", tmp_path / ("x" * 300)):
        with pytest.raises(ag.DataError, match="cannot be written"):
            model().save(path)


def test_foreign_files_in_the_backup_s_folder(tmp_path):
    """They stay."""
    (tmp_path / "notes.txt").write_text("mine")
    model().fit(X, Y, verbose=0, callbacks=[nn.callbacks.BackupAndRestore(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_metrics_heed_masks():
    """What is filling is no hit and no miss."""
    words = np.array([[1, 2, 0], [3, 0, 0]])
    true = np.array([[0, 1, 1], [1, 1, 1]])
    made = nn.Sequential([nn.Input((3,), dtype="int32"), nn.layers.Embedding(4, 2, mask_zero=True)])
    made.set_weights([np.array([[9.0, 0], [9, 0], [9, 0], [0, 9]])])
    made.compile("sgd", nn.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    assert made.evaluate(words, true, verbose=0)[1] == pytest.approx(2 / 3)
