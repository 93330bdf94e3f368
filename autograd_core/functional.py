"""Transforms: functions in, functions out. ``grad`` and its relatives, on top of ``Linearized``.

Arguments and results may be nested dicts, lists and tuples; None in them is an empty place, and stays one.
Called with plain NumPy arrays or numbers the transforms give plain NumPy arrays back, ready for SciPy; called with
Tensors they give Tensors.

For complex inputs the gradient of a real result is d/dx + i d/dy, and a VJP takes and gives cotangents of that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from . import recording
from .batching.level import Level
from .batching.together import unit_vectors, walk_together
from .errors import ConversionError, DtypeError, ShapeError, StructureError
from .linearize import Linearized
from .symbol import Value
from .tensor import Overloaded, Tensor, as_value, taken
from .tree import flatten, flatten_filled, flatten_filled_like, map_leaves
from .variable import Variable

Argnums = int | Sequence[int]
_INTEGERS = (int, np.integer)


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Gradient of a scalar-valued function.

    Parameters
    ----------
    f : callable
        Returns a scalar (or ``(scalar, aux)`` with ``has_aux``) computed from its positional arguments.
    argnums : int or sequence of int
        Which positional arguments to differentiate with respect to.
    has_aux : bool
        Whether ``f`` returns something else beside the scalar, which is handed through.

    Returns
    -------
    callable
        Takes the arguments of ``f`` and returns the gradient, built as the argument is (a tuple of them if
        ``argnums`` is a sequence); with ``has_aux`` a pair (gradient, aux).

    Raises
    ------
    ShapeError
        When called, if the result is not a scalar: use ``jacobian``, or sum it.
    DtypeError
        When called, if an argument is of integers, or the result is complex.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    both = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def gradient(*args, **keywords):
        value, result = both(*args, **keywords)
        return (result, value[1]) if has_aux else result

    return gradient


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Value and gradient of a scalar-valued function in one go.

    As ``grad``, but returns ``(value, gradient)``, or ``((value, aux), gradient)`` with ``has_aux``.
    """

    @wraps(f)
    def both(*args, **keywords):
        numbers = _argnums("grad", argnums, args)
        run = Linearized("grad", f, args, numbers, keywords, copy=False)
        value, aux = _split_aux("grad", run.result, has_aux)
        out = run.check_result(_single("grad", value))
        if out.size != 1 or out.ndim:
            raise ShapeError(
                f"grad: the function returned shape {out.shape}; a gradient is of a scalar. Use "
                "autograd_core.jacobian for all derivatives of an array, or sum or index the result."
            )
        if out.dtype.kind != "f":
            raise DtypeError(
                f"grad: the function returned dtype {out.dtype}; a gradient is of a real scalar. Take the real part, "
                "or use autograd_core.vjp."
            )
        cts = run.pull([(out, Tensor(np.ones(out.shape, out.dtype), None))])
        grads = _rebuild_args(args, numbers, [_conjugate(ct) for ct in cts], run.plain)
        gradients = grads[0] if isinstance(argnums, _INTEGERS) else tuple(grads)
        shown = _hand_back(out, run.plain)
        return ((shown, _hand_back_all(aux, run.plain)) if has_aux else shown), gradients

    return both


