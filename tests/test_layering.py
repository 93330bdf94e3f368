"""Imports point one way: demos -> nn -> optim -> autograd_core, and inside autograd_core from high to low.

The imports are read from the source with `ast`; nothing is imported. Imports under `if TYPE_CHECKING:` do not count.
"""

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The modules and subpackages of autograd_core, lowest first: each may import only what stands before it. The modules
# inside one subpackage may import one another, without a cycle. A new module gets its place here.
LAYERS = (
    "errors",
    "symbol",
    "foreign",
    "tree",
    "node",
    "recording",
    "hooks",
    "gaps",
    "scopes",
    "shapes",
    "methods",
    "tensor",
    "variable",
    "constants",
    "primitive",
    "details",
    "tracing",
    "scatter",
    "ops",
    "batching",
    "cotangents",
    "hooked",
    "backward",
    "forward",
    "linearize",
    "graph",
    "formulas",
    "tape",
    "functional",
    "probing",
    "custom",
    "recompute",
    "dispatch",
    "numpy",
    "compile",
    "control",
    "debug",
    "testing",
)

# What each package may import of the others; of those only public names.
MAY_IMPORT = {
    "autograd_core": set(),
    "optim": {"autograd_core"},
    "nn": {"autograd_core", "optim"},
    "demos": {"autograd_core", "optim", "nn"},
}

# The modules a user imports. All others are reached through the names these give.
PUBLIC_MODULES = {
    "autograd_core",
    *(f"autograd_core.{name}" for name in ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "testing")),
    "autograd_core.numpy.special",
    "autograd_core.tracing",
    "optim",
    "optim.schedules",
    "nn",
    *(f"nn.{name}" for name in ("activations", "callbacks", "data", "initializers", "layers", "losses", "metrics")),
    *(f"nn.{name}" for name in ("constraints", "datasets", "datasets.clusters", "datasets.fashion_mnist")),
    *(f"nn.{name}" for name in ("datasets.mnist", "models", "ops", "regularizers", "utils")),
}

# Third-party packages that may be imported where they are used.
OPTIONAL = {
    *("graphviz", "hypothesis", "IPython", "llvmlite", "matplotlib", "networkx", "numba", "PIL", "pooch", "pygraphviz"),
    *("pytest", "safetensors", "scipy", "tensorboard", "tqdm"),
}


@dataclass(frozen=True)
class Import:
    """One imported name: of `module`, or (`name` is None) the module itself, bound to `alias`."""

    line: int
    module: str
    name: str | None
    alias: str
    in_function: bool


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module
    imports: tuple[Import, ...]


# Reading


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def imports_in(nodes: list[ast.stmt], package: str, in_function: bool = False) -> Iterator[Import]:
    """The imports of a module that lives in `package`, with relative ones made absolute."""
    for node in nodes:
        if is_type_checking(node):
            yield from imports_in(node.orelse, package, in_function)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield Import(node.lineno, alias.name, None, bound, in_function)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                yield Import(node.lineno, module, alias.name, alias.asname or alias.name, in_function)
        else:
            inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from imports_in(list(ast.iter_child_nodes(node)), package, inside)


