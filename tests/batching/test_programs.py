"""Random programs, mapped over examples: the values and gradients of a loop over the examples."""

import numpy as np
from hypothesis import HealthCheck, given, settings

import autograd_core as ag
from autograd_core.errors import AutogradError
from autograd_core.testing import strategies

SCALES = (1.0, 0.9, 1.05)


def results(out):
    return list(out) if isinstance(out, (tuple, list)) else [out]


def numpy(out):
    return out.numpy() if isinstance(out, ag.Tensor) else np.asarray(out)


def close(found, wanted, what):
    assert found.shape == wanted.shape, what
    assert found.dtype == wanted.dtype, what
    scale = max(1.0, float(np.max(np.abs(np.nan_to_num(wanted, posinf=0.0, neginf=0.0)), initial=0.0)))
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8 * scale, err_msg=what)


def examples(program):
    """The arguments of each example, those of all, stacked, and which are floats."""
    each = [
        [np.asarray(x * scale, x.dtype) if x.dtype.kind in "fc" else x for x in program.arguments] for scale in SCALES
    ]
    stacked = [np.stack(column) for column in zip(*each, strict=True)]
    return each, stacked, [k for k, x in enumerate(program.arguments) if x.dtype.kind == "f"]


def total_of(program, floats):
    """A scalar function of a program's results."""

    def total(*xs):
        parts = [np.sum(np.real(out)) for out in results(program(*xs)) if out.dtype.kind in "fc"]
        return sum(parts, 0.0 * np.sum(xs[floats[0]]))

    return total


@given(program=strategies.programs(max_operations=8))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_mapped_programs_are_loops_over_examples(program):
    """Mapped, mapped with gradients inside, and with gradients outside: a random program is what it is in a loop."""
    each, stacked, floats = examples(program)
    total = total_of(program, floats)
    with np.errstate(all="ignore"):
        try:
            loop = [[numpy(out) for out in results(program(*map(ag.constant, xs)))] for xs in each]
            slopes = [ag.grad(total, floats)(*map(ag.constant, xs)) for xs in each] if floats else []
        except (AutogradError, ValueError, TypeError, np.linalg.LinAlgError):
            return  # no program for other numbers
        found = results(ag.vmap(lambda *xs: results(program(*xs)))(*stacked))
        for own, column in zip(found, zip(*loop, strict=True), strict=True):
            close(own, np.stack(column), program.code)
        if not floats:
            return
        inside = ag.vmap(ag.grad(total, floats))(*stacked)
        outside = ag.grad(lambda *xs: np.sum(ag.vmap(total)(*xs)), floats)(*stacked)
        for k in range(len(floats)):
            wanted = np.stack([one[k].numpy() for one in slopes])
            close(inside[k], wanted, program.code)
            close(outside[k], wanted, program.code)


@given(program=strategies.programs(max_operations=6))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_compiled_mapped_twice_and_differentiated_twice(program):
    """A plan of a mapped program, a map of its map, and the derivative of its gradient along a direction."""
    each, stacked, floats = examples(program)
    total = total_of(program, floats)

    def mapped(*xs):
        return ag.vmap(lambda *ys: results(program(*ys)))(*xs)

    with np.errstate(all="ignore"):
        try:
            for xs in each:
                program(*map(ag.constant, xs))
            ag.function(lambda *xs: results(program(*xs)), jit="numpy")(*each[0])
        except (AutogradError, ValueError, TypeError, np.linalg.LinAlgError):
            return  # no program for other numbers, or none that can be compiled
        wanted = mapped(*stacked)
        for own, right in zip(ag.function(mapped, jit="numpy")(*stacked), wanted, strict=True):
            close(numpy(own), right, program.code)
        twice = ag.vmap(mapped)(*[np.stack([x, x[::-1]]) for x in stacked])
        for own, right in zip(twice, wanted, strict=True):
            close(own, np.stack([right, right[::-1]]), program.code)
        if not floats:
            return
        gradients = ag.vmap(ag.grad(total, floats))
        slopes = gradients(*stacked)
        outside = ag.grad(lambda *xs: np.sum(ag.vmap(total)(*xs)), floats)
        for way in (gradients, outside):
            for own, right in zip(ag.function(way, jit="numpy")(*stacked), slopes, strict=True):
                close(numpy(own), right, program.code)

        def along(xs, ts):
            def gradient(*ys):
                own = list(xs)
                for k, y in zip(floats, ys, strict=True):
                    own[k] = y
                return ag.grad(total, floats)(*own)

            return ag.jvp(gradient, tuple(xs[k] for k in floats), tuple(ts))[1]

        directions = [np.cos(stacked[k]) for k in floats]
        loop = [along(each[i], [t[i] for t in directions]) for i in range(len(each))]
        for own, column in zip(ag.vmap(along)(stacked, directions), zip(*loop, strict=True), strict=True):
            close(numpy(own), np.stack([numpy(one) for one in column]), program.code)
