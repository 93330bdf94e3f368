"""``numpy.linalg`` on Tensors."""

from __future__ import annotations

from ..ops.decompositions import *
from ..ops.linalg import *
