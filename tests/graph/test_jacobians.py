"""Local Jacobians on the edges of a graph: for every row of the table, and for the operations of users."""

import gc
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.graph.jacobians import SMALL
from autograd_core.ops.table import TABLE
from autograd_core.testing import rows
from autograd_core.testing.strategies import draw_from

CHECKED = [row for row in TABLE if row.vjps is not None and (row.domain or row.sample)]


def edges_into(y, *sources, **options):
    """Edges that lead to ``y`` from the Tensors ``sources``."""
    graph = ag.graph(y, **options)
    return [edge for source in sources for edge in graph.incoming(y) if edge.source in graph.find(source)]


def edge_of(f, *args, index=0):
    """The edge from ``args[index]`` to the result of ``f``."""
    tensors = [ag.constant(arg) for arg in args]
    with ag.GradientTape() as tape:
        tape.watch(tensors)
        y = f(*tensors)
    return edges_into(y, tensors[index])[0]


def brute_force(case, index, like, shape):
    """Jacobian of the results of ``case`` laid flat by its active argument ``index``: a row at a time, by its VJP."""
    found = []
    for position, out in enumerate(like):
        for entry in range(out.size):
            cts = [np.zeros(each.shape, each.dtype) if each.dtype.kind in "fc" else None for each in like]
            if cts[position] is not None:
                cts[position].reshape(-1)[entry] = 1
            wanted = [ct for ct in cts if ct is not None]
            found.append(rows.pull(case, case.primals, wanted)[index].reshape(-1))
    return np.array(found).reshape(shape)


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.name)
@settings(max_examples=6)
@given(st.data())
def test_every_row_gives_its_jacobian(row, data):
    """The matrix between small real values and the norm of any are those of the VJP, row by row."""
    case = rows.sample(row, draw_from(data, data.draw(st.sampled_from(["float64", "float32"]))))
    tensors = [ag.constant(primal) for primal in case.primals]
    with ag.GradientTape() as tape:
        tape.watch(tensors)
        out = case.row(*case.with_primals(tensors), **case.params)
    outs = out if isinstance(out, tuple) else (out,)
    if not any(part.node is not None for part in outs):
        return
    like = case.raw()
    graph = tape.graph()
    for edge in graph.edges:
        if edge.source.kind != "input" or edge.target.operation != row.name:
            continue
        index = next(i for i, tensor in enumerate(tensors) if edge.source in graph.find(tensor))
        check(edge, case, index, like if len(like) > 1 else outs)


def check(edge, case, index, like):
    jacobian = edge.jacobian
    sizes = sum(part.size for part in like), case.primals[index].size
    shape = (*(like[0].shape if len(like) == 1 else (sizes[0],)), *case.primals[index].shape)
    assert jacobian.shape == shape
    if any(part.dtype.kind == "c" for part in (*like, case.primals[index])):
        assert (jacobian.norm, jacobian.entries, jacobian.matrix) == (None, None, None)
        return
    wanted = brute_force(case, index, like, sizes)
    rounding = 1e-10 if wanted.dtype == np.float64 else 1e-4
    if max(sizes) <= SMALL:
        np.testing.assert_allclose(jacobian.matrix, wanted, rtol=rounding, atol=rounding)
        assert jacobian.entries.shape == shape
    else:
        assert jacobian.entries is None
        assert jacobian.matrix is None
    norm = np.linalg.norm(wanted)
    assert math.isclose(jacobian.norm, norm, rel_tol=0.5 if jacobian.is_estimate else rounding, abs_tol=rounding)


# -- shapes and norms --------------------------------------------------------------------------------------------------


def test_the_matrix_has_a_row_for_each_entry_of_the_result():
    edge = edge_of(lambda x, y: x @ y, np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), index=1)
    assert edge.jacobian.shape == (1, 2, 2, 2)
    assert edge.jacobian.matrix.tolist() == [[1, 0, 2, 0], [0, 1, 0, 2]]
    np.testing.assert_array_equal(edge.jacobian.entries, edge.jacobian.matrix.reshape(1, 2, 2, 2))
    assert repr(edge.jacobian) == "<LocalJacobian of shape (1, 2, 2, 2), norm 3.162>"
    np.testing.assert_array_equal(edge.pull([[1.0, 10.0]]), [[1.0, 10.0], [2.0, 20.0]])


@pytest.mark.parametrize(("size", "shown"), [(8, True), (9, False)])
def test_up_to_eight_entries_are_shown(size, shown):
    jacobian = edge_of(anp.sin, np.linspace(0, 1, size)).jacobian
    assert (jacobian.matrix is not None) == (jacobian.entries is not None) == shown
    assert math.isclose(jacobian.norm, np.linalg.norm(np.cos(np.linspace(0, 1, size))))
    assert not jacobian.is_estimate


def test_scalars_have_their_derivative():
    edge = edge_of(lambda x, y: x * y, 3.0, 4.0)
    assert (edge.jacobian.shape, edge.jacobian.norm, edge.jacobian.matrix.tolist()) == ((), 4.0, [[4.0]])
    assert edge.local_derivative == 4.0


def test_norms_of_large_jacobians():
    """Exact by the columns where the argument is small; else estimated, the same number each time."""
    edge = edge_of(lambda x: anp.broadcast_to(x, (50, 3)), np.ones(3))
    assert math.isclose(edge.jacobian.norm, math.sqrt(150))
    assert not edge.jacobian.is_estimate
    x, w = np.random.default_rng(0).normal(size=(2, 40, 40))
    first, second = (edge_of(lambda x, w: x @ w, x, w).jacobian for _ in range(2))
    assert first.is_estimate
    assert first.norm == second.norm
    assert math.isclose(first.norm, math.sqrt(40) * np.linalg.norm(w), rel_tol=0.1)


