"""Primitive: one row of the table of operations, and how a row is applied to Tensors.

A row holds everything about an operation in one place: its forward function, one VJP per input edge, its JVP, where
its inputs are drawn from when it is tested, and what is chosen at its kinks. Rules are written in NumPy's names, so
that they run on arrays (first derivatives) and on Tensors (higher order) alike:

    tanh = Primitive("tanh", np.tanh, vjps=(lambda ct, ans, x: ct - ct * ans * ans,), elementwise=True)

A VJP rule takes the cotangent ``ct`` of the result, the result ``ans`` and the arguments, and returns the cotangent of
its own argument, before the sum over broadcast axes: the backward walk does that at the edge. Pairings have no complex
conjugate in them (``<ct, J t> = sum(ct * J t)``), so a holomorphic rule is the same for real and complex; the doors
(``tape.gradient``, ``grad``) turn the result into d/dx + i d/dy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy import asarray, ndarray

from .errors import AutogradError, AxisError, DtypeError, NotDifferentiableError, ShapeError, TraceError
from .node import NO_PARAMS, Node, Spec
from .recording import Frame, current, trace_here
from .shapes import broadcast_hint, shape_of
from .symbol import Value, made_in
from .tensor import SCALARS, SUPPORTED_KINDS, Overloaded, Tensor, as_value
from .variable import Variable

LINEAR = "linear"
"""JVP of an operation linear in all its differentiable arguments together: the operation itself, on tangents."""

MULTILINEAR = "multilinear"
"""JVP of an operation linear in each argument separately: the sum of the operation with one argument replaced."""

_NUMBERS = frozenset((float, int, complex, bool))


class Primitive:
    """One operation and its rules.

    Parameters
    ----------
    name : str
        NumPy's name where there is one.
    impl : callable
        ``impl(*arrays, **params)`` on raw arrays; returns an array, or a tuple of them.
    vjps : tuple of (callable or None), or None
        One rule ``rule(ct, ans, *args, **params)`` per argument; None for an argument without a derivative. None in
        place of the tuple: the result has no derivative at all (comparisons, argmax), and nothing is recorded.
    jvps : LINEAR, MULTILINEAR, tuple of (callable or None), or None
        One rule ``rule(t, ans, *args, **params)`` per argument, giving that argument's part of the result's tangent.
        None: for an elementwise operation the VJP rules (a diagonal Jacobian is its own transpose); otherwise the
        transpose of the VJP.
    elementwise : bool
        Entry by entry, with broadcasting. The Jacobian is then diagonal, and a zero cotangent wins over an infinite
        derivative at the same entry.
    variadic : bool
        Any number of arguments; the single rule is called with the argument's position as ``index=``, unless ``joint``.
    joint : bool
        The single VJP rule gives the cotangents of all arguments at once, as a tuple (None for no gradient). A JVP
        rule, if there is one, takes a list of all tangents (None for none) and gives that of the result.
    keeps : bool
        Whether the rules read the entries of the arguments. If False only their shapes and dtypes are kept.
    domain : tuple of (low, high) pairs
        Elementwise: the interval each argument is drawn from in tests.
    sample : callable or None
        ``sample(draw) -> (args, params)``: draws test inputs where shapes must fit together (see ``ops.domain``).
    kink : str
        Which derivative is taken where there is none, or more than one.
    doc : str
        The value, as a formula.
    source : str or None
        Compiled form of an elementwise operation: a scalar expression over ``{0}``, ``{1}``, ... and the names of
        parameters in braces, with functions by NumPy's names. None: the compiler calls ``impl``.
    """

    __slots__ = (
        "__weakref__", "again", "doc", "domain", "elementwise", "impl", "joint", "jvps", "keeps", "kink", "name",
        "of_one_call", "rule_per_argument", "sample", "several", "source", "variadic", "vjps",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        impl: Callable[..., Any],
        vjps: Sequence[Callable[..., Any] | None] | None,
        *,
        jvps: str | Sequence[Callable[..., Any] | None] | None = None,
        elementwise: bool = False,
        variadic: bool = False,
        joint: bool = False,
        keeps: bool = True,
        domain: Sequence[tuple[float, float]] = (),
        sample: Callable[..., Any] | None = None,
        kink: str = "",
        doc: str = "",
        source: str | None = None,
    ):
        self.name = name
        self.impl = impl
        self.vjps = None if vjps is None else tuple(vjps)
        self.jvps = jvps
        self.elementwise = elementwise
        self.variadic = variadic
        self.joint = joint
        self.rule_per_argument = bool(self.vjps) and not variadic and not joint  # the common case, decided once
        self.keeps = keeps
        self.domain = tuple(domain)
        self.sample = sample
        self.kink = kink
        self.doc = doc
        self.source = source
        self.several = False  # whether it gives a tuple even of one result; a trace finds out
        self.of_one_call = False  # whether it was made for one call, and its rules refer to what that call recorded
        self.again: Any = None  # how to make that call again, for those who look for a wrong rule

    def __call__(self, *args, **params):
        return apply(self, args, params)

    def __repr__(self) -> str:
        return f"<Primitive {self.name}>"

    def rules(self, count: int) -> tuple[Callable[..., Any] | None, ...]:
        """VJP rules for an application to ``count`` arguments; None where there is none."""
        vjps = self.vjps or ()
        if self.variadic:
            return vjps * count if self.joint else _indexed(vjps[0], count)
        return vjps if len(vjps) >= count else (*vjps, *[None] * (count - len(vjps)))

    def jvp_rules(self, count: int) -> str | tuple[Callable[..., Any] | None, ...] | None:
        """JVP rules for an application to ``count`` arguments; LINEAR, MULTILINEAR or None as declared."""
        if self.jvps is None:
            return self.rules(count) if self.elementwise else None
        if isinstance(self.jvps, str):
            return self.jvps
        if self.variadic:
            return _indexed(self.jvps[0], count)
        return (*self.jvps, *[None] * (count - len(self.jvps)))

    def explained(self, args, params, error: Exception) -> Exception:
        """Error of ours for one that the forward function raised."""
        return explain(self, args, params, error)

    def missing_rule(self, index: int, kind: str) -> NotDifferentiableError:
        """Error for an edge that has no rule."""
        return NotDifferentiableError(
            f"{self.name} has no {kind} rule for its argument {index}; a derivative was asked along this edge. Put "
            "stop_gradient around that argument if it is meant to be constant, or declare a rule with "
            "autograd_core.primitive."
        )


@lru_cache(maxsize=256)
def _indexed(rule, count: int):
    return tuple(partial(rule, index=index) for index in range(count))


PROJECT = Primitive(
    "output", lambda value, *, index: value[index],
    vjps=(lambda ct, ans, value, *, index: Slot(index, ct),),
)  # fmt: skip
"""Picks one result of a primitive that has several; its Node's parent is the Node with the tuple."""


