"""Data for training, drawn element by element or batch by batch.

``Dataset.from_tensor_slices((x, y)).shuffle(1000).batch(32).prefetch(nn.data.AUTOTUNE)``: a dataset is made in steps,
each of which gives a new one; iterating runs through it once, and again as often as asked. Names, arguments and
meaning are TensorFlow's.
"""

from .dataset import Dataset
from .step import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
from .structure import TensorSpec

__all__ = ["AUTOTUNE", "Dataset", "INFINITE_CARDINALITY", "TensorSpec", "UNKNOWN_CARDINALITY"]