def elementwise_grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Derivative of a function that works entry by entry, at every entry.

    The sum of the result is differentiated, so entry i of the gradient is the derivative of result i only if it
    depends on no other entry.
    """

    @wraps(f)
    def summed(*args, **keywords):
        return np.sum(_single("elementwise_grad", f(*args, **keywords)))

    return grad(summed, argnum)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False):
    """Value of ``f`` and its vector-Jacobian product.

    Parameters
    ----------
    f : callable
    *primals
        Its positional arguments, nested structures of floating or complex values.

    Returns
    -------
    out
        ``f(*primals)``
    vjp_fn : callable
        ``vjp_fn(cotangent)``, with a cotangent built as ``out`` is, gives a tuple with one entry per primal. It may be
        called more than once.
    aux
        Only with ``has_aux``: the second result of ``f``.
    """
    run = Linearized("vjp", f, primals, range(len(primals)), {}, copy=True)
    value, aux = _split_aux("vjp", run.result, has_aux)
    outs, rebuild = _results(run, value)

    def vjp_fn(cotangent):
        given = _leaves_like("vjp_fn: the cotangent and the result of the function", value, cotangent)
        cts = [_fit_to("vjp_fn", out, ct) for out, ct in zip(outs, given, strict=True)]
        pairs = [(out, _conjugate(ct)) for out, ct in zip(outs, cts, strict=True)]
        pulled = [_conjugate(ct) for ct in run.pull(pairs)]
        plain = run.plain and not any(isinstance(ct, Overloaded) for ct in flatten(cotangent)[0])
        return tuple(_rebuild_args(primals, range(len(primals)), pulled, plain))

    out = rebuild([_hand_back(leaf, run.plain) for leaf in outs])
    return (out, vjp_fn, _hand_back_all(aux, run.plain)) if has_aux else (out, vjp_fn)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False):
    """Value of ``f`` and its Jacobian-vector product: the derivative of the result along ``tangents``.

    Parameters
    ----------
    f : callable
    primals : tuple
        Positional arguments of ``f``.
    tangents : tuple
        One tangent per primal, built and shaped as it is.

    Returns
    -------
    (out, tangent_out), or (out, tangent_out, aux) with ``has_aux``.
    """
    _check_pairs("jvp", primals, tangents)
    flat_primals = flatten_filled(list(primals))[0]
    flat_tangents = _leaves_like("jvp: tangents and primals", list(primals), list(tangents))
    fitted = [_fit_to("jvp", p, t) for p, t in zip(flat_primals, flat_tangents, strict=True)]
    run = Linearized("jvp", f, primals, range(len(primals)), {}, copy=False)
    plain = run.plain and not any(isinstance(t, Overloaded) for t in flat_tangents)
    value, aux = _split_aux("jvp", run.result, has_aux)
    outs, rebuild = _results(run, value)
    pushed = run.push(fitted, outs)
    out = rebuild([_hand_back(leaf, plain) for leaf in outs])
    tangent_out = rebuild([_hand_back(t, plain) for t in pushed])
    return (out, tangent_out, _hand_back_all(aux, plain)) if has_aux else (out, tangent_out)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0, mode: str = "auto") -> Callable[..., Any]:
    """All first derivatives of a function.

    Parameters
    ----------
    f : callable
        Real arguments and results, or a complex-differentiable function of complex ones.
    argnums : int or sequence of int
    mode : {"auto", "rev", "fwd"}
        Row by row through the VJP, or column by column through the JVP; "auto" takes the fewer.

    Returns
    -------
    callable
        Its result has, for each result leaf of ``f`` and each leaf of the argument, the shape of the one followed by
        the shape of the other.
    """
    if mode not in ("auto", "rev", "fwd"):
        raise ValueError(f'jacobian: mode must be "auto", "rev" or "fwd"; got {mode!r}.')

    @wraps(f)
    def all_derivatives(*args, **keywords):
        numbers = _argnums("jacobian", argnums, args)
        run = Linearized("jacobian", f, args, numbers, keywords, copy=False)
        outs, rebuild = _results(run, run.result)
        rows, columns = sum(out.size for out in outs), sum(node.value.size for node in run.inputs)
        by_columns = mode == "fwd" or (mode == "auto" and columns < rows)
        blocks = (_columns if by_columns else _rows)(run, outs)
        per_out = []
        for row in blocks:
            grads = _rebuild_args(args, numbers, row, run.plain)
            per_out.append(grads[0] if isinstance(argnums, _INTEGERS) else tuple(grads))
        return rebuild(per_out)

    return all_derivatives


def _rows(run: Linearized, outs: list[Tensor]) -> list[list[Tensor]]:
    """Blocks of the Jacobian, one VJP per entry of the outputs; all at once where that is faster."""
    blocks: list[Any] = []
    for out in outs:
        together = walk_together(partial(_pulled, run, out), unit_vectors(out), out.size, run.record.nodes)
        if together is not None:
            shapes = [(*out.shape, *node.value.shape) for node in run.inputs]
            blocks.append([np.reshape(part, shape) for part, shape in zip(together, shapes, strict=True)])
            continue
        pulled = [run.pull([(out, basis)]) for basis in _basis(out)]
        blocks.append(
            [_stack([row[i] for row in pulled], 0, out, node.value) for i, node in enumerate(run.inputs)]
        )  # fmt: skip
    return blocks


def _columns(run: Linearized, outs: list[Tensor]) -> list[list[Tensor]]:
    """Blocks of the Jacobian, one JVP per entry of the inputs; all at once where that is faster."""
    zeros = [Tensor(np.zeros(node.value.shape, node.value.dtype), None) for node in run.inputs]
    by_input: list[Any] = []
    for i, node in enumerate(run.inputs):

        def push(tangent: Tensor, i: int = i) -> list[Tensor]:
            return run.push([*zeros[:i], tangent, *zeros[i + 1 :]], outs)

        together = walk_together(push, unit_vectors(node.value), node.value.size, run.record.nodes)
        if together is not None:
            shapes = [(*out.shape, *node.value.shape) for out in outs]
            moved = [np.moveaxis(part, 0, -1) for part in together]
            by_input.append([np.reshape(part, shape) for part, shape in zip(moved, shapes, strict=True)])
            continue
        pushed = [push(basis) for basis in _basis(Tensor(node.value, None))]
        by_input.append([_stack([column[k] for column in pushed], -1, out, node.value) for k, out in enumerate(outs)])
    return [[blocks[k] for blocks in by_input] for k in range(len(outs))]


def _pulled(run: Linearized, out: Tensor, ct: Tensor) -> list[Tensor]:
    return run.pull([(out, ct)])


def _basis(like: Tensor):
    """Unit vectors: arrays of the shape of ``like`` with a single 1."""
    for position in range(like.size):
        unit = np.zeros(like.size, like.dtype)
        unit[position] = 1
        yield Tensor(unit.reshape(like.shape), None)


def _stack(parts: list[Tensor], axis: int, out, value) -> Tensor:
    shape = (*out.shape, *value.shape)
    if not parts:
        return Tensor(np.zeros(shape, np.result_type(out.dtype, value.dtype)), None)
    columns: Any = parts  # NumPy's stubs know no Tensors
    stacked: Any = np.stack(columns, axis=axis)
    return stacked.reshape(shape)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """All second derivatives of a scalar-valued function: the Jacobian, forward, of its gradient.

    For an argument of shape s the result has shape s + s; nested arguments give nested results.
    """
    return jacobian(grad(f, argnums), argnums, mode="fwd")


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]):
    """Hessian-vector product of a scalar-valued function, without the Hessian: the JVP of its gradient.

    Parameters
    ----------
    f : callable
    primals, tangents : tuple
        One entry per argument.

    Returns
    -------
    tuple
        One entry per primal.
    """
    _check_pairs("hvp", primals, tangents)
    gradient = grad(f, tuple(range(len(primals))))
    return jvp(gradient, primals, tangents)[1]


def stop_gradient(x: Any) -> Any:
    """Value of ``x`` (or of each leaf of a nested structure) as a constant: no gradient flows through it."""
    frame = recording.current()

    def cut(leaf):
        if not isinstance(leaf, Overloaded):
            return leaf
        if frame is not None and frame.trace is None:
            leaf._note_end(frame, "stop_gradient")
        elif frame is not None and frame.trace.__class__ is Level:
            return frame.trace.cut(leaf, stop_gradient)
        return Tensor(leaf.array, None)

    return map_leaves(cut, x)


# -- helpers -----------------------------------------------------------------------------------------------------------


def _argnums(name: str, argnums: Argnums, args: Sequence[Any]) -> tuple[int, ...]:
    numbers = tuple(argnums) if isinstance(argnums, Iterable) else (argnums,)
    if not all(isinstance(number, _INTEGERS) for number in numbers):
        raise ValueError(
            f"{name}: argnums={argnums!r}; expected an integer, or a tuple of integers: positions of arguments, from "
            "0, not their names."
        )
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise ValueError(
                f"{name}: argnums={argnums!r}, but the function was called with {len(args)} positional arguments; "
                "differentiated arguments must be passed by position."
            )
    found = tuple(number % len(args) for number in numbers)
    if len(set(found)) != len(found):
        raise ValueError(f"{name}: argnums={argnums!r} names an argument twice.")
    return found


def _split_aux(name: str, result: Any, has_aux: bool):
    if not has_aux:
        return result, None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise ValueError(f"{name}: with has_aux=True the function must return a pair (value, aux).")
    return result


def _results(run: Linearized, result: Any) -> tuple[list[Tensor], Callable[..., Any]]:
    """Leaves of what a function returned, and what puts them together; None is one only if it is all."""
    leaves, rebuild = ([None], tuple) if result is None else flatten_filled(result)
    return [run.check_result(leaf) for leaf in leaves], rebuild


def _single(name: str, value: Any):
    if isinstance(value, (dict, list, tuple)):
        raise ShapeError(
            f"{name}: the function returned a {type(value).__name__}; expected one Tensor. Use has_aux=True for "
            "(value, aux), or autograd_core.vjp for several results."
        )
    return value


def _check_pairs(name: str, primals: Any, tangents: Any) -> None:
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ConversionError(
            f"{name}: primals and tangents must be tuples with one entry per argument; got "
            f"{type(primals).__name__} and {type(tangents).__name__}. For one argument write {name}(f, (x,), (t,))."
        )
    if len(primals) != len(tangents):
        raise ShapeError(f"{name}: got {len(primals)} primals and {len(tangents)} tangents; expected one for each.")


def _leaves_like(told: str, wanted: Any, given: Any) -> list[Any]:
    try:
        return flatten_filled_like(wanted, given)
    except StructureError as error:
        raise StructureError(f"{told}: {error}") from None


def _fit_to(name: str, like, given) -> Tensor:
    """``given`` as a Tensor with the dtype of ``like``, whose shape it must have."""
    tensor = given.read(recording.current()) if isinstance(given, Variable) else taken(given)
    wanted = as_value(like)
    if tensor.shape != wanted.shape:
        raise ShapeError(f"{name}: got shape {tensor.shape} for a value of shape {wanted.shape}; they must be equal.")
    if tensor.dtype == wanted.dtype:
        return tensor
    if tensor.dtype.kind == "c" and wanted.dtype.kind != "c":
        raise DtypeError(f"{name}: got dtype {tensor.dtype} for a value of dtype {wanted.dtype}; take the real part.")
    return tensor.astype(wanted.dtype)


def _conjugate(ct: Tensor) -> Tensor:
    return ct.conj() if ct.dtype.kind == "c" else ct


def _hand_back(value: Tensor, plain: bool):
    """A NumPy array of the caller's own if the call was in NumPy, and no outer tape tracks the value."""
    return value.numpy() if plain and value.array.__class__ is not Value and not value._is_tracked() else value


def _hand_back_all(structure: Any, plain: bool) -> Any:
    return map_leaves(lambda leaf: _hand_back(leaf, plain) if isinstance(leaf, Tensor) else leaf, structure)


def _rebuild_args(args, numbers, leaves: list[Tensor], plain: bool) -> list[Any]:
    """Flat results put together as the arguments are built."""
    rebuilt, start = [], 0
    for number in numbers:
        own, rebuild = flatten_filled(args[number])
        stop = start + len(own)
        rebuilt.append(rebuild([_hand_back(leaf, plain) for leaf in leaves[start:stop]]))
        start = stop
    return rebuilt
