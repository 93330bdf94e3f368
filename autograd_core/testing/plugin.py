"""What stands behind the fixture ``check_grads`` of the pytest plugin: the checks of a test, what a failing one leaves.

The plugin itself is the module ``pytest_autograd_core``, which pytest loads in every run and which therefore imports
nothing of this package before a test asks for the fixture.
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..errors import ConversionError, CotangentError, GradientCheckError, MissingExtraError
from ..probing import probing
from ..tensor import Overloaded, as_value
from ..tree import map_leaves
from .blaming.blame import Blame, blame
from .blaming.scripts import Script, write_script
from .checking.check import check_grads
from .checking.verdicts import CANNOT_TELL, FROM_BEST, SMOOTH, UncertainGradientWarning
from .foreign import Foreign, foreign

ORDER = 2
EXAMPLES = 25
_FOREIGN = ("gradient", "vjp", "argnums", "convert")
SECONDS_OF_SCRIPTS = 60.0
"""In one run of pytest, so long scripts are run to see whether they fail as their tests did."""

_seconds_of_scripts = 0.0
_WRONG = (GradientCheckError, CotangentError)


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """One check that failed: what is needed to look into it once the test is over."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]
    error: Exception
    foreign: Foreign | None = None


class Checker:
    """The checks of one test.

    Attributes
    ----------
    counts : dict of str to int
        How many checks came out how: by the worst verdict of each, or "error".
    has_passed : bool
        Whether the test is over, and has passed.
    """

    def __init__(self, options: dict[str, Any]):
        self.options = options
        self.counts: dict[str, int] = {}
        self.has_passed = False
        self._failed: list[Case] = []

    def __call__(
        self, f: Callable[..., Any], args: Any = None, *more: Any, grad: Any = None, vjp: Any = None, **options: Any
    ) -> Any:
        """Check gradients of ``f`` at ``args``; see the documentation of the plugin.

        Parameters
        ----------
        f : callable
        args : tuple or list
            Positional arguments; a single one may be given bare. Hypothesis strategies among them are drawn from.
        grad, vjp : callable, optional
            The gradient to be checked, where it comes from elsewhere: as for ``check_foreign``, with ``argnums=`` and
            ``convert=``. By default it is the engine's own.
        **options
            ``order``, ``modes``, ``rtol``, ``atol``, ``dtype`` (to convert floating arguments to), ``examples`` (how
            many are drawn from strategies); by default those of the marker.

        Returns
        -------
        GradientReport
            Of strategies the worst.
        """
        __tracebackhide__ = True
        given = {**self.options, **options}
        examples, dtype = given.pop("examples", None), given.pop("dtype", None)
        args = _arguments(f, args, more)
        if grad is not None or vjp is not None:
            given.update(gradient=grad, vjp=vjp)

        def once(drawn: tuple[Any, ...]) -> Any:
            return self._once(f, tuple(_cast(arg, dtype) for arg in drawn), given)

        try:
            if any(_is_strategy(arg) for arg in args):
                report = _drawn(once, args, EXAMPLES if examples is None else examples)
            else:
                report = once(args)
        except _WRONG as error:
            self._count("wrong")
            raise error.with_traceback(None)  # noqa: B904  # what lies below is this package's own
        except Exception:
            self._count("error")
            raise
        self._count(getattr(report, "verdict", SMOOTH))
        return report

    def __repr__(self) -> str:
        return "<the fixture check_grads>"

    def _count(self, outcome: str) -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + 1

    def _once(self, f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        other = {key: options[key] for key in _FOREIGN if options.get(key) is not None}
        own = {key: value for key, value in options.items() if key not in _FOREIGN}
        elsewhere = None
        if "gradient" in other or "vjp" in other:
            elsewhere = foreign(f, args, **{key: other.get(key) for key in _FOREIGN})
            own.update(order=1, modes=("rev",))
        function, points = (f, args) if elsewhere is None else (elsewhere.of(args), elsewhere.points(args))
        try:
            with probing(False):  # the check finds what a probe would, and says more
                return check_grads(function, points, **{"order": ORDER, **own})
        except _WRONG as error:
            self._failed.append(Case(f, args, {**own, **other}, error, elsewhere))
            raise

    def has_raised(self, error: BaseException | None) -> bool:
        """Whether a test that ended in ``error`` did so for a gradient."""
        return self._case_of(error) is not None

    def _case_of(self, error: BaseException | None) -> Case | None:
        met: list[BaseException] = []
        while error is not None and error not in met:
            met.append(error)
            for case in reversed(self._failed):
                if case.error is error:
                    return case
            error = error.__cause__ or error.__context__
        return None

    # -- what a failure leaves ---------------------------------------------------------------------------------------

    def leave(self, error: BaseException, folder: Path, shown: str, test: str) -> str:
        """Write picture, script and report of a failure into ``folder``; text for the test's report."""
        case = self._case_of(error) or self._failed[-1]
        report: Any = getattr(case.error, "report", None)
        lines = [case.error.args[0]] if report is None else str(report).splitlines()[: 2 + len(report.verdicts)]
        lines.append("")
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of what is done here nothing shall be another fault of the test
            blamed, trouble = _blamed(case)
            lines += [str(blamed), ""] if blamed else []
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
                lines += _left(case, blamed, trouble, folder, test)
            except OSError as problem:
                lines.append(
                    f"Its files could not be written: {type(problem).__name__}: {problem}. Give a folder that can be "
                    "written to: pytest --gradients-dir=FOLDER"
                )
            except Exception as problem:  # whatever goes wrong here must not hide the failure itself
                lines.append(f"Its files could not be written: {type(problem).__name__}: {problem}")
            else:
                whole = [test, "", *lines, "", *map(str, case.error.args[:1]), "", *str(report or "").splitlines()]
                (folder / "report.txt").write_text("\n".join(whole).rstrip() + "\n", encoding="utf-8")
                lines.append(f"all of this:      {shown}/report.txt")
        return "\n".join(lines).replace(str(folder), shown).replace(f"{Path.cwd()}{os.sep}", "")


def _left(case: Case, blamed: Blame | None, trouble: str, folder: Path, test: str) -> list[str]:
    global _seconds_of_scripts
    lines = [f"wrong graph:      {_picture(blamed, folder) if blamed else f'none ({trouble})'}"]
    started, path = perf_counter(), folder / "reproduce.py"
    verify = _seconds_of_scripts < SECONDS_OF_SCRIPTS
    remarks = [f"Test: {test}"]
    script = write_script(path, case.f, case.args, case.error, _own(case), blamed, remarks, case.foreign, verify)
    _seconds_of_scripts += perf_counter() - started
    return [*lines, f"to run by itself: {_told(script, verify)}"]


def _own(case: Case) -> dict[str, Any]:
    """Options of a check, without those that say where the gradient comes from."""
    return {key: value for key, value in case.options.items() if key not in _FOREIGN}


def _blamed(case: Case) -> tuple[Blame | None, str]:
    """Who is to blame; None, and why it is not known."""
    try:
        function, args = case.f, case.args
        if case.foreign is not None:
            function, args = case.foreign.of(case.args), case.foreign.points(case.args)
        return blame(function, args, **{"order": ORDER, **_own(case)}), ""
    except Exception as problem:  # a function that cannot be run once more: the script says how
        return None, f"{type(problem).__name__}: {problem}"


def _picture(blamed: Blame, folder: Path) -> str:
    try:
        return str(blamed.render(folder / "graph.svg"))
    except MissingExtraError as missing:
        return f"{folder / 'graph.dot'} (its source only: {missing})"
    except OSError:
        raise
    except Exception as problem:
        return f"none ({type(problem).__name__}: {problem})"


def _told(script: Script, verified: bool) -> str:
    if not verified:
        return f"{script.path} (not tried: many tests have failed)"
    does = "" if script.reproduces else f" (does not reproduce the failure: {script.reason})"
    return f"{script.path}{does}"


# -- arguments ---------------------------------------------------------------------------------------------------------


def _arguments(f: Any, args: Any, more: tuple[Any, ...]) -> tuple[Any, ...]:
    __tracebackhide__ = True
    if more:
        raise ConversionError(
            f"check_grads: got {1 + len(more)} arguments after the function; expected all of them in one tuple, "
            "check_grads(f, (x, y)), and options by name, check_grads(f, x, order=1)."
        )
    if not callable(f):
        raise ConversionError(
            f"check_grads: the first argument is a {type(f).__name__}; expected a function and its arguments, "
            "check_grads(f, (x, y))."
        )
    if args is None:
        needed = _needed(f)
        if needed:
            raise ConversionError(
                f"check_grads: {getattr(f, '__name__', 'the function')} takes {', '.join(needed)}; give the arguments "
                "to check it at, check_grads(f, (x, y)), as arrays or as hypothesis strategies."
            )
        return ()
    return tuple(args) if isinstance(args, (tuple, list)) else (args,)


def _needed(f: Any) -> list[str]:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.name for each in parameters if each.default is each.empty and each.kind not in (2, 4)]


