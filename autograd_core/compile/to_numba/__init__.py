"""The emitter for Numba: a program as loop nests, products and calls in compiled functions."""
