"""Gradients as they are given: pairs with Variables, in any order, some of them None. Here they are put in order."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import autograd_core as ag

SHOWN_REASONS = 3
"""Variables without a gradient for which a message says why."""

Pairs = Iterable[tuple[Any, ag.Variable]]


class Targets:
    """The variables of an optimizer, in order, and what a gradient for each must look like.

    Parameters
    ----------
    owner : str
        Name of the optimizer, for messages.
    variables : iterable of Variable

    Raises
    ------
    ConversionError, DtypeError, StructureError
        If one is no Variable, cannot be trained, or is there twice.
    """

    def __init__(self, owner: str, variables: Iterable[ag.Variable]):
        self.owner = owner
        self.variables = list(variables)
        for variable in self.variables:
            self._check(variable)
        self.positions = {variable: position for position, variable in enumerate(self.variables)}
        if len(self.positions) != len(self.variables):
            twice = next(v for i, v in enumerate(self.variables) if self.positions[v] != i)
            raise ag.StructureError(f"{owner}: {name_of(twice)} is in the list twice; each may be there once.")
        self._kinds = [(variable.shape, variable.dtype) for variable in self.variables]

    def _check(self, variable: Any) -> None:
        if not isinstance(variable, ag.Variable):
            raise ag.ConversionError(
                f"{self.owner}: got a {type(variable).__name__} to update; expected a Variable, as in "
                "apply_gradients(zip(gradients, variables)), in this order."
            )
        if variable.dtype.kind not in "fc":
            raise ag.DtypeError(
                f"{self.owner}: {name_of(variable)} has dtype {variable.dtype}; only floating and complex Variables "
                "can be trained."
            )

    def are(self, variables: Sequence[Any]) -> bool:
        """Whether ``variables`` are these, in any order."""
        return len(variables) == len(self.variables) and all(variable in self.positions for variable in variables)

    def in_order(self, pairs: list[tuple[Any, ag.Variable]]) -> list[Any]:
        """Raw gradients by position, None where there is none; everything about them checked."""
        if len(pairs) == len(self.variables):
            arrays = []
            for (gradient, variable), own, (shape, dtype) in zip(pairs, self.variables, self._kinds, strict=True):
                if variable is not own or gradient.__class__ is not ag.Tensor:
                    break
                array = gradient.array
                if array.shape != shape or array.dtype is not dtype:
                    break
                arrays.append(array)
            else:
                return arrays  # every gradient there, in order, and of its variable's kind
        return self._sorted(pairs)

    def _sorted(self, pairs: list[tuple[Any, ag.Variable]]) -> list[Any]:
        gradients: list[Any] = [None] * len(self.variables)
        seen = 0
        missing = []
        for gradient, variable in pairs:
            position = self.positions.get(variable)
            if position is None:
                raise self._unknown(variable)
            if gradient is None:
                missing.append(variable)
                continue
            array = gradient.array if gradient.__class__ is ag.Tensor else ag.convert_to_tensor(gradient).array
            known = variable.array
            if array.shape != known.shape or array.dtype is not known.dtype:
                array = self._fitted(array, variable)
            if gradients[position] is None:
                seen += 1
            gradients[position] = array
        if seen + len(missing) != len(pairs):
            raise self._repeated(pairs)
        if missing:
            self._report(missing, all_of_them=not seen)
        return gradients

    def _fitted(self, array: Any, variable: ag.Variable) -> Any:
        if array.shape != variable.shape:
            raise ag.ShapeError(
                f"{self.owner}: the gradient for {name_of(variable)} has shape {array.shape}, the Variable "
                f"{variable.shape}; they must be the same. Are gradients and variables in the same order?"
            )
        if array.dtype.kind == "c" and variable.dtype.kind != "c":
            raise ag.DtypeError(f"{self.owner}: the gradient for {name_of(variable)} is complex, the Variable is not.")
        return array.astype(variable.dtype, copy=False)

    def _unknown(self, variable: Any) -> ag.AutogradError:
        if not isinstance(variable, ag.Variable):
            return ag.ConversionError(
                f"{self.owner}.apply_gradients: got a {type(variable).__name__} to update; expected pairs of a "
                "gradient and a Variable, in this order: zip(gradients, variables)."
            )
        return ag.StructureError(
            f"{self.owner}.apply_gradients: {name_of(variable)} of shape {variable.shape} is not among the variables "
            f"that this optimizer was built for: {names_of(self.variables)}. Make a new optimizer for other variables."
        )

    def _repeated(self, pairs: list[tuple[Any, ag.Variable]]) -> ag.StructureError:
        variables = [variable for _, variable in pairs]
        twice = next(v for i, v in enumerate(variables) if any(v is other for other in variables[:i]))
        return ag.StructureError(
            f"{self.owner}.apply_gradients: {name_of(twice)} is there twice; add its gradients up first."
        )

    def _report(self, missing: list[ag.Variable], all_of_them: bool) -> None:
        text = f"{self.owner}: no gradient (None) for {names_of(missing)}. {_reasons(missing)}"
        if all_of_them:
            raise ag.DomainError(text)
        warnings.warn(text + " They are left as they are.", UserWarning, stacklevel=5)


def _reasons(missing: Sequence[ag.Variable]) -> str:
    """Why there is no gradient, where the tape that gave None for it still knows."""
    found = [ag.explain_none(variable) for variable in missing]
    known = [f"{each.sentence}{f' At {each.place}.' if each.place else ''} {each.cure}" for each in found if each]
    if not known:
        return (
            "The loss does not depend on them: were they used inside the tape, and did no value leave it through "
            ".numpy() or float()?"
        )
    more = "" if len(missing) <= SHOWN_REASONS else " For the others: autograd_core.explain(tape, loss, variable)."
    return " ".join(known[:SHOWN_REASONS]) + more


def name_of(variable: Any) -> str:
    """What to call a variable in a message."""
    return repr(variable.name) if getattr(variable, "name", None) else "a Variable without a name"


def names_of(variables: Sequence[ag.Variable]) -> str:
    """What to call several variables in a message."""
    return ", ".join(name_of(variable) for variable in variables) or "no variables"
