"""Losses against Keras: values per sample and reduced, with weights and without, in both precisions.

The numbers come from ``expected/make_losses.py``; no Keras is needed here.
"""

from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.expected import losses_cases
from tests.nn.expected.losses_cases import CASES

EXPECTED = np.load(Path(__file__).parent / "expected" / "losses.npz")
KINDS = {
    value
    for value in vars(nn.losses).values()
    if isinstance(value, type) and issubclass(value, nn.losses.Loss) and value is not nn.losses.Loss
}
NOT_IN_KERAS = {nn.losses.HalfSumOfSquares}
FUNCTIONS = {kind: kind().fn for kind in KINDS - {nn.losses.LossFunctionWrapper}}


def test_every_loss_has_a_case():
    """A new loss cannot be left out of this file."""
    made = {type(case.make(nn)) for case in CASES}
    assert made == KINDS - {nn.losses.LossFunctionWrapper} - NOT_IN_KERAS
    assert len({case.name for case in CASES}) == len(CASES)
    assert set(EXPECTED) == {f"{case.name}, {dtype}" for case in CASES for dtype in ("float32", "float64")}


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("float64", 1e-10, 1e-14), ("float32", 1e-5, 1e-6)])
def test_as_keras(case, dtype, rtol, atol):
    """Every reduction, one after another."""
    expected = EXPECTED[f"{case.name}, {dtype}"]
    np.testing.assert_allclose(losses_cases.values(nn, case, dtype), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_dtype_and_function(case):
    """float32 predictions give a float32 loss whatever the targets are; the function gives what the object gives."""
    loss = case.make(nn, reduction="none")
    y_pred = ag.constant(case.y_pred.astype("float32"))
    value = loss(case.y_true, y_pred)
    assert value.dtype == "float32"
    y_true = case.y_true.astype("float32") if case.y_true.dtype.kind == "f" else case.y_true
    np.testing.assert_array_equal(loss.fn(y_true, y_pred, **loss.options).numpy(), value.numpy())
    assert case.make(nn, dtype="float64")(case.y_true, y_pred).dtype == "float64"


def smooth(case):
    """Whether differences can be taken: not at the limits of 0 and 1, where the predictions are cut off."""
    return not any(word in case.name for word in ("corners", "near one", "equal", "zeros", "large"))


@pytest.mark.parametrize("case", [case for case in CASES if smooth(case)], ids=str)
def test_gradient(case):
    """Against differences, in float64; with respect to the predictions, with sample weights."""
    loss = case.make(nn, reduction="sum")
    weights = losses_cases.weights_for(case.make(nn, reduction="none")(case.y_true, case.y_pred).numpy())[0]
    ag.testing.check_grads(lambda y_pred: loss(case.y_true, y_pred, weights), (case.y_pred,), order=1)


@pytest.mark.parametrize("kind", sorted(KINDS - {nn.losses.LossFunctionWrapper}, key=lambda kind: kind.__name__))
def test_names_and_configs(kind):
    """By class, by both spellings, by config; a config makes an object with the same arguments."""
    name = FUNCTIONS[kind].__name__
    for identifier in (kind, kind.__name__, name, kind(), {"class_name": kind.__name__, "config": {}}):
        assert type(nn.losses.get(identifier)) is kind
    assert nn.losses.get(name).name == name
    assert getattr(nn.losses, name) is FUNCTIONS[kind]
    config = kind(reduction="sum", name="mine").get_config()
    again = kind.from_config(config)
    assert again.get_config() == config
    assert (again.name, again.reduction, again.options) == ("mine", "sum", kind().options)


def test_settings_survive_a_config():
    """Also through ``get``, as a saved model has it."""
    loss = nn.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    again = nn.losses.get({"class_name": "BinaryCrossentropy", "config": loss.get_config()})
    assert again.options == {"from_logits": True, "label_smoothing": 0.1, "axis": -1}


@pytest.mark.parametrize(
    ("alias", "kind"),
    [
        ("mse", nn.losses.MeanSquaredError),
        ("MSE", nn.losses.MeanSquaredError),
        ("mae", nn.losses.MeanAbsoluteError),
        ("mape", nn.losses.MeanAbsolutePercentageError),
        ("msle", nn.losses.MeanSquaredLogarithmicError),
        ("bce", nn.losses.BinaryCrossentropy),
        ("BCE", nn.losses.BinaryCrossentropy),
        ("kld", nn.losses.KLDivergence),
        ("logcosh", nn.losses.LogCosh),
    ],
)
def test_aliases(alias, kind):
    """Keras's short names."""
    assert type(nn.losses.get(alias)) is kind
