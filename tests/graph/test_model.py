"""What a graph holds: nodes, kinds, names, values, gradients; and that looking at it changes nothing."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import recording
from tests.graph.helpers import chain_rule, lists


def test_the_nodes_of_the_chain_rule_example():
    """Each value stands after those it was computed from, with its kind, operation and value."""
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    shown = {
        node.name: (node.kind, node.operation, node.value if np.ndim(node.value) else float(node.value))
        for node in graph.nodes
    }
    assert shown == {
        "x": ("constant", None, 2.0),
        "w": ("variable", None, 3.0),
        "x1": ("operation", "multiply", 6.0),
        "b": ("variable", None, 1.0),
        "x2": ("operation", "add", 7.0),
        "y_true": ("constant", None, 4.0),
        None: ("operation", "subtract", -3.0),
        "loss": ("target", "absolute", 3.0),
    }
    assert [node.index for node in graph.nodes] == list(range(8))
    assert all(edge.source.index < edge.target.index for edge in graph.edges)
    assert {(node.shape, node.dtype) for node in graph.nodes} == {((), np.dtype("float64"))}
    assert graph.targets == (graph.node("loss"),)


def test_the_edges_of_the_chain_rule_example():
    """Arguments in their order; a derivative wherever one is wanted."""
    p = chain_rule()
    assert lists(ag.graph(p.loss, names=p.names)) == [
        ("x", "x1", None), ("w", "x1", 2.0), ("x1", "x2", 1.0), ("b", "x2", 1.0),
        ("y_true", None, None), ("x2", None, -1.0), (None, "loss", -1.0),
    ]  # fmt: skip
    graph = ag.graph(p.loss)
    assert [edge.index for edge in graph.incoming(p.x1)] == [0, 1]


def test_names_may_be_all_locals():
    """What is no Tensor, or not in the graph, is passed over; a Variable's own name stays without one given."""
    w, elsewhere, text, number = ag.Variable(3.0, name="weight"), ag.constant(1.0), "w", 3.0
    with ag.GradientTape():
        y = w * number
    assert {node.name for node in ag.graph(y, names=locals()).nodes} == {"w", None, "y"}
    assert {node.name for node in ag.graph(y).nodes} == {"weight", None}


def test_a_name_for_a_number_is_not_guessed():
    """2.0 in a formula is not called x because x happens to be the same object."""
    x = 2.0
    w = ag.Variable(3.0)
    with ag.GradientTape():
        y = w * x
    constant = next(node for node in ag.graph(y, names={"x": x}).nodes if node.kind == "constant")
    assert constant.name is None
    assert constant.value == 2.0


def test_kinds():
    """A watched Tensor is an input; a Variable that is not trainable is a constant."""
    x, w, fixed = ag.constant(2.0), ag.Variable(3.0), ag.Variable(5.0, trainable=False)
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = x * w * fixed
    assert [node.kind for node in ag.graph(y).nodes] == ["input", "variable", "operation", "constant", "target"]


def test_a_constant_used_twice_is_one_node():
    """One array is one node; two numbers are two."""
    w, x = ag.Variable([1.0, 2.0]), ag.constant([3.0, 4.0])
    with ag.GradientTape():
        y = w * x * x + 1.0 * w + 1.0
    kinds = [node.kind for node in ag.graph(y).nodes]
    assert kinds.count("constant") == 3


def test_one_variable_read_under_two_frames_is_one_node():
    """Entering a second tape reads a Variable anew; its value is the same, and so is its node."""
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as outer:
        y = w * 2.0
        with ag.GradientTape():
            z = w * y
    graph = ag.graph(z, gradients=True)
    assert [node.name for node in graph.nodes if node.kind == "variable"] == ["w"]
    assert graph.paths(w).total == outer.gradient(z, w).item() == 12.0
    assert float(graph.node("w").gradient) == 12.0


def test_a_variable_assigned_in_between_is_two_nodes():
    """Two values are two nodes, though the array may be shared, and both count as the Variable."""
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape(persistent=True) as tape:
        y = w * 2.0
        w.assign(5.0)
        z = y * w
    graph = ag.graph(z)
    assert sorted(float(node.value) for node in graph.find(w)) == [3.0, 5.0]
    assert graph.paths(w).total == graph.paths("w").total == tape.gradient(z, w).item() == 16.0
    with pytest.raises(ag.GraphError, match=r"'w' stands for 2 nodes"):
        graph.node("w")


