"""Files are found in the documented order, or downloaded whole, or one message says where they were looked for."""

import gzip
import os
import shutil
import socket
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import autograd_core as ag
from nn.datasets import _locate
from nn.datasets._locate import Source, cache_folder, locate
from tests.nn.datasets.mirror import Mirror, serve

NAMES = ("some-images-idx3-ubyte", "some-labels-idx1-ubyte")
RIGHT = gzip.compress(b"right")
WRONG = gzip.compress(b"wrong")


def is_right(name: str, file: Path) -> None:
    """The check that a data set brings along."""
    assert name in NAMES
    if gzip.decompress(file.read_bytes()) != b"right":
        raise ag.DataError(f"{file}: not right")


def find(path: Path | None = None, mirrors: tuple[str, ...] = (), names: tuple[str, ...] = NAMES) -> dict[str, Path]:
    """``locate`` for the files of these tests."""
    return locate(Source("Some set", names, mirrors), path, is_right)


def fill(folder: Path, *names: str) -> Path:
    """``folder`` with files of these names in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(RIGHT)
    return folder


def files_in(folder: Path) -> list[str]:
    """All that is in a folder, at any depth."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def test_order_of_places(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First path, then the environment's folder, then the cache."""
    first, second = fill(tmp_path / "first", *NAMES), fill(tmp_path / "second", *NAMES)
    fill(cache, *NAMES)
    monkeypatch.setenv("AUTOGRAD_CORE_DATA", str(second))
    for folder in (first, second, cache):
        assert find(first) == {name: folder / name for name in NAMES}
        shutil.rmtree(folder)
        first.mkdir(exist_ok=True)


def test_each_file_is_looked_for_by_itself(tmp_path: Path, cache: Path) -> None:
    """One in the folder given and one in the cache make a whole set."""
    folder = fill(tmp_path / "first", NAMES[1])
    fill(cache, *NAMES)
    assert find(folder) == {NAMES[0]: cache / NAMES[0], NAMES[1]: folder / NAMES[1]}


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("stem", ["some-images-idx3-ubyte", "some-images.idx3-ubyte"])
def test_spellings(tmp_path: Path, stem: str, ending: str) -> None:
    """Dash or dot, compressed or not."""
    assert find(fill(tmp_path, stem + ending), names=NAMES[:1]) == {NAMES[0]: tmp_path / (stem + ending)}


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """Some programs unpack a file into a folder of its name."""
    (tmp_path / NAMES[0]).mkdir()
    assert find(fill(tmp_path, f"{NAMES[0]}.gz"), names=NAMES[:1]) == {NAMES[0]: tmp_path / f"{NAMES[0]}.gz"}


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``~`` in path or in the environment variable, which no shell has replaced."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    fill(tmp_path / "digits", *NAMES)
    assert find(Path("~/digits")) == {name: tmp_path / "digits" / name for name in NAMES}
    monkeypatch.setenv("AUTOGRAD_CORE_DATA", "~/digits")
    assert find() == {name: tmp_path / "digits" / name for name in NAMES}


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "~/.cache/autograd-core"),
        ("linux", {"XDG_CACHE_HOME": "{tmp}/xdg"}, "{tmp}/xdg/autograd-core"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "~/.cache/autograd-core"),
        ("darwin", {}, "~/Library/Caches/autograd-core"),
        ("win32", {}, "~/AppData/Local/autograd-core/Cache"),
        ("win32", {"LOCALAPPDATA": "{tmp}/local"}, "{tmp}/local/autograd-core/Cache"),
    ],
)
def test_cache_folder(
    platform: str, environment: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform's own folder for caches, unless XDG_CACHE_HOME names one."""
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(tmp=tmp_path))
    assert cache_folder() == Path(expected.format(tmp=tmp_path)).expanduser()


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a cache all the same, and no error on the way to files that are elsewhere."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert cache_folder().is_absolute()
    assert Path(tempfile.gettempdir()) in cache_folder().parents


def test_a_missing_folder_is_an_error(tmp_path: Path, cache: Path) -> None:
    """A path asked for in so many words is not passed over, even if the files are elsewhere."""
    fill(cache, *NAMES)
    with pytest.raises(ag.DataNotFoundError, match=r"Some set: path .*absent' does not exist; expected a folder"):
        find(tmp_path / "absent")
    with pytest.raises(ag.DataNotFoundError, match="does not exist"):
        find(Path("~nobody-of-this-name/digits"))
    (tmp_path / "mnist.npz").touch()
    with pytest.raises(ag.DataError, match=r"path .*mnist\.npz' is not a folder"):
        find(tmp_path / "mnist.npz")
    with pytest.raises(ag.DataError, match="path is 7; expected the path of a folder"):
        find(7)  # type: ignore[arg-type]


def test_download(mirror: Mirror, cache: Path) -> None:
    """What is missing is downloaded once; what comes is in the cache under its name, and nothing else is."""
    mirror.files = dict.fromkeys((f"{name}.gz" for name in NAMES), RIGHT)
    fill(cache, NAMES[0])
    expected = {NAMES[0]: cache / NAMES[0], NAMES[1]: cache / f"{NAMES[1]}.gz"}
    assert find(mirrors=(mirror.address,)) == expected
    assert find(mirrors=(mirror.address,)) == expected
    assert mirror.asked == [f"{NAMES[1]}.gz"]
    assert files_in(cache) == [NAMES[0], f"{NAMES[1]}.gz"]
    assert expected[NAMES[1]].read_bytes() == RIGHT


