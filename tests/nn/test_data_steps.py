"""Steps of datasets: what TensorFlow makes of them, and what it cannot say of ours."""

import itertools
import json
from collections import Counter, namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from tests.nn.expected.data_cases import CASES, outcome

Dataset = nn.data.Dataset
EXPECTED = json.loads((Path(__file__).parent / "expected" / "data.json").read_text())
X = np.arange(14.0, dtype="float32").reshape(7, 2)
Y = np.arange(7)


def numbers(dataset):
    """The entries of all elements, one after another."""
    return [entry for element in dataset for entry in np.ravel(element.numpy()).tolist()]


@pytest.mark.parametrize("name", CASES)
def test_as_in_tensorflow(name):
    """The same elements, dtypes and cardinality."""
    assert json.loads(json.dumps(outcome(CASES[name](nn.data)))) == EXPECTED[name]


@pytest.mark.parametrize("name", CASES)
def test_each_run_through_is_the_same(name):
    """And a dataset is not used up; what is counted is what comes; what the spec says is true."""
    dataset = CASES[name](nn.data).take(9)
    first, second = list(dataset.as_numpy_iterator()), list(dataset.as_numpy_iterator())
    assert str(first) == str(second)
    if dataset.cardinality() >= 0 and name != "a generator of nothing without end":  # TensorFlow thinks so as well
        assert len(dataset) == len(first)
    for element in first if dataset.element_spec is not None else ():
        check_spec(dataset.element_spec, element)


def check_spec(spec, element):
    if isinstance(spec, nn.data.TensorSpec):
        assert spec.dtype == element.dtype
        assert len(spec.shape) == element.ndim
        assert all(want in (None, found) for want, found in zip(spec.shape, element.shape, strict=True))
    elif isinstance(spec, dict):
        assert spec.keys() == element.keys()
        for key in spec:
            check_spec(spec[key], element[key])
    else:
        for part in zip(spec, element, strict=True):
            check_spec(*part)


STEPS = {
    "shuffle": lambda d, n: d.shuffle(n, seed=n),
    "shuffle once": lambda d, n: d.shuffle(n, seed=n, reshuffle_each_iteration=False),
    "take": lambda d, n: d.take(n),
    "skip": lambda d, n: d.skip(n),
    "repeat": lambda d, n: d.repeat(n % 4),
    "prefetch": lambda d, n: d.prefetch(n),
    "cache": lambda d, n: d.cache(),
}


@given(
    count=st.integers(0, 12),
    chain=st.lists(st.tuples(st.sampled_from(list(STEPS)), st.integers(1, 15)), max_size=4),
    size=st.integers(1, 5), drop=st.booleans(),
)  # fmt: skip
def test_batches_cut_in_one_go(count, chain, size, drop):
    """Are those that are stacked from elements, whatever comes before; twice."""
    quick, slow = Dataset.range(count), Dataset.range(count).map(lambda n: n)
    for step, number in chain:
        quick, slow = STEPS[step](quick, number), STEPS[step](slow, number)
    quick, slow = quick.batch(size, drop), slow.batch(size, drop)
    assert len(quick) == len(slow)
    for _ in range(2):
        found = [batch.tolist() for batch in quick.as_numpy_iterator()]
        assert found == [batch.tolist() for batch in slow.as_numpy_iterator()]
        assert len(found) == len(quick)


def test_repeated_shuffles_differ_and_are_whole():
    """Every pass that repeat makes has an order of its own, and all of its elements before the next begins."""
    order = numbers(Dataset.range(50).shuffle(50, seed=5).repeat(3))
    passes = [order[:50], order[50:100], order[100:]]
    assert all(sorted(one) == list(range(50)) for one in passes)
    assert passes[0] != passes[1] != passes[2] != passes[0]
    order = numbers(Dataset.range(50).shuffle(50, seed=5, reshuffle_each_iteration=False).repeat(2))
    assert order[:50] == order[50:]
    assert sorted(numbers(Dataset.range(10).repeat(3).shuffle(7, seed=0))) == sorted(list(range(10)) * 3)


