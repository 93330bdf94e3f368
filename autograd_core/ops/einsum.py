"""einsum: sums of products written with index letters.

The public function turns every form of writing (implicit output, ellipsis, operands with lists of numbers) into one:
``"ij,jk->ik"``. In that form the derivative is einsum again: for the cotangent of an operand, the result and that
operand exchange their letters. Two cases need more: a letter that stands in that operand alone was summed over, so the
cotangent is repeated along it; a letter that stands twice in it picked a diagonal, so the cotangent goes to the
diagonal of zeros.

Three operands and more are multiplied two at a time, where that is cheaper than one loop over all indices; each product
is an operation of its own then, so that the backward pass has the products in between, too, and no such loop either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..primitive import MULTILINEAR, Primitive, apply
from ..tensor import Overloaded
from .matrices import operand, run, tensor, without_out

__all__ = ["einsum", "einsum_path"]

# From here on a product through BLAS beats NumPy's own loops, for all its preparation in Python: 32 x 32 x 32 takes
# 13 us against 21 us, 128 x 128 x 128 takes 356 us against 49 us.
BLAS_FROM = 50_000

# Products in between of up to this many entries are taken: 1 GB of float64. Larger ones, if an operand is that large.
LARGEST_BETWEEN = 2**27

_FREE = (None, True)  # nothing is said of the order of the products

Sizes = dict[str, int]
Shapes = tuple[tuple[int, ...], ...]
Step = tuple[tuple[int, ...], str]
"""Positions of the operands that are multiplied, and their subscripts; the product goes to the end of the list."""


def _einsum(*operands, subscripts: str, optimize):
    if optimize is None:
        shapes = tuple([x.shape for x in operands])
        steps = _steps(subscripts, shapes) if len(operands) > 2 else ()
        if steps:
            wide = [x.astype(np.result_type(*operands), copy=False) for x in operands]
            return _stepwise(wide, steps, lambda own, terms: _einsum(*own, subscripts=terms, optimize=None))
        optimize = _pays(subscripts, shapes)
    elif isinstance(optimize, tuple) and optimize[0] == "einsum_path":
        optimize = list(optimize)  # the form that NumPy knows; parameters of a Node are hashable
    return np.einsum(subscripts, *operands, optimize=optimize)


@lru_cache(maxsize=1024)  # here and below: taking subscripts apart costs more than a small product
def _pays(subscripts: str, shapes: Shapes) -> bool:
    """Whether a product through BLAS is worth its preparation."""
    inputs, output = subscripts.split("->")
    sizes = _sizes(inputs.split(","), shapes)
    return len(sizes) > len(output) and len(shapes) == 2 and prod(sizes.values()) >= BLAS_FROM


@lru_cache(maxsize=1024)
def _steps(subscripts: str, shapes: Shapes) -> tuple[Step, ...]:
    """Products of two operands each that cost less than one loop over all indices; none if there are no such."""
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    sizes = _sizes(terms, shapes)
    if prod(sizes.values()) < BLAS_FROM:
        return ()
    limit = max(LARGEST_BETWEEN, *map(prod, shapes))
    blanks = [np.broadcast_to(np.float64(0), shape) for shape in shapes]
    path = np.einsum_path(subscripts, *blanks, optimize=("optimal" if len(terms) < 6 else "greedy", limit))[0][1:]
    if len(path) < 2:
        return ()
    steps, cost = [], 0
    for positions in path:
        taken = [terms[place] for place in positions]
        terms = [term for place, term in enumerate(terms) if place not in positions]
        letters = [letter for letter in dict.fromkeys("".join(taken)) if letter in output or letter in "".join(terms)]
        # What all have comes first, as a stack of products has it.
        between = "".join(sorted(letters, key=lambda letter: not all(letter in term for term in taken)))
        cost += len(taken) * prod(sizes[letter] for letter in set("".join(taken)))
        terms.append(between if terms else output)
        steps.append((tuple(positions), f"{','.join(taken)}->{terms[-1]}"))
    return tuple(steps) if cost < len(shapes) * prod(sizes.values()) else ()


def _stepwise(operands: list, steps: Sequence[Step], multiply: Callable[[list, str], Any]):
    for positions, subscripts in steps:
        taken = [operands[place] for place in positions]
        rest = [x for place, x in enumerate(operands) if place not in positions]
        operands = [*rest, multiply(taken, subscripts)]
    return operands[0]


def _sizes(terms: Sequence[str], shapes: Shapes) -> Sizes:
    """Length of each letter's axis; an axis of length 1 broadcasts."""
    sizes: Sizes = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, side in zip(term, shape, strict=True):
            if sizes.get(letter, 1) == 1:
                sizes[letter] = side
    return sizes


