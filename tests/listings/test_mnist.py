"""Listings 5 to 8 and 21: handwritten digits. A whole program is slow; its code also runs on a few made-up digits."""

import math

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
import optim
from nn import layers, models
from nn.utils import to_categorical

plt = pytest.importorskip("matplotlib.pyplot")


class NaiveDense:
    def __init__(self, input_size, output_size, activation):
        self.activation = activation
        w_shape = (input_size, output_size)
        self.W = ag.Variable(anp.random.uniform(0, 1e-1, w_shape).astype("float32"))
        self.b = ag.Variable(anp.zeros((output_size,), dtype="float32"))

    def __call__(self, inputs):
        return self.activation(anp.matmul(inputs, self.W) + self.b)

    @property
    def weights(self):
        return [self.W, self.b]


class NaiveSequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, inputs):
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self):
        weights = []
        for layer in self.layers:
            weights += layer.weights
        return weights


class BatchGenerator:
    def __init__(self, images, labels, batch_size=128):
        assert len(images) == len(labels)
        self.index = 0
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.num_batches = math.ceil(len(images) / batch_size)

    def next(self):
        images = self.images[self.index : self.index + self.batch_size]
        labels = self.labels[self.index : self.index + self.batch_size]
        self.index += self.batch_size
        return images, labels


LEARNING_RATE = 1e-3


def assign_by_hand(gradients, weights):
    for g, w in zip(gradients, weights, strict=True):
        w.assign_sub(g * LEARNING_RATE)


def apply_with(optimizer):
    def update_weights(gradients, weights):
        optimizer.apply_gradients(zip(gradients, weights, strict=True))

    return update_weights


def one_training_step(model, images_batch, labels_batch, update_weights):
    with ag.GradientTape() as tape:
        predictions = model(images_batch)
        per_sample_losses = nn.losses.sparse_categorical_crossentropy(labels_batch, predictions)
        average_loss = anp.mean(per_sample_losses)
    gradients = tape.gradient(average_loss, model.weights)
    update_weights(gradients, model.weights)
    return average_loss


def fit(model, images, labels, epochs, batch_size=128, update_weights=assign_by_hand):
    for epoch_counter in range(epochs):
        print(f"Epoch {epoch_counter}")
        batch_generator = BatchGenerator(images, labels, batch_size)
        for batch_counter in range(batch_generator.num_batches):
            images_batch, labels_batch = batch_generator.next()
            loss = one_training_step(model, images_batch, labels_batch, update_weights)
            if batch_counter % 100 == 0:
                print(f"loss at batch {batch_counter}: {loss:.2f}")


def naive_model():
    return NaiveSequential(
        [
            NaiveDense(input_size=28 * 28, output_size=512, activation=nn.activations.relu),
            NaiveDense(input_size=512, output_size=10, activation=nn.activations.softmax),
        ]
    )


def accuracy_of(model, images, labels):
    predictions = model(images)
    predictions = predictions.numpy()
    predicted_labels = np.argmax(predictions, axis=1)
    return (predicted_labels == labels).mean()


def test_5_from_scratch_quick(few_digits, capsys):
    """Both ways of updating give the same weights."""
    train, test = few_digits
    model, other = naive_model(), naive_model()
    for ours, start in zip(other.weights, model.weights, strict=True):
        ours.assign(start)
    assert len(model.weights) == 4
    fit(model, *train, epochs=2)
    out = capsys.readouterr().out
    assert [line.rpartition(": ")[0] or line for line in out.splitlines()] == [
        "Epoch 0", "loss at batch 0", "Epoch 1", "loss at batch 0",
    ]  # fmt: skip
    assert float(out.split()[-1]) < float(out.split()[6])
    fit(other, *train, epochs=2, update_weights=apply_with(optim.SGD(learning_rate=1e-3)))
    for ours, theirs in zip(other.weights, model.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-7)
    assert 0 <= accuracy_of(model, *test) <= 1


@pytest.mark.slow
def test_5_from_scratch(digits):
    train, test = digits
    anp.random.seed(0)
    model = naive_model()
    fit(model, *train, epochs=10, batch_size=128)
    assert 0.78 < accuracy_of(model, *test) < 0.84