def read_modules(root: Path) -> dict[str, Module]:
    """The modules of our packages under `root`, by dotted name."""
    modules = {}
    for path in sorted(path for package in MAY_IMPORT for path in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        package = name if is_package else name.rpartition(".")[0]
        modules[name] = Module(name, path.relative_to(root), tree, tuple(imports_in(tree.body, package)))
    return modules


def target_of(imported: Import, modules: dict[str, Module]) -> str:
    """The module an import reads: `from package import module` reads the module, not the package."""
    full = f"{imported.module}.{imported.name}"
    return full if full in modules else imported.module


# Judging. Each check yields a line per violation.


def top(name: str) -> str:
    return name.partition(".")[0]


def exported_names(module: Module) -> set[str] | None:
    """What `__all__` lists; None if the module has none, or one that is put together when it is imported."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            with contextlib.suppress(ValueError):
                return set(ast.literal_eval(node.value))
    return None


def is_public(module: str, name: str, modules: dict[str, Module]) -> bool:
    """Whether other packages may use `module.name`: it is exported, or is itself a module that users import."""
    full = f"{module}.{name}"
    if full in PUBLIC_MODULES:
        return True
    if module not in PUBLIC_MODULES:
        return False
    exported = exported_names(modules[module]) if module in modules else None
    if exported is not None:
        return name in exported or (name.startswith("__") and name.endswith("__"))
    return not name.startswith("_") and full not in modules


def attribute_chains(module: Module, modules: dict[str, Module]) -> Iterator[tuple[int, str, str]]:
    """(line, module, name) for every `alias.name` where the alias is a module of another of our packages."""
    bound = {}
    for imported in module.imports:
        target = f"{imported.module}.{imported.name}" if imported.name else imported.module
        if imported.name is None and imported.alias == top(imported.module):  # `import a.b` binds `a`
            target = imported.alias
        if top(target) in MAY_IMPORT and top(target) != top(module.name) and target in {*modules, *PUBLIC_MODULES}:
            bound[imported.alias] = target
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            base, _, rest = ast.unparse(node.value).partition(".")
            full = ".".join(filter(None, [bound.get(base, ""), rest]))
            if base in bound and full in PUBLIC_MODULES:
                yield node.lineno, full, node.attr


def check_packages(modules: dict[str, Module]) -> Iterator[str]:
    """Packages import only those below them, and of those only public names."""
    for module in modules.values():
        package = top(module.name)
        for imported in module.imports:
            where, other = f"{module.path}:{imported.line}", top(imported.module)
            if other == package or other not in MAY_IMPORT:
                continue
            if other not in MAY_IMPORT[package]:
                yield f"{where}: {package} must not import {other}"
            elif imported.name is None and imported.module not in PUBLIC_MODULES:
                yield f"{where}: {imported.module} is not a public module"
            elif imported.name is not None and not is_public(imported.module, imported.name, modules):
                yield f"{where}: {imported.module}.{imported.name} is not a public name"
        for line, owner, name in attribute_chains(module, modules):
            if not is_public(owner, name, modules):
                yield f"{module.path}:{line}: {owner}.{name} is not a public name"


def layer_of(name: str) -> str:
    """'ops' for autograd_core.ops.elementwise; '' for autograd_core itself."""
    return [*name.split("."), ""][1]


def check_layers(modules: dict[str, Module]) -> Iterator[str]:
    """Inside autograd_core a module imports only lower layers."""
    height = {name: index for index, name in enumerate(LAYERS)}
    ours = [module for module in modules.values() if top(module.name) == "autograd_core" and layer_of(module.name)]
    for module in ours:
        layer = layer_of(module.name)
        if layer not in height:
            yield f"{module.path}: '{layer}' has no place yet: add it to LAYERS in tests/test_layering.py"
            continue
        for imported in module.imports:
            target = target_of(imported, modules)
            if top(target) != "autograd_core":
                continue
            if height.get(layer_of(target), len(LAYERS)) > height[layer]:
                yield f"{module.path}:{imported.line}: {layer} must not import {target}, which stands above it"


def check_cycles(modules: dict[str, Module]) -> Iterator[str]:
    """No module imports itself by way of others."""
    edges = {
        module.name: {target for imported in module.imports if (target := target_of(imported, modules)) in modules}
        for module in modules.values()
    }
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        # graphlib lists a cycle so that each module is imported by the next
        yield "import cycle: " + " -> ".join(reversed(error.args[1]))


def check_function_imports(modules: dict[str, Module]) -> Iterator[str]:
    """Inside a function only optional third-party packages are imported."""
    for module in modules.values():
        for imported in module.imports:
            if imported.in_function and top(imported.module) not in OPTIONAL:
                yield f"{module.path}:{imported.line}: {imported.module} is imported inside a function"


CHECKS = (check_packages, check_layers, check_cycles, check_function_imports)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_imports_of_the_packages(check):
    """Every import in autograd_core, optim, nn and demos points the right way."""
    violations = list(dict.fromkeys(check(read_modules(ROOT))))  # `from m import a, b` is one fault
    assert not violations, "\n" + "\n".join(violations)


def test_the_packages_are_there():
    """The checks above hold of empty packages too, so see that they had something to read."""
    assert set(MAY_IMPORT) <= set(map(top, read_modules(ROOT)))


# The checks themselves, on small trees


BASE = {
    "autograd_core/__init__.py": "from .tape import Tape\nfrom .errors import Error\n__all__ = ['Tape', 'Error']",
    "autograd_core/errors.py": "",
    "autograd_core/tape.py": "from . import errors",
    "autograd_core/ops/__init__.py": "from . import first, second",
    "autograd_core/ops/first.py": "from ..errors import Error",
    "autograd_core/ops/second.py": "from . import first",
    "autograd_core/numpy/__init__.py": "",
    "optim/__init__.py": "import autograd_core as ag\nfrom autograd_core import Tape\nag.Tape",
    "nn/__init__.py": "import autograd_core.numpy as anp\nimport optim\nanp.sin",
    "nn/dense.py": "from autograd_core.numpy import exp",
    "demos/clusters.py": "import autograd_core as ag\nimport nn\nfrom nn.datasets import clusters\nag.numpy.sin",
}


def violations_in(folder: Path, changes: dict[str, str]) -> list[str]:
    """What the checks say of the base tree with some files replaced."""
    for name, text in {**BASE, **changes}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    modules = read_modules(folder)
    return [violation for check in CHECKS for violation in check(modules)]


def test_a_tree_in_order_passes(tmp_path):
    """The base tree, on which each case below makes one change, has no violation."""
    assert violations_in(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("autograd_core/errors.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .tape import Tape"),
        ("autograd_core/errors.py", "def draw():\n    import matplotlib.pyplot as plt"),
        ("autograd_core/errors.py", "import numpy as np\nnp.tape"),
        ("nn/__init__.py", "from . import dense"),
        ("nn/dense.py", "import nn"),
        ("autograd_core/numpy/__init__.py", "__all__ = 'sin exp'.split()"),
    ],
)
def test_what_is_allowed(tmp_path, path, text):
    """Imports for type checking, of optional packages inside functions, and of what stands lower are allowed."""
    assert violations_in(tmp_path, {path: text}) == []


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("autograd_core/errors.py", "import nn", "autograd_core must not import nn"),
        ("autograd_core/errors.py", "from .tape import Tape", "errors must not import autograd_core.tape"),
        ("autograd_core/errors.py", "from . import tape", "errors must not import autograd_core.tape"),
        ("autograd_core/errors.py", "try:\n    from . import tape\nexcept ImportError:\n    pass", "must not import"),
        ("autograd_core/errors.py", "if 1:\n    pass\nelse:\n    import autograd_core.tape", "must not import"),
        ("autograd_core/tape.py", "import autograd_core as ag", "tape must not import autograd_core, which"),
        ("autograd_core/tape.py", "from autograd_core import Error", "tape must not import autograd_core, which"),
        ("autograd_core/ops/first.py", "from ..tape import Tape", "ops must not import autograd_core.tape"),
        ("autograd_core/ops/first.py", "from . import second", "import cycle"),
        ("autograd_core/novel.py", "", "'novel' has no place yet: add it to LAYERS"),
        ("autograd_core/tape.py", "def f():\n    from . import errors", "imported inside a function"),
        (
            "autograd_core/tape.py",
            "class A:\n    async def f(self):\n        import json",
            "imported inside a function",
        ),
        ("optim/sgd.py", "import nn", "optim must not import nn"),
        ("optim/sgd.py", "from nn.losses import mse", "optim must not import nn"),
        ("optim/sgd.py", "import demos.clusters", "optim must not import demos"),
        ("optim/sgd.py", "from autograd_core import _hidden", "autograd_core._hidden is not a public name"),
        ("optim/sgd.py", "from autograd_core import tape", "autograd_core.tape is not a public name"),
        ("optim/sgd.py", "from autograd_core.tape import Tape", "autograd_core.tape.Tape is not a public name"),
        ("optim/sgd.py", "from autograd_core import *", "autograd_core.* is not a public name"),
        ("optim/sgd.py", "import autograd_core.tape", "autograd_core.tape is not a public module"),
        ("optim/sgd.py", "import autograd_core as ag\nag.tape.Tape", "autograd_core.tape is not a public name"),
        ("optim/sgd.py", "import autograd_core as ag\nag.Tape\nag._x", "autograd_core._x is not a public name"),
        ("optim/sgd.py", "import autograd_core\nautograd_core.numpy._x", "autograd_core.numpy._x is not a public name"),
        ("nn/dense.py", "from optim import _slots", "optim._slots is not a public name"),
        ("demos/clusters.py", "from nn.dense import Dense", "nn.dense.Dense is not a public name"),
        ("demos/clusters.py", "def main():\n    import nn", "imported inside a function"),
    ],
)
def test_a_violation_is_found(tmp_path, path, text, message):
    """One wrong import is reported, in words that name it."""
    violations = violations_in(tmp_path, {path: text})
    assert any(message in violation for violation in violations), violations


def test_a_cycle_through_a_package_is_found(tmp_path):
    """A layer that reads its own package, which reads the layer, is a cycle."""
    changes = {"nn/__init__.py": "from .dense import Dense", "nn/dense.py": "import nn"}
    assert violations_in(tmp_path, changes) in (
        ["import cycle: nn -> nn.dense -> nn"],
        ["import cycle: nn.dense -> nn -> nn.dense"],
    )
