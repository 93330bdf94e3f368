"""Graphs whose pages the tests look at, and what a test does on a page."""

import json

import numpy as np

import autograd_core as ag

from .helpers import chain_rule

HOSTILE = [
    "</script><script>document.title='taken over'</script>",
    "a \"quoted\" 'name' \\ with \\n backslashes",
    "two\nlines\tand a tab",
    "🎉 émoji 漢字 مرحبا",
    "x" * 10_000,
    "<img src=x onerror=\"document.title='taken over'\">",
    "\u202egnp.exe\u2028\u2029\x00",
    "&lt;b&gt;bold&lt;/b&gt; <!-- %%DATA%% ]]>",
    "half a pair \ud800",
    "${document.title='taken over'}`",
    "__proto__",
]


def chain_graph():
    program = chain_rule()
    return ag.graph(program.loss, names=program.names).condense()


def diamond():
    """y = x * x + 5 * x at x = 3: three edges meet at x."""
    x = ag.Variable(3.0, name="x")
    with ag.GradientTape():
        square = x * x
        five = 5.0 * x
        y = square + five
    return ag.graph(y, names={"square": square, "five": five, "y": y})


def layers(count=3):
    """Dense layers by hand, each in a scope."""
    rng = np.random.default_rng(0)
    h = ag.constant(rng.normal(size=(4, 3)))
    with ag.GradientTape():
        for number in range(count):
            w = ag.Variable(rng.normal(size=(3, 3)), name=f"w{number}")
            b = ag.Variable(np.zeros(3), name=f"b{number}")
            with ag.name_scope(f"dense_{number}"):
                h = np.tanh(h @ w + b)
        loss = (h * h).sum()
    return ag.graph(loss, names={"loss": loss}, gradients=True)


def recurrent(steps=28):
    rng = np.random.default_rng(0)
    w, u = (ag.Variable(rng.normal(size=(4, 4)) / 2, name=name) for name in "wu")
    h = ag.constant(np.zeros((2, 4)))
    with ag.GradientTape(), ag.name_scope("cell"):
        for _ in range(steps):
            h = np.tanh(ag.constant(rng.normal(size=(2, 4))) @ w + h @ u)
        loss = (h * h).sum()
    return ag.graph(loss, names={"loss": loss})


def hostile():
    variables = [ag.Variable(number + 1.0, name=name) for number, name in enumerate(HOSTILE)]
    with ag.GradientTape():
        y = 1.0
        for variable in variables:
            with ag.name_scope(variable.name):
                y = y * variable + 1.0
    return ag.graph(y, names={"</title><h1>": y})


def large(count=2200):
    """A program without scopes, whose pattern does not repeat: about 5,000 nodes."""
    rng = np.random.default_rng(0)
    values = [ag.Variable(0.5, name="x")]
    pieces = [
        lambda a, b: np.tanh(a + b),
        lambda a, b: np.sin(a) * np.cos(b),
        lambda a, b: a * 0.5,
        lambda a, b: np.sin(b - a),
    ]
    with ag.GradientTape():
        while len(values) < count:
            earlier = values[rng.integers(max(0, len(values) - 40), len(values))]
            values.append(pieces[rng.integers(4)](earlier, values[-1]))
        loss = values[0]
        for value in values[1:]:
            loss = loss + value
    return ag.graph(loss, names={"loss": loss})


def steps(page, button, count):
    """What ``count`` clicks on a button say: kind, local derivative, lines."""
    found = []
    for _ in range(count):
        page.click(button)
        found.append(
            (
                *page.js("(({kind, local}) => [kind, local])(document.querySelector('#now').dataset)"),
                page.texts("#now p"),
            )
        )
    return found


def id_of(page, title):
    found = f"box.querySelector('.title').textContent === {json.dumps(title)}"
    return page.js(f"[...document.querySelectorAll('.box')].find((box) => {found}).id")


def choose(page, *titles):
    page.press("0")  # all of it on the screen
    for title in titles:
        page.click(f"#{id_of(page, title)}")
