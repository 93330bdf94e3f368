"""L-BFGS: Newton-like steps from the last few changes of the gradient, for losses that are not sampled."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

import numpy as np

import autograd_core as ag

from . import state
from .checks import check_count, check_interval
from .config import unknown
from .gradients import Pairs, names_of
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, Rate


class LBFGS(Optimizer):
    r"""Limited-memory BFGS: :math:`x \leftarrow x - t H \nabla f(x)`, H from the last changes of x and of the gradient.

    Each call of ``minimize`` makes up to ``max_iter`` steps, and evaluates the loss as often as it needs. The loss must
    be the same function each time: all of the data, no dropout.

    Parameters
    ----------
    learning_rate : float or schedule
        The step length t that is tried first; without a line search the one that is used. 1 is that of Newton.
    max_iter : int
        Steps of one call of ``minimize``, at most.
    history_size : int
        How many changes are remembered.
    tolerance_grad : float
        Stop once no entry of the gradient is larger than this.
    tolerance_change : float
        Stop once a step changes no variable, or not the loss, by more than this.
    line_search : {"strong_wolfe"} or None
        How t is found; None: every step has length ``learning_rate``.
    name : str, optional
    lr : float, optional
        Old spelling of ``learning_rate``.

    Notes
    -----
    All variables are treated as one vector, in double precision whatever their dtype. The first step of all, when
    nothing is remembered, goes along the gradient, no further than a sum of 1.

    References
    ----------
    Nocedal & Wright (2006), "Numerical optimization", algorithms 7.4 and 7.5. Liu & Nocedal (1989), "On the limited
    memory BFGS method for large scale optimization".

    Examples
    --------
    >>> import autograd_core as ag
    >>> x, y = ag.Variable(-1.2), ag.Variable(1.0)
    >>> optimizer = LBFGS(max_iter=100)
    >>> before = optimizer.minimize(lambda: (1 - x) ** 2 + 100 * (y - x**2) ** 2)
    >>> round(x.item(), 6), round(y.item(), 6)
    (1.0, 1.0)
    """

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        max_iter: int = 20,
        history_size: int = 10,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        line_search: str | None = "strong_wolfe",
        name: str | None = None,
        *,
        lr: float | None = None,
    ):
        super().__init__(learning_rate, name=name, lr=lr)
        self.max_iter = _at_least_one("max_iter", max_iter)
        self.history_size = _at_least_one("history_size", history_size)
        self.tolerance_grad = check_interval("LBFGS", "tolerance_grad", tolerance_grad, 0.0)
        self.tolerance_change = check_interval("LBFGS", "tolerance_change", tolerance_change, 0.0)
        if line_search not in ("strong_wolfe", None):
            raise ag.DomainError(unknown("LBFGS: no line search is called", line_search, ["strong_wolfe", "None"]))
        self.line_search = line_search
        self._moves: list[Any] = []  # of x, oldest first,
        self._turns: list[Any] = []  # and of the gradient

    def _make_state(self) -> None:
        """Nothing to make: the history begins empty."""
        if self._constrained:
            raise ag.UnsupportedError(
                f"LBFGS: {names_of([self._targets.variables[i] for i, _ in self._constrained])} must keep to a "
                "constraint, which L-BFGS does not know. Remove the constraint, or use another optimizer."
            )

    def apply_gradients(self, grads_and_vars: Pairs) -> NoReturn:
        """Not possible: one gradient is not enough for a step of L-BFGS. Raises UnsupportedError."""
        raise ag.UnsupportedError(
            "LBFGS.apply_gradients: L-BFGS evaluates the loss several times in one step, so it needs the function, not "
            "a gradient. Call minimize(loss_fn, variables), where loss_fn() computes the loss of all the data; for "
            "training in batches (fit) use another optimizer, such as Adam."
        )

    def minimize(
        self,
        loss: ag.Tensor | Callable[[], ag.Tensor],
        var_list: Collection[ag.Variable] | None = None,
        tape: ag.GradientTape | None = None,
    ) -> ag.Tensor:
        """Make up to ``max_iter`` steps.

        Parameters
        ----------
        loss : callable without arguments
            Computes the loss, a real number, from the present values of the variables.
        var_list : sequence of Variable, optional
            What to change; if None: what this optimizer was built for, or else every trainable Variable that ``loss``
            reads.
        tape : None
            A tape of one's own is of no use here.

        Returns
        -------
        Tensor
            The loss before the first of the steps.

        Raises
        ------
        DomainError
            If the loss or its gradient is NaN or infinite. The variables then have the values they had before; as they
            have if ``loss`` itself raises something.
        TapeError
            For a loss that is no function.
        TraceError
            Inside a function that is traced (``autograd_core.function``).
        """
        if ag.tracing.is_tracing():
            raise ag.TraceError(
                "LBFGS.minimize: inside a function that is traced (autograd_core.function) the loss has no value yet, "
                "by which the line search decides how often to compute it. Call minimize outside, and give it a traced "
                "function: minimize(autograd_core.function(loss_fn), variables)."
            )
        if not callable(loss) or tape is not None:
            raise ag.TapeError(
                "LBFGS.minimize: got a loss that was computed already, or a tape; expected a function without "
                "arguments that computes the loss, since it is evaluated several times: "
                "minimize(lambda: loss_of(model(x), y), variables)."
            )
        self._build_for(loss, var_list)
        descent = _Descent(self._targets.variables, loss)
        start = descent.position()
        history = list(self._moves), list(self._turns)
        calls = self._calls
        try:
            return self._descend(descent, start)
        except BaseException:
            descent.move_to(start)
            (self._moves, self._turns), self._calls = history, calls
            raise

    def _build_for(self, loss: Callable[[], ag.Tensor], var_list: Collection[ag.Variable] | None) -> None:
        if var_list is None and not self.built:
            with ag.GradientTape() as tape:
                loss()
            var_list = tape.watched_variables()
        if var_list is not None:
            self.build(var_list)
        if not self._targets.variables:
            raise ag.DomainError("LBFGS.minimize: there is no variable to change: the loss reads none.")

    def _descend(self, descent: _Descent, x: Any) -> ag.Tensor:
        first, loss, gradient = descent.evaluate()
        if not math.isfinite(loss) or not np.isfinite(gradient).all():
            raise _not_finite(loss, gradient, "at the present values of the variables")
        for _ in range(self.max_iter):
            if np.abs(gradient).max(initial=0.0) <= self.tolerance_grad:
                break
            direction = self._direction(gradient)
            point = self._along(descent, x, direction, Point(0.0, loss, float(gradient @ direction), gradient))
            if point is None:  # no step goes down: as far as rounding lets it
                descent.move_to(x)
                break
            new_x = descent.position()
            move = new_x - x
            self._remember(move, point.gradient - gradient)
            self._calls += 1
            gained, x, loss, gradient = abs(point.loss - loss), new_x, point.loss, point.gradient
            if np.abs(move).max(initial=0.0) <= self.tolerance_change or gained < self.tolerance_change:
                break
        return first

    def _direction(self, gradient: Any) -> Any:
        """-H times the gradient: the two-loop recursion, algorithm 7.4."""
        direction = -gradient
        if not self._moves:
            return direction
        pairs = [(move, turn, 1.0 / float(move @ turn)) for move, turn in zip(self._moves, self._turns, strict=True)]
        shares = []
        for move, turn, inverse in reversed(pairs):
            shares.append(inverse * float(move @ direction))
            direction -= shares[-1] * turn
        move, turn, inverse = pairs[-1]
        direction *= 1.0 / (inverse * float(turn @ turn))  # size of H, equation 7.20
        for (move, turn, inverse), share in zip(pairs, reversed(shares), strict=True):
            direction += (share - inverse * float(turn @ direction)) * move
        if not gradient @ direction < 0.0:  # rounding has eaten it up: start anew
            self._moves, self._turns = [], []
            return -gradient
        return direction

    def _along(self, descent: _Descent, x: Any, direction: Any, start: Point) -> Point | None:
        """Step along a direction; the variables are left where the Point that is returned is."""
        length: float = self.learning_rate
        if not self._moves:
            length *= min(1.0, 1.0 / float(np.abs(start.gradient).sum()))

        def evaluate(at: float) -> Point:
            descent.move_to(x + at * direction)
            _, loss, gradient = descent.evaluate()
            return Point(at, loss, float(gradient @ direction), gradient)

        if self.line_search is None:
            only = evaluate(length)
            if not only.is_finite or not np.isfinite(only.gradient).all():
                raise _not_finite(only.loss, only.gradient, f"after a step of length {length:g}")
            return only
        shortest = self.tolerance_change / max(float(np.abs(direction).max()), 1e-300)
        point = strong_wolfe(evaluate, start, length, descent.resolution, shortest)
        if point is not None and not np.array_equal(descent.at, x + point.length * direction):
            descent.move_to(x + point.length * direction)
        return point

    def _remember(self, move: Any, turn: Any) -> None:
        # Curvature along the move must be positive, and more than rounding, or H would not be a metric any more.
        if float(move @ turn) <= np.finfo(np.float64).eps * float(turn @ turn):
            return
        self._moves = [*self._moves, move][-self.history_size :]
        self._turns = [*self._turns, turn][-self.history_size :]

    # -- state ---------------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        if not self._targets.variables:
            return {}
        shape = len(self._moves), self._width()
        return {
            "history/moves": np.array(self._moves, np.float64).reshape(shape),
            "history/turns": np.array(self._turns, np.float64).reshape(shape),
        }

    def _width(self) -> int:
        return sum(_width(variable) for variable in self._targets.variables)

    def _variable_name(self, name: str) -> str:
        return name

    def _check_names(self, where: str, given: dict[str, Any]) -> None:
        state.check_names(where, given, r"history/(moves|turns)", "'history/moves'")

    def _check_state(self, where: str, given: dict[str, Any]) -> None:
        self._check_names(where, given)
        moves = given.get("history/moves")
        count = len(np.atleast_1d(moves)) if moves is not None else 0
        if count > self.history_size:
            raise ag.ShapeError(
                f"{where}: entry 'history/moves' has {count} rows; expected at most history_size={self.history_size}."
            )
        shape = np.empty((count, self._width()))
        state.check_like(
            where, given, {"history/moves": shape, "history/turns": shape},
            lambda name: f" (for {names_of(self._targets.variables)})",
        )  # fmt: skip

    def _put_state(self, arrays: dict[str, Any]) -> None:
        self._moves = list(np.array(arrays["history/moves"], np.float64))
        self._turns = list(np.array(arrays["history/turns"], np.float64))

    def _nested(self, arrays: dict[str, Any]) -> Any:
        return arrays

    def _flattened(self, where: str, nested: Any) -> dict[str, Any]:
        if not isinstance(nested, dict):
            raise ag.ConversionError(f"{where}: 'state' is {type(nested).__name__}; expected a dict of arrays.")
        return nested


class _Descent:
    """The variables as one vector of doubles, and the loss as a function of it."""

    def __init__(self, variables: Sequence[ag.Variable], loss: Callable[[], ag.Tensor]):
        self.variables, self.loss = variables, loss
        self.at: Any = None  # what move_to was given last
        # Losses that differ by less than a few units in the last place of the coarsest variable are the same.
        self.resolution = 4.0 * max(float(np.finfo(variable.dtype).eps) for variable in variables)

    def position(self) -> Any:
        """Present values, side by side; a complex one gives two numbers."""
        return np.concatenate([_as_doubles(variable.array, variable.dtype) for variable in self.variables])

    def move_to(self, x: Any) -> None:
        """Assign new values, rounded to each variable's dtype."""
        self.at, start = x, 0
        for variable in self.variables:
            stop = start + _width(variable)
            part = x[start:stop].view(np.complex128) if variable.dtype.kind == "c" else x[start:stop]
            variable.assign(ag.Tensor(part.astype(variable.dtype).reshape(variable.shape)))
            start = stop

    def evaluate(self) -> tuple[ag.Tensor, float, Any]:
        """Loss at the present values, as a Tensor and as a number, and its gradient."""
        with ag.GradientTape(watch_accessed_variables=False) as tape:
            for variable in self.variables:
                tape.watch(variable)
            value = self.loss()
        if not isinstance(value, (ag.Tensor, ag.Variable)) or value.shape != () or value.dtype.kind != "f":
            raise ag.ShapeError(
                f"LBFGS.minimize: the loss is {value!r}; expected a Tensor of shape () with a real floating dtype. "
                "Take the mean or the sum of a vector of losses."
            )
        gradients = tape.gradient(value, list(self.variables))
        if all(gradient is None for gradient in gradients):
            raise ag.DomainError(
                f"LBFGS.minimize: no gradient (None) for {names_of(self.variables)}. The loss does not depend on them: "
                "did no value leave the function through .numpy() or float()?"
            )
        parts = [
            np.zeros(_width(variable)) if gradient is None else _as_doubles(gradient.array, variable.dtype)
            for variable, gradient in zip(self.variables, gradients, strict=True)
        ]
        return value, float(value.numpy()), np.concatenate(parts)


def _as_doubles(array: Any, dtype: Any) -> Any:
    wide = np.complex128 if dtype.kind == "c" else np.float64
    return np.ascontiguousarray(array, wide).reshape(-1).view(np.float64)


def _width(variable: ag.Variable) -> int:
    return variable.size * (2 if variable.dtype.kind == "c" else 1)


def _at_least_one(name: str, value: Any) -> int:
    count = check_count("LBFGS", name, value, 1)
    if count is None:
        raise ag.DomainError(f"LBFGS: {name} is None; expected a whole number, at least 1.")
    return count


def _not_finite(loss: float, gradient: Any, where: str) -> ag.DomainError:
    what = f"the loss is {loss}" if not math.isfinite(loss) else "the gradient has a NaN or an infinity in it"
    return ag.DomainError(
        f"LBFGS.minimize: {what} {where}. The variables have their earlier values. Look for a division by 0 or a log "
        "of 0 in the loss (ag.detect_anomaly() finds it); without a line search, try a smaller learning_rate."
    )
