"""Models under the name that Keras gives this module: ``models.Sequential()``, ``models.load_model(path)``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import autograd_core as ag
import optim

from . import saving
from .config import made
from .layer import Layer
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "save_model"]


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, type] | None = None, compile: bool = True
) -> Any:
    """Model that ``model.save`` has written: its layers, weights, and how it was compiled.

    Parameters
    ----------
    filepath : path
    custom_objects : dict from name to class, optional
        Classes of your own; those that have been imported are found without it.
    compile : bool
        Compile it as it was, with the optimizer's state.

    Raises
    ------
    DataError
        If the file is not there, damaged, or of another kind.
    """
    state = saving.read(filepath, "model")
    model: Any = made(Layer, state["model"], custom_objects)
    if state["input_shape"] is not None and not model.built:
        model.build(state["input_shape"])
        if any(not layer.built for layer in model._flatten_layers()):  # by a `build` of the user's own: in the call
            model.call_on_ones(state["input_shape"])
    asked = state["compile"]
    if compile and asked is not None:
        optimizer = optim.deserialize(asked["optimizer"])
        model.compile(**{**asked, "optimizer": optimizer})
        saving.restore_training(model, state, os.fspath(filepath))
    else:
        saving.set_weights(model, state["weights"], os.fspath(filepath))
    return model


def save_model(model: Model, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """``model.save(filepath)``."""
    model.save(filepath, overwrite)


def clone_model(model: Any) -> Any:
    """Model of the same layers, with new weights."""
    if not isinstance(model, Model):
        raise ag.ConversionError(f"clone_model: got a {type(model).__name__}; expected a model.")
    return type(model).from_config(model.get_config())
