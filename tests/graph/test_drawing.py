"""The drawing and its files: what stands in them, how texts are escaped, and which program draws."""

import os
import re
import stat
import sys
from xml.dom import minidom

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.graph import render
from autograd_core.graph.elements import KINDS
from autograd_core.graph.groups import GROUP_KINDS
from autograd_core.graph.palette import GRADIENT_STYLE, GROUP_STYLES, QUIET, STYLES, heat_color
from autograd_core.graph.text import number, shorten
from tests.graph.helpers import chain_rule

needs_graphviz = pytest.mark.skipif(not render.can_draw(), reason="neither dot nor pygraphviz is installed")


def example(**keywords):
    p = chain_rule()
    return ag.graph(p.loss, names=p.names, **keywords)


def texts_of(svg):
    """The texts of a picture, in order; reading it holds that it is well-formed."""
    page = minidom.parseString(svg)
    return ["".join(child.data for child in text.childNodes).strip() for text in page.getElementsByTagName("text")]


def tooltips_of(svg):
    return [link.getAttribute("xlink:title") for link in minidom.parseString(svg).getElementsByTagName("a")]


def named(name):
    """Graph of one Variable of that name, and an operation named the same."""
    w = ag.Variable(3.0, name=name)
    with ag.GradientTape():
        y = w * 5.0
    return ag.graph(y, names={name: y})


# -- the drawing -------------------------------------------------------------------------------------------------------


def test_the_source_runs_from_left_to_right():
    source = example().draw().source
    assert re.search(r"\brankdir=LR\b", source)
    assert re.search(r"\brankdir=TB\b", example().draw("TB").source)
    with pytest.raises(ag.DomainError, match="direction must be one of LR, TB, RL, BT; got 'sideways'"):
        example().draw("sideways")


def test_one_colour_and_outline_per_kind():
    """Five kinds, five fills that differ; in grey the outlines differ."""
    assert set(STYLES) == set(KINDS)
    assert set(GROUP_STYLES) == set(GROUP_KINDS)
    assert len({style["fillcolor"] for style in STYLES.values()}) == 5
    every = [*STYLES.values(), *GROUP_STYLES.values()]
    outlines = [{k: v for k, v in style.items() if k not in ("fillcolor", "color")} for style in every]
    assert all(outlines.count(outline) == 1 for outline in outlines)


def luminance(color):
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


FILLS = [style["fillcolor"] for style in (*STYLES.values(), *GROUP_STYLES.values(), GRADIENT_STYLE)]


@pytest.mark.parametrize("fill", [*FILLS, *(heat_color(part / 5) for part in range(6))])
def test_text_stands_out_from_every_fill(fill):
    """At least 7:1 for the black text and 4.5:1 for the grey one (WCAG 2)."""
    behind = luminance(fill) + 0.05
    assert behind / 0.05 > 7
    assert behind / (luminance(QUIET) + 0.05) > 4.5


def test_warmer_is_darker():
    """So that heat is left in grey."""
    shades = [luminance(heat_color(part / 10)) for part in range(11)]
    assert shades == sorted(shades, reverse=True)
    assert shades[0] > 1.5 * shades[-1]


@needs_graphviz
def test_the_picture_of_the_chain_rule_example():
    """6, 7, 3 on the nodes and 1, 1, 1, 2 on the edges."""
    texts = texts_of(example().condense()._repr_svg_())
    for name, value in (("x", "2"), ("w", "3"), ("b", "1"), ("y_true", "4"), ("x1", "6"), ("x2", "7"), ("loss", "3")):
        assert value in texts[texts.index(name) : texts.index(name) + 3], name
    labels = re.findall(r"d (\S+) / d (\S+) = (\S+?)\"", example().condense()._repr_svg_())
    assert set(labels) == {("x1", "w", "2"), ("x2", "x1", "1"), ("x2", "b", "1"), ("loss", "x2", "1")}


@needs_graphviz
def test_what_a_node_shows():
    """Operation with its parameters, shape and dtype; small values in full, large ones not; the gradient on request."""
    small, large = ag.Variable([1.0, 2.5, -0.33333333], name="small"), ag.Variable(np.zeros((3, 4), "f4"), name="large")
    with ag.GradientTape():
        y = small.sum() + large.sum(axis=(0, 1)) * 2
    texts = texts_of(ag.graph(y, gradients=True)._repr_svg_())
    for text in (
        "[1, 2.5, -0.3333]",
        "(3,) float64",
        "(3, 4) float32",
        "gradient [1, 1, 1]",
        "number",
        "scalar float64",
    ):
        assert text in texts, text
    assert any(text.startswith("sum(axis=") for text in texts)
    assert not any("0, 0, 0" in text for text in texts)


@needs_graphviz
def test_a_matrix_has_a_line_for_each_row():
    w = ag.Variable([[1.0, 2.0], [3.0, 4.0]])
    with ag.GradientTape():
        y = w * 2.0
    texts = texts_of(ag.graph(y)._repr_svg_())
    first = texts.index("[[1, 2],")
    assert texts[first + 1] == "[3, 4]]"


AWKWARD = [
    'a "quote"', "it's", "back\\slash", "\\N and \\G and \\l", "ends in \\", "<script>alert(1)</script>", "<b>bold</b>",
    "&amp; &", "]]>", "{a|b}", "<", "naïve ∂ 数", "emoji 🎉", "%s {0} {}", "--> node edge",
]  # fmt: skip


