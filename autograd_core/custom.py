"""Operations of the user's own, and functions with a gradient of the user's own: ``primitive``, ``custom_gradient``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, update_wrapper, wraps
from time import perf_counter
from typing import Any, NamedTuple, overload

import numpy as np

from . import recording
from .batching.custom import run_for_all
from .batching.level import Level
from .errors import ConversionError, CotangentError, NotDifferentiableError
from .node import NO_PARAMS, Node
from .primitive import Primitive, apply, output_of
from .probing import Operation, ProbeReport, Probes
from .recording import Frame
from .shapes import broadcasts_into, shape_of
from .tensor import Overloaded, Tensor, as_value
from .tree import flatten
from .variable import Variable


class UserPrimitive(Primitive):
    """An operation declared with ``primitive``; rules are added with ``defvjp`` and ``defjvp``."""

    def __init__(self, function: Callable[..., Any], probe: bool = True):
        super().__init__(getattr(function, "__name__", "primitive"), self._checked_function(function), vjps=())
        update_wrapper(self, function)
        self.probes = Probes(self, _operation_of_primitive, "@primitive(probe=False)")
        self.probe = probe
        self.probe_report: ProbeReport | None = None
        self.make_operation = _operation_of_primitive

    def __call__(self, *args, **params):
        for key, value in params.items():
            if any(isinstance(leaf, Overloaded) for leaf in flatten(value)[0]):
                raise ConversionError(
                    f"{self.name}: the keyword {key} is a Tensor or Variable; only positional arguments are recorded, "
                    "so its gradient would be lost. Pass it by position, or leave the graph on purpose: .numpy()."
                )
        if self.probe:
            frame = recording.current()
            if frame is not None and (self.vjps or self.jvps):
                if frame.trace is None:
                    self.probes.look(args, params)
                else:
                    self.probes.pass_over()
        return apply(self, args, params)

    def explained(self, args, params, error: Exception) -> Exception:
        """The user's own error, as it is."""
        return error

    def defvjp(self, *rules: Callable[..., Any] | None) -> UserPrimitive:
        """Declare the VJP rules, one per argument.

        Each is ``rule(ct, ans, *args, **keywords)`` and returns the cotangent of its argument, of the argument's
        shape (or the result's, where the argument was broadcast: it is then summed). Written with NumPy functions it
        works at any order. None: not differentiable along this argument.
        """
        self.vjps = tuple(self._checked_rules(rules, self._check_cotangent))
        self.probes.forget()
        return self

    def defjvp(self, *rules: Callable[..., Any] | None) -> UserPrimitive:
        """Declare the JVP rules, one per argument.

        Each is ``rule(t, ans, *args, **keywords)`` and returns the part of the result's tangent that comes from this
        argument. Without them forward mode uses the transpose of the VJP rules.
        """
        self.jvps = tuple(self._checked_rules(rules, self._check_tangent))
        self.probes.forget()
        return self

    def _checked_function(self, function):
        @wraps(function)
        def raw(*values, **params):
            out = function(*values, **params)
            if any(isinstance(leaf, Overloaded) for leaf in flatten(out)[0]):
                raise ConversionError(
                    f"{self.name}: the function returned a Tensor; it is given NumPy arrays and must return NumPy "
                    "arrays, computed from nothing else."
                )
            return out

        return raw

    def _checked_rules(self, rules, check):
        for index, rule in enumerate(rules):
            if rule is not None and not callable(rule):
                raise TypeError(f"{self.name}: the rule for argument {index} is a {type(rule).__name__}, no function.")
        return [None if rule is None else self._checked(rule, index, check) for index, rule in enumerate(rules)]

    def _checked(self, rule, index: int, check):
        @wraps(rule)
        def checked(incoming, ans, *args, **params):
            result = rule(incoming, ans, *args, **params)
            whose = f"{self.name}: the rule for argument {index}"
            outgoing = opaque_to_derivatives(whose, result, (incoming, ans, *args))
            check(whose, outgoing, ans, args[index])
            return outgoing

        return checked

    def _check_cotangent(self, whose: str, ct, ans, arg) -> None:
        shape = shape_of(arg)
        if ct.shape == shape or (
            not isinstance(ans, tuple) and ct.shape == ans.shape and broadcasts_into(shape, ans.shape)
        ):
            return
        raise CotangentError(
            f"{whose} returned a cotangent of shape {ct.shape}; the argument has shape {shape}. A cotangent must have "
            "the shape of its argument."
        )

    def _check_tangent(self, whose: str, tangent, ans, arg) -> None:
        for part, out in zip(tangent, ans, strict=True) if isinstance(ans, tuple) else [(tangent, ans)]:
            if not broadcasts_into(part.shape, out.shape):
                raise CotangentError(
                    f"{whose} returned a tangent of shape {part.shape}; the result has shape {out.shape}. A tangent "
                    "must have the shape of the result."
                )