class Slot:
    """Cotangent of one result out of several: what ``PROJECT`` sends back."""

    __slots__ = ("ct", "index")

    def __init__(self, index: int, ct):
        self.index = index
        self.ct = ct


# -- application -------------------------------------------------------------------------------------------------------


def apply(primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]):
    """Apply ``primitive``: compute on the raw arrays, and record a Node if a tape tracks an argument.

    Parameters
    ----------
    args : tuple of Tensor, Variable, array_like or number
        Python numbers stay Python numbers, so that they never widen float32.
    params : dict
        Static keyword parameters (axes, indices), handed to the forward function and to the rules.

    Returns
    -------
    Tensor, or a tuple of Tensors if the primitive has several results.
    """
    frame = current()
    tokens = None
    if frame is not None:
        if frame.instead is not None:
            return frame.instead.apply(primitive, args, params, frame)
        tokens = frame.tokens
    values: list[Any] = []
    parents: list[Node | None] = []
    foreign = False  # whether a raw array came from the user, who may write to it later
    tracked = mixed = False  # by all active tapes; or by others, or by some of them
    for arg in args:
        kind = arg.__class__
        if kind is Variable:
            arg = arg.read(frame)
            kind = Tensor
        if kind is Tensor:
            values.append(arg.array)
            node = arg.node
            parents.append(node)
            if node is not None:
                if node.tapes is tokens:
                    tracked = True
                else:
                    mixed = True
        else:
            parents.append(None)
            if kind in _NUMBERS:
                values.append(arg)
            else:
                values.append(_foreign(arg))
                foreign = True
    try:
        out = primitive.impl(*values, **params)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise primitive.explained(args, params, error) from None
    several = out.__class__ is tuple
    if foreign:
        out = tuple(_own(o, values) for o in out) if several else _own(out, values)
    tapes = tokens if tracked else None
    if mixed and frame is not None:
        tapes = frame.trackers(parents)
    recorded = frame is not None and bool(tapes) and primitive.vjps is not None
    if several:
        if not recorded:
            return tuple(Tensor(o, None) for o in out)
        result, value = None, tuple(map(as_value, out))
    else:
        result = Tensor(out, None)
        value = result.array
        if not recorded or value.dtype.kind not in "fc":  # integers and booleans have no derivative
            if tapes and frame is not None:
                frame.note_hint(primitive.name, parents, value)
            return result
    if foreign:
        saved = tuple(_saved(v, arg, primitive.keeps) for v, arg in zip(values, args, strict=True))
    elif primitive.keeps:
        saved = tuple(values)
    else:
        saved = tuple([Spec(v) if v.__class__ is np.ndarray else v for v in values])
    if mixed:  # a parent tracked only by tapes that are not active here must not be kept alive by this graph
        parents = [p if p is not None and _meets(p.tapes, tapes) else None for p in parents]
    writer: Any = frame
    node = Node(primitive, saved, tuple(parents), value, params or NO_PARAMS, tapes, writer.origin)
    if tapes is tokens:
        writer.append(node)
    else:
        writer.write(node)
    if result is None:
        return tuple(output_of(writer, node, index) for index in range(len(value)))
    result.node = node
    return result


