"""Pictures: what stands in the SVG of a graph, forward and backward, folded, coloured, highlighted; and where.

The texts are read from the SVG. Whether they fit their boxes is measured in a browser, where there is one.
"""

import gc
import re
import time
import warnings
import weakref
from xml.dom import minidom

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.graph import render
from autograd_core.graph.palette import MARK
from autograd_core.graph.text import shorten
from tests.graph.helpers import chain_rule
from tests.graph.pages import HOSTILE
from tests.graph.test_drawing import AWKWARD, texts_of, tooltips_of
from tests.graph.test_folding import irregular, long_short_term_memory, recurrent

pytestmark = pytest.mark.skipif(not render.can_draw(), reason="neither dot nor pygraphviz is installed")


NAMES = [*AWKWARD, *HOSTILE]


def chain(**keywords):
    p = chain_rule()
    return ag.graph(p.loss, names=p.names, **keywords).condense()


def svg_of(graph, **options):
    return render.picture(graph.draw(**options), "svg").decode("utf-8")


def labels_of(svg):
    """The texts of each node and each edge, by the name of it: n0, n0->n2."""
    found = {}
    for group in minidom.parseString(svg).getElementsByTagName("g"):
        if group.getAttribute("class") in ("node", "edge", "cluster"):
            title = group.getElementsByTagName("title")[0].firstChild.data
            texts = ["".join(child.data for child in text.childNodes) for text in group.getElementsByTagName("text")]
            found.setdefault(title, []).extend(text.strip() for text in texts)
    return found


def by_titles(svg):
    """Labels of edges, by the titles of the nodes at their ends."""
    labels = labels_of(svg)
    titles = {name: texts[0] for name, texts in labels.items() if texts and re.fullmatch(r"[ng]\d+", name)}
    edges = {tuple(titles[end] for end in name.split("->")): texts for name, texts in labels.items() if "->" in name}
    return titles, edges


def layered(count=3, **keywords):
    """A small network, each layer in a scope."""
    x = ag.constant(np.ones((2, 3)))
    with ag.GradientTape(**keywords):
        with ag.name_scope("model"):
            for number in range(count):
                with ag.name_scope(f"layer_{number}"):
                    x = np.tanh(x @ ag.Variable(np.full((3, 3), 0.1), name=f"w{number}"))
        loss = (x * x).sum()
    return ag.graph(loss, names={"loss": loss}, gradients=True)


# -- the chain rule ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_chain_rule_forward(direction):
    """6, 7, 3 on the nodes and 1, 1, 1, 2 on the edges."""
    titles, edges = by_titles(svg_of(chain(), direction=direction))
    values = {texts[0]: texts[2] for texts in labels_of(svg_of(chain())).values() if len(texts) > 3}
    assert values == {"x": "2", "w": "3", "x1": "6", "b": "1", "x2": "7", "y_true": "4", "loss": "3"}
    assert edges == {
        ("w", "x1"): ["2"], ("x1", "x2"): ["1"], ("b", "x2"): ["1"], ("x2", "loss"): ["1"],
        ("x", "x1"): [], ("y_true", "loss"): [],
    }  # fmt: skip
    assert len(titles) == 7


@pytest.mark.parametrize("gradients", [False, True])
def test_the_chain_rule_backward(gradients):
    """Beside each value its gradient, on each edge turned around what is multiplied there."""
    svg = svg_of(chain(gradients=gradients), backward=True)
    _, edges = by_titles(svg)
    backward = {ends: texts for ends, texts in edges.items() if ends[0].startswith("∂")}
    assert backward == {
        ("∂ loss / ∂ w", "∂ loss / ∂ x1"): ["1 × 2 = 2"],
        ("∂ loss / ∂ x1", "∂ loss / ∂ x2"): ["1 × 1 = 1"],
        ("∂ loss / ∂ b", "∂ loss / ∂ x2"): ["1 × 1 = 1"],
        ("∂ loss / ∂ x2", "∂ loss / ∂ loss"): ["1 × 1 = 1"],
    }
    assert {ends: texts for ends, texts in edges.items() if not ends[0].startswith("∂")} == by_titles(svg_of(chain()))[
        1
    ]
    values = {texts[0]: texts[1] for texts in labels_of(svg).values() if texts and texts[0].startswith("∂")}
    assert values == {
        f"∂ loss / ∂ {name}": value for name, value in zip(["w", "x1", "b", "x2", "loss"], "21111", strict=True)
    }
    assert {"forward", "backward"} <= set(texts_of(svg))


