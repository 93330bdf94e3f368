"""From what ``fit`` is given to batches: arrays, Datasets, generators, and objects with ``len`` and ``[i]``.

A feed is run through once for each epoch. It knows the state of its order, so that a training can go on in the middle.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

import autograd_core as ag

from .data import Dataset
from .data.structure import leaves, map_structure
from .randomness import Seed, dump_state, generator, load_state
from .shapes import positive

DEFAULT_BATCH_SIZE = 32
AHEAD = 1 << 16
"""Bytes of a batch from which the next one is put together by a thread during the step: that takes longer than to hand
it over (128 images of MNIST: 80 microseconds of a step of 1,200)."""


class Feed:
    """Base of the feeds.

    Attributes
    ----------
    steps : int or None
        Batches in an epoch; None if that is not known.
    """

    steps: int | None = None

    def epoch(self, skip: int = 0) -> Iterator[Any]:
        """Batches ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)`` of the next epoch, without the first ``skip``."""
        raise TypeError(f"{type(self).__name__} does not define epoch().")

    def peek(self) -> Any:
        """First batch of the next epoch, which will give it again."""
        state = self.random_state()
        batch = next(iter(self.epoch()), None)
        self.set_random_state(state)
        return batch

    def random_state(self) -> Any:
        """State of the order, before an epoch."""
        return None

    def set_random_state(self, state: Any) -> None:
        """Put the order in a state that ``random_state`` gave."""


class DatasetFeed(Feed):
    """Batches of a Dataset, all of them in each epoch."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        count = dataset.cardinality()
        self.steps = count if count >= 0 else None

    def epoch(self, skip: int = 0) -> Iterator[Any]:
        return iter(self.dataset.skip(skip) if skip else self.dataset)

    def random_state(self) -> Any:
        return self.dataset.random_state()

    def set_random_state(self, state: Any) -> None:
        self.dataset.set_random_state(state)


class SequenceFeed(Feed):
    """Batches of an object with ``len`` and ``[i]``: Keras's ``PyDataset`` and what is like it."""

    def __init__(self, batches: Any, order: np.random.Generator | None):
        self.batches = batches
        self.order = order
        self.steps = len(batches)

    def epoch(self, skip: int = 0) -> Iterator[Any]:
        count = len(self.batches)
        numbers = range(count) if self.order is None else self.order.permutation(count).tolist()
        for number in numbers[skip:]:
            yield self.batches[number]
        if hasattr(self.batches, "on_epoch_end"):
            self.batches.on_epoch_end()

    def random_state(self) -> Any:
        return None if self.order is None else dump_state(self.order)

    def set_random_state(self, state: Any) -> None:
        if self.order is not None and state is not None:
            load_state(self.order, state)


class IteratorFeed(Feed):
    """Batches of a generator, which goes on from epoch to epoch."""

    def __init__(self, batches: Iterable[Any]):
        self.batches = iter(batches)

    def peek(self) -> Any:
        first = list(itertools.islice(self.batches, 1))
        self.batches = itertools.chain(first, self.batches)
        return first[0] if first else None

    def epoch(self, skip: int = 0) -> Iterator[Any]:
        for _ in range(skip):
            next(self.batches, None)
        return self.batches


class LimitedFeed(Feed):
    """So many batches of another feed in each epoch, going on where the last one ended."""

    def __init__(self, source: Feed, steps: int):
        self.source = source
        self.steps = steps
        self._running: Iterator[Any] | None = None
        self._begun: Any = None  # state of the order when the present run through began
        self._had = 0

    def epoch(self, skip: int = 0) -> Iterator[Any]:
        for number in range(self.steps or 0):
            batch = self._next()
            if number >= skip:
                yield batch

    def peek(self) -> Any:
        return self.source.peek()

    def _next(self) -> Any:
        for _ in range(2):
            if self._running is None:
                self._begun, self._had = self.source.random_state(), 0
                self._running = self.source.epoch()
            for batch in self._running:
                self._had += 1
                return batch
            self._running = None
        raise ag.DomainError(
            "the data ended before the steps asked for were made: give it more, let a Dataset repeat(), or lower "
            "steps_per_epoch."
        )

    def random_state(self) -> Any:
        begun = self.source.random_state() if self._running is None else self._begun
        return {"begun": begun, "had": self._had if self._running is not None else 0}

    def set_random_state(self, state: Any) -> None:
        self.source.set_random_state(state["begun"])
        self._running, self._begun, self._had = None, None, 0
        for _ in range(state["had"]):
            self._next()


class FirstFeed(Feed):
    """The first batches of another feed; an evaluation sees no sample twice."""

    def __init__(self, source: Feed, steps: int):
        self.source = source
        self.steps = steps if source.steps is None else min(steps, source.steps)
        self._limit = steps

    def epoch(self, skip: int = 0) -> Iterator[Any]:
        return itertools.islice(self.source.epoch(), skip, self._limit)


