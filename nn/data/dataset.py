"""Dataset: what a user sees. Each method puts a Step behind those there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autograd_core as ag

from .prefetch import Prefetch
from .selection import Cache, Concatenate, Filter, Repeat, Skip, Take, same_structure
from .shuffle import Seed, Shuffle
from .sources import Generated, Single, Slices
from .step import AUTOTUNE, INFINITE_CARDINALITY, Step
from .structure import leaves, map_structure
from .tables import load_csv
from .transform import Batch, Enumerate, Map, Unbatch, Zip

__all__ = ["Dataset"]


class Dataset:
    """Elements that can be run through again and again: a Tensor each, or a tuple or dict of Tensors.

    A Dataset is made in steps, each of which gives a new one and leaves the old one as it was. Nothing is computed
    before the elements are asked for. The first one comes from ``from_tensor_slices`` or one of its like; ``step`` is
    theirs to give.

    Examples
    --------
    >>> import numpy as np
    >>> numbers = Dataset.range(6).map(lambda n: n * n).filter(lambda n: n % 2 == 0)
    >>> [int(n) for n in numbers]
    [0, 4, 16]
    >>> pairs = Dataset.from_tensor_slices((np.arange(5.0), np.arange(5)))
    >>> for x, y in pairs.shuffle(5, seed=0).batch(2).prefetch(1):
    ...     print(x.shape, y.dtype)
    (2,) int64
    (2,) int64
    (1,) int64
    >>> len(pairs.batch(2)), pairs.repeat().cardinality()
    (3, -1)
    """

    def __init__(self, step: Step | None = None):
        if not isinstance(step, Step):
            raise ag.ConversionError(
                "Dataset is made by Dataset.from_tensor_slices(...), from_tensors, from_generator, from_csv, range or "
                "zip; not by calling it."
            )
        self._step = step

    # -- where elements come from ----------------------------------------------------------------------------------

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """One element for each index along the first axis.

        Parameters
        ----------
        tensors : array_like, or nested dict or tuple of arrays
            All with a first axis of the same length. A tuple ``(x, y)`` gives elements ``(x[i], y[i])``. (A list of
            arrays is stacked, as in TensorFlow.)

        Returns
        -------
        Dataset
            Arrays are not copied as a whole: what is in them when an element is drawn is in the element.
        """
        return Dataset(Slices.checked(tensors))

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """A single element: the arrays as they are."""
        if not leaves(tensors):
            raise ag.DomainError("Dataset.from_tensors: got no array.")
        return Dataset(Single(tensors))

    @staticmethod
    def from_generator(
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] | None = None,
        output_signature: Any = None,
    ) -> Dataset:
        """Elements that a function yields.

        Parameters
        ----------
        generator : callable
            Called anew for each run through; gives something to iterate over. In what it gives, tuples and dicts are
            structures, and anything else is an array (lists too); arrays are copied.
        output_types : dtype, or tuple or dict of dtypes, optional
            Convert the elements to them.
        output_shapes : optional
            Not needed, and not looked at; it is here for programs written for TensorFlow.
        args : sequence, optional
            What ``generator`` is called with.
        output_signature : TensorSpec or structure of them, optional
            In place of ``output_types``: anything with a ``dtype``. Its shapes are not looked at.
        """
        if not callable(generator):
            raise ag.ConversionError(
                f"Dataset.from_generator: generator is {type(generator).__name__}; expected a function that gives "
                "something to iterate over, as each run through needs a new one. Write lambda: ... around it."
            )
        if output_signature is not None:
            if output_types is not None:
                raise ag.StructureError("Dataset.from_generator: give output_types or output_signature, not both.")
            output_types = _dtypes(output_signature)
        arguments = tuple(args or ())
        return Dataset(Generated((lambda: generator(*arguments)) if arguments else generator, output_types))

    @staticmethod
    def range(*args: int, output_type: DTypeLike = np.int64) -> Dataset:
        """Numbers ``start, start + step, ...`` below ``stop``: ``range(stop)`` or ``range(start, stop[, step])``."""
        if not 1 <= len(args) <= 3:
            raise ag.StructureError(f"Dataset.range: got {len(args)} arguments; expected stop, or start, stop, step.")
        numbers = [_integer("range", "an argument", arg, None) for arg in args]
        if len(numbers) == 3 and not numbers[2]:
            raise ag.DomainError("Dataset.range: step is 0; it must not be.")
        array = np.arange(*numbers).astype(output_type)
        return Dataset(Slices(array, len(array)))

    @staticmethod
    def from_csv(
        path: str | os.PathLike[str], label: str | int | None = None, delimiter: str = ",", dtype: DTypeLike = "float32"
    ) -> Dataset:
        """One element for each line of a table: ``x``, or ``(x, y)`` with a label.

        Parameters
        ----------
        path, label, delimiter, dtype
            As for ``nn.utils.load_csv``, which says more.
        """
        return Dataset.from_tensor_slices(load_csv(path, label=label, delimiter=delimiter, dtype=dtype))

    @staticmethod
    def zip(*args: Any, datasets: Any = None) -> Dataset:
        """Elements of several datasets side by side, until one of them ends.

        Parameters
        ----------
        *args : Dataset
            ``zip(a, b)`` has elements ``(element of a, element of b)``. A single tuple or dict of datasets, nested
            or not, gives elements of that structure.
        datasets : structure of Dataset, optional
            The same, by name.
        """
        if bool(args) == (datasets is not None):
            raise ag.StructureError("Dataset.zip: give datasets one after another, or as datasets=, and not both.")
        structure = datasets if datasets is not None else args[0] if len(args) == 1 else args
        for part in leaves(structure):
            _check_dataset("zip", part)
        if isinstance(structure, Dataset) or not leaves(structure):
            raise ag.StructureError("Dataset.zip: expected a tuple or dict of datasets, as in zip((a, b)).")
        steps = map_structure(lambda dataset: dataset._step, structure)
        if all(isinstance(step, Slices) for step in leaves(steps)):  # side by side already: batches are cut in one go
            length = min(step.length for step in leaves(steps))
            return Dataset(Slices(map_structure(lambda step: step.part(0, length).arrays, steps), length))
        return Dataset(Zip(steps))

    # -- which elements, and in what order -------------------------------------------------------------------------

    def shuffle(self, buffer_size: int, seed: Seed = None, reshuffle_each_iteration: bool = True) -> Dataset:
        """Elements in a random order.

        Parameters
        ----------
        buffer_size : int
            From so many of the next elements one is drawn; at least the number of elements for a perfect shuffle.
        seed : int, numpy.random.Generator or None
            The same number gives the same orders in every run of the program; None different ones.
        reshuffle_each_iteration : bool
            Whether each run through has an order of its own, also those that ``repeat`` makes.
        """
        size = _integer("shuffle", "buffer_size", buffer_size, 1)
        _check_seed(seed)
        return Dataset(Shuffle(self._step, size, seed, bool(reshuffle_each_iteration)))

    def repeat(self, count: int | None = None) -> Dataset:
        """All elements ``count`` times over; without end for None or -1."""
        times = -1 if count is None else _integer("repeat", "count", count, -1)
        return Dataset(Repeat(self._step, None if times < 0 else times))

    def take(self, count: int) -> Dataset:
        """At most the first ``count`` elements; all for -1."""
        count = _integer("take", "count", count, -1)
        if isinstance(self._step, Slices) and count >= 0:
            return Dataset(self._step.part(0, count))
        return Dataset(Take(self._step, count))

    def skip(self, count: int) -> Dataset:
        """All but the first ``count`` elements; none for -1."""
        count = _integer("skip", "count", count, -1)
        if isinstance(self._step, Slices) and count >= 0:
            return Dataset(self._step.part(count, self._step.length))
        return Dataset(Skip(self._step, count))

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """Elements for which ``predicate`` gives True; the parts of a tuple are arguments of their own."""
        _check_callable("filter", "predicate", predicate)
        return Dataset(Filter(self._step, predicate))

    def concatenate(self, dataset: Dataset) -> Dataset:
        """These elements, then those of another dataset, which must have the same structure and dtypes."""
        _check_dataset("concatenate", dataset)
        mine, other = self.element_spec, dataset.element_spec
        if mine is not None and other is not None and not same_structure(mine, other):
            raise ag.StructureError(
                f"Dataset.concatenate: elements here are {mine}, and there {other}; they must have the same structure "
                "and dtypes."
            )
        return Dataset(Concatenate(self._step, dataset._step))

    def cache(self, filename: str = "") -> Dataset:
        """Elements kept in memory by the first complete run through, for all that follow.

        What comes before is then not computed again: also a ``shuffle`` there has one order for good. Put
        ``shuffle`` after ``cache``.
        """
        if filename:
            raise ag.DomainError(f"Dataset.cache: filename is {filename!r}; elements are kept in memory only: cache().")
        return Dataset(Cache(self._step))

    # -- other elements --------------------------------------------------------------------------------------------

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Elements ``batch_size`` at a time, stacked along a new first axis; the last batch may be smaller."""
        return Dataset(Batch(self._step, _integer("batch", "batch_size", batch_size, 1), bool(drop_remainder)))

    def unbatch(self) -> Dataset:
        """Entries along the first axis, one by one: what ``batch`` undoes."""
        return Dataset(Unbatch(self._step))

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: int | None = None, deterministic: bool | None = None
    ) -> Dataset:
        """What a function gives for each element.

        Parameters
        ----------
        map_func : callable
            The parts of a tuple are arguments of their own. It may give Tensors, arrays or numbers, and tuples and
            dicts of them; a list at the outside becomes a tuple, as in TensorFlow.
        num_parallel_calls, deterministic : optional
            Accepted as in TensorFlow. Elements are made one at a time, in order; ``prefetch`` makes them in a
            background thread.
        """
        _check_callable("map", "map_func", map_func)
        return Dataset(Map(self._step, map_func))

    def enumerate(self, start: int = 0) -> Dataset:
        """Elements ``(number, element)``, counted from ``start``; the number is an int64 Tensor."""
        return Dataset(Enumerate(self._step, _integer("enumerate", "start", start, None)))

    def prefetch(self, buffer_size: int) -> Dataset:
        """Elements made by a background thread, while the last one is being used.

        Parameters
        ----------
        buffer_size : int
            How many are made ahead; ``nn.data.AUTOTUNE`` for a good number, 0 for none, without a thread.

        Notes
        -----
        The order stays. An exception in the thread is raised where the element is asked for. The thread ends with
        the run through, also with one that is left early.
        """
        return Dataset(Prefetch(self._step, _integer("prefetch", "buffer_size", buffer_size, AUTOTUNE)))

    # -- what there is ---------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return iter(self._step)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """One run through, with NumPy arrays (and NumPy numbers) in place of Tensors."""
        return (map_structure(lambda tensor: tensor.numpy()[()], element) for element in self)

    def cardinality(self) -> int:
        """How many elements there are; ``nn.data.INFINITE_CARDINALITY`` (-1) or ``UNKNOWN_CARDINALITY`` (-2)."""
        return self._step.cardinality()

    def __len__(self) -> int:
        count = self.cardinality()
        if count < 0:
            raise ag.UnsupportedError(
                "len(dataset): the dataset has no end."
                if count == INFINITE_CARDINALITY
                else "len(dataset): not known before the elements are counted; cardinality() says so as -2."
            )
        return count

    def __bool__(self) -> bool:
        return True

    @property
    def element_spec(self) -> Any:
        """TensorSpec (shape, dtype) for each Tensor of an element; None if it is not known before one is drawn."""
        return self._step.spec()

    def __repr__(self) -> str:
        return f"<{type(self._step).__name__} Dataset: cardinality={self.cardinality()}, spec={self.element_spec}>"

    # -- saving and resuming ---------------------------------------------------------------------------------------

    def random_state(self) -> list[Any]:
        """States of all random generators in the steps, to be saved with a model.

        Returns
        -------
        list
            A dict for each ``shuffle``, in a fixed order. JSON keeps it exactly (integers go up to 128 bits).

        Notes
        -----
        The state belongs between two runs through: with the state from before one, ``set_random_state`` makes the next
        run through have the same order as that one. In the middle, keep the state from before and the number of
        elements had since, and ``skip`` so many. Functions given to ``map``, ``filter`` and ``from_generator`` that
        draw numbers of their own are not known here.
        """
        return self._step.random_state()

    def set_random_state(self, states: Sequence[Any]) -> None:
        """Put all random generators in the states that ``random_state`` of a dataset made in the same way gave.

        Raises
        ------
        StructureError
            If the states are not of such a dataset; nothing is changed then.
        """
        before = self.random_state()
        if not isinstance(states, (list, tuple)) or len(states) != len(before):
            found = f"{len(states)} states" if isinstance(states, (list, tuple)) else repr(states)
            raise ag.StructureError(
                f"Dataset.set_random_state: got {found}; this dataset has {len(before)}, one for each shuffle. Give "
                "what random_state() of a dataset made in the same way has given."
            )
        try:
            self._step.set_random_state(iter(states))
        except ag.StructureError:
            self._step.set_random_state(iter(before))
            raise


