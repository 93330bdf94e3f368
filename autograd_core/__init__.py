"""autograd-core: reverse-mode automatic differentiation on NumPy.

A ``GradientTape`` records what is computed as a DAG of Variables and Nodes; the backward pass applies the chain rule
edge by edge. See the documentation's "How the engine works".
"""

from __future__ import annotations

from . import errors, numpy
from .dispatch import install as _install
from .errors import (
    AutogradError,
    AxisError,
    ConversionError,
    CotangentError,
    DataError,
    DataNotFoundError,
    DomainError,
    DtypeError,
    GradientCheckError,
    MissingExtraError,
    NotDifferentiableError,
    ShapeError,
    StaleValueError,
    StructureError,
    TapeError,
    UnsupportedError,
)
from .node import Node
from .tape import GradientTape
from .tensor import Tensor
from .variable import Variable

_install(numpy)

__version__ = "0.1.0"
