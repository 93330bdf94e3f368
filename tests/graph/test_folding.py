"""Folding: repeated patterns, scopes, stretches, and that no more boxes are shown than the budget allows."""

import contextlib
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.graph.elements import GraphEdge
from autograd_core.graph.fold import BUDGET, fold, group_tree
from autograd_core.graph.links import FIRST, LAST, NEXT, Link, length_of
from autograd_core.graph.repeats import FEWEST, Run, segment
from autograd_core.graph.stretches import chains, crossings, cut

# -- programs ----------------------------------------------------------------------------------------------------------


def recurrent(steps, x_named="x"):
    """A recurrent network, unrolled, whose first step has no history."""
    x = ag.Variable(np.ones((2, steps, 4)), name=x_named)
    w, u, b = (ag.Variable(np.full(shape, 0.1), name=name) for name, shape in (("W", (4, 5)), ("U", (5, 5)), ("b", 5)))
    h = ag.Variable(np.zeros((2, 5)), name="h0")
    with ag.GradientTape():
        for step in range(steps):
            h = np.tanh(x[:, step] @ w + h @ u + b)
        loss = (h * h).sum()
    return ag.graph(loss)


def long_short_term_memory(steps):
    rng = np.random.default_rng(0)
    w, u, b = (ag.Variable(rng.normal(size=shape)) for shape in ((3, 8), (2, 8), (8,)))
    h = c = np.zeros((1, 2))
    with ag.GradientTape():
        for x in rng.normal(size=(steps, 1, 3)):
            i, f, g, o = (np.tanh(part) for part in np.split(x @ w + h @ u + b, 4, axis=1))
            c = f * c + i * g
            h = o * np.tanh(c)
        loss = h.sum()
    return ag.graph(loss)


def loop(count):
    w = ag.Variable(0.5, name="w")
    with ag.GradientTape():
        y = w
        for _ in range(count):
            y = np.sin(y) * w + y
        y = y * 2.0
    return ag.graph(y)


def irregular(count, seed=0, near=30):
    """Operations on values chosen at random: nothing repeats."""
    rng = np.random.default_rng(seed)
    operations = (np.add, np.subtract, np.maximum, lambda a, b: np.sin(a), lambda a, b: np.tanh(a) - b)
    values = [ag.Variable(float(at)) for at in range(5)]
    with ag.GradientTape():
        for operation, back in zip(rng.integers(0, 5, count), rng.integers(1, near, count), strict=True):
            values.append(operations[operation](values[-1], values[max(len(values) - back, 0)]))
    return ag.graph(values[-1])


def groups_of(graph, kind, **keywords):
    return [group for group in group_tree(graph, **keywords).walk() if group.kind == kind and group.path]


# -- rows of items -----------------------------------------------------------------------------------------------------


def linked(count):
    """Wiring of a chain: each item uses the one before."""
    return [[at - 1] for at in range(count)]


def shown(pieces):
    return [
        piece if isinstance(piece, int) else (len(piece.times), len(piece.times[0]), *shown(piece.unit))
        for piece in pieces
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("", []),
        ("abc", [0, 1, 2]),
        ("abab", [0, 1, 2, 3]),  # twice may be chance
        ("aaaa", [(4, 1, 0)]),
        ("ababab", [(3, 2, 0, 1)]),
        ("xababaXy", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("xabababy", [0, (3, 2, 0, 1), 7]),
        ("aaab" * 5, [(5, 4, (3, 1, 0), 3)]),
        ("ab" * 4 + "cd" * 3, [(4, 2, 0, 1), (3, 2, 0, 1)]),
        ("mm" * 3 + "x", [(6, 1, 0), 6]),
    ],
)
def test_repetitions_in_a_row(row, expected):
    assert shown(segment([ord(letter) for letter in row], linked(len(row)))) == expected


def test_other_wiring_is_no_repetition():
    """The same operations, but the fifth uses an earlier value."""
    sources = linked(12)
    assert shown(segment([1] * 12, sources)) == [(12, 1, 0)]
    sources[5] = [1]
    assert shown(segment([1] * 12, sources)) == [(5, 1, 0), (7, 1, 0)]
    sources[5] = [4, 1]  # one more argument
    assert shown(segment([1] * 12, sources)) == [(5, 1, 0), 5, (6, 1, 0)]


def test_a_first_repetition_in_another_order_is_found():
    """a uses the outside and b what came before; the first time b comes first, having no history."""
    sources = [[-1], [-1], [1, 0], [-1], [2], [3, 4], [-1], [5], [6, 7], [-1], [8], [9, 10]]
    labels = [ord(letter) for letter in "bacabcabcabc"]
    (run,) = segment(labels, sources)
    assert run.times[0] == (1, 0, 2)
    assert len(run.times) == 4