@pytest.mark.parametrize("fault", ["closed", "absent", "wrong"])
def test_the_next_mirror_is_asked(fault: str, mirror: Mirror, closed_mirror: str, cache: Path) -> None:
    """After one that is unreachable, lacks the file or has a wrong one; that one is not asked again."""
    right = dict.fromkeys((f"{name}.gz" for name in NAMES), RIGHT)
    with serve() as bad:
        bad.files = {"closed": right, "absent": {}, "wrong": dict.fromkeys(right, WRONG)}[fault]
        mirror.files = right
        first = closed_mirror if fault == "closed" else bad.address
        assert find(mirrors=(first, mirror.address)) == {name: cache / f"{name}.gz" for name in NAMES}
        assert len(bad.asked) == (0 if fault == "closed" else 1)
    assert mirror.asked == list(right)
    assert files_in(cache) == sorted(right)
    assert {file.read_bytes() for file in cache.iterdir()} == {RIGHT}


def test_a_broken_download_leaves_nothing_behind(mirror: Mirror, cache: Path) -> None:
    """Neither under its name nor under another."""
    mirror.files = {f"{NAMES[0]}.gz": WRONG}
    with pytest.raises(ag.DataNotFoundError, match=r"DataError: .*not right"):
        find(mirrors=(mirror.address,))
    assert files_in(cache) == []


def test_an_interrupted_download_leaves_nothing_behind(mirror: Mirror, cache: Path) -> None:
    """Ctrl-C half-way."""

    def interrupted(name: str, file: Path) -> None:
        assert file.exists()
        raise KeyboardInterrupt

    mirror.files = {f"{NAMES[0]}.gz": RIGHT}
    with pytest.raises(KeyboardInterrupt):
        locate(Source("Some set", NAMES, (mirror.address,)), None, interrupted)
    assert files_in(cache) == []


def test_two_downloads_at_once(mirror: Mirror, cache: Path) -> None:
    """Both check a whole file of their own, both get the cached one, and one copy stays."""
    mirror.files = {f"{NAMES[0]}.gz": RIGHT}
    both_have_it = threading.Barrier(2, timeout=30)
    checked = []

    def check(name: str, file: Path) -> None:
        is_right(name, file)
        checked.append(file)
        both_have_it.wait()

    source = Source("Some set", NAMES[:1], (mirror.address,))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: locate(source, None, check), range(2)))
    assert found == [{NAMES[0]: cache / f"{NAMES[0]}.gz"}] * 2
    assert len(set(checked)) == 2
    assert files_in(cache) == [f"{NAMES[0]}.gz"]


def test_nothing_anywhere(
    tmp_path: Path, cache: Path, mirror: Mirror, closed_mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message, on one line: what is missing, each place and mirror with what was wrong there, what to do."""
    monkeypatch.setenv("AUTOGRAD_CORE_DATA", str(tmp_path / "absent"))
    folder = fill(tmp_path / "folder", NAMES[0])
    with pytest.raises(ag.DataNotFoundError) as caught:
        find(folder, mirrors=(closed_mirror, mirror.address))
    message = str(caught.value)
    assert message.startswith(f"Some set: {NAMES[1]} not found. ")
    for part in (
        f"path '{folder}';",
        f"variable AUTOGRAD_CORE_DATA '{tmp_path / 'absent'}' (no such folder)",
        f"the cache folder '{cache}' (no such folder)",
        f"{closed_mirror}{NAMES[1]}.gz (",
        "refused",
        f"{mirror.address}{NAMES[1]}.gz (the answer was HTTP status 404)",
        "What to do: put these files",
        "set the environment variable AUTOGRAD_CORE_DATA to that folder or pass it as path=",
    ):
        assert part in message
    assert "\n" not in message
    assert len(message) < 1500


def test_a_cache_that_cannot_be_made(tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a reason in the message, not a traceback of its own."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    mirror.files = dict.fromkeys((f"{name}.gz" for name in NAMES), RIGHT)
    with pytest.raises(ag.DataNotFoundError, match=r"NotADirectoryError|FileNotFoundError|FileExistsError"):
        find(mirrors=(mirror.address,))


def test_pooch_missing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra, and the way without it; where all is found pooch is not missed."""
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ag.MissingExtraError, match=r'pip install "autograd-core\[demos\]"') as caught:
        find()
    for part in (*NAMES, str(cache), "AUTOGRAD_CORE_DATA (not set)", "put these files"):
        assert part in str(caught.value)
    fill(cache, *NAMES)
    assert len(find()) == 2


@pytest.mark.parametrize("on_terminal", [True, False])
def test_progress_bar_only_on_a_terminal(
    on_terminal: bool, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise not a word."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: on_terminal)
    mirror.files = dict.fromkeys((f"{name}.gz" for name in NAMES), RIGHT)
    find(mirrors=(mirror.address,))
    out, err = capsys.readouterr()
    assert out == ""
    assert ("100%" in err) == on_terminal
    assert bool(err) == on_terminal


def test_a_mirror_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and then says nothing; the wait is of seconds."""
    assert max(_locate._TIMEOUT) <= 10
    monkeypatch.setattr(_locate, "_TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(ag.DataNotFoundError, match=r"Read timed out\. \(read timeout=0\.2\)"):
            find(mirrors=(mirror,))
