"""What the tests of data sets share: an environment of their own, the real MNIST files if found, a mirror."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nn.datasets import fashion_mnist, mnist
from tests.nn.datasets.mirror import Mirror, serve

# As the environment was when pytest started: `own_environment` hides it from the tests themselves.
DATA_FOLDERS = (
    os.environ.get("AUTOGRAD_CORE_DATA"),
    Path(__file__).resolve().parents[4] / "shared" / "data" / "mnist",  # beside the checkout
)


@pytest.fixture(scope="session")
def real_mnist() -> Path:
    """The folder with the real MNIST files; without one, the test is skipped."""
    for folder in filter(None, DATA_FOLDERS):
        if list(Path(folder).glob("train-images*")):
            return Path(folder)
    pytest.skip("no MNIST files: set AUTOGRAD_CORE_DATA to a folder that holds the four of them")


@pytest.fixture
def closed_mirror() -> str:
    """An address where nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/mnist/"


@pytest.fixture(autouse=True)
def own_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, closed_mirror: str
) -> None:
    """No test sees the user's files or fills the user's cache, and none gets further than this machine."""
    monkeypatch.delenv("AUTOGRAD_CORE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
    monkeypatch.setenv("NO_PROXY", "*")
    for data_set in (mnist, fashion_mnist):
        monkeypatch.setattr(data_set, "MIRRORS", (closed_mirror, closed_mirror))


@pytest.fixture
def cache() -> Path:
    """The project's cache folder in this test; not made yet."""
    return Path(os.environ["XDG_CACHE_HOME"]) / "autograd-core"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A mirror that answers, with nothing in it yet."""
    with serve() as served:
        yield served
