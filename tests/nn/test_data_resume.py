"""A dataset goes on from a saved state as if nothing had been between."""

import json

import numpy as np
import pytest

import autograd_core as ag
import nn

Dataset = nn.data.Dataset


def numbers(dataset):
    return [entry for element in dataset for entry in np.ravel(element.numpy()).tolist()]


def ordinary(seed=None):
    return Dataset.range(40).shuffle(40, seed=seed).batch(7)


CHAINS = {
    "shuffle and batch": ordinary,
    "a small buffer": lambda: Dataset.range(40).shuffle(9).batch(7),
    "elements": lambda: Dataset.range(40).map(lambda n: n).shuffle(9).batch(7),
    "the same order each time": lambda: Dataset.range(40).shuffle(40, reshuffle_each_iteration=False).batch(7),
    "repeated": lambda: Dataset.range(40).shuffle(40).repeat(3).batch(7),
    "two shuffles": lambda: Dataset.range(40).shuffle(9).batch(4).shuffle(3),
    "side by side": lambda: Dataset.zip((Dataset.range(9).shuffle(9), Dataset.range(9).shuffle(3))).map(
        lambda a, b: a * 100 + b
    ),
    "one after the other": lambda: Dataset.range(9).shuffle(9).concatenate(Dataset.range(9).shuffle(9)),
    "through a thread": lambda: Dataset.range(40).shuffle(9).batch(4).prefetch(2),
    "filtered": lambda: Dataset.range(40).shuffle(40).filter(lambda n: n % 2 == 0),
    "kept in memory": lambda: Dataset.range(40).shuffle(40).cache(),
    "kept, then mixed": lambda: Dataset.range(40).shuffle(40).cache().shuffle(40),
    "nothing random": lambda: Dataset.range(40).batch(3),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("before", [0, 1, 2])
def test_resumed(name, before):
    """In a new process, which makes the dataset anew, the next epochs have the orders they would have had."""
    first, second = CHAINS[name](), CHAINS[name]()
    for _ in range(before):
        list(first)
    text = json.dumps(first.random_state())
    expected = [numbers(first) for _ in range(3)]
    second.set_random_state(json.loads(text))
    assert [numbers(second) for _ in range(3)] == expected
    first.set_random_state(json.loads(text))  # and back in the same one
    assert [numbers(first) for _ in range(3)] == expected


def test_an_epoch_left_half_way():
    """Begins again from the state before it; so many elements are skipped."""
    first, second = ordinary(), ordinary().prefetch(2)
    list(first)
    before = first.random_state()
    expected = numbers(first)
    elements = iter(first)
    next(elements)
    second.set_random_state(before)
    assert numbers(second.skip(2)) == expected[14:]


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_kind_of_generator(kind):
    """Is kept by JSON exactly, also between two halves of a 64-bit number."""
    datasets = [
        Dataset.range(40).shuffle(40, seed=np.random.Generator(getattr(np.random, kind)(seed))) for seed in (1, 2)
    ]
    list(datasets[0])
    datasets[1].set_random_state(json.loads(json.dumps(datasets[0].random_state())))
    assert numbers(datasets[0]) == numbers(datasets[1])


def test_a_state_does_not_go_on():
    """It is a copy, not the generator's own."""
    dataset = ordinary(seed=1)
    state = dataset.random_state()
    text = json.dumps(state)
    list(dataset)
    assert json.dumps(state) == text != json.dumps(dataset.random_state())


@pytest.mark.parametrize(
    ("states", "match"),
    [
        ([], "got 0 states; this dataset has 2"),
        (None, "got None; this dataset has 2"),
        ([{}, {}], "the state is of None; the generator is a 'PCG64'"),
        ([3, 4], "the state is of 'int'"),
        ([np.random.MT19937(0).state, np.random.MT19937(0).state], "of 'MT19937'; the generator is a 'PCG64'"),
        ([np.random.PCG64(0).state, {"bit_generator": "PCG64", "state": {"state": 3}}], "damaged"),
        ([np.random.PCG64(0).state, {**np.random.PCG64(0).state, "state": {"state": "a", "inc": 3}}], "damaged"),
    ],
)
def test_foreign_states(states, match):
    """Are refused, and change nothing, not even those before them."""
    dataset = Dataset.range(9).shuffle(9, seed=1).shuffle(3, seed=2)
    before = dataset.random_state()
    with pytest.raises(ag.StructureError, match=match):
        dataset.set_random_state(states)
    assert dataset.random_state() == before
