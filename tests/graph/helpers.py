"""Programs whose graphs the tests look at."""

from dataclasses import dataclass, field

import autograd_core as ag


@dataclass
class Program:
    """Values of a small program, by name, and the tape it ran under."""

    tape: ag.GradientTape
    names: dict
    loss: ag.Tensor = field(init=False)

    def __post_init__(self):
        self.loss = self.names["loss"]

    def __getattr__(self, name):
        return self.names[name]


def chain_rule() -> Program:
    """loss = abs(y_true - (x * w + b)) at x=2, w=3, b=1, y_true=4."""
    x, y_true = ag.constant(2.0), ag.constant(4.0)
    w, b = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="b")
    with ag.GradientTape(persistent=True) as tape:
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    return Program(tape, {"x": x, "y_true": y_true, "w": w, "b": b, "x1": x1, "x2": x2, "loss": loss})


def lists(graph):
    """What the edges of a graph say, readably."""
    return [(edge.source.name, edge.target.name, edge.local_derivative) for edge in graph.edges]
