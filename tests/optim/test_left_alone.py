"""Variables that some steps leave alone: they keep their values, and go on from there."""

import numpy as np
import pytest

import autograd_core as ag
import optim


@pytest.mark.filterwarnings("ignore:.*no gradient")
@pytest.mark.parametrize("make", [lambda: optim.SGD(0.1, momentum=0.9), lambda: optim.RMSprop(0.01), optim.Adam])
def test_left_alone_now_and_then(make):
    """A step without a gradient for a variable is no step for it, and changes nothing for the others."""
    random = np.random.default_rng(0)
    first, second, other = ag.Variable(np.ones(3)), ag.Variable(np.ones((2, 2))), ag.Variable(np.ones((2, 2)))
    both, alone = make(), make()
    both.build([first, second])
    for step in range(9):
        a, b = random.normal(size=3), random.normal(size=(2, 2))
        before = first.numpy()
        both.apply_gradients([(None if step in (2, 3, 6) else a, first), (b, second)])
        alone.apply_gradients([(b, other)])
        assert (first.numpy().tolist() == before.tolist()) == (step in (2, 3, 6))
    np.testing.assert_array_equal(second.numpy(), other.numpy())


def test_steps_that_were_left_out_leave_no_trace():
    """Without a step count in the formula, skipping a variable is the same as not having met it."""
    random = np.random.default_rng(1)
    gradients = [random.normal(size=3) for _ in range(6)]
    for make in (lambda: optim.SGD(0.1, momentum=0.9), lambda: optim.RMSprop(0.01)):
        skipped, straight, rest = ag.Variable(np.ones(3)), ag.Variable(np.ones(3)), ag.Variable(1.0)
        some, every = make(), make()
        some.build([skipped, rest])
        for step, gradient in enumerate(gradients):
            some.apply_gradients([(gradient, skipped), (1.0, rest)])
            if step % 2:
                with pytest.warns(UserWarning, match="no gradient"):
                    some.apply_gradients([(None, skipped), (1.0, rest)])
            every.apply_gradients([(gradient, straight)])
        np.testing.assert_array_equal(skipped.numpy(), straight.numpy())


def test_a_variable_assigned_in_between():
    """A value assigned by somebody else is where the next step starts from."""
    w, b = ag.Variable(np.zeros(3)), ag.Variable(0.0)
    optimizer = optim.SGD(1.0)
    for _ in range(3):
        optimizer.apply_gradients([(np.ones(3), w), (1.0, b)])
        w.assign(np.full(3, 10.0))
    optimizer.apply_gradients([(np.ones(3), w), (1.0, b)])
    assert w.numpy().tolist() == [9.0, 9.0, 9.0]
    assert b.item() == -4.0
