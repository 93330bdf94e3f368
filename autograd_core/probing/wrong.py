"""Wrong: how the checks say that an operation is refused."""

from __future__ import annotations

from .report import Check


class Wrong(Exception):  # noqa: N818  # a finding, that ends the probe; users see ProbeError
    """A property does not hold; the text is the reason."""

    def __init__(self, check: Check, reason: str):
        super().__init__(reason)
        self.check = check
