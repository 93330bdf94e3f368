"""Matrix products from compiled code and the two pools of threads: the figures behind ``blas_sizes`` and ``threads``.

Prints, as Markdown: what a call of BLAS from compiled code costs against ``np.dot`` and a loop; a product in one piece,
in pieces, in slices on Numba's pool and on BLAS's own; launch of a kernel after a pause; and products and a
memory-bound update in turn, with one pool and with two. Best of many rounds, microseconds. Other ways of waiting and
other layers are tried by environment, for example::

    python -m tests.benchmarks.blas_and_threads
    OMP_WAIT_POLICY=passive python -m tests.benchmarks.blas_and_threads
    NUMBA_THREADING_LAYER=workqueue python -m tests.benchmarks.blas_and_threads
    OPENBLAS_CORETYPE=Haswell python -m tests.benchmarks.blas_and_threads
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numba import njit, prange

from autograd_core.compile.machine import blas_sizes, threads
from autograd_core.compile.machine.blas import sgemm

FLOAT = np.float32
# rows, columns, inner size, whether the operands are transposed, and where it comes from
PRODUCTS = (
    (128, 512, 784, 0, 0, "MNIST, hidden layer"),
    (784, 512, 128, 1, 0, "MNIST, its weights"),
    (128, 10, 512, 0, 0, "MNIST, output layer"),
    (512, 10, 128, 1, 0, "MNIST, its weights"),
    (128, 512, 10, 0, 1, "MNIST, its input"),
    (64, 256, 92, 0, 0, "LSTM"),
    (4096, 16, 150, 0, 0, "LeNet, unfolded"),
    (256, 64, 93, 0, 0, ""),
    (128, 128, 128, 0, 0, ""),
    (256, 256, 256, 0, 0, ""),
)


def best(call: Callable[[], object], seconds: float = 0.05) -> float:
    """Shortest time of a call, in microseconds, in batches of about half a millisecond."""
    call()
    start = time.perf_counter()
    call()
    batch = max(1, int(5e-4 / (time.perf_counter() - start)))
    shortest, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(batch):
            call()
        shortest = min(shortest, (time.perf_counter() - start) / batch)
    return shortest * 1e6


def emitted(lines: str, parallel: bool = False, repeats: bool = False) -> Callable[..., None]:
    """Compile a function of a, b, out and t with constant sizes, as an emitter writes it."""
    if repeats:
        lines = "for _ in range(1000):\n" + indented(lines)
    names = {"np": np, "sgemm": sgemm, "prange": prange}
    exec(f"def run(a, b, out, t):\n{indented(lines)}", names)
    return njit(parallel=parallel, nogil=True, fastmath=True, error_model="numpy")(names["run"])


def indented(lines: str) -> str:
    """Move a block to the right."""
    return "\n".join("    " + line for line in lines.strip("\n").split("\n")) + "\n"


def operands(m: int, n: int, k: int) -> list[np.ndarray]:
    """Flat arrays for a, b, the result and a transposed b."""
    random = np.random.default_rng(0)
    return [random.random(size, dtype=FLOAT) for size in (m * k, k * n, m * n, k * n)]


def call(m: int, n: int, k: int, trans_a: int = 0, trans_b: int = 0) -> str:
    """One call for the whole product."""
    lda, ldb = (m if trans_a else k), (k if trans_b else n)
    return f"sgemm({trans_a}, {trans_b}, {m}, {n}, {k}, 1.0, a, {lda}, b, {ldb}, 0.0, out, {n})"


def sliced(m: int, n: int, k: int, trans_a: int, trans_b: int, rows: int, columns: int, loop: str = "prange") -> str:
    """The product in slices of rows or of columns."""
    high, wide = -(-m // rows), -(-n // columns)
    at_a, at_b = ("i" if trans_a else f"i * {k}"), (f"j * {k}" if trans_b else "j")
    return f"""
