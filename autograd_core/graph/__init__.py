"""Diagrams: what was recorded, as a graph to look at, with the local derivative on every edge.

``elements`` and ``model`` are what a graph is; ``build`` makes one from recorded Nodes, ``local`` asks the rules for
local derivatives; ``paths`` and ``condense`` are questions to a graph. ``dot`` draws one and ``render`` makes a picture
of the drawing; nothing else knows of either.
"""

from .build import graph
from .elements import GraphEdge, GraphNode
from .model import Graph
from .paths import Path, Paths

__all__ = ["Graph", "GraphEdge", "GraphNode", "Path", "Paths", "graph"]