def test_a_norm_outside_of_the_range_of_float32():
    jacobian = edge_of(lambda x: x * np.float32(1e-30), np.ones(100, "float32")).jacobian
    assert math.isclose(jacobian.norm, 1e-29, rel_tol=1e-6)


def test_infinite_and_missing_slopes():
    """An infinite derivative is an answer; elsewhere the zeros of the matrix stay zeros."""
    jacobian = edge_of(anp.sqrt, np.array([0.0, 4.0])).jacobian
    assert jacobian.matrix.tolist() == [[math.inf, 0.0], [0.0, 0.25]]
    assert jacobian.norm == math.inf


def test_empty_values():
    jacobian = edge_of(lambda x: anp.sum(x, axis=0), np.zeros((0, 3))).jacobian
    assert (jacobian.shape, jacobian.matrix.shape, jacobian.norm) == ((3, 0, 3), (3, 0), 0.0)


# -- where there is none -----------------------------------------------------------------------------------------------


def test_edges_without_a_derivative():
    """From constants, along arguments without a rule, and between complex values: None, or no matrix."""
    x = ag.constant(np.array([1.0, 2.0]))
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = x * np.array([3.0, 4.0])
    from_constant = ag.graph(y).edges[1]
    assert from_constant.jacobian is None
    assert from_constant.pull(np.ones(2)) is None
    between = edge_of(anp.exp, np.array([1j, 2.0])).jacobian
    assert (between.shape, between.norm, between.matrix) == ((2, 2), None, None)
    assert repr(between) == "<LocalJacobian of shape (2, 2)>"


def test_an_operation_with_several_results():
    """They are laid flat, one after another; each takes its own."""
    x = ag.constant(np.array([5.0, 6.0, 7.0]))
    with ag.GradientTape() as tape:
        tape.watch(x)
        _, last = anp.split(x, [1])
    into, out_of = ag.graph(last).edges
    assert into.jacobian.matrix.tolist() == np.eye(3).tolist()
    assert out_of.jacobian.matrix.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert out_of.pull(np.array([8.0, 9.0])).tolist() == [0, 8, 9]
    assert into.pull(np.array([0.0, 8.0, 9.0])).tolist() == [0, 8, 9]


# -- operations of users -----------------------------------------------------------------------------------------------


@ag.custom_gradient(probe=False)
def custom(x):
    """Twice the derivative."""
    return x * x, lambda ct: 4.0 * ct * x


@ag.primitive
def cube(x):
    """A row of the user's own."""
    return x**3


cube.defvjp(lambda ct, ans, x: ct * 3 * x**2)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (custom, lambda x: 4 * x),
        (cube, lambda x: 3 * x**2),
        (ag.checkpoint(lambda x: anp.sin(x) * 2.0), lambda x: 2 * np.cos(x)),
        (ag.function(lambda x: anp.sin(x) * 2.0), lambda x: 2 * np.cos(x)),
    ],
    ids=["custom_gradient", "primitive", "checkpoint", "function"],
)
@pytest.mark.parametrize("size", [2, 20])
def test_operations_of_users_have_jacobians(f, slope, size):
    x = ag.constant(np.linspace(1, 2, size))
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    (edge,) = ag.graph(y).edges
    wanted = slope(x.numpy())
    assert math.isclose(edge.jacobian.norm, np.linalg.norm(wanted))
    if size == 2:
        np.testing.assert_allclose(edge.jacobian.matrix, np.diag(wanted))
    np.testing.assert_allclose(tape.gradient(y, x), wanted)


@pytest.mark.parametrize("size", [1, 2, 20])
def test_rules_that_fail_give_no_jacobian(size):
    """A picture is drawn all the same; the gradient is an error, as ever."""

    @ag.custom_gradient
    def failing(x):
        def pull(ct):
            raise ZeroDivisionError

        return x * x, pull

    @ag.primitive(probe=False)
    def wrong(x):
        return x + 1.0

    wrong.defvjp(lambda ct, ans, x: np.zeros((7, 7)))

    for f in (failing, wrong):
        x = ag.constant(np.ones(size))
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        (edge,) = ag.graph(y).edges
        assert (edge.jacobian, edge.local_derivative, edge.pull(np.ones(size))) == (None, None, None)
        with pytest.raises((ZeroDivisionError, ag.CotangentError)):
            tape.gradient(y, x)


def test_a_graph_keeps_nothing_of_a_recording():
    """What a checkpoint refers to is let go; its small Jacobians were asked in time, for large ones it is too late."""
    edges = []
    for size in (2, 20):
        x = ag.constant(np.ones(size))
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = ag.checkpoint(lambda x: anp.sin(x) * 2.0)(x)
        edges += ag.graph(y).edges
        del tape, y
    gc.collect()
    assert [edge.jacobian is not None for edge in edges] == [True, False]


def test_asking_records_nothing():
    """Also while a tape records, and inside of a function that is traced."""
    x = ag.Variable(np.ones(3))
    with ag.GradientTape(persistent=True) as tape:
        y = custom(anp.sin(x))
        count = len(tape.graph().nodes)
        assert all(edge.jacobian is not None for edge in ag.graph(y).edges)
        assert len(tape.graph().nodes) == count

    @ag.function
    def traced(v):
        with ag.GradientTape() as tape:
            tape.watch(v)
            y = anp.sin(v)
        assert [edge.jacobian for edge in ag.graph(y).edges] == [None]
        return tape.gradient(y, v)

    np.testing.assert_allclose(traced(np.ones(3)), np.cos(np.ones(3)))