def _dtypes(signature: Any) -> Any:
    """Dtypes in place of specs, which may be named tuples themselves."""
    if hasattr(signature, "dtype"):
        return np.dtype(signature.dtype)
    if isinstance(signature, dict):
        return {key: _dtypes(spec) for key, spec in signature.items()}
    if isinstance(signature, tuple):
        return tuple(_dtypes(spec) for spec in signature)
    raise ag.StructureError(
        f"Dataset.from_generator: output_signature holds {signature!r}; expected nn.data.TensorSpec(shape, dtype)."
    )


def _integer(method: str, name: str, value: Any, low: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or (low is not None and value < low):
        expected = "an integer" if low is None else f"an integer of at least {low}"
        raise ag.DomainError(f"Dataset.{method}: {name} is {value!r}; expected {expected}.")
    return int(value)


def _check_seed(seed: Any) -> None:
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0
    if not (seed is None or whole or isinstance(seed, np.random.Generator)):
        raise ag.DomainError(
            f"Dataset.shuffle: seed is {seed!r}; expected an integer of at least 0, a numpy.random.Generator or None."
        )


def _check_callable(method: str, name: str, value: Any) -> None:
    if not callable(value):
        raise ag.ConversionError(f"Dataset.{method}: {name} is {value!r}; expected a function.")


def _check_dataset(method: str, value: Any) -> None:
    if not isinstance(value, Dataset):
        raise ag.ConversionError(
            f"Dataset.{method}: got {type(value).__name__}; expected a Dataset. Dataset.from_tensor_slices makes one."
        )