rows = st.recursive(
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
    lambda inner: st.one_of(
        st.tuples(inner, st.integers(2, 5)).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
    ),
    max_leaves=6,
)


@given(rows, st.lists(st.integers(1, 6), max_size=40))
def test_a_row_is_divided_without_rest(row, back):
    """Each item stands in one place; the repetitions of a run are alike, in all that is in them."""
    sources = [[max(at - (back[at % len(back)] if back else 1), -1)] for at in range(len(row))]
    places = []

    def look(pieces, where, labels):
        for piece in pieces:
            if isinstance(piece, Run):
                assert len(piece.times) >= FEWEST
                rows = [[labels[at] for at in time] for time in piece.times]
                assert all(other == rows[0] for other in rows)
                for time in piece.times:
                    look(piece.unit, [where[at] for at in time], rows[0])
            else:
                places.append(where[piece])

    look(segment(row, sources), list(range(len(row))), row)
    assert sorted(places) == list(range(len(row)))


def test_chains_and_cuts():
    """A chain ends where a value is used twice; a row is cut where one value crosses, not four."""
    #          leaf   1    2    3    4     5       leaf  7       8    9
    sources = [[-1], [0], [1], [2], [3], [3, 4], [-1], [5, 6], [7], [8]]
    leaves = [at in (0, 6) for at in range(10)]
    assert chains(sources, leaves) == [(0, 4), (4, 5), (5, 10)]
    sources = [[-1], [-1], [-1], [-1], [0, 1, 2, 3], [4], [-1], [5, 6]]
    assert crossings(sources) == [0, 1, 2, 3, 4, 1, 1, 2, 0]
    assert cut(crossings(sources), 6) == [(0, 6), (6, 8)]


# -- repetitions in graphs ---------------------------------------------------------------------------------------------


def test_a_recurrent_network_is_its_step_28_times():
    graph = recurrent(28)
    (repeat,) = groups_of(graph, "repeat")
    assert (repeat.name, repeat.repeats, repeat.size) == ("matmul … tanh × 28", 28, 168)
    steps = [group for group in repeat.walk() if group.kind == "step"]
    assert [step.name for step in steps] == [f"step {number}" for number in range(1, 29)]
    assert {step.size for step in steps} == {6}
    named = {graph.nodes[index].name for index in group_tree(graph).nodes}
    assert {"x", "W", "U", "b", "h0"} <= named  # what all steps use stands beside them


def test_a_repetition_is_shown_once():
    """One step stands for all; what is carried leads back; the state it starts from enters the first one only."""
    graph = recurrent(28)
    view = fold(graph)
    assert view.note == "162 of 175 nodes are folded: matmul … tanh × 28 (1 of 28 is shown)."
    assert len(view.boxes) == 13
    inside = [box for box in view.boxes if box.inside]
    assert len(inside) == 6
    assert {box.times for box in inside} == {28}
    name = lambda index: graph.nodes[view.boxes[index].nodes[0]]
    roles = {(name(link.source).name or name(link.source).operation, link.role): link for link in view.links}
    assert len(roles["tanh", NEXT].edges) == 27
    assert len(roles["W", ""].edges) == 28
    assert len(roles["h0", FIRST].edges) == 1
    assert ("tanh", LAST) in roles


@pytest.mark.parametrize("steps", [4, 10, 28])
def test_an_lstm_is_one_repetition(steps):
    (repeat,) = groups_of(long_short_term_memory(steps), "repeat")
    assert repeat.repeats == steps
    assert len({len(time) for time in repeat.times}) == 1


def test_loops_in_loops():
    """4 times 3 inside 5 times."""
    x = ag.Variable(np.ones(2))
    with ag.GradientTape():
        for _ in range(5):
            for _ in range(4):
                for _ in range(3):
                    x = np.sin(x)
                x = np.tanh(x)
            x = np.exp(-x)
        x = x.sum()
    repeats = groups_of(ag.graph(x), "repeat")
    assert [group.repeats for group in repeats] == [5, *([4, 3, 3, 3, 3] * 5)]
    view = fold(ag.graph(x), 7)
    assert sorted(box.times for box in view.boxes if box.group is None) == [1, 1, 5, 5, 20]  # x, sum; exp, -; tanh
    (folded,) = [box for box in view.boxes if box.group is not None]
    assert (folded.group.name, folded.times) == ("sin × 3", 20)