@needs_graphviz
@pytest.mark.parametrize("name", AWKWARD)
def test_a_name_is_shown_as_it_is_written(name):
    """In the picture, and in the tooltips (where a backslash is one that Graphviz leaves alone)."""
    svg = named(name)._repr_svg_()
    assert texts_of(svg).count(name) == 2
    assert sum(name.replace("\\", "∖") in tip for tip in tooltips_of(svg)) >= 2
    assert "<script" not in svg


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines\tand\rmore", "two lines and more"),
        ("x" * 10_000, "x" * 31 + "…"),
        ("a\x00b\x1bc\ud800d\ufffee", "a�b�c�d�e"),
        ("\u202eright to left", "�right to left"),
        ("  ", ""),
    ],
)
def test_what_cannot_be_shown_is_replaced(name, shown):
    assert shorten(name) == shown


@needs_graphviz
@pytest.mark.parametrize("name", ["two\nlines", "x" * 10_000, "\x00\ud800\uffff", "\u202e", " ", ""])
def test_a_name_that_cannot_be_shown_still_draws(name):
    assert texts_of(named(name)._repr_svg_()).count(shorten(name) or "variable") >= 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.0, "6"), (-0.0, "0"), (1 / 3, "0.3333"), (10000.0, "10000"), (1.5e6, "1.5e+06"), (123456.7, "1.235e+05"),
        (1e-10, "1e-10"), (float("inf"), "inf"), (float("nan"), "nan"), (np.float32(0.1), "0.1"), (7, "7"),
        (True, "True"), (1 - 2j, "1-2j"), (np.int64(10**12), "1e+12"), (np.bool_(False), "False"),
    ],
)  # fmt: skip
def test_numbers_have_four_significant_digits(value, text):
    assert number(value) == text


# -- files -------------------------------------------------------------------------------------------------------------


@needs_graphviz
@pytest.mark.parametrize(("name", "start"), [("g.svg", b"<?xml"), ("g.png", b"\x89PNG"), ("g.PDF", b"%PDF")])
def test_formats_by_suffix(tmp_path, name, start):
    path = example().render(tmp_path / name)
    assert path == tmp_path / name
    assert path.read_bytes().startswith(start)
    assert os.listdir(tmp_path) == [name]


def test_the_source_needs_no_program(tmp_path, without_graphviz):
    assert example().render(str(tmp_path / "g.dot")).read_text(encoding="utf-8").startswith("digraph")


@pytest.mark.parametrize("name", ["g", "g.jpeg", "g.svg.gz"])
def test_an_unknown_suffix_raises(tmp_path, name):
    with pytest.raises(
        ag.GraphError, match=rf"cannot tell the format from '{re.escape(name)}'.*\.svg, \.png, \.pdf or"
    ):
        example().render(tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_is_not_there_raises(tmp_path):
    with pytest.raises(ag.GraphError, match="there is no folder"):
        example().render(tmp_path / "none" / "g.svg")


@needs_graphviz
def test_a_large_graph_is_folded(tmp_path):
    w = ag.Variable(1.0, name="w")
    with ag.GradientTape():
        y = w
        for _ in range(1000):
            y = y + w
    svg = ag.graph(y).render(tmp_path / "g.svg").read_text(encoding="utf-8")
    assert "999 of 1,001 nodes are folded: add × 999 (999 nodes)." in texts_of(svg)


@pytest.fixture
def without_graphviz(monkeypatch):
    """Neither the program nor the package."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def test_with_neither_program_the_source_is_written_and_the_error_says_what_to_install(tmp_path, without_graphviz):
    with pytest.raises(ag.MissingExtraError, match=r'pip install "autograd-core\[draw\]"') as caught:
        example().render(tmp_path / "g.svg")
    assert (tmp_path / "g.dot").read_text(encoding="utf-8").startswith("digraph")
    assert str(tmp_path / "g.dot") in str(caught.value)
    assert os.listdir(tmp_path) == ["g.dot"]


def test_jupyter_shows_the_text_with_neither_program(without_graphviz):
    assert example()._repr_svg_() is None


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a program called ``dot`` on the PATH that does what the test says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(script):
        path = folder / "dot"
        path.write_text(f"#!{sys.executable}\n{script}", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)

    return put


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
def test_the_program_is_used_where_there_is_one(tmp_path, program, monkeypatch):
    """Before the package, which need not be there."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    program("import sys; sys.stdout.write(' '.join(sys.argv[1:]) + ' ' + sys.stdin.read()[:7])")
    assert example().render(tmp_path / "g.svg").read_text() == "-Kdot -Tsvg digraph"


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
def test_what_a_failing_program_says_is_passed_on(tmp_path, program):
    program("import sys; sys.exit('no fonts today')")
    with pytest.raises(ag.GraphError, match=r"`dot` could not draw SVG\. It says: no fonts today"):
        example().render(tmp_path / "g.svg")


@pytest.mark.parametrize(
    ("end", "said"), [("sys.exit('no fonts today')", "no fonts today"), ("import os; os.abort()", "")]
)
def test_a_broken_package_is_told(tmp_path, monkeypatch, end, said):
    """Also one that ends its process: it is not this one."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(render, "_CHILD", f"import sys; {end}")
    with pytest.raises(ag.GraphError, match=f"pygraphviz could not draw PNG. It says: {said}"):
        example().render(tmp_path / "g.png")
