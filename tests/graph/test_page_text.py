"""The page as a file: what it holds, where it is written, what it does not do."""

import gc
import json
import re
import time
import weakref
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.graph.html.page import SCRIPTS
from autograd_core.graph.palette import STYLES

from .pages import HOSTILE, chain_graph, hostile, large

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "autograd_core" / "graph" / "html"


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def node_of(page, title):
    return next(node for node in data_of(page)["nodes"] if node["title"] == title)


class Markup(HTMLParser):
    """Elements of a page, and the text in them."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_data(self, data):
        if self.elements:
            self.elements[-1][2].append(data)


def test_without_a_path_the_text_is_returned():
    page = chain_graph().to_html()
    assert page.startswith("<!DOCTYPE html>")
    assert "%%" not in page.split('<script type="application/json"')[0]


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_with_a_path_the_page_is_written(tmp_path, kind):
    path = tmp_path / "g.html"
    graph = chain_graph()
    assert graph.to_html(kind(path)) == path
    assert path.read_text(encoding="utf-8") == graph.to_html()


@pytest.mark.parametrize("name", ["g.svg", "g", "g.html.txt"])
def test_another_ending_raises(tmp_path, name):
    with pytest.raises(ag.GraphError, match=r"Graph.to_html: expected a name that ends in .html; got 'g"):
        chain_graph().to_html(tmp_path / name)


def test_a_folder_that_is_not_there_raises(tmp_path):
    with pytest.raises(ag.GraphError, match=r"there is no folder .*nowhere; make it first"):
        chain_graph().to_html(tmp_path / "nowhere" / "g.html")


def test_a_folder_instead_of_a_file_raises(tmp_path):
    (tmp_path / "g.html").mkdir()
    with pytest.raises(ag.GraphError, match="cannot be written: Is a directory"):
        chain_graph().to_html(tmp_path / "g.html")


def test_a_file_that_cannot_be_written_raises(tmp_path):
    with pytest.raises(ag.GraphError, match=r"cannot be written: .* Give another path"):
        chain_graph().to_html(tmp_path / ("x" * 300 + ".html"))


@pytest.mark.parametrize("bad", [{"path": 3}, {"title": 3}, {"title": b"t"}])
def test_what_is_no_text_raises(bad):
    with pytest.raises(ag.ConversionError, match=r"Graph.to_html: (path|title) must be a string.*; got a (int|bytes)"):
        chain_graph().to_html(**bad)


def test_the_title_is_the_targets_or_as_given():
    assert "<title>Graph of loss</title>" in chain_graph().to_html()
    assert "<title>&lt;b&gt; &amp; co</title>" in chain_graph().to_html(title="<b> & co")


def test_the_page_asks_for_nothing():
    """No address but that of SVG's namespace, and a policy that allows no connection."""
    page = chain_graph().to_html()
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}
    for _, attributes, _ in Markup(page).elements:
        assert not {"src", "onclick", "onload", "style"} & set(attributes)
        assert attributes.get("href", "#").startswith(("#", "data:,"))
    assert "default-src 'none'" in page


def test_the_program_reads_no_markup_and_evaluates_no_text():
    page = chain_graph().to_html()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", page)