def output_of(frame: Frame, node: Node, index: int) -> Tensor:
    """Result ``index`` of a Node that has several, as a Tensor that leads back to it."""
    value = node.value[index]
    if value.dtype.kind not in "fc":
        return Tensor(value, None)
    part = Node(PROJECT, (None,), (node,), value, {"index": index}, node.tapes)
    frame.write(part)
    return Tensor(value, part)


def _meets(tapes, wanted) -> bool:
    return tapes is wanted or any(token in tapes for token in wanted)


def _foreign(arg):
    """Raw value of an argument that is neither a Tensor nor exactly a Python number."""
    if isinstance(arg, np.generic):
        return arg if arg.dtype.kind in SUPPORTED_KINDS else as_value(arg)
    for number in (int, float, complex):
        if isinstance(arg, number):  # an IntEnum, say: it widens no array either
            return number(arg)  # type: ignore[arg-type]  # each is of its own kind
    return as_value(arg)


def _own(out, values):
    """``out``, copied if it is a view of an array that the user gave (who may write to it)."""
    if out.__class__ is np.ndarray and any(
        v.__class__ is np.ndarray and (out is v or (out.base is not None and np.may_share_memory(out, v)))
        for v in values
    ):
        return out.copy()
    return out


def _saved(value, arg, keeps: bool):
    """What a Node keeps of one argument."""
    if not isinstance(value, np.ndarray):
        return value
    if not keeps:
        return Spec(value)
    if isinstance(arg, (Overloaded, list, tuple)) or (value.base is None and not value.flags.writeable):
        return value
    # The user's own array, or one that shares memory with the user's own object: it may be written to before the
    # backward pass. A read-only view is no safer, since its base may be written to.
    return value.copy()


# -- fast paths -------------------------------------------------------------------------------------------------------
# The same as `apply`, unrolled for elementwise operations on Tensors and numbers: 0.9 us against 2.3 us per operation
# on eight floats (tests/benchmarks/op_overhead.py). Whatever is out of the ordinary goes to `apply`.

# Objects whose attributes are set here, without the calls of their __init__: 0.1 us less.
_new_node = Node.__new__
_new_tensor = Tensor.__new__


def unary(primitive: Primitive) -> Callable[..., Tensor]:
    """Public function of one argument for an elementwise ``primitive``."""
    if primitive.vjps is None:  # nothing is ever recorded
        return _named(lambda x: apply(primitive, (x,), NO_PARAMS), primitive)
    impl = primitive.impl

    def function(x):
        if x.__class__ is not Tensor:
            return apply(primitive, (x,), NO_PARAMS)
        a = x.array
        node = x.node
        frame = current()
        if frame is not None and (frame.instead is not None if node is None else node.tapes is not frame.tokens):
            return apply(primitive, (x,), NO_PARAMS)
        try:
            value = impl(a)
        except (ValueError, TypeError, TraceError) as error:
            if a.__class__ is Value:  # traced; found out here, it costs nothing where nothing is
                return apply(primitive, (x,), NO_PARAMS)
            raise explain(primitive, (x,), NO_PARAMS, error) from None
        if value.__class__ is not ndarray:
            value = asarray(value) if value.__class__ in SCALARS else as_value(value)
        result = _new_tensor(Tensor)
        result.array = value
        if frame is None or node is None:
            result.node = None
            return result
        made = result.node = _new_node(Node)
        made.primitive = primitive
        made.args = (a,)
        made.parents = (node,)
        made.value = value
        made.params = NO_PARAMS
        made.tapes = node.tapes
        made.name = None
        made.origin = frame.origin
        frame.append(made)
        return result

    return _named(function, primitive)


