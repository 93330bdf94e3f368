"""What nobody should ask of a graph, and shapes that are easily forgotten: errors of our own, and pictures."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

pytest.importorskip("graphviz")


@pytest.fixture
def square():
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = x * x
    return ag.graph(y)


def test_collapsed_of_another_type(square):
    with pytest.raises(ag.ConversionError, match=r"collapsed takes names of scopes.*got a int"):
        square.draw(collapsed=3)


@pytest.mark.parametrize("path", [3, None, b"x.svg"])
def test_render_to_no_path(square, path):
    with pytest.raises(ag.ConversionError, match="path must be a str or a Path"):
        square.render(path)
    with pytest.raises(ag.ConversionError, match="path must be a str or a Path"):
        ag.render_drawing(square.draw(), path)


def test_render_over_a_folder(square, tmp_path):
    (tmp_path / "taken.dot").mkdir()
    with pytest.raises(ag.GraphError, match=r"cannot be written.*Give another path"):
        square.render(tmp_path / "taken.dot")


@pytest.mark.parametrize("names", [["y"], "y", 3])
def test_names_of_another_type(names):
    x = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        y = x * x
    with pytest.raises(ag.ConversionError, match=r"names is a .*expected a dict"):
        ag.graph(y, names=names)
    with pytest.raises(ag.ConversionError, match=r"names is a .*expected a dict"):
        tape.graph(names=names)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_arrays_without_entries(shape):
    e, v = ag.Variable(np.zeros(shape), name="e"), ag.Variable(2.0, name="v")
    with ag.GradientTape(persistent=True) as tape:
        products = e * v
        total = products.sum()
    for target in (total, products):
        graph = ag.graph(target, gradients=True)
        for backward in (False, True):
            assert "multiply" in graph.draw(backward=backward).source
        assert "multiply" in graph.to_html()
        assert graph.to_json()
        assert str(graph.paths(v))
    ag.graph(total).paths(e).check(tape.gradient(total, e))


def test_an_operation_of_thousands_of_arguments():
    """The page asks them together: one by one took time that grew as the square of their number."""
    from autograd_core.graph.html.data import page_data

    x = ag.Variable([1.0, 2.0], name="x")
    with ag.GradientTape():
        y = anp.stack([x * float(i) for i in range(2000)]).sum()
    data = page_data(ag.graph(y))
    (found,) = [node for node in data["nodes"] if node.get("name") == "x" or node["title"] == "x"]
    assert found["gradient"]["entries"] == [1999000.0, 1999000.0]


@pytest.mark.parametrize("count", [3, 40])
def test_arguments_asked_together_and_one_by_one(count):
    from autograd_core.graph.html.pull import Pulled

    x = ag.Variable(np.array([[1.0, 2.0]]), name="x")
    with ag.GradientTape(persistent=True) as tape:
        parts = [x * float(i) if i % 3 else ag.constant([[1.0, 1.0]]) for i in range(count)]
        y = (anp.concatenate(parts) ** 2.0).sum()
    graph = ag.graph(y)
    pulled = Pulled(graph, lambda array: array)
    np.testing.assert_allclose(pulled.gradients[graph.node("x").index], tape.gradient(y, x).numpy())


def test_gradient_of_a_variable_that_is_a_target_too():
    w, alone = ag.Variable(3.0, name="w"), ag.Variable([1.0, 2.0], name="alone")
    with ag.GradientTape(persistent=True) as tape:
        y = w * w
    graph = ag.graph([w, y], gradients=True)
    assert graph.node("w").gradient == graph.paths(w).total == tape.gradient([w, y], w).item() == 7.0
    assert ag.graph([y, alone], gradients=True).node("alone").gradient.tolist() == [1.0, 1.0]
