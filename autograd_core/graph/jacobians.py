"""Local Jacobians: the derivative of one operation's result by one of its arguments, as far as it can be shown.

The rules of an operation are asked when somebody looks, from what the snapshot keeps of it: the arguments, the result,
the parameters. What they give for chosen cotangents are rows of the matrix, which is shown where it is small; of a
large one the norm says how much goes through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np

from .. import recording
from ..backward import pull_back
from ..cotangents import Parts
from ..forward import push_forward
from ..node import Node, Spec, leaf
from ..primitive import PROJECT, Primitive
from ..symbol import Value

SMALL = 8
"""Results and arguments of up to this many entries have their Jacobians shown entry by entry."""

_PROBES = 8  # random directions that a norm is estimated from
_FEW = 4  # the same for results of more than
_MANY = 2**16  # entries, where each takes milliseconds


@dataclass(frozen=True, eq=False, slots=True)
class LocalJacobian:
    """Derivative of the result of one operation by one of its arguments, everything else held fixed.

    Of an operation with several results all of them count, laid flat one after another.

    Attributes
    ----------
    shape : tuple of int
        Shape of the result, then the shape of the argument.
    norm : float or None
        Frobenius norm; None between complex values, where "the" matrix is one of real and imaginary parts.
    is_estimate : bool
        Whether ``norm`` comes from a few random directions, always the same; a tenth off is usual then.
    matrix : array, or None
        With result and argument laid flat: a row for each entry of the result, a column for each of the argument.
        Where both have at most 8 entries, and are real.
    """

    shape: tuple[int, ...]
    norm: float | None = None
    is_estimate: bool = False
    matrix: np.ndarray | None = None

    @property
    def entries(self) -> np.ndarray | None:
        """``matrix`` in ``shape``."""
        return None if self.matrix is None else self.matrix.reshape(self.shape)

    def __repr__(self) -> str:
        norm = "" if self.norm is None else f", norm {'about ' * self.is_estimate}{self.norm:.4g}"
        return f"<LocalJacobian of shape {self.shape}{norm}>"


def of_number(derivative: float, shape: tuple[int, ...]) -> LocalJacobian:
    """Jacobian between values of one entry each."""
    return LocalJacobian(shape, abs(derivative), False, np.full((1, 1), derivative))


class Application:
    """What a graph keeps of one application of a primitive: enough to ask its rules again, nothing of the tape.

    Parameters
    ----------
    node : Node
    parents : tuple
        Value of the parent for each argument; None for those that no derivative is wanted for.
    """

    __slots__ = ("_args", "_found", "_params", "_parents", "_primitive", "_value")

    def __init__(self, node: Node, parents: tuple[Any, ...]):
        primitive = node.primitive
        # A row that was made for one call refers to the Nodes of that call: they are not to be kept alive.
        self._primitive: Any = ref(primitive) if primitive.of_one_call else primitive
        self._args = node.args
        self._value = node.value
        self._params = node.params
        self._parents = parents
        self._found: dict[int, LocalJacobian | None] = {}
        if primitive.of_one_call:
            self._settle()

    @property
    def primitive(self) -> Primitive | None:
        """The operation; None if it was made for one call, and is gone with the recording of that call."""
        known = self._primitive
        return known() if isinstance(known, ref) else known

    def jacobian(self, index: int) -> LocalJacobian | None:
        """Derivative by argument ``index``; None if it has none, or its rule cannot be asked any more."""
        if index not in self._found:
            self._found[index] = _asked(self._jacobian, index)
        return self._found[index]

    def pull(self, index: int, ct: Any) -> np.ndarray | None:
        """Cotangent of argument ``index``, given that of the result, as the backward walk has it.

        Parameters
        ----------
        ct : array of the result's shape
            Of several results: flat, one after another.
        """
        return _asked(self._pull, index, np.asarray(ct))

    def pull_all(self, ct: Any) -> list[np.ndarray | None]:
        """As ``pull``, for all arguments at once: of many, one by one would take time that grows as their square."""
        if self.primitive is PROJECT:
            return [self.pull(index, ct) for index in range(len(self._args))]
        return _asked(self._pull_all, np.asarray(ct)) or [None] * len(self._args)

    # -- rules -----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Ask at once what cannot be asked later."""
        for index, parent in enumerate(self._parents):
            if parent is not None and max(_count(_specs(parent)), _count(self._results)) <= SMALL:
                self.jacobian(index)

    @property
    def _results(self) -> Any:
        """Shape and dtype of the result, or a tuple of them for several; the graph shows a single one by itself."""
        specs = _specs(self._value)
        return specs[0] if isinstance(specs, tuple) and len(specs) == 1 else specs

    def _node(self, index: int, spec: Any) -> tuple[Node, Node] | None:
        """The application as a Node of its own whose argument ``index`` is a leaf, and that leaf."""
        primitive = self.primitive
        if primitive is None or not (primitive.joint or primitive.rules(len(self._args))[index]):
            return None
        if self._is_traced():
            return None
        start = leaf(spec, ())
        parents = [None] * len(self._args)
        parents[index] = start  # type: ignore[call-overload]
        return Node(primitive, self._args, tuple(parents), self._value, self._params, ()), start

    def _pull(self, index: int, ct: np.ndarray, spec: Any = None) -> np.ndarray | None:
        """As ``pull``; for an argument that was broadcast to ``spec`` without the sum over the axes of that."""
        if self._parents[index] is None:
            return None
        parent = _specs(self._parents[index])
        if self.primitive is PROJECT:
            return _placed(ct, parent, self._params["index"])
        made = self._node(index, parent if spec is None else spec)
        if made is None:
            return None
        node, start = made
        found = pull_back([node], {node: self._seed(ct)}, [start], recorded=False).get(start)
        return None if found is None else np.asarray(found)

    def _pull_all(self, ct: np.ndarray) -> list[np.ndarray | None] | None:
        primitive = self.primitive
        if primitive is None or self._is_traced():
            return None
        rules = [True] * len(self._args) if primitive.joint else primitive.rules(len(self._args))
        starts = [
            leaf(_specs(parent), ()) if rule and parent is not None else None
            for rule, parent in zip(rules, self._parents, strict=False)
        ]
        node = Node(primitive, self._args, tuple(starts), self._value, self._params, ())
        asked = [start for start in starts if start is not None]
        found = pull_back([node], {node: self._seed(ct)}, asked, recorded=False)
        return [np.asarray(found[start]) if start in found else None for start in starts]

    def _is_traced(self) -> bool:
        """Whether nobody knows the entries."""
        return any(each.__class__ is Value for each in (*self._args, *_listed(self._value)))

    def _seed(self, ct: np.ndarray) -> Any:
        """``ct`` as the backward walk has it: of the result's dtype, and in parts where there are several."""
        parts, start = Parts(), 0
        for result in _listed(_specs(self._value)):
            flat = ct.reshape(-1)[start : start + result.size]
            parts.append((flat if result.dtype.kind == "c" else flat.real).astype(result.dtype).reshape(result.shape))
            start += result.size
        return parts if isinstance(self._value, tuple) else parts[0]

    # -- the matrix ------------------------------------------------------------------------------------------------

    def _jacobian(self, index: int) -> LocalJacobian | None:
        if self._parents[index] is None:
            return None
        parent, results = _specs(self._parents[index]), self._results
        shape, rows, columns = (*_shape(results), *_shape(parent)), _count(results), _count(parent)
        if any(spec.dtype.kind == "c" for spec in (*_listed(results), *_listed(parent))):
            given = self._pull(index, np.zeros(_shape(results), results.dtype)) if _is_one(results) else None
            return None if given is None and _is_one(results) else LocalJacobian(shape)
        if self.primitive is not None and self.primitive.elementwise:
            slopes = self._slopes(index)
            if slopes is not None:
                matrix = _diagonal(slopes, parent) if max(rows, columns) <= SMALL else None
                return LocalJacobian(shape, _norm(slopes), False, matrix)
        if rows <= SMALL:
            found = [self._pull(index, unit) for unit in np.eye(rows).reshape(rows, *_shape(results))]
            if any(row is None for row in found):
                return None
            matrix = np.array(found).reshape(rows, columns)
            return LocalJacobian(shape, _norm(matrix), False, matrix if columns <= SMALL else None)
        return self._large(index, shape, columns)

    def _slopes(self, index: int) -> np.ndarray | None:
        """Of an elementwise operation: the derivative of each entry of the result, by the entry that it came from."""
        full = np.ones(self._results.shape, self._parents[index].dtype)
        return self._pull(index, full, Spec(full))

    def _large(self, index: int, shape: tuple[int, ...], columns: int) -> LocalJacobian | None:
        """Norm alone: from all columns where they are few and can be pushed, else from random rows."""
        pushed = self._columns(index, columns) if columns <= SMALL else None
        if pushed is not None:
            return LocalJacobian(shape, _norm(pushed))
        random = np.random.default_rng(0)
        results = self._results
        squares: list[float] = []
        while len(squares) < (_PROBES if _count(results) <= _MANY else _FEW):
            # For directions with entries of +1 and -1 the mean of |J^T v|^2 is the square of the Frobenius norm, and
            # is met each time where no entry of the argument goes into two entries of the result.
            signs = random.integers(0, 2, _count(results), np.int8) * 2 - 1
            row = self._pull(index, signs.reshape(_shape(results)))
            if row is None:
                return None
            squares.append(_norm(row) ** 2)
            if len(squares) == 2 and math.isclose(*squares, rel_tol=1e-6):
                break
        return LocalJacobian(shape, math.sqrt(sum(squares) / len(squares)), is_estimate=True)

    def _columns(self, index: int, columns: int) -> np.ndarray | None:
        """All columns, by the JVP rule; None where there is none."""
        parent, primitive = _specs(self._parents[index]), self.primitive
        if primitive is None or primitive.joint or not primitive.jvp_rules(len(self._args)):
            return None
        made = self._node(index, parent)
        if made is None or not _is_one(self._results):
            return None
        node, start = made
        units = np.eye(columns, dtype=parent.dtype).reshape(columns, *parent.shape)
        return np.array([push_forward([node], {start: unit}, [node], recorded=False)[node] for unit in units])