def _pull(ct, ans, *operands, index: int, subscripts: str, optimize):
    term, letters, shared, exchanged, full = _exchange(subscripts, index, tuple([x.shape for x in operands]))
    optimize = False if optimize is False else None  # a path was for the operands in their order
    pulled = run(EINSUM, ct, *operands[:index], *operands[index + 1 :], subscripts=exchanged, optimize=optimize)
    if pulled.shape != full:
        sides = dict(zip(shared, pulled.shape, strict=True))
        pulled = np.broadcast_to(np.reshape(pulled, tuple(sides.get(letter, 1) for letter in letters)), full)
    return pulled if letters == term else _to_diagonal(pulled, letters, term, dict(zip(letters, full, strict=True)))


@lru_cache(maxsize=1024)
def _exchange(subscripts: str, index: int, shapes: Shapes):
    """How to pull back to operand ``index``.

    Returns
    -------
    term, letters, shared : str
        Its subscripts; each letter of them once; those that the result or another operand has too.
    exchanged : str
        Subscripts for the cotangent and the other operands.
    full : tuple of int
        Lengths for ``letters``.
    """
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    others = terms[:index] + terms[index + 1 :]
    letters = "".join(dict.fromkeys(terms[index]))
    shared = "".join(letter for letter in letters if letter in output or any(letter in term for term in others))
    sizes = _sizes(terms, shapes)
    return terms[index], letters, shared, ",".join([output, *others]) + "->" + shared, tuple(sizes[i] for i in letters)


def _to_diagonal(values, letters: str, term: str, sizes: Sizes):
    """Zeros with ``values`` where the indices of a repeated letter are equal: times a Kronecker delta for each."""
    unused = (letter for letter in ascii_letters if letter not in letters)
    seen, renamed, deltas = set(), "", []
    for letter in term:
        if letter in seen:
            deltas.append(letter + next(unused))
            renamed += deltas[-1][1]
        else:
            renamed += letter
        seen.add(letter)
    eyes = [np.eye(sizes[delta[0]], dtype=values.dtype) for delta in deltas]
    return run(EINSUM, values, *eyes, subscripts=",".join([letters, *deltas]) + "->" + renamed, optimize=None)


def _sample_einsum(draw):
    subscripts = draw.choice((
        "ij,jk->ik", "ij->ji", "i,i->", "ij,j->i", "ii->i", "ii->", "iij->ij", "iji,jk->k", "ij->", "ij->j", "i,j->ij",
        "bij,bjk->bik", "ijk,jkl,l->i", "ij,ij,ij->i", "i,ij,j->", ",i->i", "i,->", "iii->i", "ij,ik->", "aab,bcc->abc",
    ))  # fmt: skip
    terms = subscripts.split("->")[0].split(",")
    sizes = {letter: draw.integer(0, 3) for letter in ascii_lowercase if letter in subscripts}
    shapes = []
    for term in terms:
        ones = [letter for letter in term if term.count(letter) == 1 and draw.integer(0, 7) == 7]
        shapes.append(tuple(1 if letter in ones else sizes[letter] for letter in term))
    return tuple(draw.array(shape) for shape in shapes), {
        "subscripts": subscripts,
        "optimize": draw.choice((None, True)),
    }


