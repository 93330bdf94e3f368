"""What the page knows of a graph: plain lists, dicts, texts and numbers, ready for JSON.

Names are texts of the user's and stay texts; arrays are given entry by entry up to ``ENTRIES`` entries and as a summary
beyond; of a large graph only as many Jacobians are computed as ``JACOBIANS`` and ``WORK`` allow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...node import Spec
from ..elements import CONSTANT, GraphEdge, GraphNode
from ..fold import group_tree
from ..groups import SCOPE, Group
from ..order import reading_order
from ..text import shape_and_dtype, shorten, title
from .pull import Pulled, carries

if TYPE_CHECKING:
    from ..model import Graph

ENTRIES = 64  # entries of an array that the page holds; of a larger one it holds a summary
JACOBIANS = 1000  # edges between arrays whose Jacobians are looked at; each costs a few calls of a rule
WORK = 20_000_000  # entries of results and arguments that the norms of Jacobians may go over
BESIDE = 400  # entries that looking at one more argument of the same operation takes as long as
LONGEST = 10_000  # characters of a name
FLAT = 40  # nodes of a graph that is shown with its scopes alone: all of it can be seen at once

Json = Any


def page_data(graph: Graph) -> dict[str, Json]:
    """Everything the page shows, as what ``json.dumps`` takes without NaN."""
    pulled = Pulled(graph, array_data)
    return {
        "nodes": [node_data(node, pulled.gradients.get(node.index)) for node in graph.nodes],
        "edges": _edges(graph, pulled.sent),
        "order": reading_order(graph.nodes, graph._incoming),  # in which the page steps through the operations
        "tree": _tree(group_tree(graph), len(graph.nodes)),
        "targets": [node.index for node in graph.targets],
    }


def node_data(node: GraphNode, pulled: Any = None) -> dict[str, Json]:
    """One node, with the gradient it has, or else ``pulled``. Keys whose value would say nothing are left out."""
    gradient = pulled if node.gradient is None else node.gradient
    full = shorten(node.name or "", LONGEST)
    shown = _title(node)
    called = _call(node)
    found = {
        "title": shown,
        "name": full if full and full != shown else None,
        "kind": node.kind,
        "op": node.operation and shorten(node.operation),
        "call": called if called and called != node.operation else None,
        "type": shape_and_dtype(node),
        "value": None if isinstance(node.value, (tuple, Spec)) else array_data(node.array),
        "gradient": None if gradient is None or node.shape is None else array_data(np.asarray(gradient)),
        "scope": [shorten(name) for name in node.scope] or None,
        "place": node.place and shorten(node.place, 200),
        "bytes": node.nbytes,
        "seconds": node.seconds,
    }
    return {key: value for key, value in found.items() if value is not None}


def _title(node: GraphNode) -> str:
    """As everywhere, but a constant array is not called by its entries: these have lines of their own."""
    unnamed = node.kind == CONSTANT and not node.name and node.shape != ()
    return CONSTANT if unnamed else title(node)


def _call(node: GraphNode) -> str:
    """The operation with its parameters; longer than a label has room for."""
    params = ", ".join(f"{key}={value!r}" for key, value in node.params.items() if value is not None)
    return shorten((node.operation or "") + (f"({params})" if params else ""), 200)


def array_data(array: np.ndarray) -> Json:
    """A number for one without axes, entries for a small array, a summary for another."""
    if array.ndim == 0:
        return scalar_data(array[()])
    if array.size <= ENTRIES:
        return {"shape": list(array.shape), "entries": [scalar_data(entry, 7) for entry in array.reshape(-1)]}
    return {"shape": list(array.shape), **_summary(array)}


def scalar_data(value: Any, digits: int = 17) -> Json:
    """A number as JSON has it; text for those it has not (NaN, infinities, complex ones) and for truth values."""
    kind = np.asarray(value).dtype.kind
    if kind == "c":
        return f"{value.real:.4g}{value.imag:+.4g}j"
    if kind in "iu":
        return int(value)
    if kind != "f":
        return str(value)
    found = float(value)
    if not math.isfinite(found):
        return str(found)  # "nan", "inf", "-inf"
    return found if digits == 17 else float(f"{found:.{digits}g}")


def _summary(array: np.ndarray) -> dict[str, Json]:
    if array.dtype.kind not in "fiubc":
        return {}
    with np.errstate(all="ignore"):  # an infinite norm is an answer
        # a norm of float16 or of integers, computed as such, would overflow
        wide = array if array.dtype.kind in "fc" and array.dtype.itemsize >= 4 else array.astype(np.float64)
        found = {"norm": scalar_data(np.linalg.norm(wide.reshape(-1)), 7)}
        if array.dtype.kind != "c":
            lowest, highest, mean = array.min(), array.max(), wide.mean(dtype=np.float64)
            found = {"min": lowest, "max": highest, "mean": mean, **found}
            found = {key: scalar_data(value, 7) for key, value in found.items()}
        count = array.size - int(np.isfinite(array).sum()) if array.dtype.kind in "fc" else 0
    return {**found, "broken": count} if count else found


def _edges(graph: Graph, sent: Mapping[int, Any]) -> list[list[Json]]:
    """``[source, target, argument, local]`` each: ``local`` is a number, of arrays an object, None without derivative.

    Beyond that, what it adds to the gradient of its source, where the page could not tell.
    """
    left = {"edges": JACOBIANS, "work": WORK}
    beside = [BESIDE * len(edges) for edges in graph._incoming]
    found = [
        [edge.source.index, edge.target.index, edge.index, _local(edge, left, beside[edge.target.index])]
        for edge in graph.edges
    ]
    for position, told in sent.items():
        if "matrix" not in found[position][-1]:
            found[position].append(told)
    return found


def _local(edge: GraphEdge, left: dict[str, int], beside: int) -> Json:
    if not carries(edge):
        return None
    if edge.local_derivative is not None:
        return scalar_data(edge.local_derivative)
    work = beside + sum(math.prod(result.shape) for node in (edge.source, edge.target) for result in node.results)
    if left["edges"] <= 0 or work > left["work"]:
        return {}
    left["edges"] -= 1
    left["work"] -= work
    jacobian = edge.jacobian
    if jacobian is None:
        return {}
    found: dict[str, Json] = {"shape": list(jacobian.shape)}
    if jacobian.norm is not None:
        found["norm"] = scalar_data(jacobian.norm, 7)
        found["estimate"] = bool(jacobian.is_estimate)
    if jacobian.matrix is not None:
        found["matrix"] = [[scalar_data(entry, 9) for entry in row] for row in jacobian.matrix]
    return found


def _tree(root: Group, count: int) -> dict[str, Json]:
    """Groups in groups, built from the innermost. Of a small graph scopes alone: repetitions and stretches dissolve."""
    flat = count <= FLAT
    left = set(range(count))
    done: dict[int, dict[str, Json]] = {}
    for group in reversed(list(root.walk())):
        nodes, groups = list(group.nodes), []
        left.difference_update(nodes)
        for inner in group.groups:
            found = done.pop(id(inner))
            if flat and inner.kind != SCOPE:
                nodes.extend(found["nodes"])
                groups.extend(found["groups"])
            else:
                groups.append(found)
        done[id(group)] = {
            "name": shorten(group.name) or group.kind,
            "kind": group.kind,
            "size": group.size,
            "nodes": sorted(nodes),
            "groups": groups,
        }
        if group.repeats > 1:
            done[id(group)]["repeats"] = group.repeats
    done[id(root)]["nodes"] += sorted(left)  # what stands in no group: a Variable that nothing uses
    return done[id(root)]
