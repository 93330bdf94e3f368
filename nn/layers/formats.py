"""Where the channels of images stand: ``channels_last`` (batch, height, width, channels), or ``channels_first``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp


def data_format_of(owner: str, value: str | None) -> str:
    """``value`` if it is a format; "channels_last" for None."""
    if value is None:
        return "channels_last"
    if value not in ("channels_last", "channels_first"):
        raise ag.DomainError(f"{owner}: data_format is {value!r}; expected 'channels_last' or 'channels_first'.")
    return value


def channels_to_end(x: Any, data_format: str) -> Any:
    """The input with its channels last."""
    return x if data_format == "channels_last" else anp.moveaxis(x, 1, -1)


def channels_back(x: Any, data_format: str) -> Any:
    """A result with its channels last, in the format asked for."""
    return x if data_format == "channels_last" else anp.moveaxis(x, -1, 1)


def split_shape(shape: Sequence[Any], data_format: str) -> tuple[tuple[Any, ...], Any]:
    """Lengths of the spatial axes, and of the channels."""
    return (tuple(shape[1:-1]), shape[-1]) if data_format == "channels_last" else (tuple(shape[2:]), shape[1])


def join_shape(batch: Any, spatial: Sequence[Any], channels: Any, data_format: str) -> tuple[Any, ...]:
    """Shape of an input with these lengths."""
    return (batch, *spatial, channels) if data_format == "channels_last" else (batch, channels, *spatial)
