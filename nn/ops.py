"""Functions for layers, as ``keras.ops``: those of ``autograd_core.numpy``, which here take symbolic tensors too.

>>> import nn
>>> x = nn.Input((3,))
>>> total = nn.ops.sum(nn.ops.square(x), axis=-1, keepdims=True)
>>> nn.Model(x, total)([[1.0, 2.0, 2.0]]).numpy()
array([[9.]], dtype=float32)

On Tensors and arrays they are the functions of ``autograd_core.numpy`` themselves. Names that NumPy does not have, or
has with other arguments, are as in Keras:

- activations: ``relu``, ``softmax``, ...: those of ``nn.activations``;
- control flow: ``cond``, ``switch``, ``scan``, ``while_loop``, ``fori_loop``, ``map``, ``vectorized_map``;
- parts of arrays: ``slice``, ``slice_update``, ``scatter``, ``scatter_update``, ``segment_sum``, ``segment_max``,
  ``top_k``, ``in_top_k``, ``one_hot``, ``multi_hot``, ``unstack``;
- linear algebra: ``cholesky``, ``det``, ``eig``, ``eigh``, ``inv``, ``logdet``, ``lstsq``, ``norm``, ``qr``, ``solve``,
  ``solve_triangular``, ``svd``; and ``fft``, ``fft2``, ``ifft2``, ``rfft``, ``irfft`` on pairs (real, imaginary);
- networks: ``conv``, ``depthwise_conv``, ``max_pool``, ``average_pool``, ``moments``, ``normalize``,
  ``batch_normalization``, ``layer_normalization``, ``rms_normalization``, ``binary_crossentropy``,
  ``categorical_crossentropy``, ``sparse_categorical_crossentropy``;
- ``cast``, ``convert_to_numpy``, ``convert_to_tensor``, ``erf``, ``erfinv``, ``is_tensor``, ``logsumexp``, ``rsqrt``,
  ``shape``, ``stop_gradient``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import autograd_core.numpy as anp

from . import activations
from .operations import FUNCTIONS
from .symbolic import apply_function, has_symbols

_OTHERS: dict[str, Callable[..., Any]] = {
    **{name: getattr(activations, name) for name in activations.__all__ if name != "get"},
    **FUNCTIONS,
}

_ALIKE = 0.8  # of difflib's measure, 0 to 1: below it a name is another one, not one written wrongly

_WITHOUT_STEP = ("is_tensor", "shape")  # that ask a symbolic tensor for what it knows


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
        near = difflib.get_close_matches(name, __dir__(), 1, _ALIKE)
        raise AttributeError(f"nn.ops has no {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    if not callable(found) or isinstance(found, type) or name in _WITHOUT_STEP:
        return found

    @wraps(found)
    def function(*args: Any, **kwargs: Any) -> Any:
        if has_symbols(args) or (kwargs and has_symbols(kwargs)):
            return apply_function(found, args, kwargs)
        return found(*args, **kwargs)

    return function
