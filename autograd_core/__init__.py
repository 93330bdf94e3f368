"""autograd-core: reverse-mode automatic differentiation on NumPy.

A ``GradientTape`` records what is computed as a DAG of Variables and Nodes; the backward pass applies the chain rule
edge by edge. See the documentation's "How the engine works".
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import errors, numpy, tracing
from .batching import vmap
from .compile.function import function
from .compile.machine.threads import get_num_threads, set_num_threads
from .constants import constant, convert_to_tensor
from .control import cond, fori_loop, scan, while_loop
from .custom import custom_gradient, primitive
from .debug import Explanation, Profile, detect_anomaly, explain, explain_none, profile, what_keeps
from .details import record_details
from .dispatch import install as _install
from .errors import (
    AnomalyError,
    AutogradError,
    AxisError,
    ConversionError,
    CotangentError,
    DataError,
    DataNotFoundError,
    DomainError,
    DtypeError,
    GradientCheckError,
    GraphError,
    MissingExtraError,
    NotDifferentiableError,
    ProbeError,
    ShapeError,
    StaleValueError,
    StructureError,
    TapeError,
    TraceError,
    UnsupportedError,
)
from .formulas import Formula, formula
from .functional import elementwise_grad, grad, hessian, hvp, jacobian, jvp, stop_gradient, value_and_grad, vjp
from .graph import Graph, drawing_to_svg, graph, render_drawing
from .node import Node
from .probing import probing
from .recompute import checkpoint
from .scopes import name_scope
from .tape import GradientTape
from .tensor import Tensor
from .variable import Variable

if TYPE_CHECKING:
    from . import testing

_install(numpy)

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "testing":  # a third of the time that importing everything takes, and few programs ask for it
        return import_module(".testing", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "AnomalyError",
    "AutogradError",
    "AxisError",
    "ConversionError",
    "CotangentError",
    "DataError",
    "DataNotFoundError",
    "DomainError",
    "DtypeError",
    "Explanation",
    "Formula",
    "GradientCheckError",
    "GradientTape",
    "Graph",
    "GraphError",
    "MissingExtraError",
    "Node",
    "NotDifferentiableError",
    "Profile",
    "ProbeError",
    "ShapeError",
    "StaleValueError",
    "StructureError",
    "TapeError",
    "Tensor",
    "TraceError",
    "UnsupportedError",
    "Variable",
    "checkpoint",
    "cond",
    "constant",
    "convert_to_tensor",
    "custom_gradient",
    "detect_anomaly",
    "drawing_to_svg",
    "elementwise_grad",
    "errors",
    "explain",
    "explain_none",
    "fori_loop",
    "formula",
    "function",
    "get_num_threads",
    "grad",
    "graph",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "name_scope",
    "numpy",
    "primitive",
    "profile",
    "probing",
    "record_details",
    "render_drawing",
    "set_num_threads",
    "scan",
    "stop_gradient",
    "testing",
    "tracing",
    "value_and_grad",
    "vjp",
    "vmap",
    "what_keeps",
    "while_loop",
]
