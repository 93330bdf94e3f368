"""The chain rule, edge by edge: loss = abs(y_true - (x * w + b)) at x = 2, w = 3, b = 1, y_true = 4.

Prints the value of every node, the local derivative on every edge, and the products along the paths from the loss back
to w and b, which are the gradients; and draws the graph, once by the names below and once operation by operation.
"""

from __future__ import annotations

import autograd_core as ag
from demos._shared import draw_graph, make_parser, run

FORMULAS = {"x1": "x * w", "x2": "x1 + b", "loss": "abs(y_true - x2)"}


def compute() -> tuple[ag.GradientTape, dict[str, ag.Tensor | ag.Variable]]:
    """The values, by their names, and the tape that recorded them."""
    x, y_true = ag.constant(2.0), ag.constant(4.0)
    w, b = ag.Variable(3.0), ag.Variable(1.0)
    with ag.GradientTape(persistent=True) as tape:
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    return tape, {"x": x, "w": w, "b": b, "y_true": y_true, "x1": x1, "x2": x2, "loss": loss}


def print_values(graph: ag.Graph) -> None:
    given = ", ".join(f"{name} = {graph.node(name).array:g}" for name in ("x", "w", "b", "y_true"))
    print(f"loss = abs(y_true - (x * w + b)) at {given}\n")
    print("Forward, the value of every node:")
    for name, formula in FORMULAS.items():
        print(f"    {name:<4} = {formula:<16} = {graph.node(name).array:g}")


def print_local_derivatives(graph: ag.Graph, operations: ag.Graph) -> None:
    print("\nBackward, the local derivative on every edge:")
    for node in reversed(graph.nodes):
        for edge in graph.incoming(node):
            if edge.local_derivative is not None:  # none is wanted for x and y_true: they are constants
                step = f"d {edge.target.name} / d {edge.source.name}"
                print(f"    {step:<13} = {edge.local_derivative:g}")
    (path,) = operations.paths("x2", "loss")
    factors = " * ".join(f"({edge.local_derivative:g})" for edge in reversed(path.edges))
    print(f"    (from x2 to the loss are two operations, the difference and abs: {factors} = {path.product:g})")


def print_gradients(graph: ag.Graph, tape: ag.GradientTape, values: dict[str, ag.Tensor | ag.Variable]) -> None:
    print("\nThe gradient, the product along the path:")
    for name in ("w", "b"):
        (path,) = graph.paths(name, "loss")
        way = " <- ".join(str(node.name) for node in reversed(path.nodes))
        factors = " * ".join(f"{edge.local_derivative:g}" for edge in reversed(path.edges))
        by_tape = tape.gradient(values["loss"], values[name]).item()
        print(
            f"    d loss / d {name} = {factors:<9} = {path.product:g}    along {way:<21}    tape.gradient: {by_tape:g}"
        )


def main() -> None:
    options = make_parser(__doc__).parse_args()
    tape, values = compute()
    operations = ag.graph(values["loss"], names=values)
    graph = operations.condense()  # only what has a name: x2 and the loss are one edge apart
    print_values(graph)
    print_local_derivatives(graph, operations)
    print_gradients(graph, tape, values)
    print()
    for drawn, name in ((graph, "chain_rule"), (operations, "chain_rule_operations")):
        for suffix in (".svg", ".png"):
            draw_graph(drawn, options.output / (name + suffix))


if __name__ == "__main__":
    run(main)
