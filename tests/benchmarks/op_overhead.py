"""Cost of one recorded operation on a small array, forward and backward, beside PyTorch's.

    python -m tests.benchmarks.op_overhead

A chain of 2,000 operations (x + a, x * b, tanh in turn) on arrays of eight floats, and on single floats, under a tape;
then the gradient of the sum of its result with respect to x, a and b. Values and gradients are compared first. Both
sides are timed in turn; the figures are medians over the rounds, per operation.
"""

from __future__ import annotations

import sys

import numpy as np

import autograd_core as ag
from tests.benchmarks.steps import arguments, medians

OPERATIONS = 2000
WANTED = 0.6  # of PyTorch's time, forward and backward together


def chain(x, a, b, tanh):
    """The same lines for both sides."""
    for i in range(OPERATIONS):
        kind = i % 3
        if kind == 0:
            x = x + a
        elif kind == 1:
            x = x * b
        else:
            x = tanh(x)
    return x


def inputs(shape):
    """x, a and b, such that no value or gradient along the chain shrinks to a denormal number: these are slow."""
    random = np.random.default_rng(0)
    ranges = ((-0.3, 0.3), (5e-5, 2e-4), (0.9995, 1.0005))
    return [random.uniform(low, high, shape).astype(np.float32) for low, high in ranges]


def our_runs(arrays):
    """The forward pass alone, and with the gradient, by the tape."""
    leaves = [ag.constant(array) for array in arrays]

    def forward():
        with ag.GradientTape() as tape:
            tape.watch(leaves)
            y = chain(*leaves, np.tanh)
        return tape, y

    def both():
        tape, y = forward()
        return y.numpy(), [gradient.numpy() for gradient in tape.gradient(y, leaves)]

    return forward, both


def torch_runs(torch, arrays):
    """The same by PyTorch."""
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]

    def forward():
        return chain(*leaves, torch.tanh)

    def both():
        for leaf in leaves:
            leaf.grad = None
        y = forward()
        (y.sum() if y.ndim else y).backward()
        return y.detach().numpy(), [leaf.grad.numpy() for leaf in leaves]

    return forward, both


def check_agreement(shape, ours, theirs) -> None:
    """Stop if values or gradients differ by more than the rounding of 2,000 operations."""
    (value, gradients), (other_value, other_gradients) = ours(), theirs()
    for mine, other in zip([value, *gradients], [other_value, *other_gradients], strict=True):
        if not np.allclose(mine, other, rtol=1e-3, atol=1e-6):
            sys.exit(f"shape {shape}: results differ: {mine} here, {other} in PyTorch")


def main() -> None:
    """Print a line per shape: microseconds per operation, and the ratio to PyTorch's."""
    args = arguments(__doc__)
    try:
        import torch
    except ImportError:
        torch = None
        print("PyTorch is not installed: nothing to compare with")
    for shape in ((8,), ()):
        arrays = inputs(shape)
        runs = our_runs(arrays)
        if torch is not None:
            others = torch_runs(torch, arrays)
            check_agreement(shape, runs[1], others[1])
            runs += others
        medians(runs, 3)  # warms up
        forward, both, *other = (seconds * 1e6 / OPERATIONS for seconds in medians(runs, args.rounds))
        line = f"shape {shape!s:<5} forward {forward:.2f} us, forward and backward {both:.2f} us"
        if other:
            line += f"; PyTorch {torch.__version__.split('+')[0]} {other[0]:.2f} and {other[1]:.2f}; "
            line += f"ratio {forward / other[0]:.2f} and {both / other[1]:.2f}"
            line += f" (wanted: at most {WANTED:g})"
        print(line)


if __name__ == "__main__":
    main()
