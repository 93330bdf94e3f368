"""Functions for layers, as ``keras.ops``: those of ``autograd_core.numpy``, which here take symbolic tensors too.

>>> import nn
>>> x = nn.Input((3,))
>>> total = nn.ops.sum(nn.ops.square(x), axis=-1, keepdims=True)
>>> nn.Model(x, total)([[1.0, 2.0, 2.0]]).numpy()
array([[9.]], dtype=float32)

On Tensors and arrays they are the functions of ``autograd_core.numpy`` themselves. Of the names that NumPy does not
have there are those of activations and of convolutions, and ``cast``, ``shape``, ``convert_to_tensor``,
``convert_to_numpy`` and ``stop_gradient``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from . import activations
from .symbolic import apply_function, has_symbols


def _cast(x: Any, dtype: Any) -> Any:
    return anp.astype(ag.convert_to_tensor(x), dtype)


def _shape(x: Any) -> Any:
    return x.shape if hasattr(x, "shape") else anp.shape(x)


def _to_numpy(x: Any) -> Any:
    return ag.convert_to_tensor(x).numpy()


_OTHERS: dict[str, Callable[..., Any]] = {
    **{name: getattr(activations, name) for name in activations.__all__ if name != "get"},
    "cast": _cast, "convert_to_numpy": _to_numpy, "convert_to_tensor": ag.convert_to_tensor, "shape": _shape,
    "stop_gradient": ag.stop_gradient,
}  # fmt: skip

_WITHOUT_STEP = ("shape",)  # that ask a symbolic tensor for what it knows


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _function(name)


def __dir__() -> list[str]:
    return sorted({*_OTHERS, *(name for name in dir(anp) if not name.startswith("_"))})


@cache
def _function(name: str) -> Any:
    """The function of this name, made to take symbolic tensors."""
    found = _OTHERS.get(name, getattr(anp, name, None))
    if found is None:
        near = difflib.get_close_matches(name, __dir__(), 1)
        raise AttributeError(f"nn.ops has no {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    if not callable(found) or isinstance(found, type) or name in _WITHOUT_STEP:
        return found

    @wraps(found)
    def function(*args: Any, **kwargs: Any) -> Any:
        if has_symbols(args) or (kwargs and has_symbols(kwargs)):
            return apply_function(found, args, kwargs)
        return found(*args, **kwargs)

    return function
