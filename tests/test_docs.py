"""The Python shown in the documentation and in the README runs.

The blocks of one page run top to bottom in one namespace, in an empty folder. A block with `>>>` prompts is a doctest.
A block that cannot run here says why in a comment just above it: `.. skip: REASON` in reStructuredText,
`<!-- skip: REASON -->` in Markdown.
"""

import doctest
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [ROOT / "README.md", *(path for end in ("rst", "md") for path in (ROOT / "docs").rglob(f"*.{end}"))],
)

OPENING = {
    ".rst": re.compile(r"(?P<indent> *)\.\. (?:code-block|code|sourcecode):: *(?:python|python3|pycon)\s*$"),
    ".md": re.compile(r"(?P<indent> *)```(?:python|py|pycon)\s*$"),
}
SKIP = {".rst": re.compile(r" *\.\. skip: *(?P<reason>.*)$"), ".md": re.compile(r" *<!-- skip: *(?P<reason>.*?) *-->$")}
OPTION = re.compile(r" +:[\w-]+:")


@dataclass(frozen=True)
class Block:
    """A block of Python; `line` is that of its first line of code, `skip` the reason not to run it."""

    line: int
    code: str
    skip: str | None


def body_of(lines: list[str], start: int, indent: int, kind: str) -> tuple[int, list[str]]:
    """Where the code of the block opened just before `start` begins, and its lines."""
    if kind == ".md":
        length = next((i for i, line in enumerate(lines[start:]) if line.strip() == "```"), len(lines))
        return start, lines[start : start + length]
    while start < len(lines) and (OPTION.match(lines[start]) or not lines[start].strip()):
        start += 1
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" " * (indent + 1))):
        end += 1
    return start, lines[start:end]


def python_blocks(text: str, kind: str) -> Iterator[Block]:
    """The Python blocks of a page; `kind` is '.rst' or '.md'."""
    lines = text.splitlines()
    reason: str | None = None
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if skip := SKIP[kind].match(line):
            reason = skip["reason"]
        elif opening := OPENING[kind].match(line):
            start, body = body_of(lines, position, len(opening["indent"]), kind)
            yield Block(start + 1, textwrap.dedent("\n".join(body)).rstrip() + "\n", reason)
            position = start + len(body)
            reason = None
        elif line.strip():
            reason = None


def run_block(block: Block, page: str, namespace: dict[str, object]) -> None:
    """Run a block in a page's namespace; a traceback names the page and its line."""
    if not block.code.startswith(">>>"):
        exec(compile("\n" * (block.line - 1) + block.code, page, "exec"), namespace)
        return
    examples = doctest.DocTestParser().get_doctest(block.code, namespace, page, page, block.line - 1)
    doctest.DebugRunner(optionflags=doctest.ELLIPSIS).run(examples, clear_globs=False)
    namespace.update(examples.globs)


def cases() -> Iterator[object]:
    """One case per page with Python on it, and one, skipped, per block that says why it is not run."""
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        blocks = list(python_blocks(page.read_text(encoding="utf-8"), page.suffix))
        if shown := [block for block in blocks if block.skip is None]:
            yield pytest.param(name, shown, id=name)
        for block in blocks:
            if block.skip is not None:
                reason = f"{name}:{block.line}: {block.skip}"
                yield pytest.param(name, [block], id=f"{name}:{block.line}", marks=pytest.mark.skip(reason=reason))


@pytest.mark.parametrize(("page", "blocks"), list(cases()))
def test_the_code_of_a_page_runs(page, blocks, tmp_path, monkeypatch):
    """What a reader copies from a page, from its top on, works."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        run_block(block, page, namespace)


def test_every_skipped_block_has_a_reason():
    """`.. skip:` with nothing after it is not enough."""
    for page in PAGES:
        for block in python_blocks(page.read_text(encoding="utf-8"), page.suffix):
            assert block.skip is None or block.skip.strip(), f"{page.name}:{block.line}: skipped without a reason"


# The extraction itself

RST = """\
Title
=====

.. code-block:: python
   :caption: first

   x = 1

   y = 2

Text, and a block that is not Python:

.. code-block:: console

   $ x = 3

* in a list

  .. code-block:: python

     z = x + y

.. skip: needs a network

.. code-block:: python

   fetch()
"""

MD = """\
# Title

```python
x = 1
```

```console
$ x = 3
```

<!-- skip: needs a network -->
```python
fetch()
```

```pycon
>>> x + 1
2
```
"""


def test_blocks_of_restructuredtext():
    """Code blocks are found with their lines, dedented, without their options, and skips with their reasons."""
    assert list(python_blocks(RST, ".rst")) == [
        Block(7, "x = 1\n\ny = 2\n", None),
        Block(21, "z = x + y\n", None),
        Block(27, "fetch()\n", "needs a network"),
    ]


def test_blocks_of_markdown():
    """The same for fenced blocks."""
    assert list(python_blocks(MD, ".md")) == [
        Block(4, "x = 1\n", None),
        Block(13, "fetch()\n", "needs a network"),
        Block(17, ">>> x + 1\n2\n", None),
    ]


def test_blocks_share_a_namespace_and_errors_name_the_line():
    """A later block sees the names of an earlier one; a failure points into the page."""
    namespace = {}
    run_block(Block(4, "x = 1\n", None), "page.md", namespace)
    run_block(Block(17, ">>> x + 1\n2\n>>> y = 5\n", None), "page.md", namespace)
    assert (namespace["x"], namespace["y"]) == (1, 5)
    with pytest.raises(ZeroDivisionError) as caught:
        run_block(Block(30, "x = 2\nx / 0\n", None), "page.md", namespace)
    entry = caught.traceback[-1]
    assert (str(entry.path), entry.lineno + 1) == ("page.md", 31)
    with pytest.raises(doctest.DocTestFailure):
        run_block(Block(17, ">>> x + 1\n7\n", None), "page.md", namespace)
