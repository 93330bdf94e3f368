"""L-BFGS against known minima and SciPy; resumed, and misused."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import optim
from optim import line_search, schedules


def rosenbrock(x):
    a, b = x[0::2], x[1::2]
    return ((1 - a) ** 2 + 100 * (b - a * a) ** 2).sum()


def start(n, dtype="float64"):
    return ag.Variable(np.tile([-1.2, 1.0], n // 2).astype(dtype), name="x")


def quadratic(n, condition, seed=0):
    """Loss, minimum and Hessian of a quadratic with axes in no special direction."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(n, n)))
    hessian = axes @ np.diag(np.geomspace(1.0, condition, n)) @ axes.T
    minimum = random.normal(size=n)
    return (lambda x: 0.5 * ((x - minimum) @ (hessian @ (x - minimum)))), minimum, hessian


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("float32", 1e-4)])
@pytest.mark.parametrize("n", [2, 10, 100])
def test_rosenbrock(n, dtype, tolerance):
    x = start(n, dtype)
    first = rosenbrock(x).item()
    optimizer, evaluations = optim.LBFGS(max_iter=200), []
    before = optimizer.minimize(lambda: evaluations.append(1) or rosenbrock(x))
    assert before.item() == first
    assert x.dtype == dtype
    np.testing.assert_allclose(x.numpy(), np.ones(n), atol=tolerance)
    assert optimizer.iterations < 60
    assert len(evaluations) < 80


def test_to_the_last_digits():
    """Without tolerances only rounding stops it; and it does stop."""
    x = start(10)
    optimizer = optim.LBFGS(max_iter=10_000, tolerance_grad=0.0, tolerance_change=0.0)
    optimizer.minimize(lambda: rosenbrock(x))
    np.testing.assert_allclose(x.numpy(), np.ones(10), atol=1e-13)
    assert optimizer.iterations < 100


@pytest.mark.parametrize(("n", "condition"), [(1, 1.0), (5, 10.0), (8, 100.0), (20, 1e6)])
def test_a_quadratic_takes_as_many_steps_as_it_has_axes(n, condition, monkeypatch):
    """With exact line searches the directions are conjugate (Nocedal & Wright, theorem 6.4)."""
    monkeypatch.setattr(line_search, "FLATTER", 1e-6)
    loss, minimum, _ = quadratic(n, condition)
    x = ag.Variable(np.zeros(n))
    optimizer = optim.LBFGS(max_iter=10 * n, history_size=n, tolerance_grad=1e-8 * condition, tolerance_change=0.0)
    optimizer.minimize(lambda: loss(x), [x])
    assert optimizer.iterations <= n + 2
    np.testing.assert_allclose(x.numpy(), minimum, atol=1e-7)


def test_an_ill_conditioned_quadratic():
    """Curvatures from 1 to 1e8."""
    loss, minimum, _ = quadratic(30, 1e8)
    x = ag.Variable(np.zeros(30))
    optim.LBFGS(max_iter=20_000, history_size=30, tolerance_grad=1e-5, tolerance_change=0.0).minimize(lambda: loss(x))
    np.testing.assert_allclose(x.numpy(), minimum, atol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 2e-4)])
def test_logistic_regression_as_scipy_solves_it(dtype, tolerance):
    minimize = pytest.importorskip("scipy.optimize").minimize
    random = np.random.default_rng(0)
    points = random.normal(size=(200, 5)).astype(dtype)
    labels = (points @ random.normal(size=5) + random.normal(size=200) > 0.3).astype(dtype)
    signs = 2 * labels - 1
    w, b = ag.Variable(np.zeros((5, 1), dtype)), ag.Variable(np.zeros((), dtype))

    def loss():
        margin = signs * ((points @ w)[:, 0] + b)
        return anp.logaddexp(np.zeros((), dtype), -margin).mean() + 0.005 * (w * w).sum()

    def of_scipy(p):
        margin = signs.astype(float) * (points.astype(float) @ p[:5] + p[5])
        slope = -signs * np.exp(-np.logaddexp(0, margin)) / 200
        value = np.logaddexp(0, -margin).mean() + 0.005 * (p[:5] ** 2).sum()
        return value, np.append(points.T.astype(float) @ slope + 0.01 * p[:5], slope.sum())

    reference = minimize(of_scipy, np.zeros(6), jac=True, method="L-BFGS-B", options={"gtol": 1e-10, "ftol": 0.0})
    optimizer = optim.LBFGS(max_iter=100, tolerance_change=0.0)
    optimizer.minimize(loss)
    np.testing.assert_allclose(np.append(w.numpy(), b.numpy()), reference.x, atol=tolerance)
    assert (w.dtype, b.dtype) == (dtype, dtype)
    assert optimizer.iterations < 30


