"""Prefetch: a background thread that makes the next elements while the last one is being used.

The thread and the iterator share a `_Buffer` and nothing else. So the iterator can be garbage-collected while the
thread runs, and that (or the end of the program) stops the thread: it never waits for someone who has gone.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any

from .step import AUTOTUNE, Step

__all__ = ["Prefetch"]

_AUTO_SIZE = 2  # one being used, one ready, one being made; more only smooths uneven steps, and costs memory
_PATIENCE = 1.0  # seconds that stopping waits for an element half made


class Prefetch(Step):
    """Elements made ahead of time, at most ``size`` (``Dataset.prefetch``)."""

    def __init__(self, source: Step, size: int):
        super().__init__(source)
        self.source = source
        self.size = _AUTO_SIZE if size == AUTOTUNE else size

    def __iter__(self) -> Iterator[Any]:
        return _Ahead(self.source, self.size) if self.size else iter(self.source)

    def cardinality(self) -> int:
        return self.source.cardinality()

    def spec(self) -> Any:
        return self.source.spec()


class _Ahead(Iterator[Any]):
    """What the consumer sees."""

    def __init__(self, source: Step, size: int):
        self._buffer = _Buffer(size)
        thread = threading.Thread(target=_fill, args=(source, self._buffer), name="nn.data.prefetch", daemon=True)
        # Called when this is garbage-collected, and at the latest when the program ends.
        self._stop = weakref.finalize(self, _stop, self._buffer, thread)
        thread.start()

    def __next__(self) -> Any:
        try:
            return self._buffer.get()
        except BaseException:  # the end, the source's own error, or Ctrl-C here: nothing more is asked for
            self._stop()
            raise

    def close(self) -> None:
        """Stop the thread."""
        self._stop()


class _Buffer:
    """Elements between two threads: the producer waits for room, the consumer for an element."""

    def __init__(self, size: int):
        self._size = size
        self._items: deque[Any] = deque()
        self._ended = False  # nothing more will come
        self._error: BaseException | None = None  # that ended it
        # Its lock may be taken twice by one thread: garbage collection can call `stop` from within `put`.
        self._changed = threading.Condition(threading.RLock())

    def put(self, item: Any) -> bool:
        """Add an item; whether anyone wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._items) < self._size)
            if not self._ended:
                self._items.append(item)
                self._changed.notify_all()
            return not self._ended

    def get(self) -> Any:
        """The next item; raises StopIteration at the end, or the error that ended it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._items)
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            error, self._error = self._error, None
        if error is None:
            raise StopIteration
        try:
            raise error
        finally:
            del error  # else the traceback, this frame and the error would hold one another

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more will come; what is there can still be got."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
                self._changed.notify_all()

    def stop(self) -> None:
        """Nothing more is wanted."""
        with self._changed:
            self._ended = True
            self._items.clear()
            self._changed.notify_all()


def _fill(source: Step, buffer: _Buffer) -> None:
    """What the thread does."""
    try:
        for element in source:
            if not buffer.put(element):
                return
    except BaseException as error:
        buffer.end(error)
    else:
        buffer.end()


def _stop(buffer: _Buffer, thread: threading.Thread) -> None:
    buffer.stop()
    # Garbage collection may run in the very thread.
    if thread is not threading.current_thread() and thread.ident is not None:
        thread.join(_PATIENCE)
