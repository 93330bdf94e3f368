"""Datasets: every element once per run through, in the promised order, in batches of the promised size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn

Dataset = nn.data.Dataset
X = np.arange(6.0).reshape(3, 2)


def numbers(dataset):
    """The entries of all elements, one after another."""
    return [entry for element in dataset for entry in np.ravel(element.numpy()).tolist()]


def test_slices_of_structures():
    """A tuple, a dict and a single array; elements are Tensors of the same structure and dtype."""
    x, y = np.arange(6.0, dtype="float32").reshape(3, 2), np.array([0, 1, 2])
    first = next(iter(Dataset.from_tensor_slices((x, y))))
    assert isinstance(first, tuple)
    assert [(t.shape, t.dtype) for t in first] == [((2,), "float32"), ((), "int64")]
    assert next(iter(Dataset.from_tensor_slices({"a": x, "b": (y, y)})))["b"][1].item() == 0
    assert numbers(Dataset.from_tensor_slices([[1, 2], [3, 4]])) == [1, 2, 3, 4]
    assert len(Dataset.from_tensor_slices(ag.constant(x))) == 3


@given(
    count=st.integers(1, 40), size=st.integers(1, 12), buffer=st.integers(1, 50),
    drop=st.booleans(), seed=st.integers(0, 5), after=st.booleans(),
)  # fmt: skip
def test_shuffle_and_batch_keep_every_element(count, size, buffer, drop, seed, after):
    """Each element once, in batches of the size, the last smaller or left out; whichever comes first."""
    dataset = Dataset.from_tensor_slices(np.arange(count))
    dataset = (
        dataset.batch(size, drop).shuffle(buffer, seed) if after else dataset.shuffle(buffer, seed).batch(size, drop)
    )
    batches = [batch.numpy().tolist() for batch in dataset]
    assert len(batches) == len(dataset) == (count // size if drop else -(-count // size))
    sizes = sorted(map(len, batches), reverse=True)
    assert sizes == [size] * (count // size) + ([] if drop or not count % size else [count % size])
    entries = [entry for batch in batches for entry in batch]
    assert len(set(entries)) == len(entries)
    assert set(entries) <= set(range(count))


def test_order():
    """Without shuffle the given one; with a seed the same in every run; anew in each run through unless told."""
    source = Dataset.from_tensor_slices(np.arange(100))
    assert numbers(source.batch(7)) == list(range(100))
    shuffled = source.shuffle(100, seed=1)
    first, second = numbers(shuffled), numbers(shuffled)
    assert first != list(range(100)) != second != first
    assert [numbers(source.shuffle(100, seed=1).batch(9))] == [first]
    fixed = source.shuffle(100, seed=1, reshuffle_each_iteration=False)
    assert numbers(fixed) == numbers(fixed) != list(range(100))
    assert numbers(source.shuffle(100)) != numbers(source.shuffle(100))


def test_a_small_buffer_moves_elements_only_so_far_forward():
    """With a buffer of 10 no element comes more than 9 places early."""
    order = numbers(Dataset.from_tensor_slices(np.arange(200)).shuffle(10, seed=0))
    assert sorted(order) == list(range(200)) != order
    assert all(element - place < 10 for place, element in enumerate(order))
    assert numbers(Dataset.from_tensor_slices(np.arange(20)).shuffle(1)) == list(range(20))


def test_x_and_y_stay_together():
    """What belongs together is shuffled together."""
    x = np.arange(50)
    for a, b in Dataset.from_tensor_slices((x, x * 3)).shuffle(50).batch(8):
        np.testing.assert_array_equal(a.numpy() * 3, b.numpy())


def test_batches_are_stacked_again():
    """Batches of batches, also of tuples and dicts."""
    twice = Dataset.from_tensor_slices((np.arange(8), {"k": np.arange(16).reshape(8, 2)})).batch(2).batch(3)
    shapes = [(a.shape, b["k"].shape) for a, b in twice]
    assert shapes == [((3, 2), (3, 2, 2)), ((1, 2), (1, 2, 2))]


def test_elements_do_not_change_with_the_array():
    """An element is drawn when it is asked for, and is then nobody else's."""
    x = np.arange(6.0)
    batches = list(Dataset.from_tensor_slices(x).batch(3))
    x[:] = -1
    np.testing.assert_array_equal(batches[0].numpy(), [0, 1, 2])
    assert numbers(Dataset.from_tensor_slices(x).batch(3)) == [-1] * 6