for s in {loop}({-(-m // high) * -(-n // wide)}):
    i, j = s // {-(-n // wide)} * {high}, s % {-(-n // wide)} * {wide}
    sgemm({trans_a}, {trans_b}, min({high}, {m} - i), min({wide}, {n} - j), {k}, 1.0,
          (a, {at_a}), {m if trans_a else k}, (b, {at_b}), {k if trans_b else n}, 0.0, (out, i * {n} + j), {n})
"""


def hand_loop(m: int, n: int, k: int) -> str:
    """A loop vectorised over the columns of the result."""
    return f"""
for i in range({m}):
    for j in range({n}):
        total = np.float32(0)
        for p in range({k}):
            total += a[i * {k} + p] * b[p * {n} + j]
        out[i * {n} + j] = total
"""


def transposing(m: int, n: int, k: int) -> str:
    """The product with a transposed b, transposed into t before."""
    copy = f"for j in range({n}):\n    for p in range({k}):\n        t[p * {n} + j] = b[j * {k} + p]\n"
    return copy + call(m, n, k).replace("b,", "t,")


def report_small() -> None:
    """What a call costs."""
    print("\n| small products, ns | BLAS | first transposed | second transposed | transposed before | loop |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    threads.set_num_threads(1)
    for m, n, k in [(1, 1, 1), (4, 4, 4), (8, 8, 8), (32, 128, 1), (32, 128, 2), (32, 10, 128), (32, 128, 10)]:
        arrays = operands(m, n, k)
        ways = [call(m, n, k), call(m, n, k, 1), call(m, n, k, 0, 1), transposing(m, n, k), hand_loop(m, n, k)]
        times = [best(partial(emitted(way, repeats=True), *arrays)) for way in ways]
        print(f"| ({m}, {k}) by ({k}, {n}) |", " | ".join(f"{t:.0f}" for t in times), "|")


def report_products(count: int) -> None:
    """Whole, in pieces, in slices, and on BLAS's threads."""
    print(f"\n| products, us | one thread | in pieces | transposed before | {count} slices | threads of BLAS | |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for m, n, k, trans_a, trans_b, what in PRODUCTS:
        arrays, flags = operands(m, n, k), (trans_a, trans_b)
        pieces, (rows, columns) = blas_sizes.pieces(m, n, k, *map(bool, flags)), blas_sizes.cuts(m, n, k, count)
        whole = partial(emitted(call(m, n, k, *flags)), *arrays)
        cut = partial(emitted(sliced(m, n, k, *flags, pieces, 1, "range")), *arrays)
        turned = partial(emitted(transposing(m, n, k)), *arrays)
        parallel = partial(emitted(sliced(m, n, k, *flags, rows, columns), parallel=True), *arrays)
        threads.set_num_threads(1)
        cells = [best(whole), best(cut) if pieces > 1 else 0, best(turned) if trans_b else 0]
        threads.set_num_threads(count)
        with threads.parallel_region:
            cells += [best(parallel) if rows * columns > 1 else 0]
        cells += [best(whole)]
        name = f"({m}, {k}){'ᵀ' * trans_a} by ({k}, {n}){'ᵀ' * trans_b}"
        print(f"| {name} |", " | ".join(f"{t:.1f}" if t else "" for t in cells), f"| {what} |")


@njit(parallel=True)
def kernels_after_pauses(counts, pause, repeats):
    """A tiny kernel after a pause, again and again."""
    total = 1.0
    for _ in range(repeats):
        for _ in range(pause):
            total = total * 1.0000001 + 1e-9
        for i in prange(4):
            counts[i * 16] += 1
    return total


@njit
def pauses(pause, repeats):
    """The pauses alone."""
    total = 1.0
    for _ in range(repeats):
        for _ in range(pause):
            total = total * 1.0000001 + 1e-9
    return total


def report_launch() -> None:
    """Launch of a kernel."""
    print("\n| pause before a kernel, us | launch, us |\n| ---: | ---: |")
    counts = np.zeros(64)
    for pause in (1, 3_000, 10_000, 30_000, 100_000):
        alone = best(partial(pauses, pause, 50)) / 50
        print(f"| {alone:.0f} | {best(partial(kernels_after_pauses, counts, pause, 50)) / 50 - alone:.1f} |")


UPDATE = """
    v[i] = v[i] * np.float32(0.9) + np.float32(0.1) * g[i] * g[i]
    w[i] -= np.float32(1e-3) * g[i] / (np.sqrt(v[i]) + np.float32(1e-7))
"""


def update(parallel: bool) -> Callable[..., None]:
    """RMSprop over all weights."""
    names = {"np": np, "prange": prange}
    loop = f"for i in {'prange' if parallel else 'range'}(w.size):{UPDATE}"
    exec(f"def run(w, g, v):\n{indented(loop)}", names)
    return njit(parallel=parallel, nogil=True, fastmath=True, error_model="numpy")(names["run"])


def report_fight(count: int) -> None:
    """Two large products and an update in turn."""
    a, b, out, _ = operands(128, 512, 784)
    d, w, g, v = out.copy(), b * FLOAT(0.05), np.empty_like(b), np.zeros_like(b)
    threads.set_num_threads(count)
    whole = [emitted(call(128, 512, 784)), emitted(call(784, 512, 128, 1))]
    slices = [
        emitted(sliced(128, 512, 784, 0, 0, 1, count), True),
        emitted(sliced(784, 512, 128, 1, 0, count, 1), True),
    ]
    serial, parallel = update(False), update(True)

    def products(pair):
        pair[0](a, w, out, v)
        pair[1](a, d, g, v)

    def both(pair, step):
        products(pair)
        step(w, g, v)

    rows = {"products on BLAS's pool": lambda: products(whole), "update on one thread": lambda: serial(w, g, v)}
    rows |= {"products on BLAS's pool, then the update on one thread": lambda: both(whole, serial)}
    rows |= {"update in parallel": lambda: parallel(w, g, v)}
    rows |= {"products on BLAS's pool, then the update in parallel": lambda: both(whole, parallel)}
    print("\n| products and update of an MNIST step | us |\n| --- | ---: |")
    for name, step in rows.items():
        print(f"| {name} | {best(step, 0.3):.0f} |")
    with threads.parallel_region:
        print(f"| products in slices on Numba's pool | {best(lambda: products(slices), 0.3):.0f} |")
        print(f"| products in slices, then the update in parallel | {best(lambda: both(slices, parallel), 0.3):.0f} |")
    print(f"| `parallel_region` entered and left | {best(enter_and_leave):.1f} |")


def enter_and_leave() -> None:
    """What a region costs."""
    with threads.parallel_region:
        pass


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, help="of both pools (default: as many as there are)")
    count = parser.parse_args().threads or threads.get_kernel_threads()
    print(f"{count} threads, layer {threads.prepare_numba()}, NumPy {np.__version__}, OpenBLAS or other: {blas_name()}")
    report_small()
    report_products(count)
    threads.set_num_threads(count)
    report_launch()
    report_fight(count)


def blas_name() -> str:
    """The BLAS that NumPy was built with."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index, call-overload]
    return f"{blas['name']} {blas['version']}"


if __name__ == "__main__":
    main()
