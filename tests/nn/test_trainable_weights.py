"""Which weights training changes: found once and remembered, but never out of date."""

import pickle

import autograd_core as ag
import nn


def test_trainable_weights_follow_every_change():
    """Found once and remembered, but never out of date: layers, weights and flags may change at any time."""

    class Block(nn.Layer):
        def __init__(self, units):
            super().__init__()
            self.dense = nn.layers.Dense(units, input_dim=2)

        def call(self, inputs):
            return self.dense(inputs)

    class Net(nn.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = Block(2), Block(2)

        def call(self, inputs, training=None, mask=None):
            return self.second(self.first(inputs))

    net = Net()
    names = lambda: [id(weight) for weight in net.trainable_weights]
    kernel, bias, other_kernel, other_bias = (id(weight) for weight in net.trainable_weights)
    net.first.dense.kernel.trainable = False
    assert names() == [bias, other_kernel, other_bias]
    net.first.trainable = False
    assert names() == [other_kernel, other_bias]
    assert len(net.weights) == 4
    net.first.trainable = net.first.dense.kernel.trainable = True
    assert names() == [kernel, bias, other_kernel, other_bias]
    net.second.extra = ag.Variable(1.0)
    assert names() == [kernel, bias, other_kernel, other_bias, id(net.second.extra)]
    del net.second.extra
    net.second.dense = nn.layers.Dense(2, use_bias=False, input_dim=2)
    assert len(names()) == 3
    net.first.dense.add_weight((2,), name="late")
    assert len(names()) == 4
    net.more = [Block(2)]
    assert len(names()) == 6
    spare = Block(2)
    assert len(names()) == 6
    net.more.append(spare)  # nobody is told of this
    assert len(names()) == 8
    net.more[0].dense.trainable = False
    assert len(names()) == 6
    net.more = None
    assert len(names()) == 4


def test_what_is_remembered_stays_in_its_process():
    """A layer that was pickled looks for its weights anew: changes are numbered by each process for itself."""
    layer = nn.layers.Dense(3, input_dim=2)
    assert len(layer.trainable_weights) == 2
    again = pickle.loads(pickle.dumps(layer))
    assert "_known" not in vars(again)
    again.trainable = False
    assert again.trainable_weights == []
    assert again.trainable_weights is not layer.trainable_weights
    again.trainable = True
    assert again.trainable_weights[0] is again.kernel
