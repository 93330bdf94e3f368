"""Layers to compare with Keras: each case makes Keras's layer or ours, from whichever namespace it is given.

``make_layers.py`` runs them in Keras and writes ``layers.npz``; ``tests/nn/layers/test_against_keras.py`` runs them
here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A layer, and the inputs it is called on.

    Parameters
    ----------
    make : callable
        ``make(k, **options)``, where ``k`` has ``layers``, ``initializers``, ...
    shapes : tuple of tuples
        One for each input; several go in as a list.
    training : bool or None
        None: the layer does not take it.
    integers : int
        More than 0: the inputs are integers below this number.
    """

    name: str
    make: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    training: bool | None = None
    integers: int = 0

    def __str__(self):
        return self.name

    def random(self) -> np.random.RandomState:
        """Source of the numbers of this case: the same in every run and on every machine."""
        return np.random.RandomState(zlib.crc32(self.name.encode()))

    def inputs(self) -> list[Any]:
        """Arrays to call the layer on, float64 or integer."""
        random = self.random()
        if self.integers:
            return [random.randint(0, self.integers, shape) for shape in self.shapes]
        return [random.normal(size=shape) for shape in self.shapes]


def weights_for(case: Case, shapes: list[tuple[int, ...]], names: list[str]) -> list[Any]:
    """Random values for all weights; variances are positive."""
    random = np.random.RandomState(zlib.crc32(case.name.encode()) ^ 1)
    values = [random.normal(size=shape) * 0.5 for shape in shapes]
    return [abs(value) + 0.5 if "variance" in name else value for name, value in zip(names, values, strict=True)]


def projection_for(case: Case, shape: tuple[int, ...]) -> Any:
    """Random factors of the output, so that a gradient can be taken of one number."""
    return np.random.RandomState(zlib.crc32(case.name.encode()) ^ 2).normal(size=shape)


def layer(name: str, *args: Any, **fixed: Any) -> Callable[..., Any]:
    """Case's ``make`` for ``k.layers.name(*args, **fixed)``."""
    return lambda k, **options: getattr(k.layers, name)(*args, **fixed, **options)


