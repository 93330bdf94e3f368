"""Where random numbers come from: every layer, initializer and shuffle owns a generator, made from its seed.

Without a seed a generator is different in every run, unless ``set_random_seed`` was called first: then the generators
made after it follow from that one number, in the order in which they are made.
"""

from __future__ import annotations

import copy
import threading
from typing import Any

import numpy as np

import autograd_core as ag

Seed = int | np.random.Generator | None

_lock = threading.Lock()
_parent: list[np.random.SeedSequence] = []  # none, or the one from which unseeded generators are made


def generator(seed: Seed = None) -> np.random.Generator:
    """Generator for a seed; a generator is given back as it is.

    Raises
    ------
    DomainError
        For a seed that is not an integer of at least 0, a generator or None.
    """
    if seed is None:
        with _lock:
            return np.random.default_rng(_parent[0].spawn(1)[0] if _parent else None)
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ag.DomainError(f"seed is {seed!r}; expected an integer of at least 0, a generator, or None.") from None


def set_random_seed(seed: int) -> None:
    """Make everything that is drawn without a seed of its own from now on follow from this number.

    Weights of layers made afterwards, dropout and the order of samples in ``fit`` are then the same in every run of a
    program that makes them in the same order.

    Parameters
    ----------
    seed : int
        At least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ag.DomainError(f"set_random_seed: got {seed!r}; expected an integer of at least 0.")
    with _lock:
        _parent[:] = [np.random.SeedSequence(int(seed))]


def dump_state(source: np.random.Generator) -> dict[str, Any]:
    """The generator's state, of dicts, lists, strings and integers alone: JSON keeps it exactly."""
    return _plain(source.bit_generator.state)


def load_state(target: np.random.Generator, state: Any) -> None:
    """Put the generator into a state that ``dump_state`` gave.

    Raises
    ------
    StructureError
        If the state is of another kind of generator, or damaged; the generator is as it was then.
    """
    kind = type(target.bit_generator).__name__
    if not isinstance(state, dict) or state.get("bit_generator") != kind:
        found = state.get("bit_generator") if isinstance(state, dict) else type(state).__name__
        raise ag.StructureError(
            f"set_random_state: the state is of {found!r}; the generator is a {kind!r}. Give what random_state() of "
            "something made in the same way has given."
        )
    try:
        # A copy is tried first: a state refused half-way must leave the generator as it was.
        trial = copy.deepcopy(target.bit_generator)
        trial.state = state
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise ag.StructureError(f"set_random_state: the state of {kind!r} is damaged ({error!r}).") from error
    target.bit_generator.state = state


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return int(value) if isinstance(value, np.integer) else value
