"""Every row of the table, mapped over examples, against a loop over the examples: values and derivatives."""

from itertools import combinations, product

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.batching.apart import RULES
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.testing import rows
from autograd_core.testing.rows import Application

SIZE = 3
SEEDS = range(4)


def application(row, seed):
    """A row at a sample of its own."""
    random = np.random.default_rng(seed)
    return rows.sample(row, Draw(lambda low, high: int(random.integers(low, high, endpoint=True))))


def variants(case, index, random):
    """What an argument is in each example: other entries, of the same shape and kind."""
    arg = case.args[index]
    if case.row.elementwise and case.row.sample is None:
        low, high = case.row.domain[index]
        return [random.uniform(low, high, arg.shape).astype(arg.dtype) for _ in range(SIZE)]
    if arg.dtype.kind in "fc":
        return [np.asarray(arg * scale, arg.dtype) for scale in (1.0, 0.9, 1.05)]
    return [np.asarray(np.roll(arg, shift)) for shift in range(SIZE)]


def choices(case):
    """Which arguments are mapped: every choice, or (of many arguments) each alone, all, and all but the first."""
    arrays = [i for i, arg in enumerate(case.args) if isinstance(arg, np.ndarray)]
    if len(arrays) <= 3:
        return [c for count in range(1, len(arrays) + 1) for c in combinations(arrays, count)]
    return [*((i,) for i in arrays), tuple(arrays), tuple(arrays[1:])]


def examples(case, mapped, random):
    """The case of each example."""
    columns = [variants(case, i, random) if i in mapped else [arg] * SIZE for i, arg in enumerate(case.args)]
    return [Application(case.row, args, case.params) for args in zip(*columns, strict=True)]


def close(found, wanted, what):
    assert len(found) == len(wanted), what
    for own, other in zip(found, wanted, strict=True):
        own = getattr(own, "array", own)
        assert own.shape == other.shape, f"{what}: shape {own.shape}, expected {other.shape}"
        assert own.dtype == other.dtype, f"{what}: dtype {own.dtype}, expected {other.dtype}"
        scale = max(1.0, float(np.max(np.abs(np.nan_to_num(other, posinf=0, neginf=0)), initial=0.0)))
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-10 * scale, err_msg=what)


def stacked(columns):
    return [np.stack(column) for column in zip(*columns, strict=True)]


def check(case, mapped, axis, random):
    """Value, VJP and JVP, taken outside of the vmap and inside of it."""
    each = examples(case, mapped, random)
    axes = tuple(axis if i in mapped else None for i in range(len(case.args)))
    args = [np.stack([own.args[i] for own in each], axis) if i in mapped else arg for i, arg in enumerate(case.args)]
    what = f"{case}, mapped: {mapped} along {axis}"

    def apply(*xs):
        out = case.row(*xs, **case.params)
        return list(out) if isinstance(out, tuple) else [out]

    with np.errstate(all="ignore"):
        wanted = stacked([own.raw() for own in each])
        close(ag.vmap(apply, axes)(*args), wanted, f"value of {what}")
        active = [i for i in case.active if case.args[i].size]
        if case.row.vjps is None or not active:
            return
        check_derivatives(case, each, mapped, axes, args, active, what, random)


