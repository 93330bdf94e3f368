"""The first call of the MNIST step: tracing and compiling it, with nothing on the disk, and from the disk cache.

Each figure comes from new processes. Imports, data and model are made before the clock starts; Numba is imported at the
first call that needs it, so that there are figures with its import and, where it was imported before, without.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.compiled.mnist import problem as mnist_problem
from tests.benchmarks.compiled.work import Contender, Target, Work

NEW = {"AUTOGRAD_CORE_CACHE": "{folder}", "NUMBA_CACHE_DIR": "{folder}", "TORCHINDUCTOR_CACHE_DIR": "{folder}"}
KEPT = {name: "{kept}" for name in NEW}
CACHED, CACHED_IMPORT = "ours, from the disk cache", "ours, from the disk cache, with Numba's import"
COLD_IMPORT = "ours, cold, with Numba's import"
IMPORTED = {"jit": "numba", "imported": True}


def problem():
    """A single batch is enough."""
    whole = mnist_problem()
    return {**whole, "batches": whole["batches"][:1]}


WORK = Work(
    title="MNIST step: its first call, cold",
    problem=problem,
    reference=lambda problem: {"nothing": np.zeros(1)},  # the row of the step itself holds its results
    contenders={
        "eager": Contender("eager", "with_ours:first_call", {"jit": None}),
        "compiled, NumPy": Contender("numpy", "with_ours:first_call", {"jit": "numpy"}),
        "compiled, Numba, cold": Contender("numba", "with_ours:first_call", IMPORTED, NEW),
        "compiled, Numba, cold, with Numba's import": Contender(
            COLD_IMPORT, "with_ours:first_call", {"jit": "numba"}, NEW
        ),
        "compiled, Numba, from the disk cache": Contender(CACHED, "with_ours:first_call", IMPORTED, KEPT),
        "compiled, Numba, from the disk cache, with Numba's import": Contender(
            CACHED_IMPORT, "with_ours:first_call", {"jit": "numba"}, KEPT
        ),
        "PyTorch": Contender("torch", "with_torch:mnist"),
        "torch.compile": Contender("torch.compile", "with_torch:mnist", {"compile": "all"}, NEW),
        "JAX jit": Contender("jax", "with_jax:mnist"),
    },
    targets=(
        Target("numba", 6.0),
        Target(COLD_IMPORT, 6.0),
        Target(CACHED, 0.5),
        Target(CACHED_IMPORT, 0.5),
    ),
    rounds=0.15,
    once=True,
)
