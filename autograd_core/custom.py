"""Operations of the user's own: ``primitive``, ``custom_gradient``, and ``checkpoint``, which recomputes instead of keeping.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import Any

import numpy as np

from . import recording
from .errors import CotangentError, StaleValueError
from .linearize import Linearized
from .node import NO_PARAMS, Node
from .primitive import Primitive, output_of
from .recording import Frame
from .tensor import Overloaded, Tensor, as_value
from .tree import flatten
from .variable import Variable


class UserPrimitive(Primitive):
    """An operation declared with ``primitive``; rules are added with ``defvjp`` and ``defjvp``."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__(getattr(function, "__name__", "primitive"), function, vjps=())
        update_wrapper(self, function)

    def defvjp(self, *rules: Callable[..., Any] | None) -> UserPrimitive:
        """Declare the VJP rules, one per argument.

        Each is ``rule(ct, ans, *args, **keywords)`` and returns the cotangent of its argument, of the argument's
        shape. Written with NumPy functions it works at any order. None: not differentiable along this argument.
        """
        _check_rules(self, rules)
        self.vjps = tuple(rules)
        return self

    def defjvp(self, *rules: Callable[..., Any] | None) -> UserPrimitive:
        """Declare the JVP rules, one per argument.

        Each is ``rule(t, ans, *args, **keywords)`` and returns the part of the result's tangent that comes from this
        argument. Without them forward mode uses the transpose of the VJP rules.
        """
        _check_rules(self, rules)
        self.jvps = tuple(rules)
        return self


def primitive(function: Callable[..., Any]) -> UserPrimitive:
    """Make a function on NumPy arrays an operation that tapes record, with rules of its own.

    Parameters
    ----------
    function : callable
        Takes arrays and numbers by position, everything else (axes, flags) by keyword; returns an array, or a tuple
        of arrays. It sees raw NumPy arrays and must not write to them.

    Returns
    -------
    UserPrimitive
        Callable on Tensors, Variables, arrays and numbers; has ``defvjp`` and ``defjvp``.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> @ag.primitive
    ... def cube(x):
    ...     return x**3
    >>> cube = cube.defvjp(lambda ct, ans, x: ct * 3 * x**2)
    >>> ag.grad(cube)(2.0)
    np.float64(12.0)
    """
    if not callable(function):
        raise TypeError(f"primitive: expected a function; got {type(function).__name__}.")
    return UserPrimitive(function)