def check_derivatives(case, each, mapped, axes, args, active, what, random):
    def of_active(*xs):
        own = list(case.args)
        for i, x in zip(active, xs, strict=True):
            own[i] = x
        out = case.row(*own, **case.params)
        return [o for o in (out if isinstance(out, tuple) else (out,)) if o.dtype.kind in "fc"]

    def outer(*xs):
        own = list(args)
        for i, x in zip(active, xs, strict=True):
            own[i] = x

        def one(*ys):
            out = case.row(*ys, **case.params)
            return [o for o in (out if isinstance(out, tuple) else (out,)) if o.dtype.kind in "fc"]

        return ag.vmap(one, axes)(*own)

    def pulled(own, cts):
        run = ag.vjp(lambda *xs: floating(own, active, xs), *[own.args[i] for i in active])
        return run[1](list(cts))

    def pushed(own, tangents):
        primals = tuple(own.args[i] for i in active)
        return ag.jvp(lambda *xs: floating(own, active, xs), primals, tuple(tangents))[1]

    outs = [own.raw_floating(own.primals) for own in each]
    cts = [rows.noise(random, out) for out in outs]
    wanted = [pulled(own, ct) for own, ct in zip(each, cts, strict=True)]
    primals = [args[i] for i in active]
    found = ag.vjp(outer, *primals)[1](stacked(cts))
    total = [
        np.stack([ct[k] for ct in wanted], axes[i]) if i in mapped else np.sum([ct[k] for ct in wanted], axis=0)
        for k, i in enumerate(active)
    ]
    close(found, total, f"VJP of {what}")

    def inside(xs, ct):
        own = list(xs)

        def one(*ys):
            for i, y in zip(active, ys, strict=True):
                own[i] = y
            return floating_of(case.row(*own, **case.params))

        return ag.vjp(one, *[xs[i] for i in active])[1](ct)

    found = ag.vmap(inside, (list(axes), 0))(list(args), stacked(cts))
    close(found, stacked(wanted), f"VJP inside of {what}")

    tangents = [rows.noise(random, [own.args[i] for i in active]) for own in each]
    tangents = [
        [t if i in mapped else tangents[0][k] for k, (t, i) in enumerate(zip(own, active, strict=True))]
        for own in tangents
    ]
    wanted = [pushed(own, own_tangents) for own, own_tangents in zip(each, tangents, strict=True)]
    given = tuple(
        np.stack([own[k] for own in tangents], axes[i]) if i in mapped else tangents[0][k] for k, i in enumerate(active)
    )
    close(ag.jvp(outer, tuple(primals), given)[1], stacked(wanted), f"JVP of {what}")

    def inside_jvp(xs, ts):
        own = list(xs)

        def one(*ys):
            for i, y in zip(active, ys, strict=True):
                own[i] = y
            return floating_of(case.row(*own, **case.params))

        return ag.jvp(one, tuple(xs[i] for i in active), tuple(ts))[1]

    of_tangents = [axes[i] for i in active]
    found = ag.vmap(inside_jvp, (list(axes), of_tangents))(list(args), list(given))
    close(found, stacked(wanted), f"JVP inside of {what}")


def floating_of(out):
    return [o for o in (out if isinstance(out, tuple) else (out,)) if o.dtype.kind in "fc"]


