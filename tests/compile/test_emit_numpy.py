"""The NumPy emitter against ``evaluate``: values, shapes, dtypes, writes, and who owns which memory."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.compile.emit_numpy import emit
from autograd_core.compile.executable import BOUND, PASSED, ZeroMetInfinity
from autograd_core.compile.program import evaluate

from .programs import Random


def assert_same(got, expected, narrow=True):
    """Equal to rounding, in shape and in dtype; ``narrow``: what it was computed from may have been float32."""
    assert isinstance(got, np.ndarray)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    scale = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected)) if expected.dtype.kind in "fc" else 1
    tolerance = 1e-5 if narrow else 1e-12
    np.testing.assert_allclose(got, expected, rtol=10 * tolerance, atol=tolerance * scale)


def run_and_compare(program, arrays, times=2):
    """Run ``program`` several times beside ``evaluate``, the second time on what the first has written."""
    executable = emit(program)
    bound = [np.array(a) for i, a in zip(program.inputs, arrays, strict=True) if i.kind in BOUND]
    passed = [np.array(a) for i, a in zip(program.inputs, arrays, strict=True) if i.kind in PASSED]
    executable.bind(bound)
    kept = []
    for _ in range(times):
        ours = iter(bound)
        others = iter(passed)
        now = [
            np.array(next(ours)) if i.kind in BOUND else next(others) if i.kind in PASSED else i.key
            for i in program.inputs
        ]
        with np.errstate(all="ignore"):
            outputs, writes, guards = evaluate(program, now)
        expected = [np.array(o) for o in outputs], [np.array(w) for w in writes]
        before = [np.array(a) for a in passed]
        if any(np.isnan(guard).any() for guard in guards):
            unchanged = [np.array(a) for a in bound]
            with pytest.raises(ZeroMetInfinity):
                executable(*passed)
            for one, other in zip(bound, unchanged, strict=True):
                np.testing.assert_array_equal(one, other)
            break
        got = executable(*passed)
        assert isinstance(got, tuple)
        for one, other in zip(got, expected[0], strict=True):
            assert_same(one, other)
        kept += list(zip(got, expected[0], strict=True))
        places = {id(i): a for i, a in zip([i for i in program.inputs if i.kind in BOUND], bound, strict=True)}
        for (target, _), new in zip(program.writes, expected[1], strict=True):
            assert_same(places[id(target)], new)
        for one, other in zip(passed, before, strict=True):
            np.testing.assert_array_equal(one, other)
        for one in got:
            one.fill(7)  # an output is the caller's: nothing else may change with it
    return executable


@pytest.mark.parametrize("seed", range(150))
def test_random_programs_agree_with_evaluate(seed):
    """Random programs give the same outputs and writes, call after call."""
    program, arrays = Random(seed, sides=((1, 2, 3) if seed % 2 else (1, 4, 17))).program(4 + seed % 20)
    run_and_compare(program, arrays)
