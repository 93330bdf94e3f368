"""Source of matrix products: calls of BLAS, on one thread or on several."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..machine.blas_sizes import PARALLEL, cuts
from .fuse import Cluster
from .loops import INDICES, contiguous_strides, place
from .lower import Op
from .lower_products import matrix


class ProductWriter:
    """The part of the emitter that writes products."""

    workers: int
    threads: int
    libraries: set[tuple[str, str]]
    memory_name: Any
    _kernel: Any
    _in_parallel: Any

    def _product(self, cluster: Cluster, op: Op) -> list[str]:
        x, y = op.views()
        batch = op.params["batch"]
        (m, k), n = x.shape[-2:], y.shape[-1]
        comment = f"# {op.comment}  {op.place}".rstrip()
        names = [self.memory_name(root) for root in (x.root, y.root, op.result)]
        rows, columns = cuts(m, n, k, self.workers) if not batch else (1, 1)
        if max(rows, columns) > 1:
            return [comment, *self._cut_product(cluster, op, names, rows, columns)]
        steps = [x.strides[:-2], y.strides[:-2], tuple(s * m * n for s in contiguous_strides(batch))]
        places = [place(s, o) for s, o in zip(steps, (x.offset, y.offset, 0), strict=True)]
        if self.workers > 1 and prod(batch) >= self.workers and prod(batch) * m * n * k >= PARALLEL:
            return [comment, *self._shared_products(cluster, op, names, places)]
        loops = [f"{'    ' * at}for {INDICES[at]} in range({side}):" for at, side in enumerate(batch)]
        return [comment, *loops, "    " * len(loops) + self._gemm(op, names, places, str(m), str(n))]

    def _shared_products(self, cluster: Cluster, op: Op, given: list[str], places: list[str]) -> list[str]:
        """Products of a stack of matrices, some of them on each thread."""
        x, y = op.views()
        batch, count = op.params["batch"], prod(op.params["batch"])
        step = -(-count // self.workers)
        at = [f"number // {inner} % {side}" for inner, side in zip(contiguous_strides(batch), batch, strict=True)]
        body = [f"for number in range(part * {step}, min(part * {step} + {step}, {count})):"]
        body += [f"    {INDICES[axis]} = {text}" for axis, text in enumerate(at)]
        body.append("    " + self._gemm(op, ["A", "B", "C"], places, str(x.shape[-2]), str(y.shape[-1])))
        name = self._kernel(cluster, body, ["A", "B", "C", "part"])
        self.threads = self.workers
        return self._in_parallel([f"in_parallel({name}, {self.workers}, {', '.join(given)})"])

    def _gemm(self, op: Op, names: list[str], places: list[str], m: str, n: str) -> str:
        x, y = op.views()
        (ta, lda), (tb, ldb) = matrix(x), matrix(y)  # type: ignore[misc]
        gemm = "sgemm" if op.result.dtype == np.float32 else "dgemm"
        self.libraries.add(("autograd_core.compile.machine.blas", gemm))
        a, b, c = (name if at == "0" else f"({name}, {at})" for name, at in zip(names, places, strict=True))
        (k, width) = y.shape[-2:]
        return f"{gemm}({ta}, {tb}, {m}, {n}, {k}, 1.0, {a}, {lda}, {b}, {ldb}, 0.0, {c}, {width})"

    def _cut_product(self, cluster: Cluster, op: Op, given: list[str], rows: int, columns: int) -> list[str]:
        """Slices of rows, or of columns, of one product at the same time."""
        x, y = op.views()
        m, n = x.shape[-2], y.shape[-1]
        side, parts = (m, rows) if rows > 1 else (n, columns)
        step = -(-side // parts)
        by_rows = (x.strides[-2], 0, n) if rows > 1 else (0, y.strides[-1], 1)
        places = [
            f"start * {stride} + {offset}" if stride else str(offset)
            for stride, offset in zip(by_rows, (x.offset, y.offset, 0), strict=True)
        ]
        length = f"min({step}, {side} - start)"
        sizes = (length, str(n)) if rows > 1 else (str(m), length)
        self.threads = parts
        call = self._gemm(op, ["A", "B", "C"], places, *sizes)
        body = [f"start = part * {step}", f"if start < {side}:", "    " + call]
        name = self._kernel(cluster, body, ["A", "B", "C", "part"])
        return self._in_parallel([f"in_parallel({name}, {parts}, {', '.join(given)})"])
