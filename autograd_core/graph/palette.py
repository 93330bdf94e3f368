"""Colours and outlines: tints of the Okabe-Ito palette, which colour-blind readers tell apart.

Kinds differ by fill, and by an outline that is left in grey. Text on every fill has a contrast of 7:1 or more.
"""

from __future__ import annotations

from .elements import CONSTANT, INPUT, OPERATION, TARGET, VARIABLE
from .groups import REPEAT, SCOPE, STEP, STRETCH

STYLES = {
    INPUT: {"fillcolor": "#D3EBF8", "color": "#0072B2", "style": "filled", "penwidth": "1.2"},
    VARIABLE: {"fillcolor": "#FCE7B8", "color": "#9A6A00", "style": "filled", "penwidth": "2.4"},
    CONSTANT: {"fillcolor": "#F4F4F4", "color": "#767676", "style": "filled,dashed", "penwidth": "1"},
    OPERATION: {"fillcolor": "#FFFFFF", "color": "#404040", "style": "filled,rounded", "penwidth": "1.2"},
    TARGET: {"fillcolor": "#C4E8DC", "color": "#00694D", "style": "filled,rounded", "peripheries": "2"},
}
"""One per kind of node."""

_FOLDED = {"fillcolor": "#F3E3ED", "color": "#8A3F6A", "style": "filled", "penwidth": "1.6"}
GROUP_STYLES = {
    SCOPE: {**_FOLDED, "shape": "tab"},
    REPEAT: {**_FOLDED, "shape": "box3d"},
    STEP: {**_FOLDED, "shape": "tab", "style": "filled,dashed"},
    STRETCH: {**_FOLDED, "shape": "note"},
}
"""One per kind of closed group."""

GRADIENT_STYLE = {"fillcolor": "#FBE3D6", "color": "#A33B00", "style": "filled,rounded", "penwidth": "1.2"}
"""Of the nodes in the backward half."""

CLUSTER_STYLES = {
    SCOPE: {"color": "#8C8C8C", "style": "rounded", "bgcolor": "#FAFAFA", "penwidth": "1"},
    REPEAT: {"color": "#8A3F6A", "style": "rounded,dashed", "bgcolor": "#FCF7FA", "penwidth": "2"},
}
"""Of scopes that are open, and repetitions that are shown once."""

FONT = "Helvetica,Arial,sans-serif"
INK = "#404040"
QUIET = "#505050"  # on all fills at least 6:1
PALE = "#767676"
DERIVATIVE = "#A33B00"  # the vermilion of the palette, dark enough to be read
MARK = "#C0392B"

_COLD, _WARM = (255, 255, 255), (245, 184, 65)  # gets darker all the way, so that grey shows the same


def heat_color(part: float) -> str:
    """From white for 0 to the orange of the palette for 1."""
    part = min(max(part, 0.0), 1.0)
    return "#" + "".join(f"{round(cold + part * (warm - cold)):02X}" for cold, warm in zip(_COLD, _WARM, strict=True))