def test_two_variables_that_share_an_array_stay_two():
    value = ag.constant(3.0)
    a, b = ag.Variable(0.0).assign(value), ag.Variable(0.0).assign(value)
    with ag.GradientTape():
        y = a * b + a
    graph = ag.graph(y)
    assert graph.node(a) is not graph.node(b)
    assert (graph.paths(a).total, graph.paths(b).total) == (4.0, 3.0)


def test_an_operation_with_several_results():
    """Its node shows all shapes, and the nodes of the results follow."""
    a = ag.Variable(np.eye(3), name="a")
    with ag.GradientTape():
        q, r = np.linalg.qr(a)
        y = q * r
    graph = ag.graph(y, names={"q": q, "r": r}, gradients=True)
    qr = next(node for node in graph.nodes if node.operation == "qr")
    assert qr.shape is None
    assert qr.dtype is None
    assert qr.array is None
    assert qr.gradient is None
    assert [result.shape for result in qr.results] == [(3, 3), (3, 3)]
    assert graph.node("q").gradient.shape == (3, 3)
    assert [edge.source for edge in graph.incoming(q)] == [qr]


def test_an_operation_with_one_result_in_a_tuple_is_one_node():
    """custom_gradient and checkpoint keep a tuple; the graph shows the function and its result as one."""

    @ag.custom_gradient
    def steep(x):
        return x * 1.0, lambda upstream: upstream * 100.0

    w = ag.Variable(3.0)
    with ag.GradientTape():
        y = steep(w) + 0.0
    graph = ag.graph(y)
    assert "output" not in {node.operation for node in graph.nodes}
    assert next(node for node in graph.nodes if node.operation == "steep").shape == ()
    assert graph.paths(w).total == 100.0


def test_gradients_on_request():
    """Every node has the gradient that the tape gives for it; without asking, none has."""
    p = chain_rule()
    graph = ag.graph(p.loss, gradients=True)
    for value in (p.w, p.b, p.x1, p.x2, p.loss):
        assert graph.node(value).gradient == p.tape.gradient(p.loss, value).numpy()
    assert all(node.gradient is None for node in ag.graph(p.loss).nodes)
    assert all(node.gradient is None for node in graph.nodes if node.kind == "constant")


def test_the_gradient_of_a_complex_value_points_uphill():
    """d/dx + i d/dy, as the tape gives it."""
    z = ag.Variable(3.0 + 4.0j)
    with ag.GradientTape(persistent=True) as tape:
        y = abs(z * 2.0)
    graph = ag.graph(y, gradients=True)
    np.testing.assert_allclose(graph.node(z).gradient, tape.gradient(y, z).numpy())
    np.testing.assert_allclose(graph.paths(z).total, tape.gradient(y, z).numpy())
    assert graph.paths(z)[0].product is None


def test_several_targets():
    """A structure of targets is one graph; what was not recorded in it is left out."""
    w = ag.Variable(3.0)
    with ag.GradientTape():
        y, z = w * 2.0, w * w
    graph = ag.graph({"y": y, "more": [z, ag.constant(1.0)]})
    assert graph.targets == (graph.node(y), graph.node(z))
    assert graph.paths(w).total == 8.0


def test_a_target_that_others_use():
    w = ag.Variable(3.0)
    with ag.GradientTape():
        y = w * 2.0
        z = y * y
    graph = ag.graph([z, y])
    assert {node.kind for node in graph.targets} == {"target"}
    assert graph.paths(w).total == 24.0 + 2.0


def test_a_variable_as_target():
    """Read or not, it is a graph of one node."""
    w = ag.Variable(3.0, name="w")
    graph = ag.graph(w)
    assert [(node.kind, node.name) for node in graph.nodes] == [("variable", "w")]
    assert graph.paths(w).total == 1.0
    assert recording.current() is None


def test_a_target_that_was_not_recorded_raises():
    with pytest.raises(ag.GraphError, match=r"nothing of the target was recorded \(shape \(2,\) float64\)"):
        ag.graph(ag.constant([1.0, 2.0]))
    with pytest.raises(ag.GraphError, match="an empty structure"):
        ag.graph([])


@pytest.mark.parametrize("target", [3.0, np.ones(2), "loss", None])
def test_a_target_of_another_kind_raises(target):
    with pytest.raises(ag.ConversionError, match=f"the target is a {type(target).__name__}"):
        ag.graph(target)


# -- tape.graph --------------------------------------------------------------------------------------------------------


def test_everything_on_a_tape():
    """Its targets are the results that nothing else uses."""
    w = ag.Variable(3.0)
    with ag.GradientTape() as tape:
        y = w * 2.0
        z = y + 1.0
        other = y * y
    graph = tape.graph(names={"z": z, "other": other})
    assert [node.name for node in graph.targets] == ["z", "other"]
    assert len(graph.nodes) == 6


