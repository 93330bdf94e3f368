"""Where the files of a data set come from: a folder on this machine, or else a mirror.

``locate`` does it all. Folders are searched in a fixed order (see ``search_places``), file by file, so that a cache
with three of four files needs one download. A downloaded file gets its name in the cache only once it has passed
the caller's check: what is in the cache is whole, also if two processes fill it at once or one is killed half-way.
"""

import importlib.util
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import autograd_core as ag

__all__ = ["Place", "Source", "cache_folder", "locate", "search_places"]

DATA_VARIABLE = "AUTOGRAD_CORE_DATA"
_PROJECT = "autograd-core"
# Seconds to connect, and to wait for the next bytes. Behind a firewall that swallows packets, the first is spent on
# each of a mirror's addresses, of which there may be a dozen: two seconds each keep the wait well below a minute.
_TIMEOUT = (2.0, 10.0)
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a data set and the mirrors (addresses ending in a slash) that have them, as ``NAME.gz``."""

    title: str
    names: tuple[str, ...]
    mirrors: tuple[str, ...]
    folder: str = ""  # inside the usual folders: two data sets may have files of the same names


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to look in, and what to call it in a message; no folder if it is not known."""

    label: str
    folder: Path | None

    def __str__(self) -> str:
        if self.folder is None:
            return f"{self.label} (not set)"
        return f"{self.label} {str(self.folder)!r}" + ("" if os.path.isdir(self.folder) else " (no such folder)")


def locate(
    source: Source, path: str | os.PathLike[str] | None, check: Callable[[str, Path], object]
) -> dict[str, Path]:
    """A path for each of the source's names, of a file found or downloaded.

    Parameters
    ----------
    source : Source
    path : str, path or None
        A folder to look in first.
    check : callable
        ``check(name, file)`` raises DataError if ``file`` is not the file of that name. Called for downloads only.

    Raises
    ------
    DataError
        If ``path`` is not a folder's path.
    DataNotFoundError
        If ``path`` does not exist, or a file is nowhere and no mirror gives it.
    MissingExtraError
        If a file is nowhere and the package for downloads is not installed.
    """
    places = search_places(source.title, path, source.folder)
    found = {name: file for name in source.names if (file := _find(name, places))}
    missing = [name for name in source.names if name not in found]
    return found | _download_all(source, missing, places, check) if missing else found


def search_places(title: str, path: str | os.PathLike[str] | None, inside: str = "") -> list[Place]:
    """The folders to look in, in order: ``path``, the one the environment names, the user's cache.

    Of the last two, the folder ``inside`` them, if the data set has one of its own.
    """
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(os.path.expanduser(named)) / inside if named else None
    places = [
        Place(f"the folder of the environment variable {DATA_VARIABLE}", folder),
        Place("the cache folder", cache_folder() / inside),
    ]
    return places if path is None else [Place("path", _existing_folder(title, path)), *places]


def _existing_folder(title: str, path: str | os.PathLike[str]) -> Path:
    """``path`` as a Path, if it is a folder. Only this one is insisted on: it was asked for in so many words."""
    if not isinstance(path, (str, os.PathLike)):
        raise ag.DataError(f"{title}: path is {path!r}; expected the path of a folder, as str or Path.")
    folder = Path(os.path.expanduser(path))  # unlike Path.expanduser, no error for a user there is not
    if os.path.isdir(folder):
        return folder
    if os.path.exists(folder):
        raise ag.DataError(f"{title}: path {str(folder)!r} is not a folder; expected the folder that holds the files.")
    raise ag.DataNotFoundError(
        f"{title}: path {str(folder)!r} does not exist; expected a folder. Pass path=None to look in the usual places."
    )


def cache_folder() -> Path:
    """The project's folder among the user's caches; it need not exist yet."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(chosen):  # the XDG specification: a relative path is to be ignored
        return Path(chosen) / _PROJECT
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or _home() / "AppData" / "Local") / _PROJECT / "Cache"
    return _home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / _PROJECT


def _home() -> Path:
    """The user's home; for a user without one, as in some containers, the folder for temporary files."""
    home = os.path.expanduser("~")
    return Path(home if os.path.isabs(home) else tempfile.gettempdir())


def _find(name: str, places: Sequence[Place]) -> Path | None:
    """The first file of that name, in any of its spellings."""
    stems = (name, name.replace("-idx", ".idx"))  # the dotted one is what older archives unpack to
    spellings = [stem + ending for stem in stems for ending in ("", ".gz")]
    candidates = (place.folder / spelling for place in places if place.folder for spelling in spellings)
    # Unlike Path.is_file, this is False, not an error, inside a folder we may not enter.
    return next((file for file in candidates if os.path.isfile(file)), None)


def _download_all(
    source: Source, names: Sequence[str], places: Sequence[Place], check: Callable[[str, Path], object]
) -> dict[str, Path]:
    """Download ``names`` into the cache. A mirror that fails once is not asked again."""
    looked = f"{source.title}: {', '.join(names)} not found. Looked in {'; in '.join(map(str, places))}"
    named, that = (f" named {source.folder}", "the one around it") if source.folder else ("", "that folder")
    way_out = (
        f"put these files (as they are, or with .gz) in a folder{named}, and set the environment variable "
        f"{DATA_VARIABLE} to {that} or pass it as path="
    )
    download = _downloader(f"{looked}. What to do: {way_out}; or, to have them downloaded,")
    mirrors = list(source.mirrors)
    failures: list[str] = []
    files: dict[str, Path] = {}
    for name in names:
        while name not in files:
            if not mirrors:
                raise ag.DataNotFoundError(f"{looked}; asked {'; '.join(failures)}. What to do: {way_out}.")
            url = f"{mirrors[0]}{name}.gz"
            try:
                files[name] = _download(download, url, name, check, cache_folder() / source.folder)
            except (OSError, ag.DataError) as error:  # OSError: all that goes wrong in a network or on a disk
                failures.append(f"{url} ({_reason(error)})")
                del mirrors[0]
    return files


def _downloader(missing_message: str) -> Callable[[str, Path], object]:
    """``download(url, file)``, with a progress bar when there is a terminal to show it on."""
    try:
        import pooch
    except ImportError:
        raise ag.MissingExtraError(f'{missing_message} install pooch: pip install "autograd-core[demos]".') from None
    progress = sys.stderr.isatty() and importlib.util.find_spec("tqdm") is not None
    fetch = pooch.HTTPDownloader(progressbar=progress, chunk_size=_CHUNK, timeout=_TIMEOUT)
    return lambda url, file: fetch(url, str(file), None)


def _download(
    download: Callable[[str, Path], object], url: str, name: str, check: Callable[[str, Path], object], cache: Path
) -> Path:
    """Download, check, and only then give the file its name in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{name}.gz"
    # Inside the cache, so that the renaming stays on one disk and is atomic; it vanishes whatever happens.
    with tempfile.TemporaryDirectory(prefix=".download-", dir=cache) as folder:
        part = Path(folder) / target.name
        download(url, part)
        check(name, part)
        # If it is there by now, another process was quicker, and it may be reading it (Windows minds).
        if not target.exists():
            part.replace(target)
    return target


def _reason(error: BaseException) -> str:
    """Why a download failed, in a few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the answer was HTTP status {response.status_code}"
    # Network errors come wrapped in one another; the innermost says what happened.
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    if isinstance(inner, BaseException):
        return _reason(inner)
    return textwrap.shorten(f"{type(error).__name__}: {error}", 200, placeholder=" ...")
