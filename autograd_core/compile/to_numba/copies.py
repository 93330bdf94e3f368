"""Source of loops that only copy: parts of a larger array, and entries that an update changes."""

from __future__ import annotations

from ...symbol import Value
from ..machine.scalar import names_in
from .loops import INDICES, View, collapsed, place
from .lower import Op


def copy_lines(target: View, source: View, target_name: str, source_name: str) -> list[str]:
    """Loops that copy a view to another one of the same shape."""
    pairs = [(side, s, t) for side, s, t in zip(target.shape, source.strides, target.strides, strict=True) if side != 1]
    shape = tuple(side for side, _, _ in pairs)
    shape, (read, write) = collapsed(shape, [tuple(s for _, s, _ in pairs), tuple(t for _, _, t in pairs)])
    lines = [f"{'    ' * at}for {INDICES[at]} in range({side}):" for at, side in enumerate(shape)]
    body = f"{target_name}[{place(write, target.offset)}] = {source_name}[{place(read, source.offset)}]"
    return [*lines, "    " * len(shape) + body]


def update_lines(op: Op, y: View, indices: list[View], names: dict[Value, str]) -> tuple[list[str], set[str]]:
    """Loops over the entries that an update changes, and the functions used in them."""
    kept = [at for at, side in enumerate(op.params["shape"]) if side != 1]
    shape = [op.params["shape"][at] for at in kept]
    used: set[str] = set()

    def read(view: View) -> str:
        return f"{names[view.root]}[{place(tuple(view.strides[at] for at in kept), view.offset)}]"

    terms = []
    for view, (stride, side) in zip(indices, op.params["terms"], strict=True):
        used.add("wrapped")
        terms.append(f"wrapped({read(view)}, {side})" + (f" * {stride}" if stride != 1 else ""))
    rest = place(op.params["strides"], op.params["offset"])
    where = " + ".join(terms + ([rest] if rest != "0" or not terms else []))
    target, value = f"{names[op.result]}[at]", read(y)
    if y.root.dtype != op.result.dtype:
        value = f"({value} != 0)" if op.result.dtype.kind == "b" else f"{op.result.dtype.name}({value})"
    if op.params["mode"] == "add":
        value = f"{target} | {value}" if op.result.dtype.kind == "b" else f"{target} + {value}"
    lines = [f"{'    ' * at}for {INDICES[at]} in range({side}):" for at, side in enumerate(shape)]
    indent = "    " * len(shape)
    return [*lines, f"{indent}at = {where}", f"{indent}{target} = {value}"], used | names_in(value)