def test_gradients_flow_against_the_edges():
    """The arrows of the backward half point to where the forward ones come from, and both halves run side by side."""
    svg = svg_of(chain(), backward=True)
    heads, places = {}, {}
    for group in minidom.parseString(svg).getElementsByTagName("g"):
        title = group.getElementsByTagName("title")
        if group.getAttribute("class") == "edge":
            corners = group.getElementsByTagName("polygon")[0].getAttribute("points").split()
            heads[title[0].firstChild.data] = float(corners[1].split(",")[0])
        elif group.getAttribute("class") == "node":
            text = group.getElementsByTagName("text")[0]
            places[title[0].firstChild.data] = float(text.getAttribute("x"))
    for name, head in heads.items():
        source, target = (places[end] for end in name.split("->"))
        nearer = source if name.startswith("g") else target
        assert abs(head - nearer) < abs(head - (source + target - nearer))
        if name.startswith("g"):
            assert abs(source - places[name.split("->")[0].replace("g", "n")]) < 30


def test_what_a_gradient_adds_up():
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = x * x - 3.0 * x
    labels = labels_of(svg_of(ag.graph(y, names={"y": y}), backward=True))
    assert ["∂ y / ∂ x", "2 + 2 - 3 = 1", "scalar float64"] in labels.values()
    assert ["-1 × 3 = -3"] in labels.values()


def test_arrays_backward():
    """Small contributions by their entries, large gradients by their norm."""
    small, large = ag.Variable([1.0, 2.0], name="small"), ag.Variable(np.ones((3, 4)), name="large")
    with ag.GradientTape():
        y = (small * small).sum() + large.sum()
    labels = labels_of(svg_of(ag.graph(y, gradients=True), backward=True))
    assert ["∂ add / ∂ small", "[2, 4]", "(2,) float64"] in labels.values()
    assert ["∂ add / ∂ large", "norm 3.464", "(3, 4) float64"] in labels.values()
    assert ["[1, 2]", "[1, 2]"] in labels.values()  # two edges


def test_backward_without_gradients_raises():
    """Unless they are products of numbers."""
    w = ag.Variable([1.0, 2.0])
    with ag.GradientTape():
        y = (w * w).sum()
    with pytest.raises(ag.GraphError, match=r"this graph has none.*gradients=True"):
        ag.graph(y).draw(backward=True)


# -- edges -------------------------------------------------------------------------------------------------------------


def test_local_jacobians_on_edges():
    """Entries of a small one, the norm of a large one; its shape in the tooltip."""
    small, large = ag.Variable([1.0, 2.0], name="v"), ag.Variable(np.ones((30, 40)), name="m")
    with ag.GradientTape():
        y = small * 3.0
        z = large * 2.0
    svg = svg_of(ag.graph([y, z]))
    assert ["[[3, 0],", "[0, 3]]"] in labels_of(svg).values()
    assert ["|J| = 69.28"] in labels_of(svg).values()
    tips = tooltips_of(svg)
    assert "d multiply / d v: Jacobian of shape (2, 2) = [[3, 0], [0, 3]]" in tips
    assert any("d multiply / d m: Jacobian of shape (30, 40, 30, 40), Frobenius norm 69.28" in tip for tip in tips)


def test_norms_of_very_large_jacobians_are_left_out():
    """They would take long."""
    w = ag.Variable(np.ones((1000, 600)))
    with ag.GradientTape():
        y = np.tanh(w)
    assert "|J|" not in svg_of(ag.graph(y))


def test_two_arguments_from_one_node_are_two_edges():
    x = ag.Variable(3.0)
    with ag.GradientTape():
        y = x * x
    assert svg_of(ag.graph(y)).count('class="edge"') == 2


# -- scopes ------------------------------------------------------------------------------------------------------------


def test_scopes_are_clusters():
    svg = svg_of(layered())
    assert svg.count('class="cluster"') == 4
    assert [texts[0] for name, texts in labels_of(svg).items() if name.startswith("cluster")] == [
        "model", "layer_0", "layer_1", "layer_2",
    ]  # fmt: skip
    assert svg_of(layered(), scopes=False).count('class="cluster"') == 0


