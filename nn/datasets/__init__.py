"""Small data sets to learn and test with: ``mnist`` (handwritten digits) and ``clusters`` (points in the plane).

Each has a ``load_data()`` that returns NumPy arrays.
"""

from nn.datasets import clusters, mnist

__all__ = ["clusters", "mnist"]
