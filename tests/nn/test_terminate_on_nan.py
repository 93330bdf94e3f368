"""TerminateOnNaN says where the NaN comes from, and leaves everything else as it is."""

import re

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

X, Y = np.ones((64, 3), np.float32), np.ones((64, 1), np.float32)


class Roots(nn.Layer):
    """sqrt of what may be 0: its derivative is then infinite."""

    def call(self, inputs):
        return np.sqrt(np.maximum(inputs, 0.0))


def made(layer, **options):
    model = nn.Sequential([nn.layers.Dense(4, input_dim=3, use_bias=False), layer, nn.layers.Dense(1)])
    model.compile(optim.SGD(0.01), "mse", **options)
    return model


def fitted(model, x=X, **options):
    with np.errstate(all="ignore"):
        return model.fit(
            x, Y, batch_size=2, verbose=0, shuffle=False, callbacks=[nn.callbacks.TerminateOnNaN()], **options
        )


@pytest.mark.parametrize("eagerly", [True, False])
def test_a_derivative_that_is_not_finite(eagerly, capsys):
    """The weights are NaN after the first step; the operation of that step is named, and the layer."""
    model = made(Roots(name="roots"), run_eagerly=eagerly)
    model.layers[0].set_weights([np.zeros((3, 4), np.float32)])
    history = fitted(model, epochs=3)
    said = capsys.readouterr().out
    assert len(history.epoch) == 1
    assert re.search("Batch 1: the loss is .*; the training stops. Where it comes from: the derivative of sqrt", said)
    assert "roots" in said
    assert not np.isfinite(model.layers[0].get_weights()[0]).all(), "the weights are left as they are"


def test_data_that_is_nan(capsys):
    """A NaN in a batch is said to have come in."""
    x = X.copy()
    x[5, 1] = np.nan
    model = made(nn.layers.Dense(2))
    data = nn.data.Dataset.from_tensor_slices((x, Y)).batch(2)
    with np.errstate(all="ignore"):
        model.fit(data, verbose=0, callbacks=[nn.callbacks.TerminateOnNaN()])
    said = capsys.readouterr().out
    assert "Batch 2: the loss is nan" in said
    assert "came in with its argument 0" in said


def test_what_cannot_be_repeated(capsys):
    """A training step of the user's own is not repeated; the message says what else can be done."""

    class Own(nn.Model):
        def __init__(self):
            super().__init__()
            self.dense = nn.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

        def train_step(self, data):
            return {"loss": ag.Tensor(np.nan)}

    model = Own()
    model.compile("sgd", "mse", run_eagerly=True)
    fitted(model)
    assert "ag.detect_anomaly()" in capsys.readouterr().out


def test_finite_losses_are_not_searched(monkeypatch):
    """As long as the loss is finite nothing is repeated."""
    monkeypatch.setattr(ag, "detect_anomaly", None)
    model = made(nn.layers.Dense(2))
    fitted(model, epochs=2)