@pytest.mark.parametrize(
    ("collapsed", "boxes"),
    [
        (["layer_1"], {"layer_1"}),
        ("layer_1", {"layer_1"}),
        (["layer_0", "model/layer_2"], {"layer_0", "layer_2"}),
        ([("model", "layer_2")], {"layer_2"}),
        (["model"], {"model"}),
        ((), set()),
    ],
)
def test_scopes_collapse_to_a_box(collapsed, boxes):
    """Which says how much is in it, and what comes out; the note tells."""
    svg = svg_of(layered(), collapsed=collapsed)
    texts = texts_of(svg)
    shown = {texts[at - 1] for at, text in enumerate(texts) if text.startswith("scope: ")}
    assert shown == boxes
    assert any(text.startswith("scope: 2 operations, 1 Variable") for text in texts) == bool(boxes - {"model"})
    assert any("nodes are folded" in text for text in texts) == bool(boxes)


@pytest.mark.parametrize(
    ("collapsed", "error", "said"),
    [
        (["layer_7"], ag.GraphError, "no scope of this graph is called 'layer_7'; there are model, model/layer_0"),
        ([3], ag.ConversionError, "collapsed takes names of scopes.*got a int"),
        ([()], ag.ConversionError, "got an empty tuple"),
    ],
)
def test_scopes_that_are_not_there(collapsed, error, said):
    with pytest.raises(error, match=said):
        layered().draw(collapsed=collapsed)
    with pytest.raises(ag.GraphError, match="it has none"):
        chain().draw(collapsed=["encoder"])


@pytest.mark.parametrize("options", [{}, {"collapsed": [(name,) for name in NAMES]}, {"backward": True}])
def test_names_of_scopes_are_text(options):
    """As clusters, as boxes, in tooltips, and in the note."""
    x = ag.Variable(2.0)
    with ag.GradientTape():
        for name in NAMES:
            with ag.name_scope(name):
                x = np.sin(x) * 2.0
        y = x + 1.0
    svg = svg_of(ag.graph(y), budget=None, **options)
    texts = texts_of(svg)
    assert [shorten(name) or "scope" for name in NAMES if (shorten(name) or "scope") not in texts] == []
    assert "<script" not in svg
    assert "<img" not in svg


# -- folded ------------------------------------------------------------------------------------------------------------


def test_a_repetition_is_a_cluster_with_its_count():
    svg = svg_of(recurrent(28))
    texts = texts_of(svg)
    assert texts.count("× 28") == 1
    assert {"next", "first", "last"} <= set(texts)
    assert "162 of 175 nodes are folded: matmul … tanh × 28 (1 of 28 is shown)." in texts
    assert svg.count('class="node"') == 13


def test_values_that_differ_from_time_to_time_are_not_shown():
    """Only numbers that are the same in all repetitions."""
    x = ag.Variable(1.0, name="x")
    with ag.GradientTape():
        y = x
        for step in range(50):
            y = np.tanh(y * 2.5) + float(step)
        y = y * 4.0
    labels = labels_of(svg_of(ag.graph(y), budget=20))
    constants = [texts for texts in labels.values() if "constant" in texts]
    assert ["2.5", "constant", "number"] in constants
    assert ["constant", "number"] in constants


def test_a_folded_repetition_backward():
    svg = svg_of(recurrent_with_gradients(), backward=True)
    assert texts_of(svg).count("× 28") == 2
    assert "before" in texts_of(svg)


def recurrent_with_gradients():
    w = ag.Variable(np.full((3, 3), 0.1), name="w")
    with ag.GradientTape():
        h = np.ones((2, 3))
        for _ in range(28):
            h = np.tanh(h @ w) * 0.5 + 0.25
        loss = h.sum()
    return ag.graph(loss, gradients=True)


# -- heat and highlights -----------------------------------------------------------------------------------------------


def test_heat_by_memory():
    texts = texts_of(svg_of(layered(), heat="memory"))
    assert "48 bytes" in texts
    assert "Colour: memory, from white for 0 to orange for 72 bytes." in texts