def test_orders_of_a_seed():
    """Are those of NumPy's generator: the same in every run of a program."""
    for source in (Dataset.range(50), Dataset.range(50).map(lambda n: n)):
        generator = np.random.default_rng(5)
        dataset = source.shuffle(50, seed=5)
        for _ in range(2):
            assert numbers(dataset) == generator.permutation(50).tolist()
        assert numbers(source.shuffle(7, seed=5)) == numbers(source.shuffle(7, seed=5))
        assert numbers(source.shuffle(7, seed=5)) != numbers(source.shuffle(7, seed=6))


def test_an_order_does_not_depend_on_how_far_the_last_one_got():
    """One look at the first element, or a pass in full: the next pass is the same."""
    for buffer in (10, 100):
        left, whole = (Dataset.range(100).shuffle(buffer, seed=1) for _ in range(2))
        next(iter(left))
        list(whole)
        assert numbers(left) == numbers(whole)


def test_the_buffer_draws_evenly():
    """With a full buffer every element is first equally often; with a small one, one of the first few is."""
    firsts = Counter(int(next(iter(Dataset.range(5).shuffle(5, seed=seed)))) for seed in range(1000))
    assert set(firsts) == set(range(5))
    assert all(150 < count < 250 for count in firsts.values())  # 200, 4 standard deviations of 12.6
    firsts = Counter(int(next(iter(Dataset.range(50).shuffle(5, seed=seed)))) for seed in range(1000))
    assert set(firsts) == set(range(5))
    assert all(150 < count < 250 for count in firsts.values())
    lasts = Counter(numbers(Dataset.range(10).shuffle(3, seed=seed))[-1] for seed in range(300))
    assert set(lasts) <= set(range(10))
    assert max(lasts, key=lasts.get) == 9


def test_shuffle_without_end():
    """A buffer over a dataset that has no end."""
    found = numbers(Dataset.range(10).repeat().shuffle(5, seed=0).batch(5).take(4))
    assert len(found) == 20
    assert set(found) <= set(range(10))


def test_two_runs_at_once():
    """Iterators over one dataset do not disturb each other."""
    for dataset in (
        Dataset.range(20),
        Dataset.range(20).map(lambda n: n).cache(),
        Dataset.range(20).batch(1).prefetch(2),
        Dataset.from_generator(lambda: iter(range(20))),
    ):
        found = [(int(a), int(b)) for a, b in zip(dataset, dataset, strict=True)]
        assert found == [(n, n) for n in range(20)]
    shuffled = Dataset.range(20).shuffle(20, seed=0)
    both = [(int(a), int(b)) for a, b in zip(shuffled, shuffled, strict=True)]
    assert sorted(a for a, _ in both) == sorted(b for _, b in both) == list(range(20))


def test_generators_are_called_anew():
    """For each run through, and not before; an array filled again and again is copied each time."""
    calls = []

    def generator():
        calls.append(1)
        buffer = np.zeros(2)
        for number in range(3):
            buffer[:] = number
            yield buffer

    dataset = Dataset.from_generator(generator)
    assert not calls
    assert numbers(dataset.batch(3)) == [0, 0, 1, 1, 2, 2] == numbers(dataset.repeat(2))[6:]
    assert len(calls) == 3
    typed = Dataset.from_generator(
        lambda: [(1, 2.0)], output_signature=(nn.data.TensorSpec((), np.dtype("int8")), nn.data.TensorSpec((), "f4"))
    )
    assert [part.dtype for part in next(iter(typed))] == ["int8", "float32"]


def test_map_takes_arrays_and_keeps_dtypes():
    """A Tensor, an array or a number may come back; float32 beside Python's numbers stays float32."""
    x, y = next(iter(Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x / 255 - 0.5, y))))
    assert (x.dtype, y.dtype) == ("float32", "int64")
    kept = Dataset.from_tensor_slices(X).map(lambda x: {"a": x.numpy(), "b": (np.float32(2), True)})
    element = next(iter(kept.batch(7)))
    np.testing.assert_array_equal(element["a"].numpy(), X)
    assert [part.dtype for part in element["b"]] == ["float32", "bool"]


def test_named_tuples_stay():
    """As structures of their own kind."""
    Pair = namedtuple("Pair", "x y")
    dataset = Dataset.from_tensor_slices(Pair(X, Y)).shuffle(7).batch(2).unbatch().batch(3)
    assert isinstance(next(iter(dataset)), Pair)
    assert numbers(dataset.map(lambda x, y: y).batch(1).take(0)) == []