def test_leaves_of_each_time_stand_in_it():
    """A parameter of its own for each step."""
    layers = [ag.Variable(float(at)) for at in range(20)]
    with ag.GradientTape():
        y = ag.Variable(1.0, name="x") + 1.0
        for layer in layers:
            y = y * layer
        y = y + 1.0
    (repeat,) = groups_of(ag.graph(y), "repeat")
    assert (repeat.repeats, repeat.size) == (20, 40)
    assert all(group.size == 2 for group in repeat.walk() if group.kind == "step")


def test_scopes_that_are_alike_repeat():
    """Twelve blocks of one shape, and one of another."""
    x = ag.Variable(np.ones((2, 3)))
    with ag.GradientTape():
        for number in range(12):
            with ag.name_scope(f"block_{number}"):
                x = np.tanh(x @ ag.Variable(np.eye(3))) + x
        with ag.name_scope("head"):
            x = (x * x).sum()
        loss = x * 2.0
    graph = ag.graph(loss)
    (repeat,) = groups_of(graph, "repeat")
    assert repeat.name == "block_0 … block_11 × 12"
    assert [group.name for group in groups_of(graph, "scope")] == [*(f"block_{number}" for number in range(12)), "head"]
    view = fold(graph, 12)
    assert {group.name for box in view.boxes for group in box.inside} >= {repeat.name, "block_1"}


def test_a_scope_entered_twice_is_one_group_unless_it_did_the_same():
    x = ag.Variable(2.0)
    with ag.GradientTape():
        for function in (np.sin, np.cos):
            with ag.name_scope("unlike"):
                x = function(x)
            x = x * 2.0
        for _ in range(2):
            with ag.name_scope("shared"):
                x = np.tanh(x)
            x = x + 1.0
    graph = ag.graph(x)
    assert [group.path for group in groups_of(graph, "scope")] == [("unlike",), ("shared",), ("shared (2)",)]
    view = fold(graph, closed=[("shared",)])
    assert [box.group.path for box in view.boxes if box.group] == [("shared",), ("shared (2)",)]


def test_without_scopes():
    x = ag.Variable(2.0)
    with ag.GradientTape(), ag.name_scope("a"):
        x = np.sin(x) * 2.0
    assert groups_of(ag.graph(x), "scope", scopes=False) == []
    assert not any(box.inside for box in fold(ag.graph(x), scopes=False).boxes)


# -- the budget --------------------------------------------------------------------------------------------------------


@st.composite
def programs(draw):
    """Steps: an operation, how far back its second argument is, and the scopes it stands in."""
    step = st.tuples(st.integers(0, 4), st.integers(1, 12), st.lists(st.sampled_from("abc"), max_size=3))
    body = draw(st.lists(step, min_size=1, max_size=12))
    return draw(st.lists(step, max_size=8)) + body * draw(st.integers(1, 12)) + draw(st.lists(step, max_size=8))


def run(steps):
    operations = (np.subtract, np.maximum, lambda a, b: np.sin(a), lambda a, b: np.tanh(a) - b, lambda a, b: a * 0.5)
    values = [ag.Variable(0.5, name="x"), ag.Variable(0.25, name="y")]
    with ag.GradientTape():
        for operation, back, scopes in steps:
            with contextlib.ExitStack() as stack:
                for scope in scopes:
                    stack.enter_context(ag.name_scope(scope))
                values.append(operations[operation](values[-1], values[max(len(values) - back, 0)]))
    return ag.graph(values[-1])