def _cast(arg: Any, dtype: Any) -> Any:
    """An argument in another dtype, where it is floating."""
    if dtype is None:
        return arg

    def cast(leaf: Any) -> Any:
        if (
            isinstance(leaf, (Overloaded, np.ndarray, np.generic, float))
            and np.asarray(as_value(leaf)).dtype.kind == "f"
        ):
            return np.asarray(as_value(leaf)).astype(dtype)
        return leaf

    return map_leaves(cast, arg)


def _is_strategy(arg: Any) -> bool:
    module = sys.modules.get("hypothesis.strategies")
    return module is not None and isinstance(arg, module.SearchStrategy)


def _drawn(once: Callable[[tuple[Any, ...]], Any], args: Sequence[Any], examples: int) -> Any:
    """Check at arguments drawn from strategies, the same in every run; what fails is made as small as it can be."""
    __tracebackhide__ = True
    import hypothesis
    from hypothesis import strategies as st

    reports: list[Any] = []
    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=(hypothesis.HealthCheck.too_slow,),
    )

    @settings
    @hypothesis.given(st.tuples(*(arg if _is_strategy(arg) else st.just(arg) for arg in args)))
    def gradients(arguments: tuple[Any, ...]) -> None:
        with warnings.catch_warnings():  # one point at which nothing can be told is no matter among many
            warnings.simplefilter("ignore", UncertainGradientWarning)
            reports.append(once(arguments))

    gradients()
    return _worst(reports)


def _worst(reports: Sequence[Any]) -> Any:
    """The worst report of those that could tell; a warning if none could."""
    told = [report for report in reports if report.verdict != CANNOT_TELL]
    if not told and reports:
        warnings.warn(f"at none of {len(reports)} points: {reports[0]}", UncertainGradientWarning, stacklevel=4)
    return max(told or reports, key=lambda report: FROM_BEST.index(report.verdict), default=None)
