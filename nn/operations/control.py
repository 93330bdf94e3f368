"""Control flow with Keras's arguments, over ``ag.cond``, ``ag.scan``, ``ag.while_loop``, ``ag.fori_loop``, ``ag.vmap``.

Each can be differentiated, and stays a loop or a choice in a compiled plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from ..shapes import map_structure


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """``true_fn()`` if ``pred``, else ``false_fn()``.

    Examples
    --------
    >>> x = ag.constant(3.0)
    >>> float(cond(x > 0, lambda: x, lambda: -x))
    3.0
    """
    return _tensors(ag.cond(pred, true_fn, false_fn))


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """``branches[index](*operands)``; an index beyond the ends stands for the nearest."""
    branches = list(branches)
    if not branches:
        raise ag.StructureError("switch: got no branch; expected a list of at least one function.")
    if len(branches) == 1:
        return _tensors(branches[0](*operands))
    middle = len(branches) // 2  # so that few questions are asked
    index = ag.convert_to_tensor(index)
    return _tensors(
        ag.cond(
            index < middle,
            lambda *values: switch(index, branches[:middle], *values),
            lambda *values: switch(index - middle, branches[middle:], *values),
            *operands,
        )
    )


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` for each entry ``x`` of ``xs`` along the first axis; the last carry, and all ``y``.

    ``unroll`` says how many steps a compiler may write out; it changes no value, and is not used here.
    """
    if not isinstance(unroll, (bool, int)) or (not isinstance(unroll, bool) and unroll < 1):
        raise ag.DomainError(f"scan: unroll is {unroll!r}; expected an integer of at least 1, or a bool.")
    return _tensors(ag.scan(f, init, xs, length, reverse))


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """``loop_vars = body(*loop_vars)`` as long as ``cond(*loop_vars)``.

    Parameters
    ----------
    cond, body : callable
        Take the entries of ``loop_vars`` one by one; one value that is no tuple or list as it is.
    loop_vars : Tensor, or tuple or list
    maximum_iterations : int, optional

    Returns
    -------
    tuple, or one value if ``loop_vars`` is one

    Examples
    --------
    >>> i, total = while_loop(lambda i, total: i < 4, lambda i, total: (i + 1, total + i), (0, 0.0))
    >>> float(total)
    6.0
    """
    several = isinstance(loop_vars, (tuple, list))

    def bundled(values: Any) -> tuple[Any, ...]:
        return tuple(values) if several else (values,)

    def goes_on(state: tuple[int, tuple[Any, ...]]) -> Any:
        count, values = state
        more = cond(*values)
        return more if maximum_iterations is None else anp.logical_and(more, count < maximum_iterations)

    def step(state: tuple[int, tuple[Any, ...]]) -> Any:
        count, values = state
        return count + 1, bundled(body(*values))

    values = _tensors(ag.while_loop(goes_on, step, (0, bundled(loop_vars)))[1])
    return values if several else values[0]


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """``value = body_fun(i, value)`` for each ``i`` from ``lower`` to ``upper - 1``."""
    return _tensors(ag.fori_loop(lower, upper, body_fun, init_val))


def map_(f: Callable[[Any], Any], xs: Any) -> Any:
    """``f`` of each entry of ``xs`` along the first axis, one after the other, stacked.

    Examples
    --------
    >>> map_(lambda x: x * x, ag.constant([1.0, 2.0])).numpy()
    array([1., 4.])
    """
    return _tensors(ag.scan(lambda carry, x: (carry, f(x)), 0, xs)[1])


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """``function`` of each entry of ``elements`` along the first axis, all at once, stacked.

    ``elements`` may be a structure of arrays of one length: the function is then called with such a structure.
    """
    return _tensors(ag.vmap(function)(elements))


def _tensors(values: Any) -> Any:
    """Structure of results with Tensors in place of arrays and numbers."""
    return map_structure(lambda value: value if value is None else ag.convert_to_tensor(value), values)


FUNCTIONS = (cond, fori_loop, map_, scan, switch, vectorized_map, while_loop)
