"""The emitter for NumPy: a program as Python source that calls NumPy."""
