"""Reads and writes by an index, mapped: any mixture of slices, integers, arrays and masks."""

import numpy as np
import pytest

import autograd_core as ag

SIZE = 3


class Each:
    """A part of an index that differs between examples."""

    def __init__(self, arrays):
        self.arrays = arrays


def random_index(random, shape):
    """Entries of an index into an array of ``shape``; arrays of one broadcastable shape."""
    wide = tuple(random.integers(1, 4, size=random.integers(0, 3)))
    entries, left = [], list(shape)
    use_ellipsis = random.random() < 0.3
    while left and random.random() < 0.85:
        side = left.pop(0)
        kind = random.choice(["int", "slice", "array", "each", "each", "none", "mask"])
        if kind == "none":
            entries.append(None)
            left.insert(0, side)
        elif kind == "int":
            entries.append(int(random.integers(-side, side)))
        elif kind == "slice":
            entries.append(slice(int(random.integers(0, side)), None, int(random.choice([1, 2, -1]))))
        elif kind == "mask" and wide == ():
            entries.append(random.random(side) < 0.6)
            wide = None  # no other array
        elif wide is not None:
            own = tuple(1 if random.random() < 0.2 else n for n in wide[random.integers(0, len(wide) + 1) :])
            if kind == "each":
                entries.append(Each([random.integers(-side, side, size=own) for _ in range(SIZE)]))
            else:
                entries.append(random.integers(-side, side, size=own))
        else:
            entries.append(slice(None))
    if use_ellipsis:
        entries.insert(int(random.integers(0, len(entries) + 1)) if len(left) == 0 else len(entries), Ellipsis)
    return entries


def of_example(entries, i):
    return tuple(entry.arrays[i] if isinstance(entry, Each) else entry for entry in entries)


def cases(count):
    random = np.random.default_rng(0)
    made = 0
    while made < count:
        shape = tuple(random.integers(1, 4, size=random.integers(1, 5)))
        entries = random_index(random, shape)
        try:
            np.zeros(shape)[of_example(entries, 0)]
        except IndexError:
            continue
        made += 1
        yield random, shape, entries


def split(entries):
    """The arrays of each example, as an argument; and how an index is made of one of them."""
    stacks = [np.stack(entry.arrays) for entry in entries if isinstance(entry, Each)]

    def index(arrays):
        own = iter(arrays)
        return tuple(next(own) if isinstance(entry, Each) else entry for entry in entries)

    return stacks, index


def run(f, args, axes):
    """Value and gradients of the mapped function, by tapes outside and inside, and what a loop gives."""
    found = ag.vmap(f, axes)(*args)
    weights = np.cos(np.arange(found.size)).reshape(found.shape)
    floats = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f"]
    gradients = ag.grad(lambda *xs: np.sum(ag.vmap(f, axes)(*xs) * weights), floats)(*args)
    inside = ag.vmap(lambda w, *xs: ag.grad(lambda *ys: np.sum(f(*ys) * w), floats)(*xs), (0, *axes))(weights, *args)
    return found, gradients, inside, weights, floats


def check(f, args, axes, said):
    found, gradients, inside, weights, floats = run(f, args, axes)
    each = []
    for i in range(SIZE):
        each.append([arg if a is None else [s[i] for s in arg] if isinstance(arg, list) else arg[i]
                     for arg, a in zip(args, axes, strict=True)])  # fmt: skip
    tensors = [
        [ag.constant(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in own] for own in each
    ]
    wanted = [np.asarray(f(*own).numpy()) for own in tensors]
    np.testing.assert_array_equal(found, np.stack(wanted), err_msg=said)
    single = [ag.grad(lambda *ys, i=i: np.sum(f(*ys) * weights[i]), floats)(*each[i]) for i in range(SIZE)]
    for k, at in enumerate(floats):
        parts = np.stack([one[k] for one in single])
        np.testing.assert_allclose(inside[k], parts, rtol=1e-12, err_msg=said)
        np.testing.assert_allclose(gradients[k], parts if axes[at] == 0 else parts.sum(0), rtol=1e-12, err_msg=said)


@pytest.mark.parametrize("of_array", [True, False])
@pytest.mark.parametrize("part", range(4))
def test_reads(of_array, part):
    for number, (random, shape, entries) in enumerate(cases(320)):
        if number % 4 != part:
            continue
        stacks, index = split(entries)
        if not of_array and not stacks:
            continue
        x = random.normal(size=(SIZE, *shape) if of_array else shape)
        axes = (0 if of_array else None, 0)
        if not stacks:
            stacks = [np.arange(SIZE)]
        check(lambda x, own, index=index: x[index(own)], (x, stacks), axes, f"{shape}[{entries}]")


@pytest.mark.parametrize("what", ["set", "add", "assign"])
@pytest.mark.parametrize("part", range(4))
def test_writes(what, part):
    def write(x, y, own, index):
        if what == "set":
            return x.at[index(own)].set(y)
        if what == "add":
            return x.at[index(own)].add(y)
        x = x + 0.0
        x[index(own)] = y
        return x

    for number, (random, shape, entries) in enumerate(cases(240)):
        if number % 4 != part:
            continue
        stacks, index = split(entries)
        picked = np.zeros(shape)[of_example(entries, 0)].shape
        if random.random() < 0.4:  # a part that broadcasts
            picked = tuple(1 if random.random() < 0.4 else side for side in picked)[
                random.integers(0, len(picked) + 1) :
            ]
        for of_array, of_part in ((True, True), (True, False), (False, True), (False, False)):
            if not stacks and not of_array and not of_part:
                continue
            x = random.normal(size=(SIZE, *shape) if of_array else shape)
            y = random.normal(size=(SIZE, *picked) if of_part else picked)
            axes = (0 if of_array else None, 0 if of_part else None, 0)
            given = stacks or [np.arange(SIZE)]
            check(
                lambda x, y, own, index=index: write(x, y, own, index), (x, y, given), axes, f"{what} {shape} {entries}"
            )


def test_take_and_take_along_axis_and_sort():
    random = np.random.default_rng(1)
    x, i = random.normal(size=(4, 3, 5)), random.integers(0, 3, size=(4, 2))
    np.testing.assert_array_equal(
        ag.vmap(lambda a, j: np.take(a, j, 0))(x, i), np.stack([a[j] for a, j in zip(x, i, strict=True)])
    )
    order = np.argsort(x, axis=1)
    np.testing.assert_array_equal(
        ag.vmap(lambda a, o: np.take_along_axis(a, o, 0))(x, order), np.take_along_axis(x, order, 1)
    )
    np.testing.assert_array_equal(ag.vmap(lambda a: np.sort(a, axis=0))(x), np.sort(x, 1))
    np.testing.assert_allclose(ag.vmap(np.median)(x), np.median(x, (1, 2)))
    slopes = ag.vmap(ag.grad(lambda a: np.sum(np.sort(a, axis=None)[-2:])))(x)
    np.testing.assert_array_equal(slopes.sum((1, 2)), np.full(4, 2.0))


def test_a_mask_that_differs_between_examples_sets_by_choice():
    x = np.random.default_rng(2).normal(size=(4, 3))

    def f(a):
        a = a + 0.0
        a[a < 0] = 0.0
        return a

    np.testing.assert_array_equal(ag.vmap(f)(x), np.maximum(x, 0))
