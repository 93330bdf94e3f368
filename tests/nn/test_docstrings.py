"""Every public class has a docstring, in which each parameter is found, or that says where; and a place in the site."""

import inspect
import re
from pathlib import Path

import pytest

import nn
import optim

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
SPACES = (
    nn.layers, nn.losses, nn.metrics, nn.callbacks, nn.initializers, nn.regularizers, nn.constraints, nn.utils, nn.data,
    optim, optim.schedules,
)  # fmt: skip
CLASSES = {
    f"{space.__name__}.{name}": value
    for space in SPACES
    for name, value in vars(space).items()
    if inspect.isclass(value) and value.__module__.startswith(space.__name__.partition(".")[0]) and name[0] != "_"
    if value.__name__ == name  # not the second name of a class
}
POINTER = re.compile(r"``(?:nn\.\w+\.)?(\w+)``")
EXPLAINED_BY_THEIR_NAMES = {"args", "kwargs", "options", "shared", "others", "name", "dtype"}


def text_for(cls, depth=2):
    """The docstrings of a class and its bases, and of what they point to in their own modules."""
    found = ""
    for base in cls.__mro__ if inspect.isclass(cls) else [cls]:
        own = (base.__dict__.get("__doc__") if inspect.isclass(base) else base.__doc__) or ""
        found += own
        if depth:
            space = {**vars(nn.losses), **vars(inspect.getmodule(base) or nn)}
            named = [space.get(name) for name in POINTER.findall(own)]
            others = [it for it in named if inspect.isroutine(it) or (inspect.isclass(it) and it not in cls.__mro__)]
            found += "".join(text_for(it, depth - 1) for it in others)
    return found


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class_and_its_parameters_are_described(name):
    cls = CLASSES[name]
    assert cls.__dict__.get("__doc__"), f"{name} has no docstring of its own"
    text = text_for(cls)
    ranges = re.findall(r"from\s``(\w+)``\sto\s``(\w+)``", text)
    parameters = list(inspect.signature(cls).parameters)
    covered = EXPLAINED_BY_THEIR_NAMES.union(re.findall(r"\w+", text + text.lower()))
    for first, last in ranges:
        if first in parameters and last in parameters:
            covered.update(parameters[parameters.index(first) : parameters.index(last) + 1])
    assert [parameter for parameter in parameters if parameter not in covered] == []


def test_every_layer_is_on_its_page():
    page = (DOCS / "nn_layers.rst").read_text(encoding="utf-8")
    listed = re.findall(r"auto(?:class|function):: nn\.layers\.(\w+)\s", page)
    assert len(listed) == len(set(listed))
    assert {name.rpartition(".")[2] for name in CLASSES if name.startswith("nn.layers.")} == set(listed) - {"Input"}
