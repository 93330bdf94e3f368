"""How many entries are true and false positives and negatives, for each of several thresholds.

A prediction is positive if it is greater than a threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

import autograd_core as ag

from .base import array_of, floats_of, of_one_rank

NOTHING = -1e10  # what is not among the top k is given this score; below any threshold
KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")

Thresholds = float | Sequence[float] | None


def counts(
    wanted: Iterable[str],
    y_true,
    y_pred,
    thresholds: np.ndarray,
    sample_weight=None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Weights of the entries of each kind, for each threshold.

    Parameters
    ----------
    wanted : iterable of str
        Which of ``KINDS``.
    y_true, y_pred : array_like or Tensor, of one shape
        A true value that is not 0 is positive.
    thresholds : array, shape (thresholds,)
    sample_weight : array_like, optional
        One for each sample, or one for each entry.
    top_k : int, optional
        Only the largest predictions along the last axis can be positive.
    class_id : int, optional
        Look at this entry of the last axis only.
    multi_label : bool
        Keep the last axis apart.
    label_weights : array, optional
        One for each entry of the last axis.

    Returns
    -------
    dict from kind to array of float64, shape (thresholds,), or (thresholds, labels) if ``multi_label``
    """
    y_pred, y_true = floats_of(y_pred), array_of(y_true)
    y_true, y_pred = of_one_rank("confusion", y_true, y_pred)
    weights = None if sample_weight is None else _per_entry(sample_weight, y_true.ndim)
    if top_k is not None:
        y_pred = _only_largest(y_pred, top_k)
    if class_id is not None:
        y_true, y_pred = _column(y_true, class_id), _column(y_pred, class_id)
    weights = _full(weights, label_weights, y_pred.shape)
    positive = y_true != 0
    if not multi_label:
        positive, y_pred, weights = positive.reshape(-1), y_pred.reshape(-1), weights.reshape(-1)
    sides = {"t": np.where(positive, weights, 0.0), "f": np.where(positive, 0.0, weights)}
    sums = _by_bucket if evenly_spaced(thresholds) else _by_comparison
    return sums(tuple(wanted), y_pred, thresholds, sides)


def _by_comparison(wanted, y_pred, thresholds, sides):
    above = y_pred > thresholds.astype(y_pred.dtype).reshape(-1, *(1,) * y_pred.ndim)
    found = {}
    for kind in wanted:
        says_positive = kind.endswith("positives")
        really = says_positive == kind.startswith("true")
        chosen = above if says_positive else ~above
        found[kind] = np.where(chosen, sides["t" if really else "f"], 0.0).sum(axis=1)
    return found


def _by_bucket(wanted, y_pred, thresholds, sides):
    """The same for thresholds that are evenly spaced from 0 to 1: every prediction is looked at once."""
    count = len(thresholds)
    place = np.ceil(np.clip(y_pred, 0.0, 1.0) * (count - 1)).astype(np.intp) - 1
    if thresholds[0] < 0.0 or thresholds[-1] > 1.0:
        place = np.maximum(place, 0)  # a prediction of 0 is above the first threshold, which is a little below 0
    totals, above = {}, {}
    for side, weights in sides.items():
        totals[side] = weights.sum(axis=0)
        above[side] = _suffix_sums(place, weights, count)
    found = {
        "true_positives": above["t"],
        "false_positives": above["f"],
        "true_negatives": totals["f"] - above["f"],
        "false_negatives": totals["t"] - above["t"],
    }
    return {kind: found[kind] for kind in wanted}


def _suffix_sums(place: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """For each bucket the sum of the weights in it and in those after it; bucket -1 is none."""
    labels = weights.shape[1] if weights.ndim == 2 else 1
    column = np.arange(labels) if weights.ndim == 2 else 0
    flat = ((place + 1) * labels + column).reshape(-1)
    sums = np.bincount(flat, weights.reshape(-1), minlength=(count + 1) * labels).reshape(count + 1, labels)[1:]
    sums = sums[::-1].cumsum(axis=0)[::-1]
    return sums if weights.ndim == 2 else sums[:, 0]


def evenly_spaced(thresholds: np.ndarray) -> bool:
    """Whether these are evenly spaced from 0 to 1, up to 1e-7."""
    count = len(thresholds)
    if count < 3 or abs(thresholds[0]) > 1.1e-7 or abs(thresholds[-1] - 1.0) > 1.1e-7:
        return False
    return bool(np.allclose(thresholds, np.arange(count) / (count - 1), atol=1e-7))


def _per_entry(sample_weight, ndim: int) -> np.ndarray:
    """Weights that broadcast to the entries: one per sample is given a last axis."""
    weights = floats_of(sample_weight).astype(np.float64)
    return weights if weights.ndim == ndim or not weights.ndim else weights[..., None]


def _full(weights, label_weights, shape) -> np.ndarray:
    if weights is None:
        weights = np.ones(())
    if label_weights is not None:
        weights = weights * label_weights
    try:
        return np.broadcast_to(weights, shape)
    except ValueError:
        raise ag.ShapeError(
            f"sample_weight (times label_weights) has shape {weights.shape}, the predictions {shape}; expected one "
            "weight for each sample, or one for each prediction."
        ) from None


def _column(array: np.ndarray, class_id: int) -> np.ndarray:
    if array.ndim < 2 or not -array.shape[-1] <= class_id < array.shape[-1]:
        raise ag.ShapeError(
            f"class_id is {class_id}, and predictions have shape {array.shape}; expected (samples, classes), with more "
            "than class_id classes."
        )
    return array[..., [class_id]]


def _only_largest(y_pred: np.ndarray, k: int) -> np.ndarray:
    largest = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.zeros(y_pred.shape, bool)
    np.put_along_axis(kept, largest, True, axis=-1)
    return np.where(kept, y_pred, y_pred.dtype.type(NOTHING))


def checked_thresholds(asked: str, thresholds: Thresholds, default: float) -> list[float]:
    """As a list, each from 0 to 1."""
    if thresholds is None:
        return [default]
    given = [float(t) for t in np.atleast_1d(np.asarray(thresholds, np.float64))]
    if not given or not all(0 <= t <= 1 for t in given):
        raise ag.DomainError(f"{asked}: thresholds are {thresholds!r}; expected numbers from 0 to 1.")
    return given
