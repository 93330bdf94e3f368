"""All invariants that hold of any function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .algebra import inner_product, linearity, shapes
from .runs import compiled, reordered


def check(
    f: Callable[..., Any], args: Any, backends: Sequence[str] | None = (), rtol: float | None = None, seed: int = 0
) -> None:
    """Check what holds of any function: ``shapes``, ``linearity``, ``inner_product``, ``reordered``, ``compiled``.

    Parameters
    ----------
    f, args, rtol, seed
        As for ``inner_product``.
    backends : sequence of {"numpy", "numba"}, or None
        What to compile for; None for all that are installed. Empty: ``f`` need not be traceable.

    Raises
    ------
    GradientCheckError
        From the first that does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.testing.invariants.check(lambda x, y: np.tanh(x) @ y, (np.ones((2, 3)), np.ones(3)))
    """
    shapes(f, args)
    linearity(f, args, rtol, seed)
    inner_product(f, args, rtol, seed)
    reordered(f, args, rtol=rtol, seed=seed)
    if backends is None or len(backends):
        compiled(f, args, backends, rtol, seed)