EINSUM = Primitive(
    "einsum", _einsum, vjps=(_pull,), variadic=True, jvps=MULTILINEAR, sample=_sample_einsum,
    doc="Sum of products of the operands over the indices that the result does not have.",
)  # fmt: skip


def einsum(*operands, out=None, optimize=None, dtype=None, order="K", casting="safe"):
    """Sum of products by index letters, as ``numpy.einsum``.

    Parameters
    ----------
    *operands
        Either the subscripts and the operands, ``einsum("ij,jk->ik", a, b)``; or operands and lists of numbers in
        turn, ``einsum(a, [0, 1], b, [1, 2], [0, 2])``. With ``...`` for axes that broadcast, with or without the part
        after ``->``, as in NumPy.
    optimize : bool, str, list or None
        None, the default here, lets the sizes decide: from some size on, products through BLAS, and of three operands
        and more two at a time in the cheapest order; True is for that order, too. Else NumPy does as it is told: plain
        loops for False, products of two each for a strategy or a path.
    dtype : dtype, optional
        Type to compute in.

    Notes
    -----
    VJP: einsum with the letters of the result and of the operand exchanged.

    Examples
    --------
    >>> import autograd_core.numpy as anp
    >>> anp.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.])
    """
    without_out("einsum", out)
    if order != "K" or casting != "safe":
        raise UnsupportedError("einsum: the keywords order and casting are not supported on Tensors; use dtype.")
    if not operands:
        raise ShapeError('einsum: got nothing; expected subscripts and operands, as in einsum("ij,j->i", a, x).')
    subscripts, arrays = _as_letters(operands)
    canonical = _canonical(subscripts, tuple([x.shape for x in arrays]))
    if dtype is not None:
        arrays = [np.astype(tensor(x), dtype) for x in arrays]
    steps = _steps(canonical, tuple([x.shape for x in arrays])) if optimize in _FREE and len(arrays) > 2 else ()
    if steps:
        return _stepwise(_alike(arrays), steps, _multiplied)
    return apply(EINSUM, tuple(arrays), {"subscripts": canonical, "optimize": _hashable(optimize)})


def _alike(arrays: list) -> list:
    """``arrays`` in the dtype of the result: the product of two of them must not be rounded to less."""
    dtype = np.result_type(*[x.dtype for x in arrays])
    return [x if x.dtype == dtype else np.astype(tensor(x), dtype) for x in arrays]


def _multiplied(operands: list, subscripts: str):
    return apply(EINSUM, tuple(operands), {"subscripts": subscripts, "optimize": None})


def einsum_path(*operands, optimize="greedy", einsum_call=False):
    """Cheapest order of products for ``einsum``, as ``numpy.einsum_path``: a list for ``optimize=``, and a report."""
    raw = [np.broadcast_to(np.zeros((), x.dtype), x.shape) if isinstance(x, Overloaded) else x for x in operands]
    return np.einsum_path(*raw, optimize=optimize, einsum_call=einsum_call)


def _hashable(optimize):
    return tuple(optimize) if isinstance(optimize, list) else optimize


# -- one form out of many ----------------------------------------------------------------------------------------------


def _as_letters(operands) -> tuple[str, list[Any]]:
    """Subscripts as a string, and the operands; from either way of calling."""
    if isinstance(operands[0], str):
        return "".join(operands[0].split()), [operand(x) for x in operands[1:]]
    if len(operands) < 2 or isinstance(operands[1], Overloaded):
        raise ShapeError(
            "einsum: expected subscripts and operands, as in einsum('ij,j->i', a, x), or operands and lists of numbers "
            f"in turn; got {', '.join(type(x).__name__ for x in operands)}."
        )
    pairs = len(operands) // 2
    terms = [_letters_of(numbers) for numbers in operands[1 : 2 * pairs : 2]]
    subscripts = ",".join(terms) + ("->" + _letters_of(operands[-1]) if len(operands) % 2 else "")
    return subscripts, [operand(x) for x in operands[0 : 2 * pairs : 2]]