def test_an_empty_tape():
    with ag.GradientTape() as tape:
        pass
    graph = tape.graph()
    assert (graph.nodes, graph.edges, graph.targets) == ((), (), ())
    assert graph.draw().source
    assert str(graph)
    assert repr(graph) == "<Graph: 0 nodes, 0 edges, target none>"
    with pytest.raises(ag.GraphError, match="'w' is not a node of this graph; no node has a name"):
        graph.paths("w")


def test_a_tape_shows_what_it_tracks():
    """What only an outer tape tracks is a constant to the inner one."""
    w, x = ag.Variable(3.0, name="w"), ag.constant(2.0)
    with ag.GradientTape() as outer:
        y = w * w
        with ag.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(x)
            z = y * x
    names = {"x": x, "y": y, "z": z}
    assert lists(inner.graph(z, names=names)) == [("y", "z", None), ("x", "z", 9.0)]
    assert lists(outer.graph(z, names=names)) == [("w", "y", 3.0), ("w", "y", 3.0), ("y", "z", 2.0), ("x", "z", None)]


def test_a_tape_that_has_given_its_gradient_raises():
    w = ag.Variable(3.0)
    with ag.GradientTape() as tape:
        y = w * w
    tape.gradient(y, w)
    with pytest.raises(ag.TapeError, match="closed"):
        tape.graph(y)
    assert ag.graph(y).paths(w).total == 6.0  # the value itself still knows


def test_a_target_on_no_tape_or_another():
    w = ag.Variable(3.0)
    with ag.GradientTape() as tape:
        pass
    with ag.GradientTape():
        y = w * w
    with pytest.raises(ag.GraphError, match="nothing of the target was recorded on this tape"):
        tape.graph(y)
    with pytest.raises(ag.ConversionError, match="got a float"):
        tape.graph(3.0)


def test_a_variable_as_target_of_a_tape():
    w = ag.Variable(3.0)
    with ag.GradientTape() as tape:
        w * w
    assert [node.kind for node in tape.graph(w).nodes] == ["variable"]


# -- looking changes nothing -----------------------------------------------------------------------------------------


def test_looking_changes_no_gradient_and_records_nothing():
    """Inside the tape's block or after it."""
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape() as tape:
        y = w * w * w
        count = len(tape.graph().nodes)
        graph = ag.graph(y, gradients=True)
        str(graph), repr(graph), graph.draw(), graph.paths(w), graph.condense()
        assert len(tape.graph().nodes) == count
    assert tape.gradient(y, w).item() == 27.0


def test_a_dropped_graph_leaves_nothing():
    """Neither the graph nor what was recorded outlives its last use, without the garbage collector's help."""
    gc.collect()
    gc.disable()
    try:
        p = chain_rule()
        graph = ag.graph(p.loss, names=p.names, gradients=True)
        graph.draw(), graph.condense(), graph.paths(p.w)
        alive = [weakref.ref(graph), weakref.ref(p.loss.node), weakref.ref(p.x1.node), weakref.ref(p.w)]
        del p
        assert graph.node("x1").array == 6.0
        assert alive[2]() is None
        del graph
        assert [reference() for reference in alive] == [None] * 4
    finally:
        gc.enable()


def used(graph, w, folder):
    """Everything that is done with a graph."""
    str(graph), repr(graph), graph.draw(), graph.condense().to_json(), graph.to_dict(largest=None)
    graph.to_json(folder / "graph.json"), graph.render(folder / "graph.dot"), graph.to_html(folder / "graph.html")
    graph.draw(backward=True, heat="gradient"), graph.draw(budget=4), graph._repr_svg_()
    paths = graph.paths(w)
    str(paths), paths.total, paths.gradient, paths[0].jacobian
    graph.subgraph(graph.ancestors(graph.targets[0])), graph.descendants(w)
    return [edge.jacobian for edge in graph.edges]


def array_program(size=20):
    """A program with arrays, a loss and the arrays themselves."""
    w, x = ag.Variable(np.full((size, size), 0.01), name="w"), ag.Variable(np.ones((size, 3)), name="x")
    tape = ag.GradientTape(persistent=True)
    with tape:
        h = np.tanh(w @ x)
        y = np.sum(h * h + np.split(h, 2)[0].sum())
    return tape, w, h, y


