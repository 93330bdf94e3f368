"""What gradient descent does, in four pictures.

Tangent lines of 0.01 x^2 + 0.1 x by central differences; the gradient field of x0^2 + x1^2; descent from (-3, 4) with a
learning rate that is too small (1e-10), right (0.1) and too large (10); and a ball with momentum that rolls out of a
local minimum in which plain descent stops.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from demos._shared import BLUE, GREEN, GREY, ORANGE, RED, make_parser, pyplot, run, save


def numerical_diff(f: Any, x: float) -> float:
    """Central difference with h = 1e-4."""
    h = 1e-4
    return (f(x + h) - f(x - h)) / (2 * h)


def curve(x):
    return 0.01 * x**2 + 0.1 * x


def bowl(x):
    """x0^2 + x1^2, for points along the last axis."""
    return (x**2).sum(-1)


def hills(x):
    """A valley on the right, at x = 1.47, and a deeper one on the left, at x = -1.62."""
    return 0.25 * x**4 - 1.2 * x**2 + 0.35 * x


def gradient(f: Any, x: Any) -> Any:
    """Gradient by the tape, as a NumPy array."""
    point = ag.Variable(x)
    with ag.GradientTape() as tape:
        value = f(point)
    return tape.gradient(value, point).numpy()


def descend(f: Any, start: Any, learning_rate: float, steps: int = 100) -> Any:
    """Positions of plain descent, the start first."""
    x = ag.Variable(start)
    path = [x.numpy()]
    for _ in range(steps):
        with ag.GradientTape() as tape:
            value = f(x)
        x.assign_sub(learning_rate * tape.gradient(value, x))
        path.append(x.numpy())
    return np.array(path)


def roll(f: Any, start: float, learning_rate: float, momentum: float, goal: float, most: int = 500) -> Any:
    """Positions of descent with momentum, until the height ``goal`` is reached and the ball is nearly at rest."""
    x, velocity = start, 0.0
    path = [x]
    while (f(x) > goal or abs(velocity) > 1e-3) and len(path) <= most:
        velocity = momentum * velocity - learning_rate * float(gradient(f, x))
        x += velocity
        path.append(x)
    return np.array(path)


def draw_tangents(folder: Any) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7, 4.2))
    x = np.linspace(0, 20, 200)
    axes.plot(x, curve(x), color=BLUE)
    axes.annotate("$0.01x^2 + 0.1x$", (17, curve(17)), (-12, 6), textcoords="offset points", ha="right", color=BLUE)
    print("tangent lines of 0.01 x^2 + 0.1 x:")
    for at, color in ((5.0, ORANGE), (10.0, GREEN)):
        slope, by_tape = numerical_diff(curve, at), float(gradient(curve, at))
        print(f"    at x = {at:<4g} slope {slope:.10f} by central differences, {by_tape:.10f} by the tape")
        axes.plot(
            x, curve(at) + slope * (x - at), color=color, linestyle="--", label=f"tangent at {at:g}: slope {slope:.1f}"
        )
        axes.plot(at, curve(at), "o", color=color)
    axes.set(title="A derivative is the slope of the tangent line", xlabel="x", xlim=(0, 20), ylim=(-1, 6))
    axes.legend(loc="upper left")
    save(figure, folder, "gradient_descent_tangents.png")


def draw_field(folder: Any) -> None:
    plt = pyplot()
    print("gradient of x0^2 + x1^2:")
    for point in ((3.0, 4.0), (0.0, 2.0), (3.0, 0.0)):
        found = ag.testing.numerical_gradient(bowl, np.array(point), eps=1e-4)
        by_tape = gradient(bowl, np.array(point))
        print(f"    at {point}: {found.round(6) + 0.0} by central differences, {by_tape} by the tape")
    grid = np.stack(np.meshgrid(np.arange(-2, 2.1, 0.25), np.arange(-2, 2.1, 0.25)), axis=-1)
    arrows = -gradient(bowl, grid)
    figure, axes = plt.subplots(figsize=(6.8, 5.8))
    length = np.linalg.norm(arrows, axis=-1)
    field = axes.quiver(*np.moveaxis(grid, -1, 0), *np.moveaxis(arrows, -1, 0), length, cmap="viridis_r", width=0.004)
    figure.colorbar(field, ax=axes, label="length of the gradient")
    axes.set(title="Minus the gradient points downhill", xlabel="$x_0$", ylabel="$x_1$", aspect="equal")
    save(figure, folder, "gradient_descent_field.png")


def draw_learning_rates(folder: Any) -> None:
    plt = pyplot()
    start = np.array([-3.0, 4.0])
    rates = ((1e-10, ORANGE, "too small: it stays"), (0.1, GREEN, "right"), (10.0, RED, "too large: it blows up"))
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), width_ratios=(1, 1.15))
    side = np.linspace(-4.8, 4.8, 200)
    x, y = np.meshgrid(side, side)
    left.contour(x, y, x**2 + y**2, levels=np.arange(0, 40, 4), colors="#cbd5e1", linewidths=1)
    print("descent on x0^2 + x1^2 from (-3, 4), 100 steps:")
    for rate, color, verdict in rates:
        path = descend(bowl, start, rate)
        distance = np.linalg.norm(path, axis=1)
        print(f"    learning rate {rate:<6g} ends at ({path[-1, 0]:.4g}, {path[-1, 1]:.4g}); {verdict}")
        label = f"learning rate {rate:g}, {verdict}"
        if rate < 1:
            left.plot(*path.T, color=color, marker="o", markersize=5)
        else:
            aside = np.array([0.3, 0.22])  # beside the way of the others, which it would cover
            tip = 4.6 * path[1] / np.linalg.norm(path[1]) + aside
            arrow = {"arrowstyle": "->", "color": color, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
            left.annotate("", tip, start + aside, arrowprops=arrow)
            left.annotate(
                "its first step: to (57, -76)", tip, (-18, -12), textcoords="offset points", color=color, ha="right"
            )
        right.plot(distance, color=color, label=label)
    left.plot(*start, "o", color=GREY, markersize=9)
    left.annotate("start", start, (-10, 8), textcoords="offset points", ha="right", color=GREY)
    left.set(title="Where it goes", xlabel="$x_0$", ylabel="$x_1$", aspect="equal", xlim=(-4.8, 4.8), ylim=(-4.8, 4.8))
    right.set(title="Distance from the minimum", xlabel="step", yscale="log")
    right.legend(loc="upper left")
    save(figure, folder, "gradient_descent_learning_rates.png")


def draw_momentum(folder: Any) -> None:
    plt = pyplot()
    start, rate = 2.6, 0.02
    plain = descend(hills, start, rate, steps=200)
    lowest = min(hills(np.linspace(-3, 3, 6001)))
    ball = roll(hills, start, rate, momentum=0.9, goal=lowest + 1e-4)
    print("out of a local minimum, from x = 2.6 with learning rate 0.02:")
    print(f"    plain descent stops at x = {plain[-1]:.4f}, height {hills(plain[-1]):.4f}")
    end, height = ball[-1], hills(ball[-1])
    print(f"    momentum 0.9 comes to rest at x = {end:.4f}, height {height:.4f}, after {len(ball) - 1} steps")
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(7.5, 7), sharex=True, height_ratios=(1.3, 1))
    x = np.linspace(-2.75, 2.75, 400)
    upper.plot(x, hills(x), color=GREY)
    upper.plot(ball, hills(ball), "o", color=BLUE, markersize=4, alpha=0.55, label="momentum 0.9")
    upper.plot(plain, hills(plain), "o", color=ORANGE, markersize=4, alpha=0.75, label="plain descent")
    upper.plot(start, hills(start), "o", color=GREY, markersize=9)
    upper.annotate("start", (start, hills(start)), (-10, 0), textcoords="offset points", ha="right", color=GREY)
    upper.set(title="Momentum carries the ball over the hill", ylabel="height")
    upper.legend(loc="upper center")
    lower.plot(ball, np.arange(len(ball)), color=BLUE, marker="o", markersize=3)
    lower.plot(plain[: len(ball)], np.arange(len(plain))[: len(ball)], color=ORANGE, marker="o", markersize=3)
    lower.set(xlabel="x", ylabel="step")
    lower.invert_yaxis()
    save(figure, folder, "gradient_descent_momentum.png")


def main() -> None:
    args = make_parser(__doc__).parse_args()
    pyplot()
    for draw in (draw_tangents, draw_field, draw_learning_rates, draw_momentum):
        draw(args.output)


if __name__ == "__main__":
    run(main)