def _operation_of_primitive(own: UserPrimitive) -> Operation:
    """An operation as a probe sees it."""
    rules = [rule for rule in (*(own.vjps or ()), *(own.jvps or ())) if rule is not None]
    along = [rule is not None for rule in own.vjps or own.jvps or ()]
    return Operation(
        own.name,
        lambda *args, **params: apply(own, args, params),
        (own.impl, *rules),
        bool(own.vjps),
        bool(own.jvps),
        lambda count: [*along, *[False] * (count - len(along))],
        reads_variables=False,
    )


def opaque_to_derivatives(whose: str, result, inputs):
    """What a user's rule returned, as the walk wants it; numbers and lists become arrays.

    A rule may leave the graph (``.numpy()``, SciPy) and still be right, but a derivative of it cannot be taken: where
    a tape would want one, the result is recorded as an operation without a rule, so that asking is an error and not a
    silent zero.
    """
    if isinstance(result, tuple):
        return tuple(opaque_to_derivatives(whose, part, inputs) for part in result)
    if isinstance(result, Tensor):
        return result
    if isinstance(result, Variable):
        return result.value
    try:
        array = as_value(result)
    except ConversionError as error:
        raise CotangentError(f"{whose} returned a {type(result).__name__}: {error}") from None
    tracked = [leaf for leaf in flatten(inputs)[0] if isinstance(leaf, Tensor)]
    if not tracked:
        return array
    if not array.any():
        return Tensor(array, None)
    edges = [None] * (1 + len(tracked))
    return Primitive(f"({whose})", lambda value, *others: value, vjps=edges)(array, *tracked)


