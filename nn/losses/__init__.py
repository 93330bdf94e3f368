"""Losses: how far predictions are from what is true. As objects, as functions and by name.

A function, ``categorical_crossentropy(y_true, y_pred)``, gives one number per sample; an object,
``CategoricalCrossentropy()``, the mean over the batch (or what ``reduction`` says). Cross-entropies of the output of a
softmax or sigmoid are computed from its logits, without being asked: see ``nn.losses.crossentropy``.

>>> import nn
>>> nn.losses.get("mse")([[0.0, 1.0]], [[0.5, 0.5]]).item()
0.25
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..lookup import chosen
from .base import Loss, LossFunctionWrapper
from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    class_numbers,
    sparse_categorical_crossentropy,
)
from .divergence import KLDivergence, Poisson, kl_divergence, poisson
from .focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from .hinge import CategoricalHinge, Hinge, SquaredHinge, categorical_hinge, hinge, squared_hinge
from .overlap import Dice, Tversky, dice, tversky
from .regression import (
    CosineSimilarity,
    HalfSumOfSquares,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    half_sum_of_squares,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "HalfSumOfSquares",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "class_numbers",
    "cosine_similarity",
    "dice",
    "get",
    "half_sum_of_squares",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

_KNOWN: dict[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        CategoricalGeneralizedCrossEntropy,
        CategoricalHinge,
        CosineSimilarity,
        Dice,
        HalfSumOfSquares,
        Hinge,
        Huber,
        KLDivergence,
        LogCosh,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        Poisson,
        SparseCategoricalCrossentropy,
        SquaredHinge,
        Tversky,
    )
}
_KNOWN |= {
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "kullback_leibler_divergence": KLDivergence,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}


def get(identifier: str | Loss | type[Loss] | Mapping[str, Any] | Callable[..., Any]) -> Loss:
    """Loss for a name (``"mse"``, ``"sparse_categorical_crossentropy"``), a class, a config, or a function of two.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    return chosen("loss", identifier, Loss, _KNOWN, LossFunctionWrapper)