def feed(
    asked: str,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
) -> Feed:
    """Feed for what a user gave, in the order in which it is; parameters as for ``fit``.

    Parameters
    ----------
    asked : str
        The method that was called, for messages.
    x, y, sample_weight, batch_size
        As for ``fit``.
    steps : int, optional
        Batches to give; all if None.
    """
    if gives_batches(x):
        return limited(asked, batch_feed(asked, x, y, sample_weight, batch_size), steps)
    return limited(asked, array_feed(checked_arrays(asked, x, y, sample_weight), batch_size), steps)


def gives_batches(x: Any) -> bool:
    """Whether this is something that gives batches, not arrays."""
    return isinstance(x, (Dataset, Iterator)) or is_sequence(x) or _is_plain_iterable(x)


def array_feed(arrays: tuple[Any, ...], batch_size: int | None, shuffle: bool = False, seed: Seed = None) -> Feed:
    """Batches of arrays that have been checked."""
    # A single input alone comes as itself, not as a tuple: so a train_step of the user's expects it, in Keras.
    alone = len(arrays) == 1 and not isinstance(arrays[0], tuple)
    dataset = Dataset.from_tensor_slices(arrays[0] if alone else arrays)
    if shuffle:
        dataset = dataset.shuffle(len(dataset), seed=generator(seed))
    size = DEFAULT_BATCH_SIZE if batch_size is None else positive("fit, evaluate, predict", "batch_size", batch_size)
    count = len(dataset)
    nbytes = sum(np.asarray(leaf).nbytes for leaf in leaves(arrays)) * size // count
    dataset = dataset.batch(size)
    return DatasetFeed(dataset.prefetch(1) if nbytes >= AHEAD and size < count else dataset)


def batch_feed(
    asked: str, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: bool = False, seed: Seed = None
) -> Feed:
    """Batches of what gives batches."""
    if y is not None or sample_weight is not None:
        raise ag.StructureError(
            f"{asked}: x is a {type(x).__name__}, which gives whole batches; y and sample_weight must not be given."
        )
    if batch_size is not None and isinstance(x, Dataset):
        raise ag.StructureError(f"{asked}: x is a Dataset, so batch_size must not be given: use x.batch(...).")
    if isinstance(x, Dataset):
        return DatasetFeed(x)
    return SequenceFeed(x, generator(seed) if shuffle else None) if is_sequence(x) else IteratorFeed(x)


def adjusted(
    asked: str, source: Feed, steps: int | None = None, class_weight: Mapping[int, float] | None = None
) -> Feed:
    """A feed with so many batches in an epoch, and with weights for classes."""
    if class_weight is not None:
        source = Weighted(source, class_weight)
    return source if steps is None else LimitedFeed(source, _checked_steps(asked, steps))


def limited(asked: str, source: Feed, steps: int | None) -> Feed:
    """A feed that ends after so many batches, or where the data end."""
    return source if steps is None else FirstFeed(source, _checked_steps(asked, steps))


def _checked_steps(asked: str, steps: Any) -> int:
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ag.DomainError(f"{asked}: the number of steps is {steps!r}; expected an integer of at least 1.")
    return int(steps)


class Weighted(Feed):
    """Batches with the sample weights that follow from a weight for each class."""

    def __init__(self, source: Feed, class_weight: Mapping[int, float]):
        self.source = source
        self.steps = source.steps
        try:
            self.table = {int(key): float(value) for key, value in class_weight.items()}
        except (AttributeError, TypeError, ValueError):
            self.table = {-1: math.nan}
        if not all(map(math.isfinite, self.table.values())):
            raise ag.DomainError(f"class_weight is {class_weight!r}; expected a dict of a number for each class.")

    def epoch(self, skip: int = 0) -> Iterator[Any]:
        for batch in self.source.epoch(skip):
            yield self.weighted(batch)

    def peek(self) -> Any:
        return self.weighted(self.source.peek())

    def weighted(self, batch: Any) -> tuple[Any, Any, Any]:
        """A batch with weights, multiplied with those it has."""
        x, y, weight = unpacked(batch)
        if not isinstance(y, (ag.Tensor, np.ndarray)):
            raise ag.StructureError("class_weight needs one y per sample: integers, or one-hot rows.")
        labels = np.asarray(ag.convert_to_tensor(y).array)
        if labels.ndim > 1 and labels.shape[-1] > 1:
            labels = labels.argmax(axis=-1)
        labels = labels.reshape(len(labels), -1)[:, 0].astype(int)
        own = np.array([self.table.get(int(label), 1.0) for label in labels])
        return x, y, ag.Tensor(own if weight is None else own * np.asarray(ag.convert_to_tensor(weight).array), None)

    def random_state(self) -> Any:
        return self.source.random_state()

    def set_random_state(self, state: Any) -> None:
        self.source.set_random_state(state)


def is_sequence(x: Any) -> bool:
    """Whether this is an object of batches with ``len`` and ``[i]``, no array and no list."""
    return (
        hasattr(x, "__getitem__")
        and hasattr(x, "__len__")
        and not isinstance(x, (Dataset, ag.Tensor, ag.Variable, np.ndarray, list, tuple, dict, str))
        and not hasattr(x, "__array__")
    )