def test_a_graph_that_was_used_leaves_nothing(tmp_path):
    """Values live as long as the graph, or what was asked of it, and no longer."""
    gc.collect()
    gc.disable()
    try:
        tape, w, h, y = array_program()
        alive = [weakref.ref(each) for each in (h.numpy(), h.node, y.node, w)]
        graph = ag.graph(y, names={"h": h}, gradients=True)
        kept = used(graph, w, tmp_path)
        inner = weakref.ref(graph.node("h").value)
        alive += [weakref.ref(graph), weakref.ref(graph.node("h").gradient)]
        del tape, w, h, y
        assert [reference() for reference in alive[1:4]] == [None] * 3  # of the tape there is nothing left
        assert inner() is not None
        del graph
        assert [reference() for reference in [*alive, inner]] == [None] * 7
        assert any(jacobian.norm for jacobian in kept if jacobian is not None)
    finally:
        gc.enable()


def test_networkx_keeps_no_more_than_it_shows():
    pytest.importorskip("networkx")
    tape, w, h, y = array_program()
    graph = ag.graph(y, names={"h": h})
    made = graph.to_networkx()
    alive = [weakref.ref(graph), weakref.ref(h.node), weakref.ref(w)]
    value = weakref.ref(graph.node("h").value)
    del tape, w, h, y, graph
    gc.collect()
    assert [reference() for reference in alive] == [None] * 3
    assert value() is not None
    del made
    gc.collect()
    assert value() is None


def test_fifty_graphs_take_no_more_memory_than_five(tmp_path):
    tape, w, h, y = array_program()

    def once():
        used(ag.graph(y, names={"h": h}, gradients=True), w, tmp_path)

    def after(times):
        for _ in range(times):
            once()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = after(5)
        assert after(50) - first < 100_000  # fifty graphs hold 1 MB; NumPy keeps some small blocks for later
    finally:
        tracemalloc.stop()
    assert tape.gradient(y, w) is not None


def test_threads_may_look_at_one_graph_and_build_their_own(tmp_path):
    """Of one tape, at the same time, while others record: everyone finds the same."""
    tape, w, h, y = array_program(4)
    shared = ag.graph(y, names={"h": h}, gradients=True)
    texts, faults = [], []

    def look(number):
        try:
            folder = tmp_path / str(number)
            folder.mkdir()
            for _ in range(5):
                with ag.GradientTape() as own:
                    z = w * 2.0
                used(shared, w, folder)
                graph = tape.graph(y, names={"h": h}, gradients=True)
                used(graph, w, folder)
                texts.append((shared.to_json(), shared.condense().to_json(), graph.to_json()))
                assert len(own.graph().nodes) == 3
                del z
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(texts) == 20
    assert len(set(texts)) == 1
    assert len({text for three in texts for text in three}) == 2


def test_condensing_while_another_thread_drops_what_was_recorded():
    """The Nodes that a graph knows vanish when nobody else keeps them: that must not disturb who looks."""
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    held = [chain_rule() for _ in range(2000)]
    many = ag.graph([each.loss for each in held])
    faults = []

    def look():
        try:
            for _ in range(5):
                many.condense([]), many.subgraph(many.targets), graph.condense()
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    while held:
        held.pop()
    thread.join()
    assert faults == []


def test_a_graph_of_many_nodes():
    """Built, asked and freed without recursion."""
    w = ag.Variable(1.0, name="w")
    with ag.GradientTape():
        y = w
        for _ in range(100_000):
            y = y * 1.0
    graph = ag.graph(y)
    assert len(graph.nodes) == 200_001
    assert len(graph.paths(w)[0].nodes) == 100_001
    assert [edge.local_derivative for edge in graph.condense().edges] == [1.0]


# -- finding and printing --------------------------------------------------------------------------------------------


def test_finding():
    """By name, Tensor, Variable or node; a constant by the Tensor it was given as."""
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    assert graph.node("x1") is graph.node(p.x1) is graph.node(graph.nodes[graph.node("x1").index])
    assert graph.node(p.x).kind == "constant"
    assert graph.node(p.w).name == "w"


def test_what_cannot_be_found_raises():
    p, other = chain_rule(), chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    with pytest.raises(
        ag.GraphError, match=r"'v' is not a node of this graph; named are w, x, x1, b, x2, y_true, loss"
    ):
        graph.paths("v")
    for stranger in (other.w, other.x1, other.x, ag.graph(other.loss).nodes[0]):
        with pytest.raises(ag.GraphError, match="is not a node of this graph"):
            graph.find(stranger)
    with pytest.raises(ag.ConversionError, match="cannot be found by a int"):
        graph.find(3)


# -- parts of a graph --------------------------------------------------------------------------------------------------


