"""What a layer must know of the call it is part of: whether it is a training step, and which outermost call it is.

A model is called with ``training=True``; the dropout inside, called by the model without it, has to know. So the
argument is kept for the time of the call, in a context variable (each thread has its own). This is the only thing in
``nn`` that is not handed over as an argument: without it a model whose author forgot to hand ``training`` on would
train without dropout and not say so.
"""

from __future__ import annotations

from contextvars import ContextVar


class Call:
    """One call of a layer, and what holds for the calls inside."""

    __slots__ = ("outermost", "training")

    def __init__(self, training: bool | None, outer: Call | None):
        self.training = training
        self.outermost: Call = self if outer is None else outer.outermost


current: ContextVar[Call | None] = ContextVar("current_call", default=None)