def test_heat_by_gradient():
    """A vanishing gradient is white."""
    x = ag.Variable(20.0, name="x")
    with ag.GradientTape():
        y = np.tanh(x) * 2.0
    svg = svg_of(ag.graph(y, gradients=True), heat="gradient")
    assert any(text.startswith("gradient norm") for text in texts_of(svg))
    drawing = ag.graph(y, gradients=True).draw(heat="gradient").source
    white = [line for line in drawing.splitlines() if 'fillcolor="#FFFFFF"' in line]
    assert any(">x<" in line for line in white)


def test_heat_by_time():
    with ag.record_details(), ag.GradientTape():
        x = np.sin(ag.Variable(np.ones(10_000), name="x")).sum()
    svg = svg_of(ag.graph(x), heat="time")
    assert sum(text.endswith(" µs") or text.endswith(" ms") for text in texts_of(svg)) == 2
    assert "Colour: time, from white for 0 to orange for" in svg
    assert any(re.fullmatch(r"sin: operation, .10000,. float64, test_pictures.py:\d+", tip) for tip in tooltips_of(svg))


def test_heat_without_times():
    with pytest.raises(ag.GraphError, match="heat='time' has nothing to show: no operation of this graph was timed"):
        layered().draw(heat="time")


@pytest.mark.parametrize(
    ("heat", "error", "said"),
    [
        ("weight", ag.DomainError, "heat must be one of time, memory, gradient, or None; got 'weight'"),
        ("gradient", ag.GraphError, r"has no gradients.*gradients=True"),
    ],
)
def test_heat_that_there_is_none_of(heat, error, said):
    with pytest.raises(error, match=said):
        chain().draw(heat=heat)


def test_the_path_between_two_nodes_is_highlighted():
    graph = chain()
    source = graph.draw(highlight=("w", "x2")).source
    marked = {line.split()[0] for line in source.splitlines() if MARK in line and "->" not in line}
    assert {graph.nodes[int(name[1:])].name for name in marked} == {"w", "x1", "x2"}
    assert sum(MARK in line for line in source.splitlines() if "->" in line) == 2
    assert "Highlighted: the path (products add up to 2) from w to x2." in source


def test_several_paths_are_highlighted_and_counted():
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = x * x + 3.0 * x
    graph = ag.graph(y, names={"y": y})
    assert "Highlighted: 3 paths (products add up to 7) from x to y." in graph.draw(highlight=("x", y)).source
    path = graph.paths(x)[2]
    source = graph.draw(highlight=path).source
    assert "Highlighted: the path from x to y, product 3." in source
    assert sum(MARK in line for line in source.splitlines() if "->" in line) == 2


@pytest.mark.parametrize(
    ("highlight", "error", "said"),
    [
        (("loss", "w"), ag.GraphError, "no path leads from loss to w. Do they stand in the other order"),
        (("w", "v"), ag.GraphError, "'v' is not a node of this graph"),
        ("w", ag.ConversionError, "a pair .source, target. or a Path of this graph; got 'w'"),
        (("w",), ag.ConversionError, "got a tuple"),
    ],
)
def test_what_cannot_be_highlighted(highlight, error, said):
    with pytest.raises(error, match=said):
        chain().draw(highlight=highlight)


def test_a_path_of_another_graph_is_not_highlighted():
    path = chain().paths("w")[0]
    with pytest.raises(ag.GraphError, match="is not a node of this graph"):
        chain().draw(highlight=path)


# -- nothing else ------------------------------------------------------------------------------------------------------


def test_drawing_changes_no_gradient_and_records_nothing():
    w = ag.Variable([1.0, 2.0], name="w")
    with ag.GradientTape(persistent=True) as tape:
        y = np.tanh(w * w).sum()
        before = len(tape.graph().nodes)
        graph = ag.graph(y, gradients=True)
        graph.draw(backward=True, heat="gradient", highlight=("w", y), budget=3)
        assert len(tape.graph().nodes) == before
    np.testing.assert_allclose(tape.gradient(y, w), 2 * w * (1 - np.tanh(w * w) ** 2), rtol=1e-12)


def test_a_graph_that_was_drawn_and_dropped_is_gone():
    """With every option: nothing is kept between drawings."""
    w = ag.Variable(np.ones((4, 4)), name="w")
    with ag.GradientTape():
        with ag.name_scope("s"):
            y = np.tanh(w @ w)
        y = y.sum()
    graph = ag.graph(y, gradients=True)
    kept = weakref.ref(graph), weakref.ref(graph.nodes[1].value), weakref.ref(graph.nodes[0].gradient)
    svg_of(graph, backward=True, heat="memory", highlight=("w", y), collapsed=["s"])
    del graph, y
    gc.collect()
    assert [reference() for reference in kept] == [None, None, None]