CASES = (
    Case("Dense", layer("Dense", 4), ((5, 3),)),
    Case("Dense relu without bias", layer("Dense", 4, activation="relu", use_bias=False), ((5, 3),)),
    Case("Dense of three axes", layer("Dense", 4, activation="tanh"), ((2, 5, 3),)),
    Case("Activation softmax", layer("Activation", "softmax"), ((5, 3),)),
    Case("ReLU", layer("ReLU", max_value=1.0, negative_slope=0.1, threshold=0.2), ((5, 3),)),
    Case("LeakyReLU", layer("LeakyReLU"), ((5, 3),)),
    Case("LeakyReLU slope", layer("LeakyReLU", negative_slope=0.1), ((5, 3),)),
    Case("PReLU", layer("PReLU"), ((5, 3),)),
    Case("PReLU shared", layer("PReLU", shared_axes=[1, 2]), ((2, 3, 4, 2),)),
    Case("ELU", layer("ELU", alpha=0.7), ((5, 3),)),
    Case("Softmax", layer("Softmax"), ((5, 3),)),
    Case("Softmax axis", layer("Softmax", axis=1), ((2, 3, 4),)),
    Case("Flatten", layer("Flatten"), ((2, 3, 4),)),
    Case("Flatten channels first", layer("Flatten", data_format="channels_first"), ((2, 3, 4, 5),)),
    Case("Reshape", layer("Reshape", (2, -1)), ((3, 4, 5),)),
    Case("Permute", layer("Permute", (3, 1, 2)), ((2, 3, 4, 5),)),
    Case("RepeatVector", layer("RepeatVector", 3), ((2, 4),)),
    Case("Rescaling", layer("Rescaling", 0.5, offset=-1.0), ((2, 4),)),
    Case("Normalization", layer("Normalization", mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 0.5]), ((4, 3),)),
    Case("Embedding", layer("Embedding", 7, 3), ((4, 5),), integers=7),
    Case("Masking", layer("Masking"), ((2, 3, 4),)),
    Case("Identity", layer("Identity"), ((2, 3),)),
    *(Case(f"{name} of two", layer(name), ((3, 4), (3, 4)))
      for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")),
    Case("Add of three", layer("Add"), ((3, 4), (3, 4), (3, 4))),
    Case("Concatenate axis 1", layer("Concatenate", axis=1), ((2, 3, 4), (2, 5, 4))),
    Case("Dot", layer("Dot", axes=1), ((3, 4), (3, 4))),
    Case("Dot of matrices", layer("Dot", axes=(2, 1)), ((3, 4, 5), (3, 5, 2))),
    Case("Dot normalized", layer("Dot", axes=-1, normalize=True), ((3, 4), (3, 4))),
    Case("BatchNormalization inference", layer("BatchNormalization"), ((4, 3),), training=False),
    Case("BatchNormalization training", layer("BatchNormalization"), ((6, 3),), training=True),
    Case("BatchNormalization images", layer("BatchNormalization", momentum=0.9), ((4, 5, 6, 3),), training=True),
    Case("BatchNormalization channels first", layer("BatchNormalization", axis=1), ((4, 3, 5, 6),), training=True),
    Case("BatchNormalization bare", layer("BatchNormalization", center=False, scale=False), ((6, 3),), training=True),
    Case("LayerNormalization", layer("LayerNormalization"), ((4, 5),)),
    Case("LayerNormalization axes", layer("LayerNormalization", axis=(1, 2)), ((4, 5, 3),)),
    Case("LayerNormalization axis 1", layer("LayerNormalization", axis=1, epsilon=1e-5), ((4, 5, 3),)),
    Case("GroupNormalization", layer("GroupNormalization", groups=2), ((3, 5, 4),)),
    Case("GroupNormalization images", layer("GroupNormalization", groups=3), ((2, 4, 5, 6),)),
    Case("GroupNormalization channels first", layer("GroupNormalization", groups=2, axis=1), ((2, 6, 4, 5),)),
    Case("GroupNormalization instance", layer("GroupNormalization", groups=-1), ((2, 4, 5, 3),)),
    Case("UnitNormalization", layer("UnitNormalization"), ((4, 5),)),
    Case("Conv1D", layer("Conv1D", 4, 3), ((2, 8, 3),)),
    Case("Conv1D same strides", layer("Conv1D", 4, 3, strides=2, padding="same"), ((2, 9, 3),)),
    Case("Conv1D causal", layer("Conv1D", 4, 3, padding="causal", activation="relu"), ((2, 8, 3),)),
    Case("Conv1D causal dilated", layer("Conv1D", 4, 3, padding="causal", dilation_rate=2), ((2, 8, 3),)),
    Case("Conv2D", layer("Conv2D", 4, 3), ((2, 6, 7, 3),)),
    Case("Conv2D same", layer("Conv2D", 4, (3, 2), padding="same", activation="relu"), ((2, 6, 7, 3),)),
    Case("Conv2D strides", layer("Conv2D", 4, 3, strides=(2, 1), use_bias=False), ((2, 7, 8, 3),)),
    Case("Conv2D same strides", layer("Conv2D", 4, 3, strides=2, padding="same"), ((2, 7, 8, 3),)),
    Case("Conv2D dilated", layer("Conv2D", 4, 3, dilation_rate=2), ((2, 7, 8, 3),)),
    Case("Conv2D groups", layer("Conv2D", 4, 3, groups=2), ((2, 6, 6, 6),)),
    Case("Conv2D channels first", layer("Conv2D", 4, 3, padding="same", data_format="channels_first"), ((2, 3, 6, 7),)),
    Case("Conv2D of one place", layer("Conv2D", 4, 1), ((2, 3, 3, 5),)),
    Case("Conv3D", layer("Conv3D", 2, 2, padding="same"), ((1, 3, 4, 3, 2),)),
    Case("DepthwiseConv1D", layer("DepthwiseConv1D", 3), ((2, 8, 3),)),
    Case("DepthwiseConv2D", layer("DepthwiseConv2D", 3, depth_multiplier=2, padding="same"), ((2, 6, 7, 3),)),
    Case("DepthwiseConv2D strides", layer("DepthwiseConv2D", 3, strides=2), ((2, 7, 7, 3),)),
    Case("SeparableConv2D", layer("SeparableConv2D", 4, 3, depth_multiplier=2), ((2, 6, 6, 3),)),
    Case("SeparableConv1D", layer("SeparableConv1D", 4, 3), ((2, 8, 3),)),
    Case("Conv1DTranspose", layer("Conv1DTranspose", 3, 4, strides=2), ((2, 5, 2),)),
    Case("Conv2DTranspose", layer("Conv2DTranspose", 3, 3), ((2, 4, 5, 2),)),
    Case("Conv2DTranspose strides", layer("Conv2DTranspose", 3, 3, strides=2), ((2, 4, 5, 2),)),
    Case("Conv2DTranspose same", layer("Conv2DTranspose", 3, 3, strides=2, padding="same"), ((2, 4, 5, 2),)),
    Case("Conv2DTranspose small window", layer("Conv2DTranspose", 3, 2, strides=3, padding="same"), ((1, 4, 3, 2),)),
    Case("Conv2DTranspose output padding",
         layer("Conv2DTranspose", 3, 3, strides=2, padding="same", output_padding=1), ((2, 4, 5, 2),)),
    Case("Conv2DTranspose channels first",
         layer("Conv2DTranspose", 3, 3, strides=2, data_format="channels_first"), ((2, 2, 4, 5),)),
    Case("MaxPooling1D", layer("MaxPooling1D", 2), ((2, 7, 3),)),
    Case("MaxPooling2D", layer("MaxPooling2D"), ((2, 6, 8, 3),)),
    Case("MaxPooling2D same", layer("MaxPooling2D", 3, strides=2, padding="same"), ((2, 6, 7, 3),)),
    Case("MaxPooling2D channels first", layer("MaxPooling2D", (2, 3), data_format="channels_first"), ((2, 3, 6, 6),)),
    Case("AveragePooling1D", layer("AveragePooling1D", 3, strides=1), ((2, 7, 3),)),
    Case("AveragePooling2D", layer("AveragePooling2D", 2), ((2, 6, 8, 3),)),
    Case("AveragePooling2D same", layer("AveragePooling2D", 3, strides=2, padding="same"), ((2, 6, 7, 3),)),
    Case("AveragePooling3D", layer("AveragePooling3D", 2), ((1, 4, 5, 4, 2),)),
    Case("Conv3DTranspose", layer("Conv3DTranspose", 2, 2, strides=2), ((1, 2, 3, 2, 2),)),
    Case("MaxPooling3D", layer("MaxPooling3D", 2), ((1, 4, 4, 4, 2),)),
    *(Case(f"Global{kind}Pooling{rank}D", layer(f"Global{kind}Pooling{rank}D"), ((2, *range(3, 3 + rank), 3),))
      for kind in ("Average", "Max") for rank in (1, 2, 3)),
    Case("GlobalAveragePooling2D channels first",
         layer("GlobalAveragePooling2D", data_format="channels_first", keepdims=True), ((2, 3, 4, 5),)),
    Case("ZeroPadding1D", layer("ZeroPadding1D", (1, 2)), ((2, 3, 4),)),
    Case("ZeroPadding2D", layer("ZeroPadding2D", ((1, 2), (0, 3))), ((2, 3, 4, 2),)),
    Case("ZeroPadding2D channels first", layer("ZeroPadding2D", (1, 2), data_format="channels_first"), ((2, 3, 4, 2),)),
    Case("Cropping1D", layer("Cropping1D", (1, 1)), ((2, 5, 3),)),
    Case("Cropping2D", layer("Cropping2D", ((1, 0), (1, 2))), ((2, 5, 6, 3),)),
    Case("UpSampling1D", layer("UpSampling1D", 3), ((2, 3, 4),)),
    Case("UpSampling2D", layer("UpSampling2D", (2, 3)), ((2, 3, 4, 2),)),
    Case("UpSampling2D bilinear", layer("UpSampling2D", 2, interpolation="bilinear"), ((2, 3, 4, 2),)),
    Case("RMSNormalization", layer("RMSNormalization"), ((4, 5),)),
    Case("RMSNormalization axes", layer("RMSNormalization", axis=[1, 2], epsilon=0.1), ((4, 5, 3),)),
    Case("ActivityRegularization", layer("ActivityRegularization", l1=0.1, l2=0.2), ((3, 4),)),
    Case("ZeroPadding3D", layer("ZeroPadding3D", ((1, 2), (0, 1), (2, 0))), ((2, 3, 4, 2, 2),)),
    Case("ZeroPadding3D channels first", layer("ZeroPadding3D", 1, data_format="channels_first"), ((1, 2, 3, 2, 2),)),
    Case("Cropping3D", layer("Cropping3D", ((1, 0), (1, 2), (0, 1))), ((2, 4, 5, 3, 2),)),
    Case("UpSampling3D", layer("UpSampling3D", (2, 1, 3)), ((2, 2, 3, 2, 2),)),
    Case("UpSampling3D channels first", layer("UpSampling3D", data_format="channels_first"), ((1, 2, 2, 3, 2),)),
    Case("EinsumDense", layer("EinsumDense", "ab,bc->ac", 4, bias_axes="c", activation="tanh"), ((5, 3),)),
    Case("EinsumDense heads", layer("EinsumDense", "btd,dhk->bthk", (None, 2, 3), bias_axes="hk"), ((2, 4, 5),)),
    Case("EinsumDense over time", layer("EinsumDense", "btd,ts->bsd", (3, 5), bias_axes="s"), ((2, 4, 5),)),
    Case("EinsumDense left", layer("EinsumDense", "...x,xy->...y", 4, bias_axes="y"), ((2, 3, 4, 5),)),
    Case("EinsumDense right", layer("EinsumDense", "bt...,tc->bc...", 3, bias_axes="c"), ((2, 4, 5, 2),)),
    Case("EinsumDense bare", layer("EinsumDense", "btd,tde->bte", (4, 3)), ((2, 4, 5),)),
    Case("SpectralNormalization",
         lambda k, **o: k.layers.SpectralNormalization(k.layers.Dense(3, **o), **o), ((4, 5),), training=False),
)  # fmt: skip
