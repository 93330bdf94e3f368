"""Every error the engine raises on purpose.

Each class also subclasses the builtin that a NumPy user would catch, so ``except ValueError`` keeps working::

    AutogradError
    ├── ShapeError           (ValueError)           shapes do not fit together
    ├── AxisError            (numpy AxisError)      an axis is out of range
    ├── DtypeError           (TypeError)            a dtype the operation or the gradient cannot take
    ├── ConversionError      (TypeError)            a value that cannot become a Tensor, or must not leave one silently
    ├── DomainError          (ValueError)           a value outside what the operation is defined for
    ├── NotDifferentiableError (TypeError)          no rule for this edge of this operation
    ├── UnsupportedError     (TypeError)            a NumPy function or keyword that Tensors do not answer
    ├── TapeError            (RuntimeError)         a tape used in a way its state does not allow
    ├── CotangentError       (ValueError)           a rule returned a cotangent of the wrong shape or kind
    ├── StructureError       (ValueError)           nested arguments whose structures differ
    ├── StaleValueError      (RuntimeError)         a Variable was assigned between forward and recomputation
    ├── GraphError           (ValueError)           a diagram, or a part of one, that cannot be made
    ├── AnomalyError         (FloatingPointError)   a NaN or an infinity came up inside ``detect_anomaly``
    ├── GradientCheckError   (AssertionError)       a gradient disagrees with the numerical one
    │   └── ProbeError       (CotangentError)       a user's operation is refused: its rules do not fit it
    ├── DataError            (ValueError)           a data file that is broken
    │   └── DataNotFoundError (FileNotFoundError)   a data file that is not there
    └── MissingExtraError    (ImportError)          an optional package is needed; names the extra to install
"""

from __future__ import annotations

from typing import Any

import numpy as np


class AutogradError(Exception):
    """Base of all errors raised by the engine, ``nn`` and ``optim``."""


class ShapeError(AutogradError, ValueError):
    """Shapes do not fit together."""


class AxisError(AutogradError, np.exceptions.AxisError):
    """An axis is out of range for the array it was given for."""


class DtypeError(AutogradError, TypeError):
    """A dtype that the operation, or its gradient, cannot take."""


class ConversionError(AutogradError, TypeError):
    """A value that cannot become a Tensor, or a Tensor that must not be converted silently."""


class DomainError(AutogradError, ValueError):
    """A value outside the set for which an operation is defined."""


class NotDifferentiableError(AutogradError, TypeError):
    """A derivative was asked along an edge that has no rule."""


class UnsupportedError(AutogradError, TypeError):
    """A NumPy function, or one of its keywords, that Tensors do not answer."""


class TapeError(AutogradError, RuntimeError):
    """A tape was used in a way that its state does not allow."""


class CotangentError(AutogradError, ValueError):
    """A derivative rule returned something that does not fit its input."""


class StructureError(AutogradError, ValueError):
    """Nested dicts, lists and tuples that should have the same structure do not."""


class StaleValueError(AutogradError, RuntimeError):
    """A Variable was assigned between the forward pass and its recomputation."""


class GraphError(AutogradError, ValueError):
    """A diagram, or what was asked of one, cannot be made."""


class AnomalyError(AutogradError, FloatingPointError):
    """A NaN or an infinity came up inside ``detect_anomaly``: raised where it was made.

    Attributes
    ----------
    operation : str
        Name of the operation that made it.
    direction : {"forward", "backward", "tangent"}
        Whether it is a value, a cotangent on the way back, or a tangent of forward mode.
    kind : {"NaN", "infinity"}
    place : str or None
        Line of the user's program, as ``path:line``, in which the operation was applied.
    entries : list of dict
        The first few offending entries: ``"index"``, ``"value"``, and ``"inputs"``, the numbers it was made of.
    cure : str
        What usually helps.
    graph : Graph or None
        What the value was computed from, up to a bounded number of nodes; None if no tape tracked it.
    """

    operation: str = ""
    direction: str = "forward"
    kind: str = "NaN"
    place: str | None = None
    entries: list[dict[str, object]] = []  # noqa: RUF012  # replaced, never written to
    cure: str = ""
    graph: object = None

    def __reduce__(self):
        return AnomalyError, self.args, {**vars(self), "graph": None}  # a graph stays in its process


class GradientCheckError(AutogradError, AssertionError):
    """A gradient disagrees with the numerical one.

    Attributes
    ----------
    report : GradientReport or None
        All that ``testing.check_grads`` found.
    """

    report: Any = None


class ProbeError(GradientCheckError, CotangentError):
    """A user's own operation is refused: probed at its first use, its rules did not fit what it computes.

    Attributes
    ----------
    probe_report : ProbeReport or None
        What was looked at.
    """

    probe_report: Any = None

    def __reduce__(self):
        return self.__class__, self.args, vars(self)


class DataError(AutogradError, ValueError):
    """A data file that is truncated, garbled or not what it should be."""


class DataNotFoundError(DataError, FileNotFoundError):
    """A data file that is in none of the places looked at."""

    # OSError formats itself from errno and file name; ours carries one message.
    __str__ = Exception.__str__


class TraceError(AutogradError, RuntimeError):
    """Something that cannot be traced: a branch on a traced value, its conversion, a value that left its trace."""


class MissingExtraError(AutogradError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """Build the error for an optional package that could not be imported."""
    return MissingExtraError(
        f'{purpose} needs the package "{package}", which is not installed; '
        f'install it with: pip install "autograd-core[{extra}]"'
    )
