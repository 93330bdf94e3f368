"""The page: a graph as one HTML file that lays itself out, opens and closes scopes, and steps through the chain rule.

``data`` says what the page knows, with the gradients that ``pull`` finds; ``page`` puts the file together. The rest is
the page's own: ``page.html``, ``page.css`` and its program:

- ``elements.js``: making elements; ``numbers.js``: numbers and arrays as text; ``model.js``: nodes, edges, groups;
- ``layout.js``, ``ranks.js``, ``places.js``: where boxes and lines go; ``scene.js``: the SVG;
- ``walk.js``: forward and backward, step by step; ``paths.js``: paths between two nodes;
- ``state.js``, ``view.js``, ``details.js``, ``panels.js``, ``search.js``, ``page.js``: what people see and do.
"""

from .page import to_html

__all__ = ["to_html"]