def test_the_mnist_model_in_a_second():
    """Wall time of a second on a free machine; process time, where others work beside it."""
    model = nn.Sequential(
        [
            nn.layers.Dense(512, activation="relu", input_shape=(784,)),
            nn.layers.Dropout(0.2),
            nn.layers.Dense(512, activation="relu"),
            nn.layers.Dense(10, activation="softmax"),
        ]
    )
    x, labels = (
        np.random.default_rng(0).normal(size=(128, 784)).astype("f4"),
        np.eye(10, dtype="f4")[np.arange(128) % 10],
    )
    with ag.GradientTape():
        loss = nn.losses.CategoricalCrossentropy()(labels, model(x, training=True))
    graph = ag.graph(loss)
    svg_of(graph)  # imports
    start = time.process_time()
    svg = svg_of(graph)
    assert time.process_time() - start < 1
    assert {"dense", "dropout", "dense_1", "dense_2"} <= set(texts_of(svg))


# -- in a browser ------------------------------------------------------------------------------------------------------

MEASURE = """
(() => {
  const sides = (r, text) => [r.left, r.right, r.top, r.bottom, text];
  const box = (e) => sides(e.getBoundingClientRect(), e.textContent.trim());
  const wide = (a, b) => Math.min(a[1], b[1]) - Math.max(a[0], b[0]);
  const high = (a, b) => Math.min(a[3], b[3]) - Math.max(a[2], b[2]);
  const found = [];
  for (const group of document.querySelectorAll('g.node, g.cluster')) {
    const shapes = [...group.querySelectorAll('polygon, path, ellipse')].map(box);
    const edge = [0, 1, 2, 3].map((i) => (i % 2 ? Math.max : Math.min)(...shapes.map((shape) => shape[i])));
    for (const text of [...group.querySelectorAll('text')].map(box))
      if (text[0] < edge[0] - 1 || text[1] > edge[1] + 1 || text[2] < edge[2] - 2 || text[3] > edge[3] + 2)
        found.push(['leaves its box', text[4], text, edge]);
  }
  const texts = [...document.querySelectorAll('text')].map(box);
  const nodes = [...document.querySelectorAll('g.node')].map(box);
  texts.forEach((text, i) => texts.slice(0, i).forEach((other) => {
    if (wide(text, other) > 1 && high(text, other) > 3) found.push(['overlap', text[4], other[4]]);
  }));
  for (const text of [...document.querySelectorAll('g.edge text')].map(box))
    for (const node of nodes)
      if (wide(text, node) > 1 && high(text, node) > 2) found.push(['label on a box', text[4], node[4]]);
  return found;
})()
"""


def named_badly():
    values = [ag.Variable(float(at), name=name) for at, name in enumerate([*AWKWARD, *HOSTILE, "W" * 40, "il" * 20])]
    with ag.GradientTape():
        y = values[0] * 2.0
        for value in values[1:]:
            with ag.name_scope(value.name):
                y = y + value * 2.0
    return ag.graph(y)


PICTURES = {
    "chain rule": (chain, {}),
    "chain rule, downwards": (chain, {"direction": "TB"}),
    "backward": (chain, {"backward": True}),
    "layers": (layered, {"heat": "memory", "highlight": ("w0", "loss")}),
    "layers, backward": (layered, {"backward": True, "direction": "TB"}),
    "layers, collapsed": (layered, {"collapsed": ["layer_1"]}),
    "recurrent": (lambda: recurrent(28), {}),
    "LSTM": (lambda: long_short_term_memory(28), {}),
    "stretches": (lambda: irregular(2000), {"budget": 30}),
    "bad names": (named_badly, {}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_texts_fit_their_boxes_and_do_not_overlap(browser, tmp_path, name):
    make, options = PICTURES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        svg = svg_of(make(), **options)
    page = tmp_path / "g.html"
    page.write_text("<!doctype html><meta charset=utf-8>" + svg[svg.index("<svg") :], encoding="utf-8")
    opened = browser.open(page.as_uri())
    try:
        assert opened.js(MEASURE) == []
        assert opened.errors == []
    finally:
        opened.close()
