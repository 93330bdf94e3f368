"""Small data sets to learn and test with.

``mnist`` (handwritten digits), ``fashion_mnist`` (clothes) and ``clusters`` (points in the plane). Each has a
``load_data()`` that returns NumPy arrays.
"""

from nn.datasets import clusters, fashion_mnist, mnist

__all__ = ["clusters", "fashion_mnist", "mnist"]
