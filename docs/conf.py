"""How Sphinx builds the site: `python dev.py docs`."""

import inspect
from pathlib import Path

from docutils.parsers.rst import Directive

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.ops.table import FAMILIES, TABLE

project = "autograd-core"
author = "The autograd-core authors"
copyright = "2026, the autograd-core authors"
release = version = ag.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "autograd-core"
html_static_path = ["_static"]
html_css_files = ["wide.css"]  # code of 120 columns beside the text

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as they are written, not as they print
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"  # types where the docstring names the parameter
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False  # "Tensor; shape of x without axis" is prose, not a type to link


class Primitives(Directive):
    """Tables made from the rows of operations: `.. primitives:: kinks`, `all` or `functions`."""

    required_arguments = 1

    def run(self):
        head, rows = {"kinks": kinks, "all": primitives, "functions": functions}[self.arguments[0]]()
        lines = [".. list-table::", "   :header-rows: 1", "   :class: wide", ""]
        for row in (head, *rows):
            lines += [f"   {'*' if column == 0 else ' '} - {text}" for column, text in enumerate(row)]
        self.state_machine.insert_input([*lines, ""], "the table of operations")
        return []


def literal(text: str) -> str:
    return f"``{text}``" if text else ""


def shown(doc: str) -> str:
    """What a row says of its value: a sentence as it is, a formula as code."""
    escaped = "".join(f"\\{letter}" if letter in "*`|\\" else letter for letter in doc)
    return escaped if doc.endswith(".") else literal(doc) or "as NumPy's"


def kinks():
    return ("operation", "value", "at its kinks"), [
        (literal(row.name), shown(row.doc), row.kink) for row in sorted(TABLE, key=lambda r: r.name) if row.kink
    ]


def primitives():
    return ("operation", "value", "derivative"), [
        (literal(row.name), shown(row.doc), "no" if row.vjps is None else "yes") for row in TABLE
    ]


def functions():
    spaces = (("", anp), ("linalg.", anp.linalg), ("fft.", anp.fft), ("special.", anp.special))
    rows = []
    for family in FAMILIES:
        names = [
            next(prefix + name for prefix, space in spaces if getattr(space, name, None) is getattr(family, name))
            for name in getattr(family, "__all__", ())
        ]
        if names:
            about = inspect.getdoc(family).partition("\n\n")[0].replace("\n", " ").rstrip(".")
            rows.append((about, ", ".join(map(literal, sorted(names)))))
    return ("family", "functions"), rows


def draw_pictures(app) -> None:
    """Make the pictures of the pages; where Graphviz is missing the pages go without."""
    x, w, b, y_true = ag.constant(2.0), ag.Variable(3.0), ag.Variable(1.0), ag.constant(4.0)
    with ag.GradientTape():
        loss = abs(y_true - (x * w + b))
    folder = Path(app.srcdir, "_generated")
    folder.mkdir(exist_ok=True)
    try:
        ag.graph(loss, names={"x": x, "w": w, "b": b, "y_true": y_true, "loss": loss}).render(folder / "chain_rule.svg")
        app.tags.add("pictures")
    except ag.AutogradError as error:
        print(f"no pictures: {error}")


def setup(app) -> None:
    app.add_directive("primitives", Primitives)
    app.connect("builder-inited", draw_pictures)