def _is_plain_iterable(x: Any) -> bool:
    known = (ag.Tensor, ag.Variable, np.ndarray, list, tuple, dict, str)
    return isinstance(x, Iterable) and not isinstance(x, known) and not hasattr(x, "__array__")


def unpacked(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of a batch; None for what is not there."""
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ag.StructureError(
            f"a batch must be (x,), (x, y) or (x, y, sample_weight); got a tuple of {len(data)}. Several inputs go "
            "together in one tuple: ((x1, x2), y)."
        )
    return (*data, None, None)[:3]


def checked_arrays(asked: str, x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, ...]:
    """Arrays that are there, after checking that they can be cut into batches together."""
    if x is None:
        raise ag.StructureError(f"{asked}: x is None; give an array or a Dataset.")
    if sample_weight is not None and y is None:
        raise ag.StructureError(f"{asked}: sample_weight was given without y.")
    named = [
        (name, value) for name, value in (("x", x), ("y", y), ("sample_weight", sample_weight)) if value is not None
    ]
    arrays = tuple(_structured(_alone(value), f"{asked}: {name}") for name, value in named)
    for (name, _), value in zip(named, arrays, strict=True):
        for leaf in leaves(value):
            _check_numbers(asked, name, leaf)
    lengths = [len(leaf) if np.ndim(leaf) else None for value in arrays for leaf in leaves(value)]
    if len(set(lengths)) > 1 or None in lengths:
        raise ag.ShapeError(
            f"{asked}: the first axes of x, y (and sample_weight) have lengths {lengths}; they must be the same: one "
            f"entry of each for every sample{' (None is a number, which has no axis)' if None in lengths else ''}."
        )
    if not lengths[0]:
        raise ag.ShapeError(f"{asked}: there is no sample: the first axis has length 0.")
    return arrays


def _alone(value: Any) -> Any:
    """The only entry of a list or tuple of arrays, as ``Model([x], [y])`` is ``Model(x, y)``."""
    several = isinstance(value, (list, tuple)) and len(value) == 1
    return value[0] if several and (hasattr(value[0], "__array__") or isinstance(value[0], ag.Variable)) else value


def _structured(value: Any, what: str) -> Any:
    """A list of arrays as a tuple of them: several inputs or outputs, not one array to be stacked."""
    if isinstance(value, dict):
        return {key: _structured(entry, f"{what}[{key!r}]") for key, entry in value.items()}
    several = isinstance(value, tuple) or (
        isinstance(value, list) and any(isinstance(entry, (np.ndarray, ag.Tensor, ag.Variable)) for entry in value)
    )
    try:
        if several and any(np.ndim(_raw(entry)) for entry in value):
            return tuple(_structured(entry, f"{what}[{number}]") for number, entry in enumerate(value))
        return np.asarray(_raw(value)) if isinstance(value, (list, tuple)) else _raw(value)
    except ValueError as error:
        raise ag.ConversionError(f"{what} is no array: {error} Rows must have equal lengths.") from error


def _raw(value: Any) -> Any:
    return value.array if isinstance(value, (ag.Tensor, ag.Variable)) else value


def _check_numbers(asked: str, name: str, array: Any) -> None:
    array = np.asarray(array)
    if array.dtype.kind not in "fc":
        if array.dtype.kind not in "iub":
            raise ag.DtypeError(f"{asked}: {name} has dtype {array.dtype}; expected numbers.")
        return
    with np.errstate(invalid="ignore", over="ignore"):
        if not np.isnan(_sum(array)):
            return
    wrong = np.isnan(array)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ag.DomainError(
            f"{asked}: {name} has {int(wrong.sum())} entries that are NaN, the first at {first}. Weights trained with "
            "them would be NaN, too: remove these samples, or fill the gaps (np.nan_to_num)."
        )


def _sum(array: Any) -> Any:
    """A number that is NaN if one of the entries is: in a fraction of the time of isnan, and of threads by BLAS."""
    if array.dtype.char in "fd" and array.flags.c_contiguous:
        flat = array.reshape(-1)
        return flat.dot(flat)  # squares: infinities cannot cancel
    return array.sum()


def split(asked: str, arrays: tuple[Any, ...], fraction: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """All but the last ``fraction`` of the samples, and those."""
    count = len(leaves(arrays)[0])
    at = math.floor(count * (1.0 - fraction)) if 0 < fraction < 1 else 0  # rounded as Keras does it
    if not 0 < at < count:
        raise ag.DomainError(
            f"{asked}: validation_split is {fraction!r} of {count} samples; expected a part between 0 and 1 that "
            "leaves at least one sample on each side."
        )
    return cut(arrays, slice(None, at)), cut(arrays, slice(at, None))


def cut(value: Any, where: slice) -> Any:
    """The same samples of every array of a structure."""
    return map_structure(lambda array: np.asarray(array)[where], value)
