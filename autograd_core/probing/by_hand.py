"""``testing.probe``: a probe asked for, of any operation, whatever is switched off."""

from __future__ import annotations

from typing import Any

from ..errors import ConversionError
from ..tensor import Overloaded, as_value
from ..tree import flatten
from .checks import probe as examine
from .report import ProbeReport


def probe(operation: Any, *args: Any, **keywords: Any) -> ProbeReport:
    """Probe a user's own operation at these arguments, and report what was found and what it cost.

    The same happens by itself when a tape first records the operation. Here nothing is raised if it is wrong, all
    floating arguments are looked at, and ``probe=False`` and ``probing`` do not count.

    Parameters
    ----------
    operation
        Declared with ``primitive`` or ``custom_gradient``. For other functions there is ``check_grads``.
    *args, **keywords
        What to call it with: arrays, numbers, Tensors, Variables, nested structures.

    Returns
    -------
    ProbeReport
        ``verdict``, ``reason``, ``checks``, ``notes``, calls and ``seconds``; a table when printed.

    Raises
    ------
    ConversionError
        If ``operation`` is not one.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> @ag.primitive
    ... def cube(x):
    ...     return x**3
    >>> cube = cube.defvjp(lambda ct, ans, x: ct * 3 * x)
    >>> ag.testing.probe(cube, np.array([1.0, 2.0])).verdict
    'wrong'
    """
    make = getattr(operation, "make_operation", None)
    if make is None:
        raise ConversionError(
            f"probe: expected an operation declared with autograd_core.primitive or autograd_core.custom_gradient; got "
            f"{type(operation).__name__}. For any function there is autograd_core.testing.check_grads."
        )
    made = make(operation)
    leaves = flatten(list(args))[0]
    rules = made.differentiable(len(leaves))
    active = [index for index, leaf in enumerate(leaves) if rules[index] and _is_floating(leaf)]
    return examine(made, args, keywords, active)


def _is_floating(leaf: Any) -> bool:
    if isinstance(leaf, (str, bytes)) or leaf is None:
        return False
    return (leaf.dtype if isinstance(leaf, Overloaded) else as_value(leaf).dtype).kind in "fc"
