"""Metrics inside a function that is traced: most take in a batch after each run of the plan.

A metric may count in Python, sort, keep thresholds: what it does is no part of a training step. So under a trace
``update_state`` is put off until the values are there, and ``result`` becomes what it is then; both in the order in
which the program says them. Means, sums and accuracies (``Metric.traced``) are computed in the plan itself, which saves
some ten microseconds for each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

import autograd_core as ag

from . import masks, shapes

AFTER_RUN = "after_run"
"""Attribute of an exception raised by a metric after a plan has run: the step was made, and must not be made again."""


def put_off(method: Callable[..., Any]) -> Callable[..., Any]:
    """``update_state`` (or ``reset_state``) that waits under a trace."""

    @wraps(method)
    def waiting(self: Any, *args: Any, **keywords: Any) -> Any:
        if not ag.tracing.is_tracing() or self.traced:
            return method(self, *args, **keywords)
        leaves = list(shapes.leaves([list(args), keywords]))
        given = [leaf if isinstance(leaf, ag.Tensor) else None for leaf in leaves]
        kept = [None if leaf is None else masks.mask_of(leaf) for leaf in given]
        tensors = [leaf for leaf in (*given, *kept) if leaf is not None]

        def later(*values: Any) -> None:
            waiting_values = iter(values)
            known = [leaf if at is None else next(waiting_values) for leaf, at in zip(leaves, given, strict=True)]
            found = [None if mask is None else next(waiting_values) for mask in kept]
            own = iter([masks.with_mask(leaf, mask) for leaf, mask in zip(known, found, strict=True)])
            own_args, own_keywords = shapes.map_structure(lambda _: next(own), [list(args), keywords])
            try:
                method(self, *own_args, **own_keywords)
            except Exception as error:
                vars(error)[AFTER_RUN] = True
                raise

        ag.tracing.afterwards(later, *tensors)
        return None

    return waiting


def asked_late(method: Callable[..., Any]) -> Callable[..., Any]:
    """``result`` that under a trace stands for what it will be after the run."""

    @wraps(method)
    def late(self: Any, *args: Any, **keywords: Any) -> Any:
        if not ag.tracing.is_tracing():
            return method(self, *args, **keywords)
        now = _shown(method, self, *args, **keywords)
        if isinstance(now, dict):
            return {
                key: ag.tracing.late(partial(_entry, method, (self, *args), keywords, key), np.shape(value))
                for key, value in now.items()
            }
        return ag.tracing.late(lambda: method(self, *args, **keywords), np.shape(now), getattr(now, "dtype", float))

    return late


def _shown(method: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """What ``method`` gives now: it shows how the result is built."""
    with ag.tracing.suspended(), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return method(*args, **keywords)
        except Exception:  # it may well not be possible before a batch was seen; a number is what most give
            return 0.0


def _entry(method: Callable[..., Any], args: Any, keywords: Any, key: str) -> Any:
    return method(*args, **keywords)[key]
