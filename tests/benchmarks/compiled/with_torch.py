"""PyTorch's sides: its own layers and optimizers as its users write them, eager or by ``torch.compile``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tests.benchmarks.compiled import chain as chain_work
from tests.benchmarks.compiled import clusters as clusters_work
from tests.benchmarks.compiled import lenet as lenet_work
from tests.benchmarks.compiled import lstm as lstm_work
from tests.benchmarks.compiled import mnist as mnist_work
from tests.benchmarks.compiled import mnist_epoch as mnist_epoch_work
from tests.benchmarks.compiled import scan as scan_work
from tests.benchmarks.compiled import small_ops as small_ops_work
from tests.benchmarks.compiled.work import PYTORCH, Run, Trainer, training_run

torch._dynamo.config.recompile_limit = 64  # no row is to run uncompiled without a word


def trainer(net: Any, optimizer: Any, weights: Any, compile: str | None = None) -> Trainer:
    """A step of a network; ``compile`` is "loss" (forward and backward) or "all" (the optimizer's step too)."""

    def loss_of(x, y):
        return functional.cross_entropy(net(x), y)

    update = optimizer.step
    if compile:
        loss_of = torch.compile(loss_of, dynamic=False)
    if compile == "all":
        update = torch.compile(update)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(x, y)
        loss.backward()
        update()
        return loss.detach()

    return Trainer(step, lambda: [value.detach().numpy() for value in weights()])


def copy_into(parameters: Any, arrays: Sequence[np.ndarray]) -> None:
    """Give a network its first weights, from arrays in PyTorch's layout."""
    with torch.no_grad():
        for parameter, array in zip(parameters, arrays, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def tensors(batches: Any) -> list[tuple[Any, Any]]:
    return [(torch.from_numpy(np.array(x)), torch.from_numpy(np.array(y))) for x, y in batches]


def transposed(parameter: Any) -> Any:
    return parameter.T if parameter.ndim == 2 else parameter


def two_layers(problem: Mapping[str, Any], activation: Any) -> Any:
    first = problem["weights"]
    (inputs, hidden), outputs = first[0].shape, len(first[3])
    net = nn.Sequential(nn.Linear(inputs, hidden), activation, nn.Linear(hidden, outputs))
    copy_into(net.parameters(), [array.T for array in first])
    return net


def clusters(problem: Mapping[str, Any], fused: bool | None = None, compile: str | None = None) -> Run:
    net = two_layers(problem, nn.Sigmoid())
    work = clusters_work
    betas = (work.BETA_1, work.BETA_2)
    optimizer = torch.optim.Adam(net.parameters(), work.LEARNING_RATE, betas=betas, eps=work.EPSILON, fused=fused)
    side = trainer(net, optimizer, lambda: map(transposed, net.parameters()), compile)
    return training_run(side, tensors(problem["batches"]), problem["weights"], formula=PYTORCH)


def mnist_trainer(problem: Mapping[str, Any], compile: str | None = None) -> Trainer:
    net = two_layers(problem, nn.ReLU())
    work = mnist_work
    optimizer = torch.optim.RMSprop(net.parameters(), work.LEARNING_RATE, alpha=work.RHO, eps=work.EPSILON)
    return trainer(net, optimizer, lambda: map(transposed, net.parameters()), compile)


def mnist(problem: Mapping[str, Any], compile: str | None = None) -> Run:
    batches = tensors(problem["batches"])
    return training_run(mnist_trainer(problem, compile), batches, problem["weights"], formula=PYTORCH)


def chain(problem: Mapping[str, Any], compiled: bool = False) -> Run:
    x = torch.from_numpy(problem["x"]).requires_grad_()
    a, b = chain_work.SCALE, chain_work.SHIFT

    def value_of(x):
        return torch.sum(torch.tanh(x * a + b) * torch.exp(-x * x) + torch.log1p(x * x))

    function = torch.compile(value_of) if compiled else value_of

    def call():
        x.grad = None
        value = function(x)
        value.backward()
        return value, x.grad

    return chain_work.run_of(call, lambda pair: (pair[0].detach().numpy(), pair[1].numpy()))


def small_ops(problem: Mapping[str, Any]) -> Run:
    leaves = [torch.tensor(array, requires_grad=True) for array in problem["arrays"]]

    def call():
        for leaf in leaves:
            leaf.grad = None
        value = small_ops_work.chain(*leaves, torch.tanh).sum()
        value.backward()
        return value, [leaf.grad for leaf in leaves]

    return small_ops_work.run_of(call, lambda tensor: tensor.detach().numpy())


def scan(problem: Mapping[str, Any]) -> Run:
    w, u = (torch.tensor(problem[name], requires_grad=True) for name in "wu")
    steps, zeros = torch.tensor(problem["x"]).unbind(), torch.zeros((scan_work.BATCH, scan_work.UNITS))

    def loop(step, h, steps):
        kept = []
        for at in steps:
            h, out = step(h, at)
            kept.append(out)
        return h, torch.stack(kept)

    def call():
        w.grad = u.grad = None
        value = scan_work.value_of(w, u, steps, loop, torch.tanh, zeros)
        value.backward()
        return value, [w.grad, u.grad]

    return scan_work.run_of(call, lambda tensor: tensor.detach().numpy())


class Recurrent(nn.Module):
    """PyTorch's own LSTM and a dense layer on its last state."""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.LSTM(lstm_work.FEATURES, lstm_work.UNITS, batch_first=True)
        self.dense = nn.Linear(lstm_work.UNITS, 10)
        self.recurrent.bias_hh_l0.requires_grad_(False).zero_()  # a second bias, which no one else has

    def forward(self, x):
        return self.dense(self.recurrent(x)[0][:, -1])


def lstm(problem: Mapping[str, Any], fused: bool | None = None) -> Run:
    net = Recurrent()
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    copy_into(trained, [array.T for array in problem["weights"]])
    optimizer = torch.optim.Adam(trained, lr=1e-3, eps=1e-7, fused=fused)
    side = trainer(net, optimizer, lambda: map(transposed, trained))
    return training_run(side, tensors(problem["batches"]), problem["weights"], formula=PYTORCH)


def lstm_cells(problem: Mapping[str, Any], compile: str | None = None) -> Run:
    """The cell written out in a Python loop: what ``torch.compile`` can fuse."""
    weights = [torch.tensor(array, requires_grad=True) for array in problem["weights"]]

    def net(x):
        h = c = torch.zeros(len(x), lstm_work.UNITS)
        projected = x @ weights[0] + weights[2]
        for t in range(lstm_work.TIME):
            i, f, g, o = (projected[:, t] + h @ weights[1]).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h @ weights[3] + weights[4]

    optimizer = torch.optim.Adam(weights, lr=1e-3, eps=1e-7, fused=True)
    side = trainer(net, optimizer, lambda: weights, compile)
    return training_run(side, tensors(problem["batches"]), problem["weights"], formula=PYTORCH)


def lenet(problem: Mapping[str, Any], compile: str | None = None) -> Run:
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    copy_into(net.parameters(), [channels_first(array) for array in problem["weights"]])
    optimizer = torch.optim.SGD(net.parameters(), lr=lenet_work.LEARNING_RATE, momentum=lenet_work.MOMENTUM)
    side = trainer(net, optimizer, lambda: map(channels_last, net.parameters()), compile)
    batches = [(np.moveaxis(x, -1, 1), y) for x, y in problem["batches"]]
    return training_run(side, tensors(batches), problem["weights"])


def channels_first(array: np.ndarray) -> np.ndarray:
    """A weight in PyTorch's order of axes, and of the 400 features that come out of the images."""
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if array.shape == (400, 120):
        array = array.reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120)
    return array.T


def channels_last(parameter: Any) -> Any:
    """The other way."""
    if parameter.ndim == 4:
        return parameter.permute(2, 3, 1, 0)
    if parameter.shape == (120, 400):
        return parameter.T.reshape(16, 5, 5, 120).permute(1, 2, 0, 3).reshape(400, 120)
    return parameter.T if parameter.ndim == 2 else parameter


def mnist_epoch(problem: Mapping[str, Any], compile: str | None = None) -> Run:
    """The loop that its users write when the data is in memory; its optimizer places epsilon in its own way."""
    side = mnist_trainer(problem, compile)
    images, labels = torch.from_numpy(np.array(problem["images"])), torch.from_numpy(np.array(problem["labels"]))

    def epoch(count, shuffle):
        cuts = mnist_epoch_work.cuts_of(count, torch.randperm(count) if shuffle else None)
        total = torch.zeros(())
        for cut in cuts:
            total += side.step(images[cut], labels[cut]).detach()
        return total.item() / len(cuts)

    return mnist_epoch_work.run_of(problem, epoch, side.weights, PYTORCH)