def _check_rules(owner: Primitive, rules) -> None:
    for index, rule in enumerate(rules):
        if rule is not None and not callable(rule):
            raise TypeError(f"{owner.name}: the rule for argument {index} is a {type(rule).__name__}, not a function.")


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function a gradient of its own, as TensorFlow's decorator of this name.

    Parameters
    ----------
    f : callable
        Returns ``(value, grad_fn)``; ``grad_fn(*upstream)`` takes one cotangent per result and returns one per
        positional argument (alone, or in a tuple or list; None for no gradient). If ``f`` reads trainable Variables
        that are not among its arguments, ``grad_fn`` must accept ``variables=`` and return
        ``(argument_gradients, variable_gradients)``.

    Returns
    -------
    callable
        Takes the arguments of ``f``, returns ``value``.

    Notes
    -----
    ``f`` itself runs under the active tapes, so what ``grad_fn`` uses of it can be differentiated again.
    """

    @wraps(f)
    def with_own_gradient(*args, **keywords):
        outer = recording.current()
        if outer is None:
            return f(*args, **keywords)[0]
        # A frame of its own for the call: its `leaves` tell which Variables were read inside.
        inner = Frame(outer.records)
        recording.replace(inner)
        try:
            value, grad_fn = f(*args, **keywords)
        finally:
            recording.replace(outer)
        leaves = flatten(list(args))[0]
        inputs = [leaf.read(inner) if isinstance(leaf, Variable) else leaf for leaf in leaves]
        given = {id(leaf) for leaf in leaves if isinstance(leaf, Variable)}
        read = [
            (variable, tensor)
            for variable, _, tensor in inner.leaves.values()
            if id(variable) not in given and tensor.node is not None
        ]
        if read and "variables" not in inspect.signature(grad_fn).parameters:
            names = ", ".join(variable.name or "without a name" for variable, _ in read)
            raise TypeError(
                f"custom_gradient: {f.__name__} reads Variables that are not its arguments ({names}), so their gradient "
                "would be lost. Let grad_fn accept variables= and return (argument_gradients, variable_gradients), or "
                "pass them as arguments."
            )
        return _attach(f.__name__, value, grad_fn, inputs, read, outer)

    return with_own_gradient


def _attach(name: str, value, grad_fn, inputs, read, frame: Frame):
    """``value`` with a Node whose rule is ``grad_fn``."""
    sources = [*inputs, *(tensor for _, tensor in read)]
    parents = tuple(source.node if isinstance(source, Tensor) else None for source in sources)
    outs, rebuild = flatten(value)
    arrays = tuple(as_value(out) for out in outs)
    tapes = frame.trackers(parents)
    if not tapes:
        return rebuild([Tensor(array) for array in arrays])
    variables = [variable for variable, _ in read]

    def rule(ct, ans, *args):
        raw = not any(isinstance(part, Tensor) for part in ct)
        upstream = [_outside(part if isinstance(part, Tensor) else Tensor(np.asarray(part))) for part in ct]
        result = grad_fn(*upstream, variables=variables) if variables else grad_fn(*upstream)
        own, of_variables = result if variables else (result, ())
        grads = [*(own if isinstance(own, (tuple, list)) else [own]), *of_variables]
        if len(grads) != len(sources):
            raise CotangentError(
                f"custom_gradient {name}: grad_fn returned {len(grads)} gradients for {len(sources)} inputs; expected "
                "one for each positional argument and Variable (None for no gradient)."
            )
        inside = [None if grad is None else _outside(_tensor(grad)) for grad in grads]
        return [None if grad is None else grad.array if raw else grad for grad in inside]

    row = Primitive(name, lambda *args: arrays, vjps=(rule,), joint=True)
    node = Node(row, tuple(as_value(source) for source in sources), parents, arrays, NO_PARAMS, tapes)
    frame.write(node)
    from_node = [output_of(frame, node, index) for index in range(len(arrays))]
    return rebuild(from_node)


def _tensor(value) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(as_value(value))


def _outside(ct: Tensor) -> Tensor:
    """Between pairings without conjugate, used by the walk, and d/dx + i d/dy, used by people; its own inverse."""
    return ct.conj() if ct.dtype.kind == "c" else ct


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Recompute ``f`` in the backward pass instead of keeping its intermediate values: memory for time.

    Parameters
    ----------
    f : callable
        Must compute the same again when called again: randomness only from a generator made anew inside.

    Returns
    -------
    callable
        Same arguments and result as ``f``.

    Raises
    ------
    StaleValueError
        In the backward pass, if a Variable that ``f`` reads was assigned since the forward pass.
    """

    @wraps(f)
    def recomputed(*args, **keywords):
        frame = recording.current()
        if frame is None:
            return f(*args, **keywords)
        leaves, rebuild_args = flatten(list(args))
        inputs = [leaf.read(frame) if isinstance(leaf, Variable) else leaf for leaf in leaves]
        plain = [Tensor(leaf.array) if isinstance(leaf, Overloaded) else leaf for leaf in inputs]
        # Nothing is recorded under a frame without tapes, but it notes the Variables that are read.
        observer = Frame(())
        before = recording.replace(observer)
        try:
            value = f(*rebuild_args(plain), **keywords)
        finally:
            recording.replace(before)
        read = [(variable, variable.version, variable.read(frame)) for variable, _, _ in observer.leaves.values()]
        return _attach_recomputation(f, keywords, rebuild_args, value, inputs, read, frame)

    return recomputed


def _attach_recomputation(f, keywords, rebuild_args, value, inputs, read, frame: Frame):
    """``value`` with a Node whose rule runs ``f`` again, recorded, and pulls back through it."""
    outs, rebuild = flatten(value)
    tracked = [i for i, leaf in enumerate(inputs) if isinstance(leaf, Tensor) and leaf.node is not None]
    sources = [*(inputs[i] for i in tracked), *(tensor for _, _, tensor in read)]
    parents = tuple(source.node for source in sources)
    arrays = tuple(as_value(out) for out in outs)
    tapes = frame.trackers(parents)
    if not tapes:
        return rebuild([Tensor(array) for array in arrays])
    variables = [variable for variable, _, _ in read]

    def rule(ct, ans, *args):
        for variable, version, _ in read:
            if variable.version != version:
                raise StaleValueError(
                    f"checkpoint: Variable {variable.name!r} was assigned (at {variable.assigned_at()}) between the "
                    f"forward pass and its recomputation of {f.__name__}. Take the gradient before assigning."
                )

        def again(*differentiated):
            leaves = [Tensor(leaf.array) if isinstance(leaf, Tensor) else leaf for leaf in inputs]
            for i, tensor in zip(tracked, differentiated[: len(tracked)], strict=True):
                leaves[i] = tensor
            here = recording.current()
            assert here is not None  # Linearized records
            for variable, tensor in zip(variables, differentiated[len(tracked) :], strict=True):
                here.leaves[id(variable)] = (variable, variable._value, tensor)  # what reading it gives
            return flatten(f(*rebuild_args(leaves), **keywords))[0]

        run = Linearized("checkpoint", again, args, range(len(args)), {}, copy=False)
        raw = not any(isinstance(part, Tensor) for part in ct)
        pairs = [
            (run.check_result(out), part if isinstance(part, Tensor) else Tensor(np.asarray(part)))
            for out, part in zip(run.result, ct, strict=True)
        ]
        pulled = run.pull(pairs)
        return [as_value(grad) if raw else grad for grad in pulled]

    row = Primitive(f"checkpoint {getattr(f, '__name__', 'function')}", lambda *args: arrays, vjps=(rule,), joint=True)
    node = Node(row, tuple(as_value(source) for source in sources), parents, arrays, NO_PARAMS, tapes)
    frame.write(node)
    return rebuild([output_of(frame, node, index) for index in range(len(arrays))])
