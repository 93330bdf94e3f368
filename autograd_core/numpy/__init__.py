"""NumPy's functions on Tensors, as a namespace that also creates Tensors: ``import autograd_core.numpy as anp``.

Every function takes Tensors, Variables, arrays and numbers and returns Tensors. Code written for ``numpy``,
``autograd.numpy`` or ``jax.numpy`` runs on it; it follows the Array API standard.
"""

from __future__ import annotations

import numpy as _np

from ..ops.activations import *
from ..ops.affine import *
from ..ops.arithmetic import *
from ..ops.arranging import *
from ..ops.calling import *
from ..ops.comparison import *
from ..ops.complex_parts import *
from ..ops.convolution import *
from ..ops.creation import *
from ..ops.cross_entropy import *
from ..ops.differences import *
from ..ops.einsum import *
from ..ops.exponential import *
from ..ops.gathering import *
from ..ops.grids import *
from ..ops.indexing import *
from ..ops.joining import *
from ..ops.log_sums import *
from ..ops.missing import *
from ..ops.padding import *
from ..ops.pooling import *
from ..ops.products import *
from ..ops.recurrent import *
from ..ops.reductions import *
from ..ops.reshaping import *
from ..ops.rounding import *
from ..ops.scans import *
from ..ops.selection import *
from ..ops.signals import *
from ..ops.softmax import *
from ..ops.sorting import *
from ..ops.standardize import *
from ..ops.statistics import *
from ..ops.trigonometric import *
from ..tensor import Tensor as ndarray  # the name NumPy users look for
from . import fft, linalg, random, special

__array_api_versions__ = ("2023.12", "2024.12")

# Constants and dtypes are NumPy's own.
_SAME = (
    "pi e inf nan newaxis euler_gamma bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 "
    "float64 longdouble complex64 complex128 dtype finfo iinfo floating integer inexact number generic isdtype "
    "complexfloating signedinteger unsignedinteger intp int_ single double issubdtype isscalar iterable result_type "
    "can_cast promote_types broadcast_shapes ndindex s_ index_exp set_printoptions printoptions errstate "
    "__array_namespace_info__"
).split()
globals().update({_name: getattr(_np, _name) for _name in _SAME if hasattr(_np, _name)})  # some are new in NumPy 2.1
