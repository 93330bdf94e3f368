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


@pytest.mark.parametrize("limit", [-1, 2.5, "10", None, True])
def test_a_limit_that_is_none_raises(limit):
    p = chain_rule()
    with pytest.raises(ag.DomainError, match="limit is how many paths there may be, 0 or more; got "):
        ag.graph(p.loss).paths(p.w, limit=limit)


# -- paths through arrays ----------------------------------------------------------------------------------------------


def layer():
    """y = sum((W x)^2) + W[0, 0] at W = [[1, 2, 3], [4, 5, 6]], x = (1, 0, 2)."""
    w, x = ag.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="W"), ag.Variable([1.0, 0.0, 2.0], name="x")
    with ag.GradientTape(persistent=True) as tape:
        h = w @ x
        y = np.sum(h * h) + w[0, 0]
    return tape, w, x, h, y


def test_the_paths_of_a_layer():
    """Two through the square, by either factor, and one beside it; the products are arrays and add up."""
    tape, w, x, h, y = layer()
    graph = ag.graph(y, names={"h": h, "y": y})
    paths = graph.paths(w)
    assert [[node.operation or node.name for node in path.nodes] for path in paths] == [
        ["W", "matmul", "multiply", "sum", "add"], ["W", "matmul", "multiply", "sum", "add"], ["W", "getitem", "add"],
    ]  # fmt: skip
    assert [path.jacobian.tolist() for path in paths] == [
        [[7.0, 0.0, 14.0], [16.0, 0.0, 32.0]],
        [[7.0, 0.0, 14.0], [16.0, 0.0, 32.0]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ]
    assert [path.product for path in paths] == [None] * 3
    assert paths.total.tolist() == paths.gradient.tolist() == tape.gradient(y, w).numpy().tolist()
    paths.check(tape.gradient(y, w))
    assert graph.paths(x, h).total.tolist() == tape.jacobian(h, x).numpy().tolist() == w.numpy().tolist()
    assert graph.paths(x, h).gradient.tolist() == [5.0, 7.0, 9.0]


def test_the_text_of_paths_through_arrays():
    """Matrices as far as they are small, and the shape of larger ones."""
    _, w, x, h, y = layer()
    graph = ag.graph(y, names={"h": h, "y": y})
    assert str(graph.paths(h)).splitlines() == [
        "h -> multiply -> sum -> y: 1 * [[1, 1]] * [[7, 0], [0, 16]] = [7, 16]",
        "h -> multiply -> sum -> y: 1 * [[1, 1]] * [[7, 0], [0, 16]] = [7, 16]",
        "sum: [14, 32]",
    ]
    assert (
        str(graph.paths(w, h)) == "W -> h: (2x6 matrix) = an array of shape (2, 2, 3)\nsum: an array of shape (2, 2, 3)"
    )
    assert repr(graph.paths(x)) == "<Paths from x to y: 2>"
    assert repr(graph.paths(x, h)[0]) == "<Path x -> h>"


def test_a_path_through_an_operation_with_several_results():
    a = ag.Variable([[2.0, 1.0], [1.0, 3.0]], name="a")
    with ag.GradientTape(persistent=True) as tape:
        values, vectors = np.linalg.eigh(a)
        y = values * vectors[0]
    graph = ag.graph(y)
    paths = graph.paths(a)
    assert len(paths) == 2
    assert "(4x6 matrix) * (6x4 matrix)" in str(paths)
    np.testing.assert_allclose(paths.total, tape.jacobian(y, a).numpy(), atol=1e-14)
    both = next(node for node in graph.nodes if node.operation == "eigh")  # laid flat: 2 values, 2x2 vectors
    expected = [tape.jacobian(values, a).numpy(), tape.jacobian(vectors, a).numpy().reshape(4, 2, 2)]
    np.testing.assert_allclose(graph.paths(a, both).total, np.concatenate(expected), atol=1e-14)
    kept = graph.condense([a, both, *graph.targets])
    kept.paths(a).check(tape.gradient(y, a))
    assert [edge.jacobian.shape for edge in kept.edges] == [(6, 2, 2), (2, 6)]


def test_no_path_between_arrays():
    """The derivative is 0: an array of the shapes of both ends."""
    _, w, x, _, y = layer()
    graph = ag.graph(y)
    assert graph.paths(x, w).total.tolist() == np.zeros((2, 3, 3)).tolist()
    assert graph.paths(x, w).gradient.tolist() == [0.0, 0.0, 0.0]
    assert str(graph.paths(x, w)).startswith("no path\nsum: ")
    (path,) = graph.paths(x, x)
    assert path.jacobian.tolist() == np.eye(3).tolist()
    assert path.gradient.tolist() == [1.0, 1.0, 1.0]


def test_a_large_jacobian_is_not_formed():
    """Its gradient is, whatever the size."""
    x = ag.Variable(np.ones(2000), name="x")
    with ag.GradientTape(persistent=True) as tape:
        y = x * 3.0
        z = np.sum(y)
    graph = ag.graph([y, z])
    assert graph.paths(x, y).total is None
    assert graph.paths(x, y)[0].jacobian is None
    assert str(graph.paths(x, y)[0]) == "x -> multiply: (2000x2000 matrix) = an array of shape (2000, 2000)"
    assert str(graph.paths(x, y)).endswith("\nsum: an array of shape (2000, 2000)")
    graph.paths(x, y).check(tape.gradient(y, x))
    assert graph.paths(x, z).total.tolist() == [3.0] * 2000


def test_ends_of_several_shapes():
    """Their Jacobians cannot be added; the gradients of all targets can."""
    x = ag.Variable([1.0, 2.0], name="x")
    with ag.GradientTape(persistent=True) as tape:
        y, z = x * 3.0, np.sum(x)
        both = x * z
    paths = ag.graph([y, z]).paths(x)
    assert paths.total is None
    paths.check(tape.gradient([y, z], x))
    same = ag.graph(both, names={"same": x}).paths("same")
    assert same.total.shape == (2, 2)


def test_zero_wins_inside_arrays():
    """Entry by entry, on whichever side the infinity stands; as the tape has it. And nothing warns."""
    x = ag.Variable([0.0, 4.0], name="x")
    with ag.GradientTape(persistent=True) as tape:
        y = np.sqrt(x) * [0.0, 1.0]
        z = np.sqrt(x * [0.0, 1.0])
    for target in (y, z):
        graph = ag.graph(target)
        expected = tape.jacobian(target, x).numpy()
        assert expected.tolist() == [[0.0, 0.0], [0.0, 0.25]]
        assert graph.paths(x).total.tolist() == graph.condense().paths(x).total.tolist() == expected.tolist()
        assert graph.condense().edges[0].jacobian.norm == 0.25


def test_no_derivative_along_an_array_edge():
    """Of an operation without that rule, and from a constant: no product, no sum, and check says why."""

    @ag.primitive
    def pick(x, y):
        return x * y

    pick.defvjp(lambda ct, ans, x, y: ct * y, None)
    x, y = ag.Variable([1.0, 2.0], name="x"), ag.Variable([3.0, 4.0], name="y")
    with ag.GradientTape():
        z = pick(x, y)
    graph = ag.graph(z)
    assert graph.paths(x).total.tolist() == [[3.0, 0.0], [0.0, 4.0]]
    assert (graph.paths(y).total, graph.paths(y).gradient) == (None, None)
    assert str(graph.paths(y)) == "y -> pick"
    with pytest.raises(ag.GraphError, match="the sum over the 1 paths from y to pick is not known: an edge of one"):
        graph.paths(y).check([0.0, 0.0])
    assert graph.condense([x, y]).paths(y).total is None


def test_complex_values():
    """The gradient of a real result is d/dx + i d/dy, path by path; between real ends stands a real number."""
    z, x = ag.Variable([1 + 2j, 3 - 1j], name="z"), ag.Variable(2.0, name="x")
    with ag.GradientTape(persistent=True) as tape:
        y = np.sum(abs(z * z)) + np.sum(z.real * x)
        u = abs(x * (3 + 4j))
    graph = ag.graph([y, u])
    paths = graph.paths(z, y)
    assert len(paths) == 3
    np.testing.assert_allclose(paths.total, tape.jacobian(y, z).numpy())
    paths.check(tape.gradient(y, z))
    graph.paths(x, y).check(tape.gradient(y, x))
    assert [path.product for path in graph.paths(x, u)] == [5.0]
    condensed = graph.condense([z, x, y])
    condensed.paths(z, y).check(tape.gradient(y, z))
    edge = next(edge for edge in condensed.incoming(y) if edge.source.name == "z")
    assert (edge.jacobian.shape, edge.jacobian.norm, edge.jacobian.entries) == ((2,), None, None)


def test_the_check_finds_a_wrong_gradient():
    tape, w, x, _, y = layer()
    paths = ag.graph(y, names={"y": y}).paths(w)
    wrong = tape.gradient(y, w).numpy() + np.eye(2, 3)
    with pytest.raises(
        ag.GradientCheckError,
        match=r"the sum over the 3 paths from W to y differs .* in 2 of 6 entries; at \(0, 0\) it is 15.0, .* is 16.0",
    ):
        paths.check(wrong)
    paths.check(wrong, atol=1.5)
    with pytest.raises(ag.GradientCheckError, match=r"has shape \(2, 3\), the gradient given has shape \(3,\)"):
        paths.check(tape.gradient(y, x))
    ag.graph(y).paths(x, w).check(None)
    with pytest.raises(ag.ConversionError, match=r"the gradient is a str; expected what tape\.gradient"):
        paths.check("large")
    with pytest.raises(ag.GradientCheckError, match="in 6 of 6 entries"):
        paths.check([[math.nan] * 3] * 2)


def test_a_rule_that_is_gone():
    """What a function made for one call is known as far as it was small."""

    def graph_of(size):
        @ag.custom_gradient
        def steep(x):
            return x * 1.0, lambda upstream: upstream * 100.0

        w = ag.Variable(np.ones(size), name="w")
        with ag.GradientTape():
            y = np.sum(steep(w))
        return ag.graph(y)

    assert graph_of(3).paths("w").total.tolist() == [100.0] * 3
    assert graph_of(9).paths("w").total is None


def test_zero_wins_where_the_rule_is_gone():
    """What is left of it is a number, and infinite."""

    def graph():
        @ag.custom_gradient
        def steep(x):
            return x * 1.0, lambda upstream: upstream * np.inf

        w = ag.Variable(1.0, name="w")
        with ag.GradientTape():
            y = steep(w) * 0.0
        return ag.graph(y)

    known = graph()
    assert known.edges[0].jacobian.matrix.tolist() == [[math.inf]]
    assert known.edges[0].pull(np.ones(())) is None
    assert known.paths("w").gradient == known.paths("w").total == 0.0


def test_the_check_knows_what_rounding_and_nan_are():
    """Terms that cancel leave the rounding error of the terms; NaN is what it should be where the gradient is NaN."""
    x = ag.Variable(np.float32(0.54784675), name="x")
    with np.errstate(all="ignore"), ag.GradientTape(persistent=True) as tape:
        y = x / (x * x + 1.0)
        z = y - y
        undefined = (x - x) / (x - x)
    paths = ag.graph(z).paths(x)
    assert tape.gradient(z, x).item() == 0.0 != paths.gradient.item()
    paths.check(tape.gradient(z, x))
    paths = ag.graph(undefined).paths(x)
    assert np.isnan(paths.gradient)
    paths.check(tape.gradient(undefined, x))


# -- paths between numbers ---------------------------------------------------------------------------------------------


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


def test_the_jacobian_of_a_condensed_edge():
    """The sum over the paths it stands for; its entries where it is small, its norm where it is not."""
    tape, w, _, h, y = layer()
    graph = ag.graph(y, names={"h": h}).condense(["W", "x", "h"])
    edges = {(edge.source.name, edge.target.name): edge for edge in graph.edges}
    assert edges["h", None].jacobian.entries.tolist() == [14.0, 32.0]
    assert edges["h", None].jacobian.matrix.tolist() == [[14.0, 32.0]]
    assert edges["W", None].jacobian.norm == 1.0
    assert edges["x", "h"].jacobian.entries.tolist() == w.numpy().tolist()
    assert graph.paths(w).total.tolist() == tape.gradient(y, w).numpy().tolist()
    assert graph.to_dict()["edges"][-1]["jacobian"]["shape"] in ([2, 3], [2])


def test_the_norm_of_a_large_condensed_edge():
    """Estimated from a few directions, the same each time; where no entry is used twice it is met."""
    x = ag.Variable(np.ones((4, 5)), name="x")
    with ag.GradientTape():
        y = np.tanh(x * 2.0) * 3.0
    norms = {ag.graph(y).condense().edges[0].jacobian.norm for _ in range(3)}
    assert len(norms) == 1
    jacobian = ag.graph(y).condense().edges[0].jacobian
    assert (jacobian.shape, jacobian.is_estimate, jacobian.entries) == ((4, 5, 4, 5), True, None)
    assert jacobian.norm == pytest.approx(6 / np.cosh(2.0) ** 2 * np.sqrt(20))


def test_no_jacobian_from_a_constant():
    p = chain_rule()
    graph = ag.graph(p.loss, names=p.names).condense()
    assert [edge.jacobian is None for edge in graph.edges] == [edge.source.kind == "constant" for edge in graph.edges]


def test_an_edge_through_an_array():
    """Between scalars there is a number, whatever stood between them."""
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = (x * x * np.ones(3)).sum()
    graph = ag.graph(y)
    assert [edge.local_derivative for edge in graph.condense().edges] == [12.0]
    assert [path.product for path in graph.paths(x)] == [6.0, 6.0]
    assert graph.paths(x).total == 12.0