def _specs(value: Any) -> Any:
    """Shape and dtype of a value; a tuple of them for several."""
    return tuple(map(Spec, value)) if isinstance(value, tuple) else Spec(value)


def _listed(specs: Any) -> tuple[Any, ...]:
    return specs if isinstance(specs, tuple) else (specs,)


def _is_one(specs: Any) -> bool:
    return not isinstance(specs, tuple)


def _shape(specs: Any) -> tuple[int, ...]:
    """Shape of a value; of several, laid flat."""
    return (_count(specs),) if isinstance(specs, tuple) else specs.shape


def _count(specs: Any) -> int:
    return sum(spec.size for spec in _listed(specs))


def _placed(ct: np.ndarray, specs: Any, index: int) -> np.ndarray:
    """Cotangent of several results, laid flat, that has ``ct`` in the place of one of them."""
    parts = [np.zeros(spec.size, ct.dtype) for spec in specs]
    parts[index] = ct.reshape(-1)
    return np.concatenate(parts)


def _diagonal(slopes: np.ndarray, parent: Any) -> np.ndarray:
    """Jacobian of an elementwise operation: each entry of the result depends on one entry of the argument."""
    came_from = np.broadcast_to(np.arange(parent.size).reshape(parent.shape), slopes.shape).reshape(-1)
    matrix = np.zeros((slopes.size, parent.size), slopes.dtype)
    matrix[np.arange(slopes.size), came_from] = slopes.reshape(-1)
    return matrix


def _norm(array: np.ndarray) -> float:
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        norm = float(np.linalg.norm(flat)) if flat.dtype == np.float32 else 0.0
        if norm and math.isfinite(norm):  # else the squares may lie outside of the range of float32
            return norm
        return float(np.linalg.norm(flat.astype(np.float64, copy=False)))


def _asked(question: Any, *args: Any) -> Any:
    """What a rule says, outside of all tapes; None if it fails."""
    before = recording.replace(None)
    try:
        return question(*args)
    except Exception:  # a rule of the user's own may raise anything, and a picture is wanted all the same
        return None
    finally:
        recording.replace(before)