def test_cache_computes_once():
    """The first complete run through; one that is left early keeps nothing."""
    calls = []
    dataset = Dataset.range(4).map(lambda n: calls.append(1) or n * 2).cache()
    assert numbers(dataset.take(2)) == [0, 2]
    assert len(calls) == 2
    assert numbers(dataset) == numbers(dataset) == numbers(dataset.batch(4)) == [0, 2, 4, 6]
    assert len(calls) == 6
    order = Dataset.range(20).shuffle(20).cache()
    assert numbers(order) == numbers(order)


def test_elements_kept_are_not_changed_by_their_users():
    """``x += 1`` on an element does not reach the cache."""
    for dataset in (Dataset.range(3).map(lambda n: n).cache(), Dataset.from_tensors(np.arange(3))):
        for _ in range(3):
            for element in dataset:
                element += 100
        assert numbers(dataset) == [0, 1, 2]


def test_take_asks_for_no_more():
    """Than it gives: the next element may never come."""
    asked = []
    source = Dataset.from_generator(lambda: (asked.append(n) or n for n in itertools.count()))
    assert numbers(source.take(3)) == [0, 1, 2] == asked
    assert numbers(source.take(0)) == []


def test_fresh_elements():
    """No element of a batched dataset shares memory with another or with the array."""
    batches = list(Dataset.from_tensor_slices(X).repeat(2).batch(3))
    assert not any(np.shares_memory(a.array, b) for a in batches for b in [X])
    for one, other in itertools.combinations(Dataset.from_tensor_slices(X).batch(2).unbatch(), 2):
        assert not np.shares_memory(one.array, other.array)


@pytest.mark.parametrize(
    ("elements", "error", "match"),
    [
        ([np.ones(2), np.ones(3)], ag.ShapeError, r"shapes \[\(2,\), \(3,\)\] cannot be stacked.*Pad"),
        ([1, 2.0], ag.DtypeError, r"dtypes \['float64', 'int64'\]"),
        ([(1, 2), (1, 2, 3)], ag.StructureError, "lengths 2 and 3"),
        ([{"a": 1}, {"b": 1}], ag.StructureError, "keys"),
        ([(1, 2), 1], ag.StructureError, "others are not"),
        ([1, (1, 2)], ag.StructureError, "others are not"),
        ([(1, np.ones(2)), (1, np.ones(1))], ag.ShapeError, "cannot be stacked"),
    ],
)
def test_elements_that_differ(elements, error, match):
    """Are drawn one by one, and make no batch."""
    dataset = Dataset.from_generator(lambda: elements)
    assert len(list(dataset)) == 2
    with pytest.raises(error, match=match):
        list(dataset.batch(2))
    assert len(list(dataset.batch(1))) == 2


def test_representation_and_truth():
    """What the elements are is to be seen; a dataset is true, also one of unknown length."""
    dataset = Dataset.from_tensor_slices((X, Y)).shuffle(7).batch(2).prefetch(1)
    assert repr(dataset) == (
        "<Prefetch Dataset: cardinality=4, spec=(TensorSpec(shape=(None, 2), dtype=float32), "
        "TensorSpec(shape=(None,), dtype=int64))>"
    )
    assert "cardinality=-2, spec=None" in repr(Dataset.from_generator(list))
    assert Dataset.range(0)
    assert Dataset.range(3).filter(lambda n: True)


def test_fit_takes_every_kind():
    """Batches that come through a thread, a map and a cache train a model like arrays do."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    y = (x.sum(axis=1) > 0).astype("int64")

    def trained(data, **options):
        kernel = nn.initializers.GlorotUniform(seed=0)
        model = nn.Sequential([nn.layers.Dense(2, activation="softmax", kernel_initializer=kernel)])
        model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
        model.fit(data, epochs=2, verbose=0, **options)
        return model.layers[0].kernel.numpy()

    dataset = Dataset.from_tensor_slices((x, y))
    slow = dataset.map(lambda a, b: (a * 1, b)).cache().batch(8).prefetch(2)
    np.testing.assert_array_equal(trained(slow), trained(x, y=y, batch_size=8, shuffle=False))
