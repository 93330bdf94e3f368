"""The step of an LSTM over the 28 rows of an image: 28 features, 64 units, dense 10, Adam, batch 64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.by_hand import adam, float64_results, plain_run, softmax_loss
from tests.benchmarks.compiled.mnist import digits
from tests.benchmarks.compiled.work import PYTORCH, Contender, Run, Target, Work, glorot, ours, some_wrong

TIME, FEATURES, UNITS, BATCH_SIZE, BATCHES = 28, 28, 64, 64, 100


def problem() -> dict[str, Any]:
    """Weights in Keras's layout, gates in its order (input, forget, cell, output), biases of 0."""
    random = np.random.default_rng(1)
    images, labels = digits(BATCHES * BATCH_SIZE)
    rows = images.reshape(BATCHES, BATCH_SIZE, TIME, FEATURES)
    labels = some_wrong(random, labels).reshape(BATCHES, BATCH_SIZE)
    weights = [
        glorot(random, FEATURES, 4 * UNITS), glorot(random, UNITS, 4 * UNITS), np.zeros(4 * UNITS, "f4"),
        glorot(random, UNITS, 10), np.zeros(10, "f4"),
    ]  # fmt: skip
    return {"weights": weights, "batches": list(zip(rows, labels, strict=True))}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forward(weights, x):
    """Of rows with time first: hidden states and cells (with those before the first step), tanh of the cells, gates."""
    wx, wh, b = weights[:3]
    size, dtype = x.shape[1], wx.dtype
    projected = (x.reshape(-1, FEATURES) @ wx + b).reshape(TIME, size, 4 * UNITS)
    hidden, cells = (np.zeros((TIME + 1, size, UNITS), dtype) for _ in range(2))
    tanhs, gates = np.empty((TIME, size, UNITS), dtype), np.empty((TIME, size, 4, UNITS), dtype)
    for t in range(TIME):
        a = (projected[t] + hidden[t] @ wh).reshape(size, 4, UNITS)
        gates[t] = sigmoid(a)
        gates[t, :, 2] = np.tanh(a[:, 2])
        i, f, g, o = gates[t].swapaxes(0, 1)
        cells[t + 1] = f * cells[t] + i * g
        tanhs[t] = np.tanh(cells[t + 1])
        hidden[t + 1] = o * tanhs[t]
    return hidden, cells, tanhs, gates


def gradients(weights, x, y):
    """Loss and gradients, the input's products of all steps in one."""
    _, wh, _, wo, bo = weights
    x, size = np.ascontiguousarray(x.transpose(1, 0, 2)), len(x)
    hidden, cells, tanhs, gates = forward(weights, x)
    loss, d = softmax_loss(hidden[TIME] @ wo + bo, y)
    dh, dc, da = d @ wo.T, np.zeros((size, UNITS), wh.dtype), np.empty_like(gates)
    for t in range(TIME - 1, -1, -1):
        i, f, g, o = gates[t].swapaxes(0, 1)
        dc = dc + dh * o * (1 - tanhs[t] ** 2)
        da[t, :, 0] = dc * g * i * (1 - i)
        da[t, :, 1] = dc * cells[t] * f * (1 - f)
        da[t, :, 2] = dc * i * (1 - g * g)
        da[t, :, 3] = dh * tanhs[t] * o * (1 - o)
        dh = da[t].reshape(size, -1) @ wh.T
        dc = dc * f
    flat = da.reshape(-1, 4 * UNITS)
    grads = [x.reshape(-1, FEATURES).T @ flat, hidden[:TIME].reshape(-1, UNITS).T @ flat, flat.sum(axis=0)]
    return loss, [*grads, hidden[TIME].T @ d, d.sum(axis=0)]


def reference(problem):
    return {
        **float64_results(problem, gradients, adam()),
        **float64_results(problem, gradients, adam(pytorch=True), PYTORCH),
    }


def by_hand(problem: Mapping[str, Any]) -> Run:
    return plain_run(problem, gradients, adam())


WORK = Work(
    title="LSTM step: 28 steps, 64 units, batch 64, Adam",
    problem=problem,
    reference=reference,
    contenders={
        **ours("lstm"),
        "NumPy by hand": Contender("hand", "lstm:by_hand"),
        "PyTorch, nn.LSTM": Contender("torch", "with_torch:lstm"),
        "PyTorch, nn.LSTM, fused Adam": Contender("torch", "with_torch:lstm", {"fused": True}),
        "torch.compile, a loop of cells": Contender("torch.compile", "with_torch:lstm_cells", {"compile": "loss"}),
        "JAX jit, scan": Contender("jax", "with_jax:lstm"),
        "JAX jit, unrolled": Contender("jax", "with_jax:lstm", {"unroll": True}),
    },
    targets=(Target("numba", 0.7, ("hand", "torch", "torch.compile", "jax", "keras")),),
    tolerance=1e-2,  # Adam divides by the size of the gradient: where it is about 0, rounding decides the direction
)
