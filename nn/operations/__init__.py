"""Functions that ``keras.ops`` has and NumPy has not, or has in another form, by name: for ``nn.ops``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import control, elements, indexing, matrices, networks, transforms

FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__.rstrip("_"): function
    for module in (elements, indexing, matrices, transforms, networks, control)
    for function in module.FUNCTIONS
}