def floating(own, active, xs):
    args = list(own.args)
    for i, x in zip(active, xs, strict=True):
        args[i] = x
    return floating_of(own.row(*args, **own.params))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_row_mapped_is_a_loop_over_examples(row):
    """A row mapped over any choice of its arguments gives what it gives example by example, derivatives too."""
    for seed in SEEDS:
        case = application(row, seed)
        random = np.random.default_rng(seed + 100)
        for mapped, axis in product(choices(case), (0, -1)):
            check(case, mapped, axis, random)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_row_mapped_twice(row):
    """A map of a map gives what two loops give; the arguments may be mapped by one, the other or both."""
    for seed in range(3):
        case = application(row, seed)
        random = np.random.default_rng(seed)
        arrays = [i for i, arg in enumerate(case.args) if isinstance(arg, np.ndarray)]
        if not arrays:
            continue
        levels = {i: random.integers(0, 4) for i in arrays}  # mapped by neither, the inner, the outer, both
        levels[arrays[0]] = 3
        inner = tuple(0 if levels.get(i, 0) & 1 else None for i in range(len(case.args)))
        outer = tuple(0 if levels.get(i, 0) & 2 else None for i in range(len(case.args)))

        def apply(*xs, case=case):
            out = case.row(*xs, **case.params)
            return list(out) if isinstance(out, tuple) else [out]

        columns = [variants(case, i, random) if i in arrays else [arg] * SIZE for i, arg in enumerate(case.args)]
        args = []
        for i, column in enumerate(columns):
            both = np.stack([np.stack(column), np.stack(column[::-1])]) if i in arrays else column[0]
            args.append(both if levels.get(i, 0) == 3 else both[:, 0] if levels.get(i, 0) == 2 else
                        both[0] if levels.get(i, 0) == 1 else column[0])  # fmt: skip

        def single(a, b, args=args, levels=levels):
            index = {0: (), 1: (b,), 2: (a,), 3: (a, b)}
            return [arg[index[levels[i]]] if i in levels else arg for i, arg in enumerate(args)]

        with np.errstate(all="ignore"):
            wanted = stacked([stacked([Application(row, single(a, b), case.params).raw() for b in range(SIZE)])
                              for a in range(2)])  # fmt: skip
            found = ag.vmap(ag.vmap(apply, inner), outer)(*args)
            close(found, wanted, f"twice: {case}, {levels}")
            active = [i for i in case.active if case.args[i].size]
            if case.row.vjps is None or not active:
                continue

            def total(*xs, active=active, args=args, apply=apply, inner=inner, outer=outer):
                own = list(args)
                for i, x in zip(active, xs, strict=True):
                    own[i] = x
                outs = ag.vmap(ag.vmap(lambda *ys: floating_of(tuple(apply(*ys))), inner), outer)(*own)
                return sum(np.sum(np.real(out)) for out in outs)

            def one(own, active=active, case=case):
                def f(*xs):
                    full = list(own)
                    for i, x in zip(active, xs, strict=True):
                        full[i] = x
                    return sum(np.sum(np.real(o)) for o in floating_of(case.row(*full, **case.params)))

                return ag.grad(f, list(range(len(active))))(*[own[i] for i in active])

            each = [[one(single(a, b)) for b in range(SIZE)] for a in range(2)]
            gradients = ag.grad(total, list(range(len(active))))(*[args[i] for i in active])
            for k, i in enumerate(active):
                full = np.stack([np.stack([each[a][b][k] for b in range(SIZE)]) for a in range(2)])
                axes = {0: (0, 1), 1: (0,), 2: (1,), 3: ()}[levels[i]]
                close([gradients[k]], [np.sum(full, axis=axes)], f"gradient, twice: {case}, {levels}")


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_row_in_other_dtypes(row, dtype):
    """Mapped, a row gives the dtypes that it gives for one example."""
    for seed in range(2):
        random = np.random.default_rng(seed)
        draw = Draw(lambda low, high, random=random: int(random.integers(low, high, endpoint=True)), dtype)
        try:
            with np.errstate(all="ignore"):
                case = rows.sample(row, draw)
                case.raw()
        except (TypeError, ValueError, np.exceptions.ComplexWarning):
            return  # no row for such numbers
        arrays = tuple(i for i, arg in enumerate(case.args) if isinstance(arg, np.ndarray))
        if not arrays:
            return
        each = [Application(row, tuple(np.asarray(a * s, a.dtype) if i in arrays and a.dtype.kind in "fc" else a
                                       for i, a in enumerate(case.args)), case.params) for s in (1.0, 0.9)]  # fmt: skip
        args = [np.stack([own.args[i] for own in each]) if i in arrays else arg for i, arg in enumerate(case.args)]
        axes = tuple(0 if i in arrays else None for i in range(len(args)))
        with np.errstate(all="ignore"):
            wanted = stacked([own.raw() for own in each])
            found = ag.vmap(lambda *xs, case=case: floating_all(case.row(*xs, **case.params)), axes)(*args)
        for own, other in zip(found, wanted, strict=True):
            assert (own.shape, own.dtype) == (other.shape, other.dtype)
            tolerance = 1e-4 if dtype == "float32" else 1e-9
            scale = float(np.max(np.abs(np.nan_to_num(other, posinf=0, neginf=0)), initial=1.0))
            np.testing.assert_allclose(own, other, rtol=tolerance, atol=tolerance * scale)


def floating_all(out):
    return list(out) if isinstance(out, tuple) else [out]


def test_rows_without_a_rule_are_those_that_the_documentation_names():
    """A new row gets a batching rule (``autograd_core/batching/rules_*.py``), or a line in ``docs/vmap.rst``."""
    without = {row.name for row in TABLE if not row.elementwise and row not in RULES}
    # nonzero is refused before it gets here; the other two come from lstm and standardize, which are named.
    assert without == {"convolve", "lstsq", "nonzero", "lstm_backward", "standardize_backward"}
