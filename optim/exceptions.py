"""Variables that weight decay passes over: by themselves, or by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable

import autograd_core as ag


class Exceptions:
    """Which variables are excepted.

    Parameters
    ----------
    where : str
        Who asks, for messages.
    var_list : iterable of Variable, optional
    var_names : iterable of str, optional
        Regular expressions; one that is found anywhere in a variable's name is enough.

    Raises
    ------
    ConversionError, DomainError
        If one is no Variable, or no regular expression.
    """

    def __init__(
        self, where: str, var_list: Iterable[ag.Variable] | None = None, var_names: Iterable[str] | None = None
    ):
        if isinstance(var_names, str):
            raise ag.ConversionError(f"{where}: var_names is the string {var_names!r}; expected a list of strings.")
        variables, names = list(var_list or ()), list(var_names or ())
        for variable in variables:
            if not isinstance(variable, ag.Variable):
                raise ag.ConversionError(
                    f"{where}: var_list has a {type(variable).__name__} in it; expected Variables. Names go into "
                    "var_names."
                )
        try:
            self._pattern = re.compile("|".join(names)) if names else None
        except (re.error, TypeError) as error:
            raise ag.DomainError(f"{where}: var_names {names!r} is no list of regular expressions: {error}.") from error
        self._variables = set(variables)

    def among(self, variables: Iterable[ag.Variable]) -> set[ag.Variable]:
        """Those of ``variables`` that are excepted."""
        return {variable for variable in variables if variable in self._variables or self._has_name(variable)}

    def _has_name(self, variable: ag.Variable) -> bool:
        return self._pattern is not None and self._pattern.search(variable.name or "") is not None
