"""Which arrays the recordings hold: each counted once, however many Nodes and views refer to it.

Nodes are watched by weak references, so that nothing is kept alive by being watched. What belongs to the user, the
value of a Variable or of a watched Tensor, does not count: it would be there without any recording.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any
from weakref import ref

from numpy import ndarray

from ...node import Node
from .sites import Applied, Site


class Memory:
    """What the Nodes hold that were recorded by one thread.

    Attributes
    ----------
    changes : list of (float, int, Site)
        When, by how many bytes, and of which operation: in the order of time. What several hold, the first has.
    live : int
        Bytes held now.
    """

    def __init__(self, most: int):
        self.changes: list[tuple[float, int, Site]] = []
        self.live = 0
        self.noting = True
        self._most = most
        self._buffers: dict[int, list[Any]] = {}  # id of the owner -> [Nodes that hold it, bytes, site]
        self._watches: dict[Any, tuple[Applied, Any]] = {}  # weak reference to a Node -> and the buffers it holds
        self._gone = self._forget  # one bound method for all references

    def hold(self, node: Node, applied: Applied, now: float) -> None:
        """Watch a Node, and count what it holds; notes what it saves and gives."""
        value: Any = node.value
        saved = new = 0
        held: list[int] = []
        first: Any = None
        site = applied.site
        parents = node.parents
        at = -1
        for arg in node.args:  # zip and enumerate would take longer than all else that is done for a number
            at += 1
            if arg.__class__ is not ndarray or arg is first:
                continue
            first = arg
            saved += arg.nbytes if arg.base is None else min(arg.nbytes, owner_of(arg).nbytes)
            parent = parents[at]
            # What a parent gave is held by the parent, which the Node holds; or it is the user's, who watches it.
            if parent is None or parent.value is not arg:
                new += self._held(owner_of(arg), site, held)
        if value.__class__ is ndarray:
            applied.shape = value.shape
            given = value.nbytes
            key = id(value)
            if value.base is None and key not in self._buffers:  # the common case
                self._buffers[key] = [1, given, site]
                new += given
                held.append(key)
            else:
                new += self._held(owner_of(value), site, held)
        else:
            given = 0
            values = value if value.__class__ is tuple else ()
            applied.shape = tuple([each.shape for each in values]) if values else value.shape
            for each in values:
                given += each.nbytes
                new += self._held(owner_of(each), site, held)
        applied.saved_bytes = saved
        applied.result_bytes = given
        site.saved_bytes += saved
        self._watches[ref(node, self._gone)] = applied, held
        if new:
            self.live += new
            if len(self.changes) < self._most:
                self.changes.append((now, new, site))

    def _held(self, owner: ndarray, site: Site, held: list[int]) -> int:
        """Count one more that holds the memory of ``owner``; how many bytes that is more."""
        key = id(owner)
        held.append(key)
        entry = self._buffers.get(key)
        if entry is not None:
            entry[0] += 1
            return 0
        self._buffers[key] = [1, owner.nbytes, site]
        return owner.nbytes

    def _forget(self, watch: Any) -> None:
        _, held = self._watches.pop(watch)
        buffers = self._buffers
        for key in held:
            entry = buffers[key]
            entry[0] -= 1
            if not entry[0]:
                del buffers[key]
                self.live -= entry[1]
                if self.noting and len(self.changes) < self._most:
                    self.changes.append((perf_counter(), -entry[1], entry[2]))

    def held(self) -> dict[Site, int]:
        """Bytes held now, by the Site that has brought them."""
        found: dict[Site, int] = {}
        for _, size, site in list(self._buffers.values()):
            found[site] = found.get(site, 0) + size
        return found

    def alive(self) -> list[tuple[Node, Applied]]:
        """The watched Nodes that are still there, in the order of the recording."""
        found = [(watch(), applied) for watch, (applied, _) in list(self._watches.items())]
        return [(node, applied) for node, applied in found if node is not None]


def owner_of(array: ndarray) -> ndarray:
    """The array whose memory ``array`` is a view of."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array