def two_layers():
    return nn.Sequential([layers.Dense(512, activation="relu"), layers.Dense(10, activation="softmax")])


def test_6_sequential_quick(few_digits):
    train, test = few_digits
    model = two_layers()
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*train, epochs=5, batch_size=128, verbose=0)
    assert int(model.optimizer.iterations) == 20
    predictions = model.predict(test[0][0:10])
    assert predictions.shape == (10, 10)
    assert predictions[0].argmax() == test[1][0]
    test_loss, test_acc = model.evaluate(*test)
    assert test_acc > 0.95
    assert test_loss < 0.5


@pytest.mark.slow
def test_6_sequential(digits):
    (train_images, train_labels), (test_images, test_labels) = digits
    model = two_layers()
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train_images, train_labels, epochs=5, batch_size=128)
    assert history.history["accuracy"][-1] == pytest.approx(0.989, abs=0.002)
    assert int(model.optimizer.iterations) == 2345 == 5 * 469
    predictions = model.predict(test_images[0:10])
    np.testing.assert_allclose(predictions.sum(axis=1), np.ones(10), rtol=1e-5)
    assert predictions[0].argmax() == 7
    assert predictions[0][7] > 0.99
    _, test_acc = model.evaluate(test_images, test_labels)
    assert test_acc == pytest.approx(0.979, abs=0.004)


def older_style():
    network = models.Sequential()
    network.add(layers.Dense(512, activation="relu", input_shape=(28 * 28,)))
    network.add(layers.Dense(10, activation="softmax"))
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return network


def test_7_older_style_quick(few_digits):
    (train_images, train_labels), (test_images, test_labels) = few_digits
    network = older_style()
    assert network.count_params() == 407_050
    network.fit(train_images, to_categorical(train_labels), epochs=5, batch_size=128, verbose=0)
    _, test_acc = network.evaluate(test_images, to_categorical(test_labels), verbose=0)
    assert test_acc > 0.95


@pytest.mark.slow
def test_7_older_style(digits):
    (train_images, train_labels), (test_images, test_labels) = digits
    network = older_style()
    history = network.fit(train_images, to_categorical(train_labels), epochs=5, batch_size=128)
    assert history.history["accuracy"][-1] == pytest.approx(0.989, abs=0.002)
    _, test_acc = network.evaluate(test_images, to_categorical(test_labels))
    assert test_acc == pytest.approx(0.979, abs=0.004)


def test_8_load_data(mnist):
    (train_images, train_labels), (test_images, test_labels) = mnist
    assert train_images.shape == (60000, 28, 28)
    assert train_images.ndim == 3
    assert train_images.dtype == "uint8"
    assert len(train_labels) == 60000
    assert train_labels.shape == (60000,)
    assert test_images.shape == (10000, 28, 28)
    assert len(test_labels) == 10000
    assert train_labels[:3].tolist() == [5, 0, 4]
    assert test_labels[:3].tolist() == [7, 2, 1]
    assert train_images[10:100].shape == train_images[10:100, :, :].shape == (90, 28, 28)
    assert train_images[:, 14:, 14:].shape == train_images[:, 7:-7, 7:-7].shape == (60000, 14, 14)
    assert train_images[128:256].shape == (128, 28, 28)
    digit = train_images[4]
    image = plt.imshow(digit, cmap=plt.cm.binary)
    assert image.get_array().shape == (28, 28)
    assert train_labels[4] == 9
    plt.close("all")


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {}
        self.params["W1"] = ag.Variable(weight_init_std * np.random.randn(input_size, hidden_size))
        self.params["b1"] = ag.Variable(np.zeros(hidden_size))
        self.params["W2"] = ag.Variable(weight_init_std * np.random.randn(hidden_size, output_size))
        self.params["b2"] = ag.Variable(np.zeros(output_size))

    def predict(self, x):
        W1, W2 = self.params["W1"], self.params["W2"]
        b1, b2 = self.params["b1"], self.params["b2"]
        a1 = np.dot(x, W1) + b1
        z1 = nn.activations.sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        return nn.activations.softmax(a2)

    def loss(self, x, t):
        return anp.mean(nn.losses.categorical_crossentropy(t, self.predict(x)))

    def accuracy(self, x, t):
        y = np.argmax(self.predict(x).numpy(), axis=1)
        return np.sum(y == np.argmax(t, axis=1)) / float(x.shape[0])

    def numerical_gradient(self, x, t):
        h, grads = 1e-4, {}
        for name, variable in self.params.items():
            start = variable.numpy()
            grads[name] = np.zeros(start.shape)
            for idx in np.ndindex(start.shape):
                ends = []
                for sign in (1, -1):
                    moved = start.copy()
                    moved[idx] += sign * h
                    variable.assign(moved)
                    ends.append(self.loss(x, t).item())
                grads[name][idx] = (ends[0] - ends[1]) / (2 * h)
            variable.assign(start)
        return grads

    def gradient(self, x, t):
        with ag.GradientTape() as tape:
            loss = self.loss(x, t)
        return tape.gradient(loss, self.params)


