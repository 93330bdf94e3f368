"""Running one kernel as emitted code would, beside the forward function of its primitive."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from autograd_core.compile.kernels import KERNELS, Call
from autograd_core.compile.machine import threads
from tests.compile.build import Builder


def instruction_of(primitive: Any, *operands: Any, **params: Any) -> Any:
    """One application as an instruction."""
    builder = Builder()
    builder.add(primitive, *[builder.argument(o) if isinstance(o, np.ndarray) else o for o in operands], **params)
    return builder.program.instructions[0]


def function_of(call: Call) -> Any:
    """The compiled function."""
    threads.prepare_numba()
    return getattr(importlib.import_module(call.module), call.function)


def run(primitive: Any, *operands: Any, **params: Any) -> Any:
    """Results of the kernel, and the code it returned; None if there is no kernel for this."""
    instruction = instruction_of(primitive, *operands, **params)
    call = KERNELS[primitive].plan(instruction)
    if call is None:
        return None
    results = [np.full(r.shape, 77, r.dtype) for r in instruction.results]  # as a buffer that was used before
    work = [np.full(shape, 77, dtype) for shape, dtype in call.work]
    chosen = operands if call.operands is None else [operands[at] for at in call.operands]
    code = function_of(call)(*results, *map(np.ascontiguousarray, chosen), *work, *call.static)
    return results, code


def check(primitive: Any, *operands: Any, tolerance: float = 10, **params: Any) -> None:
    """The kernel gives what the primitive gives, to so many roundings of the largest entry."""
    found = run(primitive, *operands, **params)
    assert found is not None, f"no kernel for {primitive.name} with {params}"
    results, code = found
    assert not code
    wanted = primitive.impl(*operands, **params)
    for result, right in zip(results, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        right = np.asarray(right)
        assert (result.shape, result.dtype) == (right.shape, right.dtype)
        finite = np.isfinite(right)
        scale = np.max(np.abs(right), initial=0, where=finite)
        atol = tolerance * np.finfo(right.dtype).eps * max(scale, 1e-30)
        np.testing.assert_allclose(result, right, rtol=0, atol=atol)
