"""Diagrams: what was recorded, as a graph to look at, with the local derivative on every edge.

``elements``, ``origins`` and ``model`` are what a graph is; ``build`` makes one from recorded Nodes, ``local`` and
``jacobians`` ask the rules for local derivatives. ``paths`` (with ``products``), ``condense`` and ``subgraph`` are
questions to a graph, ``export`` (``schema``) hands it to other programs, ``fold`` says which of its groups are shown as
one box. ``dot`` draws one, ``render`` makes a picture of the drawing and ``html`` a page; nothing else knows of these.
"""

from .build import graph
from .elements import GraphEdge, GraphNode
from .jacobians import LocalJacobian
from .model import Graph
from .paths import Path, Paths
from .render import drawing_to_svg, render_drawing

__all__ = [
    "Graph",
    "GraphEdge",
    "GraphNode",
    "LocalJacobian",
    "Path",
    "Paths",
    "drawing_to_svg",
    "graph",
    "render_drawing",
]
