"""``vmap``: a function of one example becomes a function of many, without a loop in Python."""

from .transform import vmap

__all__ = ["vmap"]
