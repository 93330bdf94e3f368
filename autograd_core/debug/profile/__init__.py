"""``profile``: where time and memory go, forward and backward; ``what_keeps``: why an array is still there.

- ``recorder``: steps in where operations are applied and walks are made, as ``record_details`` does; ``walks`` looks at
  the clock between the nodes of a walk.
- ``strand``: what one thread has measured: ``sites`` (an operation at a line in a scope), and every event in order.
- ``memory``: which arrays recordings hold, and since when.
- ``rows``, ``table``, ``speedscope``: what is made of it for people; ``session`` is the ``Profile`` that has it all.
- ``keeps``, ``holders``, ``naming``: which tapes, Nodes, Tensors and containers keep an array alive.
"""

from .keeps import what_keeps
from .session import Profile, profile

__all__ = ["Profile", "profile", "what_keeps"]