def test_what_the_page_is_made_of_is_in_the_wheel():
    patterns = re.findall(r'"(graph/html/[^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [path for path in HTML.iterdir() if path.is_file() and path.suffix != ".py"]
    assert {path.name for path in parts} == {"page.html", "page.css", *SCRIPTS}
    for path in parts:
        assert any(path.relative_to(ROOT / "autograd_core").match(pattern) for pattern in patterns)


def test_colours_are_those_of_the_drawing():
    css = (HTML / "page.css").read_text(encoding="utf-8").split('[data-theme="dark"]')[0].upper()
    for kind, style in STYLES.items():
        assert f"--{kind}: {style['fillcolor']};".upper() in css
        assert f"--{kind}-line: {style['color']};".upper() in css


def test_hostile_names_are_data():
    page = hostile().to_html(title=HOSTILE[0])
    elements = Markup(page).elements
    assert [attributes.get("type") for tag, attributes, _ in elements if tag == "script"] == ["application/json", None]
    assert not [tag for tag, _, _ in elements if tag in ("img", "b")]
    assert page.isascii() or max(map(ord, page.split('id="data">')[1].split("</script>")[0])) < 128
    names = {node.get("name") or node["title"] for node in data_of(page)["nodes"]}
    assert {HOSTILE[0], HOSTILE[1], "two lines and a tab", HOSTILE[4], HOSTILE[5], "half a pair \ufffd"} <= names


def test_nothing_of_a_large_array_but_what_is_told_of_it():
    x = ag.Variable(np.arange(1_000_000.0).reshape(1000, 1000), name="x")
    with ag.GradientTape():
        y = x.sum()
    page = ag.graph(y).to_html()
    assert len(page) < len(chain_graph().to_html()) + 1000
    value = node_of(page, "x")["value"]
    assert value["shape"] == [1000, 1000]
    assert [value["min"], value["max"], value["mean"]] == [0, 999_999, 499_999.5]
    assert value["norm"] == pytest.approx(np.linalg.norm(np.arange(1e6)), rel=1e-6)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float64(0.1), 0.1),
        (np.float32("nan"), "nan"),
        (-np.inf, "-inf"),
        (1 - 2j, "1-2j"),
        (np.array([1.0, np.nan]), {"shape": [2], "entries": [1, "nan"]}),
        (np.zeros((0, 3)), {"shape": [0, 3], "entries": []}),
        (
            np.full(100, np.inf),
            {"shape": [100], "min": "inf", "max": "inf", "mean": "inf", "norm": "inf", "broken": 100},
        ),
        (np.full(100, 60000, np.float16), {"shape": [100], "min": 60000, "max": 60000, "mean": 60000, "norm": 600000}),
    ],
)
def test_values_are_as_json_can_say_them(value, shown):
    x = ag.Variable(value, name="x")
    with ag.GradientTape():
        y = x * 1.0
    found = node_of(ag.graph(y).to_html(), "x")["value"]
    if isinstance(shown, dict) and "norm" in shown and "broken" not in shown:
        assert {**found, "norm": pytest.approx(shown["norm"], rel=1e-3)} == shown
    else:
        assert found == shown


def test_integers_and_truth_values_stay_what_they_are():
    x = ag.Variable([1.0, -2.0], name="x")
    with ag.GradientTape():
        y = np.where(ag.constant([True, False]), x, 0.0)[ag.constant([1, 0]).numpy()]
    values = [node.get("value") for node in data_of(ag.graph(y).to_html())["nodes"]]
    assert {"shape": [2], "entries": ["True", "False"]} in values


def test_a_page_changes_no_gradient_and_keeps_nothing_alive():
    x = ag.Variable([1.0, 2.0])
    with ag.GradientTape(persistent=True) as tape:
        y = (np.sin(x) * x).sum()
    before = tape.gradient(y, x).numpy()
    graph = ag.graph(y, gradients=True)
    graph.to_html()
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), before)
    watched = weakref.ref(graph)
    del graph
    gc.collect()
    assert watched() is None


def test_a_graph_of_5000_nodes_is_written_in_two_seconds(tmp_path):
    graph = large()
    assert len(graph.nodes) > 5000
    start = time.perf_counter()
    path = graph.to_html(tmp_path / "g.html")
    assert time.perf_counter() - start < 2  # 0.3 s
    assert path.stat().st_size < 3_000_000


def test_a_deep_tree_of_scopes_is_written():
    """Scopes in scopes, deeper than Python's stack."""
    x = ag.Variable(1.0)
    scopes = [ag.name_scope(f"s{depth}") for depth in range(400)]
    with ag.GradientTape():
        y = x
        for scope in scopes:
            scope.__enter__()
            y = y * 2.0
        for scope in reversed(scopes):
            scope.__exit__(None, None, None)
    assert '"s399"' in ag.graph(y).to_html()


@pytest.mark.parametrize("gradients", [False, True])
def test_the_page_holds_the_gradients_of_the_tape(gradients):
    """Also where the graph was made without them."""
    rng = np.random.default_rng(0)
    w, b = ag.Variable(rng.normal(size=(3, 4)), name="w"), ag.Variable(1.5, name="b")
    with ag.GradientTape() as tape:
        h = np.tanh(ag.constant(rng.normal(size=(2, 3))) @ w + b)
        parts = np.split(h, 2, axis=1)
        y = (parts[0] * parts[1]).sum() + (w * b).sum()
    expected = dict(zip("wb", tape.gradient(y, [w, b]), strict=True))
    page = ag.graph(y, gradients=gradients).to_html()
    np.testing.assert_allclose(node_of(page, "w")["gradient"]["entries"], expected["w"].numpy().ravel(), rtol=1e-6)
    assert node_of(page, "b")["gradient"] == pytest.approx(float(expected["b"]))