def test_variables_of_several_kinds():
    """Complex, float32, of size 0, and one that the loss does not read."""
    z, w, empty, unused = ag.Variable(1j), ag.Variable(np.float32(5.0)), ag.Variable(np.zeros(0)), ag.Variable(7.0)
    optimizer = optim.LBFGS(max_iter=50)
    optimizer.minimize(
        lambda: abs(z - (3 - 1j)) ** 2 + (w - 2.0) ** 2 * 5.0 + (empty * 2.0).sum(), [z, w, empty, unused]
    )
    assert abs(z.item() - (3 - 1j)) < 1e-6
    assert abs(w.item() - 2.0) < 1e-6
    assert (w.dtype, unused.item()) == ("float32", 7.0)
    assert optimizer.state_arrays()["history/moves"].shape[1] == 4


@pytest.mark.parametrize("rate", [0.5, schedules.ExponentialDecay(0.5, 10, 0.99)])
def test_without_a_line_search(rate):
    loss, minimum, _ = quadratic(4, 10.0)
    x = ag.Variable(np.zeros(4))
    optimizer = optim.LBFGS(rate, max_iter=200, line_search=None, tolerance_change=0.0)
    optimizer.minimize(lambda: loss(x))
    np.testing.assert_allclose(x.numpy(), minimum, atol=1e-6)


def test_at_the_minimum_nothing_happens():
    x = ag.Variable(np.zeros(3))
    optimizer = optim.LBFGS()
    optimizer.minimize(lambda: (x * x).sum())
    assert (optimizer.iterations, x.numpy().tolist()) == (0, [0.0] * 3)