def test_ancestors_and_descendants():
    """Without the node itself, each once, in the order of the graph; of several nodes those of all."""
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    assert [node.name for node in graph.ancestors("x2")] == ["w", "x", "x1", "b"]
    assert [node.name for node in graph.descendants("x1")] == ["x2", None, "loss"]
    assert graph.ancestors(p.w) == graph.descendants("loss") == ()
    assert graph.ancestors(p.loss) == graph.nodes[:-1]
    twice = ag.graph(p.loss, names={"one": p.x1})
    assert twice.ancestors(twice.node("one")) == twice.nodes[:2]
    with pytest.raises(ag.GraphError, match="'v' is not a node"):
        graph.ancestors("v")
    with pytest.raises(ag.ConversionError, match="cannot be found by a list"):
        graph.descendants(["w"])


def test_the_ancestors_of_a_name_that_stands_for_several():
    """One of them may be an ancestor of another."""
    w = ag.Variable(3.0)
    with ag.GradientTape():
        y = w * 2.0
        w.assign(5.0)
        z = y * w
    graph = ag.graph(z, names={"y": y})
    assert [node.kind for node in graph.descendants(w)] == ["operation", "target"]


def test_a_subgraph():
    """Some nodes, the edges between them as they were, and the same ways to find them."""
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names, gradients=True)
    part = graph.subgraph(["w", p.x1, graph.node("x2"), "b"])
    assert lists(part) == [("w", "x1", 2.0), ("x1", "x2", 1.0), ("b", "x2", 1.0)]
    assert [edge.index for edge in part.edges] == [1, 0, 1]
    assert [node.index for node in part.nodes] == [0, 1, 2, 3]
    assert part.targets == (part.node("x2"),)
    assert part.paths(p.w).total == 2.0
    assert part.node(p.x1).value is graph.node(p.x1).value
    assert float(part.node("w").gradient) == 2.0
    assert part.node("x1").operation == "multiply"
    with pytest.raises(ag.GraphError, match="is not a node of this graph"):
        part.find(p.loss)
    assert part.subgraph(part.nodes).to_json() == part.to_json()
    assert graph.subgraph(graph.nodes).to_json() == graph.to_json()


def test_the_targets_of_a_subgraph():
    """Those of the graph that are in it; else what nothing in it was computed from."""
    p = chain_rule()
    graph = ag.graph([p.loss, p.x1], names=p.names)
    assert [node.name for node in graph.subgraph(["w", "x1", "x2"]).targets] == ["x1"]
    assert [node.name for node in graph.subgraph(["w", "b", "x2"]).targets] == ["w", "x2"]
    one = graph.subgraph("w")  # a name, not its letters
    assert [(node.name, node.kind) for node in one.targets] == [("w", "variable")]
    assert graph.subgraph(p.x1).nodes[0].name == "x1"
    assert graph.subgraph([]).nodes == ()
    assert graph.subgraph(iter(["w"])).draw().source


def test_a_subgraph_of_what_is_not_there_raises():
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    with pytest.raises(ag.GraphError, match="'v' is not a node of this graph"):
        graph.subgraph(["w", "v"])
    with pytest.raises(ag.ConversionError, match="cannot be found by a int"):
        graph.subgraph([0])
    with pytest.raises(ag.ConversionError, match=r"subgraph: expected names, .* got a int"):
        graph.subgraph(3)
    with pytest.raises(ag.ConversionError, match=r"condense: expected names, .* got a float"):
        graph.condense(keep=2.0)


def test_a_subgraph_of_a_condensed_graph_keeps_its_jacobians():
    _, w, h, y = array_program(2)
    graph = ag.graph(y, names={"h": h}).condense()
    part = graph.subgraph([w, "h"])
    assert part.edges[0].jacobian.matrix.shape == (6, 4)
    assert part.edges[0].jacobian.shape == (2, 3, 2, 2)
    np.testing.assert_array_equal(part.paths(w).total, graph.paths(w, h).total)


def test_the_text_of_a_graph():
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    assert repr(graph) == "<Graph: 8 nodes, 7 edges, target loss>"
    lines = str(graph).splitlines()
    assert lines[0].split() == ["#", "node", "kind", "operation", "value", "type", "from"]
    assert lines[3].split() == [
        "2",
        "x1",
        "operation",
        "multiply",
        "6",
        "scalar",
        "float64",
        "x,",
        "w",
        "(d",
        "=",
        "2)",
    ]
    assert len(lines) == 9
    w = ag.Variable(1.0)
    with ag.GradientTape():
        y = w
        for _ in range(1000):
            y = y + w
    assert str(ag.graph(y)).endswith("... and 941 more")
