"""Convolution and pooling with their gradients, beside PyTorch's on the same numbers.

    python -m tests.benchmarks.convolution

Each line is one layer, float32: forward under a tape, then the gradients of input and kernel for a given cotangent.
Channels are last here and first there, as each side likes them. Values and gradients are compared first. Both sides are
timed in turn; the figures are medians over the rounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp
from tests.benchmarks.steps import arguments, medians


@dataclass(frozen=True)
class Layer:
    """One layer: ours, its name in ``torch.nn.functional``, and shapes, channels last.

    Attributes
    ----------
    ours : callable
        ``ours(x, w)``, or ``ours(x)`` if there is no kernel.
    theirs : str
    options : dict
        Keywords of PyTorch's function.
    x, w : tuple of int
        ``w`` is (*kernel, channels // groups, filters), or empty.
    first : bool
        Whether it is the first layer of a network, whose input needs no gradient.
    """

    name: str
    ours: Callable
    theirs: str
    options: dict
    x: tuple[int, ...]
    w: tuple[int, ...] = ()
    first: bool = False


def same(x, w):
    """Convolution that keeps the sides."""
    return anp.conv(x, w, padding="same")


LAYERS = (
    Layer("LeNet 1", same, "conv2d", {"padding": 2}, (64, 28, 28, 1), (5, 5, 1, 6), first=True),
    Layer("LeNet 2", anp.conv, "conv2d", {}, (64, 14, 14, 6), (5, 5, 6, 16)),
    Layer("3x3 32-64", same, "conv2d", {"padding": 1}, (32, 32, 32, 32), (3, 3, 32, 64)),
    Layer("3x3 64-64", same, "conv2d", {"padding": 1}, (8, 56, 56, 64), (3, 3, 64, 64)),
    Layer("1x1 64-64", same, "conv2d", {}, (32, 32, 32, 64), (1, 1, 64, 64)),
    Layer("3x3 stride 2", lambda x, w: anp.conv(x, w, 2), "conv2d", {"stride": 2}, (32, 33, 33, 32), (3, 3, 32, 64)),
    Layer("1-d 64-128", same, "conv1d", {"padding": 1}, (32, 128, 64), (3, 64, 128)),
    Layer(
        "depthwise", lambda x, w: anp.conv(x, w, padding="same", groups=64), "conv2d", {"padding": 1, "groups": 64},
        (32, 32, 32, 64), (3, 3, 1, 64),
    ),
    Layer("max 2x2", lambda x: anp.max_pool(x, 2), "max_pool2d", {"kernel_size": 2}, (64, 28, 28, 6)),
    Layer("mean 2x2", lambda x: anp.avg_pool(x, 2), "avg_pool2d", {"kernel_size": 2}, (64, 28, 28, 6)),
    Layer("max 2x2, 64", lambda x: anp.max_pool(x, 2), "max_pool2d", {"kernel_size": 2}, (32, 32, 32, 64)),
)  # fmt: skip


def channels_first(array):
    """What PyTorch takes: (batch, channels, *spatial), contiguous."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 1))


def our_run(layer: Layer, x, w, ct):
    """Value and gradients, by the tape."""
    leaves = [ag.constant(x)] + ([] if w is None else [ag.constant(w)])
    sources = leaves[1:] if layer.first else leaves
    cotangent = ag.constant(ct)

    def run():
        with ag.GradientTape() as tape:
            tape.watch(sources)
            y = layer.ours(*leaves)
        return [y.numpy(), *(gradient.numpy() for gradient in tape.gradient(y, sources, cotangent))]

    return run


def torch_run(torch, layer: Layer, x, w, ct):
    """The same by PyTorch."""
    leaves = [torch.tensor(channels_first(x), requires_grad=not layer.first)]
    if w is not None:
        flipped = np.ascontiguousarray(np.moveaxis(w, (-1, -2), (0, 1)))
        leaves.append(torch.tensor(flipped, requires_grad=True))
    function = getattr(torch.nn.functional, layer.theirs)
    cotangent = torch.tensor(channels_first(ct))
    sources = [leaf for leaf in leaves if leaf.requires_grad]

    def run():
        y = function(*leaves, **layer.options)
        return [y, *torch.autograd.grad(y, sources, cotangent)]

    return run


def check_agreement(layer: Layer, ours, theirs) -> None:
    """Stop if values or gradients differ by more than rounding."""
    mine, others = ours(), [result.detach().numpy() for result in theirs()]
    moved = [np.moveaxis(others[0], 1, -1)]
    for result in others[1:]:
        is_kernel = layer.w and len(moved) == len(others) - 1
        moved.append(np.moveaxis(result, (0, 1), (-1, -2)) if is_kernel else np.moveaxis(result, 1, -1))
    for a, b in zip(mine, moved, strict=True):
        if a.shape != b.shape or np.abs(a - b).max() > 1e-4 * np.abs(b).max():
            sys.exit(f"{layer.name}: results differ, {np.abs(a - b).max()} where values go to {np.abs(b).max()}")


def main() -> None:
    """Print a line per layer: milliseconds of both, and their ratio."""
    args = arguments(__doc__)
    try:
        import torch
    except ImportError:
        torch = None
        print("PyTorch is not installed: nothing to compare with")
    else:
        torch.set_num_threads(args.threads or torch.get_num_threads())
    random = np.random.default_rng(0)
    for layer in LAYERS:
        x = random.normal(size=layer.x).astype(np.float32)
        w = random.normal(size=layer.w).astype(np.float32) if layer.w else None
        y = layer.ours(*(a for a in (x, w) if a is not None))
        ct = random.normal(size=y.shape).astype(np.float32)
        runs = [our_run(layer, x, w, ct)]
        if torch is not None:
            runs.append(torch_run(torch, layer, x, w, ct))
            check_agreement(layer, *runs)
        medians(runs, 3)  # warms up
        ours, *other = (seconds * 1e3 for seconds in medians(runs, args.rounds))
        line = f"{layer.name:<13} {layer.x!s:<18} {ours:7.2f} ms"
        print(line + (f"   PyTorch {other[0]:7.2f} ms   ratio {ours / other[0]:.2f}" if other else ""))


if __name__ == "__main__":
    main()
