"""How Sphinx builds the site: `python dev.py docs`."""

import inspect
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.inspect import stringify_signature

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.ops.table import FAMILIES, TABLE
from demos import draw_graphs

project = "autograd-core"
author = "The autograd-core authors"
copyright = "2026, the autograd-core authors"
release = version = ag.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "autograd-core"
html_math_renderer = "mathml"  # browsers set it by themselves: the pages need no script from elsewhere
html_static_path = ["_static"]
html_extra_path = ["_generated/extra"]  # the pages of the gallery, made below
Path(__file__).parent.joinpath(*html_extra_path).mkdir(parents=True, exist_ok=True)
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
    pages = folder / "extra" / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    try:
        for make in draw_graphs.GRAPHS:
            name, _, graph, options = make()
            graph.to_html(pages / f"{name}.html", title=name.replace("_", " "))
            graph.render(folder / ("chain_rule_both.svg" if name == "chain_rule" else f"{name}.svg"), **options)
        ag.graph(loss, names={"x": x, "w": w, "b": b, "y_true": y_true, "loss": loss}).render(folder / "chain_rule.svg")
        app.tags.add("pictures")
    except ag.AutogradError as error:
        print(f"no pictures: {error}")


def constructor(app, what, name, obj, options, signature, returned):
    """Signature of a class as Python has it. Sphinx shows that of ``__new__``, which may be ``*args, **kwargs``."""
    if what != "class" or not signature or not signature.startswith("(*args"):
        return None
    return stringify_signature(inspect.signature(obj), show_annotation=False), returned


def link_pointers(app, what, name, obj, options, lines) -> None:
    """Make links of "see ``Name``", "as for ``Name``" and "those of ``Name``" in docstrings."""
    lines[:] = [
        re.sub(r"(\b[Ss]ee|\b[Aa]s for|\b[Tt]hose of) ``([A-Za-z_][\w.]*)``", r"\1 :py:obj:`.\2`", line)
        for line in lines
    ]


def show_formula(writer, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML."""
    block = isinstance(node, nodes.math_block)
    formula = tex2mathml(node.astext(), as_block=block)
    writer.body.append(f'<div class="math">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def setup(app) -> None:
    app.add_directive("primitives", Primitives)
    app.add_html_math_renderer("mathml", (show_formula, None), (show_formula, None))
    app.connect("builder-inited", draw_pictures)
    app.connect("autodoc-process-signature", constructor)
    app.connect("autodoc-process-docstring", link_pointers)