@pytest.mark.parametrize(
    ("ask", "error", "match"),
    [
        (lambda: Dataset.from_tensor_slices((np.ones(3), np.ones(4))), ag.ShapeError, r"lengths \[3, 4\]"),
        (lambda: Dataset.from_tensor_slices(1.0), ag.ShapeError, "single number"),
        (lambda: Dataset.from_tensor_slices(()), ag.DomainError, "no array"),
        (lambda: Dataset.from_tensor_slices(["a"]), ag.ConversionError, "'a'"),
        (lambda: Dataset.from_tensor_slices([1]).batch(0), ag.DomainError, "batch_size is 0"),
        (lambda: Dataset.from_tensor_slices([1]).batch(2.0), ag.DomainError, "batch_size is 2.0"),
        (lambda: Dataset.from_tensor_slices([1]).shuffle(-1), ag.DomainError, "buffer_size is -1"),
        (lambda: list(Dataset.from_tensor_slices(np.arange(3)).batch(2).batch(2)), ag.ShapeError, "cannot be stacked"),
        (lambda: list(Dataset()), TypeError, "from_tensor_slices"),
        (lambda: Dataset.from_tensors({}), ag.DomainError, "no array"),
        (lambda: Dataset.from_generator([1, 2]), ag.ConversionError, "generator is list; expected a function"),
        (
            lambda: list(Dataset.from_generator(lambda: 3)),
            ag.ConversionError,
            "gave int; expected something",
        ),
        (lambda: list(Dataset.from_generator(lambda: ["a"])), ag.ConversionError, "'a'"),
        (
            lambda: list(Dataset.from_generator(lambda: [(1, 2)], output_types=("int32",))),
            ag.StructureError,
            "must have the same structure",
        ),
        (lambda: Dataset.from_generator(lambda: [], output_signature=3), ag.StructureError, "holds 3; expected"),
        (lambda: Dataset.from_generator(list, "int8", output_signature=3), ag.StructureError, "not both"),
        (lambda: Dataset.range(), ag.StructureError, "0 arguments"),
        (lambda: Dataset.range(1.5), ag.DomainError, "1.5; expected an integer"),
        (lambda: Dataset.range(1, 2, 0), ag.DomainError, "step is 0"),
        (lambda: Dataset.zip(), ag.StructureError, "give datasets"),
        (lambda: Dataset.zip(Dataset.range(3)), ag.StructureError, "expected a tuple or dict"),
        (lambda: Dataset.zip((Dataset.range(3), [1])), ag.ConversionError, "got list; expected a Dataset"),
        (lambda: Dataset.range(3).concatenate([1]), ag.ConversionError, "got list; expected a Dataset"),
        (lambda: Dataset.range(3).concatenate(Dataset.range(3).enumerate()), ag.StructureError, "same structure"),
        (lambda: Dataset.range(3).shuffle(3, seed="a"), ag.DomainError, "seed is 'a'"),
        (lambda: Dataset.range(3).shuffle(3, seed=-1), ag.DomainError, "seed is -1"),
        (lambda: Dataset.range(3).repeat(-2), ag.DomainError, "count is -2"),
        (lambda: Dataset.range(3).take(None), ag.DomainError, "count is None"),
        (lambda: Dataset.range(3).skip(1.0), ag.DomainError, "count is 1.0"),
        (lambda: Dataset.range(3).prefetch(-2), ag.DomainError, "buffer_size is -2"),
        (lambda: Dataset.range(3).cache("file"), ag.DomainError, "in memory only"),
        (lambda: Dataset.range(3).enumerate("a"), ag.DomainError, "start is 'a'"),
        (lambda: Dataset.range(3).map(3), ag.ConversionError, "map_func is 3"),
        (lambda: list(Dataset.range(3).map(lambda n: None)), ag.ConversionError, "Is a return missing"),
        (lambda: list(Dataset.range(3).map(lambda n: "a")), ag.ConversionError, "'a'"),
        (lambda: Dataset.range(3).filter(None), ag.ConversionError, "predicate is None"),
        (lambda: list(Dataset.range(3).filter(lambda n: n)), ag.DomainError, "expected a single True or False"),
        (lambda: list(Dataset.range(3).batch(2).filter(lambda n: n > 0)), ag.DomainError, "single True or False"),
        (lambda: list(Dataset.range(3).unbatch()), ag.ShapeError, "single number"),
        (lambda: list(Dataset.from_tensors((X, X[:2])).unbatch()), ag.ShapeError, r"lengths \[3, 2\]"),
        (lambda: len(Dataset.range(3).repeat()), TypeError, "has no end"),
        (lambda: len(Dataset.range(3).filter(lambda n: n > 0)), TypeError, "not known"),
    ],
)
def test_bad_input(ask, error, match):
    """Named with what was given."""
    with pytest.raises(error, match=match):
        ask()
