"""Whether users' operations are probed: ``probing``, and what keeps a probe from probing itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_wanted: ContextVar[bool] = ContextVar(
    "autograd_core_probing", default=os.environ.get("AUTOGRAD_CORE_PROBE", "1").strip().lower() not in {"0", "false"}
)

is_on = _wanted.get
"""Whether an operation that is used for the first time here is probed."""


class probing:  # noqa: N801  # used as a function
    """Context manager, or decorator: probe users' operations inside, or do not.

    An operation of the user's own (``primitive``, ``custom_gradient``) is probed when a tape first records it: a few
    calls find out whether its rules fit what it computes, and one that is wrong is refused. Switch it off where
    a gradient is meant to be another one, for a single operation with ``probe=False`` in its decorator, for all with
    the environment variable ``AUTOGRAD_CORE_PROBE=0``.

    Parameters
    ----------
    on : bool

    Examples
    --------
    >>> import autograd_core as ag
    >>> @ag.custom_gradient
    ... def steep(x):
    ...     return x * x, lambda upstream: upstream * 100.0
    >>> with ag.probing(False):
    ...     print(ag.grad(steep)(3.0))
    100.0
    """

    def __init__(self, on: bool = True):
        self.on = bool(on)
        self._tokens: list[Token[bool]] = []

    def __call__(self, f: F) -> F:
        """``f`` with probing on, or off, whenever it is called: as a decorator."""

        @wraps(f)
        def within(*args: Any, **keywords: Any) -> Any:
            with probing(self.on):
                return f(*args, **keywords)

        return within  # type: ignore[return-value]  # of the same signature

    def __enter__(self) -> probing:
        self._tokens.append(_wanted.set(self.on))
        return self

    def __exit__(self, *exc_info: object) -> None:
        _wanted.reset(self._tokens.pop())