@overload
def primitive(function: Callable[..., Any], *, probe: bool = True) -> UserPrimitive: ...
@overload
def primitive(function: None = None, *, probe: bool = True) -> Callable[[Callable[..., Any]], UserPrimitive]: ...
def primitive(function=None, *, probe=True):
    """Make a function on NumPy arrays an operation that tapes record, with rules of its own.

    Parameters
    ----------
    function : callable
        Takes arrays and numbers by position, everything else (axes, flags) by keyword; returns an array, or a tuple
        of arrays. It sees raw NumPy arrays and must not write to them.
    probe : bool
        Whether the rules are probed when a tape first records the operation, which is refused if they do not fit the
        function: ``ProbeError`` says why. False where another gradient is meant: ``@primitive(probe=False)``.

    Returns
    -------
    UserPrimitive
        Callable on Tensors, Variables, arrays and numbers; has ``defvjp`` and ``defjvp``, and in ``probe_report`` what
        the last probe found and cost.

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
    if function is None:
        return partial(primitive, probe=probe)
    if not callable(function):
        raise TypeError(f"primitive: expected a function; got {type(function).__name__}.")
    return UserPrimitive(function, probe)


@overload
def custom_gradient(f: Callable[..., Any], *, probe: bool = True) -> Callable[..., Any]: ...
@overload
def custom_gradient(f: None = None, *, probe: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
def custom_gradient(f=None, *, probe=True):
    """Give a function a gradient of its own, as TensorFlow's decorator of this name.

    Parameters
    ----------
    f : callable
        Returns ``(value, grad_fn)``; ``grad_fn(*upstream)`` takes one cotangent per result and returns one per
        positional argument (alone, or in a tuple or list; None for no gradient). If ``f`` reads trainable Variables
        that are not among its arguments, ``grad_fn`` must accept ``variables=`` and return
        ``(argument_gradients, variable_gradients)``.
    probe : bool
        Whether the gradient is probed when a tape first records the function, which is refused if it is not that of
        the value: ``ProbeError`` says why. False where another gradient is meant: ``@custom_gradient(probe=False)``.
        A function whose value is its argument, or is constant in steps (``round``), may have any.

    Returns
    -------
    callable
        Takes the arguments of ``f``, returns ``value``; ``probe_report`` is what the last probe found and cost.

    Notes
    -----
    ``f`` itself runs under the active tapes, so what ``grad_fn`` uses of it can be differentiated again.
    """
    if f is None:
        return partial(custom_gradient, probe=probe)

    @wraps(f)
    def with_own_gradient(*args, **keywords):
        outer = recording.current()
        if outer is None or not recording.is_recording():
            return f(*args, **keywords)[0]
        if probe:
            if outer.trace is None:
                probes.look(args, keywords)
            else:
                probes.pass_over()
        started = perf_counter()
        # A frame of its own for the call: whatever Variables are read inside, there or deeper, are read anew.
        inner = Frame(outer.records, outer.trace)
        before = [record.counts() for record in outer.records]
        recording.replace(inner)
        try:
            if outer.trace.__class__ is Level:  # tapes around the vmap are to use this gradient, too
                unprobed = partial(custom_gradient, probe=False)
                value, grad_fn = run_for_all(outer.trace, unprobed, f, args, keywords)
            else:
                value, grad_fn = f(*args, **keywords)
        finally:
            recording.replace(outer)
        leaves, rebuild = flatten(list(args))
        # Kept only where a wrong rule is looked for: it keeps all arguments alive, those without a derivative, too.
        details = outer.origin.details
        again = Call(f, leaves, rebuild, keywords) if details is not None and details.runs_eagerly else None
        inputs = [leaf.read(inner) if isinstance(leaf, Variable) else leaf for leaf in leaves]
        if outer.trace is not None and outer.trace.__class__ is not Level:
            inputs = [outer.trace.entered(each) if isinstance(each, Tensor) else each for each in inputs]
        name = getattr(f, "__name__", "function")
        given = {id(leaf) for leaf in leaves if isinstance(leaf, Variable)}
        found = {}
        for record, counts in zip(outer.records, before, strict=True):
            for key, (variable, nodes) in record.reads.items():
                if len(nodes) > counts.get(key, 0) and key not in given:
                    found[key] = (variable, Tensor(nodes[-1].value, nodes[-1]))
        read = list(found.values())
        if read and not _accepts_variables(grad_fn):
            raise NotDifferentiableError(
                f"custom_gradient: {name} reads {', '.join(variable.label() for variable, _ in read)} beside its "
                "arguments, and the gradient of that would be lost. Let grad_fn accept variables= and return "
                "(argument_gradients, variable_gradients), or pass what is read as an argument."
            )
        return _attach(name, value, grad_fn, inputs, read, outer, started, again)

    probes = Probes(with_own_gradient, _operation_of_function, "@custom_gradient(probe=False)")
    shown: Any = with_own_gradient
    shown.probe_report, shown.make_operation = None, _operation_of_function
    return with_own_gradient


def _operation_of_function(own: Callable[..., Any]) -> Operation:
    """A function with a gradient of its own as a probe sees it."""
    f = own.__wrapped__  # type: ignore[attr-defined]
    name = getattr(f, "__name__", "function")
    return Operation(name, own, (f,), True, False, lambda count: [True] * count, reads_variables=True)


class Call(NamedTuple):
    """How to call a function with a gradient of its own again: ``function(*rebuild(leaves), **keywords)``."""

    function: Callable[..., Any]
    leaves: list[Any]
    rebuild: Callable[[list[Any]], Any]
    keywords: dict[str, Any]


def _accepts_variables(grad_fn) -> bool:
    parameters = inspect.signature(grad_fn).parameters
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _attach(name: str, value, grad_fn, inputs, read, frame: Frame, started: float, again: Call | None = None):
    """``value`` with a Node whose rule is ``grad_fn``."""
    sources = [*inputs, *(tensor for _, tensor in read)]
    parents = tuple(source.node if isinstance(source, Tensor) else None for source in sources)
    outs, rebuild = flatten(value)
    arrays = tuple(as_value(out) for out in outs)
    tapes = frame.trackers(parents)
    if not tapes:
        return rebuild([Tensor(array, None) for array in arrays])
    variables = [variable for variable, _ in read]
    shapes = [shape_of(source) for source in sources]
    count = len(sources)  # the rule does not keep them: they may lead to graphs of other tapes

    def rule(ct, ans, *args):
        raw = not any(isinstance(part, Tensor) for part in ct)
        upstream = [_outside(part if isinstance(part, Tensor) else Tensor(np.asarray(part), None)) for part in ct]
        result = grad_fn(*upstream, variables=variables) if variables else grad_fn(*upstream)
        own, of_variables = result if variables else (result, ())
        grads = [*flatten(own)[0], *flatten(of_variables)[0]]
        if len(grads) != count:
            raise CotangentError(
                f"custom_gradient {name}: grad_fn returned {len(grads)} gradients for {count} inputs; expected "
                "one for each positional argument and Variable (None for no gradient)."
            )
        # Seen from the walk nothing is tracked in a first derivative; in a higher one its Tensors are.
        seen = () if raw else (*ct, *(arg for arg in args if isinstance(arg, Tensor)))
        checked = [_gradient(name, index, grad, shapes[index], seen) for index, grad in enumerate(grads)]
        return [grad.array if raw and grad is not None else grad for grad in checked]

    row = Primitive(name, lambda *args: arrays, vjps=(rule,), joint=True)
    row.of_one_call, row.again = True, again
    given = tuple(_NOTHING if source is None else as_value(source) for source in sources)
    node = Node(row, given, parents, arrays, NO_PARAMS, tapes)
    frame.write(node, started)
    return rebuild([output_of(frame, node, index) for index in range(len(arrays))])


_NOTHING = np.zeros(0)  # in place of an argument that is None


def _gradient(name: str, index: int, grad, shape, seen) -> Tensor | None:
    """One gradient that a ``grad_fn`` returned, checked and as the walk wants it."""
    if grad is None:
        return None
    whose = f"custom_gradient {name}: grad_fn's gradient {index}"
    grad = opaque_to_derivatives(whose, grad, seen)
    if grad.shape != shape:
        raise CotangentError(f"{whose} has shape {grad.shape}; its input has shape {shape}. They must be the same.")
    return _outside(grad if isinstance(grad, Tensor) else Tensor(grad, None))


def _outside(ct: Tensor) -> Tensor:
    """Between pairings without conjugate, used by the walk, and d/dx + i d/dy, used by people; its own inverse."""
    return ct.conj() if ct.dtype.kind == "c" else ct
