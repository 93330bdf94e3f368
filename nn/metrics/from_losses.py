"""Losses as metrics: the mean of what the function of the same name gives for each sample."""

from __future__ import annotations

from typing import Any

from .. import losses
from .base import MeanMetricWrapper, array_of, can_be_traced, floats_of

for _name in (
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "log_cosh", "hinge", "squared_hinge", "categorical_hinge", "kl_divergence", "poisson", "binary_crossentropy",
    "categorical_crossentropy", "sparse_categorical_crossentropy",
):  # fmt: skip
    can_be_traced(getattr(losses, _name))


class MeanSquaredError(MeanMetricWrapper):
    """Mean of the squared differences."""

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None):
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of the sizes of the differences."""

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean of the differences in percent of what is true."""

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean of the squared differences of logarithms."""

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """Cosine of the angle between vectors along ``axis``; 1 is the same direction (the loss has the other sign)."""

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1):
        super().__init__(_cosine, name, dtype, axis=axis)


@can_be_traced
def _cosine(y_true, y_pred, axis: int):
    return -losses.cosine_similarity(y_true, y_pred, axis)


class LogCoshError(MeanMetricWrapper):
    """Logarithm of the hyperbolic cosine of the error."""

    def __init__(self, name: str | None = "logcosh", dtype: Any = None):
        super().__init__(losses.log_cosh, name, dtype)


class Hinge(MeanMetricWrapper):
    """What is missing to a margin of 1."""

    def __init__(self, name: str | None = "hinge", dtype: Any = None):
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The square of what is missing to a margin of 1."""

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None):
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """What the true class lacks to be 1 above all others."""

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None):
        super().__init__(losses.categorical_hinge, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """Kullback-Leibler divergence of the predicted distribution from the true one."""

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """For counts: see ``nn.losses.poisson``."""

    def __init__(self, name: str | None = "poisson", dtype: Any = None):
        super().__init__(losses.poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """Cross-entropy of answers that are yes or no: see ``nn.losses.binary_crossentropy``."""

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **options)


class CategoricalCrossentropy(MeanMetricWrapper):
    """Cross-entropy of one-hot rows and predicted probabilities: see ``nn.losses.categorical_crossentropy``."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **options)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Cross-entropy of labels and predicted probabilities: see ``nn.losses.sparse_categorical_crossentropy``."""

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **options)

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:  # type: ignore[override]
        """Take in a batch. As in Keras, ignored samples count as 0 without weights, and not at all with weights."""
        ignored = self.options["ignore_class"]
        if ignored is not None and sample_weight is not None:
            weights, labels = floats_of(sample_weight), array_of(y_true)
            if labels.ndim == weights.ndim + 1 and labels.shape[-1] == 1:
                labels = labels[..., 0]
            elif weights.ndim == labels.ndim + 1 and weights.shape[-1] == 1:
                weights = weights[..., 0]
            elif weights.ndim < labels.ndim:
                weights = weights.reshape(weights.shape + (1,) * (labels.ndim - weights.ndim))
            sample_weight = weights * (labels != ignored)
        super().update_state(y_true, y_pred, sample_weight)