def test_a_wall_is_not_run_into():
    """Where the loss is no number the step is made shorter: the minimum of x - log x is beside a wall at 0."""
    x = ag.Variable(0.01)
    with np.errstate(invalid="ignore", divide="ignore"):
        optim.LBFGS(50.0, max_iter=100).minimize(lambda: x - anp.log(x))
    assert abs(x.item() - 1.0) < 1e-5
    y = ag.Variable(4.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        optim.LBFGS(100.0, max_iter=100).minimize(lambda: y - anp.log(y))
    assert abs(y.item() - 1.0) < 1e-5


@pytest.mark.parametrize("how", ["dict", "arrays", "arrays after build"])
@pytest.mark.parametrize("stop", [1, 2, 5, 9])
def test_stopped_anywhere_a_run_goes_on_bit_for_bit(stop, how):
    def make():
        return optim.LBFGS(max_iter=2, history_size=3)

    def run(stop_at):
        x, optimizer = start(4, "float32"), make()
        for call in range(12):
            if call == stop_at:
                saved = optimizer.state_dict() if how == "dict" else optimizer.state_arrays()
                optimizer = make()
                if how == "arrays after build":
                    optimizer.build([x])
                (optimizer.load_state_dict if how == "dict" else optimizer.load_state_arrays)(saved)
            optimizer.minimize(lambda: rosenbrock(x), [x])
        return x.numpy().tobytes(), {name: array.tobytes() for name, array in optimizer.state_arrays().items()}

    assert run(None) == run(stop)


def nan_after(calls, x):
    """The loss of x, which is NaN from some call on."""
    made = []

    def loss():
        made.append(1)
        return rosenbrock(x) * (float("nan") if len(made) > calls else 1.0)

    return loss


@pytest.mark.parametrize("line", ["strong_wolfe", None])
def test_a_loss_that_is_nan_changes_nothing(line):
    x = start(2)
    optimizer = optim.LBFGS(1e-3 if line is None else 1.0, line_search=line, max_iter=5)
    optimizer.minimize(lambda: rosenbrock(x))
    before, state = x.numpy(), optimizer.state_arrays()
    with pytest.raises(ag.DomainError, match=r"the loss is nan at the present values .* earlier values"):
        optimizer.minimize(nan_after(0, x))
    if line is None:
        with pytest.raises(ag.DomainError, match=r"the loss is nan after a step of length 0\.001"):
            optimizer.minimize(nan_after(3, x))
    assert x.numpy().tolist() == before.tolist()
    assert all(array.tolist() == state[name].tolist() for name, array in optimizer.state_arrays().items())


def test_a_loss_that_becomes_nan_leaves_the_best_values():
    """The line search takes it for a wall, and ends at the lowest point before it."""
    x = start(2)
    first = rosenbrock(x).item()
    optim.LBFGS().minimize(nan_after(6, x))
    assert np.isfinite(x.numpy()).all()
    assert rosenbrock(x).item() < first


def test_a_loss_that_raises_changes_nothing():
    x = start(2)
    made = []

    def loss():
        made.append(1)
        if len(made) > 4:
            raise KeyboardInterrupt
        return rosenbrock(x)

    with pytest.raises(KeyboardInterrupt):
        optim.LBFGS().minimize(loss, [x])
    assert x.numpy().tolist() == [-1.2, 1.0]


def test_an_infinite_gradient_is_named():
    x = ag.Variable(0.0)
    with np.errstate(divide="ignore"), pytest.raises(ag.DomainError, match="the gradient has a NaN or an infinity"):
        optim.LBFGS().minimize(lambda: anp.sqrt(x))


@pytest.mark.parametrize(
    ("use", "error", "says"),
    [
        (lambda o, x: o.apply_gradients([(1.0, x)]), ag.UnsupportedError, r"several times .* minimize\(loss_fn"),
        (lambda o, x: o.apply([1.0], [x]), ag.UnsupportedError, "needs the function"),
        (lambda o, x: o.minimize(rosenbrock(x), [x]), ag.TapeError, "got a loss that was computed already"),
        (lambda o, x: o.minimize(lambda: x.value, [x]), ag.ShapeError, r"expected a Tensor of shape \(\)"),
        (lambda o, x: o.minimize(lambda: 3.0, [x]), ag.ShapeError, "the loss is 3.0"),
        (lambda o, x: o.minimize(lambda: ag.Tensor(3.0)), ag.DomainError, "no variable to change"),
        (lambda o, x: o.minimize(lambda: ag.Tensor(3.0), [x]), ag.DomainError, "no gradient .None. for 'x'"),
        (lambda o, x: o.minimize(lambda: x.sum(), [3.0]), ag.ConversionError, "got a float to update"),
        (lambda o, x: o.minimize(lambda: x.sum(), [ag.Variable(1)]), ag.DtypeError, "int64"),
    ],
)
def test_misuse_is_named(use, error, says):
    x = start(2)
    with pytest.raises(error, match=says):
        use(optim.LBFGS(), x)
    assert x.numpy().tolist() == [-1.2, 1.0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"history_size": None}, "history_size is None"),
        ({"history_size": 2.5}, "history_size is 2.5"),
        ({"tolerance_grad": float("nan")}, "tolerance_grad is nan"),
        ({"tolerance_change": -1e-9}, "tolerance_change is -1e-09"),
        ({"line_search": "strong_wolf"}, "'strong_wolf'; did you mean 'strong_wolfe'"),
    ],
)
def test_bad_options_are_named(options, says):
    with pytest.raises(ag.DomainError, match=f"LBFGS: .*{says}"):
        optim.LBFGS(**options)


def test_constraints_are_refused():
    x = ag.Variable([1.0], name="x", constraint=lambda value: value)
    with pytest.raises(ag.UnsupportedError, match="'x' must keep to a constraint"):
        optim.LBFGS().minimize(lambda: x.sum(), [x])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"history/moves": np.zeros((1, 3))}, ag.ShapeError, r"'history/moves' .* shape \(1, 3\); expected \(1, 2\)"),
        ({"history/turns": np.zeros((9, 2))}, ag.ShapeError, r"'history/turns' .* shape \(9, 2\)"),
        ({"history/moves": np.zeros((99, 2))}, ag.ShapeError, "99 rows; expected at most history_size=10"),
        ({"0/momentum": np.zeros(2)}, ag.StructureError, "'0/momentum' is not known; expected names like 'history"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, says):
    x = start(2)
    optimizer = optim.LBFGS(max_iter=3)
    optimizer.minimize(lambda: rosenbrock(x))
    before = optimizer.state_arrays()
    with pytest.raises(error, match=says):
        optimizer.load_state_arrays({**before, **change})
    assert all(array.tobytes() == before[name].tobytes() for name, array in optimizer.state_arrays().items())
