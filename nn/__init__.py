"""Layers, models, losses, metrics and data sets, with Keras's names, arguments, defaults and formulas.

>>> import numpy as np
>>> import nn
>>> points, labels = nn.datasets.clusters.load_data()
>>> model = nn.Sequential([
...     nn.layers.Dense(32, activation="relu", kernel_initializer=nn.initializers.GlorotUniform(seed=1)),
...     nn.layers.Dense(10, activation="softmax", kernel_initializer=nn.initializers.GlorotUniform(seed=2)),
... ])
>>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
>>> history = model.fit(points, labels, epochs=20, verbose=0, seed=0)
>>> bool(history.history["accuracy"][-1] > 0.9)
True
"""

from __future__ import annotations

from . import (
    activations,
    callbacks,
    constraints,
    data,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    regularizers,
    utils,
)
from .layer import Layer
from .layers.core import Input
from .model import Model
from .sequential import Sequential

__all__ = [
    "Input",
    "Layer",
    "Model",
    "Sequential",
    "activations",
    "callbacks",
    "constraints",
    "data",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "regularizers",
    "utils",
]
