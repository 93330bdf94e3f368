"""The chain rule, path by path: for random programs the sum of the products is what the tape gives.

Programs take two Variables of up to 2x3 entries and use values again, in diamonds, with broadcasting, indexing,
reductions and products of matrices. The matrices of single edges are multiplied here, and compared with what the graph
says of the whole path, which it does not compute from them.
"""

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.testing.strategies import arrays

SHAPES = ((), (1,), (2,), (3,), (1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2))
LARGEST = 12  # entries: more than a matrix is shown for, in some steps

UNARY = (
    lambda x: x * 0.5,
    lambda x: -x,
    lambda x: np.tanh(x),
    lambda x: x * x,  # one value, twice
    lambda x: np.maximum(x, 0.25),
    lambda x: abs(x),
    lambda x: np.where(x > 0, x, 0.1 * x),
    lambda x: x / (x * x + 1.0),
)
REDUCTIONS = (
    lambda x: np.sum(x),
    lambda x: np.sum(x, axis=0) if x.ndim else x,
    lambda x: np.mean(x, axis=-1, keepdims=True) if x.ndim else x,
    lambda x: np.max(x),
    lambda x: np.linalg.norm(x),
    lambda x: np.cumsum(x),
)
REARRANGED = (
    lambda x: x.T,
    lambda x: x.reshape(-1),
    lambda x: x[..., ::-1] if x.ndim else x,
    lambda x: x[0] if x.ndim else x,
    lambda x: x[..., [0, 0, -1]] if x.ndim else x,  # an entry, twice
    lambda x: x[None],
    lambda x: np.sort(x, axis=-1) if x.ndim else x,
    lambda x: np.split(x, [1])[-1] if x.ndim else x,  # several results
)
BINARY = (
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (y * y + 1.0),
    lambda x, y: np.minimum(x, y),
    lambda x, y: x @ y,
    lambda x, y: x @ y.T,
    lambda x, y: np.stack([x, y]),
    lambda x, y: np.concatenate([x, y], axis=-1),
)
FAMILIES = (UNARY, REDUCTIONS, REARRANGED, BINARY, BINARY)


@st.composite
def programs(draw):
    """Steps: an operation, and how far back the values it takes stand."""
    steps = []
    for _ in range(draw(st.integers(1, 7))):
        family = draw(st.sampled_from(FAMILIES))
        takes = 2 if family is BINARY else 1
        steps.append((draw(st.sampled_from(family)), [draw(st.integers(0, 3)) for _ in range(takes)]))
    return steps


def run(steps, values):
    """Values of a program; steps that do not fit the shapes they meet are left out."""
    values = list(values)
    for operation, back in steps:
        arguments = [values[-1 - min(distance, len(values) - 1)] for distance in back]
        if fits(operation, arguments):
            values.append(operation(*arguments))
    return values


def fits(operation, arguments):
    """Whether an operation takes these shapes, and gives something that is neither empty nor large."""
    try:
        result = operation(*(np.ones(argument.shape) for argument in arguments))
    except (ValueError, IndexError):
        return False
    return 0 < np.size(result) <= LARGEST and np.ndim(result) <= 3


def product_of_matrices(path):
    """Matrices of the edges multiplied, from the target's end; None where one is not shown."""
    product = np.eye(math.prod(path.nodes[-1].shape))
    for edge in reversed(path.edges):
        if edge.jacobian is None or edge.jacobian.matrix is None:
            return None
        product = product @ edge.jacobian.matrix
    return product.reshape((*path.nodes[-1].shape, *path.nodes[0].shape))


small_arrays = st.sampled_from(SHAPES).flatmap(lambda shape: arrays(shape, low=-2.0, high=2.0, ties=False))


def recorded(steps, start, dtype="f8"):
    """Tape, sources and target of a program."""
    sources = [ag.Variable(np.asarray(array, dtype), name=name) for array, name in zip(start, "ab", strict=True)]
    with ag.GradientTape(persistent=True) as tape:
        for source in sources:
            tape.watch(source)
        values = run(steps, sources)
    assume(values[-1] is not sources[-1])
    return tape, sources, values


def paths_of(graph, source):
    try:
        return graph.paths(source, limit=300)
    except ag.GraphError as error:
        assume("limit is" not in str(error))
        return None  # the target does not depend on it


@given(programs(), st.tuples(small_arrays, small_arrays))
def test_the_sum_over_paths_is_what_the_tape_gives(steps, start):
    """The Jacobian of the target, its gradient, and for each path the product of the matrices on its edges."""
    tape, sources, values = recorded(steps, start)
    graph = tape.graph(values[-1])
    for source in sources:
        paths = paths_of(graph, source)
        expected = tape.jacobian(values[-1], source, unconnected_gradients="zero")
        if paths is None:
            assert not expected.numpy().any()
            continue
        np.testing.assert_allclose(paths.total, expected.numpy().reshape(np.shape(paths.total)), rtol=1e-9, atol=1e-12)
        paths.check(tape.gradient(values[-1], source), rtol=1e-9, atol=1e-12)
        for path in paths:
            product = product_of_matrices(path)
            if product is not None:
                np.testing.assert_allclose(path.jacobian, product, rtol=1e-9, atol=1e-12)


