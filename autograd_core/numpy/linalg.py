"""``numpy.linalg`` on Tensors."""

from __future__ import annotations

from numpy.linalg import LinAlgError as LinAlgError

from ..ops.decompositions import *
from ..ops.exponential_of_matrices import *
from ..ops.linalg import *
from ..ops.symmetric import *
from ..ops.triangular import *
