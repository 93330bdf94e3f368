"""The chain rule on a graph: local derivatives, products along paths, their sum, and condensed graphs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from tests.graph.helpers import chain_rule, lists

# -- local derivatives -------------------------------------------------------------------------------------------------


def derivatives_of(function, *values, dtype="float64"):
    """Local derivatives of one operation with respect to its arguments."""
    variables = [ag.Variable(value, dtype=dtype) for value in values]
    with ag.GradientTape():
        y = function(*variables)
    return [edge.local_derivative for edge in ag.graph(y).edges if edge.source.kind == "variable"]


def test_local_derivatives_are_those_of_the_rules():
    """d(x*y) is (y, x), d(x/y) is (1/y, -x/y^2), and a cotangent that is a number stays one."""
    assert derivatives_of(lambda x, y: x * y, 2.0, 5.0) == [5.0, 2.0]
    assert derivatives_of(lambda x, y: x / y, 2.0, 4.0) == [0.25, -0.125]
    found = derivatives_of(lambda x: x * 3.0, 2.0, dtype="float32")[0]
    assert type(found) is float
    assert found == 3.0


def test_one_entry_of_any_number_of_axes_is_a_scalar():
    """Broadcasting sums over one entry."""
    assert derivatives_of(lambda x, y: x * y, [[2.0]], 5.0) == [5.0, 2.0]


def test_entries_read_and_written():
    """An index sends back a note instead of an array; the derivative is read from it."""
    x, y = ag.Variable([2.0]), ag.Variable(3.0)
    with ag.GradientTape():
        z = x * 4.0
        z[0] = y
        total = z[0] * 5.0
    graph = ag.graph(total)
    assert graph.paths(x).total == 0.0
    assert graph.paths(y).total == 5.0


def test_no_number_where_an_end_is_no_scalar():
    """Nor where it is complex: a derivative is then more than one real number."""
    assert derivatives_of(lambda x, y: x * y, [2.0, 3.0], 5.0) == [None, None]
    assert derivatives_of(lambda x: x * 1j, 2.0) == [None]
    assert derivatives_of(lambda x: x.sum(), [2.0, 3.0]) == [None]


def test_an_infinite_derivative_is_shown_and_a_zero_wins_over_it():
    """As in the backward walk, whichever of the two stands nearer to the target. And nothing warns."""
    w = ag.Variable(0.0)
    with ag.GradientTape(persistent=True) as tape:
        y = w**0.5
        z = y * 0.0
    graph = ag.graph(z)
    assert graph.incoming(y)[0].local_derivative == math.inf
    assert graph.paths(w).total == tape.gradient(z, w).item() == 0.0

    with ag.GradientTape(persistent=True) as tape:
        z = (w * 0.0) ** 0.5
    graph = ag.graph(z)
    assert [edge.local_derivative for edge in graph.edges if edge.source.kind != "constant"] == [0.0, math.inf]
    assert graph.paths(w).total == tape.gradient(z, w).item() == 0.0


def test_an_edge_without_a_rule_has_no_number():
    @ag.primitive
    def pick(x, y):
        return x * y

    pick.defvjp(lambda ct, ans, x, y: ct * y, None)
    assert derivatives_of(pick, 2.0, 5.0) == [5.0, None]


def test_a_checkpoint_that_can_no_longer_be_recomputed_has_no_number():
    """Nor does it keep the graph from being drawn."""
    w = ag.Variable(3.0)

    @ag.checkpoint
    def cube(x):
        return x * x * w

    x = ag.constant(2.0)
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = cube(x)
    assert ag.graph(y).paths(x).total == 12.0
    w.assign(4.0)
    assert ag.graph(y).paths(x).total is None


def test_rules_of_the_user_are_asked_where_nothing_records():
    """A rule that reads a Variable leaves no trace on the tape that is recording."""
    w, scale = ag.Variable(3.0), ag.Variable(2.0)

    @ag.custom_gradient
    def twice(x):
        return x * 2.0, lambda upstream: upstream * scale

    with ag.GradientTape() as tape:
        y = twice(w)
        before = len(tape.graph().nodes)
        assert ag.graph(y).paths(w).total == 2.0
        assert len(tape.graph().nodes) == before


# -- paths -----------------------------------------------------------------------------------------------------------


def test_the_paths_of_the_chain_rule_example():
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names).condense()
    (path,) = graph.paths("w", "loss")
    assert [node.name for node in path.nodes] == ["w", "x1", "x2", "loss"]
    assert [edge.local_derivative for edge in path.edges] == [2.0, 1.0, 1.0]
    assert path.product == graph.paths("w").total == 2.0
    assert str(path) == "w -> x1 -> x2 -> loss: 1 * 1 * 2 = 2"
    assert str(graph.paths("b")) == "b -> x2 -> loss: 1 * 1 = 1\nsum: 1"
    assert graph.paths("x").total is None  # a constant: no derivative is wanted
    assert str(graph.paths("x")) == "x -> x1 -> x2 -> loss"


def test_several_paths_add_up():
    """x*x + 3x at 2: two paths through the product, one beside it."""
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = x * x + 3.0 * x
    paths = ag.graph(y, names={"y": y}).paths(x)
    assert [path.product for path in paths] == [2.0, 2.0, 3.0]
    assert paths.total == 7.0
    assert len(paths) == 3
    assert paths[-1].product == 3.0
    assert len(paths[:2]) == 2


def test_no_path_and_the_path_of_no_length():
    """No path: the derivative is 0. A node to itself: 1."""
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names)
    assert (len(graph.paths("loss", "w")), graph.paths("loss", "w").total) == (0, 0.0)
    assert str(graph.paths("loss", "w")) == "no path\nsum: 0"
    (path,) = graph.paths("w", "w")
    assert (path.nodes, path.edges, path.product) == ((graph.node("w"),), (), 1.0)


def test_a_source_on_the_way_from_another():
    """Paths from both are given, those that pass through the other too."""
    x = ag.Variable(2.0)
    with ag.GradientTape():
        y = x * 3.0
        z = y * 5.0
    graph = ag.graph(z, names={"same": x}), ag.graph(z, names={"y": y})
    assert graph[0].paths("same").total == 15.0
    assert graph[1].paths("y").total == 5.0
    assert graph[1].paths(x).total == 15.0


def test_too_many_paths_raise_before_the_first():
    """They are counted, not tried."""
    x = ag.Variable(0.5, name="x")
    with ag.GradientTape():
        y = x
        for _ in range(10):
            y = y * y
        z = y
        for _ in range(500):
            z = z + z
    graph = ag.graph([y, z])
    with pytest.raises(ag.GraphError, match="there are 1,024 paths from x to multiply; limit is 1,000"):
        graph.paths(x, y)
    assert len(graph.paths(x, y, limit=1024)) == 1024
    with pytest.raises(ag.GraphError, match=r"more than 10\^18 paths"):
        graph.paths(x, z, limit=10**6)


OPERATIONS = (
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (y * y + 1.0),
    lambda x, y: -x,
    lambda x, y: np.square(x) * 0.5,
)


@st.composite
def programs(draw):
    """Steps of a random program: an operation and which two earlier values it takes."""
    count = draw(st.integers(1, 8))
    place = lambda step: st.integers(0, step + 1)
    return [(draw(st.integers(0, len(OPERATIONS) - 1)), draw(place(step)), draw(place(step))) for step in range(count)]


@given(programs(), st.lists(st.floats(-2, 2), min_size=2, max_size=2), st.integers(0, 2**8 - 1))
def test_the_sum_over_paths_is_the_gradient(steps, start, kept):
    """Of random programs, on the whole graph, and on it with any of its values left out."""
    x, y = ag.Variable(start[0], name="x"), ag.Variable(start[1], name="y")
    values = [x, y]
    with ag.GradientTape(persistent=True) as tape:
        for operation, left, right in steps:
            values.append(OPERATIONS[operation](values[left], values[right]))
    target = values[-1]
    graph = tape.graph(target)
    keep = [value for bit, value in enumerate(values[2:-1]) if kept >> bit & 1 and graph_has(graph, value)]
    condensed = graph.condense([*keep, *(v for v in (x, y) if graph_has(graph, v))])
    for variable in (x, y):
        expected = tape.gradient(target, variable)
        if expected is None:
            assert not graph_has(graph, variable)
            continue
        for shown in (graph, condensed):
            np.testing.assert_allclose(shown.paths(variable, limit=10**5).total, expected.item(), rtol=1e-9, atol=1e-12)


def graph_has(graph, value):
    try:
        return bool(graph.find(value))
    except ag.GraphError:
        return False


# -- condensed graphs ------------------------------------------------------------------------------------------------


def test_the_four_edges_of_the_chain_rule_example():
    """Between the values that have names: 1, 1, 1, 2; abs and the subtraction are one edge."""
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names).condense()
    assert [edge for edge in lists(graph) if edge[2] is not None] == [
        ("w", "x1", 2.0), ("x1", "x2", 1.0), ("b", "x2", 1.0), ("x2", "loss", 1.0),
    ]  # fmt: skip
    assert [edge for edge in lists(graph) if edge[2] is None] == [("x", "x1", None), ("y_true", "loss", None)]
    assert graph.node("loss").operation == "subtract, absolute"
    assert [edge.source.name for edge in graph.incoming("loss")] == ["y_true", "x2"]  # as the formula has them
    assert [node.index for node in graph.nodes] == list(range(7))
    assert [node.kind for node in graph.targets] == ["target"]


def test_paths_between_kept_nodes_are_summed():
    """x*x + 3x + x/2 as one edge."""
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = x * x + 3.0 * x + x / 2.0
    graph = ag.graph(y).condense()
    assert [edge.local_derivative for edge in graph.edges] == [7.5]
    assert graph.node(y).operation == "multiply, …, add (5 operations)"
    assert graph.node(x).kind == "variable"


def test_what_is_kept_on_request():
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names).condense(keep=["w", p.x2])
    assert lists(graph) == [("w", "x2", 2.0), ("x2", "loss", 1.0)]
    assert [node.name for node in ag.graph(p.loss, names=p.names).condense([]).nodes] == ["loss"]
    with pytest.raises(ag.GraphError, match="'v' is not a node"):
        graph.condense(["v"])


def test_a_condensed_graph_keeps_gradients_and_can_be_condensed():
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names, gradients=True).condense().condense(keep=["w"])
    assert float(graph.node(p.w).gradient) == 2.0
    assert lists(graph) == [("w", "loss", 2.0)]


def test_no_number_on_an_edge_through_an_array():
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = (x * np.ones(3)).sum()
    assert [edge.local_derivative for edge in ag.graph(y).condense().edges] == [None]