@given(programs(), st.tuples(small_arrays, small_arrays))
def test_between_small_values_every_path_is_a_product_of_matrices(steps, start):
    """Where nothing has more than 8 entries, and no operation several results, nothing is left unshown."""
    tape, sources, values = recorded(steps, start)
    graph = tape.graph(values[-1])
    assume(all(node.shape is not None and math.prod(node.shape) <= 8 for node in graph.nodes))
    for source in sources:
        paths = paths_of(graph, source)
        products = [product_of_matrices(path) for path in paths or ()]
        assert not any(product is None for product in products)
        if products:
            expected = tape.jacobian(values[-1], source).numpy()
            np.testing.assert_allclose(sum(products), expected, rtol=1e-9, atol=1e-12)


@given(programs(), st.tuples(small_arrays, small_arrays), st.integers(0, 2**7 - 1), st.integers(0, 2**7 - 1))
def test_condensed_graphs_keep_the_chain_rule(steps, start, kept, kept_after):
    """With any of its values left out, and with some of the rest left out after that."""
    tape, sources, values = recorded(steps, start)
    graph = tape.graph(values[-1])
    there = [node for node in graph.nodes if node.kind == "variable"]
    steps_kept = [node for node in graph.nodes if node.kind == "operation"]
    once = graph.condense([*there, *(node for bit, node in enumerate(steps_kept) if kept >> bit & 1)])
    left = [node for node in once.nodes if node.kind == "operation"]
    variables = [node for node in once.nodes if node.kind == "variable"]
    twice = once.condense([*variables, *(node for bit, node in enumerate(left) if kept_after >> bit & 1)])
    for source in sources:
        for shown in (once, twice):
            paths = paths_of(shown, source)
            if paths is not None:
                paths.check(tape.gradient(values[-1], source), rtol=1e-8, atol=1e-10)


@given(programs(), st.tuples(small_arrays, small_arrays))
def test_single_precision_stays_so(steps, start):
    tape, sources, values = recorded(steps, start, "f4")
    graph = tape.graph(values[-1])
    for source in sources:
        paths = paths_of(graph, source)
        if paths:
            assert paths.gradient.dtype == np.float32
            paths.check(tape.gradient(values[-1], source))


COMPLEX = (
    lambda z, u: z * u,
    lambda z, u: z + u * 1j,
    lambda z, u: np.conj(z) - u,
    lambda z, u: np.exp(0.2 * z) * u.real,
    lambda z, u: abs(z) * u,
    lambda z, u: np.stack([z, u])[..., ::-1] if z.shape == u.shape and z.ndim else z - u,
    lambda z, u: z.imag + u,
    lambda z, u: np.sum(z, axis=-1, keepdims=True) / (u * u + 9.0) if z.ndim else z,
)
complex_arrays = st.sampled_from(((), (2,), (1, 2))).flatmap(lambda shape: arrays(shape, "c16", low=-2.0, high=2.0))


@given(
    st.lists(st.tuples(st.sampled_from(COMPLEX), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=5),
    st.tuples(complex_arrays, small_arrays),
)
def test_complex_programs(steps, start):
    """Each path adds its part of d/dx + i d/dy; a real source among complex values gets a real gradient."""
    steps = [(operation, [first, second]) for operation, first, second in steps]
    z, x = ag.Variable(start[0], name="z"), ag.Variable(start[1], name="x")
    with ag.GradientTape(persistent=True) as tape:
        values = run(steps, [x, z])
        loss = np.sum(abs(values[-1]))
    graph = tape.graph(loss)
    for source in (z, x):
        paths = paths_of(graph, source)
        if paths is None:
            continue
        assert paths.gradient.dtype == source.dtype
        paths.check(tape.gradient(loss, source), rtol=1e-9)
        np.testing.assert_allclose(paths.total, tape.jacobian(loss, source).numpy(), rtol=1e-9, atol=1e-9)
        graph.condense([source]).paths(source).check(tape.gradient(loss, source), rtol=1e-9)


@given(programs(), st.tuples(small_arrays, small_arrays))
def test_looking_never_changes_a_gradient(steps, start):
    """Graphs built, asked and drawn before, between and after; and what is recorded is not more for it."""
    tape, sources, values = recorded(steps, start)
    before = tape.gradient(values[-1], sources)
    with tape:
        count = len(tape.graph().nodes)
        graph = tape.graph(values[-1], gradients=True)
        for source in sources:
            paths = paths_of(graph, source)
            str(paths), paths and paths.total, paths and paths.gradient
        graph.condense().to_json(), graph.to_dict(), str(graph)
        graph.draw(), graph.draw(backward=True, heat="gradient"), graph.draw(budget=3), graph.to_html()
        assert len(tape.graph().nodes) == count
    after = tape.gradient(values[-1], sources)
    for one, other in zip(before, after, strict=True):
        assert (one is None) == (other is None)
        assert one is None or np.array_equal(one.numpy(), other.numpy())
