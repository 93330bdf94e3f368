"""Listings 1 to 4: Variables, a tape, and the gradient through a small graph."""

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp


def test_1_scalar_variable():
    x = ag.Variable(0.0)
    with ag.GradientTape() as tape:
        y = 2 * x + 3
    grad_of_y_wrt_x = tape.gradient(y, x)
    assert grad_of_y_wrt_x.numpy() == 2


def test_2_matrix_variable():
    x = ag.Variable(anp.zeros((2, 2)))
    with ag.GradientTape() as tape:
        y = 2 * x + 3
    grad_of_y_wrt_x = tape.gradient(y, x)
    np.testing.assert_array_equal(grad_of_y_wrt_x.numpy(), np.full((2, 2), 2.0))


def test_3_list_of_variables():
    W = ag.Variable(anp.random.uniform(size=(2, 2)))
    b = ag.Variable(anp.zeros((2,)))
    x = anp.random.uniform(size=(2, 2))
    with ag.GradientTape() as tape:
        y = anp.matmul(x, W) + b
    grad_of_y_wrt_W_and_b = tape.gradient(y, [W, b])
    assert isinstance(grad_of_y_wrt_W_and_b, list)
    assert [g.shape for g in grad_of_y_wrt_W_and_b] == [(2, 2), (2,)]
    np.testing.assert_allclose(grad_of_y_wrt_W_and_b[0].numpy(), x.numpy().sum(0)[:, None] * np.ones(2))
    np.testing.assert_array_equal(grad_of_y_wrt_W_and_b[1].numpy(), [2, 2])


def test_4_edges_of_a_graph():
    x, w, b = ag.Variable(2.0), ag.Variable(3.0), ag.Variable(1.0)
    with ag.GradientTape(persistent=True) as tape:
        x1 = x * w
        x2 = x1 + b
        loss_val = anp.abs(4 - x2)
    assert [float(v) for v in (x1, x2, loss_val)] == [6, 7, 3]
    edges = [(loss_val, x2), (x2, x1), (x2, b), (x1, w)]
    assert [float(tape.gradient(*edge)) for edge in edges] == [1, 1, 1, 2]
    assert float(tape.gradient(loss_val, w)) == 2
    assert float(tape.gradient(loss_val, b)) == 1
    assert float(tape.gradient(loss_val, w)) == np.prod([float(tape.gradient(*e)) for e in (edges[0], edges[1])]) * 2