@given(programs(), st.sampled_from([1, 2, 3, 5, 10, 30, BUDGET, None]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_node_has_a_box_and_there_are_few_enough(steps, budget, scopes):
    graph = run(steps)
    view = fold(graph, budget, scopes=scopes)
    assert len(view.boxes) <= (budget or len(graph.nodes))
    assert {*view.owner} == set(range(len(view.boxes)))
    for box in view.boxes:
        assert all(view.owner[index] == box.index for index in box.nodes)
    ends = {(link.source, link.target) for link in view.links}
    for edge in graph.edges:
        source, target = view.owner[edge.source.index], view.owner[edge.target.index]
        assert source == target or (source, target) in ends
    counted = sum(len(link.edges) for link in view.links)
    assert counted <= len(graph.edges)
    assert bool(view.note) == any(box.group or box.times > 1 for box in view.boxes)


@given(programs(), st.sampled_from([2, 5, 12]))
@settings(max_examples=40, deadline=None)
def test_the_tree_holds_each_node_once_and_is_nowhere_wide(steps, widest):
    graph = run(steps)
    tree = group_tree(graph, widest=widest)
    assert tree.members() == list(range(len(graph.nodes)))
    found = list(tree.walk())
    assert len({group.path for group in found}) == len(found)
    for group in found:
        assert group.size == len(group.members())
        assert len(group.nodes) + len(group.groups) <= widest + len(graph.targets)
        done = [[graph.nodes[index].operation for index in operations] for operations in group.times]
        assert all(operations == done[0] for operations in done)


def test_a_small_graph_is_shown_whole():
    """Repetitions too: nothing is hidden that there is room for."""
    view = fold(recurrent(5))
    assert view.note == ""
    assert all(box.group is None and not box.inside for box in view.boxes)


def test_a_graph_in_which_nothing_repeats_is_folded_by_stretches():
    view = fold(irregular(3000), 40)
    assert 20 <= len(view.boxes) <= 40
    assert view.note.startswith("3,")
    assert view.note.endswith("more groups.")
    assert {box.group.kind for box in view.boxes if box.group} <= {"stretch", "repeat", "step"}
    assert any(box.group is None and box.nodes[-1] == view.owner.index(box.index) for box in view.boxes)


def test_where_too_many_links_would_be_left_more_is_folded():
    view = fold(irregular(3000, near=3000), 60)
    assert len(view.links) <= 4 * 60


def test_links_that_are_too_long_are_folded():
    """Every step of 100 uses one of the first values: shown step by step, that is a knot."""
    rng = np.random.default_rng(0)
    values = [ag.Variable(float(at)) for at in range(10)]
    with ag.GradientTape():
        for at in rng.integers(0, 10, 100):
            values.append(np.sin(values[-1]) * values[at] + values[len(values) // 2])
    graph = ag.graph(values[-1])
    view = fold(graph, 300)
    assert len(graph.nodes) == 310
    assert length_of(view.links, len(view.boxes)) <= 1500
    assert view.note


def test_the_length_of_links():
    """A chain has none to spare; a leaf stands before what uses it; each box that is passed counts."""
    edge = lambda source, target: Link(source, target, (GraphEdge(None, nodes[target], 0, None),))
    nodes = [SimpleNamespace(index=index) for index in range(6)]
    chain = [edge(at, at + 1) for at in range(4)]
    assert length_of(chain, 6) == 0
    assert length_of([*chain, edge(5, 4)], 6) == 0
    assert length_of([*chain, edge(0, 4)], 6) == 3
    back = Link(4, 0, chain[0].edges, NEXT)
    assert length_of([*chain, back], 6) == 0


def test_targets_stay_visible():
    graph = loop(1000)
    view = fold(graph, 10)
    (target,) = graph.targets
    assert view.boxes[view.owner[target.index]].group is None


def test_opened_and_closed_groups():
    """By the path of a group; what is asked for is shown whatever the budget is."""
    graph = recurrent(28)
    (repeat,) = groups_of(graph, "repeat")
    closed = fold(graph, closed=[repeat.path])
    assert [(box.group.path, len(box.nodes)) for box in closed.boxes if box.group] == [(repeat.path, 168)]
    opened = fold(graph, 5, opened=[repeat.path], tree=group_tree(graph))
    assert not any(box.inside for box in opened.boxes)
    assert len(opened.boxes) == 10


@pytest.mark.parametrize("budget", [0, -3, 2.5, True, "many"])
def test_a_budget_that_is_none_raises(budget):
    with pytest.raises(
        ag.DomainError, match="budget is the largest number of boxes to show, an int from 1 on, or None"
    ):
        loop(3).draw(budget=budget)


def test_no_budget_folds_nothing():
    graph = loop(200)
    assert len(fold(graph, None).boxes) == len(graph.nodes)


def test_many_targets_are_folded_too():
    x = ag.Variable(1.0)
    with ag.GradientTape():
        targets = [x * float(number) for number in range(500)]
    assert len(fold(ag.graph(targets), 20).boxes) <= 20


def test_scopes_in_scopes_without_recursion():
    x = ag.Variable(1.0)
    with ag.GradientTape(), contextlib.ExitStack() as stack:
        for number in range(300):
            stack.enter_context(ag.name_scope(f"s{number}"))
            x = np.sin(x)
    assert len(fold(ag.graph(x)).boxes) <= BUDGET


@pytest.mark.parametrize("make", [lambda: loop(33_333), lambda: irregular(80_000)])
def test_a_hundred_thousand_nodes_in_ten_seconds(make):
    """Folded and written as DOT; laying out a hundred boxes is a tenth of a second more."""
    graph = make()
    assert len(graph.nodes) > 90_000
    start = time.process_time()
    drawing = graph.draw()
    assert time.process_time() - start < 10
    assert len(drawing.source) < 10**6
