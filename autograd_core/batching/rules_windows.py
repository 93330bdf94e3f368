"""Batching rules of convolution, pooling and recurrence: these have an axis of examples already, which takes more."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.arithmetic import ADD
from ..ops.convolution import ADD_BIAS, CONV, CONV_WRT_W, CONV_WRT_X
from ..ops.pooling import AVG_POOL, AVG_POOL_WRT_X, MAX_PICK, MAX_POOL, MAX_SPREAD
from ..ops.recurrent import LSTM
from ..primitive import Primitive, apply
from .laying import Rule, all_spread, elementwise, spread


def _merged(x: Any) -> Any:
    """Two leading axes made one."""
    return np.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))


def _parted(x: Any, size: int) -> Any:
    """The leading axis parted again."""
    return np.reshape(x, (size, x.shape[0] // size, *x.shape[1:]))


def _beside(x: Any) -> Any:
    """Examples beside one another in the last axis."""
    x = np.moveaxis(x, 0, -2)
    return np.reshape(x, (*x.shape[:-2], x.shape[-2] * x.shape[-1]))


def _apart(x: Any, size: int) -> Any:
    """Examples in the last axis, brought to the front."""
    return np.moveaxis(np.reshape(x, (*x.shape[:-1], size, x.shape[-1] // size)), -2, 0)


def _first_merged(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """Pooling, and convolution with a kernel that is the same for all; with one for each, examples are groups."""
    if not size:
        return NotImplemented
    if any(mapped[1:]):
        return _grouped(row, args, mapped, params, size)
    return _parted(apply(row, (_merged(args[0]), *args[1:]), params), size)


def _grouped(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """The examples as groups of channels and filters: each has its own kernel, or gets its own gradient of it."""
    if not size:
        return NotImplemented
    every = [_beside(arg) for arg in all_spread(args, mapped, size)]
    return _apart(apply(row, tuple(every), {**params, "groups": params["groups"] * size}), size)


def _all_merged(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    if not size:
        return NotImplemented
    merged = tuple(_merged(spread(arg, own, size)) for arg, own in zip(args, mapped, strict=True))
    return _parted(apply(row, merged, params), size)


def _add_bias(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return elementwise(ADD, args, mapped, params, size)


def _lstm(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """The weights are the same for all."""
    if any(mapped[1:4]) or not size or "keep" in params or "kept" in params:
        return NotImplemented
    merged = [
        arg if 1 <= i <= 3 else _merged(spread(arg, own, size))
        for i, (arg, own) in enumerate(zip(args, mapped, strict=True))
    ]
    return tuple(_parted(out, size) for out in apply(row, tuple(merged), params))


RULES: dict[Primitive, Rule] = {
    **dict.fromkeys((CONV, CONV_WRT_X, MAX_POOL, AVG_POOL, AVG_POOL_WRT_X), _first_merged),
    CONV_WRT_W: _grouped,
    **dict.fromkeys((MAX_SPREAD, MAX_PICK), _all_merged),
    ADD_BIAS: _add_bias,
    LSTM: _lstm,
}
