"""The Numba emitter against ``evaluate``: every primitive of the table, and random programs of many of them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.compile.executable import BOUND, PASSED
from autograd_core.compile.passes import optimise
from autograd_core.compile.program import evaluate
from autograd_core.compile.to_numba.emit import emit
from autograd_core.ops.arithmetic import MULTIPLY
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.testing.rows import sample
from tests.compile.build import Builder
from tests.compile.programs import Random, arrays_of

GROUPS = [TABLE[at : at + 10] for at in range(0, len(TABLE), 10)]


def compare(program, arrays):
    executable = emit(program)
    for _ in range(2):
        given = [np.array(a) for a in arrays]
        with np.errstate(all="ignore"):
            outputs, writes, _ = evaluate(program, [a.copy() for a in given])
        pairs = list(zip(program.inputs, given, strict=True))
        executable.bind([a for i, a in pairs if i.kind in BOUND])
        results = executable(*[a for i, a in pairs if i.kind in PASSED])
        by_value = {i.value: a for i, a in pairs}
        written = [by_value[target.value] for target, _ in program.writes]
        values = [*program.outputs, *(v for _, v in program.writes)]
        for value, expected, got in zip(values, [*outputs, *writes], [*results, *written], strict=True):
            same(value, got, expected)


def same(value, got, expected):
    assert got.shape == expected.shape, value.source
    assert got.dtype == expected.dtype, value.source
    tolerance = 3e-5 if got.dtype.kind in "fc" else 0  # entries of float64 too: they may come from float32
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance, err_msg=str(value.source))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("group", GROUPS, ids=lambda rows: rows[0].name)
def test_every_primitive(group, dtype):
    """Ten rows of the table in one program, each on arguments that it draws itself."""
    b, found = Builder(), []
    rng = np.random.default_rng(3)
    with np.errstate(all="ignore"):
        for row in group:
            case = sample(
                row, Draw(lambda low, high: int(rng.integers(low, high, endpoint=True)), np.dtype(dtype).type)
            )
            operands = [b.argument(arg) if isinstance(arg, np.ndarray) else arg for arg in case.args]
            results = b.add(row, *operands, **case.params)
            found += results if isinstance(results, tuple) else (results,)
        found += [b.add(MULTIPLY, r, 2) for r in found if r.dtype.kind in "fc"]
    compare(b.finish(*found), b.examples())


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_random_programs(seed, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "off")
    with np.errstate(all="ignore"):
        program, arrays = Random(seed).program()
        if seed % 2:
            optimised = optimise(program)
            program, arrays = optimised, arrays_of(optimised, program, arrays)
        compare(program, arrays)