def binary(primitive: Primitive) -> Callable[..., Tensor]:
    """Public function of two arguments for an elementwise ``primitive``."""
    if primitive.vjps is None:
        return _named(lambda x1, x2: apply(primitive, (x1, x2), NO_PARAMS), primitive)
    impl = primitive.impl

    def function(x1, x2):
        frame = current()
        kind = x1.__class__
        if kind is Variable:
            x1 = x1.read(frame)
            kind = Tensor
        if kind is Tensor:
            a = x1.array
            left = x1.node
        elif kind in _NUMBERS:
            a = x1
            left = None
        else:
            return apply(primitive, (x1, x2), NO_PARAMS)
        kind = x2.__class__
        if kind is Variable:
            x2 = x2.read(frame)
            kind = Tensor
        if kind is Tensor:
            b = x2.array
            right = x2.node
        elif kind in _NUMBERS:
            b = x2
            right = None
        else:
            return apply(primitive, (x1, x2), NO_PARAMS)
        if frame is not None:
            tapes = frame.tokens
            if left is None:
                if frame.instead is not None if right is None else right.tapes is not tapes:
                    return apply(primitive, (x1, x2), NO_PARAMS)
            elif left.tapes is not tapes or (right is not None and right.tapes is not tapes):
                return apply(primitive, (x1, x2), NO_PARAMS)
        try:
            value = impl(a, b)
        except (ValueError, TypeError, OverflowError, TraceError) as error:
            if a.__class__ is Value or b.__class__ is Value:  # traced; see `unary`
                return apply(primitive, (x1, x2), NO_PARAMS)
            raise explain(primitive, (x1, x2), NO_PARAMS, error) from None
        if value.__class__ is not ndarray:
            value = asarray(value) if value.__class__ in SCALARS else as_value(value)
        result = _new_tensor(Tensor)
        result.array = value
        if frame is None or (left is None and right is None):
            result.node = None
            return result
        node = result.node = _new_node(Node)
        node.primitive = primitive
        node.args = (a, b)
        node.parents = (left, right)
        node.value = value
        node.params = NO_PARAMS
        node.tapes = tapes
        node.name = None
        node.origin = frame.origin
        frame.append(node)
        return result

    return _named(function, primitive)


def _named(function, primitive: Primitive):
    function.__name__ = function.__qualname__ = primitive.name
    function.__doc__ = primitive.doc or f"Elementwise {primitive.name}, as in NumPy."
    function.primitive = primitive
    return function


# -- errors ------------------------------------------------------------------------------------------------------------


def explain(primitive: Primitive, args, params, error: Exception) -> Exception:
    """Error of ours for one that NumPy raised: the operation, what was given, what to do."""
    if isinstance(error, AutogradError):
        return error
    left = [arg.array for arg in args if getattr(arg, "array", None).__class__ is Value]
    if left and trace_here() is None:
        return TraceError(
            f"{primitive.name}: got a Tensor from inside of a function that was {made_in(left[0])}, which has no "
            "entries outside of it. Return it from the function, and use what the call gives."
        )
    given = ", ".join(_describe(arg) for arg in args)
    said = f"{primitive.name}: got {given}" + (f" with {_describe_params(params)}" if params else "")
    if isinstance(error, np.exceptions.AxisError):
        return AxisError(f"{said}. {error}.")
    if primitive.elementwise and isinstance(error, ValueError):
        return ShapeError(f"{said}; these shapes do not broadcast. {broadcast_hint([shape_of(arg) for arg in args])}")
    if isinstance(error, (TypeError, OverflowError)):  # OverflowError: a Python integer too large for the array's dtype
        return DtypeError(f"{said}. NumPy says: {error}.")
    if isinstance(error, np.linalg.LinAlgError):
        return error.__class__(f"{said}. {error}.")
    if isinstance(error, IndexError):
        return IndexError(f"{said}. {error}.")
    return ShapeError(f"{said}. {error}.")


def _describe(arg) -> str:
    if arg.__class__ in _NUMBERS:
        return repr(arg)
    if not hasattr(arg, "dtype"):
        return type(arg).__name__
    name = getattr(arg, "name", None)
    return (f"{name!r} " if isinstance(name, str) else "") + f"shape {arg.shape} {arg.dtype}"


def _describe_params(params) -> str:
    return ", ".join(f"{key}={value!r}"[:80] for key, value in params.items())
