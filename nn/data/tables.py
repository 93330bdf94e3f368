"""Tables of numbers: ``load_csv``."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autograd_core as ag

__all__ = ["load_csv"]


def load_csv(
    path: str | os.PathLike[str],
    label: str | int | None = None,
    delimiter: str = ",",
    dtype: DTypeLike = "float32",
    label_dtype: DTypeLike | None = None,
    header: bool | None = None,
    return_names: bool = False,
) -> Any:
    r"""Read a table of numbers from a text file with one line per row.

    Parameters
    ----------
    path : str or path
        A file in UTF-8. Empty lines are passed over; a cell may stand in double quotes.
    label : str, int or None
        The column to predict, by name or by number (from 0; from the end if negative): it comes back as ``y``.
    delimiter : str
        The character between two cells.
    dtype : dtype
        Of the numbers.
    label_dtype : dtype, optional
        Of ``y``; ``dtype`` if None. Labels that are class numbers are best integers: "int64".
    header : bool or None
        Whether the first line names the columns; None finds out: it does if one of its cells is no number.
    return_names : bool
        Give the names of the columns of ``x`` as well; without a header they are "0", "1" and so on.

    Returns
    -------
    x : array, shape (rows, columns)
        All columns but the label.
    y : array, shape (rows,)
        The label; left out if ``label`` is None: then there is ``x`` alone, not a tuple.
    names : list of str
        Only with ``return_names``.

    Raises
    ------
    DataNotFoundError
        If there is no such file.
    DataError
        If a cell is not a number, or a line has more or fewer cells than the first; line and column are named. Also
        if there is no line with numbers.
    DomainError
        If there is no such column; the names there are are listed.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "houses.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("area,rooms,price\n80,3,250\n60,2,200\n")
    ...     x, y = load_csv(path, label="price")
    >>> x
    array([[80.,  3.],
           [60.,  2.]], dtype=float32)
    >>> y
    array([250., 200.], dtype=float32)
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '\r\n"':
        raise ag.DomainError(f"load_csv: delimiter is {delimiter!r}; expected one character, such as ',' or ';'.")
    file = Path(path)
    first = next(_rows(file, delimiter), None)
    if first is None:
        raise ag.DataError(f"{file}: there is no line in it; expected a table of numbers.")
    line, cells = first
    has_header = not all(map(_is_number, cells)) if header is None else bool(header)
    names = [cell.strip() for cell in cells] if has_header else [str(number) for number in range(len(cells))]
    column = None if label is None else _column(file, label, names)
    values = _numbers(file, delimiter, line if has_header else 0, names)
    if column is None:
        x = values.astype(dtype)
        return (x, names) if return_names else x
    x = np.delete(values, column, axis=1).astype(dtype)
    y = _labels(file, values[:, column], dtype if label_dtype is None else label_dtype, names[column])
    return (x, y, names[:column] + names[column + 1 :]) if return_names else (x, y)


def _rows(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The line number and the cells of each line that is not empty."""
    try:
        # utf-8-sig: spreadsheets put a mark before the first name
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
    except FileNotFoundError:
        raise ag.DataNotFoundError(f"{file}: there is no such file; expected a table of numbers.") from None
    except OSError as error:
        raise ag.DataError(f"{file}: cannot be read ({error.strerror or error}); expected a file.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ag.DataError(f"{file}: not a text file in UTF-8 ({error}). Save it as CSV again.") from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # which Python takes between digits, and NumPy does not


def _column(file: Path, label: str | int, names: Sequence[str]) -> int:
    if isinstance(label, str):
        if names.count(label) == 1:
            return names.index(label)
        found = "more than one column has" if label in names else "no column has"
        raise ag.DomainError(
            f"{file}: {found} the name {label!r}; the columns are {', '.join(map(repr, names))}. "
            "Give one of them, or a number."
        )
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
        raise ag.DomainError(f"load_csv: label is {label!r}; expected the name or the number of a column, or None.")
    if not -len(names) <= label < len(names):
        raise ag.DomainError(f"{file}: there is no column {label}; it has {len(names)} columns, from 0.")
    return int(label) % len(names)


def _numbers(file: Path, delimiter: str, after: int, names: Sequence[str]) -> Any:
    """All lines after a given one, as float64, shape (rows, columns)."""
    with file.open(encoding="utf-8-sig") as stream:
        for _ in range(after):
            next(stream, None)
        rows = [line for line in stream if line.strip(" \t\r\n" + delimiter)]
    if not rows:
        raise ag.DataError(f"{file}: there is no line with numbers below the names of the columns.")
    try:
        values: Any = np.loadtxt(rows, delimiter=delimiter, ndmin=2, comments=None, quotechar='"')
    except ValueError as error:
        raise _fault(file, delimiter, after, names, error) from None
    if values.shape[1] != len(names):
        raise _fault(file, delimiter, after, names, None)
    return values


def _fault(file: Path, delimiter: str, after: int, names: Sequence[str], error: Exception | None) -> ag.DataError:
    """The first cell that is at fault; NumPy, which is quick, does not say which it is in the file."""
    for line, cells in _rows(file, delimiter):
        if line <= after:
            continue
        if len(cells) != len(names):
            return ag.DataError(
                f"{file}: line {line} has {len(cells)} cells; expected {len(names)}, as in the first line. Is the "
                f"delimiter {delimiter!r} right?"
            )
        for name, cell in zip(names, cells, strict=True):
            if not _is_number(cell):
                what = f"{cell!r} is not a number" if cell.strip() else "the cell is empty"
                return ag.DataError(
                    f"{file}: line {line}, column {name!r}: {what}. Put a number there (nan for what is not known), or "
                    "leave that line or column out."
                )
    return ag.DataError(f"{file}: cannot be read as a table of numbers ({error}).")


def _labels(file: Path, values: np.ndarray, dtype: DTypeLike, name: str) -> np.ndarray:
    bad = ~np.isfinite(values) | (values != np.floor(values))
    wrong = values[bad & (np.dtype(dtype).kind in "iu")]
    if len(wrong):
        raise ag.DataError(
            f"{file}: column {name!r} holds {wrong[0]}; a label of dtype {np.dtype(dtype)} must be a whole number."
        )
    return values.astype(dtype)