def _letters_of(numbers) -> str:
    """Letters for a list of numbers and Ellipsis; in the order of the numbers, as the implicit output is sorted."""
    alphabet = ascii_uppercase + ascii_lowercase
    try:
        return "".join("..." if number is Ellipsis else alphabet[_index(number)] for number in numbers)
    except (TypeError, IndexError):
        raise ShapeError(f"einsum: a list of indices holds numbers from 0 to 51 and ...; got {numbers!r}.") from None


def _index(number) -> int:
    if isinstance(number, bool) or number < 0:
        raise IndexError
    return int(number)


@lru_cache(maxsize=1024)
def _canonical(subscripts: str, shapes: Shapes) -> str:
    """``subscripts`` with letters in place of ``...`` and with its output written out; checked against the shapes."""
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise ShapeError(f"einsum {subscripts!r}: the subscripts are for {len(terms)} operands; got {len(shapes)}.")
    for term in (*terms, output):
        bare = term.replace("...", "", 1)
        if set(bare) - set(ascii_letters):
            raise ShapeError(f"einsum {subscripts!r}: {term!r} is not made of letters and at most one '...'.")
    hidden = [len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)]
    for term, shape, extra in zip(terms, shapes, hidden, strict=True):
        if extra < 0 or (extra and "..." not in term):
            raise ShapeError(
                f"einsum {subscripts!r}: {term!r} is for {len(term.replace('...', ''))} axes"
                f"{' or more' if '...' in term else ''}; the operand has shape {shape}."
            )
    used = set(subscripts)
    spare = [letter for letter in ascii_letters if letter not in used]
    widest = max((extra for term, extra in zip(terms, hidden, strict=True) if "..." in term), default=0)
    if widest > len(spare):
        raise ShapeError(f"einsum {subscripts!r}: more than 52 different indices.")
    stand_in = "".join(spare[:widest])
    terms = [t.replace("...", stand_in[widest - extra :]) for t, extra in zip(terms, hidden, strict=True)]
    if not arrow:
        once = sorted(letter for letter in used - set(",.") if inputs.count(letter) == 1)
        output = stand_in + "".join(once)
    elif "..." in output:
        output = output.replace("...", stand_in)
    elif widest:
        raise ShapeError(f"einsum {subscripts!r}: '...' stands for axes of the operands; the output needs it too.")
    _check(subscripts, terms, output, shapes)
    return ",".join(terms) + "->" + output


def _check(subscripts: str, terms: Sequence[str], output: str, shapes: Shapes) -> None:
    """Raise ShapeError unless letters and lengths fit together."""
    known: dict[str, tuple[int, int]] = {}
    for position, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        inside: Sizes = {}
        for letter, side in zip(term, shape, strict=True):
            other, at = known.get(letter, (1, 0))
            clash = inside.get(letter, side) != side
            if clash or (side != 1 and other not in (1, side)):
                label = repr(letter) if letter in subscripts else "of '...'"
                seen = inside[letter] if clash else other
                raise ShapeError(
                    f"einsum {subscripts!r}: index {label} has length {seen} in operand {position if clash else at} "
                    f"and {side} in operand {position}, of shapes {', '.join(map(str, shapes))}."
                )
            inside[letter] = side
            if other == 1:
                known[letter] = (side, position)
    for letter in output:
        if output.count(letter) > 1 or letter not in known:
            why = "twice in the output" if letter in known else "in the output, but in no operand"
            raise ShapeError(f"einsum {subscripts!r}: index {letter!r} stands {why}.")


# -- tables ------------------------------------------------------------------------------------------------------------

ROWS = (EINSUM,)

OVERLOADS: dict[Any, Any] = {np.einsum: einsum, np.einsum_path: einsum_path}