def train_two_layer_net(network, train, test, iters_num, batch_size=100, learning_rate=0.1):
    (x_train, t_train), (x_test, t_test) = train, test
    train_size = x_train.shape[0]
    iter_per_epoch = max(train_size // batch_size, 1)
    train_loss_list, train_acc_list, test_acc_list = [], [], []
    for i in range(iters_num):
        batch_mask = np.random.choice(train_size, batch_size)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        grad = network.gradient(x_batch, t_batch)
        for key in ("W1", "b1", "W2", "b2"):
            network.params[key].assign_sub(learning_rate * grad[key])
        train_loss_list.append(network.loss(x_batch, t_batch).item())
        if i % iter_per_epoch == 0:
            train_acc_list.append(network.accuracy(x_train, t_train))
            test_acc_list.append(network.accuracy(x_test, t_test))
    return train_loss_list, train_acc_list, test_acc_list


@pytest.fixture
def legacy_seed():
    """NumPy's global generator, as the book uses it; put back afterwards."""
    state = np.random.get_state()
    np.random.seed(0)
    yield
    np.random.set_state(state)


def test_21_two_layer_net_quick(few_digits, legacy_seed):
    (x_train, labels), (x_test, test_labels) = few_digits
    train, test = (x_train, to_categorical(labels)), (x_test, to_categorical(test_labels, 10))
    small = TwoLayerNet(input_size=6, hidden_size=3, output_size=10)
    x, t = x_train[:3, 300:306], train[1][:3]
    exact, numerical = small.gradient(x, t), small.numerical_gradient(x, t)
    for key in ("W1", "b1", "W2", "b2"):
        np.testing.assert_allclose(exact[key].numpy(), numerical[key], atol=1e-6)

    losses, train_accuracies, test_accuracies = train_two_layer_net(
        TwoLayerNet(input_size=784, hidden_size=50, output_size=10), train, test, iters_num=60, learning_rate=0.5
    )
    assert len(losses) == 60
    assert len(train_accuracies) == len(test_accuracies) == 12
    assert losses[-1] < losses[0]


@pytest.mark.slow
def test_21_two_layer_net(digits, legacy_seed):
    (x_train, labels), (x_test, test_labels) = digits
    train, test = (x_train, to_categorical(labels)), (x_test, to_categorical(test_labels))
    network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10)
    losses, train_accuracies, test_accuracies = train_two_layer_net(network, train, test, iters_num=10000)
    assert len(losses) == 10000
    assert len(train_accuracies) == 17
    at_the_end = network.accuracy(*train), network.accuracy(*test)
    assert at_the_end == pytest.approx((0.945, 0.945), abs=0.006)
    assert abs(at_the_end[0] - at_the_end[1]) < 0.006
    plt.plot(np.arange(17), train_accuracies, label="train acc")
    plt.plot(np.arange(17), test_accuracies, label="test acc", linestyle="--")
    plt.close("all")
