"""Listings 12, 13, 14, 16 and 17: a subclassed model, its compiled training step, batch sizes, optimizers."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

Dense, Model = nn.layers.Dense, nn.Model


class MyModel(Model):
    def __init__(self):
        super().__init__()
        self.d1 = Dense(128, input_dim=2, activation="sigmoid")
        self.d2 = Dense(10, activation="softmax")

    def call(self, x, training=None, mask=None):
        x = self.d1(x)
        return self.d2(x)


@pytest.fixture(autouse=True)
def same_every_run():
    nn.utils.set_random_seed(0)


def test_12_subclass():
    model = MyModel()
    pts, _ = nn.datasets.clusters.load_data()
    predictions = model(pts)
    assert predictions.shape == (1000, 10)
    np.testing.assert_allclose(predictions.numpy().sum(axis=1), np.ones(1000), rtol=1e-5)
    assert [w.shape for w in model.trainable_variables] == [(2, 128), (128,), (128, 10), (10,)]
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(pts, nn.datasets.clusters.load_data()[1], epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2


@ag.function
def train_step(model, inputs, labels, loss_object, optimizer, train_loss, train_metric):
    with ag.GradientTape() as tape:
        predictions = model(inputs)
        loss = loss_object(labels, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)

    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    train_loss(loss)
    train_metric(labels, predictions)


def test_13_training_step():
    pts, labels = nn.datasets.clusters.load_data()
    model, loss_object, optimizer = MyModel(), nn.losses.SparseCategoricalCrossentropy(), optim.Adam()
    train_loss = nn.metrics.Mean(name="train_loss")
    train_accuracy = nn.metrics.SparseCategoricalAccuracy(name="train_accuracy")
    traces, losses = train_step.traces, []
    for _ in range(10):  # the first call makes the weights
        train_step(model, pts, labels, loss_object, optimizer, train_loss, train_accuracy)
        losses.append(float(train_loss.result()))
    assert train_step.traces == traces + 1
    assert losses == sorted(losses, reverse=True)  # of the mean of all so far
    assert loss_object(labels, model(pts)).item() < losses[-1]
    assert 0 <= float(train_accuracy.result()) <= 1
    assert int(optimizer.iterations) == 10


def test_13_compiled_is_as_eager():
    """The objects are given to the function, which updates them; another model gets a plan of its own."""
    pts, labels = nn.datasets.clusters.load_data()
    found = []
    for step in (train_step, train_step.python_function):
        nn.utils.set_random_seed(0)
        model, loss_object, optimizer = MyModel(), nn.losses.SparseCategoricalCrossentropy(), optim.Adam()
        mean, accuracy = nn.metrics.Mean(), nn.metrics.SparseCategoricalAccuracy()
        for start in range(0, 320, 32):
            batch = pts[start : start + 32], labels[start : start + 32]
            step(model, *batch, loss_object, optimizer, mean, accuracy)
        found.append([mean.result().item(), accuracy.result().item(), *(w.numpy() for w in model.weights)])
    for compiled, eager in zip(*found, strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-6)


def train_clusters(model, epochs, train_loss, train_accuracy, loss_object, optimizer):
    pts, labels = nn.datasets.clusters.load_data()
    train_ds = nn.data.Dataset.from_tensor_slices((pts, labels)).shuffle(1000).batch(32)
    lines = []
    for epoch in range(epochs):
        for x, label in train_ds:
            train_step(model, x, label, loss_object, optimizer, train_loss, train_accuracy)
        template = "Epoch {}, Loss: {:.4f}, Accuracy: {:.2f}"
        lines.append(template.format(epoch + 1, train_loss.result(), train_accuracy.result() * 100))
    return lines


def test_14_clusters_quick():
    model, train_accuracy = MyModel(), nn.metrics.SparseCategoricalAccuracy()
    options = {"loss_object": nn.losses.SparseCategoricalCrossentropy(), "optimizer": optim.Adam(0.01)}
    lines = train_clusters(model, 8, nn.metrics.Mean(), train_accuracy, **options)
    assert lines[-1].startswith("Epoch 8, Loss: ")
    shown = [float(line.rpartition(" ")[2]) for line in lines]
    assert shown == sorted(shown)
    assert shown[-1] > 60


@pytest.mark.slow
def test_14_clusters():
    """The running accuracy is never reset: it lags behind, and ends higher when the loop is run again."""
    model, train_accuracy = MyModel(), nn.metrics.SparseCategoricalAccuracy()
    options = {"loss_object": nn.losses.SparseCategoricalCrossentropy(), "optimizer": optim.Adam()}
    first = train_clusters(model, 200, nn.metrics.Mean(), train_accuracy, **options)
    # TensorFlow gives 98.6 to 98.8 with four seeds, and 99.3 to 99.4; here ten seeds give 98.5 to 98.8, and the same.
    assert 98.4 <= float(first[-1].rpartition(" ")[2]) <= 98.9
    pts, labels = nn.datasets.clusters.load_data()
    assert (model.predict(pts, verbose=0).argmax(axis=1) == labels).all()
    second = train_clusters(model, 200, nn.metrics.Mean(), train_accuracy, **options)
    assert 99.2 <= float(second[-1].rpartition(" ")[2]) <= 99.45


@pytest.mark.parametrize(
    ("batch_size", "steps"),
    [(2000, 1), (1, 2000), (128, 16), (200, 10), (None, 63)],
    ids=["full batch", "one by one", "mini-batch", "2,000 at 200", "the default is 32"],
)
def test_16_batch_size(batch_size, steps):
    random = np.random.default_rng(0)
    x = random.normal(size=(2000, 2))
    y = x.sum(axis=1, keepdims=True)
    model = nn.Sequential([Dense(1, input_dim=2)])
    model.compile(loss="mse", optimizer="sgd")
    model.fit(x, y, verbose=0, **({} if batch_size is None else {"batch_size": batch_size}))
    assert int(model.optimizer.iterations) == steps


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: optim.SGD(lr=0.01, momentum=0.9),
        lambda: optim.Adagrad(lr=0.01, epsilon=1e-6),
        lambda: optim.RMSprop(lr=0.001, rho=0.9, epsilon=1e-06),
        lambda: optim.Adam(lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, amsgrad=False),
        lambda: "adam",
        lambda: "sgd",
        lambda: "rmsprop",
    ],
    ids=["SGD", "Adagrad", "RMSprop", "Adam", "adam", "sgd", "rmsprop"],
)
def test_17_optimizers(optimizer):
    pts, labels = nn.datasets.clusters.load_data()
    model = MyModel()
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer(), metrics=["accuracy"])
    losses = model.fit(pts, labels, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    rate = {"SGD": 0.01, "Adagrad": 0.01}.get(type(model.optimizer).__name__, 0.001)
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)
