"""The table of operations: one module per family, one row per primitive.

Each module offers ``ROWS`` (its primitives), ``OVERLOADS`` (NumPy function -> ours) and ``__all__`` (its public
functions). ``TABLE`` puts the rows together: the checks, the documentation's tables and the tests are made from it.
"""
